---@meta _
-- loading.lua: how what a query finds is loaded.
-- luacheck: ignore 212 241

---@since 0.1

---@class moonrow
local mr = {}

-- ---------------------------------------------------------------- how relationships and columns load

---An option of a query: how a relationship or a column is loaded. Options chain, from one class to the next.
---
---```lua
---local option = mr.joinedload(Post.author):selectinload(User.posts)
---local post = Post.query:options(option):populate_existing():get(1)
---#db:record(function() return #post.author.posts end) --> 0
---```
---@class moonrow.LoaderOption
local LoaderOption = {}

---In the same statement, by a LEFT OUTER JOIN. From the class that the chain has come to.
---
---```lua
---Post.query:options(mr.selectinload(Post.author):joinedload(User.posts)):count() --> 3
---```
---@param path string|moonrow.Expression|moonrow.RelationshipAttribute
---@param options? moonrow.JoinedLoadOptions
---@return moonrow.LoaderOption
function LoaderOption:joinedload(path, options) end

---By one more statement for all objects: WHERE key IN (...), 500 keys at a time. From the class that the chain has come
---to.
---
---```lua
---Post.query:options(mr.joinedload(Post.author):selectinload(User.posts)):count() --> 3
---```
---@param path string|moonrow.Expression|moonrow.RelationshipAttribute
---@param options? moonrow.SelectInLoadOptions
---@return moonrow.LoaderOption
function LoaderOption:selectinload(path, options) end

---By one more statement for all objects, which has the query in it. From the class that the chain has come to.
---
---```lua
---Post.query:options(mr.joinedload(Post.author):subqueryload(User.posts)):count() --> 3
---```
---@param path string|moonrow.Expression|moonrow.RelationshipAttribute
---@return moonrow.LoaderOption
function LoaderOption:subqueryload(path, ...) end

---At once, by a statement for each object. From the class that the chain has come to.
---
---```lua
---Post.query:options(mr.joinedload(Post.author):immediateload(User.posts)):count() --> 3
---```
---@param path string|moonrow.Expression|moonrow.RelationshipAttribute
---@param options? moonrow.ImmediateLoadOptions
---@return moonrow.LoaderOption
function LoaderOption:immediateload(path, options) end

---When it is first read. From the class that the chain has come to.
---
---```lua
---Post.query:options(mr.joinedload(Post.author):lazyload(User.posts)):count() --> 3
---```
---@param path string|moonrow.Expression|moonrow.RelationshipAttribute
---@return moonrow.LoaderOption
function LoaderOption:lazyload(path, ...) end

---Not at all: reading it is an error, if it would need a statement. From the class that the chain has come to.
---
---```lua
---Post.query:options(mr.joinedload(Post.author):raiseload(User.posts)):count() --> 3
---```
---@param path string|moonrow.Expression|moonrow.RelationshipAttribute
---@param options? moonrow.RaiseLoadOptions
---@return moonrow.LoaderOption
function LoaderOption:raiseload(path, options) end

---Not at all: it is empty. From the class that the chain has come to.
---
---```lua
---Post.query:options(mr.joinedload(Post.author):noload(User.posts)):count() --> 3
---```
---@param path string|moonrow.Expression|moonrow.RelationshipAttribute
---@return moonrow.LoaderOption
function LoaderOption:noload(path, ...) end

---When it is first read; from the second object of a result on, for the next 500 objects at once. From the class that
---the chain has come to.
---
---```lua
---Post.query:options(mr.joinedload(Post.author):batchload(User.posts, { max = 100 })):count() --> 3
---```
---@param path string|moonrow.Expression|moonrow.RelationshipAttribute
---@param options? moonrow.BatchOptions
---@return moonrow.LoaderOption
function LoaderOption:batchload(path, options) end

---As the relationship says; for what follows in the chain. From the class that the chain has come to.
---
---```lua
---Post.query:options(mr.joinedload(Post.author):defaultload(User.posts):load_only(Post.title)):count() --> 3
---```
---@param path string|moonrow.Expression|moonrow.RelationshipAttribute
---@return moonrow.LoaderOption
function LoaderOption:defaultload(path, ...) end

---From the rows that the query has joined itself. From the class that the chain has come to.
---
---```lua
---Post.query:join(Post.author):options(mr.contains_eager(Post.author):load_only(User.name)):count() --> 3
---```
---@param path string|moonrow.Expression|moonrow.RelationshipAttribute
---@param options? moonrow.ContainsEagerOptions
---@return moonrow.LoaderOption
function LoaderOption:contains_eager(path, options) end

---What these subclasses (or all, by "*") add to the objects, by one more statement for each class. Of the class that
---the chain has come to, if none is named.
---
---```lua
---User.query:options(mr.selectinload(User.posts):selectin_polymorphic(Post, "*")):count() --> 3
---```
---@param class moonrow.Model
---@param subclasses moonrow.Model[]|"*"
---@return moonrow.LoaderOption
---@overload fun(self: moonrow.LoaderOption, subclasses: moonrow.Model[]|"*"): moonrow.LoaderOption
function LoaderOption:selectin_polymorphic(class, subclasses) end

---Only these columns, and the key; the others when they are first read. From the class that the chain has come to.
---
---```lua
---Post.query:options(mr.joinedload(Post.author):load_only(User.name)):count() --> 3
---```
---@param ... string|moonrow.Expression
---@return moonrow.LoaderOption
function LoaderOption:load_only(...) end

---These columns when they are first read. From the class that the chain has come to.
---
---```lua
---Post.query:options(mr.joinedload(Post.author):defer(User.age)):count() --> 3
---```
---@param ... string|moonrow.Expression
---@return moonrow.LoaderOption
function LoaderOption:defer(...) end

---These columns at once, which are deferred otherwise. From the class that the chain has come to.
---
---```lua
---Post.query:options(mr.joinedload(Post.author):undefer(User.age)):count() --> 3
---```
---@param ... string|moonrow.Expression
---@return moonrow.LoaderOption
function LoaderOption:undefer(...) end

---The columns of this group at once, which are deferred otherwise. From the class that the chain has come to.
---
---```lua
---local Note = db.Model:extend("Note", {
---  id = db.Column{ db.Integer, primary_key = true },
---  text = db.Column{ db.Text, deferred_group = "long" },
---  user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
---  user = db.relationship{ "User", backref = "notes" },
---})
---db:create_all()
---User.query:options(mr.selectinload(User.notes):undefer_group "long"):count() --> 3
---```
---@param name string
---@return moonrow.LoaderOption
function LoaderOption:undefer_group(name) end

---@class moonrow.JoinedLoadOptions
---JOIN in place of LEFT OUTER JOIN, where each object has a partner; false by default.
---@field innerjoin? boolean

---@class moonrow.ImmediateLoadOptions
---So many levels of a relationship that leads to the same class again; -1: all that there are. 1 by default.
---@field recursion_depth? integer

---@class moonrow.SelectInLoadOptions: moonrow.ImmediateLoadOptions
---So many objects for each parent, by a window function. Such a list can only be read.
---@field limit? integer
---The order in which these are the first: an expression, or a list of them. By default that of the relationship.
---@field order_by? any

---How lazy = "batch" loads.
---
---```lua
---local make = mr.sessionmaker{ bind = db.engine, lazy = "batch", batch = { after = 1, max = 100 } }
---local s <close> = make()
---#db:record(function() for _, user in ipairs(s:query(User):all()) do assert(#user.posts >= 0) end end) --> 3
---```
---@class moonrow.BatchOptions
---So many objects of a result load alone; 1 by default.
---@field after? integer
---So many objects are loaded at once; 500 by default, which is the most.
---@field max? integer

---@class moonrow.RaiseLoadOptions
---Only where it would need a statement: what is in memory is given. false by default.
---@field sql_only? boolean

---@class moonrow.ContainsEagerOptions
---The alias whose rows they are.
---@field alias? any

---In the same statement, by a LEFT OUTER JOIN.
---
---```lua
---local records = db:record(function() Post.query:options(mr.joinedload(Post.author, { innerjoin = true })):all() end)
---#records --> 1
---```
---@param path string|moonrow.Expression|moonrow.RelationshipAttribute
---@param options? moonrow.JoinedLoadOptions
---@return moonrow.LoaderOption
function mr.joinedload(path, options) end

---By one more statement for all objects: WHERE key IN (...), 500 keys at a time.
---
---```lua
---session:expunge_all()
---#db:record(function() User.query:options(mr.selectinload(User.posts)):all() end) --> 2
---session:expunge_all()
---local latest = mr.selectinload(User.posts, { limit = 1, order_by = Post.id:desc() })
---User.query:options(latest):first().posts --> {Again}
---```
---@param path string|moonrow.Expression|moonrow.RelationshipAttribute
---@param options? moonrow.SelectInLoadOptions
---@return moonrow.LoaderOption
function mr.selectinload(path, options) end

---By one more statement for all objects, which has the query in it.
---
---```lua
---session:expunge_all()
---#db:record(function() User.query:options(mr.subqueryload(User.posts)):all() end) --> 2
---```
---@param path string|moonrow.Expression|moonrow.RelationshipAttribute
---@return moonrow.LoaderOption
function mr.subqueryload(path, ...) end

---At once, by a statement for each object.
---
---```lua
---session:expunge_all()
---#db:record(function() User.query:options(mr.immediateload(User.posts)):all() end) --> 4
---User.query:options(mr.immediateload(User.posts, { recursion_depth = 1 })):count() --> 3
---```
---@param path string|moonrow.Expression|moonrow.RelationshipAttribute
---@param options? moonrow.ImmediateLoadOptions
---@return moonrow.LoaderOption
function mr.immediateload(path, options) end

---When it is first read.
---
---```lua
---session:expunge_all()
---local user = User.query:options(mr.lazyload(User.posts)):first()
---#db:record(function() return #user.posts end) --> 1
---```
---@param path string|moonrow.Expression|moonrow.RelationshipAttribute
---@return moonrow.LoaderOption
function mr.lazyload(path, ...) end

---Not at all: reading it is an error, if it would need a statement.
---
---```lua
---session:expunge_all()
---local user = User.query:options(mr.raiseload(User.posts, { sql_only = true })):first()
---return user.posts --! InvalidRequestError:
---```
---@param path string|moonrow.Expression|moonrow.RelationshipAttribute
---@param options? moonrow.RaiseLoadOptions
---@return moonrow.LoaderOption
function mr.raiseload(path, options) end

---Not at all: it is empty.
---
---```lua
---session:expunge_all()
---#User.query:options(mr.noload(User.posts)):first().posts --> 0
---```
---@param path string|moonrow.Expression|moonrow.RelationshipAttribute
---@return moonrow.LoaderOption
function mr.noload(path, ...) end

---When it is first read; from the second object of a result on, for the next 500 objects at once.
---
---```lua
---session:expunge_all()
---local users = User.query:options(mr.batchload(User.posts)):all()
---#db:record(function() for _, user in ipairs(users) do assert(#user.posts >= 0) end end) --> 2
---```
---@param path string|moonrow.Expression|moonrow.RelationshipAttribute
---@param options? moonrow.BatchOptions
---@return moonrow.LoaderOption
function mr.batchload(path, options) end

---As the relationship says; for what follows in the chain.
---
---```lua
---Post.query:options(mr.defaultload(Post.author):joinedload(User.posts)):count() --> 3
---```
---@param path string|moonrow.Expression|moonrow.RelationshipAttribute
---@return moonrow.LoaderOption
function mr.defaultload(path, ...) end

---From the rows that the query has joined itself.
---
---```lua
---session:expunge_all()
---local Fresh = mr.aliased(Post)
---local users = User.query:join(Fresh, Fresh.user_id:eq(User.id)):filter(Fresh.title:eq "Again")
---  :options(mr.contains_eager(User.posts, { alias = Fresh })):all()
---users[1].posts --> {Again}
---```
---@param path string|moonrow.Expression|moonrow.RelationshipAttribute
---@param options? moonrow.ContainsEagerOptions
---@return moonrow.LoaderOption
function mr.contains_eager(path, options) end

---What these subclasses (or all, by "*") add to the objects of the class, by one more statement for each.
---
---```lua
---User.query:options(mr.selectin_polymorphic(User, "*")):count() --> 3
---```
---@param class moonrow.Model
---@param subclasses moonrow.Model[]|"*"
---@return moonrow.LoaderOption
function mr.selectin_polymorphic(class, subclasses) end

---Only these columns, and the key; the others when they are first read.
---
---```lua
---tostring(User.query:options(mr.load_only(User.name))) --> SELECT user.id AS user_id, user.name AS user_name...
---```
---@param ... string|moonrow.Expression
---@return moonrow.LoaderOption
function mr.load_only(...) end

---These columns when they are first read.
---
---```lua
---tostring(User.query:options(mr.defer(User.age))) --> SELECT user.id AS user_id, user.name AS user_name...FROM user
---```
---@param ... string|moonrow.Expression
---@return moonrow.LoaderOption
function mr.defer(...) end

---These columns at once, which are deferred otherwise; `mr.undefer "*"`: all.
---
---```lua
---local Book = db.Model:extend("Book", { id = db.Column{ db.Integer, primary_key = true },
---  text = db.Column{ db.Text, deferred = true } })
---tostring(Book.query:options(mr.undefer(Book.text))) --> SELECT ...book.text AS book_text...
---```
---@param ... string|moonrow.Expression
---@return moonrow.LoaderOption
function mr.undefer(...) end

---The columns of this group at once, which are deferred otherwise.
---
---```lua
---local Book = db.Model:extend("Book", { id = db.Column{ db.Integer, primary_key = true },
---  text = db.Column{ db.Text, deferred_group = "long" } })
---tostring(Book.query:options(mr.undefer_group "long")) --> SELECT ...book.text AS book_text...
---```
---@param name string
---@return moonrow.LoaderOption
function mr.undefer_group(name) end

---@class moonrow.LoaderCriteriaOptions
---true: rows of the program's own aliases must meet it, too; false by default.
---@field include_aliases? boolean
---false: what an object loads later, at the first access, need not meet it; true by default.
---@field propagate_to_loaders? boolean

---A criterion for the rows of a class wherever the query reads them: its own rows, joins (in their ON), eager and later
---loads, `any()`, `has()`, subqueries and unions. Of a mixin or base it is a function that is given each class.
---A reference to an object in memory, and what an expired object reads of itself, is not left out.
---
---```lua
---local options = { include_aliases = true, propagate_to_loaders = false }
---local adults = mr.with_loader_criteria(User, User.age:ge(0), options)
---tostring(User.query:options(adults)) --> SELECT ...FROM user WHERE user.age >= ?
---```
---@param class moonrow.Model|table a class; or a mixin or base of classes
---@param criterion moonrow.Expression|fun(class: moonrow.Model): moonrow.Expression
---@param options? moonrow.LoaderCriteriaOptions
---@return moonrow.LoaderOption
function mr.with_loader_criteria(class, criterion, options) end
