-- types.lua: the type of a reflected column: by the name that it is declared with, else by its affinity, and as its
-- stored values allow.
--
-- Invariant: the type that is chosen reads every value that was looked at. Lengths and choices are not taken over:
-- another program may have stored what breaks them.

local core = ...

local types = {}

-- ---------------------------------------------------------------- candidates

-- Lists of types, the best first. Any reads everything, and stands behind all.
local by_name = {}

local function named(names, make)
  for name in names:gmatch "[^,]+" do by_name[name] = make end
end

local function fixed(...)
  local list = { ... }
  return function() return list end
end

local function in_forms(kind, ...)
  local list = { core[kind] }
  for _, storage in ipairs{ ... } do list[#list + 1] = core[kind]{ storage = storage } end
  return list
end

local moments = {
  date = in_forms("Date", "unix", "unix_ms", "julian", "cocoa"),
  datetime = in_forms("DateTime", "unix", "unix_ms", "unix_us", "julian", "cocoa"),
  time = in_forms("Time"),
  interval = in_forms("Interval"),
}

-- As a number, which it is in the database anyway, where the digits allow that.
local function decimal(column)
  local precision, scale = column.declared:match "%(%s*(%d+)%s*,?%s*(%d*)%s*%)"
  precision, scale = math.tointeger(tonumber(precision)), math.tointeger(tonumber(scale)) or 0
  local list = {}
  if precision and precision > 0 and precision <= 1000 and scale <= precision then
    if precision <= 15 and column.affinity ~= "TEXT" then
      list[1] = core.Numeric(precision, scale, { storage = "real" })
    end
    list[#list + 1] = core.Numeric(precision, scale)
  end
  list[#list + 1] = core.Numeric
  list[#list + 1] = core.Float
  return list
end

named("INT,INTEGER,MEDIUMINT,INT4,INT32,SERIAL", fixed(core.Integer))
named("TINYINT,SMALLINT,INT2,INT16", fixed(core.SmallInteger, core.Integer))
named("BIGINT,INT8,INT64,UNSIGNED BIG INT,BIGSERIAL", fixed(core.BigInteger))
named("REAL,FLOAT,DOUBLE,DOUBLE PRECISION,FLOAT4,FLOAT8", fixed(core.Float))
named("DECIMAL,NUMERIC,DEC,NUMBER,MONEY,DECIMALTEXT", decimal)
named("CHAR,VARCHAR,NCHAR,NVARCHAR,CHARACTER,CHARACTER VARYING,VARYING CHARACTER,NATIVE CHARACTER,VARCHAR2,NVARCHAR2",
  fixed(core.String))
named("TEXT,CLOB,TINYTEXT,MEDIUMTEXT,LONGTEXT,LONGVARCHAR,CITEXT,NTEXT,NCLOB", fixed(core.Text))
named("BLOB,BINARY,VARBINARY,TINYBLOB,MEDIUMBLOB,LONGBLOB,LONGVARBINARY,BYTEA", fixed(core.LargeBinary, core.Text))
named("DATE", fixed(table.unpack(moments.date)))
named("TIME", fixed(table.unpack(moments.time)))
named("DATETIME,TIMESTAMP,TIMESTAMPTZ,DATETIMETZ,DATETIME2,TIMESTAMP WITH TIME ZONE,TIMESTAMP WITHOUT TIME ZONE",
  fixed(table.unpack(moments.datetime)))
named("INTERVAL", fixed(table.unpack(moments.interval)))
named("BOOLEAN,BOOL", fixed(core.Boolean, core.Integer))
named("JSON,JSONB", fixed(core.JSON, core.Text))
named("UUID,GUID,UNIQUEIDENTIFIER", fixed(core.Uuid, core.Uuid{ storage = "blob" }, core.Text, core.LargeBinary))
-- What GeoPackage and SpatiaLite call them; by the rules of affinity a POINT is an INTEGER.
named("GEOMETRY,POINT,LINESTRING,POLYGON,MULTIPOINT,MULTILINESTRING,MULTIPOLYGON,GEOMETRYCOLLECTION,CURVE,SURFACE",
  fixed(core.LargeBinary, core.Text))

local by_affinity = {
  INTEGER = { core.Integer },
  REAL = { core.Float },
  TEXT = { core.Text },
  BLOB = { core.LargeBinary, core.Text },
  NUMERIC = {}, -- "007" becomes 7 there
}

-- INTEGER UNSIGNED, "varchar (80)", DATETIME(6): without what stands in parentheses and beside them.
local function plain_name(declared)
  local name = declared:gsub("%b()", " "):upper():gsub("[%s_]+", " "):gsub("^ ", ""):gsub(" $", "")
  return by_name[name] and name or name:gsub(" UNSIGNED", ""):gsub(" SIGNED", ""):gsub(" ZEROFILL", "")
end

-- INTEGER_OR_TEXT: by the rules of affinity it is an INTEGER, and holds both.
local function says_several(declared)
  declared = declared:upper()
  return declared:find "INT" and (declared:find "TEXT" or declared:find "CHAR" or declared:find "REAL") ~= nil
end

-- A column without a type holds anything. in_key: JSON has many spellings, which a key must not have.
local function candidates_of(column, in_key)
  local make = by_name[plain_name(column.declared)]
  if not make and says_several(column.declared) then return { core.Any } end
  local list = make and make(column) or column.declared ~= "" and by_affinity[column.affinity] or {}
  list = table.move(list, 1, #list, 1, {})
  if in_key and list[1] == core.JSON then table.remove(list, 1) end
  list[#list + 1] = core.Any
  return list
end

-- Lists by how the column is declared: a database has few types, and many columns. In a key; elsewhere.
local known = { [true] = setmetatable({}, { __mode = "v" }), [false] = setmetatable({}, { __mode = "v" }) }

-- types.candidates(columns): a list of types for each column, for core.sample_columns; nobody may change it.
function types.candidates(columns)
  local lists = {}
  for i, column in ipairs(columns) do
    local in_key, declared = column.primary_key > 0, column.declared
    local list = known[in_key][declared]
    if not list then
      list = candidates_of(column, in_key)
      known[in_key][declared] = list
    end
    lists[i] = list
  end
  return lists
end

-- ---------------------------------------------------------------- choosing

-- 1709640429 is a date by its unit: what is far from our days is none.
local years = {
  unix = { 100000000, 10000000000 },
  unix_ms = { 100000000000, 10000000000000 },
  unix_us = { 100000000000000, 10000000000000000 },
}

local function is_plausible(type, sampled)
  local storage = tostring(type):match 'storage = "([%w_]+)"'
  local range = years[storage]
  if range then
    return sampled.text == 0 and sampled.integer > 0 and sampled.lowest >= range[1] and sampled.highest < range[2]
  end
  if storage == "julian" or storage == "cocoa" then return sampled.text == 0 and sampled.real > 0 end
  return true
end

local kinds = { { "integer", "integers" }, { "real", "floats" }, { "text", "texts" }, { "blob", "blobs" } }

local function seen_kinds(sampled)
  local words = {}
  for _, kind in ipairs(kinds) do
    if sampled[kind[1]] > 0 then words[#words + 1] = kind[2] end
  end
  return table.concat(words, " and ")
end

local function show(value)
  if type(value) ~= "string" then return tostring(value) end
  return string.format("%q", value):gsub("\\\n", "\\n")
end

-- DateTime whose texts are all written in one unusual way, in which new ones are written, too.
local function spelled(type, sampled)
  local how = sampled.spelled
  if type ~= core.DateTime or not how or how.short or how.shifted or sampled.integer + sampled.real > 0 then return end
  local unusual = how.separator == "T" or how.zone
  if not unusual or (how.zone == "Z" and how.digits < 0) then return end
  return core.DateTime{ storage = "iso", separator = how.separator, zone = how.zone,
    digits = how.digits >= 0 and how.digits or nil }
end

-- Words for true and false other than 1 and 0.
local function boolean_words(type, sampled)
  if type ~= core.Boolean or sampled.integer > 0 or sampled.text == 0 then return end
  for _, words in ipairs{ "t/f", "true/false", "T/F", "TRUE/FALSE" } do
    local yes, no = words:match "(.*)/(.*)"
    if sampled.first == yes or sampled.first == no then return core.Boolean{ storage = words } end
  end
end

-- types.choose(candidates, sampled): the type, and a line that says why it is not the one that the name stands
-- for; sampled nil: no stored values were looked at.
function types.choose(candidates, sampled)
  local first = candidates[1]
  if not sampled then return first end
  local form = sampled.fits[1] and (spelled(first, sampled) or sampled.first and boolean_words(first, sampled))
  if form then return form, string.format("%s: its texts are all written so", tostring(form)) end
  for i, candidate in ipairs(candidates) do
    if sampled.fits[i] and is_plausible(candidate, sampled) then
      if i == 1 then return candidate end
      local why = sampled.odd ~= nil and string.format(", such as %s", show(sampled.odd)) or ""
      return candidate, string.format("%s, not %s: it holds %s%s", tostring(candidate), tostring(first),
        seen_kinds(sampled), why)
    end
  end
  return core.Any
end

return types
