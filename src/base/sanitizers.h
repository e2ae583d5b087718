// Detects the sanitizers of this build, and tells AddressSanitizer about memory that a pool keeps
// unused. GCC announces sanitizers with macros, clang with __has_feature.

#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define WSD_ASAN 1
#elif defined(__SANITIZE_THREAD__)
#define WSD_TSAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WSD_ASAN 1
#elif __has_feature(thread_sanitizer)
#define WSD_TSAN 1
#endif
#endif

#ifdef WSD_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace wsd {

#if defined(WSD_ASAN) || defined(WSD_TSAN)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

// Makes AddressSanitizer report every access to [block, block + size). Does nothing in other
// builds.
inline void poison([[maybe_unused]] const void* block, [[maybe_unused]] std::size_t size) noexcept {
#ifdef WSD_ASAN
  ASAN_POISON_MEMORY_REGION(block, size);
#endif
}

inline void unpoison([[maybe_unused]] const void* block,
                     [[maybe_unused]] std::size_t size) noexcept {
#ifdef WSD_ASAN
  ASAN_UNPOISON_MEMORY_REGION(block, size);
#endif
}

}  // namespace wsd
