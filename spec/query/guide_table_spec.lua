-- The guide's table "SQL | Lua": each line of it is compiled, and gives the words of SQL that stand beside it.

local mr = require "moonrow"

local PAGE = "examples/guide/queries.md"

--- The rows of the table: { sql, lua }.
local function read_table()
  local rows, inside = {}, false
  for line in io.lines(PAGE) do
    if line:find("^| SQL | Lua |") then inside = true
    elseif inside and not line:find "^|" then break
    elseif inside and not line:find "^| %-" then
      local sql, lua = line:gsub("\\|", "\1"):match "^| (.-) | (.-) |$"
      rows[#rows + 1] = { sql = sql:gsub("\1", "|"), lua = lua:gsub("\1", "|") }
    end
  end
  return rows
end

describe("the guide's table of SQL and Lua", function()
  local db, env, subjects

  setup(function()
    db = mr.open "sqlite://"
    local Guild = db.Model:extend("Guild", {
      id = db.Column{ db.Integer, primary_key = true }, name = db.Column{ db.String(40) },
      players = db.relationship{ "Player", backref = "guild", order_by = "Player.id" },
    })
    local Player = db.Model:extend("Player", {
      id = db.Column{ db.Integer, primary_key = true }, name = db.Column{ db.String(40) },
      level = db.Column{ db.Integer, default = 1 }, gold = db.Column{ db.Integer, default = 0 },
      guild_id = db.Column{ db.Integer, db.ForeignKey "guild.id" },
      boss_id = db.Column{ db.Integer, db.ForeignKey "player.id" },
      items = db.relationship("Item", { backref = "owner" }),
    })
    local Item = db.Model:extend("Item", {
      id = db.Column{ db.Integer, primary_key = true }, name = db.Column{ db.String(40) },
      weight = db.Column{ db.Float }, owner_id = db.Column{ db.Integer, db.ForeignKey "player.id" },
    })
    local Doc = db.Model:extend("Doc", { id = db.Column{ db.Integer, primary_key = true },
      body = db.Column{ db.Text }, data = db.Column{ db.JSON } })
    db:create_all()
    local ann = Player{ name = "Ann" }
    db.session:add(ann)
    db.session:commit()
    local level, gold = Player.level, Player.gold
    local q = Player.query
    local G = mr.aliased(Guild)
    env = {
      mr = mr, db = db, Guild = Guild, Player = Player, Item = Item, Doc = Doc, q = q, G = G, ann = ann, value = 1,
      query = db.session:query(Player.id), select = mr.select(Player.name), ipairs = ipairs, x = level,
      a = level:gt(1), b = gold:gt(1), condition = gold:gt(1), pattern = "a", with = "b",
    }
    -- What a method that stands alone is called on: the first of these that has it.
    local insert = mr.insert(Player):values{ name = "x" }
    env.insert = insert
    env.cte = env.query:cte "few"
    local by_ids = q:filter(Player.id:in_(mr.bindparam "ids"))
    subjects = { level, q, by_ids, env.Doc.data:at "a", env.query:subquery "few", mr.select(level), insert,
      mr.update(Player):values{ gold = 1 }, mr.func.rank(), mr.literal({}, mr.JSON), mr.text "SELECT 1 WHERE :g" }
  end)

  teardown(function() db.session:remove() end)

  -- Where a line says "...", this is meant; otherwise a criterion.
  local given = {
    ["count(*) FILTER"] = function() return env.Player.level:gt(1) end,
    ["rank() OVER"] = function() return env.Player.level end,
    ["ON CONFLICT ... DO UPDATE"] = function() return { "id", name = "y" } end,
    ["a value in JSON"] = function() return env.Player.level end,
    ["full text search"] = function() return 0, "<", ">" end,
    ["ROWS BETWEEN"] = function() return nil end,
    ["INSERT` of many rows"] = function() return "name", "x" end,
    ["UPDATE ... WHERE"] = function() return env.Player.level:gt(1) end,
    ["ON CONFLICT ON"] = function() return { name = "y" } end,
  }
  local function arguments(row)
    for words, fn in pairs(given) do
      if row.sql:find(words, 1, true) then return fn() end
    end
    return env.Player.level:gt(1)
  end

  --- Names that mean something else in some lines.
  local function names_for(row)
    local names = setmetatable({}, { __index = env })
    if row.sql:find "UNION" then names.a, names.b = mr.select(env.Player.id), mr.select(env.Item.id) end
    if row.sql:find "in JSON" or row.sql:find "gives rows" then names.x = env.Doc.data end
    if row.sql:find "a, b%) IN" then names.a, names.b = env.Player.level, env.Player.gold end
    if row.sql:find "... WHERE`" then names.query = env.q end
    if row.sql:find "CASE x" or row.sql:find "extract" then names.x = env.Player.level end
    return names
  end

  local function run(row, text)
    text = text:gsub("{%.%.%.}", '{ name = "x" }'):gsub("values{ %.%.%. }", "values{ gold = 0 }")
      :gsub("index_elements = %.%.%.", 'index_elements = { "id" }'):gsub("set = %.%.%.", 'set = { name = "y" }')
    local chunk, problem = load("return " .. text, "=" .. text, "t", names_for(row))
    assert(chunk, problem)
    return chunk(arguments(row))
  end

  --- The value of the code; of a method alone, such as ":limit(1)" or ":lt", called on something that has it.
  local function value_of(row, code)
    if code:sub(1, 1) ~= ":" then return run(row, code) end
    local calls = code:find '[%({"]' ~= nil
    local problem
    for _, subject in ipairs(subjects) do
      env.subject = subject
      local ok, value = pcall(run, row, calls and "subject" .. code or ("subject.%s"):format(code:sub(2)))
      if ok and type(value) == "function" then
        local called, made = pcall(value, subject, 1)
        if not called then called, made = pcall(value, subject, { 1 }) end
        value = called and made or value
      end
      if ok then return value end
      problem = value
    end
    error(problem, 0)
  end

  -- What is no code of its own: a name, or an option that the line explains.
  local function is_code(code)
    return code:find "^[%a_][%w_]*[%.:%[]" or code:find "^[%(~:]" or code:find "^[ab] [&|] [ab]$"
  end

  --- The SQL of the value, or of a query that reads from it, in each dialect that has it.
  local function sql_of(value)
    local out = {}
    for _, dialect in ipairs{ "sqlite", "postgresql" } do
      for _, statement in ipairs{ function() return value end, function() return mr.select(value) end,
        function() return mr.select(value.id) end,
        function() return mr.select(mr.text "*"):select_from(value) end } do
        local ok, sql = pcall(function() return statement():sql{ dialect = dialect, literals = true } end)
        if ok then out[#out + 1] = sql end
      end
    end
    return table.concat(out, " ")
  end

  it("has lines that compile", function()
    local rows, wrong, n = read_table(), {}, 0
    assert.is_true(#rows > 70, #rows)
    for _, row in ipairs(rows) do
      row.written = {}
      for code in row.lua:gsub("local %w+ = ", ""):gmatch "`([^`]+)`" do
        local ok, value = true, nil
        if is_code(code) then
          n = n + 1
          ok, value = pcall(value_of, row, code)
        end
        if not ok then wrong[#wrong + 1] = ("%s: %s: %s"):format(row.sql, code, tostring(value)) end
      end
    end
    assert.same({}, wrong)
    assert.is_true(n > 150, n)
  end)

  -- Words that no database of ours writes so, or that a line has in a clause that its code leaves to the reader.
  local other_words = {
    ["`INSERT` of many rows"] = true, -- it runs
    ["`UPDATE ... WHERE`"] = true,
    ["`a OR b`, `NOT a`"] = true, -- the opposite of > is written <=
    ["`WITH ...` in front of a write"] = true, -- the CTE is the reader's
    ["`ON CONFLICT (a) WHERE ...`, `DO UPDATE ... WHERE ...`"] = true, -- options
  }

  it("gives the words that stand beside the code", function()
    local wrong = {}
    for _, row in ipairs(read_table()) do
      local written = {}
      for code in row.lua:gsub("local %w+ = ", ""):gmatch "`([^`]+)`" do
        local ok, value = pcall(value_of, row, code)
        if is_code(code) and ok and value ~= nil then written[#written + 1] = sql_of(value) end
      end
      local sql = table.concat(written, " "):upper()
      for quoted in row.sql:gmatch "`([^`]+)`" do
        for word in quoted:gsub("'[^']*'", ""):gmatch "%f[%w_]%u%u+%f[^%w_]" do
          if not other_words[row.sql] and not sql:find(word, 1, true) then
            wrong[#wrong + 1] = ("%s: no %s in %s"):format(row.sql, word, sql:sub(1, 300))
          end
        end
      end
    end
    assert.same({}, wrong)
  end)
end)
