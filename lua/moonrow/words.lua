-- words.lua: names of other libraries that the module has not, and what there is in their place, for messages.

local text = ": it is mr.String(n), or mr.Text"
local column, declared = ": a column is mr.Column", ": a class is declared by Base:extend(name, body)"

local by_attribute, by_column = ": it is mr.attribute_keyed(name)", ": it is mr.column_keyed(Class.name)"
local by_function = ": it is mr.keyed(fn)"

local function type_of(name) return ": the type is mr." .. name end
local function sql_function(name) return string.format(": it is an SQL function, mr.func.%s(...)", name) end

return {
  Int = type_of "Integer", int = type_of "Integer", INTEGER = type_of "Integer",
  Number = type_of "Float, or mr.Integer",
  Varchar = text, varchar = text, Char = text, string = text,
  Bool = type_of "Boolean", bool = type_of "Boolean",
  Double = type_of "Float", Real = type_of "Float", float = type_of "Float",
  Timestamp = type_of "DateTime", TIMESTAMP = type_of "DateTime", Datetime = type_of "DateTime",
  Blob = type_of "LargeBinary", BLOB = type_of "LargeBinary", Binary = type_of "LargeBinary",
  UUID = type_of "Uuid", ARRAY = type_of "Array", List = type_of "Array",
  sum = sql_function "sum", count = sql_function "count", max = sql_function "max", min = sql_function "min",
  avg = sql_function "avg", lower = sql_function "lower", upper = sql_function "upper",
  coalesce = sql_function "coalesce", length = sql_function "length",
  Model = ": mr.open gives a base class, db.Model; mr.declarative_base() makes one by itself",
  Base = ": mr.open gives a base class, db.Model; mr.declarative_base() makes one by itself",
  session = ": a database has one, db.session; mr.Session(engine) makes one",
  transaction = ": it is db.session:begin(function() ... end)",
  listen = ": it is mr.event.listen(target, name, fn)",
  on = ": it is mr.event.listen(target, name, fn)",
  attribute_keyed_dict = by_attribute, attribute_mapped_collection = by_attribute,
  column_keyed_dict = by_column, column_mapped_collection = by_column,
  keyfunc_mapping = by_function, mapped_collection = by_function, dict = by_function,
  OrderingList = ": it is mr.ordering_list(name)",
  mapped_column = column,
  colum = column,
  Mapped = column,
  Field = column,
  DeclarativeBase = ": mr.open gives a base class, db.Model; mr.declarative_base() makes one by itself",
  registry = ": mr.declarative_base() makes a base class, which keeps its classes",
  mapper = declared,
  hybrid_property = ": it is mr.hybrid{ get = function(self) ... end }",
  validates = ": a class has __validators = { name = function(self, value) ... return value end }",
  MutableComposite = ": what is changed inside of a value of mr.composite is always found",
  dynamic_loader = ': it is mr.relationship, with lazy = "dynamic"',
  contains_alias = ": it is mr.contains_eager, with an alias",
  engine_from_config = ": it is mr.create_engine(url, options)",
  connect = ": a database is opened by mr.open(url)",
  Decimal = ': the type is mr.Numeric(10, 2); a value is made by mr.decimal "12.30"',
  DECIMAL = ": the type is mr.Numeric(10, 2)",
  NUMERIC = ": it is mr.Numeric(10, 2)",
  Unicode = text,
  VARCHAR = text,
  NULL = ": it is mr.null",
  None = ": it is mr.null",
}
