-- graph.lua: the revisions of a folder, what each follows, and the way from one to another.
--
-- Invariant: every revision stands behind all that it follows; a folder where that cannot be is refused whole.

local core, require = ...
local fingerprint = require "moonrow.migrate.fingerprint"

local graph = {}

local function refuse(line, ...) core.raise("InvalidRequestError", string.format(line, ...)) end

-- ---------------------------------------------------------------- reading

local function parents_of(node)
  local down = node.down_revision
  if down == nil then return {} end
  return type(down) == "table" and down or { down }
end

local function read_text(host, path)
  local file, why = host.io.open(path, "rb")
  if not file then refuse("%s", why) end
  local text = file:read "a"
  file:close()
  return (text:gsub("\r\n", "\n"))
end

-- One file as a revision: { id =, parents =, message =, upgrade =, downgrade =, path =, checksum = }
local function read_file(host, path)
  local chunk, why = host.loadfile(path)
  if not chunk then refuse("the revision cannot be read: %s", why) end
  local node = chunk()
  if type(node) ~= "table" or type(node.revision) ~= "string" then
    refuse('%s returns no revision: a table with revision = "..." and upgrade = function(m) ... end', path)
  end
  if type(node.upgrade) ~= "function" then refuse("%s has no function upgrade(m)", path) end
  if node.downgrade ~= nil and type(node.downgrade) ~= "function" then
    refuse("%s: downgrade is no function, but %s", path, type(node.downgrade))
  end
  return { id = node.revision, parents = parents_of(node), message = node.message or "", upgrade = node.upgrade,
    downgrade = node.downgrade, path = path, checksum = fingerprint.hash(read_text(host, path)) }
end

-- Appends the revision behind all that it follows. on: those that are being looked at, to find circles.
local function visit(self, node, done, on)
  local stack = { { node, 1 } }
  on[node.id] = true
  while #stack > 0 do
    local top = stack[#stack]
    local one, i = top[1], top[2]
    local parent = one.parents[i]
    if parent == nil then
      stack[#stack] = nil
      on[one.id], done[one.id] = nil, true
      self[#self + 1] = one
    else
      top[2] = i + 1
      if on[parent] then refuse("%s and %s follow each other", one.path, self.by_id[parent].path) end
      if not done[parent] then
        on[parent] = true
        stack[#stack + 1] = { self.by_id[parent], 1 }
      end
    end
  end
end

-- graph.read(host, folder): a list of the revisions in their order, with by_id and heads.
function graph.read(host, folder)
  local names, why = host.list(folder)
  if not names then refuse("there is no folder of revisions: %s: moonrow migrate init makes one", why) end
  table.sort(names)
  local nodes, self = {}, { by_id = {}, heads = {}, folder = folder }
  for _, name in ipairs(names) do
    if name:find "^%w[^/]*%.lua$" and name ~= "config.lua" then
      local node = read_file(host, folder .. "/" .. name)
      local other = self.by_id[node.id]
      if other then refuse("%s and %s are both the revision %s", other.path, node.path, node.id) end
      self.by_id[node.id] = node
      nodes[#nodes + 1] = node
    end
  end
  local followed, done = {}, {}
  for _, node in ipairs(nodes) do
    for _, parent in ipairs(node.parents) do
      if not self.by_id[parent] then
        refuse("%s follows the revision %s, of which there is no file in %s", node.path, parent, folder)
      end
      followed[parent] = true
    end
  end
  for _, node in ipairs(nodes) do
    if not done[node.id] then visit(self, node, done, {}) end
  end
  for _, node in ipairs(self) do
    if not followed[node.id] then self.heads[#self.heads + 1] = node end
  end
  return self
end

-- ---------------------------------------------------------------- finding

local function ids(nodes)
  local list = {}
  for i, node in ipairs(nodes) do list[i] = node.id end
  return table.concat(list, ", ")
end
graph.ids = ids

-- graph.find(self, text): the revision whose name is or begins with the text.
function graph.find(self, text)
  if self.by_id[text] then return self.by_id[text] end
  local found = {}
  for _, node in ipairs(self) do
    if node.id:sub(1, #text) == text then found[#found + 1] = node end
  end
  if #found == 1 then return found[1] end
  if #found > 1 then refuse("'%s' is the beginning of several revisions: %s", text, ids(found)) end
  local known = {}
  for id in pairs(self.by_id) do known[id] = true end
  refuse("there is no revision '%s' in %s%s", text, self.folder, core.hint(text, known))
end

-- graph.head(self): the only head; nil: there is no revision at all.
function graph.head(self)
  if #self.heads > 1 then
    refuse("there are %d heads: %s: join them (moonrow migrate merge), or name one", #self.heads, ids(self.heads))
  end
  return self.heads[1]
end

-- graph.ancestors(self, nodes): the set of the ids of these and of all that they follow.
function graph.ancestors(self, nodes)
  local set = {}
  for _, node in ipairs(nodes) do set[node.id] = true end
  for i = #self, 1, -1 do
    if set[self[i].id] then
      for _, parent in ipairs(self[i].parents) do set[parent] = true end
    end
  end
  return set
end

-- graph.followers(self, node): the set of the ids of all that follow it, at whatever distance.
function graph.followers(self, node)
  local set = {}
  for _, one in ipairs(self) do
    for _, parent in ipairs(one.parents) do
      if parent == node.id or set[parent] then set[one.id] = true end
    end
  end
  return set
end

-- graph.tops(self, applied): the revisions of the set that no other of the set follows.
function graph.tops(self, applied)
  local below, list = {}, {}
  for _, node in ipairs(self) do
    for _, parent in ipairs(applied[node.id] and node.parents or {}) do below[parent] = true end
  end
  for _, node in ipairs(self) do
    if applied[node.id] and not below[node.id] then list[#list + 1] = node end
  end
  return list
end

return graph
