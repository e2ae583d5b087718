# The whole public interface, called at random from handlers and threads. `make asan-storm` and
# `make tsan-storm` run it under a sanitizer.

STORM := $(B)/tests/wsd_storm
STORM_SRCS := $(wildcard tests/storm/*.cc)
$(call objects,$(STORM_SRCS)): CPPFLAGS += $(TEST_CPP)

$(STORM): $(call objects,$(STORM_SRCS)) $(LIB)
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

# bash has a variable of this name too, but does not export it.
SECONDS ?= 10
.PHONY: storm storm-binary
storm-binary: $(STORM)
storm: $(STORM)
	@$(SANITIZED_ENV) $(STORM) --seconds $(SECONDS) --seed $(or $(SEED),1)
