-- Association proxies whose values are NULL, proxies as tables, methods that are called wrongly, and whole tables by
-- key of which one value is refused.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

describe("an association proxy", function()
  local db, User, user

  before_each(function()
    db = mr.open "sqlite://"
    User = db.Model:extend("User", {
      id = db.Column{ db.Integer, primary_key = true },
      parts = db.relationship("Part", { cascade = "all, delete-orphan", order_by = "Part.id" }),
      sizes = mr.association_proxy("parts", "size"),
      tags = db.relationship("Tag", { collection_class = mr.set, cascade = "all, delete-orphan" }),
      names = mr.association_proxy("tags", "name"),
      notes = db.relationship("Note", { collection_class = mr.attribute_keyed "key", cascade = "all, delete-orphan" }),
      texts = mr.association_proxy("notes", "text"),
      pieces = mr.synonym "parts",
      big = mr.hybrid{ get = function(self)
        local found = {}
        for _, part in ipairs(self.parts) do if part.size and part.size > 1 then found[#found + 1] = part end end
        return found
      end },
    })
    local function item(name, column)
      local body = { id = db.Column{ db.Integer, primary_key = true },
        user_id = db.Column{ db.Integer, db.ForeignKey "user.id" } }
      for key, value in pairs(column) do body[key] = value end
      return db.Model:extend(name, body)
    end
    item("Part", { size = db.Column{ db.Integer } })
    item("Tag", { name = db.Column{ db.String } })
    item("Note", { key = db.Column{ db.String }, text = db.Column{ db.String } })
    db:create_all()
    user = User{ sizes = { 1, mr.null, 3 }, names = { mr.null, "a" }, texts = { k = mr.null, l = "v" } }
    db.session:add(user)
    db.session:commit()
  end)

  it("goes past values that are NULL in a loop over a list", function()
    for _, loop in ipairs{ function() return pairs(user.sizes) end, function() return user.sizes:iter() end } do
      local found = {}
      for i, value in loop() do found[i] = tostring(value) end
      assert.same({ "1", "nil", "3" }, found)
    end
  end)

  it("gives NULL of a set and of a dict as mr.null in a loop", function()
    local found = {}
    for value in pairs(user.names) do found[tostring(value)] = true end
    assert.same({ [tostring(mr.null)] = true, a = true }, found)
    found = {}
    for key, value in pairs(user.texts) do found[key] = value end
    assert.same({ k = mr.null, l = "v" }, found)
    assert.is_nil(user.texts.k)
  end)

  it("has NULL in a set once", function()
    user.names:add(mr.null)
    user.names:update{ mr.null, "a" }
    user.names:add(nil)
    assert.equal(2, #user.names)
    assert.is_true(user.names:has(mr.null))
    user.names:discard(mr.null)
    assert.is_false(user.names:has(nil))
    assert.equal("{a}", tostring(user.names))
  end)

  it("is assigned with its values that are NULL; their objects stay", function()
    local other, kept = User{ sizes = user.sizes, names = user.names }, user.parts[2]
    assert.equal("{1, nil, 3}", tostring(other.sizes))
    assert.equal(2, #other.names)
    user.sizes = { mr.null, 3 }
    assert.equal(kept, user.parts[1])
    other.sizes:extend(user.sizes)
    assert.equal("{1, nil, 3, nil, 3}", tostring(other.sizes))
  end)

  it("is a list of plain values in to_table, and by key a table", function()
    assert.same({ sizes = { 1, mr.null, 3 }, texts = { k = mr.null, l = "v" } },
      user:to_table{ only = { "sizes", "texts" } })
    assert.equal(2, #user:to_table{ only = "names" }.names)
    refuse("ArgumentError", "to_table: User.sizes is no relationship: it has no attributes to choose",
      function() user:to_table{ only = "sizes.x" } end)
  end)

  it("is like other names of a list of objects in to_table", function()
    local sizes = { { size = 1 }, { size = mr.null }, { size = 3 } }
    assert.same({ pieces = sizes }, user:to_table{ only = "pieces.size" })
    assert.same({ big = { { size = 3 } } }, user:to_table{ only = { big = { "size" } } })
    assert.same({ id = 3, size = 3, user_id = 1 }, user:to_table{ only = { "pieces", "big" } }.pieces[3])
    assert.same({ big = { { id = 3, size = 3, user_id = 1 } } }, user:to_table{ only = "big" })
  end)

  it("tells a method that is called with a point, and a place that is none", function()
    refuse("ArgumentError", "append: a method of a list of values is called with a colon: object.items:append(...)",
      function() user.sizes.append(5) end)
    refuse("ArgumentError", "clear: a method of a set of values is called with a colon",
      function() user.names.clear() end)
    refuse("ArgumentError", "User.sizes: expected the place of a value, [1], got append",
      function() user.sizes.append = 5 end)
  end)

  it("by keys takes a whole table, or changes nothing where one value is refused", function()
    local Refused = function(key, value)
      if value == "bad" then error("refused", 0) end
      return mr.class_of(user.notes.l){ key = key, text = value }
    end
    User.checked = mr.association_proxy("notes", "text", { creator = Refused })
    assert.has_error(function() user.checked = { k = "1", l = "2", m = "bad" } end, "refused")
    assert.equal("v", user.texts.l)
    assert.is_nil(user.texts.k)
    user.checked = { k = "1", l = mr.null, m = "3" }
    assert.equal("{k = 1, l = nil, m = 3}", tostring(user.texts))
  end)

  it("that leads to itself is told when the mappings are configured", function()
    db.Model:extend("Loop", {
      id = db.Column{ db.Integer, primary_key = true },
      up_id = db.Column{ db.Integer, db.ForeignKey "loop.id" },
      up = db.relationship("Loop", { remote_side = "Loop.id" }),
      a = mr.association_proxy("up", "a"),
      b = mr.association_proxy("up", "c"),
      c = mr.association_proxy("up", "b"),
      fine = mr.association_proxy("up", "up_id"),
      finer = mr.association_proxy("up", "fine"),
    })
    refuse("MappingError", { "3 mappings are wrong", "Loop.a: it leads to itself, by way of 'up' and Loop.a",
      "Loop.b: it leads to itself, by way of 'up' and Loop.c" }, db.configure, db)
  end)
end)
