#include "base/usable_cpus.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace wsd {
namespace {

// A directory with fake files of the kernel.
class FakeCgroups {
 public:
  FakeCgroups() { EXPECT_NE(::mkdtemp(top_.data()), nullptr); }
  FakeCgroups(const FakeCgroups&) = delete;
  FakeCgroups& operator=(const FakeCgroups&) = delete;
  ~FakeCgroups() { std::filesystem::remove_all(top_); }

  [[nodiscard]] std::string path(const std::string& name) const { return top_ + name; }
  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    std::ofstream(path(name)) << text;
  }
  // The mount of version 2 at /v2. `root` is the cgroup that is mounted.
  void mount_2(const std::string& root = "/") const {
    write("/mounts", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n25 30 0:26 " + root + " " + path("/v2") +
                         " rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n");
  }
  [[nodiscard]] std::optional<double> quota() const {
    return cgroup_cpu_quota({path("/cgroup"), path("/mounts")});
  }

 private:
  std::string top_ = "/tmp/wsd-cgroups-XXXXXX";
};

TEST(UsableCpus, NoFiles_NoQuota) {
  const FakeCgroups kernel;
  EXPECT_EQ(kernel.quota(), std::nullopt);
}

TEST(UsableCpus, Version2_TheQuotaOfTheOwnCgroupCounts) {
  const FakeCgroups kernel;
  kernel.mount_2();
  kernel.write("/cgroup", "0::/system.slice/wsd.service\n");
  kernel.write("/v2/system.slice/wsd.service/cpu.max", "150000 100000\n");
  EXPECT_EQ(kernel.quota(), 1.5);
}

TEST(UsableCpus, Version2_MaxIsNoQuota) {
  const FakeCgroups kernel;
  kernel.mount_2();
  kernel.write("/cgroup", "0::/a\n");
  kernel.write("/v2/a/cpu.max", "max 100000\n");
  EXPECT_EQ(kernel.quota(), std::nullopt);
}

TEST(UsableCpus, Version2_ASmallerQuotaAboveCounts) {
  const FakeCgroups kernel;
  kernel.mount_2();
  kernel.write("/cgroup", "0::/kubepods/pod1/c1\n");
  kernel.write("/v2/kubepods/pod1/c1/cpu.max", "400000 100000\n");
  kernel.write("/v2/kubepods/pod1/cpu.max", "100000 50000\n");
  kernel.write("/v2/kubepods/cpu.max", "max 100000\n");
  EXPECT_EQ(kernel.quota(), 2.0);
}

// With a cgroup namespace, a container sees its own cgroup as the root.
TEST(UsableCpus, Version2_InAContainer_TheQuotaAtTheMountPointCounts) {
  const FakeCgroups kernel;
  kernel.mount_2();
  kernel.write("/cgroup", "0::/\n");
  kernel.write("/v2/cpu.max", "50000 100000\n");
  EXPECT_EQ(kernel.quota(), 0.5);
}

// Without a cgroup namespace, a container sees its path on the host, and only its own cgroup is
// mounted.
TEST(UsableCpus, Version2_PathFromOutsideTheMount_TheMountedCgroupCounts) {
  const FakeCgroups kernel;
  kernel.mount_2("/docker/1f");
  kernel.write("/cgroup", "0::/docker/1f/inner\n");
  kernel.write("/v2/inner/cpu.max", "300000 100000\n");
  kernel.write("/v2/cpu.max", "200000 100000\n");
  EXPECT_EQ(kernel.quota(), 2.0);
  kernel.write("/cgroup", "0::/../other\n");
  EXPECT_EQ(kernel.quota(), 2.0);
  kernel.write("/cgroup", "0::/docker/1fe\n");
  EXPECT_EQ(kernel.quota(), 2.0);
}

TEST(UsableCpus, Version1_TheQuotaOfTheCpuControllerCounts) {
  const FakeCgroups kernel;
  kernel.write("/mounts", "31 25 0:27 / " + kernel.path("/cpuset") +
                              " rw - cgroup cgroup rw,cpuset\n32 25 0:28 / " + kernel.path("/v1") +
                              " rw - cgroup cgroup rw,cpu,cpuacct\n");
  kernel.write("/cgroup", "5:cpuset:/other\n4:cpu,cpuacct:/docker/1f\n0::/\n");
  kernel.write("/v1/docker/1f/cpu.cfs_quota_us", "250000\n");
  kernel.write("/v1/docker/1f/cpu.cfs_period_us", "100000\n");
  kernel.write("/v1/docker/cpu.cfs_quota_us", "-1\n");
  kernel.write("/v1/docker/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(kernel.quota(), 2.5);
}

TEST(UsableCpus, DamagedFiles_NoQuota) {
  const FakeCgroups kernel;
  kernel.mount_2();
  kernel.write("/cgroup", "nonsense\n0:\n0::/a\n");
  for (const char* const text : {"", "x", "1000", "-5 10", "10 0", "max"}) {
    kernel.write("/v2/a/cpu.max", text);
    EXPECT_EQ(kernel.quota(), std::nullopt) << text;
  }
  kernel.write("/mounts", "1 2\n - cgroup2\n1 2 3 4 5 - cgroup2\n");
  EXPECT_EQ(kernel.quota(), std::nullopt);
}

TEST(UsableCpus, CountIsTheQuotaRoundedUp_AtMostTheAllowedCpus) {
  EXPECT_EQ((UsableCpus{4, std::nullopt}.count()), 4U);
  EXPECT_EQ((UsableCpus{4, 0.1}.count()), 1U);
  EXPECT_EQ((UsableCpus{4, 1.0}.count()), 1U);
  EXPECT_EQ((UsableCpus{4, 1.5}.count()), 2U);
  EXPECT_EQ((UsableCpus{4, 8.0}.count()), 4U);
  EXPECT_EQ((UsableCpus{0, std::nullopt}.count()), 1U);
}

TEST(UsableCpus, TheAffinityOfTheThreadCounts) {
  cpu_set_t before;
  ASSERT_EQ(::sched_getaffinity(0, sizeof(before), &before), 0);
  cpu_set_t one;
  CPU_ZERO(&one);
  std::size_t first = 0;
  while (!CPU_ISSET(first, &before)) ++first;
  CPU_SET(first, &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(usable_cpus().allowed, 1U);
  ASSERT_EQ(::sched_setaffinity(0, sizeof(before), &before), 0);
  EXPECT_EQ(usable_cpus().allowed, static_cast<std::uint32_t>(CPU_COUNT(&before)));
}

}  // namespace
}  // namespace wsd
