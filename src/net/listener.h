// Listening sockets.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "net/address.h"
#include "net/socket_file.h"

namespace wsd::net {

struct ListenOptions {
  int backlog = 4096;
  std::size_t send_buffer = 0;      // SO_SNDBUF of the connections; 0: the kernel's default
  std::uint32_t notsent_lowat = 0;  // TCP_NOTSENT_LOWAT of the connections; 0: the kernel's default
  SocketFileOptions socket_file = {};
};

// Tells which pollers accept from a listening socket.
enum class Sharing : std::uint8_t {
  kOwn,      // only one poller
  kShared,   // all pollers of this process
  kAdopted,  // all pollers of this process; the socket came from another process and outlives this
             // one
};

// Owns the listening sockets of one address, one descriptor per poller. For TCP each poller has its
// own socket, and the kernel distributes connections among them (SO_REUSEPORT). A Unix socket has
// no such group, so the descriptors of all pollers refer to one socket.
class Listener {
 public:
  Listener() = default;
  Listener(Listener&& other) noexcept;
  Listener& operator=(Listener&& other) noexcept;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  // Binds the address and listens. Returns an empty string, or an error message. listen(2) is
  // called after all sockets are bound. On an error all sockets are closed.
  [[nodiscard]] std::string open(const ListenAddress& address, std::uint32_t pollers,
                                 const ListenOptions& options);
  // Listens on a socket that another process has passed to this one. Returns an empty string and
  // takes ownership of `fd`, or returns an error message and leaves `fd` to the caller.
  [[nodiscard]] std::string adopt(int fd, std::uint32_t pollers, const ListenOptions& options);
  // Returns the bound address with its actual port.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] bool shared() const noexcept { return sharing_ != Sharing::kOwn; }
  [[nodiscard]] Sharing sharing() const noexcept { return sharing_; }
  // Transfers ownership of the descriptor for that poller. Once per poller.
  [[nodiscard]] int take(std::uint32_t poller) noexcept { return std::exchange(fds_[poller], -1); }
  // Closes the descriptors that were not taken, and removes the file of a Unix socket that open()
  // has bound.
  void close() noexcept;

 private:
  [[nodiscard]] std::string open_tcp(const ListenAddress& address, std::uint32_t pollers,
                                     const ListenOptions& options);
  [[nodiscard]] std::string open_unix(const ListenAddress& address, std::uint32_t pollers,
                                      const ListenOptions& options);
  [[nodiscard]] std::string share(std::uint32_t pollers);

  std::vector<int> fds_;
  std::string name_;
  SocketFile file_;
  Sharing sharing_ = Sharing::kOwn;
};

}  // namespace wsd::net
