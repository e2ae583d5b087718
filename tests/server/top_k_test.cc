#include "server/top_k.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace wsd::server {
namespace {

TEST(TopK, KeepsTheFirstFew_ForEveryOrderOfOffers) {
  std::vector<int> all;
  for (int i = 0; i < 200; ++i) all.push_back(i * 37 % 101);
  std::vector<int> sorted = all;
  std::sort(sorted.begin(), sorted.end());
  for (const std::size_t limit : {0U, 1U, 7U, 199U, 200U, 500U}) {
    TopK<int> best(limit);
    for (const int each : all) best.offer(each);
    const std::vector<int> expected(
        sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(std::min(limit, all.size())));
    EXPECT_EQ(best.take(), expected) << limit;
    EXPECT_TRUE(best.take().empty());
  }
}

}  // namespace
}  // namespace wsd::server
