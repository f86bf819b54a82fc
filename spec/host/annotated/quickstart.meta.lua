---@meta _
-- The classes of examples/quickstart.lua, for editors. Written by: moonrow annotate examples/quickstart.lua

---@class User: User.Class, moonrow.Object
---@field id integer
---@field username string
---@field email string

---@class User.Class: moonrow.Model
---@field query moonrow.Query<User>
---@field id moonrow.Expression
---@field username moonrow.Expression
---@field email moonrow.Expression
---@overload fun(values?: User.Values): User

---@class User.Values
---@field id? integer
---@field username? string
---@field email? string

---@class moonrow.Model
---@field extend fun(self: moonrow.Model, name: "User", body: table): User.Class

---@class moonrow.Session
---@field get fun(self: moonrow.Session, class: User.Class, key: any, options?: moonrow.GetOptions): User?
---@field query fun(self: moonrow.Session, class: User.Class): moonrow.Query<User>
