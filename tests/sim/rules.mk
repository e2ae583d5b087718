# The deterministic simulation: the server's unchanged objects over a simulated kernel.

SIM := $(B)/tests/wsd_sim
SIM_SRCS := $(wildcard tests/sim/*.cc)
# The calls of the server that the simulated kernel answers (tests/sim/system_calls.cc).
SIM_CALLS := socket bind listen getsockname setsockopt getsockopt fstat fcntl connect accept4 wsd_recv wsd_send sendmsg shutdown ioctl close eventfd \
  write epoll_create1 epoll_ctl epoll_wait clock_gettime \
  wsd_random_word wsd_random_bytes
SIM_HUB_CALLS := wsd_append_to_room
SIM_SERVER_SRCS := $(filter src/base/% src/protocol/% src/hub/% src/engine/% src/net/%,$(LIB_SRCS))
$(call objects,$(SIM_SRCS)): CPPFLAGS += $(TEST_CPP)

$(SIM): $(call objects,$(SIM_SRCS) $(SIM_SERVER_SRCS))
	@tests/support/check_wraps '$(SIM_CALLS) $(SIM_HUB_CALLS)' $(call objects,$(SIM_SERVER_SRCS))
	$(CXX) $(LDFLAGS_ALL) $(foreach call,$(SIM_CALLS) $(SIM_HUB_CALLS),-Wl,--wrap=$(call)) -o $@ $^ $(LIBS)

SEEDS ?= 20000
.PHONY: sim sim-binary
sim-binary: $(SIM)
sim: $(SIM)
	@$(if $(SEED),$(SIM) --seed $(SEED),$(SIM) --seeds $(SEEDS))

.PHONY: sim-mutants
sim-mutants:
	@tests/sim/mutants

# A few runs are enough: later runs reach hardly any new lines.
COVERAGE_PROGRAMS += $(SIM)
COVERAGE_RUNS += && $(SIM) --seeds 500

## The history log: lives of a server over a simulated disk, which forgets what was not synced

SIM_HISTORY := $(B)/tests/wsd_history_sim
SIM_HISTORY_SRCS := $(filter-out %_test.cc,$(wildcard tests/sim/history/*.cc)) tests/sim/fiber.cc tests/sim/seeds.cc tests/sim/trace.cc
# The calls of the log that the simulated disk answers (tests/sim/history/disk_calls.cc). The real
# kernel answers those of epoll and of eventfds.
SIM_HISTORY_CALLS := openat close mkdirat flock fstatfs statx getdents64 pread pwrite fdatasync fsync ftruncate unlinkat \
  pthread_mutex_lock clock_gettime wsd_random_word
$(call objects,$(wildcard tests/sim/history/*.cc)): CPPFLAGS += $(TEST_CPP)

$(SIM_HISTORY): $(call objects,$(SIM_HISTORY_SRCS)) $(LIB)
	@mkdir -p $(@D)
	@tests/support/check_wraps '$(SIM_HISTORY_CALLS)' $(call objects,$(filter src/server/% src/net/clock.cc src/base/%,$(LIB_SRCS)))
	$(CXX) $(LDFLAGS_ALL) $(foreach call,$(SIM_HISTORY_CALLS),-Wl,--wrap=$(call)) -o $@ $^ $(LIBS)

.PHONY: sim-history sim-history-binary
sim-history-binary: $(SIM_HISTORY)
sim-history: $(SIM_HISTORY)
	@$(if $(SEED),$(SIM_HISTORY) --seed $(SEED),$(SIM_HISTORY) --seeds $(SEEDS))

COVERAGE_PROGRAMS += $(SIM_HISTORY)
COVERAGE_RUNS += && $(SIM_HISTORY) --seeds 300

## The engine: nodes over Redis servers in memory

SIM_ENGINE := $(B)/tests/wsd_engine_sim
SIM_ENGINE_SRCS := $(wildcard tests/sim/engine/*.cc) tests/sim/engine_kernel/allocation_operators.cc tests/sim/seeds.cc tests/sim/trace.cc $(filter src/base/% src/hub/% src/engine/%,$(LIB_SRCS))
# Allocations can fail.
SIM_ENGINE_CALLS := wsd_random_word malloc realloc
$(call objects,$(wildcard tests/sim/engine/*.cc) tests/sim/engine_kernel/allocation_operators.cc): CPPFLAGS += $(TEST_CPP)

$(SIM_ENGINE): $(call objects,$(SIM_ENGINE_SRCS) $(FAKE_REDIS_SRCS))
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS_ALL) $(foreach call,$(SIM_ENGINE_CALLS),-Wl,--wrap=$(call)) -o $@ $^ $(LIBS)

.PHONY: sim-engine sim-engine-binary
sim-engine-binary: $(SIM_ENGINE)
sim-engine: $(SIM_ENGINE)
	@$(if $(SEED),$(SIM_ENGINE) --seed $(SEED),$(SIM_ENGINE) --seeds $(SEEDS))

COVERAGE_PROGRAMS += $(SIM_ENGINE)
COVERAGE_RUNS += && $(SIM_ENGINE) --seeds 300

## The engine in the simulated kernel: nodes whose sockets lead to a Redis in memory

SIM_ENGINE_KERNEL := $(B)/tests/wsd_engine_kernel_sim
SIM_ENGINE_KERNEL_SRCS := $(wildcard tests/sim/engine_kernel/*.cc) tests/sim/engine/engine_oracle.cc \
  $(addprefix tests/sim/,fiber.cc kernel.cc kernel_connect.cc seeds.cc system_calls.cc trace.cc) \
  $(SIM_SERVER_SRCS) src/server/redis_setup.cc
# Those of the kernel, and the allocations that can fail (tests/sim/engine_kernel/allocation_operators.cc).
SIM_ENGINE_KERNEL_CALLS := $(SIM_CALLS) malloc realloc
$(call objects,$(wildcard tests/sim/engine_kernel/*.cc)): CPPFLAGS += $(TEST_CPP)

$(SIM_ENGINE_KERNEL): $(call objects,$(SIM_ENGINE_KERNEL_SRCS) $(FAKE_REDIS_SRCS))
	@mkdir -p $(@D)
	@tests/support/check_wraps '$(SIM_ENGINE_KERNEL_CALLS)' $(call objects,$(SIM_SERVER_SRCS))
	$(CXX) $(LDFLAGS_ALL) $(foreach call,$(SIM_ENGINE_KERNEL_CALLS),-Wl,--wrap=$(call)) -o $@ $^ $(LIBS)

.PHONY: sim-engine-kernel sim-engine-kernel-binary
sim-engine-kernel-binary: $(SIM_ENGINE_KERNEL)
sim-engine-kernel: $(SIM_ENGINE_KERNEL)
	@$(if $(SEED),$(SIM_ENGINE_KERNEL) --seed $(SEED),$(SIM_ENGINE_KERNEL) --seeds $(SEEDS))

COVERAGE_PROGRAMS += $(SIM_ENGINE_KERNEL)
COVERAGE_RUNS += && $(SIM_ENGINE_KERNEL) --seeds 300

## The client: the library's client and its server over the simulated kernel

SIM_CLIENT := $(B)/tests/wsd_client_sim
SIM_CLIENT_SRCS := $(wildcard tests/sim/client/*.cc) \
  $(addprefix tests/sim/,fiber.cc kernel.cc kernel_connect.cc seeds.cc system_calls.cc trace.cc)
# Those of the kernel, and Reactor::run(), which a fiber calls (tests/sim/client/captured_reactors.cc).
SIM_CLIENT_CALLS := $(SIM_CALLS) _ZN3wsd3net7Reactor3runEv
$(call objects,$(wildcard tests/sim/client/*.cc)): CPPFLAGS += $(TEST_CPP)

$(SIM_CLIENT): $(call objects,$(SIM_CLIENT_SRCS)) $(LIB)
	@mkdir -p $(@D)
	@tests/support/check_wraps '$(SIM_CLIENT_CALLS)' $(call objects,$(LIB_SRCS))
	$(CXX) $(LDFLAGS_ALL) $(foreach call,$(SIM_CLIENT_CALLS),-Wl,--wrap=$(call)) -o $@ $^ $(LIBS)

.PHONY: sim-client sim-client-binary
sim-client-binary: $(SIM_CLIENT)
sim-client: $(SIM_CLIENT)
	@$(if $(SEED),$(SIM_CLIENT) --seed $(SEED),$(SIM_CLIENT) --seeds $(SEEDS))

COVERAGE_PROGRAMS += $(SIM_CLIENT)
COVERAGE_RUNS += && $(SIM_CLIENT) --seeds 300
