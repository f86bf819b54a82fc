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
    ["load"] = 4144,
    ["insert"] = 14719,
    ["get"] = 11276,
    ["get-in-transaction"] = 9185,
    ["first"] = 20208,
    ["where-text"] = 20853,
    ["read-text"] = 45999,
    ["configure"] = 151950,
    ["get-from-memory"] = 1045,
    ["get-from-memory-scoped"] = 891,
    ["attribute-read"] = 379,
    ["attribute-text"] = 460,
    ["make"] = 2500,
    ["attribute-write"] = 471,
  },
}
