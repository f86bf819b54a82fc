-- csv_writer.lua: records as CSV, by RFC 4180.
--
-- Invariant: csv_reader reads the same fields again: NULL is nothing at all, the empty text two quotes.

local csv_writer = {}

-- csv_writer.new(delimiter, quote): fn(fields, n) gives the line of the record, with its end. A field that is nil is
-- NULL.
function csv_writer.new(delimiter, quote)
  local special = "[\r\n%" .. delimiter .. "%" .. quote .. "]"
  local doubled = quote .. quote
  return function(fields, n)
    local written = {}
    for i = 1, n do
      local field = fields[i]
      if field == nil then
        written[i] = ""
      elseif field == "" or string.find(field, special) or i == 1 and string.find(field, "^\xEF\xBB\xBF") then
        written[i] = quote .. string.gsub(field, quote, doubled) .. quote
      else
        written[i] = field
      end
    end
    return table.concat(written, delimiter, 1, n) .. "\n"
  end
end

return csv_writer
