// The file of a Unix socket.
#pragma once

#include <sys/un.h>

#include <cstdint>
#include <string>

namespace wsd::net {

struct SocketFileOptions {
  int mode = -1;  // permission bits of the file; -1: 0777 without the bits of the umask
  // How long to wait for another process that opens or removes a socket file in this directory.
  std::uint32_t lock_wait_ms = 5'000;
};

// Owns the file that bind(2) makes for a Unix socket, and removes it, but never the file of another
// socket that has replaced it.
//
// Two processes must not look for a stale file at the same time. Otherwise each could remove the
// file that the other has just made. So bind_and_listen() and remove() lock the directory of the
// file with flock(2). A lock on the directory needs no further file, which would have an owner of
// its own and stay behind. The lock is held for these two calls only, so a process may take over
// the path of another one that drains.
class SocketFile {
 public:
  SocketFile() = default;
  SocketFile(SocketFile&& other) noexcept;
  SocketFile& operator=(SocketFile&& other) noexcept;
  SocketFile(const SocketFile&) = delete;
  SocketFile& operator=(const SocketFile&) = delete;
  ~SocketFile();

  // Binds `fd`, a new stream socket, to `path` and listens. Replaces a socket file that no process
  // serves. The file appears with no more permissions than `options.mode`, and has exactly these on
  // return. Returns an empty string, or the reason, without the path. On an error `path` is as
  // before, except that a stale file may be gone.
  [[nodiscard]] std::string bind_and_listen(int fd, const std::string& path, int backlog,
                                            const SocketFileOptions& options);
  // Removes the file if it is still the one that bind_and_listen() has made. Does not wait: if
  // another process holds the lock, it leaves the file, which the next process replaces.
  void remove() noexcept;

 private:
  [[nodiscard]] std::string bind_locked(int fd, const sockaddr_un& at, int mode);
  [[nodiscard]] bool set_mode(int mode) const noexcept;
  void forget() noexcept;

  std::string path_;  // empty: no file
  // Refers to the file, so that no other file gets its inode number meanwhile.
  int pin_ = -1;
};

}  // namespace wsd::net
