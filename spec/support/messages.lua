-- messages.lua: the texts of all errors and warnings, read from the sources.
--
-- Several functions make the parts of many messages: advice after a message, or the expected kind of a value.
-- So each literal that reads as English is taken. Literals that are no message (names of types, SQL, words for Lua's
-- stack) are left out, by the function that gets them, or by their form. A directive of printf becomes "…". Literals
-- side by side are one text.

local messages = {}

-- The arguments of these functions are no messages: the words of "stack overflow (...)", and names.
local SILENT = { luaL_checkstack = true, luaL_newmetatable = true }
-- SQL is no message, either.
local SQL = {
  "SELECT", "PRAGMA", "CREATE", "EXISTS", "FROM", "WHERE", "DEFAULT", "ON", "IN", "relnamespace", "sqlite_master",
  "WITH", "INSERT", "UPDATE", "JOIN", "THEN", "CAST",
}

local ESCAPES = { n = "\n", t = "\t", ["0"] = "\0" }

-- Reads the quoted literal at this position. Returns its text, and the position behind it.
local function quoted(source, at)
  local quote, text, i = source:sub(at, at), {}, at + 1
  while source:sub(i, i) ~= quote do
    local c = source:sub(i, i)
    if c == "\\" then
      i = i + 1
      c = source:sub(i, i)
      c = ESCAPES[c] or c
    end
    text[#text + 1], i = c, i + 1
  end
  return table.concat(text), i + 1
end

-- The end of the comment at this position, or nil.
local function skip_comment(source, at, is_lua)
  local two = source:sub(at, at + 1)
  if is_lua and two == "--" then return source:find("\n", at, true) or #source + 1 end
  if not is_lua and two == "//" then return source:find("\n", at, true) or #source + 1 end
  if not is_lua and two == "/*" then return select(2, source:find("*/", at, true)) + 1 end
end

-- Calls text(words, function) for each literal of the source. function: the name of the function that gets it as an
-- argument. Literals side by side (in Lua: joined by ..) are one text.
local function each_literal(source, is_lua, text)
  local calls, at, name, open, caller = {}, 1, "", nil, nil
  local function close()
    if open then text(open, caller) end
    open = nil
  end
  while at <= #source do
    local c = source:sub(at, at)
    local behind = skip_comment(source, at, is_lua)
    if behind then at = behind
    elseif c:match "%s" then at = source:match("^%s+()", at)
    elseif c == '"' or (is_lua and c == "'") then
      local words
      words, at = quoted(source, at)
      if not open then
        local depth = #calls
        while calls[depth] == "format" do depth = depth - 1 end
        caller = calls[depth] or ""
      end
      open = (open or "") .. words
      name = ""
    elseif is_lua and source:sub(at, at + 1) == ".." then at = at + 2
    else
      close()
      if c == "'" then at = select(2, quoted(source, at))
      elseif c:match "[%a_]" then name, at = source:match("^([%w_]+)()", at)
      else
        if c == "(" then calls[#calls + 1] = name
        elseif c == ")" then calls[#calls] = nil
        end
        if c ~= "." and c ~= ":" then name = "" end
        at = at + 1
      end
    end
  end
  close()
end

-- messages.plain(text): the form in which texts are compared: a directive is "…", without spaces around the text.
function messages.plain(text)
  text = text:gsub("%%%%", "\1"):gsub("%%[%-%+ #0]*[%d%.%*]*[hlzj]*[diuxXcsfgqpI]", "…"):gsub("\1", "%%")
  text = text:gsub("%s+", " ")
  local before
  repeat
    before = text
    text = text:gsub("……", "…"):gsub("^[%s:;,]+", ""):gsub("[%s:;,]+$", ""):gsub("^…", ""):gsub("…$", "")
  until text == before
  return text
end

-- Is it English? It has two words, one of them in small letters.
local function is_english(text) return text:find "%l%l" ~= nil and text:find '%S%s+[%l…\'"<(]' ~= nil end

local function is_sql(text)
  local first = text:match '^[%s"]*([%w_]+)'
  for _, word in ipairs(SQL) do
    if first == word then return true end
  end
  return text:find "pg_catalog" ~= nil or text:find "relkind" ~= nil or text:find "relname" ~= nil
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local source = file:read "a"
  file:close()
  return source
end

-- The functions that raise or warn with the given text.
local RAISES = {
  mr_fail = true, bind_error = true, mr_warn = true, luaL_error = true, mr_compile_fail = true, mistake = true,
  mr_configure_mistake = true, mr_inheritance_mistake = true, mr_error_add_note = true, raise = true, warn = true,
  lua_warning = true,
  mr_log = true,
}

-- messages.all(): three tables from plain text to file: the texts of errors and warnings; the parts of four words or
-- more that are put into them; the shorter parts, which are no message by themselves.
function messages.all()
  local texts, parts, short = {}, {}, {}
  local pipe = assert(io.popen "find src lua/moonrow -name '*.[ch]' -o -name '*.lua' | LC_ALL=C sort")
  for path in pipe:lines() do
    if not path:find "^src/host/" and not path:find "/meta/" and not path:find "embed.lua"
      and not path:find "^lua/moonrow/annotat" and not path:find "^lua/moonrow/models/"
      and not path:find "^lua/moonrow/command/"
      and not path:find "^lua/moonrow/revisions/" and not path:find "^lua/moonrow/shell/" then -- the host's
      each_literal(read(path), path:find "%.lua$" ~= nil, function(text, caller)
        local words = messages.plain(text)
        if SILENT[caller] or not is_english(words) then
          if words ~= "" then short[words] = path end
          return
        end
        if RAISES[caller] then texts[words] = path
        elseif select(2, words:gsub("%S+", "")) >= 4 and not is_sql(words) then parts[words] = path
        else short[words] = path end
      end)
    end
  end
  pipe:close()
  return texts, parts, short
end

return messages
