// The number of CPUs that this process may use.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace wsd {

// The files from which the quota is read. Tests pass their own.
struct CgroupFiles {
  std::string membership = "/proc/self/cgroup";  // cgroups(7)
  std::string mounts = "/proc/self/mountinfo";   // proc_pid_mountinfo(5)
};

struct UsableCpus {
  std::uint32_t allowed = 1;  // by sched_setaffinity(2), as by taskset or a cpuset; at least 1
  std::optional<double>
      quota;  // CPU seconds per second, the smallest of all limits; none: no limit

  // Returns the number of threads that can run at the same time without a suspension by the kernel:
  // `allowed`, or the quota rounded up if that is less. At least 1.
  [[nodiscard]] std::uint32_t count() const noexcept;
};

// Returns the smallest CPU quota of the process's cgroup and the cgroups above it, as far as this
// process can see them: cpu.max (version 2) or cpu.cfs_quota_us (version 1). A file that cannot be
// read sets no limit.
[[nodiscard]] std::optional<double> cgroup_cpu_quota(const CgroupFiles& files = {});

[[nodiscard]] UsableCpus usable_cpus(const CgroupFiles& files = {});

}  // namespace wsd
