# The web-platform-tests of WebSocket in Chromium, against a server on the library. WPT names a work
# tree of https://github.com/web-platform-tests/wpt, which is not part of this project.
# ONLY=TEXT runs the tests whose paths contain TEXT.
WPT_SERVER := $(B)/tests/wpt_server
$(WPT_SERVER): $(call objects,tests/wpt/server.cc) $(LIB)
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

.PHONY: wpt
wpt: $(WPT_SERVER)
	@[ -d "$(WPT)/websockets" ] || { echo "make: name a work tree of web-platform-tests: make wpt WPT=DIR" >&2; exit 1; }
	@[ -n "$(CHROMIUM)" ] || { echo "make: a Chromium is missing: run 'make check-deps', or 'make CHROMIUM=...'" >&2; exit 1; }
	@node tests/wpt/run.cjs $(CHROMIUM) $(WPT_SERVER) $(WPT) $(ONLY)
