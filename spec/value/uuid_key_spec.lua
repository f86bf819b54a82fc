-- Keys that are uuids, however the program spells them: with capitals, without hyphens. A row has one object.

local mr = require "moonrow"
local postgresql = require "spec.support.postgresql"
local refuse = require "spec.support.refuse"

local ID = "123e4567-e89b-12d3-a456-426614174000"
local OTHER = "223e4567-e89b-12d3-a456-426614174000"
local DIGITS = ID:gsub("-", "")
local SPELLINGS = { ID, ID:upper(), DIGITS, DIGITS:upper() }

local function blob() return mr.Uuid{ storage = "blob" } end

local TYPES = {
  { "text", mr.Uuid{ storage = "text" } },
  { "hex", mr.Uuid{ storage = "hex" } },
  { "blob", blob() },
  { "a variant of Uuid", mr.Uuid:with_variant(blob(), "sqlite") },
  { "a variant of String", mr.String(36):with_variant(blob(), "sqlite"):with_variant(mr.Uuid, "postgresql") },
}
-- Where the database has uuids, it gives each back in one spelling.
if postgresql.url then TYPES[#TYPES + 1] = { "uuid", mr.Uuid } end

local function models(column_type)
  local db = mr.open "sqlite://"
  local Parent = db.Model:extend("Parent", {
    id = db.Column{ column_type, primary_key = true },
    n = db.Column{ db.Text },
    kids = db.relationship{ "Kid", backref = "parent" },
  })
  local Kid = db.Model:extend("Kid", {
    id = db.Column{ db.Integer, primary_key = true },
    parent_id = db.Column{ db.ForeignKey "parent.id" },
  })
  db:create_all()
  return db, Parent, Kid
end

-- How many statements fn sends.
local function statements(db, fn)
  local n = 0
  local function listener() n = n + 1 end
  mr.event.listen(db.engine, "before_execute", listener)
  fn()
  mr.event.remove(db.engine, "before_execute", listener)
  return n
end

for _, case in ipairs(TYPES) do
  local name, column_type = table.unpack(case)

  for _, spelling in ipairs(SPELLINGS) do
    describe("a key " .. spelling .. " of the type " .. name, function()
      it("is read as 36 small characters after the flush, and finds its object in each spelling", function()
        local db, Parent = models(column_type)
        local parent = Parent{ id = spelling, n = "a" }
        db.session:add(parent)
        db.session:flush()
        assert.equal(ID, parent.id)
        assert.equal(0, statements(db, function()
          for _, key in ipairs(SPELLINGS) do
            assert.equal(parent, db.session:get(Parent, key))
            assert.equal(parent, db.session:get(Parent, { id = key }))
          end
        end))
        assert.equal(parent, Parent.query:one())
        parent.n = "b"
        db.session:commit()
        assert.equal(ID, parent.id)
        assert.equal("b", Parent.query:one().n)
        db.session:refresh(parent)
        for _, key in ipairs(SPELLINGS) do
          assert.equal(parent, db.session:get(Parent, key))
          assert.equal(parent, Parent.query:filter_by{ id = key }:one())
          assert.equal(parent, Parent.query:filter(Parent.id:in_{ key, OTHER }):one())
        end
        db.session:delete(parent)
        db.session:commit()
        assert.equal(0, Parent.query:count())
      end)

      it("is changed to that spelling, and rolled back", function()
        local db, Parent = models(column_type)
        local parent = Parent{ id = OTHER, n = "a" }
        db.session:add(parent)
        db.session:commit()
        assert.equal(OTHER, parent.id)
        parent.id = spelling
        db.session:flush()
        assert.equal(ID, parent.id)
        assert.equal(parent, db.session:get(Parent, ID))
        assert.equal(parent, Parent.query:one())
        db.session:rollback()
        assert.equal(OTHER, parent.id)
        assert.equal(parent, db.session:get(Parent, OTHER:upper()))
        assert.is_nil(db.session:get(Parent, spelling))
      end)

      it("is merged into the object of its row", function()
        local db, Parent = models(column_type)
        local parent = Parent{ id = ID, n = "a" }
        db.session:add(parent)
        db.session:commit()
        assert.equal(parent, db.session:merge(Parent{ id = spelling, n = "b" }))
        db.session:commit()
        db.session:expunge_all()
        assert.equal("b", db.session:merge(Parent{ id = spelling }).n)
        assert.equal(1, Parent.query:count())
      end)

      it("is a foreign key that finds its object in memory", function()
        local db, Parent, Kid = models(column_type)
        local parent = Parent{ id = ID }
        db.session:add(parent)
        db.session:commit()
        assert.equal(ID, parent.id)
        local kid = Kid{ parent_id = spelling }
        db.session:add(kid)
        db.session:flush()
        assert.equal(ID, kid.parent_id)
        assert.equal(0, statements(db, function() assert.equal(parent, kid.parent) end))
        db.session:commit()
        assert.equal(parent, kid.parent)
        assert.equal(kid, parent.kids[1])
        local second = Kid{}
        db.session:add(second)
        db.session:flush()
        second.parent_id = spelling
        db.session:flush()
        assert.equal(parent, second.parent)
        db.session:commit()
        assert.equal(2, #parent.kids)
      end)

      it("goes to the foreign keys of its objects, and is cascaded", function()
        local db, Parent, Kid = models(column_type)
        local kid = Kid{}
        local parent = Parent{ id = spelling, kids = { kid } }
        db.session:add(parent)
        db.session:flush()
        assert.equal(ID, kid.parent_id)
        assert.equal(parent, kid.parent)
        db.session:commit()
        assert.equal(parent, Kid.query:one().parent)
        assert.equal(kid, Parent.query:options(mr.selectinload(Parent.kids)):one().kids[1])
        db.session:delete(parent)
        db.session:commit()
        assert.is_nil(kid.parent_id)
      end)

      it("is found after an INSERT of many rows, an import and an UPDATE by a query", function()
        local db, Parent = models(column_type)
        db.session:execute(mr.insert(Parent), { { id = spelling }, { id = OTHER:upper() } })
        assert.equal(ID, db.session:get(Parent, ID).id)
        assert.equal(OTHER, db.session:get(Parent, OTHER).id)
        Parent.query:delete()
        db.session:import(Parent, { { id = spelling } })
        assert.equal(ID, db.session:get(Parent, spelling).id)
        assert.equal(1, Parent.query:filter_by{ id = spelling:upper() }:update{ n = "x" })
        assert.equal("x", db.session:get(Parent, ID).n)
      end)
    end)
  end

  it("a second object with the key in another spelling is refused: " .. name, function()
    local db, Parent = models(column_type)
    db.session:add(Parent{ id = ID })
    db.session:flush()
    db.session:add(Parent{ id = ID:upper() })
    refuse("IntegrityError", "", function() db.session:flush() end)
  end)

  it("a key of two columns is found in each spelling: " .. name, function()
    local db = mr.open "sqlite://"
    local Pair = db.Model:extend("Pair", {
      a = db.Column{ column_type, primary_key = true },
      b = db.Column{ db.Integer, primary_key = true },
    })
    db:create_all()
    local pair = Pair{ a = ID:upper(), b = 1 }
    db.session:add(pair)
    db.session:flush()
    assert.equal(ID, pair.a)
    for _, key in ipairs(SPELLINGS) do
      assert.equal(pair, db.session:get(Pair, { key, 1 }))
      assert.equal(pair, db.session:merge(Pair{ a = key, b = 1 }))
    end
    assert.equal(pair, Pair.query:one())
  end)

  it("links of a many-to-many have the key's spelling: " .. name, function()
    local db = mr.open "sqlite://"
    local links = db.Table("post_tag", db.Column{ "post_id", column_type, db.ForeignKey "post.id", primary_key = true },
      db.Column{ "tag_id", db.Integer, db.ForeignKey "tag.id", primary_key = true })
    local Post = db.Model:extend("Post", { id = db.Column{ column_type, primary_key = true },
      tags = db.relationship{ "Tag", secondary = links, backref = "posts" } })
    local Tag = db.Model:extend("Tag", { id = db.Column{ db.Integer, primary_key = true } })
    db:create_all()
    local post = Post{ id = ID:upper(), tags = { Tag{} } }
    db.session:add(post)
    db.session:commit()
    assert.equal(post, Post.query:one())
    assert.equal(post, Tag.query:one().posts[1])
    post.tags = {}
    db.session:commit()
    assert.equal(0, #Tag.query:one().posts)
  end)

  it("a default's key has that spelling: " .. name, function()
    local db = mr.open "sqlite://"
    local Row = db.Model:extend("Row", {
      id = db.Column{ column_type, primary_key = true, default = function() return ID:upper() end },
      n = db.Column{ db.Integer },
    })
    db:create_all()
    local row = Row{ n = 1 }
    db.session:add(row)
    db.session:flush()
    assert.equal(ID, row.id)
    assert.equal(row, db.session:get(Row, DIGITS))
    assert.equal(row, Row.query:one())
  end)
end

it("an attribute of a storage reads the small characters at once", function()
  local _, Parent = models(blob())
  local parent = Parent{ id = ID:upper() }
  assert.equal(ID, parent.id)
  parent.id = OTHER:gsub("-", "")
  assert.equal(OTHER, parent.id)
end)

if not postgresql.url then
  it("a Uuid without a storage keeps the text as it was written, in a key, too", function()
    local db, Parent = models(mr.Uuid)
    local parent = Parent{ id = ID:upper() }
    db.session:add(parent)
    db.session:commit()
    assert.equal(ID:upper(), parent.id)
    assert.equal(parent, db.session:get(Parent, ID:upper()))
    assert.equal(parent, Parent.query:one())
    assert.is_nil(db.session:get(Parent, DIGITS))
  end)
end
