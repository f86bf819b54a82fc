-- process.lua: programs that specs run in other processes, and the database files that these leave.

local M = {}

--- Runs a shell command to its end. Returns its output with its errors, and whether it succeeded.
function M.run(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local output = pipe:read "a"
  return output, (pipe:close()) or false
end

--- Starts a script in another process. command: its interpreter. Returns the pipe of its output, and a function that
--- waits for its end and returns the rest of its output.
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

--- Runs a Lua script in another process. Returns its output with its errors, and whether it succeeded.
function M.lua(source)
  local _, finish = M.start("lua5.4", source)
  return finish()
end

--- Removes a database file, and the files that SQLite keeps for it. ...: further suffixes.
function M.remove(path, ...)
  for _, suffix in ipairs{ "", "-wal", "-shm", "-journal", ... } do os.remove(path .. suffix) end
end

return M
