-- criteria.lua: a model with a column of each kind, references and lists, for the specs of criteria as text.

local mr = require "moonrow"

local criteria = {}

function criteria.model(db)
  local Clan = db.Model:extend("Clan", {
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String },
    power = db.Column{ db.Integer },
    leader_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
    leader = db.relationship{ "User", foreign_keys = "Clan.leader_id", post_update = true },
    members = db.relationship{ "User", foreign_keys = "User.clan_id", back_populates = "clan" },
  })
  local user_tag = db.Table{ "user_tag",
    db.Column{ "user_id", db.ForeignKey "user.id", primary_key = true },
    db.Column{ "tag_id", db.ForeignKey "tag.id", primary_key = true },
  }
  local User = db.Model:extend("User", {
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String },
    level = db.Column{ db.Integer },
    rank = db.Column{ db.Integer, nullable = false, default = 0 },
    score = db.Column{ db.Float },
    vip = db.Column{ db.Boolean },
    price = db.Column{ db.Numeric(10, 2) },
    born = db.Column{ db.Date },
    seen = db.Column{ db.DateTime },
    kind = db.Column{ db.Enum("mage", "thief") },
    data = db.Column{ db.JSON },
    clan_id = db.Column{ db.Integer, db.ForeignKey "clan.id" },
    clan = db.relationship{ "Clan", foreign_keys = "User.clan_id", back_populates = "members" },
    posts = db.relationship{ "Post", back_populates = "author" },
    tags = db.relationship{ "Tag", secondary = user_tag, backref = "users" },
    profile = db.relationship{ "Profile", uselist = false, back_populates = "user" },
  })
  local Post = db.Model:extend("Post", {
    id = db.Column{ db.Integer, primary_key = true },
    title = db.Column{ db.String },
    score = db.Column{ db.Integer },
    pinned = db.Column{ db.Boolean },
    author_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
    author = db.relationship{ "User", back_populates = "posts" },
  })
  local Tag = db.Model:extend("Tag", {
    id = db.Column{ db.Integer, primary_key = true },
    word = db.Column{ db.String },
  })
  local Profile = db.Model:extend("Profile", {
    id = db.Column{ db.Integer, primary_key = true },
    motto = db.Column{ db.String },
    user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
    user = db.relationship{ "User", back_populates = "profile" },
  })
  db:create_all()
  return { db = db, User = User, Clan = Clan, Post = Post, Tag = Tag, Profile = Profile }
end

-- Five users, of whom Nil has nothing; two clans; posts; tags.
function criteria.filled()
  local db = mr.open "sqlite://"
  local m = criteria.model(db)
  local red, blue = m.Clan{ name = "red", power = 7 }, m.Clan{ name = "blue" }
  local go, lua = m.Tag{ word = "go" }, m.Tag{ word = "lua" }
  local jim = m.User{ name = "Jim", level = 11, rank = 1, score = 1.5, vip = true, price = "9.99", born = "2000-01-02",
    seen = "2024-05-06 07:08:09", kind = "mage", clan = red, tags = { go, lua } }
  local joe = m.User{ name = "Joe", level = 3, rank = 2, score = -2, vip = false, price = "10", born = "1990-12-31",
    kind = "thief", clan = red, tags = { lua } }
  local ann = m.User{ name = "Ann", level = 20, rank = 3, score = 0.25, clan = blue, data = { a = 1 } }
  local bob = m.User{ name = "bob%", level = -7, rank = 4, vip = true, price = "-0.5" }
  local none = m.User{ rank = 5 }
  db.session:add_all{ jim, joe, ann, bob, none, m.Post{ title = "a", score = 4, pinned = true, author = jim },
    m.Post{ title = "b", score = 1, author = jim }, m.Post{ title = "c", score = 5, pinned = false, author = joe },
    m.Post{ title = "d", author = ann }, m.Profile{ motto = "go", user = jim } }
  db.session:flush()
  red.leader = jim
  db.session:commit()
  return m
end

-- The names of the users that a query finds, in the order of their keys; a user without a name is "-".
function criteria.names(query)
  local names = {}
  for i, user in ipairs(query:order_by "id":all()) do names[i] = user.name or "-" end
  return table.concat(names, " ")
end

-- The same of the users that meet the text in memory.
function criteria.in_memory(m, text, params)
  local names = {}
  for _, user in ipairs(m.User.query:order_by "id":all()) do
    if mr.matches(user, text, params) then names[#names + 1] = user.name or "-" end
  end
  return table.concat(names, " ")
end

-- What comes behind FROM in the query's SQL.
function criteria.from(query) return (tostring(query):match "FROM (.*)$") end

return criteria
