-- The recipes of src/README.md for a new column type, loader strategy, dialect and session event are followed on a copy
-- of src: only the files that each names are changed, and the copy is compiled and used. The recipes are short because
-- nothing outside of its row knows a type, a strategy or an event: that is checked, too.

local recipe = require "spec.support.recipe"

if os.getenv "MOONROW_STRESS" then return end -- another collector changes nothing here

-- ---------------------------------------------------------------- what the recipes say

describe("the recipe", function()
  local function says(title, files)
    local named = recipe.files(title)
    table.sort(named)
    table.sort(files)
    assert.same(files, named)
  end

  it("for a column type names its files", function()
    says("a column type", { "src/schema/types/NAME.c", "src/include/moonrow/schema.h", "src/sql/dialect_DIALECT.c",
      "lua/moonrow/meta/init.lua" })
  end)

  it("for a loader strategy names its files", function()
    says("a loader strategy", { "src/load/strategy/NAME.c", "src/include/moonrow/mapper.h",
      "lua/moonrow/meta/loading.lua" })
  end)

  it("for a dialect names its files", function()
    says("a dialect", { "src/sql/dialect_NAME.c", "src/include/moonrow/sql.h" })
  end)

  it("for a session event names its files", function()
    says("a session event", { "src/include/moonrow/session.h", "src/session", "lua/moonrow/meta/event.lua" })
  end)
end)

-- ---------------------------------------------------------------- followed

describe("the recipes followed on a copy", function()
  local run
  lazy_setup(function() run = recipe.build() end)
  lazy_teardown(function() recipe.clean() end)

  it("change no other files than those that they name", function()
    local patterns = {}
    for _, title in ipairs{ "a column type", "a loader strategy", "a dialect", "a session event" } do
      for _, file in ipairs(recipe.files(title)) do
        patterns[#patterns + 1] = "^" .. file:gsub("%.", "%%."):gsub("NAME", ".*"):gsub("DIALECT", ".*")
      end
    end
    local touched = recipe.touched()
    assert.equal(9, #touched)
    for _, file in ipairs(touched) do
      local named = false
      for _, pattern in ipairs(patterns) do named = named or file:find(pattern) ~= nil end
      assert.is_true(named, file)
    end
  end)

  it("give a column type that is declared, stored, read, compared and refused like any other", function()
    run [[
      local db = mr.open "sqlite://"
      local Car = db.Model:extend("Car", {
        id = db.Column{ db.Integer, primary_key = true },
        color = db.Column{ db.Color, nullable = false, default = "#ffffff" },
        owner = db.Column{ db.Color() },
      })
      local sql = db:record(function() db:create_all() end)
      local ddl = sql[#sql].statement
      assert(ddl:find("color CHAR(7) NOT NULL", 1, true), ddl)
      assert(tostring(db.Color) == "Color" and db.Color == mr.Color)
      db.session:add_all{ Car{ color = "#FF0000" }, Car{} }
      db.session:commit()
      db.session:remove()
      local red = Car.query:filter(Car.color:eq "#FF0000"):one()
      assert(red.color == "#ff0000", red.color)       -- the value that coerce has made
      assert(Car.query:filter_by{ color = "#ffffff" }:count() == 1)
      local ok, e = pcall(Car, { color = "red" })
      assert(not ok and e.message:find('Car.color: expected color, got string "red" (write it as #rrggbb)', 1, true),
        e.message)
      assert(not pcall(function() red.color = 5 end))
      db.session:execute(mr.text "UPDATE car SET owner = 'x' WHERE id = 1")
      db.session:expire(red)
      local bad, why = pcall(function() return red.owner end)
      assert(not bad and why.message:find('holds "x", which is no color: #rrggbb', 1, true), why.message)
      -- it works as other texts do: joined with strings, compared with them, in a cast
      assert(tostring(mr.cast(Car.id, db.Color)) == "CAST(car.id AS CHAR(7))")

      local pg = mr.open "mock+postgresql://"
      pg.Table("t", pg.Column{ "id", pg.Integer, primary_key = true }, pg.Column{ "c", pg.Color })
      sql = pg:record(function() pg:create_all() end)
      assert(sql[#sql].statement:find("c RGB", 1, true), sql[#sql].statement)
    ]]
  end)

  it("give a loader strategy that lazy =, an option and a chain of options know", function()
    run [[
      local db = mr.open "sqlite://"
      local A = db.Model:extend("A", {
        id = db.Column{ db.Integer, primary_key = true },
        bs = db.relationship{ "B", lazy = "onebyone" },
        cs = db.relationship{ "C" },
      })
      local B = db.Model:extend("B", {
        id = db.Column{ db.Integer, primary_key = true }, a_id = db.Column{ db.Integer, db.ForeignKey "a.id" },
      })
      local C = db.Model:extend("C", {
        id = db.Column{ db.Integer, primary_key = true }, a_id = db.Column{ db.Integer, db.ForeignKey "a.id" },
      })
      db:create_all()
      for i = 1, 3 do db.session:add(A{ bs = { B{}, B{} }, cs = { C{} } }) end
      db.session:commit()
      db.session:remove()
      local all
      local function cost(fn) return #db:record(fn) end
      assert(cost(function() all = A.query:all() end) == 4)                            -- 1 + one for each parent
      assert(cost(function() for _, a in ipairs(all) do assert(#a.bs == 2) end end) == 0)
      db.session:remove()
      assert(cost(function() all = A.query:options(mr.lazyload(A.bs), mr.onebyoneload(A.cs)):all() end) == 4)
      assert(cost(function() for _, a in ipairs(all) do assert(#a.cs == 1) end end) == 0)
      db.session:remove()
      assert(cost(function() A.query:options(mr.defaultload(A.bs), mr.onebyoneload "*"):all() end) == 7)
      local ok, e = pcall(db.Model.extend, db.Model, "D", {
        id = db.Column{ db.Integer, db.ForeignKey "a.id", primary_key = true },
        a = db.relationship{ "A", lazy = "onebyon" },
      })
      assert(not ok and e.message:find("did you mean 'onebyone'?", 1, true), e.message)
      ok, e = pcall(mr.onebyoneload, A.bs, { innerjoin = true })
      assert(not ok, "a setting of another option")
    ]]
  end)

  it("give a dialect in which the mock writes", function()
    run [[
      local db = mr.open "mock+ansi://"
      local T = db.Model:extend("T", {
        id = db.Column{ db.Integer, primary_key = true },
        order = db.Column{ db.String(5), server_default = mr.func.now() },
        big = db.Column{ db.BigInteger },
      })
      local sent = db:record(function() db:create_all() end)
      local ddl = sent[#sent].statement
      assert(ddl:find('id COUNTER NOT NULL, "order" VARCHAR(5) DEFAULT now(), big LARGE', 1, true), ddl)
      sent = db:record(function() T.query:filter(T.order:eq "x"):all() end)
      assert(sent[#sent].statement:find('WHERE t."order" = ?', 1, true), sent[#sent].statement)
      local ok, e = pcall(mr.open, "mock+anso://")
      assert(not ok and e.message:find("did you mean 'mock+ansi'?", 1, true), e.message)
    ]]
  end)

  it("give a session event that is listened to, once, removed, and misspelled", function()
    run [[
      local db = mr.open "sqlite://"
      db.Model:extend("A", { id = db.Column{ db.Integer, primary_key = true } })
      local seen = 0
      local function on(session) seen = seen + 1; assert(session) end
      mr.event.listen(db, "before_expunge_all", on)
      db.session:expunge_all()
      assert(seen == 1, seen)
      mr.event.remove(db, "before_expunge_all", on)
      db.session:expunge_all()
      assert(seen == 1, seen)
      local ok, e = pcall(mr.event.listen, db, "before_expung_all", on)
      assert(not ok and e.message:find("did you mean 'before_expunge_all'?", 1, true), e.message)
      mr.event.listen(db, "before_expunge_all", function() error "no" end)
      assert(not pcall(function() db.session:expunge_all() end), "an error in it is the caller's")
      for _, name in ipairs{ "after_rollback", "after_commit" } do mr.event.listen(db, name, on) end
      db.session:commit()
      assert(seen == 2, seen)
    ]]
  end)
end)

-- ---------------------------------------------------------------- why they are so short

describe("what only the rows know:", function()
  -- The lines of src that match the pattern, in files whose paths contain none of the other texts.
  local function found(pattern, ...)
    local lines = {}
    for path, text in recipe.sources() do
      local skipped = false
      for _, part in ipairs{ ... } do skipped = skipped or path:find(part, 1, true) ~= nil end
      if not skipped then
        for line in text:gsub("/%*.-%*/", ""):gmatch "[^\n]+" do
          if line:find(pattern) then lines[#lines + 1] = path .. ": " .. line end
        end
      end
    end
    return lines
  end

  it("a type's code is only a way to name a type", function()
    local asking = {}
    -- Tables of codes remain: the results of SQL functions, and the names of types in dialects.
    for _, line in ipairs(found("MR_TYPE_%u+", "moonrow/schema.h", "src/schema/type.c", "src/sql/function.c",
      "src/sql/dialect_")) do
      local rest = line:gsub("mr_type_simple%(MR_TYPE_%u+%)", ""):gsub("MR_TYPE__COUNT", "")
      rest = rest:gsub("MR_TYPE_NAME", ""):gsub("MR_TYPE_ADVICE", "")
      if rest:find "MR_TYPE_%u" then asking[#asking + 1] = line end
    end
    assert.same({}, asking)
    assert.same({}, found("case MR_TYPE_"))
    assert.same({}, found("%->rules [=!]= &?mr_type_"))
  end)

  it("a type's rules are used by nobody by name", function()
    local users = {}
    for _, line in ipairs(found("&mr_type_%l", "src/schema/type.c")) do -- a form of storage may have another SQL type
      if not (line:find("src/schema/types/", 1, true) and line:find(".sql_as = &mr_type_", 1, true)) then
        users[#users + 1] = line
      end
    end
    assert.same({ "src/db/sqlite_fetch.c:     static const mr_type untyped = {.rules = &mr_type_unknown};" }, users)
  end)

  it("nobody chooses by a strategy's code", function()
    assert.same({}, found("case MR_LAZY_"))
    assert.same({}, found("lazy [=!]= MR_LAZY_"))
    assert.same({}, found("strategy [=!]= MR_LAZY_"))
    for _, word in ipairs(recipe.words("option")) do assert.same({}, found('"' .. word .. '"', "src/load/"), word) end
    for _, word in ipairs(recipe.words("lazy")) do -- without the words that have another meaning, too
      if not ("select subquery immediate raise batch"):find(word, 1, true) then
        assert.same({}, found('"' .. word .. '"', "src/load/"), word)
      end
    end
  end)

  it("an event's name stands in its row", function()
    for _, word in ipairs(recipe.words("event")) do
      local elsewhere = word:find "_" and found('"' .. word .. '"', "moonrow/session.h", "moonrow/mapper.h")
      assert.same({}, elsewhere or {}, word)
      -- The Lua part has no list of its own: it asks the core.
      for path, text in recipe.sources("find lua -name '*.lua' -not -path '*/meta/*'") do
        local code = text:gsub("%-%-[^\n]*", "")
        assert.is_nil(word:find "_" and code:find("%f[%w_]" .. word .. "%f[^%w_]"), path .. " says " .. word)
      end
    end
  end)

  it("events, types and strategies are annotated, each of them", function()
    local function text_of(path)
      local file <close> = assert(io.open(path))
      return file:read "a"
    end
    local alias = text_of("lua/moonrow/meta/event.lua"):match "@alias moonrow.EventName\n(.-)\n\n"
    local annotated, there = {}, recipe.words("event")
    for name in alias:gmatch '"([%l_]+)"' do annotated[#annotated + 1] = name end
    for _, name in ipairs{ "connect", "before_execute", "after_execute" } do there[#there + 1] = name end
    table.sort(annotated)
    table.sort(there)
    assert.same(there, annotated)
    local init, loading = text_of "lua/moonrow/meta/init.lua", text_of "lua/moonrow/meta/loading.lua"
    for _, name in ipairs(recipe.words("type")) do
      assert.truthy(init:find("@field " .. name .. " moonrow.Type", 1, true), name)
    end
    for _, name in ipairs(recipe.words("option")) do
      assert.truthy(loading:find("function mr." .. name .. "(", 1, true), name)
    end
  end)

  it("no table's definition is spelled by one dialect where it is declared", function()
    assert.same({}, found("mr_dialect_%l+%(", "src/sql/dialect_", "src/bind/expression/expression.c"))
  end)
end)
