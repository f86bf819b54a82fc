-- Writes the C file that carries the Lua part of the library inside the binary and the module:
--   lua5.4 src/bind/embed.lua OUT lua/moonrow/app.lua ...
-- A file below lua/ becomes the module of its path (moonrow.app). Bytes are written as numbers,
-- because C11 promises string literals of 4095 characters only. A file that is not Lua stops the build.

local function fail(message)
  io.stderr:write("embed.lua: ", message, "\n")
  os.exit(1)
end

local function read(path)
  local file = io.open(path, "rb") or fail("cannot read " .. path)
  local source = file:read("a")
  file:close()
  local chunk, message = load(source, "@" .. path, "t")
  if not chunk then fail(message) end
  return source
end

local function bytes(source)
  local lines = {}
  for at = 1, #source, 24 do
    lines[#lines + 1] = "    " .. source:sub(at, at + 23):gsub(".", function(c)
      return c:byte() .. ","
    end)
  end
  lines[#lines + 1] = "    0"
  return table.concat(lines, "\n")
end

local out_path = arg[1] or fail("usage: embed.lua OUT FILE...")
local arrays, entries = {}, {}
for i = 2, #arg do
  local source = read(arg[i])
  local name = arg[i]:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/", ".")
  arrays[#arrays + 1] = ("static const unsigned char source_%d[] = {\n%s\n};\n"):format(i - 1, bytes(source))
  entries[#entries + 1] = ('    { "%s", (const char *)source_%d, %d },\n'):format(name, i - 1, #source)
end

local out = io.open(out_path, "wb") or fail("cannot write " .. out_path)
out:write('/* Made by src/bind/embed.lua from the files in lua/. */\n#include "embedded.h"\n\n')
out:write(table.concat(arrays, "\n"), "\n")
out:write("const struct mr_embedded mr_embedded_modules[] = {\n", table.concat(entries))
out:write("    { NULL, NULL, 0 }\n};\n")
out:close()
