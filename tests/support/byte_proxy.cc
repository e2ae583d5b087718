#include "support/byte_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

namespace e2e {
namespace {

constexpr std::size_t kMostWaiting = 256 << 10;  // then the proxy stops to read

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void send_at_once(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

}  // namespace

ByteProxy::ByteProxy(std::uint16_t target) : target_(target) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof(address);
  ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size);
  ::listen(listener_, 128);
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  thread_ = std::thread([this] { run(); });
}

ByteProxy::~ByteProxy() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  wake();
  thread_.join();
  for (const Pair& pair : pairs_) {
    reset(pair.client);
    reset(pair.target);
  }
  ::close(listener_);
  ::close(wake_);
}

void ByteProxy::reset(int fd) {
  const linger now{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  ::close(fd);
}

void ByteProxy::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_, &one, sizeof(one));
}

void ByteProxy::set_target(std::uint16_t target) {
  const std::lock_guard lock(mutex_);
  target_ = target;
}

void ByteProxy::cut() {
  const std::lock_guard lock(mutex_);
  for (Pair& pair : pairs_) pair.ended = true;
  wake();
}

void ByteProxy::refuse(bool on) {
  const std::lock_guard lock(mutex_);
  refuses_ = on;
}

void ByteProxy::stall(bool on) {
  const std::lock_guard lock(mutex_);
  stalls_ = on;
  wake();
}

void ByteProxy::hold() {
  const std::lock_guard lock(mutex_);
  for (Pair& pair : pairs_) pair.held = true;
  wake();
}

void ByteProxy::release() {
  const std::lock_guard lock(mutex_);
  for (Pair& pair : pairs_) pair.held = false;
  wake();
}

void ByteProxy::delay(std::chrono::milliseconds time) {
  const std::lock_guard lock(mutex_);
  delay_ = time;
  wake();
}

void ByteProxy::limit(std::size_t piece) {
  const std::lock_guard lock(mutex_);
  limit_ = piece;
  wake();
}

void ByteProxy::cut_after(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  cut_after_ = bytes;
}

void ByteProxy::garble_after(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  garble_after_ = bytes;
}

void ByteProxy::replace(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  from_ = from;
  to_ = to;
}

void ByteProxy::inject(const std::string& bytes) {
  const std::lock_guard lock(mutex_);
  for (Pair& pair : pairs_) pair.down.waiting += bytes;
  wake();
}

std::size_t ByteProxy::accepted() const {
  const std::lock_guard lock(mutex_);
  return accepted_;
}

std::size_t ByteProxy::open() const {
  const std::lock_guard lock(mutex_);
  return pairs_.size();
}

std::size_t ByteProxy::bytes_down() const {
  const std::lock_guard lock(mutex_);
  return bytes_down_;
}

int ByteProxy::milliseconds_to_wait() const {
  if (stalls_) return -1;
  int wait = -1;
  for (const Pair& pair : pairs_) {
    if (pair.held) continue;
    for (const Direction* direction : {&pair.up, &pair.down}) {
      if (direction->waiting.empty()) continue;
      const auto rest =
          std::chrono::ceil<std::chrono::milliseconds>(direction->due - Clock::now()).count();
      if (rest <= 0) continue;  // poll() waits for room in the socket
      wait = wait < 0 ? static_cast<int>(rest) : std::min(wait, static_cast<int>(rest));
    }
  }
  return wait;
}

void ByteProxy::accept_one() {
  const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  ++accepted_;
  const int target = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(target_);
  if (refuses_ ||
      ::connect(target, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    reset(client);
    ::close(target);
    return;
  }
  send_at_once(client);
  send_at_once(target);
  pairs_.emplace_back();
  pairs_.back().client = client;
  pairs_.back().target = target;
}

void ByteProxy::read_into(Pair& pair, int from, Direction& direction, bool down) {
  std::array<char, 65536> buffer{};
  const ssize_t size = ::recv(from, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) {
    (down ? pair.ended : pair.client_ended) = true;
    return;
  }
  std::string bytes(buffer.data(), static_cast<std::size_t>(size));
  if (down) spoil(pair, bytes);
  if (direction.waiting.empty()) direction.due = Clock::now() + delay_;
  direction.waiting += bytes;
}

// Applies the faults that change or count bytes.
void ByteProxy::spoil(Pair& pair, std::string& bytes) {
  for (std::size_t at = 0; !from_.empty() && (at = bytes.find(from_, at)) != std::string::npos;) {
    bytes.replace(at, to_.size(), to_);
  }
  if (garble_after_ != kNever) {
    if (garble_after_ < bytes.size()) {
      bytes[garble_after_] = static_cast<char>(~bytes[garble_after_]);
      garble_after_ = kNever;
    } else {
      garble_after_ -= bytes.size();
    }
  }
  if (cut_after_ == kNever) return;
  if (cut_after_ < bytes.size()) {
    bytes.resize(cut_after_);
    // The client gets the bytes before the cut.
    ::send(pair.client, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    bytes.clear();
    ::shutdown(pair.client, SHUT_WR);
    pair.ended = true;
    cut_after_ = kNever;
  } else {
    cut_after_ -= bytes.size();
  }
}

void ByteProxy::write_from(Pair& pair, int to, Direction& direction, bool down) {
  if (direction.waiting.empty() || Clock::now() < direction.due) return;
  const std::size_t most =
      limit_ == 0 ? direction.waiting.size() : std::min(limit_, direction.waiting.size());
  const ssize_t size = ::send(to, direction.waiting.data(), most, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (size < 0) {
    if (errno != EAGAIN && errno != EINTR) pair.ended = true;
    return;
  }
  direction.waiting.erase(0, static_cast<std::size_t>(size));
  if (down) bytes_down_ += static_cast<std::size_t>(size);
}

void ByteProxy::run() {
  for (;;) {
    std::vector<pollfd> sources = {{listener_, POLLIN, 0}, {wake_, POLLIN, 0}};
    int wait = -1;
    {
      const std::lock_guard lock(mutex_);
      if (over_) return;
      wait = milliseconds_to_wait();
      const auto events = [&](const Pair& pair, const Direction& in, const Direction& out) {
        int wanted = 0;
        if (stalls_ || pair.held) return static_cast<short>(0);
        if (in.waiting.size() < kMostWaiting) wanted |= POLLIN;
        if (!out.waiting.empty() && out.due <= Clock::now()) wanted |= POLLOUT;
        return static_cast<short>(wanted);
      };
      for (const Pair& pair : pairs_) {
        const short client = events(pair, pair.up, pair.down);
        const short target = events(pair, pair.down, pair.up);
        // poll() reports the end of a stream unasked, so a paused socket is left out.
        sources.push_back({client == 0 ? -1 : pair.client, client, 0});
        sources.push_back({target == 0 ? -1 : pair.target, target, 0});
      }
    }
    if (::poll(sources.data(), sources.size(), wait) < 0 && errno != EINTR) return;
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t taken = ::read(wake_, &count, sizeof(count));
    const std::lock_guard lock(mutex_);
    std::size_t next = 2;
    for (Pair& pair : pairs_) {
      const short client = sources[next++].revents;
      const short target = sources[next++].revents;
      if (pair.ended || pair.held || stalls_) continue;
      constexpr short kRead = POLLIN | POLLHUP | POLLERR;
      if ((client & kRead) != 0) read_into(pair, pair.client, pair.up, false);
      if (!pair.ended && (target & kRead) != 0) read_into(pair, pair.target, pair.down, true);
      if (pair.ended) continue;
      write_from(pair, pair.target, pair.up, false);
      write_from(pair, pair.client, pair.down, true);
      if (pair.client_ended && pair.up.waiting.empty()) pair.ended = true;
    }
    for (auto pair = pairs_.begin(); pair != pairs_.end();) {
      if (!pair->ended) {
        ++pair;
        continue;
      }
      reset(pair->target);
      ::close(pair->client);
      pair = pairs_.erase(pair);
    }
    if ((sources[0].revents & POLLIN) != 0) accept_one();
  }
}

}  // namespace e2e
