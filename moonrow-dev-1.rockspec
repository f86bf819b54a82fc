rockspec_format = "3.0"
package = "moonrow"
version = "dev-1"
source = {
  -- For `luarocks make` in a checkout: there is no server that `luarocks build` could fetch it from.
  url = "git+file://.",
}
description = {
  summary = "An object-relational mapper with an identity map and a unit of work",
  detailed = [[
Declared models, relationships with lazy and eager loading, sessions that write
what changed in the right order. The core is C, over the system's SQLite and jansson.]],
  license = "MIT",
}
dependencies = {
  "lua ~> 5.4",
}
external_dependencies = {
  SQLITE = { header = "sqlite3.h" },
  JANSSON = { header = "jansson.h" },
  TOMMATH = { header = "tommath.h" },
}
build = {
  type = "make",
  build_target = "all",
  build_variables = {
    CFLAGS = "$(CFLAGS)",
    LUA = "$(LUA)",
  },
  install_target = "install-module",
  install_variables = {
    PREFIX = "$(PREFIX)",
    LUA_CMOD = "$(LIBDIR)",
  },
}
