-- migrations.lua: a folder in which a spec runs `moonrow migrate`.

local saved = require "spec.support.saved"

local migrations = {}

local binary = (os.getenv "BUILD" or "build") .. "/moonrow"

local function working_folder()
  local pipe <close> = assert(io.popen "pwd")
  return pipe:read "l"
end

--- Is there a host to run?
function migrations.has_host() return saved.exists(binary) end

local Folder = {}
Folder.__index = Folder

--- A new folder, in which `init` has run. text: its models.lua.
function migrations.new(text)
  local host = binary:sub(1, 1) == "/" and binary or working_folder() .. "/" .. binary
  local self = setmetatable({ path = saved.path(), host = host }, Folder)
  os.execute(("mkdir -p '%s'"):format(self.path))
  self:write("models.lua", text)
  self:fine "init"
  return self
end

function Folder:read(name)
  local file <close> = assert(io.open(self.path .. "/" .. name))
  return file:read "a"
end

function Folder:write(name, text)
  local file <close> = assert(io.open(self.path .. "/" .. name, "w"))
  file:write(text)
end

--- Runs the command in the folder: what it prints, its standard error, and its exit code.
function Folder:run(arguments)
  local pipe = assert(io.popen(("cd '%s' && '%s' migrate %s 2>said"):format(self.path, self.host, arguments)))
  local text = pipe:read "a"
  local _, _, code = pipe:close()
  return text, self:read "said", code
end

--- The same of a command that must succeed.
function Folder:fine(arguments)
  local text, said, code = self:run(arguments)
  assert(code == 0, text .. said)
  return text, said
end

--- Asserts that it fails with the words.
function Folder:fails(words, arguments)
  local _, said, code = self:run(arguments)
  assert(code ~= 0)
  assert(said:find(words, 1, true), said)
  assert(not said:find("traceback", 1, true), said)
end

--- Writes a revision with functions of the spec's own. follows: its down_revision as Lua; down: nil: it has none.
function Folder:write_revision(id, follows, up, down, message)
  self:write("migrations/" .. id .. "_x.lua", ([[
return {
  revision = "%s", down_revision = %s, message = "%s",
  upgrade = function(m) %s end,
  downgrade = %s,
}
]]):format(id, follows, message or id, up, down and "function(m) " .. down .. " end" or "nil"))
end

--- A revision that the command has made: its text.
function Folder:revision(arguments)
  local path, said = self:fine("revision " .. arguments)
  return self:read((path:gsub("\n", ""))), said
end

function Folder:remove() os.execute(("rm -rf '%s'"):format(self.path)) end

return migrations
