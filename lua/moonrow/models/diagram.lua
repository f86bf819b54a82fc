-- diagram.lua: a picture of a database's tables and foreign keys: text for graphviz's dot, or for Mermaid.
--
-- Invariant: tables stand in the order of their names, columns in theirs: the same database gives the same text.

local _, require = ...
local inspector = require "moonrow.reflection.inspector"

local diagram = {}

-- ---------------------------------------------------------------- what is drawn

local function has(list, name)
  for _, other in ipairs(list or {}) do
    if other:lower() == name:lower() then return true end
  end
  return false
end

-- The columns of a table, with what is shown of each: name, type, key, reference, optional.
local function columns_of(facts)
  local columns, key, references = {}, {}, {}
  for _, constraint in ipairs(facts.constraints) do
    if constraint.kind == "primary_key" then key = constraint.columns end
    if constraint.kind == "foreign_key" then references[#references + 1] = constraint.columns end
  end
  for _, column in ipairs(facts.columns) do
    if not column.hidden then
      local refers = false
      for _, list in ipairs(references) do refers = refers or has(list, column.name) end
      columns[#columns + 1] = { name = column.name, type = column.declared:lower(), key = has(key, column.name),
        reference = refers, optional = column.nullable and not has(key, column.name) }
    end
  end
  return columns
end

-- Is there one row at most for these columns?
local function is_unique(facts, columns)
  local wanted = table.concat(columns, "\0"):lower()
  for _, constraint in ipairs(facts.constraints) do
    local kind = constraint.kind
    if (kind == "primary_key" or kind == "unique") and table.concat(constraint.columns, "\0"):lower() == wanted then
      return true
    end
  end
  return false
end

-- diagram.read(engine): { { name =, columns =, references = { { columns =, target =, targets =, optional =, unique = },
-- ... } }, ... }
function diagram.read(engine)
  local seen, tables, known = inspector.new("diagram", engine, false), {}, {}
  for i, name in ipairs(inspector.table_names(seen, "diagram")) do
    local facts = inspector.look(seen, name)
    tables[i] = { name = name, columns = columns_of(facts), facts = facts, references = {} }
    known[name:lower()] = tables[i]
  end
  for _, item in ipairs(tables) do
    for _, constraint in ipairs(item.facts.constraints) do
      local target = constraint.kind == "foreign_key" and known[constraint.referred_table:lower()]
      if target then
        local optional = false
        for _, column in ipairs(item.columns) do
          optional = optional or (column.optional and has(constraint.columns, column.name))
        end
        item.references[#item.references + 1] = { columns = constraint.columns, target = target,
          targets = constraint.referred_columns or {}, optional = optional,
          unique = is_unique(item.facts, constraint.columns) }
      end
    end
  end
  return tables
end

-- ---------------------------------------------------------------- dot

local escapes = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }
local function html(text) return (text:gsub('[&<>"]', escapes):gsub("[%c\127]", "?")) end

local INK, SOFT, LINE, HEAD = "#1f2933", "#7b8794", "#cbd2d9", "#2f6690"
local MOST = 40 -- columns of a table that are shown

-- A column's place at one end of its table's row ("l", "r"): a name may have any signs.
local function port(columns, name, at)
  for i, column in ipairs(columns) do
    if name and column.name:lower() == name:lower() then return i <= MOST and at .. i or "rest" end
  end
  return "head"
end

local function dot_column(column, i)
  local name = html(column.name)
  if column.key then name = "<b><u>" .. name .. "</u></b>" end
  if column.reference then name = "<i>" .. name .. "</i>" end
  local of = column.type ~= "" and column.type .. (column.optional and "?" or "") or " "
  return string.format('      <tr><td port="l%d" align="left">%s</td><td port="r%d" align="right"><font color="%s" '
    .. 'point-size="10">%s</font></td></tr>', i, name, i, SOFT, html(of))
end

local function dot_table(add, number, item)
  add("  t%d [label=<", number)
  add '    <table border="1" cellborder="0" cellspacing="0" cellpadding="4">'
  add('      <tr><td port="head" colspan="2" bgcolor="%s"><font color="white"><b> %s </b></font></td></tr>', HEAD,
    html(item.name))
  for i, column in ipairs(item.columns) do
    if i <= MOST then add("%s", dot_column(column, i)) end
  end
  if #item.columns > MOST then
    add('      <tr><td port="rest" colspan="2" align="left"><font color="%s">... %d more</font></td></tr>', SOFT,
      #item.columns - MOST)
  end
  add "    </table>>];"
end

-- The end at the referring table is a crow's foot, or a bar where there is one row at most; the other one a bar, with a
-- circle where there may be none.
local function dot_reference(add, number_of, item, reference)
  local from, to = number_of[item], number_of[reference.target]
  local at, side = "l", "w"
  if from == to then at, side = "r", "e" end -- a loop at one side of the table
  add("  t%d:%s:e -> t%d:%s:%s [dir=both, arrowtail=%s, arrowhead=%s];", from,
    port(item.columns, reference.columns[1], "r"), to, port(reference.target.columns, reference.targets[1], at), side,
    reference.unique and "noneotee" or "crow", reference.optional and "teeodot" or "tee")
end

-- Tables that refer to none, and none to them, would stand in one long column: they are put into rows.
local function dot_rows(add, tables, number_of)
  local lone, related = {}, {}
  for _, item in ipairs(tables) do
    for _, reference in ipairs(item.references) do related[item], related[reference.target] = true, true end
  end
  for _, item in ipairs(tables) do
    if not related[item] then lone[#lone + 1] = number_of[item] end
  end
  local width = math.ceil(math.sqrt(#lone))
  for i = 1, #lone - 1 do
    if i % width ~= 0 then add("  t%d -> t%d [style=invis];", lone[i], lone[i + 1]) end
  end
end

-- diagram.dot(tables): the text for dot.
function diagram.dot(tables)
  local lines, number_of = {}, {}
  local function add(line, ...) lines[#lines + 1] = select("#", ...) > 0 and string.format(line, ...) or line end
  add "digraph tables {"
  add('  graph [rankdir=LR, nodesep=0.4, ranksep=1.1, pad=0.3, bgcolor="white", fontname="Helvetica"];')
  add('  node [shape=plain, fontname="Helvetica", fontsize=12, color="%s", fontcolor="%s"];', LINE, INK)
  add('  edge [color="%s", arrowsize=0.8];', SOFT)
  for i, item in ipairs(tables) do
    number_of[item] = i
    dot_table(add, i, item)
  end
  for _, item in ipairs(tables) do
    for _, reference in ipairs(item.references) do dot_reference(add, number_of, item, reference) end
  end
  dot_rows(add, tables, number_of)
  add "}"
  return table.concat(lines, "\n") .. "\n"
end

-- ---------------------------------------------------------------- Mermaid

-- Names and types there are words.
local function word(text)
  text = text:gsub("[^%w_]+", "_"):gsub("_+$", "")
  return text ~= "" and (text:find "^%a" and text or "_" .. text) or "any"
end

local function quoted(text) return '"' .. text:gsub('"', "'"):gsub("%c", " ") .. '"' end

-- diagram.mermaid(tables): the text for Mermaid, which GitHub and editors draw.
function diagram.mermaid(tables)
  local lines = { "erDiagram" }
  local function add(line, ...) lines[#lines + 1] = string.format(line, ...) end
  for _, item in ipairs(tables) do
    add("  %s {", quoted(item.name))
    for _, column in ipairs(item.columns) do
      local keys = {}
      if column.key then keys[1] = "PK" end
      if column.reference then keys[#keys + 1] = "FK" end
      add("    %s %s%s", word(column.type), word(column.name), #keys > 0 and " " .. table.concat(keys, ", ") or "")
    end
    add "  }"
  end
  for _, item in ipairs(tables) do
    for _, reference in ipairs(item.references) do
      add("  %s %s--%s %s : %s", quoted(reference.target.name), reference.optional and "|o" or "||",
        reference.unique and "o|" or "o{", quoted(item.name), quoted(table.concat(reference.columns, ", ")))
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

return diagram
