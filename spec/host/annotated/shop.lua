-- Models with something of everything, for annotate_spec.lua. It prints and has arguments, as programs do.

local mr = require "moonrow"

print("the shop opens", #arg)
io.stdout:write "and writes\n"

local db = mr.open "sqlite://"
local Column, ForeignKey = db.Column, db.ForeignKey

local Base = db.Model:extend("Base", {
  __abstract = true,
  id = Column{ db.Integer, primary_key = true },
  made = Column{ db.DateTime, nullable = false, default = mr.now },
})
function Base:age(now) return now - self.made end

local tags = db.Table{ "item_tag",
  Column{ "item_id", ForeignKey "item.id", primary_key = true },
  Column{ "tag_id", ForeignKey "tag.id", primary_key = true },
}

local Item = Base:extend("Item", {
  __tablename = "item",
  name = Column{ db.String(40), nullable = false },
  price = Column{ db.Float },
  state = Column{ db.Enum("new", "sold"), nullable = false },
  sold_on = Column{ db.Date },
  picture = Column{ db.LargeBinary },
  anything = Column{ db.Any },
  ["end"] = Column{ "the_end", db.Time },
  shelf_id = Column{ ForeignKey "shelf.id", nullable = false },
  box_id = Column{ ForeignKey "item.id" },
  shelf = db.relationship("Shelf", { backref = "items" }),
  box = db.relationship("Item", { remote_side = "Item.id", backref = "contents" }),
  tags = db.relationship("Tag", { secondary = tags, backref = "items" }),
  selected = mr.field(),
  LIMIT = 10,
})
function Item:sell(day, ...) return self, day, ... end
function Item.cheapest(n) return n end

local Shelf = db.Model:extend("Shelf", {
  __tablename = "shelf",
  id = Column{ db.Integer, primary_key = true },
  lamp = db.relationship("Lamp", { uselist = false, backref = "shelf" }),
})

local Lamp = db.Model:extend("Lamp", {
  __tablename = "lamp",
  shelf_id = Column{ ForeignKey "shelf.id", primary_key = true },
  bright = Column{ db.Boolean, nullable = false },
})
function Lamp:__init(bright) self.bright = bright end

local Tag = db.Model:extend("Tag", { __tablename = "tag", id = Column{ db.Integer, primary_key = true } })

return { Item, Shelf, Lamp, Tag, Base }
