#include "server/log_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "base/entropy.h"

namespace wsd::server {
namespace {

constexpr mode_t kDirectoryMode = 0700;
constexpr mode_t kFileMode = 0600;
constexpr const char* kLockName = "lock";
constexpr int kLockTries = 21;
constexpr std::chrono::milliseconds kLockPause{50};

// Calls the kernel until a signal no longer interrupts it. Returns 0 or an errno.
template <class Call>
int uninterrupted(const Call& call) noexcept {
  while (call() < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

int open_at(int directory, const char* name, int flags, LogFile& file) noexcept {
  int fd = -1;
  const int error = uninterrupted(
      [&] { return fd = ::openat(directory, name, flags | O_CLOEXEC | O_NONBLOCK, kFileMode); });
  if (error == 0) file = LogFile(fd);
  return error;
}

std::string open_error(const std::string& path, int error) {
  return "cannot open the history directory '" + path + "': " + std::strerror(error) +
         (error == ENOENT || error == ENOTDIR
              ? " (create the directory above it)"
              : " (let the server's user read and write it, or choose another directory)");
}

}  // namespace

LogFile::~LogFile() {
  if (fd_ >= 0) ::close(fd_);
}

int LogFile::write(Bytes bytes, std::uint64_t offset) noexcept {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    if (count == 0) return EIO;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return 0;
}

int LogFile::read(MutableBytes into, std::uint64_t offset, std::size_t& count) const noexcept {
  count = 0;
  while (count < into.size()) {
    const ssize_t got =
        ::pread(fd_, into.data() + count, into.size() - count, static_cast<off_t>(offset + count));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) break;
    count += static_cast<std::size_t>(got);
  }
  return 0;
}

int LogFile::sync() noexcept {
  return uninterrupted([this] { return ::fdatasync(fd_); });
}

int LogFile::truncate(std::uint64_t size) noexcept {
  return uninterrupted([&] { return ::ftruncate(fd_, static_cast<off_t>(size)); });
}

int LogFile::facts(engine::LogFileFacts& facts) const noexcept {
  struct statx status {};
  const int error = uninterrupted([&] {
    return ::statx(fd_, "", AT_EMPTY_PATH, STATX_SIZE | STATX_INO | STATX_BTIME, &status);
  });
  if (error != 0) return error;
  facts.size = status.stx_size;
  facts.inode = status.stx_ino;
  facts.birth_ns = 0;
  if ((status.stx_mask & STATX_BTIME) != 0) {
    facts.birth_ns = static_cast<std::uint64_t>(status.stx_btime.tv_sec) * 1'000'000'000 +
                     status.stx_btime.tv_nsec;
  }
  return 0;
}

std::string LogDirectory::open(const std::string& path, bool any_file_system) {
  path_ = path;
  const int made = uninterrupted([&] { return ::mkdirat(AT_FDCWD, path.c_str(), kDirectoryMode); });
  if (made != 0 && made != EEXIST) return open_error(path, made);
  const int error = open_at(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY, directory_);
  if (error != 0) return open_error(path, error);
  // A new directory must be in the one above it before anything counts as being on disk. It is not
  // known whether the process that created it got so far. Without the right to read the directory
  // above, the next sync of it by the system has to do.
  LogFile above;
  if (open_at(directory_.fd(), "..", O_RDONLY | O_DIRECTORY, above) == 0) {
    const int unsynced = uninterrupted([&] { return ::fsync(above.fd()); });
    if (unsynced == EIO) return open_error(path, unsynced);
  }
  struct statfs system {};
  if (uninterrupted([&] { return ::fstatfs(directory_.fd(), &system); }) == 0 && !any_file_system) {
    const char* const doubtful =
        doubtful_file_system(static_cast<std::uint64_t>(static_cast<std::uint32_t>(system.f_type)));
    if (doubtful != nullptr) {
      return "the history directory '" + path + "' is on a file system of type " + doubtful +
             ", whose syncs and locks may be unreliable (choose a directory on a local disk, or "
             "set {option:history.log.any_file_system} to accept this one)";
    }
  }
  return lock();
}

// The kernel tells whether a file is locked only to those that try to lock it. The lock is shared
// and is released at once.
std::string LogDirectory::open_for_reading(const std::string& path, bool& in_use) {
  path_ = path;
  in_use = false;
  const int error = open_at(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY, directory_);
  if (error != 0) {
    return "cannot open the history directory '" + path + "': " + std::strerror(error) +
           " (give the directory of a history log, and run as a user that may read it)";
  }
  LogFile lock;
  if (open_at(directory_.fd(), kLockName, O_RDONLY, lock) == 0) {
    in_use = uninterrupted([&] { return ::flock(lock.fd(), LOCK_SH | LOCK_NB); }) == EWOULDBLOCK;
  }
  return {};
}

bool LogDirectory::exists(const std::string& path) noexcept {
  LogFile directory;
  return open_at(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY, directory) == 0;
}

std::string LogDirectory::lock() {
  int error = open_at(directory_.fd(), kLockName, O_RDWR | O_CREAT, lock_);
  if (error != 0) return open_error(path_, error);
  // After a kill, the kernel first frees the memory of the old process, and then its lock. A reader
  // of the log holds the lock for a moment.
  for (int i = 0; i < kLockTries; ++i) {
    if (i != 0) std::this_thread::sleep_for(kLockPause);
    error = uninterrupted([this] { return ::flock(lock_.fd(), LOCK_EX | LOCK_NB); });
    if (error != EWOULDBLOCK) break;
  }
  if (error == EWOULDBLOCK) {
    return "another wsd uses the history directory '" + path_ +
           "' (stop it, or choose another directory)";
  }
  if (error != 0) {
    return "cannot lock the history directory '" + path_ + "': " + std::strerror(error) +
           " (choose a directory on a file system with locks)";
  }
  return {};
}

int LogDirectory::list(std::vector<std::uint64_t>& numbers) const {
  numbers.clear();
  // A descriptor of its own, because the position in the directory belongs to the descriptor.
  LogFile listing;
  const int error = open_at(directory_.fd(), ".", O_RDONLY | O_DIRECTORY, listing);
  if (error != 0) return error;
  alignas(dirent64) std::array<char, std::size_t{16} << 10> entries{};
  for (;;) {
    const ssize_t size = ::getdents64(listing.fd(), entries.data(), entries.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno;
    if (size == 0) break;
    for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
      const auto* const entry = reinterpret_cast<const dirent64*>(entries.data() + at);
      const auto number = engine::parse_log_segment_name(entry->d_name);
      if (number) numbers.push_back(*number);
      at += entry->d_reclen;
    }
  }
  std::sort(numbers.begin(), numbers.end());
  return 0;
}

int LogDirectory::open_segment(std::uint64_t number, bool writable, LogFile& file) const {
  return open_at(directory_.fd(), engine::log_segment_name(number).c_str(),
                 writable ? O_RDWR : O_RDONLY, file);
}

int LogDirectory::create_segment(std::uint64_t number, LogFile& file) const {
  return open_at(directory_.fd(), engine::log_segment_name(number).c_str(),
                 O_RDWR | O_CREAT | O_EXCL, file);
}

int LogDirectory::unlink_segment(std::uint64_t number) const {
  const std::string name = engine::log_segment_name(number);
  const int error = uninterrupted([&] { return ::unlinkat(directory_.fd(), name.c_str(), 0); });
  return error == ENOENT ? 0 : error;
}

int LogDirectory::sync() const noexcept {
  return uninterrupted([this] { return ::fsync(directory_.fd()); });
}

// The kernel writes it as a UUID: 32 hexadecimal digits and four hyphens.
engine::LogBootId LogDirectory::boot_id() noexcept {
  engine::LogBootId id{};
  std::array<std::uint8_t, 64> text{};
  std::size_t size = 0;
  LogFile file;
  std::size_t nibbles = 0;
  if (open_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", O_RDONLY, file) == 0 &&
      file.read(text, 0, size) == 0) {
    for (const std::uint8_t byte : MutableBytes(text).first(size)) {
      const std::uint32_t lower = byte | 0x20U;
      std::uint32_t value = 0;
      if (byte >= '0' && byte <= '9') {
        value = byte - std::uint32_t{'0'};
      } else if (lower >= 'a' && lower <= 'f') {
        value = lower - std::uint32_t{'a'} + 10;
      } else {
        continue;
      }
      if (nibbles == 2 * id.size()) break;
      std::uint8_t& target = id[nibbles / 2];
      target = static_cast<std::uint8_t>(std::uint32_t{target} << 4 | value);
      ++nibbles;
    }
  }
  if (nibbles != 2 * id.size()) {
    for (std::uint8_t& byte : id) byte = static_cast<std::uint8_t>(wsd_random_word());
  }
  return id;
}

const char* LogDirectory::doubtful_file_system(std::uint64_t magic) noexcept {
  switch (magic) {
    case 0x6969:
      return "NFS";
    case 0x517B:
      return "SMB";
    case 0xFF534D42:
      return "CIFS";
    case 0xFE534D42:
      return "SMB2";
    case 0x65735546:
      return "FUSE";
    case 0x01021997:
      return "9p";
    case 0x5346414F:
      return "AFS";
    case 0x73757245:
      return "Coda";
    case 0x564C:
      return "NCP";
    case 0x00C36400:
      return "Ceph";
    case 0x786F4256:
      return "vboxsf";
    default:
      return nullptr;
  }
}

}  // namespace wsd::server
