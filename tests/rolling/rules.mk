# Three servers restarted in turn behind nginx, under load. ROLLING='--drain-delay 5s' passes flags on.
.PHONY: rolling-restart
rolling-restart: $(B)/wsd
	@tests/rolling/rolling_restart.py $(B)/wsd $(ROLLING)
