-- Joined loads of lists of classes with several tables, where a limit counts the objects of the query.

local mr = require "moonrow"
local staff = require "spec.support.staff"
local support = require "spec.support.models"

for _, kind in ipairs{ "single", "joined", "mixed" } do
  describe("a joined load of a query with a limit (" .. kind .. ")", function()
    local db, C
    before_each(function()
      db, C = staff.filled(kind)
      for i = 2, 4 do
        db.session:add(C.Company{ name = "c" .. i, employees = { C.Senior{ name = "s" .. i, level = i },
          C.Manager{ name = "m" .. i }, C.Engineer{ name = "e" .. i } } })
      end
      db.session:commit()
      db.session:remove()
    end)

    it("reads the whole lists of as many objects, whatever tables their classes have", function()
      local list = { c4 = "Senior s4, Manager m4, Engineer e4", c3 = "Senior s3, Manager m3, Engineer e3" }
      local any = mr.with_polymorphic(C.Employee, "*")
      for _, along in ipairs{ C.Company.employees, C.Company.employees:of_type(any),
        C.Company.employees:of_type(C.Engineer), C.Company.employees:of_type(C.Senior) } do
        db.session:remove()
        local q = C.Company.query:options(mr.joinedload(along)):order_by(C.Company.id:desc())
        assert.falsy(tostring(q:limit(2)):find("FROM company, ", 1, true))
        local found = q:limit(2):all()
        assert.equal(2, #found)
        support.costs(db, 0, function()
          for i = 1, 2 do assert.equal(list[found[i].name], staff.names(found[i].employees)) end
        end)
        local page = q:paginate{ page = 2, per_page = 2 }
        assert.same({ 4, 2, "c2" }, { page.total, #page.items, page.items[1].name })
      end
    end)

    it("does so for a relationship to a subclass", function()
      local q = C.Company.query:options(mr.joinedload(C.Company.engineers)):order_by(C.Company.id:desc())
      local found = q:limit(2):all()
      assert.same({ 2, "Senior s4, Engineer e4", "Senior s3, Engineer e3" },
        { #found, staff.names(found[1].engineers), staff.names(found[2].engineers) })
      assert.equal("c4", q:first().name)
    end)
  end)
end
