# Screenshots of the page for README.md and docs/OPERATING.md. Needs Chromium and node.
CHROMIUM ?= $(firstword $(foreach name,chromium chromium-browser google-chrome,$(shell command -v $(name) 2>/dev/null)))
.PHONY: screenshot
screenshot: $(B)/wsd
	@[ -n "$(CHROMIUM)" ] || { echo "make: a Chromium is missing: run 'make check-deps', or 'make CHROMIUM=...'" >&2; exit 1; }
	@node tests/page/screenshot.cjs $(CHROMIUM) $(B)/wsd docs
