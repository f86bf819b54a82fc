-- api_fuzz.lua: random calls of everything that the library offers, with random arguments.
--
--   moonrow spec/fuzz/api_fuzz.lua [SEED] [ROUNDS] [STEPS]       (lua5.4 works, too)
--
-- Invariant: each call returns results, or raises a string, an error object, or the value that a callback raised. The
-- library works afterwards. Sanitizers find crashes. The seed that is printed before a crash repeats it.
--
-- MOONROW_FUZZ_TRACE=FILE writes each call to FILE before it is made. With MOONROW_STRESS (spec/helper.lua) the
-- collector works at each call.

if os and os.getenv "MOONROW_STRESS" and package and not package.loaded.moonrow then dofile "spec/helper.lua" end
local mr = require "moonrow"

local fuzz = {}

-- ---------------------------------------------------------------- chance

local random, trace

-- Our own generator of random numbers gives the same numbers on all machines.
local function generator(seed)
  local state = seed * 2654435761 + 88172645463325252
  return function(n)
    state = state ~ (state << 13)
    state = state ~ (state >> 7)
    state = state ~ (state << 17)
    return (state >> 11) % n + 1
  end
end

local function pick(list) return list[random(#list)] end
local function chance(n) return random(n) == 1 end

-- ---------------------------------------------------------------- the world

-- Our own error, which must come back unchanged.
local Thrown = setmetatable({}, { __tostring = function() return "thrown by a callback" end })

local function world(seed)
  local w = { pool = {}, functions = {} }
  local db = mr.open "sqlite://"
  local other = mr.open "sqlite://"
  local Team = db.Model:extend("Team", {
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(20), unique = true },
    members = db.relationship{ "Player", back_populates = "team", cascade = "all, delete-orphan" },
  })
  local Player = db.Model:extend("Player", {
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(20), default = function() return "player" .. random(50) end },
    score = db.Column{ db.Float, index = true },
    born = db.Column{ db.Date },
    seen = db.Column{ db.DateTime, default = mr.now },
    data = db.Column{ db.LargeBinary },
    kind = db.Column{ db.Enum("a", "b") },
    active = db.Column{ db.Boolean, nullable = false, default = true },
    team_id = db.Column{ db.Integer, db.ForeignKey "team.id" },
    team = db.relationship{ "Team", back_populates = "members" },
    captain_id = db.Column{ db.Integer, db.ForeignKey "player.id" },
    captain = db.relationship{ "Player", remote_side = "Player.id", backref = "crew" },
    note = mr.field(),
  })
  function Player:__tostring()
    if chance(40) then error(Thrown) end
    return "<Player " .. tostring(self.id) .. ">"
  end
  local Pair = db.Model:extend("Pair", {
    a = db.Column{ db.Integer, primary_key = true },
    b = db.Column{ db.String(10), primary_key = true },
    value = db.Column{ db.Interval },
  })
  local Other = other.Model:extend("Other", {
    id = db.Column{ db.Integer, primary_key = true },
    team_id = db.Column{ db.Integer },
  })
  local tags = db.Table("tag", db.Column{ "id", db.Integer, primary_key = true }, db.Column{ "word", db.Text })
  db:create_all()
  other:create_all()
  for i = 1, 5 do
    local team = Team{ name = "team" .. i }
    for j = 1, 3 do team.members:append(Player{ name = "p" .. i .. j, score = i + j / 2 }) end
    db.session:add(team)
  end
  db.session:add(Pair{ a = 1, b = "x" })
  db.session:commit()
  w.db, w.other, w.seed = db, other, seed
  w.classes = { Team, Player, Pair, Other }
  w.attributes = {
    "id", "name", "score", "born", "seen", "data", "kind", "active", "team_id", "team", "captain", "crew", "members",
    "note", "a", "b", "value", "nothing", "query", "c", "__index", "metadata", "extend",
  }
  w.made = {
    function() return Team{} end,
    function() return Player{ name = "x", score = random(9) } end,
    function() return db.session:query(Player):first() end,
    function() return Team.query:first() end,
    function() return Team.query:first().members end,
    function() return Player.query:limit(3):all() end,
    function() return Player.query:filter(Player.score:gt(random(5))) end,
    function() return mr.select(Player, Team.name):join(Player.team) end,
    function() return mr.select(tags) end,
    function() return mr.aliased(Player) end,
    function() return Player.query:subquery() end,
    function() return Team.query:cte "c" end,
    function() return Player.score:gt(2) & Player.name:like "p%" end,
    function() return Player.id end,
    function() return Player.team end,
    function() return Team.members end,
    function() return mr.aliased(Player).team end,
    function() return mr.joinedload(Team.members) end,
    function() return mr.selectinload "members" end,
    function() return mr.insert(Player) end,
    function() return mr.update(Player) end,
    function() return mr.delete(tags) end,
    function() return mr.text "select :x" end,
    function() return mr.func.count(Player.id) end,
    function() return db.session:execute(mr.select(Player.id, Player.name)) end,
    function() return db.session:execute(mr.select(Player.id, Player.name)):first() end,
    function() return db.session end,
    function() return db.session:_session() end,
    function() return mr.Session(db.engine) end,
    function() return mr.Session(other.engine, { autoflush = false }) end,
    function() return mr.sessionmaker{ bind = db.engine } end,
    function() return db.engine end,
    function() return db.engine:connect() end,
    function() return mr.create_engine "sqlite://" end,
    function() return db.metadata end,
    function() return tags end,
    function() return tags.c end,
    function() return Team.c end,
    function() return Team.__table end,
    function() return mr.inspect(Player.query:first()) end,
    function() return mr.now() end,
    function() return mr.String(5) end,
    function() return mr.Column{ "col" .. random(9), mr.Integer } end,
    function() return mr.ForeignKey "team.id" end,
    function() return mr.UniqueConstraint "name" end,
    function() return mr.Index("i" .. random(9), "name") end,
    function() return mr.field() end,
    function() return mr.App "x" end,
    function() return db.session.identity_map end,
    function() return db.session:begin_nested() end,
    function() return db.session:begin() end,
    function() return db end,
    function() return other end,
    function() return pick(w.classes) end,
    function() return pick(w.attributes) end,
  }
  return w
end

-- ---------------------------------------------------------------- arguments

local function callback()
  local kind = random(6)
  return function(...)
    if kind == 1 then error(Thrown) end
    if kind == 2 then error "a string" end
    if kind == 3 and coroutine.isyieldable() then coroutine.yield(...) end
    if kind == 4 then collectgarbage() end
    return ...
  end
end

local function selfish()
  local t = {}
  t[1], t.self, t.name = t, t, t
  return t
end

local function metatabled()
  return setmetatable({ "id" }, {
    __index = function(_, k) if k == "name" then error(Thrown) end return k end,
    __tostring = function() if chance(2) then error(Thrown) end return 42 end,
    __len = function() return chance(2) and 1 << 40 or -1 end,
    __call = function(_, ...) return ... end,
  })
end

local value -- defined below

local function list_of(w, depth)
  local t = {}
  for i = 1, random(4) - 1 do t[i] = value(w, depth + 1) end
  return t
end

local function options_of(w, depth)
  local names = {
    "name", "bind", "mode", "page", "per_page", "alias", "order_by", "partition_by",
    "rows", "escape", "id", "score", "team",
    "index_elements", "set", "where", "isouter", "yield_per",
    "load", "autoflush", "once", "checkfirst", "tables", "recursive",
  }
  local t = {}
  for _ = 1, random(3) do t[pick(names)] = value(w, depth + 1) end
  return t
end

local plain = {
  function() return nil end,
  function() return mr.null end,
  function() return chance(2) end,
  function() return random(10) - 3 end,
  function() return pick{ math.maxinteger, math.mininteger, 1 << 31, 1 << 32, -1, 0 } end,
  function() return pick{ 0 / 0, 1 / 0, -1 / 0, 0.5, -0.0, 1e300, 2.0 } end,
  function(w) return pick(w.attributes) end,
  function()
    return pick{
      "", "x", "a\0b", "\xff\xfe", "%s%n", "2024-02-30", "2024-02-29", "12:00:00", '"', "'; drop table team", "*",
    }
  end,
  function() return ("long"):rep(random(2000)) end,
  function() return callback() end,
  function() return coroutine.create(callback()) end,
  function() return selfish() end,
  function(w) return setmetatable({}, { __gc = function() pcall(pick(w.made)) end }) end,
  function(w) -- garbage whose finalizers use the session
    for _ = 1, 5 do
      setmetatable({}, { __gc = function()
        local function trace_now() mr.memory{ trace = true } end
        if w.seed then pcall(pick{ w.made[3], w.made[6], trace_now, collectgarbage }) end
      end })
    end
    return {}
  end,
  function() return metatabled() end,
  function() return io and io.stdout or print end,
  function() return os and os.date "*t" or {} end,
}

-- A random value. Half of the time it is one that an earlier call returned.
function value(w, depth)
  depth = depth or 0
  local n = random(10)
  if n <= 5 and #w.pool > 0 then return pick(w.pool) end
  if n == 6 and depth < 3 then return list_of(w, depth) end
  if n == 7 and depth < 3 then return options_of(w, depth) end
  return pick(plain)(w)
end

-- ---------------------------------------------------------------- what can be called

local upvalue = debug and debug.getupvalue

-- The functions of a table as a list, sorted by name: the order of `next` differs from run to run.
local function functions_of(t)
  local found = {}
  for name, fn in next, t do
    if type(name) == "string" and type(fn) == "function" then found[#found + 1] = { name, fn } end
  end
  table.sort(found, function(a, b) return a[1] < b[1] end)
  return found
end

-- The methods of an object, which are in its __index. If that is a C function, they are in its first upvalue. Its
-- second upvalue has the getters, which only __index itself calls.
local function methods_of(object)
  local meta = debug and debug.getmetatable(object)
  if meta and meta.__name == "class" then return {} end -- its first upvalue has functions that only __index calls
  local index = meta and meta.__index
  if type(index) == "function" and debug.getinfo(index, "S").what == "C" then index = select(2, upvalue(index, 1)) end
  if type(index) == "table" then return functions_of(index) end
  return type(object) == "table" and functions_of(object) or {}
end

-- The getters of an object. Their names are fields that can be read.
local function fields_of(object)
  local meta = debug and debug.getmetatable(object)
  local index = meta and meta.__index
  local _, getters
  if type(index) == "function" and debug.getinfo(index, "S").what == "C" then _, getters = upvalue(index, 2) end
  return type(getters) == "table" and functions_of(getters) or {}
end

local skipped = { sleep = true, set_log = true, declarative_base = false }

local function collect(w)
  local seen = {}
  local function add(name, fn)
    if not seen[fn] and not skipped[name] then
      seen[fn] = true
      w.functions[#w.functions + 1] = { name, fn }
    end
  end
  for _, f in ipairs(functions_of(mr)) do add(f[1], f[2]) end
  for _, make in ipairs(w.made) do
    local ok, object = pcall(make)
    if ok and (type(object) == "userdata" or type(object) == "table") then
      for _, found in ipairs(methods_of(object)) do add(found[1], found[2]) end
      for _, found in ipairs(fields_of(object)) do w.attributes[#w.attributes + 1] = found[1] end
    end
    pcall(function() w.db.session:rollback() end)
  end
  for _, f in ipairs(functions_of(mr.Query)) do add(f[1], f[2]) end
end

-- ---------------------------------------------------------------- one step

local operators = {
  function(a, b) return a + b end, function(a, b) return a - b end, function(a, b) return a * b end,
  function(a, b) return a / b end, function(a, b) return a % b end, function(a, b) return a .. b end,
  function(a, b) return a & b end, function(a, b) return a | b end, function(a) return ~a end,
  function(a) return -a end,
  function(a, b) return a == b end, function(a, b) return a < b end, function(a, b) return a <= b end,
  function(a, b) return a // b end, function(a, b) return a ^ b end, function(a, b) return a << b end,
  function(a) return #a end, function(a) return tostring(a) end, function(a, b) return a(b) end,
  function(a, b) return a[b] end, function(a, b, c) a[b] = c end,
  function(a) local n = 0 for _ in pairs(a) do n = n + 1 if n > 20 then break end end end,
  function(a) local n = 0 for _ in ipairs(a) do n = n + 1 if n > 20 then break end end end,
  function(a) local n = 0 for _ in a:iter() do n = n + 1 if n > 20 then break end end end,
  function(a) return table.unpack(a, 1, 5) end,
  function(a, b) table.insert(a, b) end,
  function(a) return getmetatable(a) end,
  function(a) local x <close> = a return x end,
}

local function keep(w, object)
  local kind = type(object)
  if kind ~= "userdata" and kind ~= "table" and kind ~= "function" then return end
  -- Keeps values of the library only, and not the tables of this program.
  if object == w or object == _G or object == fuzz or object == mr then return end
  if #w.pool < 60 then w.pool[#w.pool + 1] = object else w.pool[random(60)] = object end
end

local function check_error(err)
  local kind = type(err)
  if kind == "string" or err == Thrown then return end
  if kind == "table" and mr.errors.Error:is(err) then
    assert(type(err.kind) == "string" and type(err.message) == "string" and type(tostring(err)) == "string")
    return
  end
  if err == nil or kind == "number" or kind == "boolean" or kind == "userdata" or kind == "function" then return end
  if kind == "table" or kind == "thread" then return end -- a callback has raised one of its arguments
  error("not an error: " .. tostring(err))
end

local function show(v)
  if type(v) == "string" then return ("%q"):format(#v > 30 and v:sub(1, 30) or v) end
  local meta = debug and debug.getmetatable(v)
  return type(meta) == "table" and type(meta.__name) == "string" and meta.__name or type(v)
end

-- Runs fn in a coroutine, and resumes it after each yield. Sometimes closes or drops it before its end.
local function in_coroutine(fn, ...)
  local co = coroutine.create(fn)
  local results = table.pack(coroutine.resume(co, ...))
  while results[1] and coroutine.status(co) == "suspended" do
    if chance(4) then coroutine.close(co) break end
    if chance(8) then break end
    results = table.pack(coroutine.resume(co))
  end
  return table.unpack(results, 1, results.n)
end

local function run(w, what, fn, n, args)
  if trace then
    local shown = {}
    for i = 1, n do shown[i] = show(args[i]) end
    trace:write(what, "(", table.concat(shown, ", "), ")\n")
    trace:flush()
  end
  local call = chance(8) and coroutine and in_coroutine or pcall
  local results = table.pack(call(fn, table.unpack(args, 1, n)))
  if not results[1] then
    check_error(results[2])
  else
    for i = 2, math.min(results.n, 4) do keep(w, results[i]) end
  end
end

local function step(w)
  local n, kind = random(5) - 1, random(10)
  local args = {}
  if chance(6) or #w.pool < 5 then
    local ok, object = pcall(pick(w.made))
    if ok then keep(w, object) end
  end
  for i = 1, 4 do args[i] = value(w) end
  if kind <= 3 then
    local f = pick(w.functions)
    run(w, "function " .. f[1], f[2], n, args)
  elseif kind <= 7 and #w.pool > 0 then -- a method of a kept object
    local object = pick(w.pool)
    local found = methods_of(object)
    if #found == 0 then return end
    local f = pick(found)
    if skipped[f[1]] then return end
    table.insert(args, 1, object)
    run(w, "method " .. f[1], f[2], n + 1, args)
  elseif kind <= 9 then
    local i = random(#operators)
    if #w.pool > 0 then args[1] = pick(w.pool) end
    run(w, "operator " .. i, operators[i], 3, args)
  else
    local object = pick(w.classes)
    run(w, "class", function(o, a) return o[a] end, 2, { object, value(w) })
    run(w, "object", function(o, a) return o(a) end, 2, { object, value(w) })
  end
end

-- Asserts that the library still works, with a new database.
local function check_alive(w)
  w.db.session:remove()
  local db = mr.open "sqlite://"
  local Thing = db.Model:extend("Thing", {
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.Text },
  })
  db:create_all()
  db.session:add(Thing{ name = "x" })
  db.session:commit()
  assert(Thing.query:filter_by{ name = "x" }:one().id == 1)
  db.session:remove()
end

-- fuzz.run(seed, steps): makes a world, and random calls in it. The same seed gives the same calls.
function fuzz.run(seed, steps)
  random = generator(seed)
  local w = world(seed)
  collect(w)
  for i = 1, steps do
    step(w)
    if i % 200 == 0 then
      w.pool = chance(2) and {} or w.pool
      collectgarbage(chance(2) and "step" or "collect")
      pcall(function() w.db.session:rollback() end)
    end
  end
  w.pool = {}
  collectgarbage()
  check_alive(w)
end

if arg and arg[0] and arg[0]:match "api_fuzz%.lua$" then
  local seed, rounds, steps = tonumber((...)) or 1, tonumber((select(2, ...))) or 20, tonumber((select(3, ...))) or 2000
  local file = os.getenv "MOONROW_FUZZ_TRACE"
  trace = file and assert(io.open(file, "w"))
  for i = seed, seed + rounds - 1 do
    io.write("seed ", i, "\n")
    io.flush()
    if trace then trace:write("seed ", i, "\n") end
    fuzz.run(i, steps)
  end
end

return fuzz
