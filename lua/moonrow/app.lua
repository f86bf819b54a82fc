-- app.lua: an application: a configuration, and scopes. A scope is a request, a frame, a job: at its end,
-- however it ends, every teardown runs and the scope's sessions go.
--
-- Invariant: a scope is on its coroutine's stack exactly between its beginning and the end of its last
-- teardown. The stacks are keyed weakly by coroutine, so a coroutine that is dropped in the midst of a
-- scope leaves nothing behind.

local _, require = ...
local options = require "moonrow.options"

local running = coroutine and coroutine.running or function() return "main" end
local stacks = setmetatable({}, { __mode = "k" })
local main = setmetatable({}, { __name = "main scope" })
local entered = 0 -- scopes that have not been left; those of a dropped coroutine are counted for ever

local App = {}
App.__index = App
App.__name = "App"

-- The innermost scope entered by the running coroutine, or nil.
local function innermost()
  local stack = stacks[running()]
  return stack and stack[#stack]
end

local Scope = { __name = "scope" }
Scope.__index = Scope

local function leave(scope)
  local stack = stacks[scope.thread.co]
  if not stack then return end
  for i = #stack, 1, -1 do
    if stack[i] == scope then
      table.remove(stack, i)
      entered = entered - 1
      break
    end
  end
  if #stack == 0 then stacks[scope.thread.co] = nil end
end

-- Runs the teardowns, last registered first, each with the error that ended the scope, or nil. One that
-- fails keeps none of the others from running; its error is raised when there is no earlier one, and a
-- warning otherwise.
function Scope:__close(err)
  local first
  for i = #self.app.teardowns, 1, -1 do
    local ok, failure = pcall(self.app.teardowns[i], err)
    if not ok then
      if err == nil and first == nil then
        first = failure
      elseif warn then
        warn("moonrow: a teardown failed as well: ", tostring(failure))
      end
    end
  end
  leave(self)
  if first ~= nil then error(first, 0) end
end

local function enter(app)
  local co = running()
  -- The coroutine is known by a weak reference only: a stack must not keep its own key alive.
  local scope = setmetatable({ app = app, thread = setmetatable({ co = co }, { __mode = "v" }) }, Scope)
  local stack = stacks[co]
  if not stack then
    stack = {}
    stacks[co] = stack
  end
  stack[#stack + 1] = scope
  entered = entered + 1
  return scope
end

-- app:scope(fn, ...): runs fn(...) in a scope of its own and returns its results; an error goes on
-- unchanged after the teardowns. fn may yield.
function App:scope(fn, ...)
  if not options.callable(fn) then options.expect("app:scope", "a function", fn) end
  local scope <close> = enter(self) -- luacheck: ignore scope
  return fn(...)
end

-- app:on_teardown(fn): fn(err) runs at the end of each scope. Returns fn.
function App:on_teardown(fn)
  if not options.callable(fn) then options.expect("app:on_teardown", "a function", fn) end
  self.teardowns[#self.teardowns + 1] = fn
  return fn
end

function App:__tostring() return ("<App %q>"):format(self.name) end

local app = {}

-- mr.App(name)
function app.new(...)
  local _, args = options.split("App", {}, ...)
  local name = options.arguments("App", 1, args)
  if name ~= nil and type(name) ~= "string" then options.expect("App", "a name (a string)", name) end
  return setmetatable({ name = name or "app", config = {}, teardowns = {} }, App)
end

function app.is_app(value) return getmetatable(value) == App end

-- The application whose scope the running coroutine is in, or nil.
function app.current()
  local scope = innermost()
  return scope and scope.app
end

-- The default scope of scoped sessions: the innermost one, or the one of the whole Lua state.
function app.scope_key() return entered > 0 and innermost() or main end

return app
