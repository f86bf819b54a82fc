-- command.lua: the command `moonrow migrate`.
--
-- Invariant: what was asked goes to the standard output, all else to the standard error; true is what succeeded.

local core, require = ...
local compare = require "moonrow.models.compare"
local differences = require "moonrow.revisions.differences"
local graph = require "moonrow.revisions.graph"
local mirror = require "moonrow.models.mirror"
local upgrade = require "moonrow.revisions.upgrade"
local write = require "moonrow.revisions.write"

local USAGE = [[
usage: moonrow migrate [-d FOLDER] [--url URL] COMMAND
  init                        makes the folder of revisions (migrations), with its config.lua
  revision -m "..."           a new revision; --autogenerate: with what the models have more than the database;
                              --rename TABLE.OLD=NEW: a column that has another name now
  upgrade [REV|+N|heads]      runs what has not run; --sql: prints the SQL, and keeps nothing
  downgrade REV|base|-N       takes back what has run behind it; --sql
  current, history, heads     where the database is; all revisions; those that none follows
  show REV                    a revision
  merge [-m "..."]            a revision that joins all heads
  stamp REV|head|base         says that the database is there, and runs nothing
  check                       do models and database agree?
  test                        builds each version, upgrades it, and compares it with the models
]]

local function refuse(line, ...) core.raise("InvalidRequestError", string.format(line, ...)) end

-- ---------------------------------------------------------------- arguments

local flags = { ["--autogenerate"] = "autogenerate", ["--sql"] = "sql" }
local with_value = { ["-d"] = "folder", ["--url"] = "url", ["-m"] = "message", ["--rename"] = "rename" }

-- The words, and by name what stands behind flags; nil: a flag is none.
local function read_arguments(arguments)
  local given, i = { renames = {} }, 1
  while i <= #arguments do
    local word = arguments[i]
    if with_value[word] then
      local value = arguments[i + 1]
      if value == nil then return nil end
      given[with_value[word]] = value
      if word == "--rename" then
        local old, new = value:match "^([^=]+)=(.+)$"
        if not old then return nil end
        given.renames[old] = new
      end
      i = i + 2
    elseif flags[word] then
      given[flags[word]] = true
      i = i + 1
    elseif word:find "^%-%-?%a" then
      return nil
    else
      given[#given + 1] = word
      i = i + 1
    end
  end
  given.folder = given.folder or "migrations"
  return given
end

-- ---------------------------------------------------------------- what the folder says

local function config_of(given, host)
  local path = given.folder .. "/config.lua"
  local chunk, why = host.loadfile(path)
  if not chunk then refuse("%s: moonrow migrate init makes it", why) end
  local config = chunk()
  if type(config) ~= "table" then refuse("%s returns no table { url = ..., models = ... }", path) end
  return config, path
end

local function url_of(given, host)
  local url = given.url
  if not url then
    local config, path = config_of(given, host)
    url = config.url
    if type(url) ~= "string" then refuse("%s says no url", path) end
  end
  return url:find "^[%w+]+://" and url or "sqlite:///" .. url
end

local function engine_of(given, host)
  given.engine = given.engine or core.create_engine(url_of(given, host))
  return given.engine
end

-- Runs the file of the models; false: it has failed, which was told.
local function run_models(given, host)
  if given.models_done then return true end
  local config, path = config_of(given, host)
  if type(config.models) ~= "string" then refuse("%s says no models: the file that declares the classes", path) end
  given.models_done = host.run(config.models)
  return given.models_done
end

local function applied_of(given, host, revisions)
  local connection <close> = engine_of(given, host):connect()
  return upgrade.applied(connection, revisions)
end

-- ---------------------------------------------------------------- the commands

local commands = {}

function commands.init(given, host)
  local ok, why = host.make_folder(given.folder)
  if not ok then refuse("the folder cannot be made: %s", why) end
  local path = given.folder .. "/config.lua"
  if host.io.open(path) then refuse("%s is there already", path) end
  write.file(host, path, write.config)
  host.complain(string.format("moonrow migrate: made %s: say in it where the database and the models are\n", path))
  return true
end

local function new_revision(given, host, parents, message, up, down)
  local id = write.new_id()
  local path = string.format("%s/%s_%s.lua", given.folder, id, write.slug(message))
  write.file(host, path, write.revision(id, parents, message, up, down))
  host.io.stdout:write(path, "\n")
end

function commands.revision(given, host)
  if not given.message then return nil end
  local revisions = graph.read(host, given.folder)
  local head = graph.head(revisions)
  local up, down = {}, {}
  if given.autogenerate then
    if not run_models(given, host) then return false end
    local applied = applied_of(given, host, revisions)
    for _, node in ipairs(revisions) do
      if not applied[node.id] then
        refuse("the database is older than the revisions, and would be compared as such: moonrow migrate upgrade")
      end
    end
    local metadatas = mirror.metadatas()
    local both <close> = mirror.open("migrate", engine_of(given, host), metadatas)
    local notes
    up, down, notes = differences.find(both, given.renames, metadatas)
    for _, name in ipairs(mirror.left_out(metadatas)) do
      notes[#notes + 1] = name .. " names a schema, and is not compared"
    end
    for _, line in ipairs(notes) do host.complain("moonrow migrate: " .. line .. "\n") end
    if #up == 0 then
      host.complain "moonrow migrate: models and database agree: there is no revision to make\n"
      return true
    end
    host.complain("moonrow migrate: triggers and the rows of tables are not compared: read the revision before it"
      .. " runs\n")
  end
  new_revision(given, host, { head and head.id }, given.message, up, down)
  return true
end

function commands.merge(given, host)
  local revisions = graph.read(host, given.folder)
  if #revisions.heads < 2 then refuse("there is one head: nothing is to be joined") end
  local parents = {}
  for i, node in ipairs(revisions.heads) do parents[i] = node.id end
  new_revision(given, host, parents, given.message or "merge", {}, {})
  return true
end

local function print_sql(host, nodes, lists)
  for i, node in ipairs(nodes) do
    host.io.stdout:write(string.format("-- %s %s\n", node.id, node.message))
    for _, record in ipairs(lists[i]) do
      local sql = record.statement
      if not sql:find "^%s*SELECT" and not sql:find "^%s*PRAGMA foreign_key_check" then
        host.io.stdout:write(sql, ";\n")
        for _, value in ipairs(record.parameters or {}) do
          host.io.stdout:write("--   ", tostring(value), "\n")
        end
      end
    end
  end
end

local function move(given, host, forwards, target)
  local revisions = graph.read(host, given.folder)
  local applied = applied_of(given, host, revisions)
  local nodes = (forwards and upgrade.forwards or upgrade.backwards)(revisions, applied, target)
  local engine = engine_of(given, host)
  if given.sql then
    print_sql(host, nodes, upgrade.sql(engine, nodes, forwards))
    return true
  end
  upgrade.run(engine, revisions, nodes, forwards, { progress = true, told = function(node)
    host.complain(string.format("moonrow migrate: %s %s %s\n", forwards and "upgraded to" or "took back", node.id,
      node.message))
  end })
  if #nodes == 0 then host.complain "moonrow migrate: there is nothing to do\n" end
  return true
end

function commands.upgrade(given, host)
  local revisions = graph.read(host, given.folder)
  if #revisions == 0 then
    host.complain "moonrow migrate: there is nothing to do\n"
    return true
  end
  return move(given, host, true, given[2] or "head")
end

function commands.downgrade(given, host)
  if not given[2] then return nil end
  return move(given, host, false, given[2])
end

local function line_of(revisions, node, applied)
  local marks = {}
  for _, head in ipairs(revisions.heads) do
    if head == node then marks[1] = " (head)" end
  end
  if applied and applied[node.id] then marks[#marks + 1] = " (has run)" end
  return string.format("%s%s %s\n", node.id, table.concat(marks), node.message)
end

function commands.current(given, host)
  local revisions = graph.read(host, given.folder)
  local applied = applied_of(given, host, revisions)
  for _, node in ipairs(graph.tops(revisions, applied)) do
    host.io.stdout:write(line_of(revisions, node))
  end
  if not next(applied) then host.complain "moonrow migrate: no revision has run on the database\n" end
  return true
end

function commands.heads(given, host)
  local revisions = graph.read(host, given.folder)
  for _, node in ipairs(revisions.heads) do host.io.stdout:write(string.format("%s %s\n", node.id, node.message)) end
  return true
end

function commands.history(given, host)
  local revisions = graph.read(host, given.folder)
  local applied = applied_of(given, host, revisions)
  for i = #revisions, 1, -1 do host.io.stdout:write(line_of(revisions, revisions[i], applied)) end
  return true
end

function commands.show(given, host)
  if not given[2] then return nil end
  local revisions = graph.read(host, given.folder)
  local node = given[2] == "head" and graph.head(revisions) or graph.find(revisions, given[2])
  host.io.stdout:write(string.format("revision %s\nfollows  %s\nmessage  %s\nfile     %s\n", node.id,
    #node.parents > 0 and table.concat(node.parents, ", ") or "none", node.message, node.path))
  return true
end

function commands.stamp(given, host)
  if not given[2] then return nil end
  local revisions = graph.read(host, given.folder)
  local nodes = {}
  if given[2] == "head" or given[2] == "heads" then nodes = revisions.heads
  elseif given[2] ~= "base" then nodes = { graph.find(revisions, given[2]) } end
  upgrade.stamp(engine_of(given, host), revisions, nodes)
  return true
end

function commands.check(given, host)
  if not run_models(given, host) then return false end
  local revisions = graph.read(host, given.folder)
  local applied, fine = applied_of(given, host, revisions), true
  for _, node in ipairs(revisions) do
    if not applied[node.id] then
      host.io.stdout:write(string.format("%s %s has not run\n", node.id, node.message))
      fine = false
    end
  end
  for _, line in ipairs((compare(engine_of(given, host), nil, true))) do
    host.io.stdout:write(line, "\n")
    fine = false
  end
  if fine then host.complain "moonrow migrate: models and database agree\n" end
  return fine
end

-- ---------------------------------------------------------------- test

-- A database for a trial, and what removes it: one in memory, or a schema of the PostgreSQL database.
local function scratch(url)
  if not url:find "^postgresql" then
    local engine = core.create_engine "sqlite://"
    return engine, function() engine:dispose() end
  end
  local keeper = core.create_engine(url)
  local connection = keeper:connect{ isolation_level = "AUTOCOMMIT" }
  local name = "moonrow_test_" .. connection:scalar "SELECT pg_backend_pid()"
  connection:execute "SET client_min_messages = warning"
  connection:execute("DROP SCHEMA IF EXISTS " .. name .. " CASCADE")
  connection:execute("CREATE SCHEMA " .. name)
  local path = "-csearch_path%3D" .. name
  local there, found = url:gsub("([?&]options=[^&]*)", "%1%%20" .. path:gsub("%%", "%%%%"), 1)
  if found == 0 then there = url .. (url:find("?", 1, true) and "&" or "?") .. "options=" .. path end
  local engine = core.create_engine(there)
  return engine, function()
    engine:dispose()
    connection:execute("DROP SCHEMA " .. name .. " CASCADE")
    connection:close()
    keeper:dispose()
  end
end

-- Builds the database up to the revision, then upgrades it, takes the last back and runs it again; what differs then.
local function try(engine, revisions, node)
  local function told() end
  local function go(forwards, target)
    local connection <close> = engine:connect()
    local applied = upgrade.applied(connection, revisions)
    connection:close()
    local nodes = (forwards and upgrade.forwards or upgrade.backwards)(revisions, applied, target)
    upgrade.run(engine, revisions, nodes, forwards, { told = told })
  end
  go(true, node.id)
  if node.downgrade then
    go(false, "-1")
    go(true, node.id)
  end
  go(true, "heads")
  return compare(engine, nil, true)
end

function commands.test(given, host)
  if not run_models(given, host) then return false end
  local revisions, fine = graph.read(host, given.folder), true
  for _, node in ipairs(revisions) do
    local engine, remove = scratch(url_of(given, host))
    local ok, lines = pcall(try, engine, revisions, node)
    remove()
    if not ok then lines = { tostring(lines) } end
    for _, line in ipairs(lines) do host.io.stdout:write(string.format("from %s: %s\n", node.id, line)) end
    fine = fine and #lines == 0
  end
  if fine then host.complain(string.format("moonrow migrate: %d versions, each as the models say\n", #revisions)) end
  return fine
end

-- command(name, arguments, host): see models/command.lua; besides, host.loadfile, host.list and host.make_folder.
return function(_, arguments, host)
  local given = read_arguments(arguments)
  local command = given and commands[given[1]]
  local done
  if command then
    local ok, result = pcall(command, given, host)
    if not ok then
      local message = type(result) == "table" and result.message
      host.complain("moonrow migrate: " .. (message or tostring(result)) .. "\n")
      return false
    end
    done = result
  end
  if done == nil then
    host.complain(USAGE)
    return false
  end
  return done
end
