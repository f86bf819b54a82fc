-- Queries of objects and columns: results and numbers of statements of SQLAlchemy's test/orm/test_query.py,
-- test_joins.py and test_froms.py, restated for our classes and the same rows ("ours": a neighbour that has no test
-- there). Each case is
--   { "origin test", "our title", the query or its result, the rows, how many statements (1) }.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local orders = require "spec.support.orders"

local m = orders.filled()
local db, f = m.db, mr.func
local User, Address, Order, Item, Keyword, Node = m.User, m.Address, m.Order, m.Item, m.Keyword, m.Node

--- The result as text; NULL is "-".
local function text_of(value)
  if value == nil or value == mr.null then return "-" end
  return tostring(value)
end

local function show(result)
  if type(result) ~= "table" or (getmetatable(result) or {}).__name == "Row" then return text_of(result) end
  local out = {}
  for i, item in ipairs(result) do out[i] = text_of(item) end
  return table.concat(out, " ")
end

--- All rows of a query; what is no query is a result already.
local function rows_of(made)
  local words = type(made) == "userdata" and tostring(made) or ""
  return (words:find "^SELECT" or words:find "^WITH") and made:all() or made
end

local s -- the session of the case

local function check(cases)
  for _, case in ipairs(cases) do
    it(("%s (%s)"):format(case[2], case[1]), function()
      s = mr.Session(db.engine)
      local result
      local records = db:record(function() result = show(rows_of(case[3](s))) end)
      s:close()
      assert.equal(case[4], result)
      assert.equal(case[5] or 1, #records)
    end)
  end
end

local U, A, N = mr.aliased(User), mr.aliased(Address), mr.aliased(Node)
local n1, n2 = mr.aliased(Node), mr.aliased(Node)
local ed_count = mr.select(Address.user_id, f.count():label "n"):group_by(Address.user_id):subquery "counts"

describe("test_query", function()
  check{
    { "ours: get", "get gives the object", function(q) return q:get(User, 8) end, "U8" },
    { "ours: get", "get of no row is nil", function(q) return q:get(User, 99) end, "-" },
    { "GetTest.test_get_null_pk", "an object is the same at the second get", function(q)
      local a = q:get(User, 7)
      return a == q:get(User, 7) and a
    end, "U7" },
    { "FilterTest.test_basic", "a query without criteria gives all", function(q)
      return q:query(User):order_by(User.id) end, "U7 U8 U9 U10" },
    { "FilterTest.test_limit_offset", "limit and offset", function(q)
      return q:query(User):order_by(User.id):limit(2):offset(1) end, "U8 U9" },
    { "SliceTest.test_limit_offset_applies", "slice counts from 1", function(q)
      return q:query(User):order_by(User.id):slice(2, 3) end, "U8 U9" },
    { "SliceTest.test_first", "first", function(q) return q:query(User):order_by(User.id):first() end, "U7" },
    { "SliceTest.test_first_against_expression_offset", "first behind an offset that is an expression", function(q)
      return q:query(User):order_by(User.id):offset(mr.literal(1) + 1):first() end, "U9" },
    { "FilterTest.test_select_with_bindparam_offset_limit", "limit and offset by parameters", function(q)
      return q:query(User):order_by(User.id):limit(mr.bindparam "l"):offset(mr.bindparam "o"):params{ l = 2, o = 1 }
    end, "U8 U9" },
    { "FilterTest.test_one_filter", "a criterion of a pattern", function(q)
      return q:query(User):filter(User.name:endswith "ed"):order_by(User.id) end, "U8 U9" },
    { "FilterTest.test_contains", "a list that contains an object", function(q)
      return q:query(User):filter(User.addresses:contains(q:get(Address, 3))) end, "U8", 2 },
    { "FilterTest.test_contains", "a list that does not contain it", function(q)
      return q:query(User):filter(~User.addresses:contains(q:get(Address, 3))):order_by(User.id) end, "U7 U9 U10", 2 },
    { "FilterTest.test_contains_m2m", "a many-to-many that contains it", function(q)
      return q:query(Order):filter(Order.items:contains(q:get(Item, 3))):order_by(Order.id) end, "O1 O2 O3", 2 },
    { "FilterTest.test_contains_m2m", "two of them", function(q)
      return q:query(Order):filter(Order.items:contains(q:get(Item, 4)), Order.items:contains(q:get(Item, 5))) end,
      "O3", 3 },
    { "FilterTest.test_any", "any with a criterion", function(q)
      return q:query(User):filter(User.addresses:any(Address.email:eq "ed@wood.com")) end, "U8" },
    { "FilterTest.test_any", "any alone, and its opposite", function(q)
      return q:query(User):filter(~User.addresses:any()):order_by(User.id) end, "U10" },
    { "FilterTest.test_any", "any inside of a join", function(q)
      return q:query(Address):join(Address.user):filter(User.orders:any(Order.isopen:eq(1))):order_by(Address.id) end,
      "A1 A5" },
    { "FilterTest.test_has", "has with a criterion", function(q)
      return q:query(Address):filter(Address.user:has(User.name:eq "fred")) end, "A5" },
    { "FilterTest.test_has", "two that have", function(q)
      return q:query(Address):filter(Address.user:has(User.name:like "%ed%"), Address.id:lt(4)):order_by(Address.id)
    end, "A2 A3" },
    { "FilterTest.test_has", "what has none", function(q)
      return q:query(Order):filter(~Order.address:has()) end, "O5" },
    { "OperatorTest.test_multilevel_any", "any inside of any", function(q)
      return q:query(User):filter(User.orders:any(Order.items:any(Item.keywords:any(Keyword.name:eq "square"))))
        :order_by(User.id) end, "U7 U9" },
    { "FilterTest.test_object_comparison", "a reference that is an object", function(q)
      return q:query(Address):filter(Address.user:eq(q:get(User, 8))):order_by(Address.id) end, "A2 A3 A4", 2 },
    { "FilterTest.test_object_comparison", "a reference that is not the object", function(q)
      return q:query(Address):filter(Address.user:ne(q:get(User, 8))):order_by(Address.id) end, "A1 A5", 2 },
    { "FilterTest.test_none_comparison", "a reference that is nil", function(q)
      return q:query(Order):filter(Order.address:is_(nil)) end, "O5" },
    { "FilterTest.test_none_comparison", "a reference that is not nil", function(q)
      return q:query(Order):filter(Order.address:is_not(nil)):order_by(Order.id) end, "O1 O2 O3 O4" },
    { "FilterTest.test_filter_by", "filter_by of a column", function(q)
      return q:query(User):filter_by{ name = "fred" } end, "U9" },
    { "FilterTest.test_filter_by", "filter_by of a reference", function(q)
      return q:query(Address):filter_by{ user = q:get(User, 9) } end, "A5", 2 },
    { "FilterTest.test_filter_by", "filter_by of what is nil", function(q)
      return q:query(Order):filter_by{ address = mr.null } end, "O5" },
    { "FilterTest.test_filter_by_against_joined_entity", "filter_by is about the class joined last", function(q)
      return q:query(User):join(User.addresses):filter_by{ email = "ed@wood.com" } end, "U8" },
    { "ParentTest.test_o2m", "with_parent of a list", function(q)
      return q:query(Order):with_parent(q:get(User, 7), User.orders):order_by(Order.id) end, "O1 O3 O5", 2 },
    { "ParentTest.test_m2m", "with_parent of a many-to-many", function(q)
      return q:query(Keyword):with_parent(q:get(Item, 2), Item.keywords):order_by(Keyword.id) end, "K2 K5 K7", 2 },
    { "ParentTest.test_unique_binds_or", "two parents, one or the other", function(q)
      return q:query(Address):filter(mr.with_parent(q:get(User, 7), User.addresses)
        | mr.with_parent(q:get(User, 9), User.addresses)):order_by(Address.id) end, "A1 A5", 3 },
    { "ParentTest.test_unique_binds_union", "a union of the rows of two parents", function(q)
      return q:query(Address):filter(mr.with_parent(q:get(User, 7), User.addresses))
        :union(q:query(Address):filter(mr.with_parent(q:get(User, 8), User.addresses))):order_by(Address.id) end,
      "A1 A2 A3 A4", 3 },
    { "SetOpsTest.test_union", "a union gives a row once", function(q)
      local fred, ed = q:query(User):filter_by{ name = "fred" }, q:query(User):filter_by{ name = "ed" }
      return fred:union(ed):union(fred):order_by(User.name) end, "U8 U9" },
    { "SetOpsTest.test_intersect", "an intersection", function(q)
      local all, some = q:query(User):filter(User.id:in_{ 7, 8, 9 }), q:query(User):filter(User.id:in_{ 8, 10 })
      return all:intersect(some) end, "U8" },
    { "SetOpsTest.test_union_literal_expressions_results", "a union of constants", function(q)
      return q:query(User, mr.literal "x"):filter_by{ id = 7 }
        :union(q:query(User, mr.literal "y"):filter_by{ id = 8 }):order_by(User.id) end, '(U7, "x") (U8, "y")' },
    { "SetOpsTest.test_eager_load", "an eager load behind a union", function(q)
      local both = q:query(User):filter_by{ id = 7 }:union(q:query(User):filter_by{ id = 8 })
        :options(mr.joinedload(User.addresses)):order_by(User.id):all()
      return { both[1].addresses[1], both[2].addresses[3] } end, "A1 A4" },
    { "AggregateTest.test_sum", "a sum", function(q)
      return q:query(f.sum(Order.id)):filter(Order.user_id:eq(7)):scalar() end, "9" },
    { "AggregateTest.test_apply", "a sum of two columns", function(q)
      return q:query(f.sum(Order.user_id * Order.address_id)):filter(Order.id:in_{ 2, 3, 4 }) end, "(79)" },
    { "AggregateTest.test_having", "having", function(q)
      return q:query(User):join(User.orders):group_by(User.id):having(f.count(Order.id):gt(2)) end, "U7" },
    { "ExistsTest.test_exists", "exists of a query", function(q)
      return q:query(q:query(User):filter_by{ name = "jack" }:exists()):scalar() end, "true" },
    { "CountTest.test_basic", "count", function(q) return q:query(User):count() end, "4" },
    { "CountTest.test_multiple_entity", "count of a product", function(q)
      return q:query(User, Address):join(Address, mr.true_):count() end, "20" },
    { "CountTest.test_nested", "count under a limit", function(q) return q:query(User):limit(2):count() end, "2" },
    { "CountTest.test_cols", "count of a distinct column", function(q)
      return q:query(Address.user_id):distinct():count() end, "3" },
    { "DistinctTest.test_basic", "distinct", function(q)
      return q:query(User):join(User.addresses):distinct():order_by(User.id:desc()) end, "U9 U8 U7" },
    { "DistinctTest.test_columns_augmented_roundtrip_two", "distinct, ordered by another column", function(q)
      return q:query(User):join(User.orders):distinct():order_by(User.name, User.id) end, "U9 U7" },
    { "YieldTest.test_basic", "yield_per", function(q)
      local out = {}
      for user in q:query(User):order_by(User.id):yield_per(1):iter() do out[#out + 1] = user end
      return out end, "U7 U8 U9 U10" },
    { "FilterTest.test_text_coerce", "a criterion as text", function(q)
      return q:query(User):filter(mr.text "id > :low"):params{ low = 8 }:order_by(User.id) end, "U9 U10" },
    { "FilterTest.test_basic (from_statement)", "a statement of the program's", function(q)
      return q:query(User):from_statement(mr.text "SELECT * FROM user WHERE id = :x ORDER BY id"):params{ x = 7 } end,
      "U7" },
    { "ours: order by w eager one", "a page with a list that is joined", function(q)
      local users = q:query(User):options(mr.joinedload(User.addresses)):order_by(User.name:desc()):limit(2):all()
      return { users[1], #users[1].addresses, users[2], #users[2].addresses } end, "U7 1 U9 1" },
    { "ours: one", "one_or_none of no row", function(q)
      return q:query(User):filter_by{ id = 99 }:one_or_none() end, "-" },
    { "ImmediateTest.test_scalar", "scalar of a column", function(q)
      return q:query(User.name):filter_by{ id = 9 }:scalar() end, "fred" },
    { "ExpressionTest.test_scalar_subquery", "a subquery as a column", function(q)
      local n = mr.select(f.count(Address.id)):where(Address.user_id:eq(User.id)):scalar_subquery()
      return q:query(User.name, n):order_by(User.id) end, '("jack", 1) ("ed", 3) ("fred", 1) ("chuck", 0)' },
    { "OperatorTest.test_in", "in a subquery", function(q)
      return q:query(User):filter(User.id:in_(mr.select(Address.user_id):where(Address.email:like "%.com")
        :where(Address.id:gt(3)))):order_by(User.id) end, "U8 U9" },
    { "OperatorTest.test_between", "between", function(q)
      return q:query(User):filter(User.id:between(8, 9)):order_by(User.id) end, "U8 U9" },
    { "OperatorTest.test_selfref_relationship", "a tree: whose parent is", function(q)
      return q:query(Node):filter(Node.parent:has(Node.data:eq "n12")):order_by(Node.id) end, "N5 N6 N7" },
    { "OperatorTest.test_selfref_between", "a tree: between", function(q)
      return q:query(Node.data, n1.data):join(n1, Node.parent_id:eq(n1.id)):filter(Node.id:between(4, 5))
        :order_by(Node.id) end, '("n13", "n1") ("n121", "n12")' },
    { "ours: order by cancellation", "an order taken away", function(q)
      return q:query(User):order_by(User.name):order_by(mr.null):order_by(User.id:desc()) end, "U10 U9 U8 U7" },
    { "ExpressionTest.test_group_by_append", "group by one and another column", function(q)
      return q:query(Order.user_id, Order.isopen, f.count()):group_by(Order.user_id):group_by(Order.isopen)
        :order_by(Order.user_id, Order.isopen) end, "(7, 0, 2) (7, 1, 1) (9, 0, 1) (9, 1, 1)" },
    { "RowTupleTest.test_custom_names", "names of a row", function(q)
      local row = q:query(User.name:label "foo", User.id):filter_by{ id = 7 }:one()
      return { row.foo, row.id, row[1] } end, "jack 7 jack" },
    { "PrefixSuffixWithTest.test_one_prefix", "populate_existing", function(q)
      local jack = q:get(User, 7)
      q:execute(mr.update(User.__table):values{ name = "jim" }:where(User.id:eq(7)))
      local seen = { jack.name, q:query(User):filter_by{ id = 7 }:populate_existing():one().name }
      q:rollback()
      return seen end, "jack jim", 3 },
  }

  it("refuses: an empty filter_by, an attribute that is not there, a nil criterion", function()
    s = mr.Session(db.engine)
    refuse("ArgumentError", "filter_by", function() s:query(User):filter_by{} end)
    refuse("ArgumentError", "'nam'", function() s:query(User):filter_by{ nam = "x" } end)
    refuse("ArgumentError", { "nil" }, function() s:query(User):filter(nil) end)
    refuse("ArgumentError", { "get" }, function() s:get(User, { 1, 2 }) end)
    refuse("ArgumentError", { "slice" }, function() s:query(User):slice(-3, 1) end)
    s:close()
  end)

  -- CONFORMANCE 41: GetTest, QueryTest.test_one, test_one_or_none
  it("one and one_or_none name what was asked for", function()
    s = mr.Session(db.engine)
    refuse("NoResultFound", "User", function() s:query(User):filter_by{ id = 99 }:one() end)
    refuse("MultipleResultsFound", "User", function() s:query(User):one() end)
    refuse("MultipleResultsFound", "User", function() s:query(User):one_or_none() end)
    refuse("NoResultFound", "User", function() s:query(User, Address):join(User.addresses):limit(0):one() end)
    s:close()
  end)
end)

describe("test_joins", function()
  check{
    { "JoinTest.test_single_prop_1", "along a relationship", function(q)
      return q:query(User):join(User.orders):filter(Order.id:eq(2)) end, "U9" },
    { "JoinTest.test_single_prop_2", "in the other direction", function(q)
      return q:query(Order):join(Order.user):filter(User.name:eq "jack"):order_by(Order.id) end, "O1 O3 O5" },
    { "JoinTest.test_single_prop_3", "from an alias", function(q)
      return q:query(U):join(U.orders):filter(U.name:eq "fred"):order_by(U.id) end, "U9" },
    { "JoinTest.test_single_prop_4", "to an alias", function(q)
      local O = mr.aliased(Order)
      return q:query(User):join(User.orders:of_type(O)):filter(O.isopen:eq(1)):order_by(User.id) end, "U7 U9" },
    { "JoinTest.test_single_prop_6", "along two relationships", function(q)
      return q:query(User):join(User.orders):join(Order.items):filter(Item.id:eq(2)):order_by(User.id) end, "U7 U9" },
    { "JoinTest.test_isouter_flag", "isouter", function(q)
      return q:query(User):join(User.orders, { isouter = true }):filter(Order.id:is_(nil)):order_by(User.id) end,
      "U8 U10" },
    { "JoinTest.test_full_flag", "full", function(q)
      return q:query(User.name, Order.id):join(User.orders, { full = true }):filter(User.id:gt(8))
        :order_by(User.id, Order.id) end, '("fred", 2) ("fred", 4) ("chuck", nil)' },
    { "JoinTest.test_join_with_entities", "columns of both sides", function(q)
      return q:query(User.name, Order.description):join(User.orders):filter(Order.isopen:eq(1)):order_by(Order.id) end,
      '("jack", "order 3") ("fred", "order 4")' },
    { "JoinTest.test_overlapping_paths_one_modern", "two joins along one relationship by aliases", function(q)
      local one, two = mr.aliased(Order), mr.aliased(Order)
      return q:query(User):join(User.orders:of_type(one)):join(User.orders:of_type(two))
        :filter(one.isopen:eq(0), two.isopen:eq(1)):distinct():order_by(User.id) end, "U7 U9" },
    { "JoinTest.test_backwards_join", "back to the class by an alias", function(q)
      return q:query(User):join(Address, Address.user_id:eq(User.id)):join(U, Address.user_id:eq(U.id))
        :filter(U.name:eq "ed"):distinct() end, "U8" },
    { "JoinTest.test_select_from_orm_joins", "a join that stands by itself", function(q)
      return q:query(User):select_from(mr.join(User, Order, User.orders)):filter(Order.id:eq(4)) end, "U9" },
    { "JoinTest.test_select_from_orm_joins", "an outer one", function(q)
      return q:query(User.name, Address.id):select_from(mr.outerjoin(User, Address)):filter(User.id:ge(9))
        :order_by(User.id) end, '("fred", 5) ("chuck", nil)' },
    { "JoinTest.test_clause_onclause", "a table with a condition", function(q)
      return q:query(User):join(m.Order.__table, Order.user_id:eq(User.id)):filter(Order.id:eq(1)) end, "U7" },
    { "JoinTest.test_no_onclause", "a class alone", function(q)
      return q:query(User):join(Order):filter(Order.id:eq(1)) end, "U7" },
    { "JoinTest.test_aliased_classes", "an alias outer joined", function(q)
      return q:query(User, A):outerjoin(A, A.user_id:eq(User.id)):filter(User.id:gt(8)):order_by(User.id) end,
      "(U9, A5) (U10, nil)" },
    { "JoinTest.test_aliased_classes_m2m", "a many-to-many to an alias", function(q)
      local I = mr.aliased(Item)
      return q:query(Order, I):join(Order.items:of_type(I)):filter(I.id:eq(4)) end, "(O3, I4)" },
    { "JoinTest.test_expression_onclauses", "a condition of a subquery", function(q)
      return q:query(User):join(ed_count, ed_count.c.user_id:eq(User.id)):filter(ed_count.c.n:gt(1)) end, "U8" },
    { "JoinTest.test_joins_from_adapted_entities", "a union that is joined on", function(q)
      return q:query(User):filter_by{ id = 7 }:union(q:query(User):filter_by{ id = 9 }):join(User.orders)
        :filter(Order.isopen:eq(1)):order_by(User.id) end, "U7 U9" },
    { "JoinTest.test_aliased_order_by", "an order of an alias", function(q)
      return q:query(User, U):filter(User.id:eq(U.id)):order_by(U.id:desc()):limit(1) end, "(U10, U10)" },
    { "JoinTest.test_plain_table", "a table of no class", function(q)
      return q:query(User):join(Address.__table, User.id:eq(Address.user_id)):filter(Address.email:like "fred%") end,
      "U9" },
    { "JoinTest.test_select_from", "select_from says where to begin", function(q)
      return q:query(Address):select_from(User):join(User.addresses):filter(User.name:eq "jack") end, "A1" },
    { "JoinTest.test_join_explicit_left_multiple_from_clause", "join_from says the left side", function(q)
      return q:query(User.id, Order.id):join_from(User, Order, Order.user_id:eq(User.id)):filter(Order.id:lt(3))
        :order_by(Order.id) end, "(7, 1) (9, 2)" },
    { "SelfReferentialTest.test_explicit_join_2", "a tree: the parent's data", function(q)
      return q:query(Node):filter_by{ data = "n122" }:join(Node.parent:of_type(n1)):filter(n1.data:eq "n12") end,
      "N6" },
    { "SelfReferentialTest.test_explicit_join_3", "a tree: two levels", function(q)
      return q:query(Node):filter_by{ data = "n122" }:join(Node.parent:of_type(n1)):join(n1.parent:of_type(n2))
        :filter(n1.data:eq "n12", n2.data:eq "n1") end, "N6" },
    { "SelfReferentialTest.test_multiple_explicit_entities_one", "a tree: both", function(q)
      return q:query(Node, n1):select_from(mr.join(Node, n1, Node.parent_id:eq(n1.id)))
        :filter(Node.data:eq "n122") end,
      "(N6, N3)" },
    { "SelfReferentialTest.test_multiple_explicit_entities_two", "a tree: both, in the other order", function(q)
      return q:query(n1, Node):join(n1, Node.parent_id:eq(n1.id)):filter(Node.data:eq "n121") end, "(N3, N5)" },
    { "SelfReferentialTest.test_any", "a tree: who has such a child", function(q)
      return q:query(Node):filter(Node.children:any(Node.data:eq "n1")) end, "" },
    { "SelfReferentialTest.test_any", "a tree: who has a child", function(q)
      return q:query(Node):filter(Node.children:any()):order_by(Node.id) end, "N1 N3" },
    { "SelfReferentialTest.test_any", "a tree: who has none", function(q)
      return q:query(Node):filter(~Node.children:any()):order_by(Node.id) end, "N2 N4 N5 N6 N7" },
    { "SelfReferentialTest.test_has", "a tree: whose parent has a name", function(q)
      return q:query(Node):filter(Node.parent:has(Node.data:eq "n12"), Node.id:gt(5)):order_by(Node.id) end, "N6 N7" },
    { "SelfReferentialTest.test_has", "a tree: the root", function(q)
      return q:query(Node):filter(~Node.parent:has()) end, "N1" },
    { "SelfReferentialTest.test_contains", "a tree: whose child is", function(q)
      return q:query(Node):filter(Node.children:contains(q:get(Node, 6))) end, "N3", 2 },
    { "SelfReferentialTest.test_eq_ne", "a tree: whose parent is the object", function(q)
      return q:query(Node):filter(Node.parent:eq(q:get(Node, 1))):order_by(Node.id) end, "N2 N3 N4", 2 },
    { "SelfReferentialTest.test_eq_ne", "a tree: whose parent is another", function(q)
      return q:query(Node):filter(Node.parent:ne(q:get(Node, 1))):order_by(Node.id) end, "N1 N5 N6 N7", 2 },
    { "JoinTest.test_filter_by_from_join", "a criterion of what was joined", function(q)
      return q:query(User):join(User.addresses):filter_by{ email = "ed@lala.com" }:join(User.orders, { isouter = true })
        :filter(Order.id:is_(nil)) end, "U8" },
  }

  it("refuses what is no relationship, another left side, and an alias that is not in the query", function()
    s = mr.Session(db.engine)
    refuse("ArgumentError", { "join" }, function() s:query(User):join(5) end)
    refuse("ArgumentError", { "isuter" }, function() s:query(User):join(User.orders, { isuter = true }) end)
    refuse("InvalidRequestError", { "Item", "select_from" }, function() s:query(User):join(Item):all() end)
    refuse("ArgumentError", { "join" }, function() s:query(User):join(User.name):all() end)
    s:close()
  end)
end)

describe("test_froms", function()
  local oc = mr.select(f.count(Order.id)):where(Order.user_id:eq(User.id))
  check{
    { "QueryCorrelatesLikeSelect.test_scalar_subquery_select_auto_correlate", "a subquery correlates", function(q)
      return q:query(User.name):filter(oc:scalar_subquery():gt(2)) end, '("jack")' },
    { "QueryCorrelatesLikeSelect.test_scalar_subquery_select_explicit_correlate", "by correlate", function(q)
      return q:query(User.name):filter(oc:correlate(User):scalar_subquery():eq(2)) end, '("fred")' },
    { "QueryCorrelatesLikeSelect.test_scalar_subquery_select_correlate_off", "not with correlate(null)", function(q)
      return q:query(User.name):filter(oc:correlate(mr.null):scalar_subquery():eq(5)):order_by(User.id):limit(1) end,
      '("jack")' },
    { "ours: select", "a subquery as the class", function(q)
      local P = mr.aliased(User, mr.select(User):where(User.id:in_{ 8, 9 }):subquery())
      return q:query(P):order_by(P.id) end, "U8 U9" },
    { "ours: filter", "with a criterion", function(q)
      local P = mr.aliased(User, mr.select(User):where(User.id:in_{ 8, 9 }):subquery())
      return q:query(P):filter(P.id:eq(8)) end, "U8" },
    { "ours: join", "joined", function(q)
      local P = mr.aliased(User, mr.select(User):where(User.id:in_{ 8, 9 }):subquery())
      return q:query(P, Address):join(P.addresses):order_by(P.id, Address.id) end,
      "(U8, A2) (U8, A3) (U8, A4) (U9, A5)" },
    { "ours: group by", "a subquery of groups", function(q)
      return q:query(f.sum(ed_count.c.n), f.max(ed_count.c.n)) end, "(5, 3)" },
    { "ours: having", "having inside", function(q)
      local few = mr.select(Address.user_id):group_by(Address.user_id):having(f.count():gt(1)):subquery()
      return q:query(User):filter(User.id:in_(mr.select(few.c.user_id))) end, "U8" },
    { "InstancesTest.test_contains_eager_one", "contains_eager", function(q)
      local users = q:query(User):join(User.addresses):options(mr.contains_eager(User.addresses))
        :order_by(User.id, Address.id):all()
      return { #users, #users[2].addresses } end, "3 3" },
    { "InstancesTest.test_contains_eager_four", "contains_eager of some", function(q)
      local users = q:query(User):join(User.addresses):options(mr.contains_eager(User.addresses))
        :filter(Address.id:in_{ 2, 4 }):order_by(User.id, Address.id):all()
      return users[1].addresses end, "{A2, A4}" },
    { "InstancesTest.test_contains_eager_multi_aliased", "contains_eager along two aliases", function(q)
      local O, I = mr.aliased(Order), mr.aliased(Item)
      local users = q:query(User):outerjoin(User.orders:of_type(O)):outerjoin(O.items:of_type(I))
        :options(mr.contains_eager(User.orders:of_type(O)):contains_eager(O.items:of_type(I)))
        :order_by(User.id, O.id, I.id):all()
      return { #users, users[1].orders[2].items[3], #users[2].orders } end, "4 I5 0" },
    { "InstancesTest.test_mixed_eager_contains_with_limit", "a reference that is contained, and a list that is joined",
      function(q)
        local list = q:query(Order):join(Order.user):options(mr.contains_eager(Order.user), mr.joinedload(Order.items))
          :order_by(User.id:desc(), Order.id):limit(2):all()
        return { list[1], list[1].user, #list[1].items, list[2], #list[2].items } end, "O2 U9 3 O4 2" },
    { "ours: values with boolean selects", "a condition as a column", function(q)
      return q:query(User.name:like "%ed", f.count()):group_by(User.name:like "%ed"):order_by(User.name:like "%ed")
    end, "(false, 2) (true, 2)" },
    { "MixedEntitiesTest.test_correlated_subquery", "exists with an alias of the same class", function(q)
      return q:query(User):filter(mr.exists(mr.select(U.id):where(U.id:gt(User.id)))):order_by(User.id) end,
      "U7 U8 U9" },
    { "MixedEntitiesTest.test_no_uniquing_cols", "rows of columns are not made unique", function(q)
      return q:query(Address.user_id):filter(Address.user_id:eq(8)) end, "(8) (8) (8)" },
    { "MixedEntitiesTest.test_column_queries_one", "columns", function(q)
      return q:query(User.name):order_by(User.id) end, '("jack") ("ed") ("fred") ("chuck")' },
    { "MixedEntitiesTest.test_column_queries_three", "a class and a column", function(q)
      return q:query(User, Address.email):join(User.addresses):filter(Address.id:gt(4)) end, '(U9, "fred@fred.com")' },
    { "MixedEntitiesTest.test_column_queries_four", "a column of two sides, grouped", function(q)
      return q:query(User.name, f.count(Address.id)):outerjoin(User.addresses):group_by(User.id):order_by(User.id)
    end, '("jack", 1) ("ed", 3) ("fred", 1) ("chuck", 0)' },
    { "MixedEntitiesTest.test_column_queries_eight", "a column and the class of an alias", function(q)
      return q:query(User.name, A):join(A, A.user_id:eq(User.id)):order_by(A.id):limit(2) end,
      '("jack", A1) ("ed", A2)' },
    { "MixedEntitiesTest.test_column_from_limited_joinedload", "a column beside a limited eager load", function(q)
      local row = q:query(User, User.name):options(mr.joinedload(User.addresses)):order_by(User.id:desc()):offset(1)
        :limit(1):one()
      return { row[1], row[2], #row[1].addresses } end, "U9 fred 1" },
    { "MixedEntitiesTest.test_self_referential_from_self", "orders of one user in pairs", function(q)
      local one, two = mr.aliased(Order), mr.aliased(Order)
      return q:query(one.id, two.id):join_from(one, two, one.user_id:eq(two.user_id) & one.id:lt(two.id))
        :order_by(one.id, two.id) end, "(1, 3) (1, 5) (2, 4) (3, 5)" },
    { "MixedEntitiesTest.test_multi_mappers", "two classes", function(q)
      return q:query(User, Address):join(User.addresses):filter(Address.id:in_{ 1, 5 }):order_by(User.id) end,
      "(U7, A1) (U9, A5)" },
    { "MixedEntitiesTest.test_with_entities", "with_entities keeps the criteria", function(q)
      return q:query(User):filter(User.id:gt(8)):order_by(User.name):with_entities(User.name) end,
      '("chuck") ("fred")' },
    { "MixedEntitiesTest.test_multi_columns", "add_columns", function(q)
      return q:query(User):add_columns(Address.id):join(User.addresses):filter(User.id:eq(7)) end, "(U7, 1)" },
    { "MixedEntitiesTest.test_add_multi_columns", "add_columns of two", function(q)
      return q:query(User.id):add_columns(User.name, (User.id * 2):label "twice"):filter(User.id:eq(8)) end,
      '(8, "ed", 16)' },
    { "SelectFromTest.test_replace_with_select", "an alias of a select in place of the class", function(q)
      local P = mr.aliased(User, mr.select(User):where(User.id:gt(7)):subquery())
      return q:query(P):filter(P.name:ne "fred"):order_by(P.id) end, "U8 U10" },
    { "SelectFromTest.test_differentiate_self_external", "a subquery and the class beside it", function(q)
      local P = mr.aliased(User, mr.select(User):where(User.id:in_{ 7, 8 }):subquery())
      return q:query(P, User):join(User, User.id:gt(P.id)):filter(User.id:lt(10)):order_by(P.id, User.id) end,
      "(U7, U8) (U7, U9) (U8, U9)" },
    { "SelectFromTest.test_join_ent_selected_from", "a join from a subquery to a class", function(q)
      local P = mr.aliased(User, mr.select(User):where(User.id:in_{ 7, 8 }):subquery())
      return q:query(P):join(P.orders):filter(Order.isopen:eq(1)) end, "U7" },
    { "SelectFromTest.test_more_joins", "joins on and on", function(q)
      local P = mr.aliased(User, mr.select(User):where(User.id:in_{ 7, 8 }):subquery())
      return q:query(P):join(P.orders):join(Order.items):join(Item.keywords):filter(Keyword.name:in_{ "red", "big" })
        :distinct() end, "U7" },
    { "SelectFromTest.test_very_nested_joins_with_joinedload", "an eager load beside the same joins", function(q)
      local users = q:query(User):join(User.orders):join(Order.items):join(Item.keywords)
        :filter(Keyword.name:eq "square"):options(mr.joinedload(User.orders):joinedload(Order.items)
          :joinedload(Item.keywords)):order_by(User.id):all()
      return { #users, #users[1].orders, #users[1].orders[1].items[2].keywords } end, "2 3 3" },
    { "ExternalColumnsTest.test_external_columns", "a column that is computed, ordered by its name", function(q)
      local n = mr.select(f.count()):where(Address.user_id:eq(User.id)):scalar_subquery():label "n"
      return q:query(User, n):order_by(mr.desc "n", User.id) end, "(U8, 3) (U7, 1) (U9, 1) (U10, 0)" },
    { "TestOverlyEagerEquivalentCols.test_equivs", "an outer join behind an inner one", function(q)
      return q:query(User.id, Order.id, Address.id):join(User.orders):outerjoin(Order.address)
        :filter(User.id:eq(7)):order_by(Order.id) end, "(7, 1, 1) (7, 3, 1) (7, 5, nil)" },
    { "LabelCollideTest.test_overlap_plain", "columns of the same name", function(q)
      local row = q:query(User.id, Order.id, N.id):join(User.orders):join(N, N.id:eq(Order.id)):filter(Order.id:eq(4))
        :one()
      return { row[1], row[2], row[3] } end, "9 4 4" },
  }
end)
