-- The world: Debian's iso-codes (countries, their subdivisions, languages) imported through the unit of work,
-- committed, read back, and asked questions.
--   build/moonrow examples/world.lua

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

local db = mr.open "sqlite://"

local Country = db.Model:extend("Country", {
  alpha_2  = db.Column{ db.String(2), primary_key = true },
  alpha_3  = db.Column{ db.String(3), unique = true, nullable = false },
  numeric  = db.Column{ db.Integer, nullable = false },
  name     = db.Column{ db.String(80), nullable = false, index = true },
  official = db.Column{ db.String(120) },
  flag     = db.Column{ db.Text, nullable = false },
})
function Country:__tostring() return ("%s %s"):format(self.flag, self.name) end

local Subdivision = db.Model:extend("Subdivision", {
  code    = db.Column{ db.String(10), primary_key = true },
  country = db.Column{ db.String(2), db.ForeignKey "country.alpha_2", nullable = false, index = true },
  parent  = db.Column{ db.String(10), db.ForeignKey "subdivision.code" },
  name    = db.Column{ db.String(120), nullable = false },
  kind    = db.Column{ db.String(60), nullable = false },
})
function Subdivision:__tostring() return ("%s (%s)"):format(self.name, self.code) end

local Language = db.Model:extend("Language", {
  alpha_3 = db.Column{ db.String(3), primary_key = true },
  alpha_2 = db.Column{ db.String(2), unique = true },
  name    = db.Column{ db.String(120), nullable = false },
  scope   = db.Column{ db.String(1), nullable = false },
  kind    = db.Column{ db.String(1), nullable = false },
})
function Language:__tostring() return ("%s (%s)"):format(self.name, self.alpha_3) end

db:create_all()

-- ---------------------------------------------------------------- the import

local added = 0

-- Adds an object; the progress is for the eyes, so it goes to stderr.
local function add(object)
  db.session:add(object)
  added = added + 1
  if added % 500 == 0 then io.stderr:write(("\r%d objects"):format(added)) end
end

local started = os.clock()
for _, c in ipairs(read "3166-1") do
  add(Country{
    alpha_2 = c.alpha_2, alpha_3 = c.alpha_3, numeric = math.tointeger(tonumber(c.numeric)),
    name = c.common_name or c.name, official = c.official_name, flag = c.flag,
  })
end
-- A row is inserted after those that it refers to: parents first, level by level.
local waiting, known = read "3166-2", {}
while #waiting > 0 do
  local later, level = {}, {}
  for _, s in ipairs(waiting) do
    local country = s.code:sub(1, 2)
    -- A parent is written with or without its country.
    local parent = s.parent and (s.parent:find("-", 1, true) and s.parent or country .. "-" .. s.parent)
    if parent and not known[parent] then
      later[#later + 1] = s
    else
      add(Subdivision{ code = s.code, country = country, parent = parent, name = s.name, kind = s.type })
      level[#level + 1] = s.code
    end
  end
  for _, code in ipairs(level) do known[code] = true end
  waiting = later
end
for _, l in ipairs(read "639-3") do
  add(Language{ alpha_3 = l.alpha_3, alpha_2 = l.alpha_2, name = l.name, scope = l.scope, kind = l.type })
end
db.session:commit()
io.stderr:write(("\r%d objects imported in %.2f s\n"):format(added, os.clock() - started))

print(("imported: %d countries, %d subdivisions, %d languages"):format(
  Country.query:count(), Subdivision.query:count(), Language.query:count()))

-- ---------------------------------------------------------------- reading back

db.session:expunge_all()
local read_back = 0
for subdivision in Subdivision.query:yield_per(500):iter() do
  assert(subdivision.code:sub(1, 2) == subdivision.country)
  read_back = read_back + 1
end
print(("read back: %d subdivisions, each in its country"):format(read_back))
local france = db.session:get(Country, "FR")
print("the same object:", france == Country.query:filter_by{ name = "France" }:one())

-- ---------------------------------------------------------------- questions

local function heading(text) print(("\n%s\n%s"):format(text, ("-"):rep(#text))) end
local func = mr.func

heading "Which countries have the most subdivisions?"
local count = func.count(Subdivision.code)
local most = db.session:query(Country, count:label "n")
  :filter(Country.alpha_2:eq(Subdivision.country))
  :group_by(Country.alpha_2):order_by(count:desc(), Country.name):limit(5)
for row in most:iter() do print(("%5d  %s"):format(row.n, row.Country)) end

heading "Which kinds of subdivision are the most common?"
local kinds = db.session:query(Subdivision.kind, func.count():label "n")
  :group_by(Subdivision.kind):order_by(func.count():desc(), Subdivision.kind):limit(6)
for row in kinds:iter() do print(("%5d  %s"):format(row.n, row.kind)) end

heading "Which countries have none?"
local divided = db.session:query(Subdivision.country)
local undivided = Country.query:filter(Country.alpha_2:not_in(divided)):order_by(Country.name)
print(("%d of them, such as:"):format(undivided:count()))
for country in undivided:limit(4):iter() do print("       " .. tostring(country)) end

heading "What are the regions of France made of?"
local regions = db.session:query(Subdivision.parent, func.count():label "n")
  :filter(Subdivision.country:eq "FR", Subdivision.parent:is_not(nil))
  :group_by(Subdivision.parent):order_by(func.count():desc(), Subdivision.parent):limit(3)
for row in regions:iter() do
  print(("%5d  %s"):format(row.n, db.session:get(Subdivision, row.parent)))
end

heading "Which republics have Guinea in their name?"
local guineas = Country.query:filter(Country.official:like "Republic%" & Country.name:like "%Guinea%")
for country in guineas:order_by(Country.name):iter() do
  print(("       %s: %s"):format(country, country.official))
end

heading "How many languages are alive, extinct, or made up?"
local words = {
  L = "living", E = "extinct", H = "historical", A = "ancient", C = "constructed", S = "special",
}
local states = db.session:query(Language.kind, func.count():label "n")
  :group_by(Language.kind):order_by(func.count():desc())
for row in states:iter() do print(("%5d  %s"):format(row.n, words[row.kind])) end

heading "Which constructed languages have a short code?"
local constructed = Language.query:filter_by{ kind = "C" }:filter(Language.alpha_2:is_not(nil))
print(constructed:order_by(Language.name):all())

heading "And the countries of these four codes?"
local four = Country.query:filter(Country.alpha_3:in_{ "NZL", "PER", "KEN", "ISL" })
print(four:order_by(Country.numeric):all())
