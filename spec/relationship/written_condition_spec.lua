-- A relationship whose written condition says more than which keys are equal: criteria with an object ask for all of
-- it, as loads and joins do.

local mr = require "moonrow"

describe("a criterion with an object, of a relationship with a condition of its own", function()
  local function ids(query)
    local list = {}
    for i, id in ipairs(query:all()) do list[i] = type(id) == "number" and id or id.id end
    table.sort(list)
    return list
  end

  describe("of a list", function()
    local db, User, Note, ann, bob
    before_each(function()
      db = mr.open "sqlite://"
      User = db.Model:extend("User", {
        id = db.Column{ db.Integer, primary_key = true },
        level = db.Column{ db.Integer },
        notes = db.relationship{ "Note", viewonly = true, primaryjoin = function()
          return User.id:eq(Note.user_id) & Note.kind:eq(1) & User.level:gt(0)
        end },
      })
      Note = db.Model:extend("Note", {
        id = db.Column{ db.Integer, primary_key = true },
        user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
        kind = db.Column{ db.Integer },
        user = db.relationship{ "User", viewonly = true, primaryjoin = function()
          return User.id:eq(Note.user_id) & Note.kind:eq(1)
        end },
      })
      db:create_all()
      ann, bob = User{ id = 1, level = 1 }, User{ id = 2, level = 0 }
      db.session:add_all{ ann, bob }
      for id, values in ipairs{ { 1, 1 }, { 1, 2 }, { 1, 1 }, { 2, 1 } } do
        db.session:add(Note{ id = id, user_id = values[1], kind = values[2] })
      end
      db.session:commit()
    end)

    it("is the same in with_parent however it is read", function()
      local query = Note.query:with_parent(ann, User.notes)
      assert.same({ 1, 3 }, ids(query))
      assert.equal(2, query:count())
      assert.equal(2, query:limit(5):count())
      assert.equal(2, #ann.notes)
      assert.same({ 1, 3 }, ids(Note.query:filter(Note.id:in_(db.session:query(Note.id):with_parent(ann, User.notes)))))
      assert.same({ 1, 3 }, ids(query:union(Note.query:with_parent(ann, User.notes))))
      assert.same({}, ids(Note.query:with_parent(bob, User.notes)))
      assert.equal(0, Note.query:with_parent(bob, User.notes):count())
    end)

    it("is asked for by contains, eq and ne", function()
      local function note(id) return db.session:get(Note, id) end
      assert.same({ 1 }, ids(User.query:filter(User.notes:contains(note(1)))))
      assert.same({}, ids(User.query:filter(User.notes:contains(note(2)))))
      assert.same({}, ids(User.query:filter(User.notes:contains(note(4)))))
      assert.same({ 1, 3 }, ids(Note.query:filter(Note.user:eq(ann))))
      assert.same({ 4 }, ids(Note.query:filter(Note.user:eq(bob))))
      assert.same({ 1, 3 }, ids(Note.query:filter_by{ user = ann }))
      local Other = mr.aliased(Note)
      assert.same({ 1, 3 }, ids(db.session:query(Other):filter(Other.user:eq(ann))))
    end)

    it("holds for UPDATE and DELETE, and for an object that waits to be flushed", function()
      assert.equal(2, Note.query:with_parent(ann, User.notes):update({ kind = 1 }))
      local cid = User{ id = 3, level = 1 }
      db.session:add(cid)
      db.session:add(Note{ id = 9, user_id = 3, kind = 1 })
      assert.equal(1, Note.query:with_parent(cid, User.notes):count())
      assert.equal(2, Note.query:filter(Note.user:eq(ann)):delete())
      assert.same({ 2, 4, 9 }, ids(Note.query))
    end)
  end)

  describe("of a class to itself, with a condition on the link", function()
    local db, Person, link
    before_each(function()
      db = mr.open "sqlite://"
      link = db.Table{ "link", db.metadata, db.Column{ "a", db.Integer, db.ForeignKey "person.id" },
                       db.Column{ "b", db.Integer, db.ForeignKey "person.id" }, db.Column{ "kind", db.Integer } }
      Person = db.Model:extend("Person", {
        id = db.Column{ db.Integer, primary_key = true },
        friends = db.relationship{ "Person", secondary = link, viewonly = true,
          primaryjoin = function() return Person.id:eq(link.c.a) & link.c.kind:eq(1) end,
          secondaryjoin = function() return Person.id:eq(link.c.b) end },
      })
      db:create_all()
      db.session:add_all{ Person{ id = 1 }, Person{ id = 2 }, Person{ id = 3 } }
      db.session:flush()
      db.session:execute(mr.insert(link):values{ { a = 1, b = 2, kind = 1 }, { a = 1, b = 3, kind = 2 } })
      db.session:commit()
    end)

    it("finds by any, contains and with_parent what the list holds", function()
      local function person(id) return db.session:get(Person, id) end
      assert.equal(1, #person(1).friends)
      assert.same({ 1 }, ids(Person.query:filter(Person.friends:any())))
      assert.same({ 1 }, ids(Person.query:filter(Person.friends:any(Person.id:eq(2)))))
      assert.same({}, ids(Person.query:filter(Person.friends:any(Person.id:eq(3)))))
      assert.same({ 1 }, ids(Person.query:filter(Person.friends:contains(person(2)))))
      assert.same({}, ids(Person.query:filter(Person.friends:contains(person(3)))))
      local query = Person.query:with_parent(person(1), Person.friends)
      assert.same({ 2 }, ids(query))
      assert.equal(1, query:count())
      assert.equal(0, Person.query:with_parent(person(2), Person.friends):count())
    end)
  end)
end)
