// The catalogue: all cases, with their numbers in the Autobahn Testsuite.
#pragma once

#include <string_view>
#include <vector>

#include "conformance/case.h"

namespace wsconform {

struct GroupSize {
  int group;
  const char* name;
  std::size_t cases;
};

inline constexpr GroupSize kGroups[] = {
    {1, "framing", 16},      {2, "pings and pongs", 11},     {3, "reserved bits", 7},
    {4, "opcodes", 10},      {5, "fragmentation", 20},       {6, "UTF-8", 145},
    {7, "closing", 37},      {9, "sizes and chops", 54},     {10, "auto-fragments", 1},
    {12, "compression", 90}, {13, "compression terms", 126},
};

consteval std::size_t all_cases() {
  std::size_t sum = 0;
  for (const GroupSize& group : kGroups) sum += group.cases;
  return sum;
}
static_assert(all_cases() == 517);

[[nodiscard]] Cases group_1();
[[nodiscard]] Cases group_2();
[[nodiscard]] Cases group_3();
[[nodiscard]] Cases group_4();
[[nodiscard]] Cases group_5();
[[nodiscard]] Cases group_6();
[[nodiscard]] Cases group_7();
[[nodiscard]] Cases group_9();
[[nodiscard]] Cases group_10();
[[nodiscard]] Cases group_12();
[[nodiscard]] Cases group_13();

// Returns all cases, sorted. Ends the process if a group does not have its number of cases.
[[nodiscard]] Cases catalogue();

// Returns true if the id matches one of the patterns, which commas separate: "6.*,7.1.5". A star
// matches any characters.
[[nodiscard]] bool matches(std::string_view patterns, std::string_view id);

}  // namespace wsconform
