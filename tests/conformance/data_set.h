// The data that groups 9, 12 and 13 send. The files of the original are under other licenses, so
// this suite generates data of the same sizes that compresses in a similar way.
#pragma once

#include <cstddef>
#include <string>

#include "conformance/case.h"

namespace wsconform {

// Returns the data set. The first call generates all sets, and later calls are fast.
[[nodiscard]] const std::string& bytes_of(DataSet set);

enum class Unit { bytes, characters };

// Reads a data set in pieces of a given length. After the end it continues at the start.
class DataStream {
 public:
  // Counts lengths in `unit`. Characters require a data set that is valid UTF-8.
  DataStream(DataSet set, Unit unit) : data_(bytes_of(set)), unit_(unit) {}
  [[nodiscard]] std::string next(std::size_t length);

 private:
  [[nodiscard]] std::string next_bytes(std::size_t length);
  [[nodiscard]] std::string next_characters(std::size_t length);

  const std::string& data_;
  Unit unit_;
  std::size_t at_ = 0;
};

}  // namespace wsconform
