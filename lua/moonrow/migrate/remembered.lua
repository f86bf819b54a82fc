-- remembered.lua: the tables in which migrations remember what has run.
--
-- Invariant: to ask changes nothing, also where nothing has run yet.

local remembered = {}

-- remembered.has_table(connection, name): is the table there?
function remembered.has_table(connection, name)
  if connection.engine.name == "sqlite" then
    return connection:scalar("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = :name",
      { name = name }) == 1
  end
  local n = connection:scalar("SELECT count(*) FROM information_schema.tables"
    .. " WHERE table_schema = current_schema() AND table_name = :name", { name = name })
  return n ~= nil and n > 0
end

-- remembered.is_empty(connection): has the database no table but those of migrations?
function remembered.is_empty(connection)
  local sql = "SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema()"
    .. " AND table_name NOT IN ('moonrow_steps', 'moonrow_revisions')"
  if connection.engine.name == "sqlite" then
    sql = "SELECT count(*) FROM sqlite_master WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!'"
      .. " AND tbl_name NOT IN ('moonrow_steps', 'moonrow_revisions')"
  end
  local n = connection:scalar(sql)
  return n == nil or n == 0
end

return remembered
