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

  it("mistakes of relationships, keys, synonyms, validators, composites, proxies and column properties are told together",
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

  it("those of column properties and proxies are told with a synonym's, and what follows from another is not", function()
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
