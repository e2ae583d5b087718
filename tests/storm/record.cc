#include "storm/record.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace wsd::storm {

Record& record() noexcept {
  static Record one;
  return one;
}

std::size_t Record::missing() const noexcept {
  for (std::size_t i = 0; i < kCalls; ++i) {
    if (calls_[i].load() == 0) return i;
  }
  return kCalls;
}

void fail(const char* format, ...) {
  static_cast<void>(std::fprintf(stderr, "storm: FAILED: "));
  va_list arguments;
  va_start(arguments, format);
  static_cast<void>(std::vfprintf(stderr, format, arguments));
  va_end(arguments);
  static_cast<void>(std::fputc('\n', stderr));
  std::abort();
}

}  // namespace wsd::storm
