-- The models of the application.

local mr = require "moonrow"
local Base = require("database").Base

local User = Base:extend("User", {
  __tablename = "users",
  id    = mr.Column{ mr.Integer, primary_key = true },
  name  = mr.Column{ mr.String(50), unique = true },
  email = mr.Column{ mr.String(120), unique = true },
})

-- A constructor of its own: User("admin", "admin@localhost").
function User:__init(name, email)
  self.name, self.email = name, email
end

function User:__tostring() return ("<User %q>"):format(self.name) end

return { User = User }
