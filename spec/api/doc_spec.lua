-- make doc: its pages parse, their links lead somewhere, the search has each name, and the manual page is read by man.

if os.getenv "MOONROW_STRESS" then return end -- another collector changes nothing here

local html = require "spec.doc.html"
local make = require "spec.doc.make"
local markdown = require "spec.doc.markdown"
local headers = require "spec.doc.headers"
local names = require "spec.doc.names"

local missing = markdown.missing()
if missing then
  describe("make doc", function() pending(missing) end)
  return
end

local folder = os.tmpname()
os.remove(folder)
local made = make.run(folder)

local function read(path)
  local file = assert(io.open(folder .. "/" .. path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

local VOID = { meta = true, link = true, input = true, wbr = true, br = true, hr = true, img = true }

-- What is wrong with a page, or nil; and its ids and links.
local function parse(text)
  local stack, ids, links, at = {}, {}, {}, 1
  text = text:gsub("<!DOCTYPE html>\n", "", 1)
  while true do
    local from, to, closing, name, rest = text:find("<(/?)([%w]*)([^<>]*)>", at)
    local between = text:sub(at, (from or 0) - 1)
    if between:find "[<>]" then return "a sign that is not escaped: " .. between:match "[^\n]*[<>][^\n]*" end
    for entity in between:gmatch "&[^;%s]*;?" do
      if not entity:match "^&[%a#]%w*;$" then return "no entity: " .. entity end
    end
    if not from then break end
    if name == "" then return "no tag: " .. text:sub(from, to) end
    if closing == "/" then
      local open = table.remove(stack)
      if open ~= name then return ("</%s> closes <%s>"):format(name, tostring(open)) end
    elseif not VOID[name] then stack[#stack + 1] = name end
    local bare = rest:gsub('%s[%w%-]+="[^"]*"', ""):gsub("%s[%w]+%f[%s\0/]", "")
    if bare:match "%S" then return "attributes that are not quoted: " .. text:sub(from, to) end
    for id in rest:gmatch '%sid="([^"]*)"' do
      if ids[id] then return "an id twice: " .. id end
      ids[id] = true
    end
    for link in rest:gmatch '%shref="([^"]*)"' do links[#links + 1] = html.unescape(link) end
    for link in rest:gmatch '%ssrc="([^"]*)"' do links[#links + 1] = html.unescape(link) end
    at = to + 1
  end
  if #stack > 0 then return "not closed: " .. table.concat(stack, " ") end
  return nil, ids, links
end

local pages = {}
for _, page in ipairs(made.pages) do
  local problem, ids, links = parse(read(page.path))
  pages[page.path] = { problem = problem, ids = ids or {}, links = links or {} }
end

-- "../a.html#b" seen from a page -> the file, and the anchor.
local function resolve(from, link)
  local path, anchor = link:match "^([^#]*)#?(.*)$"
  if path == "" then return from, anchor end
  local base = from:match "^(.*/)" or ""
  while path:match "^%.%./" do
    path, base = path:sub(4), base:gsub("[^/]+/$", "")
  end
  return base .. path, anchor
end

local function leads(from, link)
  local path, anchor = resolve(from, link)
  if path == "style.css" or path == "script.js" or path == "search.js" then return true end
  return pages[path] ~= nil and (anchor == "" or pages[path].ids[anchor] == true)
end

describe("the pages of make doc", function()
  it("parse, each", function()
    assert.is_true(#made.pages > 30)
    for path, page in pairs(pages) do assert.is_nil(page.problem, path .. ": " .. tostring(page.problem)) end
  end)

  it("link to what there is, and take nothing from outside", function()
    local count = 0
    for path, page in pairs(pages) do
      for _, link in ipairs(page.links) do
        if not link:match "^https?://" then
          assert.is_true(leads(path, link), path .. " links to " .. link)
          count = count + 1
        end
      end
      assert.is_nil(read(path):match '<link[^>]*href="https?:' or read(path):match 'src="https?:', path)
    end
    assert.is_true(count > 3000)
    assert.is_nil((read "style.css" .. read "script.js"):match "https?://")
  end)

  it("are checked by a parser that finds mistakes", function()
    for _, bad in ipairs{ "<p>a", "<p>a</b></p>", "<p>a < b</p>", "<p>a & b</p>", '<p id="a"></p><p id="a"></p>',
      "<p id=a></p>" } do
      assert.is_string((parse(bad)), bad)
    end
    assert.is_nil((parse '<p id="a">b &lt; c<br><a href="#a">d</a></p>'))
    assert.is_false(leads("guide/index.html", "nowhere.html"))
    assert.is_false(leads("guide/index.html", "../reference/session.html#Session.nothing"))
    assert.is_true(leads("guide/index.html", "../reference/session.html#Session.commit"))
  end)

  it("lose no link between the guide's pages", function() assert.same({}, require("spec.doc.guide").lost) end)

  it("are the guide's, each, and lead from it to the reference and back", function()
    local pipe = assert(io.popen "ls examples/guide/*.md")
    for path in pipe:lines() do
      local name = path:match "([^/]+)%.md$"
      assert.is_table(pages["guide/" .. (name == "README" and "index" or name) .. ".html"], path)
    end
    pipe:close()
    assert.matches('<a href="../reference/session.html#Session.begin">', read "guide/sessions.html", 1, true)
    local entry = read "reference/session.html":match '<section class="entry"><h3 id="Session.begin">.-</section>'
    assert.matches('In the guide</span> .*<a href="../guide/sessions.html">Sessions</a>', entry)
  end)

  it("show what an annotation says: signature, arguments, results, errors, version, example", function()
    local entry = read "reference/query.html":match '<section class="entry"><h3 id="Query.one">.-</section>'
    for _, part in ipairs{ "query:one()", "since 0.1", "The only one.", "<code>T</code>", "NoResultFound",
      "there are more", "--&gt; Bob" } do
      assert.matches(part, entry, 1, true)
    end
    entry = read "reference/session.html":match '<section class="entry"><h3 id="Session.merge">.-</section>'
    for _, part in ipairs{ "session:merge(object, options?)", 'href="../reference/session.html#MergeOptions"',
      "<td><code>options?</code></td>" } do
      assert.matches(part, entry, 1, true)
    end
  end)
end)

describe("the search of make doc", function()
  local by_name = {}
  for _, entry in ipairs(made.names) do by_name[entry[1]] = entry end

  it("has each class, function, field, option and event of the reference", function()
    for _, file in ipairs(made.all.files) do
      for _, item in ipairs(file) do
        assert.is_table(by_name[names.spelled(item)], item.name)
        for _, field in ipairs(item.fields or {}) do
          local found = by_name[names.spelled(field)]
            or by_name[("%s (%s)"):format(field.name, names.short(item.name))]
          assert.is_table(found, item.name .. "." .. field.name)
        end
      end
    end
  end)

  it("leads where the name stands", function()
    for _, entry in ipairs(made.names) do
      assert.is_true(leads("index.html", entry[3]), entry[1] .. ": " .. entry[3])
    end
  end)

  it("is in the script that the pages load", function()
    local text = read "search.js"
    for _, name in ipairs{ "session:commit", "mr.open", "select:join", "journal_mode (UrlParameters)", "mr_object_new",
      "nullable (ColumnOptions)", "before_flush (Listeners)", "mr.errors.StaleDataError" } do
      assert.matches('["' .. name .. '",', text, 1, true)
    end
    local found = by_name["session:commit"]
    assert.same({ "function", "reference/session.html#Session.commit" }, { found[2], found[3] })
    assert.matches("Flushes, and ends the transaction", found[4])
  end)
end)

describe("the C API of make doc", function()
  local header, uses = headers.read "src/include/moonrow.h", headers.uses()

  it("has each function of moonrow.h, with words, and a program that is run as a test", function()
    local file = assert(io.open "src/include/moonrow.h")
    local text, count = file:read("a"):gsub("/%*.-%*/", ""), 0
    file:close()
    local entries = {}
    for _, entry in ipairs(header.entries) do
      if entry.name then entries[entry.name] = entry end
    end
    for name in text:gmatch "%f[%w_](mr_[%w_]+)%([^()*]*[^()]*%)?%)?;" do
      count = count + 1
      assert.is_table(entries[name], name)
      local entry = entries[name]
      assert.is_true(entry.text ~= "" or entry.leader ~= nil or entry.code:find("/*", 1, true) ~= nil, name)
      assert.is_table(uses[name], name .. " is called by no example and no test")
    end
    assert.is_true(count > 60, tostring(count))
  end)

  it("has each header", function()
    local pipe = assert(io.popen "ls src/include/moonrow/*.h")
    for path in pipe:lines() do assert.is_table(pages["c/moonrow-" .. path:match "([^/]+)%.h$" .. ".html"], path) end
    pipe:close()
  end)
end)

describe("the manual page of make doc", function()
  local text = read "moonrow.3"

  it("has each function", function()
    for _, class in ipairs(made.all.order) do
      for _, func in ipairs(class.functions) do
        local name = markdown.roff_escape(names.spelled(func))
        assert.matches('.SS "' .. name, text, 1, true)
      end
    end
    assert.matches('^%.TH MOONROW 3 ""', text)
  end)

  it("is read without a warning", function()
    if not os.execute "command -v groff >/dev/null 2>&1" then
      return pending "groff reads the page: apt-get install groff-base"
    end
    local path = os.tmpname()
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
    -- groff is not our program: it runs without our address sanitizer.
    local pipe = assert(io.popen("unset LD_PRELOAD; groff -man -Tutf8 -ww " .. path .. " 2>&1 >/dev/null"))
    local said = pipe:read "a"
    pipe:close()
    os.remove(path)
    assert.equal("", said)
  end)
end)

describe("make doc", function()
  teardown(function() os.execute("rm -rf '" .. folder .. "'") end)

  it("says what is missing where cmark-gfm is not installed", function()
    local lua = io.popen("command -v lua5.4"):read "l"
    local pipe = assert(io.popen(("PATH=/nowhere %s spec/doc/make.lua %s/x 2>&1"):format(lua, folder)))
    local said = pipe:read "a"
    assert.is_nil(pipe:close())
    assert.matches("apt-get install cmark-gfm", said, 1, true)
  end)
end)
