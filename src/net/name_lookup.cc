#include "net/name_lookup.h"

#include <fcntl.h>
#include <netdb.h>

#include <cstring>
#include <new>
#include <system_error>
#include <thread>

#include "net/socket.h"

namespace wsd::net {

std::shared_ptr<NameLookup> NameLookup::start(std::string_view host, std::uint16_t port,
                                              int wake_fd) {
  std::shared_ptr<NameLookup> lookup(new NameLookup(host, port));
  lookup->wake_fd_ = ::fcntl(wake_fd, F_DUPFD_CLOEXEC, 0);
  if (lookup->wake_fd_ < 0) {
    lookup->error_ = std::strerror(errno);
    lookup->done_.store(true, std::memory_order_release);
    return lookup;
  }
  try {
    std::thread([lookup] { lookup->run(); }).detach();
  } catch (const std::system_error& error) {
    lookup->error_ = std::string("cannot start a thread for the lookup: ") + error.what();
    lookup->done_.store(true, std::memory_order_release);
  }
  return lookup;
}

NameLookup::~NameLookup() {
  if (wake_fd_ >= 0) close_socket(wake_fd_);
}

void NameLookup::run() noexcept {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  try {
    const int failed = ::getaddrinfo(host_.c_str(), std::to_string(port_).c_str(), &hints, &found);
    if (failed != 0) error_ = failed == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(failed);
    for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
      if (each->ai_addrlen > sizeof(sockaddr_storage)) continue;
      SocketAddress address;
      std::memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
      address.size = each->ai_addrlen;
      addresses_.push_back(address);
    }
    if (failed == 0 && addresses_.empty()) error_ = "the name has no address";
  } catch (const std::bad_alloc&) {
    addresses_.clear();  // an empty error text: the caller reports it as out of memory
  }
  if (found != nullptr) ::freeaddrinfo(found);
  finish();
}

void NameLookup::finish() noexcept {
  done_.store(true, std::memory_order_release);
  signal_wake_fd(wake_fd_);
}

}  // namespace wsd::net
