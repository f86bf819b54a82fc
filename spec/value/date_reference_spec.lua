-- Foreign keys to dates: they are written with the very text of the key.

local mr = require "moonrow"

describe("a key that is spelled in its own way, of an object that has expired", function()
  local spellings = { "2009-01-01 00:00:00", "2009-01-02 00:00:00.000", "2009-01-03 00:00:00.000000",
    "2009-01-04T00:00:00", "2009-01-05", "2009-01-06 00:00:00.5", "2009-01-07 00:00:00.500" }

  it("is what new rows refer to, from either side and through a link table", function()
    local db = mr.open "sqlite://"
    local s = db.session
    local link = db.Table{ "link", db.metadata,
      db.Column{ "day_at", db.DateTime, db.ForeignKey "day.at", primary_key = true },
      db.Column{ "tag_id", db.Integer, db.ForeignKey "tag.id", primary_key = true } }
    local Tag = db.Model:extend("Tag", { id = db.Column{ db.Integer, primary_key = true } })
    local Day = db.Model:extend("Day", { at = db.Column{ db.DateTime, primary_key = true },
      visits = db.relationship{ "Visit", back_populates = "day" }, tags = db.relationship{ "Tag", secondary = link } })
    local Visit = db.Model:extend("Visit", { id = db.Column{ db.Integer, primary_key = true },
      day_at = db.Column{ db.ForeignKey "day.at" }, day = db.relationship{ "Day", back_populates = "visits" } })
    db:create_all()
    for _, at in ipairs(spellings) do s:execute(mr.text "INSERT INTO day VALUES (:at)", { at = at }) end
    s:commit()
    local days = Day.query:all()
    local function expired(change)
      s:commit()
      for _, day in ipairs(days) do change(day) end
      s:commit()
    end
    expired(function(day) s:add(Visit{ day = day }) end)
    expired(function(day) day.visits:append(Visit{}) end)
    expired(function(day) day.tags:append(Tag{}) end)
    local function count(sql) return s:execute(mr.text(sql)):scalar() end
    assert.equal(2 * #spellings, count "SELECT count(*) FROM visit JOIN day ON day.at = visit.day_at")
    assert.equal(#spellings, count "SELECT count(*) FROM link JOIN day ON day.at = link.day_at")
    for _, load in ipairs{ mr.lazyload, mr.selectinload, mr.joinedload, mr.subqueryload } do
      s:remove()
      for _, day in ipairs(Day.query:options(load(Day.visits)):all()) do assert.equal(2, #day.visits) end
    end
  end)
end)
