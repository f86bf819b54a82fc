-- The guide's page about events names all events and options of the library, and the arguments of their listeners.

local mr = require "moonrow"
local guide = require "spec.support.guide"
local known = require "spec.support.known"

local page = guide.table("events", "event", "All events")

-- The names of events, in the annotations.
local function annotated()
  local names, open = {}, false
  for line in io.lines "lua/moonrow/meta/event.lua" do
    if line:match "^%-%-%-@alias moonrow.EventName" then open = true
    elseif open and not line:match "^%-%-%-|" then break
    elseif open then for name in line:gmatch '"([%w_]+)"' do names[name] = true end end
  end
  return names
end

-- The words of the page for an argument of this name.
local is = {
  session = function(value) return debug.getmetatable(value).__name == "Session" end,
  class = function(value) return tostring(value) == "<class Player>" end,
  connection = function(value) return debug.getmetatable(value).__name == "Connection" end,
  object = function(value) return mr.class_of(value).__name == "Player" end,
  item = function(value) return mr.class_of(value).__name == "Item" end,
  value = function(value) return value == "Bob" end,
  old = function(value) return value == "Ann" end,
  statement = function(value) return type(value) == "string" and value:match "%u%u%u" ~= nil end,
  parameters = function(value) return type(value) == "table" end,
  seconds = function(value) return math.type(value) == "float" and value >= 0 end,
  waited = function(value) return math.type(value) == "float" and value >= 0 end,
}

-- Makes each event happen. Returns the arguments of its last call, by name.
local function fire_all(db)
  local calls = {}
  local Player = db.Model:extend("Player", {
    id = db.Column{ db.Integer, primary_key = true }, name = db.Column{ db.String },
    items = db.relationship("Item", { backref = "owner" }),
  })
  local Item = db.Model:extend("Item", {
    id = db.Column{ db.Integer, primary_key = true }, player_id = db.Column{ db.ForeignKey "player.id" },
  })
  local targets = { ["a session"] = db, ["a class"] = Player, ["an engine"] = db }
  for _, row in ipairs(page.rows) do
    local name = row[1]:match "`(.*)`"
    local target = targets[row[2]] or (name == "set" and Player.name or Player.items)
    mr.event.listen(target, name, function(...) calls[name] = table.pack(...) end)
  end
  db:create_all()
  local ann = Player{ name = "Ann" }
  db.session:add(ann)
  db.session:commit()
  assert.equal("Ann", ann.name)
  ann.name = "Bob"
  ann.items:append(Item{})
  db.session:commit()
  ann.items:remove(ann.items[1])
  db.session:expunge(ann)
  ann = Player.query:one()
  db.session:delete(ann)
  db.session:flush()
  db.session:rollback()
  return calls
end

describe("the guide's table of events", function()
  it("has each event of the library and of the annotations, and no other", function()
    local events = known.options(mr.event.listen, mr.open "sqlite://", "xyzzyxyzzy", print)
    known.same(events, guide.names(page))
    known.same(events, annotated())
  end)

  it("says what each is of", function()
    local targets = { ["a session"] = "a Session", ["a class"] = "a mapped class",
      ["an attribute"] = "an attribute of a class", ["an engine"] = "an Engine" }
    for _, row in ipairs(page.rows) do
      local e = select(2, pcall(mr.event.listen, 12, row[1]:match "`(.*)`", print))
      assert.matches("expected " .. targets[row[2]], e.message)
    end
  end)

  it("says which arguments each has, in their order", function()
    local calls = fire_all(mr.open "sqlite://")
    for _, row in ipairs(page.rows) do
      local name = row[1]:match "`(.*)`"
      local got = calls[name]
      assert.is_not_nil(got, name .. " was not fired")
      local n = 0
      for argument in row[3]:gmatch "[%w_]+" do
        n = n + 1
        assert.is_true(is[argument](got[n]), ("%s: argument %d is no %s"):format(name, n, argument))
      end
      assert.equal(n, got.n, name)
    end
  end)

  it("has a table of the options, too", function()
    local db = mr.open "sqlite://"
    known.same(known.options(mr.event.listen, db, "before_flush", print, { xyzzyxyzzy = 1 }),
      guide.names(guide.table("events", "option", "Listening")))
  end)
end)
