# moonrow: build, test, install. `make help` lists the targets.
#
# Sources are found by wildcard, one folder per layer (bind and load have rooms below), so a new file needs no entry here.
# Overridable: CC, CFLAGS, BUILD (another build beside the first: make BUILD=build/clang CC=clang),
# LAYERS (a part of the core), SANITIZE (a list for -fsanitize=), ONLY (one C test), ROW and ROUNDS (of
# make bench), SECONDS and WORK (of make bench-scale), CASES (of make interop), FILES (of make files), SQLITE_AMALGAMATION (another SQLite for
# the host), PREFIX, DESTDIR.

BUILD   = build
PREFIX  = /usr/local
DESTDIR =
LUA     = lua5.4
LAYERS  = base schema sql db mapper change entity query load criteria flush session bind
SANITIZE =
ONLY    =
FUZZ_SECONDS = 60
ROW     =
CASES   = 20000
FILES   =
ROUNDS  = 5
SECONDS = 600
WORK    =

ifeq ($(origin CC),default)
CC = gcc
endif
CFLAGS = -O2 -g

LUA_PC     := $(firstword $(foreach p,lua5.4 lua-5.4 lua54,$(shell pkg-config --exists $(p) 2>/dev/null && echo $(p))))
LUA_CFLAGS := $(if $(LUA_PC),$(shell pkg-config --cflags $(LUA_PC)))
LUA_LIBDIR := $(if $(LUA_PC),$(shell pkg-config --variable=libdir $(LUA_PC)))
LUA_STATIC := $(firstword $(wildcard $(LUA_LIBDIR)/liblua5.4.a) \
                          $(shell $(CC) -print-file-name=liblua5.4.a 2>/dev/null))
LIBDIR     = $(PREFIX)/lib
LUA_CMOD   = $(LIBDIR)/lua/5.4
VERSION   := $(shell sed -n 's/.*MOONROW_VERSION "\(.*\)".*/\1/p' src/include/moonrow.h)
# SQLITE_AMALGAMATION=dir: the host gets the SQLite of dir (sqlite3.c) inside instead of the system's library. Its
# functions are hidden: C modules that scripts load find the system's. The flags are those that SQLite recommends,
# without those that would take something away from moonrow (src/README.md says which), and what Debian's library can.
SQLITE_AMALGAMATION =
SQLITE_OBJ   := $(if $(SQLITE_AMALGAMATION),$(BUILD)/obj/sqlite3.o)
SQLITE_FLAGS  = -O2 -w -fPIC -fvisibility=hidden -DSQLITE_DQS=0 -DSQLITE_THREADSAFE=2 -DSQLITE_DEFAULT_MEMSTATUS=0 \
                -DSQLITE_DEFAULT_WAL_SYNCHRONOUS=1 -DSQLITE_LIKE_DOESNT_MATCH_BLOBS -DSQLITE_MAX_EXPR_DEPTH=0 \
                -DSQLITE_OMIT_DEPRECATED -DSQLITE_OMIT_SHARED_CACHE -DSQLITE_USE_ALLOCA -DSQLITE_OMIT_AUTOINIT \
                -DSQLITE_STRICT_SUBTYPE=1 -DSQLITE_ENABLE_FTS4 -DSQLITE_ENABLE_FTS5 -DSQLITE_ENABLE_RTREE \
                -DSQLITE_ENABLE_MATH_FUNCTIONS -DSQLITE_ENABLE_COLUMN_METADATA -DSQLITE_ENABLE_DBSTAT_VTAB
SQLITE_CFLAGS := $(shell pkg-config --cflags sqlite3 2>/dev/null)
JANSSON_CFLAGS := $(shell pkg-config --cflags jansson 2>/dev/null)
JANSSON_LIBS   := $(or $(shell pkg-config --libs jansson 2>/dev/null),-ljansson)
# The host has the library inside; the shared one, where there is no static one.
JANSSON_STATIC := $(or $(firstword $(wildcard $(shell pkg-config --variable=libdir jansson 2>/dev/null)/libjansson.a)),$(JANSSON_LIBS))
SQLITE_LIBS   := $(or $(shell pkg-config --libs sqlite3 2>/dev/null),-lsqlite3)
# Decimals. The host has the static library inside, where there is one.
TOMMATH_CFLAGS := $(shell pkg-config --cflags libtommath 2>/dev/null)
TOMMATH_LIBS   := $(or $(shell pkg-config --libs libtommath 2>/dev/null),-ltommath)
TOMMATH_STATIC := $(or $(wildcard $(shell $(CC) -print-file-name=libtommath.a 2>/dev/null)),$(TOMMATH_LIBS))

# The shell's line editing (BSD). Without it the host reads lines as they come.
EDIT_CFLAGS := $(if $(shell pkg-config --exists libedit 2>/dev/null && echo yes),-DMR_HAVE_LIBEDIT $(shell pkg-config --cflags libedit))
EDIT_LIBS   := $(if $(EDIT_CFLAGS),$(shell pkg-config --libs libedit))

WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
SANFLAGS = $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)
C_FLAGS  = -std=c11 $(WARNINGS) -fPIC -Isrc/include $(SQLITE_CFLAGS) $(JANSSON_CFLAGS) $(TOMMATH_CFLAGS) $(CFLAGS) $(SANFLAGS) -MMD -MP
LINK     = $(CC) $(CFLAGS) $(SANFLAGS) $(LDFLAGS)
LIBS     = $(LUA_STATIC) $(SQLITE_LIBS) $(JANSSON_LIBS) $(TOMMATH_STATIC) -lm -ldl

# What building needs and is not there.
MISSING := $(foreach tool,$(firstword $(CC)) pkg-config $(firstword $(LUA)),\
	$(if $(shell command -v $(tool) 2>/dev/null),,$(tool))) $(if $(LUA_PC),,Lua-5.4) \
	$(if $(shell pkg-config --exists jansson 2>/dev/null && echo yes),,jansson)

LIB_SRC  := $(foreach layer,$(LAYERS),$(sort $(wildcard src/$(layer)/*.c src/$(layer)/*/*.c)))
HOST_SRC := $(sort $(wildcard src/host/*.c))
LUA_SRC  := $(filter-out lua/moonrow/meta/%,$(sort $(wildcard lua/*.lua lua/*/*.lua lua/*/*/*.lua)))
HEADERS  := $(sort $(wildcard src/include/*.h src/include/*/*.h))
EMBEDDED := $(if $(filter bind,$(LAYERS)),$(BUILD)/obj/embedded_lua.o)
LIB_OBJ  := $(LIB_SRC:src/%.c=$(BUILD)/obj/%.o) $(EMBEDDED)
HOST_OBJ := $(HOST_SRC:src/%.c=$(BUILD)/obj/%.o)

ONLY_NAME = $(or $(ONLY),test_*)
CORE_TESTS  := $(patsubst spec/core/%.c,$(BUILD)/spec/core/%,$(sort $(wildcard spec/core/*/$(ONLY_NAME).c)))
FAULT_TESTS := $(patsubst spec/fault/%.c,$(BUILD)/spec/fault/%,$(sort $(wildcard spec/fault/*.c)))
PRELOADS    := $(patsubst spec/bench/preload/%.c,$(BUILD)/spec/bench/preload/%.so,$(sort $(wildcard spec/bench/preload/*.c)))
BENCHES     := $(patsubst spec/bench/%.c,$(BUILD)/spec/bench/%,$(sort $(wildcard spec/bench/*.c)))
C_EXAMPLES  := $(patsubst examples/%/,$(BUILD)/examples/%,$(sort $(dir $(wildcard examples/*/*.c))))

HOST   = $(if $(HOST_SRC),$(BUILD)/moonrow)
MODULE = $(BUILD)/lib/moonrow.so
STATIC = $(BUILD)/lib/libmoonrow.a
DEMO   = examples/world.lua
# Builds that others start use every processor, unless make was told how many.
JOBS   := $(shell nproc)
SPREAD = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS))
RUN    = JOBS='$(JOBS)' BUILD='$(BUILD)' CC='$(CC)' LUA='$(LUA)' ONLY='$(ONLY)' SANITIZE='$(SANITIZE)' \
         CFLAGS='$(CFLAGS)' SQLITE_AMALGAMATION='$(SQLITE_AMALGAMATION)' spec/run.sh

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: interop files crash
.PHONY: all deps deps-all demo test test-core test-spec test-postgresql test-stress test-host test-examples test-guide test-build headers arch \
        format lint lint-lua lint-c sanitize valgrind fault fuzz fuzz-criteria bench bench-count bench-count-update bench-scale bench-deps doc install install-strip install-module uninstall deb deb-check dist help clean FORCE

all: tools $(HOST) $(MODULE) $(STATIC) ## build the host, the module and the static library (the default)

# ---------------------------------------------------------------- building

# Says what is missing, before a compiler says it in its own words.
.PHONY: tools
tools:
	@[ -z '$(strip $(MISSING))' ] || echo 'moonrow: to build it, these are missing: $(strip $(MISSING)): make deps installs them' >&2

# A file list is rewritten only when it changed: what depends on it is then made again, also
# when a file was removed.
$(BUILD)/obj/lib.list: LIST = $(LIB_OBJ)
$(BUILD)/obj/host.list: LIST = $(HOST_OBJ) $(SQLITE_OBJ)
$(BUILD)/obj/sqlite.list: LIST = $(SQLITE_AMALGAMATION) $(SQLITE_FLAGS)
$(BUILD)/gen/lua.list: LIST = $(LUA_SRC)
%.list: FORCE
	@mkdir -p $(@D)
	@echo '$(LIST)' | cmp -s - $@ || echo '$(LIST)' > $@

$(BUILD)/obj/sqlite3.o: $(SQLITE_AMALGAMATION)/sqlite3.c $(BUILD)/obj/sqlite.list
	@mkdir -p $(@D)
	$(CC) $(SQLITE_FLAGS) -c -o $@ $<

$(BUILD)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(C_FLAGS) -c -o $@ $<

$(BUILD)/obj/bind/%.o $(BUILD)/obj/host/%.o: C_FLAGS += -Isrc/bind $(LUA_CFLAGS)

$(BUILD)/obj/host/%.o: C_FLAGS += $(EDIT_CFLAGS)

$(BUILD)/obj/load/%.o: C_FLAGS += -Isrc/load

$(BUILD)/gen/embedded_lua.c: src/bind/embed.lua $(LUA_SRC) $(BUILD)/gen/lua.list
	$(LUA) src/bind/embed.lua $@ $(LUA_SRC)

$(BUILD)/obj/embedded_lua.o: $(BUILD)/gen/embedded_lua.c src/bind/embedded.h
	@mkdir -p $(@D)
	$(CC) $(C_FLAGS) -Isrc/bind -c -o $@ $<

$(STATIC): $(LIB_OBJ) $(BUILD)/obj/lib.list
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $(LIB_OBJ)

# The module never links liblua: the interpreter that loads it brings Lua. Its own functions
# are bound inside it, so that it does not meet those of a program that links libmoonrow.a.
$(MODULE): $(LIB_OBJ) $(BUILD)/obj/lib.list
	@mkdir -p $(@D)
	$(LINK) -shared -Wl,-Bsymbolic -o $@ $(LIB_OBJ) $(SQLITE_LIBS) $(JANSSON_LIBS) $(TOMMATH_LIBS) -lm

# -Wl,-E and the whole archives: C modules that scripts load find all of Lua and of the
# embedding API in the host, not only what it calls itself.
$(BUILD)/moonrow: $(HOST_OBJ) $(SQLITE_OBJ) $(STATIC) $(BUILD)/obj/host.list
	$(LINK) -Wl,-E -o $@ $(HOST_OBJ) $(SQLITE_OBJ) -Wl,--whole-archive $(STATIC) $(LUA_STATIC) -Wl,--no-whole-archive \
		$(if $(SQLITE_OBJ),,$(SQLITE_LIBS)) $(JANSSON_STATIC) $(TOMMATH_STATIC) $(EDIT_LIBS) -lm -ldl

# C programs of the tests, one file each; the pattern's folder is core and one of its layers, fault or bench.
# Compiled and linked apart: a change of the library only links them anew.
$(BUILD)/spec/%.o: spec/%.c
	@mkdir -p $(@D)
	$(CC) $(C_FLAGS) $(LUA_CFLAGS) -c -o $@ $<

$(BUILD)/spec/%: $(BUILD)/spec/%.o $(BUILD)/lib/libmoonrow.a
	$(LINK) -o $@ $< $(BUILD)/lib/libmoonrow.a $(TEST_LIBS) $(LIBS)

$(BUILD)/spec/core/% $(BUILD)/spec/fault/%: TEST_LIBS = -lcmocka
$(BUILD)/spec/core/%.o: C_FLAGS += -Ispec/core
.PRECIOUS: $(BUILD)/spec/%.o

# Libraries that a program of the benchmarks is started with.
$(BUILD)/spec/bench/preload/%.so: spec/bench/preload/%.c
	@mkdir -p $(@D)
	$(LINK) $(C_FLAGS) -MF $@.d -shared -o $@ $<

.SECONDEXPANSION:
$(C_EXAMPLES): $(BUILD)/examples/%: $$(wildcard examples/%/*.c) $(BUILD)/lib/libmoonrow.a
	@mkdir -p $(@D)
	$(LINK) $(C_FLAGS) -MF $@.d $(LUA_CFLAGS) -Wl,-E -o $@ $(filter %.c,$^) $(BUILD)/lib/libmoonrow.a $(LIBS)

# ---------------------------------------------------------------- setting up and trying

deps: ## install what building and testing need (apt-get; asks first)
	@.ci/deps

deps-all: deps ## the same, and the PostgreSQL server for the specs that run on it
	@.ci/deps all

bench-deps: ## install what the comparisons of `make bench` need
	@.ci/deps bench

demo: deps ## build, then run an example with the host
	@[ -x $(BUILD)/moonrow ] || echo 'moonrow: building, which takes about a minute'
	@$(MAKE) $(SPREAD) --no-print-directory -s all
	@$(BUILD)/moonrow $(DEMO)

# ---------------------------------------------------------------- testing

test: deps ## all that must pass: headers, layers, lint, C tests, specs, stress, host, examples, instructions
	@$(MAKE) $(SPREAD) --no-print-directory test-build
	@$(RUN) headers arch lint core spec postgresql stress host examples guide count

test-build: all $(CORE_TESTS) $(C_EXAMPLES) $(PRELOADS)

test-core: $(CORE_TESTS) ## the C tests (ONLY=test_env runs one)
	@$(RUN) core

test-spec: $(MODULE) ## the specs, with stock Lua and the module
	@$(RUN) spec

test-postgresql: $(MODULE) ## the specs on a PostgreSQL server of their own
	@$(RUN) postgresql

test-stress: $(MODULE) ## the specs with a collector that runs at every chance
	@$(RUN) stress

test-host: $(HOST) ## the specs inside the host
	@$(RUN) host

test-examples: all $(C_EXAMPLES) ## each example's output, with the host and with stock Lua
	@$(RUN) examples

test-guide: all ## the guide: the code of each page, with the host and with stock Lua
	@$(RUN) guide

headers: ## each public header compiles alone, as C11 and as C++17
	@$(RUN) headers

arch: $(STATIC) ## the layer rule, who may include what; the rooms of src/bind and src/load, and circles of files
	@$(RUN) arch

lint-lua: ## luacheck and spec/lua_layout.lua over what is written in Lua, clang-format over what is written in C
	@$(RUN) lint

format: ## lays out src, spec and examples as .clang-format says
	clang-format -i $$(find src spec examples -name '*.[ch]')

lint-c: ## clang-tidy over src
	clang-tidy --quiet $(LIB_SRC) $(HOST_SRC) -- -std=c11 -Isrc/include -Isrc/bind -Isrc/load $(LUA_CFLAGS)

lint: lint-lua lint-c ## both

sanitize: ## C tests, specs and examples with AddressSanitizer and UBSan (gcc)
	@$(MAKE) $(SPREAD) --no-print-directory CC=gcc CFLAGS='-O1 -g' BUILD=$(BUILD)/asan SANITIZE=address,undefined \
		test-build
	@$(MAKE) --no-print-directory CC=gcc BUILD=$(BUILD)/asan SANITIZE=address,undefined sanitize-run

.PHONY: sanitize-run
sanitize-run:
	@$(RUN) core spec host examples

valgrind: all $(C_EXAMPLES) ## examples and some specs under valgrind: bad memory accesses, leaks
	@$(RUN) valgrind

VERSIONS = clang O0 O3 lto hidden

versions: $(VERSIONS:%=version-%) ## C tests, specs and examples of other builds: clang, -O0, -O3, -flto, hidden symbols

version-clang: VERSION = CC=clang
version-O0: VERSION = CFLAGS='-O0 -g'
version-O3: VERSION = CFLAGS=-O3
version-lto: VERSION = CFLAGS='-O2 -flto -ffat-lto-objects -Wno-maybe-uninitialized'
version-hidden: VERSION = CFLAGS='-O2 -fvisibility=hidden'
.PHONY: versions $(VERSIONS:%=version-%)
$(VERSIONS:%=version-%): version-%:
	@echo "== $*"
	@$(MAKE) $(SPREAD) --no-print-directory -s BUILD=$(BUILD)/$* $(VERSION) test-build
	@BUILD='$(BUILD)/$*' spec/run.sh core spec examples

fault: all $(FAULT_TESTS) ## every allocation and every driver call fails in turn
	@$(RUN) fault

interop: $(MODULE) ## values against those of python3, over random cases (CASES=20000)
	@LUA_CPATH="$$PWD/$(BUILD)/lib/?.so;;" $(LUA) spec/interop/run.lua $(CASES)

files: $(MODULE) ## SQLite files of other programs: reflected, mapped, read, written (FILES="a.db b.sqlite")
	@LUA_CPATH="$$PWD/$(BUILD)/lib/?.so;;" $(LUA) spec/files.lua $(FILES)

crash: $(MODULE) ## programs that are killed in the midst of migrations (CRASH_KILLS=100)
	@MOONROW_KILLS=$(or $(CRASH_KILLS),100) LUA_CPATH="$$PWD/$(BUILD)/lib/?.so;;" busted --lua=$(LUA) \
		--helper=spec.helper spec/migrate/kill_spec.lua

fuzz: ## random calls of the whole API under ASan and UBSan, for FUZZ_SECONDS (gcc)
	@$(MAKE) $(SPREAD) --no-print-directory CC=gcc CFLAGS='-O1 -g' BUILD=$(BUILD)/asan SANITIZE=address,undefined all
	@FUZZ_SECONDS=$(FUZZ_SECONDS) BUILD='$(BUILD)/asan' spec/run.sh fuzz

fuzz-criteria: ## random texts of criteria, in the same way
	@$(MAKE) $(SPREAD) --no-print-directory CC=gcc CFLAGS='-O1 -g' BUILD=$(BUILD)/asan SANITIZE=address,undefined all
	@FUZZ_SECONDS=$(FUZZ_SECONDS) BUILD='$(BUILD)/asan' spec/run.sh fuzz-criteria

bench-count: all $(PRELOADS) ## instructions of small loops, compared with the figures in the repository
	@$(RUN) count-table

bench-count-update: all $(PRELOADS) ## counts them, and writes the figures
	@$(RUN) count-update

bench-scale: all ## how time and memory grow with the work; ten minutes at most (SECONDS=120, WORK=load for less)
	@SECONDS='$(SECONDS)' WORK='$(WORK)' $(RUN) scale

bench: all $(BENCHES) ## moonrow beside a bare C loop, LuaSQL and SQLAlchemy (ROW=load runs one row)
	@ROW='$(ROW)' ROUNDS='$(ROUNDS)' $(RUN) bench

# ---------------------------------------------------------------- documentation

doc: ## the guide and the reference as HTML, and a manual page, in build/doc (cmark-gfm makes HTML of Markdown)
	@$(LUA) spec/doc/make.lua $(BUILD)/doc

# ---------------------------------------------------------------- installing and cleaning

INSTALL = BUILD='$(BUILD)' PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' LUA_CMOD='$(LUA_CMOD)' LIBDIR='$(LIBDIR)' \
          VERSION='$(VERSION)' LIBS='-ltommath -lm -ldl -lpthread' src/package/install.sh

install: all ## install host, module, library, headers, manual, examples (PREFIX=/usr/local, DESTDIR=)
	@$(INSTALL) install

install-strip: all ## the same without what only a debugger needs
	@$(INSTALL) install-strip

install-module: all ## the same without library, headers and moonrow.pc, as the rockspec wants it
	@$(INSTALL) install-module

uninstall: ## take away what install has put in place
	@$(INSTALL) uninstall

deb: all ## Debian packages, in BUILD/deb: moonrow, lua-moonrow, libmoonrow-dev
	@BUILD='$(BUILD)' VERSION='$(VERSION)' MAKE='$(MAKE)' src/package/deb.sh

deb-check: deb ## installs the packages in a bare system of their own, tries and removes them (root, debootstrap, MIRROR=URL)
	@BUILD='$(BUILD)' VERSION='$(VERSION)' src/package/deb_check.sh

dist: ## a tarball of the sources, which builds without git: BUILD/moonrow-VERSION.tar.gz
	@mkdir -p $(BUILD)
	@git archive --prefix=moonrow-$(VERSION)/ -o $(BUILD)/moonrow-$(VERSION).tar.gz HEAD

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | awk -F'|' '{ printf "  make %-19s %s\n", $$1, $$2 }'

clean: ## remove what was built
	rm -rf $(BUILD)

-include $(LIB_OBJ:.o=.d) $(HOST_OBJ:.o=.d)
-include $(addsuffix .d,$(CORE_TESTS) $(FAULT_TESTS) $(PRELOADS) $(BENCHES) $(C_EXAMPLES))
