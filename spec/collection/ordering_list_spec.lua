-- A list with mr.ordering_list keeps the place of each object in an attribute. Restates what SQLAlchemy's
-- test/ext/test_orderinglist.py says; but numbers begin at 1, and are right after each change, an append too.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local shelf = require "spec.support.shelf"

describe("an ordering list", function()
  local m, s, Item, p, a, b, c

  local function open(options, given)
    m = shelf.open{ collection_class = mr.ordering_list("position", options or {}), order_by = false,
      cascade = given }
    s, Item = m.session, m.Item
    p = m.Parent{}
    a, b, c = Item{ name = "a" }, Item{ name = "b" }, Item{ name = "c" }
  end

  before_each(function() open() end)

  -- The names and positions: "a1 b2".
  local function shown(parent)
    local list = {}
    for i, item in ipairs((parent or p).items) do list[i] = item.name .. tostring(item.position) end
    return table.concat(list, " ")
  end

  local function saved(...)
    p.items:extend{ ... }
    s:add(p)
    s:commit()
  end

  it("numbers what is appended, before anything is written", function()
    p.items:append(a)
    assert.equal(1, a.position)
    p.items:append(b)
    p.items[#p.items + 1] = c
    assert.equal("a1 b2 c3", shown())
    s:add(p)
    s:commit()
    s:expunge_all()
    assert.equal("a1 b2 c3", shown(m.Parent.query:one()))
  end)

  it("numbers anew what stands behind an insertion", function()
    p.items = { a, b }
    p.items:insert(1, c)
    assert.equal("c1 a2 b3", shown())
    table.insert(p.items, 2, Item{ name = "d" })
    assert.equal("c1 d2 a3 b4", shown())
  end)

  it("numbers anew what stood behind an object that is taken out, which keeps its number", function()
    p.items = { a, b, c }
    p.items:remove(a)
    assert.equal("b1 c2", shown())
    assert.equal(1, a.position)
    assert.equal(b, table.remove(p.items, 1))
    assert.equal("c1", shown())
    p.items[#p.items] = nil
    assert.equal("", shown())
  end)

  it("numbers what is put into another's place", function()
    p.items = { a, b }
    p.items[1] = c
    assert.equal("c1 b2", shown())
  end)

  it("follows table.sort, and whole assignments", function()
    p.items = { c, a, b }
    assert.equal("c1 a2 b3", shown())
    table.sort(p.items, function(x, y) return x.name < y.name end)
    assert.equal("a1 b2 c3", shown())
    p.items = { b, c }
    assert.equal("b1 c2", shown())
    p.items:clear()
    p.items:extend{ c, a }
    assert.equal("c1 a2", shown())
  end)

  it("numbers objects that have another number", function()
    p.items:append(Item{ name = "x", position = 77 })
    p.items:append(Item{ name = "y", position = 1 })
    assert.equal("x1 y2", shown())
  end)

  it("writes only what has moved", function()
    saved(a, b, c)
    p.items:append(Item{ name = "d" })
    assert.equal("INSERT item", shelf.short(m.db:record(function() s:flush() end)))
    s:commit()
    assert.equal(4, #p.items)
    p.items:insert(4, Item{ name = "e" }) -- only d moves
    local records = m.db:record(function() s:flush() end)
    assert.equal("UPDATE item, INSERT item", shelf.short(records))
    assert.equal("a1 b2 c3 e4 d5", shown())
    assert.matches("SET position", records[1].statement)
    assert.equal(2, #records[1].parameters)
    s:commit()
    assert.equal(5, #p.items)
    p.items[1], p.items[2] = p.items[2], p.items[1]
    assert.equal("b1 a2 c3 e4 d5", shown())
    s:commit()
    assert.equal("b1 a2 c3 e4 d5", shown())
    local order = { b = 1, a = 2, c = 3, e = 4, d = 5 }
    assert.equal("", shelf.short(m.db:record(function()
      table.sort(p.items, function(x, y) return order[x.name] < order[y.name] end)
      s:flush()
    end)))
  end)

  it("sends one batch for all that has moved", function()
    saved(a, b, c)
    assert.equal(3, #p.items)
    p.items = { c, b, a }
    local records = m.db:record(function() s:flush() end)
    assert.equal(1, #records)
    assert.equal(2, #records[1].parameters) -- b stays where it is
  end)

  it("counts from another number, and in steps", function()
    open{ count_from = 0 }
    p.items = { a, b, c }
    assert.equal("a0 b1 c2", shown())
    open{ count_from = 10, step = 10 }
    p.items = { a, b }
    p.items:insert(2, c)
    assert.equal("a10 c20 b30", shown())
    open{ count_from = -1, step = -1 }
    p.items = { a, b }
    assert.equal("a-1 b-2", shown())
  end)

  it("is read in the order of its numbers, if no other order is given", function()
    saved(a, b)
    p.items = { b, a }
    s:commit()
    s:expunge_all()
    local records = m.db:record(function() assert.equal("b1 a2", shown(m.Parent.query:one())) end)
    assert.matches("ORDER BY item.position$", records[2].statement)
    s:expunge_all()
    for _, way in ipairs{ "joined", "selectin", "subquery" } do
      s:expunge_all()
      assert.equal("b1 a2", shown(m.Parent.query:options(mr[way .. "load"](m.Parent.items)):one()), way)
    end
  end)

  it("numbers what its other side gives it, for which it is loaded", function()
    saved(a, b)
    local parent = m.Parent.query:one()
    local reads = m.db:record(function() c.parent = parent end)
    assert.equal("SELECT item", shelf.short(reads))
    assert.equal(3, c.position)
    assert.equal(4, Item{ name = "d", parent = parent }.position)
    s:commit()
    assert.equal("a1 b2 c3 d4", shown())
  end)

  it("closes the gap when the other side takes an object away", function()
    p.items = { a, b, c }
    a.parent = nil
    assert.equal("b1 c2", shown())
    local q = m.Parent{ items = { b } }
    assert.equal("b1", shown(q))
    assert.equal("c1", shown())
    q.items:append(c)
    assert.equal("b1 c2", shown(q))
  end)

  it("leaves what it loads as it is, and numbers it with the first change, or by reorder", function()
    s:add(p)
    s:flush()
    s:execute(mr.text "INSERT INTO item (name, position, parent_id) VALUES ('x', 5, 1), ('y', 9, 1)")
    s:commit()
    assert.equal("x5 y9", shown())
    assert.equal(0, #m.db:record(function() s:flush() end))
    p.items:reorder()
    assert.equal("x1 y2", shown())
    s:rollback()
    assert.equal("x5 y9", shown())
    p.items:append(a)
    assert.equal("x1 y2 a3", shown())
  end)

  it("is numbered after a merge", function()
    saved(a, b, c)
    assert.equal(3, #p.items)
    s:expunge_all()
    p.items:remove(a)
    local merged = s:merge(p)
    assert.equal("b1 c2", shown(merged))
    s:commit()
    assert.equal("b1 c2", shown(merged))
  end)

  it("deletes its orphans, and numbers the others", function()
    open({}, "all, delete-orphan")
    saved(a, b, c)
    p.items:remove(p.items[2])
    assert.equal("UPDATE item, DELETE item", shelf.short(m.db:record(function() s:flush() end)))
    s:commit()
    assert.equal("a1 c2", shown())
  end)

  it("is left as it was, numbers too, when a change is refused", function()
    p.items = { a, b }
    mr.event.listen(m.Item.position, "set", function(_, value) if value == 3 then error("full", 0) end end)
    local ok, e = pcall(function() p.items:insert(1, c) end)
    assert.is_false(ok)
    assert.equal("full", e)
    assert.equal("a1 b2", shown())
    assert.is_nil(c.parent)
    assert.is_nil(c.position)
  end)

  it("of many objects takes no longer for each of them", function()
    local n = os.getenv "MOONROW_STRESS" and 50 or 5000
    for i = 1, n do p.items:append(Item{ name = "i" .. i }) end
    assert.equal(n, p.items[n].position)
    p.items[n] = nil
    p.items:insert(n - 1, Item{ name = "x" })
    assert.equal(n - 1, p.items[n - 1].position)
    assert.equal(n, p.items[n].position)
  end)

  it("that is only read numbers nothing", function()
    m = shelf.open{ collection_class = mr.ordering_list "position", viewonly = true, backref = false, order_by = false }
    p, a = m.Parent{}, m.Item{ name = "a" }
    p.items:append(a)
    p.items:reorder()
    assert.is_nil(a.position)
  end)

  it("keeps a pending orphan in the session when its change is refused", function()
    open({}, "all, delete-orphan")
    p.items = { a, b }
    s:add(p)
    mr.event.listen(m.Item.position, "set", function(item) if item == b then error("stay", 0) end end)
    assert.is_false(pcall(function() p.items:remove(a) end))
    assert.is_true(s:contains(a))
    assert.equal("a1 b2", shown())
    s:commit()
    assert.equal("a1 b2", shown())
  end)

  it("gives its numbers back with a rollback", function()
    saved(a, b, c)
    p.items:insert(1, table.remove(p.items))
    assert.equal("c1 a2 b3", shown())
    s:rollback()
    assert.equal("a1 b2 c3", shown())
  end)

  it("of a many-to-many numbers the objects, too", function()
    local db = mr.open "sqlite://"
    local link = db.Table("link", db.Column{ "box_id", db.Integer, db.ForeignKey "box.id", primary_key = true },
      db.Column{ "part_id", db.Integer, db.ForeignKey "part.id", primary_key = true })
    local Part = db.Model:extend("Part", { id = db.Column{ db.Integer, primary_key = true },
      place = db.Column{ db.Float } })
    local Box = db.Model:extend("Box", { id = db.Column{ db.Integer, primary_key = true },
      parts = db.relationship{ "Part", secondary = link, collection_class = mr.ordering_list "place" } })
    db:create_all()
    local box = Box{ parts = { Part{ id = 2 }, Part{ id = 1 } } }
    db.session:add(box)
    db.session:commit()
    assert.equal(2, box.parts[1].id)
    assert.equal(1.0, box.parts[1].place)
    assert.equal(2.0, box.parts[2].place)
  end)

  it("has lists alone a reorder", function()
    local other = shelf.open()
    refuse("ArgumentError", "Parent.items: reorder numbers an ordering list: collection_class = "
      .. 'mr.ordering_list "position"', function() other.Parent{}.items:reorder() end)
  end)
end)

describe("an ordering list with ordering_func", function()
  local m, s, Item, p, a, b, c

  -- The attribute that is numbered is a text.
  local function open(fn)
    m = shelf.open{ collection_class = mr.ordering_list("name", { ordering_func = fn }), order_by = false }
    s, Item = m.session, m.Item
    p, a, b, c = m.Parent{}, Item{ position = 7 }, Item{ position = 8 }, Item{ position = 9 }
  end

  local function shown(parent)
    local list = {}
    for i, item in ipairs((parent or p).items) do list[i] = item.name .. item.position end
    return table.concat(list, " ")
  end

  local function letter(index) return string.char(96 + index) end

  it("gives each object what the function makes of its place", function()
    open(letter)
    p.items = { a, b }
    assert.equal("a7 b8", shown())
    p.items:insert(1, c)
    assert.equal("a9 b7 c8", shown())
    p.items:remove(c)
    assert.equal("a7 b8", shown())
    s:add(p)
    s:commit()
    s:expunge_all()
    p = m.Parent.query:one()
    assert.equal("a7 b8", shown())
  end)

  it("writes what has moved only", function()
    open(letter)
    p.items = { a, b, c }
    s:add(p)
    s:commit()
    p.items[3] = nil
    p.items:append(c)
    assert.equal(0, #m.db:record(function() s:flush() end))
    p.items = { a, c, b }
    local sent = m.db:record(function() s:flush() end)
    assert.equal(1, #sent)
    assert.equal(2, #sent[1].parameters)
  end)

  it("is given the list, which has the change already, and asks for the objects behind it only", function()
    local seen = {}
    open(function(index, list)
      seen[#seen + 1] = index .. "/" .. #list
      return letter(index)
    end)
    p.items = { a, b }
    seen = {}
    p.items:append(c)
    assert.equal("2/3 3/3", table.concat(seen, " "))
  end)

  it("undoes the change where the function fails, returns no position, or changes the list", function()
    local fail
    open(function(index, list) return fail and fail(index, list) or letter(index) end)
    p.items = { a, b }
    local function refused(kind, words, fn)
      fail = fn
      refuse(kind, words, function() p.items:insert(1, c) end)
      fail = nil
      assert.equal("a7 b8", shown())
      assert.is_nil(c.name)
    end
    refused("ArgumentError", { "ordering_func of Parent.items", "expected a string, got table" },
      function(index) return index == 2 and {} end)
    refused("InvalidRequestError", "the ordering_func changes a list whose objects it numbers: let it return a "
      .. "value only", function(index, list) return index == 2 and list:append(Item{}) and nil end)
    fail = function(index) return index == 3 and error{ own = true } end
    local ok, e = pcall(p.items.insert, p.items, 1, c)
    assert.is_true(not ok and e.own)
    fail = nil
    assert.equal("a7 b8", shown())
    local silent = mr.ordering_list("name", { ordering_func = function() end })
    m = shelf.open{ collection_class = silent, order_by = false }
    refuse("ArgumentError", "gave nil: it must give a position", function() m.Parent{ items = { m.Item{} } } end)
  end)

  it("says what is wrong with the options", function()
    local function with(options) return function() mr.ordering_list("position", options) end end
    refuse("ArgumentError", { "ordering_list: ordering_func", "a function(index, list)" }, with{ ordering_func = 3 })
    refuse("ArgumentError", "ordering_list: step and ordering_func: the function makes the positions, so leave step "
      .. "out", with{ ordering_func = letter, step = 2 })
    refuse("ArgumentError", { "reorder_on_append", "true (each change numbers the list)" },
      with{ reorder_on_append = false })
    assert.truthy(mr.ordering_list("position", { reorder_on_append = true }))
    m = shelf.open{ collection_class = mr.ordering_list("double", { ordering_func = letter }), order_by = false }
    m.Item.double = mr.column_property(m.Item.code + m.Item.code)
    refuse("MappingError", "its collection is numbered by Item.double, which must be a column",
      function() m.db:configure() end)
  end)
end)
