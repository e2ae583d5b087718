#include "hub/shrink_table.h"

#include <gtest/gtest.h>

#include <unordered_map>

namespace wsd::hub {
namespace {

TEST(ShrinkTable, FewElementsAfterMany_NeedFewBuckets) {
  std::unordered_map<int, int> table;
  for (int i = 0; i < 100'000; ++i) table.emplace(i, i);
  for (int i = 10; i < 100'000; ++i) table.erase(i);
  const int* const kept = &table.at(7);
  shrink_table(table);
  EXPECT_LT(table.bucket_count(), 100U);
  EXPECT_EQ(table.size(), 10U);
  EXPECT_EQ(&table.at(7), kept);
  table.clear();
  shrink_table(table);
  table.emplace(1, 1);
  EXPECT_EQ(table.at(1), 1);
}

TEST(ShrinkTable, TableInUse_IsLeftAlone) {
  std::unordered_map<int, int> table;
  for (int i = 0; i < 1'000; ++i) table.emplace(i, i);
  const std::size_t buckets = table.bucket_count();
  shrink_table(table);
  EXPECT_EQ(table.bucket_count(), buckets);
}

}  // namespace
}  // namespace wsd::hub
