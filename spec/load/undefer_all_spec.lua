-- mr.undefer "*": the deferred columns of all groups, and those of none, are loaded with the rows; mr.undefer of what
-- is computed.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

describe("undefer with a wildcard", function()
  local db, Book, Shelf, s

  before_each(function()
    db = mr.open "sqlite://"
    Shelf = db.Model:extend("Shelf", {
      id = db.Column{ db.Integer, primary_key = true }, note = db.deferred(db.Column{ db.String(9) }),
      books = db.relationship{ "Book" },
    })
    Book = db.Model:extend("Book", {
      id = db.Column{ db.Integer, primary_key = true }, title = db.Column{ db.String(9) },
      text = db.deferred(db.Column{ db.String(9) }),
      cover = db.deferred(db.Column{ db.String(9) }, { group = "big" }),
      shelf_id = db.Column{ db.Integer, db.ForeignKey "shelf.id" },
    })
    db:create_all()
    s = db.session
    s:add(Shelf{ note = "n", books = { Book{ title = "a", text = "t", cover = "c" } } })
    s:commit()
    s:remove()
  end)

  local function unloaded(object)
    local names = { table.unpack(mr.inspect(object).unloaded) }
    table.sort(names)
    return table.concat(names, " ")
  end

  it("is for undefer alone, by itself", function()
    local cure = { "'*'", "undefer '*'", "load_only" }
    refuse("ArgumentError", { "defer: ", table.unpack(cure) }, mr.defer, "*")
    refuse("ArgumentError", { "load_only: ", table.unpack(cure) }, mr.load_only, "*")
    refuse("ArgumentError", { "undefer: ", table.unpack(cure) }, mr.undefer, "*", "text")
    refuse("ArgumentError", { "defer: ", table.unpack(cure) },
      function() return mr.joinedload(Shelf.books):defer "*" end)
    assert.equal("", unloaded(Book.query:options(mr.undefer "*"):one()))
  end)

  it("loads all columns of the query's class", function()
    assert.equal("cover text", unloaded(Book.query:one()))
    s:expunge_all()
    assert.equal("", unloaded(Book.query:options(mr.undefer "*"):one()))
    s:expunge_all()
    assert.equal("", unloaded(Book.query:options(mr.load_only(Book.title), mr.undefer "*"):one()))
    s:expunge_all()
    assert.equal("cover", unloaded(Book.query:options(mr.undefer "*", mr.defer "cover"):one()))
  end)

  it("loads those of the class at the end of a path, and no others", function()
    local shelf = Shelf.query:options(mr.selectinload(Shelf.books):undefer "*"):one()
    assert.equal("note", unloaded(shelf))
    assert.equal("", unloaded(shelf.books[1]))
    s:expunge_all()
    shelf = Shelf.query:options(mr.undefer "*", mr.selectinload(Shelf.books)):one()
    assert.equal("", unloaded(shelf))
    assert.equal("cover text", unloaded(shelf.books[1]))
  end)

  it("is the only argument", function()
    refuse("ArgumentError", "*", function() return Book.query:options(mr.undefer("*", "text")):all() end)
    refuse("ArgumentError", "*", function() return Book.query:options(mr.defer "*"):all() end)
  end)

  it("reads what is computed, named as an attribute of the class or of an alias", function()
    local d = mr.open "sqlite://"
    local Owner = d.Model:extend("Owner", {
      id = d.Column{ d.Integer, primary_key = true }, things = d.relationship("Thing", { back_populates = "owner" }),
      total = mr.count_of("things", { deferred = true }),
      next = mr.column_property(function(cls) return cls.id + 1 end, { deferred = true }),
    })
    local Thing = d.Model:extend("Thing", {
      id = d.Column{ d.Integer, primary_key = true }, owner_id = d.Column{ d.Integer, d.ForeignKey "owner.id" },
      owner = d.relationship("Owner", { back_populates = "things" }),
    })
    d:create_all()
    d.session:add_all{ Owner{ things = { Thing{}, Thing{} } }, Owner{ things = { Thing{} } } }
    d.session:commit()
    local function later(entity, option, read)
      local session <close> = mr.Session(d.engine)
      local list = session:query(entity):options(option):all()
      return #d:record(function() for _, object in ipairs(list) do assert.is_number(read(object)) end end)
    end
    local function total(owner) return owner.total end
    assert.equal(0, later(Owner, mr.undefer(Owner.total), total))
    assert.equal(0, later(Owner, mr.undefer(Owner.total, Owner.next), function(o) return o.total + o.next end))
    assert.equal(2, later(Owner, mr.undefer(Owner.next), total))
    assert.equal(0, later(Thing, mr.joinedload(Thing.owner):undefer(Owner.total), function(t) return t.owner.total end))
    local Other = mr.aliased(Owner)
    assert.equal(0, later(Other, mr.undefer(Other.total), total))
    assert.error_matches(function() later(Thing, mr.undefer(Owner.total), total) end,
      "the option for Owner.total does not apply: the query loads no Owner")
  end)
end)
