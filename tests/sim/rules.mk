# The deterministic simulation: the server's unchanged objects over a simulated kernel.

SIM := $(B)/tests/wsd_sim
SIM_SRCS := $(wildcard tests/sim/*.cc)
# The calls of the server that the simulated kernel answers (tests/sim/system_calls.cc).
SIM_CALLS := socket bind listen getsockname setsockopt getsockopt fstat fcntl accept4 wsd_recv wsd_send sendmsg shutdown ioctl close eventfd \
  write epoll_create1 epoll_ctl epoll_wait clock_gettime \
  wsd_random_word wsd_append_to_room
SIM_SERVER_SRCS := $(filter src/base/% src/protocol/% src/hub/% src/net/%,$(LIB_SRCS))
$(call objects,$(SIM_SRCS)): CPPFLAGS += $(TEST_CPP)

$(SIM): $(call objects,$(SIM_SRCS) $(SIM_SERVER_SRCS))
	@tests/support/check_wraps '$(SIM_CALLS)' $(call objects,$(SIM_SERVER_SRCS))
	$(CXX) $(LDFLAGS_ALL) $(foreach call,$(SIM_CALLS),-Wl,--wrap=$(call)) -o $@ $^ $(LIBS)

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
