-- help.lua: what the host says of itself and of its commands, and what a command line can be completed with.
--
-- Invariant: all of it is made of the catalogue.

local core, require = ...
local catalogue = require "moonrow.command.catalogue"
local misuse = require "moonrow.command.misuse"

local help = {}

local function usage(name, synopsis) return ("usage: moonrow %s %s"):format(name, synopsis):gsub("%s+$", "") end

-- Lines of two columns.
local function columns(rows)
  local width, lines = 0, {}
  for _, row in ipairs(rows) do width = math.max(width, #row[1]) end
  for i, row in ipairs(rows) do lines[i] = ("  %-" .. width .. "s  %s"):format(row[1], row[2]):gsub("%s+$", "") end
  return lines
end

local function option_rows(options)
  local rows = {}
  for i, option in ipairs(options) do
    local name = option.short and option.short .. ", " .. option[1] or option[1]
    rows[i] = { option[2] and name .. " " .. option[2] or name, option.text }
  end
  return rows
end

local function add_all(lines, more) table.move(more, 1, #more, #lines + 1, lines) end

-- help.usage(command): the line that says how it is called.
function help.usage(command) return (usage(command.name, command.synopsis)) end

-- help.of_command(command): all that is known of it.
function help.of_command(command)
  local lines = { (usage(command.name, command.synopsis)), command.summary }
  if command.about then lines[#lines + 1] = command.about end
  if command.commands then
    local rows = {}
    for i, one in ipairs(command.commands) do rows[i] = { (one[1] .. " " .. one[2]):gsub(" $", ""), one[3] } end
    lines[#lines + 1] = "Commands are:"
    add_all(lines, columns(rows))
  end
  lines[#lines + 1] = "Options are:"
  add_all(lines, columns(option_rows(command.options)))
  return table.concat(lines, "\n") .. "\n"
end

help.usage_of_host = [=[
usage: moonrow [options] [script [args]]      runs a script, as lua does
       moonrow [shell] [URL] [-m models.lua]  a shell, on a database
       moonrow COMMAND ...                    see below]=]

-- help.refuse(option): why the host does not take the option.
function help.refuse(option)
  local names = { ["--help"] = true }
  for _, one in ipairs(catalogue.own) do names[one[1]] = true end
  local why = "unrecognized option '%s'%s"
  if option:find "^%-[el]$" then why = "'%s' needs argument"
  elseif option == "-m" then why = "'%s' needs a file behind it"
  elseif option:sub(1, 1) ~= "-" then why = "'%s' is one word too many: a shell has no script"
  end
  why = why:format(option, #option > 2 and core.hint(option, names) or "")
  local usage_alone = help.usage_of_host:gsub("see below", "a command")
  return ("moonrow: %s\n%s\nmoonrow --help says more\n"):format(why, usage_alone)
end

-- help.of_host(): how the host is called, its commands, and its options.
function help.of_host()
  local lines, rows = {
    help.usage_of_host,
    "Commands are (moonrow COMMAND --help says more of one; a script of such a name is run as ./NAME):",
  }, {}
  for i, command in ipairs(catalogue.list) do rows[i] = { command.name, command.summary } end
  add_all(lines, columns(rows))
  lines[#lines + 1] = "Available options are:"
  add_all(lines, columns(option_rows(catalogue.own)))
  lines[#lines + 1] = "A URL is sqlite:///FILE, postgresql://USER@HOST/NAME, or the name of a SQLite file alone."
  lines[#lines + 1] = "Without a script: a shell on a terminal, in which mr is the module; else the script is read"
    .. " from stdin."
  return table.concat(lines, "\n") .. "\n"
end

-- help.unknown(name): why there is no such command; a file of that name is a script, if it is named as one.
function help.unknown(name, host)
  local near = core.hint(name, catalogue.by_name)
  local file = host.io.open(name, "rb")
  if file then
    file:close()
    near = near .. (": the file is run as ./%s"):format(name)
  end
  return ("unknown command '%s'%s"):format(name, near)
end

-- help.words(name): what may stand behind moonrow, or behind the command of that name: a word for each line.
function help.words(name)
  local lines = {}
  local command = name and catalogue.by_name[name]
  local commands = (not name or name == "help") and catalogue.list or command and command.commands or {}
  for _, option in ipairs(command and command.options or not name and catalogue.own or {}) do
    if #option[1] > 1 and option[1] ~= "--" then lines[#lines + 1] = option[1] end
  end
  if not name then lines[#lines + 1] = "--help" end
  for _, one in ipairs(commands) do
    lines[#lines + 1] = one.name or one[1]
  end
  return #lines > 0 and table.concat(lines, "\n") .. "\n" or ""
end

-- The command help.
function help.help(given, host)
  local name = given[1]
  local command = catalogue.by_name[name]
  if name and not command then misuse("%s", help.unknown(name, host)) end
  host.io.stdout:write(command and help.of_command(command) or help.of_host())
  return true
end

return help
