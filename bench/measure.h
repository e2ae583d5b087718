// Clocks, process memory and latencies for bench/wsload.cc. Linux.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <initializer_list>
#include <string>
#include <string_view>

namespace bench {

[[noreturn]] inline void fail(const std::string& what) {
  std::fprintf(stderr, "wsload: %s\n", what.c_str());
  std::exit(1);
}

[[noreturn]] inline void fail_errno(const std::string& what) {
  fail(what + ": " + std::strerror(errno));
}

inline std::int64_t read_clock(clockid_t clock) {
  timespec now{};
  if (clock_gettime(clock, &now) != 0) fail_errno("clock_gettime (is the server still there?)");
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

inline std::int64_t now_ns() { return read_clock(CLOCK_MONOTONIC); }

// Returns the CPU time of all threads of a process, including those that have ended.
inline std::int64_t cpu_ns(pid_t pid) {
  if (pid == 0) return 0;
  clockid_t clock{};
  if (clock_getcpuclockid(pid, &clock) != 0)
    fail("--pid " + std::to_string(pid) + " is not a running process");
  return read_clock(clock);
}

// Returns the sum of the named "Name:   123 kB" lines of a /proc file, in bytes.
inline std::int64_t proc_bytes(const std::string& path,
                               std::initializer_list<std::string_view> names) {
  std::ifstream file(path);
  std::string name;
  std::string rest;
  std::int64_t sum = 0;
  while (file >> name) {
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      std::int64_t kib = 0;
      file >> kib;
      sum += kib * 1024;
    }
    std::getline(file, rest);
  }
  return sum;
}

inline std::int64_t resident_bytes(pid_t pid) {
  if (pid == 0) return 0;
  return proc_bytes("/proc/" + std::to_string(pid) + "/smaps_rollup", {"Rss:"});
}

// Without pages of the executable and of libraries that other processes share.
inline std::int64_t private_bytes(pid_t pid) {
  if (pid == 0) return 0;
  return proc_bytes("/proc/" + std::to_string(pid) + "/smaps_rollup",
                    {"Private_Clean:", "Private_Dirty:"});
}

inline std::int64_t peak_bytes(pid_t pid) {
  if (pid == 0) return 0;
  return proc_bytes("/proc/" + std::to_string(pid) + "/status", {"VmHWM:"});
}

// Latencies in buckets of 1/64 of an octave: limited memory, and an error under 1.6 %.
class Histogram {
 public:
  void add(std::int64_t ns) {
    const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(ns, 0));
    ++buckets_[index(value)];
    ++count_;
  }
  // Returns the upper end of the bucket that holds the given share of all values, in microseconds.
  [[nodiscard]] double quantile_us(double share) const {
    auto left = static_cast<std::uint64_t>(share * static_cast<double>(count_));
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      if (buckets_[i] > left) return static_cast<double>(upper(i)) / 1000.0;
      left -= buckets_[i];
    }
    return 0;
  }

 private:
  static constexpr unsigned kSubBits = 6;
  static std::size_t index(std::uint64_t value) {
    if (value < (1U << kSubBits)) return value;
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - kSubBits - 1;
    return ((std::size_t{shift} + 1) << kSubBits) + ((value >> shift) & ((1U << kSubBits) - 1));
  }
  static std::uint64_t upper(std::size_t i) {
    if (i < (1U << kSubBits)) return i;
    const auto shift = (i >> kSubBits) - 1;
    return ((std::uint64_t{1} << kSubBits) + (i & ((1U << kSubBits) - 1)) + 1) << shift;
  }
  std::array<std::uint64_t, 65U << kSubBits> buckets_{};
  std::uint64_t count_ = 0;
};

}  // namespace bench
