-- selectinload(path, { limit = n, order_by = ... }): what the order may name. It chooses which objects come first, and
-- never leaves one out.

local mr = require "moonrow"
local staff = require "spec.support.staff"
local support = require "spec.support.models"

local function names(list)
  local words = {}
  for i, object in ipairs(list) do words[i] = object.name end
  return table.concat(words, " ")
end

for _, kind in ipairs{ "single", "joined", "mixed" } do
  describe("the order of a limit for each parent (" .. kind .. ")", function()
    local db, C
    before_each(function()
      db, C = staff.filled(kind)
      for i = 2, 3 do
        db.session:add(C.Company{ name = "c" .. i, employees = { C.Employee{ name = "e" .. i },
          C.Manager{ name = "m" .. i, golf = "b" }, C.Manager{ name = "n" .. i, golf = "a" },
          C.Senior{ name = "s" .. i, level = i, machine = "x" } } })
      end
      db.session:commit()
      db.session:remove()
    end)

    -- The lists of the companies, each in (), and the second statement.
    local function loaded(option)
      local found
      db.session:remove()
      local texts = support.costs(db, 2, function()
        found = C.Company.query:options(option):order_by(C.Company.id):all()
      end)
      local words = {}
      for i, company in ipairs(found) do words[i] = "(" .. names(company.employees) .. ")" end
      return table.concat(words), texts[2]
    end

    it("is by an attribute of a subclass: the others stand where NULL stands", function()
      local function ordered(limit, by)
        return (loaded(mr.selectinload(C.Company.employees, { limit = limit, order_by = by })))
      end
      assert.equal("(Max)(m2)(m3)", ordered(1, C.Manager.golf:desc()))
      assert.equal("(Max Eve)(m2 n2)(m3 n3)", ordered(2, C.Manager.golf:desc()))
      assert.equal("(Max Eve Nick)(m2 n2 e2)(m3 n3 e3)", ordered(3, C.Manager.golf:desc()))
      assert.equal("(Eve Nick)(e2 s2)(e3 s3)", ordered(2, C.Manager.golf))
      assert.equal("(Sue Eve)(s2 e2)(s3 e3)", ordered(2, C.Senior.level:desc()))
      assert.equal("(Sue Nick)(s2 e2)(s3 e3)", ordered(2, C.Engineer.machine:desc()))
      local both = { C.Manager.golf:desc(), C.Engineer.machine:desc() }
      assert.equal("(Max Sue Nick)(m2 n2 s2)(m3 n3 s3)", ordered(3, both))
    end)

    it("adds no criterion of the class that it names, and reads its table by an outer join", function()
      local _, sql = loaded(mr.selectinload(C.Company.employees, { limit = 1, order_by = C.Manager.golf }))
      assert.falsy(sql:find("kind IN", 1, true))
      assert.equal(kind ~= "single", sql:find("FROM employee LEFT OUTER JOIN manager ON ", 1, true) ~= nil)
    end)

    it("goes with of_type, which loads the subclass's attributes at once", function()
      local found
      local path = C.Company.employees:of_type(C.Manager)
      support.costs(db, 2, function()
        found = C.Company.query:options(mr.selectinload(path, { limit = 2, order_by = C.Manager.golf:desc() }))
          :order_by(C.Company.id):all()
        assert.equal("b", found[2].employees[1].golf)
      end)
      assert.equal("m2 n2", names(found[2].employees))
    end)

    it("adds the criterion of the class that the relationship leads to", function()
      local option = mr.selectinload(C.Company.engineers, { limit = 1, order_by = C.Senior.level:desc() })
      local found = C.Company.query:options(option):order_by(C.Company.id):all()
      local words = {}
      for i, company in ipairs(found) do words[i] = names(company.engineers) end
      assert.same({ "Sue", "s2", "s3" }, words)
    end)

    it("is no criterion in a query, either", function()
      assert.equal(12, #C.Employee.query:order_by(C.Manager.golf):all())
      assert.equal("m2", C.Employee.query:order_by(C.Manager.golf:desc(), C.Employee.id):first().name)
    end)

    it("refuses what the objects do not have, and names it", function()
      local function refused(words, by)
        local e = support.error_of(function()
          C.Company.query:options(mr.selectinload(C.Company.employees, { limit = 1, order_by = by })):all()
        end)
        assert.equal("ArgumentError", e.kind)
        assert.equal("Company.employees: the order_by of selectinload's limit names " .. words
          .. ", which its objects, of Employee, do not have: order by attributes of Employee or its subclasses, not "
          .. "through an alias, or by a scalar subquery", e.message)
      end
      refused("Company.name", C.Company.name)
      refused("Company.name", { C.Employee.id, mr.func.lower(C.Company.name):desc() })
      refused("an alias of Employee.name", mr.aliased(C.Employee).name)
      refused("an alias of Manager.golf", mr.aliased(C.Manager).golf:desc())
      refused("company.name", C.Company.__table.c.name)
    end)
  end)
end

describe("the order of a limit for each parent along a link table", function()
  local db, links, Book, Tag, Big
  before_each(function()
    db = mr.open "sqlite://"
    links = db.Table("book_tag", db.Column{ "book_id", db.ForeignKey "book.id" },
      db.Column{ "tag_id", db.ForeignKey "tag.id" }, db.Column{ "place", db.Integer })
    Book = db.Model:extend("Book", {
      id      = db.Column{ db.Integer, primary_key = true },
      tags    = db.relationship{ "Tag", secondary = links, order_by = links.c.place },
      by_name = db.relationship{ "Tag", secondary = links, viewonly = true, order_by = "Tag.name" },
    })
    Tag = db.Model:extend("Tag", {
      id   = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String },
      kind = db.Column{ db.String },
      __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "tag" },
    })
    Big = Tag:extend("Big", {
      id   = db.Column{ db.Integer, db.ForeignKey "tag.id", primary_key = true },
      size = db.Column{ db.Integer },
      __mapper_args = { polymorphic_identity = "big" },
    })
    db:create_all()
    db.session:add_all{ Book{ id = 1 }, Book{ id = 2 } }
    for i = 1, 6 do
      local name = "t" .. i
      db.session:add(i % 3 == 0 and Big{ id = i, name = name, size = i } or Tag{ id = i, name = name })
    end
    db.session:flush()
    local rows = {}
    for i = 1, 6 do
      rows[i] = { book_id = 1, tag_id = i, place = 10 - i }
      rows[6 + i] = { book_id = 2, tag_id = i, place = i * 3 % 7 }
    end
    rows[13] = { book_id = 1, tag_id = 1, place = 0 } -- a link, again, and first
    db.session:execute(mr.insert(links), rows)
    db.session:commit()
    db.session:remove()
  end)

  local function first(attribute, option)
    db.session:remove()
    local words = {}
    local q = Book.query:order_by(Book.id)
    if option then q = q:options(mr.selectinload(Book[attribute], option)) end
    for i, book in ipairs(q:all()) do words[i] = names(book[attribute]) end
    return words
  end

  it("is that of the relationship, also by a column of the link", function()
    assert.same({ "t1 t6", "t5 t3" }, first("tags", { limit = 2 }))
    assert.same({ "t1 t6 t5 t4 t3 t2", "t5 t3 t1 t6 t4 t2" }, first("tags", { limit = 10 }))
    assert.same(first("tags", { limit = 10 }), first "tags")
  end)

  it("is the option's, by a column of the link: an object stands where its first link does", function()
    assert.same({ "t1 t6", "t5 t3" }, first("by_name", { limit = 2, order_by = links.c.place }))
    assert.same({ "t1 t2", "t2 t4" }, first("by_name", { limit = 2, order_by = links.c.place:desc() }))
    assert.same({ "t1 t2", "t2 t4" }, first("by_name", { limit = 2, order_by = -links.c.place }))
  end)

  it("is by an attribute of a subclass with a table, and by a subquery that reads the link itself", function()
    assert.same({ "t6 t3 t1", "t6 t3 t1" }, first("by_name", { limit = 3, order_by = Big.size:desc() }))
    assert.same({ "t6 t3", "t6 t3" },
      first("by_name", { limit = 2, order_by = { Big.size:is_(nil), links.c.place * 0, Big.size:desc() } }))
    local used = mr.select(mr.func.count(links.c.book_id)):where(links.c.tag_id:eq(Tag.id)):scalar_subquery()
    assert.same({ "t1 t6", "t1 t6" }, first("by_name", { limit = 2, order_by = { used:desc(), Tag.id:desc() } }))
  end)

  it("refuses attributes of the parent", function()
    assert.matches("Book.by_name: the order_by of selectinload's limit names Book.id, which its objects, of Tag, ",
      support.error_of(function() first("by_name", { limit = 2, order_by = Book.id }) end).message, 1, true)
  end)
end)
