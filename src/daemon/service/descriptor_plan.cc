#include "daemon/service/descriptor_plan.h"

#include <sys/resource.h>

#include <algorithm>

namespace wsd::daemon {
namespace {

// A reload opens one file at a time, and reads random bytes for the keys of its hash tables.
constexpr std::uint64_t kFiles = 4;
// epoll, eventfd, the listening socket, and a connection that replaces another one.
constexpr std::uint64_t kAdminOwn = 4;
constexpr std::uint64_t kAdminConnections = 64;
constexpr std::uint64_t kFewestAdminConnections = 4;

}  // namespace

DescriptorPlan plan_descriptors(std::uint64_t limit, bool admin) {
  const std::uint64_t wanted = kFiles + (admin ? kAdminOwn + kAdminConnections : 0);
  const std::uint64_t reserved = std::min(wanted, limit / 4);
  const std::uint64_t own = std::min(reserved, kFiles + kAdminOwn);
  return {static_cast<std::uint32_t>(reserved),
          static_cast<std::uint32_t>(
              std::clamp(reserved - own, kFewestAdminConnections, kAdminConnections))};
}

DescriptorPlan plan_descriptors(bool admin) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return plan_descriptors(0, admin);
  return plan_descriptors(limit.rlim_max, admin);
}

}  // namespace wsd::daemon
