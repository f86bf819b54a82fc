-- begin.lua: the options of session:begin.
--
-- Invariant: the core is asked for one mode, whatever words it was written in; words that contradict each other are
-- refused.

local core, require = ...
local options = require "moonrow.options"
local history = require "moonrow.history"

-- How a transaction begins.
local modes = { deferred = "deferred", immediate = "immediate", exclusive = "exclusive" }

-- The same in SQL's words. SQLite's transactions are serializable; reads outside of a transaction see what is
-- committed.
local levels = { SERIALIZABLE = "serializable", ["REPEATABLE READ"] = "deferred", ["READ COMMITTED"] = "default" }

local function find(words, value, wanted)
  if words[value] then return words[value] end
  core.raise("ArgumentError", string.format("begin: %s, not '%s'", wanted, value))
end

-- The mode that the options ask for.
local function mode_of(given)
  local mode = options.typed("begin", given, "mode", "string")
  local level = options.typed("begin", given, "isolation_level", "string")
  local read_only = options.typed("begin", given, "read_only", "boolean")
  if mode and level then
    core.raise("ArgumentError", "begin: mode and isolation_level say the same: give one of them")
  end
  if read_only and mode and mode ~= "deferred" then
    core.raise("ArgumentError", string.format("begin: mode '%s' takes the lock for writing: a read_only"
      .. " transaction is 'deferred'", mode))
  end
  if mode then return find(modes, mode, "mode is 'deferred', 'immediate' or 'exclusive'") end
  level = level and find(levels, level, "isolation_level is 'SERIALIZABLE', 'REPEATABLE READ' or 'READ COMMITTED'")
  return read_only and "deferred" or level or "default"
end

-- session:begin(fn, { mode =, isolation_level =, read_only =, undo =, merge = }): fn(session) in a transaction, which
-- is committed at its end and rolled back on an error; returns fn's results. Without fn: the transaction, a value to
-- close. read_only: writes are refused, and all reads see one snapshot. undo, merge: history.lua.
function core.session_methods.begin(self, ...)
  local n = select("#", ...)
  if n == 0 or (n == 1 and type(...) == "function") then return core.begin("default", false, self, ...) end
  if (...) == nil then return core.begin("default", false, self, nil) end -- refused: a variable that is not set
  local given, fn = options.read("begin", { "mode", "isolation_level", "read_only", "undo", "merge" }, 1, ...)
  local mode = mode_of(given)
  local name = options.typed("begin", given, "undo", "string")
  if name then
    if fn == nil then
      core.raise("ArgumentError", "begin: a step of undo is a function: begin(fn, { undo = ... })")
    end
    return history.record(self, name, given.merge, function() return core.begin(mode, given.read_only, self, fn) end)
  end
  if given.merge ~= nil then core.raise("ArgumentError", "begin: merge is given without undo") end
  if fn == nil then return core.begin(mode, given.read_only, self) end
  return core.begin(mode, given.read_only, self, fn)
end
