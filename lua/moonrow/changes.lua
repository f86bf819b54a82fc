-- changes.lua: what commits have changed: db:changes_since(token), db:change_token(), db:forget_changes().
--
-- Invariant: until one of them is called nothing is recorded, and nothing costs anything.

local core, require = ...
local options = require "moonrow.options"

local changes = {}

local MOST, MOST_OF_ONE = 16000000, 64000000 -- bytes that are kept, and of one transaction
local feeds = setmetatable({}, { __mode = "k" }) -- by engine
local quiet = setmetatable({}, { __mode = "k" }) -- by feed: it keeps nothing

-- The feed of the engine; commits are recorded from its first use on. told: only as they happen: nobody asks for those
-- of before, and they are not kept.
function changes.feed(engine, told)
  local feed = feeds[engine]
  if not feed then
    feed = core.feed(engine)
    feeds[engine], quiet[feed] = feed, told
    if told then feed:limit(0, MOST_OF_ONE) end
  elseif quiet[feed] and not told then
    quiet[feed] = nil
    feed:limit(MOST, MOST_OF_ONE)
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
