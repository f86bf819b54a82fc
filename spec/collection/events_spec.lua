-- Listeners of sets, dicts and ordering lists: what they hear, change and refuse.

local mr = require "moonrow"
local shelf = require "spec.support.shelf"

-- Opens Parent.items with a listener that writes the names of the items that it hears of into a list, refuses an item
-- "no", and puts "good" in the place of "bad".
local function open(class)
  local m = shelf.open{ collection_class = class }
  m.heard, m.good = {}, m.Item{ name = "good" }
  mr.event.listen(m.Parent.items, "append", function(_, item)
    m.heard[#m.heard + 1] = "heard " .. tostring(item.name)
    if item.name == "no" then error("refused", 0) end
    return item.name == "bad" and m.good or item
  end, { retval = true })
  return m
end

local function names(list)
  local found = {}
  for i, item in ipairs(list:to_table()) do found[i] = item.name end
  table.sort(found)
  return table.concat(found, " ")
end

describe("a listener with retval of a set", function()
  it("hears of each object once, changes and refuses", function()
    local m = open(mr.set)
    local p = m.Parent{}
    local a = m.Item{ name = "a" }
    p.items:add(a)
    p.items:add(a)
    p.items:add(m.Item{ name = "bad" })
    assert.equal("a good", names(p.items))
    local ok, e = pcall(function() p.items:add(m.Item{ name = "no" }) end)
    assert.is_false(ok)
    assert.equal("refused", e)
    ok = pcall(function() p.items = { m.Item{ name = "x" }, m.Item{ name = "no" } } end)
    assert.is_false(ok)
    assert.equal("a good", names(p.items))
    m.Item{ name = "b", parent = p }
    assert.equal("a b good", names(p.items))
    assert.equal("heard a, heard bad, heard no, heard x, heard no, heard b", table.concat(m.heard, ", "))
  end)
end)

describe("a listener with retval of a dict", function()
  it("hears of each object, and refuses", function()
    local m = open(mr.attribute_keyed "name")
    local p = m.Parent{}
    p.items.a = m.Item{}
    p.items = { a = p.items.a, b = m.Item{} }
    assert.is_false(pcall(function() p.items.no = m.Item{} end))
    assert.is_nil(p.items.no)
    assert.equal(2, #p.items)
    assert.equal("heard a, heard b, heard no", table.concat(m.heard, ", "))
  end)

  it("that puts another object in its place puts it under its own key", function()
    local m = open(mr.attribute_keyed "name")
    local p = m.Parent{}
    p.items.bad = m.Item{}
    assert.is_nil(p.items.bad)
    assert.equal(m.good, p.items.good)
  end)
end)

describe("a listener with retval of an ordering list", function()
  it("sees the objects before they are numbered, and leaves no gap when it refuses", function()
    local m = open(mr.ordering_list "position")
    local p = m.Parent{ items = { m.Item{ name = "a" }, m.Item{ name = "b" } } }
    assert.is_false(pcall(function() p.items:insert(1, m.Item{ name = "no" }) end))
    assert.equal(1, p.items[1].position)
    p.items:insert(1, m.Item{ name = "bad" })
    assert.equal("good", p.items[1].name)
    assert.equal(3, p.items[3].position)
  end)
end)

describe("a listener", function()
  it("may change the collection that it hears of", function()
    local m = shelf.open{ collection_class = mr.set }
    local p, other = m.Parent{}, m.Item{ name = "other" }
    mr.event.listen(m.Parent.items, "append", function(parent, item)
      if item ~= other then parent.items:add(other) end
    end)
    p.items:add(m.Item{ name = "a" })
    assert.equal(2, #p.items)
    assert.is_true(p.items:has(other))
    m = shelf.open{ collection_class = mr.attribute_keyed "name" }
    p = m.Parent{}
    mr.event.listen(m.Parent.items, "append", function(parent, item)
      if item.name ~= "log" then parent.items.log = m.Item{ name = "log" } end
    end)
    p.items.a = m.Item{}
    p.items.b = m.Item{}
    assert.equal(3, #p.items)
  end)

  it("of the other side hears of what sets and dicts do", function()
    for _, class in ipairs{ mr.set, mr.attribute_keyed "name" } do
      local m = shelf.open{ collection_class = class }
      local heard = {}
      mr.event.listen(m.Item.parent, "set", function(item, parent)
        heard[#heard + 1] = item.name .. (parent and " in" or " out")
      end)
      local p, a, b = m.Parent{}, m.Item{ name = "a" }, m.Item{ name = "b" }
      if class == mr.set then
        p.items:add(a)
        p.items = { b }
        p.items:clear()
      else
        p.items.a = a
        p.items = { b = b }
        mr.clear(p.items)
      end
      table.sort(heard)
      assert.equal("a in, a out, b in, b out", table.concat(heard, ", "))
    end
  end)

  it("that raises when a dict's object is replaced leaves both as they were", function()
    local m = shelf.open{ collection_class = mr.attribute_keyed "name" }
    local p, a = m.Parent{}, m.Item{ name = "a" }
    p.items.a = a
    mr.event.listen(m.Item.parent, "set", function(item, parent)
      if item == a and not parent then error("stay", 0) end
    end)
    local other = m.Item{ name = "a" }
    for _, change in ipairs{ function() p.items.a = other end, function() other.parent = p end,
      function() p.items = { a = other } end } do
      local ok, e = pcall(change)
      assert.is_false(ok)
      assert.equal("stay", e)
      assert.equal(a, p.items.a)
      assert.equal(p, a.parent)
      assert.is_nil(other.parent)
    end
  end)
end)
