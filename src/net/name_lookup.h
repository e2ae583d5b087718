// Looks up host names without blocking a reactor.
#pragma once

#include <sys/socket.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace wsd::net {

// An address to connect to.
struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t size = 0;
};

// One lookup. Its thread works on while nobody waits for it any more, because getaddrinfo(3)
// cannot be interrupted: it may take as long as the resolver's timeouts.
class NameLookup {
 public:
  // Starts a thread that looks up `host`, and then signals `wake_fd`, an eventfd, through a
  // duplicate of its own. Throws std::bad_alloc if memory runs out. If there can be no thread,
  // returns a lookup that is done and has an error.
  [[nodiscard]] static std::shared_ptr<NameLookup> start(std::string_view host, std::uint16_t port,
                                                         int wake_fd);
  NameLookup(const NameLookup&) = delete;
  NameLookup& operator=(const NameLookup&) = delete;
  ~NameLookup();

  [[nodiscard]] const std::string& host() const noexcept { return host_; }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  // Any thread. The two methods below are valid once it returns true.
  [[nodiscard]] bool done() const noexcept { return done_.load(std::memory_order_acquire); }
  // Empty if the lookup has failed.
  [[nodiscard]] const std::vector<SocketAddress>& addresses() const noexcept { return addresses_; }
  // Returns why the lookup has failed, like "Name or service not known".
  [[nodiscard]] const std::string& error() const noexcept { return error_; }

 private:
  NameLookup(std::string_view host, std::uint16_t port) : host_(host), port_(port) {}
  void run() noexcept;
  void finish() noexcept;

  const std::string host_;
  const std::uint16_t port_;
  int wake_fd_ = -1;  // a duplicate
  std::vector<SocketAddress> addresses_;
  std::string error_;
  std::atomic<bool> done_{false};
};

}  // namespace wsd::net
