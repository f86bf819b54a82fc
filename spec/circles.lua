-- circles.lua: which file calls which, read from the compiled objects:
--   lua5.4 spec/circles.lua OBJECTS       fails on a circle of files in a folder, and on a call that goes from one room
--                                         of src/bind or src/load to another that it may not see
--   lua5.4 spec/circles.lua --self-test   proves that both are found
-- A file depends on another when it names one of its functions or variables (nm).

-- The folders that have rooms, and what each room may call. The files of bind itself (module.c) may call all.
local folders = {
  bind = {
    state = {},
    value = { "state" },
    schema = { "state", "value" },
    expression = { "state", "value" },
    class = { "state", "value", "schema", "expression" },
    query = { "state", "value", "expression", "class" },
    statement = { "state", "value", "schema", "expression", "query" },
    session = { "state", "value" },
    event = { "state", "value" },
    capi = { "state", "value" },
  },
  load = {
    plan = { "prepared", "strategy" },
    prepared = { "plan", "run" },
    run = { "plan", "prepared", "strategy" },
    strategy = { "plan", "prepared", "run" },
  },
}

-- Folders whose files are one machine, or use each other for a reason that src/README.md ("Circles of files") gives: a
-- circle may lie within one of them. No folder but these may have one.
local known = {
  base = true, db = true, entity = true, flush = true, load = true, mapper = true, query = true, session = true,
  sql = true,
}

local function lines(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  pipe:close()
  return text:gmatch "[^\n]+"
end

-- { file = { symbol = true for what it uses } }, { symbol = file that defines it }. The objects are those that the
-- library is made of, by the list that the build keeps: others may be left of files that have moved.
local function read_objects(objects)
  local uses, defines = {}, {}
  for line in lines("xargs nm -A < '" .. objects .. "/lib.list'") do
    local path, kind, symbol = line:match "^(.-)%.o:%s*%x*%s+(%a)%s+(%S+)$"
    local file = path and path:match ".*/obj/(.*)$"
    if file then
      uses[file] = uses[file] or {}
      if kind == "U" then uses[file][symbol] = true elseif kind:match "[TDBRCV]" then defines[symbol] = file end
    end
  end
  return uses, defines
end

-- { file = { other file = a symbol of it that the file uses } }
local function graph_of(uses, defines)
  local graph = {}
  for file, symbols in pairs(uses) do
    graph[file] = {}
    for symbol in pairs(symbols) do
      local other = defines[symbol]
      local before = other and graph[file][other]
      if other and other ~= file and (not before or symbol < before) then graph[file][other] = symbol end
    end
  end
  return graph
end

-- The sets of files that reach each other (Tarjan's algorithm), those of one file left out.
local function circles_of(graph)
  local index, low, on_stack, stack, found, count = {}, {}, {}, {}, {}, 0
  local function visit(file)
    count = count + 1
    index[file], low[file] = count, count
    stack[#stack + 1], on_stack[file] = file, true
    for other in pairs(graph[file] or {}) do
      if not index[other] then
        visit(other)
        low[file] = math.min(low[file], low[other])
      elseif on_stack[other] then
        low[file] = math.min(low[file], index[other])
      end
    end
    if low[file] ~= index[file] then return end
    local circle = {}
    repeat
      local member = table.remove(stack)
      on_stack[member] = nil
      circle[#circle + 1] = member
    until member == file
    table.sort(circle)
    if #circle > 1 then found[#found + 1] = circle end
  end
  for file in pairs(graph) do
    if not index[file] then visit(file) end
  end
  return found
end

-- Does the circle lie within one folder that may have one?
local function is_known(circle)
  local folder = circle[1]:match "^[^/]+"
  for _, file in ipairs(circle) do
    if file:match "^[^/]+" ~= folder then return false end
  end
  return known[folder] or false
end

-- The folder of a file, if it has rooms, and the file's room; for a file outside of the rooms, the folder's name.
local function room_of(file)
  local folder, rest = file:match "^(%w+)/(.*)$"
  if not folders[folder] then return nil end
  return folder, rest:match "^(%w+)/" or folder
end

-- What is wrong with a call from one file to another; nil: nothing.
local function fault_of(file, other, symbol)
  local folder, room = room_of(file)
  local other_folder, called = room_of(other)
  if folder ~= other_folder or not folder or room == folder or room == called then return nil end
  for _, name in ipairs(folders[folder][room] or {}) do
    if name == called then return nil end
  end
  return ("%s calls %s (%s): %s must not see %s"):format(file, other, symbol, room, called)
end

-- The messages about the graph, sorted.
local function check(graph)
  local wrong = {}
  for _, circle in ipairs(circles_of(graph)) do
    if not is_known(circle) then wrong[#wrong + 1] = "a circle of files: " .. table.concat(circle, ", ") end
  end
  for file, others in pairs(graph) do
    local folder, room = room_of(file)
    if folder and room ~= folder and not folders[folder][room] then
      wrong[#wrong + 1] = file .. ": no room is called " .. room
    else
      for other, symbol in pairs(others) do wrong[#wrong + 1] = fault_of(file, other, symbol) end
    end
  end
  table.sort(wrong)
  return wrong
end

local function self_test()
  local cases = {
    { "a file alone", { ["base/a"] = {} }, 0 },
    { "a chain", { ["base/a"] = { ["base/b"] = "f" }, ["base/b"] = {} }, 0 },
    { "a circle of two", { ["x/a"] = { ["x/b"] = "f" }, ["x/b"] = { ["x/a"] = "g" } }, 1 },
    { "a circle of three",
      { ["x/a"] = { ["x/b"] = "f" }, ["x/b"] = { ["x/c"] = "g" }, ["x/c"] = { ["x/a"] = "h" } }, 1 },
    { "a circle in a folder that may have one",
      { ["sql/a"] = { ["sql/b"] = "f" }, ["sql/b"] = { ["sql/a"] = "g" } }, 0 },
    { "a circle of two folders", { ["sql/a"] = { ["db/b"] = "f" }, ["db/b"] = { ["sql/a"] = "g" } }, 1 },
    { "a room above", { ["bind/value/a"] = { ["bind/query/b"] = "f" }, ["bind/query/b"] = {} }, 1 },
    { "a room below", { ["bind/query/a"] = { ["bind/value/b"] = "f" }, ["bind/value/b"] = {} }, 0 },
    { "the module", { ["bind/module"] = { ["bind/query/b"] = "f" }, ["bind/query/b"] = {} }, 0 },
    { "calling the module", { ["bind/query/a"] = { ["bind/module"] = "f" }, ["bind/module"] = {} }, 1 },
    { "an unknown room", { ["bind/attic/a"] = { ["bind/value/b"] = "f" }, ["bind/value/b"] = {} }, 1 },
    { "an unknown room of a file that calls nobody", { ["load/attic/a"] = {} }, 1 },
    { "rooms of load", { ["load/run/a"] = { ["load/plan/b"] = "f" }, ["load/plan/b"] = {} }, 0 },
    { "planning calls what runs", { ["load/plan/a"] = { ["load/run/b"] = "f" }, ["load/run/b"] = {} }, 1 },
    { "rooms of two folders", { ["load/run/a"] = { ["bind/value/b"] = "f" }, ["bind/value/b"] = {} }, 0 },
    { "the core", { ["bind/query/a"] = { ["sql/b"] = "f" }, ["sql/b"] = {} }, 0 },
  }
  local failed = 0
  for _, case in ipairs(cases) do
    local name, graph, expected = case[1], case[2], case[3]
    if #check(graph) ~= expected then
      failed = failed + 1
      print(("circles.lua: %s: %d faults, not %d"):format(name, #check(graph), expected))
    end
  end
  return failed
end

local argument = ... or "build/obj"
local faults
if argument == "--self-test" then
  faults = self_test()
else
  local uses, defines = read_objects(argument)
  assert(next(uses), "no objects in " .. argument .. ": build first")
  local wrong = check(graph_of(uses, defines))
  for _, message in ipairs(wrong) do print(message) end
  faults = #wrong
end
os.exit(faults == 0)
