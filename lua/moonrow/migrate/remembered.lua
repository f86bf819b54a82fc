-- remembered.lua: the tables in which migrations remember what has run.
--
-- Invariant: to ask changes nothing, also where nothing has run yet.

local _, require = ...
local ask = require "moonrow.migrate.ask"

local remembered = {}

local function count(connection, sql, params) return ask(connection, sql, params) or 0 end

-- remembered.has_table(connection, name): is the table there?
function remembered.has_table(connection, name)
  local sql = "SELECT count(*) FROM information_schema.tables"
    .. " WHERE table_schema = current_schema() AND table_name = :name"
  if connection.engine.name == "sqlite" then
    sql = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = :name"
  end
  return count(connection, sql, { name = name }) > 0
end

-- remembered.make_table(connection, name, sql): runs its CREATE TABLE where it is not there.
function remembered.make_table(connection, name, sql)
  if not remembered.has_table(connection, name) then connection:execute(sql) end
end

-- remembered.is_empty(connection): has the database no table but those of migrations?
function remembered.is_empty(connection)
  local sql = "SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema()"
    .. " AND table_name NOT IN ('moonrow_steps', 'moonrow_revisions')"
  if connection.engine.name == "sqlite" then
    sql = "SELECT count(*) FROM sqlite_master WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!'"
      .. " AND tbl_name NOT IN ('moonrow_steps', 'moonrow_revisions', 'moonrow_history')"
  end
  return count(connection, sql) == 0
end

return remembered
