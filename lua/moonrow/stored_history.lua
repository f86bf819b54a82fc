-- stored_history.lua: db:history_options{ persistent = true }: steps of undo in a table of the database.
--
-- Invariant: a step is in the table if and only if its transaction is committed; whether it was undone changes in
-- the transaction that undoes it. A row of the table is what one transaction has changed; those of one step
-- have its number.

local core = ...

local TABLE = "moonrow_history" -- as MR_HISTORY_TABLE

local stored_history = {}

local Stored = { __name = "StoredHistory" }
Stored.__index = Stored

local table_of -- made once, in a metadata of its own: nobody else sees it
local function history_table()
  if table_of then return table_of end
  local Column = core.Column
  table_of = core.Table(TABLE, core.MetaData(),
    Column{ "id", core.Integer, primary_key = true },
    Column{ "step", core.Integer, nullable = false },
    Column{ "name", core.Text, nullable = false },
    Column{ "undone", core.Boolean, nullable = false },
    Column{ "changes", core.LargeBinary })
  return table_of
end

-- The table of the engine's database, which is made if it is missing.
function stored_history.open(engine)
  local of = history_table()
  of.metadata:create_all{ bind = engine }
  return setmetatable({ engine = engine, of = of, gone = {} }, Stored)
end

-- ---------------------------------------------------------------- within the transaction of a step

local function delete(self, connection, ids)
  local of = self.of
  if ids == true then return connection:execute(core.delete(of)) end
  if #ids > 0 then connection:execute(core.delete(of):where(of.c.step:in_(ids))) end
end

-- What the commit of the session writes: a step that nobody has seen yet. later: the numbers of steps that go with it;
-- id: that of the step which it is merged with.
function Stored:expect(session, name, id, later)
  local expected = { session = session, name = name, id = id, later = later }
  self.expected = expected
  return expected
end

-- That the commit which undoes the step, or does it once more, notes it.
function Stored:expect_replay(session, entry, back)
  self.expected = { session = session, replayed = entry, back = back }
end

-- What it has written is committed.
function Stored:committed() self.gone = {} end

function Stored:forget_expected() self.expected = nil end

local function insert(self, connection, expected, commit)
  local of, bytes = self.of, commit:bytes()
  if not bytes then return delete(self, connection, true) end -- nothing that lies before can be undone any more
  delete(self, connection, expected.later)
  local id = expected.id or (connection:scalar(core.select(core.func.max(of.c.step))) or 0) + 1
  connection:execute(core.insert(of):values{ step = id, name = expected.name, undone = false, changes = bytes })
  expected.written = id
end

local function note_replay(self, connection, expected)
  local of, entry = self.of, expected.replayed
  local result = connection:execute(core.update(of):where(of.c.step:eq(entry.id), of.c.undone:eq(not expected.back))
    :values{ undone = expected.back })
  if result.rowcount > 0 then return end
  core.raise("UndoConflictError", string.format("%s of '%s': nothing was done, because another program has %s this step"
    .. " since, or has forgotten it: db:history_options{ persistent = true } reads the steps again",
    expected.back and "undo" or "redo", entry.name, expected.back and "undone" or "redone"))
end

-- Called before each commit of the engine's.
function Stored:write(connection, commit)
  local expected = self.expected
  if not expected or not commit:is_of(expected.session) then return end
  delete(self, connection, self.gone)
  if expected.replayed then note_replay(self, connection, expected) else insert(self, connection, expected, commit) end
end

-- ---------------------------------------------------------------- outside of it

-- The step is not in memory any more: it goes with the next one.
function Stored:drop(id)
  if id then self.gone[#self.gone + 1] = id end
end

-- Forgets all steps at once; where others hold the database, with the next step.
function Stored:clear()
  self.gone = {}
  local done = pcall(self.engine.begin, self.engine, function(connection) delete(self, connection, true) end)
  if not done then
    local of, ids = self.of, {}
    local connection <close> = self.engine:connect()
    for _, row in ipairs(connection:execute(core.select(of.c.step)):all()) do ids[#ids + 1] = row[1] end
    self.gone = ids
  end
end

-- The steps of the table, the oldest first: { id =, name =, undone =, step =, odd = true where it cannot be read }.
function Stored:load(feed)
  local of, list = self.of, {}
  local connection <close> = self.engine:connect()
  local rows = connection:execute(core.select(of.c.step, of.c.name, of.c.undone, of.c.changes):order_by(of.c.undone,
    of.c.step, of.c.id)):all()
  for _, row in ipairs(rows) do
    local last = list[#list]
    if not last or last.id ~= row[1] then
      last = { id = row[1], name = row[2], undone = row[3], step = core.step(), stored = true }
      list[#list + 1] = last
    end
    if not last.step:restore(feed, row[4]) then last.odd = true end
  end
  return list
end

-- A sentence that says why the step of before does not fit the database; nil: it does.
function Stored:misfit(entry)
  if entry.odd then return "it was stored by another version of moonrow, which this one cannot read" end
  local connection <close> = self.engine:connect()
  for _, was in ipairs(entry.step:tables()) do
    local rows = connection:execute(core.text "SELECT name FROM pragma_table_xinfo(:name, :schema)",
      { name = was.name, schema = was.schema }):all()
    local now = {}
    for i, row in ipairs(rows) do now[i] = row[1] end
    if #now == 0 then return string.format("the table '%s' is not there any more", was.name) end
    if table.concat(now, "\0") ~= table.concat(was.columns, "\0") then
      return string.format("the table '%s' has other columns than when the step was made (%s, now %s)", was.name,
        table.concat(was.columns, ", "), table.concat(now, ", "))
    end
  end
end

return stored_history
