-- guide.lua: makes HTML from the pages of examples/guide/ and from the example programs.
--
-- Invariant: the pages have the order of the list in the guide's README.md. Pages that it does not name come last.

local html = require "spec.doc.html"
local markdown = require "spec.doc.markdown"

local guide = {
  lost = {}, -- the links of the guide to pages that do not exist
}

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end
guide.read = read

local function list(command)
  local pipe, found = assert(io.popen(command)), {}
  for line in pipe:lines() do found[#found + 1] = line end
  pipe:close()
  return found
end

-- Returns the names of the pages, without ".md", and the title of each in the list of README.md.
local function page_names(folder)
  local order, seen, titles = {}, {}, {}
  local function add(name)
    if not seen[name] and name ~= "README" then order[#order + 1] = name end
    seen[name] = true
  end
  local there = {}
  local files = list("ls " .. folder .. "/*.md")
  for _, path in ipairs(files) do there[path:match "([^/]+)%.md$"] = true end
  for title, name in read(folder .. "/README.md"):gmatch "%[([^%]\n]*)%]%(([%w_%-]+)%.md%)" do
    titles[name] = titles[name] or title
    if there[name] then add(name) end
  end
  for _, path in ipairs(files) do add(path:match "([^/]+)%.md$") end
  return order, titles
end

-- Gives anchors to the headings. Returns the HTML, and the parts, which are the headings of the second level.
local function anchored(text)
  local parts = {}
  text = text:gsub("<h([1-6])>(.-)</h%1>", function(level, inner)
    local slug = html.slug(inner)
    if level == "2" then parts[#parts + 1] = { title = html.unescape((inner:gsub("<[^>]*>", ""))), anchor = slug } end
    return ('<h%s id="%s">%s <a class="anchor" href="#%s" aria-label="link">#</a></h%s>'):format(level, slug, inner,
      slug,
      level)
  end)
  return text, parts
end

-- The address, in the folder of the HTML, of a link in a page of examples/guide or in examples/README.md. nil: it does
-- not exist there. Then the words of the link are shown without a link.
local function address(link, from_guide)
  if link:match "^%a+:" or link:match "^#" then return link end
  local path, anchor = link:match "^([^#]*)(#?.*)$"
  if from_guide then
    if path == "../README.md" then return "../examples/index.html" .. anchor end
    local page = path:match "^([%w_%-]+)%.md$"
    if page then
      local file = io.open("examples/guide/" .. page .. ".md")
      if not file then
        guide.lost[#guide.lost + 1] = link
        return nil
      end
      file:close()
      return (page == "README" and "index" or page) .. ".html" .. anchor
    end
    local program = path:match "^%.%./([%w_]+)"
    if program then return "../examples/" .. program .. ".html" end
  end
  local header = path:match "src/include/([%w_/]+)%.h$"
  if header then return "../c/" .. header:gsub("/", "-") .. ".html" end
  return nil
end

local function rewrite(text, from_guide)
  return (text:gsub('<a href="([^"]*)">(.-)</a>', function(link, words)
    local to = address(html.unescape(link), from_guide)
    return to and ('<a href="%s">%s</a>'):format(html.escape(to), words) or words
  end))
end

-- guide.pages(index): the pages, and mentions, a table from an item of the reference to the pages that name it.
function guide.pages(index)
  local folder, texts = "examples/guide", {}
  local order, titles = page_names(folder)
  table.insert(order, 1, "README")
  for i, name in ipairs(order) do texts[i] = read(folder .. "/" .. name .. ".md") end
  local made, pages, mentions = markdown.html(texts), {}, {}
  for i, name in ipairs(order) do
    local title = titles[name] or texts[i]:match "^#%s*([^\n]+)" or name
    local page = { title = title, path = "guide/" .. (name == "README" and "index" or name) .. ".html", root = "../" }
    local body, parts = anchored(made[i])
    local seen = {}
    page.body = html.link(rewrite(body, true), function(text)
      local to, item = index.find(text)
      if not to then return nil end
      if not seen[item] and name ~= "README" then
        seen[item] = true
        mentions[item] = mentions[item] or {}
        table.insert(mentions[item], page)
      end
      return "../" .. to
    end)
    page.parts = parts
    pages[i] = page
  end
  return pages, mentions
end

-- ---------------------------------------------------------------- the example programs

local LANGUAGES = { lua = "lua", c = "c" }

-- guide.examples(): a page of examples/README.md, and a page for each program with its files.
function guide.examples()
  local text = markdown.html{ read "examples/README.md" }[1]
  local body, parts = anchored(rewrite(text, false))
  local pages = { { title = "Examples", path = "examples/index.html", root = "../", parts = parts } }
  local links = {}
  local programs = list "ls -d examples/*.lua examples/*/"
  for _, path in ipairs(programs) do
    local name = path:match "([^/]+)/?$":gsub("%.lua$", "")
    if name ~= "guide" then
      local out, files = { ("<h1>%s</h1>"):format(name) }, path:match "/$" and list("ls " .. path .. "*") or { path }
      if not path:match "/$" then table.insert(files, (path:gsub("%.lua$", ".expected"))) end
      for _, file in ipairs(files) do
        local short = file:match "[^/]+$"
        out[#out + 1] = ('<h2 id="%s">%s</h2>'):format(html.slug(short), html.escape(short))
          .. html.code(read(file), LANGUAGES[short:match "%.(%a+)$"] or "output")
      end
      pages[#pages + 1] = { title = name, path = "examples/" .. name .. ".html", root = "../", parts = {},
        body = table.concat(out, "\n") }
      links[#links + 1] = ('<li><a href="%s.html">%s</a></li>'):format(name, name)
    end
  end
  pages[1].body = body .. "<h2>The programs</h2><ul>" .. table.concat(links) .. "</ul>"
  return pages
end

return guide
