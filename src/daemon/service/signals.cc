#include "daemon/service/signals.h"

#include <pthread.h>
#include <unistd.h>

#include <initializer_list>

namespace wsd::daemon {
namespace {

sigset_t set_of(std::initializer_list<int> numbers) {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : numbers) sigaddset(&set, number);
  return set;
}

constexpr int kExitBySignal = 128;  // as a shell reports it

}  // namespace

extern "C" {
static void end_process(int number) { ::_exit(kExitBySignal + number); }
}

sigset_t block_signals() {
  const sigset_t signals = set_of({SIGINT, SIGTERM, SIGHUP});
  static_cast<void>(::pthread_sigmask(SIG_BLOCK, &signals, nullptr));
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  // A file of the history log at the limit of RLIMIT_FSIZE is an error of the write, like a full
  // disk, and no reason to end.
  static_cast<void>(std::signal(SIGXFSZ, SIG_IGN));
  return signals;
}

KillableScope::KillableScope() { let_signals_kill(); }

KillableScope::~KillableScope() {
  const sigset_t signals = set_of({SIGINT, SIGTERM});
  static_cast<void>(::pthread_sigmask(SIG_BLOCK, &signals, nullptr));
}

// The kernel does not apply the default action to process 1 of a container (pid_namespaces(7)),
// which therefore ends itself.
void let_signals_kill() {
  const auto action = ::getpid() == 1 ? &end_process : SIG_DFL;
  for (const int number : {SIGINT, SIGTERM}) static_cast<void>(std::signal(number, action));
  const sigset_t signals = set_of({SIGINT, SIGTERM});
  static_cast<void>(::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr));
}

}  // namespace wsd::daemon
