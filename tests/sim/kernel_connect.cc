// The connections that the server begins.
#include <cerrno>
#include <utility>

#include "sim/kernel.h"

namespace wsd::sim {

int Kernel::connect_to(int fd, std::string_view address) {
  Descriptor* const descriptor = find(fd);
  if (descriptor == nullptr || descriptor->kind != Descriptor::Kind::kSocket) {
    broken("connect on descriptor %d, which is no new socket", fd);
  }
  constexpr std::size_t kSendBuffer = 200'000;
  Link& link = new_link(kSendBuffer);
  link.to = address;
  const int decided = begun ? begun(link) : ECONNREFUSED;
  trace_.note("%8lu  connect %d to %s: %d", now_ms_, link.number, link.to.c_str(), decided);
  trace_.count('o', static_cast<std::uint64_t>(fd), static_cast<std::uint64_t>(decided));
  if (decided != 0 && decided != EINPROGRESS) {
    link.refused = link.server_closed = true;
    errno = decided;
    return -1;
  }
  descriptor->kind = Descriptor::Kind::kLink;
  descriptor->link = &link;
  link.server_fd = fd;
  link.accepted = true;
  link.accepted_ms = link.heard_ms = now_ms_;
  link.connecting = decided != 0;
  if (decided == 0) return 0;
  // connect(2): a call that is interrupted goes on by itself.
  errno = random_.chance(faults.interrupted) ? EINTR : EINPROGRESS;
  return -1;
}

int Kernel::take_error(int fd) {
  Link* const link = link_of(fd, "getsockopt");
  if (!link->reset_arrived || std::exchange(link->reset_told, true)) return 0;
  return link->refused ? link->error : ECONNRESET;
}

void Kernel::finish_connect(Link& link) {
  trace_.note("%8lu  connection %d is made", now_ms_, link.number);
  trace_.count('m', static_cast<std::uint64_t>(link.number), 0);
  link.connecting = false;
  if (link.server_fd >= 0) wake(link.server_fd);
}

void Kernel::refuse_connect(Link& link, int error) {
  trace_.note("%8lu  connection %d is refused: %d", now_ms_, link.number, error);
  trace_.count('f', static_cast<std::uint64_t>(link.number), static_cast<std::uint64_t>(error));
  link.connecting = false;
  link.refused = link.reset_arrived = true;
  link.error = error;
  if (link.server_fd >= 0) wake(link.server_fd);
}

}  // namespace wsd::sim
