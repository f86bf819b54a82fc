-- guide.lua: reads the tables in pages of examples/guide, for specs that compare them with the library.

local guide = {}

function guide.text(page)
  local file = assert(io.open("examples/guide/" .. page .. ".md", "rb"))
  local text = file:read "a"
  file:close()
  return text
end

-- The cells of a table's row: the texts between the bars, without spaces around them.
local function cells_of(line)
  local cells = {}
  line = line:gsub("\\|", "\1")
  for cell in line:gmatch "|([^|]*)" do
    cells[#cells + 1] = cell:match "^%s*(.-)%s*$":gsub("\1", "|")
  end
  cells[#cells] = nil -- the text behind the last bar
  return cells
end

-- The tables of a page: { title = the heading above, head = { cells }, rows = { { cells }, ... } }.
function guide.tables(page)
  local tables, open, title = {}, nil, nil
  local code = false
  for line in (guide.text(page) .. "\n"):gmatch "([^\n]*)\n" do
    if line:match "^```" then code = not code end
    if not code and line:match "^|" then
      if not open then
        open = { title = title, head = cells_of(line), rows = {} }
        tables[#tables + 1] = open
      elseif not line:match "^|[ :]*%-%-%-" then
        open.rows[#open.rows + 1] = cells_of(line)
      end
    else
      open = nil
      title = not code and line:match "^#+ (.*)" or title
    end
  end
  return tables
end

-- The table of the page whose first heading is the word. title: the heading above it; nil: any.
function guide.table(page, word, title)
  for _, found in ipairs(guide.tables(page)) do
    if found.head[1] == word and (not title or found.title:find(title, 1, true)) then return found end
  end
  error(("%s.md: no table begins with '%s'%s"):format(page, word, title and " under '" .. title .. "'" or ""), 2)
end

-- The set of names that stand in code marks in a column of the table: mode and read_only of "`mode`, `read_only`".
function guide.names(found, column)
  local names = {}
  for _, row in ipairs(found.rows) do
    for name in (row[column or 1] or ""):gmatch '`"?([%a_][%w_]*)[^`]*`' do names[name] = true end
  end
  return names
end

return guide
