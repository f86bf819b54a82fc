-- runnable.lua: which views and triggers of a file can be run.
--
-- Invariant: nothing runs and nothing changes: SQLite compiles a statement that would use each. (A rename reads them
-- all, too, but takes minutes for a file with long triggers.)

local core, require = ...
local words = require "moonrow.migrate.words"

local quoted = words.quoted

local PLACES = { BEFORE = 1, AFTER = 1, INSTEAD = 2 } -- words in front of the event

-- "DELETE", "INSERT" or "UPDATE": CREATE TEMP TRIGGER IF NOT EXISTS schema.name INSTEAD OF UPDATE OF ...
local function event_of(sql)
  local list, i = words.read(sql), 1
  while list[i] and list[i].upper ~= "TRIGGER" do i = i + 1 end
  i = i + 1
  if list[i] and list[i].upper == "IF" and list[i + 1].upper == "NOT" then i = i + 3 end
  i = i + (list[i + 1] and list[i + 1].text == "." and 3 or 1)
  local word = list[i] and list[i].upper
  i = i + (word and PLACES[word] or 0)
  return list[i].upper
end

-- Names every column, since a trigger may be of some of them.
local function update_of(connection, name)
  local sets = {}
  local columns = connection:execute("SELECT name FROM pragma_table_xinfo(:name) WHERE hidden = 0", { name = name })
  for _, column in ipairs(columns:scalars():all()) do
    sets[#sets + 1] = string.format("%s = %s", quoted(column), quoted(column))
  end
  return string.format("UPDATE %s SET %s", quoted(name), table.concat(sets, ", "))
end

local statements = {
  SELECT = function(_, name) return "SELECT * FROM " .. quoted(name) end,
  INSERT = function(_, name) return string.format("INSERT INTO %s DEFAULT VALUES", quoted(name)) end,
  DELETE = function(_, name) return "DELETE FROM " .. quoted(name) end,
  UPDATE = update_of,
}

-- The triggers that one statement uses, a list of { of =, event =, names = }.
local function triggers_of(connection)
  local groups, by_use = {}, {}
  local triggers = connection:execute "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'"
  for _, trigger in ipairs(triggers:all()) do
    local event = event_of(trigger.sql)
    local use = event .. " " .. trigger.tbl_name
    if not by_use[use] and statements[event] then
      by_use[use] = { of = trigger.tbl_name, event = event, names = {} }
      groups[#groups + 1] = by_use[use]
    end
    table.insert(by_use[use].names, trigger.name)
  end
  return groups
end

local runnable = {}

-- runnable.broken(connection): those that cannot be run, views first: a list of what they are called in messages, which
-- has by these names what SQLite says.
function runnable.broken(connection)
  local broken = {}
  local function try(what, make, name)
    -- To ask for the columns of a broken view fails, too.
    local ok, err = pcall(function() core.compile_sql(connection, make(connection, name)) end)
    if ok then return end
    broken[#broken + 1], broken[what] = what, type(err) == "table" and err.orig and err.orig.message or tostring(err)
  end
  for _, name in ipairs(connection:execute "SELECT name FROM sqlite_master WHERE type = 'view'":scalars():all()) do
    try("view " .. name, statements.SELECT, name)
  end
  for _, group in ipairs(triggers_of(connection)) do
    local what = (#group.names > 1 and "triggers " or "trigger ") .. table.concat(group.names, ", ")
    try(what, statements[group.event], group.of)
  end
  return broken
end

return runnable
