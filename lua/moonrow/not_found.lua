-- not_found.lua: the methods that raise where nothing is found: session:get_one, and get_or_404, first_or_404 and
-- one_or_404 of queries, whose error of kind NotFound a web layer answers with its 404.
--
-- Invariant: NotFound is raised for what the database lacks. A mistake of the program keeps its kind.

local core, require = ...
local options = require "moonrow.options"

local Query, session, all = core.Query, core.session_methods, core.result_methods.all
local get, query_get = session.get, Query.get

-- The key as a message shows it: number 5, or { number 1, string "x" }.
local function shown(key)
  if type(key) ~= "table" then return core.shown(key) end
  local parts = {}
  for i, part in ipairs(key) do parts[i] = core.shown(part) end
  if #parts == 0 then
    for name, part in pairs(key) do parts[#parts + 1] = string.format("%s = %s", name, core.shown(part)) end
    table.sort(parts)
  end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

-- session:get_one(Class, key, options): as get, but raises NoResultFound where there is no such row.
function session.get_one(self, class, key, ...)
  local found = get(self, class, key, ...)
  if found ~= nil then return found end
  core.raise("NoResultFound", string.format("%s has no row with the key %s", class.__name, shown(key)))
end

-- Raises NotFound: with the description that the program gives, or with words for its developer.
local function not_found(given, format, ...)
  core.raise("NotFound", given.description or string.format(format, ...))
end

-- The options of one of these functions, and its positional argument.
local function read(what, n, ...)
  local given, argument = options.read(what, { "description" }, n, ...)
  options.typed(what, given, "description", "string")
  return given, argument
end

-- query:get_or_404(key, { description = "..." })
function Query.get_or_404(query, key, ...)
  local given = read("get_or_404", 0, ...)
  local found = query_get(query, key)
  if found ~= nil then return found end
  not_found(given, "%s has no row with the key %s", core.query_class_name(query), shown(key))
end

-- query:first_or_404{ description = "..." }
function Query.first_or_404(query, ...)
  local given = read("first_or_404", 0, ...)
  local found = query:first()
  if found ~= nil then return found end
  not_found(given, "no row was found (query of %s)", core.query_class_name(query))
end

-- query:one_or_404{ description = "..." }: several rows are not the one that was asked for, either.
function Query.one_or_404(query, ...)
  local given = read("one_or_404", 0, ...)
  local result, class = core.run_query("one_or_404", query)
  local rows = all(result)
  if #rows == 1 then return rows[1] end
  local found = #rows == 0 and "no row was found" or "several rows were found"
  not_found(given, "%s when one was required (query of %s)", found, class)
end
