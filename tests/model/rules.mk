# make model: explores every interleaving of the lock-free headers and of their mutants.

MODEL := $(B)/tests/model/explore
MODEL_SRCS := $(wildcard tests/model/*.cc)
MODEL_OBJS := $(call objects,$(MODEL_SRCS))
MODEL_MUTANTS := $(B)/generated/model/mutants.h

# The explorer switches stacks by longjmp, which a fortified libc treats as an error. It also checks
# the assertions of the headers.
$(MODEL_OBJS): CPPFLAGS += $(TEST_CPP) -I$(B)/generated -DWSD_DEBUG -U_FORTIFY_SOURCE
# A shadow stack would prevent these switches.
$(MODEL_OBJS): SHADOW_STACK_CXXFLAGS := $(subst return,none,$(SHADOW_STACK_CXXFLAGS))
$(MODEL): SHADOW_STACK_LDFLAGS :=
$(B)/tests/model/mutants.o: $(MODEL_MUTANTS)

$(MODEL_MUTANTS): tests/model/mutate tests/support/edit_once.bash src/hub/mailbox.h src/hub/flow_gate.h src/base/reference_count.h
	@mkdir -p $(@D)
	tests/model/mutate $@

$(MODEL): $(MODEL_OBJS)
	$(CXX) $(LDFLAGS_ALL) -o $@ $^

.PHONY: model
ifneq ($(filter asan tsan,$(MODE)),)
model:
	@echo 'make model: not with MODE=$(MODE), which does not follow it from stack to stack' >&2; exit 1
else
model: $(MODEL)
	@$<
endif
