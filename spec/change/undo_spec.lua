-- Undo and redo: session:begin(fn, { undo = name }), db.history. The database is as it was to the last value, and the
-- objects in memory with it.

local mr = require "moonrow"

local db, session, Door, Room, history

before_each(function()
  db = mr.open "sqlite://"
  Room = db.Model:extend("Room", {
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(40), unique = true },
    doors = db.relationship{ "Door", back_populates = "room", cascade = "all, delete-orphan" },
  })
  Door = db.Model:extend("Door", {
    id = db.Column{ db.Integer, primary_key = true },
    x = db.Column{ db.Float },
    made = db.Column{ db.DateTime, default = mr.now, onupdate = mr.now },
    room_id = db.Column{ db.Integer, db.ForeignKey("room.id", { ondelete = "CASCADE" }) },
    room = db.relationship{ "Room", back_populates = "doors" },
    keys = db.relationship{ "Key", secondary = "door_key", order_by = "Key.id" },
  })
  db.Model:extend("Key", { id = db.Column{ db.Integer, primary_key = true }, shape = db.Column{ db.Text } })
  db.Table("door_key", db.Column{ "door_id", db.Integer, db.ForeignKey "door.id", primary_key = true },
    db.Column{ "key_id", db.Integer, db.ForeignKey "key.id", primary_key = true })
  db:create_all()
  session, history = db.session, db.history
end)

local function step(name, fn, merge) return session:begin(fn, { undo = name, merge = merge }) end

-- All rows of all tables.
local function rows()
  local list = {}
  for _, name in ipairs{ "room", "door", "key", "door_key" } do
    for _, row in ipairs(session:execute(mr.text("SELECT * FROM " .. name .. " ORDER BY 1, 2")):all()) do
      list[#list + 1] = name .. " " .. tostring(row)
    end
  end
  session:commit()
  return list
end

local function names()
  local list = {}
  for i, entry in ipairs(history:steps()) do list[i] = (entry.undone and "-" or "+") .. entry.name end
  return table.concat(list, " ")
end

it("a step is taken back, and done once more", function()
  local door = Door{ x = 1 }
  session:add(door)
  session:commit()
  local before = rows()
  assert.equal("result", step("Move door", function()
    door.x = 2
    return "result"
  end))
  local after = rows()
  assert.equal("Move door", history:undo())
  assert.same(before, rows())
  assert.equal(1, door.x)
  assert.equal("-Move door", names())
  assert.equal("Move door", history:redo())
  assert.same(after, rows())
  assert.equal(2, door.x)
  assert.is_nil(history:redo())
  assert.equal("<History: 1 to undo, 0 to redo>", tostring(history))
end)

it("the statements are few, and name what they find", function()
  local door = Door{ x = 1, made = mr.datetime(2024, 1, 1) }
  session:add(door)
  session:commit()
  step("a", function() session:execute(mr.text "UPDATE door SET x = 2") end)
  local sent = db:record(function() history:undo() end)
  local list = {}
  for i, record in ipairs(sent) do list[i] = record.statement end
  assert.equal("PRAGMA defer_foreign_keys = ON", list[1])
  assert.equal("SELECT 1 FROM sqlite_schema WHERE type = 'trigger' UNION ALL SELECT 1 FROM sqlite_temp_schema "
    .. "WHERE type = 'trigger' LIMIT 1", list[2])
  assert.equal('UPDATE "main"."door" SET "x"=? WHERE "id" = ? AND "x" IS ? AND "made" IS ? AND "room_id" IS ?', list[3])
  assert.equal(3, #list)
end)

describe("objects", function()
  it("come back with their keys, as the same objects, with links and what belongs to them", function()
    local hall = Room{ name = "hall" }
    local door = Door{ x = 1, room = hall }
    session:add(hall)
    session:commit()
    session:execute(mr.text "INSERT INTO key VALUES (3, 'round')")
    session:execute(mr.text "INSERT INTO door_key VALUES (1, 3)")
    session:commit()
    local before = rows()
    step("Delete hall", function() session:delete(hall) end)
    assert.same({ 'key (3, "round")' }, rows())
    assert.equal("detached", mr.inspect(door).state)
    history:undo()
    assert.same(before, rows())
    assert.equal("persistent", mr.inspect(door).state)
    assert.equal(hall, session:get(Room, 1))
    assert.equal(door, hall.doors[1])
    assert.equal("round", door.keys[1].shape)
    history:redo()
    assert.equal("detached", mr.inspect(hall).state)
    assert.is_nil(session:get(Room, 1))
    history:undo()
    assert.equal(hall, session:get(Room, 1))
    hall.name = "HALL"
    session:commit()
    assert.equal("HALL", Room.query:one().name)
  end)

  it("that were made leave, and come back", function()
    local door
    step("Make", function()
      door = Door{ x = 5 }
      session:add(door)
    end)
    history:undo()
    assert.same({}, rows())
    assert.equal("detached", mr.inspect(door).state)
    history:redo()
    assert.equal("persistent", mr.inspect(door).state)
    assert.equal(5, door.x)
    assert.equal(door, session:get(Door, 1))
  end)

  it("follow their keys, also where two have changed places", function()
    local a, b = Room{ id = 1, name = "a" }, Room{ id = 2, name = "b" }
    session:add_all{ a, b }
    session:commit()
    step("Swap", function()
      a.name, b.name = "x", "a"
      session:flush()
      a.name = "b"
      session:flush()
      a.id = 9
    end)
    assert.equal(a, session:get(Room, 9))
    history:undo()
    assert.same({ 1, "a", 2, "b" }, { a.id, a.name, b.id, b.name })
    assert.equal(a, session:get(Room, 1))
    assert.is_nil(session:get(Room, 9))
    history:redo()
    assert.equal(a, session:get(Room, 9))
    assert.equal("b", a.name)
  end)

  it("are read as before without expire_on_commit, too", function()
    session.expire_on_commit = false
    local door = Door{ x = 1 }
    session:add(door)
    session:commit()
    step("Move", function() door.x = 2 end)
    history:undo()
    assert.equal(1, door.x)
  end)
end)

describe("a key that a step refers to", function()
  it("is given to no new object, until the step is forgotten", function()
    local first, last = Door{ x = 1 }, Door{ x = 2 }
    session:add_all{ first, last }
    session:commit()
    step("Delete", function() session:delete(last) end)
    local new = { Door{ x = 3 }, Door{ x = 4 }, Door{ id = 9, x = 5 } }
    session:add_all(new)
    session:commit()
    assert.same({ 3, 4, 9 }, { new[1].id, new[2].id, new[3].id })
    history:undo()
    assert.equal(last, session:get(Door, 2))
    assert.equal(2, last.x)
    step("Delete new", function() session:delete(new[3]) end)
    history:clear()
    local other = Door{}
    session:add(other)
    session:commit()
    assert.equal(5, other.id)
  end)

  it("is that of a row that was undone, too, and of the topmost class", function()
    local Animal = db.Model:extend("Animal", { id = db.Column{ db.Integer, primary_key = true },
      kind = db.Column{ db.String(10) }, __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "a" } })
    local Dog = Animal:extend("Dog", { id = db.Column{ db.Integer, db.ForeignKey "animal.id", primary_key = true },
      __mapper_args = { polymorphic_identity = "dog" } })
    db:create_all()
    local dog
    step("Make", function()
      dog = Dog{}
      session:add(dog)
    end)
    history:undo()
    local other = Dog{}
    session:add(other)
    session:commit()
    assert.equal(2, other.id)
    history:redo()
    assert.equal(1, dog.id)
    assert.equal(2, Dog.query:count())
  end)
end)

it("what the database has done by itself is taken back: cascades, triggers, many rows, text", function()
  session:execute(mr.text "INSERT INTO room VALUES (1, 'a'), (2, 'b')")
  session:execute(mr.text "INSERT INTO door VALUES (1, 1.5, NULL, 1), (2, 2.0, '2024-01-01 00:00:00', 1)")
  session:execute(mr.text "CREATE TRIGGER t AFTER DELETE ON room BEGIN INSERT INTO key VALUES (old.id, old.name); END")
  session:commit()
  local states = { rows() }
  for _, sql in ipairs{ "DELETE FROM room WHERE id = 1", "UPDATE room SET id = id + 10, name = name || '!'",
    "INSERT OR REPLACE INTO room VALUES (20, 'b!')", "DELETE FROM key" } do
    step(sql, function() session:execute(mr.text(sql)) end)
    states[#states + 1] = rows()
  end
  for round = 1, 2 do
    for i = #states - 1, 1, -1 do
      assert.truthy(history:undo())
      assert.same(states[i], rows(), "undo " .. round .. ", " .. i)
    end
    for i = 2, #states do
      assert.truthy(history:redo())
      assert.same(states[i], rows())
    end
  end
end)

describe("a conflict", function()
  local function conflict(fn)
    local ok, err = pcall(fn)
    assert.is_false(ok)
    assert.equal("UndoConflictError", err.kind, tostring(err))
    assert.is_true(mr.errors.StaleDataError:is(err))
    assert.is_false(session:in_transaction())
    return err
  end

  it("names the rows, does nothing, and needs no rollback", function()
    local a, b = Door{ x = 1 }, Door{ x = 1 }
    session:add_all{ a, b }
    session:commit()
    step("Move", function() a.x, b.x = 2, 2 end)
    local other <close> = mr.Session(db.engine)
    other:get(Door, 2).x = 7
    other:commit()
    local before = rows()
    local err = conflict(function() history:undo() end)
    assert.matches("undo of 'Move': nothing was done, because these rows were changed since by others: Door 2",
      tostring(err))
    assert.equal(1, #err.rows)
    assert.equal(Door, err.rows[1].class)
    assert.equal(2, err.rows[1].key)
    assert.same(before, rows())
    assert.equal("+Move", names())
    a.x = 3
    session:commit()
    assert.equal(3, a.x)
  end)

  it("is a row that others have given to what would be deleted", function()
    local hall
    step("Make", function()
      hall = Room{ name = "hall" }
      session:add(hall)
    end)
    session:execute(mr.text "INSERT INTO door VALUES (7, 1.0, NULL, 1)")
    session:commit()
    local err = conflict(function() history:undo() end)
    assert.equal(7, err.rows[1].key)
    assert.equal(2, #rows())
    session:execute(mr.text "DELETE FROM door")
    session:commit()
    assert.equal("Make", history:undo())
  end)

  it("is a row that a foreign key refuses", function()
    local door
    step("Make", function()
      door = Door{ x = 1 }
      session:add(door)
    end)
    session:execute(mr.text "INSERT INTO key VALUES (1, 'x')")
    session:execute(mr.text "INSERT INTO door_key VALUES (1, 1)")
    session:commit()
    local err = conflict(function() history:undo() end)
    assert.same({}, err.rows)
    assert.matches("because the database refuses it: .*FOREIGN KEY", tostring(err))
    assert.equal("persistent", mr.inspect(door).state)
  end)
end)

describe("steps", function()
  it("of one merge key are one step", function()
    local door = Door{ x = 0 }
    session:add(door)
    session:commit()
    for i = 1, 5 do step("Drag", function() door.x = i end, "drag:1") end
    step("Drag", function() door.x = 9 end, "drag:2")
    assert.equal("+Drag +Drag", names())
    history:undo()
    assert.equal(5, door.x)
    history:undo()
    assert.equal(0, door.x)
    history:redo()
    assert.equal(5, door.x)
  end)

  it("are dropped by a rollback, and by a new edit when they were undone; one that changes nothing is none", function()
    local door = Door{ x = 0 }
    session:add(door)
    session:commit()
    assert.has_error(function()
      step("Fails", function()
        door.x = 1
        session:flush()
        error "no"
      end)
    end)
    step("Nothing", function() assert.equal(0, door.x) end)
    assert.equal("", names())
    step("a", function() door.x = 1 end)
    step("b", function() door.x = 2 end)
    history:undo()
    assert.equal("+a -b", names())
    step("c", function() door.x = 3 end)
    assert.equal("+a +c", names())
    history:clear()
    assert.equal("", names())
    assert.is_nil(history:undo())
  end)

  it("are limited by number and by bytes, the oldest go first", function()
    local door = Door{ x = 0 }
    session:add(door)
    session:commit()
    history:limit{ steps = 2 }
    for i = 1, 4 do step("s" .. i, function() door.x = i end) end
    assert.equal("+s3 +s4", names())
    assert.is_true(history:steps()[1].bytes > 100)
    history:limit{ bytes = history:steps()[1].bytes }
    assert.equal("+s4", names())
    history:limit{ steps = 0 }
    assert.equal("", names())
  end)

  it("are refused where they cannot be taken back", function()
    local function message(fn)
      local ok, err = pcall(fn)
      assert.is_false(ok)
      return tostring(err)
    end
    assert.matches("begin: a step of undo is a function: begin%(fn, { undo = %.%.%. }%)",
      message(function() session:begin{ undo = "x" } end))
    assert.matches("begin: merge is given without undo", message(function()
      session:begin(function() end, { merge = 1 })
    end))
    assert.matches("limit: steps: expected a number of 0 or more", message(function() history:limit{ steps = -1 } end))
    assert.matches("db.history has no 'step' %(did you mean 'steps'%?%)", message(function() return history.step end))
    step("a", function() session:add(Door{}) end)
    session:add(Door{})
    assert.matches("undo and redo are transactions of their own, and this session has changes that are not committed:"
      .. " commit or roll back first", message(function() history:undo() end))
    session:flush()
    assert.matches("this session has one that is open: commit or roll back first",
      message(function() history:undo() end))
  end)
end)
