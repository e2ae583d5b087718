# The tutorial's chat and the solutions of its exercises. They use only the public headers and
# libwsd.a, which is all that `make install` gives to a reader.

CHAT := $(B)/docs/tutorial/chat
CHAT_SRCS := $(wildcard docs/tutorial/*.cc)
SOLUTIONS := $(patsubst %.cc,$(B)/%,$(wildcard docs/tutorial/solutions/*.cc))
$(call objects,$(wildcard docs/tutorial/solutions/*.cc)): CPPFLAGS += -Idocs/tutorial

$(CHAT): $(call objects,$(CHAT_SRCS)) $(LIB)
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)
$(B)/docs/tutorial/solutions/%: $(O)/docs/tutorial/solutions/%.o $(O)/docs/tutorial/serve.o $(LIB)
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

.PHONY: tutorial
tutorial: $(CHAT) $(SOLUTIONS)
examples: tutorial
