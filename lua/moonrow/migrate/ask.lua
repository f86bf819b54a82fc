-- ask.lua: what a migration asks its database.
--
-- Invariant: a driver that only records (mock+postgresql://) answers nothing, and is no error.

-- ask(connection, sql, params): the first column of the first row; nil: there is none.
return function(connection, sql, params)
  local result = connection:execute(sql, params)
  return result.returns_rows and result:scalar() or nil
end
