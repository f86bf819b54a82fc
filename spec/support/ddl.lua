-- ddl.lua: the statements that create_all and drop_all send for a definition, without the SELECTs of their checks.

local mr = require "moonrow"

local M = {}

M.urls = { sqlite = "sqlite://", postgresql = "mock+postgresql://" }

--- The statements that fn sends, without SELECTs.
function M.sent(db, fn)
  local out = {}
  for _, record in ipairs(db:record(fn)) do
    if not record.statement:find "^SELECT" then out[#out + 1] = record.statement end
  end
  return out
end

--- The statements of create_all.
function M.created(db) return M.sent(db, function() db:create_all() end) end

--- The statements of drop_all for all tables, even if they do not exist.
function M.dropped(db) return M.sent(db, function() db:drop_all{ checkfirst = false } end) end

--- Calls declare(db) with a new database of the dialect. Returns the statements of create_all, and the database.
function M.of(dialect, declare)
  local db = mr.open(M.urls[dialect])
  declare(db)
  return M.created(db), db
end

--- The definitions that are stored in the database, by name.
function M.stored(db)
  local out = {}
  local rows = db.session:execute(mr.text "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"):all()
  for _, row in ipairs(rows) do out[row[1]] = row[2] end
  return out
end

--- Asserts that the text contains the part.
function M.has(text, part)
  assert(text:find(part, 1, true), ("%q is not in %s"):format(part, text))
end

return M
