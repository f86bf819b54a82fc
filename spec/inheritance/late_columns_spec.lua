-- Columns of a subclass that are loaded later are read from the tables that have them, by the key there.

local mr = require "moonrow"
local support = require "spec.support.models"

local costs, sent = support.costs, support.sent

describe("a column that is loaded later", function()
  local db, Emp, Eng, Senior
  local function declare(key)
    db = mr.open "sqlite://"
    Emp = db.Model:extend("Emp", { id = db.Column{ db.Integer, primary_key = true }, name = db.Column{ db.String },
      kind = db.Column{ db.String }, __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "emp" } })
    Eng = Emp:extend("Eng", { [key] = db.Column{ db.Integer, db.ForeignKey "emp.id", primary_key = true },
      lang = db.Column{ db.String }, notes = db.deferred(db.Column{ db.String }),
      shout = db.column_property(function(cls) return mr.func.upper(cls.name) end, { deferred = true }),
      __mapper_args = { polymorphic_identity = "eng" } })
    Senior = Eng:extend("Senior", { [key] = db.Column{ db.Integer, db.ForeignKey("eng." .. key), primary_key = true },
      years = db.Column{ db.Integer }, __mapper_args = { polymorphic_identity = "senior" } })
    db:create_all()
    db.session:add_all{ Emp{ name = "a" }, Eng{ name = "b", lang = "lua", notes = "n" },
      Senior{ name = "c", lang = "c", years = 4, notes = "m" } }
    db.session:commit()
    db.session:remove()
    return Emp.query:order_by(Emp.id):all()
  end

  local function statement(fn)
    local list = sent(db, fn)
    assert.equal(1, #list)
    return list[1][1]
  end

  for _, key in ipairs{ "id", "eng_id" } do
    it("of a class below comes from its table alone, whatever its key is called: " .. key, function()
      local all = declare(key)
      -- A key under another name is an attribute of its own, and as unknown as the others.
      local own = key == "id" and "" or "eng.eng_id AS eng_eng_id, "
      assert.equal("SELECT " .. own .. "eng.lang AS eng_lang FROM eng WHERE eng." .. key .. " = ?", statement(function()
        assert.equal("lua", all[2].lang)
      end))
      assert.equal("SELECT " .. own .. "eng.lang AS eng_lang, senior.years AS senior_years FROM eng JOIN senior ON eng."
        .. key .. " = senior." .. key .. " WHERE eng." .. key .. " = ?", statement(function()
          assert.equal(4, all[3].years)
        end))
      costs(db, 0, function() assert.equal("c", all[3].lang) end)
    end)
  end

  it("that has expired is read from the one table that has it, of any depth", function()
    local all = declare "id"
    local senior = all[3]
    assert.equal(4, senior.years)
    for name, from in pairs{ name = "emp", lang = "eng", years = "senior" } do
      db.session:expire(senior, { name })
      local text = statement(function() return senior[name] end)
      assert.equal(("SELECT %s.%s AS %s_%s FROM %s WHERE %s.id = ?"):format(from, name, from, name, from, from), text)
    end
    db.session:expire(senior, { "name", "years" })
    assert.truthy(statement(function() assert.equal("c", senior.name) end):find(
      "FROM emp JOIN eng ON emp.id = eng.id JOIN senior ON eng.id = senior.id WHERE emp.id = ?", 1, true))
  end)

  it("that is deferred comes from its table, and an expression from all", function()
    local all = declare "id"
    assert.equal("SELECT eng.notes AS eng_notes FROM eng WHERE eng.id = ?", statement(function()
      assert.equal("m", all[3].notes)
    end))
    assert.truthy(statement(function() assert.equal("C", all[3].shout) end):find(
      "FROM emp JOIN eng ON emp.id = eng.id JOIN senior ON eng.id = senior.id WHERE emp.id = ?", 1, true))
  end)

  it("of a row that is gone is an error, also where only the row of its own table is", function()
    local all = declare "id"
    db.session:execute(mr.text "DELETE FROM senior")
    assert.has_error(function() return all[3].years end)
    db.session:execute(mr.text "DELETE FROM eng")
    db.session:expire(all[2])
    assert.has_error(function() return all[2].lang end)
  end)
end)
