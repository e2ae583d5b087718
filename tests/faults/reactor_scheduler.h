// Runs the server's reactor threads one at a time. They switch only in epoll_wait, where the test
// resumes the thread that the kernel would have woken. So every run is identical, and a lost
// wake-up stays lost.
#pragma once

#include <semaphore.h>
#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace wsd::faults {

// Replaces src/net/clock.cc.
[[nodiscard]] std::uint64_t now_ms() noexcept;

// Exists for the lifetime of one server. At most one scheduler exists at a time.
class ReactorScheduler {
 public:
  ReactorScheduler();
  ReactorScheduler(const ReactorScheduler&) = delete;
  ReactorScheduler& operator=(const ReactorScheduler&) = delete;
  // All threads must have ended.
  ~ReactorScheduler();

  // Waits until `threads` threads have reached their first wait.
  void gather(std::size_t threads);
  // Runs a turn for each reactor that the kernel would wake. Returns false if all of them sleep.
  bool turn();
  // Returns whether every thread has ended.
  [[nodiscard]] bool all_ended() const noexcept;
  // Returns the earliest time at which a sleeping thread would wake by its timeout.
  [[nodiscard]] std::uint64_t next_deadline() const noexcept;
  static void advance_to(std::uint64_t ms) noexcept;
  // Lets all threads run freely, so that they can be stopped.
  void release() noexcept;

  [[nodiscard]] std::uint64_t turns() const noexcept { return turns_; }
  // Returns the epoll descriptors, in the order of the reactors.
  [[nodiscard]] std::vector<int> polls() const;

  // Replaces epoll_wait(2) for a reactor.
  [[nodiscard]] static int wait(int epoll, std::span<epoll_event> events, int timeout);

 private:
  // A POSIX semaphore, because it sleeps at once. std::binary_semaphore spins first, although the
  // other thread may need this processor.
  class Semaphore {
   public:
    Semaphore() noexcept { ::sem_init(&semaphore_, 0, 0); }
    Semaphore(const Semaphore&) = delete;
    Semaphore& operator=(const Semaphore&) = delete;
    ~Semaphore() { ::sem_destroy(&semaphore_); }
    void release() noexcept { ::sem_post(&semaphore_); }
    void acquire() noexcept {
      while (::sem_wait(&semaphore_) != 0) {
      }
    }

   private:
    sem_t semaphore_;
  };

  struct ReactorThread {
    Semaphore go;
    int epoll = -1;
    int timeout = 0;
    std::uint64_t deadline = 0;
    bool ended = false;
  };
  // Returns control to the scheduler when its thread ends.
  struct ThreadEnd {
    ReactorScheduler* scheduler = nullptr;
    ReactorThread* thread = nullptr;
    ~ThreadEnd();
  };

  [[nodiscard]] ReactorThread& register_thread(int epoll);
  [[nodiscard]] static bool wakeable(const ReactorThread& thread) noexcept;

  static thread_local ThreadEnd thread_end_;
  std::mutex threads_mutex_;
  std::vector<std::unique_ptr<ReactorThread>> threads_;
  Semaphore back_;
  std::uint64_t turns_ = 0;
};

}  // namespace wsd::faults
