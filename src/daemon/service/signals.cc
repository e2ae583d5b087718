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

// The default action comes first, so that the parent sees the signal. The kernel does not apply it
// to process 1 of a container (pid_namespaces(7)), which ends itself instead.
extern "C" {
static void end_at_once(int number) {
  static_cast<void>(::raise(number));  // SA_RESETHAND: the action is the default one
  ::_exit(kExitBySignal + number);
}
}

sigset_t block_signals() {
  const sigset_t signals = set_of({SIGINT, SIGTERM, SIGHUP});
  static_cast<void>(::pthread_sigmask(SIG_BLOCK, &signals, nullptr));
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  return signals;
}

KillableScope::KillableScope() { let_signals_kill(); }

KillableScope::~KillableScope() {
  const sigset_t signals = set_of({SIGINT, SIGTERM});
  static_cast<void>(::pthread_sigmask(SIG_BLOCK, &signals, nullptr));
}

void let_signals_kill() {
  struct sigaction action {};
  action.sa_handler = &end_at_once;
  action.sa_flags = static_cast<int>(SA_NODEFER | SA_RESETHAND);
  for (const int number : {SIGINT, SIGTERM}) {
    static_cast<void>(::sigaction(number, &action, nullptr));
  }
  const sigset_t signals = set_of({SIGINT, SIGTERM});
  static_cast<void>(::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr));
}

}  // namespace wsd::daemon
