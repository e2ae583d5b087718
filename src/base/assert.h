// WSD_ASSERT ends the process if the expression is false; it is always compiled in. WSD_DCHECK is
// the same for the hot path and for checks of whole structures; it is compiled in with WSD_DEBUG
// only.
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
