-- html.lua: makes HTML: escaped text, code in colours, links inside a text, a whole page.
--
-- Invariant: a page loads nothing from other sites. style.css, search.js and script.js are in the same folder of HTML.
-- Links between pages are relative, so that they work without a server.

local html = {}

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

-- The text with a capital first letter.
function html.capital(text) return (text:gsub("^%l", string.upper)) end

function html.escape(text) return (tostring(text):gsub('[&<>"]', ESCAPES)) end

function html.unescape(text)
  return (text:gsub("&quot;", '"'):gsub("&lt;", "<"):gsub("&gt;", ">"):gsub("&amp;", "&"))
end

-- The anchor of a heading, as GitHub makes it.
function html.slug(text)
  text = html.unescape(text:gsub("<[^>]*>", "")):lower()
  return (text:gsub("[^%w%s_%-\x80-\xff]", ""):gsub("%s", "-"))
end

-- ---------------------------------------------------------------- code

local function set_of(text)
  local set = {}
  for word in text:gmatch "[%w_]+" do set[word] = true end
  return set
end

-- The keywords and tokens of each language. A token is a pattern and a CSS class. The first pattern that matches at a
-- position is used.
local LANGUAGES = {
  lua = {
    keywords = set_of [[and break do else elseif end false for function goto if in local nil not or repeat return then
      true until while]],
    { "^%-%-%[%[.-%]%]", "c" }, { "^%-%-[>!][^\n]*", "r" }, { "^%-%-[^\n]*", "c" }, { '^"[^"\n]*"', "s" },
    { "^'[^'\n]*'", "s" }, { "^%[%[.-%]%]", "s" }, { "^0x%x+", "n" }, { "^%d+%.?%d*", "n" },
  },
  c = {
    keywords = set_of [[break case char const continue default do double else enum extern float for if inline int
      int64_t long return short signed size_t sizeof static struct switch typedef uint64_t union unsigned void while]],
    { "^/%*.-%*/", "c" }, { "^//[^\n]*", "c" }, { "^#%a+", "k" }, { '^"[^"\n]*"', "s" }, { "^'\\?[^'\n]'", "s" },
    { "^0x%x+", "n" }, { "^%d+%.?%d*", "n" },
  },
}

local function span(class, text) return ('<span class="%s">%s</span>'):format(class, html.escape(text)) end

local function coloured(code, language)
  local out, at = {}, 1
  while at <= #code do
    local found
    for _, token in ipairs(language) do
      found = code:match(token[1], at)
      if found then
        out[#out + 1] = span(token[2], found)
        break
      end
    end
    if not found then
      found = code:match("^[%a_][%w_]*", at)
      if found then out[#out + 1] = language.keywords[found] and span("k", found) or html.escape(found)
      else
        found = code:match("^[^%w_%-/#\"'%[]+", at) or code:sub(at, at)
        out[#out + 1] = html.escape(found)
      end
    end
    at = at + #found
  end
  return table.concat(out)
end

-- html.code(code, language): a block of code in colours.
function html.code(code, language)
  code = code:gsub("\n$", "")
  local body = LANGUAGES[language] and coloured(code, LANGUAGES[language]) or html.escape(code)
  return ('<pre class="%s"><code>%s</code></pre>'):format(language == "output" and language or "code", body)
end

-- ---------------------------------------------------------------- links inside a text

-- html.link(text, find): makes links in HTML, of the words in <code>, and of names that begin with "moonrow." in other
-- text. find(words) returns the address; nil: no link. Links, headings and blocks of code stay unchanged.
function html.link(text, find)
  local out, open, at = {}, { a = 0, pre = 0, code = 0, h1 = 0, h2 = 0, h3 = 0 }, 1
  local function words(piece)
    if open.a + open.pre + open.h1 + open.h2 + open.h3 > 0 then return piece end
    if open.code > 0 then
      local address = find(html.unescape(piece))
      return address and ('<a href="%s">%s</a>'):format(html.escape(address), piece) or piece
    end
    return (piece:gsub("moonrow%.(%u%w*)", function(name)
      local address = find("moonrow." .. name)
      return address and ('<a href="%s">%s</a>'):format(html.escape(address), name)
    end))
  end
  while at <= #text do
    local from, to, closing, name = text:find("<(/?)(%w+)[^>]*>", at)
    out[#out + 1] = words(text:sub(at, (from or 0) - 1))
    if not from then break end
    out[#out + 1] = text:sub(from, to)
    if open[name] then open[name] = open[name] + (closing == "/" and -1 or 1) end
    at = to + 1
  end
  return table.concat(out)
end

-- ---------------------------------------------------------------- a page

local PAGE = [[
<!DOCTYPE html>
<html lang="en" data-root="%(root)s">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%(title)s · moonrow</title>
<link rel="stylesheet" href="%(root)sstyle.css">
<script src="%(root)ssearch.js" defer></script>
<script src="%(root)sscript.js" defer></script>
</head>
<body>
<a class="skip" href="#main">To the text</a>
<header>
<button class="menu" aria-label="Contents" aria-expanded="false">☰</button>
<a class="home" href="%(root)sindex.html"><b>moonrow</b> <small>%(version)s</small></a>
<div class="search" role="search">
<input type="search" placeholder="Search (press /)" aria-label="Search" autocomplete="off" spellcheck="false">
<ol class="results" hidden></ol>
</div>
<button class="theme" aria-label="Light or dark">◐</button>
</header>
<div class="frame">
<nav aria-label="Contents">%(nav)s</nav>
<main id="main">
%(body)s
</main>
</div>
</body>
</html>
]]

-- html.page{ title =, root = "" or "../", version =, nav =, body = }
function html.page(page)
  return (PAGE:gsub("%%%((%w+)%)s", function(name)
    return name == "title" and html.escape(page.title) or page[name]
  end))
end

-- html.nav(groups, current, root): the list of all pages. Each group is
-- { title =, { title =, path =, parts = { { title =, anchor = } } } }.
function html.nav(groups, current, root)
  local out = {}
  for _, group in ipairs(groups) do
    out[#out + 1] = ("<h2>%s</h2><ul>"):format(html.escape(group.title))
    for _, page in ipairs(group) do
      local here = page.path == current
      out[#out + 1] = ('<li><a href="%s%s"%s>%s</a>'):format(root, page.path, here and ' aria-current="page"' or "",
        html.escape(page.title))
      if here and #page.parts > 0 then
        out[#out + 1] = "<ul>"
        for _, part in ipairs(page.parts) do
          out[#out + 1] = ('<li><a href="#%s">%s</a></li>'):format(html.escape(part.anchor), html.escape(part.title))
        end
        out[#out + 1] = "</ul>"
      end
      out[#out + 1] = "</li>"
    end
    out[#out + 1] = "</ul>"
  end
  return table.concat(out)
end

return html
