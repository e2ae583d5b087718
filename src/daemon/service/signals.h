// The signals of the daemon. SIGTERM and SIGINT end it, SIGHUP reloads it. sigwait() receives them
// on the main thread, so that no handler runs. All functions: main thread only.
#pragma once

#include <csignal>

namespace wsd::daemon {

// Blocks the signals on this thread and on the threads that it starts later. Returns the set of
// them, for sigwait(). Also ignores SIGPIPE and SIGXFSZ.
[[nodiscard]] sigset_t block_signals();

// While this object exists, SIGTERM and SIGINT end the process at once, although the signals are
// blocked otherwise, and even if it is process 1 of a container. For work before the service that
// may block, such as a look-up of a name. Starts no thread meanwhile: it would inherit the mask.
class KillableScope {
 public:
  KillableScope();
  KillableScope(const KillableScope&) = delete;
  KillableScope& operator=(const KillableScope&) = delete;
  ~KillableScope();
};

// Restores the kernel's default action, so that a second signal ends the process at once.
void let_signals_kill();

}  // namespace wsd::daemon
