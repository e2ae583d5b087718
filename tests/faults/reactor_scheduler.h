// The server's reactor threads, one of them running at a time: they change places in epoll_wait
// alone, where the test gives a turn to whom the kernel would have woken. So a run is the same each
// time, and a wake-up that is lost stays lost.
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

// One for a server's life; one at a time.
class ReactorScheduler {
 public:
  ReactorScheduler();
  ReactorScheduler(const ReactorScheduler&) = delete;
  ReactorScheduler& operator=(const ReactorScheduler&) = delete;
  // The threads have ended.
  ~ReactorScheduler();

  // Waits until that many threads have come to their first wait.
  void gather(std::size_t threads);
  // A turn for each reactor that the kernel would wake. False when all of them sleep.
  bool turn();
  // Whether every thread has ended.
  [[nodiscard]] bool all_gone() const noexcept;
  // The time at which the first sleeper would wake by itself.
  [[nodiscard]] std::uint64_t next_deadline() const noexcept;
  static void advance_to(std::uint64_t ms) noexcept;
  // Lets all threads run as they like, so that they can be stopped.
  void release() noexcept;

  [[nodiscard]] std::uint64_t turns() const noexcept { return turns_; }
  // The epoll descriptors, in the order of the reactors.
  [[nodiscard]] std::vector<int> polls() const;

  // epoll_wait(2) as a reactor sees it.
  [[nodiscard]] static int wait(int epoll, std::span<epoll_event> events, int timeout);

 private:
  // POSIX's, which sleeps at once: std::binary_semaphore first spins, and the other thread may need
  // this very processor.
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

  struct Seat {
    Semaphore go;
    int epoll = -1;
    int timeout = 0;
    std::uint64_t deadline = 0;
    bool gone = false;
  };
  // Gives the scheduler back when its thread ends.
  struct Leaver {
    ReactorScheduler* scheduler = nullptr;
    Seat* seat = nullptr;
    ~Leaver();
  };

  [[nodiscard]] Seat& take_seat(int epoll);
  [[nodiscard]] static bool wakeable(const Seat& seat) noexcept;

  static thread_local Leaver leaver_;
  std::mutex seating_;
  std::vector<std::unique_ptr<Seat>> seats_;
  Semaphore back_;
  std::uint64_t turns_ = 0;
};

}  // namespace wsd::faults
