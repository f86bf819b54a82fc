-- The guide's tables of options have all options that the library knows, and no others.

local mr = require "moonrow"
local guide = require "spec.support.guide"
local known = require "spec.support.known"

local db = mr.open "sqlite://"
local Thing = db.Model:extend("Thing", { id = db.Column{ db.Integer, primary_key = true } })
local wrong = { xyzzyxyzzy = 1 }

local function said(page, word, title) return guide.names(guide.table(page, word, title)) end

-- The words in quotes in a cell of a table.
local function words_of(page, word, title, row_name, column)
  for _, row in ipairs(guide.table(page, word, title).rows) do
    if row[1] == row_name then
      local words = {}
      for name in row[column]:gmatch '"([%w_]+)"' do words[name] = true end
      return words
    end
  end
end

-- Declares a class with a relationship that has these options, in a new database.
local function related(options)
  local own = mr.open "sqlite://"
  own.Model:extend("Target", { id = own.Column{ own.Integer, primary_key = true } })
  return pcall(own.Model.extend, own.Model, "Wrong", {
    id = own.Column{ own.Integer, primary_key = true }, target_id = own.Column{ own.ForeignKey "target.id" },
    target = own.relationship("Target", options),
  })
end

-- The words that an option of a relationship accepts, as the message about a wrong one lists them.
local function words_taken(options)
  return known.options(function()
    local ok, e = related(options)
    if not ok then error(e, 0) end
  end)
end

describe("the guide's page of relationships", function()
  it("has each option", function()
    known.same(known.options(mr.relationship, "Thing", wrong), said("relationships", "option", "All options"))
  end)

  it("has each word of lazy and of cascade", function()
    known.same(words_taken{ lazy = "xyzzyxyzzy" }, words_of("relationships", "option", "All options", "`lazy`", 2))
    local cascades = {}
    for _, row in ipairs(guide.table("relationships", "word", "Cascades").rows) do
      local name = row[1]:match "`([%w-]+)`"
      assert.is_true((pcall(mr.relationship, "Thing", { cascade = name })), name)
      assert.is_true((related{ cascade = name, viewonly = false }), name)
      cascades[(name:gsub("%-", "_"))] = true
    end
    local _, e = related{ cascade = "xyzzyxyzzy" }
    local told = {}
    for name in e.message:match("%(known are (.-)%)"):gmatch "[%w-]+" do told[(name:gsub("%-", "_"))] = true end
    known.same(told, cascades)
  end)
end)

describe("the guide's page of engines", function()
  it("has each setting, each parameter of the URL, and each option of mr.open", function()
    local settings = said("engines", "setting")
    local in_url = {}
    for _, row in ipairs(guide.table("engines", "setting").rows) do
      local name = row[1]:match "`([%w_]+)`"
      if row[2] ~= "" then in_url[name] = true end
      if row[2] == "only" then settings[name] = nil end
    end
    known.same(known.options(mr.create_engine, "sqlite://", wrong), settings)
    known.same(known.options(mr.create_engine, "sqlite:///x.db?xyzzyxyzzy=1"), in_url)
    local of_open = said("engines", "option of `mr.open`")
    for name in pairs(settings) do of_open[name] = true end
    known.same(known.options(mr.open, "sqlite://", wrong), of_open)
  end)

  it("has each value of journal_mode and synchronous", function()
    for name in pairs{ journal_mode = 1, synchronous = 1 } do
      local _, e = pcall(mr.create_engine, "sqlite:///x.db?" .. name .. "=xyzzyxyzzy")
      local takes, told = {}, {}
      for word in e.message:match("takes (.*)"):gsub(" or ", " "):gmatch "%a+" do takes[word] = true end
      for _, row in ipairs(guide.table("engines", "setting").rows) do
        if row[1] == "`" .. name .. "`" then
          for word in row[3]:gmatch "`(%a+)`" do told[word] = true end
        end
      end
      known.same(takes, told)
    end
  end)
end)

describe("the guide's page of sessions", function()
  local session = mr.Session(db.engine)

  it("has each option of a session, of begin and of retry", function()
    known.same(known.options(mr.Session, db.engine, wrong), said("sessions", "option", "All options"))
    known.same(known.options(session.begin, session, print, wrong), said("sessions", "option of `begin`"))
    known.same(known.options(session.retry, session, print, wrong), said("sessions", "option of `retry`"))
  end)

  it("says the defaults", function()
    assert.is_true(session.autoflush)
    assert.is_true(session.expire_on_commit)
    for _, row in ipairs(guide.table("sessions", "option", "All options").rows) do
      if row[1] == "`autoflush`" or row[1] == "`expire_on_commit`" then assert.equal("`true`", row[3]) end
    end
  end)

  it("has each value of mode and isolation_level, and the page of queries each of synchronize_session", function()
    local asked = {
      mode = function() return session:begin(print, { mode = "xyzzy" }) end,
      isolation_level = function() return session:begin(print, { isolation_level = "xyzzy" }) end,
      synchronize_session = function() return Thing.query:update({}, { synchronize_session = "xyzzy" }) end,
    }
    local told = { mode = {}, isolation_level = {}, synchronize_session = {} }
    for _, row in ipairs(guide.table("sessions", "option of `begin`").rows) do
      for value in row[2]:gmatch '`"([%a ]+)"`' do told[row[1]:match "`([%w_]+)`"][value] = true end
    end
    for _, row in ipairs(guide.table("queries", "value", "Updates and deletes").rows) do
      told.synchronize_session[row[1]:match '"(%a+)"' or "false"] = true
    end
    told.synchronize_session["false"] = nil
    for name, ask in pairs(asked) do
      local e, there = select(2, pcall(ask)), {}
      local words = e.message:match(name .. "(.*) not '") or e.message:match(name .. "(.*), got")
      for value in words:gmatch "['\"]([%a ]+)['\"]" do there[value] = true end
      known.same(there, told[name])
    end
  end)
end)

describe("the guide's page of loading", function()
  it("has each strategy, as the word of lazy and as an option of a query", function()
    local page = guide.table("loading", "`lazy`")
    local words, functions = {}, {}
    for _, row in ipairs(page.rows) do
      local word, name = row[1]:match '"([%w_]+)"', row[2]:match "`mr%.([%w_]+)"
      if word then words[word] = true end
      if name then functions[name] = true end
    end
    known.same(words_taken{ lazy = "xyzzyxyzzy" }, words)
    for _, row in ipairs(guide.table("loading", "you write", "Fewer columns").rows) do
      functions[row[1]:match "`mr%.([%w_]+)"] = true
    end
    known.same(known.methods(mr.joinedload "x"), functions)
    for name in pairs(functions) do assert.is_not_nil(mr[name]) end
  end)
end)
