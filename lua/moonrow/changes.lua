-- changes.lua: what commits have changed: db:changes_since(token), db:change_token(), db:forget_changes().
--
-- Invariant: until one of them is called nothing is recorded, and nothing costs anything.

local core, require = ...
local options = require "moonrow.options"

local changes = {}

local MOST, MOST_OF_ONE = 16000000, 64000000 -- bytes that are kept, and of one transaction
local feeds = setmetatable({}, { __mode = "k" }) -- by engine
local hearers = setmetatable({}, { __mode = "k" }) -- by engine: { { key =, fn = }, ... }
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

-- fn(connection, commit) is called in each transaction that has changed something, before its commit; what it writes
-- belongs to it. One of the same key takes the other's place.
function changes.on_commit(engine, base, key, fn)
  local feed, list = changes.feed(engine), hearers[engine]
  if not list then
    list = {}
    hearers[engine] = list
    feed:on_commit(function(connection, commit)
      for _, hearer in ipairs(list) do hearer.fn(connection, commit) end
    end, base)
  end
  for _, hearer in ipairs(list) do
    if hearer.key == key then
      hearer.fn = fn
      return
    end
  end
  list[#list + 1] = { key = key, fn = fn }
end

-- The database is another one, as a file was restored.
function changes.restored(engine)
  if feeds[engine] then feeds[engine]:tell_outside() end
end

-- Ends recording, and forgets what was recorded.
function changes.forget(engine)
  local feed = feeds[engine]
  feeds[engine], hearers[engine] = nil, nil
  if feed then feed:close() end
end

return changes
