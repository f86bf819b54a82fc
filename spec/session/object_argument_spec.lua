-- The objects that the session's methods are given: of any class, whenever they were made, and nothing else. The
-- session knows the class that it met last in a quick way; that must not show.

local mr = require "moonrow"

local db, Author, Book

before_each(function()
  db = mr.open "sqlite://"
  Author = db.Model:extend("Author", {
    id   = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String },
  })
  Book = db.Model:extend("Book", {
    code  = db.Column{ db.String, primary_key = true },
    title = db.Column{ db.String },
  })
  db:create_all()
end)

-- Makes garbage that refers to the object, and whose finalizer gives it to fn.
local function drop_with_finalizer(object, fn)
  setmetatable({ object = object }, { __gc = function(holder) fn(holder.object) end })
end

describe("an object that a method of the session is given", function()
  it("may be of another class each time", function()
    for i = 1, 20 do
      db.session:add(Author{ name = "author " .. i })
      db.session:add(Book{ code = "book " .. i })
    end
    db.session:commit()
    assert.equal(20, Author.query:count())
    assert.equal(20, Book.query:count())
    for i = 1, 20 do
      db.session:delete(Author.query:first())
      db.session:expunge(Book.query:order_by(Book.code):first())
      assert.equal(20 - i, Author.query:count())
    end
    assert.equal(20, Book.query:count())
  end)

  it("is one of a subclass as well", function()
    local Novel = Book:extend("Novel", {})
    local novel, book = Novel{ code = "n" }, Book{ code = "b" }
    db.session:add(novel)
    db.session:add(book)
    assert.is_true(db.session:contains(novel))
    assert.is_true(db.session:contains(book))
  end)

  it("is nothing else, whatever was given before", function()
    local metatable = { __index = function() return 1 end }
    for _, value in ipairs{ Author, Author.query, setmetatable({}, metatable), io.stdout, db.session, "Author", 7,
                            mr.null, Author.name, coroutine.create(print), print } do
      db.session:add(Author{ name = "before" })
      for _, method in ipairs{ "add", "delete", "expunge" } do
        local ok, err = pcall(db.session[method], db.session, value)
        assert.is_false(ok)
        assert.equal("ArgumentError", err.kind)
        assert.matches(method .. ": expected an object of a mapped class", tostring(err), 1, true)
      end
      local ok, err = pcall(db.session.add, db.session, nil)
      assert.is_false(ok)
      assert.matches("is the variable set", tostring(err), 1, true)
    end
  end)

  it("may be one that a finalizer has brought back: then it is still the object that the session gives out", function()
    local saved
    drop_with_finalizer(Author{ name = "kept" }, function(author) saved = author end)
    collectgarbage()
    collectgarbage()
    assert.truthy(saved)
    local added, err = pcall(db.session.add, db.session, saved)
    if not added then -- a trace came first, as it does at each call when the collector is stressed
      assert.truthy(os.getenv "MOONROW_STRESS")
      assert.matches("this object is gone", tostring(err), 1, true)
      return
    end
    assert.is_true(rawequal(saved, db.session.new[1]))
    collectgarbage()
    db.session:commit()
    collectgarbage()
    mr.memory{ trace = true }
    assert.equal("kept", saved.name)
    assert.is_true(rawequal(saved, db.session:get(Author, saved.id)))
  end)

  it("is refused when its memory is gone, as by any other method", function()
    local saved
    drop_with_finalizer(Author{ name = "lost" }, function(author) saved = author end)
    collectgarbage()
    mr.memory{ trace = true }
    collectgarbage()
    mr.memory{ trace = true }
    db.session:add(Author{ name = "another" })
    if pcall(function() return saved.name end) then return end
    local ok, err = pcall(db.session.add, db.session, saved)
    assert.is_false(ok)
    assert.matches("this object is gone", tostring(err), 1, true)
  end)
end)
