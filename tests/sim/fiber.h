// A stack of its own on the one thread of a run: a reactor that sleeps in epoll_wait sleeps here.
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <functional>

namespace wsd::sim {

// Runs `body` piece by piece: resume() goes on with it until it pauses or ends. The body must have
// ended before the fiber is destroyed.
class Fiber {
 public:
  Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  ~Fiber();

  void start(std::function<void()> body);
  // From outside.
  void resume();
  // From within the body: back to who called resume().
  void pause();
  [[nodiscard]] bool ended() const noexcept { return ended_; }

 private:
  static void enter(unsigned high, unsigned low);

  std::function<void()> body_;
  ucontext_t outside_ = {};
  ucontext_t inside_ = {};
  void* stack_;
  bool ended_ = true;
  // AddressSanitizer is told which stack is in use.
  void* fake_stack_ = nullptr;
  const void* outside_bottom_ = nullptr;
  std::size_t outside_size_ = 0;
};

}  // namespace wsd::sim
