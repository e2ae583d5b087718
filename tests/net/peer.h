// The other end of a connection: a nonblocking client that writes and reads raw bytes.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wsd::test {

// The time after which a test gives up. It never measures speed.
inline constexpr std::chrono::seconds kPatience{10};

// Calls `step` until `condition` holds. Returns false at the timeout.
template <class Condition, class Step>
[[nodiscard]] bool until(Condition condition, Step step) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    step();
  }
  return true;
}

// RFC 6455 §5.2, implemented again: these tests check the RFC and do not use the server's codecs.
inline constexpr int kText = 1;
inline constexpr int kBinary = 2;
inline constexpr int kClose = 8;
inline constexpr int kPing = 9;
inline constexpr int kPong = 10;

struct WireFrame {
  int opcode = 0;
  std::string payload;
  bool operator==(const WireFrame&) const = default;
};

inline std::string length_field(std::size_t size, unsigned mask_bit) {
  std::string out;
  const auto put = [&](std::uint64_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i));
  };
  if (size <= 125) {
    put(mask_bit | size, 1);
  } else if (size <= 0xFFFF) {
    put(mask_bit | 126, 1);
    put(size, 2);
  } else {
    put(mask_bit | 127, 1);
    put(size, 8);
  }
  return out;
}

// Returns a masked frame, as a client sends it.
inline std::string client_frame(int opcode, std::string_view payload, bool fin = true) {
  constexpr std::array<unsigned char, 4> kKey = {0x37, 0xFA, 0x21, 0x3D};
  std::string out(1, static_cast<char>((fin ? 0x80 : 0) | opcode));
  out += length_field(payload.size(), 0x80);
  for (const unsigned char each : kKey) out += static_cast<char>(each);
  for (std::size_t i = 0; i < payload.size(); ++i) {
    out += static_cast<char>(static_cast<unsigned char>(payload[i]) ^ kKey[i % 4]);
  }
  return out;
}

// Returns an unmasked frame, as a server sends it.
inline std::string server_frame(int opcode, std::string_view payload) {
  return std::string(1, static_cast<char>(0x80 | opcode)) + length_field(payload.size(), 0) +
         std::string(payload);
}

inline std::string close_payload(unsigned code, std::string_view reason = {}) {
  return std::string{static_cast<char>(code >> 8), static_cast<char>(code)} + std::string(reason);
}

// Removes one complete server frame from the front of `bytes`. Returns std::nullopt if it is
// incomplete. A frame that a server must not send has opcode -1.
inline std::optional<WireFrame> take_frame(std::string& bytes) {
  const auto at = [&](std::size_t i) {
    return static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i]));
  };
  if (bytes.size() < 2) return std::nullopt;
  if ((at(0) & 0xF0) != 0x80 || (at(1) & 0x80) != 0) return WireFrame{-1, {}};
  std::size_t header = 2;
  std::uint64_t size = at(1);
  if (size >= 126) {
    header = size == 126 ? 4 : 10;
    if (bytes.size() < header) return std::nullopt;
    size = 0;
    for (std::size_t i = 2; i < header; ++i) size = size << 8 | at(i);
  }
  if (bytes.size() - header < size) return std::nullopt;
  WireFrame frame{static_cast<int>(at(0) & 0x0F), bytes.substr(header, size)};
  bytes.erase(0, header + size);
  return frame;
}

// Returns the frames of a stream. If the stream ends within a frame, the last one has opcode -1.
inline std::vector<WireFrame> frames_of(std::string bytes) {
  std::vector<WireFrame> frames;
  while (!bytes.empty()) {
    std::optional<WireFrame> frame = take_frame(bytes);
    if (!frame) frame = WireFrame{-1, bytes.substr(0, 64)};
    const bool torn = frame->opcode < 0;
    frames.push_back(std::move(*frame));
    if (torn) break;
  }
  return frames;
}

// The opening handshake of RFC 6455 §1.3.
inline std::string upgrade_request(std::string_view path = "/", std::string_view extra = {}) {
  return "GET " + std::string(path) +
         " HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
         std::string(extra) + "\r\n";
}

class Peer {
 public:
  enum class End { kOpen, kFin, kReset };

  Peer() = default;
  // Connects to 127.0.0.1. `receive_buffer`: SO_RCVBUF, or 0 for the kernel's default.
  explicit Peer(std::uint16_t port, int receive_buffer = 0)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer != 0) {
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
    }
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0) end_ = End::kReset;
    adopt();
  }
  [[nodiscard]] static Peer unix_socket(const std::string& path) {
    Peer peer;
    peer.fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    path.copy(to.sun_path, sizeof(to.sun_path) - 1);
    if (::connect(peer.fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0) {
      peer.end_ = End::kReset;
    }
    peer.adopt();
    return peer;
  }
  // Takes ownership of one end of a socket pair.
  [[nodiscard]] static Peer of(int fd) {
    Peer peer;
    peer.fd_ = fd;
    peer.adopt();
    return peer;
  }
  Peer(Peer&& other) noexcept { swap(other); }
  Peer& operator=(Peer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Peer() { close(); }

  // Bytes that the kernel does not take are sent by later calls of pump().
  void send(std::string_view bytes) {
    unsent_ += bytes;
    push();
  }
  [[nodiscard]] bool all_sent() const { return unsent_.empty(); }

  // Writes and reads as much as possible without waiting, and reads at most `limit` bytes.
  void pump(std::size_t limit = ~std::size_t{0}) {
    push();
    std::array<char, 65536> buffer;
    while (end_ == End::kOpen && limit != 0) {
      const ssize_t count = ::recv(fd_, buffer.data(), std::min(buffer.size(), limit), 0);
      if (count > 0) {
        input.append(buffer.data(), static_cast<std::size_t>(count));
        limit -= static_cast<std::size_t>(count);
      } else if (count == 0) {
        end_ = End::kFin;
      } else if (errno == EAGAIN) {
        return;
      } else if (errno != EINTR) {
        end_ = End::kReset;
      }
    }
  }

  // Waits a short time for input. For servers that run in other threads.
  void wait_and_pump() {
    pollfd entry{fd_, static_cast<short>(POLLIN | (unsent_.empty() ? 0 : POLLOUT)), 0};
    constexpr int kAMomentMs = 20;
    if (end_ == End::kOpen) ::poll(&entry, 1, kAMomentMs);
    pump();
  }

  // Removes the response head from the input. Returns an empty string if it is incomplete.
  [[nodiscard]] std::string take_head() {
    const std::size_t end = input.find("\r\n\r\n");
    if (end == std::string::npos) return {};
    std::string head = input.substr(0, end + 4);
    input.erase(0, end + 4);
    return head;
  }

  void shutdown_write() { ::shutdown(fd_, SHUT_WR); }
  void reset() {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close();
  }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  [[nodiscard]] End end() const { return end_; }
  [[nodiscard]] std::uint16_t local_port() const {
    sockaddr_in here{};
    socklen_t size = sizeof(here);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&here), &size);
    return ntohs(here.sin_port);
  }

  std::string input;  // received and not removed yet

 private:
  void adopt() {
    ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK);
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  void swap(Peer& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(end_, other.end_);
    std::swap(unsent_, other.unsent_);
    std::swap(input, other.input);
  }
  void push() {
    while (!unsent_.empty() && fd_ >= 0) {
      const ssize_t count = ::send(fd_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return;
      unsent_.erase(0, static_cast<std::size_t>(count));
    }
  }

  int fd_ = -1;
  End end_ = End::kOpen;
  std::string unsent_;
};

// Returns the port of an address such as "127.0.0.1:4711".
inline std::uint16_t port_of(std::string_view address) {
  return static_cast<std::uint16_t>(std::stoi(std::string(address.substr(address.rfind(':') + 1))));
}

}  // namespace wsd::test
