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
    ["load"] = 4146,
    ["insert"] = 12592,
    ["get"] = 10700,
    ["get-in-transaction"] = 8613,
    ["first"] = 19183,
    ["where-text"] = 19651,
    ["read-text"] = 51168,
    ["configure"] = 153885,
    ["get-from-memory"] = 1036,
    ["get-from-memory-scoped"] = 891,
    ["attribute-read"] = 379,
    ["attribute-text"] = 460,
    ["make"] = 2698,
    ["attribute-write"] = 473,
    ["method-call"] = 3484,
    ["hybrid-read"] = 3384,
  },
}
