-- A relationship with a condition of the program, which says more than that keys are equal: criteria with an object use
-- all of it, as loads and joins do.

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

  describe("of a class to itself, with conditions on both of its sides", function()
    local db, Person, link
    before_each(function()
      db = mr.open "sqlite://"
      link = db.Table{ "link", db.metadata, db.Column{ "a", db.Integer, db.ForeignKey "person.id" },
                       db.Column{ "b", db.Integer, db.ForeignKey "person.id" } }
      Person = db.Model:extend("Person", {
        id = db.Column{ db.Integer, primary_key = true },
        level = db.Column{ db.Integer },
        friends = db.relationship{ "Person", secondary = link, viewonly = true,
          primaryjoin = function() return Person.id:eq(link.c.a) & Person.level:eq(1) end,
          secondaryjoin = function() return Person.id:eq(link.c.b) & Person.level:lt(3) end },
      })
      db:create_all()
      for id, level in ipairs{ 1, 2, 3, 2 } do db.session:add(Person{ id = id, level = level }) end
      db.session:flush()
      db.session:execute(mr.insert(link):values{ { a = 1, b = 2 }, { a = 1, b = 3 }, { a = 4, b = 1 } })
      db.session:commit()
    end)

    it("holds the first to the one who has friends, the second to the friends", function()
      local function person(id) return db.session:get(Person, id) end
      local q = Person.query:filter(Person.friends:any())
      assert.same({ 1 }, ids(q))
      assert.truthy(tostring(q):find("EXISTS (SELECT 1 FROM link, person AS person_1 WHERE person.id = link.a AND "
        .. "person.level = ? AND person_1.id = link.b AND person_1.level < ?)", 1, true))
      local Other = mr.aliased(Person)
      assert.same({ 1 }, ids(db.session:query(Other):filter(Other.friends:any())))
      for id, friends in ipairs{ { 2 }, {}, {}, {} } do
        local query = Person.query:with_parent(person(id), Person.friends)
        assert.equal(#friends, #person(id).friends)
        assert.same(friends, ids(query))
        assert.equal(#friends, query:count())
        assert.same(friends, ids(Person.query:filter(Person.id:in_(
          db.session:query(Person.id):with_parent(person(id), Person.friends)))))
        assert.same(id == 2 and { 1 } or {}, ids(Person.query:filter(Person.friends:contains(person(id)))))
      end
      assert.same({ 2, 3, 4 }, ids(Person.query:filter(Person.friends:is_(nil))))
    end)
  end)

  -- In SQLite, the left side of an equality decides how texts are compared.
  describe("of two columns that compare by different rules", function()
    local db, Owner, Thing
    local function model(turned)
      db = mr.open "sqlite://"
      db.session:execute(mr.text "CREATE TABLE owner (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE)")
      db.session:execute(mr.text "CREATE TABLE thing (id INTEGER PRIMARY KEY, of TEXT)")
      local function join()
        if turned then return Thing.of:eq(Owner.name) end
        return Owner.name:eq(Thing.of)
      end
      local function keys() return Thing.of end
      Owner = db.Model:extend("Owner", {
        id = db.Column{ db.Integer, primary_key = true }, name = db.Column{ db.String },
        things = db.relationship{ "Thing", viewonly = true, primaryjoin = join, foreign_keys = keys } })
      Thing = db.Model:extend("Thing", {
        id = db.Column{ db.Integer, primary_key = true }, of = db.Column{ db.String },
        owner = db.relationship{ "Owner", viewonly = true, primaryjoin = join, foreign_keys = keys } })
      db.session:add_all{ Owner{ id = 1, name = "ann" }, Owner{ id = 2, name = "bob" } }
      db.session:add_all{ Thing{ id = 1, of = "ANN" }, Thing{ id = 2, of = "bob" } }
      db.session:commit()
    end

    for turned, expected in pairs{ [false] = { 1, 2 }, [true] = { 2 } } do
      it("is asked for as it is written" .. (turned and ", turned round" or ""), function()
        model(turned)
        assert.same(expected, ids(db.session:query(Owner):join(Owner.things)))
        assert.same(expected, ids(Owner.query:filter(Owner.things:any())))
        assert.same(expected, ids(Owner.query:filter(Owner.things:is_not(nil))))
        assert.same(expected, ids(Thing.query:filter(Thing.owner:has())))
        assert.same(expected, ids(Thing.query:filter(Thing.owner:has(Owner.id:gt(0)))))
        local found = {}
        for id = 1, 2 do
          local owner, thing = db.session:get(Owner, id), db.session:get(Thing, id)
          local has = Owner.query:filter(Owner.things:contains(thing)):count()
          assert.equal(has, Thing.query:filter(Thing.owner:eq(owner)):count())
          assert.equal(has, Thing.query:with_parent(owner, Owner.things):count())
          if has > 0 then found[#found + 1] = id end
        end
        assert.same(expected, found)
      end)
    end
  end)
end)
