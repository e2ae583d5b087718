// Frees the buckets that an unordered container does not need any more.
#pragma once

#include <cstddef>
#include <new>

namespace wsd::hub {

// Rehashes `table` if it has room for many times its elements. Elements keep their addresses. If
// memory runs out, the table stays as it is.
template <class Table>
void shrink_table(Table& table) noexcept {
  constexpr std::size_t kLeast = 256;
  constexpr std::size_t kRatio = 8;
  if (table.bucket_count() < kLeast || table.bucket_count() / kRatio < table.size()) return;
  try {
    table.rehash(2 * table.size());
  } catch (const std::bad_alloc&) {
    return;
  }
}

}  // namespace wsd::hub
