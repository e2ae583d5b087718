# The files of a system besides the program and the library: manual page, completions, units,
# configuration. The Debian packages contain all of them.

# Files that are made from the flag table, as FILE:WHAT for `wsd --print WHAT`.
PRINTED := docs/wsd.8:man docs/completions/wsd.bash:bash docs/completions/_wsd:zsh \
  docs/completions/wsd.fish:fish docs/deploy/wsd.conf:config

.PHONY: docs check-docs check-printed
docs: $(B)/wsd
	@for each in $(PRINTED); do $(B)/wsd --print "$${each##*:}" > "$${each%%:*}" || exit 1; done
# Needs no Python, unlike the rest of check-docs, so that `make test` can run it anywhere.
check-docs: check-printed
check-printed: $(B)/wsd
	@for each in $(PRINTED); do \
	  $(B)/wsd --print "$${each##*:}" | cmp -s - "$${each%%:*}" \
	    || { echo "check-printed: $${each%%:*} is not what the flags say: run 'make docs'" >&2; exit 1; }; \
	done; echo "check-printed: $(words $(PRINTED)) files are what the flags say"

.PHONY: check-deploy
check-deploy: $(B)/wsd
	@WSD=$(B)/wsd tests/deploy/check

SYSCONFDIR ?= $(if $(filter /usr /usr/local,$(PREFIX)),/etc,$(PREFIX)/etc)
ROOT    := $(DESTDIR)$(PREFIX)
UNITS   := $(ROOT)/lib/systemd/system
CONFIG  := $(DESTDIR)$(SYSCONFDIR)/wsd/wsd.conf
MAN     := $(ROOT)/share/man/man8/wsd.8
BASH_COMPLETION := $(ROOT)/share/bash-completion/completions/wsd
ZSH_COMPLETION  := $(ROOT)/share/zsh/site-functions/_wsd
FISH_COMPLETION := $(ROOT)/share/fish/vendor_completions.d/wsd.fish
DOC     := $(ROOT)/share/doc/wsd

.PHONY: install-service uninstall-service
install: install-service
uninstall: uninstall-service

# An existing configuration belongs to the operator, so it stays.
install-service:
	install -D -m 644 docs/wsd.8 $(MAN)
	install -D -m 644 docs/completions/wsd.bash $(BASH_COMPLETION)
	install -D -m 644 docs/completions/_wsd $(ZSH_COMPLETION)
	install -D -m 644 docs/completions/wsd.fish $(FISH_COMPLETION)
	install -D -m 644 docs/deploy/wsd.conf $(DOC)/wsd.conf
	[ -e $(CONFIG) ] || install -D -m 644 docs/deploy/wsd.conf $(CONFIG)
	install -d $(UNITS)
	for unit in wsd.service wsd.socket; do \
	  sed -e 's|/usr/bin/wsd|$(PREFIX)/bin/wsd|' -e 's|/etc/wsd|$(SYSCONFDIR)/wsd|' \
	    docs/deploy/$$unit > $(UNITS)/$$unit && chmod 644 $(UNITS)/$$unit || exit 1; \
	done

uninstall-service:
	if cmp -s $(CONFIG) $(DOC)/wsd.conf; then rm -f $(CONFIG); fi
	rm -f $(MAN) $(BASH_COMPLETION) $(ZSH_COMPLETION) $(FISH_COMPLETION)
	rm -f $(DOC)/wsd.conf $(UNITS)/wsd.service $(UNITS)/wsd.socket
	rmdir $(DOC) $(dir $(CONFIG)) 2>/dev/null || true

# `+`: the script runs make for the library.
.PHONY: deb
deb: $(B)/wsd $(LIB)
	+@WSD=$(B)/wsd VERSION=$(VERSION) CXX='$(CXX)' STRIP='$(STRIP)' docs/deploy/deb/build $(B)/wsd.deb
