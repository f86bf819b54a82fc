-- changes.lua: what commits have changed: db:changes_since(token), db:change_token(), db:forget_changes().
--
-- Invariant: until one of them is called nothing is recorded, and nothing costs anything.

local core, require = ...
local options = require "moonrow.options"

local changes = {}

local feeds = setmetatable({}, { __mode = "k" }) -- by engine

-- The feed of the engine; commits are recorded from its first use on.
function changes.feed(engine)
  local feed = feeds[engine]
  if not feed then
    feed = core.feed(engine)
    feeds[engine] = feed
  end
  return feed
end

local function check_token(token)
  if math.type(token) ~= "integer" or token < 0 then
    options.expect("changes_since", "a token, as db:change_token() and each change have one", token)
  end
  return token
end

-- An iterator over what was committed after the token, in order.
function changes.since(engine, base, token, ...)
  options.read("changes_since", {}, 0, ...)
  local walk = changes.feed(engine):walk(check_token(token), base)
  return function() return (walk:next()) end
end

-- The token of the last commit that has changed something; 0 where there was none since recording began.
function changes.token(engine) return changes.feed(engine):token() end

-- Ends recording, and forgets what was recorded.
function changes.forget(engine)
  local feed = feeds[engine]
  feeds[engine] = nil
  if feed then feed:close() end
end

return changes
