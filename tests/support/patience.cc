#include "support/patience.h"

#include <cstdlib>

namespace e2e {

bool sanitized() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return true;
#else
  return false;
#endif
#else
  return false;
#endif
}

Duration patience() {
  static const int seconds = [] {
    const char* factor = std::getenv("WSD_TEST_PATIENCE");
    const int times = factor == nullptr ? 1 : std::atoi(factor);
    return (sanitized() ? 40 : 10) * (times > 0 ? times : 1);
  }();
  return std::chrono::seconds(seconds);
}

}  // namespace e2e
