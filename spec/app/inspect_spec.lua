-- mr.inspect of classes and objects: attributes, states, changes, and texts of them for people.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

describe("mr.inspect", function()
  local db, s, User, Post, ann

  before_each(function()
    db = mr.open "sqlite://"
    s = db.session
    User = db.Model:extend("User", {
      id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ "full_name", db.String(20), nullable = false },
      age = db.Column{ db.Integer },
      notes = db.deferred(db.Column{ db.Text }),
    })
    Post = db.Model:extend("Post", {
      blog = db.Column{ db.Integer, primary_key = true },
      number = db.Column{ db.Integer, primary_key = true },
      title = db.Column{ db.String(200) },
      user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
      author = db.relationship{ "User", backref = db.backref("posts", { collection_class = mr.set }) },
    })
    db:create_all()
    ann = User{ id = 1, name = "Ann", age = 34 }
    s:add(ann)
    s:commit()
    s:expunge_all()
    ann = s:get(User, 1)
  end)

  describe("of an object", function()
    it("tells its state by name, and by a boolean for each", function()
      local function states(object)
        local i, found = mr.inspect(object), {}
        for _, state in ipairs{ "transient", "pending", "persistent", "deleted", "detached" } do
          if i[state] then found[#found + 1] = state end
        end
        assert.equal(i.state, table.concat(found, " "))
        return i.state
      end
      local bob = User{ name = "Bob" }
      assert.equal("transient", states(bob))
      s:add(bob)
      assert.equal("pending", states(bob))
      s:flush()
      assert.equal("persistent", states(bob))
      s:delete(bob)
      s:flush()
      assert.equal("deleted", states(bob))
      s:commit()
      assert.equal("detached", states(bob))
    end)

    it("is read when it is asked, and gives the object back", function()
      local i = mr.inspect(ann)
      assert.is_false(i.modified)
      ann.age = 35
      assert.is_true(i.modified)
      assert.equal(ann, i.object)
      assert.equal(User, i.class)
      assert.equal(1, i.identity[1])
    end)

    it("has each attribute, with its value and history, and loads nothing", function()
      ann.age = 35
      local records = db:record(function()
        local attrs = mr.inspect(ann).attrs
        assert.equal("{id, name, age, notes, posts}", tostring(attrs))
        assert.equal("age", attrs[3])
        assert.equal("age", attrs.age.name)
        assert.equal("age", attrs.age.key)
        assert.equal("column", attrs.age.kind)
        assert.equal("relationship", attrs.posts.kind)
        assert.equal(35, attrs.age.value)
        assert.equal(35, attrs.age.loaded_value)
        assert.is_true(attrs.age.loaded)
        assert.equal(35, attrs.age.history.added[1])
        assert.equal(34, attrs.age.history.deleted[1])
        assert.is_true(attrs.age.history:has_changes())
        assert.is_false(attrs.name.history:has_changes())
        assert.equal("Ann", attrs.name.history.unchanged[1])
        assert.is_false(attrs.notes.loaded)
        assert.is_nil(attrs.notes.loaded_value)
        assert.is_true(attrs.notes.history:empty())
        assert.equal("notes = (not loaded)", tostring(attrs.notes))
        assert.equal('name = "Ann"', tostring(attrs.name))
        local names = {}
        for name, attribute in pairs(attrs) do
          assert.equal(name, attribute.name)
          names[#names + 1] = name
        end
        assert.equal("id name age notes posts", table.concat(names, " "))
      end)
      assert.equal(0, #records)
      s:flush()
      assert.equal(1, #db:record(function() assert.is_nil(mr.inspect(ann).attrs.notes.value) end))
    end)

    it("has the changes, of collections too", function()
      assert.same({}, mr.inspect(ann).changes)
      ann.age = nil
      ann.name = "Anna"
      ann.name = "Ann"
      local post = Post{ blog = 1, number = 2, author = ann }
      local changes = mr.inspect(ann).changes
      local names = {}
      for name in pairs(changes) do names[#names + 1] = name end
      table.sort(names)
      assert.equal("age posts", table.concat(names, " "))
      assert.equal(mr.null, changes.age.added[1])
      assert.equal(post, changes.posts.added[1])
      assert.equal("added {null}, deleted {34}, unchanged {}", tostring(changes.age))
      s:flush()
      assert.same({}, mr.inspect(ann).changes)
    end)

    it("prints what is in memory and what has changed", function()
      ann.age = 35
      local lines = {}
      mr.inspect(ann):dump(function(line) lines[#lines + 1] = line end)
      assert.same({
        "User 1 (persistent, changed)",
        "  id     1",
        '  name   "Ann"',
        "  age    35 (was 34)",
        "  notes  (not loaded)",
        "  posts  (not loaded)",
      }, lines)
      assert.equal(table.concat(lines, "\n"), tostring(mr.inspect(ann)))
      ann.posts:add(Post{ blog = 1, number = 2, title = ("x"):rep(100) .. "\n" })
      assert.matches("posts  {<Post (pending)>} (added {<Post (pending)>}, deleted {})", tostring(mr.inspect(ann)), 1,
        true)
      s:flush()
      for post in pairs(ann.posts) do
        assert.matches('^Post 1, 2 %(persistent%)\n.*title    "x+%.%.%."\n', tostring(mr.inspect(post)))
      end
      assert.matches("name   (not set)", tostring(mr.inspect(User{})), 1, true)
    end)

    it("prints by print", function()
      local printed = {}
      local file = io.popen('lua5.4 -e \'local mr = require "moonrow" local db = mr.open "sqlite://" '
        .. 'local A = db.Model:extend("A", { id = db.Column{ db.Integer, primary_key = true } }) '
        .. "mr.inspect(A):dump() mr.inspect(A{ id = 7 }):dump()'")
      for line in file:lines() do printed[#printed + 1] = line end
      file:close()
      assert.same({ "A (table a)", "  id  Integer, primary key", "A (transient)", "  id  7" }, printed)
    end)

    it("names what it has not", function()
      local i = mr.inspect(ann)
      refuse("ArgumentError", "Inspection has no method or field 'stat' (did you mean 'state'?)",
        function() return i.stat end)
      refuse("ArgumentError", "User has no attribute 'nmae' (did you mean 'name'?)",
        function() return i.attrs.nmae end)
      refuse("ArgumentError", "AttributeState has no method or field 'histroy' (did you mean 'history'?)",
        function() return i.attrs.name.histroy end)
      refuse("ArgumentError", "dump: expected a function that takes a line, got number 5", function() i:dump(5) end)
      refuse("ArgumentError", "inspect: expected an object", mr.inspect, 5)
      refuse("ArgumentError", "inspect: expected an object", mr.inspect, db.Model)
    end)
  end)

  describe("of a class", function()
    it("has its name, table and key", function()
      local i = mr.inspect(Post)
      assert.equal(Post, i.class)
      assert.equal("Post", i.name)
      assert.equal("post", i.tablename)
      assert.equal(Post.__table, i.table)
      assert.equal('{"blog", "number"}', tostring(i.primary_key))
    end)

    it("has its attributes, columns and relationships, backrefs too", function()
      local i = mr.inspect(User)
      assert.equal("{id, name, age, notes, posts}", tostring(i.attrs))
      assert.equal("{id, name, age, notes}", tostring(i.columns))
      assert.equal("{posts}", tostring(i.relationships))
      assert.equal("full_name", i.columns.name.column)
      assert.equal("String", i.columns.name.type)
      assert.is_false(i.columns.name.nullable)
      assert.is_true(i.columns.id.key)
      assert.is_true(i.attrs.notes.deferred)
      assert.equal("Post", i.relationships.posts.target)
      assert.equal(Post, i.relationships.posts.class)
      assert.equal("set", i.relationships.posts.collection)
      assert.equal("one to many", i.relationships.posts.direction)
      assert.equal("author", i.relationships.posts.back_populates)
      assert.is_nil(mr.inspect(Post).relationships.author.collection)
      assert.is_true(mr.inspect(Post).columns.user_id.foreign_key)
    end)

    it("prints them", function()
      local lines = {}
      mr.inspect(User):dump(function(line) lines[#lines + 1] = line end)
      assert.same({
        "User (table user)",
        "  id     Integer, primary key",
        "  name   String(20), not null, column full_name",
        "  age    Integer",
        "  notes  Text, deferred",
        "  posts  set of Post, one to many, other side Post.author",
      }, lines)
      assert.equal(table.concat(lines, "\n"), tostring(mr.inspect(User)))
      assert.matches("author   User, many to one, other side User.posts", tostring(mr.inspect(Post)), 1, true)
    end)

    it("names what it has not", function()
      local i = mr.inspect(User)
      refuse("ArgumentError", "ClassInspection has no method or field 'colums' (did you mean 'columns'?)",
        function() return i.colums end)
      refuse("ArgumentError", "User has no attribute 'nmae' (did you mean 'name'?)",
        function() return i.columns.nmae end)
      refuse("ArgumentError", "ClassInspection cannot be changed by assignment (to name)",
        function() i.name = "x" end)
    end)
  end)
end)
