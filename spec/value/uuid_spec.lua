-- Generated uuids: their form and order, and as defaults of keys, in each form of storage. It restates the behaviours
-- of SQLAlchemy's test/sql/test_types.py (UuidTest) and test/sql/test_defaults.py.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local HEX = "%x"
local FORM = ("^" .. HEX:rep(8) .. "%-" .. HEX:rep(4) .. "%-%d" .. HEX:rep(3) .. "%-[89ab]" .. HEX:rep(3) .. "%-" ..
  HEX:rep(12) .. "$")

describe("mr.uuid4", function()
  it("makes text of 36 small characters, of version 4, each another one", function()
    local seen = {}
    for _ = 1, 500 do
      local uuid = mr.uuid4()
      assert.truthy(uuid:match(FORM), uuid)
      assert.equal("4", uuid:sub(15, 15))
      assert.is_nil(seen[uuid])
      seen[uuid] = true
    end
  end)

  it("has both values of each bit that is random", function()
    local ones, zeros = {}, {}
    for _ = 1, 200 do
      local digits = mr.uuid4():gsub("%-", "")
      for i = 1, #digits do
        local n = tonumber(digits:sub(i, i), 16)
        ones[i], zeros[i] = (ones[i] or 0) | n, (zeros[i] or 0) | (~n & 15)
      end
    end
    for i = 1, 32 do
      local want = i == 13 and 4 or i == 17 and 11 or 15
      assert.equal(want, ones[i])
      assert.equal(i == 13 and 11 or i == 17 and 7 or 15, zeros[i])
    end
  end)
end)

describe("mr.uuid7", function()
  it("begins with the milliseconds since 1970, and has version 7", function()
    local before = mr.now():timestamp() * 1000 // 1 - 1000
    local uuid = mr.uuid7()
    local after = mr.now():timestamp() * 1000 // 1 + 1000
    assert.truthy(uuid:match(FORM), uuid)
    assert.equal("7", uuid:sub(15, 15))
    local millis = tonumber(uuid:sub(1, 8) .. uuid:sub(10, 13), 16)
    assert.is_true(before <= millis and millis <= after, millis)
  end)

  it("rises, also within a millisecond, and over many of them", function()
    local last = mr.uuid7()
    for _ = 1, 20000 do
      local next_one = mr.uuid7()
      assert(last < next_one, last .. " " .. next_one)
      last = next_one
    end
  end)
end)

describe("a uuid as the default of a key", function()
  local storages = { mr.Uuid, mr.Uuid{ storage = "text" }, mr.Uuid{ storage = "hex" }, mr.Uuid{ storage = "blob" },
    mr.String(36) }

  for _, make in ipairs{ "uuid4", "uuid7" } do
    for _, column_type in ipairs(storages) do
      it("mr." .. make .. " of " .. tostring(column_type) .. " is known at the flush, found, and copied to children",
        function()
          local db = mr.open "sqlite://"
          local Parent = db.Model:extend("Parent", {
            id = db.Column{ column_type, primary_key = true, default = mr[make] },
            kids = db.relationship{ "Kid", backref = "parent" },
          })
          local Kid = db.Model:extend("Kid", {
            id = db.Column{ column_type, primary_key = true, default = mr[make] },
            parent_id = db.Column{ db.ForeignKey "parent.id" },
          })
          db:create_all()
          local parent = Parent{ kids = { Kid{}, Kid{} } }
          assert.is_nil(parent.id)
          db.session:add(parent)
          db.session:flush()
          assert.truthy(parent.id:match(FORM))
          assert.equal(parent.id, parent.kids[2].parent_id)
          assert.not_equal(parent.kids[1].id, parent.kids[2].id)
          db.session:commit()
          local id = parent.id
          db.session:expunge_all()
          local again = db.session:get(Parent, id)
          assert.equal(id, again.id)
          assert.equal(2, #again.kids)
          assert.equal(again, db.session:get(Parent, id))
          assert.equal(1, Parent.query:filter(Parent.id:eq(id)):count())
        end)
    end
  end

  it("is another one in each row of a batch, of import and of an insert of many rows", function()
    local db = mr.open "sqlite://"
    local Row = db.Model:extend("Row", {
      id = db.Column{ db.Uuid{ storage = "blob" }, primary_key = true, default = mr.uuid7 },
      n = db.Column{ db.Integer },
    })
    db:create_all()
    local list, rows = {}, {}
    for i = 1, 100 do list[i], rows[i] = Row{ n = i }, { n = i + 100 } end
    db.session:add_all(list)
    db.session:commit()
    db.session:execute(mr.insert(Row), rows)
    db.session:import(Row, { { n = 201 }, { n = 202 } })
    local key = db.session:execute(mr.insert(Row):values{ n = 203 }).inserted_primary_key[1]
    assert.truthy(key:match(FORM))
    assert.equal(203, db.session:get(Row, key).n)
    local seen, last = {}, ""
    for _, row in ipairs(Row.query:order_by(Row.id):all()) do
      assert.is_nil(seen[row.id])
      seen[row.id] = true
      assert.is_true(last < row.id)
      last = row.id
    end
    assert.equal(203, Row.query:count())
    for i, row in ipairs(Row.query:order_by(Row.id):all()) do assert.equal(i, row.n) end -- in the order of making
  end)

  it("is not made where the program gives the key, and is kept by a rollback", function()
    local db = mr.open "sqlite://"
    local Row = db.Model:extend("Row", { id = db.Column{ db.Uuid, primary_key = true, default = mr.uuid4 } })
    db:create_all()
    local mine = mr.uuid4()
    local row = Row{ id = mine }
    db.session:add(row)
    db.session:commit()
    assert.equal(mine, row.id)
    assert.equal(row, db.session:merge(Row{ id = mine }))
    refuse("IntegrityError", "UNIQUE", function()
      db.session:add(Row{ id = mine })
      db.session:flush()
    end)
  end)

  it("is refused for a column that takes no text", function()
    refuse("ArgumentError", "got mr.uuid4, which gives text", function()
      mr.Column{ mr.Integer, default = mr.uuid4 }
    end)
    refuse("ArgumentError", "got mr.uuid7, which gives text", function()
      mr.Column{ mr.DateTime, onupdate = mr.uuid7 }
    end)
  end)
end)

describe("a stored uuid", function()
  local ID = "123e4567-e89b-12d3-a456-426614174000"
  local DIGITS = ID:gsub("-", "")
  local STORED = { text = "'" .. ID .. "'", hex = "'" .. DIGITS .. "'", blob = "x'" .. DIGITS .. "'" }
  local TYPES = { text = mr.Uuid{ storage = "text" }, hex = mr.Uuid{ storage = "hex" },
    blob = mr.Uuid{ storage = "blob" }, plain = mr.Uuid }

  local function class_of(column_type)
    local db = mr.open "sqlite://"
    local Row = db.Model:extend("Row", { id = db.Column{ column_type, primary_key = true },
      other = db.Column{ column_type }, n = db.Column{ db.Integer } })
    db:create_all()
    return db, Row
  end

  for storage, column_type in pairs(TYPES) do
    for form, literal in pairs(STORED) do
      it("of the form " .. form .. " is read and found in a column of the storage " .. storage, function()
        local db, Row = class_of(column_type)
        db.session:execute(mr.text("INSERT INTO row VALUES (" .. literal .. ", " .. literal .. ", 1)"))
        local row = Row.query:one()
        local want = storage == "plain" and form == "hex" and DIGITS or ID
        assert.equal(want, row.id)
        assert.equal(want, row.other)
        for _, query in ipairs{ Row.query:filter(Row.other:eq(want)), Row.query:filter(Row.id:in_{ want }),
          Row.query:filter_by{ other = want }, Row.query:where("other == $x", { x = want }),
          Row.query:filter(Row.other:eq(mr.bindparam "x")):params{ x = want } } do
          assert.equal(1, query:count())
          assert.equal(row, query:first())
        end
        assert.equal(0, Row.query:filter(Row.other:ne(want)):count())
        row.n = 2
        db.session:commit()
        assert.equal(2, row.n)
        db.session:expunge_all()
        row = db.session:get(Row, want)
        row.other = nil
        db.session:flush()
        row.other = want -- what is written has the storage's form
        db.session:commit()
        local own = storage == "plain" and (form == "hex" and "hex" or "text") or storage
        assert.equal(db.session:execute(mr.text("SELECT quote(" .. STORED[own] .. ")")):scalar(),
          db.session:execute(mr.text "SELECT quote(other) FROM row"):scalar())
        db.session:delete(row)
        db.session:commit()
        assert.equal(0, Row.query:count())
      end)
    end
  end

  it("is refused where it has another length, or capital letters in a form of storage", function()
    for _, literal in ipairs{ "x'00'", "x''", "'" .. ID .. "0'", "'" .. ID:upper() .. "'", "zeroblob(17)", "1" } do
      local db, Row = class_of(TYPES.hex)
      db.session:execute(mr.text("INSERT INTO row (id, other) VALUES ('" .. ID .. "', " .. literal .. ")"))
      local ok, e = pcall(function() return Row.query:first().other end)
      assert.is_false(ok, literal)
      assert.truthy(tostring(e):find("which is no uuid: 36 characters, 32 hexadecimal digits", 1, true), tostring(e))
    end
  end)
end)
