#include "support/patience.h"

#include <cstdlib>

namespace e2e {

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kAddressSanitizer = true;
#elif defined(__has_feature)
constexpr bool kAddressSanitizer = __has_feature(address_sanitizer);
#else
constexpr bool kAddressSanitizer = false;
#endif

#if defined(__SANITIZE_THREAD__)
constexpr bool kThreadSanitizer = true;
#elif defined(__has_feature)
constexpr bool kThreadSanitizer = __has_feature(thread_sanitizer);
#else
constexpr bool kThreadSanitizer = false;
#endif

}  // namespace

bool sanitized() { return kAddressSanitizer || kThreadSanitizer; }

Duration patience() {
  static const int seconds = [] {
    const char* factor = std::getenv("WSD_TEST_PATIENCE");
    const int times = factor == nullptr ? 1 : std::atoi(factor);
    return (sanitized() ? 40 : 10) * (times > 0 ? times : 1);
  }();
  return std::chrono::seconds(seconds);
}

}  // namespace e2e
