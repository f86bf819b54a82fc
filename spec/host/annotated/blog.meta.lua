---@meta _
-- The classes of examples/blog.lua, for editors. Written by: moonrow annotate examples/blog.lua

---@class Post: Post.Class, moonrow.Object
---@field id integer
---@field title string
---@field body string
---@field pub_date moonrow.Date
---@field category_id integer
---@field category Category

---@class Post.Class: moonrow.Model
---@field query moonrow.Query<Post>
---@field id moonrow.Expression
---@field title moonrow.Expression
---@field body moonrow.Expression
---@field pub_date moonrow.Expression
---@field category_id moonrow.Expression
---@field category moonrow.RelationshipAttribute
---@overload fun(values?: Post.Values): Post

---@class Post.Values
---@field id? integer
---@field title? string
---@field body? string
---@field pub_date? moonrow.Date|string|table
---@field category_id? integer
---@field category? Category

---@class Category: Category.Class, moonrow.Object
---@field id integer
---@field name string
---@field posts moonrow.Collection<Post>

---@class Category.Class: moonrow.Model
---@field query moonrow.Query<Category>
---@field id moonrow.Expression
---@field name moonrow.Expression
---@field posts moonrow.RelationshipAttribute
---@overload fun(values?: Category.Values): Category

---@class Category.Values
---@field id? integer
---@field name? string
---@field posts? Post[]

---@class moonrow.Model
---@field extend fun(self: moonrow.Model, name: "Post", body: table): Post.Class
---@field extend fun(self: moonrow.Model, name: "Category", body: table): Category.Class

---@class moonrow.Session
---@field get fun(self: moonrow.Session, class: Post.Class, key: any, options?: moonrow.GetOptions): Post?
---@field get fun(self: moonrow.Session, class: Category.Class, key: any, options?: moonrow.GetOptions): Category?
---@field query fun(self: moonrow.Session, class: Post.Class): moonrow.Query<Post>
---@field query fun(self: moonrow.Session, class: Category.Class): moonrow.Query<Category>
