#include "daemon/service/descriptor_plan.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace wsd::daemon {
namespace {

TEST(DescriptorPlan, LargeLimit_ReservesWhatTheAdminListenerAndAReloadOpen) {
  for (const std::uint64_t limit :
       {std::uint64_t{1024}, std::uint64_t{524'288}, ~std::uint64_t{0}}) {
    const DescriptorPlan with_admin = plan_descriptors(limit, true);
    EXPECT_EQ(with_admin.reserved, 72U);
    EXPECT_EQ(with_admin.admin_connections, 64U);
    EXPECT_EQ(plan_descriptors(limit, false).reserved, 4U);
  }
}

// Clients keep at least three quarters, and the admin listener fits into the rest.
TEST(DescriptorPlan, SmallLimit_IsDivided) {
  for (std::uint64_t limit = 48; limit <= 300; ++limit) {
    const DescriptorPlan plan = plan_descriptors(limit, true);
    EXPECT_LE(plan.reserved, limit / 4);
    EXPECT_LE(plan.admin_connections + 8, plan.reserved) << limit;
    EXPECT_GE(plan.admin_connections, 4U);
  }
}

}  // namespace
}  // namespace wsd::daemon
