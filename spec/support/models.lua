-- models.lua: a fresh database in memory with the quickstart's User, for the specs; and what they all assert with.

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

--- The SQL texts of what fn executes, then fn's results in a table.
function M.statements(db, fn)
  local texts = {}
  for i, record in ipairs(db:record(fn)) do texts[i] = record.statement end
  return texts
end

--- The error that fn raises; fails when it raises none.
function M.error_of(fn, ...)
  local ok, e = pcall(fn, ...)
  assert(not ok, "no error was raised")
  return e
end

return M
