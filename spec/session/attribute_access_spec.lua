-- Reading and writing attributes in all ways in which they are found: texts that are read several times, names in
-- classes of any size, values that replace others.

local mr = require "moonrow"
local models = require "spec.support.models"

local db, Note

before_each(function()
  db = mr.open "sqlite://"
  Note = db.Model:extend("Note", {
    id = db.Column{ db.Integer, primary_key = true },
    title = db.Column{ db.String },
    body = db.Column{ db.Text },
    stars = db.Column{ db.Integer },
    weight = db.Column{ db.Float },
    open = db.Column{ db.Boolean },
    day = db.Column{ db.Date },
  })
  db:create_all()
end)

local function kept(values)
  local note = Note(values)
  db.session:add(note)
  db.session:commit()
  return note
end

-- Reads the attribute several times, so that a text is kept for it. Returns the value.
local function read(object, name)
  local value = object[name]
  for _ = 1, 3 do assert.equal(value, object[name]) end
  return value
end

describe("a text that is read again and again", function()
  it("is what it is now: after an assignment, a commit, a rollback, and when another has written the row", function()
    local note = kept{ title = "one" }
    assert.equal("one", read(note, "title"))
    note.title = "two"
    assert.equal("two", read(note, "title"))
    db.session:rollback()
    assert.equal("one", read(note, "title"))
    note.title = "six"
    db.session:commit()
    assert.equal("six", read(note, "title"))
    db.engine:begin(function(connection)
      connection:execute(mr.text "UPDATE note SET title = 'ten'")
    end)
    db.session:expire(note)
    assert.equal("ten", read(note, "title"))
  end)

  it("has its bytes: none, zeros, of every length", function()
    local note = Note{}
    for length = 0, 300 do
      local text = ("a\0b" .. length):rep(length):sub(1, length)
      note.title, note.body = text, text:reverse()
      assert.equal(text, read(note, "title"))
      assert.equal(text:reverse(), read(note, "body"))
    end
  end)

  it("is its object's own, when thousands are read in turns, and where others were before them in memory", function()
    for round = 1, 4 do
      local notes = {}
      for i = 1, 600 do notes[i] = Note{ title = ("%03d.%d"):format(i, round), body = ("b"):rep(i % 7) } end
      for _ = 1, 4 do
        for i, note in ipairs(notes) do
          assert.equal(("%03d.%d"):format(i, round), note.title)
          assert.equal(("b"):rep(i % 7), note.body)
          assert.equal(("b"):rep(i % 7), note.body)
        end
      end
      notes = nil -- luacheck: ignore
      collectgarbage()
      db.session:expunge_all()
      mr.memory{ trace = true }
    end
  end)
end)

describe("attributes by their names", function()
  it("are found in classes of any size, with long names, too", function()
    for _, n in ipairs{ 1, 7, 8, 9, 63, 200 } do
      local body = { id = db.Column{ db.Integer, primary_key = true } }
      for i = 1, n do
        body["a" .. i] = db.Column{ db.Integer }
        body[("long_name_"):rep(6) .. i] = db.Column{ db.String }
      end
      local Wide = db.Model:extend("Wide" .. n, body)
      local wide = Wide{}
      for i = 1, n do
        wide["a" .. i] = i
        wide[("long_name_"):rep(6) .. i] = "text " .. i
      end
      for i = 1, n do
        assert.equal(i, wide["a" .. i])
        assert.equal("text " .. i, wide[("long_name_"):rep(6) .. i])
      end
      assert.error_matches(function() return wide.b1 end, "has no attribute 'b1'")
      assert.error_matches(function() wide.b1 = 1 end, "has no attribute 'b1'")
      assert.error_matches(function() return wide[1] end, "it is one object, not a list")
    end
  end)

  it("belong to the object's class: an inherited one, another class's of the same name, one that came late", function()
    local Root = db.Model:extend("Root", { __abstract = true, stars = db.Column{ db.String } })
    local Base = Root:extend("Base", { id = db.Column{ db.Integer, primary_key = true } })
    local Special = Root:extend("Special", {
      id = db.Column{ db.Integer, primary_key = true },
      extra = db.Column{ db.Integer },
      note_id = db.Column{ db.Integer, db.ForeignKey "note.id" },
      note = db.relationship{ "Note", backref = "specials" },
    })
    function Root:shout() return self.stars .. "!" end
    local note, base, special = Note{ stars = 1 }, Base{ stars = "b" }, Special{ stars = "s", extra = 2 }
    for _ = 1, 3 do
      assert.equal(1, note.stars)
      assert.equal("b", base.stars)
      assert.equal("s", special.stars)
      assert.equal(2, special.extra)
      assert.equal("s!", special:shout())
      assert.error_matches(function() return base.extra end, "Base has no attribute 'extra'")
    end
    special.note = note
    assert.equal(special, note.specials[1])
    assert.equal("b!", base:shout())
    local index = debug.getmetatable(base).__index
    assert.error_matches(function() return index(note, "stars") end, "Base")
    assert.error_matches(function() return index(special, "stars") end, "Base")
    assert.error_matches(function() return index(io.stdout, "stars") end, "Base")
    assert.error_matches(function() return index("12345678", "stars") end, "Base")
    assert.error_matches(function() return index({ 1, 2, 3, 4, 5, 6, 7, 8 }, "stars") end, "Base")
    assert.error_matches(function() return index(mr.null, "stars") end, "Base")
    local newindex = debug.getmetatable(base).__newindex
    assert.error_matches(function() newindex(note, "stars", 1) end, "Base")
    assert.error_matches(function() newindex("12345678", "stars", 1) end, "Base")
    assert.equal(1, note.stars)
  end)

  it("are those of each Lua value that stands for the object, in coroutines as well", function()
    local note = kept{ title = "one", stars = 1 }
    local in_coroutine = coroutine.wrap(function()
      for _ = 1, 3 do
        note.stars = note.stars + 1
        coroutine.yield(note.title .. note.stars)
      end
    end)
    assert.same({ "one2", "one3", "one4" }, { in_coroutine(), in_coroutine(), in_coroutine() })
    assert.equal(4, note.stars)
  end)
end)

describe("a number that is written over another", function()
  it("is converted or refused as the first one was", function()
    local note = kept{ stars = 1, weight = 1, open = true, title = "one", day = mr.date(2020, 1, 2) }
    for _ = 1, 3 do
      note.stars, note.weight = 2, 2
      assert.equal("integer", math.type(note.stars))
      assert.equal("float", math.type(note.weight))
      note.stars, note.weight = 3.0, 3.5
      assert.equal("integer", math.type(note.stars))
      assert.equal(3, note.stars)
      assert.equal(3.5, note.weight)
      for name, values in pairs{ stars = { 1.5, "7", true }, weight = { "1.5", false }, title = { 1, 1.5 },
        day = { 3, 0.5 }, open = { 2, 0.5 } } do
        for _, value in ipairs(values) do
          local before = note[name]
          assert.error_matches(function() note[name] = value end, "Note%." .. name)
          assert.equal(before, note[name])
        end
      end
      note.stars, note.weight, note.open = nil, mr.null, nil
      assert.is_nil(note.stars)
      assert.is_nil(note.weight)
      assert.is_nil(note.open)
    end
  end)

  it("is no change any more where it is the value of the row", function()
    local note = kept{ stars = 1, weight = 0.5, open = true }
    for _, new in ipairs{ { "stars", 2, 3, 1 }, { "weight", 2, 3.5, 0.5 }, { "open", false, nil, true } } do
      local name = new[1]
      assert.equal(new[4], note[name])
      note[name] = new[2]
      note[name] = new[3]
      assert.is_true(db.session:is_modified(note))
      note[name] = new[4]
      assert.is_false(db.session:is_modified(note), name)
      assert.same({}, models.sent(db, function() db.session:flush() end))
      note[name] = new[2]
      note[name] = new[4]
      note[name] = new[2]
      assert.equal(1, #models.sent(db, function() db.session:flush() end))
      db.session:rollback()
    end
  end)

  it("is heard by a listener that came meanwhile, and goes over one of several changes", function()
    local note = kept{ stars = 1, weight = 1.5 }
    local heard = {}
    note.weight, note.stars = 2.5, 2
    note.weight, note.stars = 3.5, 3
    mr.event.listen(Note.stars, "set", function(_, value, old) heard[#heard + 1] = { value, old } end)
    note.weight, note.stars = 4.5, 4
    assert.same({ { 4, 3 } }, heard)
    db.session:commit()
    db.session:expire(note)
    assert.same({ 4, 4.5 }, { note.stars, note.weight })
  end)

  it("loads what has expired first, and is refused or kept as in its session's state", function()
    local note = kept{ stars = 1 }
    note.stars = 2
    db.session:expire(note)
    note.stars = 3
    assert.is_true(db.session:is_modified(note))
    db.session:rollback()
    assert.equal(1, note.stars)
    note.stars = 2
    db.session:expunge(note)
    note.stars = 3
    note.stars = 4
    assert.equal(4, note.stars)
    db.session:add(note)
    db.session:commit()
    assert.equal(4, db.session:query(Note):first().stars)
    local session = mr.Session(db.engine)
    local other = session:get(Note, 1)
    other.stars = 5
    session:close()
    other.stars = 6
    assert.equal(6, other.stars)
  end)
end)

describe("a relationship that is loaded", function()
  local Shelf, Book

  before_each(function()
    Shelf = db.Model:extend("Shelf", {
      id = db.Column{ db.Integer, primary_key = true },
      books = db.relationship{ "Book", back_populates = "shelf", order_by = "Book.id" },
    })
    Book = db.Model:extend("Book", {
      id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String },
      shelf_id = db.Column{ db.Integer, db.ForeignKey "shelf.id" },
      shelf = db.relationship{ "Shelf", back_populates = "books" },
    })
    db:create_all()
    for s = 1, 3 do
      local shelf = Shelf{}
      for b = 1, s do shelf.books:append(Book{ name = ("%d.%d"):format(s, b) }) end
      db.session:add(shelf)
    end
    db.session:commit()
  end)

  local function names(shelf)
    local list = {}
    for i, book in ipairs(shelf.books) do list[i] = book.name end
    assert.equal(#list, #shelf.books)
    return list
  end

  it("is read again and again without a statement, and is what it is now", function()
    local shelf, other = db.session:get(Shelf, 3), db.session:get(Shelf, 1)
    assert.equal(1, #models.sent(db, function() assert.same({ "3.1", "3.2", "3.3" }, names(shelf)) end))
    assert.equal(0, #models.sent(db, function()
      for _ = 1, 3 do
        assert.same({ "3.1", "3.2", "3.3" }, names(shelf))
        for _, book in ipairs(shelf.books) do assert.equal(shelf, book.shelf) end
      end
    end))
    local book, before = shelf.books[2], shelf.books
    book.shelf = other
    assert.equal(other, book.shelf)
    assert.same({ "3.1", "3.3" }, names(shelf))
    assert.equal(2, #before)
    assert.same({ "1.1", "3.2" }, names(other))
    book.shelf = nil
    assert.is_nil(book.shelf)
    assert.same({ "1.1" }, names(other))
    db.session:rollback()
    assert.equal(shelf, book.shelf)
    assert.same({ "3.1", "3.2", "3.3" }, names(shelf))
  end)

  it("is loaded anew when it has expired, or its row was changed by others", function()
    local shelf = db.session:get(Shelf, 2)
    local before, first = shelf.books, shelf.books[1]
    assert.equal(shelf, first.shelf)
    models.elsewhere(db, "UPDATE book SET shelf_id = 1 WHERE name = '2.1'",
      "INSERT INTO book (name, shelf_id) VALUES ('2.9', 2)")
    db.session:expire_all()
    assert.equal(2, #before)
    assert.same({ "2.2", "2.9" }, names(shelf))
    assert.equal(1, first.shelf.id)
    db.session:commit()
    models.elsewhere(db, "DELETE FROM book WHERE shelf_id = 2")
    assert.same({}, names(shelf))
  end)

  it("stays with an object whose session has closed, and what was never loaded is refused", function()
    local session = mr.Session(db.engine)
    local shelf, bare = session:get(Shelf, 2), session:get(Shelf, 3)
    local books = names(shelf)
    assert.equal(shelf, shelf.books[1].shelf)
    session:close()
    collectgarbage()
    assert.same(books, names(shelf))
    assert.equal(shelf, shelf.books[1].shelf)
    assert.error_matches(function() return bare.books end, "not loaded")
    assert.error_matches(function() return #bare.books end, "not loaded")
  end)

  it("gives the same of new objects and of objects that only the collection holds", function()
    local shelf = Shelf{ books = { Book{ name = "a" }, Book{ name = "b" } } }
    for _ = 1, 3 do
      collectgarbage()
      mr.memory{ trace = true }
      assert.same({ "a", "b" }, names(shelf))
      assert.equal(shelf, shelf.books[2].shelf)
    end
    assert.is_nil(Book{ name = "c" }.shelf)
    assert.equal(0, #Shelf{}.books)
  end)

  it("is one that came to the class later, too", function()
    local shelf = db.session:get(Shelf, 1)
    assert.same({ "1.1" }, names(shelf))
    db.Model:extend("Label", {
      id = db.Column{ db.Integer, primary_key = true },
      shelf_id = db.Column{ db.Integer, db.ForeignKey "shelf.id" },
      shelf = db.relationship{ "Shelf", backref = "labels" },
    })
    db:create_all()
    assert.same({ "1.1" }, names(shelf))
    assert.equal(0, #shelf.labels)
    assert.same({ "1.1" }, names(shelf))
  end)

  it("is refused on a value that is no collection, by hand", function()
    local meta = debug.getmetatable(db.session:get(Shelf, 1).books)
    for _, value in ipairs{ "x", 5, {}, io.stdout, mr.null, db.session:get(Shelf, 1), ("x"):rep(24) } do
      assert.error(function() return meta.__len(value) end)
      assert.error(function() return meta.__index(value, 1) end)
    end
  end)
end)
