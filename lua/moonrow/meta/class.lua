---@meta _
-- class.lua: classes and objects.
-- luacheck: ignore 212 241

---@since 0.1

---@class moonrow
local mr = {}

-- ---------------------------------------------------------------- classes

---@class moonrow.BaseOptions
---The tables that its classes make; a new one by default.
---@field metadata? moonrow.MetaData
---For the reader; it has no effect.
---@field name? string

---A base for classes, without a database: sessions are told which engine they have.
---
---```lua
---local Base = mr.declarative_base{ metadata = mr.MetaData(), name = "Base" }
---local Thing = Base:extend("Thing", { id = mr.Column{ mr.Integer, primary_key = true } })
---local engine = mr.create_engine "sqlite://"
---Base.metadata:create_all{ bind = engine }
---local s <close> = mr.Session(engine)
---s:query(Thing):count() --> 0
---```
---@param options? moonrow.BaseOptions
---@return moonrow.Model
function mr.declarative_base(options) end

---A class: called, it makes an object; indexed by an attribute, it gives the attribute's expression. Methods are
---written into it: `function User:greet() ... end`.
---
---A class of the program's is two classes to an editor: `User` is what an object is, `User.Class` what the class itself
---is. lua/README.md shows how they are written.
---
---```lua
---User{ name = "Dan" }.name --> Dan
---User.name --> user.name
---User.c.name --> user.name
---User.metadata == db.metadata --> true
---User.query:count() --> 3
---User.nmae --! ArgumentError: User has no attribute 'nmae' (did you mean 'name'?)
---function User:greet() return "I am " .. self.name end
---ann:greet() --> I am Ann
---function User:__init(name) self.name = name end
---User("Eve").name --> Eve
---```
---@class moonrow.Model
---A query of the class's objects in the session of its database.
---@field query moonrow.Query<any>
---The class of its queries; written into the class, or its base.
---
---```lua
---User.query_class = mr.Query:extend{ adults = function(q) return q:filter(User.age:ge(30)) end }
---User.query:adults():all() --> {Ann}
---```
---@field query_class moonrow.QueryClass?
---The set of tables that its table is in.
---@field metadata moonrow.MetaData
---The columns, whatever methods hide.
---@field c table<string, moonrow.Expression>
---What runs when the class is called; `db.Model.__init(self, values)` is what runs where it is not written. Loading an
---object never calls it.
---@field __init fun(self: any, ...)
---A new object of a table of values, as `object:to_table` gives it: related objects are tables, too; of a list of such
---tables, a list of objects. It calls no `__init`, refuses a name that the class does not have, and leaves out what the
---database computes.
---
---```lua
---local eve = User:from_table{ name = "Eve", posts = { { title = "Mine" } } }
---eve.posts[1].author --> Eve
---User:from_table{ nmae = "Eve" } --! ArgumentError: from_table: User: User has no attribute 'nmae'
---```
---@field from_table fun(self: moonrow.Model, values: table): any
---A class with this one as its base. body: see moonrow.ClassBody.
---
---```lua
---local Tag = db.Model:extend("BlogTag", { id = db.Column{ db.Integer, primary_key = true } })
---Tag.__table.name --> blog_tag
---```
---@field extend fun(self: moonrow.Model, name: string, body: table): moonrow.AnyModel
---@overload fun(...): any

---A class that no annotation describes: each of its names may be anything.
---@class moonrow.AnyModel: moonrow.Model
---Attributes, methods and constants.
---@field [string] any

---What the body of a class may have, besides columns, relationships, fields (`mr.field()`), methods, constants and
---metamethods. In its array part: mixins, tables of the same, which several classes share.
---
---```lua
---local Dated = { made = db.Column{ db.DateTime, default = mr.now } }
---local Thing = db.Model:extend("Thing", {
---  Dated,
---  __abstract = true,
---  __init = function(self, id) self.id = id end,
---  __tostring = function(self) return "thing " .. self.id end,
---})
---local Cup = Thing:extend("Cup", {
---  id = db.Column{ db.Integer, primary_key = true },
---  version = db.Column{ db.Integer },
---  __tablename = "cups",
---  __table_args = { mr.CheckConstraint "id > 0", schema = "main", extend_existing = true },
---  __mapper_args = { version_id_col = "version" },
---})
---Cup.__table.name --> cups
---Cup(7) --> thing 7
---local t = db.Table("mug", db.Column{ "id", db.Integer, primary_key = true })
---db.Model:extend("Mug", { __table = t }).__table == t --> true
---```
---@class moonrow.ClassBody
---The table's name; by default the class's in snake case: BlogPost has blog_post.
---@field __tablename? string
---A table that is there already, in place of columns.
---@field __table? moonrow.Table
---Constraints and indexes, and options of the table.
---@field __table_args? moonrow.TableArgs
---How objects become rows.
---@field __mapper_args? moonrow.MapperArgs
---The class has no table: it only hands its body on. false by default.
---@field __abstract? boolean
---What runs when the class is called.
---@field __init? fun(self: any, ...)
---How an object prints.
---@field __tostring? fun(self: any): string

---@class moonrow.TableArgs
---Constraints and indexes.
---@field [integer] moonrow.Constraint
---The name of an attached database, in SQLite.
---@field schema? string
---Accepted; it has no effect.
---@field extend_existing? boolean

---What `__mapper_args` takes.
---
---```lua
---local Doc = db.Model:extend("Doc", {
---  id = db.Column{ db.Integer, primary_key = true },
---  text = db.Column{ db.Text },
---  version = db.Column{ db.Integer },
---  __mapper_args = {
---    version_id_col = "version", version_id_generator = function(before) return (before or 0) + 10 end,
---    eager_defaults = true, confirm_inserted_rows = true, confirm_deleted_rows = true,
---  },
---})
---db:create_all()
---local doc = Doc{ text = "a" }
---session:add(doc)
---session:commit()
---doc.version --> 10
---session:execute(mr.text "UPDATE doc SET version = 11")
---doc.text = "b"
---session:commit() --! StaleDataError:
---session:rollback()
---```
---@class moonrow.MapperArgs
---Finds a row by the version that it was read with, too: an UPDATE or DELETE of another version is a StaleDataError.
---@field version_id_col? moonrow.Column|string
---The next version; by default one more. false: not made by the library.
---@field version_id_generator? false|fun(before: any): any
---What the database makes comes with an INSERT ("auto", the default), with an UPDATE, too (true), or when it is read
---(false).
---@field eager_defaults? boolean|"auto"
---false: an INSERT of an object need not insert a row (a view). true by default.
---@field confirm_inserted_rows? boolean
---false: a DELETE of an object need not find its row. true by default.
---@field confirm_deleted_rows? boolean

-- ---------------------------------------------------------------- objects

---An object of a class, which is a row or is to become one. Attributes are read and written as fields; a name that the
---class does not declare raises. Classes of the program's name their attributes to the editor.
---
---```lua
---ann.name = "Anna"
---ann.name --> Anna
---ann.nmae = "Anna" --! ArgumentError: User has no attribute 'nmae' (did you mean 'name'?)
---ann == User.query:get(1) --> true
---```
---@class moonrow.Object
local Object = {}

---What `to_table` takes.
---@class moonrow.ToTableOptions
---The names of the attributes, which are loaded; without it, the columns that are in memory. Those of related objects
---are written behind a point, "posts.title", or as a list of their own, posts = { "title" }.
---@field only? string|table
---How many relationships deep it goes, and loads; 0 by default.
---@field depth? integer

---The object as a plain table, for encoders of JSON: dates, decimals and intervals are their texts, NULL is mr.null,
---related objects are tables. It loads nothing that the options do not ask for; but an object that has expired is read
---again. `pairs(object)` walks what is in memory, as it is. A class may have a to_table of its own.
---
---```lua
---ann:to_table().name --> Ann
---ann:to_table().posts --> nil
---ann:to_table{ depth = 1 }.posts[2].title --> Again
---ann:to_table{ only = { "name", "posts.title" } }.posts[1].title --> Hello
---ann:to_table{ depth = 2 }.posts[1].author.name --> Ann
---```
---@param options? moonrow.ToTableOptions
---@return table
function Object:to_table(options) end

---An attribute in memory only: it is never stored, and lives as long as the object does.
---
---```lua
---local Sprite = db.Model:extend("Sprite", { id = db.Column{ db.Integer, primary_key = true }, image = mr.field() })
---Sprite{ image = { "pixels" } }.image[1] --> pixels
---```
---@return any
function mr.field() end

-- ---------------------------------------------------------------- attributes that are made of others

---Another name for an attribute of the class: read, written and asked for as that is.
---
---```lua
---User.called = mr.synonym "name"
---ann.called --> Ann
---User.query:filter_by{ called = "Bob" }:count() --> 1
---```
---@param attribute string
---@return any
function mr.synonym(attribute) end

---What `mr.column_property` takes besides the expression.
---@class moonrow.ColumnPropertyOptions
---Loaded when it is first read; false by default.
---@field deferred? boolean
---What is loaded together with it; makes it deferred.
---@field group? string

---An attribute that the database computes of the row: an SQL expression, which is loaded with the object and never
---written. A function gets the class, when its table is there.
---
---```lua
---User.shout = mr.column_property(mr.func.upper(User.name))
---User.next_age = mr.column_property(function(cls) return cls.age + 1 end, { deferred = true, group = "ages" })
---User.query:get(1).shout --> ANN
---User.query:filter(User.next_age:eq(35)):one().name --> Ann
---```
---@param expression moonrow.Expression|moonrow.Query<any>|moonrow.Column|fun(cls: any): any
---@param options? moonrow.ColumnPropertyOptions
---@return any
function mr.column_property(expression, options) end

---What a mixin or a base makes for each class anew: fn gets the class (what there is of it: its name, its table's name,
---its body) and returns a column, a relationship, anything that a body has, or the value of an option such as
---__tablename.
---
---```lua
---local Owned = {
---  user_id = mr.declared_attr(function() return db.Column{ db.Integer, db.ForeignKey "user.id" } end),
---  user = mr.declared_attr(function(cls) return db.relationship{ "User", backref = cls.__name:lower() .. "s" } end),
---}
---local Car = db.Model:extend("Car", { Owned, id = db.Column{ db.Integer, primary_key = true } })
---db:create_all()
---#ann.cars --> 0
---```
---@param fn fun(cls: any): any
---@return any
function mr.declared_attr(fn) end

---What `mr.hybrid` takes.
---@class moonrow.HybridOptions
---The value of an object; with the class in its place, the expression.
---@field get? fun(self: any): any
---What an assignment does. Without it an assignment is refused.
---@field set? fun(self: any, value: any)
---The expression, where get works for objects alone; of the class, or of an alias.
---@field expr? fun(cls: any): any
---Methods of the expression that differ: `eq`, `like` and so on, which get the expression and the other value. Or a
---function of the class that returns them.
---@field comparator? table<string, fun(expression: moonrow.Expression, ...): any>|fun(cls: any): table
---What a statement writes that sets it: values by attribute. Not needed where the hybrid is a column.
---@field update_expr? fun(cls: any, value: any): table

---An attribute that one function makes of others: of an object the value, of the class the SQL. It is not stored.
---
---```lua
---User.label = mr.hybrid{
---  get = function(self) return self.name .. "!" end,
---  set = function(self, value) self.name = value:sub(1, -2) end,
---}
---ann.label --> Ann!
---ann.label = "Anna!"
---ann.name --> Anna
---User.label --> user.name || ?
---User.query:filter_by{ label = "Bob!" }:one().name --> Bob
---User.adult = mr.hybrid{
---  get = function(self) return self.age >= 18 end, expr = function(cls) return cls.age:ge(18) end,
---}
---User.query:filter(User.adult):count() --> 2
---User.years = mr.hybrid(function(self) return self.age end)
---User.query:update{ years = 40 } --> 3
---User.called = mr.hybrid{
---  get = function(self) return self.name end,
---  comparator = { eq = function(x, value) return mr.func.lower(x):eq(value:lower()) end },
---  update_expr = function(cls, value) return { name = value } end,
---}
---User.query:filter_by{ called = "BOB" }:count() --> 1
---```
---@overload fun(get: fun(self: any): any): any
---@param options moonrow.HybridOptions
---@return any
function mr.hybrid(options) end

---What `mr.hybrid_method` takes besides its function.
---@class moonrow.HybridMethodOptions
---The same method of the class, where the function works for objects alone.
---@field expr? fun(cls: any, ...): any

---A method of objects that is also one of the class, where it makes SQL.
---
---```lua
---User.older = mr.hybrid_method{
---  function(self, n) return self.age > n end, expr = function(cls, n) return cls.age:gt(n) end,
---}
---ann:older(30) --> true
---User.query:filter(User:older(30)):count() --> 1
---```
---@overload fun(fn: fun(self: any, ...): any): any
---@param options moonrow.HybridMethodOptions
---@return any
function mr.hybrid_method(options) end

---What the library knows of an object, or of a class: of a class, see `moonrow.ClassInspection`.
---
---```lua
---local i = mr.inspect(ann)
---i.state --> persistent
---i.identity[1] --> 1
---i.session:in_transaction() --> false
---i.class == User --> true
---i.modified --> false
---ann.age = 35
---mr.inspect(ann).modified --> true
---#mr.inspect(ann).loaded --> 1
---mr.inspect(ann).unloaded[1] --> id
---mr.inspect(User{}).state --> transient
---```
---@param object moonrow.Object|moonrow.Model
---@return moonrow.Inspection|moonrow.ClassInspection
function mr.inspect(object) end

---What `mr.inspect` gives. Its fields are read when they are asked for.
---@class moonrow.Inspection
---What the object is to its session and to the database.
---@field state "transient"|"pending"|"persistent"|"deleted"|"detached"
---The primary key, a list; nil where there is no row.
---@field identity any
---The session that it is in.
---@field session moonrow.Session?
---Its class.
---@field class moonrow.Model
---Has it changes that are not flushed?
---@field modified boolean
---The attributes in memory.
---@field loaded string[]
---Those that a read would load.
---@field unloaded string[]
---The object itself.
---@field object moonrow.Object
---Is it in no session, and has no row?
---@field transient boolean
---Is it in a session, and has no row yet?
---@field pending boolean
---Is it in a session, and has a row?
---@field persistent boolean
---Was its row deleted in this transaction?
---@field deleted boolean
---Has it a row, and no session?
---@field detached boolean
---Its attributes: a list of their names, which gives what is known of one by its name. `pairs` walks both.
---
---```lua
---local before = ann.age
---ann.age = before + 1
---mr.inspect(ann).attrs[2] --> name
---mr.inspect(ann).attrs.age.history.deleted[1] --> 34
---mr.inspect(ann).attrs.posts.loaded --> false
---```
---@field attrs table<string, moonrow.AttributeState>
---The histories of what has changed, by name.
---
---```lua
---ann.age = ann.age + 1
---mr.inspect(ann).changes.age.added[1] --> 35
---mr.inspect(ann).changes.name --> nil
---```
---@field changes table<string, moonrow.History>
local Inspection = {}

---Prints the object's attributes and changes, a line each. write: gets the lines in place of `print`. `tostring` of the
---inspection is the same text.
---
---```lua
---local before, shown = ann.age
---ann.age = before + 1
---mr.inspect(ann):dump(function(line) shown = line:match "age +(.*)" or shown end)
---shown --> 35 (was 34)
---```
---@param write? fun(line: string)
function Inspection:dump(write) end

---What `mr.inspect(object).attrs.name` gives. It is read when it is asked for.
---
---```lua
---mr.inspect(User{}).pending --> false
---local name = mr.inspect(ann).attrs.name
---name.loaded_value --> nil
---name.value --> Ann
---name.loaded_value --> Ann
---mr.inspect(ann).object == ann --> true
---```
---@class moonrow.AttributeState
---The attribute's name.
---@field name string
---The same.
---@field key string
---What it is.
---@field kind "column"|"relationship"|"expression"|"synonym"
---Is it in memory?
---@field loaded boolean
---Its value, as `object.name` reads it.
---@field value any
---Its value; nil where it is not in memory.
---@field loaded_value any
---How it has changed.
---@field history moonrow.History

---What `mr.inspect(Class)` gives.
---
---```lua
---local i = mr.inspect(User)
---i.tablename --> user
---i.primary_key[1] --> id
---i.columns.name.type --> String
---i.relationships.posts.target --> Post
---tostring(i):match "name[^\n]*" --> name   String(40), not null
---```
---@class moonrow.ClassInspection
---The class.
---@field class moonrow.Model
---Its name.
---@field name string
---Its table.
---@field table moonrow.Table
---The name of its table.
---@field tablename string
---The names of the attributes of its primary key.
---@field primary_key string[]
---All its attributes: a list of their names, which gives what an attribute is by its name.
---@field attrs table<string, moonrow.AttributeInfo>
---Those that are columns.
---@field columns table<string, moonrow.AttributeInfo>
---Those that are relationships.
---@field relationships table<string, moonrow.AttributeInfo>
local ClassInspection = {}

---Prints the class's attributes, a line each. write: gets the lines in place of `print`.
---
---```lua
---local first
---mr.inspect(User):dump(function(line) first = first or line end)
---first --> User (table user)
---```
---@param write? fun(line: string)
function ClassInspection:dump(write) end

---What an attribute of a class is.
---
---```lua
---local posts, title = mr.inspect(User).relationships.posts, mr.inspect(Post).columns.title
---posts.direction --> one to many
---posts.collection --> list
---posts.back_populates --> author
---posts.keyed_by --> nil
---title.computed --> false
---title.synonym_of --> nil
---mr.inspect(Post).columns.user_id.foreign_key --> true
---```
---@class moonrow.AttributeInfo
---Its name.
---@field name string
---What it is.
---@field kind "column"|"relationship"|"expression"|"synonym"
---Of a column: the name of its type, "String".
---@field type string?
---Of a column: its name in the table.
---@field column string?
---Of a column: is it in the primary key?
---@field key boolean?
---Of a column: may it be NULL?
---@field nullable boolean?
---Of a column: is it loaded only when it is read?
---@field deferred boolean?
---Of a column: does the database compute it?
---@field computed boolean?
---Of a column: has it a foreign key?
---@field foreign_key boolean?
---Of a relationship: the name of the other class.
---@field target string?
---Of a relationship: the other class.
---@field class moonrow.Model?
---Of a relationship: which side has the foreign key.
---@field direction "one to many"|"many to one"|"many to many"|nil
---Of a collection: what holds the objects.
---@field collection "list"|"set"|"keyed"|nil
---Of a dict: the attribute that is the key.
---@field keyed_by string?
---Of a relationship: the other side's attribute.
---@field back_populates string?
---Of a relationship: is it only read?
---@field viewonly boolean?
---Of a synonym: the attribute that it stands for.
---@field synonym_of string?

---@class moonrow.History
---The new value, or what a collection has got.
---@field added any[]
---What is as it was.
---@field unchanged any[]
---The value before, or what a collection has lost.
---@field deleted any[]
local History = {}

---Is anything added or deleted?
---
---```lua
---mr.inspect(ann):history("age"):has_changes() --> false
---```
---@return boolean
function History:has_changes() end

---Is nothing known, because the attribute is not in memory?
---
---```lua
---mr.inspect(ann):history("posts"):empty() --> true
---```
---@return boolean
function History:empty() end

---How the attribute has changed since the object was read; of one that was not loaded when it was written, only what is
---new. NULL is mr.null.
---
---```lua
---local before = ann.age
---ann.age = 35
---local h = mr.inspect(ann):history "age"
---h.added[1] --> 35
---h.deleted[1] --> 34
---#h.unchanged --> 0
---```
---@param attribute string
---@return moonrow.History
function Inspection:history(attribute) end

---The object's session, or nil.
---
---```lua
---mr.object_session(ann):query(User):count() --> 3
---mr.object_session(User{}) --> nil
---```
---@param object moonrow.Object
---@return moonrow.Session?
function mr.object_session(object) end

---Makes the object as if it had never had a row. It leaves its session.
---
---```lua
---mr.make_transient(ann)
---mr.inspect(ann).state --> transient
---```
---@param object moonrow.Object
function mr.make_transient(object) end

---Makes a transient object with a key as if its row had been loaded and its session closed.
---
---```lua
---local user = User{ id = 1 }
---mr.make_transient_to_detached(user)
---mr.inspect(user).state --> detached
---```
---@error InvalidRequestError the object has a row already, or no key
---@param object moonrow.Object
function mr.make_transient_to_detached(object) end

---The class of an object.
---
---```lua
---mr.class_of(ann) == User --> true
---```
---@param object moonrow.Object
---@return moonrow.Model
function mr.class_of(object) end
