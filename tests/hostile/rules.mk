# Hostile load on the daemon: an attacker and an honest client, neither linked with src/.
WSHOSTILE := $(B)/tests/wshostile
WSHOSTILE_SRCS := $(wildcard tests/hostile/*.cc) tests/support/subprocess.cc tests/support/patience.cc tests/support/wire.cc
$(call objects,$(wildcard tests/hostile/*.cc)): CPPFLAGS += -Itests
$(WSHOSTILE): $(call objects,$(WSHOSTILE_SRCS))
	$(CXX) $(LDFLAGS_ALL) -o $@ $^

# HOSTILE='--quick --only stalled_members' passes flags on.
.PHONY: wshostile hostile
wshostile: $(WSHOSTILE)
hostile: $(B)/wsd wshostile
	@WSD_BINARY=$(B)/wsd $(WSHOSTILE) $(HOSTILE)
