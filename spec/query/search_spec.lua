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

  it("names the words that it cannot read, and the cure", function()
    local function search(words) return s:execute(mr.select(Doc.title):where(mr.match(Doc, words))):all() end
    for _, words in ipairs{ 'a "b', "AND", "a AND", "lua-orm", "nowhere: x", "", "'", "^", "*", "(", "a ) b" } do
      local e = refuse("OperationalError", { "language of FTS5", [[match '"a-b"']] }, search, words)
      assert.same({ words }, e.params)
    end
    assert.equal(1, #search '"lua-orm"')
    assert.equal("a", search('"lua orm"')[1][1])
    assert.equal("a", search('"' .. ("lua orm"):gsub('"', '""') .. '"')[1][1])
    refuse("OperationalError", { "no such column: user", "tables of FTS5" },
      function() return s:query(User.id):filter(mr.match(User, "x")):all() end)
    refuse("OperationalError", { "no such column: nope", "is it spelled so" },
      function() return s:query(Doc.title):filter(Doc.body:match "x", mr.column("nope"):eq(1)):all() end)
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

describe("full text search of a table's texts", function()
  local Entry, Found, db

  -- The texts stand in the table alone: content= says where the search reads them.
  before_each(function()
    db = w.db
    Entry = db.Model:extend("Entry", { id = db.Column{ db.Integer, primary_key = true },
      title = db.Column{ db.String(20) }, body = db.Column{ db.Text },
      user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
      author = db.relationship("User", { backref = "entries" }) })
    function Entry:__tostring() return self.title end
    db:create_all()
    s:execute(mr.text "CREATE VIRTUAL TABLE entry_text USING fts5(title, body, content='entry', content_rowid='id')")
    Found = db.Model:extend("Found", { __tablename = "entry_text",
      rowid = db.Column{ db.Integer, db.ForeignKey "entry.id", primary_key = true },
      title = db.Column{ db.String }, body = db.Column{ db.Text }, rank = db.Column{ db.Float },
      entry = db.relationship "Entry" })
    s:add_all{ Entry{ title = "t1", body = "lua and lua", user_id = 1 },
      Entry{ title = "t2", body = "lua and c", user_id = 2 }, Entry{ title = "t3", body = "nothing", user_id = 1 } }
    s:flush()
    s:execute(mr.text "INSERT INTO entry_text(entry_text) VALUES ('rebuild')")
    s:commit()
    s:expunge_all()
  end)

  it("finds objects by a join, in the order of rank", function()
    local q = s:query(Entry):join(Found, Found.rowid:eq(Entry.id)):filter(mr.match(Found, "lua"))
    w.gives("t1; t2", q:order_by(Found.rank), "SELECT entry.id AS entry_id, entry.title AS entry_title, " ..
      "entry.body AS entry_body, entry.user_id AS entry_user_id FROM entry JOIN entry_text " ..
      "ON entry_text.rowid = entry.id WHERE entry_text MATCH ? ORDER BY entry_text.rank")
    w.gives("t2; t1", q:order_by(Found.rank:desc()))
    w.gives("t1", q:order_by(f.bm25(Found, 1.0, 5.0)):limit(1))
    assert.equal(2, q:count())
    assert.equal("{t2}", tostring(q:order_by(Found.rank):paginate{ page = 2, per_page = 1 }.items))
    w.gives("t2", q:join(Entry.author):filter(User.name:eq "bob"))
    w.gives("t1; t2", s:query(Entry):filter(Entry.id:in_(mr.select(Found.rowid):where(mr.match(Found, "lua")))))
  end)

  it("shows where it found the words, beside the object", function()
    w.gives("t1 [lua] and [lua]; t2 [lua] and c", s:query(Entry, f.highlight(Found, 1, "[", "]"))
      :join(Found, Found.rowid:eq(Entry.id)):filter(Found.body:match "lua"):order_by(Entry.id))
    local hits = s:query(Found.rowid, f.snippet(Found, 1, "<", ">", "..", 2):label "part", Found.rank:label "rank")
      :filter(mr.match(Found, "c")):subquery "hits"
    w.gives("t2 ..and <c>", s:query(Entry, hits.c.part):join(hits, hits.c.rowid:eq(Entry.id)):order_by(hits.c.rank))
  end)

  it("loads what it found with its entities, and takes the weights of a query", function()
    local found
    assert.equal(1, #w.sent(function()
      found = Found.query:options(mr.joinedload(Found.entry)):filter(mr.match(Found, "lua")):order_by(Found.rank):all()
      assert.equal("t1", tostring(found[1].entry))
    end))
    assert.equal(2, #found)
    assert.is_true(found[1].rank < found[2].rank)
    local D = mr.aliased(Found)
    w.gives("1; 2", s:query(D.rowid):filter(mr.match(D, mr.bindparam "words")):order_by(D.rank):params{ words = "lua" })
    w.gives("1; 2", mr.union(mr.select(Found.rowid):where(mr.match(Found, "lua")),
      mr.select(Found.rowid):where(mr.match(Found, "c"))):order_by(Found.rowid))
  end)
end)
