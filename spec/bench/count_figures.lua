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
    ["load"] = 4107,
    ["insert"] = 14726,
    ["get"] = 11341,
    ["get-in-transaction"] = 9262,
    ["first"] = 19876,
    ["configure"] = 141165,
    ["get-from-memory"] = 1041,
    ["get-from-memory-scoped"] = 891,
    ["attribute-read"] = 379,
    ["attribute-text"] = 460,
    ["make"] = 2460,
    ["attribute-write"] = 471,
  },
}
