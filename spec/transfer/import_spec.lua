-- session:import of text: CSV, JSON lines and an array of JSON, hostile ones, too; errors with their lines,
-- rows that are left out.

local mr = require "moonrow"
local items = require "spec.support.library".items
local refuse = require "spec.support.refuse"

-- An iterator of the text's lines.
local function lines_of(text) return (text .. "\n"):gmatch "([^\n]*)\n" end

local function file_of(text)
  local file = io.tmpfile()
  file:write(text)
  file:seek "set"
  return file
end

local function names(Item)
  local found = {}
  for i, item in ipairs(Item.query:order_by(Item.id):all()) do found[i] = item.name end
  return found
end

-- The names that come of a text, read from a handle and from an iterator of lines, which must be equal.
local function imported(text, given)
  local found
  for i = 1, 2 do
    local db, Item = items()
    local options = { format = "csv" }
    for name, value in pairs(given or {}) do options[name] = value end
    local file = i == 1 and file_of(text) or nil
    local lines = text:gmatch "[^\n]*\n"
    db.session:import(Item, file or function()
      local line = lines()
      return line
    end, options)
    local these = names(Item)
    if found then assert.same(found, these) end
    found = these
    if file then file:close() end
  end
  return found
end

describe("import of CSV", function()
  it("reads quotes, delimiters, line breaks and doubled quotes within them", function()
    assert.same({ 'a,"b"', "c\r\nd\n\ne", "", "f" }, imported('name\n"a,""b"""\r\n"c\r\nd\n\ne"\n""\nf\n'))
  end)

  it("takes CRLF, a byte order mark, blank lines and spaces as they are", function()
    assert.same({ "a", " b " }, imported("\xEF\xBB\xBFname,score\r\na,1\r\n\r\n b ,2\r\n"))
    assert.same({ 'a"b' }, imported('name,score\na"b,1\n'))
  end)

  it("needs no line break at the end", function()
    local db, Item = items()
    for _, text in ipairs{ "name\na", 'name\n"a"', 'name\n"a"\r', "name\na\r" } do
      local file <close> = file_of(text)
      assert.equal(1, db.session:import(Item, file, { format = "csv" }), text)
    end
    assert.same({ "a", "a", "a", "a" }, names(Item))
    local empty <close> = file_of ""
    assert.equal(0, db.session:import(Item, empty, { format = "csv" }))
  end)

  it("reads the same wherever a piece of the file ends", function()
    local db = mr.open "sqlite://"
    local T = db.Model:extend("T", { a = db.Column{ db.Text, primary_key = true }, b = db.Column{ db.Text } })
    db:create_all()
    for shift = 0, 14 do -- pieces have 65536 bytes
      local first = ("z"):rep(65536 - 4 - 3 - shift)
      local file <close> = file_of("a,b\n" .. first .. ",1\n" .. '"x"",\r\n","y"\r\n"""",\r\n')
      assert.equal(3, db.session:import(T, file, { format = "csv" }))
      local found = {}
      for i, row in ipairs(db.session:query(T.a, T.b):order_by(T.a):all()) do found[i] = { row[1], row[2] } end
      assert.same({ { '"' }, { 'x",\r\n', "y" }, { first, "1" } }, found)
      db.session:query(T):delete()
    end
  end)

  it("takes another delimiter and quote, and columns by their names, in their order or under other names", function()
    assert.same({ "a;b", "c" }, imported("name;score\n'a;b';1\nc;2\n", { delimiter = ";", quote = "'" }))
    assert.same({ "a", "b" }, imported("1,a,x\n2,b,y\n", { columns = { "score", "name", false } }))
    assert.same({ "a" }, imported("no,nope\na,1\n", { columns = { "name", "score" }, header = true }))
    assert.same({ "a" }, imported("Titel,Preis\na,1\n", { columns = { Titel = "name", Preis = false } }))
    assert.same({ "a" }, imported("label,score\na,1\n"))
  end)

  it("takes an empty field as NULL, as the default where NULL is refused, and as the empty text there", function()
    local db = mr.open "sqlite://"
    local T = db.Model:extend("T", {
      id    = db.Column{ db.Integer, primary_key = true },
      maybe = db.Column{ db.String(9), default = "d" },
      text  = db.Column{ db.String(9), nullable = false },
      n     = db.Column{ db.Integer, nullable = false, default = 7 },
    })
    db:create_all()
    local file <close> = file_of 'id,maybe,text,n\n,,,\n"","","",""\n'
    assert.equal(2, db.session:import(T, file, { format = "csv" }))
    local a, b = table.unpack(T.query:order_by(T.id):all())
    assert.is_nil(a.maybe)
    assert.same({ "", 7, 1 }, { a.text, a.n, a.id })
    assert.same({ "", "", 7 }, { b.maybe, b.text, b.n })
  end)

  it("lets a function change rows, or leave them out", function()
    assert.same({ "A" }, imported("who,much\na,1\nb,2\n", { map = function(row)
      if row.who == "a" then return { name = row.who:upper(), score = row.much } end
    end }))
  end)

  it("sends a batch of rows as one statement, within a savepoint", function()
    local db, Item = items()
    local text = { "name,score" }
    for i = 1, 25 do text[#text + 1] = ("x%d,%d"):format(i, i) end
    local file <close> = file_of(table.concat(text, "\n"))
    local told = {}
    local records = db:record(function()
      db.session:import(Item, file, { format = "csv", batch = 10, progress = function(n) told[#told + 1] = n end })
    end)
    local inserts = 0
    for _, record in ipairs(records) do
      if record.statement:find "^INSERT" then inserts = inserts + 1 end
    end
    assert.equal(3, inserts)
    assert.same({ 10, 20, 25 }, told)
    assert.is_true(db.session:in_transaction())
    db.session:rollback()
    assert.equal(0, Item.query:count())
  end)

  local function no(kind, words, text, given)
    local db, Item = items()
    given = given or {}
    given.format = given.format or "csv"
    local file <close> = file_of(text)
    db.session:import(Item, { { name = "before" } })
    refuse(kind, words, db.session.import, db.session, Item, file, given)
    assert.same({ "before" }, names(Item)) -- all or nothing, and what was before stays
  end

  it("names the line, the column and the value of what is wrong, and takes nothing of the file", function()
    no("ArgumentError", { "line 3: Item.score: expected an integer", '"2x"' }, "name,score\na,1\nb,2x\n", { batch = 1 })
    no("ArgumentError", { "line 5: Item.score", '"1e9"' }, 'name,score\n"a\n\n",1\nb,1e9\n')
    no("ArgumentError", { "line 2: Item.score" }, "name,score\na,99999999999999999999\n")
    no("IntegrityError", { "(line 4)", "UNIQUE" }, "id,name\n11,a\n12,b\n11,c\n")
    no("DataError", { "line 3: 1 fields, where 2 are named" }, "name,score\na,1\nb\n")
    no("DataError", { "line 2: 3 fields, where 2 are named" }, "name,score\na,1,2\n")
    no("DataError", { "line 3: field 1: the quote that it begins with is not closed" }, 'name,score\na,1\n"b,2\nc,3\n')
    no("DataError", { "line 2: field 1: text behind its closing quote" }, 'name,score\n"a"b,1\n')
    no("DataError", { "line 1: the text is UTF-16" }, "\xFF\xFEn\0a\0")
    no("ArgumentError", { "import: Item has no column 'nmae'", "'name'" }, "nmae\na\n")
    no("ArgumentError", { "import: the column 'name' is there twice" }, "name,name\na,b\n")
    no("ArgumentError", { "columns = { ... }" }, "a,1\n", { header = false })
  end)

  it("reads numbers, truth and bytes as they are written by others", function()
    local db = mr.open "sqlite://"
    local T = db.Model:extend("T", { id = db.Column{ db.Integer, primary_key = true }, f = db.Column{ db.Float },
      b = db.Column{ db.Boolean }, x = db.Column{ db.LargeBinary } })
    db:create_all()
    local file <close> = file_of "id,f,b,x\n1.0,+1.5,TRUE,\\x00ff\n+2,1e3,0,AP8=\n3,.5,f,AP8\n"
    db.session:import(T, file, { format = "csv" })
    for i, row in ipairs(db.session:query(T.f, T.b, T.x):order_by(T.id):all()) do
      assert.same({ ({ 1.5, 1000.0, 0.5 })[i], i == 1, "\0\255" }, { row[1], row[2], row[3] })
    end
    for column, bad in pairs{ f = "0x10", b = "maybe", x = "a*b=" } do
      local wrong <close> = file_of(column .. "\n" .. bad .. "\n")
      refuse("ArgumentError", { "line 2: T." .. column, bad }, db.session.import, db.session, T, wrong,
        { format = "csv" })
    end
  end)

  it('with on_error = "skip" takes the other rows, and reports what it left out', function()
    local db, Item = items()
    local file <close> = file_of "id,name,score\n1,a,1\n2,b,x\n1,c,3\n4,d\n5,e,5\n6,,6\n1,g,7\n8,h,8\n"
    local n, report = db.session:import(Item, file, { format = "csv", on_error = "skip" })
    assert.equal(4, n)
    assert.same({ "a", "e", "", "h" }, names(Item))
    assert.equal(4, report.skipped)
    local found = {}
    for _, entry in ipairs(report) do found[entry.line] = entry.message end
    assert.truthy(found[3]:find("line 3: Item.score", 1, true))
    assert.truthy(found[4]:find("(line 4)", 1, true))
    assert.truthy(found[5]:find("2 fields", 1, true))
    assert.truthy(found[8]:find("(line 8)", 1, true))
  end)

  it("keeps the report short, and skips rows of lists, too", function()
    local db, Item = items()
    local rows = {}
    for i = 1, 250 do rows[i] = { id = i, name = i % 2 == 0 and "x" or 5 } end
    local n, report = db.session:import(Item, rows, { on_error = "skip", batch = 60 })
    assert.same({ 125, 125, 100 }, { n, report.skipped, #report })
    assert.equal(199, report[100].row)
    assert.truthy(report[100].message:find("row 199: Item.name", 1, true))
    local m, other = db.session:import(Item, { { nmae = "x" }, { name = "y" } }, { on_error = "skip" })
    assert.same({ 1, 1, 1 }, { m, other.skipped, other[1].row })
  end)

  it("goes on in no way when the database fails", function()
    local db, Item = items()
    local file <close> = file_of "name\na\n"
    db:drop_all()
    refuse("OperationalError", "no such table", db.session.import, db.session, Item, file,
      { format = "csv", on_error = "skip" })
  end)
end)

describe("import of JSON lines", function()
  it("reads an object on each line, blank lines left out", function()
    local text = '\xEF\xBB\xBF{"name":"a\\n","score":null}\r\n\n{"score":2,"name":"b"}'
    local db, Item = items()
    assert.equal(2, db.session:import(Item, lines_of(text), { format = "jsonl" }))
    assert.same({ "a\n", "b" }, names(Item))
    assert.is_nil(Item.query:order_by(Item.id):first().score)
  end)

  it("takes some of the names, or other ones", function()
    local db, Item = items()
    local text = '{"Titel":"a","x":1,"score":3}\n'
    db.session:import(Item, lines_of(text), { format = "jsonl", columns = { Titel = "name", x = false } })
    db.session:import(Item, lines_of '{"name":"b","x":1}\n', { format = "jsonl", columns = { "name" } })
    assert.same({ "a", "b" }, names(Item))
  end)

  it("names the line of what is wrong", function()
    local db, Item = items()
    local function no(kind, words, text)
      refuse(kind, words, db.session.import, db.session, Item, lines_of(text), { format = "jsonl" })
      assert.equal(0, Item.query:count())
    end
    no("DataError", { "line 2: no JSON" }, '{"name":"a"}\n{"name":\n')
    no("DataError", { "line 1: an object of JSON is wanted" }, "[1]\n")
    no("DataError", { "line 1: an object of JSON is wanted" }, "5\n")
    no("ArgumentError", { "line 2: Item has no column 'nmae'" }, '{"name":"a"}\n{"nmae":"b"}\n')
    no("ArgumentError", { "line 3: Item.score", "1.5" }, '{"name":"a"}\n\n{"name":"b","score":1.5}\n')
  end)

  it("takes a decimal from a number of 15 digits at most", function()
    local db = mr.open "sqlite://"
    local T = db.Model:extend("T", {
      id = db.Column{ db.Integer, primary_key = true },
      n  = db.Column{ db.Numeric(20, 3) },
    })
    db:create_all()
    local text = '{"n":0.1}\n{"n":12}\n{"n":"12345678901234567.891"}\n{"n":123456789012.345}\n'
    db.session:import(T, lines_of(text), { format = "jsonl" })
    local found = {}
    for i, row in ipairs(T.query:order_by(T.id):all()) do found[i] = tostring(row.n) end
    assert.same({ "0.100", "12.000", "12345678901234567.891", "123456789012.345" }, found)
    refuse("ArgumentError", { "line 1: T.n", "15 digits", "quotes" }, db.session.import, db.session, T,
      lines_of '{"n":1234567890123456.25}\n', { format = "jsonl" })
  end)
end)

describe("import of an array of JSON", function()
  local text = '\xEF\xBB\xBF [ {"name":"a{[\\"]}\\\\","score":null},\r\n\n{"score":2,\n"name":"b"} ,{"name":"c"}\n]\n'

  it("reads its objects, wherever lines end", function()
    local db, Item = items()
    local file = file_of(text)
    assert.equal(3, db.session:import(Item, file, { format = "json" }))
    file:close()
    assert.same({ 'a{["]}\\', "b", "c" }, names(Item))
    assert.is_nil(Item.query:order_by(Item.id):first().score)
    assert.equal(0, db.session:import(Item, lines_of "[]", { format = "json" }))
    assert.equal(3, db.session:import(Item, lines_of(text), { format = "json" }))
  end)

  it("reads an object that lies in several pieces of the file", function()
    local db = mr.open "sqlite://"
    local T = db.Model:extend("T", { id = db.Column{ db.Integer, primary_key = true }, name = db.Column{ db.Text } })
    db:create_all()
    local function reads(given)
      local file = file_of(given)
      db.session:query(T):delete()
      db.session:import(T, file, { format = "json" })
      file:close()
      return names(T)
    end
    local long = ("x\\n{"):rep(100000)
    assert.same({ (long:gsub("\\n", "\n")), ("y"):rep(70000) },
      reads('[{"name":"' .. long .. '"},{"name":"' .. ("y"):rep(70000) .. '"}]'))
    local small, piece = '[{"name":"a{\\"]}\\\\"},\n{"name":"b"}]', 65536
    for cut = 0, #small do
      assert.same({ 'a{"]}\\', "b" }, reads((" "):rep(piece - cut) .. small))
    end
  end)

  it("names the line where the object begins of what is wrong", function()
    local db, Item = items()
    local function no(kind, words, given)
      refuse(kind, words, db.session.import, db.session, Item, lines_of(given), { format = "json" })
      assert.equal(0, Item.query:count())
    end
    no("DataError", { "line 1: an array of JSON is wanted" }, '{"name":"a"}')
    no("DataError", { "an array of JSON is wanted" }, "")
    no("DataError", { "line 2: no JSON" }, '[{"name":"a"},\n{"name":}]')
    no("DataError", { "line 1: an object of JSON is wanted" }, "[1]")
    no("DataError", { "line 1: an object of JSON is wanted" }, '[{"name":"a"},]')
    no("DataError", { "line 2: a comma is wanted" }, '[{"name":"a"}\n{"name":"b"}]')
    no("DataError", { "line 2: the object has no end" }, '[{"name":"a"},\n{"name":"b]')
    no("DataError", { "the array has no end" }, '[{"name":"a"}\n')
    no("DataError", { "line 1: something stands behind the array" }, '[{"name":"a"}] x')
    no("ArgumentError", { "line 3: Item.score", "1.5" }, '[{"name":"a"},\n\n{"name":"b","score":1.5}]')
    local n, report = db.session:import(Item, lines_of '[{"nmae":"a"},\n{"name":"b"}]', { format = "json",
      on_error = "skip" })
    assert.equal(1, n)
    assert.equal(1, report[1].line)
  end)
end)

describe("import", function()
  it("asks for what it has to know", function()
    local db, Item = items()
    local s = db.session
    local function no(words, ...) refuse("ArgumentError", words, s.import, s, Item, ...) end
    no({ "import: the file cannot be opened", "/nowhere/x.csv" }, "/nowhere/x.csv")
    local closed = io.tmpfile()
    closed:close()
    no({ "import: the file is closed" }, closed, { format = "csv" })
    local query = s:query(Item)
    refuse("ArgumentError", "export: the file is closed", query.export, query, { format = "csv", file = closed })
    no({ "import: the name of the file does not say", "format" }, "/nowhere/x")
    no({ "the iterator gives a string", 'format = "csv"' }, lines_of "name\n")
    no({ "import: format", '"jsonl"' }, "x.csv", { format = "xml" })
    no({ "import: header is for text" }, { { name = "a" } }, { header = true })
    no({ "import: on_error", '"skip" or "raise"' }, { { name = "a" } }, { on_error = "stop" })
    no({ "import: delimiter", "one character" }, lines_of "name\n", { format = "csv", delimiter = "x" })
    no({ "import: columns" }, lines_of "name\n", { format = "csv", columns = "name" })
    no({ "what the iterator gives", "a line" }, function() return 5 end, { format = "csv" })
    no({ "line 2: what map gives" }, lines_of "name\na\n", { format = "csv", map = function() return 5 end })
  end)

  it("fills a table without a class", function()
    local db = mr.open "sqlite://"
    local t = db.Table("t", db.Column("a", db.Integer, { primary_key = true }), db.Column("b", db.JSON))
    db:create_all()
    local file <close> = file_of 'a,b\n1,"{""x"":1}"\n2,null\n3,\n'
    assert.equal(3, db.session:import(t, file, { format = "csv" }))
    local kinds = {}
    for row in db.session:execute(mr.text "SELECT typeof(b) AS kind FROM t ORDER BY a"):iter() do
      kinds[#kinds + 1] = row.kind
    end
    assert.same({ "text", "text", "null" }, kinds)
  end)

  it("keeps a batch in memory, and no more", function()
    local db, Item = items()
    local n, most, first = 0, 0, nil
    local total = os.getenv "MOONROW_STRESS" and 300 or 30000
    db.session:import(Item, function()
      n = n + 1
      if n == 1 then return "name,score" end
      if n <= total + 1 then return "a name,12345" end
    end, { format = "csv", batch = 100, progress = function(count)
      if count % (total / 10) ~= 0 then return end
      collectgarbage()
      first = first or collectgarbage "count"
      most = math.max(most, collectgarbage "count")
    end })
    assert.equal(total, Item.query:count())
    assert.is_true(most < first + 300, ("%.0f KB, then %.0f KB"):format(first, most))
  end)
end)
