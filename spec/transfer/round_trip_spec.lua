-- What query:export writes, session:import reads as equal values: every type, as CSV and as JSON lines.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local FORMATS = { "csv", "tsv", "jsonl" }

-- Runs fn with the name of a file that goes afterwards.
local function with_file(ending, fn)
  local name = os.tmpname()
  os.remove(name)
  local path = name .. "." .. ending
  local ok, e = pcall(fn, path)
  os.remove(path)
  if not ok then error(e, 0) end
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

-- A class with a column of the type, and one that cannot be NULL beside it.
local function table_of(type)
  local db = mr.open "sqlite://"
  local T = db.Model:extend("T", {
    id = db.Column{ db.Integer, primary_key = true },
    v  = db.Column{ type },
  })
  db:create_all()
  return db, T
end

-- What is stored, by SQLite's own words.
local function stored(db)
  local rows = {}
  for row in db.session:execute(mr.text "SELECT id, quote(v) AS v, typeof(v) AS kind FROM t ORDER BY id"):iter() do
    rows[#rows + 1] = ("%d %s %s"):format(row.id, row.v, row.kind)
  end
  return rows
end

local types = {
  Integer = { mr.Integer, { 0, -1, math.maxinteger, math.mininteger } },
  Float = { mr.Float, { 0.1, -1e300, 1 / 3, 5e-324, math.huge, -math.huge, 3.0 } },
  Numeric = { mr.Numeric(30, 4), { "12345678901234567890.1234", "-0.5" } },
  Boolean = { mr.Boolean, { true, false } },
  String = { mr.String(200), { "", " ", "a,b;c\td", '"', '""', "a\nb\r\nc\r", "NULL", "null", "\\N",
    "\xEF\xBB\xBFx", "é" } },
  LargeBinary = { mr.LargeBinary, { "", "\0", "\0\255", "abc", "abcd", "\\x00" } },
  Date = { mr.Date, { "2024-02-29", "0001-01-01" } },
  Time = { mr.Time, { "13:04:05", "13:04:05.000001" } },
  DateTime = { mr.DateTime, { "2024-02-29 13:04:05", "1969-12-31 23:59:59.999999" } },
  Interval = { mr.Interval, { mr.interval{ days = 1, hours = 2 }, mr.interval{ days = -3, microseconds = 5 } } },
  Enum = { mr.Enum("red", "", "a,b"), { "red", "", "a,b" } },
  Uuid = { mr.Uuid, { "123e4567-e89b-12d3-a456-426614174000" } },
  JSON = { mr.JSON, { mr.null, "text", 1, 2.0, true, {}, mr.array{}, { a = { 1, mr.null } }, mr.array{ "x,y" } } },
  Array = { mr.Array(mr.Integer), { mr.array{}, mr.array{ 1, 2 } } },
}

describe("export and import", function()
  for name, case in pairs(types) do
    it("give each value of " .. name .. " and NULL back", function()
      local db, T = table_of(case[1])
      local rows = { { id = 1 } }
      for i, value in ipairs(case[2]) do rows[i + 1] = { id = i + 1, v = value } end
      db.session:import(T, rows)
      local before = stored(db)
      for _, format in ipairs(FORMATS) do
        with_file(format, function(path)
          assert.equal(#rows, db.session:query(T):order_by(T.id):export{ file = path })
          db.session:query(T):delete()
          assert.equal(#rows, db.session:import(T, path))
          assert.same(before, stored(db), format)
        end)
      end
    end)
  end

  it("keep the bytes of a text that is no UTF-8 in CSV, and say where one is in JSON lines", function()
    local db, T = table_of(mr.String(20))
    db.session:import(T, { { id = 1, v = "a\255" } })
    with_file("csv", function(path)
      db.session:query(T):export{ file = path }
      db.session:query(T):delete()
      db.session:import(T, path)
      assert.same({ "1 'a\255' text" }, stored(db))
    end)
    with_file("jsonl", function(path)
      local query = db.session:query(T)
      refuse("ArgumentError", { "row 1: v", "UTF-8" }, query.export, query, { file = path })
    end)
  end)

  it("pass what a type of the program's gives", function()
    local level = mr.TypeDecorator{ impl = mr.Integer, bind = function(word) return #word end,
      result = function(n) return ("x"):rep(n) end }
    local db, T = table_of(level)
    db.session:import(T, { { id = 1, v = "xxx" }, { id = 2, v = "" } })
    local before = stored(db)
    for _, format in ipairs(FORMATS) do
      with_file(format, function(path)
        db.session:query(T):export{ file = path }
        db.session:query(T):delete()
        db.session:import(T, path)
        assert.same(before, stored(db), format)
      end)
    end
  end)
end)

describe("query:export", function()
  local function shop()
    local db = mr.open "sqlite://"
    local Item = db.Model:extend("Item", {
      id    = db.Column{ db.Integer, primary_key = true },
      name  = db.Column{ "label", db.String(20) },
      notes = db.Column{ db.Text, deferred = true },
      twice = db.Column{ db.Integer, db.Computed "id * 2" },
      loud  = mr.hybrid{ get = function(self) return self.name:upper() end },
    })
    db:create_all()
    db.session:import(Item, { { id = 1, name = "a", notes = "n" }, { id = 2, name = "b,c" } })
    db.session:commit()
    return db, Item
  end

  local function exported(query, given)
    local text
    with_file(given.format or "csv", function(path)
      given.file = path
      query:export(given)
      text = read(path)
    end)
    return text
  end

  it("writes the columns of objects in one statement, deferred ones, too", function()
    local db, Item = shop()
    local text
    local records = db:record(function() text = exported(db.session:query(Item):order_by(Item.id), {}) end)
    assert.equal('id,name,notes,twice\n1,a,n,2\n2,"b,c",,4\n', text)
    assert.equal(1, #records)
  end)

  it("writes chosen columns in their order, hybrids among them, without a header", function()
    local db, Item = shop()
    local query = db.session:query(Item):order_by(Item.id)
    assert.equal('A,1\n"B,C",2\n', exported(query, { columns = { "loud", "id" }, header = false }))
    assert.equal("name;id\na;1\nb,c;2\n", exported(query, { columns = { "name", "id" }, delimiter = ";" }))
  end)

  it("writes rows by the names of what was asked for", function()
    local db, Item = shop()
    local query = db.session:query(Item.id:label "number", Item.name, mr.func.count()):group_by(Item.id)
    local text = exported(query, { format = "jsonl", columns = { "number", "name" } })
    assert.equal('{"number":1,"name":"a"}\n{"number":2,"name":"b,c"}\n', text)
    assert.equal('Item.id,Item.name,Item.notes,Item.twice,id\n1,a,n,2,1\n2,"b,c",,4,2\n',
      exported(db.session:query(Item, Item.id):order_by(Item.id), {}))
  end)

  it("writes into an open file, which stays open", function()
    local db, Item = shop()
    local file = io.tmpfile()
    assert.equal(2, db.session:query(Item.id):order_by(Item.id):export{ format = "csv", file = file })
    file:write "end\n"
    file:seek "set"
    assert.equal("id\n1\n2\nend\n", file:read "a")
    file:close()
  end)

  it("refuses what it cannot do, and says what to write", function()
    local db, Item = shop()
    local query = db.session:query(Item)
    local function no(words, given) refuse("ArgumentError", words, query.export, query, given) end
    no({ "export: file", "the name of a file" }, { format = "csv" })
    no({ "export: format", '"csv", "tsv" or "jsonl"' }, { file = "x.xls" })
    no({ "export: the query has no column 'nmae'", "'name'" }, { file = "/tmp/x.csv", columns = { "nmae" } })
    no({ "export: the file cannot be opened", "/nowhere/" }, { file = "/nowhere/x.csv" })
    no({ "export: delimiter", "one character" }, { file = "/tmp/x.csv", delimiter = "--" })
    no({ "export: columns" }, { file = "/tmp/x.csv", columns = {} })
  end)

  it("keeps a piece of the rows in memory, and no more", function()
    local db, Item = shop()
    local n, total = 0, os.getenv "MOONROW_STRESS" and 300 or 30000
    db.session:import(Item, function()
      n = n + 1
      return n <= total and { id = n + 10, name = "item " .. n, notes = "some notes" } or nil
    end)
    db.session:commit()
    for _, query in ipairs{ db.session:query(Item), db.session:query(Item.id, Item.name) } do
      local first, most = nil, 0
      with_file("jsonl", function(path)
        query:export{ file = path, progress = function()
          collectgarbage()
          first = first or collectgarbage "count"
          most = math.max(most, collectgarbage "count")
        end }
      end)
      assert.is_true(most < first + 300, ("%.0f KB, then %.0f KB"):format(first, most))
    end
  end)

  it("tells that the disk is full", function()
    local db, Item = shop()
    local full = io.open("/dev/full", "wb")
    if not full then return pending "this system has no /dev/full" end
    full:setvbuf "no"
    local query = db.session:query(Item)
    refuse("OperationalError", "export: the file cannot be written", query.export, query,
      { format = "csv", file = full })
    pcall(full.close, full)
    refuse("OperationalError", "export: the file cannot be written", query.export, query,
      { format = "csv", file = "/dev/full" })
  end)
end)
