// A stack on the single thread of a run. A reactor that waits in epoll_wait pauses its fiber.
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <functional>

namespace wsd::sim {

// Runs `body` in steps: resume() continues it until it pauses or ends. The body must have ended
// before the fiber is destroyed.
class Fiber {
 public:
  Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  ~Fiber();

  void start(std::function<void()> body);
  // Called from outside the body.
  void resume();
  // Called within the body. Returns to the caller of resume().
  void pause();
  [[nodiscard]] bool ended() const noexcept { return ended_; }

 private:
  static void enter(unsigned high, unsigned low);

  std::function<void()> body_;
  ucontext_t outside_ = {};
  ucontext_t inside_ = {};
  void* stack_;
  bool ended_ = true;
  // Informs AddressSanitizer of the stack in use.
  void* fake_stack_ = nullptr;
  const void* outside_bottom_ = nullptr;
  std::size_t outside_size_ = 0;
};

}  // namespace wsd::sim
