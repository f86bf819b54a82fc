-- Defaults of columns: values, functions, with and without the context, SQL; versions with a generator of the
-- program's. It restates behaviours of SQLAlchemy's test/sql/test_defaults.py and test/orm/test_versioning.py.

local mr = require "moonrow"
local support = require "spec.support.models"

local sent = support.sent

local function open(columns, args)
  local db = mr.open "sqlite://"
  local body = { id = db.Column{ db.Integer, primary_key = true }, x = db.Column{ db.Integer }, __mapper_args = args }
  for name, column in pairs(columns(db)) do body[name] = column end
  local Thing = db.Model:extend("Thing", body)
  db:create_all()
  return db, Thing
end

local function plus(n) return function(context) return context.current_parameters.x + n end end

describe("the context of a default", function()
  it("has the values that the object's row gets, under the attributes' names and the columns'", function()
    local seen
    local db, Thing = open(function(db)
      return { name_ = db.Column{ "name", db.String },
        y = db.Column{ db.Integer, default = function(context)
          seen = context.current_parameters
          return seen.x + 1
        end } }
    end)
    local thing = Thing{ x = 5, name_ = "n" }
    db.session:add(thing)
    db.session:commit()
    assert.equal(6, thing.y)
    assert.same({ x = 5, name_ = "n", name = "n" }, seen)
  end)

  it("has other defaults that were made before, and at an update the row's values", function()
    local db, Thing = open(function(db)
      return {
        a = db.Column{ db.Integer, default = 3, onupdate = 4 },
        b = db.Column{ db.Integer, default = plus(10), onupdate = plus(100) },
        ["z"] = db.Column{ db.Integer, default = function(c) return c.current_parameters.b end },
      }
    end)
    local thing = Thing{ x = 1 }
    db.session:add(thing)
    db.session:commit()
    assert.same({ 3, 11, 11 }, { thing.a, thing.b, thing.z })
    thing.x = 2
    db.session:commit()
    assert.same({ 4, 102, 11 }, { thing.a, thing.b, thing.z })
  end)

  it("is of each object of a batch", function()
    local db, Thing = open(function(db) return { y = db.Column{ db.Integer, default = plus(1) } } end)
    for i = 1, 20 do db.session:add(Thing{ x = i }) end
    db.session:commit()
    for _, thing in ipairs(Thing.query:all()) do assert.equal(thing.x + 1, thing.y) end
  end)

  it("is of the row of a statement, of each of a list, and of an import", function()
    local db, Thing = open(function(db)
      return { y = db.Column{ db.Integer, default = plus(1), onupdate = plus(50) } }
    end)
    db.session:execute(mr.insert(Thing):values{ x = 1 })
    db.session:execute(mr.insert(Thing):values{ { x = 2 }, { x = 3 } })
    db.session:execute(mr.insert(Thing), { { x = 4 }, { x = 5 } })
    db.session:import(Thing, { { x = 6 }, { x = 7 } })
    for _, thing in ipairs(Thing.query:all()) do assert.equal(thing.x + 1, thing.y) end
    assert.equal(7, Thing.query:count())
    Thing.query:filter_by{ x = 7 }:update{ x = 8 }
    db.session:expire_all()
    assert.equal(58, Thing.query:filter_by{ x = 8 }:one().y)
  end)

  it("is not mixed up by a default that writes other rows", function()
    local db, Thing, Log
    db, Thing = open(function(d)
      return { y = d.Column{ d.Integer, default = function(context)
        db.engine:begin(function(connection)
          connection:execute(mr.insert(Log):values{ n = 1 })
        end)
        return context.current_parameters.x
      end } }
    end)
    Log = mr.Table("log", mr.MetaData(), mr.Column{ "id", mr.Integer, primary_key = true },
      mr.Column{ "n", mr.Integer },
      mr.Column{ "m", mr.Integer, default = function(context) return context.current_parameters.n * 7 end })
    Log.metadata:create_all{ bind = db.engine }
    local row
    db.session:execute(mr.insert(Thing):values{ x = 5 })
    row = db.session:execute(mr.select(Log.c.n, Log.c.m)):first()
    assert.same({ 1, 7 }, { row[1], row[2] })
    assert.equal(5, Thing.query:one().y)
  end)

  it("is given to functions with a parameter alone", function()
    local arguments
    local db, Thing = open(function(d)
      return { y = d.Column{ d.Integer, default = function(...) arguments = select("#", ...) return 1 end },
        at = d.Column{ d.Integer, default = os.time } }
    end)
    local thing = Thing{ x = 1 }
    db.session:add(thing)
    db.session:commit()
    assert.equal(0, arguments)
    assert.is_true(thing.at > 1e9)
  end)
end)

describe("a default", function()
  it("of SQL is written into the statement and read back; a value counts where nothing else was set", function()
    local db, Thing = open(function(db)
      return { s = db.Column{ db.String, default = mr.func.lower "ABC", onupdate = mr.func.upper "x" },
        n = db.Column{ db.Integer, default = 7 } }
    end)
    local thing, other = Thing{ x = 1 }, Thing{ x = 2, n = 0, s = "own" }
    db.session:add(thing)
    db.session:flush()
    assert.same({ "abc", 7 }, { thing.s, thing.n })
    db.session:add(other)
    db.session:flush()
    assert.same({ "own", 0 }, { other.s, other.n })
    thing.x = 3
    assert.equal("UPDATE thing SET x=?, s=upper(?) WHERE thing.id = ?",
      (sent(db, function() db.session:flush() end)[1][1]:gsub("SET s=upper%(%?%), x=%?", "SET x=?, s=upper(?)")))
    assert.equal("X", thing.s)
  end)
end)

describe("a version with a generator", function()
  it("is made of the version before, for new rows of nil, in batches and statements", function()
    local db, Thing = open(function(db) return { v = db.Column{ db.String } } end, {
      version_id_col = "v", version_id_generator = function(before) return (before or "") .. "i" end,
    })
    local a, b = Thing{ x = 1 }, Thing{ x = 2 }
    db.session:add_all{ a, b }
    db.session:commit()
    assert.same({ "i", "i" }, { a.v, b.v })
    a.x, b.x = 3, 4
    db.session:commit()
    assert.same({ "ii", "ii" }, { a.v, b.v })
    support.elsewhere(db, "UPDATE thing SET v = 'other' WHERE id = 1")
    a.x = 5
    assert.equal("StaleDataError", support.error_of(db.session.flush, db.session).kind)
    db.session:rollback()
  end)
end)
