-- run.lua: the connection and the transactions in which steps run.
--
-- Invariant: foreign keys are off outside of the transaction (inside one the PRAGMA does nothing, and DROP TABLE would
-- delete the rows of other tables), and as they were before, when the connection goes back. A step is kept whole, with
-- what is remembered of it, or not at all; and only if it has broken no foreign key, view or trigger.

local core, require = ...
local ask = require "moonrow.migrate.ask"
local foreign_keys = require "moonrow.migrate.foreign_keys"
local options = require "moonrow.options"
local progress = require "moonrow.transfer.progress"
local rebuild = require "moonrow.migrate.rebuild"
local runnable = require "moonrow.migrate.runnable"
local step = require "moonrow.migrate.step"

local run = {}

local Runner = {}
Runner.__index = Runner

local WAIT = 600 -- seconds for another program's migration

-- ---------------------------------------------------------------- the connection

-- Before the first transaction: who only asks changes nothing.
local function off(self)
  local connection = self.connection
  if not self.is_sqlite or self.foreign_keys then return end
  self.foreign_keys = connection:scalar "PRAGMA foreign_keys"
  rebuild.run(connection, "PRAGMA foreign_keys = OFF")
end

local function close(self)
  local connection = self.connection
  if connection.closed then return end
  if connection:in_transaction() then connection:rollback() end
  if self.foreign_keys == 1 then rebuild.run(connection, "PRAGMA foreign_keys = ON") end
  connection:close()
end
Runner.__close = close
Runner.close = close

-- run.open(engine, how): what runs steps, to be closed. how.allow_loss; how.progress: true, a function, or nil;
-- how.said: see step.new.
function run.open(engine, how)
  return setmetatable({ connection = engine:connect(), engine = engine, how = how,
    is_sqlite = engine.name == "sqlite" }, Runner)
end

-- ---------------------------------------------------------------- what a step may break

local function check_schema(self, label, before)
  local now = runnable.broken(self.connection)
  for _, what in ipairs(now) do
    if not before[what] then
      core.raise("OperationalError", string.format("%s leaves what does not run (error in %s: %s): drop or change it in"
        .. " the step; nothing of the step is kept", label, what, now[what]))
    end
  end
end

-- ---------------------------------------------------------------- transactions

local function is_held_elsewhere(err)
  local code = type(err) == "table" and err.orig and err.orig.code
  return math.type(code) == "integer" and code & 0xff == 5 and tostring(err):find "another program" ~= nil
end

local SEARCH_PATH = "SELECT current_setting('search_path')"

local LOCK = 7381240571 -- of PostgreSQL's advisory locks: moonrow's migrations, nobody else's

-- What a session of the program has written, and not committed, the step would wait for without an end: no server can
-- see that the two are one program.
local function check_sessions(engine)
  for _, session in ipairs(core.sessions()) do
    if session.bind == engine and session:in_transaction() and core.uncommitted(session) then
      core.raise("OperationalError", "migrate: a session of this program has written, and not committed: commit, roll"
        .. " back or close it first")
    end
  end
end

-- Begins the transaction that writes. Another program's migration is waited for.
local function begin(self)
  off(self)
  if self.engine.name == "postgresql" then
    check_sessions(self.engine)
    local level = ask(self.connection, "SELECT current_setting('default_transaction_isolation')")
    core.begin_write(self.connection)
    -- At another level all would be seen as it was before the other program's migration.
    if level and level ~= "read committed" then
      self.connection:execute "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"
    end
    self.connection:execute(core.plain_sql(string.format("SELECT pg_advisory_xact_lock(%d)", LOCK)))
    return
  end
  local waited = 0
  while true do
    local ok, err = pcall(core.begin_write, self.connection)
    if ok then return end
    if not is_held_elsewhere(err) or waited >= WAIT then error(err, 0) end
    core.sleep(0.2)
    waited = waited + 5
  end
end

-- self:transaction(fn): fn() in a transaction, which is committed if fn returns true, else rolled back.
function Runner:transaction(fn)
  begin(self)
  local ok, keep = pcall(fn)
  if ok and keep then
    local done, err = pcall(self.connection.commit, self.connection)
    if not done then
      self.connection:rollback()
      error(err, 0)
    end
    return true
  end
  self.connection:rollback()
  if not ok then error(keep, 0) end
  return false
end

-- A step may set the search_path, as the dump of another program does: what is remembered of the step, and those behind
-- it, are where the program's tables are.
local function run_on_server(connection, fn, m)
  local path = ask(connection, SEARCH_PATH)
  fn(m)
  if path and ask(connection, SEARCH_PATH) ~= path then
    connection:execute("SELECT set_config('search_path', :path, false)", { path = path })
  end
end

-- self:run_step(label, fn): fn(m), with its checks, in the transaction that is open.
function Runner:run_step(label, fn)
  local connection, how = self.connection, self.how
  local tell, line
  if how.progress then
    local counter
    if how.progress == true then
      counter, line = progress.line()
      tell = function(name, done, total) counter(string.format("%s: %s: %d of %d rows", label, name, done, total)) end
    else
      tell = how.progress
    end
  end
  local _ <close> = line
  local m = step.new(connection, { allow_loss = how.allow_loss, tell = tell, said = how.said })
  if not self.is_sqlite then return run_on_server(connection, fn, m) end
  self.broken = self.broken or foreign_keys.read(connection)
  local before = runnable.broken(connection)
  fn(m)
  if not connection:in_transaction() then
    core.raise("InvalidRequestError", label .. " has ended its transaction")
  end
  self.broken = foreign_keys.check(connection, label, self.broken)
  check_schema(self, label, before)
end

-- run.check_progress(what, value)
function run.check_progress(what, value)
  if value ~= nil and value ~= true and not options.is_callable(value) then
    options.expect(what .. ": progress", "a function, or true for a line on the terminal", value)
  end
end

return run
