-- Columns with names that SQL or Lua would read otherwise, under other names as attributes: all works with them as with
-- any other.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

-- By attribute: its column.
local names = {
  query_ = "query", select = "select", metadata_ = "metadata", order = "order", quote = 'a"b', tick = "a`b",
  apostrophe = "a'b", bracket = "a]b", dot = "a.b", percent = "100%", colon = ":x", question = "what?",
  umlaut = "größe", chinese = "名前", space = " lead", dash = "a-b", digit = "1st", upper = "MixedCase",
  semicolon = "a;b",
  line = "a\nb", dollar = "$1", at = "@x", paren = "f(x)", backslash = "a\\b", star = "*", comment = "--x",
  ["end"] = "end", ["größer"] = "umlaut", ["a b"] = "two words",
  [("long"):rep(20)] = ("column"):rep(20),
}

local function odd()
  local db = mr.open "sqlite://"
  local body = {
    key = db.Column{ "the id", db.Integer, primary_key = true },
    up_ = db.Column{ "parent id", db.Integer, db.ForeignKey "odd table.the id" },
    up = db.relationship{ "Odd", remote_side = "Odd.key", backref = "down" },
    __tablename = "odd table",
  }
  for attribute, column in pairs(names) do body[attribute] = db.Column{ column, db.String } end
  local Odd = db.Model:extend("Odd", body)
  db:create_all()
  local values = {}
  for attribute in pairs(names) do values[attribute] = "v" end
  local object = Odd(values)
  object.up = Odd(values)
  db.session:add(object)
  db.session:commit()
  return db, Odd, object
end

describe("an odd name of a column", function()
  for attribute, column in pairs(names) do
    it(("works everywhere: %q as %q"):format(column, attribute), function()
      local db, Odd, object = odd()
      assert.equal("v", object[attribute])
      assert.equal(column, Odd.__table.columns[column].name)
      assert.equal(2, Odd.query:filter(Odd[attribute]:eq "v"):count())
      assert.equal(2, #Odd.query:filter_by{ [attribute] = "v" }:order_by(attribute):all())
      assert.equal("v", db.session:query(Odd[attribute]):first()[attribute])
      local Other = mr.aliased(Odd)
      assert.equal("v", db.session:query(Other[attribute]):filter(Other[attribute]:eq "v"):first()[attribute])
      local inner = db.session:query(Odd[attribute]):subquery()
      assert.equal("v", db.session:query(inner.c[attribute]):first()[1])
      assert.equal("v", Odd.query:options(mr.joinedload "up"):order_by(Odd[attribute]):limit(1):one()[attribute])
      assert.equal(2, #Odd.query:options(mr.selectinload "down"):all())
      assert.equal(1, Odd.query:filter(Odd.up:has{ [attribute] = "v" }):count())
      assert.equal(2, Odd.query:update{ [attribute] = "w" })
      assert.equal("w", object[attribute])
      object[attribute] = "z"
      db.session:commit()
      assert.equal("z", object[attribute])
      db.session:execute(mr.insert(Odd):values{ [attribute] = "n" })
      db.session:execute(mr.insert(Odd), { { [attribute] = "n" }, { [attribute] = "n" } })
      assert.equal(3, Odd.query:filter(Odd[attribute]:in_{ "n", "m" }):delete())
      local copy = db.session:merge(Odd{ key = object.key, [attribute] = "merged" })
      assert.equal("merged", copy[attribute])
      db.session:rollback()
      assert.equal("z", db.session:get(Odd, object.key)[attribute])
    end)
  end

  it("is refused as an attribute where the class needs it, and the cure works", function()
    local db = mr.open "sqlite://"
    local e = refuse("ArgumentError", { "Thing.query", 'query_ = Column{ "query", ... }' }, db.Model.extend, db.Model,
      "Thing", { id = db.Column{ db.Integer, primary_key = true }, query = db.Column{ db.String } })
    assert.is_truthy(e)
    local Thing = db.Model:extend("Thing", {
      id = db.Column{ db.Integer, primary_key = true }, query_ = db.Column{ "query", db.String },
    })
    assert.equal('thing."query"', tostring(Thing.query_))
  end)

  it("of a key column is found by get, and by its attribute in a table", function()
    local db, Odd, object = odd()
    assert.equal(object, db.session:get(Odd, { key = object.key }))
    refuse("ArgumentError", "the id", db.session.get, db.session, Odd, { ["the id"] = 1 })
    assert.equal(object.up, db.session:get(Odd, object.up_))
  end)
end)
