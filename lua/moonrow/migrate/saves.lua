-- saves.lua: db:migrate(owner, steps, options): the steps that bring a file to what the program is today.
--
-- Invariant: the file remembers by owner and name what has run, in its order (the table moonrow_steps). A step runs
-- once, in a transaction with what is remembered of it. A file whose steps are not the beginning of the program's is
-- refused before anything of it is written.

local core, require = ...
local fingerprint = require "moonrow.migrate.fingerprint"
local options = require "moonrow.options"
local remembered = require "moonrow.migrate.remembered"
local run = require "moonrow.migrate.run"

local saves = {}

local TABLE = "moonrow_steps"

local CREATE = "CREATE TABLE moonrow_steps (owner TEXT NOT NULL, name TEXT NOT NULL,"
  .. " position INTEGER NOT NULL, fingerprint TEXT, applied TEXT NOT NULL, PRIMARY KEY (owner, name))"

-- ---------------------------------------------------------------- what the program gives

local function mistake(line, ...) core.raise("ArgumentError", string.format(line, ...)) end

-- Steps that ipairs would not come to would be left out without a word.
local function check_list(steps)
  if type(steps) ~= "table" or getmetatable(steps) ~= nil then options.expect("migrate", "a list of steps", steps) end
  local last = 0
  for key in pairs(steps) do
    if math.type(key) ~= "integer" or key < 1 then
      mistake('migrate: the list of steps has the key %s: a step is { "name", function(m) ... end }, in its place in'
        .. " the list", tostring(key))
    end
    last = math.max(last, key)
  end
  for i = 1, last do
    if steps[i] == nil then mistake("migrate: step %d is missing, and there is a step %d", i, last) end
  end
end

local function check_step(step, seen, i)
  local place = string.format("migrate: step %d", i)
  if type(step) ~= "table" then options.expect(place, '{ "name", function(m) ... end }', step) end
  local name, fn = step[1], step[2]
  if type(name) ~= "string" or name == "" then options.expect(place, "a name", name) end
  options.check_callable(string.format("migrate: step '%s'", name), fn)
  for key in pairs(step) do
    if key ~= 1 and key ~= 2 then
      mistake("migrate: step '%s' has the key %s: a step is a name and a function, and options stand behind the list",
        name, tostring(key))
    end
  end
  if seen[name] then
    mistake("migrate: two steps are called '%s': a file remembers them by their names", name)
  end
  seen[name] = i
end

-- A copy of the list, as { name =, fn =, fingerprint = }, by place and by name.
local function read_steps(steps)
  check_list(steps)
  local seen, list = {}, { places = {} }
  for i, step in ipairs(steps) do
    check_step(step, seen, i)
    list[i] = { name = step[1], fn = step[2], fingerprint = fingerprint.of(step[2]) }
    list.places[step[1]] = i
  end
  return list
end

-- ---------------------------------------------------------------- what the file remembers

local function applied_of(connection, owner)
  if not remembered.has_table(connection, TABLE) then return {} end
  return connection:execute("SELECT name, fingerprint FROM moonrow_steps WHERE owner = :owner ORDER BY position",
    { owner = owner }):all()
end

local function refuse(line, ...) core.raise("InvalidRequestError", string.format(line, ...)) end

-- A name that the program does not have: the file is newer, if all that the program has has run before it.
local function refuse_unknown(owner, steps, applied, i)
  local name, later = applied[i].name, false
  for k = i + 1, #applied do later = later or steps.places[applied[k].name] ~= nil end
  if i > #steps and not later then
    refuse("migrate: the file is newer than the program: step '%s' of '%s' has run on it, which the program does not"
      .. " have; nothing was changed. Open it with the newer program", name, owner)
  end
  refuse("migrate: step '%s' of '%s' has run on the file, and the program has no step of the name (step %d is '%s'):"
    .. " was"
    .. " it renamed or removed? Steps that were given away stay as they are; nothing was changed", name, owner, i,
    steps[i] and steps[i].name or "none")
end

local function check_applied(owner, steps, applied, edited)
  for i, row in ipairs(applied) do
    local step = steps[i]
    if not step or step.name ~= row.name then
      local place = steps.places[row.name]
      if not place then refuse_unknown(owner, steps, applied, i) end
      refuse("migrate: the steps of '%s' are in another order than they have run on the file: '%s' has run as number"
        .. " %d,"
        .. " and is number %d now. Put new steps behind all others; nothing was changed", owner, row.name, i, place)
    end
    if edited ~= "ignore" and fingerprint.differs(row.fingerprint, step.fingerprint) then
      refuse("migrate: step '%s' of '%s' is another one than that which has run on the file: put what is new into a"
        .. " step"
        .. " of its own, behind the others, or say edited = 'ignore'; nothing was changed", row.name, owner)
    end
  end
end

local function remember(connection, owner, step, position)
  remembered.make_table(connection, TABLE, CREATE)
  local values = { owner = owner, name = step.name, position = position, applied = tostring(core.now()),
    fingerprint = step.fingerprint or core.null }
  connection:execute("INSERT INTO moonrow_steps (owner, name, position, fingerprint, applied)"
    .. " VALUES (:owner, :name, :position, :fingerprint, :applied)", values)
end

-- ---------------------------------------------------------------- before the first step

-- The file's path; nil: it is in memory.
local function path_of(connection)
  for _, row in ipairs(connection:execute "PRAGMA database_list":all()) do
    if row.name == "main" and row.file ~= "" and row.file:sub(1, 1) ~= ":" then return row.file end
  end
end

-- In a program without Lua's io nothing is known of files.
local function exists(path)
  local file <close> = io and io.open(path, "rb")
  return file ~= nil
end

-- before-STEP beside the file. A copy that is there is of another save that was at this place: it stays.
local function path_beside(file, step)
  local path = file .. ".before-" .. step.name:gsub("[^%w._%-]", "_")
  local free, n = path, 1
  while exists(free) do
    n = n + 1
    free = path .. "." .. n
  end
  return free
end

-- Copies the file to where the program says: beside it, if it says nothing. Returns the path, or nil; and whether the
-- program has said it.
local function back_up(runner, given, step)
  if given.backup == false or not runner.is_sqlite or remembered.is_empty(runner.connection) then return nil end
  local path = given.backup
  local is_given = type(path) == "string"
  if not is_given then
    local file = path_of(runner.connection)
    if not file then return nil end
    path = path_beside(file, step)
  end
  runner.engine:backup(path)
  return path, is_given
end

-- ---------------------------------------------------------------- running

local function run_one(runner, owner, steps, i, edited)
  local step = steps[i]
  return runner:transaction(function()
    local applied = applied_of(runner.connection, owner)
    check_applied(owner, steps, applied, edited)
    if #applied >= i then return false end -- another program was faster
    runner:run_step(string.format("step '%s' of '%s'", step.name, owner), step.fn)
    remember(runner.connection, owner, step, i)
    return true
  end)
end

-- A new file gets all tables as the program has them today, and is told that all steps have run. false: another program
-- was faster.
local function create(runner, owner, steps, make)
  return runner:transaction(function()
    if not remembered.is_empty(runner.connection) then return false end
    make(runner.connection)
    for i, step in ipairs(steps) do remember(runner.connection, owner, step, i) end
    return true
  end)
end

local known = { "allow_loss", "backup", "progress", "create", "edited" }

-- Read by hand: an empty list of steps is no table of options.
local function read_options(owner, steps, ...)
  local given = options.read("migrate", known, 0, ...)
  if type(owner) ~= "string" or owner == "" then
    options.expect("migrate", 'the owner of the steps, such as "game" or "mod:farm"', owner)
  end
  options.typed("migrate", given, "allow_loss", "boolean")
  options.typed("migrate", given, "create", "boolean")
  if given.backup ~= nil and type(given.backup) ~= "boolean" and (type(given.backup) ~= "string"
    or given.backup == "") then
    options.expect("migrate: backup", "the path of a file, or false", given.backup)
  end
  if given.edited ~= nil and given.edited ~= "refuse" and given.edited ~= "ignore" then
    options.expect("migrate: edited", '"refuse" or "ignore"', given.edited)
  end
  run.check_progress("migrate", given.progress)
  return given, owner, steps
end

local function expire_all(engine)
  for _, session in ipairs(core.sessions()) do
    if session.bind == engine then session:expire_all() end
  end
end

-- saves.migrate(engine, make, owner, steps, options): make(connection): create_all. Returns { applied = names, backup
-- = path }.
function saves.migrate(engine, make, ...)
  local given, owner, steps = read_options(...)
  steps = read_steps(steps)
  local runner <close> = run.open(engine, { allow_loss = given.allow_loss, progress = given.progress })
  local applied = applied_of(runner.connection, owner)
  check_applied(owner, steps, applied, given.edited)
  local result = { applied = {} }
  if #applied == #steps then return result end
  if given.create and #applied == 0 and remembered.is_empty(runner.connection)
    and create(runner, owner, steps, make) then return result end
  local is_given
  result.backup, is_given = back_up(runner, given, steps[#applied + 1])
  local ok, err = pcall(function()
    for i = #applied + 1, #steps do
      if run_one(runner, owner, steps, i, given.edited) then result.applied[#result.applied + 1] = steps[i].name end
    end
  end)
  if #result.applied > 0 then expire_all(engine) end
  if ok then return result end
  -- A program that tries again at each start would make a copy each time.
  if os and result.backup and not is_given and #result.applied == 0 then os.remove(result.backup) end
  error(err, 0)
end

return saves
