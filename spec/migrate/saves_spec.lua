-- db:migrate: the steps of a program, run on files that are older than it.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local saved = require "spec.support.saved"

local path, db

local function open() return mr.open("sqlite:///" .. path) end

before_each(function()
  path = saved.path()
  db = open()
end)
after_each(function()
  db.engine:dispose()
  saved.remove(path)
end)

local function first(m)
  m:create_table("hero", mr.Column{ "id", mr.Integer, primary_key = true }, mr.Column{ "name", mr.String(20) })
  m:create_table("pet", mr.Column{ "id", mr.Integer, primary_key = true },
    mr.Column{ "hero_id", mr.ForeignKey("hero.id", { ondelete = "CASCADE" }), index = true })
  m:execute "INSERT INTO hero (name) VALUES ('Ann'), ('Bob')"
  m:execute "INSERT INTO pet (hero_id) VALUES (1), (2), (2)"
end

local function mana(m) m:add_column("hero", "mana", mr.Integer, { default = 7 }) end
local function fewer(m) m:drop_column("hero", "name", { allow_loss = true }) end

local function steps(...)
  local list, fns = {}, { first, mana, fewer }
  for i, name in ipairs{ ... } do list[i] = { name, fns[i] } end
  return list
end

local function rows(sql) return saved.sqlite3(path, sql) end

describe("steps run", function()
  it("once, in their order, and are remembered by owner and name", function()
    assert.same({ "01 tables" }, db:migrate("game", steps "01 tables").applied)
    assert.same({ "02 mana" }, db:migrate("game", steps("01 tables", "02 mana")).applied)
    assert.same({}, db:migrate("game", steps("01 tables", "02 mana")).applied)
    assert.equal("1|Ann|7\n2|Bob|7", rows "SELECT * FROM hero")
    assert.equal("3", rows "SELECT count(*) FROM pet")
    assert.same({ "01 tables" }, db:migrate("mod:farm", { { "01 tables", function(m)
      m:create_table("farm", mr.Column{ "id", mr.Integer, primary_key = true })
    end } }).applied)
    assert.equal("game|01 tables|1\ngame|02 mana|2\nmod:farm|01 tables|1",
      rows "SELECT owner, name, position FROM moonrow_steps ORDER BY owner, position")
    saved.check(path)
  end)

  it("in no statement that writes when nothing is to be done", function()
    db:migrate("game", steps "01 tables")
    local records = db:record(function() db:migrate("game", steps "01 tables") end)
    for _, record in ipairs(records) do
      assert.truthy(record.statement:find "^SELECT" or record.statement:find "^PRAGMA", record.statement)
    end
    assert.equal(2, #records)
  end)

  it("in a database in memory, too, and in one that a session uses", function()
    local memory = mr.open "sqlite://"
    local Hero = memory.Model:extend("Hero", { id = mr.Column{ mr.Integer, primary_key = true },
      name = mr.Column{ mr.String(20) }, mana = mr.Column{ mr.Integer } })
    assert.is_nil(memory:migrate("game", steps "01 tables").backup)
    memory:migrate("game", steps("01 tables", "02 mana"))
    assert.equal(7, memory.session:get(Hero, 1).mana)
    memory.session:commit()
    memory:migrate("game", { steps("01 tables")[1], steps("01 tables", "02 mana")[2],
      { "03", function(m) m:execute "UPDATE hero SET mana = 8" end } })
    assert.equal(8, memory.session:get(Hero, 1).mana)
    assert.equal(1, memory.session:scalar(mr.text "PRAGMA foreign_keys"))
  end)

  it("whole or not at all", function()
    db:migrate("game", steps "01 tables")
    local before = rows "SELECT sql FROM sqlite_master"
    local list = steps("01 tables", "02 mana")
    list[2][2] = function(m)
      mana(m)
      m:batch("pet", function(t) t:add_column("name", mr.String(9), { default = "Rex", nullable = false }) end)
      m:drop_index "ix_pet_hero_id"
      error "power cut"
    end
    local ok, e = pcall(db.migrate, db, "game", list)
    assert.is_false(ok)
    assert.truthy(tostring(e):find "power cut")
    assert.equal(before, rows "SELECT sql FROM sqlite_master")
    assert.equal("1", rows "SELECT count(*) FROM moonrow_steps")
    assert.equal(1, db.session:scalar(mr.text "PRAGMA foreign_keys"))
    list[2][2] = mana
    assert.same({ "02 mana" }, db:migrate("game", list).applied)
    saved.check(path)
  end)

  it("with what went before kept, where one fails", function()
    local list = steps("01 tables", "02 mana", "03 fewer")
    list[3][2] = function() error{ mine = true } end
    local ok, e = pcall(db.migrate, db, "game", list)
    assert.same({ false, { mine = true } }, { ok, e })
    assert.equal("2", rows "SELECT count(*) FROM moonrow_steps")
  end)

  it("without the transaction's words", function()
    for _, sql in ipairs{ "COMMIT", " begin", "/* x */ ROLLBACK", "VACUUM" } do
      refuse("InvalidRequestError", "the step runs in a transaction of its own", db.migrate, db, "game",
        { { "1", function(m) m:execute(sql) end } })
    end
  end)

  it("and their rows are seen by the objects of sessions", function()
    db:migrate("game", steps "01 tables")
    local Hero = db.Model:extend("Hero", { id = mr.Column{ mr.Integer, primary_key = true },
      name = mr.Column{ mr.String(20) } })
    local ann = db.session:get(Hero, 1)
    db:migrate("game", { steps "01 tables"[1], { "2", function(m) m:execute "UPDATE hero SET name = 'Eve'" end } })
    assert.equal("Eve", ann.name)
  end)
end)

describe("before the first step", function()
  it("the file is copied", function()
    assert.is_nil(db:migrate("game", steps "01 tables").backup) -- an empty file needs none
    local result = db:migrate("game", steps("01 tables", "02 mana", "03 fewer"))
    assert.equal(path .. ".before-02_mana", result.backup)
    assert.same({ "02 mana", "03 fewer" }, result.applied)
    assert.equal("1|Ann\n2|Bob", saved.sqlite3(result.backup, "SELECT * FROM hero"))
    assert.equal("1|7\n2|7", rows "SELECT * FROM hero")
    saved.check(result.backup)
  end)

  it("to where the program says, or not at all", function()
    db:migrate("game", steps "01 tables")
    local other = saved.path()
    assert.equal(other, db:migrate("game", steps("01 tables", "02 mana"), { backup = other }).backup)
    assert.is_true(saved.exists(other))
    os.remove(other)
    assert.is_nil(db:migrate("game", steps("01 tables", "02 mana", "03 fewer"), { backup = false }).backup)
    assert.is_false(saved.exists(path .. ".before-03_fewer"))
  end)

  it("a copy that is there stays, and none is left where no step has run", function()
    db:migrate("game", steps "01 tables")
    local function fail(m) m:drop_table "nix" end
    refuse("InvalidRequestError", "nix", db.migrate, db, "game", { steps "01 tables"[1], { "02 mana", fail } })
    local first_copy = path .. ".before-02_mana"
    assert.is_false(saved.exists(first_copy))
    assert.equal(first_copy, db:migrate("game", steps("01 tables", "02 mana")).backup)
    saved.make(path, "DELETE FROM moonrow_steps WHERE name = '02 mana'", "ALTER TABLE hero DROP COLUMN mana",
      "UPDATE hero SET name = 'Eve'") -- an older save was put back
    assert.equal(first_copy .. ".2", db:migrate("game", steps("01 tables", "02 mana")).backup)
    assert.equal("1|Ann\n2|Bob", saved.sqlite3(first_copy, "SELECT * FROM hero"))
    assert.equal("1|Eve\n2|Eve", saved.sqlite3(first_copy .. ".2", "SELECT * FROM hero"))
    local list = steps("01 tables", "02 mana", "03 fewer")
    list[4] = { "04", fail }
    refuse("InvalidRequestError", "nix", db.migrate, db, "game", list)
    assert.is_true(saved.exists(path .. ".before-03_fewer"))
  end)

  it("a new file can get all tables of today's classes", function()
    db.Model:extend("Hero", { id = mr.Column{ mr.Integer, primary_key = true }, mana = mr.Column{ mr.Integer } })
    local list = steps("01 tables", "02 mana", "03 fewer")
    assert.same({}, db:migrate("game", list, { create = true }).applied)
    assert.equal("3", rows "SELECT count(*) FROM moonrow_steps")
    assert.equal("0", rows "SELECT count(mana) FROM hero")
    assert.same({}, db:migrate("game", list, { create = true }).applied)
    list[4] = { "04", function(m) m:add_column("hero", "age", mr.Integer) end }
    assert.same({ "04" }, db:migrate("game", list, { create = true }).applied)
  end)
end)

describe("of two programs that make a new file", function()
  it("one finds it made", function()
    local other, done = open(), false
    for _, one in ipairs{ db, other } do
      one.Model:extend("Hero", { id = mr.Column{ mr.Integer, primary_key = true }, mana = mr.Column{ mr.Integer } })
    end
    mr.event.listen(db, "before_execute", function(_, statement)
      if statement ~= "PRAGMA foreign_keys = OFF" or done then return end
      done = true
      other:migrate("game", steps("01 tables", "02 mana"), { create = true })
    end)
    assert.same({}, db:migrate("game", steps("01 tables", "02 mana"), { create = true }).applied)
    assert.is_true(done)
    assert.equal("2|0", rows "SELECT (SELECT count(*) FROM moonrow_steps), count(mana) FROM hero")
    other.engine:dispose()
  end)
end)

describe("a file is refused, and not touched,", function()
  local function check(pattern, list, owner, options)
    local before = saved.sqlite3(path, ".dump")
    refuse("InvalidRequestError", pattern, db.migrate, db, owner or "game", list, options)
    assert.equal(before, saved.sqlite3(path, ".dump"))
    assert.is_false(saved.exists(path .. ".before-new"))
  end

  before_each(function() db:migrate("game", steps("01 tables", "02 mana"), { backup = false }) end)

  it("when it is newer than the program", function()
    check("the file is newer than the program: step '02 mana' of 'game'", steps "01 tables")
    check("the file is newer than the program: step '01 tables' of 'game'", {})
  end)

  it("when a step was removed, renamed, moved, or put before others", function()
    local list = steps("01 tables", "02 mana")
    check("step '01 tables' of 'game' has run on the file, and the program has no step of the name", { list[2] })
    check({ "step '02 mana' of 'game'", "no step of the name (step 2 is 'new')" }, { list[1], { "new", mana } })
    check("in another order than they have run on the file: '01 tables' has run as number 1, and is number 2 now",
      { list[2], list[1] })
    check("in another order than they have run on the file: '02 mana' has run as number 2, and is number 3",
      { list[1], { "new", mana }, list[2] })
  end)

  it("when a step was edited, unless the program says so", function()
    local list = steps("01 tables", "02 mana")
    list[2][2] = function(m) m:add_column("hero", "mana", mr.Integer, { default = 8 }) end
    check("step '02 mana' of 'game' is another one than that which has run", list)
    assert.same({}, db:migrate("game", list, { edited = "ignore" }).applied)
    -- Another place, other names of variables, a comment: the same function.
    list[2][2] = function(migration) --[[ here ]]
      migration:add_column("hero", "mana", mr.Integer, { default = 7 })
    end
    assert.same({}, db:migrate("game", list).applied)
  end)
end)

describe("a step is refused that", function()
  before_each(function() db:migrate("game", steps "01 tables") end)

  local function run(fn, options)
    return db:migrate("game", { steps "01 tables"[1], { "new", fn } }, options)
  end
  local function check(kind, pattern, fn) refuse(kind, pattern, run, fn) end

  it("leaves rows without their parents", function()
    check("IntegrityError", "step 'new' of 'game' leaves 2 rows of pet to hero without the row that they refer to",
      function(m) m:execute "DELETE FROM hero WHERE name = 'Bob'" end)
    assert.equal("2", rows "SELECT count(*) FROM hero")
  end)

  it("but not for rows that were there before", function()
    saved.make(path, "INSERT INTO pet (hero_id) VALUES (99)")
    assert.same({ "new" }, run(mana).applied)
  end)

  it("leaves views or triggers that do not run", function()
    check("OperationalError", "leaves what does not run (error in view v: no such column: name)", function(m)
      m:execute "CREATE VIEW v AS SELECT name FROM hero"
      fewer(m)
    end)
    check("OperationalError", "error in trigger t: no such column: new.name", function(m)
      m:execute [[CREATE TRIGGER t AFTER UPDATE ON hero BEGIN INSERT INTO pet (hero_id) VALUES (new.name); END]]
      fewer(m)
    end)
  end)

  it("leaves others than those that did not run before", function()
    saved.make(path, "CREATE VIEW bad AS SELECT nosuch FROM hero", "CREATE VIEW good AS SELECT id, name FROM hero",
      "CREATE TRIGGER a INSTEAD OF UPDATE ON bad BEGIN SELECT 1; END",
      [=[CREATE TRIGGER IF NOT EXISTS main.[b c] INSTEAD OF INSERT ON good
        BEGIN INSERT INTO hero (name) VALUES (new.name); END]=],
      "CREATE TRIGGER update_of /* of */ INSTEAD OF UPDATE OF name ON good BEGIN SELECT new.name; END")
    check("OperationalError", "leaves what does not run (error in view good: no such column: name)", fewer)
    assert.same({ "new" }, run(mana).applied)
  end)

  it("loses values, unless it is allowed", function()
    check("InvalidRequestError", "drop_column: 2 rows of 'hero' have a value in 'name'",
      function(m) m:drop_column("hero", "name") end)
    check("InvalidRequestError", "drop_table: 'pet' has 3 rows, which would be lost",
      function(m) m:drop_table "pet" end)
    check("InvalidRequestError", "alter_column: 2 rows of 'hero' have a value in 'name' that is no INTEGER, such as"
      .. " 'Ann'",
      function(m) m:alter_column("hero", "name", { type = mr.Integer }) end)
    assert.same({ "new" }, run(function(m)
      m:drop_column("hero", "name")
      m:drop_table "pet"
    end, { allow_loss = true }).applied)
    assert.equal("1\n2", rows "SELECT * FROM hero")
  end)

  it("names what is not there", function()
    local cases = {
      { "add_column: the database has no table 'heros' (did you mean 'hero'?)", "add_column", "heros", "a",
        mr.Integer },
      { "the table 'hero' has a column 'name' already", "add_column", "hero", "name", mr.Integer },
      { "the table 'hero' has no column 'nam' (did you mean 'name'?)", "drop_column", "hero", "nam" },
      { "drop_column: 'id' is in the primary key of 'hero'", "drop_column", "hero", "id" },
      { "drop_table: the database has no table 'x'", "drop_table", "x" },
      { "drop_unique: the table 'hero' has none such: it has none at all", "drop_unique", "hero", "uq" },
      { "rename_column: the table 'hero' has a column 'id' already", "rename_column", "hero", "name", "id" },
      { "has rows, and the new column 'x' is NOT NULL: give it a default", "add_column", "hero", "x", mr.Integer,
        { nullable = false } },
    }
    for _, case in ipairs(cases) do
      check("InvalidRequestError", case[1], function(m) m[case[2]](m, table.unpack(case, 3)) end)
    end
    check("ArgumentError", "a migration has no method 'add_colum' (did you mean 'add_column'?)",
      function(m) m:add_colum("hero", "x") end)
  end)
end)

describe("db:migrate refuses", function()
  it("what is no list of steps", function()
    refuse("ArgumentError", "the owner of the steps", db.migrate, db, 1, {})
    refuse("ArgumentError", "a list of steps", db.migrate, db, "game", "x")
    refuse("ArgumentError", 'migrate: step 1: expected { "name"', db.migrate, db, "game", { "x" })
    refuse("ArgumentError", "migrate: step 1: expected a name", db.migrate, db, "game", { { print } })
    refuse("ArgumentError", "migrate: step 'a': expected a function", db.migrate, db, "game", { { "a" } })
    refuse("ArgumentError", "two steps are called 'a'", db.migrate, db, "game", { { "a", print }, { "a", print } })
    local function one() end
    refuse("ArgumentError", "migrate: step 2 is missing, and there is a step 3", db.migrate, db, "game",
      { { "a", one }, nil, { "c", one } })
    refuse("ArgumentError", "migrate: the list of steps has the key a: a step is", db.migrate, db, "game", { a = one })
    refuse("ArgumentError", "migrate: step 'a' has the key allow_loss: a step is a name and a function", db.migrate, db,
      "game", { { "a", one, allow_loss = true } })
    refuse("ArgumentError", '"refuse" or "ignore"', db.migrate, db, "game", {}, { edited = true })
    refuse("ArgumentError", "known are", db.migrate, db, "game", {}, { zz = 1 })
  end)

  it("a file that a session of the program writes at the moment", function()
    db:migrate("game", steps "01 tables")
    db.session:execute(mr.text "UPDATE hero SET name = 'x'")
    refuse("OperationalError", "session", db.migrate, db, "game", steps("01 tables", "02 mana"))
    db.session:rollback()
    assert.same({ "02 mana" }, db:migrate("game", steps("01 tables", "02 mana")).applied)
  end)
end)
