-- library.lua: authors and their books; and items with a column whose name is not its attribute's.

local mr = require "moonrow"

local library = {}

--- A new database in memory with the tables of authors and books. Returns db, Author, Book.
function library.open()
  local db = mr.open "sqlite://"
  local Author = db.Model:extend("Author", {
    id    = db.Column{ db.Integer, primary_key = true },
    name  = db.Column{ db.String(40) },
    age   = db.Column{ db.Integer },
    books = db.relationship{ "Book", back_populates = "author" },
  })
  local Book = db.Model:extend("Book", {
    id        = db.Column{ db.Integer, primary_key = true },
    title     = db.Column{ db.String(40) },
    author_id = db.Column{ db.Integer, db.ForeignKey "author.id" },
    author    = db.relationship{ "Author", back_populates = "books" },
  })
  function Author:__tostring() return self.name or "nobody" end
  function Book:__tostring() return self.title or "untitled" end
  db:create_all()
  return db, Author, Book
end

--- A new database in memory with the table of items. Returns db, Item.
function library.items()
  local db = mr.open "sqlite://"
  local Item = db.Model:extend("Item", {
    id    = db.Column{ db.Integer, primary_key = true },
    name  = db.Column{ "label", db.String(40), nullable = false },
    score = db.Column{ db.Integer, default = 7 },
  })
  db:create_all()
  return db, Item
end

return library
