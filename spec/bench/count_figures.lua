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
    ["load"] = 5466,
    ["insert"] = 22085,
    ["get"] = 12981,
    ["get-in-transaction"] = 10880,
    ["first"] = 23555,
    ["get-from-memory"] = 1080,
    ["get-from-memory-scoped"] = 1118,
    ["attribute-read"] = 514,
    ["attribute-text"] = 682,
    ["make"] = 5452,
    ["attribute-write"] = 1345,
  },
}
