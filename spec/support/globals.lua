-- globals.lua overwritten | "taken away" | libraries | methods | strict | environment: run by api/globals_spec.lua. It
-- uses all of the library that is written in Lua, in a program that has changed its globals.

local mode = arg[1]
local pcall, assert, setmetatable, error, tostring = pcall, assert, setmetatable, error, tostring
local ipairs, pairs, require, xpcall, io, os = ipairs, pairs, require, xpcall, io, os
local wrap, traceback, globals, find, getmetatable = coroutine.wrap, debug.traceback, _G, string.find, getmetatable
if mode == "environment" then
  _ENV = setmetatable({}, { __index = function(_, name) error("no such name here: " .. tostring(name), 2) end })
end
local mr = require "moonrow"
local m = require("spec.support.blog").open()

local function everything()
  local db = m.db
  db:create_all()
  local s = db.session
  s:add(m.Post{ title = "one", tags = { m.Tag{ name = "t" } } })
  s:commit()
  for i = 1, 25 do s:add(m.Tag{ name = "tag" .. i }) end
  s:flush()
  local page = s:query(m.Tag):order_by(m.Tag.id):paginate{ page = 2, per_page = 10 }
  assert(page.total == 26 and #page.items == 10 and page:next().page == 3 and page:prev().page == 1)
  local pages = {}
  for number in page:iter_pages() do pages[#pages + 1] = number end
  assert(#pages == 3)
  assert(s:import(m.Tag, { { name = "i" }, { name = "j" } }, { batch = 1 }) == 2)
  s:commit()
  s:retry(function() s:add(m.Tag{ name = "again" }) end, { times = 2, wait = 0 })
  local heard = 0
  local function hear() heard = heard + 1 end
  mr.event.listen(m.Tag, "before_insert", hear)
  mr.event.listen(s, "before_commit", hear, { once = true })
  mr.event.listen(db.engine, "before_execute", hear)
  s:add(m.Tag{ name = "heard" })
  s:commit()
  assert(heard >= 3 and mr.event.contains(m.Tag, "before_insert", hear))
  mr.event.remove(m.Tag, "before_insert", hear)
  local maker = mr.sessionmaker{ bind = db.engine, info = { a = 1 } }
  maker:configure{ autoflush = false }
  maker:begin(function(session) session:add(m.Tag{ name = "made" }) end)
  assert(maker().info.a == 1)
  local scoped = mr.scoped_session(maker, { scopefunc = function() return "here" end })
  assert(scoped:query(m.Tag):filter_by{ name = "made" }:count() == 1)
  scoped:remove()
  db:scope(function() assert(db.session:query(m.Tag):count() > 20) end)
  wrap(function() db:scope(function() db.session:query(m.Tag):first() end) end)()
  assert(#db:record(function() s:query(m.Tag):first() end) == 1)
  local app = mr.App "one"
  app.config.DATABASE_URI = "sqlite://"
  local other = mr.Database(app)
  app:on_teardown(function() heard = 0 end)
  app:scope(function() other:create_all() end)
  assert(heard == 0)
  other.Table("more", other.Column{ "id", other.Integer, primary_key = true })
  -- A mistake still gives its message.
  local function refuses(words, fn)
    local ok, e = pcall(fn)
    assert(not ok and find(tostring(e), words, 1, true), tostring(e))
  end
  refuses("did you mean 'Integer'", function() return mr.Integr end)
  refuses("did you mean 'bind'", function() mr.sessionmaker{ bnd = 1 } end)
  refuses("did you mean 'page'", function() s:query(m.Tag):paginate{ pge = 1 } end)
  refuses("no event", function() mr.event.listen(m.Tag, "before_insret", hear) end)
  refuses("no name", function() return db.nothing end)
  refuses("no error", function() return mr.errors.Nothing end)
  for _, value in ipairs{ db, scoped, maker, page, app, mr.declarative_base() } do tostring(value) end
  for post in s:query(m.Post):iter() do assert(post.tags[1].name == "t") end
  s:close()
end

local standard = {}
for name in pairs(globals) do standard[#standard + 1] = name end

if mode == "overwritten" then
  for _, name in ipairs(standard) do globals[name] = "the program's own " .. name end
elseif mode == "taken away" then
  for _, name in ipairs(standard) do globals[name] = nil end
elseif mode == "libraries" then
  for _, name in ipairs{ "table", "math", "coroutine", "utf8", "string" } do
    local library = globals[name]
    for key in pairs(library) do library[key] = nil end
  end
elseif mode == "methods" then
  getmetatable("").__index = function(_, name) error("a string has no methods here: " .. tostring(name), 2) end
elseif mode == "strict" then
  local function refuse(_, name) error("undeclared global: " .. tostring(name), 2) end
  setmetatable(globals, { __index = refuse, __newindex = refuse })
end

local ok, message = xpcall(everything, traceback)
io.stdout:write(ok and "all of it works" or tostring(message), "\n")
os.exit(ok, true)
