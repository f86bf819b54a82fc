-- mr.count and mr.count_of of a many-to-many whose link table may name an object several times: the object counts once,
-- as it is in the list once.

local mr = require "moonrow"

local db, A, B, C

-- key: the link table's own, if it has one.
local function world(key)
  db = mr.open "sqlite://"
  local function link(name, ...) return db.Table(name, db.Column{ "a_id", db.ForeignKey "a.id", primary_key = key },
    ...) end
  local b_link = link("a_b", db.Column{ "b_id", db.ForeignKey "b.id", primary_key = key }, db.Column{ "w", db.Integer })
  local c_link = link("a_c", db.Column{ "x", db.Integer, primary_key = key },
    db.Column{ "y", db.String, primary_key = key }, db.ForeignKeyConstraint({ "x", "y" }, { "c.x", "c.y" }))
  local s_link = db.Table("a_a", db.Column{ "from_id", db.ForeignKey "a.id" },
    db.Column{ "to_id", db.ForeignKey "a.id" })
  A = db.Model:extend("A", {
    id   = db.Column{ db.Integer, primary_key = true },
    bs   = db.relationship{ "B", secondary = b_link },
    cs   = db.relationship{ "C", secondary = c_link },
    to   = db.relationship{ "A", secondary = s_link, primaryjoin = function() return A.id:eq(s_link.c.from_id) end,
      secondaryjoin = function() return A.id:eq(s_link.c.to_id) end },
    n_bs = mr.count_of "bs",
    n_cs = mr.count_of "cs",
    n_to = mr.count_of "to",
  })
  B = db.Model:extend("B", { id = db.Column{ db.Integer, primary_key = true } })
  C = db.Model:extend("C", { x = db.Column{ db.Integer, primary_key = true },
    y = db.Column{ db.String, primary_key = true } })
  db:create_all()
  db.session:add_all{ A{}, A{}, A{}, B{}, B{}, C{ x = 1, y = "a" }, C{ x = 1, y = "b" } }
  db.session:flush()
  local function links(to, rows) db.session:execute(mr.insert(to), rows) end
  links(b_link, { { a_id = 1, b_id = 1 }, { a_id = 1, b_id = 2 }, { a_id = 2, b_id = 2 } })
  links(c_link, { { a_id = 1, x = 1, y = "a" }, { a_id = 1, x = 1, y = "b" }, { a_id = 2, x = 1, y = "b" } })
  links(s_link, { { from_id = 1, to_id = 1 }, { from_id = 1, to_id = 2 }, { from_id = 1, to_id = 2 } })
  if not key then
    links(b_link, { { a_id = 1, b_id = 1 }, { a_id = 2, b_id = 2 }, { a_id = 2, b_id = 2 } })
    links(c_link, { { a_id = 1, x = 1, y = "a" }, { a_id = 2, x = 1, y = "b" } })
  end
  db.session:commit()
end

for _, key in ipairs{ true, false } do
  describe("counts of a link table " .. (key and "with a key" or "that repeats itself"), function()
    before_each(function() world(key) end)

    it("are the length of the list", function()
      local all = A.query:order_by(A.id):all()
      local wanted = { bs = "2 1 0", cs = "2 1 0", to = "2 0 0" }
      for name, numbers in pairs(wanted) do
        local counted, lengths, attributes = {}, {}, {}
        for i, a in ipairs(all) do counted[i] = mr.count(a, name) end
        for i, a in ipairs(all) do lengths[i], attributes[i] = #a[name], a["n_" .. name] end
        assert.equal(numbers, table.concat(counted, " "))
        assert.equal(numbers, table.concat(lengths, " "))
        assert.equal(numbers, table.concat(attributes, " "))
      end
    end)

    it("are asked with a criterion, through an alias, and for filters", function()
      local s = db.session
      assert.equal(1, s:query(mr.count_of(A.bs, B.id:eq(1))):filter(A.id:eq(1)):scalar())
      assert.equal(1, s:query(mr.count_of(A.cs, C.y:eq "a")):filter(A.id:eq(1)):scalar())
      local other = mr.aliased(A)
      local rows = s:query(mr.count_of(other.bs), mr.count_of(other.cs), other.n_cs):order_by(other.id):all()
      assert.same({ 2, 2, 2 }, { rows[1][1], rows[1][2], rows[1][3] })
      assert.same({ 1, 1, 1 }, { rows[2][1], rows[2][2], rows[2][3] })
      assert.equal(2, A.query:filter(mr.count_of(A.cs):ge(1)):count())
    end)

    it("ask for DISTINCT only where it is needed", function()
      local sent = tostring(db.session:query(A.id, mr.count_of(A.bs)))
      assert.equal(not key, sent:find("count(DISTINCT b.id)", 1, true) ~= nil)
      local a = A.query:first()
      local records = db:record(function() mr.count(a, "bs") end)
      assert.equal(not key, records[1].statement:find("count(DISTINCT b.id)", 1, true) ~= nil)
    end)
  end)
end
