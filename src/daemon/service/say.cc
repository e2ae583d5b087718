#include "daemon/service/say.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace wsd::daemon {
namespace {

constexpr std::chrono::seconds kPatience{1};

// A line that is being written. It belongs to the writing thread if nobody waits for it any more.
struct Saying {
  explicit Saying(std::string bytes) : text(std::move(bytes)) {}

  const std::string text;
  std::mutex mutex;
  std::condition_variable changed;
  bool written = false;  // guarded by the mutex
};

void write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(STDERR_FILENO, text.data(), text.size());
    if (count < 0 && errno != EINTR) return;
    if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
  }
}

// Returns whether the line was written in time.
bool finishes(Saying& saying, std::chrono::seconds patience) {
  std::unique_lock lock(saying.mutex);
  return saying.changed.wait_for(lock, patience, [&] { return saying.written; });
}

}  // namespace

// No call can tell beforehand that write(2) will not block: other writers may fill a pipe after
// poll(2), and a file system may not respond. So a thread writes, and can be abandoned.
void say(std::string_view line) {
  static std::shared_ptr<Saying> stuck;
  if (stuck != nullptr && !finishes(*stuck, std::chrono::seconds{0})) return;
  stuck = nullptr;
  const auto saying = std::make_shared<Saying>(std::string(line) + "\n");
  // The thread may outlive this call, and must take no signal that is for the main thread.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  static_cast<void>(::pthread_sigmask(SIG_SETMASK, &all, &before));
  bool threaded = true;
  try {
    std::thread([saying] {
      write_all(saying->text);
      const std::lock_guard lock(saying->mutex);
      saying->written = true;
      saying->changed.notify_one();
    }).detach();
  } catch (const std::system_error&) {
    threaded = false;
  }
  static_cast<void>(::pthread_sigmask(SIG_SETMASK, &before, nullptr));
  if (!threaded) {
    write_all(saying->text);
    return;
  }
  if (!finishes(*saying, kPatience)) stuck = saying;
}

}  // namespace wsd::daemon
