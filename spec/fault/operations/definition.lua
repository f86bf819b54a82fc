-- Definitions: everything that a table can declare, and its SQL in both dialects. Its tables are created and dropped.

local mr = require "moonrow"

local function declare(url)
  local md = mr.MetaData{ naming_convention = {
    fk = "fk_%(table_name)s_%(own)s", pk = "pk_%(table_name)s", uq = "uq_%(column_0_N_label)s",
    ck = "ck_%(table_name)s_%(constraint_name)s",
    own = function(_, t) return t.name .. "x" end,
  } }
  local lite = url == "sqlite://"
  local a = mr.Table{ "a", md, mr.Column{ "id", mr.Integer, primary_key = true, autoincrement = true },
    mr.Column{ "n", mr.Integer, mr.CheckConstraint("n > 0", { name = "n" }), comment = "it's", unique = true },
    mr.Column{ "twice", mr.Integer, mr.Computed "n * 2" },
    mr.Column{ "b_id", mr.Integer, mr.ForeignKey{ "b.id", deferrable = true, initially = "DEFERRED" }, index = true },
    mr.UniqueConstraint("id", "n"), sqlite_strict = true, comment = "all" }
  local b = mr.Table{ "b", md,
    mr.Column{ "id", mr.Integer, mr.Identity{ start = lite and 1 or 5 }, primary_key = true },
    mr.Column{ "a_id", mr.Integer }, mr.ForeignKeyConstraint({ "a_id" }, { "a.id" }) }
  mr.Index{ "ix_e", mr.func.abs(a.c.n), (a.c.n + 1):desc(), where = a.c.n:gt(5) & a.c.id:in_{ 1, 2 } }
  mr.UniqueConstraint(b.c.a_id)
  mr.Table{ "v", md, mr.Column{ "n", mr.Integer }, is_view = true,
            definition = mr.select(a.c.n):where(a.c.n:gt(3)) }
  return md, a
end

return {
  setup = function() return { lite = mr.create_engine "sqlite://", other = mr.create_engine "mock+postgresql://" } end,
  run = function(c)
    local md, a = declare "sqlite://"
    md:drop_all(c.lite)
    md:create_all(c.lite)
    c.text = tostring(mr.CreateTable(a)) .. tostring(mr.CreateIndex(a.indexes[1]))
    md:drop_all(c.lite)
    c.lite:begin(function(connection)
      connection:execute(mr.CreateTable(a))
      connection:execute(mr.DropTable(a))
    end)
    md = declare "mock+postgresql://"
    md:create_all(c.other)
    md:drop_all{ bind = c.other, checkfirst = false }
    local bad = { "bad", md, mr.Column{ "x", mr.Text, autoincrement = true }, sqlite_with_rowid = false }
    local ok, e = pcall(mr.Table, bad)
    if not ok and not e.message:find "mistakes" then error(e, 0) end
  end,
  check = function(c)
    assert(c.text:find("CONSTRAINT uq_a_id_a_n UNIQUE (id, n)", 1, true), c.text)
    assert(#c.lite:record(function() declare("sqlite://"):create_all(c.lite) end) > 5)
  end,
}
