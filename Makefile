# wsd: `make help` lists the targets.
#
#   MODE=release|v3|debug|asan|tsan|coverage
#                                  how to build; objects live in build/$(MODE)-$(compiler)
#   CXX=g++|clang++                g++ 12 and clang 14 are known to work
#   WITH_ZLIB=0|1                  without or with permessage-deflate; default: 1 where zlib is
#   HARDEN=0|1                     release and v3 without or with hardening; default: 1
#   WERROR=1                       warnings are errors (set by `make test`)

MODE   ?= release
CXX    := $(if $(filter default,$(origin CXX)),g++,$(CXX))
PREFIX ?= /usr/local
DESTDIR ?=
VERSION := 0.1.0

MODE_FLAGS_release := -O2 -g
MODE_FLAGS_v3      := -O2 -g -march=x86-64-v3
MODE_FLAGS_debug   := -O1 -g -DWSD_DEBUG -D_GLIBCXX_ASSERTIONS
# -g1 is enough for the stack of a report, and builds in half of the time. UBSan's vptr check sees a
# type for the first time through a pipe, which there is not when descriptors have run out.
MODE_FLAGS_asan    := -O1 -g1 -DWSD_DEBUG -D_GLIBCXX_ASSERTIONS -fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=all -fno-omit-frame-pointer
MODE_FLAGS_tsan    := -O1 -g1 -DWSD_DEBUG -D_GLIBCXX_ASSERTIONS -fsanitize=thread -fno-omit-frame-pointer
MODE_FLAGS_coverage := -O0 -g1 -DWSD_DEBUG --coverage
# For the fuzzers of `make fuzz-binaries LIB_FUZZING_ENGINE=...`: the caller's CXXFLAGS say the rest.
MODE_FLAGS_fuzz    := -g1 -DWSD_DEBUG
MODE_FLAGS := $(MODE_FLAGS_$(MODE))
ifeq ($(MODE_FLAGS),)
$(error MODE=$(MODE) is not one of release, v3, debug, asan, tsan, coverage, fuzz)
endif

# Hardening of the builds that go into service. docs/SECURITY.md has what each flag costs and which
# ones are left out. The caller's CPPFLAGS, CXXFLAGS and LDFLAGS come later, so they win.
HARDEN ?= 1
HARDENED := $(if $(filter 0,$(HARDEN)),,$(filter release v3,$(MODE)))
ifneq ($(HARDENED),)
TARGET_MACHINE := $(shell $(CXX) $(CXXFLAGS) -dumpmachine 2>/dev/null)
# _FORTIFY_SOURCE needs an optimizing build, and glibc 2.34 for its level 3. A caller that sets a level
# of its own, as dpkg-buildflags does, keeps that level.
FORTIFY_FLAGS = $(if $(findstring _FORTIFY_SOURCE,$(CPPFLAGS) $(CXXFLAGS))$(filter -O0,$(CXXFLAGS)),,-U_FORTIFY_SOURCE $(FORTIFY_LEVEL))
FORTIFY_LEVEL := -D_FORTIFY_SOURCE=3
HARDEN_CXXFLAGS := -fPIE -fstack-protector-strong
HARDEN_LDFLAGS  := -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code
# x86: the shadow stack, which protects return addresses. The linker is told to mark the program,
# because Debian's crt1.o lacks the mark; its _start leaves the stack alone.
ifneq ($(filter x86_64-%,$(TARGET_MACHINE)),)
HARDEN_CXXFLAGS += -fstack-clash-protection
SHADOW_STACK_CXXFLAGS := -fcf-protection=return
SHADOW_STACK_LDFLAGS  := -Wl,-z,shstk
endif
PIE_FLAG = $(if $(filter -static -static-pie -no-pie -shared,$(LDFLAGS)),,-pie)
endif

WARNINGS := -Wall -Wextra -Wpedantic -Wconversion -Wshadow $(if $(WERROR),-Werror)
INCLUDES := -Iinclude -Isrc
CPPFLAGS_ALL = $(INCLUDES) -MMD -MP $(CPPFLAGS)
CXXFLAGS_ALL = -std=c++20 $(MODE_FLAGS) $(WARNINGS) -pthread -ffunction-sections -fdata-sections $(FORTIFY_FLAGS) $(HARDEN_CXXFLAGS) $(SHADOW_STACK_CXXFLAGS) $(CXXFLAGS)
LDFLAGS_ALL  = $(MODE_FLAGS) -pthread -Wl,--gc-sections $(PIE_FLAG) $(HARDEN_LDFLAGS) $(SHADOW_STACK_LDFLAGS) $(LDFLAGS)

# libcrypto alone of OpenSSL; pkg-config is asked where it is there.
CRYPTO_CFLAGS := $(shell pkg-config --cflags libcrypto 2>/dev/null)
CRYPTO_LIBS   := $(or $(shell pkg-config --libs libcrypto 2>/dev/null),-lcrypto)

# zlib gives permessage-deflate; asked for through pkg-config, or told: WITH_ZLIB=0|1
WITH_ZLIB ?= $(shell pkg-config --exists zlib 2>/dev/null && echo 1 || echo 0)
ifeq ($(WITH_ZLIB),1)
ZLIB_CFLAGS := $(shell pkg-config --cflags zlib 2>/dev/null)
ZLIB_LIBS   := $(or $(shell pkg-config --libs zlib 2>/dev/null),-lz)
DEFLATE_UNUSED := src/protocol/deflate_absent.cc tests/protocol/deflate_absent_test.cc
else
DEFLATE_UNUSED := src/protocol/deflate.cc tests/protocol/deflate_test.cc tests/protocol/compression_test.cc \
  tests/protocol/deflate_pool_test.cc tests/protocol/inflation_test.cc tests/net/connection_deflate_test.cc \
  tests/net/deflate_encoder_test.cc tests/e2e/deflate_test.cc
endif
LIBS = $(CRYPTO_LIBS) $(ZLIB_LIBS)

# The build without zlib differs in which files it takes, not in how one is compiled: it has programs
# of its own (B) and shares the objects (O).
O := build/$(MODE)-$(notdir $(CXX))$(if $(filter 0,$(HARDEN)),-unhardened)
B := $(O)$(if $(filter 0,$(WITH_ZLIB)),-nozlib)

LIB_SRCS  := $(filter-out $(DEFLATE_UNUSED),$(wildcard src/base/*.cc src/protocol/*.cc src/hub/*.cc src/engine/*.cc src/net/*.cc src/server/*.cc))
APP_SRCS  := $(filter-out src/daemon/main.cc,$(sort $(wildcard src/daemon/*.cc src/daemon/*/*.cc)))
# A layer without threads, as tests/check_layers has it, has no data races to find.
UNTHREADED := protocol engine sim/history
UNIT_FOLDERS := $(filter-out $(if $(filter tsan,$(MODE)),$(UNTHREADED)),base protocol hub engine net server daemon/* sim/history)
UNIT_SRCS := $(filter-out $(DEFLATE_UNUSED),$(foreach d,$(UNIT_FOLDERS),$(wildcard tests/$(d)/*_test.cc)))
# What the tests of the simulation itself need of it.
UNIT_SIM_SRCS := tests/sim/history/disk.cc tests/sim/trace.cc
# The Redis in memory, for the tests of the engine and for its simulation.
FAKE_REDIS_SRCS := $(filter-out %_test.cc,$(wildcard tests/engine/fake_*.cc))
E2E_SRCS  := $(filter-out $(DEFLATE_UNUSED),$(wildcard tests/e2e/*_test.cc))
TEST_SUPPORT_SRCS := $(wildcard tests/support/*.cc)
FUZZ_SRCS := $(wildcard fuzz/*_fuzz.cc)
EXAMPLES  := $(wildcard docs/examples/*.cc)
MICRO_SRCS := $(filter-out $(if $(filter 0,$(WITH_ZLIB)),bench/micro/deflate_bench.cc),$(wildcard bench/micro/*.cc))
BENCH_TOOLS := $(filter-out bench/micro/%,$(wildcard bench/*.cc))

objects = $(patsubst %.cc,$(O)/%.o,$(1))
LIB := $(B)/libwsd.a

.PHONY: all
all: wsd $(LIB)

.DELETE_ON_ERROR:
.SUFFIXES:

# As many jobs as cores, unless the caller says -j. GNU make before 4.4 keeps -j out of MAKEFLAGS
# while it reads this file, but a shell sees what a make above has set. An own -j wins in any case.
ifeq ($(filter -j% --jobs%,$(MAKEFLAGS) $(shell printf '%s' "$$MAKEFLAGS")),)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif

# Always, so that ./wsd is the build asked for last, whichever of MODE and CXX is newer.
.PHONY: wsd
wsd: $(B)/wsd
	@ln -sfn $< $@

$(B)/wsd: $(call objects,src/daemon/main.cc $(APP_SRCS)) $(LIB)
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

$(LIB): $(call objects,$(LIB_SRCS))
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^

# The message path does without the part of hardening that costs it instructions (docs/SECURITY.md has
# the figures): memcpy is not fortified, and only functions with an array of bytes have a canary.
MESSAGE_PATH_SRCS := src/net/connection.cc src/net/connection_frames.cc src/net/outbound.cc src/server/server.cc \
  src/server/server_core.cc
ifneq ($(filter-out $(LIB_SRCS),$(MESSAGE_PATH_SRCS)),)
$(error MESSAGE_PATH_SRCS names a file that is not there: $(filter-out $(LIB_SRCS),$(MESSAGE_PATH_SRCS)))
endif
$(call objects,$(MESSAGE_PATH_SRCS)): FORTIFY_LEVEL :=
$(call objects,$(MESSAGE_PATH_SRCS)): HARDEN_CXXFLAGS := $(subst -strong,,$(HARDEN_CXXFLAGS))
# libstdc++'s assertions cost the message path 4 to 6 %. They are on in the daemon's own files and in the
# parsers of a handshake, which run once for each request.
ASSERTED_SRCS := $(APP_SRCS) $(foreach name,authority chunked_body client_handshake client_url deflate_response extension_list \
  deflate_offer forwarded handshake host http_request http_response_reader \
  origin proxy_header request_target trusted_proxies,src/protocol/$(name).cc)
ifneq ($(filter-out $(LIB_SRCS) $(APP_SRCS),$(ASSERTED_SRCS)),)
$(error ASSERTED_SRCS names a file that is not there: $(filter-out $(LIB_SRCS) $(APP_SRCS),$(ASSERTED_SRCS)))
endif
$(call objects,$(ASSERTED_SRCS)): HARDEN_CXXFLAGS += $(if $(HARDENED),-D_GLIBCXX_ASSERTIONS)
$(O)/src/protocol/accept_key.o: CXXFLAGS += $(CRYPTO_CFLAGS)
$(O)/src/protocol/deflate.o: CXXFLAGS += $(ZLIB_CFLAGS)
# What it takes in with .incbin, of which -MMD knows nothing.
PAGE_FILES := $(wildcard src/daemon/page/*)
$(O)/src/daemon/page/page.o: $(PAGE_FILES)

$(O)/%.o: %.cc | toolchain
	@mkdir -p $(@D)
	$(CXX) $(CPPFLAGS_ALL) $(CXXFLAGS_ALL) -c -o $@ $<

# One sentence where something is missing, not a page of compiler output.
.PHONY: toolchain
toolchain:
	@command -v $(CXX) >/dev/null 2>&1 || { echo "make: the compiler $(CXX) is missing: run 'make deps', or 'make CXX=...'" >&2; exit 1; }
	@[ -f $(O)/.libcrypto ] || { mkdir -p $(O); \
	  echo '#include <openssl/evp.h>' | $(CXX) $(CRYPTO_CFLAGS) -x c++ -fsyntax-only - 2>/dev/null \
	    && touch $(O)/.libcrypto \
	    || { echo "make: libcrypto's headers (openssl/evp.h) are missing: run 'make deps'" >&2; exit 1; }; }

## Tests

TEST_CPP = -Itests
# Tests are most of what there is to compile, and their own speed does not matter.
TEST_CXXFLAGS_release := -O0 -g1
TEST_CXXFLAGS_asan    := -O0
TEST_CXXFLAGS_tsan    := -O0
UNIT := $(B)/tests/unit
E2E  := $(B)/tests/e2e_tests
GTEST_SRCS := $(UNIT_SRCS) $(E2E_SRCS)
$(call objects,$(GTEST_SRCS) $(TEST_SUPPORT_SRCS) $(FAKE_REDIS_SRCS)): CPPFLAGS += $(TEST_CPP)
$(call objects,$(GTEST_SRCS) $(TEST_SUPPORT_SRCS)): CXXFLAGS += $(TEST_CXXFLAGS_$(MODE))

# gtest's header, which each of them includes, is a second to read: read once where nothing is
# optimized. (Where it is, GCC 12 no longer tells what is inlined from a system header, and warns of
# it.)
ifneq ($(TEST_CXXFLAGS_$(MODE)),)
GTEST_PCH := $(O)/tests/gtest_read/gtest_read.h.gch
$(call objects,$(GTEST_SRCS)): $(GTEST_PCH)
# By its path: clang looks for a precompiled header nowhere else.
$(call objects,$(GTEST_SRCS)): CPPFLAGS += -include $(basename $(GTEST_PCH))
$(GTEST_PCH): CXXFLAGS += $(TEST_CXXFLAGS_$(MODE)) $(if $(findstring clang,$(CXX)),-fpch-instantiate-templates)
$(GTEST_PCH): | toolchain
	@mkdir -p $(@D)
	echo '#include <gtest/gtest.h>' > $(basename $@)
	$(CXX) $(CXXFLAGS_ALL) -x c++-header -o $@ $(basename $@)
endif

$(UNIT): $(call objects,$(UNIT_SRCS) $(UNIT_SIM_SRCS) $(FAKE_REDIS_SRCS) $(APP_SRCS)) $(LIB)
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS_ALL) -o $@ $^ -lgtest -lgtest_main $(LIBS)

$(E2E): $(call objects,$(E2E_SRCS) $(TEST_SUPPORT_SRCS) $(FAKE_REDIS_SRCS)) $(LIB)
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS_ALL) -o $@ $^ -lgtest -lgtest_main $(LIBS)

# The conformance suite is a client of its own: it links nothing of src/. Its cases of compression
# need zlib, whether or not wsd is built with it.
WSCONFORM := $(B)/tests/wsconform
WSCONFORM_SRCS := $(wildcard tests/conformance/*.cc)
HAVE_ZLIB := $(shell pkg-config --exists zlib 2>/dev/null && echo 1 || echo 0)
$(call objects,$(WSCONFORM_SRCS)): CPPFLAGS += $(TEST_CPP) -DWSCONFORM_ZLIB=$(HAVE_ZLIB) $(shell pkg-config --cflags zlib 2>/dev/null)
$(call objects,$(WSCONFORM_SRCS)): CXXFLAGS += -g1
$(WSCONFORM): $(call objects,$(WSCONFORM_SRCS))
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS_ALL) -o $@ $^ $(shell pkg-config --libs zlib 2>/dev/null)

# The client under test is on the library.
ECHO_CLIENT := $(B)/tests/wsd_echo_client
$(ECHO_CLIENT): $(O)/tests/conformance/peers/wsd_echo_client.o $(LIB)
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

.PHONY: wsconform conformance check-conformance autobahn
wsconform: $(WSCONFORM) $(ECHO_CLIENT)
# PART=others|clients|wsd|terms|clients-all: a part of it.
check-conformance: $(B)/wsd wsconform
	@WSD_BINARY=$(B)/wsd WSCONFORM=$(WSCONFORM) ECHO_CLIENT=$(ECHO_CLIENT) tests/conformance/check $(PART)
conformance: wsd wsconform
	@WSCONFORM=$(WSCONFORM) tests/conformance/run wsd
autobahn: wsd wsconform
	@WSCONFORM=$(WSCONFORM) tests/autobahn/run

# What `make coverage` builds and runs; a folder's rules add theirs: COVERAGE_RUNS += && ...
COVERAGE_PROGRAMS := $(UNIT)
COVERAGE_RUNS     := $(UNIT) --gtest_brief=1

# What proves more than unit tests do has its rules in its own folder.
include $(wildcard tests/*/rules.mk)

$(B)/docs/examples/%: $(O)/docs/examples/%.o $(LIB)
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

.PHONY: examples unit-binary e2e-binary test-binaries check-binaries
examples: $(patsubst %.cc,$(B)/%,$(EXAMPLES))
unit-binary: $(UNIT)
e2e-binary: $(E2E)
test-binaries: $(UNIT) $(E2E) $(B)/wsd examples
check-binaries: $(WSCONFORM) $(ECHO_CLIENT) $(WSHOSTILE) $(MODEL) bench-binaries

# make unit TEST='Session.*' builds the tests, and runs those that the pattern matches.
.PHONY: unit e2e foreign engine engine-quick engine-failures engine-cluster engine-contract
TEST ?=
SANITIZED := $(filter asan tsan,$(MODE))
gtest = $(SANITIZED_ENV) LOGS=$${LOGS:-build/test-logs} TEST='$(or $(TEST),$(2))' \
  AGAIN='make $(or $(3),$(if $(SANITIZED),$(MODE)-,$(if $(filter-out release,$(MODE)),MODE=$(MODE) ))$(1))' \
  tests/gtest $(if $(filter-out release,$(MODE)),$(MODE)-)$(1)
# These tests, and the unit tests, wait for half of their time, so that two parts of them keep one core busy.
gtest_e2e = PARTS=2 WSD_BINARY=$(CURDIR)/$(B)/wsd WSD_EXAMPLES=$(CURDIR)/$(B)/docs/examples \
  $(gtest) $(or $(E2E_CLIENT),$(E2E))
# Tests that start programs of other projects. And those that wait for seconds, which once is
# enough for, or that measure memory, of which a sanitizer needs more.
FOREIGN_TESTS := Foreign*:*/Foreign*
# Tests that start redis-server. The quick ones wait for no timeout.
ENGINE_TESTS := Engine*:*/Engine*
ENGINE_QUICK_TESTS := EngineHarness.*:EngineQuick*
ENGINE_CLUSTER_TESTS := EngineCluster.*
# The Redis in memory against a real one. SEED=S repeats a run.
ENGINE_CONTRACT_TESTS := EngineContract.*
RELEASE_TESTS := Suspension.*:MemoryReturns.*:HistoryMemory.*

unit: $(UNIT)
	@PARTS=2 $(call gtest,unit,*) $(UNIT)
e2e: $(if $(E2E_CLIENT),,$(E2E)) $(B)/wsd examples
	@$(call gtest_e2e,e2e,-$(FOREIGN_TESTS):$(ENGINE_TESTS)$(if $(SANITIZED),:$(RELEASE_TESTS)))
foreign: $(E2E) $(B)/wsd
	@$(call gtest_e2e,foreign,$(FOREIGN_TESTS))
engine: $(E2E) $(B)/wsd
	@$(call gtest_e2e,engine,$(ENGINE_TESTS):-EngineTorture.*)
engine-quick: $(if $(E2E_CLIENT),,$(E2E)) $(B)/wsd
	@$(call gtest_e2e,engine-quick,$(ENGINE_QUICK_TESTS))
engine-failures: $(E2E) $(B)/wsd
	@$(call gtest_e2e,engine-failures,$(ENGINE_TESTS):-$(ENGINE_QUICK_TESTS):$(ENGINE_CONTRACT_TESTS):$(ENGINE_CLUSTER_TESTS):EngineTorture.*)
engine-cluster: $(E2E) $(B)/wsd
	@$(call gtest_e2e,engine-cluster,$(ENGINE_CLUSTER_TESTS))
engine-contract: $(E2E)
	@$(call gtest_e2e,engine-contract,$(ENGINE_CONTRACT_TESTS))

# asan-unit, asan-e2e, asan-engine-quick, and the same with tsan: these tests under a sanitizer, and
# asan-binaries, tsan-binaries build what they run. With clang if it has the runtime: it builds in half
# of the time, and two compilers judge the code. The end-to-end tests are the release build's client,
# and the sanitizer watches the server.
SANITIZING_CXX ?= $(if $(filter g++,$(CXX)),$(shell tests/deps --has fuzzer && echo clang++ || echo g++),$(CXX))
asan-% tsan-%:
	@$(MAKE) --no-print-directory MODE=$(firstword $(subst -, ,$@)) CXX=$(SANITIZING_CXX) E2E_CLIENT=$(E2E) $*
ifneq ($(SANITIZED),)
# A report ends the program at once, with a stack.
SANITIZED_ENV = WSD_TEST_SANITIZED=1 UBSAN_OPTIONS=$${UBSAN_OPTIONS:-print_stacktrace=1} \
  ASAN_OPTIONS=$${ASAN_OPTIONS:-detect_stack_use_after_return=1:detect_leaks=1} \
  TSAN_OPTIONS=$${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1}
else
asan-e2e tsan-e2e asan-engine-quick tsan-engine-quick: $(E2E)
endif
.PHONY: binaries asan tsan
binaries: $(UNIT) $(B)/wsd examples storm-binary $(if $(filter asan,$(MODE)),faults-binary)
asan tsan:
	@tests/run $@-unit $@-e2e

# The tests, in tiers: tests/steps has the table. EXCEPT=test leaves out what `make test` runs.
.PHONY: quick test check nightly check-install check-deb check-hardening check-nozlib
quick test check nightly:
	@tests/run $(if $(EXCEPT),--except $(EXCEPT)) $@
check-deb: $(B)/wsd
	@WSD=$(B)/wsd VERSION=0 tests/deploy/deb
check-hardening: $(B)/wsd
	@WSD=$(B)/wsd CXX=$(CXX) tests/deploy/hardening
check-install: all
	@CXX=$(CXX) tests/deploy/install
# The build without zlib is whole: it has its own tests, and does not compress.
check-nozlib: $(WSCONFORM)
	@$(MAKE) --no-print-directory WITH_ZLIB=0 $(O)-nozlib/wsd unit-binary
	@PARTS=2 AGAIN='make WITH_ZLIB=0 unit' tests/gtest nozlib-unit $(O)-nozlib/tests/unit
	@WSD_BINARY=$(O)-nozlib/wsd WSCONFORM=$(WSCONFORM) tests/conformance/run wsd --quiet --strict --exclude '12.*,13.*'

## Coverage: gcc's counters, gcov's figures, judged by tests/coverage/report

.PHONY: coverage coverage-run
coverage:
	@$(MAKE) --no-print-directory MODE=coverage CXX=g++ coverage-run
coverage-run: $(COVERAGE_PROGRAMS)
	@find $(O) -name '*.gcda' -delete
	@$(COVERAGE_RUNS)
	@tests/coverage/report $(O)

## Benchmarks

$(B)/bench/micro_bench: $(call objects,$(MICRO_SRCS)) $(LIB)
	$(CXX) $(LDFLAGS_ALL) -o $@ $^ -lbenchmark_main -lbenchmark $(LIBS)

$(B)/bench/%: $(O)/bench/%.o
	$(CXX) $(LDFLAGS_ALL) -o $@ $^

# wsload links nothing of src/; its mode of compression needs zlib, whether or not wsd has it.
WSLOAD_SRCS := $(wildcard bench/load/*.cc)
$(call objects,$(WSLOAD_SRCS) bench/wsload.cc): CPPFLAGS += -I. -DWSLOAD_ZLIB=$(HAVE_ZLIB) $(shell pkg-config --cflags zlib 2>/dev/null)
$(B)/bench/wsload: $(call objects,bench/wsload.cc $(WSLOAD_SRCS))
	$(CXX) $(LDFLAGS_ALL) -o $@ $^ $(shell pkg-config --libs zlib 2>/dev/null)

# The history log alone, with SQLite beside it where that is; nothing else uses SQLite.
HAVE_SQLITE := $(shell pkg-config --exists sqlite3 2>/dev/null && echo 1 || echo 0)
$(O)/bench/history_log.o: CPPFLAGS += -I. -DHISTORY_SQLITE=$(HAVE_SQLITE) $(shell pkg-config --cflags sqlite3 2>/dev/null)
$(B)/bench/history_log: $(O)/bench/history_log.o $(LIB)
	$(CXX) $(LDFLAGS_ALL) -o $@ $^ $(LIBS) $(shell pkg-config --libs sqlite3 2>/dev/null)

# Links Redis's scripts.
$(O)/bench/engine_client.o: CPPFLAGS += -I.
$(B)/bench/engine_client: $(O)/bench/engine_client.o $(LIB)
	$(CXX) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

# The hub alone, for callgrind.
$(B)/bench/publish: $(O)/bench/publish.o $(LIB)
	$(CXX) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

# Other servers to stand beside: each where its compiler or runtime is, none of them needed to build
# or test. npm's go into a folder of the build's own.
PEERS := build/peers
GOPATH_DEBIAN := /usr/share/gocode
.PHONY: bench-peers bench-compare bench-instructions
bench-peers:
	@mkdir -p $(PEERS)
	@tests/deps bench
	$(if $(UWS_DIR),,@echo 'bench-peers: no UWS_DIR: uWebSockets is left out')
	@if command -v npm >/dev/null; then npm install --silent --no-fund --no-audit --prefix $(PEERS) bun deno ws; \
	  else echo 'bench-peers: no npm: Bun, Deno and ws are left out'; fi
	@if command -v go >/dev/null && [ -d $(GOPATH_DEBIAN)/src/github.com/gorilla/websocket ]; then \
	  GOPATH=$(GOPATH_DEBIAN) GO111MODULE=off go build -o $(PEERS)/gorilla bench/peers/gorilla.go; \
	  else echo 'bench-peers: no golang-go and golang-github-gorilla-websocket-dev: gorilla is left out'; fi
	@if echo '#include <boost/beast.hpp>' | $(CXX) -std=c++20 -x c++ -fsyntax-only - 2>/dev/null; then \
	  $(CXX) -std=c++20 -O2 -DNDEBUG -pthread -o $(PEERS)/beast bench/peers/beast.cc; \
	  else echo 'bench-peers: no libboost-dev: Beast is left out'; fi
# uWebSockets has no package. UWS_DIR names its sources: a clone with its submodule uSockets, or a
# directory with both. The flags are those of its own build.
ifneq ($(UWS_DIR),)
UWS_FLAGS := -O3 -march=native -flto=auto -DLIBUS_NO_SSL \
  $(addprefix -I$(abspath $(UWS_DIR))/,src uWebSockets/src uSockets/src)
bench-peers bench-compare: $(PEERS)/uws
$(PEERS)/uws: bench/peers/uws.cc
	@mkdir -p $(PEERS)/usockets
	@cd $(PEERS)/usockets && $(CC) -std=c11 $(UWS_FLAGS) -c $(abspath $(wildcard $(UWS_DIR)/uSockets/src/*.c $(UWS_DIR)/uSockets/src/eventing/*.c))
	@$(CXX) -std=c++20 -w $(UWS_FLAGS) -o $@ $< $(PEERS)/usockets/*.o -lz
endif
bench-compare: $(B)/wsd bench-tools
	@WSD=$(B)/wsd TOOLS=$(B)/bench PEERS=$(PEERS) bench/compare
# For valgrind, which knows the instructions of x86-64-v3 and none beyond.
bench-instructions:
	@$(MAKE) --no-print-directory MODE=v3 CXX=g++ build/v3-g++/wsd
	@$(MAKE) --no-print-directory MODE=release bench-tools
	@WSD=build/v3-g++/wsd TOOLS=build/release-$(notdir $(CXX))/bench bench/instructions
# The figures in bench/instructions.figures are of the release build. instructions-figures writes them.
.PHONY: check-instructions instructions-figures
check-instructions: $(B)/wsd $(B)/bench/wsload
	@CXX=$(CXX) WSD=$(B)/wsd TOOLS=$(B)/bench bench/instructions --check bench/instructions.figures
instructions-figures: $(B)/wsd $(B)/bench/wsload
	@CXX=$(CXX) WSD=$(B)/wsd TOOLS=$(B)/bench bench/instructions --write bench/instructions.figures

.PHONY: bench bench-tools bench-binaries bench-micro bench-echo bench-idle bench-large bench-drain bench-history
# One after the other: each wants the machine for itself.
bench:
	@$(MAKE) --no-print-directory bench-echo && $(MAKE) --no-print-directory bench-idle && $(MAKE) --no-print-directory bench-large
bench-tools: $(patsubst %.cc,$(B)/%,$(BENCH_TOOLS))
bench-micro: $(B)/bench/micro_bench
	$<
bench-binaries: bench-tools $(B)/bench/micro_bench
bench-echo bench-idle bench-large: bench-%: $(B)/wsd bench-tools
	@WSD=$(B)/wsd TOOLS=$(B)/bench bench/$*

# 10,000 connections are drained over 10 s: how many in each second.
bench-drain: $(B)/wsd
	@WSD=$(B)/wsd bench/drain

# The log of histories: its cost, its delay, and how fast it is read back.
bench-history: $(B)/bench/history_log
	@TOOLS=$(B)/bench HAVE_SQLITE=$(HAVE_SQLITE) bench/history

# Rooms over two nodes on Redis.
.PHONY: bench-engine
bench-engine: $(B)/wsd $(B)/bench/engine_client $(B)/bench/engine_floor
	@WSD=$(B)/wsd TOOLS=$(B)/bench bench/engine

## Fuzzing: needs clang with libFuzzer's runtime
#
# The fuzzers link the objects of MODE=asan with clang++, which carry libFuzzer's coverage counters.
# LIB_FUZZING_ENGINE names another engine, as a library or as a flag. The fuzzers then lie in
# build/fuzz-$(CXX), and the caller's CXXFLAGS bring optimization, sanitizers and coverage.

FUZZ_SECONDS ?= 60
FUZZ_CXX ?= $(if $(LIB_FUZZING_ENGINE),$(CXX),clang++)
FUZZ_MODE := $(if $(LIB_FUZZING_ENGINE),fuzz,asan)
FUZZ_ENGINE := $(or $(LIB_FUZZING_ENGINE),-fsanitize=fuzzer)
FUZZ_B := build/fuzz$(if $(LIB_FUZZING_ENGINE),-$(notdir $(FUZZ_CXX)))
# The differential with wslay is built where wslay is; its package does not always bring a .pc file.
WITH_WSLAY ?= $(if $(shell pkg-config --exists libwslay 2>/dev/null && echo 1)$(wildcard /usr/include/wslay/wslay.h),1,0)
WSLAY_CFLAGS := $(shell pkg-config --cflags libwslay 2>/dev/null)
WSLAY_LIBS   := $(or $(shell pkg-config --libs libwslay 2>/dev/null),-lwslay)
FUZZ_UNUSED := $(if $(filter 0,$(WITH_WSLAY)),fuzz/wslay_fuzz.cc) $(if $(filter 0,$(WITH_ZLIB)),fuzz/deflate_fuzz.cc)
FUZZ_TARGETS := $(patsubst fuzz/%_fuzz.cc,%,$(filter-out $(FUZZ_UNUSED),$(FUZZ_SRCS)))
FUZZ_LEFT_OUT := $(patsubst fuzz/%_fuzz.cc,%,$(wildcard $(FUZZ_UNUSED)))
FUZZ_LIB_SRCS := $(filter src/base/% src/protocol/% src/hub/% src/engine/% src/net/send_queue.cc src/net/address.cc \
  src/server/check.cc src/server/option_name.cc src/server/router.cc,$(LIB_SRCS)) $(APP_SRCS)

# GCC has no such counters. Tests and examples do without them.
ifeq ($(MODE)$(findstring clang,$(if $(filter asan,$(MODE)),$(shell $(CXX) --version 2>/dev/null))),asanclang)
$(call objects,$(LIB_SRCS) $(APP_SRCS) $(FUZZ_SRCS)): MODE_FLAGS += -fsanitize=fuzzer-no-link
endif
$(call objects,$(FUZZ_SRCS)): CPPFLAGS += -Ifuzz -Itests $(ZLIB_CFLAGS) $(WSLAY_CFLAGS)

# An archive, so that each fuzzer takes only what it calls.
$(FUZZ_B)/libfuzzed.a: $(call objects,$(FUZZ_LIB_SRCS))
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^

$(FUZZ_B)/%_fuzz: $(O)/fuzz/%_fuzz.o $(FUZZ_B)/libfuzzed.a
	$(CXX) $(LDFLAGS_ALL) $(CXXFLAGS) -o $@ $^ $(FUZZ_ENGINE) $(LIBS)
$(FUZZ_B)/wslay_fuzz: LIBS += $(WSLAY_LIBS)

.PHONY: fuzz-binaries fuzz-programs fuzz fuzz-replay fuzz-left-out
fuzz-programs: $(patsubst %,$(FUZZ_B)/%_fuzz,$(FUZZ_TARGETS))
fuzz-binaries:
	@$(MAKE) --no-print-directory MODE=$(FUZZ_MODE) CXX='$(FUZZ_CXX)' fuzz-programs
fuzz-left-out:
	@$(foreach t,$(FUZZ_LEFT_OUT),echo 'fuzz: $(t) is left out: its library is not here';) true
fuzz: fuzz-binaries fuzz-left-out
	@FUZZ_B=$(FUZZ_B) fuzz/run $(FUZZ_SECONDS) $(FUZZ_TARGETS)
# Every seed once, without fuzzing. The canary replays an input that must crash it.
fuzz-replay: fuzz-binaries fuzz-left-out
	@FUZZ_B=$(FUZZ_B) fuzz/run 0 $(FUZZ_TARGETS)

## Checks

ALL_HEADERS := $(sort $(shell find include src -name '*.h'))
ALL_SOURCES := $(LIB_SRCS) $(APP_SRCS) src/daemon/main.cc
FORMATTED   := $(ALL_HEADERS) $(ALL_SOURCES) $(shell find tests fuzz bench docs -name '*.cc' -o -name '*.h' 2>/dev/null)

# CHANGED=1: only files that differ from the last commit or are new, and the .cc of such a header.
ifdef CHANGED
CHANGED_FILES := $(shell git diff --name-only HEAD; git ls-files --others --exclude-standard)
changed = $(filter $(CHANGED_FILES) $(CHANGED_FILES:.h=.cc),$(1))
else
changed = $(1)
endif

.PHONY: check-layers check-headers format check-format lint lint-units
check-layers:
	@tests/check_layers

# Where the .cc of the same name includes it first, each build is the proof.
HEADER_STAMPS := $(patsubst %,$(B)/headers/%.ok,$(ALL_HEADERS))
check-headers: $(HEADER_STAMPS)
	@echo "check-headers: $(words $(HEADER_STAMPS)) headers compile alone"
$(B)/headers/%.ok: % $(ALL_HEADERS)
	@mkdir -p $(@D)
	@if grep -m 1 '^#include' $(basename $<).cc 2>/dev/null | grep -q '["/]$(notdir $<)"'; then touch $@; \
	  else echo '#include "$(patsubst include/%,%,$(patsubst src/%,%,$<))"' \
	    | $(CXX) $(INCLUDES) -std=c++20 $(WARNINGS) -fsyntax-only -x c++ - && touch $@; fi

format:
	clang-format -i $(FORMATTED)
TO_FORMAT := $(call changed,$(FORMATTED))
check-format:
	@$(if $(TO_FORMAT),clang-format --dry-run -Werror $(TO_FORMAT),:) && echo "check-format: $(words $(TO_FORMAT)) files"

# Of clang-tidy's time most is the path analyzer's. It gives up on a function after so many states of
# it; clang's own default is 225000.
LINT_STATES ?= 10000
LINT := build/lint/$(LINT_STATES)
LINT_STAMPS := $(patsubst %,$(LINT)/%.ok,$(call changed,$(ALL_SOURCES)))
lint: $(LINT_STAMPS)
	@echo "lint: $(words $(LINT_STAMPS)) files"
$(LINT)/%.ok: % .clang-tidy $(ALL_HEADERS)
	@mkdir -p $(@D)
	@clang-tidy --quiet $(patsubst %,--extra-arg=%,-Xclang -analyzer-config -Xclang max-nodes=$(LINT_STATES)) \
	  $< -- -std=c++20 $(INCLUDES) 2>&1 | grep -v 'warnings generated' ; \
	  exit $${PIPESTATUS[0]:-0}
	@touch $@
# The same on all files, in less than half of the time, but without stamps.
lint-units:
	@LINT_INCLUDES='$(INCLUDES)' tests/lint_units $(LINT_STATES) $(ALL_SOURCES)
lint: SHELL := /bin/bash
$(LINT_STAMPS): SHELL := /bin/bash

## Installing

.PHONY: deps test-deps check-deps install uninstall clean help
deps:
	@tests/deps build
test-deps:
	@tests/deps test
check-deps:
	@tests/deps check

# STRIP=: installs with debugging information; a cross build names its own, STRIP=aarch64-linux-gnu-strip.
STRIP  ?= strip
LIBDIR ?= $(PREFIX)/lib
CMAKE_DIR := $(LIBDIR)/cmake/wsd

.PHONY: install-daemon install-library
install: install-daemon install-library

install-daemon: $(B)/wsd
	install -D -m 755 $(B)/wsd $(DESTDIR)$(PREFIX)/bin/wsd
	$(STRIP) $(DESTDIR)$(PREFIX)/bin/wsd

# Headers, archive, and what pkg-config and CMake's find_package(wsd) read.
install-library: $(LIB)
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(CMAKE_DIR) $(DESTDIR)$(PREFIX)/include/wsd
	install -m 644 $(LIB) $(DESTDIR)$(LIBDIR)/libwsd.a
	$(STRIP) --strip-debug --enable-deterministic-archives $(DESTDIR)$(LIBDIR)/libwsd.a
	install -m 644 include/wsd/*.h $(DESTDIR)$(PREFIX)/include/wsd/
	printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$(LIBDIR:$(PREFIX)/%=$${prefix}/%)' 'includedir=$${prefix}/include' '' \
	  'Name: wsd' 'Description: WebSocket server library (RFC 6455) over epoll' \
	  'Version: $(VERSION)' 'Libs: -L$${libdir} -lwsd $(LIBS) -pthread' 'Cflags: -I$${includedir}' \
	  > $(DESTDIR)$(LIBDIR)/pkgconfig/wsd.pc
	sed -e 's|@LIBDIR_TO_PREFIX@|$(shell realpath -ms --relative-to=$(LIBDIR) $(PREFIX))|' \
	  -e 's|@WITH_ZLIB@|$(WITH_ZLIB)|' docs/deploy/cmake/wsd-config.cmake.in > $(DESTDIR)$(CMAKE_DIR)/wsd-config.cmake
	sed -e 's|@VERSION@|$(VERSION)|' docs/deploy/cmake/wsd-config-version.cmake.in \
	  > $(DESTDIR)$(CMAKE_DIR)/wsd-config-version.cmake
	chmod 644 $(DESTDIR)$(LIBDIR)/pkgconfig/wsd.pc $(DESTDIR)$(CMAKE_DIR)/*.cmake

include docs/deploy/rules.mk
include docs/tutorial/rules.mk

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/wsd $(DESTDIR)$(LIBDIR)/libwsd.a $(DESTDIR)$(LIBDIR)/pkgconfig/wsd.pc
	rm -rf $(DESTDIR)$(PREFIX)/include/wsd $(DESTDIR)$(CMAKE_DIR)

clean:
	rm -rf build wsd

help:
	@printf '%s\n' \
	  'Build' \
	  '  make                  build ./wsd and libwsd.a, on all cores' \
	  '  make deps             install what make needs' \
	  '  make install          install under PREFIX=/usr/local, DESTDIR=, SYSCONFDIR=/etc; make uninstall removes it' \
	  '  make deb              build the Debian packages' \
	  '  make examples         build docs/examples and the tutorial' \
	  '  make clean            remove build/ and ./wsd' \
	  '' \
	  'Test' \
	  '  make unit             run the unit tests, or some: make unit TEST="Session.*"' \
	  '  make e2e              run the end-to-end tests, or some: make e2e TEST="Rooms.*"' \
	  '  make quick            check an edit: unit tests, 500 simulation seeds, format and lint of changed files' \
	  '  make test-deps        install GoogleTest and redis-server, which make test needs' \
	  '  make test             run unit and end-to-end tests, 2,000 simulation seeds, check generated files and make install' \
	  '  make check-deps       install what make check needs: clang, browsers, proxies, tools for documents' \
	  '  make check            run make test and all other checks; EXCEPT=test leaves out the steps of make test' \
	  '  make nightly          run the campaigns: 1,000,000 seeds, all faults, long fuzzing, full load, coverage, mutants' \
	  '  tests/run --list      list the steps of these tiers; tests/run STEP runs one, tests/run --failed runs what failed' \
	  '' \
	  'Test one thing' \
	  '  make engine           run the tests of rooms over several nodes on redis-server; TEST= as above' \
	  '  make torture          fail nodes, Redis and connections at random under 200 clients: SECONDS=60 SEED=1' \
	  '  make foreign          run the end-to-end tests with clients and proxies of other projects; TEST= as above' \
	  '  make wpt WPT=DIR      run the WebSocket tests of web-platform-tests, whose work tree is DIR, in Chromium' \
	  '  make asan, make tsan  run unit and end-to-end tests with a sanitizer; make asan-unit TEST= as above' \
	  '  make sim              run SEEDS=20000 seeds of the simulation, or one: SEED=7' \
	  '  make sim-history      run SEEDS=20000 lives of a server with a history log over a simulated disk, or one: SEED=7' \
  '  make sim-engine       run SEEDS=20000 services of several nodes over Redis servers in memory, or one: SEED=7' \
	  '  make sim-engine-kernel  run SEEDS=20000 services of several nodes over a simulated kernel and a Redis in memory, or one: SEED=7' \
	  '  make sim-client       run SEEDS=20000 conversations of clients and a server over one simulated kernel, or one: SEED=7' \
	  '  make sim-mutants      check that the simulation finds injected faults' \
	  '  make model            explore every interleaving of the lock-free headers' \
	  '  make faults           let system calls and allocations fail one by one; faults-all tries every way' \
	  '  make hostile          attack the daemon; HOSTILE=--quick is shorter' \
	  '  make rolling-restart  restart three servers in turn behind nginx' \
  '  make asan-storm, tsan-storm  call the whole public interface at random for SECONDS=10' \
	  '  make fuzz             run each fuzzer for FUZZ_SECONDS=60' \
	  '  make conformance      run the 517 cases of the Autobahn catalogue against ./wsd' \
	  '  make check-conformance  run the cases against wsd, two other servers, two clients, and programs with known faults' \
	  '  make autobahn         run the Autobahn suite itself, with wstest or Docker' \
	  '  make coverage         print the lines and branches of src/ that the tests run, by file' \
	  '' \
	  'Check sources and documents' \
	  '  make format           format the sources; check-format only checks them, CHANGED=1 only changed files' \
	  '  make lint             run clang-tidy; CHANGED=1 as above, LINT_STATES=225000 searches deeper' \
	  '  make lint-units       the same on all files, for `make check`: files of a folder together' \
	  '  make check-layers     check which folder includes which, by docs/ARCHITECTURE.md' \
	  '  make check-headers    check that each header compiles alone' \
	  '  make docs             write what is generated: manual page, completions, wsd.conf, tables, blocks of code' \
	  '  make check-docs       check that generated files are up to date, and count unplain words' \
	  '  make check-deploy     check units, manual page, completions and configuration' \
	  '  make check-tutorial   check the documents: code, transcripts, tables, links, diagrams, both languages' \
	  '  make tutorial         build the chat of docs/tutorial.md and the solutions of its exercises' \
	  '  make api-docs         build the API reference: build/api/html/index.html' \
	  '  make render-tutorial  render the documents with their diagrams: build/rendered' \
	  '  make screenshot       take the screenshots in docs/ again, with Chromium' \
	  '' \
	  'Measure' \
	  '  make bench            measure briefly: bench-echo, bench-idle, bench-large' \
	  '  make bench-micro      run the micro-benchmarks' \
	  '  make bench-drain      measure how evenly a drain closes 10,000 connections' \
	  '  make bench-engine     measure rooms over two nodes on redis-server' \
	  '  make bench-history    measure the history log beside SQLite, which make bench-peers gets' \
	  '  make bench-compare    compare wsd with other servers, which make bench-peers gets' \
	  '  make bench-instructions  count instructions per message with callgrind' \
  '  make check-instructions  compare them with bench/instructions.figures' \
  '  make instructions-figures  write bench/instructions.figures' \
	  '' \
	  'MODE=release|v3|debug|asan|tsan|coverage, CXX=g++|clang++ and WITH_ZLIB=0|1 choose the build.'

.SECONDARY:
-include $(shell find build -name '*.d' 2>/dev/null)
