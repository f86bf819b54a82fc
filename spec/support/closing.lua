-- closing.lua [generational]: run by memory/closing_spec.lua. The program's oldest finalizer runs after the library's
-- own at lua_close, and calls everything then. It prints the calls that do not say that moonrow is closed, and whether
-- there were enough of them.

local doors, count = {}, 0
local keep = {} -- luacheck: ignore

-- Made before the library: the collector finalizes newer values first.
setmetatable(keep, { __gc = function()
  for _, door in ipairs(doors) do
    local ok, message = pcall(door[2])
    if type(message) ~= "string" then
      local _, shown = pcall(tostring, message) -- tostring of a value of the library raises it, too
      message = shown
    end
    count = count + 1
    if ok or not message:find("moonrow is closed", 1, true) then print("open: " .. door[1], ok, message) end
  end
  print("tried " .. (count > 500 and "them all" or count))
end })

collectgarbage(arg[1] == "generational" and "generational" or "incremental")
local mr = require "moonrow"
local blog = dofile "spec/support/blog.lua"

local m = blog.open()
local db = m.db
local s = db.session
local post = m.Post{ title = "one", category = m.Category{ name = "c" }, tags = { m.Tag{ name = "t" } } }
db:create_all()
s:add(post)
s:commit()

local function door(name, fn) doors[#doors + 1] = { name, fn } end

-- At least one value of each type.
local own = mr.Session(db.engine)
local values = {
  base = db.Model, class = m.Post, post = post, tag = post.tags[1], list = post.tags, lazy = m.Post{ title = "two" },
  columns = m.Post.c, table = m.Post.__table, table_columns = m.Post.__table.c, column = mr.Column{ mr.Integer },
  type = mr.Integer, sized = mr.String(3), enum = mr.Enum("a", "b"), foreign_key = mr.ForeignKey "a.b",
  unique = mr.UniqueConstraint "a", index = mr.Index{ "i", "a" }, metadata = db.metadata, expression = m.Post.title,
  criterion = m.Post.id:eq(1), relationship = m.Post.tags, alias = mr.aliased(m.Post),
  subquery = s:query(m.Post):subquery(), func = mr.func, cte = s:query(m.Post):cte "c",
  option = mr.selectinload(m.Post.tags), query = s:query(m.Post), select = mr.select(m.Post),
  insert = mr.insert(m.Post), update = mr.update(m.Post),
  text = mr.text "select 1", result = s:execute(mr.select(m.Post)), session = own,
  map = s.identity_map, engine = db.engine, connection = db.engine:connect(), inspection = mr.inspect(post),
  transaction = own:begin(), block = own:no_autoflush(), date = mr.date(2020, 1, 2), spec = mr.relationship "Tag",
  field = mr.field(),
}

local arguments = {
  {}, { 1 }, { "title" }, { m.Post }, { post }, { m.Post.title }, { m.Post.title, "set", print }, { {} }, { print },
  { mr.Integer }, { "x", m.Post.tags }, { { id = 1 } }, { "New", { id = values.column } }, { values.query },
}

-- Calls each metamethod of the value, as the language does.
local function of_value(name, value)
  door(name .. " tostring", function() return tostring(value) end)
  door(name .. ".name", function() return value.name end)
  door(name .. ".nothing", function() return value.nothing end)
  door(name .. "[1]", function() return value[1] end)
  door(name .. ".name =", function() value.name = "x" end)
  door(name .. "()", function() return value() end)
  door(name .. "{}", function() return value{ title = "x" } end)
  door("#" .. name, function() return #value end)
  door("pairs " .. name, function() for _ in pairs(value) do break end end) -- luacheck: ignore
  door(name .. " + 1", function() return value + 1 end)
  door(name .. " .. x", function() return value .. "x" end)
  door(name .. " & ", function() return value & value end)
  door("~" .. name, function() return ~value end)
  door("-" .. name, function() return -value end)
  door(name .. " < ", function() return value < value end)
end

-- Calls its methods, which the program has kept.
local function of_methods(name, value)
  local index = debug.getmetatable(value).__index
  for at = 1, 1 do
    local _, members = nil, nil
    if type(index) == "function" then _, members = debug.getupvalue(index, at) end
    for key, fn in pairs(type(members) == "table" and members or {}) do
      if type(fn) == "function" and not key:find "^__" then
        for i, given in ipairs(arguments) do
          door(("%s:%s (%d)"):format(name, key, i), function() return fn(value, table.unpack(given)) end)
        end
      end
    end
  end
end

for name, value in pairs(values) do
  of_value(name, value)
  if not name:find "class" and name ~= "base" then of_methods(name, value) end
end

-- The methods of queries and classes.
for _, name in ipairs{ "filter", "all", "first", "count", "join", "order_by", "options", "subquery", "update",
  "delete", "paginate", "get", "one", "iter", "union", "exists", "limit" } do
  local fn = values.query[name]
  door("query:" .. name, function() return fn(values.query, m.Post.id) end)
end
for _, name in ipairs{ "query", "id", "extend", "metadata", "__init", "__table", "__name", "c", "tags", "nothing" } do
  door("class." .. name, function() return m.Post[name] end)
end
local extend, init = m.Post.extend, m.Post.__init
door("extend kept", function() return extend(m.Post, "More", {}) end)
door("extend of the base kept", function() return extend(db.Model, "More", { id = values.column }) end)
door("__init kept", function() return init(post, { title = "x" }) end)
door("post.title", function() return post.title end)
door("post.title =", function() post.title = "x" end)
door("post.tags", function() return post.tags end)
door("post == tag", function() return post == values.tag end)
local iterate = values.query:iter()
door("an iterator kept", function() return iterate() end)

-- The functions in the metatables of objects and classes, which the program has kept.
for _, name in ipairs{ "post", "tag", "class" } do
  local value, meta = values[name], debug.getmetatable(values[name])
  local index, newindex, text = meta.__index, meta.__newindex, meta.__tostring
  for _, key in ipairs{ "id", "nothing", 1, true } do
    door(name .. "'s __index kept", function() return index(value, key) end)
    door(name .. "'s __newindex kept", function() return newindex(value, key, "x") end)
  end
  door(name .. "'s __tostring kept", function() return text(value) end)
end

-- The functions of the module, also those of its Lua part.
local given = { "Integer", "post", {}, print, m.Post, post, values.query, db.engine, m.Post.id, 1 }
for name, fn in pairs(mr) do
  if type(fn) == "function" then
    for _, value in ipairs(given) do door("mr." .. name, function() return fn(value) end) end
  end
  if type(fn) == "userdata" and fn ~= mr.null then door("mr." .. name, function() return mr[name].name end) end
end
door("mr.nothing", function() return mr.nothing end)
for name, fn in pairs(mr.event) do
  door("event." .. name, function() return fn(m.Post, "before_insert", print) end)
  door("event." .. name, function() return fn(m.Post.title, "set", print) end)
  door("event." .. name, function() return fn(db, "before_flush", print) end)
  door("event." .. name, function() return fn(s, "before_flush", print) end)
end
local maker = mr.sessionmaker{ bind = db.engine }
door("maker()", function() return maker() end)
door("maker:begin", function() return maker:begin(print) end)
door("maker:configure", function() return maker:configure{ bind = db.engine } end)
for _, name in ipairs{ "create_all", "drop_all", "configure", "scope", "record" } do
  door("db:" .. name, function() return db[name](db, function() return m.Post.id end) end)
end
for _, name in ipairs{ "add", "query", "commit", "remove", "execute", "get", "flush", "close", "begin" } do
  door("scoped:" .. name, function() return s[name](s, post) end)
end
door("db.engine", function() return db.engine.url end)
door("db.session", function() return db.session:query(m.Post) end)

-- Now the program ends: its values are finalized, and then the finalizer above.
_G.values, _G.doors = values, doors
