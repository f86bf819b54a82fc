-- random_models.lua: random mappings and rows, and ways through their relationships. The same seed gives the same ones.

local mr = require "moonrow"

local M = {}

--- A source of random numbers. random(n): from 1 to n. random.chance(p): true in p percent of all calls.
--- random.pick(list): an item.
function M.source(seed)
  local state = (seed * 2654435761 + 88172645463325252) & 0x7fffffffffffffff
  local random = {}
  local function number(n)
    state = state ~ (state << 13 & 0x7fffffffffffffff)
    state = state ~ (state >> 7)
    state = state ~ (state << 17 & 0x7fffffffffffffff)
    state = state & 0x7fffffffffffffff
    return state % n + 1
  end
  function random.chance(percent) return number(100) <= percent end
  function random.pick(list) return list[number(#list)] end
  return setmetatable(random, { __call = function(_, n) return number(n) end })
end

local NAMES = { "A", "B", "C" }
local KEYS = { "integer", "integer", "text", "composite" }

-- The columns of a key, and those of a reference to it, which have other names.
local function key_columns(db, kind)
  if kind == "composite" then return { "x", "y" } end
  return { "id" }, kind == "text" and db.String(10) or db.Integer
end

local function declare_key(db, body, kind)
  local names, type = key_columns(db, kind)
  for _, name in ipairs(names) do body[name] = db.Column{ type or db.Integer, primary_key = true } end
end

-- Adds the columns and the constraint of a reference. Returns the names of the columns.
local function declare_reference(db, random, body, prefix, target, kind)
  local names, type = key_columns(db, kind)
  local columns, targets = {}, {}
  for i, name in ipairs(names) do
    columns[i] = prefix .. "_" .. name
    targets[i] = target:lower() .. "." .. name
    body[columns[i]] = db.Column{ type or db.Integer, deferred = random.chance(15) or nil }
  end
  table.insert(body.__table_args, db.ForeignKeyConstraint(columns, targets))
  return columns
end

local function add_many_to_one(m, random, from, to, number)
  local name = ("to_%s%d"):format(to:lower(), number)
  local back = ("%s_of%d"):format(from:lower(), number)
  local columns = declare_reference(m.db, random, m.bodies[from], name, to, m.kinds[to])
  local foreign = {}
  for i, column in ipairs(columns) do foreign[i] = from .. "." .. column end
  local ordered = random.chance(40)
  m.bodies[from][name] = m.db.relationship{ to, back_populates = back, foreign_keys = foreign,
    remote_side = from == to and m.key_paths(to) or nil }
  m.bodies[to][back] = m.db.relationship{ from, back_populates = name, foreign_keys = foreign,
    order_by = ordered and from .. ".n" or nil }
  m.references[#m.references + 1] = { from = from, to = to, columns = columns }
  table.insert(m.ways[from], { name = name, to = to, back = back, reference = true })
  table.insert(m.ways[to], { name = back, to = from, back = name, ordered = ordered })
end

local function add_many_to_many(m, random, from, to, number)
  local name, back = ("links%d"):format(number), ("linked%d"):format(number)
  local parts, lists = {}, {}
  for side, class in ipairs{ from, to } do
    local names, type = key_columns(m.db, m.kinds[class])
    local columns, targets = {}, {}
    for i, key in ipairs(names) do
      columns[i] = ("side%d_%s"):format(side, key)
      targets[i] = class:lower() .. "." .. key
      parts[#parts + 1] = m.db.Column{ columns[i], type or m.db.Integer }
    end
    parts[#parts + 1] = m.db.ForeignKeyConstraint(columns, targets)
    lists[side] = columns
  end
  parts[#parts + 1] = m.db.Column{ "place", m.db.Integer }
  local link = m.db.Table("link" .. number, table.unpack(parts))
  local function joined(class, columns)
    return function()
      local all
      for i, key in ipairs(key_columns(m.db, m.kinds[class])) do
        local one = m.classes[class][key]:eq(link.c[columns[i]])
        all = all and all & one or one
      end
      return all
    end
  end
  local by_place, by_n = random.chance(50), random.chance(30)
  m.bodies[from][name] = m.db.relationship{ to, secondary = link, back_populates = back,
    primaryjoin = joined(from, lists[1]), secondaryjoin = joined(to, lists[2]),
    order_by = by_place and function() return link.c.place end or nil }
  m.bodies[to][back] = m.db.relationship{ from, secondary = link, back_populates = name,
    primaryjoin = joined(to, lists[2]), secondaryjoin = joined(from, lists[1]),
    order_by = by_n and from .. ".n" or nil }
  m.links[#m.links + 1] = { table = link, from = from, to = to, columns = lists }
  table.insert(m.ways[from], { name = name, to = to, back = back, ordered = by_place })
  table.insert(m.ways[to], { name = back, to = from, back = name, ordered = by_n })
end

-- ---------------------------------------------------------------- subclasses

-- Gives the class a subclass, in the same table or with a table of its own, which some of its rows will be of.
local function plan_subclass(m, random, name)
  m.inherits[name] = random.pick{ false, "single", "joined" }
  if not m.inherits[name] then return end
  m.bodies[name].kind = m.db.Column{ m.db.String(10) }
  m.bodies[name].__mapper_args = { polymorphic_on = "kind", polymorphic_identity = name,
    with_polymorphic = random.chance(40) and "*" or nil }
end

local function declare_subclass(m, name)
  local body = { __mapper_args = { polymorphic_identity = name .. "x" }, extra = m.db.Column{ m.db.Integer } }
  if m.inherits[name] == "joined" then
    local names, type = key_columns(m.db, m.kinds[name])
    local targets = {}
    for i, key in ipairs(names) do
      body[key] = m.db.Column{ type or m.db.Integer, primary_key = true }
      targets[i] = name:lower() .. "." .. key
    end
    body.__table_args = { m.db.ForeignKeyConstraint(names, targets) }
  end
  m.classes[name .. "x"] = m.classes[name]:extend(name .. "x", body)
end

-- ---------------------------------------------------------------- rows

local function key_of(kind, i)
  if kind == "composite" then return { (i + 1) // 2, i % 2 } end
  return { kind == "text" and "k" .. i or i }
end

local function add_rows(m, random)
  local count, at = {}, {}
  for _, name in ipairs(m.names) do
    count[name] = random(7)
    for i = 1, count[name] do
      local row = { n = random(1000) * 100 + i, tag = random(3) }
      for k, column in ipairs(key_columns(m.db, m.kinds[name])) do row[column] = key_of(m.kinds[name], i)[k] end
      if m.inherits[name] then
        row.kind = random.chance(40) and name .. "x" or name
        if row.kind ~= name then row.extra = i end
      end
      at[#at + 1] = { name = name, row = row }
    end
  end
  -- Rows are inserted before they refer to each other, so that any row may refer to any.
  for _, r in ipairs(at) do
    if r.row.extra then
      r.row.kind = nil
      m.db.session:add(m.classes[r.name .. "x"](r.row))
      m.db.session:flush()
    else
      m.db.session:execute(mr.insert(m.classes[r.name]):values(r.row))
    end
  end
  for _, reference in ipairs(m.references) do
    for i = 1, count[reference.from] do
      if random.chance(80) then
        local target = key_of(m.kinds[reference.to], random(count[reference.to]))
        local set, own = {}, key_of(m.kinds[reference.from], i)
        for k, column in ipairs(reference.columns) do set[column] = target[k] end
        local where = {}
        for k, column in ipairs(key_columns(m.db, m.kinds[reference.from])) do
          where[#where + 1] = m.classes[reference.from][column]:eq(own[k])
        end
        m.db.session:execute(mr.update(m.classes[reference.from]):where(table.unpack(where)):values(set))
      end
    end
  end
  for _, link in ipairs(m.links) do
    for place = 1, random(12) do
      local row = { place = place }
      for side, class in ipairs{ link.from, link.to } do
        local key = key_of(m.kinds[class], random(math.min(count[class], 3)))
        for k, column in ipairs(link.columns[side]) do row[column] = key[k] end
      end
      m.db.session:execute(mr.insert(link.table):values(row))
    end
  end
end

-- ---------------------------------------------------------------- the whole

--- Makes a database with the classes A, B, C (in m.classes) and rows. m.ways[class name]: a list of { name = attribute,
--- to = class name, back = attribute of the other side, reference = true: one object, ordered = true: a list with an
--- order }. Some classes have a subclass, called as they with an x behind (in m.classes), of which some of their rows
--- are; m.inherits[class name]: "single", "joined", or false. Each class has n, which differs in nearly all rows, and
--- tag, which has few values.
function M.make(seed)
  local random = M.source(seed)
  local m = { db = mr.open "sqlite://", bodies = {}, kinds = {}, classes = {}, ways = {}, references = {}, links = {},
              names = NAMES, random = random, inherits = {} }
  --- The names of the class's key attributes.
  function m.key_names(class) return (key_columns(m.db, m.kinds[class])) end
  --- The key of an object of the class as text.
  function m.key(object, class)
    if object == nil then return "nil" end
    local parts = {}
    for i, name in ipairs(m.key_names(class)) do parts[i] = tostring(object[name]) end
    return table.concat(parts, ".") .. (mr.class_of(object) == m.classes[class] and "" or "x")
  end
  function m.key_paths(class)
    local paths = {}
    for i, name in ipairs(key_columns(m.db, m.kinds[class])) do paths[i] = class .. "." .. name end
    return paths
  end
  for _, name in ipairs(NAMES) do
    m.kinds[name] = random.pick(KEYS)
    m.bodies[name] = { __table_args = {}, n = m.db.Column{ m.db.Integer }, tag = m.db.Column{ m.db.Integer } }
    declare_key(m.db, m.bodies[name], m.kinds[name])
    m.ways[name] = {}
  end
  for number = 1, 2 + random(3) do
    local add = random.chance(60) and add_many_to_one or add_many_to_many
    add(m, random, random.pick(NAMES), random.pick(NAMES), number)
  end
  for _, name in ipairs(NAMES) do plan_subclass(m, random, name) end
  for _, name in ipairs(NAMES) do m.classes[name] = m.db.Model:extend(name, m.bodies[name]) end
  for _, name in ipairs(NAMES) do
    if m.inherits[name] then declare_subclass(m, name) end
  end
  m.db:create_all()
  add_rows(m, random)
  m.db.session:commit()
  m.db.session:remove()
  return m
end

return M
