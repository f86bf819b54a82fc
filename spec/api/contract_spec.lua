-- contract_spec.lua: what the documentation promises in general: a wrong argument changes nothing, messages name what
-- the user wrote, options can be given in two ways.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

local function items()
  local db = mr.open "sqlite://"
  local Item = db.Model:extend("Item", {
    id    = db.Column{ db.Integer, primary_key = true },
    name  = db.Column{ db.String(20), unique = true },
    count = db.Column{ db.Integer },
    doc   = db.Column{ db.DateTime },
  })
  db:create_all()
  return db, Item
end

describe("a list of rows of which one is wrong", function()
  local db, Item
  before_each(function() db, Item = items() end)

  local function refused(kind, words, statement, rows)
    local texts = db:record(function() refuse(kind, words, db.session.execute, db.session, statement, rows) end)
    assert.equal(0, #texts)
  end

  it("inserts nothing", function()
    refused("ArgumentError", 'Item.count: expected an integer, got string "x"', mr.insert(Item),
      { { name = "a", count = 1 }, { name = "b", count = "x" } })
    refused("ArgumentError", "Item.count: expected an integer, got float 1.5", mr.insert(Item),
      { { name = "a" }, { count = 1.5 } })
    refused("ArgumentError", "Item.doc: expected", mr.insert(Item), { { name = "a" }, { doc = "yesterday" } })
    refused("ArgumentError", { "'nam'", "'name'" }, mr.insert(Item), { { name = "a" }, { nam = "b" } })
    refused("ArgumentError", "got number 5", mr.insert(Item), { { name = "a" }, 5 })
    refused("ArgumentError", "values by column name", mr.insert(Item), { { name = "a" }, { "b" } })
    refused("ArgumentError", "Item.count", mr.insert(Item):returning(Item),
      { { name = "a" }, { name = "b", count = {} } })
    assert.is_false(db.session:in_transaction())
    assert.equal(0, Item.query:count())
  end)

  it("updates nothing", function()
    db.session:execute(mr.insert(Item), { { id = 1, name = "a" }, { id = 2, name = "b" } })
    db.session:commit()
    refused("ArgumentError", { "Item.id", "primary key" }, mr.update(Item), { { id = 1, name = "x" }, { name = "y" } })
    refused("ArgumentError", "Item.name: expected a string", mr.update(Item),
      { { id = 1, name = "x" }, { id = 2, name = 5 } })
    assert.equal(1, Item.query:filter_by{ name = "a" }:count())
  end)

  it("imports nothing of its batch", function()
    refuse("ArgumentError", "Item.count", db.session.import, db.session, Item, { { name = "a" }, { count = "x" } })
    assert.equal(0, Item.query:count())
  end)

  it("of a text runs none where one is no table", function()
    refused("ArgumentError", 'got string "b"', mr.text "INSERT INTO item (name) VALUES (:name)",
      { { name = "a" }, "b" })
  end)

  it("with as many keys as it likes takes right ones", function()
    local many = mr.open "sqlite://"
    local columns = { id = many.Column{ many.Integer, primary_key = true } }
    local row = {}
    for i = 1, 80 do
      columns["c" .. i] = many.Column{ many.Integer }
      row["c" .. i] = i
    end
    local Wide = many.Model:extend("Wide", columns)
    many:create_all()
    many.session:execute(mr.insert(Wide), { row, row })
    assert.equal(80, Wide.query:first().c80)
    many.session:execute(mr.update(Wide), { { id = 1, c80 = 1 }, { id = 2, c80 = Wide.c79 + 2 } })
    assert.equal(81, many.session:scalar(mr.select(Wide.c80):where(Wide.id:eq(2))))
    row.c80 = "x"
    refuse("ArgumentError", "Wide.c80", many.session.execute, many.session, mr.insert(Wide), { { id = 9 }, row })
    assert.is_nil(many.session:get(Wide, 9))
  end)
end)

describe("a message", function()
  it("of a wrong relationship target names the class that it wants", function()
    local m = require "spec.support.blog".open()
    refuse("ArgumentError", 'Post.category: expected a Category, got string "x"', m.Post, { category = "x" })
    refuse("ArgumentError", "Post.category: expected a Category, got false", function() m.Post().category = false end)
    local category = m.Category()
    refuse("ArgumentError", "Category.posts: expected a Post, got nil", category.posts.append, category.posts, nil)
    refuse("ArgumentError", "Category.posts[2]: expected a Post, got number 5",
      function() category.posts = { m.Post(), 5 } end)
    assert.equal(0, #category.posts)
  end)

  it("of a session that waits for its rollback names the first error and its kind", function()
    local db, User = support.with_users "ann"
    db.session:add(User{ username = "ann", email = "other" })
    refuse("IntegrityError", "UNIQUE", db.session.flush, db.session)
    refuse("PendingRollbackError",
      { "IntegrityError: ", "UNIQUE constraint failed: user.username", "session:rollback()" },
      db.session.commit, db.session)
    db.session:rollback()
    mr.event.listen(User, "after_insert", function() error("mine", 0) end)
    db.session:add(User{ username = "bob", email = "bob" })
    assert.equal("mine", support.error_of(db.session.flush, db.session))
    local e = refuse("PendingRollbackError", "mine", db.session.commit, db.session)
    assert.is_nil(e.message:find("CallbackError", 1, true))
  end)

  it("of a result that is taken for a list names the cure", function()
    local db = items()
    local function result() return db.session:execute(mr.text "SELECT 1") end
    refuse("ArgumentError", "use :all() or :iter()", function() return (result()[1]) end)
    refuse("ArgumentError", "use :all() or :iter()", function() return #result() end)
    refuse("ArgumentError", "use :all() or :iter()", function() result()() end)
  end)

  it("of import without a class is import's", function()
    local db = items()
    refuse("ArgumentError", "import: expected a mapped class, got nil", db.session.import, db.session, nil, {})
  end)
end)

describe("no_autoflush", function()
  it("is a block, too: a value to close", function()
    local db, User = support.users()
    for _, session in ipairs{ db.session, db.session() } do
      do
        local _ <close> = session:no_autoflush()
        session:add(User{ username = "ann", email = "a" })
        assert.equal(1, #db:record(function() assert.is_nil(session:query(User):first()) end))
      end
      assert.equal(2, #db:record(function() assert.equal("ann", session:query(User):first().username) end))
      session:rollback()
      assert.equal("mine", support.error_of(function()
        local _ <close> = session:no_autoflush()
        error("mine", 0)
      end))
      local co = coroutine.create(function()
        local _ <close> = session:no_autoflush()
        coroutine.yield()
      end)
      coroutine.resume(co)
      coroutine.close(co)
      session:add(User{ username = "bob", email = "b" })
      assert.equal("bob", session:query(User):first().username)
      session:rollback()
    end
    refuse("ArgumentError", "no_autoflush: expected a function, got nil", db.session.no_autoflush, db.session, nil)
  end)
end)

describe("sessionmaker:begin", function()
  it("takes the options of session:begin, in both spellings", function()
    local db, User = support.users()
    local maker = mr.sessionmaker{ bind = db.engine }
    local function write(session) session:execute(mr.insert(User), { { username = "ann", email = "a" } }) end
    refuse("InvalidRequestError", "read-only", maker.begin, maker, write, { read_only = true })
    refuse("InvalidRequestError", "read-only", maker.begin, maker, { write, read_only = true })
    refuse("ArgumentError", { "raed_only", "read_only" }, maker.begin, maker, write, { raed_only = true })
    refuse("ArgumentError", "begin: expected a function, got nil", maker.begin, maker)
    assert.equal(0, User.query:count())
    maker:begin(write)
    assert.equal(1, User.query:count())
  end)
end)

describe("event.listens_for", function()
  it("takes its options in both spellings, and no unknown ones", function()
    local db, User = support.users()
    local count = 0
    local function hear() count = count + 1 end
    assert.equal(hear, mr.event.listens_for{ User, "before_insert", once = true }(hear))
    mr.event.listens_for(User, "after_insert", { once = true })(hear)
    for _, name in ipairs{ "ann", "bob" } do
      db.session:add(User{ username = name, email = name })
      db.session:flush()
    end
    assert.equal(2, count)
    refuse("ArgumentError", { "onec", "once" }, mr.event.listens_for, User, "before_insert", { onec = true })
  end)
end)

describe("a text that is too long, and a choice that is none", function()
  local function open()
    local db = mr.open "sqlite://"
    local Note = db.Model:extend("Note", {
      id   = db.Column{ db.Integer, primary_key = true },
      text = db.Column{ db.String(5) },
      kind = db.Column{ db.Enum("a", "b") },
    })
    db:create_all()
    db.session:add(Note{ text = "abcde", kind = "a" })
    db.session:commit()
    return db, Note
  end

  it("are refused by every statement that would write them, before it runs", function()
    local db, Note = open()
    local session = db.session
    local writes = {
      rows = function(row) session:execute(mr.insert(Note), { { text = "ok", kind = "b" }, row }) end,
      row = function(row) session:execute(mr.insert(Note), row) end,
      values = function(row) session:execute(mr.insert(Note):values(row)) end,
      update = function(row) session:execute(mr.update(Note):values(row)) end,
      by_query = function(row) Note.query:update(row) end,
      by_key = function(row) session:execute(mr.update(Note), { { id = 1, text = row.text, kind = row.kind } }) end,
      import = function(row) session:import(Note, coroutine.wrap(function() coroutine.yield(row) end)) end,
      of_table = function(row) session:execute(mr.insert(Note.__table), { row }) end,
      conflict = function(row)
        session:execute(mr.insert(Note):values{ id = 1 }:on_conflict_do_update{ index_elements = { "id" }, set = row })
      end,
    }
    for what, write in pairs(writes) do
      assert.equal(0, #db:record(function()
        local e = refuse("DataError", { "text", "6 characters", "String(5)" }, write, { text = "ääääää" })
        assert.equal("DataError", e.kind, what)
        refuse("DataError", { "kind", "zz", "Enum(a, b)" }, write, { kind = "zz" })
      end), what)
    end
    session:rollback()
    session:execute(mr.insert(Note), { { text = "äääää", kind = "b" } })
    assert.equal(2, Note.query:count())
  end)
end)

describe("arguments of blocks and of what ends a transaction", function()
  local db = mr.open "sqlite://"

  it("a block takes whatever can be called", function()
    local callable = setmetatable({}, { __call = function() return "called" end })
    assert.equal("called", db.session:begin(callable))
    assert.equal("called", db.session:no_autoflush(callable))
    assert.equal("called", db.session:retry(callable))
    assert.equal("called", db:scope(callable))
    assert.same({}, db:record(callable))
    for _, block in ipairs{ "begin", "no_autoflush", "retry" } do
      refuse("ArgumentError", { block, "expected a function", "nil" }, db.session[block], db.session, nil)
    end
    refuse("ArgumentError", { "begin", "expected a function", "nil" }, function() db.engine:begin(nil) end)
  end)

  it("a flush and a commit are of all that has changed", function()
    refuse("ArgumentError", "flush takes no argument", function() db.session:flush{} end)
    refuse("ArgumentError", "commit takes no argument", function() db.session:commit(1) end)
  end)

  it("options that are nil are none", function()
    assert.equal("Engine(sqlite://)", tostring(mr.create_engine("sqlite://", nil)))
  end)
end)
