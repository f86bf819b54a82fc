-- count_figures.lua: instructions of one turn of each loop. Written by `make bench-count-update`.

return {
  made_with = {
    machine = "x86_64 with avx2",
    compiler = "gcc (Debian 12.2.0-14+deb12u1) 12.2.0",
    flags = "-O2 -g",
    libc = "ldd (Debian GLIBC 2.36-9+deb12u14) 2.36",
    lua = "Lua 5.4.4",
    sqlite = "3.40.1",
    valgrind = "valgrind-3.19.0",
  },
  counts = {
    ["load"] = 4105,
    ["insert"] = 14603,
    ["get"] = 11365,
    ["get-in-transaction"] = 9283,
    ["first"] = 19891,
    ["configure"] = 146521,
    ["get-from-memory"] = 1070,
    ["get-from-memory-scoped"] = 925,
    ["attribute-read"] = 379,
    ["attribute-text"] = 460,
    ["make"] = 2463,
    ["attribute-write"] = 471,
  },
}
