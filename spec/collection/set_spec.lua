-- A collection with collection_class = mr.set holds each object once. Restates what SQLAlchemy's
-- test/orm/test_collection.py says of sets.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local shelf = require "spec.support.shelf"

local N = os.getenv "MOONROW_STRESS" and 40 or 3000

-- The names of a set's or list's objects, sorted.
local function names(objects)
  local list = {}
  if type(objects) == "table" then
    for _, object in ipairs(objects) do list[#list + 1] = object.name end
  else
    for object in pairs(objects) do list[#list + 1] = object.name end
  end
  table.sort(list)
  return table.concat(list, " ")
end

describe("a set", function()
  local m, s, Item, p, a, b, c

  before_each(function()
    m = shelf.open{ collection_class = mr.set }
    s, Item = m.session, m.Item
    p = m.Parent{}
    a, b, c = Item{ name = "a" }, Item{ name = "b" }, Item{ name = "c" }
  end)

  local function saved(...)
    p.items = { ... }
    s:add(p)
    s:commit()
  end

  it("takes an object once, and tells both sides", function()
    p.items:add(a)
    p.items:add(a)
    assert.equal(1, #p.items)
    assert.equal(p, a.parent)
    assert.is_true(p.items:has(a))
    assert.is_true(p.items:contains(a))
    assert.is_false(p.items:has(b))
  end)

  it("is loaded with one statement, and none afterwards", function()
    saved(a, b)
    local parent = s:get(m.Parent, p.id)
    local reads = m.db:record(function()
      assert.equal(2, #parent.items)
      assert.equal("a b", names(parent.items))
      assert.is_true(parent.items:has(a))
    end)
    assert.equal("SELECT item", shelf.short(reads))
  end)

  it("removes what is in it, and refuses what is not", function()
    p.items = { a, b }
    p.items:remove(a)
    assert.equal("b", names(p.items))
    assert.is_nil(a.parent)
    refuse("ArgumentError", "Parent.items: <Item (transient)> is not in the collection",
      function() p.items:remove(a) end)
  end)

  it("discards what may be in it", function()
    p.items = { a, b }
    p.items:discard(a)
    p.items:discard(a)
    p.items:discard(c)
    assert.equal("b", names(p.items))
  end)

  it("pops one of its objects, and nil when it is empty", function()
    p.items = { a, b }
    local one, other = p.items:pop(), p.items:pop()
    assert.is_true(one ~= other and (one == a or one == b) and (other == a or other == b))
    assert.is_nil(p.items:pop())
    assert.is_nil(a.parent)
  end)

  it("is cleared", function()
    p.items = { a, b }
    p.items:clear()
    assert.equal(0, #p.items)
    p.items:add(a)
    mr.clear(p.items)
    assert.equal(0, #p.items)
    assert.is_nil(a.parent)
  end)

  it("is walked by pairs and iter, also while it is changed", function()
    p.items = { a, b, c }
    local seen = {}
    for item, there in pairs(p.items) do
      assert.is_true(there)
      seen[#seen + 1] = item.name
      p.items:remove(item)
      p.items:discard(c)
    end
    assert.equal("a b", table.concat(seen, " "))
    assert.equal(0, #p.items)
    p.items = { a, b }
    local count = 0
    for item in p.items:iter() do
      assert.is_true(item == a or item == b)
      count = count + 1
    end
    assert.equal(2, count)
  end)

  it("is assigned as a whole from a list, in which an object may be twice, and from other collections", function()
    p.items = { a, b, a }
    assert.equal("a b", names(p.items))
    local q = m.Parent{ items = { c } }
    q.items = p.items
    assert.equal("a b", names(q.items))
    assert.equal(0, #p.items)
    assert.is_nil(c.parent)
    q.items = {}
    assert.equal(0, #q.items)
  end)

  it("keeps the set when it is assigned to itself", function()
    saved(a, b)
    p.items = p.items
    assert.equal("a b", names(p.items))
    assert.equal(0, #m.db:record(function() s:flush() end))
  end)

  it("combines with other sets and lists, without changing", function()
    p.items = { a, b }
    local q = { b, c }
    assert.equal("a b c", names(p.items:union(q)))
    assert.equal("a b c", names(p.items | q))
    assert.equal("b", names(p.items:intersection(q)))
    assert.equal("b", names(p.items & q))
    assert.equal("a", names(p.items:difference(q)))
    assert.equal("a", names(p.items - q))
    assert.equal("{c}", tostring(q - p.items))
    assert.equal("{b, c, a}", tostring(q | p.items))
    assert.equal("{b}", tostring(q & p.items))
    assert.equal("a c", names(p.items:symmetric_difference(q)))
    assert.equal("{a, b}", tostring(p.items:union{}))
    assert.equal("a b", names(p.items))
    assert.is_true(p.items:issubset{ a, b, c })
    assert.is_false(p.items:issubset{ a })
    assert.is_true(p.items:issuperset{ a })
    assert.is_false(p.items:issuperset{ a, c })
    assert.is_true(p.items:isdisjoint{ c })
    assert.is_false(p.items:isdisjoint(p.items))
  end)

  it("is changed by other sets and lists", function()
    local heard = shelf.listen(m.Parent.items)
    p.items:update{ a, b, a }
    p.items:difference_update{ b, c }
    assert.equal("a", names(p.items))
    p.items:update{ b, c }
    p.items:intersection_update{ b, c }
    assert.equal("b c", names(p.items))
    assert.same({ "append a", "append b", "remove b", "append b", "append c", "remove a" }, heard)
  end)

  it("tells each listener once of what comes and goes", function()
    local heard = shelf.listen(m.Parent.items)
    p.items:add(a)
    p.items = { a, b }
    p.items = { b, c }
    p.items:remove(b)
    assert.same({ "append a", "append b", "append c", "remove a", "remove b" }, heard)
  end)

  it("is left as it was when a listener refuses", function()
    mr.event.listen(m.Parent.items, "append", function(_, item) if item == c then error "no" end end)
    p.items = { a }
    assert.is_false(pcall(function() p.items:add(c) end))
    assert.is_false(pcall(function() p.items = { b, c } end))
    assert.equal("a", names(p.items))
    assert.is_nil(c.parent)
    assert.is_nil(b.parent)
  end)

  it("has a history of what was added and removed", function()
    saved(a, b)
    p.items:remove(a)
    p.items:add(c)
    local history = mr.inspect(p):history "items"
    assert.equal("c", names(history.added))
    assert.equal("a", names(history.deleted))
    assert.equal("b", names(history.unchanged))
    p.items:remove(c)
    p.items:add(a)
    assert.equal("", names(mr.inspect(p):history("items").added))
  end)

  it("writes only what has changed", function()
    saved(a, b)
    p.items:remove(a)
    p.items:add(c)
    assert.equal("UPDATE item, INSERT item", shelf.short(m.db:record(function() s:flush() end)))
    s:commit()
    assert.equal("b c", names(p.items))
    assert.equal(3, Item.query:count())
  end)

  it("brings its objects into the session, and deletes its orphans", function()
    m = shelf.open{ collection_class = mr.set, cascade = "all, delete-orphan" }
    s = m.session
    p, a, b = m.Parent{}, m.Item{ name = "a" }, m.Item{ name = "b" }
    s:add(p)
    p.items:add(a)
    assert.is_true(s:contains(a))
    p.items:add(b)
    p.items:remove(b)
    assert.is_false(s:contains(b))
    s:commit()
    p.items:discard(a)
    assert.equal("DELETE item", shelf.short(m.db:record(function() s:flush() end)))
    s:commit()
    assert.equal(0, m.Item.query:count())
  end)

  it("agrees with its other side", function()
    a.parent = p
    assert.equal("a", names(p.items))
    local q = m.Parent{}
    q.items:add(a)
    assert.equal(0, #p.items)
    a.parent = nil
    assert.equal(0, #q.items)
  end)

  it("is not loaded for a change of the other side, and knows of it when it is loaded", function()
    saved(a)
    s:expire_all()
    local parent = s:get(m.Parent, p.id)
    assert.equal(0, #m.db:record(function() b.parent = parent end))
    assert.equal("a b", names(parent.items))
  end)

  it("is loaded in each way", function()
    saved(a, b)
    local ways = { joined = 1, selectin = 2, subquery = 2, immediate = 2 }
    for way, statements in pairs(ways) do
      s:expunge_all()
      local parent
      local reads = m.db:record(function()
        parent = m.Parent.query:options(mr[way .. "load"](m.Parent.items)):one()
        assert.equal("a b", names(parent.items))
      end)
      assert.equal(statements, #reads, way)
    end
  end)

  it("is merged, refreshed and expired", function()
    saved(a, b)
    local id = p.id
    assert.equal(2, #p.items)
    s:expunge_all()
    local merged = s:merge(p)
    assert.is_true(merged ~= p)
    assert.equal("a b", names(merged.items))
    assert.equal("", shelf.short(m.db:record(function() s:flush() end)))
    merged.items:add(c)
    s:refresh(merged)
    assert.equal("a b c", names(s:get(m.Parent, id).items))
    merged.items:discard(s:get(Item, a.id))
    s:expire(merged, { "items" }) -- the other side's change stays
    assert.equal("b c", names(merged.items))
    merged.items:clear()
    s:rollback()
    assert.equal("a b", names(merged.items))
  end)

  it("of a many-to-many writes one row for each link", function()
    local db = mr.open "sqlite://"
    local link = db.Table("link", db.Column{ "post_id", db.Integer, db.ForeignKey "post.id", primary_key = true },
      db.Column{ "tag_id", db.Integer, db.ForeignKey "tag.id", primary_key = true })
    local Tag = db.Model:extend("Tag", { id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String(9) } })
    local Post = db.Model:extend("Post", { id = db.Column{ db.Integer, primary_key = true },
      tags = db.relationship{ "Tag", secondary = link, collection_class = mr.set,
        backref = db.backref{ "posts", collection_class = mr.set } } })
    db:create_all()
    local x, y, post = Tag{ name = "x" }, Tag{ name = "y" }, Post{}
    post.tags:update{ x, y, x }
    refuse("ArgumentError", "Post.tags:update: [a]: a collection takes a list without holes or other keys",
      function() post.tags:update{ a = x } end)
    refuse("ArgumentError", "Post.tags", function() post.tags:difference_update{ x, nil, y } end)
    x.posts:add(post)
    db.session:add(post)
    db.session:commit()
    assert.equal(2, db.session:execute(mr.text "SELECT count(*) FROM link"):scalar())
    assert.equal("x y", names(post.tags))
    y.posts:remove(post)
    assert.equal("x", names(post.tags))
    db.session:commit()
    assert.equal(1, db.session:execute(mr.text "SELECT count(*) FROM link"):scalar())
  end)

  it("shows itself, and is equal to another view of itself", function()
    p.items = { a, b }
    assert.equal("{a, b}", tostring(p.items))
    assert.is_true(p.items == p.items)
    assert.is_false(p.items == m.Parent{}.items)
  end)

  it("answers what a set has not with what there is", function()
    p.items = { a }
    refuse("ArgumentError", "a set has no method 'append': it is set:add(object)",
      function() p.items:append(b) end)
    refuse("ArgumentError", "a set has no order", function() p.items:insert(1, b) end)
    refuse("ArgumentError", "a set has no method 'discrad' (did you mean 'discard'?)",
      function() p.items:discrad(b) end)
    refuse("ArgumentError", "Parent.items is a set, and has no item 1: a loop over it is "
      .. "for object in pairs(set) do", function() return p.items[1] end)
    refuse("ArgumentError", "has no item 1", function() for _ in ipairs(p.items) do end end) -- luacheck: ignore
    refuse("ArgumentError", "nothing is assigned to [1]", function() p.items[1] = b end)
    refuse("ArgumentError", "for object in pairs(set)", function() for _ in p.items do end end) -- luacheck: ignore
    refuse("ArgumentError", "is called with a colon: object.items:add(...)", function() p.items.add(b) end)
    refuse("ArgumentError", "Parent.items: expected an Item, got nil", function() p.items:add() end)
    refuse("ArgumentError", "Parent.items: expected an Item, got ", function() p.items:add(p) end)
    refuse("ArgumentError", "set:update{ ... }", function() p.items:add(a, b) end)
    refuse("ArgumentError", "a collection or a list of objects", function() p.items:update(b) end)
    refuse("ArgumentError", "expected a list of objects", function() p.items = b end)
    assert.equal("a", names(p.items))
  end)

  it("of thousands of objects takes no longer for each than one of few", function()
    local many = {}
    for i = 1, N do many[i] = Item{ name = "n" .. i } end
    p.items:update(many)
    p.items:update(many)
    assert.equal(N, #p.items)
    p.items = many
    assert.equal(N, #p.items)
    for i = 1, N, 2 do p.items:discard(many[i]) end
    assert.equal(N // 2, #p.items)
  end)
end)
