#include "net/socket_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "net/address_overlap.h"

namespace wsd::net {
namespace {

constexpr mode_t kPermissions = 0777;
constexpr std::uint32_t kLockRetryMs = 10;

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Holds the lock on a directory until it is destroyed.
class DirectoryLock {
 public:
  DirectoryLock() = default;
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;
  ~DirectoryLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  // Returns an errno, or 0. Tries again for at most `wait_ms`, because flock(2) itself cannot wait
  // for a limited time. Also returns 0 if the file system has no locks for directories, such as
  // NFS.
  [[nodiscard]] int take(const std::string& directory, std::uint32_t wait_ms) noexcept {
    fd_ = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd_ < 0) return errno;
    for (std::uint32_t waited = 0;; waited += kLockRetryMs) {
      if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) return 0;
      if (errno != EWOULDBLOCK) return 0;
      if (waited >= wait_ms) return EWOULDBLOCK;
      static_cast<void>(::poll(nullptr, 0, static_cast<int>(kLockRetryMs)));
    }
  }

 private:
  int fd_ = -1;
};

bool is_socket_file(const char* path) {
  struct stat status {};
  return ::lstat(path, &status) == 0 && S_ISSOCK(status.st_mode);
}

// Returns whether a process accepts connections on that Unix socket.
bool is_served(const sockaddr_un& at) {
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (probe < 0) return true;
  const int result = ::connect(probe, reinterpret_cast<const sockaddr*>(&at), sizeof(at));
  const bool refused = result != 0 && errno == ECONNREFUSED;
  ::close(probe);
  return !refused;
}

std::string lock_error(const std::string& directory, int error) {
  if (error == EWOULDBLOCK) {
    return "another process holds the lock of the directory '" + directory +
           "' (find it with lsof or fuser and end it, or put the socket into a directory that only "
           "wsd's user can read)";
  }
  return "cannot lock the directory '" + directory + "': " + std::strerror(error) +
         (error == ENOENT ? " (create it, and let wsd's user read and write it)"
                          : " (let wsd's user read and write it)");
}

}  // namespace

SocketFile::SocketFile(SocketFile&& other) noexcept
    : path_(std::exchange(other.path_, {})), pin_(std::exchange(other.pin_, -1)) {}

SocketFile& SocketFile::operator=(SocketFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(pin_, other.pin_);
  return *this;
}

SocketFile::~SocketFile() { remove(); }

std::string SocketFile::bind_and_listen(int fd, const std::string& path, int backlog,
                                        const SocketFileOptions& options) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  path.copy(at.sun_path, sizeof(at.sun_path) - 1);
  const std::string directory = directory_of(path);
  DirectoryLock lock;
  if (const int error = lock.take(directory, options.lock_wait_ms); error != 0) {
    return lock_error(directory, error);
  }
  // bind(2) gives the file the permission bits of the socket, without those of the umask. So the
  // socket gets its mode first, and the file never has more permissions than it should. The umask
  // itself is not changed, because it belongs to all threads of the process.
  if (options.mode >= 0 && ::fchmod(fd, static_cast<mode_t>(options.mode)) != 0) {
    return std::string("cannot set the mode of the socket: ") + std::strerror(errno) +
           " (omit {option:socket_mode} and set the umask instead)";
  }
  if (std::string error = bind_locked(fd, at, options.mode); !error.empty()) return error;
  // Within the lock, so that another process does not take the file for a stale one.
  if (::listen(fd, backlog) == 0) return {};
  const int error = errno;
  static_cast<void>(::unlink(at.sun_path));
  forget();
  return std::strerror(error);
}

std::string SocketFile::bind_locked(int fd, const sockaddr_un& at, int mode) {
  std::string path = at.sun_path;  // allocated before the file exists
  const auto bind_here = [&] {
    return ::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof(at)) == 0;
  };
  if (!bind_here()) {
    // A socket file outlives its process. It is replaced only if no process serves it.
    const int error = errno;
    if (error == EADDRINUSE && !is_socket_file(at.sun_path)) {
      return "a file that is not a socket has that name (move it)";
    }
    if (error != EADDRINUSE) {
      return std::string(std::strerror(error)) + " (let wsd's user write the directory)";
    }
    if (is_served(at)) return in_use_reason(reinterpret_cast<const sockaddr*>(&at));
    static_cast<void>(::unlink(at.sun_path));
    if (!bind_here()) return std::strerror(errno);
  }
  path_.swap(path);
  pin_ = ::open(at.sun_path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  const int error = pin_ < 0 ? errno : mode < 0 || set_mode(mode) ? 0 : errno;
  if (error == 0) return {};
  static_cast<void>(::unlink(at.sun_path));
  forget();
  return std::string("cannot set up the socket file: ") + std::strerror(error);
}

// Adds the permissions that the umask has removed. Returns false and sets errno on failure.
bool SocketFile::set_mode(int mode) const noexcept {
  const auto wanted = static_cast<mode_t>(mode);
  struct stat status {};
  if (::fstat(pin_, &status) != 0) return false;
  if ((status.st_mode & kPermissions) == wanted) return true;
  if ((status.st_mode & kPermissions & ~wanted) != 0) {
    errno = ENOTSUP;  // this kernel ignores the mode of a socket at bind(2)
    return false;
  }
  return ::fchmodat(AT_FDCWD, path_.c_str(), wanted, AT_SYMLINK_NOFOLLOW) == 0;
}

void SocketFile::remove() noexcept {
  if (path_.empty()) return;
  try {
    DirectoryLock lock;
    struct stat ours {};
    struct stat there {};
    if (lock.take(directory_of(path_), 0) == 0 && ::fstat(pin_, &ours) == 0 &&
        ::lstat(path_.c_str(), &there) == 0 && ours.st_dev == there.st_dev &&
        ours.st_ino == there.st_ino) {
      static_cast<void>(::unlink(path_.c_str()));
    }
  } catch (const std::bad_alloc&) {
    // The file stays. The next process replaces it.
  }
  forget();
}

void SocketFile::forget() noexcept {
  path_.clear();
  if (pin_ >= 0) ::close(pin_);
  pin_ = -1;
}

}  // namespace wsd::net
