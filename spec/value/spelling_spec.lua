-- Values that other programs have spelled in other ways: a value that was read finds its row, and is written as it was.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

-- A class Event with id and `at`, a column of the type, and one row for each literal.
local function events(type, literals, options)
  local db = mr.open "sqlite://"
  local column = { type }
  for name, value in pairs(options or {}) do column[name] = value end
  local Event = db.Model:extend("Event", {
    id = db.Column{ db.Integer, primary_key = true }, at = db.Column(column), n = db.Column{ db.Integer, default = 0 },
  })
  db:create_all()
  for i, literal in ipairs(literals) do
    db.session:execute(mr.text(("INSERT INTO event (id, at, n) VALUES (%d, %s, 0)"):format(i, literal)))
  end
  db.session:commit()
  return db, Event
end

local function stored(db, id, column, table_name)
  local sql = ("SELECT typeof(%s) || ' ' || quote(%s) AS it FROM %s WHERE id = %d"):format(
    column or "at", column or "at", table_name or "event", id or 1)
  return db.session:execute(mr.text(sql)):one().it
end

-- The ids that the criterion finds: "1 2 5".
local function found(Event, ...)
  local ids = {}
  for _, e in ipairs(Event.query:filter(...):order_by(Event.id):all()) do ids[#ids + 1] = e.id end
  return table.concat(ids, " ")
end

local moment = mr.datetime "2009-01-01 00:00:00"
-- Rows 1 to 3 are the moment itself, 4 to 6 are before it, 7 to 9 are after it.
local nine = {
  "'2009-01-01 00:00:00'", "'2009-01-01 00:00:00.000'", "'2009-01-01 00:00:00.000000'",
  "'2008-12-31 23:59:59'", "'2008-12-31 23:59:59.999'", "'2008-12-31 23:59:59.999999'",
  "'2009-01-01 00:00:00.000001'", "'2009-01-01 00:00:00.001'", "'2009-01-01 00:00:01'",
}

describe("a datetime in a criterion", function()
  local function check(Event, value)
    local at = Event.at
    assert.equal("1 2 3", found(Event, at:eq(value)))
    assert.equal("4 5 6 7 8 9", found(Event, at:ne(value)))
    assert.equal("1 2 3", found(Event, at:in_{ value }))
    assert.equal("4 5 6 7 8 9", found(Event, at:not_in{ value }))
    assert.equal("4 5 6", found(Event, at:lt(value)))
    assert.equal("1 2 3 4 5 6", found(Event, at:le(value)))
    assert.equal("7 8 9", found(Event, at:gt(value)))
    assert.equal("1 2 3 7 8 9", found(Event, at:ge(value)))
    assert.equal("1 2 3", found(Event, at:between(value, value)))
    assert.equal("4 5 6 7 8 9", found(Event, mr.not_(at:between(value, value))))
    assert.equal("4 5 6 7 8 9", found(Event, mr.not_(at:eq(value))))
    assert.equal("7 8 9", found(Event, mr.not_(at:le(value))))
    assert.equal("1 2 3", found(Event, at:is_(value)))
    assert.equal("4 5 6 7 8 9", found(Event, at:is_not(value)))
    assert.equal(3, Event.query:filter_by{ at = value }:count())
    assert.equal("1 2 3", found(Event, mr.or_(at:eq(value), Event.n:eq(7))))
    assert.equal("1 2 3", found(Event, at:in_{ value, mr.func.coalesce(mr.null, value) }))
    local A = mr.aliased(Event)
    assert.equal(3, #Event.query:join(A, A.id:eq(Event.id)):filter(A.at:eq(value)):all())
  end

  it("finds each spelling of the moment, and none of another", function()
    local _, Event = events(mr.DateTime, nine)
    check(Event, moment)
    check(Event, "2009-01-01 00:00:00")
    check(Event, "2009-01-01T00:00:00.000")
    assert.equal("1 2 3 9", found(Event, Event.at:in_{ moment, "2009-01-01 00:00:01" }))
    for id = 1, 3 do check(Event, Event.query:get(id).at) end
  end)

  it("finds fractions as well", function()
    local _, Event = events(mr.DateTime, {
      "'2009-01-01 00:00:00.5'", "'2009-01-01 00:00:00.500'", "'2009-01-01 00:00:00.500000'",
      "'2009-01-01 00:00:00.499999'", "'2009-01-01 00:00:00.4'", "'2009-01-01 00:00:00'",
      "'2009-01-01 00:00:00.500001'", "'2009-01-01 00:00:00.501'", "'2009-01-01 00:00:00.6'",
    })
    check(Event, "2009-01-01 00:00:00.5")
    for id = 1, 3 do check(Event, Event.query:get(id).at) end
  end)

  it("does so in named parameters, tuples, conditions of joins, having, and on the left", function()
    local db, Event = events(mr.DateTime, nine)
    local s, at = db.session, Event.at
    assert.equal(3, Event.query:filter(at:eq(mr.bindparam "when")):params{ when = moment }:count())
    assert.equal(3, Event.query:filter(at:gt(mr.bindparam "when")):params{ when = moment }:count())
    assert.equal(3, Event.query:filter(at:lt(mr.bindparam("when", mr.DateTime)))
      :params{ when = "2009-01-01 00:00:00" }:count())
    assert.equal(0, Event.query:filter(at:eq(mr.bindparam "when")):params{ when = mr.null }:count())
    assert.equal("1 2 3", found(Event, mr.tuple_(Event.n, at):in_{ { 0, moment }, { 1, moment } }))
    assert.equal("4 5 6 7 8 9", found(Event, mr.tuple_(Event.n, at):not_in{ { 0, moment } }))
    local B = mr.aliased(Event)
    local on = mr.and_(B.id:eq(Event.id), mr.or_(B.at:ge(moment), B.at:lt(moment)))
    assert.equal(9, s:query(Event):join(B, on):count())
    assert.equal(3, #s:query(Event.id):group_by(Event.id):having(mr.func.max(at):eq(moment)):all())
    local literal = mr.literal(moment)
    assert.equal("7 8 9", found(Event, literal:lt(at)))
    assert.equal("1 2 3 4 5 6", found(Event, literal:ge(at)))
    assert.equal("1 2 3", found(Event, literal:eq(at)))
    assert.equal("1 2 3", found(Event, literal:between(at, at)))
    assert.equal("4 5 6 7 8 9", found(Event, mr.not_(literal:between(at, at))))
    local case = mr.case{ { at:eq(moment), 1 }, else_ = 0 }
    assert.equal(3, s:query(mr.func.sum(case)):scalar())
    assert.equal(3, s:execute(mr.select(mr.func.count()):select_from(Event):where(at:eq(moment))):scalar())
    local inner = s:query(Event.id):filter(at:eq(moment))
    assert.equal("1 2 3", found(Event, Event.id:in_(inner)))
  end)

  it("binds the shortest and the longest spelling where it is before or after, and one where there is one", function()
    local db, Event = events(mr.DateTime, {})
    local function sql(criterion)
      local record = db:record(function() return Event.query:filter(criterion):all() end)[1]
      return record.statement:match "WHERE (.*)$", #record.parameters
    end
    local at = Event.at
    assert.same({ "event.at IN (?, ?, ?)", 3 }, { sql(at:eq(moment)) })
    assert.same({ "(event.at NOT IN (?, ?, ?))", 3 }, { sql(at:ne(moment)) })
    assert.same({ "event.at IN (?, ?)", 2 }, { sql(at:eq "2009-01-01 00:00:00.123") })
    assert.same({ "event.at = ?", 1 }, { sql(at:eq "2009-01-01 00:00:00.123456") })
    assert.same({ "event.at >= ?", 1 }, { sql(at:ge(moment)) })
    assert.same({ "event.at BETWEEN ? AND ?", 2 }, { sql(at:between(moment, moment)) })
    assert.same({ "event.at IN (?, ?, ?, ?)", 4 }, { sql(at:in_{ moment }) }) -- lists are padded
  end)

  it("is one for times and intervals, too", function()
    local _, Event = events(mr.Time, { "'13:00:00'", "'13:00:00.000'", "'13:00:00.000000'", "'12:59:59.9'", "'13:00'" })
    assert.equal("1 2 3", found(Event, Event.at:eq "13:00:00"))
    assert.equal("1 2 3", found(Event, Event.at:ge "13:00:00"))
    assert.equal("5", found(Event, Event.at:eq(Event.query:get(5).at), Event.id:gt(3)))
    local _, Span = events(mr.Interval, {
      "'1970-01-02 00:00:00'", "'1970-01-02 00:00:00.000000'", "'1970-01-01 00:00:00'" })
    assert.equal("1 2", found(Span, Span.at:eq(mr.interval{ days = 1 })))
    assert.equal("1 2", found(Span, Span.at:ge(mr.interval{ days = 1 })))
    assert.equal("1 2", found(Span, Span.at:in_{ Span.query:get(1).at }))
  end)

  it("is as it was for a database that has dates", function()
    local db = mr.open "mock+postgresql://"
    local Event = db.Model:extend("Event", { id = db.Column{ db.Integer, primary_key = true },
      at = db.Column{ db.DateTime },
      done = db.Column{ db.Boolean } })
    local record = db:record(function()
      return Event.query:filter(Event.at:eq(moment), Event.at:in_{ moment }, Event.done):all()
    end)[1]
    assert.matches("event.at = $1 AND event.at IN ($2) AND event.done", record.statement, 1, true)
  end)
end)

describe("a value that was read", function()
  local spellings = {
    "'2009-01-01 00:00:00'", "'2009-01-01 00:00:00.000'", "'2009-01-01 00:00:00.000000'", "'2009-01-01T00:00:00'",
    "'2009-01-01T00:00:00.000'", "'2009-01-01'", "'2009-01-01 00:00'", "'2009-01-01 00:00:00.5'",
    "'2009-01-01 00:00:00.50'", "'2009-01-01 00:00:00.123456'",
  }

  it("finds its row, whatever the spelling", function()
    local db, Event = events(mr.DateTime, spellings)
    for id in ipairs(spellings) do
      local at = db.session:get(Event, id).at
      local this = Event.id:eq(id)
      assert.equal(tostring(id), found(Event, Event.at:eq(at), this))
      assert.equal(tostring(id), found(Event, Event.at:in_{ at }, this))
      assert.equal(tostring(id), found(Event, Event.at:between(at, at), this))
      assert.equal("", found(Event, Event.at:ne(at), this))
      assert.equal("", found(Event, Event.at:lt(at), this))
      assert.equal("", found(Event, Event.at:gt(at), this))
    end
  end)

  it("is written to another row as it was stored", function()
    local db, Event = events(mr.DateTime, spellings)
    local s = db.session
    for id, literal in ipairs(spellings) do
      local at = s:get(Event, id).at
      s:add(Event{ id = 100 + id, at = at })
      s:execute(mr.insert(Event):values{ id = 200 + id, at = at })
      s:execute(mr.update(Event):where(Event.id:eq(id)):values{ at = at })
      s:flush()
      for _, other in ipairs{ id, 100 + id, 200 + id } do assert.equal("text " .. literal, stored(db, other)) end
    end
  end)

  it("is no change when it is set again, nor is the same moment in other words", function()
    local db, Event = events(mr.DateTime, spellings)
    for id = 1, 7 do
      local e = db.session:get(Event, id)
      assert.same({}, db:record(function()
        e.at = e.at
        e.at = "2009-01-01 00:00:00"
        e.at = moment
        db.session:flush()
      end))
      e.at = nil
      e.at = moment
      e.n = 1
      db.session:commit()
      assert.equal("text " .. spellings[id], stored(db, id))
    end
  end)

  it("is spelled anew once something is calculated from it", function()
    local db, Event = events(mr.DateTime, { "'2009-01-01T00:00:00.000'", "'2009-01-01'" })
    for id = 1, 2 do
      local e = db.session:get(Event, id)
      e.at = e.at + mr.interval{ seconds = 1 }
      db.session:commit()
      assert.equal("text '2009-01-01 00:00:01'", stored(db, id))
      e.at = mr.datetime(2009, 1, 1, 0, 0, 0, 120000)
      db.session:commit()
      assert.equal("text '2009-01-01 00:00:00.120000'", stored(db, id))
    end
  end)

  it("may be the key of its row", function()
    for _, literal in ipairs(spellings) do
      local db = mr.open "sqlite://"
      local Log = db.Model:extend("Log", {
        at = db.Column{ db.DateTime, primary_key = true }, host = db.Column{ db.String(9), primary_key = true },
        text = db.Column{ db.Text } })
      db:create_all()
      local s = db.session
      s:execute(mr.text("INSERT INTO log VALUES (" .. literal .. ", 'a', 'x')"))
      s:commit()
      local log = Log.query:one()
      log.text = "loaded"
      s:commit()
      log.text = "expired" -- only the key is known now
      s:commit()
      assert.equal("expired", log.text)
      local at = log.at
      s:refresh(log)
      assert.equal(log, s:get(Log, { at, "a" }))
      s:remove()
      if not literal:find "T" and literal ~= "'2009-01-01'" and literal ~= "'2009-01-01 00:00'"
        and literal ~= "'2009-01-01 00:00:00.50'" then
        assert.equal("expired", s:get(Log, { tostring(at), "a" }).text)
      end
      s:remove()
      log = Log.query:one()
      local copy = s:merge(Log{ at = at, host = "a", text = "merged" })
      assert.equal(log, copy)
      s:commit()
      assert.equal(1, Log.query:count())
      log.host = "b"
      s:commit()
      assert.equal(1, Log.query:filter_by{ host = "b", text = "merged" }:count())
      local text = s:execute(mr.text "SELECT typeof(at) || ' ' || quote(at) AS it FROM log"):one().it
      assert.equal("text " .. literal, text)
      s:delete(log)
      s:commit()
      assert.equal(0, Log.query:count())
    end
  end)

  it("may be a part of a key whose other part is NULL", function()
    for _, literal in ipairs(spellings) do
      local db = mr.open "sqlite://"
      local Log = db.Model:extend("Log", { at = db.Column{ db.DateTime, primary_key = true },
        host = db.Column{ db.String(9), primary_key = true }, text = db.Column{ db.Text } })
      local s = db.session
      s:execute(mr.text "CREATE TABLE log (at DATETIME, host VARCHAR(9), text TEXT, PRIMARY KEY (at, host))")
      s:execute(mr.text("INSERT INTO log VALUES (" .. literal .. ", NULL, 'x')"))
      s:commit()
      local log = Log.query:one()
      log.text = "loaded"
      s:commit()
      log.text = "expired"
      s:commit()
      assert.equal("expired", log.text)
      s:delete(log)
      s:commit()
      assert.equal(0, Log.query:count())
    end
  end)

  it("may be the version of its row", function()
    for _, literal in ipairs(spellings) do
      local db = mr.open "sqlite://"
      local Doc = db.Model:extend("Doc", {
        id = db.Column{ db.Integer, primary_key = true }, text = db.Column{ db.Text },
        changed = db.Column{ db.DateTime },
        __mapper_args = { version_id_col = "changed", version_id_generator = function() return mr.now() end },
      })
      db:create_all()
      local s = db.session
      s:execute(mr.text("INSERT INTO doc VALUES (1, 'a', " .. literal .. "), (2, 'b', " .. literal .. ")"))
      s:commit()
      local one, two = s:get(Doc, 1), s:get(Doc, 2)
      one.text = "c"
      s:delete(two)
      s:commit()
      assert.equal("c", Doc.query:one().text)
      one.text = "d"
      s:commit()
      refuse("StaleDataError", "Doc 1", function()
        assert.equal("d", one.text)
        s:execute(mr.text "UPDATE doc SET changed = '2010-01-01 00:00:00'")
        one.text = "e"
        s:flush()
      end)
    end
  end)

  it("may be what other rows refer to", function()
    for _, literal in ipairs(spellings) do
      local db = mr.open "sqlite://"
      local Day = db.Model:extend("Day", { at = db.Column{ db.DateTime, primary_key = true },
        visits = db.relationship{ "Visit", back_populates = "day" } })
      local Visit = db.Model:extend("Visit", { id = db.Column{ db.Integer, primary_key = true },
        day_at = db.Column{ db.ForeignKey "day.at" }, day = db.relationship{ "Day", back_populates = "visits" } })
      db:create_all()
      local s = db.session
      s:execute(mr.text("INSERT INTO day VALUES (" .. literal .. ")"))
      s:execute(mr.text("INSERT INTO visit VALUES (1, " .. literal .. "), (2, " .. literal .. ")"))
      s:commit()
      for _, load in ipairs{ mr.lazyload, mr.selectinload, mr.joinedload, mr.subqueryload } do
        local day = Day.query:options(load(Day.visits)):one()
        assert.equal(2, #day.visits)
        s:remove()
        local visit = Visit.query:options(load(Visit.day)):filter(Visit.id:eq(1)):one()
        assert.equal(visit.day_at, visit.day.at)
        s:remove()
      end
      local day = Day.query:one()
      s:add(Visit{ id = 3, day = day })
      s:commit()
      assert.equal("text " .. literal, stored(db, 3, "day_at", "visit"))
      assert.equal(3, Visit.query:filter(Visit.day:eq(day)):count())
      assert.equal(3, Visit.query:with_parent(day):count())
      assert.equal(1, Day.query:filter(Day.visits:any()):count())
      s:get(Visit, 3).day = nil
      s:commit()
      assert.equal(2, #day.visits)
    end
  end)

  it("may be in a table that links rows", function()
    for _, literal in ipairs(spellings) do
      local db = mr.open "sqlite://"
      local link = db.Table("link", db.Column{ "day_at", db.ForeignKey "day.at", primary_key = true },
        db.Column{ "tag_id", db.ForeignKey "tag.id", primary_key = true })
      local Day = db.Model:extend("Day", { at = db.Column{ db.DateTime, primary_key = true },
        tags = db.relationship{ "Tag", secondary = link } })
      db.Model:extend("Tag", { id = db.Column{ db.Integer, primary_key = true } })
      db:create_all()
      local s = db.session
      s:execute(mr.text("INSERT INTO day VALUES (" .. literal .. ")"))
      s:execute(mr.text "INSERT INTO tag VALUES (1), (2)")
      s:execute(mr.text("INSERT INTO link VALUES (" .. literal .. ", 1), (" .. literal .. ", 2)"))
      s:commit()
      local day = Day.query:one()
      assert.equal(2, #day.tags)
      day.tags:remove(day.tags[1])
      s:commit()
      assert.equal(1, #day.tags)
      day.tags = {}
      s:commit()
      assert.equal(0, s:execute(mr.text "SELECT count(*) FROM link"):scalar())
    end
  end)
end)

describe("the database's own time", function()
  it("is a value that finds its row", function()
    local db = mr.open "sqlite://"
    local Post = db.Model:extend("Post", { id = db.Column{ db.Integer, primary_key = true },
      title = db.Column{ db.Text },
      made = db.Column{ db.DateTime, server_default = mr.func.current_timestamp() },
      changed = db.Column{ db.DateTime, onupdate = mr.func.current_timestamp() },
      __mapper_args = { eager_defaults = true } })
    db:create_all()
    local s = db.session
    local post = Post{ title = "a" }
    s:add(post)
    s:commit()
    for _, at in ipairs{ post.made, Post.query:one().made } do
      assert.equal(1, Post.query:filter_by{ made = at }:count())
      assert.equal(1, Post.query:filter(Post.made:in_{ at }):count())
      assert.equal(1, Post.query:filter(Post.made:between(at, at)):count())
      assert.equal(0, Post.query:filter(Post.made:ne(at)):count())
    end
    post.title = "b"
    s:commit()
    assert.equal(1, Post.query:filter(Post.changed:eq(post.changed)):count())
  end)
end)

describe("statements by criteria", function()
  it("find each spelling, and objects in memory follow them", function()
    for _, how in ipairs{ "evaluate", "fetch" } do
      local db, Event = events(mr.DateTime, nine)
      local s = db.session
      local all = Event.query:order_by(Event.id):all()
      assert.equal(3, Event.query:filter(Event.at:eq(moment)):update({ n = 1 }, { synchronize_session = how }))
      assert.equal(3, Event.query:filter(Event.at:gt(moment)):update({ n = 2 }, { synchronize_session = how }))
      local counts = {}
      assert.same({}, db:record(function()
        for i, e in ipairs(all) do counts[i] = e.n end
      end))
      assert.same({ 1, 1, 1, 0, 0, 0, 2, 2, 2 }, counts)
      assert.equal(3, Event.query:filter(Event.at:lt(moment)):delete{ synchronize_session = how })
      assert.equal(6, #s:query(Event):all())
      assert.is_nil(s:get(Event, 4))
      s:execute(mr.update(Event):where(Event.at:in_{ moment }):values{ at = "2020-01-01 00:00:00" })
      assert.equal(mr.datetime "2020-01-01 00:00:00", all[1].at)
      assert.equal("text '2020-01-01 00:00:00'", stored(db, 1))
    end
  end)

  it("agree with the database where the spelling is none that a criterion knows", function()
    local _, Event = events(mr.DateTime, { "'2009-01-01T00:00:00'", "'2009-01-01'", "'2009-01-01 00:00:00.00'",
      "'2009-01-01 00:00:00'" })
    local all = Event.query:order_by(Event.id):all()
    assert.equal(1, Event.query:filter(Event.at:eq(moment)):update({ n = 5 }, { synchronize_session = "evaluate" }))
    local counts = {}
    for i, e in ipairs(all) do counts[i] = e.n end
    assert.same({ 0, 0, 0, 5 }, counts)
    assert.equal(1, Event.query:filter(Event.at:eq(moment)):delete{ synchronize_session = "evaluate" })
    assert.equal(3, #Event.query:all())
  end)

  it("that compare two columns follow the database", function()
    local db = mr.open "sqlite://"
    local Span = db.Model:extend("Span", { id = db.Column{ db.Integer, primary_key = true },
      a = db.Column{ db.DateTime },
      b = db.Column{ db.DateTime }, n = db.Column{ db.Integer } })
    db:create_all()
    db.session:execute(mr.text [[INSERT INTO span VALUES (1, '2009-01-01 00:00:00', '2009-01-01 00:00:00.000', 0),
      (2, '2009-01-01 00:00:00', '2009-01-01 00:00:00', 0)]])
    db.session:commit()
    local one, two = db.session:get(Span, 1), db.session:get(Span, 2)
    local n = Span.query:filter(Span.a:eq(Span.b)):update({ n = 1 }, { synchronize_session = "evaluate" })
    local plain = db.session:execute(mr.text "SELECT n FROM span ORDER BY id"):all()
    assert.equal(1, n)
    assert.same({ plain[1].n, plain[2].n }, { one.n, two.n })
  end)
end)
