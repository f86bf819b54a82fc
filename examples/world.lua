-- The world: Debian's iso-codes (countries, their subdivisions, currencies, languages, scripts) imported through the
-- unit of work into related models, committed, read back, and asked questions that need every kind of loading.
--   build/moonrow examples/world.lua [FILE]
-- With the name of a file the database is kept there.

local mr = require "moonrow"

local folder = os.getenv "ISO_CODES" or "/usr/share/iso-codes/json"
local has_cjson, cjson = pcall(require, "cjson")

local function missing(what, package)
  print(("world.lua needs %s: apt-get install %s"):format(what, package))
  os.exit(0, true)
end

local function read(name)
  local file = io.open(("%s/iso_%s.json"):format(folder, name), "rb")
  if not file then missing("the lists of ISO codes in " .. folder, "iso-codes") end
  local list = cjson.decode(file:read "a")[name]
  file:close()
  return list
end

if not has_cjson then missing("a JSON library for Lua 5.4", "lua-cjson") end

-- ---------------------------------------------------------------- the models

local db = mr.open(arg and arg[1] and "sqlite:///" .. arg[1] or "sqlite://")

local Country = db.Model:extend("Country", {
  alpha_2      = db.Column{ db.String(2), primary_key = true },
  alpha_3      = db.Column{ db.String(3), unique = true, nullable = false },
  name         = db.Column{ db.String(80), nullable = false, index = true },
  official     = db.Column{ db.String(120) },
  flag         = db.Column{ db.Text, nullable = false },
  subdivisions = db.relationship{ "Subdivision", back_populates = "country", order_by = "Subdivision.code",
                                  cascade = "all, delete-orphan" },
  currencies   = db.relationship{ "Currency", back_populates = "country", order_by = "Currency.code" },
})
function Country:__tostring() return ("%s %s"):format(self.flag, self.name) end

local Subdivision = db.Model:extend("Subdivision", {
  code        = db.Column{ db.String(10), primary_key = true },
  name        = db.Column{ db.String(120), nullable = false },
  kind        = db.Column{ db.String(60), nullable = false },
  country_id  = db.Column{ db.String(2), db.ForeignKey "country.alpha_2", nullable = false, index = true },
  parent_code = db.Column{ db.String(10), db.ForeignKey "subdivision.code", index = true },
  country     = db.relationship{ "Country", back_populates = "subdivisions" },
  parent      = db.relationship{ "Subdivision", remote_side = "Subdivision.code",
                                 backref = db.backref{ "parts", order_by = "Subdivision.code" } },
})
function Subdivision:__tostring() return ("%s (%s)"):format(self.name, self.code) end

-- The first two letters of a currency's code are its country's, where it has one.
local Currency = db.Model:extend("Currency", {
  code       = db.Column{ db.String(3), primary_key = true },
  name       = db.Column{ db.String(80), nullable = false },
  country_id = db.Column{ db.String(2), db.ForeignKey "country.alpha_2", index = true },
  country    = db.relationship{ "Country", back_populates = "currencies" },
})
function Currency:__tostring() return ("%s (%s)"):format(self.name, self.code) end

-- A language and a script are linked where the language bears the script's name: "Egyptian Arabic" and "Arabic".
local namesake = db.Table("namesake",
  db.Column{ "language", db.String(3), db.ForeignKey "language.alpha_3", primary_key = true },
  db.Column{ "script", db.String(4), db.ForeignKey "script.alpha_4", primary_key = true })

local Language = db.Model:extend("Language", {
  alpha_3 = db.Column{ db.String(3), primary_key = true },
  alpha_2 = db.Column{ db.String(2), unique = true },
  name    = db.Column{ db.String(120), nullable = false },
  kind    = db.Column{ db.String(1), nullable = false },
  scripts = db.relationship{ "Script", secondary = namesake, order_by = "Script.alpha_4",
                             backref = db.backref{ "languages", order_by = "Language.name" } },
})
function Language:__tostring() return ("%s (%s)"):format(self.name, self.alpha_3) end

local Script = db.Model:extend("Script", {
  alpha_4 = db.Column{ db.String(4), primary_key = true },
  name    = db.Column{ db.String(120), nullable = false },
})
function Script:__tostring() return ("%s (%s)"):format(self.name, self.alpha_4) end

db:create_all()

-- ---------------------------------------------------------------- the import

local added, started = 0, os.clock()
local terminal = os.execute "test -t 2"

-- Adds an object; the progress is for the eyes, so it goes to a terminal alone.
local function add(object)
  db.session:add(object)
  added = added + 1
  if terminal and added % 500 == 0 then io.stderr:write(("\r%d objects"):format(added)) end
  return object
end

local countries, subdivisions, scripts = {}, {}, {}
for _, c in ipairs(read "3166-1") do
  countries[c.alpha_2] = add(Country{
    alpha_2 = c.alpha_2, alpha_3 = c.alpha_3, name = c.common_name or c.name, official = c.official_name, flag = c.flag,
  })
end

-- The objects in any order, then their links: the unit of work puts parents before children.
local given = read "3166-2"
for _, s in ipairs(given) do
  subdivisions[s.code] = add(Subdivision{
    code = s.code, name = s.name, kind = s.type, country = countries[s.code:sub(1, 2)],
  })
end
for _, s in ipairs(given) do -- a parent is written with or without its country
  if s.parent then
    local parent = s.parent:find("-", 1, true) and s.parent or s.code:sub(1, 3) .. s.parent
    subdivisions[parent].parts:append(subdivisions[s.code])
  end
end

for _, c in ipairs(read "4217") do
  add(Currency{ code = c.alpha_3, name = c.name, country = countries[c.alpha_3:sub(1, 2)] })
end

for _, s in ipairs(read "15924") do
  local script = add(Script{ alpha_4 = s.alpha_4, name = s.name })
  local word = s.name:match "^%a+" -- "Arabic (Nastaliq variant)" is Arabic
  if word and (s.name == word or s.name:find("^%a+ %(")) then
    scripts[word] = scripts[word] or {}
    table.insert(scripts[word], script)
  end
end
for _, l in ipairs(read "639-3") do
  local language = add(Language{ alpha_3 = l.alpha_3, alpha_2 = l.alpha_2, name = l.name, kind = l.type })
  for word in l.name:gsub("%s*%(.*", ""):gmatch "%S+" do
    if scripts[word] then language.scripts:extend(scripts[word]) end
  end
end

local records = db:record(function() db.session:commit() end)
io.stderr:write(("%s%d objects imported in %.2f s, %d statements\n"):format(terminal and "\r" or "",
  added, os.clock() - started, #records))
countries, subdivisions, scripts, given = nil, nil, nil, nil -- luacheck: ignore
db.session:remove()

print(("imported: %d countries, %d subdivisions, %d currencies, %d languages, %d scripts"):format(Country.query:count(),
  Subdivision.query:count(), Currency.query:count(), Language.query:count(), Script.query:count()))

-- ---------------------------------------------------------------- questions

local func = mr.func

local function line(...) print("  " .. string.format(...)) end

-- A question, its answer, and what it cost.
local function ask(question, answer)
  db.session:expunge_all()
  print("\n" .. question)
  local executed = db:record(answer)
  print(("  (%d statement%s)"):format(#executed, #executed == 1 and "" or "s"))
end

ask("Which countries have the most subdivisions? (a join and an aggregate)", function()
  local count = func.count(Subdivision.code)
  local most = db.session:query(Country, count:label "n"):join(Country.subdivisions)
    :group_by(Country.alpha_2):order_by(count:desc(), Country.name):limit(5)
  for row in most:iter() do line("%5d  %s", row.n, row.Country) end
end)

ask("What is France made of? (lazy loading, down the tree)", function()
  local function walk(part, indent)
    line("%s%s, %s", indent, part, part.kind)
    for i, child in ipairs(part.parts) do
      if i <= 2 then walk(child, indent .. "  ") end
    end
    if #part.parts > 2 then line("%s  and %d more", indent, #part.parts - 2) end
  end
  local france = db.session:get(Country, "FR")
  local top = Subdivision.query:with_parent(france):filter(Subdivision.parent:is_(nil), Subdivision.parts:any())
  for _, part in ipairs(top:order_by(Subdivision.code):limit(3):all()) do walk(part, "") end
end)

ask("Which regions lie deepest? (all rows, then the identity map)", function()
  local everything = Subdivision.query:order_by(Subdivision.code):all()
  local levels = {}
  for _, part in ipairs(everything) do
    local level, up = 1, part.parent -- no statement: every parent is in the identity map
    while up do
      level, up = level + 1, up.parent
    end
    levels[level] = levels[level] or {}
    table.insert(levels[level], part)
  end
  for level, parts in ipairs(levels) do line("level %d: %4d, such as %s", level, #parts, parts[1]) end
end)

ask("The currencies of five countries? (joined loading: the limit counts countries)", function()
  local query = Country.query:options(mr.joinedload "currencies"):filter(Country.currencies:any())
  for country in query:order_by(Country.alpha_3:desc()):limit(5):iter() do
    line("%s: %s", country, country.currencies)
  end
end)

ask("Who has several currencies? (joined, and counted in Lua)", function()
  for country in Country.query:options(mr.joinedload "currencies"):order_by(Country.name):iter() do
    if #country.currencies > 2 then line("%s: %s", country, country.currencies) end
  end
end)

ask("How many parts has each of the largest subdivisions? (select-in loading, two levels)", function()
  local load = mr.selectinload("subdivisions"):selectinload("parts")
  local best = {}
  for _, country in ipairs(Country.query:options(load):order_by(Country.name):all()) do
    for _, part in ipairs(country.subdivisions) do
      if #part.parts > 14 then best[#best + 1] = { n = #part.parts, part = part, country = country } end
    end
  end
  table.sort(best, function(a, b) return a.n > b.n or (a.n == b.n and a.part.code < b.part.code) end)
  for i = 1, 5 do line("%5d  %s, %s", best[i].n, best[i].part, best[i].country) end
end)

ask("Which parts of Spain are autonomous cities? (with_parent: no join)", function()
  local spain = db.session:get(Country, "ES")
  local cities = Subdivision.query:with_parent(spain):filter(Subdivision.kind:like "Autonomous city%")
  line("%s", cities:order_by(Subdivision.code):all())
end)

ask("Which countries have emirates? (any)", function()
  line("%s", Country.query:filter(Country.subdivisions:any{ kind = "Emirate" }):order_by(Country.name):all())
end)

ask("Which have none of all this: no subdivision, no currency? (not any)", function()
  local query = Country.query:filter(~Country.subdivisions:any(), ~Country.currencies:any()):order_by(Country.name)
  line("%d, such as %s", query:count(), query:limit(3):all())
end)

ask("Which currencies belong to no country, but not to funds or metals? (is_)", function()
  local query = Currency.query:filter(Currency.country:is_(nil), ~Currency.code:startswith "X")
  line("%s", query:order_by(Currency.code):all())
end)

ask("In which republics is a dollar spent? (has, across two tables)", function()
  local query = Currency.query:filter(Currency.name:contains "Dollar",
    Currency.country:has(Country.official:like "Republic%")):options(mr.joinedload("country", { innerjoin = true }))
  for currency in query:order_by(Currency.code):iter() do line("%s: %s", currency.country, currency.name) end
end)

ask("Which scripts lend their names to the most languages? (many-to-many)", function()
  local count = func.count(Language.alpha_3)
  local rows = db.session:query(Script, count:label "n"):join(Script.languages)
    :group_by(Script.alpha_4):order_by(count:desc(), Script.alpha_4):limit(4)
  for row in rows:iter() do line("%5d  %s", row.n, row.Script) end
end)

ask("And which languages bear the name of more than one? (select-in, both ways)", function()
  local query = Language.query:filter(Language.scripts:any(), Language.alpha_2:is_not(nil))
    :options(mr.selectinload("scripts"):selectinload("languages")):order_by(Language.name)
  for _, language in ipairs(query:all()) do
    if #language.scripts > 1 then line("%s: %s", language, language.scripts) end
  end
end)

ask("How many languages are alive, extinct, or made up?", function()
  local words = {
    L = "living", E = "extinct", H = "historical", A = "ancient", C = "constructed", S = "special",
  }
  local states = db.session:query(Language.kind, func.count():label "n")
    :group_by(Language.kind):order_by(func.count():desc())
  for row in states:iter() do line("%5d  %s", row.n, words[row.kind]) end
end)

-- ---------------------------------------------------------------- what if

ask("What if Monaco were dissolved? (a cascade, then a change of mind)", function()
  local monaco = db.session:get(Country, "MC")
  local count = Subdivision.query:count()
  line("%s has %d quarters", monaco, #monaco.subdivisions)
  db.session:delete(monaco)
  db.session:flush()
  line("%d subdivisions less", count - Subdivision.query:count())
  db.session:rollback()
  line("%s has %d quarters again", monaco, #monaco.subdivisions)
end)
