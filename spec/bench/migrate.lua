-- migrate.lua: a table of 1,000,000 rows rebuilt by a step, beside plain SQL's own INSERT ... SELECT:
--   LUA_CPATH="build/lib/?.so;;" lua5.4 spec/bench/migrate.lua [ROWS]
-- Prints the seconds of each, their ratio, how often progress was told, and the largest memory of the process in kB.

local mr = require "moonrow"
local process = require "spec.support.process"

local rows = math.tointeger(tonumber(arg[1] or "1000000"))
local path, plain = os.tmpname(), os.tmpname()

local function number_in(file, pattern)
  local source <close> = assert(io.open(file))
  return tonumber(source:read "a":match(pattern))
end

local function time(fn)
  local started = number_in("/proc/uptime", "^%S+")
  fn()
  return number_in("/proc/uptime", "^%S+") - started
end

local function sqlite3(file, sql)
  local said, ok = process.run(('sqlite3 %s "%s"'):format(file, sql))
  assert(ok and said == "", said)
end

local COLUMNS = "id INTEGER PRIMARY KEY, name TEXT NOT NULL, level INT, hp REAL, note TEXT"
for _, file in ipairs{ path, plain } do
  sqlite3(file, ([[CREATE TABLE hero (%s);
    WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < %d)
    INSERT INTO hero SELECT i, 'hero number ' || i, i %% 100, i * 1.5, hex(randomblob(20)) FROM c]])
    :format(COLUMNS, rows))
end

local by_sql = time(function()
  sqlite3(plain, ([[BEGIN; CREATE TABLE n (%s, CHECK (level >= 0));
    INSERT INTO n SELECT id, name, level, hp, note FROM hero;
    DROP TABLE hero; ALTER TABLE n RENAME TO hero; COMMIT]]):format(COLUMNS))
end)

local db, told = mr.open("sqlite:///" .. path), 0
local by_step = time(function()
  db:migrate("bench", { { "check", function(m) m:create_check(nil, "hero", "level >= 0") end } },
    { backup = false, progress = function() told = told + 1 end })
end)
assert(db.session:scalar(mr.text "SELECT count(*) FROM hero") == rows)
print(("%d rows: plain SQL %.2f s, a step %.2f s (%.2f times); progress told %d times; at most %d kB of memory"):format(
  rows, by_sql, by_step, by_step / by_sql, told, number_in("/proc/self/status", "VmHWM:%s+(%d+)")))
process.remove(path)
process.remove(plain)
