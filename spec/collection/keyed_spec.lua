-- A collection whose objects are found by a key: mr.attribute_keyed, mr.column_keyed and mr.keyed. Restates what
-- SQLAlchemy's test/orm/test_collection.py says of dicts and mapped collections.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local shelf = require "spec.support.shelf"

local N = os.getenv "MOONROW_STRESS" and 40 or 1500

-- The keys and names of a dict, sorted: "a=a b=b".
local function shown(dict)
  local list = {}
  for key, object in pairs(dict) do list[#list + 1] = tostring(key) .. "=" .. object.name end
  table.sort(list)
  return table.concat(list, " ")
end

describe("a dict by an attribute", function()
  local m, s, Item, p, a, b, c

  before_each(function()
    m = shelf.open{ collection_class = mr.attribute_keyed "name" }
    s, Item = m.session, m.Item
    p = m.Parent{}
    a, b, c = Item{ name = "a", code = 1 }, Item{ name = "b", code = 2 }, Item{ name = "c", code = 3 }
  end)

  local function saved(...)
    for _, item in ipairs{ ... } do p.items[item.name] = item end
    s:add(p)
    s:commit()
  end

  it("gives objects by their keys, and nil for others", function()
    p.items.a = a
    p.items["b"] = b
    assert.equal(a, p.items.a)
    assert.equal(b, p.items["b"])
    assert.is_nil(p.items.c)
    assert.equal(2, #p.items)
    assert.equal("a=a b=b", shown(p.items))
    assert.equal(p, a.parent)
  end)

  it("has keys of any name, those of methods too", function()
    for _, name in ipairs{ "append", "remove", "clear", "has", "#", "" } do
      assert.is_nil(p.items[name])
      p.items[name] = Item{ name = name }
      assert.equal(name, p.items[name].name)
    end
    assert.equal(6, #p.items)
  end)

  it("gives a new object without a key the one that it is put under", function()
    p.items.x = Item{ code = 9 }
    assert.equal("x", p.items.x.name)
    p.items = { y = Item{ code = 8 } }
    assert.equal("y", p.items.y.name)
  end)

  it("refuses an object under a key that is not its own", function()
    refuse("ArgumentError", 'Parent.items["z"]: the key of a is "a": write ["a"], or set its name first',
      function() p.items.z = a end)
    refuse("ArgumentError", 'Parent.items["z"]: the key of a is "a"', function() p.items = { z = a } end)
    refuse("ArgumentError", 'the key of a is "a"', function() m.Parent{ items = { z = a } } end)
    assert.equal(0, #p.items)
    assert.is_nil(a.parent)
  end)

  it("refuses an object without a key through the other side", function()
    refuse("ArgumentError", "Parent.items: the key of <Item (transient)> is nil: set its name before it is put into "
      .. "the collection", function() Item{ code = 1, parent = p } end)
    assert.equal(0, #p.items)
  end)

  it("replaces the object that has the key, which leaves its parent", function()
    local heard = shelf.listen(m.Parent.items)
    p.items.a = a
    local other = Item{ name = "a" }
    p.items.a = other
    assert.equal(other, p.items.a)
    assert.equal(1, #p.items)
    assert.is_nil(a.parent)
    p.items.a = other
    assert.same({ "append a", "remove a", "append a" }, heard)
  end)

  it("replaces it through the other side, too", function()
    local heard = shelf.listen(m.Parent.items)
    p.items.a = a
    local other = Item{ name = "a", parent = p }
    assert.equal(other, p.items.a)
    assert.equal(1, #p.items)
    assert.is_nil(a.parent)
    assert.same({ "append a", "remove a", "append a" }, heard)
  end)

  it("changes nothing when a listener refuses the replacement", function()
    p.items = { a = a, b = b }
    mr.event.listen(m.Parent.items, "remove", function(_, item) error("keep " .. item.name, 0) end)
    local other = Item{ name = "a" }
    assert.is_false(pcall(function() p.items.a = other end))
    assert.is_false(pcall(function() other.parent = p end))
    assert.equal(a, p.items.a)
    assert.equal(2, #p.items)
    assert.is_nil(other.parent)
  end)

  it("takes an object out by nil", function()
    p.items = { a = a, b = b }
    p.items.a = nil
    p.items.zz = nil
    p.items["b"] = mr.null
    assert.equal(0, #p.items)
    assert.is_nil(a.parent)
  end)

  it("is cleared by mr.clear, and by an empty table", function()
    p.items = { a = a, b = b }
    mr.clear(p.items)
    assert.equal(0, #p.items)
    p.items = { a = a }
    p.items = {}
    assert.equal("{}", tostring(p.items))
    refuse("ArgumentError", "clear: expected a collection of an object, got table", mr.clear, {})
  end)

  it("is assigned as a whole: what is in both stays", function()
    local heard = shelf.listen(m.Parent.items)
    p.items = { a = a, b = b }
    while #heard > 0 do table.remove(heard) end
    p.items = { b = b, c = c }
    table.sort(heard)
    assert.same({ "append c", "remove a" }, heard)
    assert.equal("b=b c=c", shown(p.items))
    local q = m.Parent{ items = p.items }
    assert.equal("b=b c=c", shown(q.items))
    assert.equal(0, #p.items)
  end)

  it("follows a key that changes", function()
    saved(a, b)
    p.items.a.name = "z"
    assert.is_nil(p.items.a)
    assert.equal(a, p.items.z)
    assert.equal("b=b z=z", shown(p.items))
    p.items.z = nil
    assert.equal(1, #p.items)
    b.name = "y"
    assert.equal(b, p.items.y)
    s:rollback()
    assert.equal("a=a b=b", shown(p.items))
    assert.equal(b, p.items.b)
  end)

  it("gives the later of two objects that have come to have one key", function()
    saved(a, b)
    a.name = "b"
    assert.equal(b, p.items.b)
    assert.equal(1, #p.items)
    assert.equal("b=b", shown(p.items))
    s:commit()
    assert.equal(b, p.items.b)
    assert.equal(2, Item.query:filter_by{ parent_id = p.id }:count())
  end)

  it("has an object whose key is NULL in the database under mr.null", function()
    saved(a)
    s:execute(mr.text "INSERT INTO item (id, parent_id, code) VALUES (9, 1, 5)")
    s:commit()
    assert.equal(5, p.items[mr.null].code)
    local keys = {}
    for key in pairs(p.items) do keys[key] = true end
    assert.same({ a = true, [mr.null] = true }, keys)
  end)

  it("is loaded with one statement, and each way", function()
    saved(a, b)
    assert.equal("SELECT parent, SELECT item", shelf.short(m.db:record(function()
      assert.equal(a, p.items.a)
      assert.is_nil(p.items.c)
      assert.equal("a=a b=b", shown(p.items))
    end)))
    for way, statements in pairs{ joined = 1, selectin = 2, subquery = 2, immediate = 2 } do
      s:expunge_all()
      assert.equal(statements, #m.db:record(function()
        local parent = m.Parent.query:options(mr[way .. "load"](m.Parent.items)):one()
        assert.equal("a=a b=b", shown(parent.items))
      end), way)
    end
  end)

  it("writes only what has changed", function()
    saved(a, b)
    p.items.a = nil
    p.items.c = c
    assert.equal("UPDATE item, INSERT item", shelf.short(m.db:record(function() s:flush() end)))
    p.items.b.code = 7
    assert.equal("UPDATE item", shelf.short(m.db:record(function() s:commit() end)))
    assert.equal("b=b c=c", shown(p.items))
  end)

  it("deletes its orphans, those that were replaced too", function()
    m = shelf.open{ collection_class = mr.attribute_keyed "name", cascade = "all, delete-orphan" }
    s, Item = m.session, m.Item
    p = m.Parent{ items = { a = Item{}, b = Item{} } }
    s:add(p)
    s:commit()
    p.items.a = Item{ code = 2 }
    p.items.b = nil
    s:commit()
    assert.equal("a=a", shown(p.items))
    assert.equal(1, Item.query:count())
    assert.equal(2, p.items.a.code)
  end)

  it("brings its objects into the session", function()
    s:add(p)
    p.items.a = a
    assert.is_true(s:contains(a))
    local q = m.Parent{}
    q.items.b = b
    s:add(q)
    assert.is_true(s:contains(b))
  end)

  it("is not loaded for a change of the other side, and knows of it when it is loaded", function()
    saved(a)
    s:expire_all()
    local parent = s:get(m.Parent, p.id)
    assert.equal(0, #m.db:record(function() b.parent = parent end))
    assert.equal("a=a b=b", shown(parent.items))
  end)

  it("has a history", function()
    saved(a, b)
    p.items.a = nil
    p.items.c = c
    local history = mr.inspect(p):history "items"
    assert.equal("{c}", tostring(history.added))
    assert.equal("{a}", tostring(history.deleted))
    assert.equal("{b}", tostring(history.unchanged))
  end)

  it("is merged, expired and refreshed", function()
    saved(a, b)
    assert.equal(2, #p.items)
    s:expunge_all()
    local merged = s:merge(p)
    assert.equal("a=a b=b", shown(merged.items))
    assert.equal(0, #m.db:record(function() s:flush() end))
    p.items.c = c
    p.items.a = nil
    merged = s:merge(p)
    assert.equal("b=b c=c", shown(merged.items))
    s:rollback()
    assert.equal("a=a b=b", shown(merged.items))
    s:refresh(merged)
    assert.equal("a=a b=b", shown(merged.items))
  end)

  it("may be changed in a loop over it", function()
    p.items = { a = a, b = b, c = c }
    for key in pairs(p.items) do p.items[key] = nil end
    assert.equal(0, #p.items)
    p.items = { a = a, b = b, c = c }
    local seen = 0
    for key in pairs(p.items) do
      mr.clear(p.items)
      assert.is_string(key)
      seen = seen + 1
    end
    assert.equal(1, seen)
  end)

  it("shows itself", function()
    p.items.a = a
    p.items["x y"] = Item{ name = "x y" }
    assert.equal('{a = a, ["x y"] = x y}', tostring(p.items))
    assert.is_true(p.items == p.items)
  end)

  it("answers what it has not with what there is", function()
    refuse("ArgumentError", "Parent.items is a collection by Item.name, a string, and not a list with an item 1",
      function() return p.items[1] end)
    refuse("ArgumentError", "for key, object in pairs(object.items) do", function()
      for _ in ipairs(p.items) do end -- luacheck: ignore
    end)
    refuse("ArgumentError", "Parent.items takes objects by their keys, { [key] = object }, not a list",
      function() p.items = { a } end)
    refuse("ArgumentError", "Parent.items: expected an Item, got string", function() p.items.a = "x" end)
    refuse("ArgumentError", "Parent.items: expected an Item", function() p.items.a = p end)
    refuse("ArgumentError", "pairs(object.items)", function() for _ in p.items do end end) -- luacheck: ignore
    refuse("ArgumentError", "Item.name: expected a string", function() p.items[true] = Item{} end)
    assert.equal(0, #p.items)
  end)

  it("is filled one by one, and read, without looking at all objects each time", function()
    for i = 1, N do
      local key = "k" .. i
      if not p.items[key] then p.items[key] = Item{ code = i } end
    end
    local sum = 0
    for i = 1, N do sum = sum + p.items["k" .. i].code end
    assert.equal(N * (N + 1) // 2, sum)
  end)
end)

describe("a dict by other keys", function()
  it("of integers takes no words, and floats that are whole", function()
    local m = shelf.open{ collection_class = mr.attribute_keyed "code" }
    local p = m.Parent{}
    p.items[7] = m.Item{ name = "seven" }
    assert.equal("seven", p.items[7].name)
    assert.equal("seven", p.items[7.0].name)
    assert.equal(7, p.items[7].code)
    assert.is_nil(p.items[8])
    p.items = { m.Item{ name = "one" }, m.Item{ name = "two" } }
    assert.equal("1=one 2=two", shown(p.items))
    refuse("ArgumentError", "Parent.items is a collection by Item.code, and has no method 'append'", function()
      -- the type is named in the message, too
      p.items:append(m.Item{})
    end)
    refuse("ArgumentError", 'a number, and not by "x"', function() return p.items.x end)
  end)

  it("of dates finds them by dates and by their texts", function()
    local m = shelf.open{ collection_class = mr.attribute_keyed "day" }
    local p = m.Parent{}
    p.items["2024-05-01"] = m.Item{ name = "may" }
    m.session:add(p)
    m.session:commit()
    assert.equal("may", p.items["2024-05-01"].name)
    assert.equal("may", p.items[mr.date(2024, 5, 1)].name)
    p.items[mr.date(2024, 5, 1)] = nil
    assert.equal(0, #p.items)
  end)

  it("of the primary key refuses objects that have none yet", function()
    local m = shelf.open{ collection_class = mr.attribute_keyed "id" }
    local p = m.Parent{}
    refuse("ArgumentError", "is nil", function() m.Item{ parent = p } end)
    p.items[3] = m.Item{ name = "three" }
    m.session:add(p)
    m.session:commit()
    assert.equal("3=three", shown(p.items))
  end)

  it("of objects finds them by objects", function()
    local db = mr.open "sqlite://"
    local Kind = db.Model:extend("Kind", { id = db.Column{ db.Integer, primary_key = true } })
    local Part = db.Model:extend("Part", { id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String(9) },
      kind_id = db.Column{ db.Integer, db.ForeignKey "kind.id" }, kind = db.relationship{ "Kind" },
      box_id = db.Column{ db.Integer, db.ForeignKey "box.id" } })
    local Box = db.Model:extend("Box", { id = db.Column{ db.Integer, primary_key = true },
      parts = db.relationship{ "Part", collection_class = mr.attribute_keyed "kind" } })
    db:create_all()
    local x, y, box = Kind{}, Kind{}, Box{}
    box.parts[x] = Part{ name = "px", kind = x }
    box.parts[y] = Part{ name = "py", kind = y }
    db.session:add(box)
    db.session:commit()
    assert.equal("px", box.parts[x].name)
    assert.equal("py", box.parts[y].name)
    refuse("ArgumentError", "Box.parts[", function() box.parts[x] = Part{ kind = y } end)
  end)

  for way, given in pairs{
    ["by an attribute of the class"] = function(Note) return mr.column_keyed(Note.word) end,
    ["by a text"] = function() return mr.column_keyed "Note.word" end,
    ["by a function"] = function(Note) return mr.column_keyed(function() return Note.word end) end,
    ["by the table's column"] = function(Note) return mr.column_keyed(Note.__table.c.text) end,
    ["in a list of one"] = function(Note) return mr.column_keyed{ Note.word } end,
  } do
    it("is made of a column " .. way, function()
      local db = mr.open "sqlite://"
      local Note = db.Model:extend("Note", { id = db.Column{ db.Integer, primary_key = true },
        word = db.Column{ "text", db.String(9) }, name = db.Column{ db.String(9) },
        user_id = db.Column{ db.Integer, db.ForeignKey "user.id" } })
      local User = db.Model:extend("User", { id = db.Column{ db.Integer, primary_key = true },
        notes = db.relationship{ "Note", collection_class = given(Note) } })
      db:create_all()
      local user = User{ notes = { k = Note{ name = "n" } } }
      db.session:add(user)
      db.session:commit()
      assert.equal("k=n", shown(user.notes))
      assert.equal("k", user.notes.k.word)
    end)
  end

  it("is made of a hybrid, which is no column", function()
    local db = mr.open "sqlite://"
    local Note = db.Model:extend("Note", { id = db.Column{ db.Integer, primary_key = true },
      first = db.Column{ db.String(9) }, last = db.Column{ db.String(9) },
      name = mr.hybrid(function(self) return self.first .. " " .. self.last end),
      user_id = db.Column{ db.Integer, db.ForeignKey "user.id" } })
    local User = db.Model:extend("User", { id = db.Column{ db.Integer, primary_key = true },
      notes = db.relationship{ "Note", collection_class = mr.attribute_keyed "name" } })
    db:create_all()
    local user = User{ notes = { ["a b"] = Note{ first = "a", last = "b" } } }
    db.session:add(user)
    db.session:commit()
    assert.equal("b", user.notes["a b"].last)
    local other = Note{ first = "a", last = "b" }
    user.notes["a b"] = other
    assert.equal(other, user.notes["a b"])
    assert.equal(1, #user.notes)
    refuse("ArgumentError", 'User.notes["c"]: the key of <Note (pending)> is "a b": write ["a b"]',
      function() user.notes.c = other end)
  end)

  it("is made by a function of the object", function()
    local m = shelf.open{ collection_class = mr.keyed(function(item) return item.name .. "/" .. item.code end),
      cascade = "all, delete-orphan" }
    local Item, p = m.Item, m.Parent{}
    p.items["a/1"] = Item{ name = "a", code = 1 }
    Item{ name = "b", code = 2, parent = p }
    m.session:add(p)
    m.session:commit()
    assert.equal("a/1=a b/2=b", shown(p.items))
    assert.equal("b", p.items["b/2"].name)
    assert.is_nil(p.items["b/3"])
    p.items["b/2"].code = 3
    assert.equal("b", p.items["b/3"].name)
    local other = Item{ name = "b", code = 3 }
    p.items["b/3"] = other
    assert.equal(2, #p.items)
    assert.equal(other, p.items["b/3"])
    other = Item{ name = "b", code = 3, parent = p }
    assert.equal(other, p.items["b/3"])
    m.session:commit()
    assert.equal(2, Item.query:count())
    refuse("ArgumentError", 'Parent.items["x"]: the key of b is "b/3": write ["b/3"]',
      function() p.items.x = other end)
  end)

  it("passes on the error of such a function, and refuses one that gives nil", function()
    local m = shelf.open{ collection_class = mr.keyed(function(item)
      if item.code == 0 then error("zero", 0) end
      return item.code and "c" .. item.code
    end) }
    local p = m.Parent{}
    local ok, e = pcall(function() m.Item{ code = 0, parent = p } end)
    assert.is_false(ok)
    assert.equal("zero", e)
    refuse("ArgumentError", "Parent.items: the function of mr.keyed gives no key for ?",
      function() m.Item{ parent = p } end)
    refuse("ArgumentError", 'Parent.items["x"]: the key of ? is nil', function() p.items.x = m.Item{} end)
    assert.equal(0, #p.items)
  end)
end)
