# SPDX-License-Identifier: Apache-2.0
# simlabd. `make help` lists the targets; BUILD, CC, SANITIZE may be set on the command line.
BUILD ?= build
CC ?= gcc
PREFIX ?= /usr/local
VERSION := 0.1.0

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wvla -Werror
# -ffp-contract=off: the same bits on every machine of one fingerprint (ARCHITECTURE section 2).
CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -DSIMLAB_VERSION='"$(VERSION)"' -Iinclude -Idaemon -I. -fPIC \
	-ffp-contract=off -fno-math-errno -pthread $(WARNINGS) $(CFLAGS) $(SANITIZE)

# Modules by rank, and the packages each one needs. The layers themselves are in tests/lib/layers.
MODULES := base proto model store queue pool stage dispatch http worker
PACKAGES_base := jansson libsodium
PACKAGES_store := blosc zlib libzstd libpng
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
LINK_pool := pool base
LINK_stage := stage model base
LINK_dispatch := dispatch queue pool proto base
LINK_http := http queue store model proto base
LINK_worker := worker stage store model proto base
LINK_daemon := http dispatch queue pool store model proto base

packages_of = $(sort $(foreach m,$(1),$(PACKAGES_$(m))))
cflags_of = $(shell pkg-config --cflags $(call packages_of,$(MODULES)) 2>/dev/null)
libs_of = $(shell pkg-config --libs $(call packages_of,$(1)))
archives_of = $(foreach m,$(1),$(BUILD)/lib/$(m).a)

sources_of = $(wildcard $(if $(filter proto,$(1)),proto,daemon/$(1))/*.c)
objects_of = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

PROGRAMS := $(BUILD)/simlabd $(BUILD)/simlab-worker $(BUILD)/simlab
LIBRARIES := $(patsubst daemon/processes/%,$(BUILD)/processes/%.so,$(wildcard daemon/processes/*))

all: $(PROGRAMS) $(LIBRARIES)

MODULE_CFLAGS := $(cflags_of)
$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(MODULE_CFLAGS) -MMD -MP -c $< -o $@

define module_rule
$(BUILD)/lib/$(1).a: $(call objects_of,$(call sources_of,$(1)))
	@mkdir -p $$(@D)
	@rm -f $$@
	ar rcs $$@ $$^
endef
$(foreach m,$(MODULES),$(eval $(call module_rule,$(m))))

$(BUILD)/simlabd: $(call objects_of,daemon/main.c daemon/config.c) $(call archives_of,$(LINK_daemon))
	$(CC) $(ALL_CFLAGS) -o $@ $^ $(call libs_of,$(LINK_daemon)) -lm

$(BUILD)/simlab-worker: $(call objects_of,daemon/worker_main.c) $(call archives_of,$(LINK_worker))
	$(CC) $(ALL_CFLAGS) -o $@ $^ $(call libs_of,$(LINK_worker)) -lm -ldl

$(BUILD)/simlab: $(call objects_of,$(wildcard client/*.c))
	$(CC) $(ALL_CFLAGS) -o $@ $^ $(call libs_of,client)

# A process library: every .c of its folder, nothing but include/ and libm.
define library_rule
$(BUILD)/processes/$(1).so: $(wildcard daemon/processes/$(1)/*.c) $(wildcard include/simlab/*.h daemon/processes/$(1)/*.h)
	@mkdir -p $$(@D)
	$$(CC) -std=c11 -D_GNU_SOURCE -Iinclude -fPIC -shared -fvisibility=hidden -ffp-contract=off \
		$(WARNINGS) $$(CFLAGS) $$(SANITIZE) -o $$@ $$(filter %.c,$$^) -lm
endef
$(foreach l,$(notdir $(wildcard daemon/processes/*)),$(eval $(call library_rule,$(l))))

# Unit tests: tests/unit/MODULE/*.c make build/tests/MODULE, a Criterion program.
UNITS := $(notdir $(wildcard tests/unit/*))
define unit_rule
$(BUILD)/tests/$(1): $(call objects_of,$(wildcard tests/unit/$(1)/*.c)) $(call archives_of,$(or $(LINK_$(1)),$(LINK_daemon)))
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_CFLAGS) -o $$@ $$^ $$(shell pkg-config --libs criterion) \
		$$(call libs_of,$(or $(LINK_$(1)),$(LINK_daemon))) -lm -ldl
endef
$(foreach u,$(UNITS),$(eval $(call unit_rule,$(u))))

.PHONY: all
-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
