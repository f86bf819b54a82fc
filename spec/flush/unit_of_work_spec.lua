-- The statements of a flush: which, in which order, and how many.

local mr = require "moonrow"
local blog = require "spec.support.blog"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

local m, db, Post, Category, Comment, Tag

local function take(opened)
  m = opened
  db, Post, Category, Comment, Tag = m.db, m.Post, m.Category, m.Comment, m.Tag
end

local function records(n, fn) return support.records(db, n, fn) end
local function writes(fn) return support.writes(db, fn) end
local function category(name) return Category.query:filter_by{ name = name }:one() end
local function post(title) return Post.query:filter_by{ title = title }:one() end

describe("rows of two tables", function()
  before_each(function() take(blog.open()) end)

  it("the parent first, then the children with its id, one batch per shape", function()
    local c = Category{ name = "C", posts = { Post{ title = "p" }, Post{ title = "q" }, Post{ title = "r" } } }
    db.session:add(c)
    local list = records(2, function() db.session:flush() end)
    assert.equal("INSERT INTO category (name) VALUES (?)", list[1].statement)
    assert.equal("INSERT INTO post (title, category_id) VALUES (?, ?)", list[2].statement)
    assert.same({ { "p", c.id }, { "q", c.id }, { "r", c.id } }, list[2].parameters)
    assert.equal(c.id, c.posts[3].category_id)
  end)

  it("also from the child, added first", function()
    local p = Post{ title = "p" }
    db.session:add(p)
    p.category = Category{ name = "C" }
    p.comments:append(Comment{ body = "1" })
    assert.same({ "INSERT category", "INSERT post", "INSERT comment" }, writes())
    assert.equal(p.id, p.comments[1].post_id)
  end)

  it("delete sets NULL in one batch, then deletes; three when the collection is not loaded", function()
    db.session:add(Category{ name = "C", posts = { Post{ title = "p" }, Post{ title = "q" } } })
    db.session:add(Category{ name = "D", posts = { Post{ title = "r" }, Post{ title = "s" } } })
    db.session:commit()
    local c, d = category "C", category "D"
    assert.equal(2, #c.posts)
    db.session:delete(c)
    assert.same({ "UPDATE post x2", "DELETE category" }, writes())
    db.session:delete(d)
    assert.same({ "SELECT post", "UPDATE post x2", "DELETE category" }, writes())
    assert.is_nil(post "p".category_id)
  end)

  it("sort by dependency without any link; deletes in the reverse order", function()
    local comment, p, c = Comment{ body = "1" }, Post{ title = "p" }, Category{ name = "C" }
    db.session:add_all{ comment, p, c }
    local first = writes()
    local at = {}
    for i, text in ipairs(first) do at[text] = i end
    assert.is_true(at["INSERT category"] < at["INSERT post"])
    assert.is_true(at["INSERT post"] < at["INSERT comment"])
    db.session:commit()
    assert.equal(0, #c.posts + #p.comments + #p.tags)
    assert.equal("C", c.name) assert.equal("p", p.title) assert.equal("1", comment.body)
    db.session:delete(c) db.session:delete(p) db.session:delete(comment)
    assert.same({ "DELETE comment", "DELETE post", "DELETE category" }, writes())
  end)

  it("a many-to-many writes both sides, then the links", function()
    local p = Post{ title = "p", tags = { Tag{ name = "t" }, Tag{ name = "u" } } }
    db.session:add(p)
    local list = writes()
    assert.equal(3, #list)
    assert.equal("INSERT post_tag x2", list[3])
    db.session:commit()
    db.session:remove()
    p = post "p"
    p.title = "P"
    assert.same({ "UPDATE post" }, writes()) -- the collection is not loaded
  end)

  it("nil on an unloaded many-to-one is one UPDATE and no SELECT", function()
    db.session:add(Category{ name = "C", posts = { Post{ title = "p" } } })
    db.session:commit()
    db.session:remove()
    local p = post "p"
    local list = records(1, function()
      p.category = nil
      db.session:flush()
    end)
    assert.equal("UPDATE post SET category_id=? WHERE post.id = ?", list[1].statement)
    db.session:commit()
    assert.is_nil(p.category)
  end)

  it("one shape is a batch; another set of columns, or a SQL expression, begins a new one", function()
    db.session:add_all{ Post{ title = "1" }, Post{ title = "2" }, Post{ title = "3", category_id = mr.null },
                        Post{ title = "4" }, Post{ title = mr.func.upper("e") }, Post{ title = "6" } }
    local list = writes()
    assert.is_true(#list >= 3 and #list <= 4, table.concat(list, ", "))
    local titles = {}
    for i, p in ipairs(Post.query:order_by(Post.id):all()) do titles[i] = p.title end
    assert.same({ "1", "2", "3", "4", "E", "6" }, titles)
  end)

  it("an UPDATE or DELETE that matches no row is stale", function()
    db.session:add_all{ Post{ title = "1" }, Post{ title = "2" } }
    db.session:commit()
    local one, two = post "1", post "2"
    db.session:execute(mr.text "DELETE FROM post")
    one.title = "x"
    refuse("StaleDataError", { "expected to update 1 row(s); 0 were matched" }, db.session.flush, db.session)
    db.session:rollback()
    assert.equal("2", two.title)
    assert.equal(0, #two.comments + #two.tags)
    db.session:execute(mr.text "DELETE FROM post")
    db.session:delete(two)
    refuse("StaleDataError", { "expected to delete 1 row(s); 0 were matched" }, db.session.flush, db.session)
    db.session:rollback()
    assert.equal(2, Post.query:count())
  end)

  it("a child moved to a new parent survives the deletion of the old one", function()
    local c = Category{ name = "C", posts = { Post{ title = "p" } } }
    db.session:add_all{ c, Category{ name = "D" } }
    db.session:commit()
    local p, d = c.posts[1], category "D"
    d.posts:append(p)
    db.session:delete(c)
    db.session:commit()
    assert.equal(d, p.category)
    assert.equal(d.id, p.category_id)
    assert.equal("{<p>}", tostring(d.posts))
  end)

  it("also into a new parent's collection, by assignment", function()
    local c = Category{ name = "C", posts = { Post{ title = "p" } } }
    db.session:add(c)
    db.session:commit()
    local p = c.posts[1]
    db.session:add(Category{ name = "D", posts = { p } })
    db.session:delete(c)
    assert.same({ "INSERT category", "UPDATE post", "DELETE category" }, writes())
    assert.equal("D", p.category.name)
  end)

  it("an equal value, or one that was put back, writes nothing", function()
    local c, d = Category{ name = "C", posts = { Post{ title = "p" } } }, Category{ name = "D" }
    db.session:add_all{ c, d }
    db.session:commit()
    local p = c.posts[1]
    records(0, function()
      p.title = p.title
      db.session:flush()
    end)
    assert.equal(c, p.category)
    assert.equal("D", d.name)
    assert.equal(0, #d.posts)
    records(0, function()
      p.category = p.category
      p.title = "q"
      p.title = "p"
      p.category = d
      p.category = c
      c.posts = { p }
      c.posts:remove(p)
      c.posts:append(p)
      db.session:flush()
    end)
  end)

  it("replacing a many-to-many by an overlapping one writes the difference", function()
    local t, u, v = Tag{ name = "t" }, Tag{ name = "u" }, Tag{ name = "v" }
    local p = Post{ title = "p", tags = { t, u } }
    db.session:add_all{ p, v }
    db.session:commit()
    assert.equal(2, #p.tags)
    assert.equal("v", v.name) -- nothing is expired any more
    p.tags = { u, v }
    local list = records(2, function() db.session:flush() end)
    assert.equal("DELETE FROM post_tag WHERE post_tag.post_id = ? AND post_tag.tag_id = ?", list[1].statement)
    assert.same({ p.id, t.id }, list[1].parameters)
    assert.equal("INSERT INTO post_tag (post_id, tag_id) VALUES (?, ?)", list[2].statement)
    assert.same({ p.id, v.id }, list[2].parameters)
  end)

  it("a link made on both sides is one row", function()
    local p, t = Post{ title = "p" }, Tag{ name = "t" }
    db.session:add_all{ p, t }
    db.session:commit()
    p.tags:append(t)
    assert.is_true(t.posts:contains(p))
    db.session:commit()
    assert.equal(1, db.session:scalar(mr.text "SELECT count(*) FROM post_tag"))
    t.posts:remove(p)
    db.session:commit()
    assert.equal(0, db.session:scalar(mr.text "SELECT count(*) FROM post_tag"))
    assert.equal(0, #p.tags)
  end)

  it("removing one child and deleting the parent", function()
    take(blog.open{ category = { backref = mr.backref{ "posts", cascade = "all, delete-orphan" } } })
    local c = Category{ name = "C", posts = { Post{ title = "p" }, Post{ title = "q" } } }
    db.session:add(c)
    db.session:commit()
    c.posts:remove(c.posts[1])
    db.session:delete(c)
    db.session:commit()
    assert.equal(0, Post.query:count())
    assert.equal(0, Category.query:count())
  end)

  it("backrefs cost no statement and are merged when loaded", function()
    local c = Category{ name = "C", posts = { Post{ title = "p" } } }
    db.session:add(c)
    db.session:commit()
    db.session:remove()
    c = category "C"
    local p = post "p"
    local q
    records(0, function()
      q = Post{ title = "q", category = c }
      p.category = nil
    end)
    db.session:no_autoflush(function()
      records(1, function() assert.equal("{<q>}", tostring(c.posts)) end)
    end)
    assert.same({ "UPDATE post", "INSERT post" }, writes())
    assert.equal(c.id, q.category_id)
  end)

  it("whoever a whole assignment leaves out has nil on the other side", function()
    local p, q = Post{ title = "p" }, Post{ title = "q" }
    local c = Category{ name = "C", posts = { p, q } }
    db.session:add(c)
    db.session:commit()
    c.posts = { q }
    assert.is_nil(p.category)
    assert.equal("p", p.title)
    assert.same({ "UPDATE post" }, writes())
    assert.is_nil(p.category_id)
  end)

  it("inserts two parents' children with the right ids, whatever the order", function()
    local list = {}
    for i = 1, 20 do
      list[i] = Category{ name = "c" .. i }
      list[i].posts:append(Post{ title = "p" .. i })
    end
    for i = 20, 1, -1 do db.session:add(list[i]) end
    assert.same({ "INSERT category x20", "INSERT post x20" }, writes())
    for i = 1, 20 do assert.equal(list[i].id, list[i].posts[1].category_id) end
  end)

  it("fills a foreign key that a new parent is given by hand", function()
    local c = Category{ id = 77, name = "C" }
    local p = Post{ title = "p", category = c }
    db.session:add(p)
    db.session:commit()
    assert.equal(77, p.category_id)
  end)

  it("makes generated keys nil again when it is rolled back", function()
    local c = Category{ name = "C", posts = { Post{ title = "p" } } }
    local p = c.posts[1]
    db.session:add(c)
    db.session:flush()
    assert.is_truthy(p.id)
    db.session:rollback()
    assert.is_nil(p.id)
    assert.is_nil(p.category_id)
    assert.is_nil(c.id)
    assert.equal(c, p.category) -- the link stays, and can be flushed again
    db.session:add(c)
    db.session:commit()
    assert.equal(c.id, p.category_id)
  end)

  it("reports a parent that the foreign key wants, and takes all back", function()
    local strict = mr.open "sqlite://"
    local Parent = strict.Model:extend("Parent", { id = strict.Column{ strict.Integer, primary_key = true } })
    local Child = strict.Model:extend("Child", {
      id = strict.Column{ strict.Integer, primary_key = true },
      parent_id = strict.Column{ strict.Integer, strict.ForeignKey "parent.id", nullable = false },
      parent = strict.relationship{ "Parent", backref = "children" },
    })
    strict:create_all()
    local parent = Parent{ children = { Child{} } }
    strict.session:add(parent)
    strict.session:commit()
    strict.session:delete(parent)
    local e = refuse("IntegrityError", { "child.parent_id" }, strict.session.flush, strict.session)
    assert.matches("NOT NULL", e.message)
    strict.session:rollback()
    assert.equal(1, #parent.children)
    assert.equal(parent, Child.query:one().parent)
    strict.session:add(Child{})
    refuse("IntegrityError", { "child.parent_id" }, strict.session.commit, strict.session)
    strict.session:rollback()
    assert.equal(1, Child.query:count())
  end)
end)

describe("more of what a flush promises", function()
  it('passive_deletes = "all" deletes the parent alone', function()
    take(blog.filled{ category = { backref = mr.backref{ "posts", passive_deletes = "all" } } })
    local ada = category "Ada"
    db.session:delete(ada)
    assert.same({ "DELETE category" }, writes())
  end)

  it("an attribute set to a SQL expression", function()
    local People = require "spec.support.people"
    local Person
    db, Person = People()
    local ann = Person.query:filter_by{ name = "ann" }:one()
    ann.age = Person.age + 1
    local list = records(1, function() db.session:flush() end)
    assert.matches("SET age=", list[1].statement, 1, true)
    records(1, function() assert.equal(31, ann.age) end)
    records(0, function() assert.equal(31, ann.age) end)
  end)

  it("post_update inserts both of a cycle, then updates; deletion sets NULL first", function()
    db = mr.open "sqlite://"
    local Team = db.Model:extend("Team", {
      id = db.Column{ db.Integer, primary_key = true },
      captain_id = db.Column{ db.Integer, db.ForeignKey "player.id" },
      captain = db.relationship{ "Player", foreign_keys = "Team.captain_id", post_update = true },
    })
    local Player = db.Model:extend("Player", {
      id = db.Column{ db.Integer, primary_key = true },
      team_id = db.Column{ db.Integer, db.ForeignKey "team.id" },
      team = db.relationship{ "Team", foreign_keys = "Player.team_id", backref = "players" },
    })
    db:create_all()
    local team, player = Team{}, Player{}
    team.players:append(player)
    team.captain = player
    db.session:add(team)
    assert.same({ "INSERT team", "INSERT player", "UPDATE team" }, writes())
    db.session:commit()
    assert.equal(player, team.captain)
    assert.equal("{" .. tostring(player) .. "}", tostring(team.players))
    db.session:delete(team)
    db.session:delete(player)
    local list = writes()
    assert.equal("UPDATE team", list[1])
    db.session:commit()
    assert.equal(0, Team.query:count() + Player.query:count())
  end)

  it("composite keys in relationships", function()
    db = mr.open "sqlite://"
    local Room = db.Model:extend("Room", {
      house = db.Column{ db.Integer, primary_key = true, autoincrement = false },
      number = db.Column{ db.Integer, primary_key = true, autoincrement = false },
    })
    local Chair = db.Model:extend("Chair", {
      id = db.Column{ db.Integer, primary_key = true },
      room_house = db.Column{ db.Integer },
      room_number = db.Column{ db.Integer },
      room = db.relationship{ "Room", backref = "chairs" },
      __table_args = { db.ForeignKeyConstraint({ "room_house", "room_number" }, { "room.house", "room.number" }) },
    })
    db:create_all()
    local room = Room{ house = 1, number = 2, chairs = { Chair{}, Chair{} } }
    db.session:add_all{ room, Room{ house = 2, number = 2 } }
    assert.same({ "INSERT room x2", "INSERT chair x2" }, writes())
    db.session:commit()
    db.session:remove()
    local chair = Chair.query:first()
    records(1, function() assert.equal(2, chair.room.number) end)
    records(1, function() assert.equal(2, #chair.room.chairs) end)
    db.session:remove()
    records(1, function()
      assert.equal(2, #Room.query:options(mr.joinedload "chairs"):order_by(Room.house):all()[1].chairs)
    end)
    db.session:remove()
    records(2, function()
      assert.equal(2, #Room.query:options(mr.selectinload "chairs"):order_by(Room.house):all()[1].chairs)
    end)
    db.session:delete(db.session:get(Room, { 1, 2 }))
    db.session:commit()
    assert.is_nil(Chair.query:first().room_house)
  end)
end)
