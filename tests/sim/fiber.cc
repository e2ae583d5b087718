#include "sim/fiber.h"

#include <sys/mman.h>

#include <bit>
#include <cstdint>
#include <utility>

#include "base/assert.h"
#include "base/sanitizers.h"

#ifdef WSD_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

namespace wsd::sim {
namespace {

constexpr std::size_t kStackBytes = std::size_t{1} << 20;  // committed as it is used

}  // namespace

Fiber::Fiber()
    : stack_(::mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {
  WSD_ASSERT(stack_ != MAP_FAILED);
}

Fiber::~Fiber() {
  WSD_ASSERT(ended_);
  ::munmap(stack_, kStackBytes);
}

void Fiber::start(std::function<void()> body) {
  WSD_ASSERT(ended_);
  body_ = std::move(body);
  ended_ = false;
  ::getcontext(&inside_);
  inside_.uc_stack.ss_sp = stack_;
  inside_.uc_stack.ss_size = kStackBytes;
  inside_.uc_link = nullptr;
  const auto self = std::bit_cast<std::uint64_t>(this);
  // makecontext passes only ints.
  ::makecontext(&inside_, reinterpret_cast<void (*)()>(&Fiber::enter), 2,
                static_cast<unsigned>(self >> 32), static_cast<unsigned>(self));
}

void Fiber::enter(unsigned high, unsigned low) {
  auto* const self = std::bit_cast<Fiber*>(std::uint64_t{high} << 32 | low);
#ifdef WSD_ASAN
  __sanitizer_finish_switch_fiber(nullptr, &self->outside_bottom_, &self->outside_size_);
#endif
  self->body_();
  self->body_ = nullptr;
  self->ended_ = true;
#ifdef WSD_ASAN
  __sanitizer_start_switch_fiber(nullptr, self->outside_bottom_, self->outside_size_);
#endif
  ::setcontext(&self->outside_);
}

void Fiber::resume() {
  WSD_ASSERT(!ended_);
#ifdef WSD_ASAN
  void* own = nullptr;
  __sanitizer_start_switch_fiber(&own, stack_, kStackBytes);
#endif
  ::swapcontext(&outside_, &inside_);
#ifdef WSD_ASAN
  __sanitizer_finish_switch_fiber(own, nullptr, nullptr);
#endif
}

void Fiber::pause() {
#ifdef WSD_ASAN
  __sanitizer_start_switch_fiber(&fake_stack_, outside_bottom_, outside_size_);
#endif
  ::swapcontext(&inside_, &outside_);
#ifdef WSD_ASAN
  __sanitizer_finish_switch_fiber(fake_stack_, &outside_bottom_, &outside_size_);
#endif
}

}  // namespace wsd::sim
