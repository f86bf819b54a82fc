-- renames.lua: tables and columns that have another name now: the database's side as it is when they have got it.
--
-- Invariant: what a database itself renames with a table or column (keys, foreign keys of others, conditions, indexes)
-- has the new name here, too: so that nothing of it differs. Nothing that is known of the database is changed.

local core, require = ...
local parts = require "moonrow.models.parts"
local render = require "moonrow.migrate.render"
local words = require "moonrow.migrate.words"

local renames = {}

local literal = parts.literal

local function refuse(line, ...) core.raise("InvalidRequestError", "--rename: " .. string.format(line, ...)) end

-- ---------------------------------------------------------------- what is asked for

local function sorted_keys(map)
  local keys = {}
  for key in pairs(map) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

local function is_in(both, list, name) return both.by_name(list)[both.fold(name)] ~= nil end

-- The table and column of the database that the text names, "table.column"; nil: there are none.
local function find_column(theirs, text)
  for _, name in ipairs(theirs.table_names()) do
    if text:sub(1, #name + 1) == name .. "." then
      for _, column in ipairs(theirs.facts(name).columns) do
        if name .. "." .. column.name == text then return name, column.name end
      end
    end
  end
end

local function read_table(both, asked, old, new)
  if not is_in(both, both.ours.objects(), new) then refuse("no class has the table %s", new) end
  if is_in(both, both.theirs.objects(), new) and both.fold(new) ~= both.fold(old) then
    refuse("the database has a table %s already", new)
  end
  asked.tables[old] = new
end

local function read_column(both, asked, text, new)
  local name, old = find_column(both.theirs, text)
  if not name then refuse("the database has no %s %s", text:find(".", 1, true) and "column" or "table", text) end
  local target = asked.tables[name] or name
  local facts = both.ours.look(target) and both.ours.facts(target)
  if not facts or not is_in(both, facts.columns, new) then refuse("no class has a column %s.%s", target, new) end
  if is_in(both, both.theirs.facts(name).columns, new) and both.fold(new) ~= both.fold(old) then
    refuse("the database has a column %s.%s already", name, new)
  end
  asked.columns[name] = asked.columns[name] or {}
  asked.columns[name][old] = new
end

-- { tables = { old = new }, columns = { old table = { old = new } } }
local function read(both, given)
  local asked, there = { tables = {}, columns = {} }, {}
  for _, name in ipairs(both.theirs.table_names()) do there[name] = true end
  for _, text in ipairs(sorted_keys(given)) do
    if there[text] then read_table(both, asked, text, given[text]) end
  end
  for _, text in ipairs(sorted_keys(given)) do
    if not there[text] then read_column(both, asked, text, given[text]) end
  end
  return asked
end

-- ---------------------------------------------------------------- the facts with their new names

local function renamed_name(both, map, name)
  for old, new in pairs(map or {}) do
    if both.fold(old) == both.fold(name) then return new end
  end
  return name
end

local function renamed_names(both, map, names)
  local list = {}
  for i, name in ipairs(names) do list[i] = renamed_name(both, map, name) end
  return list
end

-- SQL over the columns. A word in front of a parenthesis is a function.
local function renamed_sql(both, map, sql)
  if not sql or not map then return sql end
  local list = words.read(sql)
  for i = #list, 1, -1 do
    local word, behind = list[i], list[i + 1]
    local is_name = word.kind == "name" or word.kind == "word" and not (behind and behind.text == "(")
    local new = is_name and map[words.name(word)]
    if new then
      local spelled = render.spelled(new, both.keys_need_tables and "postgresql" or "sqlite")
      sql = sql:sub(1, word.from - 1) .. spelled .. sql:sub(word.to + 1)
    end
  end
  return sql
end

local function copy(item, changes)
  local made = {}
  for key, value in pairs(item) do made[key] = value end
  for key, value in pairs(changes) do made[key] = value end
  return made
end

local function map_list(list, fn)
  local made = {}
  for i, item in ipairs(list) do made[i] = fn(item) end
  return made
end

local function renamed_facts(both, asked, facts)
  local own = asked.columns[facts.name]
  return copy(facts, {
    name = asked.tables[facts.name] or facts.name,
    columns = map_list(facts.columns, function(column)
      local computed = column.computed
      return copy(column, { name = renamed_name(both, own, column.name),
        computed = computed and copy(computed, { sqltext = renamed_sql(both, own, computed.sqltext) }) })
    end),
    constraints = map_list(facts.constraints, function(constraint)
      local changes = { sqltext = renamed_sql(both, own, constraint.sqltext) }
      if constraint.columns then changes.columns = renamed_names(both, own, constraint.columns) end
      if constraint.referred_table then
        changes.referred_table = renamed_name(both, asked.tables, constraint.referred_table)
        for name, map in pairs(constraint.referred_columns and asked.columns or {}) do
          if both.fold(name) == both.fold(constraint.referred_table) then
            changes.referred_columns = renamed_names(both, map, constraint.referred_columns)
          end
        end
      end
      return copy(constraint, changes)
    end),
    indexes = map_list(facts.indexes, function(index)
      return copy(index, { where = renamed_sql(both, own, index.where), parts = map_list(index.parts, function(part)
        return copy(part, { column = part.column and renamed_name(both, own, part.column),
          expression = renamed_sql(both, own, part.expression) })
      end) })
    end),
  })
end

-- ---------------------------------------------------------------- the side

local function statements(asked, forwards)
  local up, down = {}, {}
  for _, old in ipairs(sorted_keys(asked.tables)) do
    local new = asked.tables[old]
    up[#up + 1] = string.format("m:rename_table(%s, %s)", literal(old), literal(new))
    table.insert(down, 1, string.format("m:rename_table(%s, %s)", literal(new), literal(old)))
  end
  for _, name in ipairs(sorted_keys(asked.columns)) do
    local t = literal(asked.tables[name] or name)
    for _, old in ipairs(sorted_keys(asked.columns[name])) do
      local new = asked.columns[name][old]
      up[#up + 1] = string.format("m:rename_column(%s, %s, %s)", t, literal(old), literal(new))
      table.insert(down, 1, string.format("m:rename_column(%s, %s, %s)", t, literal(new), literal(old)))
    end
  end
  return forwards and up or down
end

-- renames.apply(both, given): the database's side (models/mirror.lua: facts, look, table_names) with what has another
-- name; has(folded): is there a table or the like of the name?; up, down: the statements that rename, and back. given:
-- { ["table"] = "new", ["table.column"] = "new" }; the table's name is the one that the database has.
function renames.apply(both, given)
  local asked, theirs = read(both, given), both.theirs
  local side, old_names, made = { up = statements(asked, true), down = statements(asked, false) }, {}, {}
  for old, new in pairs(asked.tables) do old_names[new] = old end

  function side.table_names()
    return map_list(theirs.table_names(), function(name) return asked.tables[name] or name end)
  end

  function side.facts(name)
    local facts = made[name] or theirs.facts(old_names[name] or name)
    made[name] = facts and (made[name] or renamed_facts(both, asked, facts))
    return made[name]
  end

  function side.look(name)
    local there = theirs.look(old_names[name] or name)
    return there and there ~= true and copy(there, { name = asked.tables[there.name] or there.name }) or there
  end

  local there = {}
  for _, object in ipairs(theirs.objects()) do there[both.fold(asked.tables[object.name] or object.name)] = true end
  function side.has(folded) return there[folded] == true end

  return side
end

return renames
