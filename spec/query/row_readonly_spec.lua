-- luacheck: ignore 512
-- Rows of several items cannot be changed, in whatever way; all that reads works.
local mr = require "moonrow"

describe("a row", function()
  local db, User

  before_each(function()
    db = mr.open "sqlite://"
    User = db.Model:extend("User", {
      id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String },
      age = db.Column{ db.Integer },
    })
    db:create_all()
    db.session:add_all{ User{ name = "zoe", age = 30 }, User{ name = "ann" } }
    db.session:commit()
  end)

  local sources = {
    ["a query of columns"] = function() return db.session:query(User.name, User.age):order_by(User.id):first() end,
    ["a query of a class and a column"] = function()
      return db.session:query(User, User.age):order_by(User.id):first()
    end,
    ["a select"] = function() return db.session:execute(mr.select(User.name, User.age):order_by(User.id)):first() end,
    ["text"] = function() return db.session:execute(mr.text "select name, age from user order by id"):all()[1] end,
    ["returning"] = function()
      return db.session:execute(mr.insert(User):values{ name = "new", age = 1 }:returning(User.name, User.age)):one()
    end,
    ["a connection"] = function()
      return db.engine:connect():execute(mr.text "select name, age from user order by id"):fetchone()
    end,
    ["iteration"] = function()
      for row in db.session:query(User.name, User.age):order_by(User.id):iter() do return row end
    end,
  }

  local changes = {
    ["by index"] = function(row) row[1] = "x" end,
    ["by index, of a NULL"] = function(row) row[2] = "x" end,
    ["by an index behind the last"] = function(row) row[3] = "x" end,
    ["by name"] = function(row) row.name = "x" end,
    ["by a new name"] = function(row) row.other = "x" end,
    ["to nil"] = function(row) row[1] = nil end,
    ["by rawset"] = function(row) rawset(row, 1, "x") end,
    ["by table.insert"] = function(row) table.insert(row, "x") end,
    ["by table.insert in front"] = function(row) table.insert(row, 1, "x") end,
    ["by table.remove"] = function(row) table.remove(row) end,
    ["by table.remove of the first"] = function(row) table.remove(row, 1) end,
    ["by table.sort"] = function(row) table.sort(row, function(a, b) return tostring(a) < tostring(b) end) end,
    ["by table.move"] = function(row) table.move({ "x" }, 1, 1, 1, row) end,
    ["by another metatable"] = function(row) setmetatable(row, {}) end,
    ["by its metatable"] = function(row) getmetatable(row).__newindex = nil end,
  }

  for source, get in pairs(sources) do
    it("cannot be changed: " .. source, function()
      local row = get()
      local first, second, text = row[1], row[2], tostring(row)
      for how, change in pairs(changes) do
        assert.is_false((pcall(change, row)), how)
      end
      assert.equal(2, #row)
      assert.equal(first, row[1])
      assert.equal(second, row[2])
      assert.equal(text, tostring(row))
    end)
  end

  it("says that it cannot be changed", function()
    local row = sources.text()
    local ok, e = pcall(function() row[1] = "x" end)
    assert.is_false(ok)
    assert.equal("ArgumentError", e.kind)
    assert.matches("a row cannot be changed", e.message)
  end)

  it("is read as before", function()
    local row = db.session:execute(mr.text "select 'a' as name, null as age, 3 as n, 4 as keys"):first()
    assert.equal("a", row.name)
    assert.equal("a", row[1])
    assert.is_nil(row.age)
    assert.is_nil(row[2])
    assert.equal(4, row.keys)
    assert.equal(4, #row)
    assert.equal(4, select("#", row:unpack()))
    assert.same({ "a", nil, 3, 4 }, { table.unpack(row) })
    assert.same({ name = "a", n = 3, keys = 4 }, row:mapping())
    assert.equal('("a", nil, 3, 4)', tostring(row))
    local seen = {}
    for name, value in pairs(row) do seen[#seen + 1] = name .. "=" .. tostring(value) end
    assert.same({ "name=a", "age=nil", "n=3", "keys=4" }, seen)
    local sum = 0
    for _, value in ipairs(db.session:execute(mr.text "select 1, 2, 3"):first()) do sum = sum + value end
    assert.equal(6, sum)
    assert.equal("1-2", table.concat(db.session:execute(mr.text "select 1, 2"):first(), "-"))
    assert.same({ 1, 2 }, table.move(db.session:execute(mr.text "select 1, 2"):first(), 1, 2, 1, {}))
    local one, same = sources.text(), sources["a select"]()
    assert.is_true(one == same)
    assert.is_false(one == row)
    local ok, e = pcall(function() return row[5 + 1] end)
    assert.is_false(ok)
    assert.matches("the row has 4 columns, not 6", e.message)
    ok, e = pcall(function() return row.nmae end)
    assert.is_false(ok)
    assert.matches("did you mean 'name'", e.message)
  end)

  it("has as many columns as a database gives", function()
    local columns = {}
    for i = 1, 1500 do columns[i] = i .. " as c" .. i end
    local row = db.session:execute(mr.text("select " .. table.concat(columns, ", "))):first()
    assert.equal(1500, #row)
    assert.equal(1500, row.c1500)
    assert.equal(777, (select(777, row:unpack())))
  end)

  it("keeps its objects, and lets go of them with itself", function()
    local row = db.session:query(User, User.age):order_by(User.id):first()
    collectgarbage()
    assert.equal("zoe", row.User.name)
    local weak = setmetatable({ row[1] }, { __mode = "v" })
    collectgarbage()
    assert.is_truthy(weak[1])
    row = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    assert.is_nil(weak[1])
  end)
end)
