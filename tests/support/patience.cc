#include "support/patience.h"

#include <cstdlib>

namespace e2e {

bool sanitized() {
  static const bool is = std::getenv("WSD_TEST_SANITIZED") != nullptr;
  return is;
}

Duration patience() {
  static const int seconds = [] {
    const char* factor = std::getenv("WSD_TEST_PATIENCE");
    const int times = factor == nullptr ? 1 : std::atoi(factor);
    return (sanitized() ? 90 : 30) * (times > 0 ? times : 1);
  }();
  return std::chrono::seconds(seconds);
}

}  // namespace e2e
