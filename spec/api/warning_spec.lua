-- A likely mistake that is no error gives a warning (through warn): a query of classes without a relation, and
-- relationships that write the same foreign key but do not know each other.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local writers = require "spec.support.writers"

local said, host_warn
before_each(function()
  said, host_warn = {}, rawget(_G, "warn")
  rawset(_G, "warn", function(text) said[#said + 1] = text end)
end)
after_each(function() rawset(_G, "warn", host_warn) end)

local function none() assert.same({}, said) end

local function one(...)
  assert.equal(1, #said, table.concat(said, "\n"))
  for _, part in ipairs{ ... } do assert.truthy(said[1]:find(part, 1, true), said[1] .. "\nlacks " .. part) end
  said[1] = nil
end

local function open()
  local db = mr.open "sqlite://"
  return db, function() return db.Column{ db.Integer, primary_key = true } end,
    function(to) return db.Column{ db.Integer, db.ForeignKey(to) } end
end

describe("a query of classes that nothing relates", function()
  local db, session, Author, Post, Tag

  before_each(function()
    db, Author, Post, Tag = writers()
    session = db.session
    db:create_all()
    session:add(Author{ name = "a", posts = { Post{ title = "p", tags = { Tag{ name = "t" } } } } })
    session:commit()
    none()
  end)
  after_each(function() session:remove() end)

  it("warns, naming both", function()
    session:query(Author, Post):all()
    one("Author", '"author"', "Post", '"post"', "cartesian product")
    session:query(Author.name, Post.title):all()
    one("Author", "Post")
    session:query(Author):filter(Post.title:eq "p"):all()
    one("Author", "Post")
    session:query(Author):filter(Author.name:eq "a", Post.title:eq "p"):order_by(Author.id):limit(1):all()
    one("Author", "Post")
    session:execute(mr.select(Author.id, Post.id)):all()
    one("Author", "Post")
    session:query(Author, Post):count()
    one("Author", "Post")
    session:query(Author, mr.aliased(Author, "other")):all()
    one('"author"', '"other"')
  end)

  it("warns of the one that is left alone, and within a subquery", function()
    session:query(Author, Post, Tag):filter(Post.author_id:eq(Author.id)):all()
    one("Author", "Tag")
    session:query(Author, Tag):join(Author.posts):all()
    one("Author", "Tag")
    local sub = session:query(Author.id, Tag.name):subquery()
    session:query(sub.c.id):all()
    one("Author", "Tag")
  end)

  it("says nothing where a join or a criterion relates them", function()
    local x = mr.aliased(Author)
    session:query(Author, Post):join(Author.posts):all()
    session:query(Author, Post):filter(Author.id:eq(Post.author_id)):all()
    session:query(Author, Post):filter(Author.id:lt(Post.author_id + 1)):all()
    session:query(Author, Post):filter(mr.or_(Author.id:eq(Post.author_id), Post.id:eq(1))):all()
    session:query(Author, x):filter(x.id:ne(Author.id)):all()
    session:query(Author, Post):filter(mr.text "author.id = post.author_id"):all()
    session:query(Author, Post, Tag):filter(Author.id:eq(Post.author_id)):filter(Tag.id:eq(Author.id)):all()
    session:query(Author):filter(Author.posts:any(Post.tags:any(Tag.name:eq "t"))):all()
    session:query(Author):filter(session:query(Post):filter(Post.author_id:eq(Author.id)):exists()):all()
    session:query(Author):union(session:query(Author)):join(Author.posts):filter(Author.id:eq(1)):all()
    none()
  end)

  it("says nothing of a subquery that gives one row", function()
    local newest = session:query(mr.func.max(Post.id):label "id"):subquery()
    session:query(Author, newest.c.id):all()
    session:query(Author, newest.c.id):join(newest, mr.true_()):all()
    local all = session:query(mr.func.count(), (mr.func.sum(Post.id) + 1):label "sum"):select_from(Post):cte "totals"
    session:query(Author.name, all.c.sum):all()
    none()
    local each = session:query(mr.func.max(Post.id):label "id"):group_by(Post.author_id):subquery()
    session:query(Author, each.c.id):all()
    one("Author")
    local ranked = session:query(mr.func.max(Post.id):over{ order_by = Post.id }:label "id"):subquery()
    session:query(Author, ranked.c.id):all()
    one("Author")
  end)

  it("says nothing of a query within that the one around relates", function()
    local count = session:query(mr.func.count(Post.id))
      :filter(Post.author_id:eq(Author.id), Tag.id:eq(Author.id)):scalar_subquery()
    assert.equal(1, session:query(Author, count:label "n"):one().n)
    session:query(Author):filter(Author.posts:any(Tag.id:eq(Author.id))):all()
    none()
    local apart = session:query(Author, Tag):filter(session:query(Post):filter(Post.author_id:eq(Author.id)):exists())
    apart:filter(session:query(Post):filter(Post.id:eq(Tag.id)):exists()):all()
    one("Author", "Tag")
  end)

  it("says nothing of what relationships load", function()
    for _, strategy in ipairs{ "lazyload", "joinedload", "selectinload", "subqueryload", "immediateload" } do
      session:expunge_all()
      local posts = mr[strategy](Author.posts)
      local author = Author.query:options(posts[strategy](posts, Post.tags)):order_by(Author.id):limit(1):one()
      assert.equal("t", author.posts[1].tags[1].name)
    end
    none()
  end)

  it("says nothing of what is only shown", function()
    assert.truthy(tostring(session:query(Author, Post)))
    none()
  end)
end)

describe("relationships over one foreign key", function()
  it("warn when they do not know of each other", function()
    local db, id, to = open()
    db.Model:extend("Author", { id = id(), posts = db.relationship "Post" })
    db.Model:extend("Post", { id = id(), author_id = to "author.id", author = db.relationship "Author" })
    db:configure()
    one("Author.posts", "Post.author", "post.author_id", "back_populates")
  end)

  it("warn where they go the same way, and where they meet in a link table", function()
    local db, id, to = open()
    db.Model:extend("Author", { id = id() })
    db.Model:extend("Post", { id = id(), author_id = to "author.id", author = db.relationship "Author",
      writer = db.relationship "Author" })
    db:configure()
    one("Post.author", "Post.writer", "post.author_id")
    local link = db.Table("link", db.Column{ "a_id", db.Integer, db.ForeignKey "a.id" },
      db.Column{ "b_id", db.Integer, db.ForeignKey "b.id" })
    db.Model:extend("A", { id = id(), bs = db.relationship{ "B", secondary = link } })
    db.Model:extend("B", { id = id(), as = db.relationship{ "A", secondary = link } })
    db:configure()
    one("A.bs", "B.as", "link.")
  end)

  it("warn when a later class brings the second, once", function()
    local db, id, to = open()
    local Author = db.Model:extend("Author", { id = id() })
    db.Model:extend("Post", { id = id(), author_id = to "author.id", author = db.relationship "Author" })
    db:configure()
    none()
    Author:extend("Poet", { poems = db.relationship "Post" })
    db:configure()
    one("Poet.poems", "Post.author")
    db:configure()
    none()
  end)

  it("tell each pair once, in the order of their declaration, where many keys share a column", function()
    local db, id = open()
    local function key(...) return db.ForeignKeyConstraint({ "tenant", ... }, { "group.tenant", "group.id" }) end
    db.Model:extend("Group", { tenant = id(), id = id() })
    for _, name in ipairs{ "First", "Second", "Third" } do
      db.Model:extend(name, { id = id(), tenant = db.Column{ db.Integer }, group_id = db.Column{ db.Integer },
        other_id = db.Column{ db.Integer }, __table_args = { key "group_id", key "other_id" },
        group = db.relationship{ "Group", foreign_keys = { name .. ".tenant", name .. ".group_id" } },
        other = db.relationship{ "Group", foreign_keys = { name .. ".tenant", name .. ".other_id" } } })
    end
    db.Model:extend("Fourth", { id = id(), tenant = db.Column{ db.Integer }, group_id = db.Column{ db.Integer },
      __table_args = { key "group_id" }, group = db.relationship "Group", owner = db.relationship "Group" })
    local link = db.Table("link", db.Column{ "a_id", db.Integer, db.ForeignKey "a.id" },
      db.Column{ "b_id", db.Integer, db.ForeignKey "b.id" })
    db.Model:extend("A", { id = id(), bs = db.relationship{ "B", secondary = link },
      same = db.relationship{ "B", secondary = link } })
    db.Model:extend("B", { id = id(), as = db.relationship{ "A", secondary = link } })
    db:configure()
    local pairs_told = {}
    for i, text in ipairs(said) do pairs_told[i] = text:match "(%S+ and %S+) both write" or text end
    assert.same({ "Fourth.group and Fourth.owner", "A.bs and A.same", "A.bs and B.as", "A.same and B.as" }, pairs_told)
  end)

  it("are told of in a family whose classes were declared in any order, and share their backrefs' names", function()
    local db, id, to = open()
    local Author = db.Model:extend("Author", { id = id() })
    local Poet = Author:extend("Poet", {})
    Author:extend("Critic", {})
    Poet:extend("Bard", {})
    local function refers(target) return db.relationship{ target, foreign_keys = "Text.key", backref = "texts" } end
    db.Model:extend("Text", { id = id(), key = to "author.id", bard = refers "Bard", critic = refers "Critic" })
    db:configure()
    none()
    db.Model:extend("Essay", { id = id(), key = to "author.id",
      author = db.relationship{ "Author", backref = "texts" } })
    refuse("MappingError", "texts", function() db:configure() end)
    refuse("MappingError", "Bard has an attribute of that name", function() db:configure() end)
  end)

  it("say nothing where they are linked, one only reads, or their keys only share a column", function()
    local db, id, to = open()
    db.Model:extend("Author", { id = id(), posts = db.relationship{ "Post", back_populates = "author" },
      notes = db.relationship{ "Note", backref = "author" }, first = db.relationship{ "Post", viewonly = true } })
    db.Model:extend("Post", { id = id(), author_id = to "author.id",
      author = db.relationship{ "Author", back_populates = "posts" } })
    db.Model:extend("Note", { id = id(), author_id = to "author.id" })
    db.Model:extend("Node", { id = id(), parent_id = to "node.id",
      children = db.relationship{ "Node", backref = db.backref{ "parent", remote_side = "Node.id" } } })
    db.Model:extend("Group", { tenant = id(), id = id() })
    db.Model:extend("Person", { tenant = id(), id = id() })
    db.Model:extend("Member", { id = id(), tenant = db.Column{ db.Integer }, group_id = db.Column{ db.Integer },
      person_id = db.Column{ db.Integer },
      __table_args = { db.ForeignKeyConstraint({ "tenant", "group_id" }, { "group.tenant", "group.id" }),
        db.ForeignKeyConstraint({ "tenant", "person_id" }, { "person.tenant", "person.id" }) },
      group = db.relationship "Group", person = db.relationship "Person" })
    db:configure()
    none()
  end)
end)

describe("a listener on a table that is no class", function()
  it("is an error when the mappings are configured, until a class has the table", function()
    local db, id = open()
    local Plain = { shown = function() end }
    local heard = 0
    local function listener() heard = heard + 1 end
    mr.event.listen(Plain, "before_insert", listener)
    local Other = db.Model:extend("Other", { id = id() })
    refuse("MappingError", "before_insert", function() db:configure() end)
    refuse("MappingError", "no class", function() db.session:query(Other):all() end)
    local Mixed = db.Model:extend("Mixed", { Plain, id = id() })
    db:configure()
    db:create_all()
    db.session:add(Mixed{})
    db.session:flush()
    assert.equal(1, heard)
    mr.event.remove(Plain, "before_insert", listener)
    db.session:remove()
  end)

  it("is none once it is removed", function()
    local db, id = open()
    local Plain = {}
    local function listener() end
    mr.event.listen(Plain, "after_update", listener)
    db.Model:extend("Other", { id = id() })
    refuse("MappingError", "after_update", function() db:configure() end)
    mr.event.remove(Plain, "after_update", listener)
    db:configure()
  end)

  it("may come before its classes", function()
    local db, id = open()
    local Plain = {}
    local function listener() end
    mr.event.listen(Plain, "load", listener)
    db.Model:extend("Mixed", { Plain, id = id() })
    db:configure()
    mr.event.remove(Plain, "load", listener)
  end)
end)
