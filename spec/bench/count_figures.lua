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
    ["load"] = 4474,
    ["insert"] = 17144,
    ["get"] = 11610,
    ["get-in-transaction"] = 9543,
    ["first"] = 21194,
    ["configure"] = 148475,
    ["get-from-memory"] = 1118,
    ["get-from-memory-scoped"] = 966,
    ["attribute-read"] = 384,
    ["attribute-text"] = 464,
    ["make"] = 3117,
    ["attribute-write"] = 469,
  },
}
