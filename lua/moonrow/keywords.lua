-- keywords.lua: Lua's reserved words, as a set: no name that stands alone can be one of them.

local _, require = ...
local options = require "moonrow.options"

return options.set{
  "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local", "nil", "not",
  "or", "repeat", "return", "then", "true", "until", "while",
}
