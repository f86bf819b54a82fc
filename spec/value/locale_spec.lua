-- In a locale with a decimal comma, numbers are stored, read and shown with a point.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

describe("under a locale with a decimal comma", function()
  local has_locale

  setup(function() has_locale = os.setlocale "de_DE.utf8" and tostring(1.5) == "1,5" end)
  teardown(function() os.setlocale "C" end)

  local function open()
    local db = mr.open "sqlite://"
    local Thing = db.Model:extend("Thing", {
      id     = db.Column{ db.Integer, primary_key = true },
      weight = db.Column{ db.Float },
      note   = db.Column{ db.Text },
    })
    db:create_all()
    return db, Thing
  end

  it("numbers come back as they went in", function()
    if not has_locale then return pending "needs the locale de_DE.utf8" end
    local db, Thing = open()
    db.session:add(Thing{ weight = 1.5 })
    db.session:commit()
    db.session:execute(mr.text "UPDATE thing SET note = 1.5")
    db.session:commit()
    local thing = Thing.query:one()
    assert.equal(1.5, thing.weight)
    assert.equal("1.5", thing.note)
    assert.equal(1, Thing.query:filter(Thing.weight:eq(1.5)):count())
    assert.equal(1, Thing.query:filter(Thing.weight:gt(mr.func.abs(-1.25))):count())
    assert.equal(1.75, db.session:query(Thing.weight + 0.25):scalar())
  end)

  it("messages, the log and SQL have points", function()
    if not has_locale then return pending "needs the locale de_DE.utf8" end
    local _, Thing = open()
    refuse("ArgumentError", "got float 1.5", Thing, { id = 1.5 })
    refuse("ArgumentError", "number 2.5", mr.date, 2.5, 1, 1)
    refuse("ArgumentError", "number 1e+15", mr.date, 1e15, 1, 1)
    refuse("ArgumentError", "number 3.0", mr.Session, 3.0)
    refuse("ArgumentError", "number -3", mr.Session, -3)
    assert.equal("PT1.5S", tostring(mr.interval(1.5)))
    local lines = {}
    mr.set_log(function(line) lines[#lines + 1] = line end)
    local conn <close> = mr.create_engine("sqlite://", { echo = true }):connect()
    conn:execute(mr.text "SELECT :x", { x = 0.25 })
    mr.set_log(nil)
    assert.has_match("[0.25]", table.concat(lines, "\n"), 1, true)
  end)
end)
