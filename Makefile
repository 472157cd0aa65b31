# SPDX-License-Identifier: Apache-2.0
# simlabd. `make help` lists the targets; BUILD, CC, SANITIZE, V=1 may be set on the command line.
BUILD ?= build
ifeq ($(origin CC),default)
CC := gcc
endif
PREFIX ?= /usr/local
VERSION := 0.1.0

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wvla -Werror
# -ffp-contract=off: the same bits on every machine of one fingerprint (daemon/README.md, invariant 19).
CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -DSIMLAB_VERSION='"$(VERSION)"' \
	-DSIMLAB_PREFIX='"$(PREFIX)"' -Iinclude -Idaemon -I. -fPIC \
	-ffp-contract=off -fno-math-errno -pthread $(WARNINGS) $(CFLAGS) $(SANITIZE)

# Modules by rank, and the packages each one needs. The layers themselves are in tests/lib/layers.
HAS_NETCDF := $(shell pkg-config --exists netcdf 2>/dev/null && echo 1)
MODULES := base proto model store queue pool library plot $(if $(HAS_NETCDF),export) stage dispatch http worker
PACKAGES_base := jansson libsodium libxxhash
PACKAGES_store := blosc zlib libzstd
PACKAGES_plot := libpng
PACKAGES_export := netcdf
PACKAGES_queue := sqlite3
PACKAGES_dispatch := libzmq
PACKAGES_worker := libzmq
PACKAGES_http := libmicrohttpd
PACKAGES_client := libcurl jansson

# What a module's library is linked with.
LINK_base := base
LINK_proto := proto base
LINK_model := model base
LINK_store := store base
LINK_queue := queue base
LINK_pool := pool proto base
LINK_library := library pool model proto base
LINK_plot := plot store base
LINK_export := export store base
LINK_stage := stage model base
LINK_dispatch := dispatch queue pool proto base
LINK_http := http queue store model proto base
LINK_worker := worker stage plot store library pool model proto base
LINK_processes := $(LINK_worker)
LINK_daemon := http dispatch queue library pool store model proto base
LINK_all := worker stage plot $(LINK_daemon)

packages_of = $(sort $(foreach m,$(1),$(PACKAGES_$(m))))
cflags_of = $(shell pkg-config --cflags $(call packages_of,$(MODULES)) 2>/dev/null)
libs_of = $(shell pkg-config --libs $(call packages_of,$(1)))
archives_of = $(foreach m,$(1),$(BUILD)/lib/$(m).a)

sources_of = $(wildcard $(if $(filter proto,$(1)),proto,daemon/$(1))/*.c)
objects_of = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

# simlab-export is built where the package libnetcdf-dev is.
PROGRAMS := $(BUILD)/simlabd $(BUILD)/simlab-worker $(BUILD)/simlab $(if $(HAS_NETCDF),$(BUILD)/simlab-export)
folders_of = $(sort $(notdir $(patsubst %/,%,$(dir $(wildcard $(1)/*/*.c)))))
PROCESSES := $(filter-out python,$(call folders_of,daemon/processes))
LIBRARIES := $(PROCESSES:%=$(BUILD)/processes/%.so)

# What hosts modules in Python, where the package python3-dev is.
HOST := $(if $(shell pkg-config --exists python3-embed 2>/dev/null && echo 1),$(BUILD)/python/python.so)
HOST_SOURCE := $(BUILD)/python/source/sources.inc

# Debian's names: `demo` needs the first two lists, `test` the third too, `check` all.
DEBIAN_BUILD := gcc libc6-dev make pkg-config libjansson-dev libsodium-dev libxxhash-dev libblosc-dev zlib1g-dev \
	libzstd-dev libpng-dev libsqlite3-dev libzmq3-dev libmicrohttpd-dev libcurl4-openssl-dev
DEBIAN_PYTHON := python3 python3-numpy python3-zarr python3-xarray
DEBIAN_TEST := g++ python3-dev libnetcdf-dev gfortran curl locales libcriterion-dev python3-dask python3-cftime python3-jsonschema python3-netcdf4 gdal-bin netcdf-bin
DEBIAN_SOAK := e2fsprogs xfsprogs
DEBIAN_READERS := debootstrap
DEBIAN_CHECK := clang clang-format cppcheck libclang-rt-14-dev

# Submakes come after `packages`, since pkg-config may be missing before. They use every processor
# unless -j was given.
SUBMAKE = $(MAKE) --no-print-directory $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))

V ?= 0
say = $(if $(filter 0,$(V)),@echo "  $(1)" $@ &&)
PYTHON := /usr/bin/python3 -B

.DEFAULT_GOAL := all
all: $(PROGRAMS) $(LIBRARIES) $(HOST) $(HOST_SOURCE) ## build all that is installed (V=1 shows the commands)

# All is compiled again where the compiler or its flags differ from those of the last time.
COMPILER := $(BUILD)/compiler
COMPILER_NOW = $(subst ','\'',$(strip $(CC) $(ALL_CFLAGS)))
$(COMPILER): FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(COMPILER_NOW)' | cmp -s - $@ || printf '%s\n' '$(COMPILER_NOW)' >$@

# Texts that the programs carry: queue/schema.sql as the C string "queue/schema.inc"; openapi.json
# and job.schema.json by .incbin, which -MMD does not see.
SCHEMA := $(BUILD)/text/queue/schema.inc
$(SCHEMA): daemon/queue/schema.sql
	@mkdir -p $(@D)
	$(call say,TEXT)sed -e 's/[\\"]/\\&/g' -e 's/.*/"&\\n"/' $< >$@
$(BUILD)/obj/daemon/queue/opening.o $(BUILD)/obj/tests/unit/queue/open.o: $(SCHEMA)
$(BUILD)/obj/daemon/http/openapi.o: proto/openapi.json proto/job.schema.json

MODULE_CFLAGS := -I$(BUILD)/text $(cflags_of)
$(BUILD)/obj/%.o: %.c $(COMPILER)
	@mkdir -p $(@D)
	$(call say,CC  )$(CC) $(ALL_CFLAGS) $(MODULE_CFLAGS) -MMD -MP -c $< -o $@

define module_rule
$(BUILD)/lib/$(1).a: $(call objects_of,$(call sources_of,$(1)))
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(call say,AR  )ar rcs $$@ $$^
endef
$(foreach m,$(MODULES),$(eval $(call module_rule,$(m))))

DAEMON_SOURCES := $(addprefix daemon/,main.c links.c turn.c remover.c config.c service.c state_directory.c)
$(BUILD)/simlabd: $(call objects_of,$(DAEMON_SOURCES)) $(call archives_of,$(LINK_daemon))
	$(call say,LINK)$(CC) $(ALL_CFLAGS) -o $@ $^ $(call libs_of,$(LINK_daemon)) -lm

# ZeroMQ is loaded by worker_zeromq.c.
WORKER_SOURCES := $(addprefix daemon/,worker_main.c worker_arguments.c worker_zeromq.c)
$(BUILD)/simlab-worker: $(call objects_of,$(WORKER_SOURCES)) $(call archives_of,$(LINK_worker))
	$(call say,LINK)$(CC) $(ALL_CFLAGS) -o $@ $^ $(filter-out -lzmq,$(call libs_of,$(LINK_worker))) -lm -ldl

$(BUILD)/simlab-export: $(call objects_of,daemon/export_main.c) $(call archives_of,$(LINK_export))
	$(call say,LINK)$(CC) $(ALL_CFLAGS) -o $@ $^ $(call libs_of,$(LINK_export)) -lm

$(BUILD)/simlab: $(call objects_of,$(wildcard client/*.c))
	$(call say,LINK)$(CC) $(ALL_CFLAGS) -o $@ $^ $(call libs_of,client)

# A process library: every .c of its folder, nothing but include/ and libm. Its loops are worth
# vectors, which change no bits.
define library_rule
$(BUILD)/processes/$(1).so: $(wildcard daemon/processes/$(1)/*.c) $(COMPILER) \
		$(wildcard include/simlab/*.h daemon/processes/$(1)/*.h daemon/processes/$(1)/*.def)
	@mkdir -p $$(@D)
	$$(call say,LIB )$$(CC) -std=c11 -D_GNU_SOURCE -Iinclude -fPIC -shared -fvisibility=hidden \
		-ffp-contract=off $(WARNINGS) $$(CFLAGS) -O3 $$(SANITIZE) -o $$@ $$(filter %.c,$$^) -lm
endef
$(foreach l,$(PROCESSES),$(eval $(call library_rule,$(l))))

# The library that hosts modules in Python: where python3-dev is. It carries the package `simlab`
# that they import, each file as a line of a C table.
# The program whose packages its modules find, whatever $PATH says.
HOST_PROGRAM = $(shell pkg-config --variable=exec_prefix python3-embed)/bin/python$(shell pkg-config --modversion python3-embed)
PYTHON_SOURCES := $(wildcard client/python/simlab/*.py client/python/simlab/*/*.py)
HOST_TEXT := $(BUILD)/text/python/sources.inc
$(HOST_TEXT): daemon/processes/python/boot.py $(PYTHON_SOURCES) daemon/processes/python/embed.sed
	@mkdir -p $(@D)
	$(call say,TEXT)for file in $(filter %.py,$^); do \
		name=$$(echo "$${file#client/python/}" | sed 's|/__init__\.py$$||; s|\.py$$||; s|/|.|g'); \
		case $$file in */__init__.py) package=1;; *) package=0;; esac; \
		echo "{\"$$name\", $$package,"; sed -f daemon/processes/python/embed.sed $$file; echo '},'; \
	done >$@

$(BUILD)/python/python.so: $(wildcard daemon/processes/python/*.c) $(HOST_TEXT) $(COMPILER) \
		$(wildcard include/simlab/*.h daemon/processes/python/*.h)
	@mkdir -p $(@D)
	$(call say,LIB )$(CC) -std=c11 -D_GNU_SOURCE -Iinclude -I$(dir $(HOST_TEXT)) \
		$$(pkg-config --cflags python3-embed) -fPIC -shared -fvisibility=hidden \
		-DPYTHON_PROGRAM='"$(HOST_PROGRAM)"' \
		-DPYTHON_RUNTIME='"python $(HOST_PROGRAM) '$$(cat $^ | sha256sum | cut -c 1-16)'"' \
		-ffp-contract=off $(WARNINGS) $(CFLAGS) $(SANITIZE) -o $@ $(filter %.c,$^) \
		$$(pkg-config --libs python3-embed) -lm -ldl

# What other environments' hosts are made from, also after installation (`build-host` there).
$(HOST_SOURCE): $(wildcard daemon/processes/python/*.[ch]) $(HOST_TEXT) daemon/processes/python/build-host
	@rm -rf $(@D) && mkdir -p $(@D)
	@cp $(filter-out %/build-host,$^) $(@D)/ && cp daemon/processes/python/build-host $(BUILD)/python/

# Process libraries of the tests: tests/lib/NAME.c makes build/NAME/NAME.so.
TEST_LIBRARY_NAMES := $(filter-out odd,$(basename $(notdir $(wildcard tests/lib/*.c))))
TEST_LIBRARIES := $(foreach l,$(TEST_LIBRARY_NAMES),$(BUILD)/$(l)/$(l).so)
define test_library_rule
$(BUILD)/$(1)/$(1).so: tests/lib/$(1).c $(COMPILER) $(wildcard include/simlab/*.h)
	@mkdir -p $$(@D)
	$$(call say,LIB )$$(CC) -std=c11 -Iinclude -fPIC -shared -fvisibility=hidden -ffp-contract=off \
		$(WARNINGS) $$(CFLAGS) $$(SANITIZE) -o $$@ $$< -lm
endef
$(foreach l,$(TEST_LIBRARY_NAMES),$(eval $(call test_library_rule,$(l))))

# The random models of tests/threads, for whoever runs them in a worker.
RANDOM := $(BUILD)/random/random.so
$(RANDOM): $(patsubst %,tests/threads/random_models/%.c,draw stages types library) $(COMPILER) \
		$(wildcard include/simlab/*.h tests/threads/random_models/*.h)
	@mkdir -p $(@D)
	$(call say,LIB )$(CC) -std=c11 -D_GNU_SOURCE -Iinclude -fPIC -shared -fvisibility=hidden \
		-ffp-contract=off $(WARNINGS) $(CFLAGS) $(SANITIZE) -o $@ $(filter %.c,$^) -lm
TEST_LIBRARIES += $(RANDOM)

# Another build of the same library, for tests/soak.
AGAIN := $(BUILD)/varied_again/varied.so
$(AGAIN): tests/lib/varied.c $(COMPILER) $(wildcard include/simlab/*.h)
	@mkdir -p $(@D)
	$(call say,LIB )$(CC) -std=c11 -Iinclude -fPIC -shared -fvisibility=hidden -ffp-contract=off \
		$(WARNINGS) $(CFLAGS) $(SANITIZE) -DVARIED_SCALE=2.0 -o $@ $< -lm

# Libraries as careless or older authors build them, for tests/unit/worker.
ODD := $(patsubst %,$(BUILD)/odd/%.so,GOOD OLD NEWER OTHER NO_SYMBOL NAMELESS NULL_PROCESS NO_TABLE LARGER ROUNDS CALLS)
$(BUILD)/odd/%.so: tests/lib/odd.c $(COMPILER) $(wildcard include/simlab/*.h)
	@mkdir -p $(@D)
	$(call say,LIB )$(CC) -std=c11 -Iinclude -fPIC -shared -fvisibility=hidden $(WARNINGS) $(CFLAGS) \
		$(SANITIZE) -DODD=$* -o $@ $<

# Failing calls (tests/lib/fault/fault.h): loaded before everything else, a sanitizer too.
FAULT := $(BUILD)/fault/fault.so
$(FAULT): $(wildcard tests/lib/fault/*.c) tests/lib/fault/fault.h $(COMPILER)
	@mkdir -p $(@D)
	$(call say,LIB )$(CC) -std=c11 -D_GNU_SOURCE -fPIC -shared -fvisibility=hidden $(WARNINGS) \
		$(CFLAGS) -o $@ $(filter %.c,$^)

# Unit tests: tests/unit/MODULE/*.c make build/tests/MODULE, a Criterion program.
UNITS := $(call folders_of,tests/unit)
define unit_rule
$(BUILD)/tests/$(1): $(call objects_of,$(wildcard tests/unit/$(1)/*.c)) $(call archives_of,$(or $(LINK_$(1)),$(LINK_daemon)))
	@mkdir -p $$(@D)
	$$(call say,LINK)$$(CC) $$(ALL_CFLAGS) -o $$@ $$^ $$(shell pkg-config --libs criterion) \
		$$(call libs_of,$(or $(LINK_$(1)),$(LINK_daemon))) -lm -ldl
endef
$(foreach u,$(UNITS),$(eval $(call unit_rule,$(u))))
$(BUILD)/tests/plot: $(call objects_of,tests/unit/store/store_fixture.c)
# What the process libraries compute is tested in runs of them.
$(BUILD)/tests/processes: | $(LIBRARIES)
$(BUILD)/tests/worker: | $(ODD) $(TEST_LIBRARIES) $(BUILD)/simlab-worker

# Programs of their own, which the thread sanitizer can watch (it cannot start under Criterion):
# tests/threads/NAME.c, and what is in tests/threads/NAME, makes build/threads/NAME.
THREAD_TESTS := $(basename $(notdir $(wildcard tests/threads/*.c)))
.SECONDARY: $(call objects_of,$(wildcard tests/threads/*.c tests/threads/*/*.c))
$(foreach t,$(THREAD_TESTS),$(eval $(BUILD)/threads/$(t): $(call objects_of,$(wildcard tests/threads/$(t)/*.c))))
$(BUILD)/threads/%: $(BUILD)/obj/tests/threads/%.o $(call archives_of,$(LINK_stage))
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(ALL_CFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(call libs_of,$(LINK_stage)) -lm

# ---- what people call ----

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

packages: ## install the Debian packages that are missing (apt-get; sudo where not root)
	@tests/lib/packages $(DEBIAN_BUILD) $(DEBIAN_PYTHON) $(DEBIAN_TEST)

demo: ## the main job, end to end: a sweep of landscapes, its store and a picture
	@tests/lib/packages $(DEBIAN_BUILD) $(DEBIAN_PYTHON)
	+@$(SUBMAKE) all
	@$(PYTHON) tests/lib/demo.py --build $(BUILD)

test: ## every test: units, then scenarios of the whole system (TESTS="golden kill": these only)
	@tests/lib/packages $(DEBIAN_BUILD) $(DEBIAN_PYTHON) $(DEBIAN_TEST)
	+@$(SUBMAKE) test-programs
	@$(PYTHON) tests/lib/run_tests.py --build $(BUILD) $(TESTS)

check: ## format, layers, static analysis, the other compiler; then the tests
	@tests/lib/packages $(DEBIAN_BUILD) $(DEBIAN_PYTHON) $(DEBIAN_TEST) $(DEBIAN_CHECK)
	clang-format --dry-run -Werror $$(find client daemon include proto tests -name '*.[ch]')
	+@$(SUBMAKE) layers cppcheck
	+@$(SUBMAKE) BUILD=$(BUILD)-clang CC=clang test-programs
	+@$(SUBMAKE) test

python: $(HOST_SOURCE) ## the environment NAME for models in Python, of the interpreter PYTHON
	@SOURCES=$(BUILD)/python/source INCLUDE=include OUT=$(BUILD)/python/$(NAME)/python.so CC='$(CC)' \
		CFLAGS='$(WARNINGS) $(CFLAGS) $(SANITIZE)' $(BUILD)/python/build-host $(firstword $(PYTHON)) '$(NAME)'

layers: $(call archives_of,$(MODULES)) ## who may include what (daemon/README.md), from the #include lines; names
	@tests/lib/layers --self-test --build $(BUILD)
	@tests/lib/layers --build $(BUILD)

cppcheck: $(SCHEMA)
	cppcheck -q --std=c11 --error-exitcode=1 --inline-suppr --enable=warning,performance,portability \
		--library=tests/lib/jansson.cfg -D_GNU_SOURCE -DSIMLAB_VERSION='"$(VERSION)"' \
		-Iinclude -Idaemon -I. -I$(BUILD)/text client daemon proto

ADDRESS := -fsanitize=address,undefined -fno-sanitize-recover=all
# gcc's maybe-uninitialized is wrong too often in code that a sanitizer has changed (its manual).
QUIET := $(if $(findstring clang,$(CC)),,-Wno-maybe-uninitialized)
asan: ## the tests under the address and undefined-behaviour sanitizers
	+@$(SUBMAKE) BUILD=$(BUILD)-asan SANITIZE='$(ADDRESS) $(QUIET)' test

tsan: ## scenarios and tests/threads under the thread sanitizer (it cannot start under Criterion)
	@tests/lib/packages $(DEBIAN_BUILD) $(DEBIAN_PYTHON) $(DEBIAN_TEST)
	+@$(SUBMAKE) BUILD=$(BUILD)-tsan SANITIZE='-fsanitize=thread $(QUIET)' all \
		$(TEST_LIBRARIES:$(BUILD)/%=$(BUILD)-tsan/%) $(THREAD_TESTS:%=$(BUILD)-tsan/threads/%)
	@SIMLAB_SUITE_LIMIT=900 $(PYTHON) tests/lib/run_tests.py --build $(BUILD)-tsan \
		$(or $(TESTS),golden kill threads beside lending $(THREAD_TESTS))

bench: ## times, as ratios to plain programs in the same run; BENCH_PARTS="tasks …": these only
	@tests/lib/packages $(DEBIAN_BUILD) $(DEBIAN_PYTHON)
	+@$(SUBMAKE) all $(BUILD)/bench/advect $(BUILD)/bench/advect_chunks $(BUILD)/bench/model \
		$(BUILD)/bench/chunks $(BUILD)/bench/bare_busy $(BUILD)/busy/busy.so \
		$(BUILD)/bench/tasks $(BUILD)/bench/state $(if $(HAS_TBB),$(BUILD)/bench/tasks_tbb) \
		$(BUILD)/bench/bare $(BUILD)/bench/clients $(BUILD)/stalls/stalls.so \
		$(if $(HOST),$(BUILD)/bench/interpreter)
	@$(PYTHON) tests/bench/bench.py --build $(BUILD) $(BENCH_PARTS)

soak: ## faults for SOAK_SECONDS (3600), drawn by SOAK_SEED; SOAK_PARTS="kills …": these only
	@tests/lib/packages $(DEBIAN_BUILD) $(DEBIAN_PYTHON) $(DEBIAN_SOAK)
	+@$(SUBMAKE) test-programs
	@$(PYTHON) tests/soak/soak.py --build $(BUILD)

readers: ## newer readers open the stores: Debian 13's, testing's, npm's (READERS="trixie zarrita": these only)
	@tests/lib/packages $(DEBIAN_BUILD) $(DEBIAN_PYTHON) $(DEBIAN_TEST) $(DEBIAN_READERS)
	+@$(SUBMAKE) all
	@$(PYTHON) tests/readers/readers.py --build $(BUILD) $(if $(READERS_WORK),--work $(READERS_WORK)) $(READERS)

$(BUILD)/bench/%: tests/bench/%.c tests/bench/advect_loop.h $(COMPILER)
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(ALL_CFLAGS) -Itests -o $@ $< -lm -lblosc -lpthread

$(BUILD)/bench/interpreter: tests/bench/interpreter.c $(COMPILER)
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(ALL_CFLAGS) $$(pkg-config --cflags python3-embed) -o $@ $< $$(pkg-config --libs python3-embed)

$(BUILD)/bench/model: $(call objects_of,tests/bench/model.c) $(call archives_of,$(LINK_model))
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(ALL_CFLAGS) -o $@ $^ $(call libs_of,$(LINK_model)) -lm

$(BUILD)/bench/chunks: $(call objects_of,tests/bench/chunks.c) $(call archives_of,$(LINK_store))
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(ALL_CFLAGS) -o $@ $^ $(call libs_of,$(LINK_store)) -lm

# The schedulers, beside OpenMP; and oneTBB, where it is installed.
$(BUILD)/bench/tasks: tests/bench/tasks.c tests/bench/graphs.h tests/bench/shared.h tests/bench/workers.h $(call archives_of,$(LINK_stage))
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(ALL_CFLAGS) $(MODULE_CFLAGS) -Itests -fopenmp -o $@ $(filter-out %.h,$^) \
		$(call libs_of,$(LINK_stage)) -lm

$(BUILD)/bench/state: tests/bench/state.c tests/bench/graphs.h tests/bench/workers.h $(call archives_of,$(LINK_stage))
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(ALL_CFLAGS) $(MODULE_CFLAGS) -Itests -o $@ $(filter-out %.h,$^) \
		$(call libs_of,$(LINK_stage)) -lm

HAS_TBB := $(shell pkg-config --exists tbb 2>/dev/null && echo 1)
$(BUILD)/bench/tasks_tbb: tests/bench/tasks_tbb.cc tests/bench/graphs.h
	@mkdir -p $(@D)
	$(call say,LINK)$(CXX) -std=c++17 -O2 -g -Wall -Wextra -Itests -o $@ $< $$(pkg-config --libs tbb)

$(BUILD)/bench/bare: tests/bench/bare.c $(COMPILER)
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(ALL_CFLAGS) -o $@ $< $(call libs_of,http queue base)

$(BUILD)/bench/queue: $(call objects_of,tests/bench/queue.c) $(call archives_of,$(LINK_queue))
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(ALL_CFLAGS) -o $@ $^ $(call libs_of,$(LINK_queue))

# Fuzzers: tests/fuzz/TARGET.c, with its corpus in tests/fuzz/TARGET/.
FUZZERS := $(basename $(notdir $(wildcard tests/fuzz/*.c)))
FUZZ_SECONDS ?= 60
ifneq ($(FUZZERS),)
fuzz: ## each fuzzer for FUZZ_SECONDS (60)
	@tests/lib/packages $(DEBIAN_BUILD) $(DEBIAN_CHECK)
	+@$(SUBMAKE) BUILD=$(BUILD)-fuzz CC=clang SANITIZE='-fsanitize=fuzzer-no-link $(ADDRESS)' \
		$(FUZZERS:%=$(BUILD)-fuzz/fuzz/%)
	@for f in $(FUZZERS); do echo "fuzz: $$f"; mkdir -p $(BUILD)-fuzz/corpus/$$f tests/fuzz/$$f; \
		$(BUILD)-fuzz/fuzz/$$f -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -verbosity=0 \
			-artifact_prefix=$(BUILD)-fuzz/$$f- $(BUILD)-fuzz/corpus/$$f tests/fuzz/$$f || exit 1; done

$(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(call archives_of,$(LINK_all))
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer -o $@ $^ $(call libs_of,$(LINK_all)) -lm -ldl
.PHONY: fuzz
endif

test-programs: all $(TEST_LIBRARIES) $(AGAIN) $(FAULT) $(UNITS:%=$(BUILD)/tests/%) $(THREAD_TESTS:%=$(BUILD)/threads/%)

UNIT_FILES = $(notdir $(wildcard systemd/*.service systemd/*.socket))
install: all ## into DESTDIR and PREFIX (/usr/local)
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,bin include/simlab lib/simlabd/processes)
	install -m 755 $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(LIBRARIES) $(DESTDIR)$(PREFIX)/lib/simlabd/processes
	$(call install_files,644,$(HOST),lib/simlabd/python)
	$(foreach e,$(wildcard $(BUILD)/python/*/python.so),install -D -m 644 $(e) \
		$(DESTDIR)$(PREFIX)/lib/simlabd/python/$(notdir $(patsubst %/python.so,%,$(e)))/python.so;)
	$(call install_files,755,$(BUILD)/python/build-host,lib/simlabd/python)
	$(call install_files,644,$(wildcard $(BUILD)/python/source/*),lib/simlabd/python/source)
	install -m 644 $(filter-out %.md,$(wildcard include/simlab/*)) $(DESTDIR)$(PREFIX)/include/simlab
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	for unit in $(UNIT_FILES); do sed 's|/usr/local|$(PREFIX)|g' systemd/$$unit \
		>$(DESTDIR)$(PREFIX)/lib/systemd/system/$$unit || exit 1; done
	$(call install_files,644,$(wildcard systemd/sysusers.d/*.conf),lib/sysusers.d)
	$(call install_files,644,$(wildcard systemd/tmpfiles.d/*.conf),lib/tmpfiles.d)
	$(call install_files,644,$(wildcard client/*.1),share/man/man1)
	$(call install_files,644,$(wildcard daemon/*.8),share/man/man8)
install_files = $(if $(strip $(2)),install -D -m $(1) -t $(DESTDIR)$(PREFIX)/$(3) $(2))

clean: ## remove what was built
	rm -rf $(addprefix $(BUILD),/ -asan -tsan -clang -fuzz)

.PHONY: all help packages python demo test test-programs check layers cppcheck asan tsan bench soak readers install clean
.PHONY: FORCE
.DELETE_ON_ERROR:
-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
