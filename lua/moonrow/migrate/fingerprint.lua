-- fingerprint.lua: by what a step is known again: whether its function is still the one that has run.
--
-- Invariant: what does not change the function's work does not change its fingerprint: comments, names of local
-- variables, the lines where it stands. Another version of Lua may make other instructions of the same text, so a
-- fingerprint counts only beside one of the same compiler.

local fingerprint = {}

local dump = string.dump

-- 64 bits of a text (FNV-1a), as 16 digits.
local function hash(text)
  local h = -3750763034362895579
  for i = 1, #text do h = (h ~ text:byte(i)) * 1099511628211 end
  return string.format("%016x", h)
end
fingerprint.hash = hash

-- ---------------------------------------------------------------- a function as Lua dumps it (lua 5.4's ldump.c)

-- A reader of the bytes: :byte(), :size(), :skip(n), :bytes(n).
local function reader(bytes, at)
  local r = {}
  function r.bytes(n)
    local part = bytes:sub(at, at + n - 1)
    assert(#part == n)
    at = at + n
    return part
  end
  function r.byte() return r.bytes(1):byte() end
  function r.size()
    local n = 0
    while true do
      local b = r.byte()
      n = n << 7 | b & 0x7f
      if b & 0x80 ~= 0 then return n end
    end
  end
  return r
end

local NUMBER, INTEGER, SHORT, LONG = 0x13, 0x03, 0x04, 0x14

local function constant(r, out)
  local kind = r.byte()
  out[#out + 1] = kind
  if kind == NUMBER or kind == INTEGER then out[#out + 1] = r.bytes(8)
  elseif kind == SHORT or kind == LONG then out[#out + 1] = r.bytes(r.size() - 1) end
end

-- Writes what counts of the function to out: all but its source and lines.
local function body(r, out)
  local source = r.size()
  if source > 0 then r.bytes(source - 1) end
  r.size() -- the lines where it begins and ends
  r.size()
  out[#out + 1] = r.bytes(3)
  out[#out + 1] = r.bytes(4 * r.size())
  for _ = 1, r.size() do constant(r, out) end
  r.bytes(3 * r.size()) -- where its variables outside are found
  for _ = 1, r.size() do body(r, out) end
  r.bytes(r.size())
  for _ = 1, r.size() do r.size(); r.size() end
  for _ = 1, r.size() do
    local name = r.size()
    if name > 0 then r.bytes(name - 1) end
    r.size()
    r.size()
  end
  for _ = 1, r.size() do
    local name = r.size()
    if name > 0 then r.bytes(name - 1) end
  end
end

local HEADER = 4 + 1 + 1 + 6 + 3 + 8 + 8

-- The hash of what the function does; nil: it cannot be told.
local function of_function(fn)
  local ok, bytes = pcall(dump, fn, true)
  if not ok then return nil end
  local out = {}
  local read = pcall(body, reader(bytes, HEADER + 2), out)
  if not read then return nil end
  return hash(bytes:sub(1, HEADER) .. table.concat(out, "\0"))
end

-- A function that stays as it is: what this Lua compiles of its text tells one compiler from another.
local function sample(a)
  for i = 1, #a do
    if a[i] == 1 then a.x = a[i] .. "y" end
  end
  return function(t) return a:f(t, { 1, 2 }, a[1] + 2.5, -a[2] // 3, not t) end
end

local compiler
local function compiler_of()
  if compiler == nil then compiler = of_function(sample) or false end
  return compiler
end

-- fingerprint.of(fn): a text, or nil where there is none.
function fingerprint.of(fn)
  if type(fn) ~= "function" or not dump then return nil end
  local of_compiler = compiler_of()
  local of_it = of_compiler and of_function(fn)
  return of_it and string.format("%s:%s", of_compiler, of_it) or nil
end

-- fingerprint.differs(a, b): do they say that the functions are two? Of several compilers nothing can be said.
function fingerprint.differs(a, b)
  if not a or not b then return false end
  return a:match "^[^:]*" == b:match "^[^:]*" and a ~= b
end

return fingerprint
