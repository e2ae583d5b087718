// The system calls of the history log. The linker replaces NAME by __wrap_NAME (--wrap), so the
// server's source files are unchanged. Descriptors of the simulated disk have numbers that the
// kernel never gives, so that epoll and eventfds stay real.
#include <dirent.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

#include "sim/history/clock.h"
#include "sim/history/disk.h"

using wsd::sim::Disk;

namespace {

constexpr long kExt4 = 0xEF53;

}  // namespace

extern "C" {

int __real_close(int fd);

int __wrap_openat(int at, const char* path, int flags, ...) {
  return Disk::current().open(at, path, flags);
}

int __wrap_close(int fd) { return Disk::owns(fd) ? Disk::current().close(fd) : __real_close(fd); }

int __wrap_mkdirat(int, const char* path, mode_t) { return Disk::current().make_directory(path); }

int __wrap_flock(int fd, int operation) { return Disk::current().lock(fd, operation); }

int __wrap_fstatfs(int, struct statfs* into) {
  *into = {};
  into->f_type = kExt4;
  return 0;
}

int __wrap_statx(int fd, const char*, int, unsigned, struct statx* into) {
  Disk::Facts facts;
  if (Disk::current().facts(fd, facts) != 0) return -1;
  constexpr std::uint64_t kNsPerSecond = 1'000'000'000;
  *into = {};
  into->stx_mask = STATX_BASIC_STATS | STATX_BTIME;
  into->stx_mode = static_cast<std::uint16_t>(facts.directory ? S_IFDIR | 0700 : S_IFREG | 0600);
  into->stx_ino = facts.inode;
  into->stx_size = facts.size;
  into->stx_btime.tv_sec = static_cast<std::int64_t>(facts.birth_ns / kNsPerSecond);
  into->stx_btime.tv_nsec = static_cast<std::uint32_t>(facts.birth_ns % kNsPerSecond);
  return 0;
}

ssize_t __wrap_getdents64(int fd, void* into, size_t size) {
  std::vector<std::string> names;
  if (Disk::current().list(fd, names) != 0) return -1;
  char* const bytes = static_cast<char*>(into);
  size_t used = 0;
  for (const std::string& name : names) {
    const size_t length = (offsetof(dirent64, d_name) + name.size() + 1 + 7) / 8 * 8;
    if (used + length > size) {
      errno = EINVAL;
      return -1;
    }
    dirent64 entry{};
    entry.d_ino = 1;
    entry.d_reclen = static_cast<unsigned short>(length);
    entry.d_type = DT_UNKNOWN;
    std::memcpy(bytes + used, &entry, offsetof(dirent64, d_name));
    std::memcpy(bytes + used + offsetof(dirent64, d_name), name.c_str(), name.size() + 1);
    used += length;
  }
  return static_cast<ssize_t>(used);
}

ssize_t __wrap_pread(int fd, void* into, size_t count, off_t offset) {
  return Disk::current().read_at(fd, static_cast<char*>(into), count,
                                 static_cast<std::uint64_t>(offset));
}

// What _FORTIFY_SOURCE makes of a pread() into memory whose size the compiler knows.
ssize_t __wrap___pread_chk(int fd, void* into, size_t count, off_t offset, size_t) {
  return __wrap_pread(fd, into, count, offset);
}

ssize_t __wrap_pwrite(int fd, const void* from, size_t count, off_t offset) {
  return Disk::current().write_at(fd, {static_cast<const char*>(from), count},
                                  static_cast<std::uint64_t>(offset));
}

int __wrap_fdatasync(int fd) { return Disk::current().sync(fd); }

int __wrap_fsync(int fd) { return Disk::current().sync(fd); }

int __wrap_ftruncate(int fd, off_t size) {
  return Disk::current().truncate(fd, static_cast<std::uint64_t>(size));
}

int __wrap_unlinkat(int at, const char* path, int) { return Disk::current().unlink(at, path); }

// Two fibers are one thread, so a lock that one of them holds would block the other for ever.
int __wrap_pthread_mutex_lock(pthread_mutex_t* mutex) {
  while (pthread_mutex_trylock(mutex) != 0) Disk::current().yield();
  return 0;
}

int __wrap_clock_gettime(clockid_t clock, timespec* now) {
  const std::uint64_t ns = wsd::sim::Clock::now_ns(clock == CLOCK_REALTIME);
  now->tv_sec = static_cast<time_t>(ns / 1'000'000'000);
  now->tv_nsec = static_cast<long>(ns % 1'000'000'000);
  return 0;
}

// The key of the hash tables is asked for before the first run, and the same in all of them.
std::uint64_t __wrap_wsd_random_word() noexcept {
  return Disk::exists() ? Disk::current().random_word() : 0x0F0E0D0C0B0A0908;
}

}  // extern "C"
