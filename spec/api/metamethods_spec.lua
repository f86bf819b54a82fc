-- debug.getmetatable gives a program all metamethods. Whatever values a program calls them with, they raise an error,
-- or do what they do for values of their type. No value is ever used as one of another type.
local mr = require "moonrow"
local blog = require "spec.support.blog"

describe("a metamethod called by hand", function()
  -- At least one value of each type.
  local function world()
    local m = blog.open()
    local s = m.db.session
    local post = m.Post{ title = "one", category = m.Category{ name = "c" }, tags = { m.Tag{ name = "t" } } }
    s:add(post)
    s:commit()
    local values = {
      base = m.db.Model, class = m.Post, other_class = m.Tag, post = post, tag = post.tags[1], list = post.tags,
      lazy = m.Post{ title = "two" }, columns = m.Post.c, table = m.Post.__table, table_columns = m.Post.__table.c,
      column = mr.Column{ mr.Integer }, field = mr.field(), spec = mr.relationship "Tag", type = mr.Integer,
      sized = mr.String(3), foreign_key = mr.ForeignKey "a.b", unique = mr.UniqueConstraint "a",
      index = mr.Index{ "i", "a" }, metadata = m.db.metadata, expression = m.Post.title, criterion = m.Post.id:eq(1),
      relationship = m.Post.tags, alias = mr.aliased(m.Post), subquery = s:query(m.Post):subquery(), func = mr.func,
      cte = s:query(m.Post):cte "c", option = mr.selectinload(m.Post.tags), query = s:query(m.Post),
      select = mr.select(m.Post), insert = mr.insert(m.Post), update = mr.update(m.Post), text = mr.text "select 1",
      result = s:execute(mr.select(m.Post)), row = s:execute(mr.text "select 1 as a, 2 as b"):first(),
      rows = s:execute(mr.text "select 1 as a"):all(), session = mr.Session(m.db.engine), map = s.identity_map,
      engine = m.db.engine, connection = m.db.engine:connect(), date = mr.date(2020, 1, 2), interval = mr.interval(1),
      inspection = mr.inspect(post), null = mr.null, errors = mr.errors.Error, db = m.db, scoped = s, module = mr,
      error = select(2, pcall(function() return m.Post.nothing end)), app = m.db.app, page = s:query(m.Post):paginate(),
      maker = mr.sessionmaker{ bind = m.db.engine },
    }
    local own = mr.Session(m.db.engine)
    values.transaction, values.block = own:begin(), own:no_autoflush()
    -- Values that do not belong to the library.
    values.number, values.string, values.plain, values.func_ = 1, "title", {}, function() end
    values.file, values.coroutine, values["true"] = io.tmpfile(), coroutine.create(function() end), true
    return values
  end

  -- The sorted names of the values, and "nothing".
  local function names_of(values)
    local names = { "nothing" }
    for name in pairs(values) do names[#names + 1] = name end
    table.sort(names)
    return names
  end

  -- All metatables, each once, by a name: those of the values, and those that only the registry has.
  local function metatables(values)
    local found, known = {}, { [debug.getmetatable ""] = true, [debug.getmetatable(io.stdout)] = true }
    local function note(name, meta)
      if meta and not known[meta] then found[name], known[meta] = meta, true end
    end
    for _, name in ipairs(names_of(values)) do note(name, debug.getmetatable(values[name])) end
    for key, value in pairs(debug.getregistry()) do
      if type(key) == "string" and key:find "^moonrow%." and type(value) == "table" then note(key, value) end
    end
    for key, value in pairs(debug.getregistry()) do
      if type(key) == "userdata" and type(value) == "userdata" then note("the library", debug.getmetatable(value)) end
    end
    return found
  end

  -- Uses a value that may have been finalized. This may raise, but must never use another type's memory.
  local function use(value)
    pcall(tostring, value)
    pcall(function() return #value end)
    pcall(function() return value.name end)
    pcall(function() value.name = "x" end)
    pcall(function() return value:all() end)
    pcall(function() return value:filter_by{ id = 1 } end)
    pcall(function() return pairs(value)(value) end)
  end

  local functions = {}
  for name, meta in pairs(metatables(world())) do
    for event, fn in pairs(meta) do
      if type(fn) == "function" and type(event) == "string" then functions[#functions + 1] = { name, event } end
    end
  end
  table.sort(functions, function(a, b) return a[1] .. a[2] < b[1] .. b[2] end)

  -- The values for the second and third argument: a name, a key, a value or an operand.
  local seconds = { "nothing", "string", "post" }

  for _, case in ipairs(functions) do
    local where, event = case[1], case[2]
    it(("takes nothing for what it is not: %s of %s"):format(event, where),
      function()
        local values = world()
        local fn = metatables(values)[where][event]
        assert.is_function(fn)
        -- In a coroutine, because the traceback of an error is short there.
        coroutine.wrap(function()
          for _, first in ipairs(names_of(values)) do
            for _, second in ipairs(seconds) do
              if event == "__newindex" then pcall(fn, values[first], values[second], values.string) end
              pcall(fn, values[first], values[second])
            end
          end
          pcall(fn)
          for _, value in pairs(values) do use(value) end
        end)()
        values = nil -- luacheck: ignore
        collectgarbage()
        collectgarbage()
        -- The library still works.
        local after = world()
        assert.equal("one", after.post.title)
        assert.equal(1, #after.query:all())
      end)
  end

  it("refuses the case that was found first", function()
    local values = world()
    local meta = debug.getmetatable(values.post)
    for _, wrong in ipairs{ 1, "x", {}, mr.null, io.stdout, values.tag, values.query, values.field } do
      local ok, e = pcall(meta.__newindex, wrong, "title", "n")
      assert.is_false(ok)
      assert.matches("expected an object of Post", e.message)
      ok, e = pcall(meta.__index, wrong, "title")
      assert.is_false(ok)
      assert.matches("expected an object of Post", e.message)
    end
  end)
end)
