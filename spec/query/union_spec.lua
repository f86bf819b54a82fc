-- Methods that follow a union are about the union: criteria, order, joins, aggregates, subqueries, options and further
-- unions.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local support = require "spec.support.models"
local writers = require "spec.support.writers"

local db, session, Author, Post, Tag, func
local STRATEGIES = { "joinedload", "selectinload", "subqueryload", "immediateload" }

local function open()
  db, Author, Post, Tag = writers(function(d)
    return { boss_id = d.Column{ d.Integer, d.ForeignKey "author.id" },
             boss = d.relationship{ "Author", remote_side = "Author.id" } }
  end)
  session, func = db.session, mr.func
  db:create_all()
  for i, name in ipairs{ "ann", "bob", "cid" } do
    session:add(Author{ id = i, name = name, boss_id = i > 1 and 1 or nil })
    for k = 1, i do session:add(Post{ title = name .. k, author_id = i, tags = { Tag{ name = name } } }) end
  end
  session:commit()
  session:remove()
end

before_each(open)
after_each(function() session:remove() end)

local function named(name, of)
  of = of or Author
  return session:query(of):filter(of.name:eq(name))
end

-- The union of two queries, for ann and for bob.
local function two(kind)
  local ann = named "ann"
  return ann[kind or "union"](ann, ann, named "bob")
end

-- The values of the rows, one after the other.
local function rows(q, name)
  local list = {}
  for i, row in ipairs(q:all()) do
    if name then row = row[name] end
    list[i] = tostring(row)
  end
  return table.concat(list, " ")
end

describe("a union of a class", function()
  it("is joined along a relationship, onto a class, and by a condition", function()
    local joins = {
      function(q) return q:join(Author.posts) end,
      function(q) return q:join(Post) end,
      function(q) return q:join(Post, Post.author_id:eq(Author.id)) end,
      function(q) return q:join(Post, Author.posts) end,
      function(q) return q:outerjoin(Post, Post.author_id:eq(Author.id)) end,
    }
    for i, join in ipairs(joins) do
      local q = join(two()):add_columns(Post.title):order_by(Post.id)
      assert.equal("ann1 bob1 bob2", rows(q, 2), "join " .. i)
      assert.equal("bob", rows(join(two()):filter(Post.title:eq "bob2", Author.name:ne "ann"), "name"))
      assert.equal(2, #join(two("union_all")):all())
    end
  end)

  it("keeps rows that an outer join finds nothing for", function()
    local q = two():outerjoin(Post, mr.and_(Post.author_id:eq(Author.id), Post.title:like "bob%"))
    q = q:add_columns(Post.title):order_by(Author.id, Post.id)
    assert.same({ "ann", "bob", "bob" }, { q:all()[1][1].name, q:all()[2][1].name, q:all()[3][1].name })
    assert.is_nil(q:all()[1][2])
  end)

  it("is joined to its own class, through a link table, and on from what is joined", function()
    local boss = mr.aliased(Author)
    assert.equal("bob", rows(two():join(boss, Author.boss):filter(boss.name:eq "ann"), "name"))
    local posts = session:query(Post):filter(Post.id:le(2)):union(session:query(Post):filter(Post.id:eq(3)))
    assert.equal("bob1 bob2", rows(posts:join(Post.tags):filter(Tag.name:eq "bob"):order_by(Post.title), "title"))
    local q = two():join(Author.posts):join(Post.tags):filter(Tag.id:ge(2)):with_entities(Author.name, Tag.id)
    assert.equal("bob bob", rows(q:order_by(Tag.id), 1))
    assert.equal("bob1 bob2", rows(posts:join(Post.author):filter(Author.name:eq "bob"):order_by(Post.id), "title"))
  end)

  it("gives other items: attributes, the class, aggregates, further columns", function()
    assert.equal("ann bob", rows(two():with_entities(Author.name):order_by(Author.name), 1))
    assert.equal("ann bob", rows(two():order_by(Author.id):with_entities(Author), "name"))
    assert.equal(2, two():with_entities(func.count(Author.id)):scalar())
    assert.equal(2, two():with_entities(func.count()):scalar())
    assert.equal(3, two("union_all"):with_entities(func.count()):scalar())
    assert.equal("ANN BOB", rows(two():add_columns(func.upper(Author.name)):order_by(Author.id), 2))
    local q = two():outerjoin(Author.posts):group_by(Author.id):having(func.count(Post.id):gt(1))
    assert.equal('("bob", 2)', rows(q:with_entities(Author.name, func.count(Post.id))))
  end)

  it("counts, exists, limits and pages its own rows", function()
    assert.equal(2, two():count())
    assert.equal(3, two("union_all"):count())
    assert.equal(3, two():join(Author.posts):count())
    assert.is_true(session:query(two():filter(Author.name:eq "bob"):exists()):scalar())
    assert.is_false(session:query(two():filter(Author.name:eq "cid"):exists()):scalar())
    assert.equal("bob", two():order_by(Author.name:desc()):first().name)
    assert.equal("bob", rows(two():order_by(Author.name):limit(1):offset(1), "name"))
    assert.equal("ann", two():filter_by{ name = "ann" }:one().name)
  end)

  it("is what a correlated subquery is about", function()
    local about = session:query(Post):filter(Post.author_id:eq(Author.id))
    assert.equal("ann bob", rows(two():filter(about:exists()):order_by(Author.id), "name"))
    assert.equal("bob", rows(two():filter(about:filter(Post.title:eq "bob2"):exists()), "name"))
    local posts = session:query(func.count(Post.id)):filter(Post.author_id:eq(Author.id))
    assert.equal("bob", rows(two():filter(posts:scalar_subquery():gt(1)), "name"))
    assert.equal("bob", rows(two():filter(posts:correlate(Author):scalar_subquery():gt(1)), "name"))
    assert.equal("1 2", rows(two():order_by(Author.id):add_columns(posts:label "n"), "n"))
    assert.equal("bob ann", rows(two():order_by(posts:scalar_subquery():desc()), "name"))
    assert.equal("bob", rows(two():filter(Author.posts:any(Post.title:eq "bob1")), "name"))
    assert.equal("ann", rows(two():filter(mr.not_(Author.posts:any(Post.title:eq "bob1"))), "name"))
    assert.equal("bob", rows(two():filter(Author.boss:has{ name = "ann" }), "name"))
    assert.equal("bob", rows(two():filter(Author.posts:any(Post.tags:any(Tag.id:eq(3)))), "name"))
  end)

  it("is not what a subquery is about that reads the table by itself", function()
    local last = session:query(func.max(Author.id)):scalar_subquery()
    assert.equal("", rows(two():filter(Author.id:eq(last)), "name"))
    local low = session:query(Author.id):filter(Author.id:le(1))
    assert.equal("ann", rows(two():filter(Author.id:in_(low)), "name"))
  end)

  it("is apart from another alias of its class", function()
    local x = mr.aliased(Author)
    local u = named("bob"):union(named "cid")
    assert.equal("ann", rows(session:query(x):filter(u:filter(Author.boss_id:eq(x.id)):exists()), "name"))
    assert.equal("bob cid", rows(u:filter(x.id:eq(Author.boss_id), x.name:eq "ann"):order_by(Author.id), "name"))
    assert.equal("", rows(u:filter(x.id:eq(Author.boss_id), x.name:eq "bob"), "name"))
    local y = mr.aliased(Author)
    local bosses = session:query(y):filter(y.id:eq(1)):union(session:query(y):filter(y.id:eq(3)))
    local below = session:query(x):filter(bosses:filter(y.id:eq(x.boss_id)):exists())
    assert.equal("bob cid", rows(below:order_by(x.id), "name"))
  end)

  it("goes with with_parent", function()
    local bob = session:get(Author, 2)
    local q = session:query(Post):filter(Post.id:le(2)):union(session:query(Post):filter(Post.id:gt(4)))
    assert.equal("bob1", rows(q:with_parent(bob), "title"))
    assert.equal(1, q:with_parent(bob):count())
  end)

  for _, strategy in ipairs(STRATEGIES) do
    it("loads relationships by " .. strategy, function()
      for _, limit in ipairs{ 10, 2 } do
        session:expunge_all()
        local authors = two("union_all"):options(mr[strategy](Author.posts), mr[strategy](Author.boss))
          :order_by(Author.id, Author.name):limit(limit):all()
        local texts = support.statements(db, function()
          assert.equal(1, #authors[1].posts)
          assert.is_nil(authors[1].boss)
          if authors[2] then assert.equal("bob2", authors[2].posts[2].title) end
        end)
        assert.equal(0, #texts)
      end
    end)
  end

  it("fills a collection from the join that follows", function()
    local q = two():join(Author.posts):options(mr.contains_eager(Author.posts)):filter(Post.title:ne "bob1")
    assert.equal("bob2", q:filter(Author.name:eq "bob"):one().posts[1].title)
  end)

  it("does not fill a collection from a join that is within its queries", function()
    local q = session:query(Author):join(Author.posts):options(mr.contains_eager(Author.posts))
    refuse("InvalidRequestError", "contains_eager(Author.posts)", function() q:union(named "bob"):all() end)
    refuse("InvalidRequestError", "after the union", function() q:union(named "bob"):limit(1):all() end)
    assert.equal(3, #q:union(named "bob"):join(Author.posts):filter(Author.name:eq "cid"):one().posts)
    session:expunge_all()
    local of = q:union(named "bob"):filter(Post.author_id:eq(Author.id), Post.title:eq "cid2"):one()
    assert.equal(1, #of.posts)
    session:expunge_all()
    local both = session:query(Author, Post):join(Author.posts):filter(Post.title:eq "cid2")
    assert.equal(1, #both:union(both):options(mr.contains_eager(Author.posts)):one()[1].posts)
  end)

  it("takes options of its columns", function()
    local ann = two():options(mr.load_only(Author.name)):filter(Author.id:eq(1)):one()
    assert.equal(0, #support.statements(db, function() assert.equal("ann", ann.name) end))
    assert.equal(1, #support.statements(db, function() assert.is_nil(ann.boss_id) end))
  end)

  it("is not updated, deleted from or got from", function()
    refuse("ArgumentError", "union", function() two():update{ name = "x" } end)
    refuse("ArgumentError", "union", function() two("intersect"):delete() end)
    refuse("InvalidRequestError", "criteria", function() two():get(1) end)
    assert.equal(3, Author.query:count())
  end)
end)

describe("intersect, except_ and unions of unions", function()
  it("go on as a union does", function()
    local all = session:query(Author)
    local q = all:intersect(session:query(Author):filter(Author.id:ge(2)))
    assert.equal("bob1 bob2 cid1 cid2 cid3", rows(q:join(Author.posts):with_entities(Post.title):order_by(Post.id), 1))
    q = all:except_(named "bob")
    assert.equal("ann cid", rows(q:filter(Author.posts:any()):order_by(Author.name), "name"))
    q = named("ann"):union(named "bob"):union_all(named "cid"):except_(named "ann")
    assert.equal("bob cid", rows(q:order_by(Author.name), "name"))
    assert.equal(5, q:join(Post):with_entities(func.count(Post.id)):scalar())
    assert.equal("cid", rows(q:filter(Author.name:gt "bob"), "name"))
    for _, strategy in ipairs(STRATEGIES) do
      session:expunge_all()
      assert.equal(3, #q:options(mr[strategy](Author.posts)):order_by(Author.id):all()[2].posts)
    end
  end)

  it("have parts with an order and a limit of their own", function()
    local first = session:query(Author):order_by(Author.id):limit(1)
    local last = session:query(Author):order_by(Author.id:desc()):limit(1):offset(0)
    local q = first:union(last)
    assert.equal("cid ann", rows(q:order_by(Author.name:desc()), "name"))
    assert.equal("cid3", rows(q:join(Author.posts):with_entities(Post.title):filter(Post.title:like "%3"), 1))
  end)
end)

describe("a union of an alias", function()
  it("is meant by the alias, and by the class where that is not meant otherwise", function()
    local x = mr.aliased(Author)
    local q = named("ann", x):union(named("bob", x))
    assert.equal("bob", rows(q:filter(x.name:eq "bob"), "name"))
    assert.equal("bob", rows(q:filter(Author.name:eq "bob"), "name"))
    assert.equal("bob2", rows(q:join(x.posts):with_entities(Post.title):filter(Post.title:like "%2"), 1))
    assert.equal("bob", rows(q:filter(x.posts:any(Post.title:eq "bob2")), "name"))
    session:expunge_all()
    local ann = q:options(mr.selectinload(x.posts)):order_by(x.id):first()
    assert.equal(0, #support.statements(db, function() assert.equal(1, #ann.posts) end))
  end)

  it("tells the alias's columns from the class's", function()
    local x = mr.aliased(Author)
    local pairs = session:query(Author, x):filter(x.boss_id:eq(Author.id))
    local q = pairs:filter(x.name:eq "bob"):union(pairs:filter(x.name:eq "cid"))
    local found = q:filter(x.name:eq "cid", Author.name:eq "ann"):all()
    assert.equal(1, #found)
    assert.equal("ann", found[1][1].name)
    assert.equal("cid", found[1][2].name)
    assert.equal("cid bob", rows(q:order_by(x.name:desc()):with_entities(x.name), 1))
    local _, cid = q:options(mr.joinedload(x.posts)):filter(x.name:eq "cid"):one():unpack()
    assert.equal(0, #support.statements(db, function() assert.equal(3, #cid.posts) end))
  end)
end)

describe("a union of columns", function()
  local function texts()
    return session:query(Post.title, Post.id):filter(Post.id:le(2)):union(session:query(Author.name, Author.id))
  end

  it("is filtered and ordered by the attributes of its queries", function()
    assert.equal("ann ann1 bob bob1 cid", rows(texts():order_by(Post.title), 1))
    assert.equal("cid bob1 bob ann1 ann", rows(texts():order_by(Author.name:desc()), 1))
    assert.equal("ann ann1", rows(texts():filter(Post.title:like "ann%"):order_by(Post.title), "title"))
    assert.equal("1 1 2 2 3", rows(texts():order_by(Post.id):with_entities(Post.id), 1))
    assert.equal(5, texts():count())
  end)

  it("is known by labels, expressions and values, too", function()
    local lower = func.lower(Post.title)
    local q = session:query(Post.title:label "t", mr.literal(1):label "k"):filter(Post.id:eq(1))
      :union_all(session:query(Author.name, mr.literal(2)))
    assert.equal("cid bob ann1 ann", rows(q:order_by(Post.title:desc()), "t"))
    assert.equal("1 2 2 2", rows(q:order_by "k", "k"))
    assert.equal("ann1", rows(q:order_by("k", "t"):limit(1), "t"))
    q = session:query(lower):union(session:query(Author.name))
    assert.equal("ann", tostring(q:order_by(lower):first()[1]))
    q = session:query(func.count(Author.id)):union_all(session:query(func.count(Post.id)))
    assert.equal("3 6", rows(q, 1))
  end)

  it("is united with more", function()
    local q = texts():union(session:query(Tag.name, Tag.id + 100)):filter(Post.id:gt(100)):order_by(Post.id)
    assert.equal("ann bob bob cid cid cid", rows(q, 1))
  end)

  it("does not give what its queries do not select", function()
    local q = session:query(Author.name):union(session:query(Post.title))
    refuse("InvalidRequestError", "Author.id", function() q:filter(Author.id:eq(1)):all() end)
    refuse("InvalidRequestError", "Author.boss_id", function() q:order_by(Author.boss_id):all() end)
    refuse("InvalidRequestError", "Author.id", function() q:join(Author.posts):all() end)
    local next_id = session:query((Author.id + 1):label "n"):union(session:query(Author.id + 2))
    refuse("InvalidRequestError", "Author.id", function() next_id:filter((Author.id + 1):gt(2)):all() end)
    assert.equal("2 3 4 5", rows(next_id:order_by "n", 1))
    local last = session:query(func.max(Post.id)):scalar_subquery()
    local of = session:query(last:label "m"):union(session:query(Author.id))
    assert.equal("1 2 3", rows(of:join(Post, Post.id:eq(6)):order_by "m":limit(3), 1))
    assert.equal("ann ann1", rows(q:filter(Author.name:le "ann1"):order_by(Author.name), 1))
  end)

  it("joins back to the class by a condition", function()
    local of = session:query(Post.author_id)
    local q = of:filter(Post.id:eq(1)):union(of:filter(Post.id:eq(3)))
    assert.equal("ann bob", rows(q:join(Author, Author.id:eq(Post.author_id)):with_entities(Author.name)
      :order_by(Author.id), 1))
    assert.equal("ann bob", rows(q:join(Author):with_entities(Author.name):order_by(Author.id), 1))
  end)

  it("does not begin with a text, whose columns are not known", function()
    local text = session:query(Author):from_statement(mr.text "SELECT * FROM author")
    refuse("InvalidRequestError", "text", function() text:union(named "ann") end)
  end)

  it("is refused where its queries give different numbers of columns", function()
    refuse("ArgumentError", "number of columns", function() session:query(Author.name):union(session:query(Author)) end)
  end)
end)

describe("a class that is read from a subquery", function()
  it("is found by the subquery's own names, also from a query within", function()
    local renamed = session:query(Author.id:label "nr", Author.name:label "word"):subquery()
    local few = mr.aliased(Author, renamed)
    local about = session:query(Post):filter(Post.author_id:eq(few.id), Post.title:like "bob%")
    assert.equal("bob", rows(session:query(few):filter(about:exists()), "name"))
    assert.equal("bob", rows(session:query(few):filter(few.posts:any(Post.title:eq "bob1")), "name"))
    assert.equal("bob1 bob2", rows(session:query(Post):join(few, few.id:eq(Post.author_id)):filter(few.name:eq "bob")
      :order_by(Post.id), "title"))
  end)

  it("does not take the class's own criteria", function()
    local few = mr.aliased(Author, session:query(Author):filter(Author.name:ne "cid"):subquery())
    local q = session:query(Author, few):filter(Author.name:eq "cid", few.name:eq "bob")
    local cid, bob = q:one():unpack()
    assert.same({ "cid", "bob" }, { cid.name, bob.name })
    assert.equal("bob1 bob2", rows(session:query(Post):join(few):filter(few.name:eq "bob"):order_by(Post.id), "title"))
  end)
end)
