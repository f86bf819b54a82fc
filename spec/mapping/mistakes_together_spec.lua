-- What is wrong with attributes of different kinds is told in one error, each mistake once, and nothing that only
-- follows from another mistake.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local Point = { __composite_values = function(self) return self.x, self.y end }
Point.__index = Point
setmetatable(Point, { __call = function(_, x, y) return setmetatable({ x = x, y = y }, Point) end })

-- The lines of the message below the first, sorted.
local function lines(e)
  local list = {}
  for line in e.message:gmatch "\n  ([^\n]+)" do list[#list + 1] = line end
  table.sort(list)
  return list
end

describe("when the mappings are configured", function()
  local db
  before_each(function() db = mr.open "sqlite://" end)

  local function extend(name, body)
    body.id = db.Column{ db.Integer, primary_key = true }
    return db.Model:extend(name, body)
  end

  it("mistakes of relationships, keys, synonyms, validators, composites, proxies, column properties are told together",
    function()
      extend("Album", {
        x = db.Column{ db.Integer },
        songs = db.relationship{ "Song", order_by = "Song.nope" },
        singers = db.relationship "Singer",
        by_name = db.relationship{ "Song", collection_class = mr.attribute_keyed "nope" },
        by_column = db.relationship{ "Song", collection_class = mr.column_keyed "Song.nope" },
        numbered = db.relationship{ "Song", collection_class = mr.ordering_list "nope" },
        label = mr.synonym "nope",
        point = mr.composite(Point, "x", "y"),
        names = mr.association_proxy("none", "name"),
        words = mr.association_proxy("good", "nope"),
        good = db.relationship "Song",
        five = mr.column_property(function() return 5 end),
        more = mr.column_property(function(cls) return cls.nope + 1 end),
        __validators = { nope = function(_, v) return v end },
      })
      extend("Song", { album_id = db.Column{ db.Integer, db.ForeignKey "album.id" },
        other_id = db.Column{ db.Integer, db.ForeignKey "others.id" } })
      local list = lines(refuse("MappingError", "13 mappings are wrong", db.configure, db))
      local told = {}
      for _, line in ipairs(list) do told[#told + 1] = line:match "^[%w_.]+" end
      assert.same({ "Album.__validators.nope", "Album.by_column", "Album.by_name", "Album.five", "Album.label",
        "Album.more", "Album.names", "Album.numbered", "Album.point", "Album.singers", "Album.songs", "Album.words",
        "Song.other_id" }, told)
    end)

  it("those of column properties and proxies are told with a synonym's, what follows from another is not", function()
    extend("Album", {
      songs = db.relationship{ "Sing", backref = "album" },
      titles = mr.association_proxy("songs", "title"),
      count = mr.column_property(function(cls) return cls.songs:any() end),
      names = mr.association_proxy("good", "album"),
      good = db.relationship{ "Song", backref = "owner", foreign_keys = "Song.album_id" },
      owners = mr.association_proxy("good", "owner"),
    })
    extend("Song", {
      album_id = db.Column{ db.Integer, db.ForeignKey "album.id" },
      title = db.Column{ db.String },
      lp = mr.synonym "album",
      owned = mr.column_property(function(cls) return cls.owner:has() end),
      title_of = mr.column_property(function(cls) return cls.tittle end),
      __validators = { album = function(_, v) return v end },
    })
    local list = lines(refuse("MappingError", "2 mappings are wrong", db.configure, db))
    assert.truthy(list[1]:find("Album.songs: there is no class 'Sing' (did you mean 'Song'?)", 1, true))
    assert.truthy(list[2]:find("Song.title_of: Song has no attribute 'tittle' (did you mean 'title'?)", 1, true))
  end)

  it("the error of a function of the program's stands among them, and is itself where it is alone", function()
    local problem = setmetatable({}, { __tostring = function() return "the program's own" end })
    local Album = extend("Album", { label = mr.column_property(function() error(problem) end) })
    local ok, e = pcall(db.configure, db)
    assert.is_false(ok)
    assert.equal(problem, e)
    extend("Song", {
      album = db.relationship{ "Album", primaryjoin = function() error("boom", 0) end },
      names = mr.association_proxy("none", "name"),
    })
    local list = lines(refuse("MappingError", "3 mappings are wrong", db.configure, db))
    assert.same({ "Album.label: the program's own", "Song.album: boom",
      "Song.names: 'none' is no relationship of Song" }, { list[1], list[2], list[3]:sub(1, 45) })
    assert.equal("Album", Album.__name)
  end)

  it("are told again until all are mended, also where what was right was looked at before the others were", function()
    local first = extend("Album", {
      songs = db.relationship "Song",
      titles = mr.association_proxy("songs", "title"),
    })
    extend("Song", {
      album_id = db.Column{ db.Integer, db.ForeignKey "album.id" },
      lp = mr.synonym "nope",
    })
    for _ = 1, 2 do
      local list = lines(refuse("MappingError", "2 mappings are wrong", db.configure, db))
      assert.truthy(list[1]:find("Album.titles: Song, to which 'songs' leads, has no attribute 'title'", 1, true))
      assert.truthy(list[2]:find("Song.lp: it is a synonym of 'nope'", 1, true))
    end
    assert.equal("Album", first.__name)
  end)
end)

describe("when a class is declared", function()
  local db
  before_each(function() db = mr.open "sqlite://" end)

  local function told(e)
    local list = {}
    for i, line in ipairs(lines(e)) do list[i] = line:gsub(" %(known are .*", "") end
    table.sort(list)
    return list
  end

  it("mistakes of names, values, relationships, options, validators and of the table are told together", function()
    local e = refuse("MappingError", "A: 9 mistakes:", db.Model.extend, db.Model, "A", {
      id = db.Column{ db.Integer, primary_key = true },
      metadata = db.Column{ db.Integer },
      songs = db.relationship{ "B", cascade = "nope" },
      title = function() end,
      __validators = { id = 5 },
      __mapper_args = { polymorphic_on = "nope", version_id_col = "none", confirm_deleted_rows = 8, foo = 1 },
      __table_args = { db.UniqueConstraint "nothing", comment = 7 },
    })
    local list = told(e)
    for i, words in ipairs{
      "A.__mapper_args: version_id_col: there is no column 'none'",
      "A.__table_args: comment",
      "A.__validators.id: expected function(self, value) ... return value end, got number 5",
      "A.metadata: the class needs the name 'metadata' for itself",
      "A.songs: cascade: unknown value 'nope'",
      "confirm_deleted_rows: expected true or false, got number 8",
      "unknown option 'foo' for A.__mapper_args",
    } do
      local found = false
      for _, line in ipairs(list) do found = found or line:find(words, 1, true) == 1 end
      assert.is_true(found, words .. " is not among\n" .. e.message .. i)
    end
    -- Nothing is left behind.
    db.Model:extend("A", { id = db.Column{ db.Integer, primary_key = true } })
    db:create_all()
  end)

  it("those of the table stand beside those of polymorphic_on, of the key, and of a name that is taken", function()
    assert.same({ "A.__mapper_args: version_id_col: there is no column 'no'",
      "A: polymorphic_on: there is no column 'nope'", "the unique constraint names no column 'nothing'" }, (function()
        local list = told(refuse("MappingError", "A: 3 mistakes:", db.Model.extend, db.Model, "A", {
          id = db.Column{ db.Integer, primary_key = true },
          __mapper_args = { polymorphic_on = "nope", version_id_col = "no" },
          __table_args = { db.UniqueConstraint "nothing" },
        }))
        list[3] = list[3]:gsub("^table 'a': ", "")
        return list
      end)())
    refuse("MappingError", { "A: 2 mistakes:", "A.extend: the class needs", "A needs a primary key" }, db.Model.extend,
      db.Model, "A", { extend = db.Column{ db.Integer } })
    db.Model:extend("B", { id = db.Column{ db.Integer, primary_key = true } })
    refuse("MappingError", { "B: 2 mistakes:", "B.extend: the class needs", "a class named 'B' is declared already" },
      db.Model.extend, db.Model, "B", { id = db.Column{ db.Integer, primary_key = true },
        extend = db.Column{ db.Integer }, __tablename = "bs" })
  end)

  it("those of a subclass are told with those of its inheritance", function()
    local A = db.Model:extend("A", { id = db.Column{ db.Integer, primary_key = true }, name = db.Column{ db.String },
      kind = db.Column{ db.String }, __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "a" } })
    refuse("MappingError", { "B: 5 mistakes:", "B.c: the class needs the name 'c'",
      "B.x: a type alone is no column", "B.name is a mapped attribute: the method needs another name",
      "version_id_col: there is no column 'no'", "eager_defaults: expected true, false" }, A.extend, A, "B", {
        c = db.Column{ db.Integer }, x = db.Integer, name = function() end,
        __mapper_args = { polymorphic_identity = "a", version_id_col = "no", eager_defaults = 5 },
      })
    refuse("MappingError", { "B: 2 mistakes:", "version_id_col: there is no column 'no'",
      "B has the polymorphic_identity of A" }, A.extend, A, "B",
      { __mapper_args = { polymorphic_identity = "a", version_id_col = "no" } })
  end)

  it("those of an abstract base and of settings are, too", function()
    refuse("MappingError", { "Base: 2 mistakes:", "Base.c: the class needs", "Base.x: a type alone" }, db.Model.extend,
      db.Model, "Base", { __abstract = true, c = db.Column{ db.Integer }, x = db.Integer })
    refuse("ArgumentError", { "settings: 2 mistakes:", "'id' is the table's own key", "'volume' is primary_key" },
      db.settings, db, { id = db.Column{ db.Integer }, volume = db.Column{ db.Integer, primary_key = true } })
    refuse("MappingError", { "2 mistakes:", ".query: the class needs", ".x: a type alone" }, db.settings, db,
      { query = db.Column{ db.Integer }, x = db.Integer, volume = db.Column{ db.Integer } })
  end)

  it("an error of a function of the program's is itself, at once", function()
    local problem = {}
    local ok, e = pcall(db.Model.extend, db.Model, "A", {
      metadata = db.Column{ db.Integer },
      id = mr.declared_attr(function() error(problem) end),
    })
    assert.is_false(ok)
    assert.equal(problem, e)
  end)
end)
