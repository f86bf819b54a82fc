-- The application: modules of their own for the database and the models, a session for each scope.
--   cd examples/declarative && ../../build/moonrow main.lua

package.path = "./?.lua;" .. package.path

local mr = require "moonrow"
local database = require "database"
local db_session, init_db = database.db_session, database.init_db

os.remove "declarative.db" -- start anew
init_db()
init_db() -- a second time changes nothing
local User = require("models").User

local app = mr.App "users"
app:on_teardown(function(err)
  db_session:remove()
  print("  the session of the scope is removed" .. (err and ", after an error" or ""))
end)

print "a scope that adds a user"
app:scope(function()
  local user = User("admin", "admin@localhost")
  db_session:add(user)
  db_session:commit()
  print("  added:", user, user.id)
end)

print "a scope that reads it"
local name = app:scope(function()
  print("  all:", User.query:all())
  local user = User.query:filter(User.name:eq "admin"):first()
  print("  found:", user, user.email)
  return user.name
end)
print("  its result:", name)

print "a scope that fails leaves nothing behind"
print("  the error:", pcall(app.scope, app, function()
  db_session:add(User("half", "half@localhost"))
  db_session:flush()
  error("no more", 0)
end))
print("  users:", app:scope(function() return User.query:count() end))

database.engine:dispose()
os.remove "declarative.db"
