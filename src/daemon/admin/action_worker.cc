#include "daemon/admin/action_worker.h"

#include <utility>

namespace wsd::daemon {

ActionWorker::~ActionWorker() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void ActionWorker::run(std::function<void()> job) {
  const std::lock_guard lock(mutex_);
  if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
  jobs_.push_back(std::move(job));
  changed_.notify_one();
}

void ActionWorker::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ended_ || !jobs_.empty(); });
    if (ended_) return;
    std::function<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    try {
      job();
    } catch (...) {  // NOLINT(bugprone-empty-catch): the client gets 500 from the Responder
    }
    job = nullptr;  // frees the Responder before the next wait
    lock.lock();
  }
}

}  // namespace wsd::daemon
