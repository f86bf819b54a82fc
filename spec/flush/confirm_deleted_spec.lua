-- confirm_deleted_rows = false: a DELETE of an object need not find its row, because the database has deleted it.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

describe("confirm_deleted_rows", function()
  -- Nodes whose children the database deletes with them.
  local function open(confirm)
    local db = mr.open "sqlite://"
    local Node = db.Model:extend("Node", {
      id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String(9) },
      parent_id = db.Column{ db.Integer, db.ForeignKey("node.id", { ondelete = "CASCADE" }) },
      __mapper_args = { confirm_deleted_rows = confirm },
    })
    db:create_all()
    db.session:add_all{ Node{ id = 1 }, Node{ id = 2, parent_id = 1 }, Node{ id = 3, parent_id = 2 }, Node{ id = 4 } }
    db.session:commit()
    return db, Node
  end

  local function delete_all(db, Node)
    for _, node in ipairs(Node.query:order_by(Node.id):all()) do
      if node.id < 4 then db.session:delete(node) end
    end
    return db:record(function() db.session:flush() end)
  end

  it("is true by default: a row that the database has deleted already is missed", function()
    local db, Node = open(nil)
    refuse("StaleDataError", "Node", delete_all, db, Node)
    db.session:rollback()
    assert.equal(4, Node.query:count())
  end)

  it("= false takes such a row for deleted", function()
    local db, Node = open(false)
    local records = delete_all(db, Node)
    assert.equal(1, #records)
    assert.matches("^DELETE FROM node", records[1].statement)
    db.session:commit()
    assert.equal(1, Node.query:count())
    assert.is_nil(db.session:get(Node, 2))
  end)

  it("= false takes a row for deleted that another session has deleted, and no object of it stays", function()
    local db, Node = open(false)
    local node = db.session:get(Node, 4)
    db.session:execute(mr.delete(Node):where(Node.id:eq(4)), {}, { synchronize_session = false })
    db.session:delete(node)
    db.session:commit()
    assert.equal("detached", mr.inspect(node).state)
  end)

  it("= false asks UPDATEs for their rows all the same", function()
    local db, Node = open(false)
    local node = db.session:get(Node, 4)
    db.session:execute(mr.delete(Node):where(Node.id:eq(4)), {}, { synchronize_session = false })
    node.name = "x"
    refuse("StaleDataError", "Node 4", function() db.session:flush() end)
    db.session:rollback()
  end)

  it("= false holds for orphans of a collection", function()
    local db = mr.open "sqlite://"
    local Item = db.Model:extend("Item", { id = db.Column{ db.Integer, primary_key = true },
      box_id = db.Column{ db.Integer, db.ForeignKey "box.id" }, __mapper_args = { confirm_deleted_rows = false } })
    local Box = db.Model:extend("Box", { id = db.Column{ db.Integer, primary_key = true },
      items = db.relationship{ "Item", cascade = "all, delete-orphan", collection_class = mr.set } })
    db:create_all()
    local box = Box{ items = { Item{}, Item{} } }
    db.session:add(box)
    db.session:commit()
    assert.equal(2, #box.items)
    db.session:execute(mr.delete(Item), {}, { synchronize_session = false })
    box.items:clear()
    db.session:commit()
    assert.equal(0, #box.items)
  end)

  it("takes true or false", function()
    refuse("ArgumentError", "confirm_deleted_rows", open, "no")
  end)
end)
