-- What collection_class takes, and what is said of anything else: where it is written, or when the mappings are
-- configured.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local shelf = require "spec.support.shelf"

describe("collection_class", function()
  local function declare(given) return shelf.open{ collection_class = given } end

  it('is a list by default, and by its name; "set" is mr.set', function()
    local p = declare(nil).Parent{}
    p.items[1] = nil
    assert.equal("{}", tostring(p.items))
    assert.equal(0, #declare("list").Parent{}.items)
    local m = declare "set"
    p = m.Parent{}
    p.items:add(m.Item{})
    assert.equal(1, #p.items)
  end)

  it("refuses any other value where it is declared", function()
    local known = 'Parent.items: collection_class is "list", mr.set, mr.attribute_keyed "name", '
      .. 'mr.column_keyed(Class.name), mr.keyed(fn) or mr.ordering_list "position", not '
    refuse("ArgumentError", known .. 'string "dict"', declare, "dict")
    refuse("ArgumentError", known .. "function", declare, mr.attribute_keyed)
    refuse("ArgumentError", known .. "table", declare, {})
    refuse("ArgumentError", "a collection class is not called", function() mr.set() end)
  end)

  it("checks what its makers are given at once", function()
    refuse("ArgumentError", 'attribute_keyed: expected the name of an attribute of the other class, "name", got nil',
      mr.attribute_keyed)
    refuse("ArgumentError", "attribute_keyed: expected the name", mr.attribute_keyed, 5)
    refuse("ArgumentError", "attribute_keyed: expected the name", mr.attribute_keyed, "")
    refuse("ArgumentError", "column_keyed: expected one column", mr.column_keyed)
    refuse("ArgumentError", "column_keyed: expected one column", mr.column_keyed, nil)
    refuse("ArgumentError", "column_keyed: a key is one column: of several, mr.keyed(function(object)",
      mr.column_keyed, { "A.a", "A.b" })
    refuse("ArgumentError", "keyed: expected a function that makes a key of an object (by an attribute: "
      .. 'mr.attribute_keyed "name")', mr.keyed, "name")
    refuse("ArgumentError", "keyed: expected a function", mr.keyed)
    refuse("ArgumentError", "ordering_list: expected the name of an attribute of the other class", mr.ordering_list)
    refuse("ArgumentError", "unknown option 'count' for ordering_list (did you mean 'count_from'?)",
      mr.ordering_list, "position", { count = 1 })
    refuse("ArgumentError", "ordering_list: count_from: expected a whole number, got number 0.5",
      mr.ordering_list, "position", { count_from = 0.5 })
    refuse("ArgumentError", "ordering_list: with step = 0 all objects have one number", mr.ordering_list, "position",
      { step = 0 })
  end)

  local function mistake(words, given, more)
    refuse("MappingError", words, function()
      local options = { collection_class = given }
      for name, value in pairs(more or {}) do options[name] = value end
      shelf.open(options).db:configure()
    end)
  end

  it("names an attribute of the other class", function()
    mistake("Parent.items: its collection is keyed by 'nmae', which Item does not have (did you mean 'name'?)",
      mr.attribute_keyed "nmae")
    mistake("Parent.items: its collection is numbered by 'positon', which Item does not have (did you mean "
      .. "'position'?)", mr.ordering_list "positon")
    mistake("Parent.items: its collection is numbered by Item.name, which must be a column of integers",
      mr.ordering_list "name")
    mistake("Parent.items: column_keyed names id, which is no column of Item",
      mr.column_keyed "Parent.id")
    mistake("'Item.nmae' is not a mapped column (did you mean 'Item.name'?)", mr.column_keyed "Item.nmae")
  end)

  it("is not keyed by a collection", function()
    local db = mr.open "sqlite://"
    db.Model:extend("Part", { id = db.Column{ db.Integer, primary_key = true },
      box_id = db.Column{ db.Integer, db.ForeignKey "box.id" },
      screws = db.relationship{ "Screw", uselist = true } })
    db.Model:extend("Screw", { id = db.Column{ db.Integer, primary_key = true },
      part_id = db.Column{ db.Integer, db.ForeignKey "part.id" } })
    db.Model:extend("Box", { id = db.Column{ db.Integer, primary_key = true },
      parts = db.relationship{ "Part", collection_class = mr.attribute_keyed "screws" } })
    refuse("MappingError", "Box.parts: its collection is keyed by Part.screws, which is a collection itself: a key is "
      .. "one value", function() db:configure() end)
  end)

  it("belongs to a collection, and not to one object", function()
    local db = mr.open "sqlite://"
    db.Model:extend("Item", { id = db.Column{ db.Integer, primary_key = true },
      parent_id = db.Column{ db.Integer, db.ForeignKey "parent.id" },
      parent = db.relationship{ "Parent", collection_class = mr.set } })
    db.Model:extend("Parent", { id = db.Column{ db.Integer, primary_key = true } })
    refuse("MappingError", "Item.parent: it refers to one object: collection_class is for a collection, such as the "
      .. "other side's", function() db:configure() end)
  end)

  it("tells of all mistakes together", function()
    local db = mr.open "sqlite://"
    db.Model:extend("Item", { id = db.Column{ db.Integer, primary_key = true },
      parent_id = db.Column{ db.Integer, db.ForeignKey "parent.id" } })
    db.Model:extend("Parent", { id = db.Column{ db.Integer, primary_key = true },
      some = db.relationship{ "Item", collection_class = mr.attribute_keyed "a" },
      more = db.relationship{ "Item", collection_class = mr.ordering_list "b", viewonly = true } })
    refuse("MappingError", { "2 mappings are wrong:", "Parent.some: its collection is keyed by 'a'",
      "Parent.more: its collection is numbered by 'b'" }, function() db:configure() end)
  end)

  it("is an option of a backref, too", function()
    local db = mr.open "sqlite://"
    local Note = db.Model:extend("Note", { id = db.Column{ db.Integer, primary_key = true },
      word = db.Column{ db.String(9) }, place = db.Column{ db.Integer },
      user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
      list_id = db.Column{ db.Integer, db.ForeignKey "list.id" },
      user = db.relationship{ "User", backref = db.backref{ "notes", collection_class = mr.column_keyed "Note.word" } },
      list = db.relationship{ "List", backref = db.backref{ "notes", collection_class = mr.ordering_list "place" } } })
    local User = db.Model:extend("User", { id = db.Column{ db.Integer, primary_key = true } })
    local List = db.Model:extend("List", { id = db.Column{ db.Integer, primary_key = true } })
    db:create_all()
    local user, list = User{}, List{}
    local x, y = Note{ word = "x", user = user, list = list }, Note{ word = "y", user = user, list = list }
    assert.equal(x, user.notes.x)
    assert.equal(2, y.place)
    db.session:add(user)
    db.session:commit()
    assert.equal(y, user.notes.y)
    assert.equal(y, list.notes[2])
  end)
end)
