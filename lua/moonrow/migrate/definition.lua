-- definition.lua: a CREATE TABLE as SQLite keeps it, taken apart: its columns, what each says, and the constraints
-- beside them; and put together again.
--
-- Invariant: what is not changed is written as it was: names in their quotes, expressions, clauses that nothing else
-- here knows, and comments, each with the column or constraint that it is about.

local _, require = ...
local words = require "moonrow.migrate.words"

local definition = {}

-- Which words begin a clause of a column, or a constraint beside the columns.
local kinds = {
  CONSTRAINT = "named", PRIMARY = "primary_key", NOT = "not_null", NULL = "null", UNIQUE = "unique", CHECK = "check",
  DEFAULT = "default", COLLATE = "collate", REFERENCES = "references", GENERATED = "computed", AS = "computed",
  FOREIGN = "foreign_key",
}
local beside = { CONSTRAINT = true, PRIMARY = true, UNIQUE = true, CHECK = true, FOREIGN = true }

-- ---------------------------------------------------------------- clauses

-- Does a clause begin with the word number i? SET NULL and SET DEFAULT belong to a foreign key, NOT DEFERRABLE, too.
local function begins(list, i, of_table)
  local word = list[i].upper
  if not kinds[word] then return false end
  if of_table then return beside[word] == true end
  local before, after = list[i - 1] and list[i - 1].upper, list[i + 1] and list[i + 1].upper
  if word == "NOT" then return after == "NULL" end
  if word == "NULL" then return before ~= "NOT" and before ~= "SET" and before ~= "DEFAULT" end
  if word == "DEFAULT" then return before ~= "SET" end
  if word == "AS" then return before ~= "ALWAYS" end
  return true
end

-- The words from `first` to `last` as clauses: { kind =, name =, text =, from =, to = }, the last two being numbers of
-- words. A CONSTRAINT goes with what it names. of_table: they are constraints beside the columns. stop: what stands
-- before the first clause ends there.
local function read_clauses(sql, list, first, last, of_table)
  local clauses, depth, open = {}, 0, nil
  local stop = first - 1
  local function close(at)
    if not open then return end
    open.to = at
    open.text = sql:sub(list[open.from].from, list[at].to)
    clauses[#clauses + 1] = open
  end
  for i = first, last do
    local text = list[i].text
    local named = open and open.kind == "named"
    local is_name = named and i == open.from + 1
    if depth == 0 and not is_name and begins(list, i, of_table) then
      if named and list[i].upper ~= "CONSTRAINT" then open.kind = kinds[list[i].upper] else
        close(i - 1)
        open = { kind = kinds[list[i].upper], from = i }
      end
    elseif is_name then
      open.name = words.name(list[i])
    end
    if not open then stop = i end
    if text == "(" then depth = depth + 1 elseif text == ")" then depth = depth - 1 end
  end
  close(last)
  return clauses, stop
end

-- ---------------------------------------------------------------- reading

-- The list of { first, last } of words between the commas, from word `at` on, which follows a "("; and the place of
-- the ")".
local function split(list, at)
  local parts, depth, first = {}, 0, at
  for i = at, #list do
    local text = list[i].kind == "symbol" and list[i].text
    if depth == 0 and (text == "," or text == ")") then
      parts[#parts + 1] = { first, i - 1 }
      first = i + 1
      if text == ")" then return parts, i end
    elseif text == "(" then depth = depth + 1
    elseif text == ")" then depth = depth - 1 end
  end
  return nil
end

local function is_beside(list, first)
  -- CONSTRAINT, UNIQUE ... are no names of columns unless they are quoted.
  return beside[list[first].upper] == true
end

local function read_column(sql, list, first, last)
  local clauses, stop = read_clauses(sql, list, first + 1, last)
  return {
    name = words.name(list[first]), spelled = list[first].text,
    type = stop > first and sql:sub(list[first + 1].from, list[stop].to) or "", clauses = clauses,
    text = sql:sub(list[first].from, list[last].to),
  }
end

-- The names in the parentheses behind the constraint's word, for a key or a foreign key.
local function own_columns(clause)
  if clause.kind == "check" then return {} end
  local list, names, depth, fresh = words.read(clause.text), {}, 0, false
  for _, word in ipairs(list) do
    if word.text == "(" then
      depth = depth + 1
      fresh = depth == 1
    elseif word.text == ")" then
      if depth == 1 then return names end
      depth = depth - 1
    elseif word.text == "," and depth == 1 then fresh = true
    elseif fresh then
      names[#names + 1], fresh = words.name(word), false
    end
  end
  return names
end

-- The comments in a text between two words, a list of { text =, same_line = }: is it on the line where the text begins?
local function comments_in(text)
  local list, at, same_line = {}, 1, true
  while at <= #text do
    local last
    if text:find("^%-%-", at) then last = (text:find("\n", at, true) or #text + 1) - 1
    elseif text:find("^/%*", at) then last = select(2, text:find("*/", at + 2, true)) or #text end
    if last then list[#list + 1] = { text = text:sub(at, last):gsub("%s+$", ""), same_line = same_line }
    elseif text:sub(at, at) == "\n" then same_line = false end
    at = (last or at) + 1
  end
  return list
end

-- Gives each item its comments: those in front of it, and those behind it, in the line of its comma, too.
local function read_comments(sql, list, parts, items)
  for i, part in ipairs(parts) do
    local first, last = items[i].first, items[i].last
    for _, comment in ipairs(comments_in(sql:sub(list[part[1] - 1].to + 1, list[part[1]].from - 1))) do
      local before = comment.same_line and items[i - 1]
      table.insert(before and before.last.behind or first.before, comment.text)
    end
    for _, comment in ipairs(comments_in(sql:sub(list[part[2]].to + 1, list[part[2] + 1].from - 1))) do
      table.insert(last.behind, comment.text)
    end
  end
end

-- definition.read(sql): the parts of a CREATE TABLE; nil: it is none that lists its columns.
-- { name =, columns = { { name =, type =, clauses =, text = } }, constraints = { { kind =, name =, columns =, text = }
-- }, options = "STRICT" }; columns and constraints have besides before and behind, lists of comments.
function definition.read(sql)
  local list = words.read(sql)
  local at = 1
  while list[at] and list[at].text ~= "(" do at = at + 1 end
  if not list[at] or at < 3 then return nil end
  local parts, last = split(list, at + 1)
  if not parts then return nil end
  local made = { name = words.name(list[at - 1]), columns = {}, constraints = {}, options = "" }
  if list[last + 1] then made.options = sql:sub(list[last + 1].from, list[#list].to) end
  local items = {}
  for i, part in ipairs(parts) do
    local first = #made.constraints + 1
    if #made.constraints > 0 or is_beside(list, part[1]) then
      for _, clause in ipairs((read_clauses(sql, list, part[1], part[2], true))) do
        clause.columns, clause.before, clause.behind = own_columns(clause), {}, {}
        made.constraints[#made.constraints + 1] = clause
      end
      items[i] = { first = made.constraints[first], last = made.constraints[#made.constraints] }
    else
      local column = read_column(sql, list, part[1], part[2])
      column.before, column.behind = {}, {}
      made.columns[#made.columns + 1] = column
      items[i] = { first = column, last = column }
    end
  end
  read_comments(sql, list, parts, items)
  return made
end

-- ---------------------------------------------------------------- writing

local function column_text(column)
  if column.text then return column.text end
  local parts = { column.spelled }
  if column.type ~= "" then parts[#parts + 1] = column.type end
  for _, clause in ipairs(column.clauses) do parts[#parts + 1] = clause.text end
  return table.concat(parts, " ")
end

-- A comment of the kind that ends with its line ends it.
local function join_comments(list)
  local text = ""
  for i, comment in ipairs(list) do
    local is_new_line = i > 1 and list[i - 1]:sub(1, 2) == "--"
    text = text .. (is_new_line and "\n    " or " ") .. comment
  end
  return text
end

-- definition.write(made): the CREATE TABLE. A comment may end at the line's end, so that nothing stands behind one.
function definition.write(made)
  local items, lines = {}, {}
  for _, column in ipairs(made.columns) do items[#items + 1] = { column_text(column), column } end
  for _, constraint in ipairs(made.constraints) do items[#items + 1] = { constraint.text, constraint } end
  for i, item in ipairs(items) do
    for _, comment in ipairs(item[2].before or {}) do lines[#lines + 1] = "  " .. comment end
    local comma = i < #items and "," or ""
    lines[#lines + 1] = "  " .. item[1] .. comma .. join_comments(item[2].behind or {})
  end
  local tail = made.options ~= "" and " " .. made.options or ""
  return string.format("CREATE TABLE %s (\n%s\n)%s", words.quoted(made.name), table.concat(lines, "\n"), tail)
end

definition.column_text = column_text

-- ---------------------------------------------------------------- columns

-- definition.find(made, name): the column, and its place; nil: there is none.
function definition.find(made, name)
  for i, column in ipairs(made.columns) do
    if words.same(column.name, name) then return column, i end
  end
end

-- definition.clause(column, kind): its first clause of the kind, and its place.
function definition.clause(column, kind)
  for i, clause in ipairs(column.clauses) do
    if clause.kind == kind then return clause, i end
  end
end

-- definition.set(column, kind, text): puts the clause in the place of those of its kind; text nil: takes them away.
function definition.set(column, kind, text)
  local kept, done = {}, false
  for _, clause in ipairs(column.clauses) do
    if clause.kind ~= kind then kept[#kept + 1] = clause
    elseif text and not done then
      kept[#kept + 1] = { kind = kind, text = text }
      done = true
    end
  end
  if text and not done then kept[#kept + 1] = { kind = kind, text = text } end
  column.clauses, column.text = kept, nil
end

-- definition.key(made): the names of the primary key's columns, the clause, and its column where it stands in one.
function definition.key(made)
  for _, column in ipairs(made.columns) do
    local clause = definition.clause(column, "primary_key")
    if clause then return { column.name }, clause, column end
  end
  for _, constraint in ipairs(made.constraints) do
    if constraint.kind == "primary_key" then return constraint.columns, constraint end
  end
  return {}
end

function definition.is_without_rowid(made) return made.options:upper():find "WITHOUT%s+ROWID" ~= nil end

function definition.is_strict(made) return words.mentions(made.options, "STRICT") end

-- definition.numbers_rows(made): the name of the column that is the row's number; nil: none is. INTEGER PRIMARY KEY
-- DESC is none, by an old mistake of SQLite's.
function definition.numbers_rows(made)
  if definition.is_without_rowid(made) then return nil end
  local names, clause, own = definition.key(made)
  local column = #names == 1 and definition.find(made, names[1])
  if not column or not words.same(words.name{ text = column.type, kind = "" }, "INTEGER") then return nil end
  if own then
    for _, word in ipairs(words.read(clause.text)) do
      if word.upper == "DESC" then return nil end
    end
  end
  return column.name
end

-- definition.rowid(made): a name by which the row's number is read, which no column has; nil: there is none.
function definition.rowid(made)
  if definition.is_without_rowid(made) then return nil end
  for _, name in ipairs{ "rowid", "_rowid_", "oid" } do
    if not definition.find(made, name) then return name end
  end
end

return definition
