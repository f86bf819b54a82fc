-- alter_facts.lua: what a change of a table of PostgreSQL's asks of the server.
--
-- Invariant: nothing is changed, but for a constraint that is added and dropped again to have its condition in the
-- server's words. A driver that only records answers nothing: then what the step says is taken as it is.

local core, require = ...
local ask = require "moonrow.migrate.ask"
local inspector = require "moonrow.reflection.inspector"
local words = require "moonrow.migrate.words"

local alter_facts = {}

local quoted = words.quoted

local function is_recorded(self) return ask(self.connection, "SELECT 1") == nil end

-- alter_facts.count(change, condition): how many rows of the table it holds for.
function alter_facts.count(self, condition)
  return ask(self.connection, core.plain_sql(string.format("SELECT count(*) FROM %s WHERE %s", quoted(self.name),
    condition))) or 0
end

function alter_facts.has_rows(self)
  return ask(self.connection, core.plain_sql("SELECT 1 FROM " .. quoted(self.name) .. " LIMIT 1")) ~= nil
end

-- ---------------------------------------------------------------- columns

-- alter_facts.type_of(change, column): its type, as reflection has it; nil: there is no such column.
function alter_facts.type_of(self, name)
  if is_recorded(self) then return nil end
  local facts = inspector.facts(inspector.new("migrate", self.connection, false), "migrate", self.name)
  for _, column in ipairs(facts and facts.columns or {}) do
    if column.name == name then return column.type end
  end
end

-- The server casts a default to another type where it would cast an inserted value: to a text, or by an assignment.
local IN_THE_WAY = [[SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attrelid = to_regclass(:name) AND a.attname = :column AND a.attgenerated = ''
  AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_type t WHERE t.oid = to_regtype(:type) AND (t.oid = a.atttypid
    OR t.typcategory = 'S' OR EXISTS (SELECT 1 FROM pg_catalog.pg_cast c
      WHERE c.castsource = a.atttypid AND c.casttarget = t.oid AND c.castcontext <> 'e')))]]

-- alter_facts.default_in_the_way(change, column, named): the SQL of the column's default, if it does not become one of
-- the named type by itself; else nil.
function alter_facts.default_in_the_way(self, name, named)
  return ask(self.connection, IN_THE_WAY, { name = quoted(self.name), column = name, type = named })
end

-- ---------------------------------------------------------------- constraints

local NAMES = [[SELECT min(CAST(conname AS TEXT)) FROM (SELECT * FROM pg_catalog.pg_constraint
  WHERE conrelid = to_regclass(:name) AND contype = :kind) AS c ]]

local function find(self, kind, condition, params)
  params = params or {}
  params.name, params.kind = quoted(self.name), kind
  return ask(self.connection, NAMES .. condition, params)
end

-- alter_facts.primary_key(change): the name of the key that the table has, or nil.
function alter_facts.primary_key(self) return find(self, "p", "") end

local COLUMNS = [[WHERE (SELECT string_agg('"' || replace(attname, '"', '""') || '"', ', ' ORDER BY place)
  FROM unnest(conkey) WITH ORDINALITY AS k (number, place) JOIN pg_catalog.pg_attribute ON attrelid = conrelid
  AND attnum = number) = :columns]]

-- The condition as the server writes it tells whether another is the same.
local function find_by_condition(self, condition)
  local probe = "moonrow_probe"
  local function alter(line)
    self.connection:execute(core.plain_sql(string.format("ALTER TABLE %s %s", quoted(self.name), line)))
  end
  alter(string.format("ADD CONSTRAINT %s CHECK (%s) NOT VALID", probe, condition))
  local text = ask(self.connection, [[SELECT pg_get_expr(conbin, conrelid) FROM pg_catalog.pg_constraint
    WHERE conrelid = to_regclass(:name) AND conname = :probe]], { name = quoted(self.name), probe = probe })
  alter("DROP CONSTRAINT " .. probe)
  return find(self, "c", "WHERE pg_get_expr(conbin, conrelid) = :text", { text = text })
end

-- Is it SQL that gives true or false? Anything else would be an error that ends the step.
local function reads_as_condition(text) return text:find "[^%w_$\128-\255]" ~= nil end

local function list(self, kind)
  local sql = [[SELECT string_agg(conname || ' ' || pg_get_constraintdef(oid), '; ' ORDER BY conname)
    FROM pg_catalog.pg_constraint WHERE conrelid = to_regclass(:name) AND contype = :kind]]
  local text = ask(self.connection, sql, { name = quoted(self.name), kind = kind })
  return text and "it has " .. text or "it has none at all"
end

-- alter_facts.find_constraint(change, kind, wanted): the name of the table's constraint of the kind (pg_constraint's
-- letter) that has the name, the columns, or the condition; nil, and what there is, in words: there is none.
function alter_facts.find_constraint(self, kind, wanted)
  if type(wanted) == "string" then
    if is_recorded(self) then return wanted end
    local name = find(self, kind, "WHERE conname = :wanted", { wanted = wanted })
    if name then return name end
  end
  if kind ~= "c" then wanted = type(wanted) == "string" and { wanted } or wanted end
  local name
  if type(wanted) == "table" then name = find(self, kind, COLUMNS, { columns = words.list(wanted) })
  elseif reads_as_condition(wanted) then name = find_by_condition(self, wanted) end
  if name then return name end
  return nil, list(self, kind)
end

return alter_facts
