-- random_criteria.lua: random texts of criteria by the grammar, for the model of support/criteria.lua, and random rows.

local R = {}

-- Our own generator: the same numbers on all machines.
local function generator(seed)
  local state = seed * 2654435761 + 88172645463325252
  return function(n)
    state = state ~ (state << 13)
    state = state ~ (state >> 7)
    state = state ~ (state << 17)
    return (state >> 11) % n + 1
  end
end

-- Letters of one, two and three bytes, wildcards, the escape character, a zero byte.
local LETTERS = { "a", "A", "b", "Z", "%", "_", "/", "\u{E4}", "\u{C4}", "\u{20AC}", " ", "'", "\0" }

local function maker(seed)
  local random = generator(seed)
  local function pick(list) return list[random(#list)] end
  local function chance(n) return random(n) == 1 end
  return random, pick, chance
end

local function text_of(random, pick)
  local letters = {}
  for i = 1, random(4) - 1 do letters[i] = pick(LETTERS) end
  return table.concat(letters)
end

local INTEGERS = { -7, -3, -2, -1, 0, 0, 1, 2, 3, 5, 10, 11, 1000000007 }
local FLOATS = { -2.5, -1.0, 0.0, 0.5, 1.0, 1.5, 3.0, 10.25, 1e15, -1e-3 }
local DECIMALS = { "-1.50", "-0.01", "0", "0.00", "1", "1.10", "2.5", "9.99", "10.00" }
local DATES = { "1999-12-31", "2000-01-01", "2000-01-02", "2024-02-29" }
local DATETIMES = { "1999-12-31 23:59:59", "2000-01-01 00:00:00", "2000-01-01 00:00:00.5", "2024-02-29 12:00:00" }

--- Fills the tables of the model with n users and what belongs to them. Each value may be NULL. Returns the objects by
--- class: { User = { ... }, ... }.
function R.fill(m, n, seed)
  local random, pick, chance = maker(seed)
  local function maybe(list) if not chance(4) then return pick(list) end end
  local clans, tags = {}, {}
  for i = 1, 3 do
    clans[i] = m.Clan{ name = not chance(3) and text_of(random, pick) or nil, power = maybe(INTEGERS) }
  end
  for i = 1, 3 do tags[i] = m.Tag{ word = text_of(random, pick) } end
  local users = {}
  for i = 1, n do
    local user = m.User{
      rank = pick(INTEGERS), level = maybe(INTEGERS), score = maybe(FLOATS), price = maybe(DECIMALS),
      name = not chance(4) and text_of(random, pick) or nil, born = maybe(DATES), seen = maybe(DATETIMES),
      kind = maybe{ "mage", "thief" }, clan = maybe(clans),
    }
    if not chance(3) then user.vip = chance(2) end
    for _ = 1, random(4) - 1 do
      local post = m.Post{ title = text_of(random, pick), score = maybe(INTEGERS) }
      if not chance(3) then post.pinned = chance(2) end
      user.posts:append(post)
    end
    for _, tag in ipairs(tags) do
      if chance(3) then user.tags:append(tag) end
    end
    if chance(3) then user.profile = m.Profile{ motto = text_of(random, pick) } end
    users[i] = user
  end
  m.db.session:add_all(users)
  m.db.session:add_all(clans)
  m.db.session:flush()
  for _, clan in ipairs(clans) do clan.leader = maybe(users) end
  m.db.session:commit()
  local objects = { User = users, Clan = clans, Post = {}, Tag = tags, Profile = {} }
  for _, user in ipairs(users) do
    for _, post in ipairs(user.posts) do table.insert(objects.Post, post) end
    table.insert(objects.Profile, user.profile)
  end
  return objects
end

-- What a class has, by kind.
local CLASSES = {
  User = {
    number = { "level", "rank", "score" }, whole = { "level", "rank" }, decimal = { "price" }, text = { "name" },
    boolean = { "vip" }, date = { "born" }, datetime = { "seen" }, enum = { "kind" },
    one = { clan = "Clan", profile = "Profile" }, many = { posts = "Post", tags = "Tag" },
  },
  Clan = {
    number = { "power" }, whole = { "power" }, text = { "name" }, one = { leader = "User" },
    many = { members = "User" },
  },
  Post = {
    number = { "score" }, whole = { "score" }, text = { "title" }, boolean = { "pinned" }, one = { author = "User" },
    many = {},
  },
  Tag = { text = { "word" }, one = {}, many = { users = "User" } },
  Profile = { text = { "motto" }, one = { user = "User" }, many = {} },
}

local function keys(t)
  local list = {}
  for key in pairs(t) do list[#list + 1] = key end
  table.sort(list)
  return list
end

--- A text about users, and the values of its parameters. objects: those that references are compared with; nil: none.
function R.text(seed, objects)
  local random, pick, chance = maker(seed)
  local params, nparams = {}, 0
  local condition

  local function parameter(value)
    nparams = nparams + 1
    params["p" .. nparams] = value
    return "$p" .. nparams
  end

  -- Two parameters have no type beside each other.
  local function number(value)
    return chance(3) and "(0 + " .. parameter(value) .. ")" or (tostring(value):gsub("^%-", "- "))
  end
  local function quoted(s) return chance(3) and parameter(s) or (("%q"):format(s):gsub("\\\n", "\\n")) end

  -- A path to a class that has such attributes; nil: there is none.
  local function path(class, kind, depth)
    local prefix = ""
    for _ = 1, 3 do
      local names = CLASSES[class][kind]
      if names and not (depth > 0 and chance(4)) then return prefix .. pick(names) end
      local ones = keys(CLASSES[class].one)
      if #ones == 0 then return names and prefix .. pick(names) end
      local one = pick(ones)
      prefix, class = prefix .. one .. ".", CLASSES[class].one[one]
    end
    local names = CLASSES[class][kind]
    return names and prefix .. pick(names)
  end

  local function list(class, depth)
    local prefix = ""
    if depth > 0 and chance(4) then
      local ones = keys(CLASSES[class].one)
      if #ones > 0 then
        local one = pick(ones)
        prefix, class = one .. ".", CLASSES[class].one[one]
      end
    end
    local many = keys(CLASSES[class].many)
    if #many == 0 then return nil end
    local name = pick(many)
    return prefix .. name, CLASSES[class].many[name]
  end

  local function nested(class, depth) return (("%q"):format(condition(class, depth - 1)):gsub("\\\n", "\\n")) end

  local function count(class, depth)
    local name, target = list(class, depth)
    if not name then return nil end
    if chance(2) then return ("count(%s)"):format(name) end
    return ("count(%s, %s)"):format(name, nested(target, depth))
  end

  local function numeric(class, depth)
    if depth <= 0 or chance(3) then
      return path(class, "number", depth) or number(pick(INTEGERS))
    end
    local kind = random(9)
    if kind == 1 then return number(pick(chance(2) and INTEGERS or FLOATS)) end
    if kind == 2 then
      local text = path(class, "text", depth)
      if text then return "#" .. text end
    end
    if kind == 3 then return count(class, depth) or number(1) end
    if kind == 4 then return "-(" .. numeric(class, depth - 1) .. ")" end
    local left, op = numeric(class, depth - 1), pick{ "+", "-", "*", "/", "//", "%" }
    return ("(%s %s %s)"):format(left, op, numeric(class, depth - 1))
  end

  local function decimal(class, depth)
    local name = path(class, "decimal", depth)
    if not name then return nil end
    if chance(2) or depth <= 0 then return name end
    local right = pick{ "2", "0.5", class == "User" and "rank" or "3", "0", "1.25" }
    return ("(%s %s %s)"):format(name, pick{ "+", "-", "*", "//", "%" }, right)
  end

  local function text(class, depth)
    local name = path(class, "text", depth) or "'x'"
    if depth <= 0 or chance(2) then return name end
    local kind = random(4)
    if kind == 1 and name:match "^[%a_.]+$" then return name .. ":lower()" end
    if kind == 2 and name:match "^[%a_.]+$" then return name .. ":upper()" end
    return ("(%s .. %s)"):format(name, chance(2) and quoted(text_of(random, pick)) or path(class, "text", 0) or "'x'")
  end

  local COMPARE = { "==", "~=", "<", "<=", ">", ">=" }

  local function typed(class, depth, kind, values, ordered)
    local name = path(class, kind, depth)
    if not name then return nil end
    local way = random(6)
    if way == 1 then return name .. pick{ " == nil", " ~= nil" } end
    if way == 2 then
      local items = {}
      for i = 1, random(3) do items[i] = ("%q"):format(pick(values)) end
      return ("%s in { %s }"):format(name, table.concat(items, ", "))
    end
    if way == 3 then return ("%s in %s"):format(name, parameter{ pick(values), pick(values) }) end
    local op = ordered and pick(COMPARE) or pick{ "==", "~=" }
    if way == 4 and kind ~= "datetime" then -- two columns of datetimes are compared as they are spelled
      return ("%s %s %s"):format(name, op, path(class, kind, depth) or name)
    end
    return ("%s %s %s"):format(name, op, quoted(pick(values)))
  end

  local function comparison(class, depth)
    local kind = random(13)
    if kind <= 4 then
      local left = numeric(class, depth - 1)
      if kind == 1 then return ("%s %s nil"):format(left, pick{ "==", "~=" }) end
      if kind == 2 then
        return ("%s %s %s"):format(left, pick(COMPARE), parameter(pick(chance(2) and INTEGERS or FLOATS)))
      end
      return ("%s %s %s"):format(left, pick(COMPARE), numeric(class, depth - 1))
    elseif kind <= 6 then return ("%s %s %s"):format(text(class, depth - 1), pick(COMPARE), text(class, depth - 1))
    elseif kind == 7 then
      local method = pick{
        "like", "ilike", "not_like", "startswith", "endswith", "contains", "icontains", "eq", "ne", "lt",
      }
      local name = path(class, "text", depth)
      return name and ("%s:%s(%s)"):format(name, method, quoted(text_of(random, pick)))
    elseif kind == 8 then
      local name = path(class, "boolean", depth)
      if not name then return nil end
      local other = path(class, "boolean", depth) or "true"
      return pick{
        name, name .. " == true", name .. " ~= true", name .. " == false", name .. " == nil", "not " .. name,
        name .. " == " .. other, name .. " ~= " .. other, name .. ":ne(true)",
      }
    elseif kind == 9 then return typed(class, depth, "date", DATES, true)
    elseif kind == 10 then return typed(class, depth, "datetime", DATETIMES, true)
    elseif kind == 11 then return typed(class, depth, "enum", { "mage", "thief" }, false)
    elseif kind == 12 then
      local left, right = decimal(class, depth), decimal(class, depth - 1)
      if not left then return nil end
      if chance(3) then return left .. pick{ " == nil", " ~= nil" } end
      return ("%s %s %s"):format(left, pick(COMPARE), chance(2) and right or pick{ "1", "2.50", "- 0.01", "9.99" })
    end
    local name = path(class, "whole", depth)
    if not name then return nil end
    local items = parameter{ pick(INTEGERS), pick(INTEGERS) }
    return pick{ name .. " in " .. items, name .. ":not_in(" .. items .. ")", name .. " in { 1, 2 }" }
  end

  local function quantified(class, depth)
    local name, target = list(class, depth)
    if not name then return nil end
    local word = pick{ "any", "all", "none" }
    if word ~= "all" and chance(4) then return ("%s(%s)"):format(word, name) end
    return ("%s(%s, %s)"):format(word, name, nested(target, depth))
  end

  -- That a reference, or one behind it, leads to an object, or to one of several.
  local function about_object(class, path_to)
    local target = CLASSES[class].one[path_to]
    local further = keys(CLASSES[target].one)
    if #further > 0 and chance(2) then
      local step = pick(further)
      path_to, target = path_to .. "." .. step, CLASSES[target].one[step]
    end
    local some = objects[target]
    if #some == 0 then return path_to .. " == nil" end
    if chance(3) then
      local several = {}
      for i = 1, random(4) - 1 do several[i] = pick(some) end
      return path_to .. " in " .. parameter(several)
    end
    local object = parameter(pick(some))
    return pick{ path_to .. " == " .. object, path_to .. " ~= " .. object, object .. " == " .. path_to }
  end

  function condition(class, depth)
    local made
    if depth > 0 then
      local kind = random(8)
      if kind == 1 then made = ("not (%s)"):format(condition(class, depth - 1))
      elseif kind <= 3 then
        made = ("(%s) and (%s)"):format(condition(class, depth - 1), condition(class, depth - 1))
      elseif kind <= 5 then
        made = ("(%s) or (%s)"):format(condition(class, depth - 1), condition(class, depth - 1))
      elseif kind == 6 then made = quantified(class, depth)
      elseif kind == 7 then
        local ones = keys(CLASSES[class].one)
        if #ones > 0 and objects and chance(2) then made = about_object(class, pick(ones))
        elseif #ones > 0 then made = pick(ones) .. pick{ "", " == nil", " ~= nil" } end
      end
    end
    return made or comparison(class, depth) or (chance(2) and "true" or "1 > 2")
  end

  local text_made = condition("User", 3)
  for name in pairs(params) do -- of parts that were thrown away
    if not text_made:find("%$" .. name .. "%f[%W]") then params[name] = nil end
  end
  return text_made, params
end

return R
