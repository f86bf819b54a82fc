-- models.lua: a new database in memory with a class User; and functions for all specs: the statements that are sent,
-- the state and history of an object, the error that a function raises.

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

--- The same, with committed users of these names; the session is empty.
function M.with_users(...)
  local db, User = M.users()
  for _, name in ipairs{ ... } do db.session:add(User{ username = name, email = name .. "@example.com" }) end
  db.session:commit()
  db.session:remove()
  return db, User
end

--- Declares a class Doc whose rows have a version, and makes its table.
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

--- Runs fn. Returns the SQL texts of its statements, and its results in a table.
function M.statements(db, fn)
  local texts = {}
  for i, record in ipairs(db:record(fn)) do texts[i] = record.statement end
  return texts
end

--- Runs fn. Returns its statements, each as a list of its SQL and its parameters.
function M.sent(db, fn)
  local list = {}
  for i, record in ipairs(db:record(fn)) do list[i] = { record.statement, table.unpack(record.parameters) } end
  return list
end

--- The same as statements(), and asserts their number.
function M.costs(db, n, fn)
  local texts = M.statements(db, fn)
  assert(n == #texts, ("%d statements, not %d:\n%s"):format(#texts, n, table.concat(texts, "\n")))
  return texts
end

--- Runs fn, asserts the number of its statements, and returns their records.
function M.records(db, n, fn)
  local list = db:record(fn)
  if n ~= #list then
    local texts = {}
    for i, record in ipairs(list) do texts[i] = record.statement end
    error(("%d statements, not %d:\n%s"):format(#list, n, table.concat(texts, "\n")), 2)
  end
  return list
end

--- Runs fn (nil: a flush). Returns "INSERT post" and the like for each statement; a batch also says its number of rows.
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

--- Executes the SQL texts in the session, and commits.
function M.run(db, ...)
  for _, sql in ipairs{ ... } do db.session:execute(mr.text(sql)) end
  db.session:commit()
end

--- Executes the SQL texts on another connection, and commits.
function M.elsewhere(db, ...)
  local texts = { ... }
  db.engine:begin(function(c) for _, sql in ipairs(texts) do c:execute(mr.text(sql)) end end)
end

--- A function that appends the name and its own arguments to the log.
function M.noting(log, name)
  return function(...) log[#log + 1] = { name, ... } end
end

--- The state of the object: "transient", "pending", "persistent", "deleted" or "detached".
function M.state(object) return mr.inspect(object).state end

--- Is the attribute of the object not loaded?
function M.unloaded(object, name)
  for _, other in ipairs(mr.inspect(object).unloaded) do
    if other == name then return true end
  end
  return false
end

--- The history of the attribute: the lists of what was added, deleted and unchanged.
function M.history(object, name)
  local h = mr.inspect(object):history(name)
  return { { table.unpack(h.added) }, { table.unpack(h.deleted) }, { table.unpack(h.unchanged) } }
end

--- The values of an attribute, for each item of a list.
function M.values(list, name)
  local out = {}
  for i, item in ipairs(list) do out[i] = item[name] end
  return out
end

--- The same as text, with spaces between them.
function M.words(list, name) return table.concat(M.values(list, name), " ") end

--- Calls fn, and returns the error that it raises. It fails if there is none.
function M.error_of(fn, ...)
  local ok, e = pcall(fn, ...)
  assert(not ok, "no error was raised")
  return e
end

--- Asserts that the message of the error does not contain the word.
function M.lacks(e, word)
  assert(not e.message:find(word, 1, true), ("the message should not name %q: %s"):format(word, e.message))
end

return M
