-- values.lua: values in a table that changes: which defaults are plain values, and whether those of a column with
-- another type are of it.
--
-- Invariant: nothing is changed here.

local core, require = ...
local words = require "moonrow.migrate.words"

local values = {}

local plain = { TRUE = true, FALSE = true, NULL = true, X = true }

-- values.is_constant(sql): is it a literal, as ALTER TABLE ADD COLUMN wants it? Behind DEFAULT, in parentheses or not.
function values.is_constant(sql)
  local n = 0
  for i, word in ipairs(words.read(sql)) do
    local is_sign = word.text == "-" or word.text == "+" or word.text == "(" or word.text == ")"
    if word.upper == "DEFAULT" and i == 1 or is_sign then goto next end
    if word.kind ~= "string" and word.kind ~= "number" and not plain[word.upper] then return false end
    n = n + 1
    ::next::
  end
  return n == 1 or n == 2 and sql:find "[xX]'" ~= nil
end

-- SQLite's rules of affinity.
local function affinity(declared)
  local name = declared:upper()
  if name:find "INT" then return "INTEGER" end
  if name:find "CHAR" or name:find "CLOB" or name:find "TEXT" then return "TEXT" end
  if name == "" or name:find "BLOB" then return "BLOB" end
  if name:find "REAL" or name:find "FLOA" or name:find "DOUB" then return "REAL" end
  return "NUMERIC"
end

-- What typeof may say of a value in a column of the affinity. NUMERIC holds dates and the like as text.
local stored_as = { INTEGER = "'integer', 'null'", REAL = "'real', 'null'", TEXT = "'text', 'null'" }

-- values.check_type(change, column): raises where the table has values that did not become the column's new type.
function values.check_type(change, column)
  local fine = stored_as[affinity(column.type)]
  if not fine then return end
  local name = words.quoted(column.name)
  local sql = string.format("SELECT count(*) AS n, min(quote(%s)) AS one FROM %s WHERE typeof(%s) NOT IN (%s)", name,
    words.quoted(change.name), name, fine)
  local row = change.connection:execute(core.plain_sql(sql)):first()
  if row.n == 0 then return end
  core.raise("InvalidRequestError", string.format("alter_column: %d rows of '%s' have a value in '%s' that is no %s,"
    .. " such as %s: say how it is converted, using = 'CAST(...)', or allow_loss = true", row.n, change.name,
    column.name, column.type, row.one))
end

return values
