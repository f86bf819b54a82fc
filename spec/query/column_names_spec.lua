-- The names of columns in subqueries and rows: those of their attributes; the second one of a name is name_1.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

describe("names of columns", function()
  local db, session, Author, Book

  before_each(function()
    db = mr.open "sqlite://"
    session = db.session
    Author = db.Model:extend("Author", {
      id = db.Column{ "author_id", db.Integer, primary_key = true },
      name = db.Column{ "full_name", db.String },
      books = db.relationship{ "Book", back_populates = "author" },
    })
    Book = db.Model:extend("Book", {
      id = db.Column{ "book_id", db.Integer, primary_key = true },
      writer = db.Column{ "author_id", db.Integer, db.ForeignKey "author.author_id" },
      name = db.Column{ db.String },
      author = db.relationship{ "Author", back_populates = "books" },
    })
    db:create_all()
    session:add_all{ Author{ name = "ann", books = { Book{ name = "x" } } }, Author{ name = "bob" } }
    session:commit()
  end)

  local function names(c)
    local list = {}
    for name in pairs(c) do list[#list + 1] = name end
    return table.concat(list, " ")
  end

  local function keys(select)
    local list = {}
    for i, name in ipairs(session:execute(select):keys()) do list[i] = tostring(name) end
    return table.concat(list, " ")
  end

  describe("of a subquery", function()
    it("are the attributes', of a class and of attributes", function()
      for _, q in ipairs{ mr.select(Author), session:query(Author), mr.select(Author.id, Author.name) } do
        for _, from in ipairs{ q:subquery(), q:subquery "s", q:cte(), q:subquery():alias() } do
          assert.equal("id name", names(from.c))
          assert.equal(2, #from.c)
          local rows = session:query(from.c.name):filter(from.c.id:eq(2)):all()
          assert.same({ 1, "bob" }, { #rows, rows[1].name })
        end
      end
    end)

    it("are not mixed up where an attribute has the name of another's column", function()
      local sub = mr.select(Book):subquery()
      assert.equal("id writer name", names(sub.c))
      assert.same({ 1, 1, "x" }, session:execute(mr.select(sub.c.id, sub.c.writer, sub.c.name)):one():unpack() and
        { session:execute(mr.select(sub.c.id, sub.c.writer, sub.c.name)):one():unpack() })
      local Swapped = db.Model:extend("Swapped", {
        id = db.Column{ db.Integer, primary_key = true },
        a = db.Column{ "b", db.String },
        b = db.Column{ "a", db.String },
      })
      db:create_all()
      session:add(Swapped{ a = "is a", b = "is b" })
      local swapped = mr.select(Swapped):subquery()
      local row = session:execute(mr.select(swapped.c.a, swapped.c.b)):one()
      assert.same({ "is a", "is b" }, { row.a, row.b })
    end)

    it("can be said as the database says them where no attribute is called so", function()
      local sub = mr.select(Author):subquery()
      assert.equal("ann", session:scalar(mr.select(sub.c.full_name):where(sub.c.author_id:eq(1))))
      refuse("ArgumentError", { "'nme'", "did you mean 'name'?" }, function() return sub.c.nme end)
    end)

    it("are labels where these were given, and numbered where they come again", function()
      local sub = mr.select(Author.id, Book.id, Author.name:label "who", Book.name, Book.writer, Author.name)
        :where(Book.writer:eq(Author.id)):subquery()
      assert.equal("id id_1 who name writer name_1", names(sub.c))
      local row = session:execute(mr.select(sub.c.id_1, sub.c.who, sub.c.name, sub.c.writer, sub.c.name_1)):one()
      assert.same({ 1, "ann", "x", 1, "ann" }, { row:unpack() })
      assert.equal("name", session:execute(mr.select(sub.c.name)):keys()[1])
    end)

    it("hold for a subquery of a subquery, a join to it and an in_", function()
      local inner = mr.select(Author.id, Author.name):subquery()
      local outer = mr.select(inner.c.id, inner.c.name):where(inner.c.name:eq "ann"):subquery()
      assert.equal("id name", names(outer.c))
      assert.equal(1, Book.query:join(outer, Book.writer:eq(outer.c.id)):count())
      assert.equal(1, Book.query:filter(Book.writer:in_(mr.select(outer.c.id))):count())
      local again = mr.aliased(Author, inner)
      assert.equal("ann", session:query(again):order_by(again.id):first().name)
    end)

    it("hold for a union", function()
      local sub = mr.select(Author.name):union(mr.select(Book.name)):subquery()
      local seen = {}
      for i, row in ipairs(session:execute(mr.select(sub.c[1]):order_by(sub.c[1])):all()) do seen[i] = row[1] end
      assert.same({ "ann", "bob", "x" }, seen)
    end)
  end)

  describe("of a row of a select", function()
    local function joined(...)
      return mr.select(...):where(Book.writer:eq(Author.id))
    end

    it("are numbered from the second on", function()
      assert.equal("name name_1", keys(joined(Author.name, Book.name)))
      local row = session:execute(joined(Author.name, Book.name)):one()
      assert.same({ "ann", "x" }, { row.name, row.name_1 })
      assert.same({ name = "ann", name_1 = "x" }, row:mapping())
      assert.same({ name = "ann", name_1 = "x" }, session:execute(joined(Author.name, Book.name)):mappings():one())
    end)

    it("are numbered for columns that come twice, of aliases, functions and labels", function()
      local other = mr.aliased(Author)
      assert.equal("name name_1 name_2", keys(mr.select(Author.name, Author.name, Author.name)))
      assert.equal("name name_1", keys(mr.select(Author.name, other.name)))
      assert.equal("count count_1 id", keys(joined(mr.func.count(), mr.func.count(Book.id), Author.id)))
      assert.equal("name name_1", keys(joined(Author.name, Book.id:label "name")))
      assert.equal("id id_1 writer", keys(joined(Author.id, Book.id, Book.writer)))
      local tables = Author.metadata.tables
      assert.equal("author_id full_name book_id author_id_1 name", keys(mr.select(tables.author, tables.book)))
    end)

    it("never hide a label that looks like a number", function()
      local row = session:execute(joined(Author.name, Book.id:label "name_1", Book.name)):one()
      assert.same({ "ann", 1, "x" }, { row.name, row.name_1, row.name_2 })
    end)

    it("stay what they are for classes, and for a Query", function()
      assert.equal("Author name name_1", keys(joined(Author, Author.name, Book.name)))
      local row = session:query(Author.name, Book.name):filter(Book.writer:eq(Author.id)):one()
      assert.same({ "ann", "x" }, { row.name, row[2] })
    end)
  end)

  describe("of an alias, and of the row that an upsert would insert", function()
    local Odd

    before_each(function()
      Odd = db.Model:extend("Odd", {
        id = db.Column{ db.Integer, primary_key = true },
        left = db.Column{ "right", db.Integer },
        right = db.Column{ "left", db.Integer },
        word = db.Column{ 'the "select"', db.String(9), unique = true },
      })
      db:create_all()
      session:add(Odd{ left = 1, right = 2, word = "a" })
      session:commit()
    end)

    it("are the attributes', before the columns' own", function()
      local o = mr.aliased(Odd, { name = "o" })
      assert.equal('SELECT o."right", o."left", o."the ""select""" FROM odd AS o',
        tostring(mr.select(o.c.left, o.c.right, o.c.word)))
      assert.same({ 1, 2, "a" }, { session:execute(mr.select(o.c.left, o.c.right, o.c.word)):one():unpack() })
      assert.equal("a", session:scalar(mr.select(o.c['the "select"'])))
      refuse("ArgumentError", "'nothing'", function() return o.c.nothing end)
    end)

    it("write what they name", function()
      local insert = mr.insert(Odd):values{ left = 10, right = 20, word = "a" }
      local new = insert.excluded
      local upsert = insert:on_conflict_do_update{ index_elements = { Odd.word },
        set = { left = new.left, right = new.right + Odd.right, word = new.word .. "!" } }
      assert.equal('INSERT INTO odd ("right", "left", "the ""select""") VALUES (?, ?, ?) ON CONFLICT ' ..
        '("the ""select""") DO UPDATE SET "right" = excluded."right", "left" = (excluded."left" + odd."left"), ' ..
        '"the ""select""" = (excluded."the ""select""" || ?)', tostring(upsert))
      session:execute(upsert)
      assert.same({ 10, 22, "a!" }, { session:query(Odd.left, Odd.right, Odd.word):one():unpack() })
      assert.is_not_nil(new['the "select"'])
      refuse("ArgumentError", "'nothing'", function() return new.nothing end)
      session:rollback()
    end)
  end)
end)
