-- moonrow import: rows of a file into a table; all of them or none.

local migrations = require "spec.support.migrations"
local saved = require "spec.support.saved"
local with_script = require "spec.support.script"

local binary = (os.getenv "BUILD" or "build") .. "/moonrow"

local MODELS = [[
local mr = require "moonrow"
local Base = mr.declarative_base()
Base:extend("Item", { __tablename = "t", id = mr.Column{ mr.Integer, primary_key = true },
  title = mr.Column{ "name", mr.Text, nullable = false }, level = mr.Column{ mr.Integer, default = 7 } })
]]

-- What the command prints, its standard error, and its exit code. input: its standard input.
local function run(arguments, input)
  local errors, given = os.tmpname(), os.tmpname()
  local file = assert(io.open(given, "wb"))
  file:write(input or "")
  file:close()
  local pipe = assert(io.popen(("%s import %s 2>%s <%s"):format(binary, arguments, errors, given)))
  local text = pipe:read "a"
  local _, _, code = pipe:close()
  local said <close> = assert(io.open(errors))
  os.remove(errors)
  os.remove(given)
  return text, said:read "a", code
end

describe("moonrow import", function()
  if not migrations.has_host() then
    pending "the host has not been built"
    return
  end

  local path

  before_each(function()
    path = saved.path()
    saved.make(path, [[CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT NOT NULL, born DATE, level INTEGER,
      twice INT AS (id * 2))]])
  end)
  after_each(function() saved.remove(path) end)

  local function rows() return saved.sqlite3(path, "SELECT id, name, born, level FROM t ORDER BY id") end

  -- Runs it on a file of that ending.
  local function import(ending, text, arguments)
    local name = os.tmpname()
    os.remove(name)
    name = name .. "." .. ending
    local file = assert(io.open(name, "wb"))
    file:write(text)
    file:close()
    local out, said, code = run(("%s %s %s"):format(path, name, arguments))
    os.remove(name)
    return out, said, code
  end

  it("reads CSV, JSON, JSON lines and lines with tabs by the name of the file", function()
    local text, said, code = import("csv", 'name,born\n"Ann, the first",2000-01-02\nBob,\n', "-t t")
    assert.equal("", text)
    assert.equal("moonrow import: 2 rows into t\n", said)
    assert.equal(0, code)
    import("tsv", "id\tname\n10\tCy\n", "-t t")
    import("json", '[{"name": "Dan"},\n {"name": "Eve", "born": "2001-01-01"}]', "--table -t t")
    assert.equal(2, select(3, import("json", "[]", "--table t")))
    import("json", '[{"name": "Dan"},\n {"name": "Eve", "born": "2001-01-01"}]', "-t t")
    assert.equal('{"errors":[],"rows":1,"skipped":0}\n', (import("jsonl", '{"name":"Flo","level":3}\n', "-tt --json")))
    assert.equal("1|Ann, the first|2000-01-02|\n2|Bob||\n10|Cy||\n11|Dan||\n12|Eve|2001-01-01|\n13|Flo||3", rows())
  end)

  it("reads the standard input, and the options of CSV", function()
    local _, _, code = run(path .. " - -t T --format csv --columns ,name,level --delimiter ';'", "x;Ann;1\ny;Bob;2\n")
    assert.equal(0, code)
    run(path .. [[ - -t t --format csv --delimiter '\t']], "name\tlevel\nCy\t3\n")
    assert.equal("1|Ann||1\n2|Bob||2\n3|Cy||3", rows())
  end)

  it("writes all rows or none, and names the line of what is wrong", function()
    local text, said, code = import("csv", "id,name\n1,a\n2,b\n1,c\n", "-t t")
    assert.equal("", text)
    assert.equal("moonrow import: (sqlite) UNIQUE constraint failed: t.id (line 4)\n", said)
    assert.equal(1, code)
    text, said, code = import("csv", "id,name\n1,a\nx,b\n", "-t t --json")
    assert.equal('{"errors":[{"line":3,"message":"line 3: t.id: expected an integer, got string \\"x\\""}],"rows":0,'
      .. '"skipped":0}\n', text)
    assert.equal("", said)
    assert.equal(1, code)
    assert.equal("", rows())
  end)

  it("leaves bad rows out if it is told so, names them, and says so by its status", function()
    local text, said, code = import("csv", "id,name\n1,a\nx,b\n3,\n1,c\n5,e\n", "-t t --skip")
    assert.equal("", text)
    assert.equal([[
moonrow import: line 3: t.id: expected an integer, got string "x"
moonrow import: (sqlite) UNIQUE constraint failed: t.id (line 5)
moonrow import: 3 rows into t, 2 left out
]], said)
    assert.equal(1, code)
    assert.equal("1|a||\n3|||\n5|e||", rows())
    local many = { "id,name" }
    for i = 1, 150 do many[#many + 1] = "x,n" .. i end
    local _, most = import("csv", table.concat(many, "\n"), "-t t --skip")
    assert.equal(102, select(2, most:gsub("\n", "")))
    assert.truthy(most:find("... and 50 more\n", 1, true), most)
  end)

  it("reads as classes say, with their names and defaults", function()
    with_script(MODELS, function(models)
      for _, name in ipairs{ "Item", "t" } do
        local _, said, code = import("csv", "title\nAnn\n", ("-t %s -m %s"):format(name, models))
        assert.equal(0, code, said)
      end
      local _, said, code = import("csv", "title\nAnn\n", "-t Itme -m " .. models)
      assert.equal("moonrow import: no class is called 'Itme' or has such a table (did you mean 'Item'?)\n", said)
      assert.equal(1, code)
    end)
    assert.equal("1|Ann||7\n2|Ann||7", rows())
  end)

  it("says what it has to know", function()
    for arguments, words in pairs{
      ["a b.csv"] = "-t is missing", ["a b -t t"] = "b does not say what is in it: --format csv, tsv, json or jsonl",
      ["a - -t t"] = "the standard input does not say what is in it",
      ["a b -t t --format xml"] = "--format is csv, tsv, json or jsonl, and not 'xml'",
    } do
      local text, said, code = run(arguments)
      assert.equal("", text)
      assert.truthy(said:find(words, 1, true), said)
      assert.equal(2, code)
    end
    local _, said, code = import("csv", "name\nx\n", "-t tt")
    assert.equal("moonrow import: the database has no table 'tt'\n", said)
    assert.equal(1, code)
    _, said = run(path .. " /nowhere/a.csv -t t")
    assert.equal("moonrow import: the file cannot be opened: /nowhere/a.csv: No such file or directory\n", said)
    _, said = import("csv", "nmae\nx\n", "-t t")
    assert.truthy(said:find("t has no column 'nmae' (did you mean 'name'?)", 1, true), said)
  end)

  it("reads what dump writes", function()
    saved.make(path, "INSERT INTO t(name, born, level) VALUES ('a,\"b\"', '2000-01-01', NULL), ('', NULL, 5)")
    local before = rows()
    for _, format in ipairs{ "csv", "json" } do
      local pipe = assert(io.popen(("%s dump %s t --%s"):format(binary, path, format)))
      local text = pipe:read "a"
      pipe:close()
      saved.make(path, "DELETE FROM t")
      local _, said, code = import(format == "json" and "jsonl" or format, text, "-t t")
      assert.equal(0, code, said)
      assert.equal(before, rows())
    end
  end)
end)
