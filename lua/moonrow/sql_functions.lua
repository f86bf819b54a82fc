-- sql_functions.lua: engine:create_function, create_aggregate and create_collation: Lua functions that SQL calls.
--
-- Invariant: arguments are checked here; the core calls the functions.

local core, require = ...
local options = require "moonrow.options"

local methods = core.engine_methods

local function check_name(what, name)
  if type(name) ~= "string" or name == "" then options.expect(what, "a name", name) end
end

-- The number of arguments that SQL gives: nil: any.
local function arguments_of(what, given)
  local args = given.args
  if args == nil then return -1 end
  if math.type(args) ~= "integer" or args < 0 or args > core.most_sql_arguments then
    options.expect(what .. ": args", string.format("a number of arguments, 0 to %d", core.most_sql_arguments), args)
  end
  return args
end

-- engine:create_function(name, fn, { args =, deterministic = })
function methods:create_function(name, fn, ...)
  local given = options.read("create_function", { "args", "deterministic" }, 0, ...)
  check_name("create_function", name)
  options.check_callable("create_function: " .. name, fn)
  core.add_sql_function(self, "function", name, fn, arguments_of("create_function", given),
    options.typed("create_function", given, "deterministic", "boolean") or false)
end

-- engine:create_aggregate(name, { init =, step =, finish =, args =, deterministic = })
function methods:create_aggregate(name, ...)
  local given = options.read("create_aggregate", { "init", "step", "finish", "args", "deterministic" }, 0, ...)
  check_name("create_aggregate", name)
  for _, part in ipairs{ "step", "finish" } do options.check_callable("create_aggregate: " .. part, given[part]) end
  if given.init ~= nil then options.check_callable("create_aggregate: init", given.init) end
  core.add_sql_function(self, "aggregate", name, given.step, arguments_of("create_aggregate", given),
    options.typed("create_aggregate", given, "deterministic", "boolean") or false, given.init, given.finish)
end

-- engine:create_collation(name, fn): fn(a, b) is below 0 if a stands before b, above 0 if behind it.
function methods:create_collation(name, fn)
  check_name("create_collation", name)
  options.check_callable("create_collation: " .. name, fn)
  core.add_sql_function(self, "collation", name, fn, -1, false)
end
