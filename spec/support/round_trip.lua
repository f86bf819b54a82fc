-- round_trip.lua: what can be asked of any SQLite file: is it reflected, made again elsewhere, mapped, read and written
-- without a loss? Used by a spec, and by `make files`.
--
-- Invariant: the file itself is only read: all is done in a copy.

local mr = require "moonrow"
local process = require "spec.support.process"

local round_trip = {}

local function quote(name) return '"' .. name:gsub('"', '""') .. '"' end

-- ---------------------------------------------------------------- reflected again

local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for key, value in pairs(a) do
    if not same(value, b[key]) then return false, key end
  end
  for key in pairs(b) do
    if a[key] == nil then return false, key end
  end
  return true
end

local function show(value)
  if type(value) ~= "table" then return tostring(value) end
  local words = {}
  for key, item in pairs(value) do words[#words + 1] = tostring(key) .. "=" .. show(item) end
  table.sort(words)
  return "{" .. table.concat(words, " ") .. "}"
end

-- The foreign keys that can be kept: those to tables that are there.
local function kept(i, keys)
  local list = {}
  for _, key in ipairs(keys) do
    local columns = i:kind(key.referred_table) == "table" and i:columns(key.referred_table) or {}
    local found = 0
    for n, name in ipairs(key.referred_columns) do
      for _, column in ipairs(columns) do
        if column.name:lower() == name:lower() then
          found, key.referred_columns[n] = found + 1, column.name
        end
      end
    end
    key.referred_table = key.referred_table:lower()
    for n, name in ipairs(key.constrained_columns) do key.constrained_columns[n] = name:lower() end
    if found > 0 and found == #key.constrained_columns then list[#list + 1] = key end
  end
  return list
end

local function without_types(columns)
  for _, column in ipairs(columns) do column.type = nil end
  return columns
end

local parts = {
  columns = function(i, name) return without_types(i:columns(name)) end,
  primary_key = function(i, name) return i:primary_key(name) end,
  foreign_keys = function(i, name) return kept(i, i:foreign_keys(name)) end,
  unique_constraints = function(i, name) return i:unique_constraints(name) end,
  check_constraints = function(i, name) return i:check_constraints(name) end,
  indexes = function(i, name) return i:indexes(name) end,
  table_options = function(i, name)
    local all = i:table_options(name)
    all.sql = nil
    return all
  end,
}

local function compare(report, before, after, name, how)
  for part, read in pairs(parts) do
    local a, b = read(before, name), read(after, name)
    if not same(a, b) then
      report.problem("%s: %s are reflected differently%s: %s, then %s", name, part, how or "", show(a), show(b))
    end
  end
end

-- What is read of all tables at once is what is read of each by itself.
local function read_alone(report, engine, before)
  local alone = mr.inspect(engine, { sample = false })
  for _, name in ipairs(before:table_names()) do compare(report, before, alone, name, " by themselves") end
  for _, name in ipairs(before:view_names()) do
    if before:view_definition(name) ~= alone:view_definition(name) then
      report.problem("%s: the view is reflected differently by itself", name)
    end
  end
end

-- Reflect, create in another database, reflect there.
local function reflect_again(report, engine)
  local metadata, elsewhere = mr.MetaData(), mr.create_engine "sqlite://"
  local before = metadata:reflect{ bind = engine, views = true, sample = false }
  metadata:create_all{ bind = elsewhere }
  local after = mr.inspect(elsewhere, { sample = false })
  read_alone(report, engine, before)
  for _, name in ipairs(before:table_names()) do
    report.tables = report.tables + 1
    if after:kind(name) ~= "table" then report.problem("%s: was not made again", name)
    else compare(report, before, after, name) end
  end
  for _, name in ipairs(before:view_names()) do
    local readable = #before:columns(name) > 0
    report.views = report.views + 1
    if readable and after:kind(name) ~= "view" then report.problem("%s: the view was not made again", name) end
  end
  elsewhere:dispose()
end

-- ---------------------------------------------------------------- rows

local function attributes_of(class, kind)
  local list = {}
  for name, info in pairs(mr.inspect(class)[kind]) do list[#list + 1] = { name = name, info = info } end
  return list
end

-- Is the object's value that of the row?
local function equal(value, stored, column_type)
  if stored == mr.null then stored = nil end
  if value == nil or stored == nil then return value == stored end
  local word = tostring(column_type)
  if word:find "^Boolean" then
    if math.type(stored) == "integer" then return value == (stored ~= 0) end
    return value == (tostring(stored):find "^[tTyY1]" ~= nil)
  end
  if word:find "^Numeric" then return tonumber(tostring(value)) == tonumber(stored) end
  if word:find "^JSON" then return true end
  if word:find "^Uuid" then
    if #stored == 16 then stored = stored:gsub(".", function(c) return ("%02x"):format(c:byte()) end) end
    return tostring(value):gsub("-", ""):lower() == stored:gsub("-", ""):lower()
  end
  if word:find "^Date" or word:find "^Time" then
    return type(stored) ~= "string" or tostring(value):sub(1, 8) == tostring(stored):gsub("T", " "):sub(1, 8)
  end
  return value == stored and math.type(value) == math.type(stored)
end

-- Every row as an object, compared with the row that plain SQL gives.
local function read_rows(report, db, class, limit)
  local columns, names = attributes_of(class, "columns"), {}
  for i, column in ipairs(columns) do names[i] = quote(column.info.column) end
  local tablename = mr.inspect(class).tablename
  local keys = mr.inspect(class).primary_key
  local by_key, order = {}, {}
  for _, key in ipairs(keys) do
    for i, column in ipairs(columns) do
      if column.name == key then by_key[#by_key + 1], order[#order + 1] = i, names[i] end
    end
  end
  local query = class.query
  for _, key in ipairs(keys) do query = query:order_by(class[key]) end
  local objects = query:limit(limit):all()
  local sql = string.format("SELECT %s FROM %s ORDER BY %s LIMIT %d", table.concat(names, ", "), quote(tablename),
    table.concat(order, ", "), limit)
  local rows, skipped, at = db.session:execute(mr.text(sql)):all(), 0, 0
  for _, row in ipairs(rows) do
    local null = true
    for _, i in ipairs(by_key) do null = null and (row[i] == nil or row[i] == mr.null) end
    if null then
      skipped = skipped + 1 -- a row whose key is NULL is no object
    else
      at = at + 1
      for i, column in ipairs(columns) do
        if objects[at] and not equal(objects[at][column.name], row[i], class.c[column.name].type) then
          report.problem("%s.%s: %s was read as %s", tablename, column.name, show(row[i]),
            show(objects[at][column.name]))
        end
      end
    end
  end
  if at ~= #objects then report.problem("%s: %d rows, and %d objects", tablename, at, #objects) end
  report.rows, report.without_key = report.rows + at, report.without_key + skipped
  db.session:expunge_all()
end

-- ---------------------------------------------------------------- relationships

local loaders = { "lazyload", "joinedload", "selectinload", "subqueryload" }

local function count(objects, name)
  local n = 0
  for _, object in ipairs(objects) do
    local value = object[name]
    if value ~= nil then n = n + (type(value) == "userdata" and mr.inspect(object).class ~= nil
      and pcall(function() return #value end) and #value or 1) end
  end
  return n
end

-- Each way of loading gives as many objects.
local function load_related(report, db, class, limit)
  for _, relationship in ipairs(attributes_of(class, "relationships")) do
    local counts = {}
    for i, loader in ipairs(loaders) do
      local query = class.query:options(mr[loader](class[relationship.name]))
      for _, key in ipairs(mr.inspect(class).primary_key) do query = query:order_by(class[key]) end
      counts[i] = count(query:limit(limit):all(), relationship.name)
      db.session:expunge_all()
    end
    report.relationships = report.relationships + 1
    for i = 2, #loaders do
      if counts[i] ~= counts[1] then
        report.problem("%s.%s: lazyload gives %d objects, %s %d", mr.inspect(class).tablename, relationship.name,
          counts[1], loaders[i], counts[i])
      end
    end
  end
end

-- ---------------------------------------------------------------- writing

-- Another value of the same type; nil: none is known.
local function other(value)
  local kind = type(value)
  if kind == "boolean" then return not value end
  if math.type(value) == "integer" then return value + 1 end
  if math.type(value) == "float" then return value + 1.0 end
  if kind == "string" then return value .. "x" end
  if kind == "userdata" then
    local ok, later = pcall(function() return value + mr.interval{ days = 1 } end)
    if ok then return later end
    ok, later = pcall(function() return value + 1 end)
    if ok then return later end
  end
end

-- Runs fn in a transaction that is committed. False: the database, or a type, refused it.
local function attempt(report, db, fn)
  local ok, e = pcall(function()
    fn()
    db.session:commit()
  end)
  if ok then return true end
  db.session:rollback()
  report.refused[#report.refused + 1] = type(e) == "table" and e.message or tostring(e)
  return false
end

local function change_and_put_back(report, db, class, object)
  for _, column in ipairs(attributes_of(class, "columns")) do
    local old, new
    if not column.info.key and not column.info.computed then
      old = object[column.name]
      new = other(old)
    end
    if new ~= nil then
      local done = attempt(report, db, function()
        object[column.name] = new
        db.session:flush()
        object[column.name] = old
      end)
      report.changed = report.changed + (done and 1 or 0)
    end
  end
end

-- A key that no row has.
local function new_key(db, class, key)
  local value = db.session:scalar(mr.select(mr.func.max(class[key])))
  if math.type(value) == "integer" then return value + 1 end
  if type(value) == "string" then return value .. "z" end
end

local function insert_and_delete(report, db, class, object)
  local values, keys = {}, mr.inspect(class).primary_key
  for _, column in ipairs(attributes_of(class, "columns")) do
    if not column.info.computed and not column.info.key then values[column.name] = object[column.name] end
  end
  for i, key in ipairs(keys) do
    if i == #keys then values[key] = new_key(db, class, key) else values[key] = object[key] end
  end
  if values[keys[#keys]] == nil then return end
  local done = attempt(report, db, function()
    local clone = class(values)
    db.session:add(clone)
    db.session:flush()
    db.session:delete(clone)
  end)
  report.cloned = report.cloned + (done and 1 or 0)
end

-- ---------------------------------------------------------------- the file afterwards

-- Rows that only one of the two files has.
local function differences(report, engine, path)
  local names = mr.inspect(engine, { sample = false })
  local conn <close> = engine:connect{ isolation_level = "AUTOCOMMIT" }
  conn:execute(string.format("ATTACH '%s' AS original", (path:gsub("'", "''"))))
  for _, name in ipairs(names:table_names()) do
    local columns = {}
    for i, column in ipairs(names:columns(name)) do columns[i] = "quote(" .. quote(column.name) .. ")" end
    local list = table.concat(columns, ", ")
    for _, sides in ipairs{ { "main", "original" }, { "original", "main" } } do
      local sql = string.format("SELECT count(*) FROM (SELECT %s FROM %s.%s EXCEPT SELECT %s FROM %s.%s)", list,
        sides[1], quote(name), list, sides[2], quote(name))
      local n = #columns < 1000 and conn:execute(sql):scalar() or 0
      if n > 0 then report.problem("%s: %d rows are only in %s afterwards", name, n, sides[1]) end
    end
  end
  conn:execute "DETACH original"
end

-- ---------------------------------------------------------------- all of it

local function copy(path)
  local to = os.tmpname()
  local from, into = assert(io.open(path, "rb")), assert(io.open(to, "wb"))
  for block in function() return from:read(1 << 20) end do into:write(block) end
  from:close()
  into:close()
  return to
end

local function new_report(path)
  local report = { path = path, tables = 0, views = 0, classes = 0, rows = 0, without_key = 0, relationships = 0,
    changed = 0, cloned = 0, refused = {}, problems = {}, warnings = {}, choices = {} }
  function report.problem(format, ...)
    report.problems[#report.problems + 1] = string.format(format, ...)
  end
  return report
end

local function each_class(db, fn)
  local list = {}
  for name in next, db.classes do list[#list + 1] = name end
  table.sort(list)
  for _, name in ipairs(list) do fn(db.classes[name]) end
end

-- round_trip.check(path, { rows = 1000, parents = 50 }): what has been done with the file, and in problems what went
-- wrong. rows: of each table at most; parents: so many objects whose relationships are loaded.
function round_trip.check(path, limits)
  local report, work = new_report(path), copy(path)
  local rows, parents = limits and limits.rows or math.maxinteger, limits and limits.parents or 50
  local ok, e = pcall(function()
    local engine = mr.create_engine("sqlite:///" .. work)
    reflect_again(report, engine)
    local db <const> = mr.automap("sqlite:///" .. work, { sample = math.huge, views = false })
    report.warnings = db.reflected:warnings()
    each_class(db, function(class)
      report.classes = report.classes + 1
      read_rows(report, db, class, rows)
      load_related(report, db, class, parents)
    end)
    each_class(db, function(class)
      local object = class.query:first()
      if object then
        change_and_put_back(report, db, class, object)
        insert_and_delete(report, db, class, object)
      end
      db.session:expunge_all()
    end)
    for _, name in ipairs(db.reflected:table_names()) do
      for _, line in ipairs(db.reflected:choices(name)) do report.choices[#report.choices + 1] = line end
    end
    db.session:remove()
    db.engine:dispose()
    differences(report, engine, path)
    engine:dispose()
  end)
  if not ok then report.problem("%s", tostring(e)) end
  process.remove(work)
  return report
end

return round_trip
