// What happened in a run: a hash of all of it always, and its text when someone reads along.
#pragma once

#include <cstdarg>
#include <cstdint>

namespace wsd::sim {

class Trace {
 public:
  explicit Trace(bool print) noexcept : print_(print) {}

  // One event as printf writes it. Numbers and names of the run alone: no address, no real time.
  [[gnu::format(printf, 2, 3)]] void note(const char* format, ...) noexcept;
  // The same for events so frequent that their text would cost more than the run.
  void count(std::uint64_t what, std::uint64_t a, std::uint64_t b) noexcept;

  [[nodiscard]] bool printing() const noexcept { return print_; }
  // Equal for two runs of one seed, or the seed does not decide everything.
  [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }

 private:
  void mix(std::uint64_t word) noexcept;

  bool print_;
  std::uint64_t hash_ = 0xCBF29CE484222325;
};

}  // namespace wsd::sim
