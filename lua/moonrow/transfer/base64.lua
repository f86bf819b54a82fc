-- base64.lua: bytes as text: Base64 (RFC 4648); what is read may also be hexadecimal behind \x.
--
-- Invariant: decode(encode(bytes)) is bytes; a text with anything else in it is refused, not read as far as it goes.

local base64 = {}

local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local digits, values = {}, {}
for i = 0, 63 do
  digits[i] = string.sub(alphabet, i + 1, i + 1)
  values[digits[i]] = i
end

local function encode_three(three)
  local a, b, c = string.byte(three, 1, 3)
  local n = a << 16 | (b or 0) << 8 | (c or 0)
  return digits[n >> 18] .. digits[n >> 12 & 63] .. (b and digits[n >> 6 & 63] or "=") .. (c and digits[n & 63] or "=")
end

-- base64.encode(bytes): their text.
function base64.encode(bytes) return (string.gsub(bytes, "..?.?", encode_three)) end

local function decode_four(four)
  local n, bytes = 0, #four - 1
  for i = 1, 4 do n = n << 6 | (values[string.sub(four, i, i)] or 0) end
  return string.sub(string.char(n >> 16, n >> 8 & 255, n & 255), 1, bytes)
end

local function decode_hex(pair) return string.char(tonumber(pair, 16)) end

-- base64.decode(text): the bytes, or nil. Padding may be missing; line breaks and spaces are allowed.
function base64.decode(text)
  if string.sub(text, 1, 2) == "\\x" then
    if #text % 2 == 1 or string.find(text, "[^%x]", 3) then return nil end
    return (string.gsub(string.sub(text, 3), "..", decode_hex))
  end
  text = string.gsub(text, "%s+", "")
  local body, padding = string.match(text, "^([%w+/]*)(=*)$")
  if not body or #padding > 2 or #body % 4 == 1 or #padding > 0 and (#body + #padding) % 4 ~= 0 then return nil end
  return (string.gsub(body, "..?.?.?", decode_four))
end

return base64
