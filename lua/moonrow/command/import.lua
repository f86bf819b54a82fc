-- import.lua: the command `moonrow import`: rows of a file into a table, by session:import.
--
-- Invariant: all rows go in, or none, unless --skip leaves bad ones out, which are named then.

local core, require = ...
local batches = require "moonrow.transfer.batches"
local class_listeners = require "moonrow.class_listeners"
local inspector = require "moonrow.reflection.inspector"
local json = require "moonrow.command.json"
local misuse = require "moonrow.command.misuse"
local reflect = require "moonrow.reflection.reflect"
local session = require "moonrow.session"
local url = require "moonrow.command.url"

local commands = {}

-- ---------------------------------------------------------------- the table

-- The class of that name, or that has the table.
local function class_of(name)
  local names, found = {}, nil
  for _, class in ipairs(class_listeners.classes()) do
    local own = core.describe_class(class).name
    local stored = class.__table and class.__table.name
    if own == name then return class end
    if stored == name then found = found or class end
    names[own] = true
    if stored then names[stored] = true end
  end
  return found or core.raise("ArgumentError", ("no class is called '%s' or has such a table%s"):format(name,
    core.hint(name, names)))
end

local function table_of(engine, name)
  local seen = inspector.new("import", engine, false)
  local schema, rest = name:match "^([^.]+)%.(.+)$"
  if schema and not seen:kind(name) then return reflect.table{ rest, core.MetaData(), schema = schema,
    autoload_with = engine } end
  local names = {}
  for _, object in ipairs(inspector.objects(seen, "import")) do names[object.name] = true end
  if not names[name] and not seen:kind(name) then
    core.raise("InvalidRequestError", ("the database has no table '%s'%s"):format(name, core.hint(name, names)))
  end
  return reflect.table{ name, core.MetaData(), autoload_with = engine }
end

-- ---------------------------------------------------------------- what session:import is given

local function columns_of(text)
  if not text then return nil end
  local list = {}
  for name in (text .. ","):gmatch "([^,]*)," do list[#list + 1] = name ~= "" and name end
  return list
end

-- The options that the words of the command line mean.
local function options_of(given)
  local delimiter = given.delimiter
  if delimiter == "\\t" or delimiter == "tab" then delimiter = "\t" end
  return { format = given.format, columns = columns_of(given.columns), delimiter = delimiter, progress = true,
    on_error = given.skip and "skip" or nil }
end

-- What the library says of an option is said of the command's own.
local function check(given)
  if not given.table then misuse "-t is missing: the table that the rows go into" end
  local formats = { csv = true, tsv = true, json = true, jsonl = true, ndjson = true }
  local ending = given[2] ~= "-" and given[2]:lower():match "%.(%w+)$"
  if given.format and not formats[given.format] then
    misuse("--format is csv, tsv, json or jsonl, and not '%s'", given.format)
  end
  if not (given.format or ending and formats[ending]) then
    misuse("%s does not say what is in it: --format csv, tsv, json or jsonl",
      given[2] == "-" and "the standard input" or given[2])
  end
end

-- ---------------------------------------------------------------- the answer

local function line_of(message) return tonumber(message:match "^line (%d+)" or message:match "%(line (%d+)%)") end

-- report: as session:import gives it.
local function answer(given, host, rows, report)
  if given.json then
    local errors = {}
    for i, one in ipairs(report) do errors[i] = { line = one.line, message = one.message } end
    json.write(host, { rows = rows, skipped = report.skipped, errors = json.list(errors) })
  else
    for _, one in ipairs(report) do host.say("%s", one.message) end
    if report.skipped > #report then host.say("... and %d more", report.skipped - #report) end
    host.say("%d row%s into %s%s", rows, rows == 1 and "" or "s", given.table,
      report.skipped > 0 and (", %d left out"):format(report.skipped) or "")
  end
  return report.skipped == 0
end

function commands.import(given, host)
  check(given)
  local engine = url.engine(given[1], host)
  if given.models and not host.run("moonrow import", given.models, url.of(given[1])) then return false end
  local target = given.models and class_of(given.table) or table_of(engine, given.table)
  local source = given[2] == "-" and host.io.stdin or given[2]
  local s <close> = session.new{ bind = engine }
  local rows, report
  local ok, e = pcall(s.begin, s, function() rows, report = s:import(target, source, options_of(given)) end)
  if ok then return answer(given, host, rows, report or { skipped = 0 }) end
  if not given.json or not batches.is_of_row(e) then error(e, 0) end
  json.write(host, { rows = 0, skipped = 0,
    errors = json.list{ { line = line_of(e.message), message = e.message } } })
  return false
end

return commands
