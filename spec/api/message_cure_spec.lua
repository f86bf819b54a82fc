-- Messages name the cure that the user most likely needs: about objects, values, statements and tables.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local lacks = require "spec.support.models".lacks

local db, s, User, Post

before_each(function()
  db = mr.open "sqlite://"
  User = db.Model:extend("User", {
    __tablename = "user",
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(40) },
    age = db.Column{ db.Integer },
    size = db.Column{ db.Float },
    active = db.Column{ db.Boolean },
    born = db.Column{ db.Date },
    seen = db.Column{ db.DateTime },
    wakes = db.Column{ db.Time },
    rests = db.Column{ db.Interval },
    token = db.Column{ db.Uuid },
    posts = db.relationship("Post", { backref = "author" }),
  })
  Post = db.Model:extend("Post", {
    __tablename = "post",
    id = db.Column{ db.Integer, primary_key = true },
    title = db.Column{ db.String(40) },
    user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
  })
  db:create_all()
  s = db.session
end)

describe("a value of another type", function()
  it("is refused with an article before the type, for every type", function()
    for name, words in pairs{ age = "an integer", size = "a number", active = "a boolean", name = "a string",
      born = "a date", seen = "a datetime", wakes = "a time" } do
      refuse("ArgumentError", ("User.%s: expected %s, got"):format(name, words), User, { [name] = {} })
      refuse("ArgumentError", ("User.%s: expected %s, got"):format(name, words), User[name].eq, User[name], print)
    end
  end)

  it("text that spells a number, a number for text, a number or a word for a boolean", function()
    local number = 'got string "12" (math.tointeger(text) makes one of text)'
    refuse("ArgumentError", { "User.age", number }, User, { age = "12" })
    refuse("ArgumentError", { "User.age", number }, User.age.eq, User.age, "12")
    refuse("ArgumentError", { "User.age", number }, s.execute, s, mr.insert(User), { age = "12" })
    refuse("ArgumentError", { "User.id", 'string "-7"', "math.tointeger" }, s.get, s, User, "-7")
    refuse("ArgumentError", { "User.size", "tonumber(text)" }, User, { size = "1.5" })
    refuse("ArgumentError", { "User.name", "tostring" }, User, { name = 12 })
    refuse("ArgumentError", { "User.active", "write true or false" }, User, { active = 1 })
    refuse("ArgumentError", { "User.active", "write false, without quotes" }, User, { active = "false" })
    for _, text in ipairs{ "x", "", "-", "1.5", "12 ", "1e3" } do
      lacks(refuse("ArgumentError", "User.age: expected an integer", User, { age = text }), "math")
    end
    assert.equal(12, User{ age = math.tointeger "12" }.age)
  end)

  it("a table for an interval, a text that is no uuid", function()
    refuse("ArgumentError", { "User.rests", "mr.interval{ days = 1, hours = 2 }" }, User, { rests = { hours = 1 } })
    refuse("ArgumentError", { "User.rests", "mr.interval" }, User.rests.eq, User.rests, { hours = 1 })
    refuse("ArgumentError", { "User.token", '"12ab"', "32 hexadecimal digits" }, User, { token = "12ab" })
    refuse("ArgumentError", { "User.token", "32 hexadecimal digits" }, User.token.eq, User.token, ("x"):rep(32))
    assert.equal("PT1H", tostring(User{ rests = mr.interval{ hours = 1 } }.rests))
  end)

  it("names the row of a list, and of an import from the beginning of its source", function()
    local rows = { { age = 1 }, { age = 2 }, { age = "3" } }
    refuse("ArgumentError", { "row 3: User.age", '"3"' }, s.execute, s, mr.insert(User), rows)
    refuse("ArgumentError", { "row 2: User.born", "February" }, s.execute, s, mr.insert(User),
      { { born = "2024-02-29" }, { born = "2024-02-30" } })
    for batch = 1, 4 do
      refuse("ArgumentError", { "row 3: User.age", '"3"' }, s.import, s, User, rows, { batch = batch })
      s:rollback()
    end
    assert.equal(0, User.query:count())
  end)

  it("names the first values of the statement where the database refuses a row", function()
    s:execute(mr.insert(User), { id = 7, name = "ann" })
    s:commit()
    local e = refuse("IntegrityError", "user.id", s.execute, s, mr.insert(User),
      { { id = 8, name = "bob" }, { id = 7, name = "cid" } })
    assert.matches('%[e.params: 7, "cid"%]', tostring(e))
    s:rollback()
    s:add_all{ User{ id = 9, name = "dan" }, User{ id = 7, name = "eve" } }
    e = refuse("IntegrityError", "user.id", s.flush, s)
    assert.matches('[e.params: 7, "eve", null', tostring(e), 1, true)
    assert.equal("eve", e.params[2])
    s:rollback()
  end)
end)

describe("dates", function()
  it("of seconds since 1970, and with a zone", function()
    local now = os.time()
    for name in pairs{ born = 1, seen = 1 } do
      refuse("ArgumentError", { "User." .. name, tostring(now), "mr.datetime.from_unix(seconds)" }, User,
        { [name] = now })
    end
    for _, make in ipairs{ mr.date, mr.datetime } do
      refuse("ArgumentError", { tostring(now), "mr.datetime.from_unix(seconds)" }, make, now)
    end
    for _, zone in ipairs{ "Z", "z", "+01:00", "-0230", "+02" } do
      local text = "2024-02-29T10:00:00" .. zone
      local words = { text, ('no zone: mr.datetime.from_iso turns "%s" into UTC'):format(zone) }
      refuse("ArgumentError", words, User, { seen = text })
      refuse("ArgumentError", words, mr.datetime, text)
      refuse("ArgumentError", words, User.seen.gt, User.seen, text)
    end
    lacks(refuse("ArgumentError", "User.born", User, { born = "2024-02-30Z" }), "zone")
  end)

  it('are made by mr.date, mr.time and mr.datetime of the tables of os.date "*t"', function()
    local fields = { year = 2024, month = 2, day = 29, hour = 13, min = 4, sec = 5, yday = 60, wday = 5, isdst = false }
    assert.equal("2024-02-29 13:04:05", tostring(mr.datetime(fields)))
    assert.equal("2024-02-29", tostring(mr.date(fields)))
    assert.equal("13:04:05", tostring(mr.time(fields)))
    assert.equal("1970-01-01 00:01:00", tostring(mr.datetime(os.date("!*t", 60))))
    fields.day = 31
    refuse("ArgumentError", "February 2024 has no day 31", mr.datetime, fields)
  end)

  it("and times of a datetime are made by its methods", function()
    local at = mr.datetime "2024-02-29 13:04:05"
    refuse("ArgumentError", { "User.born", "datetime 2024-02-29 13:04:05", "to_date()" }, User, { born = at })
    refuse("ArgumentError", { "User.wakes", "datetime 2024-02-29 13:04:05", "to_time()" }, User, { wakes = at })
    refuse("ArgumentError", { "User.born", "to_date()" }, User.born.ge, User.born, at)
    local user = User{ born = at:to_date(), wakes = at:to_time() }
    assert.equal("2024-02-29 13:04:05", tostring(user.born) .. " " .. tostring(user.wakes))
    lacks(refuse("ArgumentError", "User.wakes", User, { wakes = mr.date(2024, 2, 29) }), "to_")
  end)

  it("and numbers have no arithmetic, but intervals have", function()
    local day, at, time = mr.date(2024, 1, 1), mr.datetime(2024, 1, 1), mr.time(1, 1)
    refuse("ArgumentError", { "2024-01-01 + number 1", "mr.interval{ days = 1 }" }, function() return day + 1 end)
    refuse("ArgumentError", { "number 1 + 2024-01-01", "mr.interval{ days = 1 }" }, function() return 1 + day end)
    refuse("ArgumentError", { "- number 60", "mr.interval{ seconds = 1 }" }, function() return at - 60 end)
    refuse("ArgumentError", "a time of day has no arithmetic", function() return time + 60 end)
    refuse("ArgumentError", "a time of day has no arithmetic", function() return time + mr.interval(60) end)
    refuse("ArgumentError", "a time of day has no arithmetic", function() return time - time end)
    refuse("ArgumentError", { "2024-01-01 - string", '"x"' }, function() return day - "x" end)
    lacks(refuse("ArgumentError", "2024-01-01 * number 2", function() return day * 2 end), "interval")
  end)
end)

describe("where an object is wanted", function()
  it("a list, a table of values, a class, a query or nil tells what to write", function()
    refuse("ArgumentError", { "add: ", "add_all" }, s.add, s, { User{} })
    refuse("ArgumentError", { "add: ", "User{ ... }" }, s.add, s, { name = "x" })
    refuse("ArgumentError", { "add_all: ", "User{ ... }" }, s.add_all, s, { { name = "x" } })
    refuse("ArgumentError", { "add_all: ", "given to add" }, s.add_all, s, User{})
    refuse("ArgumentError", { "delete: ", "one object at a time" }, s.delete, s, { User{} })
    refuse("ArgumentError", { "delete: ", "one object at a time" }, s.delete, s, { User{}, User{} })
    refuse("ArgumentError", { "delete: ", "query:first()" }, s.delete, s, User.query)
    refuse("ArgumentError", { "merge: ", "User{ ... }" }, s.merge, s, { id = 1 })
    for _, name in ipairs{ "add", "delete", "refresh", "expunge", "merge" } do
      refuse("ArgumentError", { name, "<class Post>", "Post{ ... } makes an object" }, s[name], s, Post)
    end
    refuse("ArgumentError", { "add: ", "is the variable set?" }, s.add, s, nil)
  end)

  it("by a relationship, the same, and a key its column", function()
    local ann = User{ name = "ann" }
    s:add(ann)
    s:commit()
    refuse("ArgumentError", { "Post.author: expected a User", "(a key belongs to Post.user_id)" }, Post, { author = 1 })
    refuse("ArgumentError", { "Post.author", "Post.user_id" }, Post.author.eq, Post.author, 1)
    refuse("ArgumentError", { "Post.author", "Post.user_id" }, function() Post.query:filter_by{ author = 1 } end)
    refuse("ArgumentError", { "Post.author", "User{ ... }" }, Post, { author = { name = "x" } })
    refuse("ArgumentError", { "Post.author", "User{ ... } makes an object" }, Post, { author = User })
    refuse("ArgumentError", { "User.posts", "Post{ ... }" }, ann.posts.append, ann.posts, { title = "x" })
    refuse("ArgumentError", { "User.posts[1]: expected a Post", "Post{ ... }" }, User, { posts = { { title = "x" } } })
    refuse("ArgumentError", { "User.posts", "(an empty one is {})" }, function() ann.posts = nil end)
    refuse("ArgumentError", { "User.posts", "(an empty one is {})" }, function() ann.posts = mr.null end)
    refuse("ArgumentError", { "User.posts", ":append(object)" }, function() ann.posts = Post{} end)
    ann.posts = {}
    ann.posts = { Post{} }
    assert.equal(1, #ann.posts)
    s:rollback()
  end)
end)

describe("an object where a value is wanted", function()
  it("leads to the relationship, or to the object's key", function()
    local ann = User{ name = "ann" }
    s:add(ann)
    s:commit()
    refuse("ArgumentError", { "Post.user_id", "(the object belongs to Post.author)" }, Post, { user_id = ann })
    refuse("ArgumentError", { "Post.user_id", "Post.author" }, function() Post{}.user_id = ann end)
    refuse("ArgumentError", { "User.age", "the object's key is its attribute 'id'" }, User, { age = ann })
    refuse("ArgumentError", { "User.id", "'id'" }, User.id.eq, User.id, ann)
    refuse("ArgumentError", { "get(User)", "'id'" }, s.get, s, User, ann)
    refuse("ArgumentError", { "Post.user_id", "'id'" }, function() Post.query:filter_by{ user_id = ann } end)
  end)
end)

describe("a table that refers to itself", function()
  it("names remote_side where the parent is given one object", function()
    local function node(name, parent)
      return db.Model:extend(name, {
        __tablename = name:lower(),
        key = db.Column{ db.Integer, primary_key = true },
        parent_key = db.Column{ db.ForeignKey(name:lower() .. ".key") },
        parent = parent(name),
      })
    end
    local Node = node("Node", function(name) return db.relationship(name, { backref = "children" }) end)
    refuse("ArgumentError", { "Node.parent", 'remote_side = "Node.key"' }, Node, { parent = Node{} })
    local Good = node("Good", function(name)
      return db.relationship(name, { backref = "children", remote_side = name .. ".key" })
    end)
    local root = Good{}
    assert.equal(root, Good{ parent = root }.parent)
    lacks(refuse("ArgumentError", "Good.children", Good, { children = root }), "remote_side")
  end)
end)

describe("what SQLite says", function()
  local file

  before_each(function() file = os.tmpname() end)
  after_each(function() os.remove(file) end)

  it("of a table that is not there names create_all and the file", function()
    local other = mr.open("sqlite:///" .. file)
    local id = db.Column{ db.Integer, primary_key = true }
    local Ghost = other.Model:extend("Ghost", { __tablename = "ghost", id = id })
    local words = { "no such table: ghost", "db:create_all()", "(the file is " .. file .. ")" }
    local e = refuse("OperationalError", words, function() Ghost.query:all() end)
    assert.equal("no such table: ghost", e.orig.message)
    other.session:rollback()
    other.session:add(Ghost{})
    refuse("OperationalError", words, other.session.flush, other.session)
    other.session:rollback()
    other:create_all()
    assert.equal(0, Ghost.query:count())
    lacks(refuse("OperationalError", { "no such table: x", "create_all" }, s.execute, s, mr.text "SELECT * FROM x"),
      "the file is")
  end)

  it("of a column that is not there says that create_all does not change a table", function()
    s:execute(mr.text "CREATE TABLE old (id INTEGER PRIMARY KEY)")
    s:commit()
    local Old = db.Model:extend("Old", {
      __tablename = "old",
      id = db.Column{ db.Integer, primary_key = true },
      x = db.Column{ db.Integer },
    })
    local words = { "create_all does not change a table that exists", "ADD COLUMN" }
    refuse("OperationalError", words, function() Old.query:all() end)
    s:rollback()
    s:add(Old{ x = 1 })
    refuse("OperationalError", words, s.flush, s)
    s:rollback()
  end)

  it("of a parameter in the place of a name", function()
    for _, sql in ipairs{ "PRAGMA user_version = :v", "SELECT * FROM :v", "CREATE TABLE :v (x)" } do
      refuse("OperationalError", { "syntax error", "a value alone", "PRAGMA" }, s.execute, s, mr.text(sql), { v = 1 })
      s:rollback()
    end
    lacks(refuse("OperationalError", "syntax error", s.execute, s, mr.text "SELEC 1"), "PRAGMA")
  end)
end)

describe("parameters", function()
  it("are written by name", function()
    refuse("ArgumentError", { "parameters", "{ id = 1 } for :id", "number 1" }, s.execute, s, mr.text "SELECT :a", 1)
    refuse("ArgumentError", { "by name", "number 1" }, s.execute, s, mr.text "SELECT ?", { 1 })
    refuse("ProgrammingError", { "1 parameters, but 0 values", "each as :name" }, s.execute, s, mr.text "SELECT ?")
  end)

  it("that are missing are told with those that were given", function()
    refuse("InvalidRequestError", { "'name'", "(given: 'nmae')" }, s.execute, s, mr.text "SELECT :name", { nmae = 1 })
    refuse("InvalidRequestError", { "'name'", "(given: none)" }, s.execute, s, mr.text "SELECT :name")
    local many = {}
    for i = 1, 50 do many[("parameter_with_a_long_name_%d"):format(i)] = i end
    refuse("InvalidRequestError", { "'name'", "..." }, s.execute, s, mr.text "SELECT :name", many)
  end)
end)

describe("names that SQL and other libraries have", function()
  it("lead to what there is in their place", function()
    for _, name in ipairs{ "mapped_column", "Mapped" } do
      refuse("ArgumentError", { name, "mr.Column" }, function() return mr[name] end)
      refuse("ArgumentError", { name, "mr.Column" }, function() return db[name] end)
    end
    for name, cure in pairs{
      DECIMAL = "mr.Numeric(10, 2)", Decimal = "mr.decimal", ARRAY = "mr.Array", VARCHAR = "mr.String(n)",
    } do
      refuse("ArgumentError", { name, cure }, function() return mr[name] end)
      refuse("ArgumentError", { name, cure }, function() return db[name] end)
    end
    for _, lazy in ipairs{ "dynamic", "write_only" } do
      local base = mr.declarative_base()
      base:extend("Mate", { id = db.Column{ db.Integer, primary_key = true } })
      local Worse = base:extend("Worse", {
        id = db.Column{ db.Integer, primary_key = true },
        mate_id = db.Column{ db.ForeignKey "mate.id" },
        mate = db.relationship("Mate", { lazy = lazy }),
      })
      refuse("MappingError", { "Worse.mate", lazy, "one object" }, Worse)
    end
    refuse("ArgumentError", { "Worst", "__bind_key", "opens two" }, db.Model.extend, db.Model, "Worst",
      { id = db.Column{ db.Integer, primary_key = true }, __bind_key = {} })
    refuse("ArgumentError", { "Worst.__table_args", "'shema'", "schema" }, db.Model.extend, db.Model, "Worst",
      { id = db.Column{ db.Integer, primary_key = true }, __table_args = { shema = "x" } })
    refuse("ArgumentError", { "'binds'", "one engine" }, mr.Session, db.engine, { binds = {} })
    refuse("ArgumentError", { "'binds'", "one engine" }, mr.sessionmaker, { binds = {} })
    refuse("ArgumentError", { "'is_null'", "is_(nil)" }, function() return User.name.is_null end)
    refuse("ArgumentError", { "'lower'", "mr.func.NAME(x)" }, function() return User.name:lower() end)
  end)

  it('an order as SQL writes it ("name desc", "-name") leads to desc()', function()
    local q = User.query
    for _, text in ipairs{ "name desc", "name DESC", "-name", "name  desc" } do
      refuse("ArgumentError", { text, "write User.name:desc()" }, q.order_by, q, text)
    end
    refuse("ArgumentError", { "name asc", "write User.name:asc()" }, q.order_by, q, "name asc")
    refuse("ArgumentError", "'nothing desc'", q.order_by, q, "nothing desc")
    assert.matches("ORDER BY user.name DESC", tostring(q:order_by(User.name:desc())), 1, true)
  end)

  it("an attribute of the class behind a relationship leads to any, has and join", function()
    refuse("ArgumentError", { "User.posts is a relationship", "User.posts:any{ title = ... }", "join(User.posts)",
      "Post.title" }, function() return User.posts.title end)
    refuse("ArgumentError", { "Post.author is a relationship", "Post.author:has{ name = ... }" },
      function() return Post.author.name:eq "x" end)
    assert.equal("posts", User.posts.name)
    assert.equal("author", Post.author.key)
    lacks(refuse("ArgumentError", "'colour'", function() return User.posts.colour end), "join")
  end)

  it("an attribute of a query's class leads to first()", function()
    refuse("ArgumentError", { "'name'", "attribute of User", ":first()" }, function() return User.query.name end)
    refuse("ArgumentError", { "'posts'", ":first()" }, function() return User.query:filter_by{ name = "x" }.posts end)
    lacks(refuse("ArgumentError", "did you mean 'filter'?", function() return User.query.fliter end), ":first()")
  end)

  it("a method that was not called is told of", function()
    local q = User.query
    refuse("ArgumentError", { "order_by", "User.name:desc()" }, q.order_by, q, User.name.desc)
    refuse("ArgumentError", { "filter", "a method is called" }, q.filter, q, User.name.is_)
    refuse("ArgumentError", { "User.id", "a method is called" }, User.id.eq, User.id, User.id.asc)
  end)
end)

describe("an update or delete by a query with a limit or a join", function()
  it("is refused with the subquery to write, by the name of the class's key", function()
    local Code = db.Model:extend("Code", { name = db.Column{ db.String(3) }, tag = db.Column{
      db.String(3), primary_key = true } })
    refuse("ArgumentError", { "limit()", "filter(User.id:in_(...))" }, function() User.query:limit(1):delete() end)
    refuse("ArgumentError", { "join()", "filter(Post.id:in_(...))" }, function()
      Post.query:join(Post.author):update{ title = "x" }
    end)
    refuse("ArgumentError", { "offset()", "filter(Code.tag:in_(...))" }, function() Code.query:offset(1):delete() end)
    s:add_all{ User{ name = "ann" }, User{ name = "bob" } }
    s:flush()
    local first = User.query:order_by(User.id):limit(1):with_entities(User.id)
    assert.equal(1, User.query:filter(User.id:in_(first)):delete())
    assert.equal("bob", User.query:one().name)
    s:rollback()
  end)
end)

describe("methods that other libraries have", function()
  it("of a list lead to what a list has", function()
    local user = User{ name = "ann", posts = { Post{ title = "a" }, Post{ title = "b" } } }
    local cures = {
      count = "#list", length = "#list", first = "list[1]", last = "list[#list]", each = "ipairs(list)",
      filter = "with_parent", order_by = "with_parent", add = "append", pop = "table.remove", sort = "table.sort",
    }
    for name, cure in pairs(cures) do
      refuse("ArgumentError", { "collection", "'" .. name .. "'", cure }, function() return user.posts[name] end)
    end
    refuse("ArgumentError", { "'apend'", "did you mean 'append'" }, function() return user.posts.apend end)
    refuse("ArgumentError", { "User.posts", "table.remove(list, 1)" }, user.posts.remove, user.posts, 1)
    refuse("ArgumentError", { "User.posts", "table.remove(list, 9)" }, user.posts.remove, user.posts, 9)
    assert.equal("b", table.remove(user.posts).title)
    refuse("ArgumentError", { "Post", "got string" }, user.posts.remove, user.posts, "a")
  end)

  it("of a query and a select lead to what these have", function()
    local cures = {
      find = ":get(key)", take = ":limit(n)", scalars = "session:scalars", order = ":order_by(x)",
      any = ":count() > 0", length = ":count()", each = "query:iter()", joinedload = ":options(",
      set = ":update{ ... }", select = ":with_entities", destroy = ":delete()", group = ":group_by(x)",
      sum = "mr.func.NAME",
    }
    for name, cure in pairs(cures) do
      refuse("ArgumentError", { "Query", "'" .. name .. "'", cure }, function() return User.query[name] end)
      refuse("ArgumentError", { "Select", "'" .. name .. "'", cure }, function() return mr.select(User)[name] end)
    end
    refuse("ArgumentError", { "'age'", "attribute of User" }, function() return User.query.age end)
    local Own = mr.Query:extend{ find = function(_, name) return name end }
    User.query_class = Own
    assert.equal("x", User.query:find "x")
  end)

  it("of a class and a session lead to a call, and to one object at a time", function()
    refuse("ArgumentError", { "User", "'new'", "is called", "{ name = value }" }, function() return User.new end)
    local user = User{ name = "ann", posts = { Post{}, Post{} } }
    s:add(user)
    s:flush()
    refuse("ArgumentError", { "delete", "one object at a time" }, s.delete, s, user.posts)
    refuse("ArgumentError", { "delete", "get(Class, key)" }, s.delete, s, User, 1)
    refuse("ArgumentError", { "add", "add_all" }, s.add, s, user.posts)
    s:rollback()
  end)
end)
