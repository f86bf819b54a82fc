-- Regular expressions, which SQLite has by a function of the library with PostgreSQL's rules, and full text search.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local select_support = require "spec.support.select"

local w, User, s, f

before_each(function()
  w = select_support.open()
  User, s, f = w.User, w.session, mr.func
end)
after_each(function() s:remove() end)

local function matches(text, pattern, flags)
  return s:scalar(mr.select(mr.literal(text):regexp_match(pattern, flags and { flags = flags })))
end

describe("regexp_match", function()
  it("finds rows, or those that do not match", function()
    w.gives("ann", mr.select(User.name):where(User.name:regexp_match "^a.n$"),
      "SELECT user.name FROM user WHERE user.name REGEXP ?")
    w.gives("bob; cid", mr.select(User.name):where(~User.name:regexp_match "n"):order_by(User.id),
      "SELECT user.name FROM user WHERE user.name NOT REGEXP ? ORDER BY user.id")
    w.gives("ann", mr.select(User.name):where(User.name:regexp_match("^AN", { flags = "i" })))
    w.gives("ann; bob; cid", mr.select(User.name):where(User.name:regexp_match(User.name)):order_by(User.id))
  end)

  it("is spelled ~ and ~* for PostgreSQL", function()
    local q = mr.select(User.id)
    w.on_postgresql('SELECT "user".id FROM "user" WHERE "user".name ~ $1', q:where(User.name:regexp_match "a"))
    w.on_postgresql('SELECT "user".id FROM "user" WHERE "user".name !~ $1', q:where(~User.name:regexp_match "a"))
    w.on_postgresql('SELECT "user".id FROM "user" WHERE "user".name ~* $1',
      q:where(User.name:regexp_match("a", { flags = "i" })))
    w.on_postgresql([[SELECT "user".id FROM "user" WHERE "user".name !~ ('(?in)' || $1)]],
      q:where(~User.name:regexp_match("a", { flags = "in" })))
  end)

  it("reads line ends, ends and edges of words as PostgreSQL does", function()
    assert.equal(true, matches("a\nb", "a.b"))
    assert.equal(false, matches("ab\n", "b$"))
    assert.equal(true, matches("a\nb", "^b$", "n"))
    assert.equal(false, matches("a\nb", "a.b", "n"))
    assert.equal(true, matches("foo bar", [[\mbar\M]]))
    assert.equal(false, matches("foobar", [[\mbar]]))
    assert.equal(true, matches("foo bar", [[\yfoo\y]]))
    assert.equal(true, matches("foobar", [[o\Yb]]))
    assert.equal(false, matches("a\n", [[a\Z]]))
    assert.equal(true, matches("ab", "a b", "x"))
  end)

  it("knows classes, counts, groups, references and letters beyond ASCII", function()
    for _, pair in ipairs{
      { "[[:alpha:]]+[[:digit:]]", "ab1" }, { "[]a]", "]" }, { "[^]a]", "b" }, { "\\d{2,3}", "123" },
      { "(a|b)\\1", "bb" }, { "\\w", "é" }, { "^.$", "é" }, { "a(?=b)", "ab" }, { "a*?b", "aab" }, { "[\\]x]", "]" },
    } do
      assert.equal(true, matches(pair[2], pair[1]), pair[1])
    end
    assert.equal(true, matches("ÄÖ", "^äö$", "i"))
    assert.equal(true, matches("", "^$"))
  end)

  it("is NULL of NULL", function()
    assert.is_nil(matches(mr.null, "a"))
    w.gives("-", mr.select(mr.literal("a"):regexp_match(mr.literal(mr.null))))
  end)

  it("of bytes that are no text fails nothing", function()
    w.gives("true", mr.select(mr.cast(mr.literal_column "X'61FF62'", mr.Text):regexp_match("b$")))
  end)

  it("is an error where it cannot be read, means two things, or takes too long", function()
    refuse("OperationalError", { "regexp", "parenthesis" }, matches, "a", "(")
    refuse("OperationalError", { "regexp", "backspace", [[\y]] }, matches, "a", [[\ba]])
    refuse("OperationalError", { "regexp", "limit" }, matches, ("a"):rep(40) .. "b", "^(a+)+$")
    assert.equal(true, matches("after an error", "error"))
    refuse("ArgumentError", { "regexp_match", "flags", '"q"' }, matches, "a", "a", "q")
    refuse("ArgumentError", { "regexp_match", "unknown option 'flag'" },
      function() return User.name:regexp_match("a", { flag = "i" }) end)
    refuse("ArgumentError", { "User.name", "nil" }, function() return User.name:regexp_match(nil) end)
  end)

  it("works on each connection, and with many patterns in one statement", function()
    for _ = 1, 3 do
      local connection <close> = w.db.engine:connect()
      assert.equal(1, connection:execute(mr.text "SELECT 'ab' REGEXP 'b'"):scalar())
    end
    local v = mr.values({ mr.column("p", mr.String) }, { { "^a" }, { "b$" }, { "d$" } }, { name = "v" })
    w.gives("ann ^a; bob b$; cid d$",
      mr.select(User.name, v.c.p):where(User.name:regexp_match(v.c.p)):order_by(User.id))
  end)

  it("stands in UPDATE, DELETE and CHECK", function()
    assert.equal(1, s:execute(mr.update(User):where(User.name:regexp_match "^b"):values{ age = 1 }).rowcount)
    s:rollback()
    s:execute(mr.text "CREATE TABLE code (c TEXT CHECK (c REGEXP '^[A-Z]+$'))")
    s:execute(mr.text "INSERT INTO code VALUES ('AB')")
    refuse("IntegrityError", "CHECK", function() s:execute(mr.text "INSERT INTO code VALUES ('a')") end)
  end)
end)

describe("regexp_replace", function()
  local function replaced(...) return s:scalar(mr.select(f.regexp_replace(...))) end

  it("replaces the first match, or each, with groups in it", function()
    assert.equal("bxa", replaced("axa", "a", "b"))
    assert.equal("bxb", replaced("axa", "a", "b", "g"))
    assert.equal("world hello", replaced("hello world", [[(\w+) (\w+)]], [[\2 \1]]))
    assert.equal("[ab]c", replaced("abc", "ab", [[[\&] ]]):gsub(" ", ""))
    assert.equal([[a\c]], replaced("abc", "b", [[\\]]))
    assert.equal("-a-b-é-", replaced("abé", "x*", "-", "g"))
    assert.equal("abc", replaced("abc", "z", "-"))
    assert.is_nil(replaced("abc", "z", mr.null))
    assert.equal("-b-", replaced("abA", "a", "-", "gi"))
    assert.equal("-\n-", replaced("a\na", "^a$", "-", "gn"))
    refuse("OperationalError", { "regexp_replace", "flags" }, replaced, "a", "a", "b", "q")
    local v = mr.values({ mr.column("f", mr.String) }, { { "g" }, { "gi" }, { "" } }, { name = "v" })
    w.gives("A--; ---; A-a", mr.select(f.regexp_replace("Aaa", "a", "-", v.c.f)):select_from(v))
  end)
end)

describe("full text search", function()
  local Doc

  before_each(function()
    s:execute(mr.text "CREATE VIRTUAL TABLE doc USING fts5(title, body)")
    Doc = w.db.Model:extend("Doc", { __tablename = "doc",
      rowid = w.db.Column{ w.db.Integer, primary_key = true },
      title = w.db.Column{ w.db.String },
      body = w.db.Column{ w.db.Text } })
    function Doc:__tostring() return self.title end
    s:add_all{ Doc{ title = "a", body = "lua orm rocks" }, Doc{ title = "b", body = "sql lua lua" },
      Doc{ title = "lua", body = "none" } }
    s:commit()
  end)

  it("searches a column, or the whole table", function()
    w.gives("a; b", mr.select(Doc):where(Doc.body:match "lua"):order_by(Doc.rowid),
      "SELECT doc.rowid, doc.title, doc.body FROM doc WHERE doc.body MATCH ? ORDER BY doc.rowid")
    w.gives("a; b; lua", mr.select(Doc):where(mr.match(Doc, "lua")):order_by(Doc.rowid),
      "SELECT doc.rowid, doc.title, doc.body FROM doc WHERE doc MATCH ? ORDER BY doc.rowid")
    w.gives("a", mr.select(Doc):where(mr.match(Doc, "lua AND orm")))
    w.gives("lua", mr.select(Doc):where(mr.match(Doc.__table, "title: lua")))
  end)

  it("orders by rank, and shows what it found", function()
    w.gives("b; a", mr.select(Doc.title):where(mr.match(Doc, "body: lua")):order_by(f.bm25(Doc)))
    w.gives("b; a", mr.select(Doc.title):where(mr.match(Doc, "body: lua")):order_by(mr.column "rank"))
    w.gives("..orm <rocks>", mr.select(f.snippet(Doc, 1, "<", ">", "..", 2)):where(mr.match(Doc, "rocks")))
    w.gives("lua orm [rocks]", mr.select(f.highlight(Doc, 1, "[", "]")):where(mr.match(Doc, "rocks")))
    assert.equal("Float", tostring(f.bm25(Doc, 10.0, 5.0).type))
  end)

  it("searches an alias", function()
    local D = mr.aliased(Doc)
    local row = s:execute(mr.select(D.title, f.bm25(D)):where(mr.match(D, "rocks"))):one()
    assert.equal("a", row[1])
    assert.is_true(row[2] < 0)
  end)

  it("is spelled @@ for PostgreSQL", function()
    w.on_postgresql("SELECT doc.title FROM doc WHERE doc.body @@ plainto_tsquery($1)",
      mr.select(Doc.title):where(Doc.body:match "lua"))
    w.on_postgresql("SELECT doc.title FROM doc WHERE NOT (doc.body @@ plainto_tsquery($1))",
      mr.select(Doc.title):where(~Doc.body:match "lua"))
  end)

  it("takes a class, a table or a column, and words", function()
    refuse("ArgumentError", { "match", "a class" }, mr.match, "doc", "lua")
    refuse("ArgumentError", { "match", "what to search" }, mr.match, Doc)
    refuse("ArgumentError", "nil", mr.match, Doc, nil)
    refuse("ArgumentError", { "a class is no value" }, function() return f.upper(Doc) end)
  end)
end)
