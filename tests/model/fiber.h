// A function with its own stack. It can be suspended and resumed.
#pragma once

#include <setjmp.h>
#include <ucontext.h>

#include <cstddef>
#include <memory>

namespace wsd::model {

// ucontext creates the stack. Later switches use _setjmp and _longjmp, which need no system call.
// The function must not need its destructors to run, because a fiber may be restarted at any point.
class Fiber {
 public:
  Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // The next resume() calls `function(argument)` from its beginning.
  void restart(void (*function)(void*), void* argument) noexcept;
  // Runs the function until it calls suspend() or returns.
  void resume() noexcept;
  // Callable only within the fiber.
  void suspend() noexcept;
  [[nodiscard]] bool done() const noexcept { return done_; }

 private:
  static void enter(unsigned high, unsigned low);
  void loop() noexcept;

  static constexpr std::size_t kStackBytes = 64 * 1024;

  std::unique_ptr<std::byte[]> stack_;
  ucontext_t context_ = {};
  ucontext_t back_ = {};
  jmp_buf top_;   // start of each call
  jmp_buf here_;  // point of suspension
  jmp_buf caller_;
  void (*function_)(void*) = nullptr;
  void* argument_ = nullptr;
  bool fresh_ = true;  // not called since restart()
  bool done_ = true;
};

}  // namespace wsd::model
