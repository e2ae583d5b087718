// A function on a stack of its own, that can be left in the middle and gone on with later.
#pragma once

#include <setjmp.h>
#include <ucontext.h>

#include <cstddef>
#include <memory>

namespace wsd::model {

// ucontext makes the stack; after that, switching is by _setjmp and _longjmp, which cost no system
// call. What runs on it must not need its destructors run: a fiber is restarted wherever it is.
class Fiber {
 public:
  Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // The next resume() calls `function(argument)` from its beginning.
  void restart(void (*function)(void*), void* argument) noexcept;
  // Runs it until it calls suspend() or returns.
  void resume() noexcept;
  // Within the fiber only.
  void suspend() noexcept;
  [[nodiscard]] bool done() const noexcept { return done_; }

 private:
  static void enter(unsigned high, unsigned low);
  void loop() noexcept;

  static constexpr std::size_t kStackBytes = 64 * 1024;

  std::unique_ptr<std::byte[]> stack_;
  ucontext_t context_ = {};
  ucontext_t back_ = {};
  jmp_buf top_;   // where each call begins
  jmp_buf here_;  // where it was suspended
  jmp_buf caller_;
  void (*function_)(void*) = nullptr;
  void* argument_ = nullptr;
  bool fresh_ = true;  // not called since restart()
  bool done_ = true;
};

}  // namespace wsd::model
