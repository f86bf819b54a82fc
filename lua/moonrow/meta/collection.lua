---@meta _
-- collection.lua: collections that are no lists: sets and dicts.
-- luacheck: ignore 212 241

---@since 0.1

-- ---------------------------------------------------------------- sets

---What `object.pets` gives of a relationship with `collection_class = mr.set`. `#` is its length, `pairs` walks it,
---and a list is assigned to it as a whole. It has no order, and no index.
---
---```lua
---local Pet = db.Model:extend("Pet", {
---  id = db.Column{ db.Integer, primary_key = true },
---  user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
---  owner = db.relationship{ "User", backref = db.backref("pets", { collection_class = mr.set }) },
---})
---function Pet:__tostring() return "Pet " .. self.id end
---db:create_all()
---local rex, tom = Pet{ id = 1 }, Pet{ id = 2 }
---ann.pets = { rex, tom, rex }
---#ann.pets --> 2
---for pet in pairs(ann.pets) do pet.owner = bob end
---#ann.pets --> 0
---bob.pets - { tom } --> {Pet 1}
---```
---@class moonrow.Set<T>
local Set = {}

---Puts the object in; nothing happens if it is there.
---
---```lua
---local Pet = db.Model:extend("Pet", {
---  id = db.Column{ db.Integer, primary_key = true },
---  user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
---  owner = db.relationship{ "User", backref = db.backref("pets", { collection_class = mr.set }) },
---})
---function Pet:__tostring() return "Pet " .. self.id end
---db:create_all()
---local rex, tom = Pet{ id = 1 }, Pet{ id = 2 }
---ann.pets:add(rex)
---ann.pets:add(rex)
---ann.pets --> {Pet 1}
---```
---@param object T
function Set:add(object) end

---Takes the object out, which must be there.
---
---```lua
---local Pet = db.Model:extend("Pet", {
---  id = db.Column{ db.Integer, primary_key = true },
---  user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
---  owner = db.relationship{ "User", backref = db.backref("pets", { collection_class = mr.set }) },
---})
---function Pet:__tostring() return "Pet " .. self.id end
---db:create_all()
---local rex, tom = Pet{ id = 1 }, Pet{ id = 2 }
---ann.pets = { rex, tom }
---ann.pets:remove(rex)
---ann.pets --> {Pet 2}
---```
---@param object T
function Set:remove(object) end

---Takes the object out, if it is there.
---
---```lua
---local Pet = db.Model:extend("Pet", {
---  id = db.Column{ db.Integer, primary_key = true },
---  user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
---  owner = db.relationship{ "User", backref = db.backref("pets", { collection_class = mr.set }) },
---})
---function Pet:__tostring() return "Pet " .. self.id end
---db:create_all()
---local rex, tom = Pet{ id = 1 }, Pet{ id = 2 }
---ann.pets = { rex }
---ann.pets:discard(tom)
---ann.pets --> {Pet 1}
---```
---@param object T
function Set:discard(object) end

---Is the object in it?
---
---```lua
---local Pet = db.Model:extend("Pet", {
---  id = db.Column{ db.Integer, primary_key = true },
---  user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
---  owner = db.relationship{ "User", backref = db.backref("pets", { collection_class = mr.set }) },
---})
---function Pet:__tostring() return "Pet " .. self.id end
---db:create_all()
---local rex, tom = Pet{ id = 1 }, Pet{ id = 2 }
---ann.pets = { rex }
---ann.pets:has(tom) --> false
---```
---@param object T
---@return boolean
function Set:has(object) end

---The same as `has`.
---
---```lua
---local Pet = db.Model:extend("Pet", {
---  id = db.Column{ db.Integer, primary_key = true },
---  user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
---  owner = db.relationship{ "User", backref = db.backref("pets", { collection_class = mr.set }) },
---})
---function Pet:__tostring() return "Pet " .. self.id end
---db:create_all()
---local rex, tom = Pet{ id = 1 }, Pet{ id = 2 }
---ann.pets = { rex }
---ann.pets:contains(rex) --> true
---```
---@param object T
---@return boolean
function Set:contains(object) end

---Takes any object out and returns it; nil: it is empty.
---
---```lua
---local Pet = db.Model:extend("Pet", {
---  id = db.Column{ db.Integer, primary_key = true },
---  user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
---  owner = db.relationship{ "User", backref = db.backref("pets", { collection_class = mr.set }) },
---})
---function Pet:__tostring() return "Pet " .. self.id end
---db:create_all()
---local rex, tom = Pet{ id = 1 }, Pet{ id = 2 }
---ann.pets = { rex }
---ann.pets:pop() --> Pet 1
---#ann.pets --> 0
---```
---@return T|nil
function Set:pop() end

---Takes all out.
---
---```lua
---local Pet = db.Model:extend("Pet", {
---  id = db.Column{ db.Integer, primary_key = true },
---  user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
---  owner = db.relationship{ "User", backref = db.backref("pets", { collection_class = mr.set }) },
---})
---function Pet:__tostring() return "Pet " .. self.id end
---db:create_all()
---local rex, tom = Pet{ id = 1 }, Pet{ id = 2 }
---ann.pets = { rex, tom }
---ann.pets:clear()
---#ann.pets --> 0
---```
function Set:clear() end

---`for object in set:iter() do`, as `for object in pairs(set) do`. The loop may change the set.
---
---```lua
---local Pet = db.Model:extend("Pet", {
---  id = db.Column{ db.Integer, primary_key = true },
---  user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
---  owner = db.relationship{ "User", backref = db.backref("pets", { collection_class = mr.set }) },
---})
---function Pet:__tostring() return "Pet " .. self.id end
---db:create_all()
---local rex, tom = Pet{ id = 1 }, Pet{ id = 2 }
---ann.pets = { rex, tom }
---for pet in ann.pets:iter() do ann.pets:remove(pet) end
---#ann.pets --> 0
---```
---@return fun(): T
function Set:iter() end

---Puts all these objects in.
---
---```lua
---local Pet = db.Model:extend("Pet", {
---  id = db.Column{ db.Integer, primary_key = true },
---  user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
---  owner = db.relationship{ "User", backref = db.backref("pets", { collection_class = mr.set }) },
---})
---function Pet:__tostring() return "Pet " .. self.id end
---db:create_all()
---local rex, tom = Pet{ id = 1 }, Pet{ id = 2 }
---ann.pets:update{ rex, tom }
---#ann.pets --> 2
---```
---@param objects T[]|moonrow.Collection|moonrow.Set
function Set:update(objects) end

---Takes those of these objects out that are there.
---
---```lua
---local Pet = db.Model:extend("Pet", {
---  id = db.Column{ db.Integer, primary_key = true },
---  user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
---  owner = db.relationship{ "User", backref = db.backref("pets", { collection_class = mr.set }) },
---})
---function Pet:__tostring() return "Pet " .. self.id end
---db:create_all()
---local rex, tom = Pet{ id = 1 }, Pet{ id = 2 }
---ann.pets = { rex, tom }
---ann.pets:difference_update{ rex }
---ann.pets --> {Pet 2}
---```
---@param objects T[]|moonrow.Collection|moonrow.Set
function Set:difference_update(objects) end

---Takes all others out.
---
---```lua
---local Pet = db.Model:extend("Pet", {
---  id = db.Column{ db.Integer, primary_key = true },
---  user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
---  owner = db.relationship{ "User", backref = db.backref("pets", { collection_class = mr.set }) },
---})
---function Pet:__tostring() return "Pet " .. self.id end
---db:create_all()
---local rex, tom = Pet{ id = 1 }, Pet{ id = 2 }
---ann.pets = { rex, tom }
---ann.pets:intersection_update{ rex }
---ann.pets --> {Pet 1}
---```
---@param objects T[]|moonrow.Collection|moonrow.Set
function Set:intersection_update(objects) end

---A list of what is in the set, or among these objects; also `set | objects`.
---
---```lua
---local Pet = db.Model:extend("Pet", {
---  id = db.Column{ db.Integer, primary_key = true },
---  user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
---  owner = db.relationship{ "User", backref = db.backref("pets", { collection_class = mr.set }) },
---})
---function Pet:__tostring() return "Pet " .. self.id end
---db:create_all()
---local rex, tom = Pet{ id = 1 }, Pet{ id = 2 }
---ann.pets = { rex }
---ann.pets:union{ tom } --> {Pet 1, Pet 2}
---ann.pets | { tom } --> {Pet 1, Pet 2}
---```
---@param objects T[]|moonrow.Collection|moonrow.Set
---@return T[]
function Set:union(objects) end

---A list of what is in both; also `set & objects`.
---
---```lua
---local Pet = db.Model:extend("Pet", {
---  id = db.Column{ db.Integer, primary_key = true },
---  user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
---  owner = db.relationship{ "User", backref = db.backref("pets", { collection_class = mr.set }) },
---})
---function Pet:__tostring() return "Pet " .. self.id end
---db:create_all()
---local rex, tom = Pet{ id = 1 }, Pet{ id = 2 }
---ann.pets = { rex, tom }
---ann.pets:intersection{ tom } --> {Pet 2}
---```
---@param objects T[]|moonrow.Collection|moonrow.Set
---@return T[]
function Set:intersection(objects) end

---A list of what is in the set alone; also `set - objects`.
---
---```lua
---local Pet = db.Model:extend("Pet", {
---  id = db.Column{ db.Integer, primary_key = true },
---  user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
---  owner = db.relationship{ "User", backref = db.backref("pets", { collection_class = mr.set }) },
---})
---function Pet:__tostring() return "Pet " .. self.id end
---db:create_all()
---local rex, tom = Pet{ id = 1 }, Pet{ id = 2 }
---ann.pets = { rex, tom }
---ann.pets:difference{ tom } --> {Pet 1}
---```
---@param objects T[]|moonrow.Collection|moonrow.Set
---@return T[]
function Set:difference(objects) end

---A list of what is in one of both alone.
---
---```lua
---local Pet = db.Model:extend("Pet", {
---  id = db.Column{ db.Integer, primary_key = true },
---  user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
---  owner = db.relationship{ "User", backref = db.backref("pets", { collection_class = mr.set }) },
---})
---function Pet:__tostring() return "Pet " .. self.id end
---db:create_all()
---local rex, tom = Pet{ id = 1 }, Pet{ id = 2 }
---ann.pets = { rex }
---ann.pets:symmetric_difference{ tom } --> {Pet 1, Pet 2}
---```
---@param objects T[]|moonrow.Collection|moonrow.Set
---@return T[]
function Set:symmetric_difference(objects) end

---Are all its objects among these?
---
---```lua
---local Pet = db.Model:extend("Pet", {
---  id = db.Column{ db.Integer, primary_key = true },
---  user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
---  owner = db.relationship{ "User", backref = db.backref("pets", { collection_class = mr.set }) },
---})
---function Pet:__tostring() return "Pet " .. self.id end
---db:create_all()
---local rex, tom = Pet{ id = 1 }, Pet{ id = 2 }
---ann.pets = { rex }
---ann.pets:issubset{ rex, tom } --> true
---```
---@param objects T[]|moonrow.Collection|moonrow.Set
---@return boolean
function Set:issubset(objects) end

---Are all these objects in it?
---
---```lua
---local Pet = db.Model:extend("Pet", {
---  id = db.Column{ db.Integer, primary_key = true },
---  user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
---  owner = db.relationship{ "User", backref = db.backref("pets", { collection_class = mr.set }) },
---})
---function Pet:__tostring() return "Pet " .. self.id end
---db:create_all()
---local rex, tom = Pet{ id = 1 }, Pet{ id = 2 }
---ann.pets = { rex }
---ann.pets:issuperset{ rex, tom } --> false
---```
---@param objects T[]|moonrow.Collection|moonrow.Set
---@return boolean
function Set:issuperset(objects) end

---Is none of these objects in it?
---
---```lua
---local Pet = db.Model:extend("Pet", {
---  id = db.Column{ db.Integer, primary_key = true },
---  user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
---  owner = db.relationship{ "User", backref = db.backref("pets", { collection_class = mr.set }) },
---})
---function Pet:__tostring() return "Pet " .. self.id end
---db:create_all()
---local rex, tom = Pet{ id = 1 }, Pet{ id = 2 }
---ann.pets = { rex }
---ann.pets:isdisjoint{ tom } --> true
---```
---@param objects T[]|moonrow.Collection|moonrow.Set
---@return boolean
function Set:isdisjoint(objects) end

---A list of what `object:to_table` gives of each.
---
---```lua
---local Pet = db.Model:extend("Pet", {
---  id = db.Column{ db.Integer, primary_key = true },
---  user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
---  owner = db.relationship{ "User", backref = db.backref("pets", { collection_class = mr.set }) },
---})
---db:create_all()
---ann.pets:add(Pet{ id = 7 })
---ann.pets:to_table()[1].id --> 7
---```
---@param options? moonrow.ToTableOptions
---@return table[]
function Set:to_table(options) end

-- ---------------------------------------------------------------- dicts

---What `object.pets` gives of a relationship with `collection_class` of `mr.attribute_keyed`, `mr.column_keyed` or
---`mr.keyed`. The index is always a key, so there are no methods: `pairs` walks it, `#` counts it, nil takes an object
---out, and `mr.clear` all of them. A new object that is put under a key gets it, if its attribute has no value.
---
---```lua
---local Pet = db.Model:extend("Pet", {
---  id = db.Column{ db.Integer, primary_key = true },
---  name = db.Column{ db.String(20) },
---  user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
---  owner = db.relationship{ "User", backref = db.backref("pets", { collection_class = mr.attribute_keyed "name" }) },
---})
---db:create_all()
---ann.pets = { rex = Pet{ id = 1 }, tom = Pet{ id = 2 } }
---ann.pets.rex.id --> 1
---ann.pets.rex = nil
---for name, pet in pairs(ann.pets) do pet.name = name .. "my" end
---ann.pets.tommy.id --> 2
---#ann.pets --> 1
---```
---@class moonrow.Keyed<T>
---The object of the key; nil: there is none.
---@field [any] T|nil
