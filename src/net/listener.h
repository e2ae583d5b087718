// Listening sockets.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "net/address.h"

namespace wsd::net {

struct ListenOptions {
  int backlog = 4096;
  std::size_t send_buffer = 0;      // SO_SNDBUF, 0: the kernel's choice; inherited by connections
  std::uint32_t notsent_lowat = 0;  // TCP_NOTSENT_LOWAT, 0: the kernel's choice; inherited too
};

// Who else accepts from a listening socket.
enum class Sharing : std::uint8_t {
  kOwn,      // nobody
  kShared,   // the other pollers of this process
  kAdopted,  // these, and whoever has passed the socket to this process: it outlives us
};

// One address bound for a number of pollers. Over TCP each has a socket of its own and the kernel
// spreads connections over them by SO_REUSEPORT; a Unix socket has no such group, so all pollers
// share it through descriptors of their own.
class Listener {
 public:
  Listener() = default;
  Listener(Listener&& other) noexcept;
  Listener& operator=(Listener&& other) noexcept;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  // Returns an empty string, or a sentence that says what failed. listen(2) is called for all
  // sockets or for none.
  [[nodiscard]] std::string open(const ListenAddress& address, std::uint32_t pollers,
                                 const ListenOptions& options);
  // Listens on a socket that this process was given. Returns an empty string, and owns `fd`; or a
  // sentence that says what is wrong with it, and the descriptor stays the caller's.
  [[nodiscard]] std::string adopt(int fd, std::uint32_t pollers, const ListenOptions& options);
  // The bound address, port filled in.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] bool shared() const noexcept { return sharing_ != Sharing::kOwn; }
  [[nodiscard]] Sharing sharing() const noexcept { return sharing_; }
  // Hands the descriptor over that the poller of that number accepts from. Once for each.
  [[nodiscard]] int take(std::uint32_t poller) noexcept { return std::exchange(fds_[poller], -1); }
  // Closes what was not taken, and removes the file of a Unix socket that was bound here.
  void close() noexcept;

 private:
  [[nodiscard]] std::string open_tcp(const ListenAddress& address, std::uint32_t pollers,
                                     const ListenOptions& options);
  [[nodiscard]] std::string open_unix(const ListenAddress& address, std::uint32_t pollers,
                                      const ListenOptions& options);
  [[nodiscard]] std::string share(std::uint32_t pollers);

  std::vector<int> fds_;
  std::string name_;
  std::string unix_path_;
  Sharing sharing_ = Sharing::kOwn;
};

}  // namespace wsd::net
