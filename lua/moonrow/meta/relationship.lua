---@meta _
-- relationship.lua: relationships, criteria about them, and collections.
-- luacheck: ignore 212 241

---@since 0.1

---@class moonrow
local mr = {}

-- ---------------------------------------------------------------- declaring them

---What a relationship and a backref take. Every option that names columns takes a column, a list, a string
---"Class.attribute", or a function that is run when the mappings are configured.
---
---```lua
---local link = db.Table("user_tag", db.Column{ "user_id", db.Integer, db.ForeignKey "user.id" },
---  db.Column{ "tag_id", db.Integer, db.ForeignKey "tag.id" })
---local Tag = db.Model:extend("Tag", {
---  id = db.Column{ db.Integer, primary_key = true },
---  word = db.Column{ db.String(20) },
---  parent_id = db.Column{ db.Integer, db.ForeignKey "tag.id" },
---  users = db.relationship{ "User", secondary = link, backref = "tags", passive_updates = true, lazy = "select",
---    primaryjoin = function() return link.c.tag_id:eq(db.metadata.tables.tag.c.id) end,
---    secondaryjoin = function() return link.c.user_id:eq(User.id) end },
---  parent = db.relationship{ "Tag", remote_side = "Tag.id", foreign_keys = "Tag.parent_id",
---    back_populates = "children", join_depth = 2, innerjoin = false, post_update = true },
---  children = db.relationship{ "Tag", back_populates = "parent", order_by = "Tag.word", uselist = true,
---    cascade = "all, delete-orphan", single_parent = true, passive_deletes = true, collection_class = "list" },
---  first = db.relationship{ "User", secondary = link, viewonly = true },
---})
---db:create_all()
---ann.tags:append(Tag{ word = "lua", children = { Tag{ word = "moon" } } })
---session:commit()
---ann.tags[1].children[1].parent.word --> lua
---```
---@class moonrow.BackrefOptions
---When it is loaded: "select" (or true; the default) when it is first read, "joined" (or false), "selectin",
---"subquery", "immediate", "raise", "raise_on_sql", "noload", "batch"; or, of a collection
---that is queried and not loaded, "dynamic" (moonrow.Dynamic) and "write_only" (moonrow.WriteOnly).
---@field lazy? string|boolean
---Is it a collection? By default what the keys say: a collection where the foreign key is in the other table.
---@field uselist? boolean
---The table in between, of a many-to-many.
---@field secondary? moonrow.Table|string|fun(): moonrow.Table
---The condition between this table and the other one, or the one in between.
---@field primaryjoin? moonrow.Criterion|string|fun(): moonrow.Criterion
---The condition between the table in between and the other one.
---@field secondaryjoin? moonrow.Criterion|string|fun(): moonrow.Criterion
---Which columns of the condition refer to others.
---@field foreign_keys? any
---Which columns of the condition are the other object's, where both are of one table.
---@field remote_side? any
---The order of a collection when it is loaded.
---@field order_by? any
---What is done to the other objects when it is done to this one: "save-update", "merge", "expunge", "delete",
---"delete-orphan", "refresh-expire", "all", with commas between; "save-update, merge" by default.
---@field cascade? string
---An object may be in one collection only, which "delete-orphan" needs of a many-to-one; false by default.
---@field single_parent? boolean
---true: what is not loaded when its parent is deleted is left to the database; "all": also what is. false by default.
---@field passive_deletes? boolean|"all"
---false: a key that changes is written to the rows that refer to it; true, the default: the database does it.
---@field passive_updates? boolean
---The key is written by an UPDATE of its own, where two rows refer to each other; false by default.
---@field post_update? boolean
---It is only read; false by default.
---@field viewonly? boolean
---"joined" uses JOIN in place of LEFT OUTER JOIN; false by default.
---@field innerjoin? boolean
---How deep "joined" goes in a self-referential one; by default once.
---@field join_depth? integer
---How "batch" loads.
---@field batch? moonrow.BatchOptions
---What holds the objects: "list", the default, `mr.set`, `mr.attribute_keyed`, `mr.column_keyed`, `mr.keyed`, or
---`mr.ordering_list`.
---@field collection_class? "list"|"set"|moonrow.CollectionClass

---What a relationship takes besides.
---
---```lua
---local Pet = db.Model:extend("Pet", {
---  id = db.Column{ db.Integer, primary_key = true },
---  user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
---  owner = db.relationship{ "User", backref = db.backref{ "pets", lazy = "joined" } },
---  keeper = db.relationship{ "User", back_populates = nil, viewonly = true },
---})
---User.pets.key --> pets
---```
---@class moonrow.RelationshipOptions: moonrow.BackrefOptions
---The relationship of the other side, which this one makes: its name, or `mr.backref`.
---@field backref? string|any
---The name of the other side, which is declared, too.
---@field back_populates? string

---Objects of another class, by the foreign keys between their tables.
---
---```lua
---ann.posts:append(Post{ title = "New" })
---ann.posts[3].author == ann --> true
---Post.query:filter(Post.author:has(User.name:eq "Bob")):all() --> {News}
---```
---@param target string|moonrow.Model|fun(): moonrow.Model
---@param options? moonrow.RelationshipOptions
---@return any
function mr.relationship(target, options) end

---The other side of a relationship, with options of its own.
---
---```lua
---local Pet = db.Model:extend("Pet", {
---  id = db.Column{ db.Integer, primary_key = true },
---  user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
---  owner = db.relationship{ "User", backref = db.backref("pets", { order_by = "Pet.id" }) },
---})
---db:create_all()
---ann.pets:append(Pet{ id = 1 })
---ann.pets[1].owner --> Ann
---```
---@param name string
---@param options? moonrow.BackrefOptions
---@return any
function mr.backref(name, options) end

-- ---------------------------------------------------------------- kinds of collections

---What `collection_class` takes, besides "list".
---@class moonrow.CollectionClass

---The collection is a dict: an object is found by its attribute of this name, `object.items[key]`. See `moonrow.Keyed`.
---
---```lua
---local Pet = db.Model:extend("Pet", {
---  id = db.Column{ db.Integer, primary_key = true },
---  name = db.Column{ db.String(20) },
---  user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
---  owner = db.relationship{ "User", backref = db.backref("pets", { collection_class = mr.attribute_keyed "name" }) },
---})
---db:create_all()
---ann.pets.rex = Pet{ id = 1 }
---ann.pets.rex.name --> rex
---```
---@param name string
---@return moonrow.CollectionClass
function mr.attribute_keyed(name) end

---The collection is a dict: an object is found by this column of its class, which may be declared later: then it is
---given as "Class.attribute", or by a function.
---
---```lua
---local Pet = db.Model:extend("Pet", {
---  id = db.Column{ db.Integer, primary_key = true },
---  name = db.Column{ db.String(20) },
---  user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
---  owner = db.relationship{ "User", backref = db.backref("pets", { collection_class = mr.column_keyed "Pet.name" }) },
---})
---db:create_all()
---ann.pets.rex = Pet{ id = 1 }
---ann.pets.rex.owner --> Ann
---```
---@param column moonrow.Expression|string|fun(): moonrow.Expression
---@return moonrow.CollectionClass
function mr.column_keyed(column) end

---The collection is a dict: an object is found by what the function makes of it. The function only reads.
---
---```lua
---local function initial(pet) return pet.name:sub(1, 1) end
---local Pet = db.Model:extend("Pet", {
---  id = db.Column{ db.Integer, primary_key = true },
---  name = db.Column{ db.String(20) },
---  user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
---  owner = db.relationship{ "User", backref = db.backref("pets", { collection_class = mr.keyed(initial) }) },
---})
---db:create_all()
---Pet{ name = "rex", owner = ann }
---ann.pets.r.name --> rex
---```
---@param fn fun(object: any): any
---@return moonrow.CollectionClass
function mr.keyed(fn) end

---What `mr.ordering_list` takes.
---@class moonrow.OrderingListOptions
---The number of the first object; 1 by default.
---@field count_from? integer
---By how much the number of an object is larger than that of the one before; 1 by default.
---@field step? integer
---Makes the positions, in place of `count_from` and `step`, from the place (1 and so on) and the list. They may be any
---values of the column, such as texts.
---@field ordering_func? fun(index: integer, list: moonrow.Collection): any
---Only `true`, which has no effect: an append numbers the list, as each change does.
---@field reorder_on_append? true

---The collection is a list that keeps each object's place in this attribute, a column of integers. The numbers are
---right after each change; a flush writes those that have changed. It is read in their order, if `order_by` says
---nothing else.
---
---```lua
---local Pet = db.Model:extend("Pet", {
---  id = db.Column{ db.Integer, primary_key = true },
---  place = db.Column{ db.Integer },
---  user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
---  owner = db.relationship{ "User", backref = db.backref("pets", {
---    collection_class = mr.ordering_list("place", { count_from = 10, step = 10 }) }) },
---})
---db:create_all()
---ann.pets = { Pet{ id = 1 }, Pet{ id = 2 } }
---ann.pets:insert(1, Pet{ id = 3 })
---ann.pets[1].place --> 10
---ann.pets[3].place --> 30
---```
---
---The places may be other than numbers:
---
---```lua
---local letters = mr.ordering_list("place", { reorder_on_append = true,
---  ordering_func = function(index) return string.char(96 + index) end })
---```
---@param name string
---@param options? moonrow.OrderingListOptions
---@return moonrow.CollectionClass
function mr.ordering_list(name, options) end

---Takes all objects out of a collection, of whatever kind.
---
---```lua
---mr.clear(ann.posts)
---#ann.posts --> 0
---```
---@param collection moonrow.Collection|moonrow.Set|moonrow.Keyed
function mr.clear(collection) end

-- ---------------------------------------------------------------- criteria

---`Class.attribute` of a relationship, for joins, loader options and criteria.
---
---```lua
---User.posts.key --> posts
---User.posts.name --> posts
---```
---@class moonrow.RelationshipAttribute
---The name of the attribute.
---@field key string
---The same.
---@field name string
local RelationshipAttribute = {}

---Of a many-to-one: it is this object; nil: there is none.
---
---```lua
---Post.query:filter(Post.author:eq(bob)):all() --> {News}
---```
---@param object moonrow.Object
---@return moonrow.Expression
function RelationshipAttribute:eq(object) end

---Of a many-to-one: it is another object, or none.
---
---```lua
---Post.query:filter(Post.author:ne(ann)):all() --> {News}
---```
---@param object moonrow.Object
---@return moonrow.Expression
function RelationshipAttribute:ne(object) end

---Of a many-to-one: `is_(nil)`: there is none.
---
---```lua
---Post.query:filter(Post.author:is_(nil)):count() --> 0
---```
---@param value nil|lightuserdata
---@return moonrow.Expression
function RelationshipAttribute:is_(value) end

---Of a many-to-one: `is_not(nil)`: there is one.
---
---```lua
---Post.query:filter(Post.author:is_not(nil)):count() --> 3
---```
---@param value nil|lightuserdata
---@return moonrow.Expression
function RelationshipAttribute:is_not(value) end

---Of a collection: one of its objects fulfils all the criteria; without any: it is not empty.
---
---```lua
---User.query:filter(User.posts:any(Post.title:eq "News")):all() --> {Bob}
---User.query:filter(~User.posts:any()):all() --> {Cid}
---User.query:filter(User.posts:any "title == 'News'"):all() --> {Bob}
---```
---@param ... moonrow.Criterion|string|table<string, any>
---@return moonrow.Expression
function RelationshipAttribute:any(...) end

---Of a many-to-one: its object fulfils all the criteria.
---
---```lua
---Post.query:filter(Post.author:has(User.age:gt(30))):count() --> 2
---Post.query:filter(Post.author:has("age > $least", { least = 30 })):count() --> 2
---```
---@param ... moonrow.Criterion|string|table<string, any>
---@return moonrow.Expression
function RelationshipAttribute:has(...) end

---Of a collection: this object is in it.
---
---```lua
---User.query:filter(User.posts:contains(Post.query:get(3))):all() --> {Bob}
---```
---@param object moonrow.Object
---@return moonrow.Expression
function RelationshipAttribute:contains(object) end

---The relationship, to objects of this class, the target or one that extends it, or of an alias of one
---(`mr.aliased`, `mr.with_polymorphic`). An eager load of it reads what the class adds to the target, too.
---
---```lua
---User.query:join(User.posts:of_type(Post)):filter(Post.title:eq "News"):all() --> {Bob}
---```
---@param target moonrow.Model
---@return moonrow.RelationshipAttribute
function RelationshipAttribute:of_type(target) end

-- ---------------------------------------------------------------- collections

---What `object.posts` gives: list-like, with #, [i], ipairs and assignment besides. Each read makes a view of its own:
---two of one list are equal by ==, but are two keys of a table; the object itself is one key.
---
---```lua
---#ann.posts --> 2
---ann.posts[1] --> Hello
---ann.posts[3] = Post{ title = "Third" }
---ann.posts --> {Hello, Again, Third}
---ann.posts = { Post{ title = "Only" } }
---ann.posts --> {Only}
---```
---@class moonrow.Collection<T>
---Its objects, from 1 on.
---@field [integer] T
local Collection = {}

---Puts the object behind the others.
---
---```lua
---cid.posts:append(Post{ title = "First" })
---cid.posts[1].author --> Cid
---```
---@param object T
function Collection:append(object) end

---Takes the object out.
---
---```lua
---ann.posts:remove(ann.posts[1])
---ann.posts --> {Again}
---```
---@param object T
function Collection:remove(object) end

---Puts the object at a place.
---
---```lua
---ann.posts:insert(1, Post{ title = "Zero" })
---ann.posts --> {Zero, Hello, Again}
---```
---@param at integer
---@param object T
function Collection:insert(at, object) end

---Puts the objects of a list behind the others.
---
---```lua
---cid.posts:extend{ Post{ title = "a" }, Post{ title = "b" } }
---#cid.posts --> 2
---```
---@param objects T[]
function Collection:extend(objects) end

---Takes all out.
---
---```lua
---ann.posts:clear()
---#ann.posts --> 0
---```
function Collection:clear() end

---Is the object in it?
---
---```lua
---ann.posts:contains(ann.posts[2]) --> true
---```
---@param object T
---@return boolean
function Collection:contains(object) end

---Of an ordering list (`mr.ordering_list`): gives its objects their numbers. It is only needed where others have
---written the numbers: each change of the list does it.
---
---```lua
---local Pet = db.Model:extend("Pet", {
---  id = db.Column{ db.Integer, primary_key = true },
---  place = db.Column{ db.Integer },
---  user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
---  owner = db.relationship{ "User", backref = db.backref("pets", { collection_class = mr.ordering_list "place" }) },
---})
---db:create_all()
---ann.pets = { Pet{ id = 1 } }
---ann.pets[1].place = 7
---ann.pets:reorder()
---ann.pets[1].place --> 1
---```
function Collection:reorder() end

---A list of what `object:to_table` gives of each.
---
---```lua
---ann.posts:to_table{ only = { "title" } }[2].title --> Again
---```
---@param options? moonrow.ToTableOptions
---@return table[]
function Collection:to_table(options) end
