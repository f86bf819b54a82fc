-- merge: copies the state of other objects to those of the session.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"
local tree = require "spec.support.tree"

local function statements_of(db, fn) return #support.statements(db, fn) end
local state = support.state

describe("what merge takes on", function()
  it("merge: what is set is copied, what is not set does not overwrite", function()
    local db, User = support.with_users "ann"
    local merged
    assert.equal(1, statements_of(db, function()
      merged = db.session:merge(User{ id = 1, email = "new@x" })
    end))
    assert.equal("persistent", state(merged))
    assert.same({ "ann", "new@x" }, { merged.username, merged.email })
    db.session:commit()
    assert.equal("new@x", db.session:get(User, 1).email)
  end)

  it("merge onto an object that is present sends nothing for it", function()
    local db, User = support.with_users "ann"
    local ann = db.session:get(User, 1)
    assert.equal(0, statements_of(db, function()
      assert.is_true(rawequal(ann, db.session:merge(User{ id = 1, username = "ann", email = "merged@x" })))
    end))
    assert.equal("merged@x", ann.email)
  end)

  it("merge with load = false takes a detached object as it is, without a statement", function()
    local db, User = support.with_users "ann"
    local detached = db.session:get(User, 1)
    db.session:expunge(detached)
    local merged
    assert.equal(0, statements_of(db, function()
      merged = db.session:merge(detached, { load = false })
      assert.equal("ann", merged.username)
      db.session:flush()
    end))
    assert.is_false(rawequal(merged, detached))
    assert.equal("persistent", state(merged))
    assert.is_true(rawequal(merged, db.session:get(User, 1)))
    assert.is_true(rawequal(merged, db.session:merge{ detached, load = false }))
  end)

  it("load = false refuses what is new or changed, by name", function()
    local db, User = support.with_users "ann"
    refuse("InvalidRequestError", "load = false", db.session.merge, db.session, User{ id = 5 }, { load = false })
    local detached = db.session:get(User, 1)
    detached.email = "changed"
    db.session:expunge(detached)
    refuse("InvalidRequestError", { "<User 1>", "load = false" }, db.session.merge, db.session, detached,
      { load = false })
  end)
end)

describe("merge", function()
  it("of an object without a row makes a pending one; the source stays as it is", function()
    local db, User = support.users()
    local source = User{ username = "ann", email = "a@x" }
    local merged = db.session:merge(source)
    assert.same({ "transient", "pending" }, { state(source), state(merged) })
    db.session:commit()
    assert.equal(1, merged.id)
    assert.is_nil(source.id)
    local numbered = db.session:merge(User{ id = 77, username = "bob", email = "b@x" })
    db.session:commit()
    assert.equal(77, numbered.id)
  end)

  it("gives an object of this session itself", function()
    local db, User = support.with_users "ann"
    local ann = db.session:get(User, 1)
    assert.is_true(rawequal(ann, db.session:merge(ann)))
  end)

  it("takes an object of another session, which keeps it", function()
    local db, User = support.with_users "ann"
    local other = mr.Session(db.engine)
    local theirs = other:get(User, 1)
    theirs.email = "theirs@x"
    local ours = db.session:merge(theirs)
    assert.equal(other, mr.object_session(theirs))
    assert.equal("theirs@x", ours.email)
    other:rollback()
    other:close()
  end)

  it("cascades along relationships, and finds what is there", function()
    local db, Node = tree()
    db.session:add(Node{ name = "root", children = { Node{ name = "a" }, Node{ name = "b" } } })
    db.session:commit()
    db.session:remove()
    local source = Node{ id = 1, name = "new root", children = {
      Node{ id = 2, name = "new a" }, Node{ name = "c" },
    } }
    local root = db.session:merge(source)
    assert.equal("new root", root.name)
    assert.equal(2, #root.children)
    db.session:commit()
    local names = {}
    for _, node in ipairs(Node.query:order_by(Node.id):all()) do
      names[#names + 1] = node.name .. ":" .. tostring(node.parent_id)
    end
    assert.same({ "new root:nil", "new a:1", "b:nil", "c:1" }, names)
    assert.equal("transient", state(source))
  end)

  it("of a detached graph with cycles gives a graph of the same shape", function()
    local db = mr.open "sqlite://"
    local Person = db.Model:extend("Person", {
      id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String(20) },
      friend_id = db.Column{ db.Integer, db.ForeignKey "person.id" },
      friend = db.relationship{ "Person", remote_side = "Person.id", post_update = true },
    })
    db:create_all()
    local a, b, c = Person{ name = "a" }, Person{ name = "b" }, Person{ name = "c" }
    a.friend, b.friend, c.friend = b, c, a
    db.session:add_all{ a, b, c }
    db.session:commit()
    for _, person in ipairs{ a, b, c } do assert.is_string(person.friend.name) end
    db.session:remove()
    a.name, b.name, c.name = "A", "B", "C"
    local merged = db.session:merge(a)
    assert.equal("A", merged.name)
    assert.equal("B", merged.friend.name)
    assert.equal("C", merged.friend.friend.name)
    assert.is_true(rawequal(merged, merged.friend.friend.friend))
    db.session:commit()
    local names = db.session:scalars(mr.select(Person.name):order_by(Person.id)):all()
    assert.same({ "A", "B", "C" }, { table.unpack(names) })
  end)

  it("of a chain 20,000 deep does not recurse", function()
    -- Under stress each call traces the whole chain.
    local n = (os.getenv "MOONROW_STRESS" or "") == "" and 20000 or 1000
    local db, Node = tree()
    local root = Node{ name = "0" }
    local last = root
    for i = 1, n do
      local node = Node{ name = tostring(i) }
      node.parent = last
      last = node
    end
    local merged = db.session:no_autoflush(function(session) return session:merge(last) end)
    local depth = 0
    while merged.parent do
      merged = merged.parent
      depth = depth + 1
    end
    assert.equal(n, depth)
    assert.equal(n + 1, #db.session.new)
  end)

  it("of an object whose row is gone makes it anew", function()
    local db, User = support.with_users "ann"
    local detached = db.session:get(User, 1)
    db.session:expunge(detached)
    db.session:execute(mr.delete(User))
    db.session:commit()
    local merged = db.session:merge(detached)
    assert.equal("pending", state(merged))
    db.session:commit()
    assert.equal("ann", db.session:get(User, 1).username)
  end)

  it("checks the version of what it merges", function()
    local db = mr.open "sqlite://"
    local Doc = db.Model:extend("Doc", {
      id = db.Column{ db.Integer, primary_key = true },
      text = db.Column{ db.Text },
      version = db.Column{ db.Integer, nullable = false },
      __mapper_args = { version_id_col = "version" },
    })
    db:create_all()
    db.session:add(Doc{ text = "one" })
    db.session:commit()
    local old = db.session:get(Doc, 1)
    db.session:expunge(old)
    db.session:get(Doc, 1).text = "two"
    db.session:commit()
    refuse("StaleDataError", { "Doc" }, db.session.merge, db.session, old)
  end)

  it("refuses what is no object, and unknown options", function()
    local db, User = support.users()
    refuse("ArgumentError", "merge", db.session.merge, db.session, 5)
    refuse("ArgumentError", { "lod", "load" }, db.session.merge, db.session, User(), { lod = false })
  end)
end)
