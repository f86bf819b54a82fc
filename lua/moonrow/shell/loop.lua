-- loop.lua: the interactive shell: a line is an expression, whose values are printed, a statement, which may go on over
-- several lines, or a command of the shell.
--
-- Invariant: an error is printed and the shell goes on. What a line declares, the next one has.

local core, require = ...
local class_listeners = require "moonrow.class_listeners"
local commands = require "moonrow.shell.commands"
local complete = require "moonrow.shell.complete"
local show = require "moonrow.shell.show"
local url = require "moonrow.command.url"

-- ---------------------------------------------------------------- reading

-- Does the message say that the statement goes on after the text?
local function is_incomplete(message) return message:sub(-5) == "<eof>" end

-- A local variable would end with its line: the first statement makes a global one of it. A variable to close stays as
-- it is.
local function with_globals(text)
  local rest = text:match "^%s*local%s+(function%s+[%a_].*)$"
  if rest then return rest end
  local names, values = text:match "^%s*local%s+([%w_%s,<>]-)%s*(=.*)$"
  if not names then
    local declared, behind = text:match "^%s*local%s+([%a_][%w_%s,<>]*)(.*)$"
    if declared and behind:find "^;?" then names, values = declared, "= nil " .. behind end
  end
  if not names or names:find "<%s*close%s*>" then return text end
  return (names:gsub("<%s*const%s*>", "")) .. " " .. values
end

-- The expression of the text as a function; nil: it is none.
local function expression_of(text, host) return host.load("return " .. text:gsub("^%s*=", ""), "=stdin", "t") end

local function prompt(host, name, usual)
  local text = rawget(host.globals, name)
  return type(text) == "string" and text or usual
end

-- The function of the statement that begins with the text, and its whole text; nil and a message; false: it was given
-- up.
local function statement_of(text, host)
  while true do
    local chunk, message = host.load(text, "=stdin", "t")
    if chunk then return host.load(with_globals(text), "=stdin", "t") or chunk, text end
    if not is_incomplete(message) then return nil, message, text end
    local more = host.read(prompt(host, "_PROMPT2", ">> "))
    if more == false then return false end
    if not more then
      if host.terminal then io.stdout:write "\n" end -- behind ^D
      return nil, message, text
    end
    text = text .. "\n" .. more
  end
end

-- One line of the history, unless that would be another program: a comment would hide what follows it, and a text in
-- long brackets has its lines.
local function remember(text, host)
  local in_lines = text:find("--", 1, true) or text:find "%[=*%[" or text:find "\\\n"
  host.remember(in_lines and text or (text:gsub("%s*\n%s*", " ")))
end

-- ---------------------------------------------------------------- evaluating

-- Prints the values with the program's print, if it has one of its own.
local function print_values(state, values)
  if values.n == 0 then return end
  local of_program = rawget(state.host.globals, "print")
  if of_program ~= state.print then return state.host.call(of_program, table.unpack(values, 1, values.n)) end
  state.host.call(function() io.stdout:write(show.values(values, state), "\n") end)
end

-- Runs the function, and prints what it gives.
local function evaluate(state, fn)
  local started = state.host.clock()
  local values = table.pack(state.host.call(fn))
  local seconds = state.host.clock() - started
  if values[1] then
    print_values(state, { n = values.n - 1, table.unpack(values, 2, values.n) })
  end
  if state.time then io.stdout:write(("-- %.3f ms of the processor\n"):format(seconds * 1000)) end
end

-- A key that this terminal's lines do not know arrives as bytes of its own.
local function has_keys(text) return text:find "[\27\1-\8\14-\31]" ~= nil end

local function run_line(state, line)
  if has_keys(line) then
    io.stderr:write("the line has a control character, as arrow keys send it: lines are edited on a terminal, ",
      "where the host was built with libedit\n")
    return
  end
  local command, rest = commands.find(line, state)
  if command then
    state.host.remember(line)
    local results = table.pack(state.host.call(command, state, rest))
    return results.n > 1 and print_values(state, { n = results.n - 1, table.unpack(results, 2, results.n) })
  end
  local fn, text, all = expression_of(line, state.host), line, nil
  if not fn then fn, text, all = statement_of(line, state.host) end
  if fn == false then return end
  remember(fn and text or all, state.host)
  if fn then return evaluate(state, fn) end
  io.stderr:write(text, "\n")
  if commands.is_sql(line) then io.stderr:write "SQL is run by :sql STATEMENT\n" end
end

-- ---------------------------------------------------------------- the beginning

-- The classes that are declared become globals, where their names are free.
local function offer_classes(host)
  local names = {}
  for _, class in ipairs(class_listeners.classes()) do
    local name = core.describe_class(class).name
    if name:find "^[%a_][%w_]*$" and rawget(host.globals, name) == nil then
      rawset(host.globals, name, class)
      names[#names + 1] = name
    end
  end
  table.sort(names)
  return names
end

local function run_models(host)
  local script = host.models
  local folder = script:match "^(.*)/[^/]*$"
  local package = host.globals.package
  if folder then package.path = folder .. "/?.lua;" .. package.path end
  local chunk, why = host.loadfile(script, "t")
  if not chunk then
    io.stderr:write("moonrow: ", why, "\n")
    return false
  end
  return host.call(function()
    local given = chunk(host.url)
    if type(given) == "table" and rawget(host.globals, "models") == nil then
      rawset(host.globals, "models", given)
    end
  end)
end

-- Opens the database, with the classes of the program or one for each table.
local function open(host)
  local mr = host.globals.mr
  host.url = url.of(host.url)
  url.check(host.url, io)
  local db = host.models and mr.open(host.url) or mr.automap(host.url)
  rawset(host.globals, "db", db)
  if not host.models then offer_classes(host) end
end

local function open_database(host)
  local _, why = host.call(function() -- Ctrl-C stops it
    local ok, e = pcall(open, host)
    return not ok and (type(e) == "table" and e.message or tostring(e)) or nil
  end)
  if not why then return true end
  local cure = why:find("No such file", 1, true)
    and (': to make a new one, in the shell: db = mr.open "%s"'):format(host.url) or ""
  io.stderr:write("moonrow: ", why, cure, "\n")
  return false
end

local function list_of(names)
  local most = 8
  local text = table.concat(names, ", ", 1, math.min(#names, most))
  return #names > most and ("%s, and %d more"):format(text, #names - most) or text
end

local function begin(state)
  local host = state.host
  if host.url and not open_database(host) then return false end
  if host.models and not run_models(host) then return false end
  if not (host.url or host.models) then return true end
  local names = host.models and offer_classes(host) or commands.classes()
  if state.terminal then
    if host.url then io.stdout:write("db: ", host.globals.db.engine.url, "\n") end
    if #names > 0 then io.stdout:write("classes: ", list_of(names), "\n") end
  end
  return true
end

-- loop(host): runs the shell; false where its database or its classes cannot be had.
return function(host)
  local state = { host = host, terminal = host.terminal, colour = host.terminal and host.colour,
    print = host.globals.print, time = false, echo = false, left_once = false }
  if not begin(state) then return false end
  if state.terminal then io.stdout:write "help says what a line may be; Ctrl-D leaves\n" end
  host.complete(complete.completer(host.globals, host.debug, host.width))
  while true do
    local line = host.read(prompt(host, "_PROMPT", "> "))
    if line == nil and state.terminal then io.stdout:write "\n" end
    if line == nil and commands.may_leave(state) or line and commands.leaves(state, line) then return true end
    if line and line:find "%S" and not commands.is_leaving(line, state) then
      state.left_once = false
      run_line(state, line)
    end
  end
end
