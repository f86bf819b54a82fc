-- make.lua: makes the documentation.   lua5.4 spec/doc/make.lua FOLDER
--
-- Writes the guide, the examples, the reference and the C API to FOLDER as HTML, which works without a server. Also
-- writes the manual page moonrow.3. Only cmark-gfm is needed.

local annotations = require "spec.doc.annotations"
local examples = require "spec.doc.examples"
local guide = require "spec.doc.guide"
local headers = require "spec.doc.headers"
local html = require "spec.doc.html"
local man = require "spec.doc.man"
local markdown = require "spec.doc.markdown"
local names = require "spec.doc.names"
local reference = require "spec.doc.reference"

local make = {}

-- The library's version: "0.1".
function make.version() return (guide.read "lua/moonrow/init.lua":match '_VERSION = "moonrow ([%d.]+)"') end

-- ---------------------------------------------------------------- searching

local function first_sentence(text)
  text = text:gsub("```.*", ""):gsub("\n", " "):gsub("`", "")
  return text:match "^(.-[.!?])%s" or text:gsub("%s+$", "")
end

local function json(text)
  return '"' .. text:gsub('[%c"\\<]', function(c) return ("\\u%04x"):format(c:byte()) end) .. '"'
end

-- The entries of the search: { name, kind, address, words }.
local function search_entries(all, index, pages)
  local found = {}
  local function add(name, kind, address, words) found[#found + 1] = { name, kind, address, words or "" } end
  for _, file in ipairs(all.files) do
    for _, item in ipairs(file) do
      add(names.spelled(item), item.kind, index.places[item], first_sentence(item.text))
      for _, field in ipairs(item.fields or {}) do
        local owner = item.name:match "Options$" or item.name:match "Args$" or item.name:match "Parameters$"
          or item.name:match "ClassBody$" or item.name:match "OnConflict" or item.name:match "Parts$"
        local kind = owner and "option" or item.name == "moonrow.Listeners" and "event" or "field"
        add(kind == "field" and names.spelled(field) or ("%s (%s)"):format(field.name, names.short(item.name)), kind,
          index.places[field], first_sentence(field.text ~= "" and field.text or field.comment))
      end
    end
  end
  for _, page in ipairs(pages) do
    local kind = page.path:match "^%a+"
    if kind ~= "reference" then
      add(page.title, kind, page.path, "")
      for _, part in ipairs(page.parts) do add(part.title, kind, page.path .. "#" .. part.anchor, page.title) end
    end
    for _, entry in ipairs(page.header and page.header.entries or {}) do
      if entry.name then add(entry.name, "C", page.path .. "#" .. entry.anchor, first_sentence(entry.text)) end
    end
  end
  return found
end

local function search_script(entries)
  local lines = {}
  for i, e in ipairs(entries) do
    lines[i] = ("[%s,%s,%s,%s]"):format(json(e[1]), json(e[2]), json(e[3]), json(e[4]))
  end
  return "window.moonrowNames = [\n" .. table.concat(lines, ",\n") .. "\n];\n"
end

-- ---------------------------------------------------------------- the first page

local INTRODUCTION = [[
<h1 class="name">moonrow</h1>
<p>An object-relational mapper for Lua 5.4, version %s.</p>
<div class="cards">
]]

local ABOUT_EXAMPLES = [[
</div>
<h2 id="examples">What the examples of the reference begin with</h2>
<p>Each example of the reference is run as a test, with these classes and objects. Behind <code>--&gt;</code> stands
what an expression gives, behind <code>--!</code> the error that is raised.</p>
]]

local ABOUT_EDITORS = [[
<p>To an editor with the Lua language server, the folder <code>lua/moonrow/meta</code> tells all this: add it to
<code>workspace.library</code>.</p>
]]

local function front_page(groups, version)
  local out = { INTRODUCTION:format(html.escape(version)) }
  for _, group in ipairs(groups) do
    out[#out + 1] = "<section><h2>" .. html.escape(group.title) .. "</h2><ul>"
    for _, page in ipairs(group) do
      out[#out + 1] = ('<li><a href="%s">%s</a></li>'):format(page.path, html.escape(page.title))
    end
    out[#out + 1] = "</ul></section>"
  end
  out[#out + 1] = ABOUT_EXAMPLES
  out[#out + 1] = html.code('local mr = require "moonrow"\n' .. examples.fixture, "lua")
  out[#out + 1] = ABOUT_EDITORS
  return { title = "Contents", path = "index.html", root = "", parts = {}, body = table.concat(out) }
end

-- ---------------------------------------------------------------- writing

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
end

-- make.run(folder): makes it. Returns { pages =, names = the entries of the search, all = the annotations }.
function make.run(folder)
  local all, version = annotations.read(), make.version()
  local index = names.index(all)
  local guides, mentions = guide.pages(index)
  local groups = { { title = "Guide", table.unpack(guides) },
    { title = "Reference", table.unpack(reference.pages(all, index, mentions)) },
    { title = "Examples", table.unpack(guide.examples()) }, { title = "C API", table.unpack(headers.pages()) } }
  local pages = {}
  for _, group in ipairs(groups) do table.move(group, 1, #group, #pages + 1, pages) end
  local entries = search_entries(all, index, pages)
  table.insert(pages, 1, front_page(groups, version))
  assert(os.execute(("mkdir -p '%s/guide' '%s/reference' '%s/examples' '%s/c'"):format(folder, folder, folder, folder)))
  for _, page in ipairs(pages) do
    page.nav, page.version = html.nav(groups, page.path, page.root), version
    write(folder .. "/" .. page.path, html.page(page))
  end
  write(folder .. "/search.js", search_script(entries))
  for _, name in ipairs{ "style.css", "script.js" } do write(folder .. "/" .. name, guide.read("spec/doc/" .. name)) end
  write(folder .. "/moonrow.3", man.page(all, version, examples.fixture))
  return { pages = pages, names = entries, all = all, index = index }
end

if arg and arg[0] and arg[0]:match "spec/doc/make.lua$" and arg[1] then
  local missing = markdown.missing()
  if missing then
    io.stderr:write(missing, "\n")
    os.exit(false)
  end
  local made = make.run(arg[1])
  print(("%s: %d pages, %d names to search; moonrow.3 (man -l)"):format(arg[1], #made.pages, #made.names))
end

return make
