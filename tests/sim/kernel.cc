#include "sim/kernel.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/assert.h"

namespace wsd::sim {
namespace {

Kernel* current_kernel = nullptr;

// Far above any real descriptor, so that a stray one is detected.
constexpr int kFirstDescriptor = 10'000;

// Above all descriptors of the server: the keys of sockets that only a child process holds.
constexpr int kFirstHeld = 1'000'000;

constexpr int kFirstPeerPort = 20'000;
constexpr std::size_t kBacklog = 64;

int fail(int error) {
  errno = error;
  return -1;
}

}  // namespace

void ByteQueue::pop(std::size_t count) noexcept {
  taken_ += count;
  if (taken_ == bytes_.size()) clear();
}

void ByteQueue::clear() noexcept {
  bytes_.clear();
  taken_ = 0;
}

Kernel::Kernel(Random& random, Trace& trace)
    : random_(random), trace_(trace), now_ms_(1'000'000 + random.below(1'000'000)) {
  WSD_ASSERT(current_kernel == nullptr);
  current_kernel = this;
}

Kernel::~Kernel() { current_kernel = nullptr; }

Kernel& Kernel::current() noexcept {
  WSD_ASSERT(current_kernel != nullptr);
  return *current_kernel;
}

// Descriptors

int Kernel::add(Descriptor descriptor) {
  int fd = kFirstDescriptor;  // the lowest free one, as POSIX requires
  for (const auto& [used, unused] : descriptors_) {
    if (used != fd) break;
    ++fd;
  }
  descriptors_.emplace(fd, std::move(descriptor));
  return fd;
}

Kernel::Descriptor* Kernel::find(int fd) {
  const auto found = descriptors_.find(fd);
  return found == descriptors_.end() ? nullptr : &found->second;
}

Link* Kernel::link_of(int fd, const char* call) {
  Descriptor* const descriptor = find(fd);
  if (descriptor == nullptr || descriptor->kind != Descriptor::Kind::kLink) {
    broken("%s on descriptor %d, which is no open connection", call, fd);
  }
  return descriptor->link;
}

Link* Kernel::made_link_of(int fd, const char* call) {
  Link* const link = link_of(fd, call);
  if (!link->made()) broken("%s on connection %d, which is not made", call, link->number);
  return link;
}

bool Kernel::no_descriptor_free() const noexcept {
  return static_cast<int>(open_descriptors()) >= faults.descriptor_limit;
}

int Kernel::socket() {
  if (no_descriptor_free()) return fail(EMFILE);
  return add({});
}

int Kernel::bind(int fd, std::uint16_t port) {
  static constexpr std::uint16_t kAnyPort = 9'001;
  find(fd)->port = port == 0 ? kAnyPort : port;
  return 0;
}

int Kernel::listen(int fd) {
  find(fd)->kind = Descriptor::Kind::kListener;
  find(fd)->backlog = std::make_shared<std::vector<Link*>>();
  return 0;
}

int Kernel::dup(int fd) {
  if (no_descriptor_free()) return fail(EMFILE);
  Descriptor copy = *find(fd);
  copy.watch = {};
  copy.shared = false;
  return add(std::move(copy));
}

bool Kernel::listens(int fd) {
  const Descriptor* const descriptor = find(fd);
  return descriptor != nullptr && descriptor->kind == Descriptor::Kind::kListener;
}

std::uint16_t Kernel::port_of(int fd) { return find(fd)->port; }

void Kernel::set_linger_reset(int fd) { link_of(fd, "setsockopt")->reset_on_close = true; }

int Kernel::close(int fd) {
  Descriptor* const descriptor = find(fd);
  if (descriptor == nullptr) broken("close of descriptor %d, which is not open", fd);
  if (Link* const link = descriptor->link) {
    trace_.note("%8lu  close connection %d%s", now_ms_, link->number,
                link->reset_on_close ? " with a reset" : "");
    link->server_closed = true;
  }
  trace_.count('c', static_cast<std::uint64_t>(fd), now_ms_);
  if (descriptor->shared) {
    keep_for_child(fd, *descriptor);
  } else {
    end_socket(fd, *descriptor);
  }
  return 0;
}

// The last descriptor of a socket is closed.
void Kernel::end_socket(int fd, Descriptor& descriptor) {
  if (descriptor.watch.listed) forget_ready(fd, descriptor.watch);
  if (descriptor.backlog.use_count() == 1) {
    for (Link* waiting : *descriptor.backlog) waiting->server_reset = true;
  }
  if (Link* const link = descriptor.link) {
    link->server_fd = -1;
    link->held = false;
    link->server_shut = true;
    // tcp(7): closing a socket with unread input resets the connection. So does SO_LINGER with time
    // 0.
    if (link->reset_on_close || !link->arrived.empty()) link->server_reset = true;
    if (link->server_reset) link->outgoing.clear();
  }
  descriptors_.erase(fd);
}

// The server's number is free for a new descriptor. The socket and its registration live on.
void Kernel::keep_for_child(int fd, Descriptor& descriptor) {
  const int key = kFirstHeld + next_held_++;
  const bool listed = descriptor.watch.listed;
  if (listed) forget_ready(fd, descriptor.watch);
  if (Link* const link = descriptor.link) {
    link->server_fd = key;
    link->held = true;
  }
  descriptors_.emplace(key, std::move(descriptor));
  descriptors_.erase(fd);
  ++held_;
  if (listed) wake(key);
}

void Kernel::fork() {
  trace_.note("%8lu  fork", now_ms_);
  has_child_ = true;
  for (auto& [fd, descriptor] : descriptors_) descriptor.shared = true;
}

void Kernel::child_ends() {
  trace_.note("%8lu  the child ends", now_ms_);
  has_child_ = false;
  for (auto next = descriptors_.begin(); next != descriptors_.end();) {
    auto& [fd, descriptor] = *next++;
    descriptor.shared = false;
    if (fd >= kFirstHeld) end_socket(fd, descriptor);
  }
  held_ = 0;
}

// Connections

Link& Kernel::new_link(std::size_t send_buffer) {
  const int number = kFirstPeerPort + static_cast<int>(links_.size());
  Link& link = links_[number];
  order_.push_back(&link);
  link.number = number;
  link.send_buffer = send_buffer;
  return link;
}

Link& Kernel::connect(std::uint16_t port, std::size_t send_buffer) {
  Link& link = new_link(send_buffer);
  // SO_REUSEPORT: a hash in the kernel chooses the listening socket. A shared one has several
  // descriptors.
  std::vector<int> listeners;
  for (const auto& [fd, descriptor] : descriptors_) {
    if (descriptor.kind == Descriptor::Kind::kListener && descriptor.port == port) {
      listeners.push_back(fd);
    }
  }
  if (listeners.empty()) {
    link.server_reset = true;
    return link;
  }
  const int chosen = random_.one_of(std::span<const int>(listeners));
  Descriptor& listener = *find(chosen);
  if (listener.backlog->size() == kBacklog) {
    link.server_reset = true;
    return link;
  }
  listener.backlog->push_back(&link);
  wake_accepters(listener);
  return link;
}

int Kernel::accept(int fd, std::uint16_t& peer_port) {
  Descriptor* const listener = find(fd);
  if (listener == nullptr || listener->kind != Descriptor::Kind::kListener) {
    broken("accept4 on descriptor %d, which is no listener", fd);
  }
  if (random_.chance(faults.interrupted)) return fail(EINTR);
  std::vector<Link*>& backlog = *listener->backlog;
  if (backlog.empty()) return fail(EAGAIN);
  if (no_descriptor_free()) {
    if (refused_at_ms_ != now_ms_) refused_accepts_ = 0;
    refused_at_ms_ = now_ms_;
    ++refused_accepts_;
    static constexpr std::array<int, 4> kErrors = {EMFILE, ENFILE, ENOBUFS, ENOMEM};
    return fail(random_.one_of(std::span<const int>(kErrors)));
  }
  if (random_.chance(faults.accept_error)) {
    // accept(2), "Error handling": the failed connection is lost.
    Link* const lost = backlog.front();
    backlog.erase(backlog.begin());
    lost->server_reset = true;
    static constexpr std::array<int, 6> kErrors = {ECONNABORTED, EPROTO,    EPERM,
                                                   ENETDOWN,     ETIMEDOUT, EHOSTUNREACH};
    return fail(random_.one_of(std::span<const int>(kErrors)));
  }
  Link* const link = backlog.front();
  backlog.erase(backlog.begin());
  Descriptor descriptor;
  descriptor.kind = Descriptor::Kind::kLink;
  descriptor.link = link;
  link->server_fd = add(std::move(descriptor));
  link->accepted = true;
  link->accepted_ms = link->heard_ms = now_ms_;
  peer_port = static_cast<std::uint16_t>(link->number);
  trace_.note("%8lu  accept connection %d", now_ms_, link->number);
  trace_.count('a', static_cast<std::uint64_t>(link->server_fd), now_ms_);
  return link->server_fd;
}

long Kernel::receive(int fd, char* into, std::size_t count) {
  Link* const link = made_link_of(fd, "recv");
  if (random_.chance(faults.interrupted)) return fail(EINTR);
  if (link->reset_arrived) {
    if (std::exchange(link->reset_told, true)) return 0;
    return fail(random_.chance(20) ? ETIMEDOUT : ECONNRESET);
  }
  if (link->arrived.empty()) return link->fin_arrived ? 0 : fail(EAGAIN);
  if (faults.no_buffers) return fail(ENOMEM);
  // Never fewer bytes than have arrived: by epoll(7) a short read means that the socket is empty.
  const std::string_view bytes = link->arrived.front(count);
  bytes.copy(into, bytes.size());
  const auto received = static_cast<long>(bytes.size());
  link->arrived.pop(bytes.size());
  link->heard_ms = now_ms_;
  link->received += static_cast<std::uint64_t>(received);
  trace_.note("%8lu  receive %ld from %d", now_ms_, received, link->number);
  trace_.count('r', static_cast<std::uint64_t>(fd), static_cast<std::uint64_t>(received));
  return received;
}

long Kernel::send(int fd, std::string_view bytes) {
  Link* const link = made_link_of(fd, "send");
  if (random_.chance(faults.interrupted)) return fail(EINTR);
  if (link->server_shut) broken("send on connection %d after shutdown", link->number);
  if (link->reset_arrived) {
    return fail(std::exchange(link->reset_told, true) ? EPIPE : ECONNRESET);
  }
  if (faults.no_buffers) return fail(random_.chance(50) ? ENOBUFS : ENOMEM);
  const std::size_t room = link->send_buffer - std::min(link->send_buffer, link->outgoing.size());
  if (room == 0 && !bytes.empty()) {
    link->no_space = true;
    return fail(EAGAIN);
  }
  std::size_t taken = std::min(room, bytes.size());
  if (taken < bytes.size()) link->no_space = true;
  if (taken > 1 && random_.chance(faults.short_send)) {
    taken = random_.chance(50) ? 1 : random_.between(1, taken);
  }
  if (link->peer_closed) {
    // No socket is left to receive the bytes, so the kernel answers with a reset.
    link->arrived.clear();
    link->on_the_way.clear();
    link->reset_arrived = true;
    wake(fd);
  } else {
    link->outgoing.push(bytes.substr(0, taken));
  }
  link->sent += taken;
  trace_.note("%8lu  send %zu of %zu to %d", now_ms_, taken, bytes.size(), link->number);
  trace_.count('s', static_cast<std::uint64_t>(fd), taken);
  return static_cast<long>(taken);
}

int Kernel::shutdown_write(int fd) {
  Link* const link = link_of(fd, "shutdown");
  if (link->reset_arrived) return fail(ENOTCONN);
  trace_.note("%8lu  shutdown %d", now_ms_, link->number);
  link->server_shut = true;
  return 0;
}

int Kernel::unacknowledged(int fd) {
  const Link* const link = link_of(fd, "ioctl");
  return static_cast<int>(link->outgoing.size()) + (link->server_shut && !link->fin_taken ? 1 : 0);
}

bool Kernel::has_arrivals(const Link& link) noexcept {
  return !link.server_reset && !link.reset_arrived &&
         (!link.on_the_way.empty() || (link.fin_on_the_way && !link.fin_arrived));
}

void Kernel::arrive(Link& link, std::size_t count) {
  const std::string_view bytes = link.on_the_way.front(count);
  trace_.count('w', static_cast<std::uint64_t>(link.number), bytes.size());
  if (link.server_closed && !link.held) {
    // The socket is closed. The kernel answers later bytes with a reset.
    if (!bytes.empty()) {
      link.server_reset = true;
      link.outgoing.clear();
    }
    link.on_the_way.clear();
    link.fin_arrived = link.fin_on_the_way;
    return;
  }
  link.arrived.push(bytes);
  link.on_the_way.pop(bytes.size());
  if (link.on_the_way.empty() && link.fin_on_the_way) link.fin_arrived = true;
  if (link.server_fd >= 0) wake(link.server_fd);
}

std::string Kernel::peer_read(Link& link, std::size_t most) {
  if (link.server_reset) return {};
  std::string bytes(link.outgoing.front(most));
  link.outgoing.pop(bytes.size());
  trace_.count('p', static_cast<std::uint64_t>(link.number), bytes.size());
  if (link.no_space && link.writeable()) {
    link.no_space = false;
    if (link.server_fd >= 0) wake(link.server_fd);
  }
  return bytes;
}

void Kernel::peer_close(Link& link) {
  if (link.peer_closed) return;
  link.peer_closed = true;
  if (!link.outgoing.empty()) {
    peer_reset(link);
    return;
  }
  link.fin_on_the_way = true;
}

void Kernel::peer_reset(Link& link) {
  link.peer_closed = true;
  link.reset_arrived = true;
  link.on_the_way.clear();
  link.arrived.clear();
  link.outgoing.clear();
  if (link.server_fd >= 0) wake(link.server_fd);
}

// Events

int Kernel::eventfd() {
  if (no_descriptor_free()) return fail(EMFILE);
  Descriptor descriptor;
  descriptor.kind = Descriptor::Kind::kEvent;
  return add(std::move(descriptor));
}

long Kernel::signal(int fd) {
  Descriptor* const descriptor = find(fd);
  if (descriptor == nullptr || descriptor->kind != Descriptor::Kind::kEvent) {
    broken("write to descriptor %d, which is no eventfd", fd);
  }
  ++descriptor->count;
  wake(fd);
  return sizeof(std::uint64_t);
}

int Kernel::epoll_create() {
  if (no_descriptor_free()) return fail(EMFILE);
  Descriptor descriptor;
  descriptor.kind = Descriptor::Kind::kEpoll;
  return add(std::move(descriptor));
}

int Kernel::epoll_add(int epoll, int fd, std::uint32_t events, std::uint64_t data) {
  Descriptor* const descriptor = find(fd);
  WSD_ASSERT(descriptor != nullptr && find(epoll) != nullptr);
  if (descriptor->kind == Descriptor::Kind::kLink && random_.chance(faults.register_failure)) {
    return fail(random_.chance(50) ? ENOSPC : ENOMEM);
  }
  if (descriptor->watch.epoll >= 0) return fail(EEXIST);
  descriptor->watch = {epoll, events, data, false};
  if ((state_of(*descriptor) & events) != 0) wake(fd);
  return 0;
}

int Kernel::epoll_remove(int epoll, int fd) {
  Descriptor* const descriptor = find(fd);
  if (descriptor == nullptr || descriptor->watch.epoll != epoll) return fail(ENOENT);
  if (descriptor->watch.listed) forget_ready(fd, descriptor->watch);
  descriptor->watch = {};
  return 0;
}

void Kernel::forget_ready(int fd, Registration& watch) {
  if (Descriptor* const epoll = find(watch.epoll)) std::erase(epoll->ready, fd);
  watch.listed = false;
}

std::uint32_t Kernel::state_of(const Descriptor& descriptor) const noexcept {
  switch (descriptor.kind) {
    case Descriptor::Kind::kListener:
      return descriptor.backlog->empty() ? 0U : static_cast<std::uint32_t>(EPOLLIN);
    case Descriptor::Kind::kEvent:
      return (descriptor.count != 0 ? static_cast<std::uint32_t>(EPOLLIN) : 0U) | EPOLLOUT;
    case Descriptor::Kind::kLink:
      break;
    default:
      return 0;
  }
  const Link& link = *descriptor.link;
  if (link.connecting) return 0;
  std::uint32_t state = 0;
  if (!link.arrived.empty() || link.fin_arrived || link.reset_arrived) state |= EPOLLIN;
  if (link.fin_arrived || link.reset_arrived) state |= EPOLLRDHUP;
  if (link.reset_arrived || (link.fin_arrived && link.server_shut)) state |= EPOLLHUP;
  if (link.reset_arrived && !link.reset_told) state |= EPOLLERR;
  if (link.writeable() || link.server_shut) state |= EPOLLOUT;
  return state;
}

void Kernel::wake(int fd) {
  Descriptor& descriptor = *find(fd);
  if (descriptor.watch.epoll < 0 || descriptor.watch.listed) return;
  descriptor.watch.listed = true;
  find(descriptor.watch.epoll)->ready.push_back(fd);
}

// EPOLLEXCLUSIVE: at least one of the epoll instances is woken (epoll_ctl(2)).
void Kernel::wake_accepters(const Descriptor& listener) {
  std::vector<int> watched;
  for (const auto& [fd, descriptor] : descriptors_) {
    if (descriptor.backlog == listener.backlog && descriptor.watch.epoll >= 0) {
      watched.push_back(fd);
    }
  }
  if (watched.size() < 2 || random_.chance(50)) {
    for (const int fd : watched) wake(fd);
  } else {
    wake(random_.one_of(std::span<const int>(watched)));
  }
}

bool Kernel::ready(int epoll) {
  for (const int fd : find(epoll)->ready) {
    const Descriptor& descriptor = *find(fd);
    if ((state_of(descriptor) & (descriptor.watch.events | EPOLLERR | EPOLLHUP)) != 0) return true;
  }
  return false;
}

int Kernel::epoll_wait(int epoll, Event* events, int most, int timeout_ms) {
  const std::uint64_t until =
      timeout_ms < 0 ? kForEver : now_ms_ + static_cast<std::uint64_t>(timeout_ms);
  if (!sleep(epoll, until)) return fail(EINTR);
  Descriptor& instance = *find(epoll);
  if (random_.chance(faults.spurious_wake)) {
    for (const auto& [fd, descriptor] : descriptors_) {
      if (descriptor.watch.epoll == epoll && random_.chance(50)) wake(fd);
    }
  }
  std::vector<int> listed = std::exchange(instance.ready, {});
  // The network decides the order in which descriptors become ready, not the server.
  for (std::size_t i = listed.size(); i > 1; --i) {
    std::swap(listed[i - 1], listed[random_.below(i)]);
  }
  int count = 0;
  const int share = random_.chance(faults.partial_harvest) ? 1 : most;
  for (const int fd : listed) {
    Descriptor& descriptor = *find(fd);
    if (count >= share) {
      instance.ready.push_back(fd);
      continue;
    }
    const std::uint32_t state =
        state_of(descriptor) & (descriptor.watch.events | EPOLLERR | EPOLLHUP);
    descriptor.watch.listed = false;
    if (state == 0) continue;
    if (fd >= kFirstHeld) broken("epoll reports a socket that the server has closed");
    events[count++] = {state, descriptor.watch.data};
    // Level-triggered: reported again until the condition ends.
    if ((descriptor.watch.events & EPOLLET) == 0) wake(fd);
  }
  // A wait without an event leaves no trace, so that a reactor that spins is noticed.
  if (count != 0) {
    trace_.count('e', static_cast<std::uint64_t>(epoll), static_cast<std::uint64_t>(count));
  }
  return count;
}

}  // namespace wsd::sim
