-- guide.lua: runs a page of the guide and compares what its code prints with what the page says:
--   lua5.4 spec/guide.lua PAGE.md INTERPRETER...   TAP, one line a block; non-zero when one differs
--   lua5.4 spec/guide.lua --self-test
--
-- A page's blocks of Lua are one program, run in their order by the interpreter in an empty folder; a block of sh runs
-- there, too, at its place. Blocks of C are one program up to the block that has main: there it is compiled, and runs;
-- blocks with no main behind them are compiled only. A block without a language behind one of these is what it prints;
-- a block with none behind it must print nothing. A comment before a block says more about it:
--   <!-- file: models.lua -->   it is written to that file, not run
--   <!-- fails -->              it raises; what it prints is the error's text
--   <!-- not run: reason -->    it is only shown (Lua is compiled all the same)
-- Of C, GUIDE_CC is the command that compiles, and GUIDE_LIBS what it links; without them, those of build/.
-- In what is printed, a line "..." stands for any lines, and "..." in a line for any text.

-- { kind = "lua" | "sh" | "c" | "output" | another, line = of its first line, text =, file =, fails =, shown = }
local function blocks_of(page)
  local blocks, block, said, number, lines = {}, nil, {}, 0, {}
  for line in (page .. "\n"):gmatch "([^\n]*)\n" do
    number = number + 1
    if block then
      if line == "```" then
        block.text = table.concat(lines, "\n")
        blocks[#blocks + 1], block, lines = block, nil, {}
      else
        lines[#lines + 1] = line
      end
    elseif line:match "^```" then
      local kind = line:match "^```(%w*)"
      block = { kind = kind == "" and "output" or kind, line = number + 1 }
      for name, value in pairs(said) do block[name] = value end
      said = {}
    elseif line:match "^<!%-%-" then
      said.file = line:match "file: *(%S+)" or said.file
      said.fails = line:match "^<!%-%- fails" and true or said.fails
      said.shown = line:match "not run: *(.-) *%-%->" or said.shown
    elseif line ~= "" then
      said = {}
      if #blocks > 0 then blocks[#blocks].followed = true end
    end
  end
  assert(not block, "a block without an end")
  return blocks
end

-- The blocks of C become programs: the block that has main, or else the last one, gets the whole text as its program.
-- Each line has the number that it has in the page.
local function join_programs(blocks, name)
  local parts, open = {}, nil
  for _, block in ipairs(blocks) do
    if block.kind == "c" and not block.file and not block.shown then
      parts[#parts + 1] = ('#line %d "%s"\n%s\n'):format(block.line, name, block.text)
      if open then open.program = nil end
      open, block.program = block, table.concat(parts)
      block.runs = block.text:find "%f[%w]int main%(" ~= nil
      if block.runs then open, parts = nil, {} end
    end
  end
end

-- Each block that runs gets the block behind it as its output.
local function pair_outputs(blocks, name)
  local run = {}
  join_programs(blocks, name)
  for i, block in ipairs(blocks) do
    local runs = (block.kind == "lua" or block.kind == "sh" or block.program) and not block.file and not block.shown
    local behind = blocks[i + 1]
    if runs then
      run[#run + 1] = block
      block.expected = behind and behind.kind == "output" and not block.followed and behind.text or ""
    end
  end
  return run
end

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

-- The shell's commands for a program in C, which stands in the file of its block.
local function compiled(block)
  local source = ("page_%d.c"):format(block.line)
  local compile = ("$GUIDE_CC %s "):format(source)
  if not block.runs then return compile .. "-c -o /dev/null" end
  return compile .. "-o ./program $GUIDE_LIBS\n./program"
end

-- The page's program: each block stands in its own lines of the page, so that errors name those.
local function program_of(blocks, prelude)
  local lines, last = {}, 0
  local function put(number, text) lines[number] = (lines[number] or "") .. text; last = math.max(last, number) end
  put(1, prelude)
  for i, block in ipairs(blocks) do
    put(block.line - 1, ("__block(%d) "):format(i))
    local command = block.kind == "sh" and block.text or block.program and compiled(block)
    if command then
      put(block.line - 1, ("__sh(%q) "):format(command):gsub("\\\n", "\\n"))
    else
      local n = block.line - 1
      if block.fails then put(n, "__fails(function() ") end
      for line in (block.text .. "\n"):gmatch "([^\n]*)\n" do
        n = n + 1
        put(n, line)
      end
      if block.fails then put(n + 1, " end) ") end
    end
  end
  for n = 1, last do lines[n] = lines[n] or "" end
  return table.concat(lines, "\n") .. "\n"
end

local PRELUDE = [[io.stdout:setvbuf "no" ]]
  .. [[local function __block(n) io.stdout:write("\1", n, "\1\n") end ]]
  .. [[local function __sh(command) local p = io.popen("exec 2>&1; set -e\n" .. command) ]]
  .. [[io.stdout:write(p:read "a") p:close() end ]]
  .. [[local function __fails(fn) local ok, e = pcall(fn) print(ok and "nothing was raised" or tostring(e)) end ]]

local function escaped(text) return (text:gsub("%p", "%%%0")) end

-- Is the text what is expected, "..." standing for anything?
local function is_like(text, expected)
  text, expected = text:gsub("%s+$", "") .. "\n", expected:gsub("%s+$", "") .. "\n"
  if text == expected then return true end
  local pattern = escaped(expected):gsub("%%%.%%%.%%%.\n", function() return "...\n" end)
  pattern = pattern:gsub("\n%.%.%.\n", "\n.-\n?"):gsub("^%.%.%.\n", ".-\n?"):gsub("%.%.%.\n", "[^\n]*\n")
    :gsub("%%%.%%%.%%%.", "[^\n]*")
  return text:match("^" .. pattern .. "$") ~= nil
end

local function outputs_of(text, n)
  local outputs, at = {}, nil
  for i = 1, n do outputs[i] = "" end
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    local before, number = line:match "^(.-)\1(%d+)\1$"
    if number then
      if at and before ~= "" then outputs[at] = outputs[at] .. before .. "\n" end
      at = tonumber(number)
    elseif at then
      outputs[at] = outputs[at] .. line .. "\n"
    end
  end
  return outputs, at or 0
end

-- What is wrong with each block: nil, or a message. And how many the program came to.
local function compare(blocks, text)
  local outputs, reached = outputs_of(text, #blocks)
  local wrong = {}
  for i, block in ipairs(blocks) do
    if i > reached then wrong[i] = "it did not run"
    elseif not is_like(outputs[i], block.expected) then
      wrong[i] = "it printed\n" .. outputs[i] .. "and the page says\n" .. block.expected
    end
  end
  return wrong
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

-- What compiles and links C, for whom it is not said: a program that uses the library of build/, and the system's Lua.
local COMPILER = [[root=$(pwd)
for lua in lua5.4 lua-5.4 lua54; do pkg-config --exists $lua && break; done
: "${GUIDE_CC:=cc -Wall -Wextra -Werror -I$root/src/include $(pkg-config --cflags $lua)}"
: "${GUIDE_LIBS:=$root/build/lib/libmoonrow.a $(pkg-config --libs $lua sqlite3 jansson libtommath) -lm -lpthread}"
export GUIDE_CC GUIDE_LIBS
]]

local function run_page(path, interpreter)
  local name = path:match "[^/]+$"
  local blocks = blocks_of(read(path))
  local run = pair_outputs(blocks, name)
  local folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir " .. quote(folder)))
  for _, block in ipairs(blocks) do
    if block.file then write(folder .. "/" .. block.file, block.text .. "\n") end
    if block.program then write(("%s/page_%d.c"):format(folder, block.line), block.program) end
    if block.kind == "lua" and block.shown then assert(load(block.text, "=" .. name .. ":" .. block.line)) end
  end
  local program = folder .. "/" .. name
  write(program, program_of(run, PRELUDE))
  local command = ("%scd %s && exec %s %s 2>&1 </dev/null"):format(COMPILER, quote(folder), interpreter, quote(name))
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  pipe:close()
  os.execute("rm -rf " .. quote(folder))
  local wrong = compare(run, text)
  for i, block in ipairs(run) do
    print(("%s %d - %s:%d"):format(wrong[i] and "not ok" or "ok", i, name, block.line))
    if wrong[i] then print("# " .. wrong[i]:gsub("\n", "\n# ")) end
  end
  return next(wrong) == nil
end

local function self_test()
  local failed = 0
  local function check(what, ok)
    if ok then return end
    failed = failed + 1
    print("guide.lua: " .. what)
  end
  check("equal text", is_like("a\nb\n", "a\nb"))
  check("other text", not is_like("a\nc\n", "a\nb"))
  check("more text", not is_like("a\nb\nc\n", "a\nb"))
  check("magic characters", is_like("(%d+) [x]", "(%d+) [x]") and not is_like("12", "%d+"))
  check("any lines", is_like("a\nb\nc\nd\n", "a\n...\nd") and not is_like("a\nb\nc\n", "a\n...\nd"))
  check("any rest of a line", is_like("a 0x1234\nb\n", "a ...\nb") and not is_like("a 1\nc\n", "a ...\nb"))
  check("any text in a line", is_like("took 12 ms\n", "took ... ms") and not is_like("took 12 s\n", "took ... ms"))
  local page = "text\n\n```lua\nprint(1)\n```\n\n```\n1\n```\n\n<!-- file: m.lua -->\n```lua\nreturn 2\n```\n\n"
    .. "```sh\necho hi\n```\n\nwords\n\n```\nnot its output\n```\n\n<!-- not run: a server -->\n```lua\nx()\n```\n"
    .. "<!-- fails -->\n```lua\nerror 'e'\n```\n```\n...: e\n```\n"
  local run = pair_outputs(blocks_of(page), "p.md")
  check("three blocks run", #run == 3 and run[1].kind == "lua" and run[2].kind == "sh" and run[3].fails)
  check("the output behind", run[1].expected == "1" and run[2].expected == "" and run[3].expected == "...: e")
  local program = program_of(run, "")
  check("lines of the page", select(2, program:match("^(.-)print"):gsub("\n", "")) == 3)
  check("the program compiles", load(program) ~= nil)
  local good = "\0011\1\n1\n\0012\1\n\0013\1\np: e\n"
  check("all as said", next(compare(run, good)) == nil)
  check("a difference", compare(run, good:gsub("\n1\n", "\n2\n"))[1] ~= nil)
  check("printed where nothing is said", compare(run, good:gsub("\0012\1\n", "\0012\1\nhi\n"))[2] ~= nil)
  page = "```c\nint one(void) { return 1; }\n```\ntext\n```c\nint main(void) { return one(); }\n```\n```\nout\n```\n"
    .. "<!-- file: h.h -->\n```c\nint h;\n```\n```c\nstatic int two;\n```\n"
  run = pair_outputs(blocks_of(page), "p.md")
  check("two programs of C", #run == 2 and run[1].runs and run[1].expected == "out" and not run[2].runs)
  check("a program of C has the lines of the page", run[1].program == '#line 2 "p.md"\nint one(void) { return 1; }\n'
    .. '#line 6 "p.md"\nint main(void) { return one(); }\n' and run[2].program == '#line 16 "p.md"\nstatic int two;\n')
  program = program_of(run, "")
  check("a program of C is compiled and run at its place", program:find("page_6.c", 1, true)
    and program:find("./program", 1, true) and load(program))
  check("not reached", compare(run, "\0011\1\n1\n")[2] ~= nil)
  return failed == 0
end

local page = ...
if page == "--self-test" then os.exit(self_test()) end
os.exit(run_page(page, table.concat({ select(2, ...) }, " ")))
