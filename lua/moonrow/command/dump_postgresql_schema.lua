-- dump_postgresql_schema.lua: what a PostgreSQL database holds besides its rows, as SQL.
--
-- Invariant: names are written as the catalog quotes them, with their schemas, for the search path is empty. What
-- belongs to an extension is made by it. Each function has dump: all(sql, parameters), put(text, ...), and wanted, the
-- set of the tables and views that were asked for, or nil.

local schema = {}

-- Is the object (its oid, its catalog) the program's own? What the server makes with a type depends on it internally; a
-- partitioned table depends so on itself.
local function own(oid, catalog, namespace)
  return ([[NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.classid = '%s'::regclass AND e.objid = %s AND (e.deptype = 'e'
    OR e.deptype = 'i' AND e.refobjid <> e.objid))
    AND %s IN (SELECT oid FROM pg_namespace WHERE nspname <> 'information_schema' AND nspname !~ '^pg_')]])
    :format(catalog, oid, namespace)
end

local RELATION = "c.oid::regclass::text"

local function lines_of(dump, sql, parameters)
  for _, row in ipairs(dump.all(sql, parameters)) do dump.put(row[1], ";\n") end
end

-- ---------------------------------------------------------------- schemas, types

function schema.namespaces(dump)
  lines_of(dump, [[SELECT 'CREATE SCHEMA ' || quote_ident(nspname) FROM pg_namespace n
    WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public')
    AND NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.classid = 'pg_namespace'::regclass
    AND e.objid = n.oid AND e.deptype = 'e') ORDER BY nspname]])
  lines_of(dump, [[SELECT format('CREATE EXTENSION IF NOT EXISTS %I WITH SCHEMA %I', extname, nspname)
    FROM pg_extension x JOIN pg_namespace n ON n.oid = extnamespace WHERE extname <> 'plpgsql' ORDER BY x.oid]])
end

local TYPES = [[SELECT CASE t.typtype
  WHEN 'e' THEN format('CREATE TYPE %s AS ENUM (%s)', t.oid::regtype, (SELECT string_agg(quote_literal(enumlabel), ', '
    ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid))
  WHEN 'r' THEN (SELECT format('CREATE TYPE %s AS RANGE (SUBTYPE = %s)', t.oid::regtype, format_type(rngsubtype, NULL))
    FROM pg_range WHERE rngtypid = t.oid)
  WHEN 'c' THEN format('CREATE TYPE %s AS (%s)', t.oid::regtype, (SELECT string_agg(quote_ident(attname) || ' '
    || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute
    WHERE attrelid = t.typrelid AND attnum > 0 AND NOT attisdropped))
  ELSE format('CREATE DOMAIN %s AS %s%s%s%s', t.oid::regtype, format_type(t.typbasetype, t.typtypmod),
    ' DEFAULT ' || t.typdefault, CASE WHEN t.typnotnull THEN ' NOT NULL' END,
    (SELECT string_agg(format(' CONSTRAINT %I %s', conname, pg_get_constraintdef(oid)),
    '' ORDER BY conname) FROM pg_constraint WHERE contypid = t.oid
    AND contype = 'c')) END
  FROM pg_type t WHERE (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' AND EXISTS (SELECT 1 FROM pg_class
  WHERE oid = t.typrelid AND relkind = 'c')) AND ]]

function schema.types(dump) lines_of(dump, TYPES .. own("t.oid", "pg_type", "t.typnamespace") .. " ORDER BY t.oid") end

-- ---------------------------------------------------------------- functions

-- Functions whose signature or body names a table come behind the tables; the others before, for defaults call them.
local FUNCTIONS = [[SELECT pg_get_functiondef(p.oid) FROM pg_proc p WHERE p.prokind IN ('f', 'p') AND %s AND %s (
  EXISTS (SELECT 1 FROM unnest(p.proargtypes::oid[] || p.prorettype || coalesce(p.proallargtypes, '{}')) a(t)
    JOIN pg_type t ON t.oid IN (a.t) LEFT JOIN pg_type e ON e.oid = t.typelem
    JOIN pg_class r ON r.reltype IN (t.oid, e.oid) AND r.relkind <> 'c')
  OR pg_get_functiondef(p.oid) ~ '\nBEGIN ATOMIC\n' OR p.prosrc = '') ORDER BY p.oid]]

function schema.functions(dump, with_tables)
  lines_of(dump, FUNCTIONS:format(own("p.oid", "pg_proc", "p.pronamespace"), with_tables and "" or "NOT"))
end

-- ---------------------------------------------------------------- sequences, tables

-- The sequence of an identity column is made with it.
local SEQUENCES = [[SELECT format('CREATE SEQUENCE %s AS %s INCREMENT %s MINVALUE %s MAXVALUE %s START %s CACHE %s%s',
  c.oid::regclass, format_type(seqtypid, NULL), seqincrement, seqmin, seqmax, seqstart, seqcache,
  CASE WHEN seqcycle THEN ' CYCLE' END), d.refobjid::bigint
  FROM pg_class c JOIN pg_sequence s ON s.seqrelid = c.oid
  LEFT JOIN pg_depend d ON d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
  AND d.refclassid = 'pg_class'::regclass
  WHERE coalesce(d.deptype, 'a') <> 'i' AND ]]

function schema.sequences(dump)
  for _, row in ipairs(dump.all(SEQUENCES .. own("c.oid", "pg_class", "c.relnamespace") .. " ORDER BY c.oid")) do
    if not dump.wanted or dump.wanted[row[2]] then dump.put(row[1], ";\n") end
  end
end

local COLUMNS = [[SELECT quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
  || coalesce((SELECT format(' COLLATE %s', co.oid::regcollation) FROM pg_collation co
    WHERE co.oid = a.attcollation AND a.attcollation <> t.typcollation), '')
  || CASE WHEN a.attgenerated = 's' THEN format(' GENERATED ALWAYS AS (%s) STORED', pg_get_expr(d.adbin, d.adrelid))
    WHEN a.attidentity <> '' THEN (SELECT format(' GENERATED %s AS IDENTITY (INCREMENT %s MINVALUE %s'
      ' MAXVALUE %s START %s CACHE %s%s)', CASE a.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END,
      seqincrement, seqmin, seqmax,
      seqstart, seqcache, CASE WHEN seqcycle THEN ' CYCLE' END) FROM pg_sequence
      WHERE seqrelid = pg_get_serial_sequence(a.attrelid::regclass::text, a.attname)::regclass)
    WHEN d.adbin IS NOT NULL THEN ' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid) ELSE '' END
  || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attrelid = :t AND a.attnum > 0 AND NOT a.attisdropped AND a.attislocal ORDER BY a.attnum]]

-- What stands around the columns: a partition has its parent's.
local TABLES = [[SELECT c.oid::bigint, c.oid::regclass::text, c.relkind, CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED '
  ELSE '' END, pg_get_expr(c.relpartbound, c.oid), (SELECT string_agg(i.inhparent::regclass::text, ', '
  ORDER BY i.inhseqno) FROM pg_inherits i WHERE i.inhrelid = c.oid), pg_get_partkeydef(c.oid),
  array_to_string(c.reloptions, ', ')
  FROM pg_class c WHERE c.relkind IN ('r', 'p') AND ]]

-- schema.tables(dump): makes them, parents first. Returns the list of { oid =, name =, kind = }.
function schema.tables(dump)
  local list = {}
  for _, row in ipairs(dump.all(TABLES .. own("c.oid", "pg_class", "c.relnamespace") .. " ORDER BY c.oid")) do
    local oid, name, kind, unlogged, bound, parents, key, settings = row[1], row[2], row[3], row[4], row[5], row[6],
      row[7], row[8]
    if not dump.wanted or dump.wanted[oid] then
      list[#list + 1] = { oid = oid, name = name, kind = kind }
      local columns = {}
      for i, column in ipairs(bound and {} or dump.all(COLUMNS, { t = oid })) do columns[i] = "  " .. column[1] end
      dump.put("CREATE ", unlogged, "TABLE ", name)
      if bound then dump.put(" PARTITION OF ", parents, " ", bound)
      else
        dump.put(#columns > 0 and " (\n" or " (", table.concat(columns, ",\n"), #columns > 0 and "\n)" or ")")
        if parents then dump.put(" INHERITS (", parents, ")") end
      end
      if key then dump.put(" PARTITION BY ", key) end
      if settings and settings ~= "" then dump.put(" WITH (", settings, ")") end
      dump.put ";\n"
    end
  end
  return list
end

-- ---------------------------------------------------------------- what comes behind the rows

local CONSTRAINTS = [[SELECT format('ALTER TABLE %s%s ADD CONSTRAINT %I %s',
  CASE WHEN r.relkind = 'p' THEN '' ELSE 'ONLY ' END, k.conrelid::regclass, k.conname,
  pg_get_constraintdef(k.oid)), k.confrelid::bigint
  FROM pg_constraint k JOIN pg_class r ON r.oid = k.conrelid
  WHERE k.conrelid = :t AND k.contype @ AND k.conislocal AND k.conparentid = 0 ORDER BY k.contype = 'u', k.conname]]

-- schema.constraints(dump, tables, foreign): those of the tables; foreign: the foreign keys, or all else. A foreign key
-- to a table that is left out is left out with it.
function schema.constraints(dump, tables, foreign)
  local sql = CONSTRAINTS:gsub("@", foreign and "= 'f'" or "IN ('c', 'p', 'u', 'x')")
  for _, one in ipairs(tables) do
    for _, row in ipairs(dump.all(sql, { t = one.oid })) do
      if not (foreign and dump.wanted) or dump.wanted[row[2]] then dump.put(row[1], ";\n") end
    end
  end
end

local BEHIND = {
  [[SELECT CASE c.relkind WHEN 'I' THEN regexp_replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ')
    ELSE pg_get_indexdef(i.indexrelid) END FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = :t AND NOT c.relispartition AND NOT EXISTS (SELECT 1 FROM pg_constraint
    WHERE conindid = i.indexrelid AND contype IN ('p', 'u', 'x')) ORDER BY i.indexrelid]],
  [[SELECT format('ALTER SEQUENCE %s OWNED BY %s.%I', d.objid::regclass, d.refobjid::regclass, a.attname)
    FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
    JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    WHERE d.refobjid = :t AND d.classid = 'pg_class'::regclass AND d.deptype = 'a' ORDER BY 1]],
  [[SELECT pg_get_ruledef(oid) FROM pg_rewrite WHERE ev_class = :t AND rulename <> '_RETURN' ORDER BY oid]],
  [[SELECT pg_get_triggerdef(t.oid) || CASE WHEN t.tgenabled = 'O' THEN '' ELSE format('; ALTER TABLE %s %s TRIGGER %I',
    t.tgrelid::regclass, CASE t.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA'
    ELSE 'ENABLE ALWAYS' END, t.tgname) END FROM pg_trigger t WHERE t.tgrelid = :t AND NOT t.tgisinternal
    AND NOT EXISTS (SELECT 1 FROM pg_depend p WHERE p.classid = 'pg_trigger'::regclass AND p.objid = t.oid
    AND p.deptype IN ('P', 'S')) ORDER BY t.oid]],
  [[SELECT format(CASE WHEN d.objsubid = 0 THEN 'COMMENT ON %s %s IS %L' ELSE 'COMMENT ON COLUMN %2$s.%4$I IS %3$L' END,
    CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END, c.oid::regclass,
    d.description, a.attname) FROM pg_description d JOIN pg_class c ON c.oid = d.objoid
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0
    WHERE d.classoid = 'pg_class'::regclass AND c.oid = :t ORDER BY d.objsubid]],
}

-- schema.behind(dump, relations): indexes, rules, triggers, comments, and whose the sequences are.
function schema.behind(dump, relations)
  for _, sql in ipairs(BEHIND) do
    for _, one in ipairs(relations) do lines_of(dump, sql, { t = one.oid }) end
  end
end

-- ---------------------------------------------------------------- views

local VIEWS = [[SELECT c.oid::bigint, ]] .. RELATION .. [[, c.relkind, array_to_string(c.reloptions, ', '),
  pg_get_viewdef(c.oid), c.relispopulated FROM pg_class c WHERE c.relkind IN ('v', 'm') AND ]]

-- Which view reads which other.
local READS = [[SELECT DISTINCT w.ev_class::bigint, d.refobjid::bigint FROM pg_rewrite w JOIN pg_depend d ON
  d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
  WHERE d.refobjid <> w.ev_class]]

-- The list with each view behind those that it reads. Views cannot read each other in a circle.
local function in_order(list, reads)
  local by_oid, left, ordered = {}, {}, {}
  for _, one in ipairs(list) do by_oid[one.oid] = one end
  for i, one in ipairs(list) do left[i] = one end
  while #left > 0 do
    local later = {}
    for _, one in ipairs(left) do
      local ready = true
      for oid in pairs(reads[one.oid] or {}) do ready = ready and (not by_oid[oid] or by_oid[oid].done) end
      if ready then
        one.done = true
        ordered[#ordered + 1] = one
      else
        later[#later + 1] = one
      end
    end
    if #later == #left then return table.move(later, 1, #later, #ordered + 1, ordered) end
    left = later
  end
  return ordered
end

-- schema.views(dump): makes them. Returns the list, as schema.tables does.
function schema.views(dump)
  local list, reads = {}, {}
  for _, row in ipairs(dump.all(READS)) do
    reads[row[1]] = reads[row[1]] or {}
    reads[row[1]][row[2]] = true
  end
  for _, row in ipairs(dump.all(VIEWS .. own("c.oid", "pg_class", "c.relnamespace") .. " ORDER BY c.oid")) do
    if not dump.wanted or dump.wanted[row[1]] then
      list[#list + 1] = { oid = row[1], name = row[2], kind = row[3], settings = row[4], text = row[5],
        filled = row[6] }
    end
  end
  list = in_order(list, reads)
  for _, one in ipairs(list) do
    dump.put("CREATE ", one.kind == "m" and "MATERIALIZED VIEW " or "VIEW ", one.name,
      one.settings and one.settings ~= "" and " WITH (" .. one.settings .. ")" or "", " AS\n",
      (one.text:gsub(";%s*$", "")), one.filled and "" or " WITH NO DATA", ";\n")
  end
  return list
end

-- ---------------------------------------------------------------- what is left out

local LEFT_OUT = {
  { "row security policies", "SELECT count(*) FROM pg_policy" },
  { "foreign tables", "SELECT count(*) FROM pg_class c WHERE c.relkind = 'f'" },
  { "aggregate functions", "SELECT count(*) FROM pg_proc p WHERE p.prokind IN ('a', 'w') AND "
    .. own("p.oid", "pg_proc", "p.pronamespace") },
  { "operators", "SELECT count(*) FROM pg_operator o WHERE " .. own("o.oid", "pg_operator", "o.oprnamespace") },
  { "event triggers", "SELECT count(*) FROM pg_event_trigger" },
  { "large objects", "SELECT count(*) FROM pg_largeobject_metadata" },
}

-- schema.left_out(dump): a list of what the database has and the dump has not, as words.
function schema.left_out(dump)
  local list = {}
  for _, one in ipairs(LEFT_OUT) do
    local count = dump.all(one[2])[1][1]
    if count > 0 then list[#list + 1] = ("%d %s"):format(count, one[1]) end
  end
  return list
end

return schema
