#include "net/engine_wire.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/bytes.h"
#include "base/ip_address.h"
#include "net/engine_port.h"
#include "net/socket.h"

namespace wsd::net {
namespace {

// strerror(3) may use a buffer that other threads share. This text is constant.
const char* text_of(int error) noexcept {
  const char* const text = ::strerrordesc_np(error);
  return text == nullptr ? "Unknown error" : text;
}

// Returns whether `host` is an address and not a name.
bool numeric_address(const std::string& host, std::uint16_t port, SocketAddress& into) {
  const auto address = IpAddress::parse(host);
  if (!address) return false;
  const auto& bytes = address->bytes();
  if (address->is_v4()) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(into.storage);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, bytes.data() + bytes.size() - sizeof(v4.sin_addr),
                sizeof(v4.sin_addr));
    into.size = sizeof(v4);
  } else {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(into.storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr, bytes.data(), sizeof(v6.sin6_addr));
    into.size = sizeof(v6);
  }
  return true;
}

bool unix_address(const std::string& path, SocketAddress& into) noexcept {
  auto& address = reinterpret_cast<sockaddr_un&>(into.storage);
  if (path.size() >= sizeof(address.sun_path)) return false;
  address.sun_family = AF_UNIX;
  std::memcpy(&address.sun_path, path.data(), path.size());
  into.size = static_cast<socklen_t>(sizeof(address));
  return true;
}

void switch_on(int fd, int level, int name) noexcept {
  const int on = 1;
  static_cast<void>(::setsockopt(fd, level, name, &on, sizeof(on)));
}

}  // namespace

EngineWire::~EngineWire() {
  if (port_ == nullptr) return;
  // The address that was tried last did not answer in the time that the owner had for it.
  if (state_ == State::kConnecting) port_->begin_with_next_address();
  close();
  port_->remove(*this);
}

void EngineWire::send(std::string_view bytes) {
  if (state_ == State::kFailed || state_ == State::kEnded) return;
  out_.append(bytes);
}

void EngineWire::start(const engine::Endpoint& to) {
  SocketAddress address;
  if (!to.path.empty()) {
    if (!unix_address(to.path, address)) {
      fail("the path exceeds 107 bytes, the limit of a Unix socket");
      return;
    }
    start({address});
  } else if (numeric_address(to.host, to.port, address)) {
    start({address});
  } else {
    lookup_ = port_->look_up(to.host, to.port);
    state_ = State::kLookingUp;
  }
}

void EngineWire::start(std::vector<SocketAddress> addresses) {
  addresses_ = std::move(addresses);
  first_ = port_->first_address() % addresses_.size();
  try_next();
}

void EngineWire::on_readiness(const Readiness& readiness) noexcept {
  readable_ = readable_ || readiness.readable();
  writable_ = writable_ || readiness.writable();
  ended_ = ended_ || readiness.ended();
}

bool EngineWire::has_work() const noexcept {
  switch (state_) {
    case State::kLookingUp:
      return lookup_->done();
    case State::kConnecting:
      return writable_;
    case State::kOpen:
      return readable_ && reading_;
    case State::kFailed:
      return true;
    case State::kEnded:
      return false;
  }
  return false;
}

void EngineWire::step() {
  EnginePort& port = *port_;
  if (state_ == State::kLookingUp && lookup_->done()) {
    if (lookup_->addresses().empty()) {
      fail(lookup_->error().empty() ? "Cannot allocate memory" : lookup_->error().c_str());
      end();
      return;
    }
    start(lookup_->addresses());
  }
  if (state_ == State::kConnecting && writable_) {
    finish_connecting();
    if (!port.is_current(*this)) return;
  }
  if (state_ == State::kOpen) {
    read_step();
    if (!port.is_current(*this)) return;
  }
  if (state_ == State::kFailed) end();
}

// Begins to connect to the next address that does not fail at once.
void EngineWire::try_next() {
  state_ = State::kConnecting;
  while (tried_ < addresses_.size()) {
    const SocketAddress& address = addresses_[(first_ + tried_++) % addresses_.size()];
    if (try_address(address)) return;
  }
  state_ = State::kFailed;  // `why_` is about the last address
}

bool EngineWire::try_address(const SocketAddress& address) noexcept {
  close();
  const int family = address.storage.ss_family;
  fd_ = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) {
    why_ = text_of(errno);
    return false;
  }
  if (family != AF_UNIX) {
    switch_on(fd_, IPPROTO_TCP, TCP_NODELAY);
    switch_on(fd_, SOL_SOCKET, SO_KEEPALIVE);
  }
  const auto* const to = reinterpret_cast<const sockaddr*>(&address.storage);
  // EINTR: the connection is under way, as with EINPROGRESS (connect(2)).
  const bool begun =
      ::connect(fd_, to, address.size) == 0 || errno == EINPROGRESS || errno == EINTR;
  // Registered only now: an unconnected socket would be reported as hung up.
  if (begun && port_->watch(fd_, token_)) return true;
  why_ = text_of(errno);
  // Never registered, so the poller does not have to forget it.
  close_socket(std::exchange(fd_, -1));
  return false;
}

void EngineWire::finish_connecting() {
  int error = 0;
  socklen_t size = sizeof(error);
  if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) {
    why_ = text_of(error);
    try_next();
    return;
  }
  state_ = State::kOpen;
  owner_.connected();
}

void EngineWire::read_step() {
  EnginePort& port = *port_;
  const MutableBytes buffer = port.buffer();
  std::size_t left = kMostPerTurn;
  while (state_ == State::kOpen && readable_ && reading_ && left != 0) {
    const MutableBytes into = buffer.first(std::min(left, buffer.size()));
    const IoResult result = receive(fd_, into);
    switch (result.status) {
      case IoStatus::kAgain:
        readable_ = false;
        return;
      case IoStatus::kNoBuffers:
        port.retry_later();
        return;
      case IoStatus::kEof:
        fail("Connection closed by the server");
        return;
      case IoStatus::kGone:
        fail(text_of(errno));
        return;
      case IoStatus::kOk:
        break;
    }
    left -= result.bytes;
    // A short read has emptied the socket, and later data is a new edge. An end is not.
    if (result.bytes < into.size() && !ended_) readable_ = false;
    owner_.received(as_text(into.first(result.bytes)));
    if (!port.is_current(*this)) return;
  }
}

bool EngineWire::flush() noexcept {
  while (state_ == State::kOpen && writable_ && unsent() != 0) {
    const IoResult result = send_bytes(fd_, as_bytes(out_).subspan(sent_));
    if (result.status == IoStatus::kOk) {
      sent_ += result.bytes;
      continue;
    }
    if (result.status == IoStatus::kNoBuffers) return false;
    writable_ = false;
    if (result.status == IoStatus::kAgain) break;
    // The server may have said why before it closed: what has arrived is read first, and then the
    // end.
    why_ = text_of(errno);
    readable_ = ended_ = true;
    out_.clear();
    sent_ = 0;
    return true;
  }
  constexpr std::size_t kKeep = std::size_t{64} << 10;
  if (unsent() == 0) {
    sent_ = 0;
    out_.clear();
    if (out_.capacity() > kKeep) std::string().swap(out_);
  } else if (sent_ >= kKeep && sent_ >= out_.size() / 2) {
    out_.erase(0, sent_);
    sent_ = 0;
  }
  return true;
}

void EngineWire::fail(const char* why) noexcept {
  close();
  why_ = why;
  state_ = State::kFailed;
}

int EngineWire::release() noexcept {
  port_->unwatch(fd_);
  state_ = State::kEnded;
  return std::exchange(fd_, -1);
}

void EngineWire::end() {
  state_ = State::kEnded;
  close();
  std::string().swap(out_);
  sent_ = 0;
  owner_.ended(why_);
}

void EngineWire::close() noexcept {
  readable_ = writable_ = ended_ = false;
  if (fd_ >= 0) port_->close(std::exchange(fd_, -1));
}

void EngineWire::detach() noexcept {
  close();
  state_ = State::kEnded;
  lookup_.reset();
  port_ = nullptr;
}

}  // namespace wsd::net
