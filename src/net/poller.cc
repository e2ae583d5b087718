#include "net/poller.h"

#include <unistd.h>

#include "net/socket.h"

namespace wsd::net {
namespace {

bool add_for(int epoll, int fd, std::uint64_t token, std::uint32_t events) noexcept {
  epoll_event event{};
  event.events = events;
  event.data.u64 = token;
  return ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace

Poller::Poller() noexcept : fd_(::epoll_create1(EPOLL_CLOEXEC)) {}

Poller::~Poller() {
  if (fd_ >= 0) ::close(fd_);
}

bool Poller::add(int fd, std::uint64_t token) noexcept {
  return add_for(fd_, fd, token, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

bool Poller::add_shared(int fd, std::uint64_t token) noexcept {
  return add_for(fd_, fd, token, EPOLLIN | EPOLLEXCLUSIVE);
}

void Poller::remove(int fd) noexcept {
  epoll_event unused{};
  static_cast<void>(::epoll_ctl(fd_, EPOLL_CTL_DEL, fd, &unused));
}

void Poller::close(int fd) noexcept {
  remove(fd);
  close_socket(fd);
}

std::span<const Readiness> Poller::wait(int timeout_ms,
                                        std::span<Readiness, kMaxEvents> ready) noexcept {
  static_assert(sizeof(Readiness) == sizeof(epoll_event));
  const int count =
      ::epoll_wait(fd_, reinterpret_cast<epoll_event*>(ready.data()), kMaxEvents, timeout_ms);
  if (count <= 0) return {};
  return ready.first(static_cast<std::size_t>(count));
}

}  // namespace wsd::net
