#include "server/signal_watch.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <stdexcept>
#include <system_error>

namespace wsd::server {
namespace {

// The state of the handler. A handler may still run on another thread when its SignalWatch is gone,
// so the descriptor stays open as long as the process.
std::atomic<bool> watched{false};
std::atomic<int> wake_fd{-1};
std::atomic<pid_t> owner{0};  // the process that waits
std::atomic<bool> signalled{false};
// signal-safety(7); pid_t is an int
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

void wake() noexcept {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(wake_fd.load(), &one, sizeof(one)));
}

// Ends the process by the default action of the signal, so that its parent learns the number.
void end_by(int number) noexcept {
  // The kernel ignores the default action in process 1 of a container (pid_namespaces(7)).
  constexpr int kExitBySignal = 128;  // as a shell reports it
  if (::getpid() == 1) ::_exit(kExitBySignal + number);
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  static_cast<void>(::sigaction(number, &action, nullptr));
  static_cast<void>(::raise(number));  // takes effect when the handler returns
}

}  // namespace

extern "C" {
static void wsd_on_end_signal(int number) {
  const int error = errno;
  if (::getpid() != owner.load() || signalled.exchange(true)) {
    end_by(number);
  } else {
    wake();
  }
  errno = error;
}
}

SignalWatch::SignalWatch() {
  if (watched.exchange(true)) {
    throw std::logic_error("run_until_signal() is running: call it for one server at a time");
  }
  if (wake_fd.load() < 0) wake_fd.store(::eventfd(0, EFD_CLOEXEC));
  if (wake_fd.load() < 0) {
    const int error = errno;
    watched.store(false);
    throw std::system_error(error, std::generic_category(), "cannot create an eventfd");
  }
  signalled.store(false);
  owner.store(::getpid());
  struct sigaction action {};
  action.sa_handler = &wsd_on_end_signal;
  action.sa_flags = SA_RESTART;  // the calls of the application go on
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    static_cast<void>(::sigaction(kSignals[i], nullptr, &before_[i]));
    if (before_[i].sa_handler == SIG_IGN) continue;
    static_cast<void>(::sigaction(kSignals[i], &action, nullptr));
    changed_ |= std::size_t{1} << i;
  }
}

SignalWatch::~SignalWatch() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    if ((changed_ >> i & 1) != 0) {
      static_cast<void>(::sigaction(kSignals[i], &before_[i], nullptr));
    }
  }
  watched.store(false);
}

// The descriptor may have counts of an earlier object, which only make the loop run once more.
bool SignalWatch::wait() const noexcept {
  while (!signalled.load() && !cancelled_.load()) {
    std::uint64_t count = 0;
    static_cast<void>(!::read(wake_fd.load(), &count, sizeof(count)));
  }
  return signalled.load();
}

void SignalWatch::cancel() noexcept {
  cancelled_.store(true);
  wake();
}

}  // namespace wsd::server
