// The thread for an operator's actions. An action on many connections may take seconds, during
// which the admin listener must answer probes.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace wsd::daemon {

class ActionWorker {
 public:
  ActionWorker() = default;
  ActionWorker(const ActionWorker&) = delete;
  ActionWorker& operator=(const ActionWorker&) = delete;
  // Waits for the job that runs, and discards the others.
  ~ActionWorker();

  // Runs `job` on the worker's thread, after all earlier jobs. An exception ends the job alone. The
  // first call starts the thread, and throws std::system_error if that fails. Any thread.
  void run(std::function<void()> job);

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace wsd::daemon
