-- Random edits of objects, one step each, undone one by one and redone: at every step the database and the objects in
-- memory are as they were.

local mr = require "moonrow"

local STRESS = os.getenv "MOONROW_STRESS" ~= nil
local EDITS = os.getenv "MOONROW_LONG" and 10000 or STRESS and 60 or 2000
local PER_WORLD = STRESS and 20 or 50

local function declare(random)
  local db = mr.open "sqlite://"
  local cascades = random(2) == 1
  local Node = db.Model:extend("Node", {
    id = db.Column{ db.Integer, primary_key = true },
    kind = db.Column{ db.String(10) },
    name = db.Column{ db.String(20), unique = random(2) == 1 },
    weight = db.Column{ db.Float, default = 1.5, onupdate = function() return random(1000) / 8 end },
    data = db.Column{ db.JSON },
    parent_id = db.Column{ db.Integer, db.ForeignKey("node.id", { ondelete = cascades and "CASCADE" or "SET NULL" }) },
    parent = db.relationship{ "Node", remote_side = "Node.id", back_populates = "children" },
    children = db.relationship{ "Node", back_populates = "parent", passive_deletes = cascades },
    tags = db.relationship{ "Tag", secondary = "node_tag" },
    __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "node" },
  })
  local Leaf = Node:extend("Leaf", {
    id = db.Column{ db.Integer, db.ForeignKey("node.id", { ondelete = "CASCADE" }), primary_key = true },
    colour = db.Column{ db.String(10) },
    __mapper_args = { polymorphic_identity = "leaf" },
  })
  local Tag = db.Model:extend("Tag", {
    word = db.Column{ db.String(10), primary_key = true },
    uses = db.Column{ db.Integer },
    __table_args = random(2) == 1 and { sqlite_with_rowid = false } or nil,
  })
  db.Table("node_tag",
    db.Column{ "node_id", db.Integer, db.ForeignKey("node.id", { ondelete = "CASCADE" }), primary_key = true },
    db.Column{ "tag", db.String(10), db.ForeignKey("tag.word", { ondelete = "CASCADE", onupdate = "CASCADE" }),
      primary_key = true })
  db:create_all()
  if random(2) == 1 then
    db.session:execute(mr.text "CREATE TABLE log (what TEXT)")
    db.session:execute(mr.text [[CREATE TRIGGER logs AFTER UPDATE ON node BEGIN
      INSERT INTO log VALUES (old.name || '-' || new.name); END]])
    db.session:commit()
  end
  return db, Node, Leaf, Tag
end

local tables = { "node", "leaf", "tag", "node_tag", "log" }

local function rows_of(db)
  local list = {}
  for _, name in ipairs(tables) do
    local ok, result = pcall(function()
      return db.session:execute(mr.text("SELECT * FROM " .. name .. " ORDER BY 1, 2")):all()
    end)
    for _, row in ipairs(ok and result or {}) do list[#list + 1] = name .. tostring(row) end
  end
  return list
end

-- What the objects show that are in the session: columns, references, collections.
local function objects_of(objects, is_tag)
  local list = {}
  for i, object in ipairs(objects) do
    if mr.inspect(object).state ~= "persistent" then
      list[i] = i .. " away"
    elseif is_tag[object] then
      list[i] = string.format("%d %s %s", i, object.word, object.uses)
    else
      local children, words = {}, {}
      for _, child in ipairs(object.children) do children[#children + 1] = child.id end
      for _, tag in ipairs(object.tags) do words[#words + 1] = tag.word end
      table.sort(children)
      table.sort(words)
      list[i] = string.format("%d %d %s %s %s %s {%s} {%s}", i, object.id, object.name, object.weight,
        object.kind == "leaf" and object.colour or "", object.parent and object.parent.id,
        table.concat(children, " "), table.concat(words, " "))
    end
  end
  return list
end

local function world(seed)
  local state = seed
  local function random(n)
    state = (state * 6364136223846793005 + 1442695040888963407) & 0x7fffffffffffffff
    return state // 65536 % n + 1
  end
  local db, Node, Leaf, Tag = declare(random)
  local session, history = db.session, db.history
  local objects, is_tag, serial = {}, {}, 0

  local function pick(class)
    local there = {}
    for _, object in ipairs(objects) do
      local fits = (class == Tag) == (is_tag[object] or false)
      if fits and mr.inspect(object).state == "persistent" then there[#there + 1] = object end
    end
    return #there > 0 and there[random(#there)] or nil
  end

  local edits = {
    function()
      serial = serial + 1
      local class = random(3) == 1 and Leaf or Node
      local node = class{ name = "n" .. serial, parent = random(2) == 1 and pick(Node) or nil }
      if class == Leaf then node.colour = "red" end
      if random(2) == 1 then node.data = { serial, { deep = random(9) } } end
      local tag = random(2) == 1 and pick(Tag)
      if tag then node.tags:append(tag) end
      session:add(node)
      objects[#objects + 1] = node
    end,
    function()
      serial = serial + 1
      local tag = Tag{ word = "t" .. serial, uses = random(9) }
      session:add(tag)
      objects[#objects + 1] = tag
      is_tag[tag] = true
    end,
    function()
      local node = pick(Node)
      if node then node.name = "m" .. random(1000000) end
    end,
    function()
      local a, b = pick(Node), pick(Node)
      if not a or a == b then return end
      local x, y = a.name, b.name
      a.name = "swap"
      session:flush()
      b.name = x
      session:flush()
      a.name = y
    end,
    function()
      local a, b = pick(Node), pick(Node)
      local at = b
      while at and at ~= a do at = at.parent end
      if a and not at then a.parent = b end
    end,
    function()
      local object = pick(random(3) == 1 and Tag or Node)
      if object then session:delete(object) end
    end,
    function()
      local node, tag = pick(Node), pick(Tag)
      if not node or not tag then return end
      if node.tags:contains(tag) then node.tags:remove(tag) else node.tags:append(tag) end
    end,
    function() Node.query:filter(Node.weight:gt(random(100))):update{ weight = random(50) } end,
    function() session:execute(mr.text "DELETE FROM node WHERE id % 7 = :n", { n = random(7) - 1 }) end,
    function()
      local tag = pick(Tag)
      serial = serial + 1
      if tag then tag.word = "u" .. serial end
    end,
  }

  local function snapshot()
    session:commit()
    session:expire_all()
    local seen = { rows = rows_of(db), objects = objects_of(objects, is_tag) }
    session:commit()
    return seen
  end

  local snapshots = { [0] = snapshot() }
  local counts = { [0] = 0 }
  history:limit{ steps = 1000, bytes = 1e9 }
  for i = 1, PER_WORLD do
    session:begin(edits[random(#edits)], { undo = "edit " .. i })
    local done = 0
    for _, entry in ipairs(history:steps()) do done = done + (entry.undone and 0 or 1) end
    snapshots[done], counts[done] = snapshot(), #objects
  end

  local at = #history:steps()
  local function check(where)
    local seen, wanted = snapshot(), snapshots[at]
    assert.same(wanted.rows, seen.rows, string.format("seed %d, %s, step %d: rows", seed, where, at))
    for i = 1, counts[at] do
      if wanted.objects[i] ~= seen.objects[i] then
        assert.same(wanted.objects[i], seen.objects[i],
          string.format("seed %d, %s, step %d: object %d", seed, where, at, i))
      end
    end
  end
  local function undo()
    assert(history:undo())
    at = at - 1
    check "undo"
  end
  local function redo()
    assert(history:redo())
    at = at + 1
    check "redo"
  end
  while at > 0 do undo() end
  while #history:steps() > at do redo() end
  for _ = 1, 20 do
    if at > 0 and random(2) == 1 then undo() elseif at < #history:steps() then redo() end
  end
end

describe("random edits are undone and redone, seed", function()
  for seed = 1, EDITS // PER_WORLD do
    it(tostring(seed), function() world(seed) end)
  end
end)
