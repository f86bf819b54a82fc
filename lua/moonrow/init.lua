-- init.lua: builds the module's table from what the core registered and from the files beside this one. An
-- unknown name on it raises, with the nearest one.

local core, require = ...
core.bases = {}
local options = require "moonrow.options"
local app = require "moonrow.app"
local session = require "moonrow.session"
local event = require "moonrow.event"
require "moonrow.loops"
require "moonrow.begin"
require "moonrow.query"
require "moonrow.not_found"
require "moonrow.explain"
require "moonrow.work"
require "moonrow.transfer.import"
require "moonrow.transfer.export"
require "moonrow.loader_criteria"
require "moonrow.paginate"
require "moonrow.descriptors"
local association_proxy = require "moonrow.association_proxy"
local composite = require "moonrow.composite"
local declared = require "moonrow.declared"
local hybrid = require "moonrow.hybrid"
local reconstructor = require "moonrow.reconstructor"
local interval = require "moonrow.interval"
local inspect = require "moonrow.inspect"
require "moonrow.datetime"
local collection = require "moonrow.collection"
local count = require "moonrow.count"
local database = require "moonrow.database"
local words = require "moonrow.words"
local light_table = require "moonrow.light_table"
local reflect = require "moonrow.reflection.reflect"
require "moonrow.automap.rowid"
require "moonrow.sql_functions"
require "moonrow.backup"
require "moonrow.window"
local sandbox = require "moonrow.sandbox.box"

-- What the core has for this part of the library only.
local private = options.set{
  "limits_new", "limits_run", "limits_outside", "limits_charge", "limits_reason", "load_text",
  "copy_database", "feed", "step", "keep_deleted", "run_watched", "query_rests", "statement_reads",
  "session_is_idle", "with_kept_criteria", "engine_number", "query_alone", "query_unoptioned", "schema_seen",
  "sessions", "engine_methods", "add_sql_function", "most_sql_arguments",
  "reflect_all", "begin_snapshot", "table_in", "row_number", "new_base", "configure", "describe_class", "progress_line",
  "begin_write", "plain_sql", "foreign_targets", "compile_sql", "type_parts",
  "raise", "bases", "type_name", "session_methods", "sleep", "is_open",
  "begin", "hint", "arguments", "expect", "shown", "is_callable",
  "loops_close", "error_closes", "resumed_by", "main_thread", "warn_uncommitted", "uncommitted", "rest",
  "check_lazy", "related_count", "neighbours", "counted", "watch_accesses", "user_place",
  "listen", "unlisten", "listener_target", "attribute_kind", "class_parts", "watch_classes",
  "forwarder", "itself", "place", "fill_place", "scopes",
  "event_dispatchers", "event_kinds", "session_hook", "engine_audience", "engine_hook",
  "connection_methods", "connection_execute", "result_methods", "run_query", "query_class_name", "query_session",
  "query_of_parents", "run_compiled", "compiled_methods",
  "interval_of", "loader_criterion", "session_criteria", "descriptor", "descriptor_spec", "compared", "label_of",
  "attribute_of", "watch_loads", "watch_mistakes", "descriptors", "set_together", "show_composite",
  "composite_standing",
  "composite_edits", "composite_drop", "composite_set", "attribute_hint",
  "target_of", "has_member", "registry_of",
  "snake_case", "expand_declared", "synonym_of_member",
  "collection_class", "collection_class_metatable", "collection_at", "collection_find", "collection_find_key",
  "collection_state", "collection_remove_at", "collection_replace_at", "collection_item", "collection_info",
  "queried_related", "queried_parts", "queried_added", "queried_keys", "dynamic_metatable", "write_only_metatable",
  "collection_as_list", "is_collection", "is_object", "new_list", "list_methods", "set_metatable", "keyed_metatable",
  "keyed_items", "keyed_set", "set_methods", "class_attributes", "class_keys", "is_loaded", "is_expired", "is_mapped",
  "new_object", "init_object", "set_defaults", "class_for", "settings_events", "object_pairs", "list_metatable",
  "row_methods", "metadata_methods", "append_column", "class_of_table", "warn", "has_property",
  "reflect_schemas", "reflect_objects", "reflect_object", "sample_columns",
  "json_encode", "json_decode", "table_columns", "query_items",
  "inspection_methods", "inspection_getters", "inspection_metatable",
}

local mr = {}
for name, value in pairs(core) do
  if not private[name] then mr[name] = value end
end

mr._VERSION = "moonrow 0.1"

setmetatable(mr.errors, {
  __index = function(errors, name)
    name = tostring(name)
    core.raise("ArgumentError", string.format("moonrow has no error '%s'%s", name, core.hint(name, errors)))
  end,
})

mr.App = app.new
mr.table = light_table
mr.Table = reflect.table
mr.event = event
mr.association_proxy = association_proxy.attribute
mr.composite = composite.attribute
mr.declared_attr = declared.attr
mr.reconstructor = reconstructor.method
mr.hybrid = hybrid.attribute
mr.hybrid_method = hybrid.method
mr.interval = interval
mr.sandbox = sandbox
mr.inspect = inspect
mr.count_of = count.of
mr.count = count.count
for name, value in pairs(collection) do mr[name] = value end
mr.Session = session.new
mr.sessionmaker = session.maker
mr.scoped_session = session.scoped

function mr.Database(...) return database.new(mr, ...) end
function mr.open(...) return database.open(mr, ...) end
function mr.automap(...) return database.automap(mr, ...) end

-- mr.declarative_base{ metadata =, name = }: a base class for models. name is accepted as documentation.
function mr.declarative_base(...)
  local given = options.read("declarative_base", { "metadata", "name" }, 0, ...)
  options.typed("declarative_base", given, "name", "string")
  return database.new_base("declarative_base", given.metadata)
end

return setmetatable(mr, {
  __name = "moonrow",
  __index = function(_, name)
    name = tostring(name)
    if not words[name] and core.session_methods[name] then
      core.raise("ArgumentError",
        string.format("moonrow has no name '%s': it is a method of the session, db.session:%s(...)", name, name))
    end
    core.raise("ArgumentError", string.format("moonrow has no name '%s'%s", name, words[name] or core.hint(name, mr)))
  end,
})
