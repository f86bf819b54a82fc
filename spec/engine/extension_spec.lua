-- Extensions of SQLite: engine:load_extension, of an engine that was made for it. The extension is compiled here.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

-- A function of SQL, and a table module that does nothing: what an extension brings.
local SOURCE = [[
#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT1
static void answer(sqlite3_context *context, int argc, sqlite3_value **argv) {
    (void)argc;
    sqlite3_result_int64(context, 2 * sqlite3_value_int64(argv[0]));
}
int sqlite3_twice_init(sqlite3 *db, char **error, const sqlite3_api_routines *api) {
    SQLITE_EXTENSION_INIT2(api);
    (void)error;
    return sqlite3_create_function(db, "twice", 1, SQLITE_UTF8, 0, answer, 0, 0);
}
int other_entry(sqlite3 *db, char **error, const sqlite3_api_routines *api) {
    SQLITE_EXTENSION_INIT2(api);
    (void)error;
    return sqlite3_create_function(db, "thrice", 1, SQLITE_UTF8, 0, answer, 0, 0);
}
int refuses(sqlite3 *db, char **error, const sqlite3_api_routines *api) {
    SQLITE_EXTENSION_INIT2(api);
    (void)db;
    *error = sqlite3_mprintf("not on a %s", "Monday");
    return SQLITE_ERROR;
}
]]

local folder, library

setup(function()
  folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir '" .. folder .. "'"))
  local source = assert(io.open(folder .. "/twice.c", "w"))
  source:write(SOURCE)
  source:close()
  local command = "gcc -shared -fPIC -o '%s/twice.so' '%s/twice.c' 2> '%s/errors'"
  if os.execute(command:format(folder, folder, folder)) then library = folder .. "/twice.so" end
end)

teardown(function() os.execute("rm -r '" .. folder .. "'") end)

-- The library's path; where there is no compiler, the rest of the test is left out.
local function extension()
  if not library then pending "no gcc, or no headers of SQLite, to compile an extension with" end
  return library
end

describe("an extension", function()
  it("is loaded into each connection of the engine, also into later ones", function()
    local path = extension()
    local engine = mr.create_engine("sqlite:///" .. folder .. "/a.db", { load_extension = true })
    local before = engine:connect()
    assert.is_false(pcall(before.execute, before, "SELECT twice(2)"))
    engine:load_extension(path)
    local after = engine:connect()
    assert.equal(4, before:scalar(mr.text "SELECT twice(2)"))
    assert.equal(6, after:scalar(mr.text "SELECT twice(3)"))
    engine:load_extension(path, "other_entry")
    assert.equal(8, before:scalar(mr.text "SELECT thrice(4)"))
    before:close()
    after:close()
    engine:dispose()
    assert.equal(10, engine:connect():scalar(mr.text "SELECT twice(5)"))
  end)

  it("is there when the listeners of connect run, and in a database in memory", function()
    local path = extension()
    local db = mr.open("sqlite://", { load_extension = true })
    local seen
    db.engine:load_extension(path)
    mr.event.listen(db.engine, "connect", function(c) seen = c:execute("SELECT twice(1)"):scalar() end)
    assert.equal(4, db.session:scalar(mr.text "SELECT twice(2)"))
    local other <close> = db.engine:connect()
    assert.equal(2, seen)
    assert.equal(6, other:execute("SELECT twice(3)"):scalar())
  end)

  it("is refused by an engine that was not made for it, and by SQL in any", function()
    local path = extension()
    refuse("InvalidRequestError", { "load_extension: this engine was not made for it",
      "the option load_extension = true" }, function() mr.create_engine "sqlite://":load_extension(path) end)
    local engine = mr.create_engine("sqlite://", { load_extension = true })
    engine:load_extension(path)
    local connection <close> = engine:connect()
    refuse("OperationalError", { "not authorized" }, function()
      connection:execute("SELECT load_extension('" .. path .. "')")
    end)
  end)

  it("that cannot be loaded is named, and forgotten", function()
    local engine = mr.create_engine("sqlite://", { load_extension = true })
    refuse("OperationalError", { '(sqlite) the extension "./nowhere" cannot be loaded: ' },
      function() engine:load_extension "./nowhere" end)
    assert.equal(1, engine:connect():execute("SELECT 1"):scalar())
    local path = extension()
    refuse("OperationalError", { "twice.so", "cannot be loaded: ", "not on a Monday" },
      function() engine:load_extension(path, "refuses") end)
    assert.equal(1, engine:connect():execute("SELECT 1"):scalar())
  end)

  it("has a path", function()
    local engine = mr.create_engine("sqlite://", { load_extension = true })
    refuse("ArgumentError", { "load_extension: expected the path of a library" },
      function() engine:load_extension(1) end)
    refuse("ArgumentError", { "load_extension", "the name of a function in the library" },
      function() engine:load_extension("a", 1) end)
    refuse("ArgumentError", { "load_extension" }, function() mr.create_engine("sqlite://", { load_extension = 1 }) end)
    refuse("InvalidRequestError", { "the driver", "loads no extensions" },
      function() mr.create_engine "mock+sqlite://":load_extension "a" end)
  end)
end)
