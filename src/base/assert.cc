#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace wsd {

void assertion_failed(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "wsd: assertion failed: %s at %s:%d\n", expression, file, line);
  std::abort();
}

}  // namespace wsd
