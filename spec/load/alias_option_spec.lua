-- An option that names an alias is for the objects of that alias; one that names the class is for the class's own.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local writers = require "spec.support.writers"
local support = require "spec.support.models"

local db, Author, Post, Comment, x

local function open()
  db, Author, Post = writers(function(d)
    return { bio = d.Column{ d.String(10) }, note = d.Column{ d.String(10), deferred = true } }
  end, function(d)
    return { comments = d.relationship{ "Comment", back_populates = "post", order_by = "Comment.id" } }
  end)
  Comment = db.Model:extend("Comment", {
    id = db.Column{ db.Integer, primary_key = true }, post_id = db.Column{ db.Integer, db.ForeignKey "post.id" },
    post = db.relationship{ "Post", back_populates = "comments" },
  })
  db:create_all()
  for i, name in ipairs{ "ann", "bob" } do
    db.session:add(Author{ id = i, name = name, bio = "b" .. i, note = "n" .. i })
    for k = 1, 2 do db.session:add(Post{ title = name .. k, author_id = i, comments = { Comment{} } }) end
  end
  db.session:commit()
  db.session:remove()
  x = mr.aliased(Author)
end

before_each(open)
after_each(function() db.session:remove() end)

-- A query with ann as the object of the class, and bob as the object of the alias.
local function both()
  return db.session:query(Author, x):filter(Author.name:eq "ann", x.name:eq "bob")
end

local function titles(author) return support.words(author.posts, "title") end

local function loaded(object, name)
  local n = 0
  local log = db.engine:record(function() local _ = object[name] end)
  for _ in ipairs(log) do n = n + 1 end
  return n == 0
end

describe("an option of an alias", function()
  for _, strategy in ipairs{ "joinedload", "selectinload", "subqueryload", "immediateload" } do
    it("loads the alias's relationship by " .. strategy, function()
      local ann, bob = both():options(mr[strategy](x.posts)):one():unpack()
      assert.is_true(loaded(bob, "posts"))
      assert.is_false(loaded(ann, "posts"))
      assert.equal("bob1 bob2", titles(bob))
      assert.equal("ann1 ann2", titles(ann))
    end)

    it("leaves the alias alone where " .. strategy .. " names the class", function()
      local ann, bob = both():options(mr[strategy](Author.posts)):one():unpack()
      assert.is_true(loaded(ann, "posts"))
      assert.is_false(loaded(bob, "posts"))
      assert.equal("bob1 bob2", titles(bob))
    end)
  end

  it("fills the alias's collection from the query's own join", function()
    local rows = both():join(x.posts):options(mr.contains_eager(x.posts)):filter(Post.title:ne "bob2"):all()
    local ann, bob = rows[1]:unpack()
    assert.is_true(loaded(bob, "posts"))
    assert.equal("bob1", titles(bob))
    assert.equal("ann1 ann2", titles(ann))
  end)

  it("fills both collections, each from its own join", function()
    local p = mr.aliased(Post)
    local q = both():join(Author.posts):join(p, x.posts):filter(Post.title:eq "ann2", p.title:eq "bob1")
    q = q:options(mr.contains_eager(x.posts, { alias = p }), mr.contains_eager(Author.posts))
    local ann, bob = q:one():unpack()
    assert.equal("ann2", titles(ann))
    assert.equal("bob1", titles(bob))
  end)

  for _, strategy in ipairs{ "joinedload", "selectinload", "subqueryload", "immediateload" } do
    it("goes with a join between the class and its alias, by " .. strategy, function()
      for _, items in ipairs{ { Author, x }, { x, Author } } do
        for _, of in ipairs(items) do
          db.session:remove()
          local q = db.session:query(table.unpack(items)):join(items[2], Author.id:eq(x.id - 1))
          local row = q:options(mr[strategy](of.posts)):one()
          local object = row[of == items[1] and 1 or 2]
          assert.equal(of == x and "bob" or "ann", object.name)
          assert.is_true(loaded(object, "posts"))
          assert.equal(object.name .. "1 " .. object.name .. "2", titles(object))
        end
      end
      local q = db.session:query(Author.name, Post):join(Post, Post.author_id:eq(Author.id))
      local rows = q:filter(Author.name:eq "bob"):options(mr[strategy](Post.comments)):order_by(Post.id):all()
      assert.is_true(loaded(rows[2][2], "comments"))
      assert.equal(1, #rows[2][2].comments)
    end)
  end

  it("goes on below the alias", function()
    local ann, bob = both():options(mr.selectinload(x.posts):joinedload(Post.comments)):one():unpack()
    assert.is_true(loaded(bob, "posts"))
    assert.is_true(loaded(bob.posts[1], "comments"))
    assert.is_false(loaded(ann.posts[1], "comments"))
  end)

  it("reaches what is loaded later", function()
    local ann, bob = both():options(mr.defaultload(x.posts):raiseload(Post.comments)):one():unpack()
    refuse("InvalidRequestError", "comments", function() return bob.posts[1].comments end)
    assert.equal(1, #ann.posts[1].comments)
  end)

  it("chooses the alias's columns", function()
    local ann, bob = both():options(mr.load_only(x.name)):one():unpack()
    assert.is_true(loaded(ann, "bio"))
    assert.is_false(loaded(bob, "bio"))
    assert.equal("b2", bob.bio)
  end)

  it("defers and undefers the alias's columns", function()
    local ann, bob = both():options(mr.defer(x.bio), mr.undefer(x.note)):one():unpack()
    assert.is_true(loaded(ann, "bio"))
    assert.is_false(loaded(ann, "note"))
    assert.is_true(loaded(bob, "note"))
    assert.is_false(loaded(bob, "bio"))
  end)

  it("is told from one of another alias, whichever comes first", function()
    local y = mr.aliased(Author)
    for _, pair in ipairs{ { x, y }, { y, x } } do
      db.session:remove()
      local q = db.session:query(pair[1], pair[2]):filter(x.name:eq "ann", y.name:eq "bob")
      local row = q:options(mr.joinedload(x.posts), mr.load_only(y.name)):one()
      local ann, bob = row[pair[1] == x and 1 or 2], row[pair[1] == x and 2 or 1]
      assert.is_true(loaded(ann, "posts"))
      assert.is_true(loaded(ann, "bio"))
      assert.is_false(loaded(bob, "posts"))
      assert.is_false(loaded(bob, "bio"))
    end
  end)

  it("is not served by the plan of the same query with the option of the class", function()
    for _ = 1, 2 do
      for _, of in ipairs{ Author, x } do
        db.session:remove()
        local ann, bob = both():options(mr.joinedload(of.posts)):one():unpack()
        assert.equal(of == Author, loaded(ann, "posts"))
        assert.equal(of == x, loaded(bob, "posts"))
      end
    end
  end)

  it("is about an alias of a subclass, too, and of a subquery", function()
    local few = mr.aliased(Author, mr.select(Author):where(Author.name:eq "bob"):subquery())
    local row = db.session:query(Author, few):filter(Author.name:eq "ann"):options(mr.joinedload(few.posts)):one()
    assert.is_true(loaded(row[2], "posts"))
    assert.is_false(loaded(row[1], "posts"))
    assert.equal("bob1 bob2", titles(row[2]))
  end)

  it("goes with get", function()
    local bob = db.session:query(x):options(mr.joinedload(x.posts)):get(2)
    assert.is_true(loaded(bob, "posts"))
  end)

  it("by its name alone is the first's that has it", function()
    local ann, bob = both():options(mr.joinedload "posts"):one():unpack()
    assert.is_true(loaded(ann, "posts"))
    assert.is_false(loaded(bob, "posts"))
  end)
end)

describe("an option that names what the query does not load", function()
  it("is refused, alias or class", function()
    refuse("ArgumentError", "an alias", function() db.session:query(Author):options(mr.joinedload(x.posts)):all() end)
    refuse("ArgumentError", "an alias", function() db.session:query(Author):options(mr.load_only(x.name)):all() end)
    refuse("ArgumentError", "the class itself", function()
      db.session:query(x):options(mr.selectinload(Author.posts)):all()
    end)
    refuse("ArgumentError", "an alias", function()
      db.session:query(x):options(mr.defer(mr.aliased(Author).bio)):all()
    end)
  end)

  it("is refused where one option is of two aliases", function()
    refuse("ArgumentError", "another alias", function() return mr.load_only(Author.name, x.bio) end)
    refuse("ArgumentError", "another alias", function() return mr.defer(x.name, Author.bio) end)
  end)
end)
