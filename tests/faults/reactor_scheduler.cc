#include "faults/reactor_scheduler.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <utility>

#include "faults/calls.h"
#include "faults/edge_tracker.h"
#include "net/clock.h"

extern "C" int __real_epoll_wait(int epoll, epoll_event* events, int max, int timeout);

namespace wsd {
namespace {

// Starts at one hour, so that no tick is near zero. The wall clock starts at 2023-11-14.
std::atomic<std::uint64_t> clock_ms{3'600'000};
constexpr std::uint64_t kWallOffset = 1'700'000'000'000;

}  // namespace

std::uint64_t net::monotonic_ns() noexcept {
  return clock_ms.load(std::memory_order_relaxed) * 1'000'000;
}
std::uint64_t net::wall_clock_ms() noexcept { return faults::now_ms() + kWallOffset; }

namespace faults {
namespace {

constexpr std::uint64_t kNever = ~std::uint64_t{0};

std::atomic<ReactorScheduler*> current{nullptr};
std::atomic<bool> released{false};

}  // namespace

thread_local ReactorScheduler::ThreadEnd ReactorScheduler::thread_end_;

std::uint64_t now_ms() noexcept { return net::monotonic_ns() / 1'000'000; }

ReactorScheduler::ReactorScheduler() {
  released.store(false);
  current.store(this);
}

ReactorScheduler::~ReactorScheduler() { current.store(nullptr); }

ReactorScheduler::ThreadEnd::~ThreadEnd() {
  if (thread == nullptr) return;
  thread->ended = true;
  scheduler->back_.release();
}

ReactorScheduler::ReactorThread& ReactorScheduler::register_thread(int epoll) {
  const std::lock_guard lock(threads_mutex_);
  threads_.push_back(std::make_unique<ReactorThread>());
  threads_.back()->epoll = epoll;
  if (released.load()) threads_.back()->go.release();
  return *threads_.back();
}

void ReactorScheduler::gather(std::size_t threads) {
  for (std::size_t i = 0; i < threads; ++i) back_.acquire();
  std::sort(threads_.begin(), threads_.end(),
            [](const auto& a, const auto& b) { return a->epoll < b->epoll; });
}

bool ReactorScheduler::wakeable(const ReactorThread& thread) noexcept {
  return thread.timeout == 0 || now_ms() >= thread.deadline || watch().ready(thread.epoll);
}

bool ReactorScheduler::turn() {
  bool any = false;
  for (const auto& thread : threads_) {
    if (thread->ended || !wakeable(*thread)) continue;
    any = true;
    ++turns_;
    thread->go.release();
    back_.acquire();
  }
  return any;
}

bool ReactorScheduler::all_ended() const noexcept {
  return std::all_of(threads_.begin(), threads_.end(),
                     [](const auto& each) { return each->ended; });
}

std::uint64_t ReactorScheduler::next_deadline() const noexcept {
  std::uint64_t next = kNever;
  for (const auto& thread : threads_) {
    if (!thread->ended) next = std::min(next, thread->deadline);
  }
  return next;
}

void ReactorScheduler::advance_to(std::uint64_t ms) noexcept {
  clock_ms.store(std::max(ms, clock_ms.load()), std::memory_order_relaxed);
}

void ReactorScheduler::release() noexcept {
  const std::lock_guard lock(threads_mutex_);
  released.store(true);
  for (const auto& thread : threads_) thread->go.release();
}

std::vector<int> ReactorScheduler::polls() const {
  std::vector<int> all;
  for (const auto& thread : threads_) all.push_back(thread->epoll);
  return all;
}

int ReactorScheduler::wait(int epoll, std::span<epoll_event> events, int timeout) {
  ReactorScheduler* const scheduler = current.load();
  if (scheduler == nullptr || released.load()) {
    clock_ms.fetch_add(1);
    return __real_epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 1);
  }
  {
    const FaultsSuspended suspended;
    if (thread_end_.thread == nullptr) {
      thread_end_.scheduler = scheduler;
      thread_end_.thread = &scheduler->register_thread(epoll);
    }
    ReactorThread& thread = *thread_end_.thread;
    thread.timeout = timeout;
    thread.deadline = timeout < 0 ? kNever : now_ms() + static_cast<std::uint64_t>(timeout);
    scheduler->back_.release();
    thread.go.acquire();
  }
  Serving::begin();
  if (released.load()) return 0;
  if (const int error = calls().next(Call::kEpollWait, -1); error > 0) {
    errno = error;
    return -1;
  }
  return watch().collect(epoll, events);
}

}  // namespace faults
}  // namespace wsd
