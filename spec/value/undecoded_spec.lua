-- JSON, lists and decimals of a row are kept as they were read: what nobody asks for is not decoded, and takes no more
-- memory of Lua than a text column's text does.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local stress = os.getenv "MOONROW_STRESS"
local N = 60
local TYPES = {
  { "JSON", mr.JSON, "[" .. ('{"name":"x","list":[1,2,3]},'):rep(60) .. "0]" },
  { "Array", mr.Array(mr.Integer), "[" .. ("12345,"):rep(300) .. "0]" },
  { "Numeric", mr.Numeric, ("123456789"):rep(150) .. ".5" },
}

-- A database with N rows of the text, one class that reads it as the type, and one that reads it as text.
local function classes(column_type, text)
  local db = mr.open "sqlite://"
  local Typed = db.Model:extend("Typed", { __tablename = "t", id = db.Column{ db.Integer, primary_key = true },
                                           v = db.Column{ column_type }, note = db.Column{ db.Text } })
  db:create_all()
  local rows = {}
  for i = 1, N do rows[i] = { id = i, v = text } end
  db.session:execute(mr.text "INSERT INTO t (id, v) VALUES (:id, :v)", rows)
  db.session:commit()
  local Base = mr.declarative_base()
  local Plain = Base:extend("Plain", { __tablename = "t", id = mr.Column{ mr.Integer, primary_key = true },
                                       v = mr.Column{ mr.Text }, note = mr.Column{ mr.Text } })
  return db, Typed, Plain
end

-- How many bytes of Lua fn takes, and what it returns.
local function bytes(fn)
  collectgarbage()
  collectgarbage()
  collectgarbage "stop"
  local before = collectgarbage "count"
  local result = fn()
  local taken = (collectgarbage "count" - before) * 1024
  collectgarbage "restart"
  return taken, result
end

describe("a value that nobody reads", function()
  for _, case in ipairs(TYPES) do
    local name, column_type, text = table.unpack(case)
    it("is not decoded: " .. name .. " takes what a text takes, until it is read", function()
      local db, Typed, Plain = classes(column_type, text)
      local s = db.session
      for _ = 1, 2 do -- the first time, plans are made and kept
        local plain, texts = bytes(function() return s:query(Plain):all() end)
        local typed, objects = bytes(function() return s:query(Typed):all() end)
        assert.equal(N, #texts)
        assert.equal(N, #objects)
        if stress then return end -- the collector runs within, so that nothing can be measured
        assert.is_true(typed < plain + N * 64 + 4096, name .. ": " .. typed .. " bytes, and as text " .. plain)
        local read = bytes(function() for _, object in ipairs(objects) do assert.truthy(object.v) end end)
        assert.is_true(read > N * #text / 2, name .. ": reading takes " .. read .. " bytes")
        s:expunge_all()
      end
    end)

    it("is written by no flush of another attribute, even if it could not be read: " .. name, function()
      local db, Typed = classes(column_type, "no such value")
      local s = db.session
      local objects = Typed.query:all()
      for _, object in ipairs(objects) do object.note = "seen" end
      local records = db:record(function() s:flush() end)
      assert.equal(1, #records)
      assert.equal("UPDATE t SET note=? WHERE t.id = ?", records[1].statement)
      refuse("DataError", { "Typed.v of Typed 1", "no such value" }, function() return objects[1].v end)
      assert.equal("seen", objects[1].note)
      s:commit()
      assert.equal(N, s:execute(mr.text "SELECT count(*) FROM t WHERE v = 'no such value' AND note = 'seen'"):scalar())
    end)

    it("goes with what its query said of bad values: " .. name, function()
      local db, Typed = classes(column_type, "no such value")
      local function load(how, id)
        return Typed.query:execution_options{ bad_values = how }:filter(Typed.id:eq(id)):one()
      end
      local none, kept, strict = load("null", 1), load("keep", 2), db.session:get(Typed, 3)
      assert.is_nil(none.v)
      assert.equal("no such value", kept.v)
      refuse("DataError", "Typed.v of Typed 3", function() return strict.v end)
    end)
  end
end)
