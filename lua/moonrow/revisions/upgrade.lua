-- upgrade.lua: bringing a database to a revision, forwards or back.
--
-- Invariant: the table moonrow_revisions has a row for each revision that has run. Each revision runs in one
-- transaction with its row; what is not right is told before the first one.

local core, require = ...
local graph = require "moonrow.revisions.graph"
local remembered = require "moonrow.migrate.remembered"
local run = require "moonrow.migrate.run"
local script = require "moonrow.revisions.script"

local upgrade = {}

local TABLE = "moonrow_revisions"
local CREATE = "CREATE TABLE moonrow_revisions (revision VARCHAR(100) NOT NULL PRIMARY KEY,"
  .. " checksum VARCHAR(16) NOT NULL, applied VARCHAR(40) NOT NULL)"

local function refuse(line, ...) core.raise("InvalidRequestError", string.format(line, ...)) end

-- ---------------------------------------------------------------- what has run

local function rows_of(connection)
  if not remembered.has_table(connection, TABLE) then return {} end
  local rows = {}
  for _, row in ipairs(connection:execute "SELECT revision, checksum FROM moonrow_revisions":all()) do
    rows[row.revision] = row.checksum
  end
  return rows
end

local function sorted_ids(applied)
  local ids = {}
  for id in pairs(applied) do ids[#ids + 1] = id end
  table.sort(ids)
  return ids
end

local function check_files(revisions, applied)
  for _, id in ipairs(sorted_ids(applied)) do
    if not revisions.by_id[id] then
      refuse("the revision %s has run on the database, and there is no file of it in %s: the database is newer than"
        .. " these files, or the file was removed", id, revisions.folder)
    end
  end
end

local function check_unchanged(revisions, applied)
  local changed = {}
  for _, id in ipairs(sorted_ids(applied)) do
    local node = revisions.by_id[id]
    if node.checksum ~= applied[id] then changed[#changed + 1] = node.path end
  end
  if #changed > 0 then
    refuse("%s was changed after it had run on the database: put what is new into a revision of its own, or say"
      .. " that it is right: moonrow migrate stamp current", table.concat(changed, ", "))
  end
end

-- upgrade.applied(connection, revisions, changed_too): the set of what has run, by id. changed_too: files that were
-- changed behind that are no error.
function upgrade.applied(connection, revisions, changed_too)
  local applied = rows_of(connection)
  check_files(revisions, applied)
  if not changed_too then check_unchanged(revisions, applied) end
  return applied
end

local function remember(connection, node)
  remembered.make_table(connection, TABLE, CREATE)
  connection:execute("INSERT INTO moonrow_revisions (revision, checksum, applied) VALUES (:id, :checksum, :applied)",
    { id = node.id, checksum = node.checksum, applied = tostring(core.now()) })
end

local function forget(connection, node)
  connection:execute("DELETE FROM moonrow_revisions WHERE revision = :id", { id = node.id })
end

-- ---------------------------------------------------------------- where to

-- upgrade.forwards(revisions, applied, target): the list of what runs to get there. target: "head", "heads", "+1", or a
-- revision.
function upgrade.forwards(revisions, applied, target)
  local list, nodes = {}, revisions.heads
  local more = target:match "^%+(%d+)$"
  if target == "head" then nodes = { graph.head(revisions) }
  elseif target ~= "heads" and not more then nodes = { graph.find(revisions, target) } end
  if more then graph.head(revisions) end
  local wanted = graph.ancestors(revisions, nodes)
  for _, node in ipairs(revisions) do
    if wanted[node.id] and not applied[node.id] and (not more or #list < tonumber(more)) then list[#list + 1] = node end
  end
  return list
end

-- upgrade.backwards(revisions, applied, target): the list of what is taken back, the last first. target: "base", "-1",
-- or a revision, which stays: what follows it goes, and no other branch.
function upgrade.backwards(revisions, applied, target)
  local list, fewer, behind = {}, target:match "^%-(%d+)$", nil
  if target ~= "base" and not fewer then
    local node = graph.find(revisions, target)
    if not applied[node.id] then refuse("the revision %s has not run on the database", node.id) end
    behind = graph.followers(revisions, node)
  end
  for i = #revisions, 1, -1 do
    local node = revisions[i]
    local goes = not behind or behind[node.id]
    if fewer then goes = #list < tonumber(fewer) end
    if applied[node.id] and goes then list[#list + 1] = node end
  end
  return list
end

-- ---------------------------------------------------------------- running

local function function_of(node, forwards)
  if forwards then return node.upgrade end
  return node.downgrade or refuse("%s has no function downgrade(m)", node.path)
end

-- What fails in a revision is told with its file, and as its error says where and by which statement.
local function run_step(runner, node, fn)
  local ok, err = pcall(runner.run_step, runner, "the revision " .. node.id, fn)
  if not ok then refuse("the revision in %s has failed, and nothing of it is kept: %s", node.path, tostring(err)) end
end

local function run_one(runner, revisions, node, forwards, told)
  local fn = function_of(node, forwards)
  return runner:transaction(function()
    local applied = upgrade.applied(runner.connection, revisions)
    if (applied[node.id] ~= nil) == forwards then return false end -- another program was faster
    run_step(runner, node, fn)
    if forwards then remember(runner.connection, node) else forget(runner.connection, node) end
    told(node)
    return true
  end)
end

-- upgrade.run(engine, revisions, nodes, forwards, how): runs them. how.told(node) is called for each; how.progress.
function upgrade.run(engine, revisions, nodes, forwards, how)
  local runner <close> = run.open(engine, { allow_loss = true, progress = how.progress })
  for _, node in ipairs(nodes) do run_one(runner, revisions, node, forwards, how.told) end
end

local ROLLED_BACK = {}

-- upgrade.sql(engine, nodes, forwards): the statements that would run, a list of texts for each revision. Nothing is
-- kept.
function upgrade.sql(engine, nodes, forwards)
  local lists, said = {}, {}
  local runner <close> = run.open(engine, { allow_loss = true, said = said })
  local ok, err = pcall(runner.transaction, runner, function()
    for i, node in ipairs(nodes) do
      local fn = function_of(node, forwards)
      local records = engine:record(function()
        run_step(runner, node, fn)
        if forwards then remember(runner.connection, node) else forget(runner.connection, node) end
      end)
      lists[i] = script.of(records, said, engine.name)
    end
    error(ROLLED_BACK, 0)
  end)
  if not ok and err ~= ROLLED_BACK then error(err, 0) end
  return lists
end

-- upgrade.stamp(engine, revisions, nodes): the database counts as one on which these have run, and what they follow.
function upgrade.stamp(engine, revisions, nodes)
  local wanted = graph.ancestors(revisions, nodes)
  local runner <close> = run.open(engine, {})
  runner:transaction(function()
    remembered.make_table(runner.connection, TABLE, CREATE)
    runner.connection:execute "DELETE FROM moonrow_revisions"
    for _, node in ipairs(revisions) do
      if wanted[node.id] then remember(runner.connection, node) end
    end
    return true
  end)
end

return upgrade
