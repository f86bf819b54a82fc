-- option_spec.lua: an option of mr.relationship or mr.backref that would have no effect is an error.

local mr = require "moonrow"

local function declare(options)
  local db = mr.open "sqlite://"
  db.Model:extend("Parent", {
    id = db.Column{ db.Integer, primary_key = true },
    children = db.relationship("Child", options),
  })
  local Child = db.Model:extend("Child", {
    id = db.Column{ db.Integer, primary_key = true },
    parent_id = db.Column{ db.Integer, db.ForeignKey "parent.id" },
  })
  db:configure()
  return db, Child
end

-- Calls fn. Returns its error without the place.
local function problem(fn, ...)
  local ok, e = pcall(fn, ...)
  assert.is_false(ok)
  return e.kind .. ": " .. e.message
end

describe("mr.backref", function()
  for _, option in ipairs{ "backref", "back_populates" } do
    it("does not take " .. option .. ", which only the relationship itself has", function()
      local expected = "ArgumentError: unknown option '" .. option .. "' for backref"
      assert.equal(expected, problem(mr.backref, "parent", { [option] = "children" }):sub(1, #expected))
      assert.equal(expected, problem(mr.backref, { "parent", [option] = "children" }):sub(1, #expected))
    end)
  end

  it("takes the others, as the relationship does", function()
    local db, Child = declare{ backref = mr.backref("parent", { lazy = "joined", innerjoin = true }) }
    assert.equal("SELECT child.id AS child_id, child.parent_id AS child_parent_id, parent_1.id AS parent_1_id"
      .. " FROM child JOIN parent AS parent_1 ON parent_1.id = child.parent_id", tostring(db.session:query(Child)))
  end)
end)

describe("passive_deletes", function()
  for _, value in ipairs{ 1, mr.null, {} } do
    it("is not " .. type(value), function()
      local text = problem(declare, { passive_deletes = value })
      assert.equal("ArgumentError: Parent.children: passive_deletes: expected true, false or 'all', got ",
        text:match "^.*, got ")
    end)
  end

  for _, value in ipairs{ true, false, "all" } do
    it("may be " .. tostring(value), function() declare{ passive_deletes = value } end)
  end
end)
