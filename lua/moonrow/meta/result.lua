---@meta _
-- result.lua: what a statement gives.
-- luacheck: ignore 212 241

---@since 0.1

-- ---------------------------------------------------------------- rows

---A row of several items: a userdata, which cannot be changed. Its columns by number, and by name; # counts them. A
---column's name wins over a method's.
---
---```lua
---local row = session:query(User.name, User.age):first()
---row[1] --> Ann
---row.age --> 34
---#row --> 2
---row --> ("Ann", 34)
---```
---@class moonrow.Row
---A column, by its place.
---@field [integer] any
---A column, by its name.
---@field [string] any
local Row = {}

---Its columns.
---
---```lua
---session:query(User.name, User.age):first():unpack() --> Ann, 34
---```
---@return any ...
function Row:unpack() end

---The row as a plain table by name: see `object:to_table`. An object in it is a table, too. A list of rows or objects
---has the same method.
---
---```lua
---session:query(User.name, User.age):first():to_table().age --> 34
---User.query:all():to_table()[2].name --> Bob
---```
---@param options? moonrow.ToTableOptions
---@return table
function Row:to_table(options) end

-- ---------------------------------------------------------------- results

---The result of a statement: its rows are taken once.
---
---```lua
---local result = session:execute(mr.insert(User):values{ name = "Dan" })
---result.rowcount --> 1
---result.lastrowid --> 4
---result.inserted_primary_key[1] --> 4
---result.returns_rows --> false
---session:rollback()
---```
---@class moonrow.Result
---How many rows an INSERT, UPDATE or DELETE has written; -1 of a SELECT.
---@field rowcount integer
---nil where nothing was inserted.
---@field lastrowid integer?
---Has it rows?
---@field returns_rows boolean
---The key of the row that was inserted, a list; nil where nothing was.
---@field inserted_primary_key any[]?
local Result = {}

---All rows, in a list.
---
---```lua
---session:execute(mr.select(User.name):order_by(User.id)):all() --> {("Ann"), ("Bob"), ("Cid")}
---```
---@return any[]
function Result:all() end

---The first row, or nil; the others go.
---
---```lua
---session:execute(mr.select(User.name):order_by(User.id)):first() --> ("Ann")
---```
---@return any
function Result:first() end

---The only row.
---
---```lua
---session:execute(mr.select(User.name):where(User.id:eq(2))):one() --> ("Bob")
---```
---@error NoResultFound there is none
---@error MultipleResultsFound there are more
---@return any
function Result:one() end

---The only row, or nil.
---
---```lua
---session:execute(mr.select(User.name):where(User.id:eq(9))):one_or_none() --> nil
---```
---@error MultipleResultsFound there are more
---@return any
function Result:one_or_none() end

---The next row, or nil.
---
---```lua
---local result = session:execute(mr.select(User.name):order_by(User.id))
---result:fetchone() --> ("Ann")
---result:fetchone() --> ("Bob")
---```
---@return moonrow.Row?
function Result:fetchone() end

---The next n rows, or what there is of them.
---
---```lua
---local result = session:execute(mr.select(User.name):order_by(User.id))
---result:fetchmany(2) --> {("Ann"), ("Bob")}
---result:fetchmany(2) --> {("Cid")}
---```
---@param n integer
---@return any[]
function Result:fetchmany(n) end

---The rows that are left, in a list.
---
---```lua
---#session:execute(mr.select(User.name)):fetchall() --> 3
---```
---@return any[]
function Result:fetchall() end

---The names of the columns.
---
---```lua
---table.concat(session:execute(mr.select(User.id, User.name)):keys(), " ") --> id name
---```
---@return string[]
function Result:keys() end

---Some of the columns, by name or number, in this order.
---
---```lua
---session:execute(mr.select(User.id, User.name, User.age):order_by(User.id)):columns("age", 1):first() --> (34, 1)
---```
---@error ArgumentError there is no such column
---@error InvalidRequestError the result gives single values: objects, or scalars
---@param ... string|integer
---@return moonrow.Result
function Result:columns(...) end

---The result itself: its rows are tuples.
---
---```lua
---session:execute(mr.select(User.id, User.name):order_by(User.id)):tuples():first() --> (1, "Ann")
---```
---@return moonrow.Result
function Result:tuples() end

---For a loop over lists of n rows; the last one has what is left.
---
---```lua
---local sizes = {}
---for rows in session:execute(mr.select(User.name)):partitions(2) do sizes[#sizes + 1] = #rows end
---table.concat(sizes, " ") --> 2 1
---```
---@param n integer
---@return fun(): any[]
function Result:partitions(n) end

---Rows as tables by column name.
---
---```lua
---session:execute(mr.select(User.name, User.age):order_by(User.id)):mappings():first().age --> 34
---```
---@return moonrow.Result
function Result:mappings() end

---Of rows that are alike the first one is given: rows by all their values, objects if they are the same. With a
---function: those of which it gives the same. It is done in memory, as the rows are read; `distinct` of the query has
---the database do it.
---
---```lua
---#session:execute(mr.select(User)):unique():all() --> 3
---#session:execute(mr.select(User)):scalars():unique(function(user) return #user.name end):all() --> 1
---```
---@param by? fun(row: any): any
---@return moonrow.Result
function Result:unique(by) end

---The first column of the only row.
---
---```lua
---session:execute(mr.select(User.name):where(User.id:eq(2))):scalar_one() --> Bob
---```
---@error NoResultFound there is none
---@error MultipleResultsFound there are more
---@return any
function Result:scalar_one() end

---The first column of the only row, or nil.
---
---```lua
---session:execute(mr.select(User.name):where(User.id:eq(9))):scalar_one_or_none() --> nil
---```
---@error MultipleResultsFound there are more
---@return any
function Result:scalar_one_or_none() end

---The rows that are left go.
---
---```lua
---local result = session:execute(mr.select(User.name))
---result:close()
---result:first() --! InvalidRequestError:
---```
function Result:close() end

---For a loop over the rows.
---
---```lua
---local n = 0
---for row in session:execute(mr.select(User.name)):iter() do n = n + #row.name end
---n --> 9
---```
---@return fun(): any
function Result:iter() end

---The first column of each row.
---
---```lua
---session:execute(mr.select(User.name):order_by(User.id)):scalars():all() --> {"Ann", "Bob", "Cid"}
---```
---@return moonrow.Result
function Result:scalars() end

---The first column of the first row, or nil; the others go.
---
---```lua
---session:execute(mr.select(User.name):order_by(User.id)):scalar() --> Ann
---```
---@return any
function Result:scalar() end
