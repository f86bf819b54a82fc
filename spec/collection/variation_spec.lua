-- Sets, dicts and ordering lists with the rest of the library: savepoints, options of loading, natural and composite
-- keys, self-reference, association objects, merges.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local shelf = require "spec.support.shelf"

local function sorted(collection)
  local list = {}
  for key, value in pairs(collection) do
    local object = value == true and key or value
    list[#list + 1] = (type(key) == "string" and key .. "=" or "") .. object.name
  end
  table.sort(list)
  return table.concat(list, " ")
end

local kinds = {
  set = { mr.set, function(p, item) p.items:add(item) end, function(p, item) p.items:remove(item) end, "a", "b" },
  dict = { mr.attribute_keyed "name", function(p, item) p.items[item.name] = item end,
    function(p, item) p.items[item.name] = nil end, "a=a", "b=b" },
}

for kind, parts in pairs(kinds) do
  local class, add, remove, A, B = table.unpack(parts)

  describe("a " .. kind, function()
    local m, s, Item, Parent, p, a, b

    local function open(options)
      options = options or {}
      options.collection_class = class
      m = shelf.open(options)
      s, Item, Parent = m.session, m.Item, m.Parent
      p, a, b = Parent{}, Item{ name = "a" }, Item{ name = "b" }
      add(p, a)
      s:add(p)
      s:commit()
    end

    it("comes back with a savepoint's rollback", function()
      open()
      assert.equal(A, sorted(p.items))
      pcall(function()
        s:begin_nested(function()
          add(p, b)
          remove(p, a)
          s:flush()
          error "no"
        end)
      end)
      assert.equal(A, sorted(p.items))
      s:begin_nested(function() add(p, b) end)
      assert.equal(A .. " " .. B, sorted(p.items))
      s:commit()
      assert.equal(A .. " " .. B, sorted(p.items))
    end)

    it("comes back after a flush that has failed", function()
      open()
      add(p, b)
      b.id = a.id -- taken
      assert.is_false(pcall(s.flush, s))
      s:rollback()
      assert.equal(A, sorted(p.items))
    end)

    it("may be read only", function()
      open{ viewonly = true, backref = false }
      assert.equal("", sorted(p.items))
      a = Item{ name = "a", parent_id = p.id }
      s:add(a)
      s:commit()
      assert.equal(A, sorted(p.items))
      add(p, b)
      assert.equal(A .. " " .. B, sorted(p.items))
      assert.equal(0, #m.db:record(function() s:flush() end))
    end)

    it("may be forbidden to load, and be never loaded", function()
      open{ lazy = "raise" }
      s:expunge_all()
      local parent = Parent.query:one()
      refuse("InvalidRequestError", "Parent.items", function() return parent.items end)
      open{ lazy = "noload" }
      s:expunge_all()
      parent = Parent.query:one()
      assert.equal(0, #parent.items)
    end)

    it("is filled by contains_eager, populate_existing and nested options", function()
      open()
      add(p, b)
      s:commit()
      s:expunge_all()
      local records = m.db:record(function()
        local parent = Parent.query:join(Parent.items):filter(Item.name:eq "b")
          :options(mr.contains_eager(Parent.items)):one()
        assert.equal(B, sorted(parent.items))
        parent = Parent.query:options(mr.joinedload(Parent.items)):execution_options{ populate_existing = true }:one()
        assert.equal(A .. " " .. B, sorted(parent.items))
      end)
      assert.equal(2, #records)
      s:expunge_all()
      local item = Item.query:options(mr.joinedload(Item.parent):selectinload(Parent.items)):first()
      assert.equal(0, #m.db:record(function() assert.equal(A .. " " .. B, sorted(item.parent.items)) end))
    end)

    it("is loaded for a limit of parents, and for parents without items", function()
      open()
      for i = 1, 3 do
        local q = Parent{}
        if i < 3 then add(q, Item{ name = "n" .. i }) end
        s:add(q)
      end
      s:commit()
      s:expunge_all()
      for _, way in ipairs{ "joined", "selectin", "subquery" } do
        local found = Parent.query:order_by(Parent.id:desc()):limit(2)
          :options(mr[way .. "load"](Parent.items)):all()
        assert.equal(2, #found)
        assert.equal(0, #found[1].items)
        assert.equal(1, #found[2].items)
        s:expunge_all()
      end
    end)

    it("moves an object from one parent to another", function()
      open{ cascade = "all, delete-orphan" }
      local q = Parent{}
      s:add(q)
      add(q, a)
      assert.equal("", sorted(p.items))
      assert.equal(A, sorted(q.items))
      s:commit()
      assert.equal("", sorted(p.items))
      assert.equal(A, sorted(q.items))
      assert.equal(1, Item.query:count())
    end)

    it("goes with its parent", function()
      open{ cascade = "all, delete-orphan" }
      s:delete(p)
      assert.equal("SELECT parent, SELECT item, DELETE item, DELETE parent",
        (shelf.short(m.db:record(function() s:flush() end))
          :gsub("^SELECT item", "SELECT parent, SELECT item"):gsub("^DELETE", "SELECT parent, SELECT item, DELETE")))
      s:commit()
      assert.equal(0, Item.query:count())
    end)

    it("keeps its objects alive", function()
      open()
      add(p, Item{ name = "b" })
      a, b = nil, nil -- luacheck: ignore
      collectgarbage()
      collectgarbage()
      assert.equal(A .. " " .. B, sorted(p.items))
      s:commit()
      assert.equal(A .. " " .. B, sorted(p.items))
    end)

    it("is merged from a detached and from a new object", function()
      open()
      assert.equal(A, sorted(p.items))
      s:expunge_all()
      local other = Parent{ id = p.id }
      add(other, Item{ id = a.id, name = "a", code = 3 })
      add(other, Item{ name = "b" })
      local merged = s:merge(other)
      assert.equal(A .. " " .. B, sorted(merged.items))
      s:commit()
      assert.equal(A .. " " .. B, sorted(merged.items))
      assert.equal(2, Item.query:count())
      assert.equal(3, s:get(Item, a.id).code)
    end)

    it("answers criteria about it as a list does", function()
      open()
      s:add(Parent{})
      s:flush()
      assert.equal(p, Parent.query:filter(Parent.items:any(Item.name:eq "a")):one())
      assert.equal(p, Parent.query:filter(Parent.items:contains(a)):one())
      assert.equal(1, Parent.query:filter(~Parent.items:any()):count())
      assert.equal(a, Item.query:with_parent(p):one())
    end)

    it("of a closed session gives what is loaded", function()
      open()
      assert.equal(A, sorted(p.items))
      s:remove()
      assert.equal(A, sorted(p.items))
      local unread = m.db.session:query(Parent):one()
      m.db.session:remove()
      refuse("DetachedInstanceError", "items", function() return pairs(unread.items) end)
    end)
  end)
end

describe("a dict", function()
  it("of an association object is found by the other side's attribute", function()
    local db = mr.open "sqlite://"
    local Link = db.Model:extend("Link", {
      user_id = db.Column{ db.Integer, db.ForeignKey "user.id", primary_key = true },
      skill_id = db.Column{ db.Integer, db.ForeignKey "skill.id", primary_key = true },
      level = db.Column{ db.Integer },
      skill = db.relationship{ "Skill" },
    })
    local Skill = db.Model:extend("Skill", { id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String(9) } })
    local User = db.Model:extend("User", { id = db.Column{ db.Integer, primary_key = true },
      links = db.relationship{ "Link", cascade = "all, delete-orphan",
        collection_class = mr.keyed(function(link) return link.skill.name end) } })
    db:create_all()
    local user = User{}
    user.links.lua = Link{ skill = Skill{ name = "lua" }, level = 3 }
    user.links.sql = Link{ skill = Skill{ name = "sql" }, level = 2 }
    db.session:add(user)
    db.session:commit()
    assert.equal(3, user.links.lua.level)
    user.links.sql = nil
    db.session:commit()
    assert.equal(1, Link.query:count())
    assert.is_nil(user.links.sql)
  end)

  it("of itself is a tree by names", function()
    local db = mr.open "sqlite://"
    local Node = db.Model:extend("Node", { id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String(9) }, parent_id = db.Column{ db.Integer, db.ForeignKey "node.id" },
      children = db.relationship{ "Node", collection_class = mr.attribute_keyed "name", cascade = "all",
        backref = db.backref{ "parent", remote_side = "Node.id" } } })
    db:create_all()
    local root = Node{ name = "root", children = { a = Node{ children = { b = Node{} } }, c = Node{} } }
    db.session:add(root)
    db.session:commit()
    assert.equal("b", root.children.a.children.b.name)
    local b = root.children.a.children.b
    b.parent = root
    assert.equal(b, root.children.b)
    assert.is_nil(root.children.a.children.b)
    db.session:commit()
    assert.equal("a=a b=b c=c", sorted(root.children))
    db.session:delete(root)
    db.session:commit()
    assert.equal(0, Node.query:count())
  end)

  it("by a part of a composite key writes a new object's key, and follows a natural one", function()
    local db = mr.open "sqlite://"
    local Word = db.Model:extend("Word", {
      book = db.Column{ db.String(9), db.ForeignKey("book.name", { onupdate = "CASCADE" }), primary_key = true },
      word = db.Column{ db.String(9), primary_key = true },
      meaning = db.Column{ db.String(20) },
    })
    local Book = db.Model:extend("Book", { name = db.Column{ db.String(9), primary_key = true },
      words = db.relationship{ "Word", collection_class = mr.column_keyed "Word.word",
        cascade = "all, delete-orphan" } })
    db:create_all()
    local book = Book{ name = "en" }
    book.words.moon = Word{ meaning = "luna" }
    db.session:add(book)
    db.session:commit()
    assert.equal("luna", db.session:get(Word, { "en", "moon" }).meaning)
    book.words.moon.word = "moon2"
    book.name = "la"
    db.session:commit()
    assert.equal("luna", book.words.moon2.meaning)
    assert.equal("luna", db.session:get(Word, { "la", "moon2" }).meaning)
    book.words.moon2 = Word{ meaning = "again" }
    db.session:commit()
    assert.equal("again", book.words.moon2.meaning)
    assert.equal(1, Word.query:count())
  end)

  it("has a deferred key, which is loaded when it is asked for", function()
    local db = mr.open "sqlite://"
    local Part = db.Model:extend("Part", { id = db.Column{ db.Integer, primary_key = true },
      code = db.deferred(db.Column{ db.String(9) }), box_id = db.Column{ db.Integer, db.ForeignKey "box.id" } })
    local Box = db.Model:extend("Box", { id = db.Column{ db.Integer, primary_key = true },
      parts = db.relationship{ "Part", collection_class = mr.attribute_keyed "code" } })
    db:create_all()
    db.session:add(Box{ parts = { x = Part{}, y = Part{} } })
    db.session:commit()
    db.session:expunge_all()
    local box = Box.query:one()
    assert.equal("x", box.parts.x.code)
    assert.is_nil(box.parts.z)
    box.parts.x = Part{}
    assert.equal(2, #box.parts)
    db.session:commit()
    assert.equal(2, #box.parts)
    assert.equal(3, Part.query:count())
  end)

  it("finds its objects by the key's type: integers, and texts that look like them", function()
    local m = shelf.open{ collection_class = mr.attribute_keyed "name" }
    local p = m.Parent{}
    p.items["1"] = m.Item{}
    refuse("ArgumentError", "Item.name, a string", function() return p.items[1] end)
    assert.equal("1", p.items["1"].name)
    m = shelf.open{ collection_class = mr.attribute_keyed "code" }
    p = m.Parent{}
    p.items[1] = m.Item{}
    refuse("ArgumentError", 'not by "1"', function() return p.items["1"] end)
    assert.is_nil(p.items[1.5])
  end)
end)

describe("an ordering list", function()
  it("is kept through savepoints, failed flushes and expiry", function()
    local m = shelf.open{ collection_class = mr.ordering_list "position", order_by = false }
    local s, Item = m.session, m.Item
    local p = m.Parent{ items = { Item{ name = "a" }, Item{ name = "b" } } }
    s:add(p)
    s:commit()
    local function shown()
      local list = {}
      for i, item in ipairs(p.items) do list[i] = item.name .. item.position end
      return table.concat(list, " ")
    end
    pcall(function()
      s:begin_nested(function()
        p.items:insert(1, Item{ name = "c" })
        s:flush()
        assert.equal("c1 a2 b3", shown())
        error "no"
      end)
    end)
    assert.equal("a1 b2", shown())
    p.items:insert(1, Item{ id = p.items[1].id, name = "taken" })
    assert.is_false(pcall(s.flush, s))
    s:rollback()
    assert.equal("a1 b2", shown())
    p.items:insert(1, Item{ name = "c" })
    s:expire(p, { "items" })
    s:commit()
    assert.equal(3, #p.items)
  end)

  it("of bulk changes is numbered again by reorder", function()
    local m = shelf.open{ collection_class = mr.ordering_list "position", order_by = false }
    local s, Item = m.session, m.Item
    local p = m.Parent{ items = { Item{ name = "a" }, Item{ name = "b" }, Item{ name = "c" } } }
    s:add(p)
    s:commit()
    Item.query:filter(Item.name:eq "a"):update{ position = 10 }
    s:commit()
    assert.equal("{b, c, a}", tostring(p.items))
    p.items:reorder()
    assert.equal("UPDATE item", shelf.short(m.db:record(function() s:flush() end)))
    assert.equal(3, p.items[3].position)
  end)

  it("numbers a column that cannot be NULL before the objects are written", function()
    local db = mr.open "sqlite://"
    local Item = db.Model:extend("Item", { id = db.Column{ db.Integer, primary_key = true },
      place = db.Column{ db.Integer, nullable = false }, list_id = db.Column{ db.Integer, db.ForeignKey "list.id" } })
    local List = db.Model:extend("List", { id = db.Column{ db.Integer, primary_key = true },
      items = db.relationship{ "Item", collection_class = mr.ordering_list("place", { count_from = 0 }),
        cascade = "all, delete-orphan" } })
    db:create_all()
    local list = List{ items = { Item{}, Item{} } }
    db.session:add(list)
    db.session:commit()
    assert.equal(0, list.items[1].place)
    assert.equal(1, list.items[2].place)
  end)
end)
