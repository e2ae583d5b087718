#include "net/descriptor_limit.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <vector>

namespace wsd::net {
namespace {

// Opens a descriptor with the lowest free number, as the kernel does for any new one.
int open_one() { return ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0); }

TEST(DescriptorLimit, WithoutLimit_AllowsAll) {
  DescriptorLimit none(0);
  EXPECT_TRUE(none.has_space(-1)) << "without a system call";
  EXPECT_TRUE(none.allows(1'000'000));
}

TEST(DescriptorLimit, HasSpace_UntilAllNumbersBelowAreInUse) {
  const int lowest = open_one();
  ::close(lowest);
  DescriptorLimit limit(lowest + 3);
  std::vector<int> open;
  while (limit.has_space(STDERR_FILENO)) {
    open.push_back(open_one());
    ASSERT_TRUE(limit.allows(open.back()));
  }
  // Other tests of the process may have left holes below, which count too.
  ASSERT_FALSE(open.empty());
  EXPECT_EQ(open.back(), lowest + 2);
  const int beyond = open_one();
  EXPECT_FALSE(limit.allows(beyond));
  ::close(beyond);
  // Any free number below the limit is space again.
  ::close(open.front());
  EXPECT_TRUE(limit.has_space(STDERR_FILENO));
  for (std::size_t i = 1; i < open.size(); ++i) ::close(open[i]);
}

TEST(DescriptorLimit, FarBelow_CostsNoSystemCall) {
  DescriptorLimit limit(1'000'000);
  EXPECT_FALSE(limit.has_space(-1)) << "the first forecast asks the kernel";
  EXPECT_TRUE(limit.allows(10));
  EXPECT_TRUE(limit.has_space(-1));
  EXPECT_TRUE(limit.allows(999'999));
  EXPECT_FALSE(limit.has_space(-1));
}

}  // namespace
}  // namespace wsd::net
