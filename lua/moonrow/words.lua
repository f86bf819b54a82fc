-- words.lua: names of other libraries that the module has not, and what there is in their place, for messages.

local exact = ": keep whole units (cents) in a column of type Integer"
local text = ": it is mr.String(n), or mr.Text"
local column, declared = ": a column is mr.Column", ": a class is declared by Base:extend(name, body)"

return {
  mapped_column = column,
  Mapped = column,
  Field = column,
  DeclarativeBase = ": mr.open gives a base class, db.Model; mr.declarative_base() makes one by itself",
  registry = ": mr.declarative_base() makes a base class, which keeps its classes",
  mapper = declared,
  dynamic_loader = ": a large collection is queried: session:query(Class):with_parent(object)",
  contains_alias = ": it is mr.contains_eager, with an alias",
  engine_from_config = ": it is mr.create_engine(url, options)",
  listen = ": it is mr.event.listen(target, name, fn)",
  on = ": it is mr.event.listen(target, name, fn)",
  connect = ": a database is opened by mr.open(url)",
  Numeric = exact,
  Decimal = exact,
  DECIMAL = exact,
  decimal = exact,
  JSON = ": keep the text that a library of JSON makes in a column of type Text",
  Unicode = text,
  VARCHAR = text,
  NULL = ": it is mr.null",
  None = ": it is mr.null",
}
