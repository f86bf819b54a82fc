-- Random families of classes: what queries, get, eager loads, bulk statements and flushes give is what a plain list of
-- rows in Lua gives. MOONROW_SEED and MOONROW_FAMILIES choose other families, and more of them.

local mr = require "moonrow"
local postgresql = require "spec.support.postgresql"

local SEED = tonumber(os.getenv "MOONROW_SEED") or 1
local STRESS = (os.getenv "MOONROW_STRESS" or "") ~= ""
local FAMILIES = tonumber(os.getenv "MOONROW_FAMILIES") or (STRESS and 3 or 30)
local ROWS, STEPS = 12, STRESS and 10 or 25

-- ---------------------------------------------------------------- numbers that a seed makes

local function random_of(seed)
  local state = seed * 2654435761 % 4294967296
  return function(n)
    state = (state * 1664525 + 1013904223) % 4294967296
    return (state >> 8) % n + 1
  end
end

-- ---------------------------------------------------------------- a family

local Family = {}
Family.__index = Family

-- Adds a class below base: { class =, base =, own = its attributes, way = "single" or ... }.
function Family:declare(name, base, way)
  local db, rnd = self.db, self.rnd
  local body, node = {}, { name = name, base = base, way = way, own = {} }
  local args = {}
  for i = 1, rnd(3) - (base and 1 or 0) do
    local attribute = ("%s%d"):format(name:lower(), i)
    body[attribute] = db.Column{ db.Integer }
    node.own[#node.own + 1] = attribute
  end
  if not base or way == "concrete" then
    if not base then body.id = db.Column{ db.Integer, primary_key = true } end
    if not base then body.kind = db.Column{ db.String(10) } end
    if not base then body.owner_id = db.Column{ db.Integer, db.ForeignKey "owner.id" } end
    if not base then body.owner = db.relationship{ "Owner", back_populates = "things" } end
    if not base then args.polymorphic_on = "kind" end
    if not base and rnd(4) == 1 then args.with_polymorphic = "*" end
    if way == "concrete" then args.concrete = true end
  elseif way == "joined" then
    local above = base
    while above.way == "abstract" do above = above.base end
    body.id = db.Column{ db.Integer, db.ForeignKey(above.class.__table.name .. ".id"), primary_key = true }
  end
  if way == "abstract" then body.__abstract = true
  else
    if way ~= "concrete" then args.polymorphic_identity = name end
    local load = base and way ~= "concrete" and ({ "inline", "selectin" })[rnd(5)]
    if load then args.polymorphic_load = load end
    body.__mapper_args = args
  end
  node.class = (base and base.class or db.Model):extend(name, body)
  self.nodes[#self.nodes + 1] = node
  return node
end

local function family(seed)
  local self = setmetatable({ rnd = random_of(seed), db = mr.open "sqlite://", nodes = {}, rows = {} }, Family)
  local rnd, db = self.rnd, self.db
  self.Owner = db.Model:extend("Owner", { id = db.Column{ db.Integer, primary_key = true },
    things = db.relationship{ "A", back_populates = "owner", order_by = "A.id" } })
  local root = self:declare("A", nil, "root")
  local depth = { [root] = 1 }
  for i = 2, 2 + rnd(6) do
    local base
    repeat base = self.nodes[rnd(#self.nodes)] until depth[base] <= 3 and base.way ~= "concrete"
    local ways = { "single", "single", "joined", "joined", "joined", "abstract", "concrete" }
    local node = self:declare(string.char(64 + i), base, ways[rnd(#ways)])
    depth[node] = depth[base] + 1
  end
  return self
end

-- The classes that have rows of the family; of which objects can be made.
function Family:mapped()
  local list = {}
  for _, node in ipairs(self.nodes) do
    if node.way ~= "abstract" and node.way ~= "concrete" then list[#list + 1] = node end
  end
  return list
end

local function isa(node, base)
  while node do
    if node == base then return true end
    if node.way == "concrete" then return false end
    node = node.base
  end
  return false
end

-- The attributes of a class, those of its bases first.
local function attributes(node)
  local list = node.base and attributes(node.base) or {}
  for _, name in ipairs(node.own) do list[#list + 1] = name end
  return list
end

-- The same without those of classes between that have no table: each class below has a column of its own for them.
local function plain_attributes(node)
  local list = node.base and plain_attributes(node.base) or {}
  for _, name in ipairs(node.way ~= "abstract" and node.own or {}) do list[#list + 1] = name end
  return list
end

function Family:value()
  local n = self.rnd(5)
  if n == 5 then return nil end
  return n
end

-- ---------------------------------------------------------------- the rows as plain tables

function Family:add(node)
  local values = {}
  for _, name in ipairs(attributes(node)) do values[name] = self:value() end
  local owner = self.rnd(3)
  local object = node.class(values)
  if node.way ~= "concrete" then object.owner_id = owner end
  self.db.session:add(object)
  self.db.session:flush()
  self.rows[#self.rows + 1] = { node = node, id = object.id, values = values, owner = owner }
end

-- The rows of the class for which keep(row), by their keys.
function Family:rows_of(node, keep)
  local list = {}
  for _, row in ipairs(self.rows) do
    if isa(row.node, node) and (not keep or keep(row)) then list[#list + 1] = row end
  end
  table.sort(list, function(a, b) return a.id < b.id end)
  return list
end

local function text_of_row(row)
  local words = { row.node.name .. row.id }
  for _, name in ipairs(attributes(row.node)) do words[#words + 1] = name .. "=" .. tostring(row.values[name]) end
  return table.concat(words, " ")
end

local function texts(rows)
  local list = {}
  for i, row in ipairs(rows) do list[i] = text_of_row(row) end
  return table.concat(list, "\n")
end

function Family:node_of(object)
  for _, node in ipairs(self.nodes) do
    if node.class == mr.class_of(object) then return node end
  end
end

-- The same text of objects, whose attributes are read.
function Family:shown(objects)
  local list = {}
  for i = 1, #objects do
    local object = objects[i]
    local node = self:node_of(object)
    local words = { node.name .. object.id }
    for _, name in ipairs(attributes(node)) do words[#words + 1] = name .. "=" .. tostring(object[name]) end
    list[i] = table.concat(words, " ")
  end
  return table.concat(list, "\n")
end

-- ---------------------------------------------------------------- criteria

-- A criterion about an attribute of the class or one below it: for SQL, of `class_of(node)`, and for a row.
function Family:criterion(node, class_of)
  local below = {}
  for _, other in ipairs(self:mapped()) do
    if isa(other, node) and class_of(other) then
      for _, name in ipairs(plain_attributes(other)) do below[#below + 1] = { other, name } end
    end
  end
  local chosen = below[self.rnd(#below)]
  local other, name = chosen[1], chosen[2]
  local attribute, wanted = class_of(other)[name], self.rnd(4)
  if self.rnd(5) == 1 then
    return attribute:is_(nil), function(row) return row.values[name] == nil end, name .. " IS NULL"
  end
  return attribute:ge(wanted), function(row) return (row.values[name] or -1) >= wanted end, name .. " >= " .. wanted
end

-- A query of the class with such a criterion, or two, or none; and what its rows fulfil.
function Family:query(node, query, class_of)
  local n = self.rnd(4) - 1
  if n == 0 then return query, nil, node.name end
  local sql, keep, what = self:criterion(node, class_of)
  if n == 1 then return query:filter(sql), keep, node.name .. " " .. what end
  local other_sql, other_keep, other_what = self:criterion(node, class_of)
  if n == 2 then
    return query:filter(sql | other_sql), function(row) return keep(row) or other_keep(row) end,
      ("%s %s or %s"):format(node.name, what, other_what)
  end
  return query:filter(sql, other_sql), function(row) return keep(row) and other_keep(row) end,
    ("%s %s and %s"):format(node.name, what, other_what)
end

local function class_of(node) return node.class end

function Family:any_mapped()
  local list = self:mapped()
  return list[self.rnd(#list)]
end

-- Some of the classes below, or "*".
function Family:some_below(node)
  local list = {}
  if self.rnd(3) == 1 then return "*" end
  for _, other in ipairs(self:mapped()) do
    if other ~= node and isa(other, node) and self.rnd(2) == 1 then list[#list + 1] = other.class end
  end
  return list[1] and list or "*"
end

-- ---------------------------------------------------------------- what is tried

local steps = {}

function steps.plain(f)
  local node = f:any_mapped()
  local query, keep, what = f:query(node, node.class.query, class_of)
  local rows = f:rows_of(node, keep)
  return what, texts(rows) .. #rows, f:shown(query:order_by(node.class.id):all()) .. query:count()
end

-- SQLite has NULL below all values, PostgreSQL above them.
local no_value = postgresql.url and math.huge or -1

function steps.ordered(f)
  local node = f:any_mapped()
  local list = {}
  for _, other in ipairs(f:mapped()) do
    if isa(other, node) then
      for _, name in ipairs(plain_attributes(other)) do list[#list + 1] = { other, name } end
    end
  end
  local other, name = table.unpack(list[f.rnd(#list)])
  local rows = f:rows_of(node)
  table.sort(rows, function(a, b)
    local x, y = a.values[name] or no_value, b.values[name] or no_value
    if x ~= y then return x > y end
    return a.id < b.id
  end)
  while #rows > 4 do rows[#rows] = nil end
  local query = node.class.query:order_by(other.class[name]:desc(), node.class.id):limit(4)
  return node.name .. " by " .. name, texts(rows), f:shown(query:all())
end

function steps.with_polymorphic(f)
  local node = f:any_mapped()
  local some = f:some_below(node)
  local any = mr.with_polymorphic(node.class, some, f.rnd(2) == 1 and { aliased = true } or nil)
  local included = {}
  for _, class in ipairs(type(some) == "table" and some or {}) do included[class] = true end
  local query, keep, what = f:query(node, f.db.session:query(any), function(other)
    if other == node then return any end
    return (some == "*" or included[other.class]) and any[other.name] or nil
  end)
  return "with_polymorphic " .. what, texts(f:rows_of(node, keep)), f:shown(query:order_by(any.id):all())
end

function steps.selectin_polymorphic(f)
  local node = f:any_mapped()
  local query, keep, what = f:query(node, node.class.query, class_of)
  query = query:options(mr.selectin_polymorphic(node.class, f:some_below(node)))
  return "selectin " .. what, texts(f:rows_of(node, keep)), f:shown(query:order_by(node.class.id):all())
end

function steps.get(f)
  local node, row = f:any_mapped(), f.rows[f.rnd(#f.rows)]
  if not row or row.node.way == "concrete" then return "get", "", "" end
  if f.rnd(2) == 1 then f.db.session:get(f.nodes[1].class, row.id) end
  local object = f.db.session:get(node.class, row.id)
  return ("get %s %d"):format(node.name, row.id), isa(row.node, node) and text_of_row(row) or "",
    object and f:shown{ object } or ""
end

function steps.of_type(f)
  local node = f:any_mapped()
  local sql, keep, what = f:criterion(node, class_of)
  local things = f.Owner.things:of_type(node.class)
  local query = f.rnd(2) == 1 and f.Owner.query:join(things):filter(sql):distinct()
    or f.Owner.query:filter(things:any(sql))
  local owners, list, seen = {}, {}, {}
  for _, row in ipairs(f:rows_of(node, keep)) do
    if not seen[row.owner] then
      owners[#owners + 1] = row.owner
      seen[row.owner] = true
    end
  end
  table.sort(owners)
  for i, owner in ipairs(query:order_by(f.Owner.id):all()) do list[i] = owner.id end
  return "of_type " .. node.name .. " " .. what, table.concat(owners, " "), table.concat(list, " ")
end

function steps.eager(f)
  local node = f:any_mapped()
  local load = ({ mr.joinedload, mr.selectinload, mr.subqueryload })[f.rnd(3)]
  local path = f.rnd(2) == 1 and f.Owner.things or f.Owner.things:of_type(node.class)
  local expected, list = {}, {}
  f.db.session:expire_all() -- a bulk delete leaves collections as they are
  for id = 1, 3 do
    expected[id] = texts(f:rows_of(f.nodes[1], function(row) return row.owner == id end))
  end
  for i, owner in ipairs(f.Owner.query:options(load(path)):order_by(f.Owner.id):all()) do
    list[i] = f:shown(owner.things)
  end
  return "eager " .. node.name, table.concat(expected, "\n--\n"), table.concat(list, "\n--\n")
end

function steps.concrete(f)
  local list = {}
  for _, node in ipairs(f.nodes) do
    if node.way == "concrete" then list[#list + 1] = node end
  end
  local node = list[f.rnd(math.max(#list, 1))]
  if not node then return "concrete", "", "" end
  f:add(node)
  f.db.session:commit()
  f.db.session:expunge_all()
  return "concrete " .. node.name, texts(f:rows_of(node)), f:shown(node.class.query:order_by(node.class.id):all())
end

function steps.update(f)
  local node = f:any_mapped()
  local query, keep, what = f:query(node, node.class.query, class_of)
  local names, values = attributes(node), {}
  for _ = 1, f.rnd(2) do values[names[f.rnd(#names)]] = f.rnd(4) end
  local how = ({ "auto", "evaluate", "fetch" })[f.rnd(3)]
  local held = f.rnd(2) == 1 and f.nodes[1].class.query:all() or {}
  local rows = f:rows_of(node, keep)
  local ok, n = pcall(query.update, query, values, { synchronize_session = how })
  if not ok then -- "evaluate" cannot compute everything
    if how ~= "evaluate" then error(n, 0) end
    n = query:update(values, { synchronize_session = "fetch" })
  end
  for _, row in ipairs(rows) do
    for name, value in pairs(values) do row.values[name] = value end
  end
  table.sort(held, function(a, b) return a.id < b.id end)
  return ("update %s by %s"):format(what, how), #rows .. "\n" .. (held[1] and texts(f:rows_of(f.nodes[1])) or ""),
    n .. "\n" .. f:shown(held)
end

function steps.delete(f)
  if #f.rows < 6 then return "delete", "", "" end
  local node = f:any_mapped()
  local query, keep, what = f:query(node, node.class.query, class_of)
  local rows = f:rows_of(node, function(row) return row.id % 3 == 1 and (not keep or keep(row)) end)
  local ids = {}
  for i, row in ipairs(rows) do ids[i] = row.id end
  local n = query:filter(node.class.id:in_(ids)):delete{ synchronize_session = "fetch" }
  for i = #f.rows, 1, -1 do
    for _, row in ipairs(rows) do if f.rows[i] == row then table.remove(f.rows, i) break end end
  end
  return "delete " .. what, #rows, n
end

function steps.change(f)
  local row = f.rows[f.rnd(#f.rows)]
  local object = row and f.db.session:get(row.node.class, row.id)
  if not object then return "change", row and "gone" or "", "" end
  local names = attributes(row.node)
  local name = names[f.rnd(#names)]
  local value = f:value()
  object[name], row.values[name] = value, value
  f.db.session:flush()
  return "change", text_of_row(row), f:shown{ object }
end

function steps.add(f)
  f:add(f:any_mapped())
  return "add", "", ""
end

local names = {}
for name in pairs(steps) do names[#names + 1] = name end
table.sort(names)

-- ---------------------------------------------------------------- the property

local function tree_of(f)
  local words = {}
  for i, node in ipairs(f.nodes) do
    words[i] = ("%s(%s%s)"):format(node.name, node.way, node.base and " " .. node.base.name or "")
  end
  return table.concat(words, " ")
end

describe("random families of classes", function()
  for seed = SEED, SEED + FAMILIES - 1 do
    it("give what a list of rows gives, seed " .. seed, function()
      local f = family(seed)
      f.db:create_all()
      f.db.session:add_all{ f.Owner{}, f.Owner{}, f.Owner{} }
      f.db.session:flush()
      for _ = 1, ROWS do f:add(f:any_mapped()) end
      f.db.session:commit()
      f.db.session:expunge_all()
      local everything = f.nodes[1]
      for i = 1, STEPS do
        local name = names[f.rnd(#names)]
        local ok, what, expected, found = pcall(steps[name], f)
        local where = ("seed %d, step %d %s, %s\n"):format(seed, i, name, tree_of(f))
        if not ok then error(where .. tostring(what), 0) end
        assert.equal(expected, found, where .. tostring(what))
        if f.rnd(2) == 1 then f.db.session:expunge_all() end
        if f.rnd(4) == 1 then f.db.session:commit() end
        assert.equal(texts(f:rows_of(everything)),
          f:shown(everything.class.query:order_by(everything.class.id):all()), where .. what .. ", then all")
      end
    end)
  end
end)
