-- Random programs over a tree, compared with a small model: moves, deletions, additions, expiries, flushes and
-- rollbacks. The model knows each child's parent, what was deleted by name, and what was added again. The seeds are
-- fixed.

local mr = require "moonrow"

local PROGRAMS = os.getenv "MOONROW_STRESS" and 1 or tonumber(os.getenv "MOONROW_PROGRAMS" or 8)
local STEPS = 60

-- A random generator that gives the same numbers on each machine.
local function generator(seed)
  local x = seed
  return function(n)
    x = (x * 1103515245 + 12345) & 0x7fffffff
    return (x >> 8) % n + 1
  end
end

local KEYS = {
  integer = function(db)
    return { id = db.Column{ db.Integer, primary_key = true },
             parent_id = db.Column{ db.Integer, db.ForeignKey "node.id" } }, {}, "Node.id"
  end,
  text = function(db)
    return { id = db.Column{ db.String(10), primary_key = true },
             parent_id = db.Column{ db.String(10), db.ForeignKey "node.id" } }, {}, "Node.id"
  end,
  composite = function(db)
    return { a = db.Column{ db.Integer, primary_key = true }, id = db.Column{ db.Integer, primary_key = true },
             parent_a = db.Column{ db.Integer }, parent_id = db.Column{ db.Integer } },
      { db.ForeignKeyConstraint({ "parent_a", "parent_id" }, { "node.a", "node.id" }) }, { "Node.a", "Node.id" }
  end,
}

-- options: key, scalar, cascade.
local function open(o)
  local db = mr.open "sqlite://"
  local fields, args, remote = KEYS[o.key](db)
  fields.__table_args = args
  fields.kids = db.relationship{ "Node", cascade = o.cascade, uselist = not o.scalar,
                                 backref = db.backref{ "parent", remote_side = remote } }
  local Node = db.Model:extend("Node", fields)
  db:create_all()
  return db, Node
end

local Program = {}
Program.__index = Program

local function new_program(o, seed)
  local db, Node = open(o)
  local p = setmetatable({ o = o, db = db, s = db.session, Node = Node, random = generator(seed), live = {}, serial = 0,
                           log = {} }, Program)
  p.deletes = o.cascade and o.cascade:find "all" ~= nil
  p.orphans = o.cascade and o.cascade:find "orphan" ~= nil
  p.committed = {}
  return p
end

function Program:note(...) self.log[#self.log + 1] = table.concat({ ... }, " ") end
function Program:pick() return self.live[self.random(#self.live)] end

function Program:kids(n)
  local out = {}
  for _, c in ipairs(self.live) do if c.owner == n then out[#out + 1] = c end end
  return out
end

local function is_below(n, top)
  while n do
    if n == top then return true end
    n = n.owner
  end
  return false
end

-- In the model, gives the child to a new parent.
function Program:give(c, owner)
  if owner and self.o.scalar then
    for _, other in ipairs(self:kids(owner)) do if other ~= c then other.owner = nil end end
  end
  c.owner = owner
end

-- A new object leaves the session, with all below it, when a list that deletes orphans loses it. The programs leave
-- this case out.
function Program:lets_go_of_new(c, owner)
  if not self.orphans then return false end
  if c and not c.stored and c.owner and not owner then return true end
  for _, other in ipairs(owner and self.o.scalar and self:kids(owner) or {}) do
    if other ~= c and not other.stored then return true end
  end
  return false
end

local steps = {}

function steps.make(p)
  p.serial = p.serial + 1
  local n = { serial = p.serial }
  n.object = p.Node{}
  if p.o.key == "text" then n.object.id = "k" .. n.serial end
  if p.o.key == "composite" then n.object.a, n.object.id = n.serial % 3, n.serial end
  p.live[#p.live + 1] = n
  p:note("make", n.serial)
  p.s:add(n.object)
end

function steps.append(p)
  local c, owner = p:pick(), p:pick()
  if is_below(owner, c) or p:lets_go_of_new(c, owner) then return end
  if c.owner == owner and not p.o.scalar then return end -- a list would hold the object twice
  p:note("append", owner.serial, c.serial)
  if p.o.scalar then owner.object.kids = c.object else owner.object.kids:append(c.object) end
  p:give(c, owner)
end

function steps.refer(p)
  local c, owner = p:pick(), p.random(4) > 1 and p:pick() or nil
  if owner and is_below(owner, c) or p:lets_go_of_new(c, owner) then return end
  p:note("refer", c.serial, owner and owner.serial or "nil")
  c.object.parent = owner and owner.object or nil
  p:give(c, owner)
end

function steps.remove(p)
  local c = p:pick()
  if not c.owner or p:lets_go_of_new(c) then return end
  p:note("remove", c.owner.serial, c.serial)
  if p.o.scalar then c.owner.object.kids = nil else c.owner.object.kids:remove(c.object) end
  p:give(c, nil)
end

function steps.delete(p)
  local n = p:pick()
  if not n.stored or n.named then return end
  p:note("delete", n.serial)
  p.s:delete(n.object)
  n.named = true
  local function reach(m)
    m.spared = false
    for _, c in ipairs(p.deletes and p:kids(m) or {}) do if c.stored then reach(c) end end
  end
  reach(n)
end

function steps.add(p)
  local n = p:pick()
  p:note("add", n.serial)
  p.s:add(n.object)
  if n.stored then
    for _, m in ipairs(p.live) do if m.named then n.spared = true end end
    n.named = false
  end
end

-- Only an object without a change expires, so that no change is lost.
function steps.expire(p)
  local n = p:pick()
  if not n.stored or n.owner ~= n.was then return end
  for _, c in ipairs(p.live) do if c.owner ~= c.was and (c.owner == n or c.was == n) then return end end
  if p.deletes then -- the cascade would expire the children, too
    for _, c in ipairs(p.live) do if c ~= n and is_below(c, n) then return end end
  end
  p:note("expire", n.serial)
  p.s:expire(n.object)
end

function steps.look(p)
  local n = p:pick()
  p:note("look", n.serial)
  local serials, expected, found = {}, {}, {}
  for _, c in ipairs(p.live) do serials[c.object] = c.serial end
  for _, c in ipairs(p:kids(n)) do expected[#expected + 1] = c.serial end
  local kids = n.object.kids
  for _, c in ipairs(p.o.scalar and { kids } or kids) do found[#found + 1] = serials[c] or 0 end
  table.sort(found)
  assert.same(expected, found)
  assert.equal(n.owner and n.owner.object, n.object.parent)
end

function Program:goes(n)
  if n.goes == nil then
    local owner = n.owner
    local with = owner and self.deletes and self:goes(owner) and (n.stored or self.orphans or not owner.stored)
    n.goes = n.named or with and not n.spared or self.orphans and n.stored and n.was and not owner or false
  end
  return n.goes
end

function Program:settle()
  local live = {}
  for _, n in ipairs(self.live) do if not self:goes(n) then live[#live + 1] = n end end
  for _, n in ipairs(live) do if n.owner and n.owner.goes then n.owner = nil end end
  for _, n in ipairs(self.live) do
    n.gone = n.goes
    n.goes, n.named, n.spared = nil, false, false
  end
  for _, n in ipairs(live) do n.stored, n.was = true, n.owner end
  return live
end

function Program:check()
  local expected, found = {}, {}
  for _, n in ipairs(self.live) do expected[n.object.id] = n.owner and n.owner.object.id or "none" end
  for row in self.s:execute(mr.text "SELECT id, parent_id FROM node"):iter() do found[row[1]] = row[2] or "none" end
  assert.same(expected, found)
end

function steps.flush(p)
  local before = p.live
  p:note "flush"
  p.s:flush()
  p.live = p:settle()
  for _, n in ipairs(before) do
    local expected = not n.gone and "persistent" or n.stored and "deleted" or "transient"
    assert.equal(expected, mr.inspect(n.object).state)
  end
  p.s:expire_all()
  p:check()
end

function steps.commit(p)
  p:note "commit"
  p.s:commit()
  p.live = p:settle()
  p:check()
  p.committed = {}
  for i, n in ipairs(p.live) do p.committed[i] = { n, n.owner } end
end

function steps.rollback(p)
  p:note "rollback"
  p.s:rollback()
  p.live = {}
  for i, pair in ipairs(p.committed) do
    local n = pair[1]
    n.owner, n.was, n.stored, n.named, n.spared, n.gone = pair[2], pair[2], true, false, false, false
    p.live[i] = n
  end
  p:check()
end

local WEIGHTS = { "make", "append", "append", "append", "refer", "refer", "refer", "remove", "delete", "delete", "add",
                  "expire", "look", "look" }

function Program:run()
  for _ = 1, 6 do steps.make(self) end
  steps.commit(self)
  for i = 1, STEPS do
    while #self.live < 3 do steps.make(self) end
    local name = WEIGHTS[self.random(#WEIGHTS)]
    if i % 9 == 0 then name = ({ "flush", "commit", "flush", "commit", "rollback" })[self.random(5)] end
    steps[name](self)
  end
  steps.commit(self)
end

local function runs(o, seed)
  local p = new_program(o, seed)
  local ok, e
  p.s:no_autoflush(function() ok, e = xpcall(p.run, debug.traceback, p) end)
  if not ok then
    error(("seed %d: %s\nthe program: %s"):format(seed, type(e) == "table" and tostring(e.message or e) or e,
                                                  table.concat(p.log, "; ")), 0)
  end
end

describe("random programs over a tree", function()
  for _, cascade in ipairs{ "save-update, merge", "all", "all, delete-orphan" } do
    for _, scalar in ipairs{ false, true } do
      for _, key in ipairs{ "integer", "text", "composite" } do
        local kind = scalar and "one to one" or "lists"
        it(("leave the rows that they should: %s of cascade %q, %s keys"):format(kind, cascade, key), function()
          for seed = 1, PROGRAMS do runs({ cascade = cascade, scalar = scalar, key = key }, seed * 7919) end
        end)
      end
    end
  end
end)
