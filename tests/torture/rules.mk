# Judging the log of clients: tests/torture/check_log proves that it can fail.
.PHONY: check-log-test torture
check-log-test:
	@tests/torture/check_log_test

# Three nodes, 200 clients and faults at random: make torture SECONDS=60 SEED=1. WSD_TORTURE_LOG=FILE
# keeps the log of a run that failed.
TORTURE_SECONDS = $(if $(filter file undefined,$(origin SECONDS)),60,$(SECONDS))
torture: export WSD_TORTURE_SECONDS = $(TORTURE_SECONDS)
torture: export WSD_TORTURE_SEED = $(or $(SEED),1)
torture: $(E2E) $(B)/wsd
	@WSD_BINARY=$(CURDIR)/$(B)/wsd $(E2E) --gtest_brief=1 --gtest_filter='EngineTorture.*'
