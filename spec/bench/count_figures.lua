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
    ["load"] = 4565,
    ["insert"] = 17232,
    ["get"] = 12492,
    ["get-in-transaction"] = 10400,
    ["first"] = 22725,
    ["configure"] = 146673,
    ["get-from-memory"] = 1030,
    ["get-from-memory-scoped"] = 1077,
    ["attribute-read"] = 379,
    ["attribute-text"] = 460,
    ["make"] = 3266,
    ["attribute-write"] = 464,
  },
}
