-- command.lua: the command `moonrow migrate`.
--
-- Invariant: what was asked goes to the standard output, all else to the standard error; true is what succeeded.

local core, require = ...
local catalogue = require "moonrow.command.catalogue"
local compare = require "moonrow.models.compare"
local differences = require "moonrow.revisions.differences"
local graph = require "moonrow.revisions.graph"
local json = require "moonrow.command.json"
local mirror = require "moonrow.models.mirror"
local misuse = require "moonrow.command.misuse"
local upgrade = require "moonrow.revisions.upgrade"
local urls = require "moonrow.command.url"
local write = require "moonrow.revisions.write"

local function refuse(line, ...) core.raise("InvalidRequestError", string.format(line, ...)) end

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
  return urls.of(url)
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
  given.models_done = host.run("moonrow migrate", config.models, url_of(given, host))
  return given.models_done
end

local function applied_of(given, host, revisions, changed_too)
  local connection <close> = engine_of(given, host):connect()
  return upgrade.applied(connection, revisions, changed_too)
end

-- ---------------------------------------------------------------- the commands

local commands = {}

function commands.init(given, host)
  local ok, why = host.make_folder(given.folder)
  if not ok then refuse("the folder cannot be made: %s", why) end
  local path = given.folder .. "/config.lua"
  if host.io.open(path) then refuse("%s is there already", path) end
  write.file(host, path, write.config)
  host.say("made %s: say in it where the database and the models are", path)
  return true
end

local function new_revision(given, host, parents, message, up, down)
  local id = write.new_id()
  local path = string.format("%s/%s_%s.lua", given.folder, id, write.slug(message))
  write.file(host, path, write.revision(id, parents, message, up, down))
  host.io.stdout:write(path, "\n")
end

function commands.revision(given, host)
  if not given.message then misuse 'a revision needs a message: -m "..."' end
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
    if #metadatas == 0 then
      host.say("%s declares no class: every table of the database is dropped", (config_of(given, host)).models)
    end
    local both <close> = mirror.open("migrate", engine_of(given, host), metadatas)
    local notes
    up, down, notes = differences.find(both, given.renames, metadatas)
    for _, name in ipairs(mirror.left_out(metadatas)) do
      notes[#notes + 1] = name .. " names a schema, and is not compared"
    end
    for _, line in ipairs(notes) do host.say("%s", line) end
    if #up == 0 then
      host.say "models and database agree: there is no revision to make"
      return true
    end
    host.say "triggers and the rows of tables are not compared: read the revision before it runs"
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
    for _, sql in ipairs(lists[i]) do host.io.stdout:write(sql, ";\n") end
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
    host.say("%s %s %s", forwards and "upgraded to" or "took back", node.id, node.message)
  end })
  if #nodes == 0 then host.say "there is nothing to do" end
  return true
end

function commands.upgrade(given, host)
  local revisions = graph.read(host, given.folder)
  if #revisions == 0 then
    host.say "there is nothing to do"
    return true
  end
  return move(given, host, true, given[2] or "head")
end

function commands.downgrade(given, host)
  return move(given, host, false, given[2])
end

local function is_head(revisions, node)
  for _, head in ipairs(revisions.heads) do
    if head == node then return true end
  end
  return false
end

-- applied: those that have run; nil: that is not asked.
local function line_of(revisions, node, applied)
  return string.format("%s%s%s %s\n", node.id, is_head(revisions, node) and " (head)" or "",
    applied and applied[node.id] and " (has run)" or "", node.message)
end

-- The revisions as the command's answer.
local function answer(given, host, revisions, nodes, applied)
  if not given.json then
    for _, node in ipairs(nodes) do host.io.stdout:write(line_of(revisions, node, applied)) end
    return true
  end
  local list = {}
  for i, node in ipairs(nodes) do
    local has_run
    if applied then has_run = applied[node.id] ~= nil end
    list[i] = { revision = node.id, follows = json.list(table.move(node.parents, 1, #node.parents, 1, {})),
      message = node.message, head = is_head(revisions, node), has_run = has_run, file = node.path }
  end
  json.write(host, json.list(list))
  return true
end

function commands.current(given, host)
  local revisions = graph.read(host, given.folder)
  local applied = applied_of(given, host, revisions)
  if not next(applied) and not given.json then host.say "no revision has run on the database" end
  return answer(given, host, revisions, graph.tops(revisions, applied))
end

function commands.heads(given, host)
  local revisions = graph.read(host, given.folder)
  if given.json then return answer(given, host, revisions, revisions.heads) end
  for _, node in ipairs(revisions.heads) do host.io.stdout:write(string.format("%s %s\n", node.id, node.message)) end
  return true
end

function commands.history(given, host)
  local revisions, nodes = graph.read(host, given.folder), {}
  for i = #revisions, 1, -1 do nodes[#nodes + 1] = revisions[i] end
  return answer(given, host, revisions, nodes, applied_of(given, host, revisions))
end

function commands.show(given, host)
  local revisions = graph.read(host, given.folder)
  local node = given[2] == "head" and graph.head(revisions) or graph.find(revisions, given[2])
  if given.json then return answer(given, host, revisions, { node }) end
  host.io.stdout:write(string.format("revision %s\nfollows  %s\nmessage  %s\nfile     %s\n", node.id,
    #node.parents > 0 and table.concat(node.parents, ", ") or "none", node.message, node.path))
  return true
end

function commands.stamp(given, host)
  local revisions = graph.read(host, given.folder)
  local nodes = {}
  if given[2] == "current" then
    nodes = graph.tops(revisions, applied_of(given, host, revisions, true))
  elseif given[2] == "head" or given[2] == "heads" then nodes = revisions.heads
  elseif given[2] ~= "base" then nodes = { graph.find(revisions, given[2]) } end
  upgrade.stamp(engine_of(given, host), revisions, nodes)
  return true
end

function commands.check(given, host)
  if not run_models(given, host) then return false end
  local revisions = graph.read(host, given.folder)
  local applied, missing = applied_of(given, host, revisions), {}
  for _, node in ipairs(revisions) do
    if not applied[node.id] then missing[#missing + 1] = node end
  end
  local lines = compare(engine_of(given, host), nil, true)
  local fine = #missing == 0 and #lines == 0
  if given.json then
    local ids = {}
    for i, node in ipairs(missing) do ids[i] = node.id end
    json.write(host, { ok = fine, not_run = json.list(ids), differences = json.list(lines) })
    return fine
  end
  for _, node in ipairs(missing) do
    host.io.stdout:write(string.format("%s %s has not run\n", node.id, node.message))
  end
  for _, line in ipairs(lines) do host.io.stdout:write(line, "\n") end
  if fine then host.say "models and database agree" end
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
  if fine then host.say("%d versions, each as the models say", #revisions) end
  return fine
end

-- ---------------------------------------------------------------- the command itself

-- The command that the first word names, and what it takes.
local function find(name)
  local names = {}
  for _, one in ipairs(catalogue.by_name.migrate.commands) do
    if one[1] == name then return one end
    names[one[1]] = true
  end
  misuse("unknown command '%s'%s", name, core.hint(name, names))
end

-- Refuses what the command does not take.
local function check(one, given)
  local takes = {}
  for name in one.options:gmatch "%S+" do takes[name] = true end
  for _, name in ipairs{ "message", "autogenerate", "rename", "sql", "json" } do
    if given[name] and not takes[name] then
      misuse("%s does not take %s", one[1], name == "message" and "-m" or "--" .. name)
    end
  end
  if given[2] and one.words == 0 then misuse("'%s' is one word too many", given[2]) end
  if not given[2] and one.words == 1 then misuse("%s needs %s behind it", one[1], one[2]) end
end

-- See models/command.lua; besides, host.loadfile, host.list and host.make_folder.
local function migrate(given, host)
  check(find(given[1]), given)
  given.folder = given.folder or "migrations"
  given.renames = {}
  for _, text in ipairs(given.rename or {}) do
    local old, new = text:match "^([^=]+)=(.+)$"
    if not old then misuse("--rename is TABLE.OLD=NEW or TABLE=NEW, and not '%s'", text) end
    given.renames[old] = new
  end
  return commands[given[1]](given, host)
end

return { migrate = migrate }
