-- Versions of rows, in the cases of SQLAlchemy's test/orm/test_versioning.py (name of the behaviour there: title here,
-- without a file: in this one).
--   VersioningTest
--     basic                                refuses a change and a deletion of what another session has changed
--     multiple_updates                     rises in each row of a batch
--     bulk_insert, bulk_update             flush/versioning_spec: new ones get ..., are updated by key and version ...
--     bump_version                         may be set ahead; the row is found by the one that was read
--     merge_no_version, merge_correct_version, merge_incorrect_version, ..._not_in_session
--                                          is compared by a merge that brings one
--     versioncheck_not_versioned, noversioncheck  is nothing to a class that does not declare it
--     versioncheck, versioncheck_for_update (not restated: SQLite has no FOR UPDATE)
--     notsane_warning, ..._broken_multi_rowcount, ..._no_plain_rowcount (not restated: rows are always counted)
--   NullVersionIdTest (two)                api/refused_spec: is never written as NULL, whoever writes it
--   NoBumpOnRelationshipTest (three)       does not rise with what only the other side's row says
--   ColumnTypeTest.update                  may be of a decorated type
--   RowSwitchTest (two), AlternateGeneratorTest (three)
--                                          goes on where a new object takes the row of a deleted one
--   PlainInheritanceTest.update_child_table_only  of a joined class rises with a change of the subclass's table alone
--   InheritanceTwoVersionIdsTest (four)    (not restated: the base class alone has the version)
--   ManualInheritanceVersionTest           (not restated)
--   VersionOnPostUpdateTest, PostUpdatePrefetchTest, PostUpdateVersioningTest, ServerVersioningTest, ManualVersionTest
--                                          flush/versioning_spec
--   VersioningMappedSelectTest             (not restated: no class is mapped to a SELECT)
--   QuotedBindVersioningTest.round_trip    may have an odd name

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local support = require "spec.support.models"

local sent, writes = support.sent, support.writes

local function docs()
  local db = mr.open "sqlite://"
  local Doc = support.versioned(db)
  local list = { Doc{ title = "a" }, Doc{ title = "b" } }
  db.session:add_all(list)
  db.session:commit()
  return db, Doc, list[1], list[2]
end

describe("a version", function()
  it("refuses a change and a deletion of what another session has changed", function()
    local db, _, a, b = docs()
    assert.same({ "a", "b" }, { a.title, b.title })
    a.title = "a2"
    assert.same({ { "UPDATE doc SET title=?, version=? WHERE doc.id = ? AND doc.version = ?", "a2", 2, 1, 1 } },
      sent(db, function() db.session:flush() end))
    db.session:commit()
    assert.same({ "a2", 2 }, { a.title, a.version })
    support.elsewhere(db, "UPDATE doc SET title = 'x', version = 3 WHERE id = 1")
    a.title = "mine"
    refuse("StaleDataError", "doc", function() db.session:commit() end)
    db.session:rollback()
    assert.same({ "x", 3 }, { a.title, a.version })
    assert.equal("b", b.title)
    support.elsewhere(db, "UPDATE doc SET version = 4 WHERE id = 1")
    db.session:delete(a)
    db.session:delete(b)
    refuse("StaleDataError", "doc", function() db.session:commit() end)
    db.session:rollback()
    assert.same({ 4, 1 }, { a.version, b.version })
  end)

  it("rises in each row of a batch", function()
    local db, Doc, a, b = docs()
    assert.same({ 1, 1 }, { a.version, b.version })
    a.title, b.title = "a2", "b2"
    assert.same({ "UPDATE doc x2" }, writes(db))
    assert.same({ 2, 2 }, { a.version, b.version })
    assert.same({ 2, 2 }, db.session:scalars(mr.select(Doc.version)):all())
  end)

  it("may be set ahead; the row is found by the one that was read", function()
    local db, Doc, a = docs()
    assert.equal(1, a.version)
    a.version = 2
    assert.same({ { "UPDATE doc SET version=? WHERE doc.id = ? AND doc.version = ?", 2, 1, 1 } },
      sent(db, function() db.session:flush() end))
    a.version, a.title = 4, "new"
    assert.same({ { "UPDATE doc SET title=?, version=? WHERE doc.id = ? AND doc.version = ?", "new", 4, 1, 2 } },
      sent(db, function() db.session:flush() end))
    a.version = 5
    db.session:delete(a)
    assert.same({ { "DELETE FROM doc WHERE doc.id = ? AND doc.version = ?", 1, 4 } },
      sent(db, function() db.session:flush() end))
    assert.equal(1, Doc.query:count())
  end)

  it("is compared by a merge that brings one", function()
    local db, Doc, a = docs()
    a.title = "a2"
    db.session:commit()
    assert.equal(a, db.session:merge(Doc{ id = 1, title = "a3" }))
    db.session:commit()
    assert.same({ "a3", 3 }, { a.title, a.version })
    assert.equal(a, db.session:merge(Doc{ id = 1, title = "a4", version = 3 }))
    db.session:commit()
    assert.same({ "a4", 4 }, { a.title, a.version })
    refuse("StaleDataError", "version", function() db.session:merge(Doc{ id = 1, title = "a5", version = 3 }) end)
    db.session:rollback()
    assert.same({ "a4", 4 }, { a.title, a.version })
    db.session:remove()
    refuse("StaleDataError", "version", function() db.session:merge(Doc{ id = 1, title = "a5", version = 3 }) end)
  end)

  it("is nothing to a class that does not declare it", function()
    local db = mr.open "sqlite://"
    local Note = db.Model:extend("Note", { id = db.Column{ db.Integer, primary_key = true },
      text = db.Column{ db.String }, version = db.Column{ db.Integer } })
    db:create_all()
    local note = Note{ text = "a", version = 7 }
    db.session:add(note)
    db.session:commit()
    assert.equal("a", note.text)
    support.elsewhere(db, "UPDATE note SET version = 8")
    note.text = "b"
    assert.same({ { "UPDATE note SET text=? WHERE note.id = ?", "b", 1 } }, sent(db, function() db.session:flush() end))
    db.session:commit()
    assert.equal(8, note.version)
  end)

  it("does not rise with what only the other side's row says", function()
    for _, generator in ipairs{ false, function(v) return (v or 0) + 10 end } do
      local db = mr.open "sqlite://"
      local Team = db.Model:extend("Team", {
        id = db.Column{ db.Integer, primary_key = true },
        version = db.Column{ db.Integer, nullable = false },
        members = db.relationship{ "Member", back_populates = "team" },
        __mapper_args = { version_id_col = "version", version_id_generator = generator or nil },
      })
      local Member = db.Model:extend("Member", {
        id = db.Column{ db.Integer, primary_key = true },
        team_id = db.Column{ db.Integer, db.ForeignKey "team.id" },
        team = db.relationship{ "Team", back_populates = "members" },
      })
      db:create_all()
      local team = Team{}
      db.session:add(team)
      db.session:commit()
      local first = team.version
      team.members:append(Member{})
      assert.same({ "INSERT member" }, writes(db))
      db.session:commit()
      assert.equal(first, team.version)
      team.members:clear()
      assert.same({ "UPDATE member" }, writes(db))
      assert.equal(first, team.version)
    end
  end)

  it("may be of a decorated type", function()
    local db = mr.open "sqlite://"
    local Tens = db.TypeDecorator{ impl = db.Integer, bind = function(v) return v and v * 10 end,
      result = function(v) return v and v // 10 end }
    local Item = db.Model:extend("Item", { id = db.Column{ db.Integer, primary_key = true },
      value = db.Column{ db.String }, version = db.Column{ Tens, nullable = false },
      __mapper_args = { version_id_col = "version",
        version_id_generator = function(v) return (v or 0) + 1 end } })
    db:create_all()
    local item = Item{ value = "a" }
    db.session:add(item)
    db.session:commit()
    for i = 2, 3 do
      item.value = "v" .. i
      assert.same({ "UPDATE item" }, (function()
        local list = writes(db)
        return { list[#list] }
      end)())
      assert.equal(i, item.version)
    end
    assert.equal(30, db.session:execute(mr.text "SELECT version FROM item"):scalar())
  end)

  it("goes on where a new object takes the row of a deleted one", function()
    for _, generator in ipairs{ false, function(v) return v and v .. "'" or "v" end } do
      local db = mr.open "sqlite://"
      local kind = generator and mr.String(20) or mr.Integer
      local args = function()
        return { version_id_col = "version", version_id_generator = generator or nil }
      end
      local Deed = db.Model:extend("Deed", {
        id = db.Column{ db.String(9), primary_key = true },
        version = db.Column{ kind, nullable = false },
        data = db.Column{ db.String(20) },
        step = db.relationship{ "Step", uselist = false, cascade = "all, delete-orphan" },
        __mapper_args = args(),
      })
      local Step = db.Model:extend("Step", {
        id = db.Column{ db.String(9), db.ForeignKey "deed.id", primary_key = true },
        version = db.Column{ kind, nullable = false },
        data = db.Column{ db.String(20) },
        __mapper_args = args(),
      })
      db:create_all()
      db.session:add(Deed{ id = "P1", data = "one" })
      db.session:commit()
      db.session:remove()
      local deed = Deed.query:one()
      db.session:delete(deed)
      db.session:add(Deed{ id = "P1", data = "switched" })
      assert.same({ "UPDATE deed" }, (function()
        local list = writes(db)
        return { list[#list] }
      end)())
      db.session:commit()
      deed = Deed.query:one()
      assert.same({ "switched", generator and "v'" or 2 }, { deed.data, deed.version })
      deed.step = Step{ data = "first" }
      db.session:commit()
      assert.equal(generator and "v" or 1, deed.step.version)
      deed.step = Step{ data = "second" }
      assert.same({ "UPDATE step" }, writes(db))
      db.session:commit()
      assert.same({ "second", generator and "v'" or 2 }, { deed.step.data, deed.step.version })
      assert.equal(1, Step.query:count())
      deed.data = "mine"
      support.elsewhere(db, "DELETE FROM step", "DELETE FROM deed", "INSERT INTO deed (id, version, data) VALUES "
        .. "('P1', 9, 'theirs')")
      refuse("StaleDataError", "deed", function() db.session:commit() end)
      db.session:rollback()
      assert.equal("theirs", deed.data)
    end
  end)

  it("of a joined class rises with a change of the subclass's table alone", function()
    local db = mr.open "sqlite://"
    local Base = db.Model:extend("Base", {
      id = db.Column{ db.Integer, primary_key = true },
      kind = db.Column{ db.String(9) },
      version = db.Column{ db.Integer, nullable = false },
      data = db.Column{ db.String(9) },
      __mapper_args = { version_id_col = "version", polymorphic_on = "kind", polymorphic_identity = "base" },
    })
    local Sub = Base:extend("Sub", {
      id = db.Column{ db.Integer, db.ForeignKey "base.id", primary_key = true },
      extra = db.Column{ db.String(9) },
      __mapper_args = { polymorphic_identity = "sub" },
    })
    db:create_all()
    local base, sub = Base{ data = "b" }, Sub{ data = "s", extra = "e" }
    db.session:add_all{ base, sub }
    db.session:commit()
    assert.same({ 1, 1 }, { base.version, sub.version })
    sub.extra = "e2"
    assert.same({ "UPDATE base", "UPDATE sub" }, writes(db))
    assert.same({ 1, 2 }, { base.version, sub.version })
  end)

  it("may have an odd name", function()
    local db = mr.open "sqlite://"
    local Odd = db.Model:extend("Odd", {
      id = db.Column{ db.Integer, primary_key = true },
      value = db.Column{ db.String },
      version = db.Column{ "version id's%", db.Integer, nullable = false },
      __mapper_args = { version_id_col = "version" },
    })
    db:create_all()
    local odd = Odd{ value = "a" }
    db.session:add(odd)
    db.session:commit()
    assert.equal("a", odd.value)
    odd.value = "b"
    assert.same({ { [[UPDATE odd SET value=?, "version id's%"=? WHERE odd.id = ? AND odd."version id's%" = ?]],
      "b", 2, 1, 1 } }, sent(db, function() db.session:flush() end))
    db.session:delete(odd)
    assert.same({ "DELETE odd" }, writes(db))
  end)
end)
