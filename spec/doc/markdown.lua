-- markdown.lua: converts Markdown, to HTML by cmark-gfm, and to roff for the manual page.
--
-- Invariant: one call of cmark-gfm converts many texts. If it is not installed, markdown.missing() says how to get it.

local html = require "spec.doc.html"

local markdown = {}

local SPLIT = "<!-- next text -->"

function markdown.missing()
  if os.execute "command -v cmark-gfm >/dev/null 2>&1" then return nil end
  return "make doc needs cmark-gfm, which makes HTML of Markdown: apt-get install cmark-gfm (or make deps)"
end

local function run(text)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  local pipe = assert(io.popen("cmark-gfm --unsafe -e table -e strikethrough " .. path))
  local result = pipe:read "a"
  local ok = pipe:close()
  os.remove(path)
  assert(ok, "cmark-gfm has failed")
  return result
end

-- Removes comments, which only say how a page is tested. Colours blocks of code. A block without a language is output.
local function finish(text)
  text = text:gsub("<!%-%-.-%-%->%s*", "")
  text = text:gsub('<pre><code class="language%-(%w+)">(.-)</code></pre>', function(language, code)
    return html.code(html.unescape(code), language)
  end)
  text = text:gsub("<pre><code>(.-)</code></pre>", function(code) return html.code(html.unescape(code), "output") end)
  text = text:gsub("<table>", '<div class="scroll"><table>'):gsub("</table>", "</table></div>")
  return text
end

-- markdown.html(texts): a list with the HTML of each text.
function markdown.html(texts)
  local made = run(table.concat(texts, "\n\n" .. SPLIT .. "\n\n"))
  local results, at = {}, 1
  repeat
    local from, to = made:find(SPLIT, at, true)
    results[#results + 1] = finish(made:sub(at, (from or 0) - 1))
    at = to and to + 1
  until not at
  assert(#results == #texts, "cmark-gfm has given another number of texts")
  return results
end

-- ---------------------------------------------------------------- roff

local function escape(text)
  text = text:gsub("\\", "\\e"):gsub("%-", "\\-")
  return (text:gsub("\n([.'])", "\n\\&%1"):gsub("^([.'])", "\\&%1"))
end
markdown.roff_escape = escape

local function inline(text)
  local result = {}
  for before, code in (text .. "``"):gmatch "([^`]*)`([^`]*)`" do
    result[#result + 1] = escape(before)
    if code ~= "" then result[#result + 1] = "\\fB" .. escape(code) .. "\\fR" end
  end
  return (table.concat(result):gsub("\n([.'])", "\n\\&%1"):gsub("^([.'])", "\\&%1"))
end
markdown.roff_inline = inline

-- markdown.roff(text): paragraphs and blocks of code, for a page of the manual.
function markdown.roff(text)
  local out, fenced, words = {}, false, {}
  local function flush()
    if #words > 0 then out[#out + 1] = ".PP\n" .. inline(table.concat(words, "\n")) end
    words = {}
  end
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    if line:match "^```" then
      flush()
      fenced = not fenced
      out[#out + 1] = fenced and ".RS 2\n.EX" or ".EE\n.RE"
    elseif fenced then out[#out + 1] = escape(line)
    elseif line == "" then flush()
    else words[#words + 1] = line end
  end
  flush()
  return table.concat(out, "\n")
end

return markdown
