// Failing allocations. A program that has allocation_operators.cc asks here before it allocates.
#pragma once

#include <cstdint>
#include <utility>

namespace wsd::sim {

class AllocationFaults {
 public:
  // Within the lifetime of such an object, no allocation fails: the code is not the server's.
  class Off {
   public:
    Off() noexcept { ++off; }
    Off(const Off&) = delete;
    Off& operator=(const Off&) = delete;
    ~Off() { --off; }
  };

  // While such an object exists, another stack runs, which has no objects of the class above.
  class OtherStack {
   public:
    OtherStack() noexcept : own_(std::exchange(off, 0U)) {}
    OtherStack(const OtherStack&) = delete;
    OtherStack& operator=(const OtherStack&) = delete;
    ~OtherStack() { off = own_; }

   private:
    unsigned own_;
  };

  // The `number`-th allocation from now on fails, 1 being the next one, and so do the `more` after
  // it.
  static void arm(std::uint64_t number, std::uint64_t more) noexcept {
    until_failure = number;
    failures = more + 1;
  }
  static void disarm() noexcept { failures = 0; }
  // Called for each allocation. Returns whether it fails.
  [[nodiscard]] static bool next() noexcept {
    if (failures == 0 || off != 0) return false;
    if (until_failure > 1) {
      --until_failure;
      return false;
    }
    --failures;
    ++failed;
    return true;
  }
  // Counts a failure that a test has made by itself.
  static void note() noexcept { ++failed; }
  // Returns how many allocations have failed in this process.
  [[nodiscard]] static std::uint64_t count() noexcept { return failed; }

 private:
  static inline constinit unsigned off = 0;
  static inline constinit std::uint64_t until_failure = 0;
  static inline constinit std::uint64_t failures = 0;
  static inline constinit std::uint64_t failed = 0;
};

}  // namespace wsd::sim
