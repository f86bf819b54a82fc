-- The flush decides what a delete cascade takes: an object that was given to another parent before the flush stays; one
-- that was given to the deleted parent is deleted.

local mr = require "moonrow"
local tree = require "spec.support.tree"
local support = require "spec.support.models"

local ORPHAN = "all, delete-orphan"

local db, s
local function id() return db.Column{ db.Integer, primary_key = true } end
local function to(column, options)
  local c = { db.Integer, db.ForeignKey(column) }
  for k, v in pairs(options or {}) do c[k] = v end
  return db.Column(c)
end
local state = support.state
local function rows(text)
  local out = {}
  for row in db.session:execute(mr.text(text)):iter() do
    out[#out + 1] = ("%s:%s"):format(row[1], row[2])
  end
  return table.concat(out, " ")
end
local function children() return rows "SELECT id, parent_id FROM child ORDER BY id" end

-- Declares Parent, with `children` or `child`, and Child. options: cascade, scalar, backref, nullable.
local function family(o)
  db = mr.open "sqlite://"
  s = db.session
  local side = { "Child", cascade = o.cascade, order_by = not o.scalar and "Child.id" or nil, uselist = not o.scalar,
                 back_populates = o.backref and "parent" or nil, passive_deletes = o.passive_deletes }
  local Parent = db.Model:extend("Parent", { id = id(), [o.scalar and "child" or "children"] = db.relationship(side) })
  local Child = db.Model:extend("Child", {
    id = id(), parent_id = to("parent.id", { nullable = o.nullable }),
    parent = o.backref and db.relationship{ "Parent", back_populates = o.scalar and "child" or "children" } or nil,
    toys = db.relationship{ "Toy", cascade = "all" },
  })
  local Toy = db.Model:extend("Toy", { id = id(), child_id = to "child.id" })
  db:create_all()
  return Parent, Child, Toy
end

local function with(parent, child, scalar)
  if scalar then parent.child = child else parent.children:append(child) end
end

for _, cascade in ipairs{ "all", ORPHAN } do
  for _, scalar in ipairs{ false, true } do
    for _, backref in ipairs{ true, false } do
      local title = ("a %s of cascade %q %s"):format(scalar and "scalar" or "list", cascade,
                                                     backref and "with a backref" or "alone")
      describe(title, function()
        local Parent, Child, Toy, old, child, toy

        before_each(function()
          Parent, Child, Toy = family{ cascade = cascade, scalar = scalar, backref = backref }
          toy = Toy{}
          child = Child{ toys = { toy } }
          old = Parent{}
          with(old, child, scalar)
          s:add(old)
          s:add(Parent{})
          s:commit()
        end)

        local function stays_with(parent)
          assert.equal("persistent", state(child))
          s:commit()
          assert.equal("1:" .. (parent and parent.id or "nil"), children())
          assert.equal("1:1", rows "SELECT id, child_id FROM toy")
          assert.is_nil(s:get(Parent, 1))
        end

        it("keeps what a new parent was given after the deletion", function()
          s:delete(old)
          assert.equal(3, #s.deleted)
          local new = Parent{}
          s:add(new)
          with(new, child, scalar)
          assert.same({ 1, old }, { #s.deleted, s.deleted[1] })
          stays_with(new)
        end)

        it("keeps what a new parent was given before it came into the session", function()
          s:delete(old)
          local new = Parent{}
          with(new, child, scalar)
          s:add(new)
          stays_with(new)
        end)

        it("keeps what a stored parent was given", function()
          s:no_autoflush(function()
            s:delete(old)
            local new = s:get(Parent, 2)
            with(new, child, scalar)
            stays_with(new)
          end)
        end)

        it("keeps what a stored parent was given before the deletion", function()
          s:no_autoflush(function()
            local _ = scalar and old.child or old.children[1]
            local new = s:get(Parent, 2)
            with(new, child, scalar)
            s:delete(old)
            stays_with(new)
          end)
        end)

        it("keeps what was added again, with no parent", function()
          s:delete(old)
          s:add(child)
          assert.equal(1, #s.deleted)
          stays_with(nil)
        end)

        it("keeps all when the parent is added again", function()
          s:delete(old)
          s:add(old)
          assert.equal(0, #s.deleted)
          s:commit()
          assert.equal("1:1", children())
        end)

        it("takes what was added again when the deletion is asked for once more", function()
          s:delete(old)
          s:add(child)
          s:add(old)
          s:delete(old)
          s:commit()
          assert.equal("", children())
        end)

        it("takes what goes by its own name, whoever it was given to", function()
          s:delete(old)
          s:delete(child)
          local new = Parent{}
          s:add(new)
          with(new, child, scalar)
          s:flush()
          assert.equal("deleted", state(child))
          assert.equal("", children())
        end)

        it("takes what was given to another that is deleted as well", function()
          s:no_autoflush(function()
            s:delete(old)
            local new = s:get(Parent, 2)
            with(new, child, scalar)
            s:delete(new)
            s:flush()
          end)
          assert.equal("", children())
          assert.equal("", rows "SELECT id, child_id FROM toy")
        end)

        it("takes what the deleted one was given afterwards", function()
          local other = Child{ toys = { Toy{} } }
          s:add(other)
          s:commit()
          s:delete(old)
          with(old, other, scalar)
          s:flush()
          assert.equal("deleted", state(other))
          assert.equal(scalar and cascade == "all" and "1:nil" or "",
                       children())
        end)

        it("has its marks back when the transaction is rolled back, and decides anew", function()
          s:delete(old)
          s:rollback()
          assert.equal(0, #s.deleted)
          s:commit()
          assert.equal("1:1", children())
          s:delete(old)
          s:add(child)
          s:rollback()
          s:delete(old)
          s:commit()
          assert.equal("", children())
        end)

        it("keeps what has another foreign key, written by hand after the deletion", function()
          s:delete(old)
          child.parent_id = 2
          s:commit()
          assert.equal("1:2", children())
        end)
      end)
    end
  end
end

describe("a reference that cascades deletions", function()
  local User, Profile, user, other, profile

  before_each(function()
    db = mr.open "sqlite://"
    s = db.session
    User = db.Model:extend("User", { id = id(), profile_id = to "profile.id",
                                     profile = db.relationship{ "Profile", cascade = "all" } })
    Profile = db.Model:extend("Profile", { id = id(), note_id = to "note.id",
                                           note = db.relationship{ "Note", cascade = "all" } })
    db.Model:extend("Note", { id = id() })
    db:create_all()
    profile = Profile{}
    user, other = User{ profile = profile }, User{}
    s:add_all{ user, other }
    s:commit()
  end)

  local function users() return rows "SELECT id, profile_id FROM user ORDER BY id" end

  it("takes what the object refers to at the flush", function()
    local new = Profile{}
    s:add(new)
    s:commit()
    s:delete(user)
    user.profile = new
    s:flush()
    assert.equal("deleted", state(new))
    assert.equal("persistent", state(profile))
    assert.equal("2:nil", users())
  end)

  it("takes what a deleted object is given by an object that is deleted", function()
    s:delete(user)
    other.profile = profile
    s:delete(other)
    s:commit()
    assert.equal("", users())
    assert.equal(0, Profile.query:count())
  end)

  it("leaves what another refers to now", function()
    s:delete(user)
    assert.equal(2, #s.deleted)
    other.profile = profile
    assert.equal(1, #s.deleted)
    s:commit()
    assert.equal("2:1", users())
  end)

  it("is not asked again by a listener's view of what goes: the flush's own counts", function()
    s:delete(user)
    local seen
    mr.event.listen(s, "before_flush", function() other.profile = profile end)
    mr.event.listen(s, "after_flush", function(session) seen = seen or #session.deleted end)
    s:commit()
    assert.equal(1, seen)
    assert.equal("2:1", users())
  end)
end)

describe("a many-to-many that cascades deletions", function()
  it("leaves what another list was given, and takes the rest", function()
    db = mr.open "sqlite://"
    s = db.session
    local Post = db.Model:extend("Post", { id = id(), tags = db.relationship{ "Tag", secondary = "post_tag",
                                                                              cascade = "all" } })
    local Tag = db.Model:extend("Tag", { id = id() })
    db.Table("post_tag", db.Column{ "post_id", db.Integer, db.ForeignKey "post.id" },
             db.Column{ "tag_id", db.Integer, db.ForeignKey "tag.id" })
    db:create_all()
    local one, two = Tag{}, Tag{}
    local post, other = Post{ tags = { one, two } }, Post{}
    s:add_all{ post, other }
    s:commit()
    s:no_autoflush(function()
      s:delete(post)
      other.tags:append(one)
      s:commit()
    end)
    assert.equal("persistent", state(one))
    assert.equal("detached", state(two))
    assert.equal("2:1", rows "SELECT post_id, tag_id FROM post_tag")
    assert.equal(1, Tag.query:count())
  end)
end)

describe("two kinds of parents of a child", function()
  it("do not save it from each other: each column is a parent of its own", function()
    db = mr.open "sqlite://"
    s = db.session
    local Post = db.Model:extend("Post", { id = id(), comments = db.relationship{ "Comment", cascade = "all" } })
    local Author = db.Model:extend("Author", { id = id(), comments = db.relationship{ "Comment", cascade = "all" } })
    local Comment = db.Model:extend("Comment", { id = id(), post_id = to("post.id", { nullable = false }),
                                                 author_id = to "author.id" })
    db:create_all()
    local comment, author = Comment{}, Author{}
    local post = Post{ comments = { comment } }
    s:add_all{ post, author }
    s:commit()
    s:no_autoflush(function()
      s:delete(post)
      author.comments:append(comment)
      s:commit()
    end)
    assert.equal("detached", state(comment))
    assert.equal(0, Comment.query:count())
  end)
end)

describe("a tree", function()
  local Node
  local function open(options)
    db, Node = tree(options)
    s = db.session
  end
  local function nodes() return rows "SELECT id, parent_id FROM node ORDER BY id" end

  it("is deleted in an order that the rows allow, however its branches have moved", function()
    open{ cascade = "all" }
    local a, b, c, d = Node{}, Node{}, Node{}, Node{}
    s:add_all{ a, b, c, d }
    c.parent, b.parent = b, a -- the chain c, b, a
    s:commit()
    s:no_autoflush(function()
      c.parent, a.parent, b.parent = d, c, nil -- the chain a, c, d
      s:delete(d)
      s:flush()
    end)
    assert.equal(b.id .. ":nil", nodes())
  end)

  it("shows what has moved once, also where the list is read afterwards", function()
    for _, scalar in ipairs{ false, true } do
      open{ uselist = not scalar, order_by = not scalar and "Node.id" or nil }
      local old, new, child = Node{}, Node{}, Node{}
      s:add_all{ old, new, child }
      child.parent = old
      s:commit()
      s:expire(child)
      s:no_autoflush(function()
        child.parent = new
        if scalar then assert.is_nil(old.children) else assert.equal(0, #old.children) end
        assert.equal(child, scalar and new.children or new.children[1])
      end)
      s:commit()
      assert.equal("1:nil 2:nil 3:2", nodes())
    end
  end)

  it("that is a chain costs a statement an object to be read, and no more for its depth", function()
    open{ cascade = "all" }
    local function cost(n)
      local first = Node{}
      local last = first
      for _ = 2, n do last = Node{ parent = last } end
      s:add(first)
      s:commit()
      s:expunge_all()
      first = s:get(Node, 1)
      local reads, texts = 0, db:record(function() s:delete(first) end)
      for _, record in ipairs(texts) do reads = reads + (record.statement:find "^SELECT" and 1 or 0) end
      s:commit()
      assert.equal("", nodes())
      return reads
    end
    assert.equal(100, cost(100))
    assert.equal(200, cost(200))
  end)

  it("loses its marks with a savepoint", function()
    open{ cascade = "all" }
    local parent, child, other = Node{}, Node{}, Node{}
    s:add_all{ parent, child, other }
    child.parent = parent
    s:commit()
    local savepoint = s:begin_nested()
    s:delete(parent)
    child.parent = other
    s:flush()
    savepoint:rollback()
    assert.equal(0, #s.deleted)
    s:delete(parent)
    s:commit()
    assert.equal(other.id .. ":nil", nodes())
  end)
end)
