// Implements Server::run_until_signal().
#include <chrono>
#include <new>
#include <thread>

#include "server/server_core.h"
#include "server/signal_watch.h"
#include "wsd/server.h"

namespace wsd {
namespace {

// Drains a server at the first signal, on a thread of its own.
class Drainer {
 public:
  explicit Drainer(ServerCore& core) : thread_([this, &core] { run(core); }) {}
  Drainer(const Drainer&) = delete;
  Drainer& operator=(const Drainer&) = delete;
  ~Drainer() {
    watch_.cancel();
    thread_.join();
  }

 private:
  void run(ServerCore& core) const {
    if (!watch_.wait()) return;
    for (;;) {
      try {
        core.drain();
        return;
      } catch (const std::bad_alloc&) {
        constexpr std::chrono::milliseconds kRetry{10};
        std::this_thread::sleep_for(kRetry);
      }
    }
  }

  server::SignalWatch watch_;
  std::thread thread_;
};

}  // namespace

int Server::run_until_signal() {
  core_->expect_no_reactor();
  const Drainer drainer(*core_);  // a signal may come while the server starts
  return run();
}

}  // namespace wsd
