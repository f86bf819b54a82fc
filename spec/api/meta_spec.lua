-- The annotations in lua/moonrow/meta/ have all public names of the module and of its objects, and no others.

local mr = require "moonrow"
local known = require "spec.support.known"
local copy, names_of = known.copy, known.methods

local annotations = require "spec.doc.annotations"
local types = require "spec.doc.types"

local all = annotations.read()

-- { ["moonrow.Session"] = { add = true, ... }, ... }
local function annotated()
  local classes = {}
  for name, class in pairs(all.classes) do
    classes[name] = {}
    for _, field in ipairs(class.fields) do
      if field.name:match "^[%w_]+$" then classes[name][field.name] = true end
    end
    for _, func in ipairs(class.functions) do classes[name][func.name] = true end
  end
  return classes
end

describe("the annotations", function()
  local classes = annotated()

  -- also: further names, which the library has but does not list at run time.
  local function compare(class, names, also)
    known.same(names, classes[class], also, "the annotation of " .. class)
  end

  local db = mr.open "sqlite://"
  local User = db.Model:extend("User", { id = db.Column{ db.Integer, primary_key = true },
    set = db.relationship("Post", { viewonly = true, collection_class = mr.set }) })
  local Post = db.Model:extend("Post", {
    id = db.Column{ db.Integer, primary_key = true },
    user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
    user = db.relationship{ "User", backref = "posts" },
  })
  db:create_all()
  local session = mr.Session(db.engine)
  local user = User{ id = 1 }
  session:add(user)
  session:commit()

  it("of the module", function() compare("moonrow", copy({}, mr)) end)

  it("of a Database", function()
    local names = copy(names_of(db), db)
    names.Table = nil -- that of the module, with another default
    compare("moonrow.Database", names)
  end)

  it("of a Migration", function()
    db:migrate("game", { { "1", function(m)
      compare("moonrow.Migration", names_of(m))
    end } })
  end)

  it("of classes", function()
    compare("moonrow.Model", { query = true, c = true, extend = true, metadata = true, __init = true,
      from_table = true },
      { query_class = true })
  end)

  it("of sessions", function()
    compare("moonrow.Session", names_of(session))
    compare("moonrow.ScopedSession", names_of(db.session))
    compare("moonrow.Transaction", names_of(session:begin()))
    session:rollback()
  end)

  it("of queries and selects", function()
    local select, query = names_of(mr.select(User)), {}
    for name in pairs(copy({}, mr.Query)) do query[name] = not select[name] or nil end
    query.extend = nil
    query.with_entities, query.add_columns = true, true -- annotated again: their rows are no objects
    compare("moonrow.Select", select)
    compare("moonrow.Query", query)
    compare("moonrow.CompiledQuery", names_of(User.query:compiled()))
    compare("moonrow.QueryClass", { extend = true })
    compare("moonrow.Subquery", names_of(User.query:subquery()))
    compare("moonrow.LoaderOption", names_of(mr.joinedload(Post.user)))
  end)

  it("of statements and results", function()
    compare("moonrow.Write", names_of(mr.insert(User)))
    compare("moonrow.Result", names_of(session:execute(mr.select(User.id))))
  end)

  it("of expressions, relationships and collections", function()
    compare("moonrow.Expression", names_of(User.id))
    compare("moonrow.RelationshipAttribute", names_of(Post.user))
    compare("moonrow.Collection", names_of(user.posts))
    compare("moonrow.Set", names_of(user.set))
  end)

  it("of tables, columns and types", function()
    compare("moonrow.Table", names_of(User.__table))
    compare("moonrow.MetaData", names_of(db.metadata))
    compare("moonrow.Column", names_of(db.Column{ db.Integer }))
    compare("moonrow.Type", names_of(mr.String(3)))
  end)

  it("of engines and connections", function()
    local connection <close> = db.engine:connect()
    compare("moonrow.Engine", names_of(db.engine))
    compare("moonrow.Connection", names_of(connection))
  end)

  it("of what inspect and event give", function()
    compare("moonrow.Inspection", names_of(mr.inspect(user)))
    compare("moonrow.Events", copy({}, mr.event))
  end)

  it("of dates", function()
    local parts = { year = 1, month = 1, day = 1, hour = 1, minute = 1, second = 1, microsecond = 1 }
    local now = mr.now()
    for name in pairs(parts) do assert.equal("integer", math.type(now[name])) end
    compare("moonrow.Date", names_of(now), parts)
  end)
end)

describe("the grammar of the annotations", function()
  local function refused(text, message)
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(text)
    file:close()
    local ok, problem = pcall(annotations.read, { path })
    os.remove(path)
    assert.is_false(ok, text)
    assert.matches(message, problem, 1, true)
  end

  it("each name in a type is a class, an alias, a generic or one of Lua's", function()
    assert.is_true(#all.uses > 500)
    for _, use in ipairs(all.uses) do
      assert.is_true(all.knows(use), ("%s:%d: %s"):format(use.path, use.line, use.name))
    end
  end)

  it("each class that another extends is there", function()
    for _, class in ipairs(all.order) do
      for _, parent in ipairs(class.extends) do
        assert.is_table(all.classes[parent:match "^[%w_.]+"], class.name .. ": " .. parent)
      end
    end
  end)

  it("types are read to their end, and their names are found", function()
    local function names(text)
      local found = assert(types.parse(text))
      return table.concat(found.names, " "), text:sub(found.last)
    end
    assert.same({ "string integer", " words" }, { names "string|integer? words" })
    assert.same({ "moonrow.Query T", "" }, { names "moonrow.Query<T>[]" })
    assert.same({ "A B C D E F", "" }, { names "fun(a: A, b?: B, ...: C): D, E...|F" })
    assert.same({ "table string any nil", " (x)" }, { names "{ a?: table<string, any>, [1]: nil }|false (x)" })
    assert.same({ "", "" }, { names '"a"|"b"|1|true' })
    for _, bad in ipairs{ "", "|a", "fun(a", "table<a", "{ a }", "a|", "[]" } do
      assert.is_nil((types.parse(bad)), bad)
    end
  end)

  it("a mistake is told with its line", function()
    refused("---@class A\n---@filed a string\n", ":2: no tag is called @filed")
    refused("---@field a string\n", "a field without a class")
    refused("---@class A\n---@field a fun(\n", ":2: expected")
    refused("---@class A\nlocal A = {}\n---@param b string\nfunction A:f(a) end\n", ":4: no parameter is called b")
    refused("function A:f(a) end\n", "no class is written as A")
    refused("---@class A\n---@operator plus: A\n", "no operator is called plus")
    refused("---lost words\n\n", ":2: a text without what it is about")
    refused("---@class A\nlocal A = {}\n---@param b string\n---words\n", "a text stands above the parameters")
    refused("---@since soon\n", "since is a version")
    refused("---@class A\nA = {}\n", "nobody reads this line")
    refused("---```lua\nx\n", "an example without an end")
  end)

  it("the models that lua/README.md shows are read with them", function()
    local file = assert(io.open "lua/README.md")
    local text = file:read("a"):match "```lua\n(%-%-%-@meta _\n.-)\n```\n"
    file:close()
    local path = os.tmpname()
    file = assert(io.open(path, "w"))
    file:write(text, "\n")
    file:close()
    local paths = { path }
    for _, name in ipairs(annotations.files) do table.insert(paths, 1, annotations.folder .. name .. ".lua") end
    local models = annotations.read(paths)
    os.remove(path)
    for _, use in ipairs(models.uses) do assert.is_true(models.knows(use), use.line .. ": " .. use.name) end
    local extends = 0
    for _, field in ipairs(models.classes["moonrow.Model"].fields) do
      if field.name == "extend" then extends = extends + 1 end
    end
    assert.equal(3, extends)
    assert.same({ "User.Class", "moonrow.Object" }, models.classes.User.extends)
  end)

  it("what a class gives is typed by what its objects are", function()
    local returns = {}
    for _, class in ipairs(all.order) do
      for _, func in ipairs(class.functions) do
        returns[class.name .. ":" .. func.name] = func.returns[1] and func.returns[1].type
      end
    end
    for _, name in ipairs{ "Query:first", "Query:one_or_none", "Query:get", "CompiledQuery:first" } do
      assert.equal("T?", returns["moonrow." .. name], name)
    end
    assert.equal("T", returns["moonrow.Query:one"])
    assert.equal("T[]", returns["moonrow.Query:all"])
    assert.equal("fun(): T", returns["moonrow.Query:iter"])
    assert.equal("moonrow.Pagination<T>", returns["moonrow.Query:paginate"])
    assert.equal("moonrow.CompiledQuery<T>", returns["moonrow.Query:compiled"])
    for _, func in ipairs(all.classes["moonrow.Select"].functions) do
      local result = func.returns[1].type
      if result == "S" then
        assert.equal("self", func.params[1].name, func.name)
        assert.equal("S", func.params[1].type, func.name)
      elseif func.name == "sql" then
        assert.equal("string", result)
      else
        assert.is_true(result == "moonrow.Subquery" or result == "moonrow.Expression", func.name .. ": " .. result)
      end
    end
  end)
end)
