#include "model/fiber.h"

#include <cstdint>

namespace wsd::model {

Fiber::Fiber() : stack_(std::make_unique<std::byte[]>(kStackBytes)) {
  ::getcontext(&context_);
  context_.uc_stack.ss_sp = stack_.get();
  context_.uc_stack.ss_size = kStackBytes;
  context_.uc_link = nullptr;
  const auto self = reinterpret_cast<std::uintptr_t>(this);
  // makecontext passes only int arguments.
  ::makecontext(&context_, reinterpret_cast<void (*)()>(&Fiber::enter), 2,
                static_cast<unsigned>(self >> 32), static_cast<unsigned>(self));
  ::swapcontext(&back_, &context_);  // as far as the top of loop()
}

void Fiber::enter(unsigned high, unsigned low) {
  reinterpret_cast<Fiber*>(static_cast<std::uintptr_t>(high) << 32 | low)->loop();
}

void Fiber::loop() noexcept {
  if (::_setjmp(top_) == 0) ::swapcontext(&context_, &back_);
  function_(argument_);
  done_ = true;
  ::_longjmp(caller_, 1);
}

void Fiber::restart(void (*function)(void*), void* argument) noexcept {
  function_ = function;
  argument_ = argument;
  fresh_ = true;
  done_ = false;
}

void Fiber::resume() noexcept {
  if (::_setjmp(caller_) != 0) return;
  if (fresh_) {
    fresh_ = false;
    ::_longjmp(top_, 1);
  }
  ::_longjmp(here_, 1);
}

void Fiber::suspend() noexcept {
  if (::_setjmp(here_) == 0) ::_longjmp(caller_, 1);
}

}  // namespace wsd::model
