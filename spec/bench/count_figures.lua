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
    ["load"] = 4571,
    ["insert"] = 17081,
    ["get"] = 11612,
    ["get-in-transaction"] = 9521,
    ["first"] = 21172,
    ["configure"] = 149361,
    ["get-from-memory"] = 1074,
    ["get-from-memory-scoped"] = 933,
    ["attribute-read"] = 381,
    ["attribute-text"] = 456,
    ["make"] = 3103,
    ["attribute-write"] = 473,
  },
}
