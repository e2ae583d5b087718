#include "base/usable_cpus.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string_view>
#include <vector>

namespace wsd {
namespace {

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

bool lists(std::string_view names, std::string_view name) {
  while (!names.empty()) {
    const std::size_t comma = std::min(names.find(','), names.size());
    if (names.substr(0, comma) == name) return true;
    names.remove_prefix(std::min(comma + 1, names.size()));
  }
  return false;
}

// One hierarchy of cgroups that limits CPU time.
struct Hierarchy {
  bool version_2 = false;
  std::string mount_point;
  std::string root;  // the cgroup that is mounted there
};

// Reads a line such as "25 30 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw".
std::optional<Hierarchy> hierarchy_of(const std::string& line) {
  const std::vector<std::string> words = words_of(line);
  const auto dash = std::find(words.begin(), words.end(), "-");
  if (words.size() < 5 || words.end() - dash < 4) return std::nullopt;
  Hierarchy found{dash[1] == "cgroup2", words[4], words[3]};
  if (!found.version_2 && (dash[1] != "cgroup" || !lists(dash[3], "cpu"))) return std::nullopt;
  return found;
}

// Returns the path of the process in the hierarchy, from lines such as "0::/system.slice/wsd" and
// "4:cpu,cpuacct:/docker/1f".
std::optional<std::string> path_in(const Hierarchy& hierarchy, const std::string& membership) {
  std::ifstream file(membership);
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string_view controllers =
        std::string_view(line).substr(first + 1, second - first - 1);
    if (hierarchy.version_2 ? controllers.empty() : lists(controllers, "cpu")) {
      return line.substr(second + 1);
    }
  }
  return std::nullopt;
}

std::optional<double> quota_of(double quota, double period) {
  if (quota <= 0 || period <= 0) return std::nullopt;  // version 1 writes -1 for no limit
  return quota / period;
}

std::optional<double> quota_in(const std::string& directory, bool version_2) {
  double quota = 0;
  double period = 0;
  if (version_2) {
    std::ifstream file(directory + "/cpu.max");  // "150000 100000" or "max 100000"
    if (!(file >> quota >> period)) return std::nullopt;
    return quota_of(quota, period);
  }
  std::ifstream quota_file(directory + "/cpu.cfs_quota_us");
  std::ifstream period_file(directory + "/cpu.cfs_period_us");
  if (!(quota_file >> quota) || !(period_file >> period)) return std::nullopt;
  return quota_of(quota, period);
}

// Returns the part of `path` below the cgroup that is mounted. A container may see paths from
// outside its mount. Its mount point is then its own cgroup.
std::string below_root(const std::string& path, const std::string& root) {
  if (path.find("/..") != std::string::npos) return {};
  if (root == "/") return path == "/" ? std::string() : path;
  const bool inside =
      path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/');
  return inside ? path.substr(root.size()) : std::string();
}

std::optional<double> smaller(std::optional<double> a, std::optional<double> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

// Each limit applies to everything below it, so all count up to the mount point.
std::optional<double> smallest_quota(const Hierarchy& hierarchy, std::string below) {
  std::optional<double> quota;
  for (;;) {
    quota = smaller(quota, quota_in(hierarchy.mount_point + below, hierarchy.version_2));
    if (below.empty()) return quota;
    below.erase(std::min(below.rfind('/'), below.size()));
  }
}

std::uint32_t allowed_cpus() {
  // The kernel rejects a set that is smaller than its own.
  for (std::size_t cpus = CPU_SETSIZE; cpus <= std::size_t{1} << 20; cpus *= 2) {
    std::vector<cpu_set_t> set(cpus / CPU_SETSIZE);
    const std::size_t bytes = set.size() * sizeof(cpu_set_t);
    if (::sched_getaffinity(0, bytes, set.data()) == 0) {
      return static_cast<std::uint32_t>(std::max(CPU_COUNT_S(bytes, set.data()), 1));
    }
    if (errno != EINVAL) break;
  }
  return 1;
}

}  // namespace

std::uint32_t UsableCpus::count() const noexcept {
  if (!quota || *quota >= allowed) return std::max<std::uint32_t>(allowed, 1);
  return static_cast<std::uint32_t>(std::max(std::ceil(*quota), 1.0));
}

std::optional<double> cgroup_cpu_quota(const CgroupFiles& files) {
  std::optional<double> quota;
  std::ifstream mounts(files.mounts);
  for (std::string line; std::getline(mounts, line);) {
    const std::optional<Hierarchy> hierarchy = hierarchy_of(line);
    if (!hierarchy) continue;
    const std::optional<std::string> path = path_in(*hierarchy, files.membership);
    if (!path) continue;
    quota = smaller(quota, smallest_quota(*hierarchy, below_root(*path, hierarchy->root)));
  }
  return quota;
}

UsableCpus usable_cpus(const CgroupFiles& files) {
  return {allowed_cpus(), cgroup_cpu_quota(files)};
}

}  // namespace wsd
