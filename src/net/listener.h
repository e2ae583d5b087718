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
  // The bound address, port filled in.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] bool shared() const noexcept { return shared_; }
  // Hands the descriptor over that the poller of that number accepts from. Once for each.
  [[nodiscard]] int take(std::uint32_t poller) noexcept { return std::exchange(fds_[poller], -1); }
  // Closes what was not taken, and removes a Unix socket's file.
  void close() noexcept;

 private:
  [[nodiscard]] std::string open_tcp(const ListenAddress& address, std::uint32_t pollers,
                                     const ListenOptions& options);
  [[nodiscard]] std::string open_unix(const ListenAddress& address, std::uint32_t pollers,
                                      const ListenOptions& options);

  std::vector<int> fds_;
  std::string name_;
  std::string unix_path_;
  bool shared_ = false;
};

}  // namespace wsd::net
