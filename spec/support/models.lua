-- models.lua: a fresh database in memory with the quickstart's User, for the specs; and what they all look at: the
-- statements that something costs, the state of an object, its history, the error that a function raises.

local mr = require "moonrow"

local M = {}

--- A database in memory with a User class and its table.
function M.users(options)
  local db = mr.open("sqlite://", options)
  local User = db.Model:extend("User", {
    id       = db.Column{ db.Integer, primary_key = true },
    username = db.Column{ db.String(80), unique = true, nullable = false },
    email    = db.Column{ db.String(120), unique = true, nullable = false },
  })
  function User:__tostring() return ("<User %q>"):format(self.username) end
  db:create_all()
  return db, User
end

--- The same, with users of the names committed, and gone from the session.
function M.with_users(...)
  local db, User = M.users()
  for _, name in ipairs{ ... } do db.session:add(User{ username = name, email = name .. "@example.com" }) end
  db.session:commit()
  db.session:remove()
  return db, User
end

--- A class Doc whose rows have a version, with its table.
function M.versioned(db)
  local Doc = db.Model:extend("Doc", {
    id      = db.Column{ db.Integer, primary_key = true },
    title   = db.Column{ db.String(20) },
    body    = db.Column{ db.String(20) },
    version = db.Column{ db.Integer, nullable = false },
    __mapper_args = { version_id_col = "version" },
  })
  db:create_all()
  return Doc
end

--- The SQL texts of what fn executes, then fn's results in a table.
function M.statements(db, fn)
  local texts = {}
  for i, record in ipairs(db:record(fn)) do texts[i] = record.statement end
  return texts
end

--- The statements that fn executes, each a list of its SQL and its parameters.
function M.sent(db, fn)
  local list = {}
  for i, record in ipairs(db:record(fn)) do list[i] = { record.statement, table.unpack(record.parameters) } end
  return list
end

--- The same, asserting how many they are.
function M.costs(db, n, fn)
  local texts = M.statements(db, fn)
  assert(n == #texts, ("%d statements, not %d:\n%s"):format(#texts, n, table.concat(texts, "\n")))
  return texts
end

--- The records of what fn executes, asserting how many they are.
function M.records(db, n, fn)
  local list = db:record(fn)
  if n ~= #list then
    local texts = {}
    for i, record in ipairs(list) do texts[i] = record.statement end
    error(("%d statements, not %d:\n%s"):format(#list, n, table.concat(texts, "\n")), 2)
  end
  return list
end

--- "INSERT post" and the like, of each statement that fn executes, or else a flush; a batch says of how many rows.
function M.writes(db, fn)
  local list = {}
  for i, record in ipairs(db:record(fn or function() db.session:flush() end)) do
    local verb, rest = record.statement:match "^(%u+) (.*)"
    local name = rest:match "^INTO (%S+)" or rest:match "FROM (%S+)" or rest:match "^%S+"
    local n = type(record.parameters[1]) == "table" and #record.parameters or 1
    list[i] = ("%s %s%s"):format(verb, name, n > 1 and " x" .. n or "")
  end
  return list
end

--- Executes statements, given as text, in the session, and commits.
function M.run(db, ...)
  for _, sql in ipairs{ ... } do db.session:execute(mr.text(sql)) end
  db.session:commit()
end

--- Another connection executes statements, given as text, and commits.
function M.elsewhere(db, ...)
  local texts = { ... }
  db.engine:begin(function(c) for _, sql in ipairs(texts) do c:execute(mr.text(sql)) end end)
end

--- A function that notes in the log, a list, the name and its arguments.
function M.noting(log, name)
  return function(...) log[#log + 1] = { name, ... } end
end

--- "transient", "pending", "persistent", "deleted" or "detached".
function M.state(object) return mr.inspect(object).state end

--- The three lists of an attribute's history: added, deleted, unchanged.
function M.history(object, name)
  local h = mr.inspect(object):history(name)
  return { { table.unpack(h.added) }, { table.unpack(h.deleted) }, { table.unpack(h.unchanged) } }
end

--- A field of each item of a list, as a list.
function M.values(list, name)
  local out = {}
  for i, item in ipairs(list) do out[i] = item[name] end
  return out
end

--- The same as text, with spaces between them.
function M.words(list, name) return table.concat(M.values(list, name), " ") end

--- The error that fn raises; fails when it raises none.
function M.error_of(fn, ...)
  local ok, e = pcall(fn, ...)
  assert(not ok, "no error was raised")
  return e
end

return M
