-- postgresql.lua: reads the TAP of a spec that ran on PostgreSQL, and says which of its failures are known differences.
--   lua5.4 spec/postgresql.lua FILE < tap     the TAP, with "# SKIP" behind what differs; a test that is listed and
--                                             passes is a failure: its line has to go
--   lua5.4 spec/postgresql.lua --skipped < files   of the names of files those that are about SQLite itself
--   lua5.4 spec/postgresql.lua --list FILE < tap   lines for the failures, to be put into the list by hand
--
-- spec/postgresql.txt has the differences: a line that begins with "# " gives the reason for the lines behind it; a
-- line is a file, a folder with "/" at its end, or "FILE: the test's name".

local function read_list()
  local files, tests, reason = {}, {}, ""
  for line in io.lines "spec/postgresql.txt" do
    local file, name = line:match "^(spec/[%w_/]+_spec%.lua): (.+)$"
    if line:find "^# " then reason = line:sub(3)
    elseif file then tests[file .. ": " .. name] = reason
    elseif line ~= "" then files[line] = reason end
  end
  return files, tests
end

local files, tests = read_list()
local command, second = ...
if command == "--skipped" then
  for file in io.lines() do
    if files[file] or files[file:match "^spec/[^/]+/"] then print(file) end
  end
  return
end

local listing = command == "--list"
local file = listing and second or command
local seen, shows, number, whole = {}, true, 0, false
for line in io.lines() do
  local status, name = line:match "^(not ok) %d+ %- (.*)$"
  if not status then
    status, name = line:match "^(ok) %d+ %- (.*)$"
  end
  local key = name and file .. ": " .. name
  if status then number = number + 1 end
  if listing then
    if status == "not ok" then print(key) end
  elseif status == "not ok" and tests[key] then
    seen[key] = true
    shows = false
    print(("ok %d - %s # SKIP %s"):format(number, name, tests[key]))
  elseif status == "ok" and tests[key] and not seen[key] then
    shows, seen[key] = true, true
    print(("not ok %d - %s"):format(number, name))
    print "# it is in spec/postgresql.txt as a difference, and passes: take its line out"
  elseif status or not line:find "^#" then
    shows, whole = true, whole or line:find "^1%.%." ~= nil
    print(line)
  elseif shows then
    print(line)
  end
end

-- What the list names, and no test is called any more; of a file that ran to its end.
for key in pairs(tests) do
  if whole and not listing and not seen[key] and key:sub(1, #file + 1) == file .. ":" then
    number = number + 1
    print(("not ok %d - %s"):format(number, key))
    print "# it is in spec/postgresql.txt as a difference, and there is no such test: take its line out"
  end
end
