-- db:track{ ... }: the log of changes in a table, written in the transaction of the changes.

local mr = require "moonrow"

local db, Player, Item, Log, session

before_each(function()
  db = mr.open "sqlite://"
  Player = db.Model:extend("Player", {
    id = db.Column{ db.Integer, primary_key = true }, name = db.Column{ db.String(20) },
    coins = db.Column{ db.Integer }, born = db.Column{ db.Date },
  })
  Item = db.Model:extend("Item", { id = db.Column{ db.Integer, primary_key = true } })
  db:create_all()
  Log = db:track{ Player, retain = "30d" }
  session = db.session
end)

local function logged()
  local list = {}
  for _, row in ipairs(Log.query:order_by(Log.id):all()) do
    local new = row.new or {}
    local old = row.old or {}
    list[#list + 1] = string.format("%s %s %s %s %s", row.kind, row.class, row.key, old.coins, new.coins)
  end
  session:commit()
  return list
end

it("the log has each change of the tracked classes, with who was what", function()
  local ann = Player{ name = "Ann", coins = 10, born = mr.date(2000, 1, 1) }
  session:add_all{ ann, Item{} }
  session:commit()
  session:execute(mr.text "UPDATE player SET coins = 3")
  session:commit()
  session:delete(ann)
  session:commit()
  assert.same({ "insert Player 1 nil 10", "update Player 1 10 3", "delete Player 1 3 nil" }, logged())
  local first = Log.query:order_by(Log.id):first()
  assert.equal("2000-01-01", first.new.born)
  assert.equal("player", first.of)
  assert.is_true(first.at <= mr.now())
end)

it("it is a part of the transaction: what is rolled back is not in it, and one statement writes it", function()
  session:add(Player{ coins = 1 })
  session:flush()
  session:rollback()
  assert.same({}, logged())
  session:add_all{ Player{ coins = 1 }, Player{ coins = 2 } }
  local sent = db:record(function() session:commit() end)
  assert.equal(3, #sent)
  assert.matches("INSERT INTO moonrow_change", sent[2].statement)
  assert.matches("DELETE FROM moonrow_change WHERE moonrow_change.at <", sent[3].statement)
  assert.same({ "insert Player 1 nil 1", "insert Player 2 nil 2" }, logged())
end)

it("old entries go, and undo leaves the log as it is", function()
  session:add(Log{ at = mr.datetime(2001, 1, 1), kind = "x", of = "player" })
  session:commit()
  local ann
  session:begin(function()
    ann = Player{ coins = 1 }
    session:add(ann)
  end, { undo = "Make" })
  assert.same({ "insert Player 1 nil 1" }, logged())
  db.history:undo()
  assert.same({ "insert Player 1 nil 1", "delete Player 1 1 nil" }, logged())
  db.history:redo()
  assert.equal(3, #logged())
end)

it("mistakes are refused", function()
  local function message(...)
    local ok, err = pcall(db.track, db, ...)
    assert.is_false(ok)
    return tostring(err)
  end
  assert.matches('track: expected classes, as in db:track{ Player, retain = "30d" }', message{})
  assert.matches('track: retain: expected a time such as "30d"', message{ Player, retain = "soon" })
  assert.matches("unknown option 'keep' for track %(known are retain%)", message{ Player, keep = 1 })
end)
