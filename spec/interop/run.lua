-- run.lua: compares values of this library with those of Python's, over many random cases. For each
-- spec/interop/NAME.py there is a NAME.lua: the first one prints cases, one a line, in fields with tabs between them:
-- the operation, its arguments, and last the result that Python has. The second one returns a table of the operations,
-- functions of the arguments as texts that return the result as text ("error" where an error is right).
--
--   lua5.4 spec/interop/run.lua [CASES [SEED]]
--
-- Invariant: the cases depend on the seed alone, which is printed.

local cases = math.tointeger(arg[1] or 20000) or error "CASES is a number"
local seed = math.tointeger(arg[2] or os.time()) or error "SEED is a number"
local folder = arg[0]:match "^(.*/)" or "./"

local function fields_of(line)
  local fields = {}
  for field in (line .. "\t"):gmatch "([^\t]*)\t" do fields[#fields + 1] = field end
  return fields
end

-- Runs the cases of one pair of files. Returns how many there were, and how many differ.
local function compare(name)
  local operations = assert(loadfile(folder .. name .. ".lua"))()
  local python = assert(io.popen(("python3 %s%s.py %d %d"):format(folder, name, cases, seed)))
  local ran, wrong = 0, 0
  for line in python:lines() do
    local fields = fields_of(line)
    local operation = assert(operations[fields[1]], "no operation " .. tostring(fields[1]))
    local expected = table.remove(fields)
    local ok, result = pcall(operation, table.unpack(fields, 2))
    if not ok then result = "error" end
    ran = ran + 1
    if result ~= expected then
      wrong = wrong + 1
      if wrong <= 20 then print(("   %s: %s: got %s"):format(name, line:gsub("\t", " "), tostring(result))) end
    end
  end
  assert(python:close(), name .. ".py has failed")
  assert(ran > 0, name .. ".py prints no cases")
  return ran, wrong
end

local names, list = {}, assert(io.popen(("ls %s*.py"):format(folder)))
for path in list:lines() do names[#names + 1] = path:match "([^/]*)%.py$" end
list:close()
print(("== interop (seed %d)"):format(seed))
local all_wrong = 0
for _, name in ipairs(names) do
  local ran, wrong = compare(name)
  print(("   %s: %d cases, %d differ"):format(name, ran, wrong))
  all_wrong = all_wrong + wrong
end
os.exit(all_wrong == 0)
