-- The annotations in lua/moonrow/meta/ name what there is: each public name of the module and of its objects is
-- annotated, and each annotated one exists.

local mr = require "moonrow"

local folder = "lua/moonrow/meta/"
local files = { "init", "schema", "session", "query", "expression" }

-- { ["moonrow.Session"] = { add = true, ... }, ... } by reading ---@class, ---@field and function lines.
local function annotated()
  local classes, open, variables = {}, nil, {}
  for _, file in ipairs(files) do
    for line in io.lines(folder .. file .. ".lua") do
      local class = line:match "^%-%-%-@class ([%w_.]+)"
      local variable = line:match "^local ([%w_]+) = {}"
      local owner, method = line:match "^function ([%w_]+)[.:]([%w_]+)%("
      if class then
        open = class
        classes[class] = classes[class] or {}
      elseif variable then
        variables[variable] = open
      elseif owner then
        classes[assert(variables[owner], owner)][method] = true
      else
        local field = line:match "^%-%-%-@field ([%w_]+)"
        if field then classes[open][field] = true end
      end
    end
  end
  return classes
end

local function copy(into, from)
  for name in pairs(from) do
    if type(name) == "string" and (name == "_VERSION" or name:sub(1, 1) ~= "_") then into[name] = true end
  end
  return into
end

-- The names that values of a type answer to: its index function keeps methods and getters as upvalues, as tables.
local function names_of(value)
  local index = debug.getmetatable(value).__index
  if type(index) == "table" then
    return debug.getmetatable(index) and names_of(index) or copy({}, index)
  end
  local names = {}
  for i = 1, 20 do
    local name, upvalue = debug.getupvalue(index, i)
    if not name then break end
    local is_set = name == "" or name == "methods" or name == "getters"
    if is_set and type(upvalue) == "table" then copy(names, upvalue) end
  end
  return names
end

local function sorted(set)
  local list = {}
  for name in pairs(set) do list[#list + 1] = name end
  table.sort(list)
  return table.concat(list, " ")
end

describe("the annotations", function()
  local classes = annotated()

  -- also: names that exist without being listed at run time.
  local function compare(class, names, also)
    local missing, unknown = {}, {}
    for name in pairs(names) do missing[name] = not classes[class][name] or nil end
    for name in pairs(classes[class]) do
      unknown[name] = not names[name] and not (also and also[name]) or nil
    end
    assert.equal("", sorted(missing), class .. ": not annotated")
    assert.equal("", sorted(unknown), class .. ": annotated, but not there")
  end

  local db = mr.open "sqlite://"
  local User = db.Model:extend("User", { id = db.Column{ db.Integer, primary_key = true } })
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
    names.Table = nil -- the module's, with another default
    compare("moonrow.Database", names)
  end)

  it("of classes", function()
    compare("moonrow.Model", { query = true, c = true, extend = true, metadata = true, __init = true },
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
