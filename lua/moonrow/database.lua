-- database.lua: db: a declarative base, its metadata, an engine made when it is first needed, and a scoped
-- session, in one place, which has every name of the module besides.
--
-- Invariant: each application has one engine per database, made from the configuration as it is at its
-- first use.

local core, require = ...
local options = require "moonrow.options"
local app = require "moonrow.app"
local session = require "moonrow.session"
local settings = require "moonrow.settings"
local to_table = require "moonrow.to_table"
local from_table = require "moonrow.from_table"
local watchdog = require "moonrow.watchdog"
local changes = require "moonrow.changes"
local history = require "moonrow.history"
local watch = require "moonrow.watch"
local reflect = require "moonrow.reflection.reflect"
local automap = require "moonrow.automap.automap"

local Database = { __name = "Database" }
local methods = {}

-- What belongs to one database is kept under keys that no user can meet.
local STATE = {}

local mr_words = require "moonrow.words"

local function mr_of(db) return db[STATE].mr end

-- Classes live as long as the program, and know the state of their database, not db itself: once nobody has db any
-- more, its engines give their files back. A class that is still used opens them again.

-- ---------------------------------------------------------------- applications and engines

local sandboxes = setmetatable({}, { __mode = "k" }) -- the application of a sandbox: whose it is (the state)

-- The application that counts now: the one whose scope the coroutine is in, if it uses this database; else
-- the only one.
local function current_app_of(state)
  local current = app.current()
  if current and (state.apps[current] or sandboxes[current] == state) then return current end
  if state.only then return state.only end
  if next(state.apps) then
    core.raise("InvalidRequestError",
      "several applications use this database: enter a scope of one of them (app:scope)")
  end
  core.raise("InvalidRequestError",
    "this database has no application yet: give it one with mr.Database(app) or db:init_app(app)")
end

local function current_app(db) return current_app_of(db[STATE]) end

-- In a sandbox it is the sandbox's, in the scopes of applications within it, too.
local function engine_of_state(state)
  local current = app.enclosing(sandboxes, state) or current_app_of(state)
  local engine = state.engines[current]
  if engine then return engine end
  local url = current.config.DATABASE_URI
  if url == nil then
    local misspelt = ""
    for key in pairs(current.config) do
      if type(key) == "string" and core.hint(key, { DATABASE_URI = true }) ~= "" then
        misspelt = string.format(" (it has a %s)", key)
      end
    end
    core.raise("InvalidRequestError", string.format("the application %q has no database: set app.config.DATABASE_URI,"
      .. ' as in "sqlite:////tmp/test.db"%s', current.name, misspelt))
  end
  engine = core.create_engine(url, state.engine_options or {})
  state.engines[current] = engine
  return engine
end

local function engine_of(db) return engine_of_state(db[STATE]) end

function Database:__gc()
  local state = rawget(self, STATE)
  if state and state.session then pcall(session.rest, state.session) end
  -- At the program's end an engine may have been finalized before.
  for _, engine in pairs(state and state.engines or {}) do pcall(function() engine:dispose() end) end
end

local function check_app(what, value)
  local cure = type(value) == "string" and "; mr.open(url) makes a database of a URL" or ""
  if not app.is_app(value) then options.expect(what, "an App (mr.App" .. cure .. ")", value) end
end

-- db:init_app(app): lets the application use this database. Returns db.
function methods:init_app(...)
  local _, given = options.read("init_app", {}, 1, ...)
  check_app("init_app", given)
  local state = self[STATE]
  if state.apps[given] then return self end
  given:on_teardown(function() state.session:remove() end)
  state.only = next(state.apps) == nil and given or nil
  state.apps[given] = true
  return self
end

-- ---------------------------------------------------------------- what a db does

local function with_bind(db, what, ...)
  local given = options.read(what, { "bind", "tables", "checkfirst" }, 0, ...)
  if given.bind == nil then given.bind = engine_of(db) end
  return given
end

-- db:create_all{ tables =, checkfirst =, bind = }: makes the tables that are missing, in foreign-key order.
function methods:create_all(...)
  local given = with_bind(self, "create_all", ...)
  self.metadata:create_all(given)
end

-- db:drop_all{ tables =, checkfirst =, bind = }
function methods:drop_all(...)
  local given = with_bind(self, "drop_all", ...)
  self.metadata:drop_all(given)
end

-- db:reflect{ schema =, only =, views =, extend_existing =, resolve_fks =, sample = }: makes tables in db.metadata of
-- those that the database has. Returns the inspector, with its warnings.
function methods:reflect(...) return reflect.reflect(self.metadata, "reflect", engine_of(self), ...) end

-- db:automap(options): classes for the tables that the database has, in db.classes; what was chosen and left out is in
-- db.reflected. Returns db.
function methods:automap(...)
  local given = options.read("automap", automap.options, 0, ...)
  local classes, seen = automap.run(self.Model, engine_of(self), given)
  self[STATE].classes, self[STATE].reflected = classes, seen
  return self
end

-- db:backup(path, { pages =, progress = }), db:restore(path, ...), db:integrity_check(), db:vacuum_into(path): those of
-- its engine.
for _, name in ipairs{ "backup", "restore", "integrity_check", "vacuum_into" } do
  methods[name] = function(self, ...)
    local engine = engine_of(self)
    return engine[name](engine, ...)
  end
end

-- db:migrate(owner, { { "01 add mana", function(m) ... end }, ... }, { allow_loss =, backup =, create =, edited =,
-- progress = }): runs the steps that the file has not seen. Returns { applied = names, backup = path }.
function methods:migrate(...)
  local function make(connection) self.metadata:create_all{ bind = connection } end
  return require "moonrow.migrate.saves".migrate(engine_of(self), make, ...)
end

-- db:check_schema(): a list of lines, how the database and the classes differ; an empty one: they agree.
function methods:check_schema()
  core.configure(self.Model)
  return (require "moonrow.models.compare"(engine_of(self), self.metadata, true))
end

-- db:configure(): resolves what the classes say about each other, and reports every mistake.
function methods:configure() core.configure(self.Model) end

-- db:record(fn, { max_lazy = n }): runs fn and returns the statements that it executed.
function methods:record(fn, ...) return watchdog.record(engine_of(self), fn, ...) end

-- db:watchdog{ n_plus_one = 5, slow = 0.05, fullscan = 1000, on = fn, suggest = true }: tells of what loads one by one,
-- is slow, or reads whole tables. Ends with dog:stop(), or as a <close> variable.
function methods:watchdog(...) return watchdog.start(engine_of(self), ...) end

-- for change in db:changes_since(token) do: what was committed after the token, row by row. Recording begins with the
-- first of these calls; db:change_token() is the token of the last commit.
function methods:changes_since(token, ...) return changes.since(engine_of(self), self.Model, token, ...) end
function methods:change_token() return changes.token(engine_of(self)) end

-- db:poll(): tells live queries (query:watch) of what was committed since the last call. Returns how many of their
-- functions were called.
function methods:poll(...) return watch.poll(engine_of(self), ...) end

-- db:track{ Player, Item, retain = "30d" }: writes what changes in their tables into the table moonrow_change, in the
-- same transaction. Returns the class of that table.
function methods:track(...) return require "moonrow.track".start(self, self[STATE], engine_of(self), ...) end

-- db:history_options{ persistent = true }: the steps of undo are kept in the database, and outlive the program.
function methods:history_options(...) return history.options(self.history, ...) end

-- db:forget_changes(): ends recording, and forgets what was recorded.
function methods:forget_changes() changes.forget(engine_of(self)) end

-- db:scope(fn, ...): as app:scope.
function methods:scope(fn, ...) return current_app(self):scope(fn, ...) end

-- Would a session that ends now say that work is lost?
local function is_unsaved(s)
  return s:in_transaction() or #s.new > 0 or #s.dirty > 0 or #s.deleted > 0
end

-- At the end of a sandbox all is given back, without a word about what was not committed. (A rollback expires objects:
-- where all was committed, those that leave the sandbox keep their values.) A scope within it ends as any other.
local function close_sandbox(state, scope)
  local scoped, ends = state.session, app.scope_key() == scope
  if ends and is_unsaved(scoped) then pcall(scoped.rollback, scoped) end
  scoped:remove()
  if ends then engine_of_state(state):dispose() end
end

-- db:sandbox(fn, ...): fn(...) and its results, in a scope whose database is a new one in memory, with the tables of
-- the classes that are declared. All that uses db, its classes and its session within fn works there; a commit, too. At
-- the end of fn, however that comes, the database is gone. fn may yield.
function methods:sandbox(fn, ...)
  options.check_callable("sandbox", fn)
  local state, box = self[STATE], app.new "sandbox"
  local only = state.only
  if only then setmetatable(box.config, { __index = only.config }) end
  box.config.DATABASE_URI = "sqlite://"
  sandboxes[box] = state
  state.engines[box] = core.create_engine("sqlite://", {})
  local scope
  box:on_teardown(function() close_sandbox(state, scope) end)
  return box:scope(function(...)
    scope = app.scope_key()
    self:create_all()
    return fn(...)
  end, ...)
end

-- db:paginate(select, options): session:paginate of db.session.
function methods:paginate(...) return self.session:paginate(...) end

-- db:settings{ volume = db.Column{ db.Float, default = 1 } }: the object of db.session that is the only row of the
-- table `settings`, or __tablename. db:settings() gives it again.
function methods:settings(...) return settings.open(self, self[STATE], ...) end

-- Where a session is wanted, db will do.
function methods:_session() return self.session:_session() end

-- Each is a method of a database.
for name, method in pairs(methods) do
  methods[name] = function(self, ...)
    if type(self) ~= "table" or not rawget(self, STATE) then
      core.raise("ArgumentError", string.format("%s is a method of a database: call it with a colon, db:%s(...)", name,
        name))
    end
    return method(self, ...)
  end
end

-- ---------------------------------------------------------------- names

local function is_metadata(value) return core.type_name(value) == "MetaData" end

-- db.Table("name", columns...): mr.Table whose metadata, when not given, is db.metadata.
local function table_of(state)
  local Table = state.mr.Table
  local function metadata() return state.Model.metadata end
  return function(...)
    local args = table.pack(...)
    local first = args[1]
    if args.n == 1 and type(first) == "table" and getmetatable(first) == nil then
      if is_metadata(first[2]) then return Table(first) end
      local copy = {}
      for key, value in pairs(first) do copy[key] = value end
      table.insert(copy, 2, metadata())
      return Table(copy)
    end
    if args.n == 0 or is_metadata(args[2]) then return Table(...) end
    return Table(first, metadata(), table.unpack(args, 2, args.n))
  end
end

-- What automap has made.
local function automapped(name)
  return function(db)
    local made = db[STATE][name]
    if made then return made end
    core.raise("InvalidRequestError", string.format("db.%s is what db:automap() makes, which was not called yet", name))
  end
end

local getters = {
  classes = automapped "classes",
  reflected = automapped "reflected",
  Model = function(db) return db[STATE].Model end,
  session = function(db) return db[STATE].session end,
  engine = engine_of,
  app = current_app,
  history = function(db)
    local self = history.of(engine_of(db))
    self.base, self.default = db.Model, function() return db.session:_session() end
    return self
  end,
  metadata = function(db) return db.Model.metadata end,
  Table = function(db)
    local state = db[STATE]
    state.Table = state.Table or table_of(state)
    return state.Table
  end,
}

function Database:__index(name)
  local method = methods[name]
  if method then return method end
  local getter = getters[name]
  if getter then return getter(self) end
  local mr = mr_of(self)
  local value = rawget(mr, name)
  if value ~= nil then return value end
  if type(name) == "string" and core.session_methods[name] then
    core.raise("ArgumentError",
      string.format("db has no name '%s': it is a method of the session, db.session:%s(...)", name, name))
  end
  core.raise("ArgumentError", string.format("db has no name '%s'%s",
    tostring(name), mr_words[name] or core.hint(tostring(name), methods, getters, self, mr)))
end

function Database:__newindex(name, value)
  if methods[name] or getters[name] or rawget(mr_of(self), name) ~= nil then
    core.raise("ArgumentError", string.format("db.%s belongs to moonrow and cannot be set", tostring(name)))
  end
  rawset(self, name, value)
end

function Database:__tostring()
  local current = self[STATE].only
  local url = current and tostring(current.config.DATABASE_URI)
  return string.format("<Database %s>", url or "without an application")
end

-- ---------------------------------------------------------------- making one

local database = {}

local known = { "metadata", "session_options", "engine_options", "query_class", "name" }
local of_engine = { "echo", "busy_timeout", "statement_cache", "journal_mode", "synchronous", "convert_unicode",
  "timeout", "tag", "load_extension", "pool_size", "max_overflow", "pool_recycle" }
local known_to_open = { table.unpack(known) }
table.move(of_engine, 1, #of_engine, #known + 1, known_to_open)

local function make(mr, what, given, engine_options)
  options.query_class(what, given.query_class)
  local state = {
    mr = mr,
    apps = setmetatable({}, { __mode = "k" }),
    engines = setmetatable({}, { __mode = "k" }),
    engine_options = engine_options or options.typed(what, given, "engine_options", "table"),
  }
  local db = setmetatable({ [STATE] = state }, Database)
  local maker = session.maker(options.typed(what, given, "session_options", "table") or {})
  -- What makes its sessions: the maker, to which the engine comes late.
  local function late_bind() return maker.options.bind or engine_of_state(state) end
  local factory = setmetatable({ configure = function(_, ...) maker:configure(...) end, late_bind = late_bind }, {
    __call = function(_, over)
      local all = { bind = late_bind() }
      for name, value in pairs(over or {}) do all[name] = value end
      return maker(all)
    end,
  })
  state.Model = database.new_base(what, given.metadata)
  state.session = session.scoped(factory)
  db.Model.query = db.session:query_property()
  db.Model.query_class = given.query_class
  return db
end

-- A base class; the embedding API finds classes through the list of bases.
function database.new_base(what, metadata)
  if metadata ~= nil and not is_metadata(metadata) then
    options.expect(what .. ": metadata", "a MetaData", metadata)
  end
  local base = core.new_base(metadata)
  base.to_table, base.from_table = to_table.of_object, from_table.of_class
  core.bases[#core.bases + 1] = base
  return base
end

-- mr.Database(app, { metadata =, session_options =, engine_options =, query_class = })
function database.new(mr, ...)
  local given, application = options.read("Database", known, 1, ...)
  if application ~= nil then check_app("Database", application) end
  local db = make(mr, "Database", given)
  if application ~= nil then db:init_app(application) end
  return db
end

-- mr.open(url, options): a database with an application of its own. Options: those of mr.Database and of
-- create_engine.
function database.open(mr, ...)
  local given, url = options.read("open", known_to_open, 1, ...)
  if type(url) ~= "string" then options.expect("open", 'a URL such as "sqlite:///file.db"', url) end
  local engine_options = {}
  for _, name in ipairs(of_engine) do engine_options[name] = given[name] end
  for name, value in pairs(given.engine_options or {}) do engine_options[name] = value end
  local application = app.new(given.name or "main")
  application.config.DATABASE_URI = url
  local db = make(mr, "open", given, engine_options):init_app(application)
  engine_of(db) -- a mistake in the URL is told here
  return db
end

-- mr.automap(url, options): opens a database and maps its tables. Options: those of db:automap and of mr.open.
function database.automap(mr, ...)
  local all = table.move(known_to_open, 1, #known_to_open, #automap.options + 1,
    table.move(automap.options, 1, #automap.options, 1, {}))
  local given, url = options.read("automap", all, 1, ...)
  local of_automap, of_open, own = {}, {}, options.set(automap.options)
  for name, value in pairs(given) do (own[name] and of_automap or of_open)[name] = value end
  return database.open(mr, url, of_open):automap(of_automap)
end

return database
