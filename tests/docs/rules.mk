# Checks the documents; see tests/docs/check.

.PHONY: check-tutorial docs-text api-docs render-tutorial
check-tutorial: wsd tutorial
	@BUILD=$(B) tests/docs/check

# Rewrites tables, code blocks and the output of transcripts, but no sentences.
docs: docs-text
docs-text: wsd tutorial
	@BUILD=$(B) tests/docs/check --write

# Warnings are errors: an undocumented public name, or a comment that Doxygen cannot parse.
api-docs:
	@rm -rf build/api
	@doxygen docs/api/Doxyfile
	@echo "api-docs: build/api/html/index.html, $$(ls build/api/html/*.html | wc -l) pages"

# For visual review. Needs chromium, and the node modules that `make check-deps` installs in build/node.
render-tutorial:
	@node tests/docs/render.mjs

# Whether sentences are plain: tests/docs/prose says what it counts.
.PHONY: check-prose
check-prose: $(B)/wsd
	@BUILD=$(B) tests/docs/prose
check-docs: check-prose
