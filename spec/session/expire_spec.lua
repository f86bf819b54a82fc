-- expire and refresh: what is lost, what is kept, what is read again, and by how many statements.

local mr = require "moonrow"
local blog = require "spec.support.blog"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"
local tree = require "spec.support.tree"

local m, db, Post, Category, Comment

local function open(options)
  m = blog.filled(options)
  db, Post, Category, Comment = m.db, m.Post, m.Category, m.Comment
end

local state = support.state
local function post(title) return Post.query:filter_by{ title = title }:one() end
local function sql(text) db.session:execute(mr.text(text)) end
local function loaded(object)
  local names = { table.unpack(mr.inspect(object).loaded) }
  table.sort(names)
  return names
end

local function costs(n, fn) return support.costs(db, n, fn) end

local history = support.history

describe("refresh", function()
  before_each(function() open() end)

  it("loses the object's own changes: they are not flushed first", function()
    local a = post "a"
    a.title = "edited"
    local texts = costs(1, function() db.session:refresh(a) end)
    assert.matches("^SELECT", texts[1])
    assert.equal("a", a.title)
    costs(0, function() db.session:flush() end)
    assert.equal(0, #db.session.dirty)
  end)

  it("flushes what else has changed, which it then reads", function()
    local a, b = post "a", post "b"
    local c = Category.query:filter_by{ name = "C" }:one()
    b.title = "B"
    a.category = c
    local texts = costs(2, function() db.session:refresh(a, { "category_id" }) end)
    assert.matches("^UPDATE post", texts[1])
    assert.equal(c.id, a.category_id)
    assert.equal("B", db.session:scalar(mr.text("SELECT title FROM post WHERE id = " .. b.id)))
  end)

  it("of names reads columns in one statement, and each relationship at once", function()
    local a = post "a"
    assert.equal(2, #a.comments)
    sql("INSERT INTO comment (body, post_id) VALUES ('a3', " .. a.id .. ")")
    sql "UPDATE post SET title = 'A' WHERE title = 'a'"
    costs(1, function() db.session:refresh(a, { "comments" }) end)
    sql "DELETE FROM comment WHERE body = 'a3'"
    costs(0, function() assert.equal(3, #a.comments) end)
    assert.equal("a", a.title)
    costs(2, function() db.session:refresh(a, { "comments", "title" }) end)
    assert.equal(2, #a.comments)
    assert.equal("A", a.title)
    costs(1, function() db.session:refresh(a, { "title" }) end)
    costs(0, function() assert.equal(2, #a.comments) end)
  end)

  it("without names leaves lazy relationships to their next use", function()
    local a = post "a"
    assert.equal(2, #a.comments)
    sql "DELETE FROM comment"
    costs(1, function() db.session:refresh(a) end)
    assert.same({ "category_id", "id", "title" }, loaded(a))
    costs(1, function() assert.equal(0, #a.comments) end)
  end)

  it("with eager ones reads them along", function()
    open{ comments = { lazy = "joined" } }
    local a = post "a"
    sql "DELETE FROM comment WHERE body = 'a1'"
    costs(1, function() db.session:refresh(a) end)
    costs(0, function() assert.equal("{<a2>}", tostring(a.comments)) end)
  end)

  it("of an expired object takes one statement, and none is left for later", function()
    local a = post "a"
    db.session:expire(a)
    costs(1, function() db.session:refresh(a) end)
    costs(0, function() assert.equal("a", a.title) end)
  end)

  it("says so when the row is gone; a rollback brings it back", function()
    local a = post "a"
    sql "DELETE FROM post_tag"
    sql "DELETE FROM comment"
    sql "DELETE FROM post WHERE title = 'a'"
    refuse("InvalidRequestError", { "<Post", "row is gone" }, db.session.refresh, db.session, a)
    db.session:rollback()
    assert.equal("persistent", state(a))
    assert.equal("a", a.title)
  end)

  it("of an object about to be deleted finds its row gone", function()
    local d = post "d"
    db.session:delete(d)
    refuse("InvalidRequestError", "row is gone", db.session.refresh, db.session, d)
    assert.equal("deleted", state(d))
    db.session:rollback()
    assert.equal("d", d.title)
    db.session:delete(d)
    db.session:no_autoflush(function(session) costs(1, function() session:refresh(d) end) end)
    assert.equal(1, #db.session.deleted)
  end)

  it("and expire refuse what is not persistent, and names that are none", function()
    local new = Post{ title = "new" }
    for _, method in ipairs{ "refresh", "expire" } do
      refuse("InvalidRequestError", "<Post (transient)>", db.session[method], db.session, new)
    end
    db.session:add(new)
    db.session:no_autoflush(function()
      for _, method in ipairs{ "refresh", "expire" } do
        refuse("InvalidRequestError", "<Post (pending)>", db.session[method], db.session, new)
      end
    end)
    local a = post "a"
    refuse("ArgumentError", { "titel", "title" }, db.session.expire, db.session, a, { "title", "titel" })
    costs(0, function() assert.equal("a", a.title) end)
  end)
end)

describe("the refresh-expire cascade", function()
  before_each(function() open{ comments = { cascade = "all" } } end)

  it("takes edits of what it reaches as well", function()
    local a = post "a"
    local one = a.comments[1]
    one.body = "edited"
    db.session:expire(a)
    assert.same({}, loaded(one))
    assert.equal("a1", one.body)
    assert.equal(one, a.comments[1])
    one.body = "edited"
    db.session:refresh(a)
    assert.equal("a1", one.body)
    costs(0, function() db.session:flush() end)
  end)

  it("leaves pending objects to be inserted", function()
    local a = post "a"
    for i, method in ipairs{ "expire", "refresh" } do
      local new = Comment{ body = "new" }
      a.comments:append(new)
      db.session:no_autoflush(function(session)
        session[method](session, a)
        assert.equal("pending", state(new))
        assert.equal(a, new.post)
      end)
      assert.equal(2 + i, #a.comments)
      assert.equal("persistent", state(new))
      assert.equal(a.id, new.post_id)
    end
    db.session:commit()
    assert.equal(4, #a.comments)
  end)

  it("leaves what such an object refers to as it is", function()
    local a, b = post "a", post "b"
    local theirs = b.comments[1]
    local new = Post{ title = "new" }
    a.category.posts:append(new)
    new.comments:append(theirs)
    theirs.body = "edited"
    db.session:no_autoflush(function(session)
      session:expire(a)
      assert.equal("edited", theirs.body)
    end)
  end)

  it("lets go of those that would be orphans: the change that brought them in is lost", function()
    open{ comments = { cascade = "all, delete-orphan" } }
    local a = post "a"
    for _, method in ipairs{ "expire", "refresh" } do
      local new = Comment{ body = "new" }
      a.comments:append(new)
      assert.equal("pending", state(new))
      db.session[method](db.session, a)
      assert.equal("transient", state(new))
      assert.equal(2, #a.comments)
      costs(0, function() db.session:flush() end)
    end
  end)

  it("but not of one that another parent was given since", function()
    open{ comments = { cascade = "all, delete-orphan" } }
    local a, b, new = post "a", post "b", Comment{ body = "new" }
    db.session:no_autoflush(function(session)
      a.comments:append(new)
      b.comments:append(new)
      session:expire(a)
      assert.equal("pending", state(new))
    end)
    db.session:commit()
    assert.equal(b, new.post)
  end)

  it("is not there by default", function()
    open()
    local a = post "a"
    local one, new = a.comments[1], Comment{ body = "new" }
    one.body = "edited"
    a.comments:append(new)
    db.session:no_autoflush(function(session)
      session:expire(a)
      assert.equal("edited", one.body)
      assert.equal("pending", state(new))
      assert.equal(2, #a.comments)
    end)
  end)
end)

describe("an expired attribute", function()
  before_each(function() open() end)

  it("is not loaded to be set; nor when it is flushed", function()
    local a = post "a"
    db.session:expire(a)
    costs(0, function() a.title = "A" end)
    assert.same({ { "A" }, {}, {} }, history(a, "title"))
    local texts = costs(1, function() db.session:flush() end)
    assert.equal("UPDATE post SET title=? WHERE post.id = ?", texts[1])
    assert.equal("A", a.title)
  end)

  it("that was edited since keeps the edit, whatever is loaded", function()
    local a = post "a"
    db.session:expire(a, { "title", "category_id" })
    sql "UPDATE post SET title = 'elsewhere' WHERE title = 'a'"
    db.session:no_autoflush(function()
      a.title = "mine"
      assert.equal(4, #Post.query:all())
      assert.equal("mine", a.title)
      assert.is_number(a.category_id)
      assert.equal("mine", a.title)
      assert.equal(1, #history(a, "title")[1])
    end)
    db.session:commit()
    assert.equal("mine", a.title)
  end)

  it("comes with the others that are expired, in one statement", function()
    local a = post "a"
    assert.equal(2, #a.comments)
    db.session:expire(a, { "title", "category_id" })
    assert.same({ "comments", "id" }, loaded(a))
    costs(1, function()
      assert.equal("a", a.title)
      assert.is_number(a.category_id)
      assert.equal(2, #a.comments)
    end)
  end)

  it("is loaded by any query that meets it", function()
    local a = post "a"
    db.session:expire(a)
    costs(1, function() Post.query:all() end)
    costs(0, function() assert.equal("a", a.title) end)
  end)

  it("reads changes that are not flushed yet, since it is flushed first", function()
    local a = post "a"
    assert.equal("Lua", a.category.name)
    a.category_id = Category.query:filter_by{ name = "C" }:one().id
    assert.equal("Lua", a.category.name)
    db.session:expire(a, { "category" })
    assert.equal("C", a.category.name)
  end)

  it("of a relationship loses what was set, and leaves the columns", function()
    local a, ada = post "a", Category.query:filter_by{ name = "Ada" }:one()
    db.session:no_autoflush(function(session)
      a.category = ada
      session:expire(a, { "title" })
      assert.equal("a", a.title)
      assert.equal(ada, a.category)
      session:expire(a, { "category" })
      assert.equal("Lua", a.category.name)
    end)
  end)

  it("is loaded before an eager relationship's rows, which leave edits elsewhere alone", function()
    open{ comments = { lazy = "joined" } }
    local a = post "a"
    local one = a.comments[1]
    db.session:no_autoflush(function(session)
      one.body = "edited"
      session:expire(a)
      costs(1, function() assert.equal("edited", a.comments[1].body) end)
    end)
  end)

  it("of a row that is gone raises; a get gives nil; a rollback restores both", function()
    local d = post "d"
    sql "DELETE FROM post WHERE title = 'd'"
    db.session:expire(d)
    refuse("ObjectDeletedError", "<Post", function() return d.title end)
    local id = mr.inspect(d).identity[1]
    assert.is_nil(db.session:get(Post, id))
    db.session:rollback()
    assert.equal("persistent", state(d))
    assert.equal("d", d.title)
  end)
end)

describe("a reference that was set, and is expired before the flush,", function()
  local a, lua, ada
  before_each(function()
    open()
    a, ada = post "a", Category.query:filter_by{ name = "Ada" }:one()
    lua = a.category
    assert.equal("Lua", lua.name)
    a.category = ada -- the posts of neither are loaded
  end)

  local function nothing_left()
    assert.equal(0, #db.session.dirty)
    assert.equal(lua, a.category)
    costs(0, function() db.session:flush() end)
    assert.equal("{}", tostring(ada.posts))
    assert.equal("{<a>, <b>, <c>}", tostring(lua.posts))
    db.session:commit()
    assert.equal(lua, a.category)
  end

  it("with all of the object is not written: the other sides forget it", function()
    db.session:expire(a)
    nothing_left()
  end)

  it("by name is not written either", function()
    db.session:expire(a, { "category" })
    nothing_left()
  end)

  it("nor with a refresh, which flushes the others", function()
    local new = Post{ title = "new", category = ada }
    costs(2, function() db.session:refresh(a) end) -- new is inserted
    assert.equal(lua, a.category)
    assert.equal("{<new>}", tostring(ada.posts))
    assert.equal(ada.id, new.category_id)
    assert.equal("{<a>, <b>, <c>}", tostring(lua.posts))
  end)

  it("stays where another change of the collection is", function()
    local b = post "b" -- the query's autoflush writes a
    b.category = ada
    db.session:expire(b)
    assert.equal("{<a>}", tostring(ada.posts))
    assert.equal("{<b>, <c>}", tostring(lua.posts))
  end)

  it("nor when a query overwrites the object", function()
    db.session:no_autoflush(function()
      assert.equal(4, #Post.query:populate_existing():all())
    end)
    nothing_left()
  end)

  it("of a many-to-many forgets likewise", function()
    local z = m.Tag.query:filter_by{ name = "z" }:one()
    local n = #a.tags
    db.session:no_autoflush(function(session)
      a.tags:append(z)
      a.tags:remove(a.tags[1])
      session:expire(a)
    end)
    costs(0, function() db.session:flush() end)
    assert.equal(n, #a.tags)
    assert.equal(0, #z.posts)
  end)
end)

describe("expire_all", function()
  it("takes all edits, and leaves what is pending", function()
    open()
    local a, new = post "a", Category{ name = "new" }
    db.session:no_autoflush(function(session)
      a.title = "edited"
      session:add(new)
      session:expire_all()
      assert.same({ 0, 1 }, { #session.dirty, #session.new })
      assert.equal("a", a.title)
      assert.equal("new", new.name)
    end)
  end)

  it("and expire leave what is to be deleted to be deleted", function()
    open()
    local d = post "d"
    db.session:delete(d)
    db.session:expire(d)
    db.session:expire_all()
    assert.equal(1, #db.session.deleted)
    db.session:commit()
    assert.equal(3, Post.query:count())
  end)
end)

describe("session:refresh", function()
  it("drops what has changed in the object, and flushes the rest", function()
    local Node
    db, Node = tree()
    local one, two = Node{ name = "one" }, Node{ name = "two" }
    db.session:add_all{ one, two }
    db.session:commit()
    one.name, two.name = "1", "2"
    db.session:refresh(one)
    assert.same({ "one", "2", 0 }, { one.name, two.name, #db.session.dirty })
    one.name, one.parent_id = "1", 2
    db.session:refresh(one, { "name" })
    assert.same({ "one", 2 }, { one.name, one.parent_id })
    db.session:commit()
    assert.same({ "one", "2", 2 }, { one.name, two.name, one.parent_id })
  end)
end)

describe("session:refresh of what the flush deletes", function()
  it("says that the row is gone", function()
    local Node
    db, Node = tree()
    local node = Node{}
    db.session:add(node)
    db.session:commit()
    db.session:delete(node)
    refuse("InvalidRequestError", { "Could not refresh", "<Node 1>" }, db.session.refresh, db.session, node)
    assert.equal("deleted", state(node))
  end)
end)

describe("an object that expired and was given values since", function()
  it("follows a deletion and an update by query", function()
    local Node
    db, Node = tree()
    local node = Node{ name = "one" }
    db.session:add(node)
    db.session:commit()
    node.name = "two"
    assert.equal(1, Node.query:filter_by{ name = "two" }:update{ name = "three" })
    assert.equal("three", node.name)
    db.session:commit()
    node.name = "two"
    assert.equal(1, Node.query:filter_by{ name = "two" }:delete())
    assert.equal("deleted", state(node))
    db.session:rollback()
    assert.equal("three", node.name)
  end)
end)
