-- history.lua: undo and redo: session:begin(fn, { undo = "Move door", merge = key }), db.history.
--
-- A step is what one transaction has changed (src/session/replay.c); here they are kept in order.
--
-- Invariant: the steps that can be undone are those before `done`, the others can be redone. A step that was undone or
-- redone is what the database has; one that was refused leaves all as it was. Where the history is persistent
-- (stored_history.lua), a step has the number `id` of its rows there. replaying: "undo" or "redo" while one is at work.

local core, require = ...
local options = require "moonrow.options"
local changes = require "moonrow.changes"
local reserved_keys = require "moonrow.reserved_keys"
local stored_history = require "moonrow.stored_history"

local History = { __name = "History" }
History.__index = function(_, name)
  return History[name] or core.raise("ArgumentError", string.format("db.history has no '%s'%s", tostring(name),
    core.hint(tostring(name), History)))
end

local history = {}
local histories = setmetatable({}, { __mode = "k" }) -- by engine
local weak = { __mode = "v" }

-- The history of the engine.
function history.of(engine)
  local self = histories[engine]
  if not self then
    self = setmetatable({ list = {}, done = 0, bytes = 0, reserved = false, most = 100, most_bytes = 16e6,
      engine = engine, stored = false, replaying = false }, History)
    histories[engine] = self
  end
  return self
end

-- ---------------------------------------------------------------- recording

local function remove(self, at)
  self.bytes = self.bytes - self.list[at].step:bytes()
  table.remove(self.list, at)
  self.reserved = false
  if at <= self.done then self.done = self.done - 1 end
end

local function keep_limit(self)
  while #self.list > 0 and (#self.list > self.most or self.bytes > self.most_bytes) do
    if self.stored then self.stored:drop(self.list[1].id) end
    remove(self, 1)
  end
end

local function drop_redo(self)
  while #self.list > self.done do remove(self, #self.list) end
end

-- By table: the largest key of a row that is not there now, and that a step would bring back.
local function reserved(self)
  if self.reserved then return self.reserved end
  local all = {}
  for i, entry in ipairs(self.list) do
    for name, key in pairs(entry.step:absent(i > self.done)) do all[name] = math.max(key, all[name] or key) end
  end
  self.reserved = all
  return all
end

local function is_merged(last, merge) return last and merge ~= nil and last.merge == merge end

-- The commits of the engine are told to what is stored.
local function hear(self)
  changes.on_commit(self.engine, self.base, "history", function(...)
    if self.stored then self.stored:write(...) end
  end)
end

-- Where the history is persistent: what the commit of the session is to write.
local function expect(self, session, name, merge)
  if not self.stored then return nil end
  hear(self)
  local later, last = {}, self.list[self.done]
  for i = self.done + 1, #self.list do later[#later + 1] = self.list[i].id end
  return self.stored:expect(session, name, is_merged(last, merge) and last.id or nil, later)
end

local function push(self, session, step, name, merge, id)
  drop_redo(self)
  self.reserved = false
  reserved_keys.watch(session, function() return reserved(self) end)
  local last = self.list[self.done]
  self.bytes = self.bytes + step:bytes()
  if is_merged(last, merge) then
    last.step:join(step)
  else
    self.done = self.done + 1
    self.list[self.done] = { name = name, merge = merge, step = step, id = id,
      session = setmetatable({ session }, weak) }
  end
  keep_limit(self)
end

-- What is left of the call when the transaction is committed.
local function finish(self, session, step, token, name, merge, expected, ...)
  local added = step:add(changes.feed(self.engine), token, session)
  if expected and expected.written then self.stored:committed() end
  if added then push(self, session, step, name, merge, expected and expected.written) end
  if added == nil then self:clear() end -- nothing that lies before can be undone any more
  return ...
end

-- begin(): runs the function in a transaction of the session, as session:begin does.
function history.record(session, name, merge, begin)
  local engine = session.bind
  if not engine or engine.name ~= "sqlite" then
    core.raise("InvalidRequestError", "begin: undo needs an SQLite database: no other tells what its rows were")
  end
  local self, step = history.of(engine), core.step()
  local token = changes.feed(engine):token()
  local expected = expect(self, session, name, merge)
  local _ <close> = setmetatable({}, { __close = function()
    core.keep_deleted(session, nil)
    if self.stored then self.stored:forget_expected() end
  end })
  core.keep_deleted(session, step)
  return finish(self, session, step, token, name, merge, expected, begin())
end

-- ---------------------------------------------------------------- replay

local function describe(row)
  local key = row.key
  if type(key) == "table" then
    local list = {}
    for i, part in ipairs(key) do list[i] = tostring(part) end
    key = table.concat(list, ", ")
  end
  local name = row.class and tostring(row.class):match "^<class (.+)>$" or row.table
  return string.format("%s %s", name, tostring(key))
end

local function refuse_stored(what, name, reason)
  core.raise("UndoConflictError", string.format("%s of '%s': nothing was done, because %s; db.history:clear() forgets"
    .. " such steps", what, name, reason))
end

local function refuse(what, name, rows, reason)
  local words = {}
  for i = 1, math.min(#rows, 5) do words[i] = describe(rows[i]) end
  if #rows > 5 then words[6] = string.format("and %d more", #rows - 5) end
  local why = "the database refuses it: " .. tostring(reason)
  if #rows > 0 then why = "these rows were changed since by others: " .. table.concat(words, ", ") end
  local _, err = pcall(core.raise, "UndoConflictError", string.format("%s of '%s': nothing was done, because %s", what,
    name, why))
  err.rows = rows
  error(err, 0)
end

local function replay(self, what, at, back)
  local entry = self.list[at]
  if not entry then return nil end
  local session = entry.session[1]
  if not session or session.closed then session = self.default() end
  local stored = self.stored
  self.replaying = what
  local _ <close> = setmetatable({}, { __close = function()
    self.replaying = false
    if stored then stored:forget_expected() end
  end })
  if stored then
    local misfit = entry.stored and stored:misfit(entry)
    if misfit then refuse_stored(what, entry.name, misfit) end
    hear(self)
    stored:expect_replay(session, entry, back)
  end
  local rows, reason = entry.step:replay(session, self.base, back)
  if rows then refuse(what, entry.name, rows, reason) end
  if stored then stored:committed() end
  self.done, self.reserved = back and at - 1 or at, false
  reserved_keys.watch(session, function() return reserved(self) end)
  return entry.name
end

-- db.history:undo(): takes the last step back. Returns its name; nil where there is none.
function History:undo() return replay(self, "undo", self.done, true) end

-- db.history:redo(): does the step once more that was undone last.
function History:redo() return replay(self, "redo", self.done + 1, false) end

-- db.history:steps(): a list of { name =, bytes =, undone = }, the oldest first.
function History:steps()
  local list = {}
  for i, entry in ipairs(self.list) do
    list[i] = { name = entry.name, bytes = entry.step:bytes(), undone = i > self.done }
  end
  return list
end

local function forget(self) self.list, self.done, self.bytes, self.reserved = {}, 0, 0, false end

-- db.history:clear(): forgets all steps.
function History:clear()
  if self.stored then self.stored:clear() end
  forget(self)
end

-- db.history:limit{ steps = 100, bytes = 16e6 }: the oldest steps beyond that are forgotten.
function History:limit(...)
  local given = options.read("limit", { "steps", "bytes" }, 0, ...)
  for _, name in ipairs{ "steps", "bytes" } do
    local n = given[name]
    if n ~= nil and (type(n) ~= "number" or n < 0 or n ~= n) then
      options.expect("limit: " .. name, "a number of 0 or more", n)
    end
  end
  self.most, self.most_bytes = given.steps or self.most, given.bytes or self.most_bytes
  keep_limit(self)
end

-- ---------------------------------------------------------------- of an earlier run

-- Takes the steps that the database has.
local function load(self)
  forget(self)
  self.stored = stored_history.open(self.engine)
  for _, entry in ipairs(self.stored:load(changes.feed(self.engine))) do
    entry.session = setmetatable({}, weak)
    self.list[#self.list + 1] = entry
    self.bytes = self.bytes + entry.step:bytes()
    if not entry.undone then self.done = #self.list end
  end
  keep_limit(self)
end

-- db:history_options{ persistent = true }: steps are kept in the database, and those that it has are there again.
-- false: from now on they are kept in memory alone.
function history.options(self, ...)
  local given = options.read("history_options", { "persistent" }, 0, ...)
  local persistent = options.typed("history_options", given, "persistent", "boolean")
  if persistent and self.engine.name ~= "sqlite" then
    core.raise("InvalidRequestError", "history_options: persistent needs an SQLite database: of no other"
      .. " are there steps")
  end
  if persistent then load(self) elseif persistent == false then self.stored = false end
end

-- The database was restored from a file: no step of before fits it, but those that are stored in it.
function history.restored(engine)
  local self = histories[engine]
  if not self then return end
  forget(self)
  if self.stored then load(self) end
end

function History:__tostring()
  return string.format("<History: %d to undo, %d to redo>", self.done, #self.list - self.done)
end

return history
