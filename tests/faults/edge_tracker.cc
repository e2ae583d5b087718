#include "faults/edge_tracker.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>

extern "C" int __real_epoll_wait(int epoll, epoll_event* events, int max, int timeout);

namespace wsd::faults {
namespace {

EdgeTracker the_watch;

}  // namespace

EdgeTracker& watch() noexcept { return the_watch; }

void EdgeTracker::add(int epoll, int fd, const epoll_event& event) noexcept {
  if (static_cast<std::size_t>(fd) >= Calls::kMaxFds) std::abort();
  at(fd) = {epoll, false, event};
  end_ = std::max(end_, fd + 1);
}

void EdgeTracker::request_edge(int fd) noexcept {
  if (at(fd).epoll >= 0) at(fd).edge_requested = true;
}

bool EdgeTracker::ready(int epoll) const noexcept {
  pollfd entry{epoll, POLLIN, 0};
  if (::poll(&entry, 1, 0) > 0) return true;
  return std::any_of(entries_.begin(), entries_.begin() + end_,
                     [&](const Entry& each) { return each.edge_requested && each.epoll == epoll; });
}

int EdgeTracker::collect(int epoll, std::span<epoll_event> events) noexcept {
  int count = __real_epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 0);
  if (count < 0) return count;
  for (int fd = 0; fd < end_; ++fd) {
    Entry& entry = at(fd);
    if (!entry.edge_requested || entry.epoll != epoll) continue;
    entry.edge_requested = false;
    // poll(2) and epoll(7) use the same bits.
    pollfd now{fd, POLLIN | POLLOUT | POLLRDHUP, 0};
    if (::poll(&now, 1, 0) <= 0) continue;
    const auto bits = static_cast<std::uint32_t>(static_cast<unsigned short>(now.revents)) &
                      (entry.event.events | EPOLLERR | EPOLLHUP);
    const auto got = events.first(static_cast<std::size_t>(count));
    const auto same = std::find_if(got.begin(), got.end(), [&](const epoll_event& each) {
      return each.data.u64 == entry.event.data.u64;
    });
    if (same != got.end()) {
      same->events |= bits;
    } else if (static_cast<std::size_t>(count) < events.size()) {
      events[static_cast<std::size_t>(count++)] = {bits, entry.event.data};
    }
  }
  return count;
}

std::size_t EdgeTracker::listeners(int epoll, std::span<int> into) const noexcept {
  std::size_t count = 0;
  for (int fd = 0; fd < end_; ++fd) {
    if (entries_[static_cast<std::size_t>(fd)].epoll != epoll) continue;
    int listening = 0;
    socklen_t size = sizeof(listening);
    if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0) continue;
    if (listening != 0 && count < into.size()) into[count++] = fd;
  }
  return count;
}

}  // namespace wsd::faults
