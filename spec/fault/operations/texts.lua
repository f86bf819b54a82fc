-- Criteria as text: read anew, with joins and nested texts, and computed in memory.

local mr = require "moonrow"
local model = dofile "spec/fault/operations/model.lua"

return {
  setup = function() return model(4) end,
  run = function(c)
    local User = c.User
    c.names = {}
    local text = "id > $least and (name ~= 'x' .. '%' or name in { 'a', $b }) and #name // 2 < 9 and name:like 'u%'"
    for i, user in ipairs(User.query:where(text, { least = 2, b = "b" }):order_by(User.id):all()) do
      c.names[i] = user.name
    end
    c.met = mr.matches(User.query:get(3), "name:lower() .. '!' == 'user 3!' and id * 2 == 6")
    c.filtered = User.query:where(mr.filter(User, "not (id == 1)", { allow = { "id" } })):count()
    c.found = User.query:where("name == $n", { n = "user 2" }):first().id
    c.found = User.query:where("name == $n", { n = "user 2" }):first().id
  end,
  check = function(c)
    assert(table.concat(c.names, ",") == "user 3,user 4" and c.met and c.filtered == 3 and c.found == 2)
  end,
}
