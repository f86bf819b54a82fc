-- app.lua: an application: a configuration, and scopes. A scope is a request, a frame, a job: at its end,
-- however it ends, every teardown runs and the scope's sessions go.
--
-- Invariant: a scope is on its coroutine's stack exactly between its beginning and the end of its last
-- teardown. The stacks are keyed weakly by coroutine, so a coroutine that is dropped in the midst of a
-- scope leaves nothing behind. A coroutine without a scope of its own is in that of the nearest one that waits
-- for it: what a generator does, it does for its user.

local core, require = ...
local options = require "moonrow.options"
local block = require "moonrow.block"

local running = coroutine and coroutine.running or function() return "main" end
local status = coroutine and coroutine.status
local stacks = setmetatable({}, { __mode = "k" })
local found = setmetatable({}, { __mode = "kv" }) -- by coroutine: the one whose scope it was in last
local main = setmetatable({}, { __name = "main scope" })
local scopes = core.scopes -- scopes that have not been left; those of a dropped coroutine are counted for ever
local serials = 0 -- of scopes, in the order in which they were entered

local App = {}
App.__index = App
App.__name = "App"

-- How many coroutines wait from one to the other, each for the next; nil where one of them has a scope, or the way is
-- not known: something else than Lua's own functions has resumed one.
local function distance(from, to)
  local hops = 0
  repeat
    from = core.resumed_by(from)
    hops = hops + 1
    if from == to then return hops end
  until not from or stacks[from]
end

-- The last coroutine with a scope on the way from the main thread, at which all waiting begins. First: is the way
-- known?
local function from_main(co)
  local at, last = core.main_thread, nil
  while at and at ~= co do
    if stacks[at] then last = at end
    at = core.resumed_by(at)
  end
  if at then return true, last end
  return false
end

-- The same of the coroutines with a scope that wait: those whose status is "normal". Where the way from them is not
-- known either, the one that entered its scope last counts.
local function among_all(co)
  local last = found[co]
  if last and stacks[last] and status(last) == "normal" and distance(last, co) then return last end
  local best, best_serial
  for other, stack in pairs(stacks) do
    if status(other) == "normal" then
      local serial = stack[#stack].serial
      if distance(other, co) then
        best = other -- no other has one: none with a scope lies between
        break
      elseif not best or serial > best_serial then
        best, best_serial = other, serial
      end
    end
  end
  found[co] = best
  return best
end

-- The nearest coroutine with a scope that waits for this one, or nil.
local function nearest(co)
  local known, last = from_main(co)
  if known then return last end
  return among_all(co)
end

-- The scopes that the running coroutine is in, the innermost last, or nil.
local function entered()
  local co, is_main = running()
  local stack = stacks[co]
  if not stack and status and not is_main then -- the main thread waits for nobody
    local other = nearest(co)
    stack = other and stacks[other]
  end
  return stack
end

-- The innermost one, or nil.
local function innermost()
  local stack = entered()
  return stack and stack[#stack]
end

local Scope = { __name = "scope" }
Scope.__index = Scope

-- Is the scope on its stack? One whose beginning a debug hook has interrupted is not, nor is one that has been left.
local function is_entered(scope)
  for _, other in ipairs(stacks[scope.thread.co] or {}) do
    if other == scope then return true end
  end
  return false
end

local function leave(scope)
  local stack = stacks[scope.thread.co]
  if not stack then return end
  for i = #stack, 1, -1 do
    if stack[i] == scope then
      table.remove(stack, i)
      scopes(-1)
      break
    end
  end
  if #stack == 0 then stacks[scope.thread.co] = nil end
  scopes(0)
end

-- What teardowns are given where the function has not come to its end and there is no error to tell why: none may
-- take its work for whole.
local function cut_short(err)
  if err ~= nil then return err end
  return select(2, pcall(core.raise, "InvalidRequestError", "the function of app:scope has not come to its end: its"
    .. " coroutine or the Lua state was closed in its midst, or its error is nil"))
end

-- Runs the teardowns, last registered first, each with the error that ended the scope, or nil. One that
-- fails keeps none of the others from running; its error is raised when there is no earlier one, and a
-- warning otherwise.
local function close(self, err)
  self.done = err == nil
  local first, failed
  for i = #self.app.teardowns, 1, -1 do
    local ok, failure = pcall(self.app.teardowns[i], err)
    if not ok then
      if err == nil and not failed then
        first, failed = failure, true -- it may be nil
      elseif warn then
        warn("moonrow: a teardown failed as well: ", tostring(failure))
      end
    end
  end
  leave(self)
  if failed then error(first, 0) end
end

-- The end of a function that comes to its own closes the scope by hand.
function Scope:__close(err)
  if is_entered(self) then close(self, cut_short(err)) end
end

local function new_scope(app)
  local co = running()
  serials = serials + 1
  -- The coroutine is known by a weak reference only: a stack must not keep its own key alive.
  local thread = setmetatable({ co = co }, { __mode = "v" })
  return setmetatable({ app = app, serial = serials, thread = thread }, Scope)
end

-- Counted first: a debug hook may raise in between, and a scope that is not counted would be taken for none.
local function enter(scope)
  local co = scope.thread.co
  local stack = stacks[co]
  if not stack then
    stack = {}
    stacks[co] = stack
  end
  scopes(1)
  stack[#stack + 1] = scope
  scopes(0)
end

-- By hand, so that an interrupted end is done again when the variable is closed.
local function finish(scope, ...)
  close(scope)
  return ...
end

-- app:scope(fn, ...): runs fn(...) in a scope of its own and returns its results; an error goes on
-- unchanged after the teardowns. fn may yield.
function App:scope(fn, ...)
  options.check_callable("app:scope", fn)
  local scope <close> = new_scope(self)
  enter(scope)
  return finish(scope, block.run(function(err) Scope.__close(scope, err) end, fn, ...))
end

-- app:on_teardown(fn): fn(err) runs at the end of each scope. Returns fn.
function App:on_teardown(fn)
  options.check_callable("app:on_teardown", fn)
  self.teardowns[#self.teardowns + 1] = fn
  return fn
end

function App:__tostring() return string.format("<App %q>", self.name) end

local app = {}

-- mr.App(name)
function app.new(...)
  local _, name = options.read("App", {}, 1, ...)
  if name ~= nil and type(name) ~= "string" then options.expect("App", "a name (a string)", name) end
  return setmetatable({ name = name or "app", config = {}, teardowns = {} }, App)
end

function app.is_app(value) return getmetatable(value) == App end

-- The application whose scope the running coroutine is in, or nil.
function app.current()
  local scope = innermost()
  return scope and scope.app
end

-- The application of the innermost scope for whose application values[application] == value, or nil.
function app.enclosing(values, value)
  local stack = scopes() > 0 and entered()
  for i = stack and #stack or 0, 1, -1 do
    if values[stack[i].app] == value then return stack[i].app end
  end
end

-- Is the value a scope that ends now, and without an error?
function app.is_done(value) return getmetatable(value) == Scope and value.done or false end

-- The default scope of scoped sessions: the innermost one, or the one of the whole Lua state.
function app.scope_key() return scopes() > 0 and innermost() or main end

-- Two booleans. Does the running coroutine stay in its scope until one is entered or left, whoever resumes it? And all
-- others as well?
function app.is_settled()
  local co, is_main = running()
  local none = scopes() == 0
  return none or is_main or stacks[co] ~= nil, none
end

return app
