-- The reference: every public name, option, event and error is in it, with an example that runs; and what make doc
-- makes of it is whole: pages that parse, links that lead somewhere, names that the search finds.

local mr = require "moonrow"
local annotations = require "spec.doc.annotations"
local examples = require "spec.doc.examples"
local known = require "spec.support.known"

local all = annotations.read()

local function sorted(set)
  local list = {}
  for name in pairs(set) do list[#list + 1] = name end
  table.sort(list)
  return table.concat(list, " ")
end

-- The names of the fields of a class, and of those that it extends.
local function fields_of(name, into)
  local class = assert(all.classes[name], name)
  into = into or {}
  for _, field in ipairs(class.fields) do
    if field.name:match "^[%w_]+$" then into[field.name] = field end
  end
  for _, parent in ipairs(class.extends) do fields_of(parent, into) end
  return into
end

-- fn(item, what) for each class, field, function and alias.
local function each(fn)
  for _, class in ipairs(all.order) do
    fn(class, class.name)
    for _, field in ipairs(class.fields) do fn(field, class.name .. "." .. field.name) end
    for _, func in ipairs(class.functions) do fn(func, class.name .. ":" .. func.name) end
  end
  for _, alias in ipairs(all.alias_order) do fn(alias, alias.name) end
end

-- ---------------------------------------------------------------- nothing is missing

describe("the reference has", function()
  local db = mr.open "sqlite://"
  local User = db.Model:extend("User", { id = db.Column{ db.Integer, primary_key = true },
    n = db.Column{ db.Integer } })
  local Post = db.Model:extend("Post", {
    id = db.Column{ db.Integer, primary_key = true },
    user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
    user = db.relationship{ "User", backref = "posts" },
  })
  db:create_all()
  local session, wrong = db.session, { zzqq = 1 }
  local query, n, write = User.query, User.n, mr.insert(User)
  local function nothing() end
  local function with(fn, first) return function() return fn{ first, zzqq = 1 } end end

  -- A method of what a step gets.
  local function step(name, ...)
    local args = table.pack(...)
    return { function()
      db:migrate("game", { { "1", function(m) m[name](m, table.unpack(args, 1, args.n)) end } })
    end }
  end

  -- By class of options: calls that are refused for an option that there is not. The message lists those that there
  -- are.
  local calls = {
    ["moonrow.DatabaseOptions"] = { { mr.Database, wrong } },
    ["moonrow.OpenOptions"] = { { mr.open, "sqlite://", wrong } },
    ["moonrow.EngineOptions"] = { { mr.create_engine, "sqlite://", wrong } },
    ["moonrow.UrlParameters"] = { { mr.open, "sqlite://?zzqq=1" } },
    ["moonrow.ConnectOptions"] = { { db.engine.connect, db.engine, wrong } },
    ["moonrow.CreateOptions"] = { { db.create_all, db, wrong }, { db.drop_all, db, wrong },
      { db.metadata.create_all, db.metadata, wrong }, { db.metadata.drop_all, db.metadata, wrong } },
    ["moonrow.SandboxOptions"] = { { mr.sandbox, wrong } },
    ["moonrow.MemoryOptions"] = { { mr.memory, wrong } },
    ["moonrow.LoaderCriteriaOptions"] = { { mr.with_loader_criteria, User, n:eq(1), wrong } },
    ["moonrow.SessionOptions"] = { { mr.Session, wrong }, { mr.sessionmaker, wrong } },
    ["moonrow.ScopedSessionOptions"] = { { mr.scoped_session, mr.sessionmaker{}, wrong } },
    ["moonrow.BeginOptions"] = { { session.begin, session, nothing, wrong } },
    ["moonrow.RetryOptions"] = { { session.retry, session, nothing, wrong } },
    ["moonrow.ImportOptions"] = { { session.import, session, User, {}, wrong } },
    ["moonrow.ExportOptions"] = { { query.export, query, wrong } },
    ["moonrow.GetOptions"] = { { session.get, session, User, 1, wrong } },
    ["moonrow.MergeOptions"] = { { session.merge, session, User{}, wrong } },
    ["moonrow.ExecutionOptions"] = { { query.execution_options, query, wrong },
      { session.execute, session, mr.select(User), {}, wrong } },
    ["moonrow.ColumnOptions"] = { { with(mr.Column, mr.Integer) } },
    ["moonrow.CompositeOptions"] = { { mr.composite, print, "x", wrong } },
    ["moonrow.AssociationProxyOptions"] = { { mr.association_proxy, "a", "b", wrong } },
    ["moonrow.ValidatorOptions"] = { { db.Model.extend, db.Model, "Validated", {
      id = db.Column{ db.Integer, primary_key = true }, __validators = { id = { print, zzqq = 1 } } } } },
    ["moonrow.ColumnPropertyOptions"] = { { mr.column_property, print, wrong }, { mr.count_of, "posts", wrong } },
    ["moonrow.HybridOptions"] = { { mr.hybrid, wrong } },
    ["moonrow.HybridMethodOptions"] = { { mr.hybrid_method, print, wrong } },
    ["moonrow.DeferredOptions"] = { { mr.deferred, mr.Column{ mr.Integer }, wrong } },
    ["moonrow.StringOptions"] = { { with(mr.String) } },
    ["moonrow.StorageOptions"] = { { mr.DateTime, { storage = "iso", zzqq = 1 } } },
    ["moonrow.JsonOptions"] = { { mr.JSON, wrong }, { mr.JSONB, wrong } },
    ["moonrow.DecoratorOptions"] = { { mr.TypeDecorator, wrong } },
    ["moonrow.EnumOptions"] = { { mr.Enum, "a", wrong } },
    ["moonrow.ForeignKeyOptions"] = { { mr.ForeignKey, "a.b", wrong }, { mr.ForeignKeyConstraint, { "a" }, { "b.a" },
      wrong } },
    ["moonrow.ConstraintOptions"] = { { mr.CheckConstraint, "a", wrong } },
    ["moonrow.WithPolymorphicOptions"] = { { mr.with_polymorphic, User, "*", wrong } },
    ["moonrow.KeyOptions"] = { { mr.PrimaryKeyConstraint, "a", wrong }, { mr.UniqueConstraint, "a", wrong } },
    ["moonrow.ComputedOptions"] = { { mr.Computed, "a", wrong } },
    ["moonrow.IdentityOptions"] = { { mr.Identity, wrong } },
    ["moonrow.MetaDataOptions"] = { { mr.MetaData, wrong } },
    ["moonrow.CreateDdlOptions"] = { { mr.CreateTable, User, wrong },
      { mr.CreateIndex, mr.Index("ix_a", User.n), wrong } },
    ["moonrow.DropDdlOptions"] = { { mr.DropTable, User, wrong }, { mr.DropIndex, mr.Index("ix_b", User.n), wrong } },
    ["moonrow.IndexOptions"] = { { mr.Index, "i", "a", wrong } },
    ["moonrow.TableOptions"] = { { mr.Table, "t", mr.MetaData(), wrong } },
    ["moonrow.AutoloadOptions"] = { { mr.Table, "t", mr.MetaData(), { autoload_with = db, zzqq = 1 } } },
    ["moonrow.ReflectOptions"] = { { db.reflect, db, wrong }, { db.metadata.reflect, db.metadata, wrong } },
    ["moonrow.InspectOptions"] = { { mr.inspect, db, wrong } },
    ["moonrow.AutomapOptions"] = { { db.automap, db, wrong } },
    ["moonrow.AutomapOpenOptions"] = { { mr.automap, "sqlite://", wrong } },
    ["moonrow.BaseOptions"] = { { mr.declarative_base, wrong } },
    ["moonrow.MapperArgs"] = { { function()
      db.Model:extend("Z", { id = db.Column{ db.Integer, primary_key = true }, __mapper_args = wrong })
    end } },
    ["moonrow.RelationshipOptions"] = { { with(mr.relationship, "User") } },
    ["moonrow.BackrefOptions"] = { { with(mr.backref, "users") } },
    ["moonrow.OrderingListOptions"] = { { mr.ordering_list, "n", wrong } },
    ["moonrow.ToTableOptions"] = { { function() User{}:to_table(wrong) end } },
    ["moonrow.ForUpdateOptions"] = { { query.with_for_update, query, wrong } },
    ["moonrow.CteOptions"] = { { query.cte, query, "x", wrong }, { write.cte, write, "x", wrong } },
    ["moonrow.JoinOptions"] = { { query.join, query, Post, n:eq(1), wrong }, { query.outerjoin, query, Post, n:eq(1),
      wrong }, { query.join_from, query, User, Post, n:eq(1), wrong }, { mr.join, User, Post, wrong },
      { mr.outerjoin, User, Post, wrong }, { mr.full, User, Post, wrong } },
    ["moonrow.SynchronizeOptions"] = { { query.update, query, { n = 1 }, wrong }, { query.delete, query, wrong } },
    ["moonrow.WriteOptions"] = { { write.execution_options, write, wrong } },
    ["moonrow.PaginateOptions"] = { { query.paginate, query, wrong },
      { session.paginate, session, mr.select(User), wrong } },
    ["moonrow.NotFoundOptions"] = { { query.get_or_404, query, 1, wrong }, { query.first_or_404, query, wrong },
      { query.one_or_404, query, wrong } },
    ["moonrow.IterPagesOptions"] = { { function() query:order_by(User.id):paginate():iter_pages(wrong) end } },
    ["moonrow.SqlOptions"] = { { query.sql, query, wrong }, { n.sql, n, wrong }, { write.sql, write, wrong } },
    ["moonrow.LikeOptions"] = { { n.like, n, "a", wrong }, { n.not_like, n, "a", wrong }, { n.ilike, n, "a", wrong },
      { n.not_ilike, n, "a", wrong } },
    ["moonrow.MatchOptions"] = { { n.startswith, n, "a", wrong }, { n.endswith, n, "a", wrong }, { n.contains, n, "a",
      wrong },
      { n.istartswith, n, "a", wrong }, { n.iendswith, n, "a", wrong }, { n.icontains, n, "a", wrong } },
    ["moonrow.OverOptions"] = { { mr.func.count(n).over, mr.func.count(n), wrong } },
    ["moonrow.BindparamOptions"] = { { mr.bindparam, "a", wrong } },
    ["moonrow.ValuesOptions"] = { { mr.values, { mr.column "a" }, { { 1 } }, wrong } },
    ["moonrow.TableValuedOptions"] = { { mr.func.f(1).table_valued, mr.func.f(1), "a", wrong } },
    ["moonrow.RegexpOptions"] = { { n.regexp_match, n, "a", wrong } },
    ["moonrow.OpOptions"] = { { n.op, n, "->>", wrong } },
    ["moonrow.LightTableOptions"] = { { mr.table, "t", wrong } },
    ["moonrow.FilterOptions"] = { { mr.filter, User, "n == 1", wrong } },
    ["moonrow.AliasOptions"] = { { mr.aliased, User, wrong } },
    ["moonrow.OnConflict"] = { { write.on_conflict_do_update, write, wrong } },
    ["moonrow.OnConflictNothing"] = { { write.on_conflict_do_nothing, write, wrong } },
    ["moonrow.FromSelectOptions"] = { { write.from_select, write, { n }, mr.select(n), wrong } },
    ["moonrow.JoinedLoadOptions"] = { { mr.joinedload, User.posts, wrong } },
    ["moonrow.RaiseLoadOptions"] = { { mr.raiseload, User.posts, wrong } },
    ["moonrow.RecordOptions"] = { { db.record, db, print, wrong } },
    ["moonrow.WatchOptions"] = { { User.query.watch, User.query, print, wrong } },
    ["moonrow.WindowOptions"] = { { User.query.window, User.query, wrong } },
    ["moonrow.HistoryLimits"] = { { db.history.limit, db.history, wrong } },
    ["moonrow.HistoryOptions"] = { { db.history_options, db, wrong } },
    ["moonrow.WatchdogOptions"] = { { db.watchdog, db, wrong } },
    ["moonrow.SelectInLoadOptions"] = { { mr.selectinload, User.posts, wrong } },
    ["moonrow.ImmediateLoadOptions"] = { { mr.immediateload, User.posts, wrong } },
    ["moonrow.BatchOptions"] = { { mr.batchload, User.posts, wrong } },
    ["moonrow.ContainsEagerOptions"] = { { mr.contains_eager, User.posts, wrong } },
    ["moonrow.ListenOptions"] = { { mr.event.listen, session, "before_flush", nothing, wrong },
      { mr.event.listens_for, session, "before_flush", wrong } },
    ["moonrow.SqlFunctionOptions"] = { { db.engine.create_function, db.engine, "f", print, wrong } },
    ["moonrow.SqlAggregate"] = { { db.engine.create_aggregate, db.engine, "f", wrong } },
    ["moonrow.BackupOptions"] = { { db.backup, db, "x", wrong }, { db.restore, db, "x", wrong } },
    ["moonrow.MigrateOptions"] = { { db.migrate, db, "game", {}, wrong } },
    ["moonrow.AddColumnOptions"] = { step("add_column", "user", "z", mr.Integer, wrong) },
    ["moonrow.AlterColumnOptions"] = { step("alter_column", "user", "n", wrong) },
    ["moonrow.DropColumnOptions"] = { step("drop_column", "user", "n", wrong) },
    ["moonrow.DropTableOptions"] = { step("drop_table", "user", wrong) },
    ["moonrow.DropIndexOptions"] = { step("drop_index", "ix", wrong) },
    ["moonrow.MigrationForeignKeyOptions"] = { step("create_foreign_key", nil, "user", "n", "post", "id", wrong) },
    ["moonrow.MigrationKeyOptions"] = { step("create_unique", nil, "user", "n", wrong) },
    ["moonrow.MigrationCheckOptions"] = { step("create_check", nil, "user", "n > 0", wrong) },
    ["moonrow.MigrationIndexOptions"] = { step("create_index", "ix", "user", "n", wrong) },
    ["moonrow.NumericOptions"] = { { mr.Numeric, 10, 2, wrong } },
    ["moonrow.Lengths"] = { { mr.interval, wrong } },
    ["moonrow.DateParts"] = { { mr.date, wrong } },
    ["moonrow.TimeParts"] = { { mr.time, wrong } },
    ["moonrow.DateTimeParts"] = { { mr.datetime, wrong },
      { function() mr.datetime(2024, 1, 1):replace(wrong) end } },
  }
  -- Written without a class of their own.
  local others = { case = "else_" }
  -- A union of others, told apart by what is executed.
  -- And one that takes the first of the options of another: the words of a boolean have no other form.
  local unions = { ["moonrow.ExecuteOptions"] = true, ["moonrow.BooleanOptions"] = true }

  it("each option of each function, and no other", function()
    for class, list in pairs(calls) do
      for _, call in ipairs(list) do
        local there = known.options(table.unpack(call))
        assert.equal(sorted(there), sorted(fields_of(class)), class)
      end
    end
    assert.same({ else_ = true, value = true }, known.options(mr.case, { { n:eq(1), 2 }, zzqq = 1 }))
  end)

  it("each function that has options", function()
    local asked, sources = {}, assert(io.popen "cat src/bind/*/*.c lua/moonrow/*.lua")
    local text = sources:read "a"
    sources:close()
    for _, list in pairs(calls) do
      for _, call in ipairs(list) do
        local _, e = pcall(table.unpack(call))
        asked[e.message:match "for ([%w_.:]+) %(" or e.message:match "parameter"] = true
      end
    end
    local missing = {}
    for name in text:gmatch 'bind_check_options%(L, [%w_]+, "([%w_.]+)", [%w_]+%)' do
      missing[name] = not asked[name] or nil
    end
    for name, list in text:gmatch 'options%.read%("([%w_.]+)", (%b{})' do
      missing[name] = list ~= "{}" and not asked[name] or nil
    end
    for name in text:gmatch 'options%.read%("([%w_.]+)", [%a_]' do missing[name] = not asked[name] or nil end
    for name in pairs(others) do missing[name] = nil end
    assert.equal("", sorted(missing))
  end)

  it("each class of options that a parameter has", function()
    for _, class in ipairs(all.order) do
      if class.name:match "Options$" and class.name ~= "moonrow.OpenOptions" then
        assert.is_true(calls[class.name] ~= nil or unions[class.name] == true, class.name)
      end
    end
  end)

  it("each option in a type of its own, not in braces", function()
    each(function(item, what)
      for _, param in ipairs(item.params or {}) do assert.is_nil(param.type:match "{ *[%a_]+%?:", what) end
    end)
  end)

  it("each error, in both places", function()
    local there, fields, words = known.copy({}, mr.errors), fields_of "moonrow.ErrorKinds", {}
    for _, value in ipairs(all.aliases["moonrow.ErrorKind"].values) do words[value.value:sub(2, -2)] = true end
    assert.equal(sorted(there), sorted(fields))
    assert.equal(sorted(there), sorted(words))
    each(function(item, what)
      for _, e in ipairs(item.errors or {}) do assert.is_true(there[e.kind], what .. ": " .. e.kind) end
    end)
  end)

  it("what the body of a class may have", function()
    local file = assert(io.open "src/bind/class/body.c")
    local text, names = file:read "a", {}
    file:close()
    for list in (text:match "directives%[%] = (%b{})" .. text:match "special_members%[%] = (%b{})"):gmatch "%b{}" do
      for name in list:gmatch '"([%w_]+)"' do names[name] = true end
    end
    assert.equal(sorted(names), sorted(fields_of "moonrow.ClassBody"))
  end)

  it("each event, with as many arguments as a listener gets", function()
    local words, got = {}, {}
    for _, value in ipairs(all.aliases["moonrow.EventName"].values) do words[value.value:sub(2, -2)] = true end
    local fields = fields_of "moonrow.Listeners"
    assert.equal(sorted(words), sorted(fields))
    local function hear(target, ...)
      for _, name in ipairs{ ... } do
        mr.event.listen(target, name, function(...) got[name] = select("#", ...) end)
      end
    end
    local other = mr.open "sqlite://"
    hear(other.engine, "connect", "before_execute", "after_execute")
    other.session:scalar(mr.text "SELECT 1")
    hear(session, "before_flush", "after_flush", "before_commit", "after_commit", "after_rollback", "after_begin")
    hear(User, "before_insert", "after_insert", "before_update", "after_update", "before_delete", "after_delete",
      "load",
      "refresh")
    hear(User.n, "set")
    hear(User.posts, "append", "remove")
    local user = User{ n = 1 }
    session:add(user)
    session:commit()
    user.n = 2
    local post = Post{}
    user.posts:append(post)
    user.posts:remove(post)
    session:expunge(post)
    session:commit()
    session:refresh(user)
    local second <close> = mr.Session(db.engine)
    second:get(User, user.id)
    session:delete(user)
    session:flush()
    session:rollback()
    for name, field in pairs(fields) do
      local count = select(2, field.type:match "^fun(%b())":gsub("[%w_]+:", ""))
      assert.equal(count, got[name], name)
    end
  end)

  it("a version for each, which is not of the future", function()
    local now = tonumber(mr._VERSION:match "[%d.]+$")
    each(function(item, what)
      assert.is_truthy(item.since, what)
      assert.is_true(tonumber(item.since) <= now, what .. " is since " .. item.since)
    end)
  end)

  it("words for each", function()
    local options = require("spec.doc.reference").takers(all)
    each(function(item, what)
      local words = item.text:gsub("```.-```", "") .. (item.comment or "")
      local needs_none = item.kind == "class" and (options[item] ~= nil or #item.fields > 0)
      assert.is_true(words:match "%a" ~= nil or needs_none, what)
    end)
  end)
end)

-- ---------------------------------------------------------------- each has an example, which runs

describe("the examples of the reference", function()
  it("each function has one; each field, option and event is in one", function()
    local takers = require("spec.doc.reference").takers(all)
    local by_class = {}
    local function add(class, text)
      by_class[class] = (by_class[class] or "") .. "\n" .. table.concat(examples.blocks(text), "\n")
    end
    local everything = {}
    each(function(item) everything[#everything + 1] = table.concat(examples.blocks(item.text), "\n") end)
    everything = table.concat(everything, "\n")
    for _, class in ipairs(all.order) do
      add(class, class.text)
      for _, func in ipairs(class.functions) do add(class, func.text) end
      for _, func in ipairs(takers[class] or {}) do
        add(class, func.text)
        if func.kind == "function" and func.class ~= class then add(class, func.class.text) end
      end
    end
    local missing = {}
    each(function(item, what)
      if #examples.blocks(item.text) > 0 then return end
      if item.kind == "function" then missing[what] = true
      elseif item.kind == "field" and item.name:match "^[%a_]" then
        local text = by_class[item.class]
        -- What a function gives, and options that come to several functions by way of others, are named somewhere.
        if #(takers[item.class] or {}) == 0 or not text:match "%S" then text = everything end
        if not text:find("%f[%w_]" .. item.name .. "%f[^%w_]")
          and not everything:find("%f[%w_]" .. item.name .. "%f[^%w_]") then missing[what] = true end
      end
    end)
    assert.equal("", sorted(missing))
  end)

  local pages = {}
  each(function(item, what)
    for _, code in ipairs(examples.blocks(item.text)) do
      local page = item.path:match "([^/]+)%.lua$"
      pages[page] = pages[page] or {}
      table.insert(pages[page], { code = code, what = what, place = item.path .. ":" .. item.line })
    end
  end)
  for page, list in pairs(pages) do
    it("run, and give what they say: " .. page, function()
      local checked = 0
      for _, example in ipairs(list) do
        local problem, n = examples.run(example.code, example.what)
        assert.is_nil(problem, ("%s (%s): %s"):format(example.what, example.place, problem))
        checked = checked + n
      end
      assert.is_true(checked > 0)
    end)
  end

  it("are checked by a runner that finds mistakes", function()
    local function problem(code) return (examples.run(code, "example")) end
    assert.is_nil(problem "1 + 1 --> 2")
    assert.is_nil(problem "User.query:count() --> 3\nann.posts --> {Hello, Again}")
    assert.is_nil(problem "User.query\n  :filter(User.age:gt(30))\n  :all() --> {Ann}")
    assert.is_nil(problem "error 'no' --! no")
    assert.matches("line 1 gives 2, and not 3", problem "1 + 1 --> 3", 1, true)
    assert.matches("line 2 gives 5, and not 6", problem "local x = 5\nx --> 6", 1, true)
    assert.matches("raises no error", problem "local x = 1 --! ArgumentError", 1, true)
    assert.matches("and not NoSuchKind", problem "User{ nmae = 1 } --! NoSuchKind", 1, true)
    assert.matches("not all of its lines", problem "if nil then\n1 --> 1\nend", 1, true)
    assert.matches("attempt to call", problem "nobody()", 1, true)
    assert.is_truthy(problem "local = 1")
    assert.is_nil(problem "session:delete(ann)\nsession:commit()\nUser.query:count() --> 2")
    assert.is_nil(problem "User.query:count() --> 3", "another example's changes are not seen")
  end)
end)
