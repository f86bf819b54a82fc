-- process.lua: programs that run beside the specs, and the files of databases that they leave.

local M = {}

--- Runs a command of the shell to its end. Returns what it printed, errors too, and whether it succeeded.
function M.run(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local output = pipe:read "a"
  return output, (pipe:close()) or false
end

--- Starts a script in a process of its own; command names its interpreter. Returns the pipe that it prints to, and a
--- function that waits for its end and returns what it printed last.
function M.start(command, source)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(source, "\n")
  file:close()
  local pipe = assert(io.popen(command .. " " .. path .. " 2>&1"))
  return pipe, function()
    local rest = pipe:read "a"
    local ok = pipe:close()
    os.remove(path)
    return rest, ok or false
  end
end

--- Runs a script of Lua in a process of its own. Returns what it printed, errors too, and whether it succeeded.
function M.lua(source)
  local _, finish = M.start("lua5.4", source)
  return finish()
end

--- Removes the file of a database and those that SQLite keeps beside it; further suffixes may be named.
function M.remove(path, ...)
  for _, suffix in ipairs{ "", "-wal", "-shm", "-journal", ... } do os.remove(path .. suffix) end
end

return M
