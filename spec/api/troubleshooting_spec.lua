-- The guide's index of messages has the messages of the sources, and no others.

local messages = require "spec.support.messages"

local PAGE = "examples/guide/troubleshooting.md"

-- Parts of four words or more that belong to no message: names of checked things, words of the database that are looked
-- for, the text of a static assertion.
local OTHERS = {
  "Expression tree is too large", "LIKE or GLOB pattern too complex", "too many columns in result set",
  "too many terms in compound SELECT", "at most 64 tables in a join",
  "DISTINCT aggregates must have exactly one argument", "DISTINCT is not supported for window functions",
  "FILTER clause may only be used with aggregate window functions", "FILTER may not be used with non-aggregate",
  "HAVING clause on a non-aggregate query", "aggregate functions are not allowed in the GROUP BY",
  "may not be used as a window function", "misuse of window function", "no such collation sequence",
  "too many arguments on function", "unable to use function MATCH", "wrong number of arguments to function",
  "... (… bytes) ...",
  "NOT IN (SELECT +value FROM json_each(",
  "...' of … bytes",
  "(added …, deleted …)",
  "added …, deleted …, unchanged",
  "<Pagination page … of …, … items>",
  'Boolean{ storage = "…/…" }',
  '{ storage = "…"… }',
  "/ … + …, 'unixepoch'",
  "a class is indexed by",
  "a number has room",
  "a base without a table",
  "a value of moonrow",
  "a storage class is a bit of the types' rules",
  "an alias is indexed by",
  "abs acos asin atan ceil cos deg exp floor fmod huge log max maxinteger min mininteger modf pi rad random sin sqrt "
    .. "tan tointeger type ult",
  "assert error ipairs next pairs rawequal rawget rawlen rawset select tostring type",
  "isyieldable running status yield",
  "begin{ mode = ... }",
  "column_property(function(cls) return cls.first .. cls.last end)",
  "extend: the class's body",
  "extend: the class's name",
  "has no column named",
  "invalid token near '\"",
  "import: what the iterator gives",
  "key of an object",
  "moonrow declaration of a relationship",
  "moonrow declaration of an attribute",
  "moonrow value that is gone",
  'near "?": syntax error',
  "objects without a row",
  "row … of the result",
  "string or '}' expected near '\"",
  "scoped_session: what the factory makes",
  "the result of a listener with retval",
  "time without time zone", "timestamp with time zone", "timestamp without time zone",
  "value of the program's own",
  "value that is gone",
  '{ storage = "…" })',
  "* INTERVAL '1 microsecond'", "* INTERVAL '1 millisecond'", "* INTERVAL '1 second'", "* INTERVAL '1 second' +",
  "+ INTERVAL '0.0005 seconds')", "AS TEXT), '-', ''), 'hex')", "LIKE '-%' THEN -CAST(substr(",
}

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

-- The messages of the page, as plain texts: the code in the first cells of its tables.
local function entries_of(page)
  local entries, inside = {}, false
  for line in page:gmatch "[^\n]+" do
    if line:match "^| message |" or line:match "^| expected |" or line:match "^| behind a message |" then inside = true
    elseif not line:match "^|" then inside = false
    elseif inside and not line:match "^| %-%-%-" then
      local cell = line:gsub("\\|", "\1"):match "^| (.-) |"
      for part in (cell .. "<br>"):gmatch "(.-)<br>" do
        local code = part:match "^`` (.*) ``$" or part:match "^`(.*)`$"
        entries[#entries + 1] = { text = messages.plain(assert(code, line):gsub("\1", "|")), line = line }
      end
    end
  end
  return entries
end

-- What the examples of the page print.
local function printed_of(page)
  local printed = {}
  for block in page:gmatch "\n```\n(.-)\n```" do printed[#printed + 1] = block end
  return table.concat(printed, "\n")
end

local function sorted(list)
  table.sort(list)
  return list
end

describe("the index of messages", function()
  local page = read(PAGE)
  local entries = entries_of(page)
  local texts, parts, short = messages.all()
  local known, others = {}, {}
  for _, entry in ipairs(entries) do known[entry.text] = (known[entry.text] or 0) + 1 end
  for _, text in ipairs(OTHERS) do others[text] = true end

  it("is found in the sources and in the page", function()
    assert.is_true(#entries > 500)
    assert.truthy(texts["'…' is an invalid keyword argument for"])
    assert.truthy(texts["begin: mode and isolation_level say the same: give one of them"])
    assert.truthy(parts['(SQL text is written mr.text"...")'])
    assert.truthy(texts["has the polymorphic_identity of …: each class needs its own"]:find "^src/mapper/")
  end)

  it("has each message of the sources", function()
    local missing = {}
    for text, path in pairs(texts) do
      if not known[text] then missing[#missing + 1] = path .. ": " .. text end
    end
    for text, path in pairs(parts) do
      if not known[text] and not others[text] then missing[#missing + 1] = path .. ": " .. text end
    end
    assert.same({}, sorted(missing), PAGE .. " lacks a message: add it, with its cause and cure")
  end)

  it("has no message that the sources do not have", function()
    local gone = {}
    for text in pairs(known) do
      if not texts[text] and not parts[text] and not short[text] then gone[#gone + 1] = text end
    end
    for text in pairs(others) do
      if not parts[text] then gone[#gone + 1] = "(not a message) " .. text end
    end
    assert.same({}, sorted(gone), PAGE .. " has a message that nobody says any more")
  end)

  it("has each message once, with a cause or cure", function()
    local wrong = {}
    for text, n in pairs(known) do
      if n > 1 then wrong[#wrong + 1] = "twice: " .. text end
    end
    for _, entry in ipairs(entries) do
      local why = entry.line:gsub("\\|", "\1"):match "^| .- | (.-) |$"
      if not why or #why < 10 then wrong[#wrong + 1] = "without a cure: " .. entry.text end
    end
    assert.same({}, sorted(wrong))
  end)

  it("shows a third of the messages in examples that run", function()
    local printed, shown, all = messages.plain(printed_of(page)), 0, 0
    for text in pairs(texts) do
      local pattern = text:gsub("%p", "%%%0"):gsub("…", ".-")
      all = all + 1
      if printed:find(pattern) then shown = shown + 1 end
    end
    assert.is_true(shown * 3 >= all, ("%d of %d are shown"):format(shown, all))
  end)
end)

describe("the words of a source", function()
  it("are compared without the values, and without what stands around them", function()
    assert.equal("the … of … is", messages.plain "%s: the %d of %.*s is %s")
    assert.equal(".… has '…', 100% of", messages.plain "%s.%s has '%s', 100%% of %zu")
    assert.equal("row … is gone", messages.plain "row %llu is gone; ")
  end)
end)
