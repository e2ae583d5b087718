# What the documents say is looked at: tests/docs/check says how.

.PHONY: check-tutorial docs-text api-docs render-tutorial
check-tutorial: wsd tutorial
	@BUILD=$(B) tests/docs/check

# Tables, blocks of code and what transcripts print are rewritten; sentences are not.
docs: docs-text
docs-text: wsd tutorial
	@BUILD=$(B) tests/docs/check --write

# Warnings are errors: a public thing without a comment, a comment that cannot be followed.
api-docs:
	@rm -rf build/api
	@doxygen docs/api/Doxyfile
	@echo "api-docs: build/api/html/index.html, $$(ls build/api/html/*.html | wc -l) pages"

# To look at: wants chromium, and what `make check-deps` brings into build/node.
render-tutorial:
	@node tests/docs/render.mjs
