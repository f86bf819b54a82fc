-- The first program: a class, a table, two rows, and questions.
--   build/moonrow examples/quickstart.lua

local mr = require "moonrow"
local db = mr.open "sqlite://" -- a database in memory; "sqlite:////tmp/test.db" is a file

local User = db.Model:extend("User", {
  id       = db.Column{ db.Integer, primary_key = true },
  username = db.Column{ db.String(80), unique = true, nullable = false },
  email    = db.Column{ db.String(120), unique = true, nullable = false },
})
function User:__tostring() return ("<User %q>"):format(self.username) end

db:create_all()

local admin = User{ username = "admin", email = "admin@example.com" }
local guest = User{ username = "guest", email = "guest@example.com" }
db.session:add(admin)
db.session:add(guest)
print("before the commit:", mr.inspect(admin).state, admin.id)
db.session:commit()
print("after the commit:", mr.inspect(admin).state, admin.id)

print("all users:", User.query:order_by(User.id):all())
local found = User.query:filter_by{ username = "admin" }:first()
print("the first admin:", found, found == admin and "the identical object" or "another object")

-- The SQL of a query, and what a piece of the program executes.
print(User.query:filter_by{ username = "admin" })
guest.email = "guest@example.org"
for _, record in ipairs(db:record(function() db.session:commit() end)) do
  print(record.statement, table.concat(record.parameters, ", "))
end

-- Mistakes are told at once, with the cure. An error is an object; print(problem) shows it with its place.
local function try(fn, ...)
  local ok, problem = pcall(fn, ...)
  print(ok, problem.kind, problem.message)
end
try(User, { usernam = "typo" })
try(function() guest.username = 7 end)
db.session:add(User{ username = "admin", email = "second@example.com" })
try(db.session.commit, db.session)
db.session:rollback()
print("users now:", User.query:count())
