-- Classes with many columns: an object gets the loaded columns of its row, wherever they stand.

local mr = require "moonrow"

local COLUMNS = 320
local db, session, Wide

local function value(i, row) return i % 2 == 0 and ("text %d of %d"):format(i, row) or i * 1000 + row end

before_each(function()
  db = mr.open "sqlite://"
  session = db.session
  local body = { id = db.Column{ db.Integer, primary_key = true },
    owner_id = db.Column{ db.Integer, db.ForeignKey "wide.id" } }
  for i = 1, COLUMNS do body["c" .. i] = i % 2 == 0 and db.Column{ db.Text } or db.Column{ db.Integer } end
  body.owner = db.relationship{ "Wide", remote_side = "Wide.id", backref = "owned" }
  Wide = db.Model:extend("Wide", body)
  db:create_all()
  for row = 1, 3 do
    local wide = { id = row, owner_id = row > 1 and 1 or nil }
    for i = 1, COLUMNS do wide["c" .. i] = value(i, row) end
    session:add(Wide(wide))
  end
  session:commit()
  session:expunge_all()
end)
after_each(function() session:remove() end)

local function check(wide)
  for i = 1, COLUMNS do assert.equal(value(i, wide.id), wide["c" .. i]) end
end

describe("an object of a wide class", function()
  it("has each column", function()
    for _, wide in ipairs(Wide.query:all()) do check(wide) end
  end)

  it("has the few columns that are loaded, and loads the others when they are read", function()
    for _, names in ipairs{ { "c1" }, { "c319" }, { "c320" }, { "c2", "c160", "c320" }, { "owner_id", "c7" } } do
      session:expunge_all()
      local only = {}
      for i, name in ipairs(names) do only[i] = Wide[name] end
      local all = Wide.query:options(mr.load_only(table.unpack(only))):order_by(Wide.id):all()
      local statements = db:record(function()
        for row, wide in ipairs(all) do
          for _, name in ipairs(names) do
            local number = tonumber(name:match "^c(%d+)$")
            if number then assert.equal(value(number, row), wide[name]) end
          end
        end
      end)
      assert.equal(0, #statements)
      for _, wide in ipairs(all) do check(wide) end
    end
  end)

  it("lacks the columns that are deferred, and keeps a change of one of them", function()
    local wide = Wide.query:options(mr.defer(Wide.c300), mr.defer(Wide.c1)):filter(Wide.id:eq(2)):one()
    wide.c300 = "new"
    assert.equal(value(1, 2), wide.c1)
    session:commit()
    session:expunge_all()
    assert.equal("new", session:get(Wide, 2).c300)
    assert.equal(value(299, 2), session:get(Wide, 2).c299)
  end)

  it("comes with related objects of which few columns are loaded", function()
    for _, strategy in ipairs{ "joinedload", "selectinload", "subqueryload" } do
      session:expunge_all()
      local one = Wide.query:options(mr[strategy](Wide.owned):load_only(Wide.c318), mr.load_only(Wide.c2))
        :filter(Wide.id:eq(1)):one()
      assert.equal(2, #one.owned)
      for _, wide in ipairs(one.owned) do check(wide) end
      check(one)
    end
  end)
end)
