-- Versions of rows: who makes them, when they rise, and which statements compare them.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local db, Doc

local function open(args, version)
  db = mr.open "sqlite://"
  args = args or {}
  args.version_id_col = "version"
  Doc = db.Model:extend("Doc", {
    id      = db.Column{ db.Integer, primary_key = true },
    body    = db.Column{ db.String(40) },
    version = version or db.Column{ db.Integer },
    __mapper_args = args,
  })
  db:create_all()
end

local function listed(values, comma)
  local texts = {}
  for i, v in ipairs(values) do
    if v == mr.null then v = "NULL" end
    texts[i] = type(v) == "table" and "(" .. listed(v, " ") .. ")" or tostring(v)
  end
  return table.concat(texts, comma)
end

-- Runs fn, or a flush. Returns "SQL [parameters]" for each statement.
local function sent(fn)
  local texts = {}
  for i, record in ipairs(db:record(fn or function() db.session:flush() end)) do
    texts[i] = record.statement .. " [" .. listed(record.parameters, ", ") .. "]"
  end
  return texts
end

local function added(values)
  local doc = Doc(values)
  db.session:add(doc)
  db.session:commit()
  assert.equal(doc.body, values.body) -- it is not expired
  return doc
end

describe("a version that the program sets", function()
  before_each(function() open() end)

  it("is not that of a new row", function()
    assert.equal(1, added{ body = "a", version = 9 }.version)
  end)

  it("is written, alone or with other columns; the row is found by the old one", function()
    local doc = added{ body = "a" }
    doc.version = 7
    assert.same({ "UPDATE doc SET version=? WHERE doc.id = ? AND doc.version = ? [7, 1, 1]" }, sent())
    assert.equal(7, doc.version)
    doc.version, doc.body = 9, "b"
    assert.same({ "UPDATE doc SET body=?, version=? WHERE doc.id = ? AND doc.version = ? [b, 9, 1, 7]" }, sent())
    doc.version = 9
    assert.same({}, sent())
    doc.body = "c"
    assert.same({ "UPDATE doc SET body=?, version=? WHERE doc.id = ? AND doc.version = ? [c, 10, 1, 9]" }, sent())
  end)

  it("does not hinder a delete", function()
    local doc = added{ body = "a" }
    doc.version = 20
    db.session:delete(doc)
    assert.same({ "DELETE FROM doc WHERE doc.id = ? AND doc.version = ? [1, 1]" }, sent())
  end)

  it("may be an expression, and is known after it", function()
    local doc = added{ body = "a" }
    doc.version = Doc.version + 5
    sent()
    assert.same({}, sent(function() assert.equal(6, doc.version) end))
    doc.body = "b"
    assert.same({ "UPDATE doc SET body=?, version=? WHERE doc.id = ? AND doc.version = ? [b, 7, 1, 6]" }, sent())
  end)

  it("cannot be nil", function()
    local doc = added{ body = "a" }
    doc.version = nil
    refuse("InvalidRequestError", { "Doc.version", "NULL" }, db.session.flush, db.session)
    db.session:rollback()
    assert.equal(1, doc.version)
  end)
end)

describe("a version and the key", function()
  before_each(function() open() end)

  it("it rises with a change of the key", function()
    local doc = added{ body = "a" }
    doc.id = 11
    assert.same({ "UPDATE doc SET id=?, version=? WHERE doc.id = ? AND doc.version = ? [11, 2, 1, 1]" }, sent())
    assert.equal(2, doc.version)
  end)

  it("it rises where a new object takes the row of a deleted one", function()
    db.session:delete(added{ body = "a" })
    local doc = Doc{ id = 1, body = "b" }
    db.session:add(doc)
    assert.same({ "UPDATE doc SET body=?, version=? WHERE doc.id = ? AND doc.version = ? [b, 2, 1, 1]" }, sent())
    assert.equal(2, doc.version)
    doc.body = "c"
    db.session:commit()
    assert.equal(3, doc.version)
  end)
end)

describe("rows without objects", function()
  it("new ones get their first version, and that of an own generator", function()
    open()
    db.session:execute(mr.insert(Doc), { { id = 1, body = "a" }, { id = 2, body = "b" }, { id = 3, body = "c" } })
    db.session:execute(mr.insert(Doc):values{ id = 4, body = "d" })
    assert.same({ 1, 1, 1, 1 }, db.session:scalars(mr.select(Doc.version)):all())
    local n = 0
    open({ version_id_generator = function(before)
      assert(before == nil or before > 0)
      n = n + 10
      return n
    end })
    db.session:execute(mr.insert(Doc), { { id = 1, body = "a" }, { id = 2, body = "b" }, { id = 3, body = "c" } })
    assert.same({ 10, 20, 30 }, db.session:scalars(mr.select(Doc.version)):all())
    db.session:execute(mr.update(Doc), { { id = 1, version = 10, body = "x" }, { id = 3, version = 30, body = "y" } })
    assert.same({ 40, 20, 50 }, db.session:scalars(mr.select(Doc.version)):all())
  end)

  it("are updated by key and version, which rises", function()
    open()
    db.session:execute(mr.insert(Doc), { { id = 1, body = "a" }, { id = 2, body = "b" }, { id = 3, body = "c" } })
    local texts = sent(function()
      db.session:execute(mr.update(Doc), { { id = 1, body = "x", version = 1 }, { id = 2, body = "y", version = 1 },
                                           { id = 3, body = "z", version = 1 } })
    end)
    assert.same({ "UPDATE doc SET body=?, version=? WHERE doc.id = ? AND doc.version = ? "
                  .. "[(x 2 1 1), (y 2 2 1), (z 2 3 1)]" }, texts)
    refuse("StaleDataError", "expected to update 2 row(s); 1 were matched", function()
      db.session:execute(mr.update(Doc), { { id = 1, body = "q", version = 2 }, { id = 2, body = "q", version = 1 } })
    end)
    refuse("ArgumentError", { "Doc.version", "version" }, function()
      db.session:execute(mr.update(Doc), { { id = 1, body = "q" } })
    end)
  end)

  it("an update by criteria leaves the versions alone", function()
    open()
    local doc = added{ body = "a" }
    assert.same({ "UPDATE doc SET body=? [x]" }, sent(function() Doc.query:update{ body = "x" } end))
    assert.same({ "x", 1 }, { doc.body, doc.version })
    doc.body = "y"
    db.session:commit()
    assert.equal(2, doc.version)
  end)
end)

describe("version_id_generator = false", function()
  it("lets the program make the versions: a row is found by the one it had", function()
    open({ version_id_generator = false })
    local doc = added{ body = "a", version = 1 }
    doc.body = "b"
    assert.same({ "UPDATE doc SET body=? WHERE doc.id = ? AND doc.version = ? [b, 1, 1]" }, sent())
    doc.body, doc.version = "c", 2
    assert.same({ "UPDATE doc SET body=?, version=? WHERE doc.id = ? AND doc.version = ? [c, 2, 1, 1]" }, sent())
    doc.body, doc.version = "d", 3
    db.session:no_autoflush(function() db.session:execute(mr.text "UPDATE doc SET version = 9") end)
    refuse("StaleDataError", "expected to update 1 row(s); 0 were matched", db.session.flush, db.session)
    db.session:rollback()
  end)

  it("refuses a row without a version", function()
    open({ version_id_generator = false })
    db.session:add(Doc{ body = "a" })
    refuse("InvalidRequestError", { "Doc.version", "NULL" }, db.session.flush, db.session)
    db.session:rollback()
    local doc = added{ body = "a", version = 1 }
    doc.body, doc.version = "b", nil
    refuse("InvalidRequestError", { "Doc.version", "NULL" }, db.session.flush, db.session)
    db.session:rollback()
    assert.same({ "a", 1 }, { doc.body, doc.version })
  end)

  it("lets the database make them: they come back with the statement", function()
    local column = mr.Column{ mr.Integer, nullable = false, default = mr.func.abs(-1),
                              onupdate = mr.text "doc.version + 1" }
    open({ version_id_generator = false }, column)
    local doc = Doc{ body = "a" }
    db.session:add(doc)
    assert.same({ "INSERT INTO doc (version, body) VALUES (abs(?), ?) RETURNING id, version [-1, a]" }, sent())
    assert.same({}, sent(function() assert.same({ 1, 1 }, { doc.id, doc.version }) end))
    doc.body = "b"
    assert.same({ "UPDATE doc SET version=doc.version + 1, body=? WHERE doc.id = ? AND doc.version = ? "
                  .. "RETURNING version [b, 1, 1]" }, sent())
    assert.same({}, sent(function() assert.equal(2, doc.version) end))
    db.session:no_autoflush(function() db.session:execute(mr.text "UPDATE doc SET version = 5") end)
    doc.body = "c"
    refuse("StaleDataError", "0 were matched", db.session.flush, db.session)
    db.session:rollback()
  end)

  it("is a function or false", function()
    refuse("ArgumentError", { "version_id_generator", "a function, or false" }, open, { version_id_generator = true })
  end)
end)

describe("a version and post_update", function()
  local Node

  local function nodes(kind)
    db = mr.open "sqlite://"
    Node = db.Model:extend("Node", {
      id        = db.Column{ db.Integer, primary_key = true },
      version   = db.Column{ db.Integer },
      parent_id = db.Column{ db.Integer, db.ForeignKey "node.id" },
      related   = db.relationship{ "Node", remote_side = kind == "children" and "Node.parent_id" or "Node.id",
                                   post_update = true },
      __mapper_args = { version_id_col = "version" },
    })
    db:create_all()
    local one, two = Node{ id = 1 }, Node{ id = 2 }
    db.session:add_all{ one, two }
    return one, two
  end

  it("rises with the UPDATE of the foreign key, on the row that has it", function()
    local one, two = nodes "parent"
    db.session:flush()
    one.related = two
    assert.same({ "UPDATE node SET version=?, parent_id=? WHERE node.id = ? AND node.version = ? [2, 2, 1, 1]" },
      sent())
    assert.same({ 2, 1 }, { one.version, two.version })
    db.session:delete(one)
    assert.same({ "UPDATE node SET version=?, parent_id=? WHERE node.id = ? AND node.version = ? [3, NULL, 1, 2]",
                  "DELETE FROM node WHERE node.id = ? AND node.version = ? [1, 3]" }, sent())
    one, two = nodes "children"
    db.session:flush()
    one.related:append(two)
    sent()
    assert.same({ 1, 2 }, { one.version, two.version })
  end)

  it("does not rise where the row is new", function()
    local one, two = nodes "parent"
    one.related = two
    assert.same({ "INSERT INTO node (id, version, parent_id) VALUES (?, ?, ?) [(1 1 NULL), (2 1 NULL)]",
                  "UPDATE node SET parent_id=? WHERE node.id = ? AND node.version = ? [2, 1, 1]" }, sent())
    assert.same({ 1, 1 }, { one.version, two.version })
  end)

  it("finds a concurrent change", function()
    for _, kind in ipairs{ "parent", "children" } do
      local one, two = nodes(kind)
      db.session:flush()
      db.session:execute(mr.text "UPDATE node SET version = 3")
      if kind == "parent" then one.related = two else one.related:append(two) end
      refuse("StaleDataError", "expected to update 1 row(s); 0 were matched", db.session.flush, db.session)
      db.session:rollback()
    end
  end)

  it("of an expired object is read with the foreign key, in one SELECT", function()
    local one, two = nodes "parent"
    one.related = two
    db.session:commit()
    db.session:delete(one)
    assert.same({ "SELECT node.id AS node_id, node.version AS node_version, node.parent_id AS node_parent_id FROM node "
                  .. "WHERE node.id = ? [1]",
                  "UPDATE node SET version=?, parent_id=? WHERE node.id = ? AND node.version = ? [2, NULL, 1, 1]",
                  "DELETE FROM node WHERE node.id = ? AND node.version = ? [1, 2]" }, sent())
  end)

  it("rises twice where the row changes otherwise, too", function()
    local one, two = nodes "parent"
    db.session:flush()
    one.version = 5
    one.related = two
    assert.same({ "UPDATE node SET version=? WHERE node.id = ? AND node.version = ? [5, 1, 1]",
                  "UPDATE node SET version=?, parent_id=? WHERE node.id = ? AND node.version = ? [6, 2, 1, 5]" },
      sent())
    assert.equal(6, one.version)
    db.session:commit()
    assert.equal(6, one.version)
  end)
end)
