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
    ["load"] = 4035,
    ["insert"] = 14743,
    ["get"] = 11351,
    ["get-in-transaction"] = 9280,
    ["first"] = 20080,
    ["where-text"] = 20553,
    ["read-text"] = 50770,
    ["configure"] = 154804,
    ["get-from-memory"] = 1035,
    ["get-from-memory-scoped"] = 890,
    ["attribute-read"] = 379,
    ["attribute-text"] = 468,
    ["make"] = 2477,
    ["attribute-write"] = 473,
    ["method-call"] = 3467,
    ["hybrid-read"] = 3367,
  },
}
