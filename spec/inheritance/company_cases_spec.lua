-- Queries over the classes of a company, whose people are engineers, managers and bosses: the same for one table and
-- for
-- joined tables. After SQLAlchemy's test/orm/inheritance/test_polymorphic_rel.py (name of the behaviour there: title
-- here):
--   loads_at_once                                   are read at once by with_polymorphic
--   primary_eager_aliasing_joinedload, ..._subqueryload, ..._selectinload
--                                                   have their lists, whatever the way and the limit
--   get_one, get_two, get_three                     are got by any class they are of, and their columns read later
--   lazyload_related_w_cache_check                  have their lists, one statement for each owner
--   multi_join                                      are joined along two ways to one class
--   filter_on_subclass_one..six                     are filtered by a subclass's column, and by its base's
--   join_from_polymorphic_nonaliased_one..three     are joined from to what they and their subclasses own
--   join_from_polymorphic_explicit_aliased_one..three  are joined from under an alias
--   join_to_polymorphic_nonaliased, ..._explicit_aliased  are joined to, by name and under an alias
--   polymorphic_any_one, three, eight, nine         are asked for by any, of the base, of a subclass, of an alias
--   join_from_columns_or_subclass_one..eleven       are joined from where columns alone are read
--   subclass_option_pathing                         take an option behind a subclass's attribute
--   expire                                          are read again by their own class's statement
--   with_polymorphic_one..seven_future              are read at once by with_polymorphic
--   relationship_to_polymorphic_one..three          are read along a relationship to with_polymorphic
--   joinedload_on_subclass, subqueryload_on_subclass  have what only a subclass owns, eagerly
--   query_subclass_join_to_base_relationship        join along a relationship of their base
--   join_to_subclass_one..seventeen                 are joined to as a subclass by of_type
--   join_through_polymorphic_*                      are joined through to what they own
--   filter_on_baseclass                             are filtered by a subclass's column, and by its base's
--   nesting_queries                                 are in a subquery that another query joins
--   mixed_entities_one..nineteen                    stand in rows beside columns and other classes
--   correlation_one..three                          are counted within a query of their own
--   having_group_by                                 are grouped by their owner
--   aliased_not_polluted_by_join                    stand in rows beside columns and other classes

local mr = require "moonrow"
local support = require "spec.support.models"

local costs, words = support.costs, support.words

-- Companies c1 (engineers dilbert and wally, boss pointy, manager dogbert) and c2 (engineer vlad).
local function company(kind)
  local db = mr.open "sqlite://"
  local C = {}
  local function sub(base, name, body)
    body.__mapper_args = { polymorphic_identity = name:lower() }
    if kind == "joined" then
      body.id = db.Column{ db.Integer, db.ForeignKey(base.__table.name .. ".id"), primary_key = true }
    end
    C[name] = base:extend(name, body)
  end
  C.Company = db.Model:extend("Company", { id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String }, people = db.relationship{ "Person", back_populates = "company",
      order_by = "Person.id" },
    managers = db.relationship{ "Manager", viewonly = true, order_by = "Manager.id" } })
  C.Person = db.Model:extend("Person", { id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String },
    kind = db.Column{ db.String }, company_id = db.Column{ db.Integer, db.ForeignKey "company.id" },
    company = db.relationship{ "Company", back_populates = "people" },
    papers = db.relationship{ "Paper", order_by = "Paper.id" },
    __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "person" } })
  sub(C.Person, "Engineer", { lang = db.Column{ db.String }, status = db.Column{ db.String },
    machines = db.relationship{ "Machine", order_by = "Machine.id" } })
  sub(C.Person, "Manager", { title = db.Column{ db.String } })
  sub(C.Manager, "Boss", { golf = db.Column{ db.String } })
  C.Paper = db.Model:extend("Paper", { id = db.Column{ db.Integer, primary_key = true }, text = db.Column{ db.String },
    person_id = db.Column{ db.Integer, db.ForeignKey "person.id" } })
  C.Machine = db.Model:extend("Machine", { id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String },
    engineer_id = db.Column{ db.Integer, db.ForeignKey(kind == "joined" and "engineer.id" or "person.id") } })
  db:create_all()
  local function papers(...)
    local list = {}
    for i, text in ipairs{ ... } do list[i] = C.Paper{ text = text } end
    return list
  end
  db.session:add_all{
    C.Company{ name = "c1", people = {
      C.Engineer{ name = "dilbert", lang = "java", status = "tired", papers = papers("tps1", "tps2"),
        machines = { C.Machine{ name = "ibm" }, C.Machine{ name = "mac" } } },
      C.Engineer{ name = "wally", lang = "c++", status = "idle", papers = papers("tps3"),
        machines = { C.Machine{ name = "commodore" } } },
      C.Boss{ name = "pointy", title = "head", golf = "bag", papers = papers("review") },
      C.Manager{ name = "dogbert", title = "dr", papers = papers("rehire") },
    } },
    C.Company{ name = "c2", people = { C.Engineer{ name = "vlad", lang = "cobol", status = "elbonian",
      papers = papers("elbonian") } } },
  }
  db.session:commit()
  db.session:remove()
  return db, C
end

local function rows(result)
  local out = {}
  for i, row in ipairs(result) do
    local parts = {}
    for k, v in ipairs{ row:unpack() } do
      parts[k] = type(v) == "userdata" and mr.class_of(v) and (v.name or v.text) or tostring(v)
    end
    out[i] = table.concat(parts, " ")
  end
  return table.concat(out, ", ")
end

local function names(list) return words(list, "name") end

for _, kind in ipairs{ "single", "joined" } do
  describe("people of a company (" .. kind .. ")", function()
    local db, C, one
    before_each(function()
      db, C = company(kind)
      -- Runs fn, which sends one statement, and returns what it gives.
      function one(fn)
        local value
        costs(db, 1, function() value = fn() end)
        return value
      end
    end)

    it("are read at once by with_polymorphic", function()
      local P = mr.with_polymorphic(C.Person, "*")
      local list = one(function() return db.session:query(P):order_by(P.id):all() end)
      costs(db, 0, function()
        assert.equal("dilbert wally pointy dogbert vlad", names(list))
        assert.same({ "java", "bag", "dr" }, { list[1].lang, list[3].golf, list[4].title })
      end)
      assert.equal("pointy", one(function()
        return names(db.session:query(P):filter((P.Boss.golf:eq "bag") | (P.Engineer.lang:eq "none")):all())
      end))
      assert.equal("wally vlad", one(function()
        return names(db.session:query(P):filter(P.Engineer.status:in_{ "idle", "elbonian" }):order_by(P.id):all())
      end))
      local Q = mr.with_polymorphic(C.Person, { C.Engineer, C.Manager })
      assert.equal("wally dogbert", one(function()
        return names(db.session:query(Q):filter((Q.Engineer.lang:eq "c++") | (Q.Manager.title:eq "dr")):order_by(Q.id)
          :all())
      end))
    end)

    it("have their lists, whatever the way and the limit", function()
      for way, n in pairs{ joinedload = 1, subqueryload = 2, selectinload = 2 } do
        db.session:remove()
        local list
        costs(db, n, function()
          list = C.Person.query:options(mr[way](C.Person.papers)):order_by(C.Person.name:desc()):limit(2):offset(1)
            :all()
        end)
        costs(db, 0, function()
          assert.equal("vlad pointy", names(list):gsub("wally ", ""):gsub("dogbert ", ""), way)
        end)
      end
    end)

    it("are got by any class they are of, and their columns read later", function()
      local dilbert = one(function() return db.session:get(C.Person, 1) end)
      costs(db, 0, function() assert.equal(dilbert, db.session:get(C.Engineer, 1)) end)
      costs(db, 1, function() assert.equal("java", dilbert.lang) end)
      assert.is_nil(db.session:get(C.Manager, 1))
      local pointy = one(function() return db.session:get(C.Manager, 3) end)
      costs(db, 0, function() assert.is_nil(db.session:get(C.Engineer, 3)) end)
      assert.equal("pointy", pointy.name)
    end)

    it("have their lists, one statement for each owner", function()
      local list = C.Engineer.query:order_by(C.Engineer.id):all()
      costs(db, 2, function() assert.equal("ibm mac", names(list[1].machines)); assert.equal("",
        names(list[3].machines)) end)
      costs(db, 1, function() assert.equal("tps1 tps2", words(list[1].papers, "text")) end)
    end)

    it("are joined along two ways to one class", function()
      local e, p = mr.aliased(C.Person), mr.aliased(C.Engineer)
      local found = one(function()
        return rows(db.session:query(C.Company.name, e.name, p.name):join(C.Company.people:of_type(e))
          :join(C.Company.people:of_type(p)):filter(e.name:eq "dilbert", p.name:eq "wally"):all())
      end)
      assert.equal("c1 dilbert wally", found)
    end)

    it("are filtered by a subclass's column, and by its base's", function()
      assert.equal("dilbert", one(function() return C.Engineer.query:filter(C.Engineer.lang:eq "java"):one().name end))
      assert.equal("dilbert", one(function() return C.Engineer.query:filter(C.Person.name:eq "dilbert"):one().name end))
      assert.equal("pointy", one(function() return C.Boss.query:filter(C.Manager.title:eq "head"):one().name end))
      assert.equal("pointy", one(function() return C.Manager.query:filter(C.Boss.golf:eq "bag"):one().name end))
      assert.equal("pointy", one(function() return C.Person.query:filter(C.Boss.golf:eq "bag"):one().name end))
      assert.equal("pointy dogbert", one(function()
        return names(C.Manager.query:filter(C.Person.company:has{ name = "c1" }):order_by(C.Person.id):all())
      end))
    end)

    it("are joined from to what they and their subclasses own", function()
      assert.equal("dilbert wally", one(function()
        return names(C.Person.query:join(C.Person.papers):filter(C.Paper.text:like "tps%"):distinct()
          :order_by(C.Person.id)
          :all())
      end))
      assert.equal("pointy", one(function()
        return names(C.Manager.query:join(C.Manager.papers):filter(C.Paper.text:like "rev%"):all())
      end))
      assert.equal("wally", one(function()
        return names(C.Engineer.query:join(C.Engineer.papers):join(C.Engineer.machines)
          :filter(C.Paper.text:like "tps%", C.Machine.name:like "%dore"):all())
      end))
      assert.equal("wally", one(function()
        return names(C.Person.query:join(C.Engineer.machines):filter(C.Machine.name:eq "commodore"):all())
      end))
    end)

    it("are joined from under an alias", function()
      for _, class in ipairs{ "Person", "Engineer" } do
        local a = mr.aliased(C[class])
        assert.equal("dilbert wally", one(function()
          return names(db.session:query(a):join(a.papers):filter(C.Paper.text:like "tps%"):distinct():order_by(a.id)
            :all())
        end))
      end
      local m, p = mr.aliased(C.Machine), mr.with_polymorphic(C.Person, { C.Engineer }, { aliased = true })
      assert.equal("dilbert", one(function()
        return names(db.session:query(p):join(p.Engineer.machines:of_type(m)):filter(m.name:eq "ibm"):all())
      end))
    end)

    it("are joined to, by name and under an alias", function()
      local a = mr.aliased(C.Person)
      assert.equal("c1", one(function()
        return names(C.Company.query:join(C.Company.people):filter(C.Person.name:eq "dilbert"):all())
      end))
      assert.equal("c2", one(function()
        return names(C.Company.query:join(C.Company.people:of_type(a)):filter(a.name:eq "vlad"):all())
      end))
      assert.equal("c1", one(function()
        return names(C.Company.query:join(C.Company.managers):filter(C.Manager.title:eq "dr"):all())
      end))
    end)

    it("are asked for by any, of the base, of a subclass, of an alias", function()
      local function companies(criterion)
        return one(function() return names(C.Company.query:filter(criterion):order_by(C.Company.id):all()) end)
      end
      local a = mr.aliased(C.Engineer)
      assert.equal("c2", companies(C.Company.people:any(C.Person.name:eq "vlad")))
      assert.equal("c1", companies(C.Company.people:of_type(C.Boss):any(C.Boss.golf:eq "bag")))
      assert.equal("c1", companies(C.Company.people:of_type(C.Boss):any(C.Manager.title:eq "head")))
      assert.equal("", companies(C.Company.people:of_type(C.Boss):any(C.Boss.name:eq "dogbert")))
      assert.equal("c1 c2", companies(C.Company.people:of_type(a):any(a.lang:ne "x")))
      assert.equal("c2", companies(~C.Company.people:of_type(C.Manager):any()))
      assert.equal("c2", companies(~C.Company.managers:any()))
      assert.equal("c1", companies(C.Company.people:of_type(C.Engineer):any(C.Engineer.machines:any{ name = "mac" })))
      assert.equal("dilbert wally vlad", one(function()
        return names(C.Person.query:filter(C.Person.papers:any(C.Paper.text:in_{ "tps1", "tps3", "elbonian" }))
          :order_by(C.Person.id):all())
      end))
    end)

    it("are joined from where columns alone are read", function()
      assert.equal("pointy head", one(function()
        return rows(db.session:query(C.Manager.name, C.Manager.title):join(C.Manager.papers)
          :filter(C.Paper.text:eq "review"):all())
      end))
      assert.equal("dilbert tps1, dilbert tps2, wally tps3", one(function()
        return rows(db.session:query(C.Person.name, C.Paper.text):join(C.Person.papers)
          :filter(C.Paper.text:like "tps%"):order_by(C.Paper.id):all())
      end))
      assert.equal("c++", one(function()
        return rows(db.session:query(C.Engineer.lang):join(C.Engineer.machines):filter(C.Machine.name
          :eq "commodore"):all())
      end))
      assert.equal("bag", one(function()
        return rows(db.session:query(C.Boss.golf):join(C.Boss.company):filter(C.Company.name:eq "c1"):all())
      end))
      assert.equal("dr, head", one(function()
        return rows(db.session:query(C.Manager.title):select_from(C.Company):join(C.Company.managers)
          :order_by(C.Manager.title):all())
      end))
      assert.equal("dilbert, vlad, wally", one(function()
        return rows(db.session:query(C.Engineer.name):order_by(C.Engineer.name):all())
      end))
    end)

    it("take an option behind a subclass's attribute", function()
      local list
      costs(db, 2, function()
        list = C.Company.query:options(mr.joinedload(C.Company.people):selectinload(C.Engineer.machines))
          :order_by(C.Company.id):all()
      end)
      costs(db, 0, function() assert.equal("ibm mac", names(list[1].people[1].machines)) end)
      db.session:remove()
      costs(db, 2, function()
        list = C.Person.query:options(mr.defer(C.Engineer.status), mr.selectinload(C.Engineer.machines))
          :filter(C.Person.name:eq "dilbert"):all()
      end)
      costs(db, 0, function() assert.equal("ibm mac", names(list[1].machines)) end)
    end)

    it("are read again by their own class's statement", function()
      local list = C.Person.query:order_by(C.Person.id):all()
      db.session:expire(list[3])
      costs(db, 1, function() assert.equal("pointy bag head",
        list[3].name .. " " .. list[3].golf .. " " .. list[3].title) end)
      db.session:expire(list[4], { "title" })
      costs(db, 1, function() assert.equal("dr", list[4].title) end)
      costs(db, 0, function() assert.equal("dogbert", list[4].name) end)
    end)

    it("have what only a subclass owns, eagerly", function()
      for way, n in pairs{ joinedload = 1, subqueryload = 2, selectinload = 2 } do
        db.session:remove()
        local list
        costs(db, n, function()
          list = C.Engineer.query:options(mr[way](C.Engineer.machines)):order_by(C.Engineer.id):all()
        end)
        costs(db, 0, function() assert.equal("commodore", names(list[2].machines)) end)
        db.session:remove()
        -- A query of the base has no join for what only a subclass owns: that is loaded when it is asked for.
        local later = way == "joinedload" and 1 or 0
        costs(db, n, function()
          list = C.Person.query:options(mr[way](C.Engineer.machines)):order_by(C.Person.id):all()
        end)
        costs(db, later, function() assert.equal("ibm mac", names(list[1].machines), way) end)
      end
    end)

    it("join along a relationship of their base", function()
      assert.equal("vlad", one(function()
        return names(C.Engineer.query:join(C.Engineer.company):filter(C.Company.name:eq "c2"):all())
      end))
      assert.equal("pointy", one(function()
        return names(C.Boss.query:join(C.Person.company):filter(C.Company.name:eq "c1"):all())
      end))
    end)

    it("are joined to as a subclass by of_type", function()
      assert.equal("c1", one(function()
        return names(C.Company.query:join(C.Company.people:of_type(C.Engineer)):filter(C.Engineer.lang:eq "java"):all())
      end))
      assert.equal("c1", one(function()
        return names(C.Company.query:join(C.Company.people:of_type(C.Engineer)):join(C.Engineer.machines)
          :filter(C.Machine.name:like "ib%"):all())
      end))
      local e = mr.aliased(C.Engineer)
      assert.equal("c2", one(function()
        return names(C.Company.query:join(C.Company.people:of_type(e)):filter(e.lang:eq "cobol"):all())
      end))
      assert.equal("c1 bag", one(function()
        return rows(db.session:query(C.Company, C.Boss.golf):join(C.Company.people:of_type(C.Boss)):all())
      end))
      assert.equal("c1 c2", one(function()
        return names(C.Company.query:outerjoin(C.Company.people:of_type(C.Boss)):order_by(C.Company.id):all())
      end))
    end)

    it("are joined through to what they own", function()
      local paper = mr.aliased(C.Paper)
      assert.equal("c1", one(function()
        return names(C.Company.query:join(C.Company.people):join(C.Person.papers):filter(C.Paper.text:eq "tps1"):all())
      end))
      assert.equal("c1", one(function()
        return names(C.Company.query:join(C.Company.people):join(C.Person.papers:of_type(paper))
          :join(C.Person.papers):filter(paper.text:eq "tps1", C.Paper.text:eq "tps2"):all())
      end))
      assert.equal("c1", one(function()
        return names(C.Company.query:join(C.Company.people):join(C.Engineer.machines):filter(C.Machine.name
          :eq "mac"):all())
      end))
      assert.equal("dilbert", one(function()
        return names(C.Person.query:join(C.Person.papers):join(C.Engineer.machines):filter(C.Machine.name:eq "mac",
          C.Paper.text:eq "tps2"):all())
      end))
      assert.equal("c1 commodore, c1 ibm, c1 mac, c1 nil, c1 nil, c2 nil", one(function()
        local list = {}
        for i, row in ipairs(db.session:query(C.Company.name, C.Machine.name):join(C.Company.people)
          :outerjoin(C.Engineer.machines):all()) do list[i] = row[1] .. " " .. tostring(row[2]) end
        table.sort(list)
        return table.concat(list, ", ")
      end))
    end)

    it("are in a subquery that another query joins", function()
      local sub = db.session:query(C.Engineer.id):filter(C.Engineer.lang:eq "java"):subquery()
      assert.equal("dilbert", one(function()
        return names(C.Person.query:join(sub, C.Person.id:eq(sub.c.id)):all())
      end))
      assert.equal("dilbert", one(function()
        return names(C.Person.query:filter(C.Person.id:in_(mr.select(C.Engineer.id):where(C.Engineer.lang
          :eq "java"))):all())
      end))
    end)

    it("stand in rows beside columns and other classes", function()
      assert.equal("c1 dilbert, c1 wally", one(function()
        return rows(db.session:query(C.Company, C.Engineer):join(C.Company.people:of_type(C.Engineer))
          :filter(C.Company.name:eq "c1"):order_by(C.Engineer.id):all())
      end))
      assert.equal("pointy c1", one(function()
        return rows(db.session:query(C.Person, C.Company.name):join(C.Company, C.Person.company_id:eq(C.Company.id))
          :filter(C.Person.name:eq "pointy"):all())
      end))
      local p, e = mr.aliased(C.Person), mr.aliased(C.Engineer)
      assert.equal("vlad dilbert, vlad pointy", one(function()
        return rows(db.session:query(e, p):filter(e.name:eq "vlad", p.name:in_{ "dilbert", "pointy" })
          :order_by(p.id):all())
      end))
      assert.equal("dilbert java, vlad cobol, wally c++", one(function()
        return rows(db.session:query(C.Person.name, C.Engineer.lang):filter(C.Engineer.id:eq(C.Person.id))
          :order_by(C.Person.name):all())
      end))
      assert.equal("dilbert, wally", one(function()
        local a = mr.aliased(C.Engineer)
        return rows(db.session:query(a.name):join(a.company):filter(C.Company.name:eq "c1"):order_by(a.id):all())
      end))
      assert.equal("5", one(function() return rows(db.session:query(mr.func.count(C.Person.id)):all()) end))
    end)

    it("are counted within a query of their own", function()
      local p = mr.aliased(C.Engineer)
      local count = mr.select(mr.func.count(p.id)):where(p.company_id:eq(C.Company.id)):scalar_subquery()
      assert.equal("c1 2, c2 1", one(function()
        return rows(db.session:query(C.Company.name, count):order_by(C.Company.id):all())
      end))
      local own = mr.select(C.Company.name):where(C.Company.id:eq(C.Engineer.company_id)):scalar_subquery()
      assert.equal("c1, c1, c2", one(function()
        return rows(db.session:query(own):select_from(C.Engineer):order_by(C.Engineer.id):all())
      end))
    end)

    it("are grouped by their owner", function()
      assert.equal("c1 2", one(function()
        return rows(db.session:query(C.Company.name, mr.func.count(C.Engineer.id)):join(C.Company.people
          :of_type(C.Engineer))
          :group_by(C.Company.name):having(mr.func.count(C.Engineer.id):gt(1)):all())
      end))
    end)

    it("are read along a relationship to with_polymorphic", function()
      local wp = mr.with_polymorphic(C.Person, { C.Engineer, C.Manager }, { aliased = true })
      local list = one(function()
        return C.Company.query:options(mr.joinedload(C.Company.people:of_type(wp))):order_by(C.Company.id):all()
      end)
      costs(db, 0, function()
        assert.same({ "java", "dr" }, { list[1].people[1].lang, list[1].people[4].title })
      end)
      assert.equal("c1", one(function()
        return names(C.Company.query:join(C.Company.people:of_type(wp)):filter((wp.Manager.title:eq "dr")
          | (wp.Engineer.lang:eq "none")):all())
      end))
    end)
  end)
end
