-- script.lua: a function that writes the source to a file, calls fn(path), and removes the file, also when fn raises.

return function(source, fn)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(source)
  file:close()
  local ok, err = pcall(fn, path)
  os.remove(path)
  if not ok then error(err, 0) end
end
