-- query:paginate: pages of a query, and their numbers.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"
local people = require "spec.support.people"

local function pages_of(page, options)
  local out = {}
  for n in page:iter_pages(options) do out[#out + 1] = tostring(n) end
  return table.concat(out, " ")
end

describe("query:paginate", function()
  local db, Person

  before_each(function() db, Person = people() end)

  it("gives one page, and its numbers, in two statements", function()
    local page
    local records = db:record(function()
      page = Person.query:order_by(Person.id:desc()):paginate{ page = 2, per_page = 2 }
    end)
    assert.equal(2, #records)
    assert.matches("ORDER BY person.id DESC LIMIT %? OFFSET %?$", records[1].statement)
    assert.same({ 2, 2 }, records[1].parameters)
    assert.matches("^SELECT count%(%*%)", records[2].statement)
    assert.is_nil(records[2].statement:find("ORDER", 1, true))
    assert.equal("{<cat>, <bob>}", tostring(page.items))
    assert.same({ 2, 2, 5, 3 }, { page.page, page.per_page, page.total, page.pages })
    assert.is_true(page.has_next)
    assert.is_true(page.has_prev)
    assert.equal(3, page.next_num)
    assert.equal(1, page.prev_num)
    assert.equal("<Pagination page 2 of 3, 5 items>", tostring(page))
  end)

  it("walks to and fro, and ends with nil", function()
    local query = Person.query:order_by(Person.id)
    local page, seen = query:paginate{ per_page = 2 }, {}
    assert.is_nil(page:prev())
    assert.is_nil(page.prev_num)
    assert.is_false(page.has_prev)
    while page do
      for _, person in ipairs(page.items) do seen[#seen + 1] = person.name end
      page = page:next()
    end
    assert.equal("ann bob cat dan eve", table.concat(seen, " "))
    assert.equal("cat", query:paginate{ page = 3, per_page = 2 }:prev().items[1].name)
  end)

  it("has defaults and a limit", function()
    assert.same({ 1, 20 }, { Person.query:paginate().page, Person.query:paginate().per_page })
    assert.equal(100, Person.query:paginate{ per_page = 1000 }.per_page)
    assert.equal(3, Person.query:paginate{ per_page = 1000, max_per_page = 3 }.per_page)
    assert.equal(2, Person.query:paginate(2, 2).page)
    assert.equal(2, #Person.query:paginate{ page = 2.0, per_page = 3 }.items)
  end)

  it("behind the end is empty, or raises when asked to", function()
    local page = Person.query:paginate{ page = 9, per_page = 2 }
    assert.equal(0, #page.items)
    assert.equal(5, page.total)
    assert.is_false(page.has_next)
    refuse("NoResultFound", { "page 9", "3" }, function()
      Person.query:paginate{ page = 9, per_page = 2, error_out = true }
    end)
    local none = Person.query:filter_by{ id = 99 }:paginate{ error_out = true }
    assert.same({ 0, 0, "" }, { none.total, none.pages, pages_of(none) })
  end)

  it("works with filters, columns and classes of queries", function()
    assert.equal(2, Person.query:filter_by{ age = 25 }:paginate().total)
    local page = db.session:query(Person.name):order_by(Person.id):paginate{ per_page = 2 }
    assert.equal("bob", page.items[2].name)
    local Sub = mr.Query:extend{ young = function(q) return q:filter(Person.age:lt(30)) end }
    Person.query_class = Sub
    assert.equal(2, Person.query:young():paginate().total)
  end)

  it("refuses what is no page", function()
    for _, wrong in ipairs{
      { page = 0 }, { page = -1 }, { page = 1.5 }, { page = "1" }, { per_page = 0 }, { per_page = "x" },
      { max_per_page = 0 }, { page = math.maxinteger }, { page = true }, { pages = 1 }, { error_out = 1 },
    } do
      local name = next(wrong)
      refuse("ArgumentError", { "paginate", name }, function() Person.query:paginate(wrong) end)
    end
    refuse("ArgumentError", { "'totl'", "'total'" }, function() return Person.query:paginate().totl end)
    refuse("ArgumentError", "iter_pages", function() Person.query:paginate():iter_pages{ left = 1 } end)
    refuse("ArgumentError", "left_edge", function() Person.query:paginate():iter_pages{ left_edge = -1 } end)
  end)

  it("lists the pages around, with false for gaps", function()
    local items = {}
    for i = 1, 20 do items[i] = Person{ name = "p" .. i } end
    db.session:add_all(items)
    db.session:commit()
    local function at(n) return Person.query:order_by(Person.id):paginate{ page = n, per_page = 1 } end
    assert.equal(25, at(1).pages)
    assert.equal("1 2 3 4 5 false 24 25", pages_of(at(1)))
    assert.equal("1 2 false 10 11 12 13 14 15 16 false 24 25", pages_of(at(12)))
    assert.equal("1 2 3 4 5 6 7 8 false 24 25", pages_of(at(4)))
    assert.equal("1 2 3 4 5 6 7 8 9 false 24 25", pages_of(at(5)))
    assert.equal("1 2 false 23 24 25", pages_of(at(25)))
    assert.equal("false 12 false",
      pages_of(at(12), { left_edge = 0, left_current = 0, right_current = 0, right_edge = 0 }))
    assert.equal(2, #support.statements(db, function() at(3) end))
  end)
end)
