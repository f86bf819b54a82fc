-- Functions of the program (defaults, generators, listeners) are called in the middle of the library's work. They call
-- the library again, or change what is being written: the values that are being written do not change.
local mr = require "moonrow"

describe("functions called while the library works", function()
  local db, Note

  -- A long string: Lua frees it when nothing refers to it.
  local function long(letter, n) return letter:rep(200) .. n end

  -- Frees what nothing refers to, and uses that memory again.
  local function collect()
    collectgarbage()
    collectgarbage()
    local filling = {}
    for i = 1, 100 do filling[i] = long("z", i) end
    return #filling
  end

  -- Declares a class Note with two columns of text, which have these options.
  local function declare(a, b)
    db = mr.open "sqlite://"
    Note = db.Model:extend("Note", {
      __tablename = "note",
      id = db.Column{ db.Integer, primary_key = true },
      a = db.Column{ db.String, default = a },
      b = db.Column{ db.String, default = b },
    })
    db:create_all()
  end

  local function stored(name)
    local values = {}
    for _, row in ipairs(db.session:query(Note.id, Note[name]):all()) do values[row.id] = row[name] end
    return values
  end

  after_each(function() db.session:remove() end)

  describe("by the rows of a batch", function()
    it("may change the row", function()
      local rows, calls = {}, 0
      declare(nil, function()
        calls = calls + 1
        if rows[calls] then rows[calls].a = nil end
        collect()
        return "b" .. calls
      end)
      for i = 1, 4 do rows[i] = { id = i, a = long("a", i) } end
      db.session:execute(mr.insert(Note), rows)
      assert.same({ long("a", 1), long("a", 2), long("a", 3), long("a", 4) }, stored "a")
      assert.same({ "b1", "b2", "b3", "b4" }, stored "b")
      assert.is_nil(rows[3].a)
    end)

    it("may lead to the other defaults of the row again", function()
      local calls, inner = 0, false
      declare(function()
        calls = calls + 1
        return long("a", calls)
      end, function()
        if inner then return "inner" end
        inner = true
        local other = mr.Session(db.engine)
        other:add(Note{ id = 100 })
        pcall(other.flush, other) -- the defaults are called; then the table is locked
        other:close()
        collect()
        inner = false
        return "outer"
      end)
      local rows = {}
      for i = 1, 4 do rows[i] = { id = i } end
      db.session:execute(mr.insert(Note), rows)
      assert.same({ "outer", "outer", "outer", "outer" }, stored "b")
      assert.equal(8, calls)
      assert.same({ long("a", 1), long("a", 3), long("a", 5), long("a", 7) }, stored "a")
    end)
  end)

  describe("by the flush before a statement", function()
    local params

    before_each(function()
      declare()
      mr.event.listen(db, "before_flush", function()
        for name in pairs(params) do params[name] = nil end
        collect()
      end)
      db.session:add(Note{ id = 1 })
    end)

    it("may change the parameters of a text", function()
      params = { x = long("p", 1), y = long("q", 2) }
      local row = db.session:execute(mr.text "SELECT :x, :y", params):first()
      assert.same({ long("p", 1), long("q", 2) }, { row[1], row[2] })
      assert.same({}, params)
    end)

    it("may change those of a batch, and of an update", function()
      params = { x = long("p", 1) }
      db.session:execute(mr.text "UPDATE note SET a = :x", { params, { x = long("r", 3) } })
      assert.same({ long("r", 3) }, stored "a")
      params = { x = long("s", 4) }
      db.session:add(Note{ id = 2 })
      db.session:execute(mr.update(Note):values{ a = mr.bindparam "x" }:where(Note.id:eq(1)), params)
      assert.equal(long("s", 4), stored("a")[1])
    end)

    it("takes as many parameters as Lua's stack does, and says so", function()
      params = {}
      local many = {}
      for i = 1, 1000100 do many["p" .. i] = "x" end
      local function run() db.session:execute(mr.text "SELECT 1", many) end
      assert.error_matches(run, "too many items for Lua's stack")
    end)
  end)

  describe("as listeners with retval", function()
    it("keep what one before them gave, whatever other listeners give meanwhile", function()
      declare()
      local other = Note{ id = 9 }
      mr.event.listen(Note.a, "set", function(_, value) return long(value, 1) end, { retval = true })
      mr.event.listen(Note.b, "set", function() return long("y", 2) end, { retval = true })
      mr.event.listen(Note.a, "set", function()
        other.b = "b"
        collect()
      end)
      local note = Note{ id = 1 }
      note.a = "x"
      assert.equal(long("x", 1), note.a)
      assert.equal(long("y", 2), other.b)
    end)
  end)

  describe("as generators of versions", function()
    it("may write versioned rows themselves", function()
      declare()
      local calls, inner = 0, false
      local Page
      Page = db.Model:extend("Page", {
        __tablename = "page",
        id = db.Column{ db.Integer, primary_key = true },
        version = db.Column(db.String),
        __mapper_args = { version_id_col = "version", version_id_generator = function()
          calls = calls + 1
          local mine = calls
          if not inner then
            inner = true
            local other = mr.Session(db.engine)
            other:add(Page{ id = 100 + calls })
            pcall(other.flush, other)
            other:close()
            collect()
            inner = false
          end
          return long("v", mine)
        end },
      })
      db:create_all()
      db.session:add(Page{ id = 1 })
      db.session:add(Page{ id = 2 })
      db.session:commit()
      assert.equal(4, calls)
      assert.equal(long("v", 1), db.session:get(Page, 1).version)
      assert.equal(long("v", 3), db.session:get(Page, 2).version)
    end)
  end)
end)
