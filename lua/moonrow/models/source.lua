-- source.lua: a file of Lua that declares the classes which automap makes of a database: `moonrow models URL`.
--
-- Invariant: the same database gives the same text, byte for byte. Run, it declares the classes, attributes and
-- relationships of mr.automap, under the same names.

local core, require = ...
local annotations = require "moonrow.annotations"
local automap = require "moonrow.automap.automap"
local build = require "moonrow.reflection.build"
local inspector = require "moonrow.reflection.inspector"
local names = require "moonrow.automap.names"
local parts = require "moonrow.models.parts"

local literal = parts.literal
local WIDTH = 118

-- ---------------------------------------------------------------- relationships

-- "Album.artist_id"; of several: { "Line.x", "Line.y" }
local function attributes_text(side, columns)
  local texts = {}
  for i, name in ipairs(columns) do texts[i] = literal(side.name .. "." .. side.attribute_of[name]) end
  return #texts == 1 and texts[1] or string.format("{ %s }", table.concat(texts, ", "))
end

-- function() return tables.tag.c.a:eq(models.Tag.id) end
local function join_text(key, link)
  local terms = {}
  for i, name in ipairs(key.locals) do
    terms[i] = string.format("%s.c[%s]:eq(models.%s.%s)", link, literal(name), key.target.name,
      key.target.attribute_of[key.remotes[i]])
  end
  local all = #terms == 1 and terms[1] or string.format("mr.and_(%s)", table.concat(terms, ", "))
  return string.format("function() return %s end", all)
end

-- What says by which columns the relationship goes, where the foreign keys leave that open.
local function add_columns(add, item, several)
  local key, side = item.key, item.owner
  local is_self = side == key.target
  if several or is_self then add("foreign_keys", attributes_text(side, key.locals)) end
  if is_self then
    add("remote_side", item.far and attributes_text(side, key.locals) or attributes_text(side, key.remotes))
  end
end

-- several(item): do other foreign keys join the two tables?
local function relationship_text(item, several, link_of)
  local spec, items = item.spec, { literal(item.spec[1]) }
  local function add(name, value) items[#items + 1] = name .. " = " .. value end
  if spec.secondary then
    local link = link_of[item.owner]
    add("secondary", link)
    if item.key.target == item.other.target then
      add("primaryjoin", join_text(item.key, link))
      add("secondaryjoin", join_text(item.other, link))
    end
  else
    add_columns(add, item, several)
    if item.far and not spec.uselist then add("uselist", "false") end
  end
  if spec.back_populates then add("back_populates", literal(spec.back_populates)) end
  if spec.cascade then add("cascade", literal(spec.cascade)) end
  if spec.passive_deletes then add("passive_deletes", tostring(spec.passive_deletes)) end
  return string.format("mr.relationship{ %s }", table.concat(items, ", "))
end

-- How many foreign keys there are between each two tables, whichever refers to the other.
local function count_joins(sides)
  local counts, seen = {}, {}
  for _, side in ipairs(sides) do
    for _, item in ipairs(side.specs) do
      local key = item.key
      if not item.spec.secondary and not seen[key] then
        seen[key] = true
        for _, pair in ipairs{ item.owner.facts.name .. "\0" .. key.target.facts.name,
          key.target.facts.name .. "\0" .. item.owner.facts.name } do counts[pair] = (counts[pair] or 0) + 1 end
      end
    end
  end
  return counts
end

-- ---------------------------------------------------------------- classes and tables

-- Lines that are short enough stay one; others are broken at the commas between the items of their braces.
local function broken(indent, head, text)
  local line = indent .. head .. text .. ","
  local before, inside = text:match "^([%w.]+{ )(.*) }$"
  if #line <= WIDTH or not before then return line end
  return string.format("%s%s%s\n%s  %s\n%s},", indent, head, before:sub(1, -2), indent, inside, indent)
end

local function target_finder(seen)
  return function(constraint)
    local facts = { constraint = constraint }
    local targets, other = build.target_of(seen, constraint, facts)
    return targets and { name = other, columns = targets }
  end
end

local function add_columns_of(add, side, target_of)
  add("  __tablename = %s,", literal(side.facts.name))
  local columns, beside = parts.of(side.facts, function(name) return side.attribute_of[name] end, target_of)
  for _, column in ipairs(columns) do add("%s", broken("  ", column.name .. " = ", column.text)) end
  if side.number then
    add("  %s = mr.Column{ %s, mr.Integer, primary_key = true, system = true },", side.number,
      literal(side.facts.rowid))
  end
  if #beside == 0 then return end
  add "  __table_args = {"
  for _, text in ipairs(beside) do add("%s", broken("    ", "", text)) end
  add "  },"
end

-- A class whose key is none of the table's: the table is made before.
local function add_table_of(add, side, variable)
  local function text(name)
    if names.attribute(name) == name then return variable .. ".c." .. name end
    return string.format("%s.c[%s]", variable, literal(name))
  end
  local key = {}
  for i, name in ipairs(side.key) do key[i] = text(name) end
  add("  __table = %s,", variable)
  for _, column in ipairs(side.facts.columns) do
    local attribute = side.attribute_of[column.name]
    if attribute then add("  %s = %s,", attribute, text(column.name)) end
  end
  add("  __mapper_args = { primary_key = { %s } },", table.concat(key, ", "))
end

local function add_class(add, side, target_of, joins, link_of)
  add("models.%s = Base:extend(%s, {", side.name, literal(side.name))
  if side.key then add_table_of(add, side, link_of[side])
  else add_columns_of(add, side, target_of) end
  for _, item in ipairs(side.specs) do
    local several = not item.spec.secondary
      and joins[item.owner.facts.name .. "\0" .. item.key.target.facts.name] > 1
    add("%s", broken("  ", item.name .. " = ", relationship_text(item, several, link_of)))
  end
  add "})"
  add ""
end

local function add_table(add, variable, facts, target_of)
  add("%smr.Table{ %s, Base.metadata,", variable and variable .. " = " or "", literal(facts.name))
  local columns, beside = parts.of(facts, function() end, target_of)
  for _, column in ipairs(columns) do add("%s", broken("  ", "", column.text)) end
  for _, text in ipairs(beside) do add("%s", broken("  ", "", text)) end
  add "}"
  add ""
end

-- The names of the tables that are made by themselves: those in between, and those of classes whose key is none of the
-- table's. link_of[side]: the Lua text that gives the table.
local function name_links(associations, sides)
  local link_of, taken, links = {}, {}, {}
  for _, side in ipairs(sides) do
    if associations[side] or side.key then
      local name = names.free({ names.attribute(names.snake(side.facts.name)) }, function(n) return taken[n] end)
      taken[name] = true
      links[#links + 1] = side
      link_of[side] = "tables." .. name
    end
  end
  return link_of, links
end

-- Tables that have no class, and that others refer to.
local function tables_alone(plan, metadata, seen)
  local known, alone = {}, {}
  for _, side in ipairs(plan.sides) do known[side.facts.name] = true end
  for name in pairs(metadata.tables) do
    if not known[name] then alone[#alone + 1] = name end
  end
  table.sort(alone)
  for i, name in ipairs(alone) do alone[i] = inspector.facts(seen, "models", name) end
  return alone
end

local function add_head(add, shown)
  add("-- The tables of %s as classes.", shown)
  add("-- Written by: moonrow models %s", shown)
  add "--"
  add '--   local models = require "models"'
  add "--   local db = mr.open(url)"
  add "--   db.session:query(models.Name):all()"
  add ""
  add 'local mr = require "moonrow"'
  add ""
  add "local Base = mr.declarative_base()"
  add "local models = { Base = Base }"
  add ""
end

local function add_annotations(add, sides, classes)
  local list = {}
  for _, side in ipairs(sides) do
    if classes[side] then list[#list + 1] = core.describe_class(classes[side]) end
  end
  add "-- ---------------------------------------------------------------- for editors"
  add ""
  annotations.add(add, list)
end

-- source(engine, shown): the text, and the lines that tell what was left out.
return function(engine, shown)
  local base = core.new_base(core.MetaData())
  local _, seen, plan = automap.run(base, engine, { views = false, quiet = true })
  local lines = {}
  local function add(line, ...) lines[#lines + 1] = select("#", ...) > 0 and string.format(line, ...) or line end
  local target_of, joins = target_finder(seen), count_joins(plan.sides)
  local link_of, links = name_links(plan.associations, plan.sides)
  add_head(add, shown)
  for _, facts in ipairs(tables_alone(plan, base.metadata, seen)) do add_table(add, nil, facts, target_of) end
  if #links > 0 then
    add "local tables = {} -- that are no classes, or have no key"
    add ""
  end
  for _, side in ipairs(links) do add_table(add, link_of[side], side.facts, target_of) end
  for _, side in ipairs(plan.sides) do
    if not plan.associations[side] then add_class(add, side, target_of, joins, link_of) end
  end
  add_annotations(add, plan.sides, plan.classes)
  add "return models"
  return table.concat(lines, "\n") .. "\n", seen:warnings()
end
