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
    ["load"] = 4038,
    ["insert"] = 12542,
    ["insert-recorded"] = 14606,
    ["change"] = 12727,
    ["change-recorded"] = 15651,
    ["get"] = 10715,
    ["get-in-transaction"] = 8615,
    ["first"] = 19227,
    ["where-text"] = 19665,
    ["read-text"] = 51747,
    ["configure"] = 160438,
    ["get-from-memory"] = 1043,
    ["get-from-memory-scoped"] = 898,
    ["attribute-read"] = 379,
    ["attribute-text"] = 460,
    ["make"] = 2720,
    ["attribute-write"] = 475,
    ["method-call"] = 3519,
    ["hybrid-read"] = 3419,
  },
}
