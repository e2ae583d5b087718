#include "support/raw_client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace e2e {

const char* end_name(End end) {
  switch (end) {
    case End::kOpen:
      return "open";
    case End::kFin:
      return "FIN";
    case End::kReset:
      return "RST";
    case End::kTimeout:
      return "timeout";
    case End::kMoreBytes:
      return "more bytes";
  }
  return "?";
}

void RawClient::swap(RawClient& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(input_, other.input_);
  std::swap(taken_, other.taken_);
  std::swap(end_, other.end_);
  std::swap(foreign_, other.foreign_);
}

void RawClient::adopt(int fd, int receive_buffer) {
  fd_ = fd;
  const int on = 1;
  // Fails on a Unix socket, which has no delay to turn off.
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (receive_buffer > 0) {
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
}

void RawClient::connect(const void* address, unsigned size) {
  if (fd_ >= 0 && ::connect(fd_, static_cast<const sockaddr*>(address), size) != 0) close();
  if (fd_ >= 0) ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK);
}

RawClient RawClient::foreign(std::uint16_t port) {
  RawClient client = tcp(port);
  client.foreign_ = true;
  return client;
}

RawClient RawClient::tcp(std::uint16_t port, int receive_buffer) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  RawClient client;
  client.adopt(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), receive_buffer);
  client.connect(&address, sizeof address);
  return client;
}

RawClient RawClient::tcp6(std::uint16_t port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  address.sin6_addr = in6addr_loopback;
  RawClient client;
  client.adopt(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), 0);
  client.connect(&address, sizeof address);
  return client;
}

RawClient RawClient::unix_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  RawClient client;
  client.adopt(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), 0);
  client.connect(&address, sizeof address);
  return client;
}

std::string RawClient::local_address() const {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      address.sin_family != AF_INET) {
    return {};
  }
  return "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

bool RawClient::wait(short events, Clock::time_point deadline, short* ready) const {
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    pollfd source{fd_, events, 0};
    const int count = ::poll(&source, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (count > 0) {
      if (ready != nullptr) *ready = source.revents;
      return true;
    }
    if (count == 0 && Clock::now() >= deadline) return false;
    if (count < 0 && errno != EINTR) return false;
  }
}

bool RawClient::receive() {
  if (fd_ < 0 || end_ == End::kFin || end_ == End::kReset) return false;
  std::array<char, 65536> buffer;  // NOLINT: filled by recv
  const ssize_t size = ::recv(fd_, buffer.data(), buffer.size(), 0);
  if (size > 0) {
    input_.append(buffer.data(), static_cast<std::size_t>(size));
    return true;
  }
  if (size == 0) {
    end_ = End::kFin;
  } else if (errno != EAGAIN && errno != EINTR) {
    end_ = End::kReset;
  }
  return false;
}

bool RawClient::fill(Clock::time_point deadline) {
  while (fd_ >= 0 && end_ != End::kFin && end_ != End::kReset) {
    if (!wait(POLLIN, deadline)) {
      end_ = End::kTimeout;
      return false;
    }
    if (receive()) return true;
  }
  return false;
}

bool RawClient::send(std::string_view bytes) {
  auto deadline = Clock::now() + patience();
  while (!bytes.empty()) {
    short ready = 0;
    if (fd_ < 0 || !wait(POLLIN | POLLOUT, deadline, &ready)) return false;
    if ((ready & ~POLLOUT) != 0) {
      receive();
      if (end_ == End::kFin || end_ == End::kReset) return false;
    }
    if ((ready & POLLOUT) == 0) continue;
    const ssize_t size = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(size));
      deadline = Clock::now() + patience();
    } else if (size < 0 && errno != EAGAIN && errno != EINTR) {
      // The bytes that the server sent before it ended must still be read.
      while (receive()) {
      }
      return false;
    }
  }
  return true;
}

bool RawClient::send_in_pieces(std::string_view bytes, std::size_t size) {
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, size);
    if (!send(piece)) return false;
    bytes.remove_prefix(piece.size());
  }
  return true;
}

std::size_t RawClient::send_some(std::string_view bytes) {
  const ssize_t size = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return size > 0 ? static_cast<std::size_t>(size) : 0;
}

std::string_view RawClient::pending() const { return std::string_view(input_).substr(taken_); }

void RawClient::consume(std::size_t size) {
  taken_ += size;
  // So seldom that a million small frames copy each byte about once.
  if (taken_ == input_.size() || taken_ > (std::size_t{1} << 20)) {
    input_.erase(0, taken_);
    taken_ = 0;
  }
}

namespace {

void expect_one_line_if_error(const HttpResponse& response) {
  if (response.status < 400 || !response.get("Content-Type").starts_with("text/plain")) return;
  EXPECT_EQ(response.body.find('\n'), response.body.size() - 1) << response.describe();
}

}  // namespace

std::optional<HttpResponse> RawClient::read_response(bool head_request) {
  const auto deadline = Clock::now() + patience();
  std::size_t end = 0;
  while ((end = pending().find("\r\n\r\n")) == std::string_view::npos) {
    if (!fill(deadline)) return std::nullopt;
  }
  auto response = parse_response_head(pending().substr(0, end + 4));
  if (!response) return std::nullopt;
  consume(end + 4);
  if (response->status == 100) return read_response(head_request);
  if (head_request || response->status == 101 || response->status == 204) return response;
  if (response->has("Content-Length")) {
    const std::size_t length = std::strtoull(response->get("Content-Length").c_str(), nullptr, 10);
    while (pending().size() < length) {
      if (!fill(deadline)) return std::nullopt;
    }
    response->body = pending().substr(0, length);
    consume(length);
    if (!foreign_) expect_one_line_if_error(*response);
    return response;
  }
  while (fill(deadline)) {
  }
  response->body = pending();
  consume(response->body.size());
  return response;
}

std::optional<Frame> RawClient::poll_frame() {
  while (receive()) {
  }
  const std::string_view bytes = pending();
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (bytes.size() < 2) return std::nullopt;
  Frame frame;
  frame.fin = (byte(0) & 0x80U) != 0;
  frame.rsv = (byte(0) >> 4) & 7;
  frame.opcode = byte(0) & 15;
  frame.masked = (byte(1) & 0x80U) != 0;
  std::uint64_t length = byte(1) & 0x7fU;
  const std::size_t extra = length == 126 ? 2 : length == 127 ? 8 : 0;
  const std::size_t header = 2 + extra + (frame.masked ? 4 : 0);
  if (bytes.size() < header) return std::nullopt;
  if (extra != 0) length = 0;
  for (std::size_t i = 0; i < extra; ++i) length = length << 8 | byte(2 + i);
  if (bytes.size() - header < length) return std::nullopt;
  frame.payload = bytes.substr(header, static_cast<std::size_t>(length));
  consume(header + static_cast<std::size_t>(length));
  return frame;
}

std::optional<Frame> RawClient::read_frame() {
  const auto deadline = Clock::now() + patience();
  for (;;) {
    if (auto frame = poll_frame()) return frame;
    if (!fill(deadline)) return poll_frame();
  }
}

End RawClient::read_end() {
  const auto deadline = Clock::now() + patience();
  if (!pending().empty() || fill(deadline)) return End::kMoreBytes;
  return end_;
}

End RawClient::read_until_end() {
  const auto deadline = Clock::now() + patience();
  do {
    consume(pending().size());
  } while (fill(deadline));
  return end_;
}

bool RawClient::receives_within(Duration limit) {
  if (!pending().empty() || end_ == End::kFin || end_ == End::kReset) return true;
  if (!wait(POLLIN, Clock::now() + limit)) return false;
  receive();
  return !pending().empty() || end_ != End::kOpen;
}

void RawClient::shutdown_write() { ::shutdown(fd_, SHUT_WR); }

void RawClient::reset() {
  const linger at_once{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

void RawClient::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

}  // namespace e2e
