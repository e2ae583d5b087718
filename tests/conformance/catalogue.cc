#include "conformance/catalogue.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iterator>

namespace wsconform {

namespace {

void check(const Cases& cases) {
  for (const GroupSize& group : kGroups) {
    const auto count = static_cast<std::size_t>(std::count_if(
        cases.begin(), cases.end(), [&](const Case& c) { return c.id.group == group.group; }));
    if (count != group.cases) {
      std::fprintf(stderr, "wsconform: group %d has %zu cases, not %zu\n", group.group, count,
                   group.cases);
      std::abort();
    }
  }
  const auto twice = std::adjacent_find(cases.begin(), cases.end(),
                                        [](const Case& a, const Case& b) { return a.id == b.id; });
  if (twice != cases.end() || cases.size() != all_cases()) {
    std::fprintf(stderr, "wsconform: the catalogue has a case twice or an unknown group\n");
    std::abort();
  }
}

bool matches_one(std::string_view pattern, std::string_view id) {
  if (pattern.empty()) return id.empty();
  if (pattern.front() == '*') {
    for (std::size_t skip = 0; skip <= id.size(); ++skip) {
      if (matches_one(pattern.substr(1), id.substr(skip))) return true;
    }
    return false;
  }
  return !id.empty() && pattern.front() == id.front() &&
         matches_one(pattern.substr(1), id.substr(1));
}

}  // namespace

Cases catalogue() {
  Cases all;
  for (auto* group : {group_1, group_2, group_3, group_4, group_5, group_6, group_7, group_9,
                      group_10, group_12, group_13}) {
    Cases cases = group();
    std::move(cases.begin(), cases.end(), std::back_inserter(all));
  }
  std::sort(all.begin(), all.end(), [](const Case& a, const Case& b) { return a.id < b.id; });
  check(all);
  return all;
}

bool matches(std::string_view patterns, std::string_view id) {
  while (!patterns.empty()) {
    const std::size_t end = std::min(patterns.find(','), patterns.size());
    if (matches_one(patterns.substr(0, end), id)) return true;
    patterns.remove_prefix(std::min(end + 1, patterns.size()));
  }
  return false;
}

}  // namespace wsconform
