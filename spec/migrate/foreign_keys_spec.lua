-- A step is told of the foreign keys that it breaks, whatever was broken before and whatever it mends.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local saved = require "spec.support.saved"

local path, db

before_each(function()
  path = saved.path()
  saved.make(path, "CREATE TABLE p (id INTEGER PRIMARY KEY)", "CREATE TABLE c (x REFERENCES p)",
    "CREATE TABLE d (x REFERENCES p)", "INSERT INTO p VALUES (1)", "INSERT INTO c VALUES (7), (8), (9)",
    "INSERT INTO d VALUES (1)")
  db = mr.open("sqlite:///" .. path)
end)
after_each(function()
  db.engine:dispose()
  saved.remove(path)
end)

local function migrate(...)
  local steps = {}
  for i, fn in ipairs{ ... } do steps[i] = { "step " .. i, fn } end
  return db:migrate("game", steps, { backup = false })
end

local function mend(m) m:execute "DELETE FROM c" end
local function destroy(m) m:execute "DELETE FROM p" end

describe("a step is refused that breaks a foreign key", function()
  it("and mends more of another", function()
    refuse("IntegrityError", "leaves 1 rows of d to p without the row", migrate, function(m)
      mend(m)
      destroy(m)
    end)
    assert.equal("3", saved.sqlite3(path, "SELECT count(*) FROM c"))
  end)

  it("and follows one that has mended others", function()
    refuse("IntegrityError", "step 'step 2' of 'game' leaves 1 rows of d to p", migrate, mend, destroy)
    assert.equal("0|1", saved.sqlite3(path, "SELECT (SELECT count(*) FROM c), count(*) FROM p"))
  end)

  it("and renames a table of broken rows", function()
    refuse("IntegrityError", "leaves 4 rows of e to p", migrate, function(m)
      m:rename_table("c", "e")
      m:execute "INSERT INTO e VALUES (10)"
    end)
  end)

  it("so that it does not fit what it refers to, as another did before", function()
    saved.make(path, "CREATE TABLE odd (a)", "CREATE TABLE o (x REFERENCES odd (a))",
      "CREATE TABLE q (id INTEGER, u UNIQUE)", "CREATE TABLE r (x REFERENCES q (u))")
    refuse("OperationalError", "leaves a foreign key of 'r' that does not fit", migrate,
      function(m) m:drop_unique("q", "u") end)
    assert.equal(2, #migrate(function(m) m:rename_table("o", "O2") end,
      function(m) m:rename_table("odd", "even") end).applied)
  end)
end)

describe("a step may leave the rows that were broken before it", function()
  it("in a table, or the one that it refers to, under another name", function()
    assert.equal(4, #migrate(function(m) m:rename_table("p", "parent") end,
      function(m) m:rename_table("c", "child") end,
      function(m) m:alter_column("child", "x", { type = mr.Integer }) end,
      function(m) m:rename_column("child", "x", "y") end).applied)
  end)
end)
