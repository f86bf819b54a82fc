---@meta _
-- search.lua: rows that are no table's, values in JSON, regular expressions and full text search.
-- luacheck: ignore 212 241

---@since 0.1

---@class moonrow
local mr = {}

---@class moonrow.ValuesOptions
---The name in the SQL; by default one is made.
---@field name? string

---Rows of values as something to read and to join.
---
---```lua
---local v = mr.values({ mr.column("id", mr.Integer), mr.column("word", mr.String) }, { { 1, "one" }, { 2, "two" } })
---local q = session:query(User.name, v.c.word):join(v, v.c.id:eq(User.id)):order_by(User.id)
---q:all() --> {("Ann", "one"), ("Bob", "two")}
---```
---@error ArgumentError a row has more or fewer values than there are columns, or there is no row
---@param columns moonrow.Expression[] # of mr.column
---@param rows any[][]
---@param options? moonrow.ValuesOptions
---@return moonrow.Subquery
function mr.values(columns, rows, options) end

---A criterion of full text search over a whole table, which is made for it (`CREATE VIRTUAL TABLE ... USING fts5`). The
---functions `bm25`, `snippet` and `highlight` of `mr.func` take the class as their first argument. PostgreSQL searches
---columns alone.
---
---```lua
---session:execute(mr.text "CREATE VIRTUAL TABLE doc USING fts5(title, body)")
---local Doc = db.Model:extend("Doc", { rowid = db.Column{ db.Integer, primary_key = true },
---  title = db.Column{ db.String }, body = db.Column{ db.Text } })
---session:add_all{ Doc{ title = "a", body = "red and blue" }, Doc{ title = "b", body = "blue, blue" } }
---session:query(Doc.title):filter(mr.match(Doc, "blue")):order_by(mr.func.bm25(Doc)):all() --> {("b"), ("a")}
---session:query(mr.func.highlight(Doc, 1, "<", ">")):filter(mr.match(Doc, "red")):scalar() --> <red> and blue
---```
---@param where moonrow.Model|moonrow.Table|moonrow.Expression
---@param words moonrow.Operand
---@return moonrow.Expression
function mr.match(where, words) end

---@class moonrow.Select
local Select = {}

---The select as a subquery that may name what stands before it in FROM. PostgreSQL has it; SQLite does not.
---
---```lua
---local newest = mr.select(Post.title):where(Post.user_id:eq(User.id)):order_by(Post.id:desc()):limit(1)
---newest = newest:lateral "newest"
---session:query(User.name, newest.c.title):join(newest, mr.true_):all() --! ArgumentError: lateral
---```
---@error ArgumentError the database has none
---@param name? string
---@return moonrow.Subquery
function Select:lateral(name) end

---@class moonrow.Expression
local Expression = {}

---@class moonrow.TableValuedOptions
---The name in the SQL; by default one is made.
---@field name? string
---WITH ORDINALITY: the name of a column that numbers the rows, from 1 on. PostgreSQL has it.
---@field with_ordinality? string
---On PostgreSQL the columns get these names, whatever the function calls them; false by default.
---@field derived? boolean

---Of a function that gives rows: as something to read and to join, with the columns that are named. What its arguments
---name is read, too.
---
---```lua
---local each = mr.func.json_each('["x", "y"]'):table_valued("key", "value")
---session:query(each.c.key, each.c.value):all() --> {(0, "x"), (1, "y")}
---local n = mr.func.generate_series(1, 3):table_valued("n", { derived = true, with_ordinality = "place" })
---session:query(n.c.n, n.c.place):all() --! ArgumentError: table_valued
---```
---@error ArgumentError it is no call of a function
---@param ... string|moonrow.Expression|moonrow.TableValuedOptions
---@return moonrow.Subquery
function Expression:table_valued(...) end

---The value in JSON behind keys and indexes. Items are counted from 1, -1 is the last one. It is compared by the type
---of the other side; read, it is what it is, and a part with several values is a text of JSON.
---
---```lua
---local data = mr.literal '{"name": "Ann", "tags": ["a", "b"], "age": 34}'
---session:query(data:at("tags", 2), data:at("tags", -1), data:at("age"):gt(30)):one() --> ("b", "b", true)
---```
---@error ArgumentError an index is 0
---@param ... string|integer
---@return moonrow.Expression
function Expression:at(...) end

---Of `at`: as a text.
---
---```lua
---session:query(mr.literal('{"n": 5}'):at("n"):as_string()):one() --> ("5")
---```
---@return moonrow.Expression
function Expression:as_string() end

---Of `at`: as an integer.
---
---```lua
---session:query(mr.literal('{"n": "5"}'):at("n"):as_integer() + 1):one() --> (6)
---```
---@return moonrow.Expression
function Expression:as_integer() end

---Of `at`: as a number with a fraction.
---
---```lua
---session:query(mr.literal('{"n": 5}'):at("n"):as_float()):one() --> (5.0)
---```
---@return moonrow.Expression
function Expression:as_float() end

---Of `at`: as true or false.
---
---```lua
---session:query(mr.literal('{"on": true}'):at("on"):as_boolean()):one() --> (true)
---```
---@return moonrow.Expression
function Expression:as_boolean() end

---Of `at`: as JSON, a table where it is one; nil where there is nothing, mr.null where there is null.
---
---```lua
---local data = mr.literal '{"bag": ["rope", "map"]}'
---session:query(data:at("bag"):as_json()):one()[1][2] --> map
---session:query(data:at("none"):as_json()):one()[1] --> nil
---```
---@return moonrow.Expression
function Expression:as_json() end

---@class moonrow.RegexpOptions
---"i": any case of letters; "n": lines count for ".", "^" and "$"; "x": spaces in the expression do not.
---@field flags? string

---Does it match the regular expression? PostgreSQL's ~; SQLite has it by a function of the library (and
---`regexp_replace` in `mr.func`), which needs PCRE2 to be installed and follows PostgreSQL: "." takes line ends along,
---"$" is the very end, \m, \M and \y are edges of words.
---
---```lua
---User.query:filter(User.name:regexp_match "^[AB]"):count() --> 2
---User.query:filter(~User.name:regexp_match("^a", { flags = "i" })):order_by(User.id):all() --> {Bob, Cid}
---session:query(mr.func.regexp_replace("Ann Bob", "(\\w+) (\\w+)", "\\2 \\1")):scalar() --> Bob Ann
---```
---@error OperationalError it cannot be read, or takes too many steps
---@param pattern moonrow.Operand
---@param options? moonrow.RegexpOptions
---@return moonrow.Expression
function Expression:regexp_match(pattern, options) end

---A criterion of full text search in this column: MATCH, on PostgreSQL @@. A whole table: `mr.match`.
---
---```lua
---Post.body:match "lua" --> post.body MATCH ?
---```
---@param words moonrow.Operand
---@return moonrow.Expression
function Expression:match(words) end

---@class moonrow.OpOptions
---The type of what the operator gives.
---@field return_type? moonrow.Type
