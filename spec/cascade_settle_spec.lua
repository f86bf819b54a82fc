-- Cascades are settled at the flush: what was to go with its parent, and was given to another one in time, stays;
-- what was given to the deleted one goes.

local mr = require "moonrow"

local ORPHAN = "all, delete-orphan"

local db, s
local function id() return db.Column{ db.Integer, primary_key = true } end
local function to(column, options)
  local c = { db.Integer, db.ForeignKey(column) }
  for k, v in pairs(options or {}) do c[k] = v end
  return db.Column(c)
end
local function state(object) return mr.inspect(object).state end
local function rows(text)
  local out = {}
  for row in db.session:execute(mr.text(text)):iter() do
    out[#out + 1] = ("%s:%s"):format(row[1], row[2])
  end
  return table.concat(out, " ")
end
local function children() return rows "SELECT id, parent_id FROM child ORDER BY id" end

-- Parent and Child, the one with `children` or `child`. options: cascade, scalar, backref, nullable.
local function family(o)
  db = mr.open "sqlite://"
  s = db.session
  local side = { "Child", cascade = o.cascade, order_by = not o.scalar and "Child.id" or nil, uselist = not o.scalar,
                 back_populates = o.backref and "parent" or nil, passive_deletes = o.passive_deletes }
  local Parent = db.Model:extend("Parent", { id = id(), [o.scalar and "child" or "children"] = db.relationship(side) })
  local Child = db.Model:extend("Child", {
    id = id(), parent_id = to("parent.id", { nullable = o.nullable }),
    parent = o.backref and db.relationship{ "Parent", back_populates = o.scalar and "child" or "children" } or nil,
    toys = db.relationship{ "Toy", cascade = "all" },
  })
  local Toy = db.Model:extend("Toy", { id = id(), child_id = to "child.id" })
  db:create_all()
  return Parent, Child, Toy
end

local function with(parent, child, scalar)
  if scalar then parent.child = child else parent.children:append(child) end
end

for _, cascade in ipairs{ "all", ORPHAN } do
  for _, scalar in ipairs{ false, true } do
    for _, backref in ipairs{ true, false } do
      local title = ("a %s of cascade %q %s"):format(scalar and "scalar" or "list", cascade,
                                                     backref and "with a backref" or "alone")
      describe(title, function()
        local Parent, Child, Toy, old, child, toy

        before_each(function()
          Parent, Child, Toy = family{ cascade = cascade, scalar = scalar, backref = backref }
          toy = Toy{}
          child = Child{ toys = { toy } }
          old = Parent{}
          with(old, child, scalar)
          s:add(old)
          s:add(Parent{})
          s:commit()
        end)

        local function stays_with(parent)
          assert.equal("persistent", state(child))
          s:commit()
          assert.equal("1:" .. (parent and parent.id or "nil"), children())
          assert.equal("1:1", rows "SELECT id, child_id FROM toy")
          assert.is_nil(s:get(Parent, 1))
        end

        it("keeps what a new parent was given after the deletion", function()
          s:delete(old)
          assert.equal(3, #s.deleted)
          local new = Parent{}
          s:add(new)
          with(new, child, scalar)
          assert.same({ 1, old }, { #s.deleted, s.deleted[1] })
          stays_with(new)
        end)

        it("keeps what a new parent was given before it came into the session", function()
          s:delete(old)
          local new = Parent{}
          with(new, child, scalar)
          s:add(new)
          stays_with(new)
        end)

        it("keeps what a stored parent was given", function()
          s:no_autoflush(function()
            s:delete(old)
            local new = s:get(Parent, 2)
            with(new, child, scalar)
            stays_with(new)
          end)
        end)

        it("keeps what a stored parent was given before the deletion", function()
          s:no_autoflush(function()
            local _ = scalar and old.child or old.children[1]
            local new = s:get(Parent, 2)
            with(new, child, scalar)
            s:delete(old)
            stays_with(new)
          end)
        end)

        it("keeps what was added again, with no parent", function()
          s:delete(old)
          s:add(child)
          assert.equal(1, #s.deleted)
          stays_with(nil)
        end)

        it("keeps all when the parent is added again", function()
          s:delete(old)
          s:add(old)
          assert.equal(0, #s.deleted)
          s:commit()
          assert.equal("1:1", children())
        end)

        it("takes what was added again when the deletion is asked for once more", function()
          s:delete(old)
          s:add(child)
          s:add(old)
          s:delete(old)
          s:commit()
          assert.equal("", children())
        end)

        it("takes what goes by its own name, whoever it was given to", function()
          s:delete(old)
          s:delete(child)
          local new = Parent{}
          s:add(new)
          with(new, child, scalar)
          s:flush()
          assert.equal("deleted", state(child))
          assert.equal("", children())
        end)

        it("takes what was given to another that is deleted as well", function()
          s:no_autoflush(function()
            s:delete(old)
            local new = s:get(Parent, 2)
            with(new, child, scalar)
            s:delete(new)
            s:flush()
          end)
          assert.equal("", children())
          assert.equal("", rows "SELECT id, child_id FROM toy")
        end)

        it("takes what the deleted one was given afterwards", function()
          local other = Child{ toys = { Toy{} } }
          s:add(other)
          s:commit()
          s:delete(old)
          with(old, other, scalar)
          s:flush()
          assert.equal("deleted", state(other))
          assert.equal(scalar and cascade == "all" and "1:nil" or "",
                       children())
        end)

        it("has its marks back when the transaction is rolled back, and decides anew", function()
          s:delete(old)
          s:rollback()
          assert.equal(0, #s.deleted)
          s:commit()
          assert.equal("1:1", children())
          s:delete(old)
          s:add(child)
          s:rollback()
          s:delete(old)
          s:commit()
          assert.equal("", children())
        end)

        it("keeps what has another foreign key, written by hand after the deletion", function()
          s:delete(old)
          child.parent_id = 2
          s:commit()
          assert.equal("1:2", children())
        end)
      end)
    end
  end
end
