#include "sim/trace.h"

#include <cstdio>

namespace wsd::sim {

// FNV-1a over words (Fowler, Noll, Vo), folded so that high bits affect low bits.
void Trace::mix(std::uint64_t word) noexcept {
  hash_ = (hash_ ^ word) * 0x100000001B3;
  hash_ ^= hash_ >> 29;
}

void Trace::count(std::uint64_t what, std::uint64_t a, std::uint64_t b) noexcept {
  mix(what);
  mix(a);
  mix(b);
}

void Trace::note(const char* format, ...) noexcept {
  if (!print_) return;
  va_list arguments;
  va_start(arguments, format);
  static_cast<void>(std::vprintf(format, arguments));
  va_end(arguments);
  static_cast<void>(std::putchar('\n'));
}

}  // namespace wsd::sim
