-- ddl.lua: what a definition becomes: the statements of create_all and drop_all, without their checks.

local mr = require "moonrow"

local M = {}

M.urls = { sqlite = "sqlite://", postgresql = "mock+postgresql://" }

--- What fn sends, without SELECTs.
function M.sent(db, fn)
  local out = {}
  for _, record in ipairs(db:record(fn)) do
    if not record.statement:find "^SELECT" then out[#out + 1] = record.statement end
  end
  return out
end

--- What create_all sends.
function M.created(db) return M.sent(db, function() db:create_all() end) end

--- What drop_all sends, whether or not there is anything.
function M.dropped(db) return M.sent(db, function() db:drop_all{ checkfirst = false } end) end

--- The same of a new database of the dialect, in which declare(db) declares.
function M.of(dialect, declare)
  local db = mr.open(M.urls[dialect])
  declare(db)
  return M.created(db), db
end

--- The definitions that the database itself has, by name.
function M.stored(db)
  local out = {}
  local rows = db.session:execute(mr.text "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"):all()
  for _, row in ipairs(rows) do out[row[1]] = row[2] end
  return out
end

--- Asserts that the text has the part.
function M.has(text, part)
  assert(text:find(part, 1, true), ("%q is not in %s"):format(part, text))
end

return M
