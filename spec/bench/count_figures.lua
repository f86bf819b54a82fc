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
    ["load"] = 5106,
    ["insert"] = 24460,
    ["get"] = 18957,
    ["get-in-transaction"] = 16804,
    ["first"] = 67286,
    ["get-from-memory"] = 2993,
    ["get-from-memory-scoped"] = 5130,
    ["attribute-read"] = 514,
    ["attribute-text"] = 682,
    ["make"] = 5467,
    ["attribute-write"] = 1346,
  },
}
