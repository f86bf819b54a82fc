-- Rows that refer to each other are deleted in order: the referring row first, even if its foreign key is not loaded.

local mr = require "moonrow"

local db

local function deleted()
  local ids = {}
  for _, record in ipairs(db:record(function() db.session:flush() end)) do
    if record.statement:find "^DELETE" then
      for _, values in ipairs(type(record.parameters[1]) == "table" and record.parameters or { record.parameters }) do
        ids[#ids + 1] = values[1]
      end
    end
  end
  return ids
end

describe("rows of one table that only a many-to-one tells of", function()
  local Node

  before_each(function()
    db = mr.open "sqlite://"
    Node = db.Model:extend("Node", {
      id        = db.Column{ db.Integer, primary_key = true },
      parent_id = db.Column{ db.Integer, db.ForeignKey "node.id" },
      parent    = db.relationship{ "Node", remote_side = "Node.id" },
    })
    db:create_all()
    local top = Node{ id = 1 }
    local middle = Node{ id = 2, parent = top }
    db.session:add_all{ top, middle, Node{ id = 3, parent = middle } }
    db.session:commit()
  end)

  local function delete(nodes)
    for _, node in ipairs(nodes) do db.session:delete(node) end
  end

  it("go leaf first when they have expired", function()
    local nodes = Node.query:all()
    db.session:expire_all()
    delete(nodes)
    assert.same({ 3, 2, 1 }, deleted())
    db.session:commit()
    assert.equal(0, Node.query:count())
  end)

  it("go leaf first when the foreign key is deferred", function()
    db.session:remove()
    delete(Node.query:options(mr.defer "parent_id"):all())
    assert.same({ 3, 2, 1 }, deleted())
  end)

  it("cost no SELECT when one goes alone", function()
    local leaf = Node.query:filter_by{ id = 3 }:one()
    db.session:commit()
    db.session:delete(leaf)
    assert.equal(1, #db:record(function() db.session:flush() end))
  end)
end)

it("a reference to a column that is no key orders deletes, too", function()
  db = mr.open "sqlite://"
  local Node = db.Model:extend("Node", {
    id          = db.Column{ db.Integer, primary_key = true },
    name        = db.Column{ db.String(9), unique = true },
    parent_name = db.Column{ db.String(9), db.ForeignKey "node.name" },
    parent      = db.relationship{ "Node", remote_side = "Node.name" },
  })
  db:create_all()
  local top = Node{ id = 1, name = "top" }
  db.session:add_all{ top, Node{ id = 2, name = "leaf", parent = top } }
  db.session:commit()
  db.session:remove()
  for _, node in ipairs(Node.query:all()) do db.session:delete(node) end
  assert.same({ 2, 1 }, deleted())
end)
