#include "net/poller.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <array>

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

std::span<const Readiness> Poller::wait(int timeout_ms,
                                        std::span<Readiness, kMaxEvents> ready) noexcept {
  std::array<epoll_event, kMaxEvents> events;
  const int count = ::epoll_wait(fd_, events.data(), kMaxEvents, timeout_ms);
  if (count <= 0) return {};
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    const std::uint32_t bits = events[i].events;
    // An error or a hang-up is learned by reading, and wakes a writer too.
    const bool broken = (bits & (EPOLLERR | EPOLLHUP)) != 0;
    ready[i].token = events[i].data.u64;
    ready[i].ended = broken || (bits & EPOLLRDHUP) != 0;
    ready[i].readable = ready[i].ended || (bits & EPOLLIN) != 0;
    ready[i].writable = broken || (bits & EPOLLOUT) != 0;
  }
  return ready.first(static_cast<std::size_t>(count));
}

}  // namespace wsd::net
