---@meta _
-- The classes of spec/host/annotated/shop.lua, for editors. Written by: moonrow annotate spec/host/annotated/shop.lua

---@class Item: Item.Class, moonrow.Object
---@field id integer
---@field made moonrow.Date
---@field name string
---@field price number|nil
---@field state "new"|"sold"
---@field sold_on moonrow.Date|nil
---@field picture string|nil
---@field anything integer|number|string|nil
---@field ["end"] moonrow.Date|nil
---@field shelf_id integer
---@field box_id integer|nil
---@field shelf Shelf
---@field box Item|nil
---@field tags moonrow.Collection<Tag>
---@field contents moonrow.Collection<Item>
---@field selected any

---@class Item.Class: moonrow.Model
---@field query moonrow.Query<Item>
---@field id moonrow.Expression
---@field made moonrow.Expression
---@field name moonrow.Expression
---@field price moonrow.Expression
---@field state moonrow.Expression
---@field sold_on moonrow.Expression
---@field picture moonrow.Expression
---@field anything moonrow.Expression
---@field ["end"] moonrow.Expression
---@field shelf_id moonrow.Expression
---@field box_id moonrow.Expression
---@field shelf moonrow.RelationshipAttribute
---@field box moonrow.RelationshipAttribute
---@field tags moonrow.RelationshipAttribute
---@field contents moonrow.RelationshipAttribute
---@field LIMIT integer
---@field age fun(self: Item, now: any): any
---@field cheapest fun(n: any): any
---@field sell fun(self: Item, day: any, ...: any): any
---@overload fun(values?: Item.Values): Item

---@class Item.Values
---@field id? integer
---@field made? moonrow.Date|string|table
---@field name? string
---@field price? number|lightuserdata
---@field state? "new"|"sold"
---@field sold_on? moonrow.Date|string|table|lightuserdata
---@field picture? string|lightuserdata
---@field anything? integer|number|string|lightuserdata
---@field ["end"] moonrow.Date|string|table|lightuserdata|nil
---@field shelf_id? integer
---@field box_id? integer|lightuserdata
---@field shelf? Shelf
---@field box? Item|lightuserdata
---@field tags? Tag[]
---@field contents? Item[]
---@field selected? any

---@class Shelf: Shelf.Class, moonrow.Object
---@field id integer
---@field lamp Lamp|nil
---@field items moonrow.Collection<Item>

---@class Shelf.Class: moonrow.Model
---@field query moonrow.Query<Shelf>
---@field id moonrow.Expression
---@field lamp moonrow.RelationshipAttribute
---@field items moonrow.RelationshipAttribute
---@overload fun(values?: Shelf.Values): Shelf

---@class Shelf.Values
---@field id? integer
---@field lamp? Lamp|lightuserdata
---@field items? Item[]

---@class Lamp: Lamp.Class, moonrow.Object
---@field shelf_id integer
---@field bright boolean
---@field shelf Shelf

---@class Lamp.Class: moonrow.Model
---@field query moonrow.Query<Lamp>
---@field shelf_id moonrow.Expression
---@field bright moonrow.Expression
---@field shelf moonrow.RelationshipAttribute
---@overload fun(bright: any): Lamp

---@class Tag: Tag.Class, moonrow.Object
---@field id integer
---@field items moonrow.Collection<Item>

---@class Tag.Class: moonrow.Model
---@field query moonrow.Query<Tag>
---@field id moonrow.Expression
---@field items moonrow.RelationshipAttribute
---@overload fun(values?: Tag.Values): Tag

---@class Tag.Values
---@field id? integer
---@field items? Item[]

---@class moonrow.Model
---@field extend fun(self: moonrow.Model, name: "Item", body: table): Item.Class
---@field extend fun(self: moonrow.Model, name: "Shelf", body: table): Shelf.Class
---@field extend fun(self: moonrow.Model, name: "Lamp", body: table): Lamp.Class
---@field extend fun(self: moonrow.Model, name: "Tag", body: table): Tag.Class

---@class moonrow.Session
---@field get fun(self: moonrow.Session, class: Item.Class, key: any, options?: moonrow.GetOptions): Item?
---@field get fun(self: moonrow.Session, class: Shelf.Class, key: any, options?: moonrow.GetOptions): Shelf?
---@field get fun(self: moonrow.Session, class: Lamp.Class, key: any, options?: moonrow.GetOptions): Lamp?
---@field get fun(self: moonrow.Session, class: Tag.Class, key: any, options?: moonrow.GetOptions): Tag?
---@field query fun(self: moonrow.Session, class: Item.Class): moonrow.Query<Item>
---@field query fun(self: moonrow.Session, class: Shelf.Class): moonrow.Query<Shelf>
---@field query fun(self: moonrow.Session, class: Lamp.Class): moonrow.Query<Lamp>
---@field query fun(self: moonrow.Session, class: Tag.Class): moonrow.Query<Tag>
