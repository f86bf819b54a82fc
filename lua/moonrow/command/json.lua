-- json.lua: the answers of commands to programs.
--
-- Invariant: an answer is one value of JSON in one line.

local core = ...

local json = {}

json.null = core.null

-- json.list(list): an array, also where the list is empty.
function json.list(list) return core.array(list) end

-- json.write(host, value): writes it to the standard output. Its lists are made by json.list.
function json.write(host, value) host.io.stdout:write(core.json_encode(value, "the answer"), "\n") end

return json
