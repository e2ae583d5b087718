// The events of a run: always as a hash, and as text if the trace is printed.
#pragma once

#include <cstdarg>
#include <cstdint>

namespace wsd::sim {

class Trace {
 public:
  explicit Trace(bool print) noexcept : print_(print) {}

  // Records one event in printf's format. Use only numbers and names of the run, no addresses and
  // no real time.
  [[gnu::format(printf, 2, 3)]] void note(const char* format, ...) noexcept;
  // Records an event that is too frequent for text.
  void count(std::uint64_t what, std::uint64_t a, std::uint64_t b) noexcept;

  [[nodiscard]] bool printing() const noexcept { return print_; }
  // Equal for two runs of one seed. If not, the seed does not determine everything.
  [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }

 private:
  void mix(std::uint64_t word) noexcept;

  bool print_;
  std::uint64_t hash_ = 0xCBF29CE484222325;
};

}  // namespace wsd::sim
