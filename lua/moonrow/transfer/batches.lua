-- batches.lua: rows become INSERTs, many rows each; rows that the database or their columns refuse raise, or are left
-- out.
--
-- Invariant: the place that a message names is that in the source (a line of a file, a row of a list), not in a batch.

local core = ...

local batches = {}

-- The message with the numbers of a batch's rows as their places in the source. word: "row" or "line".
local function placed(message, places, word)
  local function place(n) return word .. " " .. (places[tonumber(n)] or n) end
  message = string.gsub(message, "^row (%d+)", place)
  if word == "row" then
    return (string.gsub(message, "%(row (%d+)", function(n) return "(" .. place(n) end))
  end
  return (string.gsub(message, "%(row (%d+)[^)]*%)", function(n) return "(" .. place(n) .. ")" end))
end

-- batches.insert(session, insert, rows, places, word): one INSERT of the rows.
function batches.insert(session, insert, rows, places, word)
  local ok, e = pcall(session.execute, session, insert, rows)
  if ok then return end
  if core.errors.Error:is(e) then e.message = placed(e.message, places, word) end
  error(e, 0)
end

-- May the error be that of one row, and another row go in?
local function is_of_row(e)
  return core.errors.IntegrityError:is(e) or core.errors.DataError:is(e) or core.errors.ArgumentError:is(e)
end

batches.is_of_row = is_of_row

local function part(list, from, to) return table.move(list, from, to, 1, {}) end

-- batches.insert_each(session, insert, rows, places, word, refused): as insert, without the rows that are refused:
-- refused(place, error) is told of each. Returns how many rows went in. What is before a refused row is sent again, as
-- a savepoint takes it back.
function batches.insert_each(session, insert, rows, places, word, refused)
  local done, from = 0, 1
  while from <= #rows do
    local rest, where = part(rows, from, #rows), part(places, from, #rows)
    local ok, e = pcall(session.begin_nested, session, function() session:execute(insert, rest) end)
    if ok then return done + #rest end
    if not is_of_row(e) then error(e, 0) end
    local bad = tonumber(string.match(e.message, "^row (%d+)") or string.match(e.message, "%(row (%d+)"))
    if not bad and #rest > 1 then -- it is not known whose error it is
      local half = #rest // 2
      return done + batches.insert_each(session, insert, part(rest, 1, half), part(where, 1, half), word, refused)
        + batches.insert_each(session, insert, part(rest, half + 1, #rest), part(where, half + 1, #rest), word, refused)
    end
    bad = bad or 1
    if bad > 1 then
      done = done + batches.insert_each(session, insert, part(rest, 1, bad - 1), where, word, refused)
    end
    e.message = placed(e.message, where, word)
    refused(where[bad], e)
    from = from + bad
  end
  return done
end

return batches
