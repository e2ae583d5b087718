// Divides the process's descriptors between clients and the daemon itself.
#pragma once

#include <cstdint>

namespace wsd::daemon {

struct DescriptorPlan {
  std::uint32_t reserved = 0;           // that clients of the main listeners never get
  std::uint32_t admin_connections = 0;  // most connections of the admin listener
};

// `limit` is the largest number of open files. `admin`: there is an admin listener. However many
// clients there are, the admin listener then answers, and a reload opens its files. A small limit
// is divided in proportion.
[[nodiscard]] DescriptorPlan plan_descriptors(std::uint64_t limit, bool admin);
// The same for the limit of this process, after its soft limit was raised to the hard limit.
[[nodiscard]] DescriptorPlan plan_descriptors(bool admin);

}  // namespace wsd::daemon
