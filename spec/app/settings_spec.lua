-- db:settings{ ... }: a table of one row, as an object with defaults.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local shelf = require "spec.support.shelf"

describe("settings", function()
  local path, opened

  before_each(function()
    path, opened = os.tmpname(), {}
  end)

  after_each(function()
    for _, db in ipairs(opened) do
      db.session:remove()
      db.engine:dispose()
    end
    for _, suffix in ipairs{ "", "-wal", "-shm", "-journal" } do os.remove(path .. suffix) end
  end)

  local function open(url)
    local db = mr.open(url or "sqlite:///" .. path)
    opened[#opened + 1] = db
    return db
  end

  local function columns(db, more)
    local body = { volume = db.Column{ db.Float, default = 1 }, name = db.Column{ db.String(20), default = "you",
      nullable = false }, seen = db.Column{ db.DateTime } }
    for name, value in pairs(more or {}) do body[name] = value end
    return body
  end

  local function rows(db)
    local connection <close> = db.engine:connect()
    return connection:execute(mr.text "SELECT count(*) FROM settings"):scalar()
  end

  local function state(object) return mr.inspect(object).state end

  it("have their defaults without a row, and reading them writes nothing", function()
    local db = open()
    local s = db:settings(columns(db))
    assert.equal("", shelf.short(db:record(function()
      assert.equal(1.0, s.volume)
      assert.equal("you", s.name)
      assert.is_nil(s.seen)
    end)))
    assert.equal("SELECT settings", shelf.short(db:record(function()
      assert.equal(0, db.session:query(mr.class_of(s)):count())
    end)))
    assert.equal(0, rows(db))
    assert.is_false(db.session:in_transaction())
    assert.equal(0, #db.session.new)
  end)

  it("are written by the first commit after something was set, and changed by the next ones", function()
    local db = open()
    local s = db:settings(columns(db))
    s.volume = 0.25
    assert.equal("pending", state(s))
    assert.is_true(db.session:contains(s))
    db.session:commit()
    assert.equal("persistent", state(s))
    assert.equal(1, rows(db))
    s.name = "Ann"
    assert.equal("UPDATE settings, SELECT settings", shelf.short(db:record(function()
      db.session:commit()
      assert.equal(0.25, s.volume)
    end)))
    db = open()
    s = db:settings(columns(db))
    assert.equal(0.25, s.volume)
    assert.equal("Ann", s.name)
    assert.equal("persistent", state(s))
    assert.equal(1, rows(db))
  end)

  it("are inserted by the first flush or commit of the program, with their defaults", function()
    for _, how in ipairs{ "flush", "commit" } do
      local db = open()
      local s = db:settings(columns(db))
      assert.equal(0, rows(db))
      db.session[how](db.session)
      assert.equal("persistent", state(s))
      db.session:commit()
      assert.equal(1, rows(db))
      assert.equal(1.0, s.volume)
      assert.equal(0, #db:record(function() db.session:flush() end))
      db.session:execute(mr.text "DELETE FROM settings")
      db.session:commit()
      db.session:remove()
    end
  end)

  it("are inserted with whatever else is written", function()
    local db = open()
    local Thing = db.Model:extend("Thing", { id = db.Column{ db.Integer, primary_key = true } })
    local s = db:settings(columns(db))
    db:create_all()
    db.session:add(Thing{})
    db.session:flush()
    assert.equal("persistent", state(s))
    db.session:commit()
    assert.equal(1, rows(db))
  end)

  it("in memory need one statement to be inserted", function()
    local db = open "sqlite://"
    local s = db:settings(columns(db))
    s.volume = 2
    assert.equal("INSERT settings", shelf.short(db:record(function() db.session:flush() end)))
    assert.equal(2.0, s.volume)
    assert.equal("you", s.name)
  end)

  it("are one object for each session, which the next call gives again", function()
    local db = open()
    local s = db:settings(columns(db))
    assert.equal(s, db:settings())
    assert.equal(s, db:settings(columns(db)))
    s.volume = 3
    db.session:commit()
    assert.equal(s, db:settings())
    db.session:remove()
    local other = db:settings()
    assert.is_true(other ~= s)
    assert.equal(3.0, other.volume)
    assert.equal(db.session:get(mr.class_of(other), 1), other)
  end)

  it("forget what was set with a rollback, and are written by a later commit", function()
    local db = open()
    local s = db:settings(columns(db))
    s.volume, s.seen = 5, mr.now()
    db.session:rollback()
    assert.equal(1.0, s.volume)
    assert.is_nil(s.seen)
    s.volume = 6
    db.session:flush()
    db.session:rollback()
    assert.equal(1.0, s.volume)
    assert.equal(0, rows(db))
    s.volume = 7
    db.session:commit()
    assert.equal(7.0, s.volume)
    assert.equal(1, rows(db))
    s.volume = 8
    db.session:rollback()
    assert.equal(7.0, s.volume)
  end)

  it("check values as any column, also when they are set first", function()
    local db = open()
    local s = db:settings(columns(db))
    refuse("ArgumentError", "volume: expected a number", function() s.volume = "loud" end)
    assert.equal(1.0, s.volume)
    refuse("ArgumentError", "Settings has no attribute 'volumne' (did you mean 'volume'?)",
      function() s.volumne = 1 end)
    s.name = ("x"):rep(30)
    refuse("DataError", "Settings.name", function() db.session:commit() end)
    db.session:rollback()
    assert.equal("you", s.name)
  end)

  it("of a newer program get its new columns, with their defaults for the row that is there", function()
    local db = open()
    db:settings(columns(db)).volume = 0.5
    db.session:commit()
    db.session:remove()
    local newer = open()
    local calls = 0
    local s = newer:settings(columns(newer, {
      full = newer.Column{ newer.Boolean, default = true, nullable = false },
      made = newer.Column{ "made at", newer.String(9), default = function()
        calls = calls + 1
        return "n" .. calls
      end },
      note = newer.Column{ newer.Text },
      kind = newer.Column{ newer.Enum("easy", "hard"), default = "hard" },
    }))
    assert.equal(0.5, s.volume)
    assert.is_true(s.full)
    assert.equal("n1", s.made)
    assert.is_nil(s.note)
    assert.equal("hard", s.kind)
    s.full = false
    newer.session:commit()
    -- The older program goes on.
    assert.equal(0.5, db:settings().volume)
    db:settings().volume = 0.75
    db.session:commit()
    newer.session:expire_all()
    assert.equal(0.75, s.volume)
    assert.is_false(s.full)
  end)

  it("of two processes that begin at once are one row with what both have set", function()
    local one, two = open(), open()
    local s, t = one:settings(columns(one)), two:settings(columns(two))
    s.volume = 0.25
    t.name = "Bob"
    one.session:commit()
    two.session:commit()
    assert.equal(1, rows(one))
    assert.equal(0.25, t.volume)
    assert.equal("Bob", t.name)
    one.session:expire_all()
    assert.equal("Bob", s.name)
    t.volume = 1 -- the default again
    two.session:commit()
    one.session:expire_all()
    assert.equal(1.0, s.volume)
  end)

  it("of two processes that add a column at once get it once", function()
    local old = open()
    old:settings(columns(old)).volume = 2
    old.session:commit()
    old.session:remove()
    local url = "sqlite:///" .. path .. "?journal_mode=wal"
    local one, two = open(url), open(url)
    local function more(db) return columns(db, { full = db.Column{ db.Boolean, default = true } }) end
    local did
    -- The other process is quicker, after this one has looked.
    mr.event.listen(two.engine, "after_execute", function(_, statement)
      if did or not statement:find "pragma_table_xinfo" then return end
      did = true
      assert.is_true(one:settings(more(one)).full)
    end)
    assert.is_true(two:settings(more(two)).full)
    assert.is_true(did)
    assert.equal(2.0, two:settings().volume)
  end)

  it("are of a table of another name, of which there may be several", function()
    local db = open()
    local audio = db:settings{ __tablename = "audio_settings", volume = db.Column{ db.Float, default = 0.5 } }
    local video = db:settings{ __tablename = "video", width = db.Column{ db.Integer, default = 640 } }
    assert.equal("AudioSettings", mr.class_of(audio).__name)
    assert.equal("audio_settings", mr.inspect(mr.class_of(audio)).tablename)
    audio.volume, video.width = 1, 800
    db.session:commit()
    assert.equal(video, db:settings{ __tablename = "video", width = db.Column{ db.Integer, default = 640 } })
    assert.equal(1, db.session:execute(mr.text "SELECT count(*) FROM audio_settings"):scalar())
    refuse("ArgumentError", "settings: none are declared yet", function() open():settings() end)
  end)

  it("have methods of their own", function()
    local db = open()
    local s = db:settings(columns(db, { louder = function(self) self.volume = self.volume + 1 end }))
    s:louder()
    db.session:commit()
    assert.equal(2.0, s.volume)
  end)

  it("are a table of one row", function()
    local db = open()
    local s = db:settings(columns(db))
    s.volume = 2
    db.session:commit()
    db.session:add(mr.class_of(s){ id = 2 })
    refuse("IntegrityError", "CHECK", function() db.session:commit() end)
    db.session:rollback()
    assert.equal(1, rows(db))
  end)

  it("are told of mistakes when they are declared", function()
    local db = open()
    refuse("ArgumentError", "settings: the name 'id' is the table's own key: give the setting another name",
      function() db:settings{ id = db.Column{ db.Integer } } end)
    refuse("ArgumentError", "settings: there is no setting: write a column for each", function() db:settings{} end)
    refuse("ArgumentError", "settings: there is no setting", function() db:settings{ volume = 1 } end)
    refuse("ArgumentError", "settings: expected one table of columns", function() db:settings "audio" end)
    refuse("ArgumentError", "settings: expected one table of columns", function() db:settings({}, {}) end)
    refuse("ArgumentError", "settings: expected columns by name", function() db:settings{ db.Column{ db.Float } } end)
    refuse("ArgumentError", "settings: __tablename: expected a string",
      function() db:settings{ __tablename = 5, a = db.Column{ db.Integer } } end)
    refuse("ArgumentError", "settings: none are declared yet", function() db:settings() end)
    refuse("ArgumentError", "db:settings(...)", function() db.settings{} end)
    db:settings(columns(db))
    refuse("ArgumentError", "settings: the table 'settings' has the settings name, seen, volume already, and not "
      .. "width: db:settings() gives them", function() db:settings{ width = db.Column{ db.Integer } } end)
  end)

  it("are not made in the middle of a transaction", function()
    local db = open()
    local Thing = db.Model:extend("Thing", { id = db.Column{ db.Integer, primary_key = true } })
    db:create_all()
    db.session:add(Thing{})
    db.session:flush()
    refuse("InvalidRequestError", "settings: the table 'settings' is made outside of a transaction: call db:settings "
      .. "before the first write, or commit first", function() db:settings(columns(db)) end)
    db.session:commit()
    assert.equal(1.0, db:settings().volume)
  end)

  it("may have a column that the database computes, from the start or later", function()
    local function settings(more)
      local db = open()
      return db, db:settings(columns(db, more and { twice = db.Column{ db.Float, db.Computed "volume * 2" } }))
    end
    settings(false)
    for n = 1, 3 do
      local db, s = settings(true)
      s.volume = n
      db.session:commit()
      assert.equal(2.0 * n, s.twice)
    end
  end)

  it("have names of every kind, and get columns later all the same", function()
    local function settings(more)
      local db = open()
      local body = { __tablename = 'my "(own)" settings', ["a b"] = db.Column{ db.Integer, default = 1 },
        x = db.Column{ 'q"(,t', db.Integer, default = 2 } }
      if more then
        body["c,d (e"] = db.Column{ db.Numeric(3, 1), default = 3 }
        body.order = db.Column{ db.String, default = "o" }
      end
      return db, db:settings(body)
    end
    local db, s = settings(false)
    s.x = 5
    db.session:commit()
    db, s = settings(true)
    assert.same({ 1, 5, "o" }, { s["a b"], s.x, s.order })
    assert.equal("3.0", string.format("%.1f", tonumber(tostring(s["c,d (e"]))))
    s.order = "p"
    db.session:commit()
    assert.equal("p", select(2, settings(true)).order)
  end)

  it("have no primary key of their own", function()
    local db = open()
    refuse("ArgumentError", "settings: 'name' is primary_key: the table has one row, whose key is its own 'id': leave "
      .. "primary_key out", function() db:settings{ name = db.Column{ db.String, primary_key = true } } end)
  end)

  it("begin with the time when they were made, also in a column that comes later", function()
    local db = open()
    local s = db:settings(columns(db, { made = db.Column{ db.DateTime, default = mr.now } }))
    assert.is_true(mr.now() - s.made < mr.interval{ minutes = 5 })
    db.session:commit()
    db = open()
    local later = db.Column{ db.DateTime, default = mr.now }
    s = db:settings(columns(db, { made = db.Column{ db.DateTime }, later = later }))
    assert.is_true(mr.now() - s.later < mr.interval{ minutes = 5 })
  end)

  it("that are declared no more stay in the table, and are named where the row needs them", function()
    local function with(more)
      local db = open()
      return db, db:settings(columns(db, more))
    end
    with{ old = mr.Column{ mr.Integer, nullable = false } }
    refuse("InvalidRequestError", "settings: the table 'settings' has the column 'old', which is NOT NULL, has "
      .. "no default, and is declared no more: the row cannot be inserted without it: declare it again, or execute "
      .. 'ALTER TABLE settings DROP COLUMN "old"', with, {})
    local db, s = with{ old = mr.Column{ mr.Integer, nullable = false } }
    s.old, s.volume = 3, 2
    db.session:commit()
    db, s = with{} -- there is a row
    assert.equal(2.0, s.volume)
    s.volume = 5
    db.session:commit()
    assert.equal(1, rows(db))
    assert.same({ 5.0, 3 }, { select(2, with{ old = mr.Column{ mr.Integer } }).volume,
      select(2, with{ old = mr.Column{ mr.Integer } }).old })
  end)

  it("that are declared no more are no matter where they may be NULL, or have a default in the database", function()
    local db = open()
    db:settings(columns(db, { a = db.Column{ db.Integer }, b = db.Column{ db.Integer, nullable = false,
      server_default = "4" } }))
    db = open()
    db:settings(columns(db)).volume = 3
    db.session:commit()
    assert.equal(1, rows(db))
  end)

  it("in a sandbox are others", function()
    local db = open()
    db:settings(columns(db)).volume = 4
    db.session:commit()
    db:sandbox(function()
      local s = db:settings()
      assert.equal(1.0, s.volume)
      s.volume = 9
      db.session:commit()
    end)
    assert.equal(4.0, db:settings().volume)
  end)
end)
