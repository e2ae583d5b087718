# make faults: runs the server and makes its system calls and allocations fail one at a time.

FAULTS_SRCS := $(wildcard tests/faults/*.cc)
FAULTS_BIN  := $(B)/tests/faults_tests
FAULTS_WRAPPED := wsd_recv wsd_send sendmsg accept4 epoll_wait epoll_ctl epoll_create1 eventfd write shutdown \
  setsockopt close socket bind listen malloc realloc inflateInit2_ deflateInit2_ wsd_reactor_attached

$(call objects,$(FAULTS_SRCS)): CPPFLAGS += -Itests

$(FAULTS_BIN): $(call objects,$(FAULTS_SRCS)) $(LIB)
	@tests/support/check_wraps '$(FAULTS_WRAPPED)' $^
	$(CXX) $(LDFLAGS_ALL) $(patsubst %,-Wl$(comma)--wrap=%,$(FAULTS_WRAPPED)) -o $@ $^ -lgtest -lgtest_main $(LIBS)
comma := ,

.PHONY: faults-binary faults-program faults faults-all
faults-binary: $(FAULTS_BIN)
faults-program: $(FAULTS_BIN)
	@PARTS=2 $(call gtest,$(FAULTS),*,$(FAULTS)) $(FAULTS_BIN)
# Under AddressSanitizer, which also finds leaks and use after free. `faults` fails each call in a
# third of the possible ways, `faults-all` in all of them.
faults: export FAULTS_STRIDE ?= 3
faults-all: export FAULTS_STRIDE := 1
faults faults-all:
	@$(MAKE) --no-print-directory FAULTS=$@ asan-faults-program

COVERAGE_PROGRAMS += $(FAULTS_BIN)
COVERAGE_RUNS += && FAULTS_STRIDE=9 $(FAULTS_BIN) --gtest_brief=1
