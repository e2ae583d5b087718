#include "sim/history/disk.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <string>
#include <vector>

namespace wsd::sim {
namespace {

constexpr int kCreate = O_RDWR | O_CREAT | O_EXCL;
constexpr int kSeeds = 200;

// A disk with one file of the directory /d.
struct DiskRig {
  explicit DiskRig(std::uint64_t seed = 1)
      : random(seed), trace(false), disk("/d", true, random, trace) {}

  int create(const char* path) {
    const int fd = disk.open(AT_FDCWD, path, kCreate);
    EXPECT_GE(fd, Disk::kFirstDescriptor);
    return fd;
  }
  void sync_directory() {
    const int fd = disk.open(AT_FDCWD, "/d", O_RDONLY | O_DIRECTORY);
    ASSERT_EQ(disk.sync(fd), 0);
    ASSERT_EQ(disk.close(fd), 0);
  }
  // Creates a file that holds `bytes`, on the medium.
  int create_stored(const char* path, const std::string& bytes) {
    const int fd = create(path);
    EXPECT_EQ(disk.write_at(fd, bytes, 0), static_cast<ssize_t>(bytes.size()));
    EXPECT_EQ(disk.sync(fd), 0);
    sync_directory();
    return fd;
  }
  void kill() {
    disk.die();
    disk.end_process();
  }
  void lose_power() {
    disk.lose_power();
    disk.end_process();
  }
  // Returns the bytes of a file, or "(none)".
  std::string content(const char* name) {
    const Disk::Copy files = disk.copy();
    const auto found = files.find(name);
    return found == files.end() ? "(none)" : found->second;
  }

  Random random;
  Trace trace;
  Disk disk;
};

// The contents of the file after the same life with many seeds.
template <class Life>
std::set<std::string> outcomes(const Life& life, const char* name = "a") {
  std::set<std::string> seen;
  for (int seed = 1; seed <= kSeeds; ++seed) {
    DiskRig rig(static_cast<std::uint64_t>(seed));
    life(rig);
    seen.insert(rig.content(name));
  }
  return seen;
}

TEST(Disk, Kill_KeepsUnsyncedBytes) {
  const auto seen = outcomes([](DiskRig& rig) {
    const int fd = rig.create("/d/a");
    ASSERT_EQ(rig.disk.write_at(fd, "hello", 0), 5);
    rig.kill();
  });
  EXPECT_EQ(seen, std::set<std::string>{"hello"});
}

TEST(Disk, PowerLoss_KeepsSyncedBytes) {
  const std::string bytes(3 * Disk::kSector + 7, 'x');
  const auto seen = outcomes([&](DiskRig& rig) {
    rig.create_stored("/d/a", bytes);
    rig.lose_power();
  });
  EXPECT_EQ(seen, std::set<std::string>{bytes});
}

TEST(Disk, PowerLoss_MayLoseEachUnsyncedSector) {
  const std::string before(2 * Disk::kSector, 'x');
  const std::string after(2 * Disk::kSector, 'y');
  const auto seen = outcomes([&](DiskRig& rig) {
    const int fd = rig.create_stored("/d/a", before);
    ASSERT_EQ(rig.disk.write_at(fd, after, 0), static_cast<ssize_t>(after.size()));
    rig.lose_power();
  });
  const std::string x(Disk::kSector, 'x');
  const std::string y(Disk::kSector, 'y');
  for (const std::string& expected : {x + x, x + y, y + x, y + y})
    EXPECT_TRUE(seen.contains(expected));
  // Torn within a sector.
  EXPECT_TRUE(std::any_of(seen.begin(), seen.end(), [](const std::string& each) {
    return each.starts_with("yx") || each.find("yx") % Disk::kSector != Disk::kSector - 1;
  }));
}

TEST(Disk, PowerLoss_MayLoseTheLength) {
  const auto seen = outcomes([](DiskRig& rig) {
    const int fd = rig.create_stored("/d/a", "abc");
    ASSERT_EQ(rig.disk.write_at(fd, "def", 3), 3);
    rig.lose_power();
  });
  EXPECT_TRUE(seen.contains("abc"));
  EXPECT_TRUE(seen.contains("abcdef"));
  EXPECT_TRUE(seen.contains(std::string("abc\0\0\0", 6)));  // the length alone
  for (const std::string& each : seen) EXPECT_EQ(each.substr(0, 3), "abc");
}

TEST(Disk, PowerLoss_MayLoseANameOrReturnIt) {
  const auto created = outcomes([](DiskRig& rig) {
    const int fd = rig.create("/d/a");
    ASSERT_EQ(rig.disk.write_at(fd, "abc", 0), 3);
    ASSERT_EQ(rig.disk.sync(fd), 0);
    rig.lose_power();
  });
  EXPECT_EQ(created, (std::set<std::string>{"(none)", "abc"}));
  const auto removed = outcomes([](DiskRig& rig) {
    rig.create_stored("/d/a", "abc");
    ASSERT_EQ(rig.disk.unlink(AT_FDCWD, "/d/a"), 0);
    rig.lose_power();
  });
  EXPECT_EQ(removed, (std::set<std::string>{"(none)", "abc"}));
}

TEST(Disk, PowerLoss_MayLoseADirectoryWhoseParentWasNotSynced) {
  int lost = 0;
  for (int seed = 1; seed <= kSeeds; ++seed) {
    Random random(static_cast<std::uint64_t>(seed));
    Trace trace(false);
    Disk disk("/p/d", false, random, trace);
    ASSERT_EQ(disk.make_directory("/p/d"), 0);
    const bool synced = seed % 2 == 0;
    if (synced) {
      ASSERT_EQ(disk.sync(disk.open(AT_FDCWD, "/p", O_RDONLY)), 0);
    }
    disk.lose_power();
    disk.end_process();
    const bool there = disk.open(AT_FDCWD, "/p/d", O_RDONLY | O_DIRECTORY) >= 0;
    EXPECT_TRUE(there || !synced);
    lost += there ? 0 : 1;
  }
  EXPECT_GT(lost, 0);
}

TEST(Disk, FailedSync_NextSyncSucceedsAndBytesMayBeLost) {
  const auto seen = outcomes([](DiskRig& rig) {
    const int fd = rig.create_stored("/d/a", "abc");
    ASSERT_EQ(rig.disk.write_at(fd, "def", 0), 3);
    rig.disk.faults.sync_error = 100;
    ASSERT_EQ(rig.disk.sync(fd), -1);
    ASSERT_EQ(errno, EIO);
    rig.disk.faults.sync_error = 0;
    ASSERT_EQ(rig.disk.sync(fd), 0);
    rig.lose_power();
  });
  EXPECT_EQ(seen, (std::set<std::string>{"abc", "def"}));
}

TEST(Disk, Death_LastCallHasItsEffectAPartOfItOrNone) {
  const auto seen = outcomes([](DiskRig& rig) {
    const int fd = rig.create("/d/a");
    rig.disk.die_after(0);
    ASSERT_EQ(rig.disk.write_at(fd, "abc", 0), -1);
    ASSERT_TRUE(rig.disk.dead());
    ASSERT_EQ(rig.disk.write_at(fd, "xyz", 0), -1);
    rig.disk.end_process();
  });
  EXPECT_EQ(seen, (std::set<std::string>{"", "a", "ab", "abc"}));
}

TEST(Disk, ShortCountsAndInterruptions_AreReported) {
  DiskRig rig;
  const int fd = rig.create("/d/a");
  rig.disk.faults.short_count = 100;
  const ssize_t count = rig.disk.write_at(fd, "abcdef", 0);
  EXPECT_GT(count, 0);
  EXPECT_LT(count, 6);
  rig.disk.faults = {};
  rig.disk.faults.interrupted = 100;
  EXPECT_EQ(rig.disk.write_at(fd, "abcdef", 0), -1);
  EXPECT_EQ(errno, EINTR);
}

TEST(Disk, FullDisk_NothingGrows) {
  DiskRig rig;
  const int fd = rig.create("/d/a");
  ASSERT_EQ(rig.disk.write_at(fd, std::string(4000, 'x'), 0), 4000);
  rig.disk.faults.no_space = true;
  EXPECT_EQ(rig.disk.write_at(fd, std::string(200, 'x'), 4000), 96);  // the rest of the block
  EXPECT_EQ(rig.disk.write_at(fd, "x", 4096), -1);
  EXPECT_EQ(errno, ENOSPC);
  EXPECT_EQ(rig.disk.write_at(fd, "y", 10), 1);
  EXPECT_EQ(rig.disk.open(AT_FDCWD, "/d/b", kCreate), -1);
  EXPECT_EQ(errno, ENOSPC);
}

TEST(Disk, Inode_IsGivenAgainWithAnotherBirth) {
  DiskRig rig;
  int fd = rig.create("/d/a");
  Disk::Facts first;
  ASSERT_EQ(rig.disk.facts(fd, first), 0);
  rig.disk.close(fd);
  ASSERT_EQ(rig.disk.unlink(AT_FDCWD, "/d/a"), 0);
  fd = rig.create("/d/a");
  Disk::Facts second;
  ASSERT_EQ(rig.disk.facts(fd, second), 0);
  EXPECT_EQ(first.inode, second.inode);
  EXPECT_NE(first.birth_ns, second.birth_ns);
}

TEST(Disk, BootId_ChangesAtAPowerLossOnly) {
  DiskRig rig;
  const auto boot = [&] {
    std::string text(64, '\0');
    const int fd = rig.disk.open(AT_FDCWD, "/proc/sys/kernel/random/boot_id", O_RDONLY);
    text.resize(static_cast<std::size_t>(rig.disk.read_at(fd, text.data(), text.size(), 0)));
    return text;
  };
  const std::string first = boot();
  rig.kill();
  EXPECT_EQ(boot(), first);
  rig.lose_power();
  EXPECT_NE(boot(), first);
}

TEST(Disk, Lock_ExcludesOtherDescriptorsUntilTheProcessEnds) {
  DiskRig rig;
  const int first = rig.create("/d/lock");
  const int second = rig.disk.open(AT_FDCWD, "/d/lock", O_RDWR);
  EXPECT_EQ(rig.disk.lock(first, LOCK_EX | LOCK_NB), 0);
  EXPECT_EQ(rig.disk.lock(second, LOCK_SH | LOCK_NB), -1);
  EXPECT_EQ(errno, EWOULDBLOCK);
  rig.kill();
  EXPECT_EQ(rig.disk.lock(rig.disk.open(AT_FDCWD, "/d/lock", O_RDWR), LOCK_EX | LOCK_NB), 0);
}

TEST(Disk, Restore_GivesOtherBirths_SnapshotDoesNot) {
  DiskRig rig;
  const auto birth = [&] {
    Disk::Facts facts;
    EXPECT_EQ(rig.disk.facts(rig.disk.open(AT_FDCWD, "/d/a", O_RDONLY), facts), 0);
    return facts.birth_ns;
  };
  rig.create_stored("/d/a", "abc");
  const std::uint64_t first = birth();
  const auto snapshot = rig.disk.snapshot();
  const Disk::Copy copy = rig.disk.copy();
  rig.kill();
  rig.disk.restore(*snapshot);
  EXPECT_EQ(rig.content("a"), "abc");
  EXPECT_EQ(birth(), first);
  rig.disk.restore(copy);
  EXPECT_EQ(rig.content("a"), "abc");
  EXPECT_NE(birth(), first);
}

TEST(Disk, FlipBit_ChangesOneBitBeforeTheLastWrite) {
  const std::string first(100, 'a');
  const auto seen = outcomes([&](DiskRig& rig) {
    const int fd = rig.create("/d/a");
    ASSERT_FALSE(rig.disk.flip_bit());
    ASSERT_EQ(rig.disk.write_at(fd, first, 0), 100);
    ASSERT_EQ(rig.disk.write_at(fd, "end", 100), 3);
    ASSERT_TRUE(rig.disk.flip_bit());
  });
  EXPECT_GT(seen.size(), 50U);
  for (const std::string& each : seen) {
    EXPECT_TRUE(each.ends_with("end"));
    EXPECT_EQ(std::count(each.begin(), each.end(), 'a'), 99);
  }
}

TEST(Disk, IsStored_OnlyAfterFileAndNameWereSynced) {
  for (int seed = 1; seed <= kSeeds; ++seed) {
    DiskRig rig(static_cast<std::uint64_t>(seed));
    const int fd = rig.create("/d/a");
    ASSERT_EQ(rig.disk.write_at(fd, "some bytes", 0), 10);
    EXPECT_TRUE(rig.disk.is_written("bytes"));
    EXPECT_FALSE(rig.disk.is_stored("bytes"));
    ASSERT_EQ(rig.disk.sync(fd), 0);
    EXPECT_FALSE(rig.disk.is_stored("bytes"));
    rig.sync_directory();
    EXPECT_TRUE(rig.disk.is_stored("bytes"));
  }
}

TEST(Disk, Pause_SyncDoesNotCoverLaterWrites) {
  const auto seen = outcomes([](DiskRig& rig) {
    const int fd = rig.create_stored("/d/a", "abc");
    ASSERT_EQ(rig.disk.write_at(fd, "def", 0), 3);
    int calls = 0;
    rig.disk.pause = [&] {
      if (++calls != 2) return;  // in the middle of the sync
      ASSERT_EQ(rig.disk.write_at(fd, "ghi", 0), 3);
    };
    ASSERT_EQ(rig.disk.sync(fd), 0);
    rig.lose_power();
  });
  EXPECT_TRUE(seen.contains("def"));
  EXPECT_TRUE(seen.contains("ghi"));
  EXPECT_FALSE(seen.contains("abc"));
}

}  // namespace
}  // namespace wsd::sim
