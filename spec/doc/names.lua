-- names.lua: the names of items in the reference, and the page and anchor of each. A name is found as the annotations
-- write it (moonrow.Session), or as a program does ("session:commit()", "mr.open").

local names = {}

-- How the reference writes a value of a class. Other classes are written by their name with a small first letter.
local WRITTEN = {
  moonrow = "mr", ["moonrow.Database"] = "db", ["moonrow.Model"] = "Class", ["moonrow.Events"] = "mr.event",
  ["moonrow.ErrorKinds"] = "mr.errors", ["moonrow.ErrorClass"] = "mr.errors.KIND", ["moonrow.QueryClass"] = "mr.Query",
  ["moonrow.RelationshipAttribute"] = "Class.attribute", ["moonrow.Collection"] = "object.collection",
  ["moonrow.LoaderOption"] = "option", ["moonrow.Write"] = "statement", ["moonrow.SessionMaker"] = "maker",
  ["moonrow.ScopedSession"] = "db.session", ["moonrow.CompiledQuery"] = "compiled", ["moonrow.Pagination"] = "page",
  ["moonrow.DateTimeMaker"] = "mr.datetime",
}

-- Other words for values of a class, which programs use.
local SPELLED = {
  mr = "moonrow", db = "moonrow.Database", session = "moonrow.Session", s = "moonrow.Session", query = "moonrow.Query",
  engine = "moonrow.Engine", connection = "moonrow.Connection", app = "moonrow.App", event = "moonrow.Events",
  errors = "moonrow.ErrorKinds", result = "moonrow.Result", metadata = "moonrow.MetaData", row = "moonrow.Row",
  select = "moonrow.Select", transaction = "moonrow.Transaction", page = "moonrow.Pagination", Model = "moonrow.Model",
  option = "moonrow.LoaderOption", date = "moonrow.Date", compiled = "moonrow.CompiledQuery",
}

function names.short(class) return (class:gsub("^moonrow%.", "")) end

-- The word for a value of the class: "session", "mr", "object.collection".
function names.written(class)
  return WRITTEN[class] or names.short(class):gsub("^%u", string.lower)
end

-- The name of an item, as a program writes it: "session:add", "session.new".
function names.spelled(item)
  if item.kind == "class" then return item.name == "moonrow" and "mr" or names.short(item.name) end
  if item.kind == "alias" then return names.short(item.name) end
  if item.class.name == "moonrow.Listeners" then return '"' .. item.name .. '"' end
  local sign = item.kind == "function" and item.method and ":" or "."
  if item.name:match "^%[" then sign = "" end
  return names.written(item.class.name) .. sign .. item.name
end

function names.anchor(item)
  if item.kind == "class" or item.kind == "alias" then return names.short(item.name) end
  local owner = item.class.name == "moonrow" and "mr" or names.short(item.class.name)
  return owner .. "." .. item.name:gsub("[%[%]]", "")
end

-- names.index(all): its find(text) returns the address of the item that the text names, and the item; or nil.
function names.index(all)
  local places = {}
  for _, file in ipairs(all.files) do
    local page = "reference/" .. file.name .. ".html"
    for _, item in ipairs(file) do
      places[item] = page .. "#" .. names.anchor(item)
      for _, field in ipairs(item.fields or {}) do places[field] = page .. "#" .. names.anchor(field) end
    end
  end
  local function member(class, name, seen)
    seen = seen or {}
    if not class or seen[class] then return end
    seen[class] = true
    for _, list in ipairs{ class.functions, class.fields } do
      for _, item in ipairs(list) do
        if item.name == name and places[item] then return item end
      end
    end
    for _, parent in ipairs(class.extends) do
      local found = member(all.classes[parent:match "^[%w_.]+"], name, seen)
      if found then return found end
    end
  end
  local index = { places = places }
  function index.item(text)
    local plain = text:gsub("%b()$", ""):gsub("%b{}$", ""):gsub('%s*"[^"]*"$', ""):gsub("%b()$", "")
    if plain == "mr" then return all.classes.moonrow end
    local class = plain:match "^moonrow%.(%u%w*)$"
    if class then return all.classes[plain] or all.aliases[plain] end
    local owner, name = plain:match "([%a_][%w_]*)[.:]([%a_][%w_]*)$"
    if not owner or plain:find "%s" then return nil end
    return member(all.classes[SPELLED[owner]], name)
  end
  function index.find(text)
    local item = index.item(text)
    return item and places[item], item
  end
  return index
end

return names
