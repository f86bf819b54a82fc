-- write.lua: the files of a folder of revisions: its config.lua, and revisions that people then read and change.
--
-- Invariant: a file that is there is never written over.

local core = ...

local write = {}

write.config = [[
-- Where the database is, and which file declares the classes. A command may say --url in place of the url.
return {
  url = os.getenv "DATABASE_URL" or "sqlite:///app.db",
  models = "models.lua",
}
]]

-- write.file(host, path, text)
function write.file(host, path, text)
  local there = host.io.open(path)
  if there then
    there:close()
    core.raise("InvalidRequestError", path .. " is there already")
  end
  local file, why = host.io.open(path, "w")
  if not file then core.raise("InvalidRequestError", why) end
  file:write(text)
  file:close()
end

-- write.new_id(): 12 digits that no other revision has: two people make revisions at the same time.
function write.new_id() return string.format("%012x", math.random(0, (1 << 48) - 1)) end

-- write.slug(message): the message as a part of a file's name.
function write.slug(message)
  local slug = message:lower():gsub("[^%w]+", "_"):gsub("^_+", ""):gsub("_+$", ""):sub(1, 40)
  return slug ~= "" and slug or "revision"
end

local function body(statements)
  if #statements == 0 then return " end" end
  local lines = {}
  for _, statement in ipairs(statements) do
    for line in statement:gmatch "[^\n]+" do lines[#lines + 1] = "    " .. line end
  end
  return "\n" .. table.concat(lines, "\n") .. "\n  end"
end

-- write.revision(id, parents, message, up, down): the text of a revision. up, down: lists of statements.
function write.revision(id, parents, message, up, down)
  local list = {}
  for i, parent in ipairs(parents) do list[i] = string.format("%q", parent) end
  local follows = #list == 0 and "nil" or #list == 1 and list[1] or "{ " .. table.concat(list, ", ") .. " }"
  return string.format([=[
local mr = require "moonrow" -- luacheck: ignore

return {
  revision = "%s",
  down_revision = %s,
  message = %q,

  upgrade = function(m)%s,

  downgrade = function(m)%s,
}
]=], id, follows, message, body(up), body(down))
end

return write
