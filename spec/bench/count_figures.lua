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
    ["load"] = 4660,
    ["insert"] = 17830,
    ["get"] = 12602,
    ["get-in-transaction"] = 10506,
    ["first"] = 22689,
    ["configure"] = 146704,
    ["get-from-memory"] = 1071,
    ["get-from-memory-scoped"] = 1117,
    ["attribute-read"] = 404,
    ["attribute-text"] = 572,
    ["make"] = 3283,
    ["attribute-write"] = 552,
  },
}
