-- bad_values ("null", "keep") of stored values that the function `result` of a TypeDecorator cannot read.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

-- What a `result` that cannot read a value does.
local failures = {
  ["an error with a text"] = function() error "boom" end,
  ["an error that is a table"] = function() error({ code = 5 }) end,
  ["an error that is nil"] = function() error(nil) end,
  ["an error whose __tostring fails"] = function()
    error(setmetatable({}, { __tostring = function() error "again" end }))
  end,
  ["a yield"] = function() coroutine.yield() end,
}

-- Boxes with items; the values "bad" of Item.v and of Box.v cannot be read, others are shown in brackets.
local function shop(fail, impl)
  local db = mr.open "sqlite://"
  local calls = { n = 0 }
  local Shown = mr.TypeDecorator{ impl = impl or mr.String(20), name = "Shown",
    bind = function(v) return type(v) == "string" and v:match "^%[(.*)%]$" or v end,
    result = function(v)
      calls.n = calls.n + 1
      if v == "bad" then (fail or failures["an error with a text"])() end
      return v and "[" .. v .. "]"
    end }
  local Item = db.Model:extend("Item", {
    id = db.Column{ db.Integer, primary_key = true }, v = db.Column{ Shown }, n = db.Column{ db.Integer },
    box_id = db.Column{ db.ForeignKey "box.id" },
  })
  local Box = db.Model:extend("Box", { id = db.Column{ db.Integer, primary_key = true }, v = db.Column{ Shown },
    items = db.relationship("Item", { backref = "box", order_by = "Item.id" }) })
  db:create_all()
  db.session:execute(mr.text "INSERT INTO box VALUES (1, 'bad'), (2, 'ok')")
  db.session:execute(mr.text "INSERT INTO item VALUES (1, 'bad', 0, 1), (2, 'ok', 0, 1), (3, NULL, 0, 2)")
  db.session:commit()
  return db, Item, Box, calls
end

local function stored(db)
  return db.session:scalar(mr.text "SELECT v FROM item WHERE id = 1")
end

local READ = { null = "nil", keep = "bad" }

for name, fail in pairs(failures) do
  describe("bad_values of a result function with " .. name, function()
    local db, Item, Box, s
    before_each(function()
      db, Item, Box = shop(fail)
      s = db.session
    end)

    it("raises when nothing, or raise, is said", function()
      refuse("DataError", 'Item.v of Item 1: the function result of the type Shown cannot read string "bad"',
        function() return s:get(Item, 1).v end)
      s:expunge_all()
      local item = Item.query:execution_options{ bad_values = "raise" }:order_by(Item.id):first()
      refuse("DataError", "Item.v of Item 1", function() return item.v end)
    end)

    for how, read in pairs(READ) do
      it(how .. " is obeyed by an object: read, expired, refreshed, and away from its session", function()
        local all -- held: the option goes with the objects
        local sent = db:record(function()
          all = Item.query:execution_options{ bad_values = how }:order_by(Item.id):all()
          assert.equal(read, tostring(all[1].v))
          assert.equal("[ok]", all[2].v)
          assert.is_nil(all[3].v)
        end)
        assert.equal(1, #sent)
        local item = all[1]
        item.n = 1
        s:commit() -- it expires, and is read again
        assert.equal(read, tostring(item.v))
        s:refresh(item)
        assert.equal(read, tostring(item.v))
        s:refresh(item, { "v" })
        assert.equal(read, tostring(item.v))
        s:expire(item, { "v" })
        assert.equal(read, tostring(item.v))
        s:expunge(item)
        assert.equal(read, tostring(item.v))
        assert.equal("bad", stored(db))
      end)

      it(how .. " is obeyed in rows of columns, one value and mappings", function()
        local q = s:query(Item.id, Item.v):order_by(Item.id):execution_options{ bad_values = how }
        local rows = q:all()
        assert.equal(read, tostring(rows[1].v))
        assert.equal(read, tostring(rows[1][2]))
        assert.equal("[ok]", rows[2].v)
        local values = s:query(Item.v):order_by(Item.id):execution_options{ bad_values = how }:all()
        assert.equal(read, tostring(values[1][1]))
        local stmt = mr.select(Item.v):order_by(Item.id)
        local scalars = s:execute(stmt, nil, { bad_values = how }):scalars():all()
        assert.equal(how == "null" and mr.null or "bad", scalars[1])
        assert.equal("[ok]", scalars[2])
        local mapping = s:execute(stmt, nil, { bad_values = how }):mappings():first()
        assert.equal(read, tostring(mapping.v))
        for row in q:execution_options{ yield_per = 1 }:iter() do
          assert.equal(row.id == 1 and read or row.id == 2 and "[ok]" or "nil", tostring(row.v))
        end
        local row = s:query(Item, Item.v):order_by(Item.id):execution_options{ bad_values = how }:first()
        assert.equal(read, tostring(row[2]))
        assert.equal(read, tostring(row[1].v))
      end)

      it(how .. " goes along eager loads", function()
        for _, option in ipairs{ mr.joinedload(Box.items), mr.selectinload(Box.items), mr.subqueryload(Box.items),
          mr.lazyload(Box.items) } do
          local box = Box.query:options(option):order_by(Box.id):execution_options{ bad_values = how }:all()[1]
          assert.equal(read, tostring(box.v))
          assert.equal(read, tostring(box.items[1].v))
          assert.equal("[ok]", box.items[2].v)
          s:refresh(box.items[1])
          assert.equal(read, tostring(box.items[1].v))
          s:expunge_all()
        end
      end)

      it(how .. " is obeyed by get, and by a deferred column", function()
        assert.equal(read, tostring(Item.query:execution_options{ bad_values = how }:get(1).v))
        s:expunge_all()
        local item = Item.query:execution_options{ bad_values = how }:order_by(Item.id):first()
        s:expire(item)
        assert.equal(read, tostring(item.v))
      end)
    end
  end)
end

describe("A decorated value that was not read", function()
  it("as nil is left as it is stored, and nil set by the program is a change", function()
    local db, Item = shop()
    local item = Item.query:execution_options{ bad_values = "null" }:order_by(Item.id):first()
    assert.is_nil(item.v)
    item.n = 7
    db.session:commit()
    assert.equal("bad", stored(db))
    assert.is_nil(item.v)
    item.v = nil
    db.session:commit()
    assert.equal(mr.null, stored(db) or mr.null)
    assert.is_nil(item.v)
  end)

  it("as it is stored can be put back without a statement, and replaced", function()
    local db, Item = shop()
    local item = Item.query:execution_options{ bad_values = "keep" }:order_by(Item.id):first()
    item.v = item.v
    assert.equal(0, #db:record(function() db.session:flush() end))
    item.v = "[new]"
    db.session:commit()
    assert.equal("new", stored(db))
    assert.equal("[new]", item.v)
  end)

  it("is asked again when it is read again, and obeys the last query", function()
    local db, Item, _, calls = shop()
    local item = Item.query:execution_options{ bad_values = "null" }:order_by(Item.id):first()
    assert.is_nil(item.v)
    local n = calls.n
    assert.is_nil(item.v)
    assert.equal(n + 1, calls.n)
    assert.equal(item, Item.query:execution_options{ bad_values = "keep" }:order_by(Item.id):first())
    assert.equal("bad", item.v)
    db.session:rollback()
    assert.equal("bad", item.v)
  end)

  it("is shown so in the history and in a copy of the object's values", function()
    local db, Item = shop()
    local item = Item.query:execution_options{ bad_values = "keep" }:order_by(Item.id):first()
    assert.equal("bad", mr.inspect(item):history("v").unchanged[1])
    item.v = "[x]"
    assert.equal("bad", mr.inspect(item):history("v").deleted[1])
    db.session:rollback()
    assert.equal("bad", item.v)
  end)

  it("of a key is kept as it is stored, for the row could not be found again", function()
    local db = mr.open "sqlite://"
    local Code = mr.TypeDecorator{ impl = mr.String(9), name = "Code", bind = function(v) return v end,
      result = function(v) if v == "bad" then error "boom" end return v end }
    local Row = db.Model:extend("Row", { code = db.Column{ Code, primary_key = true }, n = db.Column{ db.Integer } })
    db:create_all()
    db.session:execute(mr.text "INSERT INTO row VALUES ('bad', 1)")
    local row = Row.query:execution_options{ bad_values = "null" }:one()
    assert.equal("bad", row.code)
    assert.same({ "bad" }, { table.unpack(mr.inspect(row).identity) })
    row.n = 2
    db.session:commit()
    assert.equal(2, row.n)
  end)

  it("of a type in a type is what the database has, not what the inner function gave", function()
    local db = mr.open "sqlite://"
    local Inner = mr.TypeDecorator{ impl = mr.String(9), name = "Inner", bind = function(v) return v end,
      result = function(v) return { v } end }
    local Outer = mr.TypeDecorator{ impl = Inner, name = "Outer", bind = function(v) return v end,
      result = function() error "boom" end }
    local Row = db.Model:extend("Row", { id = db.Column{ db.Integer, primary_key = true }, v = db.Column{ Outer } })
    db:create_all()
    db.session:execute(mr.text "INSERT INTO row VALUES (1, 'x')")
    db.session:commit()
    assert.equal("x", Row.query:execution_options{ bad_values = "keep" }:one().v)
    db.session:expunge_all()
    assert.is_nil(Row.query:execution_options{ bad_values = "null" }:one().v)
  end)

  it("that the decorated type cannot read either is given to the function as the option says", function()
    for how, read in pairs{ null = "nil", keep = "[soon]" } do
      local db, Item = shop(nil, mr.Date)
      db.session:execute(mr.text "UPDATE item SET v = 'soon'")
      db.session:commit()
      local item = Item.query:execution_options{ bad_values = how }:order_by(Item.id):first()
      assert.equal(read, tostring(item.v))
      if how == "null" then
        item.v = nil -- the program sets it: this is a change
        db.session:commit()
        assert.is_nil(stored(db))
      end
    end
  end)
end)
