-- The guide lists all types, all options of columns, and all options of mappings that the library has.

local mr = require "moonrow"
local guide = require "spec.support.guide"
local known = require "spec.support.known"

local db = mr.open "sqlite://"

describe("the guide's table of all types", function()
  local page = guide.table("types", "type", "All types")

  it("has each type of the library, and no other", function()
    local types = {}
    for name, value in pairs(mr) do
      if type(value) == "userdata" and tostring(debug.getmetatable(value).__name) == "Type" then types[name] = true end
    end
    assert.is_true(types.Integer and types.DateTime)
    known.same(types, guide.names(page))
  end)

  it("says what each is called in CREATE TABLE", function()
    local sql = { Any = "" }
    for _, row in ipairs(page.rows) do
      local names, words = {}, {}
      for name in row[1]:gmatch "`(%w+)[^`]*`" do names[#names + 1] = name end
      for word in row[4]:gmatch "`(%w+)[^`]*`" do words[#words + 1] = word end
      for i, name in ipairs(names) do sql[name] = sql[name] or words[i] or words[1] end
    end
    for name, word in pairs(sql) do
      local made = mr[name]
      if name == "Enum" then made = mr.Enum("a", "b") end
      if name == "Array" then made = mr.Array(mr.Integer) end
      local class = db.Model:extend("Of" .. name, {
        id = db.Column{ db.Integer, primary_key = true }, value = db.Column{ made },
      })
      local sent = db:record(function() class.__table:create(db.engine) end)
      local got = sent[#sent].statement:match "value ?(%w*)"
      assert.equal(word, got, name)
    end
  end)

  it("says what each takes: its samples are taken", function()
    local samples = {
      Integer = { 1, 2.0 }, Float = { 1, 1.5 }, Boolean = { true }, String = { "x" }, LargeBinary = { "\0\255" },
      Date = { "2024-02-29", os.date "*t", mr.today() }, Time = { "13:04", "13:04:05.5", os.date "*t" },
      DateTime = { "2024-02-29 13:04:05", "2024-02-29T13:04:05", "2024-02-29", mr.today(), os.date "*t" },
      Interval = { "P1DT2H", mr.interval(1) }, JSON = { { a = 1 }, { 1 }, "x", 1.5, false, mr.null },
      Any = { 1, 1.5, "x", true },
      Uuid = { "123e4567-e89b-12d3-a456-426614174000", ("0f"):rep(16) },
    }
    for name, values in pairs(samples) do
      local class = db.Model:extend("Takes" .. name, {
        id = db.Column{ db.Integer, primary_key = true }, value = db.Column{ mr[name] },
      })
      db:create_all()
      for _, value in ipairs(values) do
        local object = class{ value = value }
        db.session:add(object)
        db.session:commit()
        assert.is_not_nil(object.value)
      end
      assert.equal(name == "JSON" and mr.null or nil, class{ value = mr.null }.value)
    end
  end)
end)

describe("the guide's table of the options of a column", function()
  it("has each, and no other", function()
    known.same(known.options(mr.Column, { mr.Integer, xyzzyxyzzy = 1 }),
      guide.names(guide.table("types", "option", "All options of a column")))
  end)
end)

describe("the guide's table of the options of __mapper_args", function()
  it("has each, and no other", function()
    known.same(
      known.options(db.Model.extend, db.Model, "Wrong",
        { id = db.Column{ db.Integer, primary_key = true }, __mapper_args = { xyzzyxyzzy = 1 } }),
      guide.names(guide.table("inheritance", "option of `__mapper_args`")))
  end)
end)
