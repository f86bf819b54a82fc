-- headers.lua: makes the pages of the C API from the headers in src/include. They show each declaration with the
-- comment above or beside it.
--
-- Invariant: every function that a header declares has an entry. Comments keep their paragraphs, lists and code.

local html = require "spec.doc.html"
local guide = require "spec.doc.guide"

local headers = {}

-- The text of a comment, without the signs at its edges. Lines keep their indentation.
local function words_of(comment)
  local lines = {}
  for line in (comment:gsub("^/%*+", ""):gsub("%*/%s*$", "") .. "\n"):gmatch "([^\n]*)\n" do
    line = line:gsub("^%s*%*%f[^*]", "")
    lines[#lines + 1] = (line:gsub("^ ", ""):gsub("%s+$", ""))
  end
  return (table.concat(lines, "\n"):gsub("^%s+", ""):gsub("%s+$", ""))
end

-- Returns the name that a declaration declares, and its kind: "function", "type" or "macro".
local function name_of(code)
  local macro = code:match "^#define%s+([%w_]+)"
  if macro then return macro, "macro" end
  local plain = code:gsub("/%*.-%*/", ""):gsub("%s+", " ")
  if plain:match "^typedef" then
    return plain:match "%(%*([%w_]+)%)%s*%(" or plain:match "([%w_]+)%s*;%s*$", "type"
  end
  if plain:match "^enum {" then return plain:match "{%s*([%w_]+)", "type" end -- named after its first constant
  local before = plain:match "^(.-) {"
  if before and not before:find "%(" then return before:match "([%w_]+)$", "type" end
  return plain:match "([%w_]+)%s*%(", "function"
end

-- Reads the declaration that begins in the line `at`, to its semicolon or to the end of its body. Returns its text, and
-- the number of the next line.
local function declaration(lines, at)
  local out, depth = {}, 0
  while lines[at] do
    local line = lines[at]
    out[#out + 1] = line
    local bare = line:gsub("/%*.-%*/", ""):gsub("/%*.*$", "")
    for sign in bare:gmatch "[{}]" do depth = depth + (sign == "{" and 1 or -1) end
    at = at + 1
    if out[1]:match "^#define" then
      if not line:match "\\$" then break end
    elseif depth == 0 and (bare:match ";%s*$" or bare:match "}%s*$") then break end
  end
  return table.concat(out, "\n"), at
end

-- headers.read(path): { path =, text =, entries = { { name =, anchor =, kind =, code =, text =, group =, line =,
-- leader = } } }. leader: the earlier entry whose comment also describes this one. No empty line is between them.
function headers.read(path)
  local lines = {}
  for line in io.lines(path) do lines[#lines + 1] = line end
  local header, seen = { path = path, entries = {} }, {}
  local at, comment, group, leader = 1, nil, nil, nil
  while lines[at] do
    local line = lines[at]
    if line:match "^/%*" then
      local from = at
      while not lines[at]:find("*/", 1, true) do at = at + 1 end
      local text = table.concat(lines, "\n", from, at)
      local title = text:match "^/%* %-%-%-%-+ ([^\n]-)%s*%*/" or text:match "^/%* %-%-%-%-+ ([^\n]-)\n"
      if title then
        group, comment = title, nil
        local rest = words_of(text):match "\n(.*)"
        if rest then
          header.entries[#header.entries + 1] = { kind = "note", text = rest, group = group, line = from }
        end
      elseif not header.text then header.text = words_of(text)
      else comment = { text = words_of(text), line = from } end
      at = at + 1
    elseif line:match "^%s*$" then
      if comment then
        header.entries[#header.entries + 1] = { kind = "note", text = comment.text, group = group, line = comment.line }
      end
      comment, leader, at = nil, nil, at + 1
    elseif line:match "^[%u_]+%b()$" then at = at + 1 -- a list that is written out
    elseif line:match "^#define [%w_]+_H$" or line:match "^#[^d]" or line:match 'extern "C"' or line == "}" then
      at = at + 1
      comment = nil
      while lines[at - 1]:match "\\$" do at = at + 1 end
    else
      local from = at
      local code, behind = declaration(lines, at)
      at = behind
      if code:match "^static inline" then code = code:match "^(.-)%s*{" .. ";" end -- without the body
      if not code:match "^struct [%w_]+;$" then -- another header describes this type
        local name, kind = name_of(code)
        local anchor = name or "line-" .. from
        if seen[anchor] then anchor = anchor .. "-" .. from end -- a type that is declared first, and defined later
        seen[anchor] = true
        local made = { name = name, anchor = anchor, kind = kind, code = code, text = comment and comment.text or "",
          group = group, line = from }
        if made.text ~= "" then leader = made else made.leader = leader end
        header.entries[#header.entries + 1] = made
      end
      comment = nil
    end
  end
  return header
end

-- A comment as HTML. Lines that begin with " -" are a list. Lines that are indented further are code. Other lines form
-- paragraphs.
function headers.prose(text)
  local out, open, lines = {}, nil, {}
  local function close()
    local joined = table.concat(lines, open == "code" and "\n" or " ")
    if open == "code" then out[#out + 1] = html.code(joined:gsub("^  ", ""):gsub("\n  ", "\n"), "c")
    elseif open then out[#out + 1] = ("<%s>%s</%s>"):format(open, html.escape(joined), open) end
    open, lines = nil, {}
  end
  local list = false
  local function in_list(on)
    if on ~= list then out[#out + 1] = on and "<ul>" or "</ul>" end
    list = on
  end
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    local item = line:match "^ ?%- (.*)$"
    if item then
      close()
      in_list(true)
      open, lines = "li", { item }
    elseif line:match "^%s*$" then
      if open ~= "code" then close() end
      if open == nil then in_list(false) end
    elseif line:match "^  " and open ~= "li" then
      if open ~= "code" then close() end
      open = "code"
      lines[#lines + 1] = line
    else
      if open == "code" then close() end
      if not open then
        in_list(false)
        open = "p"
      end
      lines[#lines + 1] = line:match "^%s*(.*)$"
    end
  end
  close()
  in_list(false)
  return table.concat(out)
end

-- By name of a function, the first call of it in an example or a test: the file, the line and its text.
local function uses()
  local found = {}
  local pipe = assert(io.popen "ls examples/*/*.c spec/core/bind/*.c")
  for path in pipe:lines() do
    local number = 0
    for line in io.lines(path) do
      number = number + 1
      for name in line:gmatch "%f[%w_](mr_[%w_]+)%s*%(" do
        found[name] = found[name] or { path = path, line = number, text = line:gsub("^%s+", "") }
      end
    end
  end
  pipe:close()
  return found
end
headers.uses = uses

local function entry_html(entry, use)
  if entry.kind == "note" then return '<section class="entry note">' .. headers.prose(entry.text) .. "</section>" end
  local id = html.escape(entry.anchor)
  local head = '<h3 id="%s"><code>%s</code> <a class="anchor" href="#%s" aria-label="link">#</a></h3>'
  local out = { '<section class="entry">', head:format(id, html.escape(entry.name or "?"), id),
    html.code(entry.code, "c"), headers.prose(entry.text) }
  if entry.leader then
    out[#out + 1] = ('<p class="guide">See <a href="#%s"><code>%s</code></a>.</p>'):format(
      html.escape(entry.leader.anchor), html.escape(entry.leader.name or "above"))
  end
  if use then
    out[#out + 1] = ('<p class="label">Used in %s, line %d</p>'):format(html.escape(use.path), use.line)
      .. html.code(use.text, "c")
  end
  out[#out + 1] = "</section>"
  return table.concat(out)
end

-- headers.pages(): moonrow.h first, then the interfaces between the layers.
function headers.pages()
  local pages, used = {}, uses()
  local paths = { "src/include/moonrow.h" }
  local pipe = assert(io.popen "ls src/include/moonrow/*.h")
  for path in pipe:lines() do paths[#paths + 1] = path end
  pipe:close()
  for i, path in ipairs(paths) do
    local header = headers.read(path)
    local short = path:gsub("^src/include/", "")
    local body, parts, group = { ("<h1><code>%s</code></h1>"):format(short), headers.prose(header.text) }, {}, nil
    if i > 1 then
      table.insert(body, 2, "<p><strong>An interface between the layers: it may change in any version.</strong></p>")
    end
    for _, entry in ipairs(header.entries) do
      if entry.group and entry.group ~= group then
        group = entry.group
        local slug = "part-" .. html.slug(group)
        local words = html.capital(group)
        body[#body + 1] = ('<h2 id="%s">%s</h2>'):format(slug, html.escape(words))
        parts[#parts + 1] = { title = words, anchor = slug }
      end
      body[#body + 1] = entry_html(entry, i == 1 and used[entry.name])
    end
    pages[i] = { title = short, path = "c/" .. short:gsub("%.h$", ""):gsub("/", "-") .. ".html", root = "../",
      parts = parts,
      body = table.concat(body, "\n"), header = header }
  end
  return pages
end

headers.read_text = guide.read

return headers
