-- The guide's pages name all methods and fields that their part of the library has, and their tables name no others.

local mr = require "moonrow"
local guide = require "spec.support.guide"
local known = require "spec.support.known"

local db = mr.open "sqlite://"
local User = db.Model:extend("User", {
  id = db.Column{ db.Integer, primary_key = true }, name = db.Column{ db.String },
  posts = db.relationship("Post", { backref = "user" }),
  set = db.relationship("Post", { viewonly = true, collection_class = mr.set }),
})
local Post = db.Model:extend("Post", {
  id = db.Column{ db.Integer, primary_key = true }, user_id = db.Column{ db.ForeignKey "user.id" },
})
db:create_all()
local session, user = mr.Session(db.engine), User{ name = "ann" }
session:add(user)
session:commit()
local connection = db.engine:connect()

local of = {
  query = known.copy({}, mr.Query), select = known.methods(mr.select(User)), expression = known.methods(User.id),
  relationship = known.methods(Post.user), subquery = known.methods(User.query:subquery()),
  compiled = known.methods(User.query:compiled()), write = known.methods(mr.insert(User)),
  result = known.methods(session:execute(mr.select(User.id))), page = known.methods(User.query:paginate()),
  session = known.methods(session), scoped = known.methods(db.session),
  set = known.methods(user.set), collection = known.methods(user.posts),
  engine = known.methods(db.engine), connection = known.methods(connection),
  option = known.methods(mr.joinedload(User.posts)), date = known.methods(mr.now()),
  event = known.copy({}, mr.event),
}
connection:close()

local pages = {
  queries = { "query", "select", "expression", "subquery", "compiled", "write", "result", "page" },
  relationships = { "relationship", "collection", "set" },
  sessions = { "session", "scoped" },
  engines = { "engine", "connection" },
  loading = { "option" },
  types = { "date" },
  events = { "event" },
}

-- Names that are of no interest to a reader: the inner parts of an expression.
local inner = { key = true, name = true, type = true }

describe("the guide", function()
  it("names each function and value of the module", function()
    local text = {}
    local listed <close> = assert(io.popen "ls examples/guide")
    for file in listed:lines() do text[#text + 1] = guide.text((file:gsub("%.md$", ""))) end
    text = table.concat(text)
    for name in pairs(mr) do
      assert(text:find("[.:`]" .. name .. "%f[^%w_]"), "no page of the guide names mr." .. name)
    end
  end)

  for page, parts in pairs(pages) do
    it("names on the page '" .. page .. "' all that there is", function()
      local text = guide.text(page)
      for _, part in ipairs(parts) do
        assert.is_not_nil(next(of[part]), part)
        for name in pairs(of[part]) do
          local told = inner[name] or text:find("[.:`]" .. name .. "%f[^%w_]")
          assert(told, ("%s.md does not name '%s' (%s)"):format(page, name, part))
        end
      end
    end)
  end

  -- Iterates over the pieces of code in all tables. Pages that compare with other libraries are left out.
  local function each_code()
    return coroutine.wrap(function()
      for _, page in ipairs{ "tutorial", "types", "engines", "relationships", "inheritance", "queries", "sessions",
        "loading", "events" } do
        for _, found in ipairs(guide.tables(page)) do
          for _, row in ipairs(found.rows) do
            for code in table.concat(row, " "):gmatch "`([^`]*)`" do coroutine.yield(page, code) end
          end
        end
      end
    end)
  end

  it("names no method, in any table, that no value has", function()
    local there = known.copy(known.copy({}, known.methods(db)), known.methods(db.app))
    there.extend = true
    for _, names in pairs(of) do known.copy(there, names) end
    for page, code in each_code() do
      for name in (" " .. code:gsub('"[^"]*"', '""')):gmatch "[%w_)}%s]:([%a_][%w_]*)" do
        assert(there[name], ("%s.md: nothing has ':%s' (%s)"):format(page, name, code))
      end
    end
  end)

  it("names nothing of the module, in any table, that there is not", function()
    for page, code in each_code() do
      for name in code:gmatch "%f[%w_]mr%.([%a_][%w_]*)" do
        assert(rawget(mr, name) ~= nil or name == "NAME", ("%s.md: there is no mr.%s"):format(page, name))
      end
    end
  end)
end)
