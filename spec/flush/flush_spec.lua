-- The flush of columns: its statements, their order, their values; versions; values made by SQL.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"
local process = require "spec.support.process"

local function records_of(db, fn) return db:record(fn) end

local function posts()
  local db = mr.open "sqlite://"
  local Post = db.Model:extend("Post", {
    id    = db.Column{ db.Integer, primary_key = true },
    title = db.Column{ db.String(40) },
    score = db.Column{ db.Integer },
    state = db.Column{ db.String(10), server_default = "new" },
  })
  db:create_all()
  return db, Post
end

describe("rows of one shape", function()
  it("rows of one shape batch; another set of columns or an expression starts a new batch; order is kept", function()
    local db, Post = posts()
    local rows = {
      Post{ title = "a", score = 1 }, Post{ title = "b" }, Post{ title = "c", state = "x" }, Post{ state = "y" },
      Post{ title = "e", score = mr.func.abs(-5) }, Post{ title = "f", score = 6 },
    }
    db.session:add_all(rows)
    local records = records_of(db, function() db.session:flush() end)
    local shapes = {}
    for i, record in ipairs(records) do
      local lists = type(record.parameters[1]) == "table" and #record.parameters or 1
      shapes[i] = ("%s x%d"):format(record.statement:match "%((.-)%)", lists)
    end
    assert.same({ "title, score x2", "title, score, state x2", "title, score x1", "title, score x1" }, shapes)
    for i, row in ipairs(rows) do assert.equal(i, row.id) end
    assert.equal(5, rows[5].score)
  end)

  it("updates and deletes batch likewise", function()
    local db, Post = posts()
    local rows = {}
    for i = 1, 6 do rows[i] = Post{ title = "t" .. i, score = i } end
    db.session:add_all(rows)
    db.session:commit()
    for _, row in ipairs(rows) do local _ = row.score end
    rows[3].title = "x"
    for _, i in ipairs{ 1, 2, 4 } do rows[i].score = 0 end
    db.session:delete(rows[5])
    db.session:delete(rows[6])
    local records = records_of(db, function() db.session:flush() end)
    assert.equal("DELETE FROM post WHERE post.id = ?", records[#records].statement)
    assert.same({ { 5 }, { 6 } }, records[#records].parameters)
    local updates = 0
    for i = 1, #records - 1 do
      updates = updates + (type(records[i].parameters[1]) == "table" and #records[i].parameters or 1)
    end
    assert.equal(4, updates)
    db.session:commit()
    assert.equal("x", Post.query:get(3).title)
  end)
end)

describe("a row that is not there", function()
  it("an UPDATE or DELETE that matches no row is stale", function()
    local db, Post = posts()
    db.session:add_all{ Post{ title = "a" }, Post{ title = "b" } }
    db.session:commit()
    local a, b = Post.query:get(1), Post.query:get(2)
    db.session:execute(mr.text "DELETE FROM post")
    a.title = "x"
    refuse("StaleDataError", { "'post'", "expected to update 1 row(s); 0 were matched" }, db.session.flush, db.session)
    db.session:rollback()
    assert.equal("a", a.title)
    db.session:execute(mr.text "DELETE FROM post")
    db.session:delete(b)
    refuse("StaleDataError", { "'post'", "expected to delete 1 row(s); 0 were matched" }, db.session.flush, db.session)
    db.session:rollback()
    assert.equal(2, Post.query:count())
  end)
end)

describe("a value that stays as it was", function()
  it("an equal value, or a change put back, writes nothing", function()
    local db, Post = posts()
    db.session:add(Post{ title = "a", score = 5 })
    db.session:commit()
    local post = Post.query:one()
    assert.same({}, records_of(db, function()
      post.title = "a"
      post.score = 5.0
      db.session:flush()
      post.title = "b"
      post.score = nil
      post.title = "a"
      post.score = 5
      db.session:flush()
      db.session:commit()
    end))
    assert.same({}, records_of(db, function() db.session:commit() end))
  end)

  it("a value set without having been read is written without a SELECT", function()
    local db, Post = posts()
    db.session:add(Post{ title = "a", score = 5 })
    db.session:commit()
    local post = Post.query:one()
    db.session:commit() -- now it is expired
    local records = records_of(db, function()
      post.title = "b"
      db.session:flush()
    end)
    assert.same({ "UPDATE post SET title=? WHERE post.id = ?" }, { records[1].statement, records[2] })
  end)
end)

describe("a SQL expression as a value", function()
  it("an attribute set to a SQL expression: one UPDATE; the next read loads the value", function()
    local db, Post = posts()
    db.session:add(Post{ title = "a", score = 41 })
    db.session:commit()
    local post = Post.query:one()
    local records = records_of(db, function()
      post.score = Post.score + 1
      db.session:flush()
    end)
    assert.equal(1, #records)
    assert.matches("UPDATE post SET score=%(?post.score %+ %?%)? WHERE post.id = %?", records[1].statement)
    assert.equal(1, #records_of(db, function() assert.equal(42, post.score) end))
    assert.same({}, records_of(db, function() assert.equal("a", post.title) end))
    post.score = mr.select(mr.func.count(Post.id)):scalar_subquery()
    db.session:commit()
    assert.equal(1, post.score)
  end)

  it("reads as the expression until then; a rollback takes it back", function()
    local db, Post = posts()
    db.session:add(Post{ title = "a", score = 41 })
    db.session:commit()
    local post = Post.query:one()
    post.score = Post.score + 1
    assert.is_true(db.session:is_modified(post))
    db.session:rollback()
    assert.equal(41, post.score)
  end)

  it("in a new object, in one INSERT", function()
    local db, Post = posts()
    local post = Post{ title = mr.func.upper("abc"), score = mr.text "20 + 1" }
    db.session:add(post)
    local records = records_of(db, function() db.session:flush() end)
    assert.equal(1, #records)
    assert.same({ "ABC", 21 }, { post.title, post.score })
  end)
end)

describe("values that the server makes", function()
  it("come with the INSERT", function()
    local db, Post = posts()
    local post = Post{ title = "a" }
    db.session:add(post)
    assert.equal(1, #records_of(db, function() db.session:flush() end))
    assert.same({}, records_of(db, function() assert.equal("new", post.state) end))
  end)

  it("defaults and onupdate: constants, functions, expressions", function()
    local db = mr.open "sqlite://"
    local n = 0
    local Doc = db.Model:extend("Doc", {
      id      = db.Column{ db.Integer, primary_key = true },
      body    = db.Column{ db.Text },
      kind    = db.Column{ db.String(9), default = "plain" },
      serial  = db.Column{ db.Integer, default = function() n = n + 1 return n end },
      size    = db.Column{ db.Integer, default = mr.func.length("four") },
      changes = db.Column{ db.Integer, default = 0, onupdate = function() n = n + 10 return n end },
      upper   = db.Column{ db.String(9), onupdate = mr.func.upper("up") },
    })
    db:create_all()
    local one, two = Doc{ body = "1" }, Doc{ body = "2", kind = "own", serial = 99 }
    db.session:add_all{ one, two }
    db.session:flush()
    assert.same({ "plain", 1, 4, 0, nil }, { one.kind, one.serial, one.size, one.changes, one.upper })
    assert.same({ "own", 99 }, { two.kind, two.serial })
    one.body = "1b"
    local records = records_of(db, function() db.session:flush() end)
    assert.equal(1, #records)
    assert.same({ 11, "UP" }, { one.changes, one.upper })
    assert.same({}, records_of(db, function() db.session:flush() end))
  end)
end)

describe("order", function()
  it("is the order of add, whatever the collector does, in each run the same", function()
    local first
    for _ = 1, 3 do
      local db = mr.open "sqlite://"
      local classes = {}
      for _, name in ipairs{ "Alpha", "Beta", "Gamma" } do
        classes[name] = db.Model:extend(name, {
          id = db.Column{ db.Integer, primary_key = true },
          n = db.Column{ db.Integer },
        })
      end
      db:create_all()
      for i = 1, 30 do
        local name = ({ "Gamma", "Alpha", "Beta" })[i % 3 + 1]
        db.session:add(classes[name]{ n = i })
        collectgarbage "step"
      end
      local log = {}
      for _, record in ipairs(db:record(function() db.session:flush() end)) do
        log[#log + 1] = record.statement
        for _, list in ipairs(record.parameters) do log[#log + 1] = list[1] end
      end
      first = first or log
      assert.same(first, log)
    end
    assert.equal(33, #first)
  end)
end)

describe("a version column", function()
  local function versioned(extra)
    local db = mr.open "sqlite://"
    local body = {
      id       = db.Column{ db.Integer, primary_key = true },
      name     = db.Column{ db.String(40) },
      version  = db.Column{ db.Integer, nullable = false },
      children = db.relationship{ "Child", backref = "parent" },
      __mapper_args = { version_id_col = "version" },
    }
    for name, value in pairs(extra and extra(db) or {}) do body[name] = value end
    local Parent = db.Model:extend("Parent", body)
    local Child = db.Model:extend("Child", {
      id = db.Column{ db.Integer, primary_key = true },
      parent_id = db.Column{ db.Integer, db.ForeignKey "parent.id" },
    })
    db:create_all()
    return db, Parent, Child
  end

  it("a concurrent update is stale, and works after a rollback", function()
    local db, Parent = versioned()
    db.session:add(Parent{ name = "a" })
    db.session:commit()
    local one, two = mr.Session(db.engine), mr.Session(db.engine)
    local mine, theirs = one:get(Parent, 1), two:get(Parent, 1)
    assert.same({ 1, 1 }, { mine.version, theirs.version })
    theirs.name = "theirs"
    two:commit()
    assert.equal(2, theirs.version)
    mine.name = "mine"
    refuse("StaleDataError", { "'parent'", "expected to update 1 row(s); 0 were matched" }, one.commit, one)
    one:rollback()
    assert.same({ "theirs", 2 }, { mine.name, mine.version })
    mine.name = "mine"
    one:commit()
    assert.equal(3, mine.version)
    two:delete(theirs) -- this session has read version 2
    refuse("StaleDataError", "expected to delete 1 row(s); 0 were matched", two.flush, two)
    two:rollback()
    two:delete(theirs)
    two:commit()
    one:close()
    two:close()
  end)

  it("a concurrent delete and a delete of what was changed are stale", function()
    local db, Parent = versioned()
    db.session:add_all{ Parent{ name = "a" }, Parent{ name = "b" } }
    db.session:commit()
    local a, b = db.session:get(Parent, 1), db.session:get(Parent, 2)
    local other = mr.Session(db.engine)
    other:delete(other:get(Parent, 1))
    other:get(Parent, 2).name = "x"
    other:commit()
    other:close()
    a.name = "y"
    refuse("StaleDataError", "parent", db.session.flush, db.session)
    db.session:rollback()
    assert.equal(2, b.version)
    db.session:execute(mr.text "UPDATE parent SET version = 7 WHERE id = 2")
    db.session:delete(b)
    refuse("StaleDataError", "parent", db.session.flush, db.session)
    db.session:rollback()
  end)

  it("adding a child does not bump the parent's version", function()
    local db, Parent, Child = versioned()
    local parent = Parent{ name = "a" }
    db.session:add(parent)
    db.session:commit()
    parent.children:append(Child{})
    db.session:commit()
    assert.equal(1, parent.version)
    parent.name = "b"
    db.session:commit()
    assert.equal(2, parent.version)
  end)

  it("the version comes from an own function: text, timestamps", function()
    local n = 0
    local db, Parent = versioned(function(db)
      return {
        version = db.Column{ db.String(20), nullable = false },
        __mapper_args = {
          version_id_col = "version",
          version_id_generator = function(before)
            n = n + 1
            return ("%s>%d"):format(before or "start", n)
          end,
        },
      }
    end)
    local parent = Parent{ name = "a" }
    db.session:add(parent)
    local records = records_of(db, function()
      db.session:flush()
      parent.name = "b"
      db.session:flush()
    end)
    assert.equal("start>1>2", parent.version)
    assert.matches("WHERE parent.id = %? AND parent.version = %?", records[2].statement)
    local stamped
    db, stamped = versioned(function(d)
      return {
        version = d.Column{ d.DateTime, nullable = false },
        __mapper_args = { version_id_col = "version", version_id_generator = function() return mr.now() end },
      }
    end)
    local row = stamped{ name = "a" }
    db.session:add(row)
    db.session:commit()
    local before = row.version
    row.name = "b"
    db.session:commit()
    assert.is_true(before <= row.version)
  end)

  it("an error in the generator comes unchanged, and a wrong value is named", function()
    local mine, give = {}, nil
    local db, Parent = versioned(function()
      return {
        __mapper_args = {
          version_id_col = "version",
          version_id_generator = function() if give then return give end error(mine) end,
        },
      }
    end)
    db.session:add(Parent{ name = "a" })
    local ok, e = pcall(db.session.flush, db.session)
    assert.is_false(ok)
    assert.equal(mine, e)
    db.session:rollback()
    give = "text"
    db.session:add(Parent{ name = "a" })
    refuse("ArgumentError", { "Parent.version", "integer" }, db.session.flush, db.session)
    db.session:rollback()
    refuse("ArgumentError", "version_id_col", function()
      db.Model:extend("Bad", {
        id = db.Column{ db.Integer, primary_key = true },
        __mapper_args = { version_id_generator = function() return 1 end },
      })
    end)
  end)
end)

describe("autoflush", function()
  it("a query finds what is pending; another connection does not", function()
    local path = os.tmpname()
    local db = mr.open("sqlite:///" .. path .. "?journal_mode=wal")
    local Thing = db.Model:extend("Thing", { id = db.Column{ db.Integer, primary_key = true } })
    db:create_all()
    local other = mr.Session(db.engine)
    db.session:add(Thing{})
    assert.equal(1, Thing.query:count())
    assert.equal(0, other:query(Thing):count())
    db.session:commit()
    assert.equal(1, other:query(Thing):count())
    other:close()
    db.session:remove()
    process.remove(path)
  end)

  it("reading what is not loaded flushes first, as a query does", function()
    local db, User = support.with_users "ann"
    local ann = User.query:one()
    db.session:expire(ann)
    db.session:add(User{ username = "bob", email = "b@x" })
    local texts = support.statements(db, function() return ann.email end)
    assert.matches("^INSERT", texts[1])
    assert.matches("^SELECT", texts[2])
  end)
end)

describe("rows written by a query", function()
  it("an update by query synchronises loaded objects", function()
    local db, User = support.with_users("ann", "bob")
    local ann, bob = db.session:get(User, 1), db.session:get(User, 2)
    assert.equal(1, User.query:filter(User.username:eq "ann"):update{ email = "up@x" })
    assert.same({}, support.statements(db, function()
      assert.same({ "up@x", "bob@example.com" }, { ann.email, bob.email })
    end))
    db.session:rollback()
    assert.equal("ann@example.com", ann.email)
    User.query:filter(User.username:like "b%"):update({ email = "fetch@x" }, { synchronize_session = "fetch" })
    assert.equal("fetch@x", bob.email)
    User.query:update({ email = User.username .. "@no" }, { synchronize_session = false })
    assert.equal("fetch@x", bob.email)
    db.session:expire_all()
    assert.equal("bob@no", bob.email)
  end)

  it("a delete by query takes them out, and a rollback brings them back", function()
    local db, User = support.with_users("ann", "bob")
    local ann, bob = db.session:get(User, 1), db.session:get(User, 2)
    assert.equal(1, User.query:filter_by{ username = "ann" }:delete())
    assert.is_false(db.session:contains(ann))
    assert.is_true(db.session:contains(bob))
    assert.equal("deleted", mr.inspect(ann).state)
    db.session:rollback()
    assert.is_true(db.session:contains(ann))
    assert.equal("ann", ann.username)
    assert.is_true(rawequal(ann, db.session:get(User, 1)))
  end)
end)
