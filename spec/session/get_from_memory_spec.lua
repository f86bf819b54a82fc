-- session:get of an object in memory takes a short way, which gives the same as the long way, and uses the long way if
-- there is more to do. The same through a scoped session, which keeps the session of its scope.

local mr = require "moonrow"

local function counting(db, fn)
  local statements = db:record(fn)
  return #statements
end

describe("get of an object in memory", function()
  local db, Item, Book

  before_each(function()
    db = mr.open "sqlite://"
    Item = db.Model:extend("Item", {
      id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String },
    })
    Book = db.Model:extend("Book", { id = db.Column{ db.Integer, primary_key = true } })
    db:create_all()
    db.session:add_all{ Item{ name = "pen" }, Item{ name = "ink" }, Book() }
    db.session:commit()
  end)

  it("is that object, without a statement", function()
    for _, session in ipairs{ mr.Session(db.engine), db.session } do
      local item = session:get(Item, 1)
      assert.equal(0, counting(db, function()
        for _ = 1, 3 do assert.equal(item, session:get(Item, 1)) end
        assert.equal(item, session:get(Item, 1.0))
        assert.equal(item, session:get(Item, { 1 }))
      end))
    end
  end)

  it("is of the session that the scope has now, whatever became of those before", function()
    local get = db.session.get
    for i = 1, 20 do
      local item = get(db.session, Item, 1)
      assert.equal(item, db.session:get(Item, 1))
      assert.equal(item, db.session:query(Item):filter_by{ name = item.name }:first())
      if i % 2 == 0 then db.session:remove() else db.session:close() end
      if i % 3 == 0 then collectgarbage() end
      item.name = item.name .. i
      assert.are_not.equal(item, db.session:get(Item, 1))
      assert.equal("pen", get(db.session, Item, 1).name)
    end
    local other = mr.Session(db.engine)
    assert.error_matches(function() get(other, Item, 1) end, "session")
    assert.are_not.equal(other:get(Item, 1), db.session:get(Item, 1))
    assert.error_matches(function() get(nil, Item, 1) end, "session")
    assert.error_matches(function() get({}, Item, 1) end, "session")
  end)

  it("is of the class that is asked for", function()
    local item, book = db.session:get(Item, 1), db.session:get(Book, 1)
    assert.are_not.equal(item, book)
    assert.equal(book, db.session:get(Book, 1))
    assert.equal(item, db.session:get(Item, 1))
    assert.is_nil(db.session:get(Book, 2))
  end)

  it("reads again what has expired, and finds no more what was deleted", function()
    local session = mr.Session(db.engine)
    local item = session:get(Item, 1)
    session:expire(item)
    assert.equal(1, counting(db, function() assert.equal(item, session:get(Item, 1)) end))
    session:commit()
    item.name = "pencil"
    session:commit()
    assert.equal(1, counting(db, function() assert.equal("pencil", session:get(Item, 1).name) end))
    session:delete(item)
    assert.equal(item, session:get(Item, 1))
    session:flush()
    assert.is_nil(session:get(Item, 1))
    session:rollback()
    assert.equal("pencil", session:get(Item, 1).name)
  end)

  it("is newer than what the session has read since", function()
    local session, other = mr.Session(db.engine), mr.Session(db.engine)
    local item = session:get(Item, 1)
    other:get(Item, 1).name = "brush"
    other:commit()
    assert.equal("pen", session:get(Item, 1).name) -- nothing has been read since the change
    session:get(Item, 2)
    assert.equal("brush", session:get(Item, 1).name)
    assert.equal(item, session:get(Item, 1))
  end)

  it("is found by its key of today", function()
    local session = mr.Session(db.engine)
    local item = session:get(Item, 1)
    item.id = 7
    session:flush()
    assert.equal(item, session:get(Item, 7))
    assert.is_nil(session:get(Item, 1))
  end)

  it("is refused by a session that cannot read", function()
    local session = mr.Session(db.engine)
    session:get(Item, 1)
    session:execute(mr.text "INSERT INTO item (id, name) VALUES (9, 'x')")
    session:add(Item{ id = 9 })
    assert.is_false(pcall(session.flush, session))
    assert.error_matches(function() session:get(Item, 1) end, "session:rollback")
    session:close()
    assert.error_matches(function() session:get(Item, 1) end, "the session is closed")
  end)

  it("refuses what is no session, class or key, and more arguments", function()
    local session = mr.Session(db.engine)
    session:get(Item, 1)
    assert.error_matches(function() session.get(Item, Item, 1) end, "expected a Session")
    assert.error_matches(function() session:get(session, 1) end, "expected a mapped class")
    assert.error_matches(function() session:get(Item, nil) end, "got nil")
    assert.error_matches(function() session:get(Item, 1, 2) end, "a table of options")
    assert.error_matches(function() session:get(Item, "one") end, "Item.id")
  end)

  it("keeps the object that only the caller has", function()
    local session = mr.Session(db.engine)
    for _ = 1, 200 do
      local item = session:get(Item, 1)
      collectgarbage "step"
      assert.equal(item, session:get(Item, 1))
      assert.equal("pen", item.name)
      item = nil -- luacheck: ignore
      collectgarbage()
    end
  end)
end)

describe("a method of a scoped session", function()
  local db, Item

  before_each(function()
    db = mr.open "sqlite://"
    Item = db.Model:extend("Item", {
      id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String },
    })
    db:create_all()
    db.session:add(Item{ name = "pen" })
    db.session:commit()
  end)

  it("is one of the scope's session, whenever scopes are entered and left", function()
    local app = mr.App()
    local outside = db.session:get(Item, 1)
    app:scope(function()
      local inside = db.session:get(Item, 1)
      assert.are_not.equal(outside, inside)
      app:scope(function()
        assert.are_not.equal(inside, db.session:get(Item, 1))
        assert.are_not.equal(outside, db.session:get(Item, 1))
      end)
      assert.equal(inside, db.session:get(Item, 1))
      local co = coroutine.wrap(function() return db.session:get(Item, 1) end)
      assert.equal(inside, co())
    end)
    assert.equal(outside, db.session:get(Item, 1))
    assert.is_false(pcall(app.scope, app, function()
      db.session:get(Item, 1)
      error "out"
    end))
    assert.equal(outside, db.session:get(Item, 1))
  end)

  it("is one of the scope that waits for the coroutine", function()
    local app = mr.App()
    local generator = coroutine.wrap(function()
      while true do coroutine.yield(db.session:get(Item, 1)) end
    end)
    local outside = generator()
    app:scope(function()
      local inside = generator()
      assert.are_not.equal(outside, inside)
      assert.equal(inside, db.session:get(Item, 1))
    end)
    assert.equal(outside, generator())
    local own = coroutine.wrap(function()
      app:scope(function()
        while true do coroutine.yield(db.session:get(Item, 1)) end
      end)
    end)
    local theirs = own()
    assert.are_not.equal(theirs, db.session:get(Item, 1))
    assert.equal(theirs, own())
    assert.equal(outside, db.session:get(Item, 1))
  end)

  it("is one of a new session after remove and close", function()
    local first = db.session:get(Item, 1)
    db.session:remove()
    local second = db.session:get(Item, 1)
    assert.are_not.equal(first, second)
    db.session():close()
    assert.are_not.equal(second, db.session:get(Item, 1))
    db.session:get(Item, 1)
    db.session:close()
    assert.equal("pen", db.session:get(Item, 1).name)
  end)

  it("asks the program's own function for the scope at each call", function()
    local key, asked = "a", 0
    local scoped = mr.scoped_session(mr.sessionmaker{ bind = db.engine }, { scopefunc = function()
      asked = asked + 1
      return key
    end })
    local of_a = scoped:get(Item, 1)
    assert.equal(of_a, scoped:get(Item, 1))
    local before = asked
    key = "b"
    assert.are_not.equal(of_a, scoped:get(Item, 1))
    key = "a"
    assert.equal(of_a, scoped:get(Item, 1))
    assert.equal(before + 2, asked)
  end)

  it("taken from one is a method of the other as well", function()
    local other = mr.open "sqlite://"
    local get = db.session.get
    local item = get(db.session, Item, 1)
    assert.equal(item, get(db.session, Item, 1))
    local theirs = mr.scoped_session(mr.sessionmaker{ bind = db.engine })
    assert.are_not.equal(item, get(theirs, Item, 1))
    assert.error_matches(function() get(nil, Item, 1) end, "call it with a colon")
    other.session:close()
  end)

  it("may yield within a block", function()
    local co = coroutine.wrap(function()
      db.session:get(Item, 1)
      return db.session:begin(function()
        coroutine.yield "waits"
        return db.session:get(Item, 1).name
      end)
    end)
    assert.equal("waits", co())
    assert.equal("pen", co())
  end)

  it("can be replaced by a spy", function()
    db.session:get(Item, 1)
    local real = db.session.get
    db.session.get = function() return "spied" end
    assert.equal("spied", db.session:get(Item, 1))
    db.session.get = real
    assert.equal("pen", db.session:get(Item, 1).name)
  end)

  it("keeps no session of a scope that is gone", function()
    local seen = setmetatable({}, { __mode = "v" })
    local app = mr.App()
    app:scope(function()
      seen[1] = db.session()
      for _ = 1, 3 do db.session:get(Item, 1) end
      db.session:remove()
    end)
    collectgarbage()
    collectgarbage()
    assert.is_nil(seen[1])
  end)
end)
