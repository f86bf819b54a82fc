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
    refuse("NotFound", { "page 9", "3" }, function()
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

  it("is its items: by number, in ipairs and by iter", function()
    local page, names = Person.query:order_by(Person.id):paginate{ per_page = 3 }, {}
    for i, person in ipairs(page) do names[i] = person.name end
    for person in page:iter() do names[#names + 1] = person.name end
    for _, person in pairs(page) do names[#names + 1] = person.name end
    assert.equal("ann bob cat ann bob cat ann bob cat", table.concat(names, " "))
    assert.equal(3, #page)
    assert.equal("bob", page[2].name)
    assert.is_nil(page[4])
    refuse("ArgumentError", "ipairs", function() for _ in page do error "no" end end)
  end)
end)

describe("a page of a query with joins", function()
  local blog = require "spec.support.blog"
  local db, Post, Comment, Category

  -- Six posts of two categories; post i has i comments.
  before_each(function()
    local m = blog.open()
    db, Post, Comment, Category = m.db, m.Post, m.Comment, m.Category
    local news, tips = Category{ name = "news" }, Category{ name = "tips" }
    for i = 1, 6 do
      local post = Post{ title = "p" .. i, category = i % 2 == 0 and news or tips }
      for j = 1, i do post.comments:append(Comment{ body = ("%d"):format((i * 5 + j * 3) % 10) }) end
      db.session:add(post)
    end
    db.session:commit()
    db.session:remove()
  end)

  it("counts the parents, not the rows, in two statements", function()
    local page
    local records = db:record(function()
      page = Post.query:join(Post.comments):order_by(Post.id):paginate{ per_page = 4 }
    end)
    assert.equal(2, #records)
    assert.matches("GROUP BY post.id ORDER BY post.id LIMIT", records[1].statement, 1, true)
    assert.equal("{<p1>, <p2>, <p3>, <p4>}", tostring(page.items))
    assert.same({ 6, 2 }, { page.total, page.pages })
    assert.equal("{<p5>, <p6>}", tostring(page:next().items))
    assert.is_nil(page:next():next())
  end)

  it("is ordered by the first row of each parent", function()
    local function order_of(...)
      local out = {}
      for post in Post.query:join(Post.comments):order_by(...):paginate{ per_page = 100 }:iter() do
        out[#out + 1] = post.title
      end
      return table.concat(out, " ")
    end
    local function expected(of)
      local posts = Post.query:all()
      local first = {}
      for _, post in ipairs(posts) do
        for _, comment in ipairs(post.comments) do
          local best = first[post]
          if not best or of(comment.body, best) then first[post] = comment.body end
        end
      end
      table.sort(posts, function(a, b)
        if first[a] == first[b] then return a.id < b.id end
        return of(first[a], first[b])
      end)
      local out = {}
      for i, post in ipairs(posts) do out[i] = post.title end
      return table.concat(out, " ")
    end
    assert.equal(expected(function(a, b) return a < b end), order_of(Comment.body, Post.id))
    assert.equal(expected(function(a, b) return a > b end), order_of(Comment.body:desc(), Post.id))
    assert.equal(expected(function(a, b) return a > b end), order_of(Comment.body:desc():nulls_last(), Post.id))
    local page = Post.query:join(Post.comments):order_by(Comment.body:desc(), Post.id)
    assert.matches("ORDER BY max(comment.body) DESC, post.id", page:paginate().query:sql(), 1, true)
  end)

  -- Titles of the page, of all six posts and of one without a comment (p7); p5 has a comment without a body.
  local function ordered(isouter, ...)
    local out = {}
    local query = Post.query:join(Post.comments, { isouter = isouter }):order_by(...)
    for post in query:paginate{ per_page = 100 }:iter() do out[#out + 1] = post.title end
    -- What the rows themselves say: each object where it comes first.
    local seen, rows = {}, {}
    for _, row in ipairs(query:with_entities(Post.title, Comment.id):all()) do
      if not seen[row[1]] then
        seen[row[1]] = true
        rows[#rows + 1] = row[1]
      end
    end
    assert.same(rows, out)
    return table.concat(out, " ")
  end

  it("is ordered by the first row also where that is NULL", function()
    db.session:add(Post{ title = "p7" })
    db.session:add(Comment{ post_id = 5 })
    db.session:commit()
    for _, isouter in ipairs{ true, false } do
      for _, x in ipairs{ Comment.body, Comment.body .. "x", mr.cast(Comment.body, mr.Numeric(10, 2)) } do
        for _, order in ipairs{
          x, x:asc(), x:desc(), x:nulls_first(), x:nulls_last(), x:asc():nulls_last(), x:desc():nulls_first(),
          x:desc():nulls_last(),
        } do
          ordered(isouter, order, Post.id)
        end
      end
    end
    assert.matches("^p5 p7 ", ordered(true, Comment.body, Post.id))
    assert.matches("^p5 p7 ", ordered(true, Comment.body:desc():nulls_first(), Post.id))
    assert.matches(" p7$", ordered(true, Comment.body:desc(), Post.id))
  end)

  it("is ordered as the database has NULL", function()
    local function order_of(order, dialect)
      local page = Post.query:join(Post.comments):order_by(order, Post.id)
      return page:paginate().query:sql{ dialect = dialect }:match "ORDER BY (.*), post.id"
    end
    local whole = "CASE WHEN (count(*) = count(comment.body)) THEN %s(comment.body) END"
    local body = Comment.body
    for _, case in ipairs{
      { body, whole:format "min", "min(comment.body)" },
      { body:desc(), "max(comment.body) DESC", whole:format "max" .. " DESC" },
      { body:nulls_last(), "min(comment.body) NULLS LAST", "min(comment.body) NULLS LAST" },
      { body:nulls_first(), whole:format "min" .. " NULLS FIRST", whole:format "min" .. " NULLS FIRST" },
      {
        body:desc():nulls_first(), whole:format "max" .. " DESC NULLS FIRST",
        whole:format "max" .. " DESC NULLS FIRST",
      },
    } do
      assert.equal(case[2], order_of(case[1], "sqlite"))
      assert.equal(case[3], order_of(case[1], "postgresql"))
    end
    local bound = order_of(body .. "x", "postgresql")
    assert.equal("min(comment.body || $1)", bound)
  end)

  it("is refused where its order is one over all rows", function()
    local joined = Post.query:join(Post.comments)
    for _, order in ipairs{
      mr.func.count(Comment.id), mr.func.max(Comment.body):desc(), mr.func.row_number():over{ order_by = Comment.id },
    } do
      refuse("ArgumentError", { "paginate", "aggregate", "group_by(Post.id)" }, function()
        joined:order_by(order):paginate()
      end)
    end
    local page = joined:group_by(Post.id):order_by(mr.func.count(Comment.id):desc()):paginate{ per_page = 2 }
    assert.equal("{<p6>, <p5>}", tostring(page.items))
    assert.equal(6, page.total)
  end)

  it("goes with filters, aliases, eager loads and conditions of its own", function()
    local filtered = Post.query:join(Post.comments):filter(Comment.body:ge "5")
    assert.equal(filtered:with_entities(Post.id):distinct():count(), filtered:paginate().total)
    local P = mr.aliased(Post)
    assert.equal(6, db.session:query(P):join(P.comments):paginate{ per_page = 2 }.total)
    assert.equal(6, Post.query:join(Comment, Comment.post_id:eq(Post.id)):paginate().total)
    local eager = Post.query:options(mr.joinedload(Post.comments)):join(Post.comments):order_by(Post.id)
    local page = eager:paginate{ per_page = 2, page = 2 }
    assert.equal("{<p3>, <p4>}", tostring(page.items))
    assert.equal(0, #db:record(function() assert.equal(4, #page.items[2].comments) end))
  end)

  it("is left as it is where nothing repeats, or the query groups already", function()
    local to_one = Post.query:join(Post.category):order_by(Category.name, Post.id)
    assert.is_nil(to_one:paginate().query:sql():find "GROUP")
    assert.equal(6, to_one:paginate().total)
    assert.equal(21, db.session:query(Post.id, Comment.id):join(Post.comments):paginate().total)
    local grouped = Post.query:join(Post.comments):group_by(Post.category_id)
    assert.equal(2, grouped:paginate().total)
  end)

  it("counts the parents where the join begins with the children, is a criterion, or goes out from a union", function()
    local P = mr.aliased(Post)
    local two = Post.query:filter(Post.id:le(2))
    for name, query in pairs{
      join_from = Post.query:join_from(Comment, Comment.post),
      select_from = Post.query:select_from(mr.join(Comment, Post)),
      criterion = Post.query:filter(Post.id:eq(Comment.post_id)),
      alias = db.session:query(P):filter(P.id:eq(Comment.post_id)),
      beside = Post.query:join(Post.category):filter(Post.id:eq(Comment.post_id)),
      union = Post.query:union(two):join(Comment, Comment.post_id:eq(Post.id)),
      union_all = Post.query:union_all(two),
    } do
      local page = query:order_by(name == "alias" and P.id or Post.id):paginate{ per_page = 4 }
      assert.equal("{<p1>, <p2>, <p3>, <p4>}", tostring(page.items), name)
      assert.equal(6, page.total, name)
      assert.equal("{<p5>, <p6>}", tostring(page:next().items), name)
    end
    for _, query in ipairs{
      Post.query:join(Post.category):filter(Category.name:eq "news"),
      Post.query:filter(Post.comments:any()),
      Post.query:union(two),
    } do
      assert.is_nil(query:paginate().query:sql():find "GROUP")
    end
  end)

  it("is refused where its rows would fill a list, or the query has a limit", function()
    local joined = Post.query:join(Post.comments)
    for _, query in ipairs{
      joined:options(mr.contains_eager(Post.comments)),
      Comment.query:join(Comment.post):join(Post.tags, { isouter = true })
        :options(mr.contains_eager(Comment.post):contains_eager(Post.tags)),
    } do
      refuse("ArgumentError", { "paginate", "contains_eager(Post.", "selectinload" }, function() query:paginate() end)
    end
    local one = Comment.query:join(Comment.post):options(mr.contains_eager(Comment.post)):paginate{ per_page = 5 }
    assert.equal(21, one.total)
    assert.equal(0, #db:record(function() return one[5].post.title end))
    for _, query in ipairs{ joined:limit(1), Post.query:offset(1), db.session:query(Post.id):slice(1, 2) } do
      refuse("ArgumentError", { "paginate", "limit", "limit(mr.null)" }, function() query:paginate() end)
    end
    refuse("ArgumentError", { "paginate", "limit" }, function() db:paginate(mr.select(Post):limit(2)) end)
    assert.equal(6, joined:limit(1):offset(1):limit(mr.null):offset(mr.null):paginate().total)
  end)

  it("of a select is that of a session, or of the database", function()
    local select = mr.select(Post):join(Post.comments):order_by(Post.id)
    local page
    assert.equal(2, #db:record(function() page = db.session:paginate(select, { per_page = 4 }) end))
    assert.same({ 6, 2, 4 }, { page.total, page.pages, #page })
    assert.equal("{<p5>, <p6>}", tostring(page:next().items))
    assert.equal("{<p1>, <p2>, <p3>, <p4>}", tostring(page:next():prev().items))
    assert.equal('{"p3", "p4"}', tostring(db:paginate(mr.select(Post.title):order_by(Post.id), 2, 2).items))
    refuse("NotFound", "page 3", function() db:paginate(select, { page = 3, error_out = true }) end)
    assert.equal("{<p3>, <p4>}", tostring(db:paginate(Post.query:order_by(Post.id), { page = 2, per_page = 2 }).items))
    refuse("ArgumentError", "select", function() db.session:paginate(Post) end)
    refuse("ArgumentError", "select", function() db:paginate() end)
  end)
end)
