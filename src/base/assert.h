// WSD_ASSERT states what must hold for the process to go on and is always compiled in;
// WSD_DCHECK is for the hot path and for whole-structure invariants, compiled in with WSD_DEBUG.
#pragma once

namespace wsd {

[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;

}  // namespace wsd

#define WSD_ASSERT(expression) \
  ((expression) ? static_cast<void>(0) : ::wsd::assertion_failed(#expression, __FILE__, __LINE__))

#ifdef WSD_DEBUG
#define WSD_DCHECK(expression) WSD_ASSERT(expression)
#else
#define WSD_DCHECK(expression) static_cast<void>(sizeof(expression))
#endif
