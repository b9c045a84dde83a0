# Mayfly: one program, one Node addon, one Makefile. `make help` lists what there is.
MODE ?= release
OUT  := build/$(MODE)
CC   ?= cc
# As many jobs as processors, unless told otherwise; a make below another one shares its jobs.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif
# V=1 shows the commands.
Q := $(if $(V),,@)

LIBS := libuv libseccomp jansson libpcre2-8 sqlite3 libcrypto expat libcurl glib-2.0 libisal libxxhash
# llhttp is a library of its own since Debian 13; Debian 12 has its C source in node-llhttp.
ifneq ($(shell pkg-config --modversion libllhttp 2>/dev/null),)
LIBS += libllhttp
else
LLHTTP_OBJECTS := $(patsubst %,$(OUT)/llhttp/%.o,llhttp api http)
LLHTTP_CFLAGS  := -isystem /usr/share/include/llhttp
endif

BASE_CFLAGS := -std=gnu17 -D_GNU_SOURCE -Isrc -include base/banned.h -g -MMD -MP \
	-fno-omit-frame-pointer -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wformat=2 -Wundef -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla -Wconversion -Wunused-macros \
	-Wno-format-truncation -Werror
CFLAGS_debug    := -Og
CFLAGS_asan     := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -DMAYFLY_SANITIZED
CFLAGS_tsan     := -O1 -fsanitize=thread -DMAYFLY_SANITIZED
# clang alone has libFuzzer; where it differs from gcc in what it warns of, gcc counts.
CFLAGS_fuzz     := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=pointer-overflow \
	-fno-sanitize-recover=all -DMAYFLY_SANITIZED -w
CFLAGS_release  := -O2 -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -fPIE
LDFLAGS_release := -pie -Wl,-z,relro,-z,now
PKG_CFLAGS := $(shell pkg-config --cflags $(LIBS) 2>/dev/null)
CFLAGS  = $(BASE_CFLAGS) $(CFLAGS_$(MODE)) $(PKG_CFLAGS)
LDFLAGS = $(filter -fsanitize=%,$(CFLAGS_$(MODE))) $(LDFLAGS_$(MODE))
LDLIBS := $(shell pkg-config --libs $(LIBS) 2>/dev/null) -lm

NODE := node_modules/node-linux-$(if $(filter aarch64,$(shell uname -m)),arm64,x64)/bin/node

# The folder says in which process the code runs; every role is this one program.
LIBRARY_FOLDERS := base http channel ipc sandbox store
PROGRAM_FOLDERS := gateway supervisor cli $(patsubst src/%/,%,$(wildcard src/control/ src/control/*/ src/control/*/*/))
LIBRARY_SOURCES := $(foreach d,$(LIBRARY_FOLDERS),$(wildcard src/$(d)/*.c))
PROGRAM_SOURCES := $(foreach d,$(PROGRAM_FOLDERS),$(wildcard src/$(d)/*.c))
ADDON_SOURCES   := $(foreach d,base channel ipc sandbox,$(wildcard src/$(d)/*.c)) $(wildcard runtime/addon/*.c)
ADDON_SOURCES   := $(filter-out src/ipc/link.c,$(ADDON_SOURCES))

objects = $(patsubst %.c,$(OUT)/%.o,$(1))

.PHONY: all demo test check unit fuzz e2e lint fmt bench clean help setup
# With a recipe, if an empty one: else make says that there is nothing to be done.
all: build/mayfly build/mayfly.node ## build everything
	@:

# Renamed into place: a running platform maps these files and must not see them change.
build/mayfly: $(OUT)/mayfly
	@cp $< $@.new && mv -f $@.new $@
build/mayfly.node: $(OUT)/mayfly.node
	@cp $< $@.new && mv -f $@.new $@

$(OUT)/mayfly: $(call objects,$(LIBRARY_SOURCES) $(PROGRAM_SOURCES)) $(LLHTTP_OBJECTS)
	@echo "  LD  $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(OUT)/mayfly.node: $(patsubst %.c,$(OUT)/addon/%.o,$(ADDON_SOURCES))
	@echo "  LD  $@"
	$(Q)$(CC) -shared -Wl,-z,relro,-z,now -o $@ $^ $(shell pkg-config --libs libseccomp)

$(OUT)/llhttp/%.o: /usr/share/llhttp/%.c
	@mkdir -p $(@D) && echo "  CC  $<"
	$(Q)$(CC) -O2 -g -fPIE -I/usr/share/include/llhttp -c -o $@ $<

$(OUT)/%.o: %.c
	@mkdir -p $(@D) && echo "  CC  $<"
	$(Q)$(CC) $(CFLAGS) $(LLHTTP_CFLAGS) -c -o $@ $<

$(OUT)/addon/%.o: %.c
	@mkdir -p $(@D) && echo "  CC  $< (addon)"
	$(Q)$(CC) $(BASE_CFLAGS) -O2 -fPIC -fvisibility=hidden -fstack-protector-strong -isystem node_modules/node-api-headers/include \
		$(shell pkg-config --cflags libseccomp libuv) -c -o $@ $<

# Unit tests and fuzz corpora, always under ASan and UBSan.
UNIT_TESTS := $(patsubst test/unit/%.c,build/asan/%,$(wildcard test/unit/test_*.c))
PLAIN_TESTS := build/asan/test_instance_memory
FUZZERS    := $(patsubst test/fuzz/%.c,build/asan/%,$(wildcard test/fuzz/fuzz_*.c))
# All but the program's main: the linker takes what a test uses, which is quick, as a small test is to start.
MAYFLY_ARCHIVE := $(OUT)/mayfly.a
$(MAYFLY_ARCHIVE): $(call objects,$(LIBRARY_SOURCES) $(filter-out src/cli/mayfly.c,$(PROGRAM_SOURCES))) $(LLHTTP_OBJECTS)
	@echo "  AR  $@"
	$(Q)rm -f $@ && ar rcs $@ $^
ifeq ($(MODE),asan)
$(filter-out $(PLAIN_TESTS),$(UNIT_TESTS)): build/asan/%: $(OUT)/test/unit/%.o $(MAYFLY_ARCHIVE)
	@echo "  LD  $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(shell pkg-config --libs check) $(LDLIBS)
# What it tests is malloc, so that of the sanitizers must not be in its place.
$(PLAIN_TESTS): CFLAGS_asan := -Og
$(PLAIN_TESTS): build/asan/test_%: $(OUT)/test/unit/test_%.o $(OUT)/runtime/addon/%.o
	@echo "  LD  $@"
	$(Q)$(CC) -o $@ $^ $(shell pkg-config --libs check)
$(FUZZERS): build/asan/%: $(OUT)/test/fuzz/%.o $(OUT)/test/fuzz/replay.o $(MAYFLY_ARCHIVE)
	@echo "  LD  $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
# The gateway with everything around it played in C: test/e2e/http_*.test.js run against it.
build/asan/fake_platform: $(patsubst %,$(OUT)/test/tools/%.o,fake_platform fake_instance) $(MAYFLY_ARCHIVE)
	@echo "  LD  $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
endif
build/fuzz/fuzz_%: $(OUT)/test/fuzz/fuzz_%.o $(MAYFLY_ARCHIVE)
	@echo "  LD  $@"
	$(Q)$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)

setup: ## install what is missing: Debian packages, npm packages
	@tools/setup

demo: ## install what is missing, build, and serve examples/demo
	@tools/setup demo
	@$(MAKE) --no-print-directory all
	build/mayfly dev examples/demo

test: ## install what is missing, build, and run every test there is
	@tools/setup test
	@$(MAKE) --no-print-directory all
	+@tools/test

check: unit ## the tests that need no running platform
	tools/run-node runtime 2 $(wildcard test/runtime/*.test.js)
	tools/run-node builder 2 $(wildcard test/builder/*.test.js)

unit: ## C unit tests and fuzz corpora under ASan and UBSan
	$(MAKE) --no-print-directory MODE=asan $(UNIT_TESTS) $(FUZZERS) build/asan/fake_platform
	@units=0; tools/run-unit $(UNIT_TESTS) || units=1; tools/run-corpora $(FUZZERS) && [ $$units = 0 ]

T       ?= http_head
SECONDS ?= 60
fuzz: ## look for what breaks a parser, with clang: make fuzz T=http_head SECONDS=600
	@tools/setup fuzz
	$(MAKE) --no-print-directory MODE=fuzz CC=clang build/fuzz/fuzz_$(T)
	@mkdir -p build/fuzz/found/$(T)
	build/fuzz/fuzz_$(T) -max_total_time=$(SECONDS) -detect_leaks=0 -artifact_prefix=build/fuzz/found/ \
		build/fuzz/found/$(T) test/fuzz/corpus/$(T)

e2e: all ## tests of the running platform
	$(MAKE) --no-print-directory MODE=asan build/asan/fake_platform
	tools/run-node e2e 2 $(wildcard test/e2e/*.test.js)

bench: all ## Mayfly beside deno, bun, workerd and node, which it installs; BENCH="--only warm --quick" for less
	@bench/setup
	$(NODE) bench/run.js $(BENCH)

# clang has no -Wformat-truncation. Object files are checked for what they export.
C_FILES  := $(wildcard src/*/*.[ch] src/*/*/*.[ch] src/*/*/*/*.[ch] runtime/addon/*.[ch] test/unit/*.[ch] test/fuzz/*.[ch])
TIDY     := $(filter %.c,$(filter src/% runtime/%,$(C_FILES)))
lint: all ## layout, static analysis, and the rules of the house
	@tools/setup lint
	@clang-format --dry-run -Werror $(C_FILES)
	@tools/check-layers
	@tools/check-symbols $(call objects,$(LIBRARY_SOURCES) $(PROGRAM_SOURCES))
	@tools/check-docs
	@$(MAKE) --no-print-directory $(TIDY:%.c=build/tidy/%.ok)

# One file at a time: clang-tidy 14 loses track of va_list over several. What it has found good, it need not see again before that,
# or a header of it, changes.
TIDY_CFLAGS := $(filter-out -MMD -MP,$(BASE_CFLAGS)) $(PKG_CFLAGS) -Wno-unknown-warning-option $(LLHTTP_CFLAGS) \
	-isystem node_modules/node-api-headers/include
build/tidy/%.ok: %.c .clang-tidy
	@mkdir -p $(@D)
	$(Q)$(CC) $(TIDY_CFLAGS) -MM -MP -MT $@ -MF $(@:.ok=.d) $<
	$(Q)clang-tidy --quiet $< -- $(TIDY_CFLAGS) && touch $@

fmt: ## lay out the C code
	@tools/setup lint
	$(Q)clang-format -i $(C_FILES)

clean: ## remove build/
	rm -rf build

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

-include $(shell find $(OUT) build/tidy -name '*.d' 2>/dev/null)
