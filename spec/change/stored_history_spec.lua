-- db:history_options{ persistent = true }: undo survives the program.

local mr = require "moonrow"

local path, open

local function start(options)
  local db = mr.open("sqlite:///" .. path)
  local Room = db.Model:extend("Room", {
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(40) },
    size = db.Column{ db.Float },
    plan = db.Column{ db.LargeBinary },
    doors = db.relationship{ "Door", back_populates = "room", cascade = "all, delete-orphan" },
  })
  local Door = db.Model:extend("Door", {
    id = db.Column{ db.Integer, primary_key = true },
    x = db.Column{ db.Integer },
    room_id = db.Column{ db.Integer, db.ForeignKey "room.id" },
    room = db.relationship{ "Room", back_populates = "doors" },
  })
  db:create_all()
  if options ~= false then db:history_options(options or { persistent = true }) end
  open[#open + 1] = db
  return db, Room, Door
end

local function stop(db)
  db.session:close()
  db.engine:dispose()
end

local function names(db)
  local list = {}
  for _, step in ipairs(db.history:steps()) do list[#list + 1] = step.name .. (step.undone and " (undone)" or "") end
  return table.concat(list, ", ")
end

local function query(db, sql)
  local list = {}
  for row in db.session:execute(mr.text(sql)):iter() do list[#list + 1] = tostring(row[1]) end
  db.session:rollback()
  return table.concat(list, " ")
end

local function steps_stored(db) return query(db, "SELECT count(DISTINCT step) FROM moonrow_history") end

before_each(function()
  path, open = os.tmpname(), {}
end)

after_each(function()
  for _, db in ipairs(open) do stop(db) end
  os.remove(path)
end)

-- Three steps, of which the last one is undone.
local function work()
  local db, Room, Door = start()
  local hall = Room{ name = "hall", size = 2, plan = "\0\255x'", doors = { Door{ x = 1 }, Door{ x = 2 } } }
  db.session:add(hall)
  db.session:commit()
  db.session:begin(function() hall.name = nil end, { undo = "Rename" })
  db.session:begin(function() db.session:delete(hall) end, { undo = "Delete" })
  db.session:begin(function() db.session:add(Room{ name = "new" }) end, { undo = "Add" })
  assert.equal("Add", db.history:undo())
  stop(db)
end

describe("A persistent history", function()
  it("is there again in the next run: steps are undone and redone, rows are just as they were", function()
    work()
    local db = start()
    assert.equal("Rename, Delete, Add (undone)", names(db))
    assert.equal("Add", db.history:redo())
    assert.equal("new", query(db, "SELECT name FROM room"))
    assert.equal("Add", db.history:undo())
    assert.equal("Delete", db.history:undo())
    assert.equal("nil 2.0 x'00FF7827'", query(db, "SELECT name FROM room") .. " "
      .. query(db, "SELECT size FROM room") .. " x'" .. query(db, "SELECT hex(plan) FROM room") .. "'")
    assert.equal("1 2", query(db, "SELECT x FROM door"))
    stop(db)
    db = start()
    assert.equal("Rename, Delete (undone), Add (undone)", names(db))
    assert.equal("Rename", db.history:undo())
    assert.is_nil(db.history:undo())
    assert.equal("hall", query(db, "SELECT name FROM room"))
    for _, name in ipairs{ "Rename", "Delete", "Add" } do assert.equal(name, db.history:redo()) end
    assert.is_nil(db.history:redo())
    assert.equal("new", query(db, "SELECT name FROM room"))
  end)

  it("writes a step in the transaction of its changes: one INSERT; a rollback writes none", function()
    local db, Room = start()
    local sent = db:record(function()
      db.session:begin(function() db.session:add(Room{ name = "a" }) end, { undo = "Add" })
    end)
    local list = {}
    for i, one in ipairs(sent) do list[i] = one.statement:match "^%S+ ?%S* ?[%w_]*" end
    assert.same({ "INSERT INTO room", "SELECT max(moonrow_history.step)", "INSERT INTO moonrow_history" },
      { list[#list - 2], list[#list - 1]:match "^SELECT max%(moonrow_history.step%)", list[#list] })
    assert.is_false(pcall(db.session.begin, db.session, function()
      db.session:add(Room{ name = "b" })
      error "no"
    end, { undo = "Add b" }))
    assert.equal("Add", names(db))
    assert.equal("1", steps_stored(db))
  end)

  it("forgets steps that a new one drops, those beyond the limits, and all at clear()", function()
    work()
    local db, Room = start()
    db.session:begin(function() db.session:add(Room{ name = "x" }) end, { undo = "x" })
    assert.equal("Rename, Delete, x", names(db))
    assert.equal("3", steps_stored(db))
    db.history:limit{ steps = 2 }
    db.session:begin(function() db.session:add(Room{ name = "y" }) end, { undo = "y" })
    db.session:begin(function() db.session:add(Room{ name = "z" }) end, { undo = "z" })
    assert.equal("y, z", names(db))
    assert.equal("3", steps_stored(db)) -- what has gone goes with the next step
    stop(db)
    db = start()
    db.history:clear()
    assert.equal("0", steps_stored(db))
    stop(db)
    assert.equal("", names((start())))
  end)

  it("keeps what is merged one step", function()
    local db, Room = start()
    local room = Room{ size = 0 }
    db.session:add(room)
    db.session:commit()
    for i = 1, 5 do
      db.session:begin(function() room.size = i end, { undo = "Grow", merge = "grow" })
    end
    assert.equal("1", steps_stored(db))
    stop(db)
    db = start()
    assert.equal("Grow", names(db))
    assert.equal("Grow", db.history:undo())
    assert.equal("0.0", query(db, "SELECT size FROM room"))
    assert.equal("Grow", db.history:redo())
    assert.equal("5.0", query(db, "SELECT size FROM room"))
  end)

  it("refuses a step whose rows were changed since, with their names", function()
    work()
    local db = start(false)
    db.session:execute(mr.text "INSERT INTO room (id, name) VALUES (1, 'other')")
    db.session:commit()
    db:history_options{ persistent = true }
    local ok, err = pcall(db.history.undo, db.history)
    assert.is_false(ok)
    assert.equal("UndoConflictError", err.kind)
    assert.matches("these rows were changed since by others: Room 1", err.message, 1, true)
    assert.equal("Rename, Delete, Add (undone)", names(db))
    assert.equal("0", query(db, "SELECT count(*) FROM moonrow_history WHERE undone AND step <> 3"))
  end)

  it("refuses a step of before a migration, and of another version, in clear words", function()
    work()
    local db = start(false)
    db.session:execute(mr.text "ALTER TABLE door ADD COLUMN y INTEGER")
    db.session:commit()
    db:history_options{ persistent = true }
    local ok, err = pcall(db.history.undo, db.history)
    assert.is_false(ok)
    assert.equal("UndoConflictError", err.kind)
    assert.equal("undo of 'Delete': nothing was done, because the table 'door' has other columns than when the step "
      .. "was made (id, x, room_id, now id, x, room_id, y); db.history:clear() forgets such steps", err.message)
    for _, bytes in ipairs{ "'\t'", "''", "x'01ffffffff'", "x'0101000000'", "substr(changes, 1, 40)",
      "changes || x'00'" } do
      db.session:execute(mr.text("UPDATE moonrow_history SET changes = CAST(" .. bytes .. " AS BLOB) WHERE step = 2"))
      db.session:commit()
      db:history_options{ persistent = true }
      assert.equal("Rename, Delete, Add (undone)", names(db))
      ok, err = pcall(db.history.undo, db.history)
      assert.is_false(ok)
      assert.equal("undo of 'Delete': nothing was done, because it was stored by another version of moonrow, which "
        .. "this one cannot read; db.history:clear() forgets such steps", err.message)
    end
  end)

  it("refuses a step that another program has undone meanwhile", function()
    work()
    local one, two = start(), start()
    assert.equal("Delete", two.history:undo())
    local ok, err = pcall(one.history.undo, one.history)
    assert.is_false(ok)
    assert.equal("UndoConflictError", err.kind)
    assert.equal("1", query(one, "SELECT count(*) FROM room"))
    two.session:execute(mr.text "DELETE FROM door")
    two.session:execute(mr.text "DELETE FROM room")
    two.session:commit()
    ok, err = pcall(one.history.undo, one.history) -- its rows are as it was done
    assert.is_false(ok)
    assert.matches("another program has undone this step since, or has forgotten it", err.message, 1, true)
    assert.equal("0", query(one, "SELECT count(*) FROM room"))
  end)

  it("is noticed by nothing else", function()
    local db, Room = start()
    local token = db:change_token()
    local calls, told = 0, {}
    local _ <close> = Room.query:watch(function() calls = calls + 1 end)
    db.session:begin(function() db.session:add(Room{ name = "a" }) end, { undo = "Add" })
    db.history:undo()
    for change in db:changes_since(token) do told[#told + 1] = change.kind .. " " .. change.table end
    assert.same({ "insert room", "delete room" }, told)
    assert.equal(0, db:poll())
    assert.equal(1, calls)
    db.history:clear()
    assert.equal(token + 2, db:change_token())
    assert.same({}, db:check_schema())
    local other = mr.open("sqlite:///" .. path)
    open[#open + 1] = other
    other:automap()
    local classes = {}
    for name in pairs(other.classes) do classes[#classes + 1] = name end
    table.sort(classes)
    assert.same({ "Door", "Room" }, classes)
  end)

  it("is no more written after { persistent = false }, and needs SQLite", function()
    local db, Room = start()
    db:history_options{ persistent = false }
    db.session:begin(function() db.session:add(Room{ name = "a" }) end, { undo = "Add" })
    assert.equal("Add", names(db))
    assert.equal("0", steps_stored(db))
    assert.has_error(function() db:history_options{ persistent = 1 } end)
    assert.has_error(function() db:history_options{ kept = true } end)
    local mock = mr.open "mock+postgresql://"
    local ok, err = pcall(mock.history_options, mock, { persistent = true })
    assert.is_false(ok)
    assert.matches("persistent needs an SQLite database", err.message, 1, true)
  end)
end)

it("undo and redo tell listeners and the log of changes that it is they", function()
  local db, Room = start{ persistent = false }
  local heard = {}
  mr.event.listen(db, "after_commit", function() heard[#heard + 1] = tostring(db.history.replaying) end)
  db.session:begin(function() db.session:add(Room{ name = "a" }) end, { undo = "Add" })
  local token = db:change_token()
  db.history:undo()
  db.history:redo()
  assert.same({ "false", "undo", "redo" }, heard)
  assert.is_false(db.history.replaying)
  local told = {}
  for change in db:changes_since(token) do told[#told + 1] = change.kind .. " " .. tostring(change.undo) end
  assert.same({ "delete true", "insert true" }, told)
  assert.is_nil(db:changes_since(0)().undo)
end)

describe("db:restore", function()
  it("is told as a change of all: watches look again, steps are forgotten", function()
    local db, Room = start{ persistent = false }
    db.session:add(Room{ name = "saved" })
    db.session:commit()
    local copy = os.tmpname()
    db:backup(copy)
    local seen
    local _ <close> = Room.query:order_by(Room.id):watch(function(rows) seen = rows end)
    db.session:begin(function() db.session:add(Room{ name = "lost" }) end, { undo = "Add" })
    db:poll()
    assert.equal(2, #seen)
    local token = db:change_token()
    db.session:rollback()
    db:restore(copy)
    os.remove(copy)
    local change = db:changes_since(token)()
    assert.equal("unknown", change.kind)
    assert.is_true(change.outside)
    assert.equal(1, db:poll())
    assert.equal(1, #seen)
    assert.equal("", names(db))
    assert.is_nil(db.history:undo())
  end)

  it("brings the steps that are stored in the file", function()
    local db, Room = start()
    db.session:begin(function() db.session:add(Room{ name = "a" }) end, { undo = "Add a" })
    local copy = os.tmpname()
    db:backup(copy)
    db.session:begin(function() db.session:add(Room{ name = "b" }) end, { undo = "Add b" })
    db:restore(copy)
    os.remove(copy)
    assert.equal("Add a", names(db))
    assert.equal("Add a", db.history:undo())
    assert.equal("0", query(db, "SELECT count(*) FROM room"))
  end)
end)
