// Reports results: a table by group and a sentence for each case that is not OK, or a JSON file.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "conformance/case.h"
#include "conformance/verdict.h"

namespace wsconform {

struct Totals {
  std::size_t run = 0;
  std::size_t ok = 0;
  std::size_t non_strict = 0;
  std::size_t failed = 0;
  std::size_t informational = 0;
  std::size_t unimplemented = 0;
  std::size_t not_clean = 0;
  double seconds = 0;
};

// Returns the totals of one group, or of all groups if `group` is 0.
[[nodiscard]] Totals totals(const std::vector<Result>& results, int group);

void print_table(const std::vector<Result>& results, std::FILE* out);
// Returns "6.4.1 NON-STRICT: sent ..., expected ..., got ...", or an empty string if the case and
// its close are OK.
[[nodiscard]] std::string remark(const Case& test, const Result& result);

// Returns false if the file cannot be written.
[[nodiscard]] bool write_json(const std::string& path, const std::vector<const Case*>& cases,
                              const std::vector<Result>& results);

}  // namespace wsconform
