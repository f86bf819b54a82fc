-- arguments.lua: reads the words and options of a command, as the catalogue says them.
--
-- Invariant: an option means the same before and behind words; what the catalogue does not know is refused, with the
-- nearest that it knows.

local core, require = ...
local misuse = require "moonrow.command.misuse"

local arguments = {}

local function key_of(option) return option.key or (option[1]:gsub("^%-+", ""):gsub("%-", "_")) end

-- The options by the names that they are given by.
local function names_of(command)
  local names = {}
  for _, option in ipairs(command.options) do
    names[option[1]] = option
    if option.short then names[option.short] = option end
  end
  return names
end

-- The name, and the value that stands behind it in the same word: --url=x, -mx.
local function split(word, names)
  if names[word] then return word end
  local long, value = word:match "^(%-%-[^=]+)=(.*)$"
  if long then return long, value end
  local short = word:match "^%-[^%-]"
  if short and names[short] and names[short][2] then return short, word:sub(#short + 1) end
  return word
end

-- The nearest option; of several words in one, a value that is stuck to it is not looked at.
local function no_option(name, names)
  misuse("unknown option '%s'%s", name, core.hint(name, names))
end

local function set(given, option, value)
  local key = key_of(option)
  if option.many then
    given[key] = given[key] or {}
    table.insert(given[key], value)
  elseif given[key] ~= nil then
    misuse("'%s' is there twice", option[1])
  else
    given[key] = value
  end
end

local function check_count(command, n)
  if n < #command.takes then misuse("%s is missing", command.takes[n + 1]) end
end

-- arguments.read(command, words): the words as a list, and by name the values of its options (true for one that has no
-- value).
function arguments.read(command, words)
  local given, names, i, ended = {}, names_of(command), 1, false
  while i <= #words do
    local word = words[i]
    if ended or not word:find "^%-%-?%a" and word ~= "--" then
      if #given == command.most then misuse("'%s' is one word too many", word) end
      given[#given + 1] = word
    elseif word == "--" then ended = true
    else
      local name, value = split(word, names)
      local option = names[name] or no_option(name, names)
      if option[2] and value == nil then
        i = i + 1
        value = words[i] or misuse("'%s' needs %s behind it", name, option[2])
      elseif not option[2] and value then
        misuse("'%s' takes no value", name)
      end
      set(given, option, value or true)
    end
    i = i + 1
  end
  if not given.help then check_count(command, #given) end
  return given
end

return arguments
