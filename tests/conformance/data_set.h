// What groups 9, 12 and 13 send. The catalogue's files are not ours to ship: these are generated,
// of the same size and of the same kind as far as compression goes.
#pragma once

#include <cstddef>
#include <string>

#include "conformance/case.h"

namespace wsconform {

// Generated once, then kept.
[[nodiscard]] const std::string& bytes_of(DataSet set);

// Pieces of a data set, one after the other, from its start again at its end.
class DataStream {
 public:
  explicit DataStream(DataSet set) : data_(bytes_of(set)) {}
  [[nodiscard]] std::string next(std::size_t length);

 private:
  const std::string& data_;
  std::size_t at_ = 0;
};

}  // namespace wsconform
