-- commands.lua: what a line of the shell may be besides Lua: help, quit, exit, and words behind a colon.
--
-- Invariant: a name that the program uses itself (help = 1) is the program's.

local core, require = ...
local class_listeners = require "moonrow.class_listeners"

local HELP = [[
A line is Lua. The values of an expression are printed, and what a line declares (local, too) the next one has:
  db = mr.open "sqlite:///game.db"        opens a database
  db = mr.automap "sqlite:///game.db"     the same, with a class for each table: db.classes.player
  db.classes.player.query:limit(5):all()  reads objects
  db.session:execute(mr.text "select 1")  runs SQL, as :sql select 1 does
  db.session:commit()                     writes what has changed
Tab completes names, the arrow keys bring back lines, Ctrl-C stops what runs or gives the line up.
  :tables            the tables of db
  :classes           the classes, which are globals
  :echo on|off       prints the statements that are sent
  :time on|off       prints how long each line took
  :explain QUERY     prints the plan of a query
  :sql STATEMENT     runs it in the session of db, and shows its rows
  :help              prints this
  :quit              leaves, as quit, exit and Ctrl-D do]]

local commands = {}

-- ---------------------------------------------------------------- what there is

-- The names of the classes that the program has declared, sorted.
function commands.classes()
  local names = {}
  for _, class in ipairs(class_listeners.classes()) do names[#names + 1] = core.describe_class(class).name end
  table.sort(names)
  return names
end

-- The engines of the program's databases and of all sessions, each once.
local function engines(globals)
  local list, seen = {}, {}
  local function add(engine)
    if engine ~= nil and not seen[tostring(engine)] then
      seen[tostring(engine)] = true
      list[#list + 1] = engine
    end
  end
  for _, value in pairs(globals) do
    local meta = type(value) == "table" and getmetatable(value)
    if type(meta) == "table" and meta.__name == "Database" then add(value.engine) end
  end
  for _, session in ipairs(core.sessions()) do add(session.bind) end
  return list
end

-- ---------------------------------------------------------------- the words

local words = {}

local function say(...) io.stdout:write(...) io.stdout:write "\n" end

-- on, off, or what the other is now; nil: another word.
local function switched(word, now)
  if word == "" then return not now end
  if word == "on" or word == "off" then return word == "on" end
end

function words.echo(state, rest)
  local on = switched(rest, state.echo)
  if on == nil then return say "usage: :echo on|off" end
  state.echo = on
  local list = engines(state.host.globals)
  for _, engine in ipairs(list) do engine.echo = on end
  say(("echo is %s for %d database%s"):format(on and "on" or "off", #list, #list == 1 and "" or "s"))
end

function words.time(state, rest)
  local on = switched(rest, state.time)
  if on == nil then return say "usage: :time on|off" end
  state.time = on
  say("time is ", on and "on" or "off")
end

function words.explain(state, rest)
  local fn, message = state.host.load("return " .. rest, "=stdin", "t")
  if rest == "" then return say "usage: :explain QUERY" end
  if not fn then return say(message) end
  state.host.call(function()
    local query = fn()
    if type(query) ~= "userdata" then
      core.raise("ArgumentError", ":explain: expected a query, got a " .. type(query))
    end
    say(tostring(query:explain()))
  end)
end

-- db of the program; nil: it was said that there is none.
local function db_of(state)
  local db = rawget(state.host.globals, "db")
  if db == nil then say 'there is no db: db = mr.open "sqlite:///file.db" opens one' end
  return db
end

-- What it returns is shown.
function words.sql(state, rest)
  if rest == "" then return say "usage: :sql STATEMENT" end
  local db = db_of(state)
  if db == nil then return end
  local ok, result = pcall(function()
    return db.session:execute(state.host.globals.mr.text((rest:gsub(";%s*$", ""))))
  end)
  if not ok then
    if not core.errors.Error:is(result) then error(result, 0) end
    return say(result.message)
  end
  if result.returns_rows then return result end
  say(("%d row%s"):format(result.rowcount, result.rowcount == 1 and "" or "s"))
end

function words.tables(state)
  state.host.call(function()
    local db = db_of(state)
    if db == nil then return end
    local names = state.host.globals.mr.inspect(db.engine):get_table_names()
    table.sort(names)
    say(#names > 0 and table.concat(names, "\n") or "db has no tables")
  end)
end

function words.classes()
  local names = commands.classes()
  say(#names > 0 and table.concat(names, "\n") or "no class is declared")
end

function words.help() say(HELP) end

-- names(): the words that may stand behind a colon, as keys.
function commands.names()
  local names = { quit = true, exit = true }
  for name in pairs(words) do names[name] = true end
  return names
end

local function unknown(word)
  return function()
    say(("there is no :%s%s; :help lists what there is"):format(word, core.hint(word, commands.names())))
  end
end

-- find(line, state): the function of the line's command, to be called with the state and the rest of the line; nil: it
-- is Lua.
function commands.find(line, state)
  local word, rest = line:match "^%s*:([%a_]+)%s*(.-)%s*$"
  if word then return words[word] or unknown(word), rest end
  if line:find "^%s*help%s*$" and rawget(state.host.globals, "help") == nil then return words.help, "" end
end

local sql = { select = true, insert = true, update = true, delete = true, create = true, drop = true, alter = true,
  with = true, pragma = true, explain = true }

-- is_sql(line): does a line that is no Lua look like a statement?
function commands.is_sql(line) return sql[(line:match "^%s*(%a+)%s" or ""):lower()] ~= nil end

-- ---------------------------------------------------------------- leaving

-- is_leaving(line, state): does it ask to leave?
function commands.is_leaving(line, state)
  local word = line:match "^%s*:?(%a+)%s*$"
  return (word == "quit" or word == "exit") and rawget(state.host.globals, word) == nil
end

-- may_leave(state): on a terminal the first attempt is refused while a session has work that nobody has committed.
function commands.may_leave(state)
  if not state.terminal or state.left_once then return true end
  local lost = {}
  for _, session in ipairs(core.sessions()) do lost[#lost + 1] = core.uncommitted(session) end
  if #lost == 0 then return true end
  state.left_once = true
  say("not committed: ", table.concat(lost, "; "), "\ndb.session:commit() writes it; leave again to lose it")
  return false
end

function commands.leaves(state, line) return commands.is_leaving(line, state) and commands.may_leave(state) end

return commands
