-- What mapped classes promise, together in one model: objects of a family by get and by queries, validators, keys of
-- two columns, and columns and tables of odd names, each also in the others' place.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local staff = require "spec.support.staff"
local support = require "spec.support.models"

local costs, sent, words, writes = support.costs, support.sent, support.words, support.writes

describe("objects of a family", function()
  for _, kind in ipairs{ "single", "joined", "mixed" } do
    it("are got from memory by any of their classes, nil by a wrong one, and come with a query of the base: " .. kind,
      function()
        local db, C = staff.filled(kind)
        local sue
        costs(db, 1, function() sue = db.session:get(C.Senior, 3) end)
        costs(db, 0, function()
          for _, name in ipairs{ "Employee", "Engineer", "Senior" } do
            assert.equal(sue, db.session:get(C[name], 3))
          end
        end)
        assert.is_nil(db.session:get(C.Manager, 3))
        for id, name in ipairs{ "Eve", "Nick" } do
          assert.is_nil(db.session:get(C.Senior, id))
          assert.equal(name, db.session:get(C.Employee, id).name)
        end
        db.session:remove()
        costs(db, 1, function()
          assert.equal("Employee Eve, Engineer Nick, Senior Sue, Manager Max",
            staff.names(C.Employee.query:order_by "id":all()))
        end)
        costs(db, 1, function() assert.equal("Engineer Nick, Senior Sue", staff.names(C.Engineer.query:all())) end)
        assert.is_nil(C.Manager.query:filter_by{ name = "Sue" }:first())
      end)
  end
end)

describe("a validator", function()
  -- Names are trimmed, an empty one is refused; a list takes no more than two tags, and puts another in place of "x".
  local function validated()
    local db = mr.open "sqlite://"
    local Tag
    local calls = {}
    local Base = db.Model:extend("Base", { id = db.Column{ db.Integer, primary_key = true },
      kind = db.Column{ db.String(9) }, name = db.Column{ db.String(9) },
      tags = db.relationship{ "Tag", order_by = "Tag.id" },
      __validators = {
        name = function(_, value)
          calls[#calls + 1] = value
          if value == "" then error("no name", 0) end
          return value and value:match "^%s*(.-)%s*$"
        end,
        tags = function(self, tag)
          if #self.tags >= 2 then error("too many", 0) end
          return tag.word == "x" and Tag{ word = "y" } or tag
        end,
      },
      __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "base" } })
    local Sub = Base:extend("Sub", { id = db.Column{ db.Integer, db.ForeignKey "base.id", primary_key = true },
      __mapper_args = { polymorphic_identity = "sub" } })
    Tag = db.Model:extend("Tag", { id = db.Column{ db.Integer, primary_key = true }, word = db.Column{ db.String(9) },
      base_id = db.Column{ db.Integer, db.ForeignKey "base.id" } })
    db:create_all()
    return db, Base, Sub, Tag, calls
  end

  it("changes or refuses in the constructor, an assignment, an append and a merge alike, of a subclass too", function()
    local db, Base, Sub, Tag, calls = validated()
    for _, Class in ipairs{ Base, Sub } do
      local made = Class{ name = " a ", tags = { Tag{ word = "x" }, Tag{ word = "z" } } }
      assert.same({ "a", "y z" }, { made.name, words(made.tags, "word") })
      assert.has_error(function() Class{ name = "" } end, "no name")
      made.name = " b"
      assert.equal("b", made.name)
      assert.has_error(function() made.name = "" end, "no name")
      assert.has_error(function() made.tags:append(Tag{}) end, "too many")
      assert.same({ "b", "y z" }, { made.name, words(made.tags, "word") })
      made.tags = {}
      made.tags:append(Tag{ word = "x" })
      db.session:add(made)
      db.session:commit()
      local merged = db.session:merge(Class{ id = made.id, name = " c " })
      assert.equal(made, merged)
      assert.same({ "c", "y" }, { merged.name, words(merged.tags, "word") })
      db.session:commit()
      local n = #calls
      costs(db, 1, function() db.session:refresh(made) end)
      assert.equal(n, #calls) -- a load asks nobody
    end
  end)
end)

describe("keys of two columns, under odd names", function()
  local function shop()
    local db = mr.open "sqlite://"
    local C = {}
    C.Order = db.Model:extend("Order", {
      __tablename = "the order", __table_args = { comment = "x" },
      shop = db.Column{ "select", db.String(9), primary_key = true },
      number = db.Column{ 'no "1"', db.Integer, primary_key = true, autoincrement = false },
      kind = db.Column{ "größe", db.String(9) },
      lines = db.relationship{ "Line", back_populates = "order", order_by = "Line.place" },
      __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "plain" },
    })
    C.Urgent = C.Order:extend("Urgent", {
      __tablename = "from",
      shop = db.Column{ "s p a c e", db.String(9), primary_key = true },
      number = db.Column{ "名前", db.Integer, primary_key = true, autoincrement = false },
      hours = db.Column{ "order", db.Integer },
      __table_args = { db.ForeignKeyConstraint({ "s p a c e", "名前" }, { "the order.select", 'the order.no "1"' }) },
      __mapper_args = { polymorphic_identity = "urgent" },
      __validators = { hours = function(_, value) return value > 0 and value or error("hours", 0) end },
    })
    C.Line = db.Model:extend("Line", {
      __tablename = "group",
      place = db.Column{ "where", db.Integer, primary_key = true },
      order_shop = db.Column{ "order shop", db.String(9) },
      order_number = db.Column{ "order-number", db.Integer },
      order = db.relationship{ "Order", back_populates = "lines" },
      __table_args = { db.ForeignKeyConstraint({ "order shop", "order-number" },
        { "the order.select", 'the order.no "1"' }) },
    })
    db:create_all()
    db.session:add_all{
      C.Order{ shop = "a", number = 1, lines = { C.Line{ place = 1 }, C.Line{ place = 2 } } },
      C.Urgent{ shop = "a", number = 2, hours = 5, lines = { C.Line{ place = 3 } } },
      C.Order{ shop = "b", number = 1 },
    }
    assert.same({ 'INSERT "the x3', 'INSERT "from"', 'INSERT "group" x3' }, writes(db))
    db.session:commit()
    db.session:remove()
    return db, C
  end

  it("are those of get, of relationships, eager loads and flushes, in a family too", function()
    local db, C = shop()
    local urgent
    costs(db, 1, function() urgent = db.session:get(C.Order, { shop = "a", number = 2 }) end)
    costs(db, 0, function() assert.equal(urgent, db.session:get(C.Urgent, { "a", 2 })) end)
    costs(db, 1, function() assert.equal(5, urgent.hours) end)
    assert.is_nil(db.session:get(C.Urgent, { "a", 1 }))
    costs(db, 1, function() assert.equal("3", words(urgent.lines, "place")) end)
    for way, n in pairs{ joinedload = 1, selectinload = 2, subqueryload = 2 } do
      db.session:remove()
      costs(db, n, function()
        local list = C.Order.query:options(mr[way](C.Order.lines)):order_by(C.Order.shop, C.Order.number):all()
        assert.same({ "1 2", "3", "" }, { words(list[1].lines, "place"), words(list[2].lines, "place"),
          words(list[3].lines, "place") })
      end)
    end
    db.session:remove()
    local line = db.session:get(C.Line, 1)
    costs(db, 1, function() assert.same({ "a", 1 }, { line.order.shop, line.order.number }) end)
    line.order = db.session:get(C.Order, { "b", 1 })
    assert.same({ 'UPDATE "group"' }, writes(db))
    assert.same({ "b", 1 }, { line.order_shop, line.order_number })
    db.session:delete(db.session:get(C.Urgent, { "a", 2 }))
    local list = writes(db)
    assert.same({ 'DELETE "from"', 'DELETE "the' }, { table.unpack(list, #list - 1) })
    assert.is_nil(db.session:get(C.Line, 3).order)
  end)

  it("stand in criteria, orders, aliases, joins, updates and deletions", function()
    local db, C = shop()
    local one = sent(db, function()
      assert.equal(1, #C.Urgent.query:filter(C.Urgent.hours:gt(1)):order_by(C.Urgent.shop, C.Urgent.number):all())
    end)
    assert.truthy(one[1][1]:find([[FROM "the order" JOIN "from" ON "the order"."select" = "from"."s p a c e" AND ]]
      .. [["the order"."no ""1""" = "from"."名前" WHERE "from"."order" > ? ORDER BY]], 1, true), one[1][1])
    local u = mr.aliased(C.Urgent)
    costs(db, 1, function()
      local rows = db.session:query(u.shop, u.number, u.hours):all()
      assert.equal("a 2 5", table.concat({ rows[1]:unpack() }, " "))
      assert.equal(1, #rows)
    end)
    costs(db, 1, function()
      assert.equal("3", words(C.Line.query:join(C.Line.order:of_type(C.Urgent)):all(), "place"))
    end)
    costs(db, 1, function()
      assert.equal(2, C.Line.query:filter(C.Line.order:has{ shop = "a", kind = "plain" }):count())
    end)
    costs(db, 1, function()
      assert.equal(1, C.Order.query:filter(~C.Order.lines:any()):count())
    end)
    assert.equal(1, C.Urgent.query:filter(C.Urgent.hours:eq(5)):update{ hours = 6 })
    assert.equal(6, C.Urgent.query:one().hours)
    refuse("StaleDataError", "or is none of Urgent", function()
      db.session:execute(mr.update(C.Urgent), { { shop = "a", number = 1, kind = "urgent" } })
    end)
    db.session:rollback()
    assert.has_error(function() C.Urgent{ hours = -1 } end, "hours")
    assert.equal(1, C.Line.query:filter(C.Line.order:has{ kind = "urgent" }):delete())
    assert.equal(1, C.Urgent.query:delete())
    db.session:commit()
    assert.equal(2, C.Order.query:count())
  end)
end)
