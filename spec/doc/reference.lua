-- reference.lua: makes the pages of the reference from the result of annotations.lua. Each file gives one page.
--
-- Invariant: signatures and texts come from the annotations only. Each item has an anchor, which names.lua knows.

local examples = require "spec.doc.examples"
local html = require "spec.doc.html"
local markdown = require "spec.doc.markdown"
local names = require "spec.doc.names"

local reference = {}

-- The titles of the pages, by the name of the file.
reference.titles = {
  init = "The module", error = "Errors", engine = "Engines, connections", schema = "Columns, tables",
  class = "Classes, objects", value = "Dates, times", relationship = "Relationships", session = "Sessions",
  event = "Events",
  select = "Selects", query = "Queries", loading = "Loading", statement = "Statements", result = "Results, rows",
  expression = "Expressions",
}

local escape = html.escape

-- A type as HTML. Names of classes become links. Generic names stay unchanged.
local function type_html(text, index, root)
  local out = escape(text):gsub("moonrow%.(%u%w*)", function(name)
    local address = index.find("moonrow." .. name)
    return address and ('<a href="%s%s">%s</a>'):format(root, address, name)
  end)
  out = out:gsub("moonrow%f[^%w.]", '<a href="' .. root .. 'reference/init.html#moonrow">mr</a>')
  return (out:gsub("|", "|<wbr>"))
end

-- How an item is called: "session:get(class, key, options?)".
function reference.signature(item)
  if item.kind ~= "function" then return names.spelled(item) end
  local optional, list = {}, {}
  for _, param in ipairs(item.params) do optional[param.name] = param.optional end
  for i, argument in ipairs(item.arguments) do list[i] = argument .. (optional[argument] and "?" or "") end
  return names.spelled(item) .. "(" .. table.concat(list, ", ") .. ")"
end

-- The type of a result. nil: it has the type of self, so the method returns the value that it is called on.
local function result_type(item, one)
  for _, param in ipairs(item.params) do
    if param.name == "self" and param.type == one.type then return nil end
  end
  return one.type
end

-- One call of cmark-gfm converts all texts of a page. put(text) returns a mark for the text. fill(page) replaces all
-- marks by the HTML of their texts.
local function texts_of_page()
  local texts = {}
  local function put(text)
    texts[#texts + 1] = text
    return ("\1%d\1"):format(#texts)
  end
  local function fill(page)
    if #texts == 0 then return page end
    local made = markdown.html(texts)
    return (page:gsub("\1(%d+)\1", function(n) return made[tonumber(n)] end))
  end
  return put, fill
end

local function heading(level, item, title)
  local anchor = escape(names.anchor(item))
  return ('<h%d id="%s"><code>%s</code> <a class="anchor" href="#%s" aria-label="link">#</a>'
    .. '<span class="since">since %s</span></h%d>'):format(level, anchor, title, anchor, escape(item.since or "?"),
      level)
end

local function errors_html(item, index, root)
  if #item.errors == 0 then return "" end
  local out = { '<p class="label">Raises</p><ul>' }
  for _, e in ipairs(item.errors) do
    local address = index.find("mr.errors." .. e.kind)
    out[#out + 1] = ('<li><a href="%s%s"><code>%s</code></a>: %s</li>'):format(root, address or "", escape(e.kind),
      escape(e.when))
  end
  out[#out + 1] = "</ul>"
  return table.concat(out)
end

local function params_html(item, index, root, put)
  local rows = {}
  for _, param in ipairs(item.params) do
    if param.name ~= "self" and not param.unsaid then
      rows[#rows + 1] = ("<tr><td><code>%s</code></td><td><code>%s</code></td><td>%s</td></tr>"):format(
        escape(param.name .. (param.optional and "?" or "")), type_html(param.type, index, root), put(param.comment))
    end
  end
  local out = {}
  if #rows > 0 then
    out[1] = '<div class="scroll"><table class="params">'
      .. "<thead><tr><th>argument</th><th>type</th><th></th></tr></thead><tbody>"
      .. table.concat(rows) .. "</tbody></table></div>"
  end
  for _, one in ipairs(item.returns) do
    local kind = result_type(item, one)
    local words = kind and ("<code>%s</code>%s"):format(type_html(kind, index, root), one.many and " …" or "")
      or "a new one of the same kind"
    out[#out + 1] = ('<p class="returns"><span class="label">Returns</span> %s %s</p>'):format(words,
      escape(one.comment))
  end
  for _, overload in ipairs(item.overloads) do
    out[#out + 1] = ('<p class="returns"><span class="label">Also</span> <code>%s</code></p>'):format(
      type_html(overload, index, root))
  end
  return table.concat(out)
end

local function guide_html(item, mentions, root)
  local pages = mentions[item]
  if not pages then return "" end
  local links = {}
  for _, page in ipairs(pages) do
    links[#links + 1] = ('<a href="%s%s">%s</a>'):format(root, page.path, escape(page.title))
  end
  return ('<p class="guide"><span class="label">In the guide</span> %s</p>'):format(table.concat(links, ", "))
end

-- A table of the fields that have no example of their own.
local function field_table(fields, index, root, put)
  local rows = {}
  for _, field in ipairs(fields) do
    local words = field.text ~= "" and field.text or field.comment
    rows[#rows + 1] = ('<tr id="%s"><td><code>%s</code></td><td><code>%s</code></td><td>%s</td></tr>'):format(
      escape(names.anchor(field)), escape(field.name .. (field.optional and "?" or "")), type_html(field.type, index,
        root),
      put(words))
  end
  if #rows == 0 then return "" end
  return '<div class="scroll"><table class="fields"><thead><tr><th>name</th><th>type</th><th></th></tr></thead><tbody>'
    .. table.concat(rows) .. "</tbody></table></div>"
end

-- reference.takers(all): a table from a class of options to the functions that take it as a parameter.
function reference.takers(all)
  local found = {}
  local function note(item, text)
    for name in text:gmatch "moonrow%.%u%w*" do
      local class = all.classes[name]
      if class and #class.functions == 0 then
        found[class] = found[class] or {}
        if found[class][#found[class]] ~= item then table.insert(found[class], item) end
      end
    end
  end
  for _, class in ipairs(all.order) do
    for _, item in ipairs(class.functions) do
      for _, param in ipairs(item.params) do note(item, param.type) end
      for _, overload in ipairs(item.overloads) do note(item, overload) end
    end
    for _, field in ipairs(class.fields) do
      local arguments = field.type:match "^fun(%b())"
      if arguments and class.name ~= "moonrow.Listeners" then note(field, arguments) end
    end
  end
  return found
end

local function class_html(class, index, root, put, mentions, taken_by)
  local out = { '<section class="entry class">', heading(3, class, escape(names.spelled(class)
    .. (class.generics and "<" .. table.concat(class.generics, ", ") .. ">" or ""))) }
  if #class.extends > 0 then
    local parents = {}
    for i, parent in ipairs(class.extends) do
      parents[i] = ("<code>%s</code>"):format(type_html(parent, index, root))
    end
    out[#out + 1] = '<p class="extends">Has all that ' .. table.concat(parents, " and ") .. " has.</p>"
  end
  out[#out + 1] = put(class.text)
  if taken_by[class] then
    local links = {}
    for i, item in ipairs(taken_by[class]) do
      links[i] = ('<a href="%s%s"><code>%s</code></a>'):format(root, escape(index.places[item]),
        escape(names.spelled(item)))
    end
    out[#out + 1] = '<p class="extends">Taken by ' .. table.concat(links, ", ") .. ".</p>"
  end
  out[#out + 1] = errors_html(class, index, root)
  for _, overload in ipairs(class.overloads) do
    out[#out + 1] = ('<p class="returns"><span class="label">Called</span> <code>%s</code></p>'):format(
      type_html(overload, index, root))
  end
  local small, large = {}, {}
  for _, field in ipairs(class.fields) do
    table.insert(#examples.blocks(field.text) > 0 and large or small, field)
  end
  out[#out + 1] = field_table(small, index, root, put)
  out[#out + 1] = guide_html(class, mentions, root)
  out[#out + 1] = "</section>"
  for _, field in ipairs(large) do
    out[#out + 1] = '<section class="entry">' .. heading(4, field, escape(names.spelled(field)))
      .. ('<p class="type"><code>%s</code></p>'):format(type_html(field.type, index, root)) .. put(field.text)
      .. guide_html(field, mentions, root) .. "</section>"
  end
  return table.concat(out)
end

local function function_html(item, index, root, put, mentions)
  local text, code = item.text, ""
  local at = text:find("```lua", 1, true)
  if at then text, code = text:sub(1, at - 1), text:sub(at) end
  return table.concat{ '<section class="entry">', heading(3, item, escape(reference.signature(item))), put(text),
    params_html(item, index, root, put), errors_html(item, index, root), put(code), guide_html(item, mentions, root),
    "</section>" }
end

local function alias_html(alias, index, root, put)
  local out = { '<section class="entry">', heading(3, alias, escape(names.spelled(alias))), put(alias.text) }
  if alias.type then
    out[#out + 1] = ('<p class="type"><code>%s</code></p>'):format(type_html(alias.type, index, root))
  end
  local values = {}
  for i, value in ipairs(alias.values) do values[i] = ("<code>%s</code>"):format(escape(value.value)) end
  if #values > 0 then out[#out + 1] = "<p>" .. table.concat(values, " ") .. "</p>" end
  out[#out + 1] = "</section>"
  return table.concat(out)
end

-- The list of all names of a page. The reader opens it by a click.
local function contents(file)
  local links = {}
  for i, item in ipairs(file) do
    links[i] = ('<a href="#%s">%s</a>'):format(escape(names.anchor(item)), escape(names.spelled(item)))
  end
  return '<details class="names"><summary>All names of this page</summary><p>' .. table.concat(links, " ")
    .. "</p></details>"
end

-- reference.pages(all, index, mentions): { title =, path =, parts =, body = } for each file.
-- mentions: a table from an item to the pages of the guide that name it.
function reference.pages(all, index, mentions)
  local pages, root, taken_by = {}, "../", reference.takers(all)
  for _, file in ipairs(all.files) do
    local title = reference.titles[file.name] or file.name
    local put, fill = texts_of_page()
    local body, parts, group = { ("<h1>%s</h1>"):format(escape(title)), contents(file) }, {}, nil
    for _, item in ipairs(file) do
      if item.group and item.group ~= group then
        group = item.group
        local slug = html.slug(group)
        local words = html.capital(group)
        body[#body + 1] = ('<h2 id="%s">%s</h2>'):format(slug, escape(words))
        parts[#parts + 1] = { title = words, anchor = slug }
      end
      local make = item.kind == "class" and class_html or item.kind == "alias" and alias_html or function_html
      body[#body + 1] = make(item, index, root, put, mentions, taken_by)
    end
    local made = html.link(fill(table.concat(body, "\n")), function(text)
      local address = index.find(text)
      return address and root .. address
    end)
    pages[#pages + 1] = { title = title, path = "reference/" .. file.name .. ".html", parts = parts, body = made,
      root = root }
  end
  return pages
end

return reference
