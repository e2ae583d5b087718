# make history-kills: kills the daemon 100 times under load in each mode. `make e2e` has 10 rounds.

.PHONY: history-kills
history-kills: export WSD_KILL_ROUNDS ?= 100
history-kills:
	@$(MAKE) --no-print-directory e2e TEST='HistoryKill.*'
