-- mr.undefer "*": the deferred columns of all groups, and those of none, are loaded with the rows.

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
end)
