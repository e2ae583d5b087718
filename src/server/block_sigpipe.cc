#include "server/block_sigpipe.h"

#include <ctime>

namespace wsd::server {
namespace {

sigset_t only_sigpipe() noexcept {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  return set;
}

bool is_pending() noexcept {
  sigset_t pending;
  return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}

}  // namespace

BlockSigpipe::BlockSigpipe() noexcept : was_pending_(is_pending()) {
  const sigset_t set = only_sigpipe();
  static_cast<void>(pthread_sigmask(SIG_BLOCK, &set, &before_));
}

BlockSigpipe::~BlockSigpipe() {
  if (!was_pending_ && is_pending()) {
    // The kernel sends SIGPIPE to the thread that writes (pipe(7)), so this takes that signal.
    const sigset_t set = only_sigpipe();
    const timespec at_once{};
    static_cast<void>(sigtimedwait(&set, nullptr, &at_once));
  }
  static_cast<void>(pthread_sigmask(SIG_SETMASK, &before_, nullptr));
}

}  // namespace wsd::server
