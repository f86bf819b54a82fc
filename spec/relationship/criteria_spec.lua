-- Conditions of relationships that name a further table; and a relationship that is joined twice.

local mr = require "moonrow"
local blog = require "spec.support.blog"
local support = require "spec.support.models"
local tree = require "spec.support.tree"

describe("a criterion of a relationship", function()
  local m, db, session, Post, Comment, Tag, Category

  before_each(function()
    m = blog.filled()
    db, Post, Comment, Tag, Category = m.db, m.Post, m.Comment, m.Tag, m.Category
    session = db.session
  end)

  local function shown(q)
    local list = {}
    for i, x in ipairs(q:all()) do list[i] = tostring(x) end
    table.sort(list)
    return table.concat(list, " ")
  end

  it("may name a further table, which stands within the EXISTS", function()
    local q = session:query(Post):filter(Post.comments:any(Tag.name:eq "x" & Comment.body:like "a%"))
    assert.equal("<a>", shown(q))
    assert.truthy(tostring(q):find("EXISTS (SELECT 1 FROM comment, tag WHERE", 1, true))
    assert.equal("", shown(session:query(Post):filter(Post.comments:any(Tag.name:eq "nobody"))))
    assert.equal("<a> <b>", shown(session:query(Post)
      :filter(Post.tags:any((Comment.post_id:eq(Post.id)) & Comment.body:like "%1"))))
    assert.equal("<C>", shown(session:query(Category)
      :filter(Category.posts:any((Tag.name:eq "x") & Post.title:eq "d"))))
  end)

  it("takes the table from the query around it where that has it", function()
    local q = session:query(Post):join(Tag, Tag.name:eq "z"):filter(Post.comments:any(Comment.id:eq(Tag.id)))
    assert.truthy(tostring(q):find("EXISTS (SELECT 1 FROM comment WHERE", 1, true))
    assert.equal(Post.query:join(Post.comments):filter(Comment.id:eq(
      session:query(Tag.id):filter_by{ name = "z" }:scalar())):count(), q:count())
    local other = mr.aliased(Tag)
    q = session:query(Post):filter(Post.comments:any(Comment.id:eq(other.id) & other.name:eq "z"))
    assert.truthy(tostring(q):find("FROM comment, tag AS tag_1 WHERE", 1, true))
  end)

  it("reaches over several levels, from the inner to the outermost query", function()
    local q = session:query(Category):filter(Category.posts:any(Post.comments:any(Comment.id:gt(Category.id))))
    assert.truthy(tostring(q):find("EXISTS (SELECT 1 FROM comment WHERE post.id = comment.post_id "
      .. "AND comment.id > category.id)", 1, true))
    assert.equal("<Lua>", shown(q))
    q = session:query(Category):filter(Category.posts:any(Post.comments:any(Tag.name:eq "y")))
    assert.equal("<Lua>", shown(q))
  end)

  it("of has, of an alias, of a tree and of a statement likewise", function()
    assert.equal("<a1> <a2>", shown(session:query(Comment):filter(Comment.post:has(
      (Post.title:eq(Tag.name)) | (Tag.name:eq "y") & Post.title:eq "a"))))
    local p = mr.aliased(Post)
    assert.equal("<a>", shown(session:query(p):filter(p.comments:any(Tag.name:eq "y" & Comment.body:eq "a2"))))
    local nodes, Node = tree()
    nodes.session:add(Node{ name = "r", children = { Node{ name = "s" } } })
    nodes.session:flush()
    local other = mr.aliased(Node)
    assert.equal("r", nodes.session:query(Node):filter(Node.children:any(Node.id:gt(other.id))):one().name)
    assert.equal(1, session:query(Post):filter(Post.comments:any(Tag.name:eq "y" & Comment.body:eq "b1"))
      :update({ title = "changed" }))
    assert.equal(1, session:query(Post):filter_by{ title = "changed" }:count())
    session:execute(mr.update(Post):values{ title = "again" }:where(Post.comments:any(Tag.name:eq "y"
      & Comment.body:eq "b1")))
    assert.equal(1, session:query(Post):filter_by{ title = "again" }:count())
  end)

  it("of a class to itself leaves queries over that class, within the criterion, what they read themselves", function()
    local nodes, Node = tree()
    nodes.session:add(Node{ name = "r", children = { Node{ name = "s", children = { Node{ name = "t" } } } } })
    nodes.session:flush()
    local function names(criterion)
      local list = {}
      for i, node in ipairs(nodes.session:query(Node):filter(criterion):order_by(Node.name):all()) do
        list[i] = node.name
      end
      return table.concat(list, " ")
    end
    local last = mr.select(nodes.func.max(Node.name)):scalar_subquery()
    assert.equal("s", names(Node.children:any(Node.name:eq(last))))
    assert.equal("r", names(Node.children:any(Node.id:in_(mr.select(Node.id):where(Node.name:eq "s")))))
    assert.equal("r", names(Node.children:any(Node.children:any())))
    assert.equal("t", names(Node.parent:has(Node.parent:has())))
  end)

  it("keeps its own rows apart from those that the query has joined", function()
    local q = session:query(Post):join(Post.comments):filter(Comment.body:eq "b1")
      :filter(Post.comments:any(Comment.body:eq "a1"))
    assert.equal("", shown(q))
    q = session:query(Post):join(Post.comments):filter(Comment.body:eq "a2", Post.comments:any(Comment.body:eq "a1"))
    assert.equal("<a>", shown(q))
  end)
end)

describe("a relationship that is joined twice", function()
  local m, db, session, Post, Comment, Tag

  before_each(function()
    m = blog.filled()
    db, Post, Comment, Tag = m.db, m.Post, m.Comment, m.Tag
    session = db.session
  end)

  local function joins(q)
    return select(2, tostring(q):gsub("JOIN", ""))
  end

  it("is rendered once, as the first join says", function()
    local texts = support.statements(db, function()
      assert.equal("{<a>, <b>}", tostring(session:query(Post):join(Post.comments):filter(Comment.id:gt(0))
        :join(Post.comments):order_by(Post.id):all()))
    end)
    assert.equal(1, select(2, texts[1]:gsub("JOIN", "")))
    assert.equal(1, joins(mr.select(Post.id):join(Post.comments):join(Post.comments)))
    assert.equal(2, joins(session:query(Post):join(Post.tags):join(Post.tags)))
    assert.equal(1, joins(session:query(Post):join(Comment, Post.comments):join(Post.comments)))
    local q = session:query(Post):outerjoin(Post.comments):join(Post.comments)
    assert.truthy(tostring(q):find("LEFT OUTER JOIN", 1, true))
    assert.equal(1, joins(q))
    assert.equal(4, q:count() - 1)
  end)

  it("is a beginning that two paths share", function()
    local q = session:query(m.Category):join(m.Category.posts, Post.comments):join(m.Category.posts, Post.tags)
      :filter(Comment.body:eq "a1", Tag.name:eq "y")
    assert.equal(4, joins(q))
    assert.equal("{<Lua>}", tostring(q:all()))
  end)

  it("is another one by another alias, or with a condition of its own", function()
    local c, d = mr.aliased(Comment), mr.aliased(Comment)
    local q = session:query(Post):join(c, Post.comments):join(d, Post.comments):filter(c.body:eq "a1", d.body:eq "a2")
    assert.equal(2, joins(q))
    assert.equal("{<a>}", tostring(q:all()))
    assert.equal(2, joins(session:query(Post):join(Post.comments):join(c, Post.comments)))
    assert.equal(1, joins(session:query(Post):join(c, Post.comments):join(c, Post.comments)))
  end)

  it("is still what filter_by is about", function()
    local q = session:query(Post):join(Post.tags):join(Post.comments):join(Post.tags):filter_by{ name = "y" }
    assert.equal("{<a>}", tostring(q:all()))
  end)

  it("goes with eager loading and a limit", function()
    local q = session:query(Post):join(Post.comments):join(Post.comments):options(mr.joinedload(Post.comments))
      :order_by(Post.id):limit(3)
    assert.equal("{<a>, <b>}", tostring(q:all()))
    assert.equal(2, #q:first().comments)
  end)
end)
