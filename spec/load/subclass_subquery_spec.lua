-- subqueryload of a relationship that a subclass adds, where the parents are read by a query of the base class.

local mr = require "moonrow"
local support = require "spec.support.models"

for _, several in ipairs{ true, false } do
  describe("subqueryload of what a subclass adds (" .. (several and "two tables" or "one table") .. ")", function()
    local db, Co, Emp, Eng
    before_each(function()
      db = mr.open "sqlite://"
      Co = db.Model:extend("Co", { id = db.Column{ db.Integer, primary_key = true },
        staff = db.relationship{ "Emp", order_by = "Emp.id" } })
      Emp = db.Model:extend("Emp", {
        id    = db.Column{ db.Integer, primary_key = true },
        co_id = db.Column{ db.Integer, db.ForeignKey "co.id" },
        kind  = db.Column{ db.String },
        __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "emp" },
      })
      Eng = Emp:extend("Eng", {
        id   = several and db.Column{ db.Integer, db.ForeignKey "emp.id", primary_key = true } or nil,
        lang = db.Column{ db.String },
        ms   = db.relationship{ "M", order_by = "M.id" },
        __mapper_args = { polymorphic_identity = "eng" },
      })
      local M = db.Model:extend("M", { id = db.Column{ db.Integer, primary_key = true },
        eng_id = db.Column{ db.Integer, db.ForeignKey(several and "eng.id" or "emp.id") } })
      db:create_all()
      for c = 1, 3 do
        local co = Co{ id = c, staff = { Emp(), Eng{ lang = "a" }, Eng{ lang = "b" } } }
        db.session:add(co)
        db.session:flush()
        co.staff[2].ms:extend{ M(), M() }
        co.staff[3].ms:extend{ M() }
      end
      db.session:commit()
      db.session:remove()
    end)

    -- The keys of the machines of each engineer, of employees.
    local function machines(list)
      local words = {}
      for _, e in ipairs(list) do
        local keys = {}
        for i, m in ipairs(mr.class_of(e) == Eng and e.ms or {}) do keys[i] = m.id end
        words[#words + 1] = table.concat(keys, "+")
      end
      return table.concat(words, " ")
    end

    it("counts the rows that the query gives, of whatever class, and reads no table beside theirs", function()
      local option = mr.subqueryload(Eng.ms)
      local q = Emp.query:options(option):order_by(Emp.id)
      local rows = { { q, " 1+2 3  4+5 6  7+8 9" }, { q:limit(2), " 1+2" }, { q:limit(3):offset(3), " 4+5 6" },
        { q:where(Emp.id:gt(4)), "4+5 6  7+8 9" }, { q:where(Eng.lang:eq "a"), "1+2 4+5 7+8" },
        { q:order_by(mr.null):order_by(Emp.id:desc()):limit(4), "9 7+8  6" },
        { q:outerjoin(Co, Co.id:eq(Emp.co_id)):where(Co.id:gt(1)), " 4+5 6  7+8 9" },
        { Emp.query:select_from(Co):join(Emp, Emp.co_id:eq(Co.id)):order_by(Emp.id):options(option),
          " 1+2 3  4+5 6  7+8 9" } }
      for _, row in ipairs(rows) do
        db.session:expunge_all()
        local list
        local texts = support.costs(db, 2, function()
          list = row[1]:all()
          assert.equal(row[2], machines(list))
        end)
        assert.matches("FROM %(SELECT", texts[2])
        assert.falsy(texts[2]:find(", emp", 1, true) or texts[2]:find("eng,", 1, true), texts[2])
      end
    end)

    it("follows an alias of the base class", function()
      local a = mr.with_polymorphic(Emp, { Eng }, { aliased = true })
      local q = db.session:query(a):where(a.id:gt(1)):order_by(a.id:desc()):limit(2)
      local found = q:options(mr.subqueryload(a.Eng.ms)):all()
      support.costs(db, 0, function() assert.equal("9 7+8", machines(found)) end)
    end)

    it("is right behind every strategy of the list before it", function()
      -- statements: the companies; lists and machines; a batch of the first company, then of the others
      local costs = { lazyload = 7, immediateload = 7, batchload = 5, selectinload = 3, subqueryload = 3,
        joinedload = 2 }
      for name, n in pairs(costs) do
        for _, path in ipairs{ Co.staff:of_type(Eng), Co.staff } do
          db.session:expunge_all()
          local words = {}
          local texts = support.costs(db, n, function()
            for i, co in ipairs(Co.query:options(mr[name](path):subqueryload(Eng.ms)):order_by(Co.id):all()) do
              words[i] = machines(co.staff)
            end
          end)
          assert.same({ " 1+2 3", " 4+5 6", " 7+8 9" }, words)
          for _, text in ipairs(texts) do
            assert.falsy(text:find(", emp WHERE", 1, true) or text:find("FROM eng", 1, true), text)
          end
        end
      end
    end)
  end)
end
