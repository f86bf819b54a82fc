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
    ["load"] = 4148,
    ["insert"] = 12617,
    ["get"] = 11378,
    ["get-in-transaction"] = 9296,
    ["first"] = 20107,
    ["where-text"] = 20569,
    ["read-text"] = 51238,
    ["configure"] = 153948,
    ["get-from-memory"] = 1036,
    ["get-from-memory-scoped"] = 891,
    ["attribute-read"] = 379,
    ["attribute-text"] = 460,
    ["make"] = 2698,
    ["attribute-write"] = 473,
    ["method-call"] = 3482,
    ["hybrid-read"] = 3382,
  },
}
