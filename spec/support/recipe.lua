-- recipe.lua: follows the recipes of src/README.md on a copy of src, compiles the changed files, and links them with
-- the others, which are built already. It also reads the rows that src has for types, strategies, dialects and events.

local M = {}

local build = os.getenv "BUILD" or "build"
if not build:find "^/" then build = os.getenv "PWD" .. "/" .. build end
local cc, lua = os.getenv "CC" or "gcc", os.getenv "LUA" or "lua5.4"
local copy

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

local function write(path, text)
  local file <close> = assert(io.open(path, "w"))
  file:write(text)
end

-- Runs a shell command. Raises its output if it fails. Preloaded sanitizers would slow down the compiler, so callers
-- unset LD_PRELOAD.
local function sh(command)
  local pipe <close> = assert(io.popen("( " .. command .. " ) 2>&1"))
  local said = pipe:read "a"
  local ok = pipe:close()
  if not ok then error(command .. "\n" .. said, 0) end
  return said
end

-- ---------------------------------------------------------------- what is written

--- The first file that each step of the recipe "Add TITLE" names.
function M.files(title)
  local text = read "src/README.md"
  local recipe = assert(text:match("\n### Add " .. title .. "\n(.-)\n##"), "no recipe for " .. title)
  local files = {}
  for file in ("\n" .. recipe):gmatch "\n%d+%. `([^`]+)`" do files[#files + 1] = file end
  return files
end

--- Iterates over path and text of all C files, or of the files that the command lists.
function M.sources(command)
  local paths = sh(command or "find src -name '*.[ch]' | sort"):gmatch "[^\n]+"
  return function()
    local path = paths()
    return path, path and read(path)
  end
end

-- The texts of .FIELD = "..." in the rows of a kind.
local function members(list, folder, kind, field)
  local words = {}
  for path in sh("grep -lR 'const " .. kind .. " ' " .. folder):gmatch "[^\n]+" do
    for row in read(path):gmatch("\nconst " .. kind .. " [%w_]+ = {(.-)};") do
      local word = row:match("%." .. field .. ' = "([^"]+)"')
      if word and not row:find "%.internal = true" then list[word] = true end
    end
  end
  for word in pairs(list) do words[#words + 1] = word end
  return words
end

--- The words of all rows of a kind. "type": the names of column types; "lazy": of strategies; "option": of loader
--- options; "event": of events.
function M.words(what)
  if what == "type" then return members({}, "src/schema/types", "mr_type_rules", "name") end
  if what == "lazy" then return members({}, "src/load", "mr_strategy", "word") end
  if what == "option" then return members({}, "src/load", "mr_strategy", "option") end
  local words = {}
  for _, header in ipairs{ "session", "mapper" } do
    for word in read("src/include/moonrow/" .. header .. ".h"):gmatch 'EVENT%([%u_]+, "([%l_]+)"%)' do
      words[#words + 1] = word
    end
  end
  return words
end

-- ---------------------------------------------------------------- followed

-- Inserts text after the first place where the other text stands in the file.
local function insert(file, after, text)
  local path = copy .. "/" .. file
  local before = read(path)
  local _, e = before:find(after, 1, true)
  assert(e, file .. " has no " .. after)
  write(path, before:sub(1, e) .. text .. before:sub(e + 1))
end

-- Appends a row to a list in a header. The last row of the macro has no backslash at its end.
local function add_row(header, macro, row)
  local path = copy .. "/src/include/moonrow/" .. header
  local text, n = read(path):gsub("(#define " .. macro .. "%b().-[^\\])\n", "%1 " .. row .. "\n", 1)
  assert(n == 1, header .. " has no list " .. macro)
  write(path, text)
end

local color = [[
#include "rules.h"

#include <ctype.h>
#include <stdio.h>

enum { LENGTH = 7 };

static bool read(const mr_type *type, mr_value *v, char *room) {
    (void)room;
    (void)type;
    if (v->kind != MR_TEXT || v->len != LENGTH || v->u.s[0] != '#') return false;
    for (size_t i = 1; i < LENGTH; i++)
        if (!isxdigit((unsigned char)v->u.s[i])) return false;
    return true;
}

/* Red, in whatever case it is written. */
static bool coerce(mr_env *env, const mr_type *type, mr_value *v) {
    if (!read(type, v, NULL)) return false;
    if (memcmp(v->u.s, "#FF0000", LENGTH) != 0) return true;
    mr_value_clear(env, v);
    *v = mr_text_value("#ff0000", LENGTH);
    return true;
}

static void advise(const mr_type *type, const mr_value *v, char *advice) {
    (void)type;
    (void)v;
    snprintf(advice, MR_TYPE_ADVICE, " (write it as #rrggbb)");
}

const mr_type_rules mr_type_color = {
    .name = "Color",
    .wants = "color",
    .reads = "color: #rrggbb",
    .sql = "CHAR(7)",
    .group = MR_GROUP_WORD,
    .kind = MR_TEXT,
    .coerce = coerce,
    .read = read,
    .advise = advise,
};
]]

local onebyone = [[
#include "job.h"

static mr_status next(mr_job *job) {
    if (job->next >= job->parents.len) return MR_DONE;
    mr_entity *parent = mr_vec_ptr(&job->parents, job->next++);
    const mr_plan_follow *follow = job->follow;
    const mr_below below = {follow->nopts, follow->opts, follow->with};
    if (mr_lazy_load(&job->load->ctx, parent, follow->prop, &below) != MR_OK) return MR_FAIL;
    return MR_ROW;
}

const mr_strategy mr_strategy_onebyone = {.word = "onebyone", .option = "onebyoneload", .next = next};
]]

local ansi = [[
#include <moonrow/sql.h>

static const char *const reserved[] = {"order", NULL};
static const mr_type_word type_words[] = {{.code = MR_TYPE_BIGINTEGER, .sql = "LARGE"}, {.sql = NULL}};
static const char *const begin[] = {"START TRANSACTION", "START TRANSACTION", "START TRANSACTION", "START TRANSACTION"};

static unsigned table_exists(const mr_dialect *d, const mr_table *table, mr_strbuf *out, mr_value params[2]) {
    (void)d;
    mr_strbuf_puts(out, "SELECT 1 FROM information_schema.tables WHERE table_name = ?");
    params[0] = mr_text_value(table->name, strlen(table->name));
    return 1;
}

const mr_dialect *mr_dialect_ansi(void) {
    static const mr_dialect dialect = {
        .name = "ansi",
        .parameter = '?',
        .reserved = reserved,
        .type_words = type_words,
        .numbered = "COUNTER",
        .begin = begin,
        .table_exists = table_exists,
    };
    return &dialect;
}
]]

local function follow()
  write(copy .. "/src/schema/types/color.c", "#include <string.h>\n" .. color)
  add_row("schema.h", "MR_COLUMN_TYPES", "TYPE(COLOR, color)")
  insert("src/sql/dialect_postgresql.c", "mr_type_word type_words[] = {", '{.code = MR_TYPE_COLOR, .sql = "RGB"},')

  write(copy .. "/src/load/strategy/onebyone.c", onebyone)
  add_row("mapper.h", "MR_LOADER_STRATEGIES", "STRATEGY(ONEBYONE, onebyone)")

  write(copy .. "/src/sql/dialect_ansi.c", "#include <string.h>\n" .. ansi)
  add_row("sql.h", "MR_DIALECTS", "DIALECT(ansi)")

  add_row("session.h", "MR_SESSION_EVENTS", 'EVENT(BEFORE_EXPUNGE_ALL, "before_expunge_all")')
  insert("src/session/session.c", "mr_status mr_session_expunge_all(mr_session *s) {",
    "\n    if (mr_session_fire(s, MR_SESSION_BEFORE_EXPUNGE_ALL) != MR_OK) return MR_FAIL;")
end

-- The files that must be compiled: the new ones, and all that contain a list of rows or its length.
local function changed()
  local rows = "MR_COLUMN_TYPES|MR_TYPE__COUNT|MR_LOADER_STRATEGIES|MR_LAZY__COUNT|MR_DIALECTS|MR_SESSION_"
    .. "|session_state.h"
  local made = "src/schema/types/color.c src/load/strategy/onebyone.c src/sql/dialect_ansi.c"
  return sh(("cd %s && { grep -lrE '%s' src --include='*.c'; echo %s src/sql/dialect_postgresql.c | tr ' ' '\\n'; } "
    .. "| sort -u"):format(copy, rows, made))
end

--- The files that differ from src, or are new, after the recipes.
function M.touched()
  local files = {}
  for line in sh("diff -rq src " .. copy .. "/src; true"):gmatch "[^\n]+" do
    local folder, name = line:match "^Only in [^ ]*/(src[^ :]*): (.+)$"
    files[#files + 1] = folder and folder .. "/" .. name or line:match "^Files ([^ ]+)"
  end
  return files
end

--- Follows all recipes. Returns a function that runs a script with the new library as mr.
function M.build()
  copy = os.tmpname()
  os.remove(copy)
  sh(("mkdir %s && cp -r src %s/"):format(copy, copy))
  follow()
  local flags = "-std=c11 -O0 -fPIC -Wall -Wextra -Werror -Wno-unused-function -Isrc/include -Isrc/bind -Isrc/load "
    .. sh("for p in lua5.4 lua-5.4 lua54 sqlite3; do pkg-config --cflags $p 2>/dev/null; done; true"):gsub("\n", " ")
  local files, objects = {}, {}
  for file in changed():gmatch "%S+" do
    files[#files + 1] = file
    objects[#objects + 1] = "obj/" .. file:gsub("/", "+"):gsub("%.c$", ".o")
  end
  local list = {}
  for i, file in ipairs(files) do list[i] = file .. " " .. objects[i] end
  write(copy .. "/list", table.concat(list, "\n") .. "\n")
  local compile = cc .. " " .. flags .. ' -c -o "$1" "$0"'
  sh(("cd %s && unset LD_PRELOAD; mkdir obj && xargs -P 2 -L 1 sh -c '%s' < list"):format(copy, compile))
  return M.link(objects)
end

-- Links the built objects, with the newly compiled ones in place of theirs.
function M.link(objects)
  local mine, others = {}, {}
  for _, object in ipairs(objects) do mine[object] = true end
  for path in read(build .. "/obj/lib.list"):gmatch "%S+" do
    local name = path:match "/obj/(.*)$"
    if not mine["obj/src+" .. name:gsub("/", "+")] then
      others[#others + 1] = path:find "^/" and path or os.getenv "PWD" .. "/" .. path
    end
  end
  write(copy .. "/objects", table.concat(others, "\n") .. "\n" .. table.concat(objects, "\n") .. "\n")
  local link = "cd %s && unset LD_PRELOAD; %s -shared -Wl,-Bsymbolic -o moonrow.so @objects -lsqlite3 -ljansson "
    .. "-ltommath -lm"
  sh(link:format(copy, cc))
  return function(script)
    write(copy .. "/script.lua", 'local mr = require "moonrow"\n' .. script)
    sh(("LUA_CPATH='%s/?.so;;' %s %s/script.lua"):format(copy, lua, copy))
  end
end

function M.clean()
  if copy then sh("rm -rf " .. copy) end
  copy = nil
end

return M
