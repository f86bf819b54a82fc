-- lua_layout.lua: checks the layout of Lua code. Prints "file:line: mistake"; fails if there is any.
--   lua5.4 spec/lua_layout.lua FILE...
--   lua5.4 spec/lua_layout.lua --self-test
--
-- A file is read token by token: nothing in strings and comments counts as code. `gap` says how many spaces stand
-- between two tokens of a line. A line is indented by two more than the line that opened the innermost open block or
-- bracket. A line that continues a statement or an item is indented by two more than the line where that began. Inside
-- brackets, a line may also stand below the first item, if that follows its bracket.

local function set(words)
  local t = {}
  for word in words:gmatch "%S+" do t[word] = true end
  return t
end
local KEYWORDS = set("and break do else elseif end false for function goto if in local nil not or repeat return "
  .. "then true until while")
local OPENS, CLOSES = set "( { [", set ") } ] end until else elseif"
local BINARY = set "+ - * / // % ^ & | ~ << >> .. == ~= < > <= >= and or ="
local TIGHT = set ". :" -- no spaces on either side

-- The class of a token, for its neighbours: name, number, string, keyword, comment or symbol.
local function next_token(source, at)
  local c = source:sub(at, at)
  local long = source:match("^%-?%-?%[(=*)%[", at)
  if long and (c == "[" or source:find("^%-%-%[", at)) then
    local _, last = source:find("]" .. long .. "]", at, true)
    return c == "[" and "string" or "comment", last or #source
  end
  if source:find("^%-%-", at) then return "comment", (source:find("\n", at, true) or #source + 1) - 1 end
  if c:find "[%a_]" then
    local _, last = source:find("^[%w_]+", at)
    return KEYWORDS[source:sub(at, last)] and "keyword" or "name", last
  end
  if c:find "%d" or source:find("^%.%d", at) then
    local _, last = source:find("^0[xX][%x.]*", at)
    if last then _, last = source:find("^[pP]?[+-]?%d*", last + 1) else
      _, last = source:find("^[%d.]*[eE]?", at)
      if source:find("^[eE]", last) then _, last = source:find("^[+-]?%d*", last + 1) end
    end
    return "number", last
  end
  if c == '"' or c == "'" then
    local i = at + 1
    while source:sub(i, i) ~= c do
      i = source:find('[\\\'"\n]', i)
      if not i or source:sub(i, i) == "\n" then return "string", i and i - 1 or #source end
      if source:sub(i, i) == "\\" then i = i + 2 elseif source:sub(i, i) ~= c then i = i + 1 end
    end
    return "string", i
  end
  local _, label = source:find("^::%s*[%w_]+%s*::", at)
  if label then return "label", label end
  local attribute, last = source:match("^<(%a+)>()", at)
  if attribute == "close" or attribute == "const" then return "attribute", last - 1 end
  for _, symbol in ipairs{ "...", "..", "//", "<<", ">>", "==", "~=", "<=", ">=" } do
    if source:sub(at, at + #symbol - 1) == symbol then return "symbol", at + #symbol - 1 end
  end
  return "symbol", at
end

local VALUE_WORDS, VALUE_SYMBOLS = set "end nil true false", set ") } ] ..."

-- May an expression end with the token?
local function ends_value(t)
  if t.kind == "keyword" then return VALUE_WORDS[t.text] end
  if t.kind == "symbol" then return VALUE_SYMBOLS[t.text] end
  return t.kind ~= "comment" and t.kind ~= "label"
end

-- The number of spaces between two tokens of a line.
local function gap(a, b)
  local x, y = a.text, b.text
  if b.kind == "comment" then return 1 end
  if y == "," or y == ";" or x == "{" and y == "}" then return 0 end
  if x == "{" or y == "}" then return 1 end
  if x == "(" or x == "[" or y == ")" or y == "]" or TIGHT[x] or TIGHT[y] then return 0 end
  if a.unary and x ~= "not" then return 0 end
  if y == "(" and x == "function" then return 0 end
  if OPENS[y] and ends_value(a) then return 0 end
  return 1
end

-- Does the first token of a line continue what the line before has begun?
local function goes_on(last, t, top)
  if not last then return false end
  if last.binary or last.unary or t.binary or t.text == ":" or t.text == "." then return true end
  if not top.block then return false end
  return last.text == "," or last.text == "return" or last.text == "in" or t.text == "then"
    or t.text == "do" and top.head ~= nil
end

-- Calls report(line, what) for each mistake.
local function check(source, report)
  local at, line, start, above = 1, 1, 1, 1 -- the positions at which this line and the one above begin
  local indent = 0                          -- indentation of this line
  -- The open blocks and brackets; item: indentation of the statement or item.
  local stack = { { base = -2, item = 0, block = true } }
  local last                                -- the last token of code, in this line or before
  local previous                            -- the last token in this line, also a comment
  local comments = {}                       -- the lines with comments only, since the last code
  local function say(...) report(line, string.format(...)) end

  local function check_indent(t)
    local top, width = stack[#stack], t.column
    local inner = top.base + 2
    if t.kind == "comment" then
      if width ~= inner then comments[#comments + 1] = { line, width } end
      return
    end
    for i, comment in ipairs(comments) do
      if comment[2] ~= width then report(comment[1], "the comment is not indented as the code after it") end
      comments[i] = nil
    end
    if CLOSES[t.text] then
      if width ~= top.base then say("'%s' is indented by %d, not by %d", t.text, width, top.base) end
    elseif not goes_on(last, t, top) then
      if width ~= inner and width ~= top.align then say("indented by %d, not by %d", width, inner) end
      top.item = width
    elseif width ~= top.item + 2 and width ~= top.align then
      say("goes on indented by %d, not by %d", width, top.item + 2)
    end
  end

  -- Is the token below one in a neighbouring line? Then several spaces may stand before it: in the values of a table,
  -- or in items after a comma.
  local function is_aligned(t, top)
    local equals = t.text == "=" and not top.block
    if not equals and previous.text ~= "," then return false end
    if equals and top.equals == t.column then return true end
    local first = above
    for _ = 1, 4 do -- the line above, this one, and two below, because a value may take several
      local ends = source:find("\n", first, true) or #source
      local there = first ~= start and first + t.column <= ends
      if there and source:find(equals and "^ =" or "^ [^ ]", first + t.column - 1) then return true end
      first = ends + 1
    end
    return false
  end

  local function check_gap(t, spaces)
    local wanted = gap(previous, t)
    if spaces == wanted or spaces > wanted and (t.kind == "comment" or is_aligned(t, stack[#stack])) then return end
    say("%d spaces between '%s' and '%s', not %d", spaces, previous.text, t.text:match "[^\n]*", wanted)
  end

  -- Checks the ends of lines between two tokens.
  local function check_breaks(from)
    local breaks = 0
    for position in source:sub(at, from - 1):gmatch "()\n" do
      position = at + position - 1
      if position > at and source:find("^[ \t\r]", position - 1) then say "spaces at the end" end
      breaks, line, above, start = breaks + 1, line + 1, start, position + 1
      if breaks == 3 then report(line - 1, "a second empty line in a row") end
    end
    local tab = source:sub(at, from - 1):find("\t", 1, true)
    if tab then say "a tab" end
    return breaks, tab
  end

  local function check_quotes(text)
    local quote = text:sub(1, 1)
    if quote == "'" and not text:find('"', 1, true) then say "single quotes around a string without double ones" end
    if quote == '"' and text:gsub([[\\]], ""):find([[\"]], 1, true) and not text:find("'", 1, true) then
      say "double quotes escaped in a string that single ones could be around"
    end
  end

  local function check_table_end(breaks)
    local comma = last.text == "," or last.text == ";"
    if breaks > 0 and not comma and last.text ~= "{" then say "no comma after the last item of a table's lines" end
    if breaks == 0 and comma then say "a comma before '}'" end
  end

  -- Notes what the token opens or closes. The lines of a block are indented from its `if`, `for` or `while`.
  local function nest(t)
    local top, text = stack[#stack], t.text
    if CLOSES[text] and #stack > 1 then
      table.remove(stack)
      if text == "else" then stack[#stack + 1] = { base = top.base, item = top.base, block = true } end
      if text == "elseif" then stack[#stack].head = top.base end
    elseif OPENS[text] then stack[#stack + 1] = { base = indent, item = indent, opened = t }
    elseif text == "if" or text == "for" or text == "while" then top.head = indent
    elseif text == "function" or text == "repeat" then
      stack[#stack + 1] = { base = indent, item = indent, block = true }
    elseif text == "then" or text == "do" then
      local base = top.head or indent
      top.head = nil
      stack[#stack + 1] = { base = base, item = base, block = true }
    end
  end

  if source:sub(1, 2) == "#!" then at = source:find("\n", 1, true) or #source + 1 end
  while true do
    local from = source:find("%S", at) or #source + 1
    local breaks, tab = check_breaks(from)
    if from > #source then
      if #source > 0 and source:sub(-1) ~= "\n" then say "no newline at the end of the file" end
      if breaks > 1 then say "an empty line at the end of the file" end
      break
    end
    local kind, to = next_token(source, from)
    local t = { kind = kind, text = source:sub(from, to), column = from - start }
    local word = kind == "keyword" or kind == "symbol"
    if word and BINARY[t.text] then
      t.binary = last and ends_value(last)
      t.unary = not t.binary
    end
    if t.text == "not" or t.text == "#" then t.unary = true end
    local top = stack[#stack]
    if breaks > 0 or not previous then
      indent = t.column
      if not tab then check_indent(t) end
      if breaks > 1 and previous and (OPENS[previous.text] or previous.opens or word and CLOSES[t.text]) then
        say "an empty line where a block begins or ends"
      end
    else
      if not tab then check_gap(t, from - at) end
      if last and top.opened == last and kind ~= "comment" then
        top.align = utf8.len(source, start, from - 1) or t.column
      end
      if t.text == "=" then top.equals = t.column end
    end
    if kind == "string" then check_quotes(t.text) end
    if kind == "comment" and t.text:find "%s$" then say "spaces at the end" end
    if word then
      if t.text == "}" and last then check_table_end(breaks) end
      local depth = #stack
      nest(t)
      t.opens = #stack > depth
    end
    if kind ~= "comment" then last = t end
    previous = t
    for position in t.text:gmatch "()\n" do line, above, start = line + 1, start, from + position end
    at = to + 1
  end
end

local GOOD = {
  "", "local a <const>, b <close> = 1, -2\n", "#!/usr/bin/lua\nf()\n", "::top:: goto top\n",
  "local t = {\n  a   = 1, -- one\n  bcd = 2,\n}\n", "local t = {\n  { 1,   2 },\n  { 100, 2 },\n}\n",
  'f("x", function(a)\n  g{ a, #a, not a, ~a }\nend, { {}, t[1], m:n "s" })\n',
  "local s = [[\n\t \n\n\n  x = {1,2}\n]]\n",
  "local s = [==[\n]] ' ]==]\n--[[ x\n\n\n  y = {1}\n]]\n", "local s = '\"' .. \"'\" .. \"a\\\\\" .. \"\\\"'\"\n",
  "if a\n  and b then\n  c()\nelseif d then\n  -- e\nelse\n  f()\n  -- g\nend\n",
  "local x = f(a,\n            b)\n  :g()\n  .h + 1\n",
  "return 0x1p-4, 1e+5, .5, 3 // 2, a ~= b, a ~ b, -x ^ -y, ...\n",
  "local f = function(...) return ... end\nrepeat\n  local n = -1\nuntil n < 0\n",
}
local BAD = {
  { "\tf()\n", "a tab" }, { "f() \n", "spaces at the end" }, { "-- a \n", "spaces at the end" },
  { "f()\n \ng()\n", "spaces at the end" }, { "f()\n\n\ng()\n", "a second empty line" },
  { "f()", "no newline" }, { "f()\n\n", "an empty line at the end" }, { " f()\n", "indented by 1, not by 0" },
  { "do\n    f()\nend\n", "indented by 4, not by 2" }, { "do\n  f()\n  end\n", "'end' is indented by 2, not by 0" },
  { "f{\n  a\n}\n", "no comma after" }, { "f{ a, }\n", "a comma before" }, { "f{a }\n", "0 spaces between '{'" },
  { "f{ a}\n", "0 spaces between 'a' and '}'" }, { "f{ }\n", "1 spaces between '{' and '}'" },
  { "f( a)\n", "1 spaces" }, { "f (a)\n", "1 spaces" }, { "f {}\n", "1 spaces" }, { 'f"a"\n', "0 spaces" },
  { "f(a,b)\n", "0 spaces" }, { "f(a , b)\n", "1 spaces" }, { "a=b\n", "0 spaces" }, { "a = b  + c\n", "2 spaces" },
  { "a = b..c\n", "0 spaces" }, { "a = - b\n", "1 spaces" }, { "a = b -c\n", "0 spaces" }, { "f()--a\n", "0 spaces" },
  { "a = 'b'\n", "single quotes" }, { 'a = "\\""\n', "double quotes escaped" }, { "a =  1\n", "2 spaces" },
  { "t = {\n  a  = 1,\n  bcd = 1,\n}\n", "2 spaces" }, { "a = b\n+ c\n", "goes on indented by 0, not by 2" },
  { "do\n\n  f()\nend\n", "an empty line where" }, { "do\n  f()\n\nend\n", "an empty line where" },
  { "do\n    -- a\n  f()\nend\n", "the comment is not" }, { "a = [[\n]]  .. b\n", "2 spaces" },
  { "function f (a) end\n", "1 spaces" }, { "f(function ()\nend)\n", "1 spaces" }, { "a = #[[x]]+ 1\n", "0 spaces" },
}

-- Correct texts have no mistake, and each wrong one has the mistake that it is listed with.
local function self_test()
  local failed = 0
  local function test(source, wanted)
    local found = {}
    check(source, function(_, what) found[#found + 1] = what end)
    local ok = (wanted == nil) == (#found == 0)
    for _, what in ipairs(found) do ok = ok and what:find(wanted, 1, true) end
    if ok then return end
    failed = failed + 1
    print(("%q: wanted %s, found %s"):format(source, wanted or "nothing", table.concat(found, "; ")))
  end
  for _, source in ipairs(GOOD) do test(source) end
  for _, case in ipairs(BAD) do test(case[1], case[2]) end
  return failed
end

local faults = 0
if arg[1] == "--self-test" then
  faults = self_test()
else
  for _, path in ipairs(arg) do
    local file <close> = assert(io.open(path, "rb"))
    check(file:read "a", function(line, what)
      faults = faults + 1
      print(("%s:%d: %s"):format(path, line, what))
    end)
  end
end
os.exit(faults == 0)
