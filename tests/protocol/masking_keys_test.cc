#include "protocol/masking_keys.h"

#include <gtest/gtest.h>

#include <set>

namespace wsd::protocol {
namespace {

TEST(MaskingKeys, Rfc6455_10_3_EveryKeyIsFresh) {
  MaskingKeys keys;
  std::set<MaskingKey> seen;
  constexpr std::size_t kCount = 1'000;  // several fetches from the system
  for (std::size_t i = 0; i < kCount; ++i) seen.insert(keys.next());
  // Two of a thousand random keys are equal once in 8,000 runs, and four pairs practically never.
  EXPECT_GE(seen.size(), kCount - 3);
}

TEST(MaskingKeys, TwoReactorsHaveDifferentKeys) {
  MaskingKeys one;
  MaskingKeys other;
  int equal = 0;
  for (int i = 0; i < 100; ++i) equal += one.next() == other.next() ? 1 : 0;
  EXPECT_LE(equal, 3);
}

}  // namespace
}  // namespace wsd::protocol
