-- Virtual tables of SQLite as models: sqlite_using, create_all, the unit of work, and what is reflected by name.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local db, s, f

before_each(function()
  db = mr.open "sqlite://"
  s, f = db.session, mr.func
end)
after_each(function() s:remove() end)

local function page(using)
  return db.Model:extend("Page", {
    rowid = db.Column{ db.Integer, primary_key = true },
    title = db.Column{ db.Text },
    body  = db.Column{ db.Text },
    lang  = db.Column{ db.Text, sqlite_type = "UNINDEXED" },
    __table_args = { sqlite_using = using },
  })
end

local function box(module, number)
  return db.Model:extend("Box", {
    id    = db.Column{ db.Integer, primary_key = true },
    x0    = db.Column{ number }, x1 = db.Column{ number },
    y0    = db.Column{ number }, y1 = db.Column{ number },
    label = db.Column{ db.Text, sqlite_type = "TEXT" },
    __table_args = { sqlite_using = module },
  })
end

describe("a table of FTS5", function()
  it("is made by create_all, with its options, and dropped", function()
    local Page = page{ "fts5", tokenize = "porter", prefix = "2 3" }
    assert.equal("CREATE VIRTUAL TABLE page USING "
      .. "fts5(title, body, lang UNINDEXED, prefix = '2 3', tokenize = 'porter')", tostring(mr.CreateTable(Page)))
    db:create_all()
    db:create_all()
    assert.equal("virtual", mr.inspect(db):kind "page")
    db:drop_all()
    assert.is_nil(mr.inspect(db):kind "page")
  end)

  it("takes the arguments as they are written", function()
    assert.equal("CREATE VIRTUAL TABLE page USING fts5(title, body, lang, tokenize='ascii')",
      tostring(mr.CreateTable(page "fts5(title, body, lang, tokenize='ascii')")))
  end)

  it("has its rows inserted, changed, deleted and merged by the unit of work, and is searched", function()
    local Page = page "fts5"
    db:create_all()
    local a, b = Page{ title = "a", body = "lua orm rocks", lang = "en" }, Page{ title = "b", body = "lua lua" }
    s:add_all{ a, b, Page{ rowid = 40, title = "c", body = "none" } }
    s:commit()
    assert.same({ 1, 2 }, { a.rowid, b.rowid })
    assert.equal("c", s:get(Page, 40).title)
    a.body = "quick brown fox"
    s:delete(b)
    s:commit()
    assert.equal(0, Page.query:where(Page.body:match "lua"):count())
    assert.equal(a, Page.query:where(mr.match(Page, "fox")):one())
    assert.equal("quick brown [fox]", s:scalar(mr.select(f.highlight(Page, 1, "[", "]")):where(mr.match(Page, "fox"))))
    assert.equal(0, Page.query:where(mr.match(Page, "en")):count())
    s:merge(Page{ rowid = 40, title = "c", body = "merged words" })
    s:merge(Page{ rowid = 41, title = "d", body = "words words words words" })
    s:commit()
    local ranked = Page.query:where(mr.match(Page, "words")):order_by(f.bm25(Page)):all()
    assert.same({ 41, 40 }, { ranked[1].rowid, ranked[2].rowid })
    s:delete(ranked[1])
    s:delete(ranked[2])
    a.title = "other"
    s:commit()
    assert.equal(1, Page.query:count())
    s:delete(a)
    s:rollback()
    assert.equal("other", Page.query:one().title)
  end)

  it("may have its content in another table, which it refers to", function()
    local Post = db.Model:extend("Post", {
      id   = db.Column{ db.Integer, primary_key = true },
      text = db.Column{ db.Text },
    })
    local Found = db.Model:extend("Found", {
      rowid = db.Column{ db.Integer, db.ForeignKey "post.id", primary_key = true },
      text  = db.Column{ db.Text },
      post  = db.relationship "Post",
      __table_args = { sqlite_using = { "fts5", content = "post", content_rowid = "id" } },
    })
    db:create_all()
    for _, sql in ipairs{
      "CREATE TRIGGER ai AFTER INSERT ON post BEGIN INSERT INTO found (rowid, text) VALUES (new.id, new.text); END",
      [[CREATE TRIGGER au AFTER UPDATE ON post BEGIN
        INSERT INTO found (found, rowid, text) VALUES ('delete', old.id, old.text);
        INSERT INTO found (rowid, text) VALUES (new.id, new.text); END]],
      [[CREATE TRIGGER ad AFTER DELETE ON post BEGIN
        INSERT INTO found (found, rowid, text) VALUES ('delete', old.id, old.text); END]],
    } do s:execute(mr.text(sql)) end
    local one, two = Post{ text = "it's lua" }, Post{ text = "sql" }
    s:add_all{ one, two }
    s:commit()
    local found = Found.query:options(mr.joinedload(Found.post)):where(mr.match(Found, "lua")):one()
    assert.equal(one, found.post)
    one.text, two.text = "c", "lua too"
    s:commit()
    assert.equal(two.id, Found.query:where(mr.match(Found, "lua")):one().rowid)
    s:delete(two)
    s:commit()
    assert.equal(0, Found.query:where(mr.match(Found, "lua")):count())
  end)
end)

describe("a table of R*Tree", function()
  for module, number in pairs{ rtree = "Float", rtree_i32 = "Integer" } do
    it("is made, written and asked: " .. module, function()
      local Box = box(module, db[number])
      assert.equal("CREATE VIRTUAL TABLE box USING " .. module .. "(id, x0, x1, y0, y1, +label TEXT)",
        tostring(mr.CreateTable(Box)))
      db:create_all()
      local a = Box{ x0 = 1, x1 = 2, y0 = 1, y1 = 2, label = "a" }
      s:add_all{ a, Box{ id = 9, x0 = 5, x1 = 6, y0 = 5, y1 = 7, label = "b" } }
      s:commit()
      assert.equal(1, a.id)
      local function labels_in(from, to)
        local q = mr.select(Box.label):where(Box.x0:ge(from), Box.x1:le(to)):order_by(Box.label)
        return table.concat(s:scalars(q):all(), " ")
      end
      assert.equal("a b", labels_in(0, 10))
      assert.equal("b", labels_in(3, 10))
      a.x0, a.x1, a.label = 7, 8, "moved"
      s:merge(Box{ id = 9, x0 = 0, x1 = 1, y0 = 0, y1 = 1, label = "b" })
      s:commit()
      assert.equal("moved", labels_in(3, 10))
      assert.equal(8, s:get(Box, 1).x1)
      s:delete(a)
      s:commit()
      assert.equal("b", labels_in(0, 10))
    end)
  end

  it("refuses a box that is none", function()
    local Box = box("rtree", db.Float)
    db:create_all()
    s:add(Box{ x0 = 2, x1 = 1, y0 = 0, y1 = 1 })
    refuse("IntegrityError", "rtree constraint failed", s.flush, s)
  end)
end)

describe("a virtual table", function()
  it("is refused with what SQLite takes none of", function()
    local function made(using, column, item)
      local md = mr.MetaData()
      return function()
        return tostring(mr.CreateTable(mr.Table{ "v", md, mr.Column{ "rowid", mr.Integer, primary_key = true },
          mr.Column{ "a", mr.Text, unique = column.unique, server_default = column.default },
          item, sqlite_using = using }))
      end
    end
    refuse("ArgumentError", { "'v'", "column a", "unique = true" }, made("fts5", { unique = true }))
    refuse("ArgumentError", { "'v'", "column a", "server_default" }, made("fts5", { default = "x" }))
    refuse("ArgumentError", { "'v'", "a constraint" }, made("fts5", {}, mr.CheckConstraint "a > 1"))
    refuse("ArgumentError", { "'v'", "an index" }, made("fts5", {}, mr.Index("i", "a")))
    refuse("ArgumentError", { "sqlite_using", "the name of a module" }, made(1, {}))
    refuse("ArgumentError", { "sqlite_using", "'tokenize'", "a text or a number" }, made({ "fts5", tokenize = {} }, {}))
    refuse("ArgumentError", { "sqlite_using makes a virtual table", "sqlite_strict" }, function()
      mr.Table{ "w", mr.MetaData(), mr.Column{ "a", mr.Text }, sqlite_using = "fts5", sqlite_strict = true }
    end)
    refuse("ArgumentError", { "'w' has the key 'id'", '"rowid"' }, function()
      return tostring(mr.CreateTable(mr.Table{ "w", mr.MetaData(), mr.Column{ "id", mr.Integer, primary_key = true },
        mr.Column{ "a", mr.Text }, sqlite_using = "fts5" }))
    end)
    refuse("ArgumentError", { "'page'", 'sqlite_using = "fts5"', "postgresql" }, function()
      page "fts5"
      local other = mr.create_engine "mock+postgresql://"
      db.metadata:create_all{ bind = other }
    end)
  end)

  it("is reflected and mapped where it is named, and made again", function()
    for _, sql in ipairs{
      "CREATE TABLE plain (id INTEGER PRIMARY KEY)",
      [[CREATE VIRTUAL TABLE "odd using ""x" USING fts5(title, "the body", tokenize = 'porter ascii')]],
      "CREATE VIRTUAL TABLE box USING rtree(id, x0, x1, +label TEXT)",
      [[INSERT INTO "odd using ""x" VALUES ('a', 'lua rocks')]], "INSERT INTO box VALUES (7, 1, 2, 'seven')",
    } do s:execute(mr.text((sql:gsub(":", "\\:")))) end
    s:commit()
    local name = 'odd using "x'
    db:automap{ only = { name, "box" } }
    local Odd, Box = db.classes.OddUsingX, db.classes.Box
    assert.equal("lua rocks", Odd.query:where(mr.match(Odd, "rock")):one().the_body)
    assert.equal("seven", s:get(Box, 7).label)
    s:get(Box, 7).x1 = 3
    s:add(Odd{ title = "new", the_body = "words" })
    s:commit()
    assert.equal(2, Odd.query:order_by(Odd._rowid:desc()):first()._rowid)
    assert.equal(3, s:scalar(mr.text "SELECT x1 FROM box"))
    local copy, tables = mr.open "sqlite://", mr.MetaData()
    tables:reflect{ bind = db.engine, only = { name, "box" } }
    tables:create_all{ bind = copy.engine }
    for _, each in ipairs{ name, "box" } do
      assert.equal(mr.inspect(db):table_options(each).sql:match "USING.*",
        mr.inspect(copy):table_options(each).sql:match "USING.*")
    end
    local one = mr.Table("box", mr.MetaData(), { autoload_with = db })
    assert.equal("id", one.primary_key[1].name)
  end)

  it("is left out of what is not named", function()
    s:execute(mr.text "CREATE VIRTUAL TABLE doc USING fts5(a)")
    s:execute(mr.text "CREATE TABLE plain (id INTEGER PRIMARY KEY)")
    s:commit()
    local tables = mr.MetaData()
    tables:reflect{ bind = db.engine }
    assert.is_nil(tables.tables.doc)
    assert.is_nil(tables.tables.doc_data)
    db:automap()
    assert.is_nil(rawget(db.classes, "Doc"))
  end)
end)
