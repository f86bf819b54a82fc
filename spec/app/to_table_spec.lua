-- object:to_table(), Class:from_table() and pairs(object): objects as plain tables, as an encoder of JSON takes them.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local shelf = require "spec.support.shelf"

-- Asserts that nothing in the value has a metatable, and that there are only values that JSON has.
local function is_plain(value)
  local kind = type(value)
  if kind == "table" then
    assert.is_nil(getmetatable(value))
    for key, inner in pairs(value) do
      assert.is_true(type(key) == "string" or math.type(key) == "integer")
      is_plain(inner)
    end
  else
    assert.is_true(kind == "string" or kind == "number" or kind == "boolean" or value == mr.null, kind)
  end
end

describe("to_table", function()
  local db, s, User, Post, ann

  before_each(function()
    db = mr.open "sqlite://"
    s = db.session
    User = db.Model:extend("User", {
      id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ "full_name", db.String(20) },
      email = db.Column{ db.String(20) },
      born = db.Column{ db.Date },
      seen = db.Column{ db.DateTime },
      wakes = db.Column{ db.Time },
      sleeps = db.Column{ db.Interval },
      weight = db.Column{ db.Float },
      active = db.Column{ db.Boolean },
      icon = db.Column{ db.LargeBinary },
      notes = db.deferred(db.Column{ db.Text }),
      sprite = db.field(),
    })
    function User.greet() return "hello" end
    Post = db.Model:extend("Post", {
      id = db.Column{ db.Integer, primary_key = true },
      title = db.Column{ db.String(20) },
      user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
      author = db.relationship{ "User", backref = db.backref("posts", { order_by = "Post.id" }) },
    })
    db:create_all()
    ann = User{ id = 1, name = "Ann", born = "2000-01-02", seen = "2024-05-06 07:08:09", wakes = "06:30:00",
      sleeps = mr.interval{ hours = 8 }, weight = 61.5, active = true, icon = "\0\xff", notes = "n",
      posts = { Post{ title = "one" }, Post{ title = "two" } } }
    ann.sprite = {}
    s:add(ann)
    s:commit()
    s:expunge_all()
    ann = s:get(User, 1)
  end)

  local columns = { id = 1, name = "Ann", email = mr.null, born = "2000-01-02", seen = "2024-05-06 07:08:09",
    wakes = "06:30:00", weight = 61.5, active = true, icon = "\0\xff" }

  local function with_columns(more)
    local all = { sleeps = tostring(mr.interval{ hours = 8 }) }
    for name, value in pairs(columns) do all[name] = value end
    for name, value in pairs(more or {}) do all[name] = value end
    return all
  end

  it("gives the columns that are loaded: dates as texts, NULL as mr.null, and loads nothing", function()
    local t
    assert.equal(0, #db:record(function() t = ann:to_table() end))
    is_plain(t)
    assert.same(with_columns(), t)
  end)

  it("gives no relationship unless it is asked for, loaded or not", function()
    assert.equal(2, #ann.posts)
    assert.same(with_columns(), ann:to_table())
    assert.same(with_columns(), ann:to_table{ depth = 0 })
  end)

  it("follows relationships as deep as depth says, also in circles", function()
    local t
    assert.equal(1, #db:record(function() t = ann:to_table{ depth = 1 } end))
    assert.same(with_columns{ posts = { { id = 1, title = "one", user_id = 1 }, { id = 2, title = "two",
      user_id = 1 } } }, t)
    t = ann:to_table{ depth = 2 }
    assert.equal("Ann", t.posts[2].author.name)
    assert.is_nil(t.posts[2].author.posts)
    t = ann:to_table{ depth = 5 }
    assert.equal("two", t.posts[1].author.posts[2].author.posts[2].title)
    assert.is_nil(t.posts[1].author.posts[2].author.posts[2].author)
    is_plain(t)
    assert.same({ id = 1, title = "one", user_id = 1, author = with_columns() },
      s:get(Post, 1):to_table{ depth = 1 })
  end)

  if not os.getenv "MOONROW_STRESS" then -- a collector that looks at a million tables again and again takes hours
    it("refuses a depth that circles multiply beyond a million objects", function()
      local err = select(2, pcall(ann.to_table, ann, { depth = 100 }))
      assert.truthy(tostring(err):find("depth goes through more than 1000000 objects", 1, true), tostring(err))
    end)
  end

  it("gives NULL for a reference to nothing", function()
    local post = Post{ title = "x" }
    s:add(post)
    s:flush()
    assert.equal(mr.null, post:to_table{ depth = 1 }.author)
    assert.equal(mr.null, post:to_table{ only = "author" }.author)
  end)

  it("gives just the names of only, which it loads", function()
    local t
    assert.same({ name = "Ann", id = 1 }, ann:to_table{ only = { "id", "name" } })
    assert.equal(1, #db:record(function() t = ann:to_table{ only = { "id", "notes" } } end))
    assert.same({ id = 1, notes = "n" }, t)
    assert.equal(1, #db:record(function() t = ann:to_table{ only = { "posts" } } end))
    assert.same({ posts = { { id = 1, title = "one", user_id = 1 }, { id = 2, title = "two", user_id = 1 } } }, t)
    assert.same({ id = 1 }, ann:to_table({ only = { "id" }, depth = 3 }))
    assert.same({ id = 1 }, ann:to_table{ only = "id" })
  end)

  it("chooses names of related objects, behind a point or in a list of their own", function()
    local wanted = { id = 1, posts = { { title = "one" }, { title = "two" } } }
    assert.same(wanted, ann:to_table{ only = { "id", "posts.title" } })
    assert.same(wanted, ann:to_table{ only = { "id", posts = { "title" } } })
    assert.same({ posts = { { title = "one", author = { name = "Ann" } },
      { title = "two", author = { name = "Ann" } } } }, ann:to_table{ only = { "posts.title", "posts.author.name" } })
  end)

  it("refuses names that there are not, and other options", function()
    refuse("ArgumentError", "User has no attribute 'nmae' (did you mean 'name'?)",
      function() ann:to_table{ only = { "nmae" } } end)
    refuse("ArgumentError", "Post has no attribute 'titel' (did you mean 'title'?)",
      function() ann:to_table{ only = { "posts.titel" } } end)
    refuse("ArgumentError", "to_table: User.greet is a method: only takes attributes",
      function() ann:to_table{ only = { "greet" } } end)
    refuse("ArgumentError", "to_table: User.name is no relationship: it has no attributes to choose",
      function() ann:to_table{ only = { "name.x" } } end)
    refuse("ArgumentError", "to_table: only: expected a list of names of attributes, got number 5",
      function() ann:to_table{ only = 5 } end)
    refuse("ArgumentError", "to_table: only: expected names of attributes", function() ann:to_table{ only = { 5 } } end)
    refuse("ArgumentError", "to_table: depth: expected how many relationships deep, 0 or more, got number -1",
      function() ann:to_table{ depth = -1 } end)
    refuse("ArgumentError", "to_table: depth: expected how many", function() ann:to_table{ depth = "1" } end)
    refuse("ArgumentError", "unknown option 'dept' for to_table (did you mean 'depth'?)",
      function() ann:to_table{ dept = 1 } end)
    refuse("ArgumentError", "to_table is a method of an object: call it with a colon", function() ann.to_table() end)
  end)

  it("reads an object that has expired again, in one statement", function()
    s:commit()
    local t
    assert.equal(1, #db:record(function() t = ann:to_table() end))
    assert.same(with_columns(), t)
    s:expire(ann, { "name" })
    assert.equal(1, #db:record(function() t = ann:to_table() end))
    assert.same(with_columns(), t)
  end)

  it("gives what a new object and a detached one have", function()
    assert.same({ name = "x" }, User{ name = "x" }:to_table())
    s:expunge(ann)
    assert.same(with_columns(), ann:to_table())
    refuse("DetachedInstanceError", "posts", function() ann:to_table{ depth = 1 } end)
  end)

  it("gives columns that a query has left out only when they are asked for", function()
    s:expunge_all()
    local some = User.query:options(mr.load_only(User.name)):one()
    assert.same({ id = 1, name = "Ann" }, some:to_table())
  end)

  it("of lists, collections and rows gives lists of tables", function()
    local posts = { { id = 1, title = "one", user_id = 1 }, { id = 2, title = "two", user_id = 1 } }
    assert.same(posts, Post.query:order_by(Post.id):all():to_table())
    assert.same(posts, ann.posts:to_table())
    assert.same({ { title = "one" }, { title = "two" } }, ann.posts:to_table{ only = { "title" } })
    local rows = s:query(Post.title, User.born, User.email):join(Post.author):order_by(Post.id):all()
    assert.same({ { title = "one", born = "2000-01-02", email = mr.null },
      { title = "two", born = "2000-01-02", email = mr.null } }, rows:to_table())
    assert.same({ title = "one", born = "2000-01-02", email = mr.null }, rows[1]:to_table())
    local both = s:query(Post, User.name):join(Post.author):order_by(Post.id):first()
    assert.same({ Post = posts[1], name = "Ann" }, both:to_table())
    assert.same({ "one", "two" }, s:scalars(mr.select(Post.title):order_by(Post.id)):all():to_table())
    is_plain(rows:to_table())
  end)

  it("of sets gives lists, and of dicts tables by their keys", function()
    local m = shelf.open{ collection_class = mr.set }
    local p = m.Parent{ items = { m.Item{ name = "a" } } }
    assert.same({ { name = "a" } }, p.items:to_table())
    assert.same({ items = { { name = "a" } } }, p:to_table{ depth = 1 })
    m = shelf.open{ collection_class = mr.attribute_keyed "code" }
    p = m.Parent{ items = { [7] = m.Item{ name = "a" } } }
    assert.same({ items = { ["7"] = { name = "a", code = 7 } } }, p:to_table{ depth = 1 })
  end)

  it("asks a class's own to_table for its objects, wherever they are", function()
    function User:to_table(given)
      local t = db.Model.to_table(self, given)
      t.email, t.shown = nil, true
      return t
    end
    assert.is_true(ann:to_table().shown)
    assert.is_nil(ann:to_table().email)
    local t = s:get(Post, 1):to_table{ depth = 2 }
    assert.is_true(t.author.shown)
    assert.is_nil(t.author.email)
    assert.same({ { name = "Ann", shown = true } }, User.query:all():to_table{ only = { "name" } })
  end)

  it("is what cjson encodes", function()
    local there, cjson = pcall(require, "cjson")
    if not there then return pending "lua-cjson is not installed" end
    assert.equal(mr.null, cjson.null)
    ann.icon = "i"
    local text = cjson.encode(ann:to_table{ depth = 1 })
    assert.matches('"email":null', text, 1, true)
    assert.matches('"born":"2000%-01%-02"', text)
    local back = User:from_table(cjson.decode(text))
    assert.same(ann:to_table{ depth = 1 }, back:to_table{ depth = 1 })
    assert.equal("[]", cjson.encode(Post.query:filter_by{ id = 99 }:all():to_table()):gsub("{}", "[]"))
  end)

  it("gives copies of what a JSON column holds, and what a hybrid or a synonym gives where it is asked for", function()
    local Doc = db.Model:extend("Doc", { id = db.Column{ db.Integer, primary_key = true }, body = db.Column{ db.JSON },
      word = db.Column{ db.String(9) }, shout = mr.hybrid(function(self) return self.word .. "!" end),
      same = mr.synonym "word", upper = mr.column_property(function(cls) return mr.func.upper(cls.word) end) })
    db:create_all()
    local doc = Doc{ id = 1, word = "a", body = { list = mr.array{ 1, mr.null, { x = 1 } }, none = mr.null } }
    s:add(doc)
    s:commit()
    local t = doc:to_table()
    is_plain(t)
    assert.same({ id = 1, word = "a", upper = "A",
      body = { list = { 1, mr.null, { x = 1 } }, none = mr.null } }, t)
    t.body.list[3].x = 2
    assert.equal(1, doc.body.list[3].x)
    assert.is_false(s:is_modified(doc))
    assert.same({ shout = "a!", same = "a" }, doc:to_table{ only = { "shout", "same" } })
    t = doc:to_table()
    assert.same(t.body, Doc:from_table(t):to_table().body)
  end)

  it("gives copies: a change of the table changes no object", function()
    local t = ann:to_table{ depth = 1 }
    t.name, t.posts[1] = "Eve", nil
    assert.equal("Ann", ann.name)
    assert.equal(2, #ann.posts)
  end)
end)

describe("from_table", function()
  local m, s, Parent, Item

  local function open(class)
    m = shelf.open{ collection_class = class }
    s, Parent, Item = m.session, m.Parent, m.Item
  end

  before_each(function() open(nil) end)

  it("makes a new object of what to_table gave, and of what belongs to it", function()
    local p = Parent{ id = 3, items = { Item{ name = "a", day = "2024-01-01" }, Item{ name = "b" } } }
    s:add(p)
    s:commit()
    local t = p:to_table{ depth = 1 }
    local other = Parent:from_table(t)
    assert.equal("transient", mr.inspect(other).state)
    assert.equal(mr.date(2024, 1, 1), other.items[1].day)
    assert.equal(other, other.items[2].parent)
    assert.same(t, other:to_table{ depth = 1 })
    assert.equal(p, s:merge(other))
    assert.equal("", shelf.short(m.db:record(function() s:flush() end)))
  end)

  it("takes objects, and nothing where a reference is mr.null", function()
    local p = Parent{}
    local item = Item:from_table{ name = "a", parent = p }
    assert.equal(p, item.parent)
    assert.is_nil(Item:from_table{ parent = mr.null }.parent)
    assert.equal(5, Item:from_table{ parent = { id = 5 } }.parent.id)
    assert.equal(item, Parent:from_table{ items = { item, { name = "b" } } }.items[1])
  end)

  it("makes a list of a list", function()
    local list = Item:from_table{ { name = "a" }, { name = "b" } }
    assert.equal("{a, b}", tostring(list))
    s:add_all(list)
    s:commit()
    assert.same(Item.query:order_by(Item.id):all():to_table(),
      Item:from_table(Item.query:order_by(Item.id):all():to_table()):to_table())
    refuse("ArgumentError", "from_table: Item[2]: Item has no attribute 'nmae'",
      function() Item:from_table{ {}, { nmae = 1 } } end)
    local p = Parent{ items = list }
    assert.equal(2, #Parent:from_table{ items = p.items }.items)
  end)

  it("fills sets and dicts", function()
    open(mr.set)
    assert.equal(2, #Parent:from_table{ items = { { name = "a" }, { name = "b" } } }.items)
    open(mr.attribute_keyed "name")
    local p = Parent:from_table{ items = { a = { name = "a", code = 1 }, b = { code = 2 } } }
    assert.equal(1, p.items.a.code)
    assert.equal(2, p.items.b.code)
    open(mr.attribute_keyed "code")
    p = Parent{ items = { [7] = Item{ name = "a" } } }
    local other = Parent:from_table(p:to_table{ depth = 1 })
    assert.equal("a", other.items[7].name)
    open(mr.keyed(function(item) return item.name .. item.code end))
    p = Parent:from_table{ items = { whatever = { name = "x", code = 1 } } }
    assert.equal(1, p.items.x1.code)
  end)

  it("names what it does not know, and where", function()
    refuse("ArgumentError", "from_table: Parent: Parent has no attribute 'itms' (did you mean 'items'?)",
      function() Parent:from_table{ itms = {} } end)
    refuse("ArgumentError", "from_table: Parent.items[2]: Item has no attribute 'nmae' (did you mean 'name'?)",
      function() Parent:from_table{ items = { {}, { nmae = "x" } } } end)
    refuse("ArgumentError", "from_table: Parent.items[1]: expected a table of values, or an object of Item, got "
      .. "number 5", function() Parent:from_table{ items = { 5 } } end)
    refuse("ArgumentError", "from_table: Parent.items: expected a list of tables of values, got string",
      function() Parent:from_table{ items = "x" } end)
    refuse("ArgumentError", "from_table: Parent.items[name]: a collection takes a list without holes or other keys",
      function() Parent:from_table{ items = { name = "x" } } end)
    refuse("ArgumentError", "from_table: Parent.items[2]: expected a table of values, or an object of Item, got nil",
      function() Parent:from_table{ items = { {}, nil, {} } } end)
    refuse("ArgumentError", "Item.day: expected a date", function() Item:from_table{ day = "x" } end)
    refuse("ArgumentError", "Parent:from_table: expected one table of values, got nil",
      function() Parent:from_table() end)
    refuse("ArgumentError", "expected one table of values", function() Parent:from_table({}, 5) end)
    refuse("ArgumentError", "from_table is a method of a class: call it with a colon",
      function() Parent.from_table{} end)
  end)

  it("leaves out what the database computes, and calls no __init", function()
    local db = mr.open "sqlite://"
    local Line = db.Model:extend("Line", { id = db.Column{ db.Integer, primary_key = true },
      n = db.Column{ db.Integer }, twice = db.Column{ db.Integer, db.Computed "n * 2" } })
    function Line.__init() error "called" end
    local line = Line:from_table{ id = 1, n = 4, twice = 8 }
    assert.equal(4, line.n)
    assert.is_nil(line.twice)
  end)
end)

describe("pairs of an object", function()
  it("gives what is loaded of its attributes, and loads nothing else", function()
    local m = shelf.open()
    local p = m.Parent{ items = { m.Item{ name = "a" } } }
    m.session:add(p)
    m.session:commit()
    local item = m.Item.query:one()
    local function read(object)
      local t = {}
      for name, value in pairs(object) do t[name] = value end
      return t
    end
    assert.equal(0, #m.db:record(function()
      assert.same({ id = 1, name = "a", parent_id = 1 }, read(item))
    end))
    assert.equal(p, item.parent)
    assert.equal(p, read(item).parent)
    m.session:commit()
    assert.equal(1, #m.db:record(function() assert.equal("a", read(item).name) end))
    assert.same({ name = "b" }, read(m.Item{ name = "b" }))
    local names = {}
    for name in pairs(item) do names[#names + 1] = name end
    assert.equal("id name code day position parent_id", table.concat(names, " "))
  end)

  it("is the class's own, if it has one", function()
    local m = shelf.open()
    function m.Item:__pairs() return next, { own = self.name } end
    local seen = {}
    for key, value in pairs(m.Item{ name = "z" }) do seen[key] = value end
    assert.same({ own = "z" }, seen)
  end)
end)
