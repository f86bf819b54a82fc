-- Files of other programs go through every kind of change, each table of them, and every version between is opened by
-- plain sqlite3. What is not on this machine is skipped.

local mr = require "moonrow"
local saved = require "spec.support.saved"

local FILES = { "/work/shared/data/chinook.sqlite", "/work/shared/data/northwind.sqlite",
  "/work/shared/data/gdal_sample.gpkg", "/usr/share/proj/proj.db" }

local path, db
after_each(function()
  if db then db.engine:dispose() end
  db = nil
  saved.remove(path)
end)

local function rows(sql) return saved.sqlite3(path, sql) end

local function copy(source)
  local from <close> = assert(io.open(source, "rb"))
  local to <close> = assert(io.open(path, "wb"))
  to:write(from:read "a")
end

-- What plain sqlite3 says of the file; broken keys that it had from the first are no fault.
local function judgement() return rows "PRAGMA integrity_check; PRAGMA foreign_key_check" end

local number = 0
local function migrate(fn, options)
  number = number + 1
  options = options or {}
  options.backup = false
  return db:migrate("spec " .. number, { { "step", fn } }, options)
end

local function quoted(name) return '"' .. name:gsub('"', '""') .. '"' end

-- The tables of the file that a program may change: how many rows each has, and a sum over all their values.
local function contents(tables)
  local parts = {}
  for i, name in ipairs(tables) do
    local list = {}
    for j, column in ipairs(mr.inspect(db, { sample = false }):columns(name)) do
      list[j] = ("sum(length(quote(%s)))"):format(quoted(column.name))
    end
    parts[i] = ("SELECT '%s', count(*), %s FROM %s"):format(name, table.concat(list, ", "), quoted(name))
  end
  return rows(table.concat(parts, ";"))
end

-- Columns, keys, constraints and indexes of the tables, as text.
local function structure(tables)
  local lines = {}
  local seen = mr.inspect(db, { sample = false })
  local function add(...)
    local items = table.pack(...)
    for i = 1, items.n do items[i] = tostring(items[i]) end
    lines[#lines + 1] = table.concat(items, " ")
  end
  for _, name in ipairs(tables) do
    for _, c in ipairs(seen:columns(name)) do
      add(name, c.name, c.declared:upper(), c.nullable, c.default, c.primary_key, c.collation)
    end
    add("key", table.unpack(seen:primary_key(name).constrained_columns))
    for _, c in ipairs(seen:foreign_keys(name)) do
      add("to", c.referred_table, c.constrained_columns[1], c.options.ondelete)
    end
    for _, c in ipairs(seen:unique_constraints(name)) do add("unique", table.unpack(c.column_names)) end
    for _, c in ipairs(seen:check_constraints(name)) do add("check", c.sqltext) end
    for _, c in ipairs(seen:indexes(name)) do add("index", c.name, c.unique, table.unpack(c.column_names)) end
    for _, c in ipairs(seen:triggers(name)) do add("trigger", c.name) end
  end
  return table.concat(lines, "\n")
end

-- The tables whose rows a trigger inserts without naming columns: with a column more it does not run. proj.db has such.
local function counted_tables()
  local counted = {}
  for name in rows "SELECT sql FROM sqlite_master WHERE type = 'trigger'":gmatch "INTO%s+([%w_]+)%s+VALUES" do
    counted[name] = true
  end
  return counted
end

-- The tables that steps may change: those that are no other program's own machinery.
local function changed_tables()
  local list, counted = {}, counted_tables()
  for _, name in ipairs(mr.inspect(db, { sample = false }):table_names()) do
    if not name:find "^sqlite_" and not name:find "^gpkg" and not name:find "^rtree" and not counted[name] then
      list[#list + 1] = name
    end
  end
  return os.getenv "MOONROW_STRESS" and { list[1] } or list
end

-- SQLite reads all triggers for a rename, which takes a second for those of proj.db: then some tables stand for all.
local function renamed(tables)
  local many = tonumber((rows "SELECT count(*) FROM sqlite_master WHERE type = 'trigger'")) > 30
  return many and table.move(tables, 1, 3, 1, {}) or tables
end

-- One step changes every table; plain sqlite3 looks at what it leaves.
local function each(tables, broken, fn)
  migrate(function(m)
    for _, name in ipairs(tables) do fn(m, name) end
  end)
  assert.equal(broken, judgement())
end

-- Which of the tables no foreign key refers to, and have a key.
local function with_free_keys(tables)
  local referred, list = {}, {}
  local seen = mr.inspect(db, { sample = false })
  for _, name in ipairs(seen:table_names()) do
    for _, c in ipairs(seen:foreign_keys(name)) do referred[c.referred_table:lower()] = true end
  end
  for _, name in ipairs(tables) do
    local key = seen:primary_key(name).constrained_columns
    if not referred[name:lower()] and #key > 0 then list[#list + 1] = { name = name, key = key } end
  end
  return list
end

describe("each table of another program's file", function()
  for _, source in ipairs(FILES) do
    local name = source:match "[^/]+$"

    local function open()
      if not saved.exists(source) then return false end
      path = saved.path()
      copy(source)
      db = mr.open("sqlite:///" .. path)
      return true
    end

    it("is changed in every way, and back, with its rows: " .. name, function()
      if not open() then return pending(name .. " is not there") end
      local tables, broken = changed_tables(), judgement()
      local data, before = contents(tables), structure(tables)

      each(tables, broken, function(m, t)
        m:batch(t, function(change)
          change:add_column("moonrow new", mr.Integer, { default = 3, nullable = false })
          change:create_check("moonrow_ck", '"moonrow new" > 1')
        end)
      end)
      local some = renamed(tables)
      each(some, broken, function(m, t)
        m:rename_column(t, "moonrow new", "m")
        m:rename_table(t, t .. " moved")
      end)
      each(some, broken, function(m, t)
        m:rename_table(t .. " moved", t)
        m:rename_column(t, "m", "moonrow new")
      end)
      each(tables, broken, function(m, t)
        m:alter_column(t, "moonrow new", { type = mr.Text, nullable = true, using = "'v' || \"moonrow new\"",
          server_default = "7" })
      end)
      assert.equal("text|v3", rows('SELECT DISTINCT typeof("moonrow new"), "moonrow new" FROM ' .. quoted(tables[1])))
      local free = with_free_keys(tables)
      each(free, broken, function(m, t)
        local columns = table.move(t.key, 1, #t.key, 1, {})
        columns[#columns + 1] = "moonrow new"
        m:batch(t.name, function(change)
          change:create_unique("moonrow_uq", columns)
          change:create_index("moonrow " .. t.name, { "moonrow new" })
        end)
      end)
      each(free, broken, function(m, t)
        m:drop_index("moonrow " .. t.name)
        m:drop_unique(t.name, "moonrow_uq")
      end)
      each(tables, broken, function(m, t)
        m:batch(t, function(change)
          change:drop_check "moonrow_ck"
          change:drop_column("moonrow new", { allow_loss = true })
        end)
      end)
      assert.equal(data, contents(tables))
      assert.equal(before, structure(tables))
    end)

    it("is left as it is by a change that its rows do not allow: " .. name, function()
      if not open() then return pending(name .. " is not there") end
      local seen, refused, unique = mr.inspect(db, { sample = false }), 0, 0
      local before = rows ".dump"
      for _, one in ipairs(changed_tables()) do
        for _, column in ipairs(seen:columns(one)) do
          local counts = rows(("SELECT count(*) - count(%s), count(*) - count(DISTINCT %s) FROM %s"):format(
            quoted(column.name), quoted(column.name), quoted(one)))
          local nulls, twice = counts:match "^(%d+)|(%d+)$"
          local function fails(fn)
            local ok, err = pcall(migrate, fn)
            assert.is_false(ok)
            assert.truthy(tostring(err):find(column.name, 1, true), tostring(err))
          end
          if nulls ~= "0" and column.nullable and refused < 8 then
            fails(function(m) m:alter_column(one, column.name, { nullable = false }) end)
            refused = refused + 1
          end
          if tonumber(twice) > tonumber(nulls) and unique < 5 then
            fails(function(m) m:create_unique("moonrow_uq", one, { column.name }) end)
            unique = unique + 1
          end
        end
      end
      assert.truthy(os.getenv "MOONROW_STRESS" or refused + unique > 0)
      for of in pairs(counted_tables()) do
        local ok, err = pcall(migrate, function(m) m:add_column(of, "m", mr.Integer) end)
        assert.is_false(ok)
        assert.matches("has %d+ columns but %d+ values were supplied", tostring(err))
      end
      assert.equal(before, rows ".dump")
    end)
  end
end)
