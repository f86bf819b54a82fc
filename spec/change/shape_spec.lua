-- What changes_since tells of many UPDATEs of one shape, of which the driver reads only what they set: it is what the
-- table has before and after them, whatever triggers, defaults, computed columns, and changes of the schema do.

local mr = require "moonrow"

local ROWS = 20 -- a shape is looked for after eight rows

local db, session, token

local function execute(sql, ...) session:execute(mr.text(sql), ...) end

-- All rows of the table by id; NULL is mr.null.
local function snapshot()
  local all = {}
  for row in session:execute(mr.text "SELECT * FROM thing"):iter() do
    local values = {}
    for i, name in ipairs(row:keys()) do values[name] = row[i] == nil and mr.null or row[i] end
    all[values.id] = values
  end
  return all
end

-- Takes the changes since the last time back from the table as it is now. They name columns, as no class maps them.
local function before(now)
  local list = {}
  for change in db:changes_since(token) do
    list[#list + 1], token = change, change.token
  end
  for i = #list, 1, -1 do
    local change = list[i]
    assert.equal("update", change.kind)
    local key = type(change.key) == "table" and change.key[1] or change.key
    local row = now[change.new.id or key]
    for name, value in pairs(change.new) do assert.equal(value, row[name], name) end
    now[row.id] = nil
    for name, value in pairs(change.old) do row[name] = value end
    now[row.id] = row
  end
  return now, #list
end

-- Runs the UPDATEs in one transaction; what was told must lead from what the table is to what it was.
local function check(fn, count)
  local was = snapshot()
  fn()
  session:commit()
  local back, told = before(snapshot())
  assert.same(was, back)
  if count then assert.equal(count, told) end
end

local function begin(definition)
  db = mr.open "sqlite://"
  session = db.session
  execute("CREATE TABLE thing (" .. definition .. ")")
  for i = 1, ROWS do
    execute("INSERT INTO thing (id, name, n) VALUES (:i, 'thing ' || :i, :i)", { i = i })
  end
  session:commit()
  token = db:change_token()
end

after_each(function() db.engine:dispose() end)

local function update_each(sql, value)
  return function()
    for i = 1, ROWS do execute(sql, { id = i, value = value and value(i) or mr.null }) end
  end
end

describe("UPDATEs of one shape are told as they are stored", function()
  it("integers, texts, floats, NULL, and values that the column's affinity converts", function()
    begin "id INTEGER PRIMARY KEY, name VARCHAR(40), n INTEGER, r REAL, any, t TEXT"
    local values = { 7, "text", 2.5, "12", mr.null, true, 3.0, math.mininteger, "" }
    for _, column in ipairs{ "n", "name", "r", "any", "t" } do
      local sql = "UPDATE thing SET " .. column .. " = :value WHERE id = :id"
      check(update_each(sql, function(i) return i + 1000 end))
      check(update_each(sql, function(i) return values[i % #values + 1] end))
    end
  end)

  it("with two columns, of which one stays; a row that stays as it was is not told", function()
    begin "id INTEGER PRIMARY KEY, name VARCHAR(40), n INTEGER"
    local sql = "UPDATE thing SET n = :value, name = :name WHERE id = :id"
    check(function()
      for i = 1, ROWS do execute(sql, { id = i, value = i, name = "thing " .. i }) end
    end, 0)
    check(function()
      for i = 1, ROWS do execute(sql, { id = i, value = i, name = i % 2 == 0 and "x" or "thing " .. i }) end
    end, ROWS // 2)
  end)

  it("keys that change, and keys of several columns or of text", function()
    begin "id INTEGER PRIMARY KEY, name VARCHAR(40), n INTEGER"
    check(update_each("UPDATE thing SET id = :value WHERE id = :id", function(i) return i + 100 end), ROWS)
    begin "id INTEGER, name VARCHAR(40), n INTEGER, PRIMARY KEY (id, name)"
    check(update_each("UPDATE thing SET n = :value WHERE id = :id", function(i) return -i end), ROWS)
    begin "id INTEGER PRIMARY KEY DESC, name VARCHAR(40), n INTEGER"
    execute "UPDATE thing SET rowid = rowid + 500"
    session:commit()
    token = db:change_token()
    check(update_each("UPDATE thing SET n = :value WHERE id = :id", function(i) return -i end), ROWS)
  end)

  it("what a trigger changes in the row before and after", function()
    begin "id INTEGER PRIMARY KEY, name VARCHAR(40), n INTEGER, seen INTEGER"
    execute "CREATE TRIGGER a BEFORE UPDATE OF n ON thing BEGIN UPDATE thing SET seen = ifnull(seen, 0) + 1, name = name || '.' WHERE id = old.id; END" -- luacheck: ignore
    check(update_each("UPDATE thing SET n = :value WHERE id = :id", function(i) return i + 50 end), 2 * ROWS)
    execute "DROP TRIGGER a"
    execute "CREATE TRIGGER b AFTER UPDATE OF n ON thing BEGIN UPDATE thing SET n = new.n * 2 WHERE id = new.id; END"
    check(update_each("UPDATE thing SET n = :value WHERE id = :id", function(i) return i + 500 end), 2 * ROWS)
  end)

  it("computed columns", function()
    begin "id INTEGER PRIMARY KEY, name VARCHAR(40), n INTEGER, twice INTEGER AS (n * 2) STORED"
    check(update_each("UPDATE thing SET n = :value WHERE id = :id", function(i) return i + 50 end))
    local changes = 0
    update_each("UPDATE thing SET n = :value WHERE id = :id", function(i) return i + 70 end)()
    session:commit()
    for change in db:changes_since(token) do
      assert.equal(change.new.n * 2, change.new.twice)
      changes = changes + 1
    end
    assert.equal(ROWS, changes)
  end)

  it("after columns were added, dropped, or come in another order", function()
    begin "id INTEGER PRIMARY KEY, gone TEXT, name VARCHAR(40), n INTEGER"
    local sql = "UPDATE thing SET n = :value WHERE id = :id"
    check(update_each(sql, function(i) return i + 100 end), ROWS)
    execute "ALTER TABLE thing DROP COLUMN gone"
    session:commit()
    check(update_each(sql, function(i) return i + 200 end), ROWS)
    execute "ALTER TABLE thing ADD COLUMN added INTEGER NOT NULL DEFAULT 5"
    session:commit()
    check(update_each(sql, function(i) return i + 300 end), ROWS)
    execute "ALTER TABLE thing DROP COLUMN name"
    execute "ALTER TABLE thing ADD COLUMN name TEXT"
    session:commit()
    check(update_each(sql, function(i) return i + 400 end), ROWS)
    check(update_each("UPDATE thing SET name = :value WHERE id = :id", function(i) return "n" .. i end), ROWS)
  end)

  it("of a table in temp that hides the one in main, and the other way round", function()
    begin "id INTEGER PRIMARY KEY, name VARCHAR(40), n INTEGER"
    local sql = "UPDATE thing SET n = :value WHERE id = :id"
    check(update_each(sql, function(i) return i + 100 end), ROWS)
    session:begin(function()
      execute "CREATE TEMP TABLE thing (n TEXT, name TEXT, id INTEGER PRIMARY KEY)"
      execute "INSERT INTO temp.thing (id, name, n) SELECT id, name, n FROM main.thing"
    end)
    token = db:change_token()
    check(update_each(sql, function(i) return i + 200 end), ROWS)
    update_each("UPDATE main.thing SET n = :value WHERE id = :id", function(i) return i + 300 end)()
    session:commit()
    for change in db:changes_since(token) do assert.equal(change.key + 300, change.new.n) end
  end)

  it("while a function of the program is called by the statement", function()
    begin "id INTEGER PRIMARY KEY, name VARCHAR(40), n INTEGER, m INTEGER"
    local inner = 0
    db.engine:create_function("f", function(n)
      inner = inner + 1
      return n + 1
    end, { args = 1 })
    local sql = "UPDATE thing SET n = :value, m = f(n) WHERE id = :id"
    check(update_each(sql, function(i) return i + 100 end), ROWS)
    check(update_each("UPDATE thing SET n = :value WHERE f(id) = :id + 1", function(i) return i + 200 end), ROWS)
    assert.truthy(inner > ROWS)
    check(function() execute "UPDATE thing SET n = n + 1, name = name || '!' WHERE id > 3" end, ROWS - 3)
  end)
end)
