-- paginate.lua: query:paginate{ page =, per_page = }: one page of a query's result, with the numbers that a page of
-- links needs.
--
-- Invariant: a page keeps its query, so that next() and prev() run the same one.

local core, require = ...
local options = require "moonrow.options"

-- ---------------------------------------------------------------- numbers

-- The option as an integer of `least` or more. A float with an integral value is taken.
local function whole(what, given, name, default, least)
  local value = given[name]
  if value == nil then return default end
  local n = type(value) == "number" and math.tointeger(value)
  if not n or n < least then
    options.expect(string.format("%s: %s", what, name), "an integer of " .. least .. " or more", value)
  end
  return n
end

-- ---------------------------------------------------------------- Pagination

local Pagination = { __name = "Pagination" }
local methods = {}

-- The fields, some of which may be nil.
local fields = options.set{
  "items", "page", "per_page", "total", "pages", "has_next", "has_prev", "next_num", "prev_num", "query", "session",
}

-- A page is its items: #page, page[1], ipairs(page), and for item in page:iter() do.
function Pagination:__len() return #self.items end
function Pagination:__pairs() return ipairs(self.items) end

function Pagination.__index(page, name)
  local method = methods[name]
  if method then return method end
  if fields[name] then return nil end
  if math.type(name) == "integer" then return page.items[name] end
  name = tostring(name)
  core.raise("ArgumentError",
    string.format("Pagination has no method or field '%s'%s", name, core.hint(name, methods, fields)))
end

function Pagination.__call()
  core.raise("ArgumentError", "a Pagination cannot be called: a loop over it is for _, x in ipairs(page) do")
end

function methods:iter()
  local i = 0
  return function()
    i = i + 1
    return self.items[i]
  end
end

function Pagination:__tostring()
  return string.format("<Pagination page %d of %d, %d items>", self.page, self.pages, self.total)
end

-- The items of a part of the query, and the number of all. session: of a select, which has none by itself.
local function part(query, limit, offset, session)
  local cut, unordered = query:limit(limit):offset(offset), query:order_by(false)
  if not session then return cut:all(), unordered:count() end
  local items = session:scalars(cut):all()
  return items, session:scalar(core.select(core.func.count()):select_from(unordered:subquery()))
end

local function make(query, page, per_page, session)
  local items, total = part(query, per_page, (page - 1) * per_page, session)
  local pages = (total + per_page - 1) // per_page
  return setmetatable({
    query = query, session = session, items = items, page = page, per_page = per_page, total = total, pages = pages,
    has_next = page < pages, has_prev = page > 1,
    next_num = page < pages and page + 1 or nil, prev_num = page > 1 and page - 1 or nil,
  }, Pagination)
end

-- page:next(), page:prev(): the Pagination of the page after or before; nil when there is none.
function methods:next() return self.next_num and make(self.query, self.next_num, self.per_page, self.session) end
function methods:prev() return self.prev_num and make(self.query, self.prev_num, self.per_page, self.session) end

-- page:iter_pages{ left_edge = 2, left_current = 2, right_current = 4, right_edge = 2 }: the numbers of the pages to
-- link: those at the edges and those around this one, and false for each gap between them.
function methods:iter_pages(...)
  local known = { "left_edge", "left_current", "right_current", "right_edge" }
  local given = options.read("iter_pages", known, 0, ...)
  local left = whole("iter_pages", given, "left_edge", 2, 0)
  local from = self.page - whole("iter_pages", given, "left_current", 2, 0)
  local to = self.page + whole("iter_pages", given, "right_current", 4, 0)
  local right = self.pages - whole("iter_pages", given, "right_edge", 2, 0)
  local at, gap = 0, false
  return function()
    repeat
      at = at + 1
      if at > self.pages then return nil end
      local shown = at <= left or (at >= from and at <= to) or at > right
      if shown then
        gap = false
        return at
      end
    until not gap
    gap = true
    return false
  end
end

-- ---------------------------------------------------------------- paginate

-- The page of the query that the options ask for. A join to many does not count an object twice.
local function paginate(query, session, ...)
  local known = { "page", "per_page", "max_per_page", "error_out" }
  local given, page, per_page = options.read("paginate", known, 2, ...)
  if page ~= nil then given.page = page end
  if per_page ~= nil then given.per_page = per_page end
  local number = whole("paginate", given, "page", 1, 1)
  local most = whole("paginate", given, "max_per_page", 100, 1)
  local size = math.min(whole("paginate", given, "per_page", 20, 1), most)
  local error_out = options.typed("paginate", given, "error_out", "boolean")
  if number > math.maxinteger // size then options.expect("paginate: page", "a smaller number", number) end
  local made = make(core.query_of_parents(query), number, size, session)
  if error_out and number > 1 and #made.items == 0 then
    core.raise("NotFound", string.format("paginate: there is no page %d: there are %d", number, made.pages))
  end
  return made
end

-- query:paginate{ page = 1, per_page = 20, max_per_page = 100, error_out = false }: error_out: a page behind the last
-- one raises NotFound; otherwise it has no items.
function core.Query.paginate(query, ...) return paginate(query, nil, ...) end

-- session:paginate(select, options): the same for a select; the items are its objects, or its first column. A query is
-- taken, too, and keeps its own session.
function core.session_methods.paginate(session, select, ...)
  local kind = core.type_name(select)
  if kind == "Query" then return paginate(select, nil, ...) end
  if kind ~= "Select" then options.expect("paginate", "a select or a query", select) end
  return paginate(select, session, ...)
end
