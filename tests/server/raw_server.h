// A server that follows a script, for tests of the client. Blocking sockets, one connection at a
// time.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "net/peer.h"
#include "protocol/accept_key.h"

namespace wsd::test {

// One accepted connection.
class RawConnection {
 public:
  explicit RawConnection(int fd) : fd_(fd) {}
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;
  ~RawConnection() { close(); }

  void send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }
  // Reads at least one more byte. Returns false at the end of the stream.
  bool receive() {
    std::array<char, 65'536> block;
    const ssize_t count = ::recv(fd_, block.data(), block.size(), 0);
    if (count <= 0) return false;
    input.append(block.data(), static_cast<std::size_t>(count));
    return true;
  }
  // Returns the request head, and removes it from the input.
  std::string head() {
    while (input.find("\r\n\r\n") == std::string::npos) {
      if (!receive()) return {};
    }
    std::string head = input.substr(0, input.find("\r\n\r\n") + 4);
    input.erase(0, head.size());
    return head;
  }
  // Returns a frame of the client, unmasked. The opcode is -1 at the end of the stream, or if the
  // frame is not masked.
  WireFrame frame() {
    for (;;) {
      if (const auto frame = take_masked()) return *frame;
      if (!receive()) return {-1, "end"};
    }
  }
  // Answers the request with a correct 101 and these fields.
  std::string accept(std::string_view fields = {}) {
    std::string request = head();
    const std::string_view name = "Sec-WebSocket-Key: ";
    const std::size_t at = request.find(name);
    EXPECT_NE(at, std::string::npos) << request;
    if (at == std::string::npos) return request;
    const auto key = protocol::accept_key(request.substr(at + name.size(), protocol::kKeyBytes));
    send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
         std::string("Sec-WebSocket-Accept: ") + std::string(key.data(), key.size()) + "\r\n" +
         std::string(fields) + "\r\n");
    return request;
  }
  // Returns whether the client has ended its direction, if all of its bytes were received.
  [[nodiscard]] bool ended() const {
    char byte = 0;
    return ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
  }
  void drain() {
    while (receive()) input.clear();
  }
  void reset() {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close();
  }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

  std::string input;

 private:
  std::optional<WireFrame> take_masked() {
    constexpr std::size_t kMaskBytes = 4;
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(input[i]); };
    if (input.size() < 2) return std::nullopt;
    if ((at(1) & 0x80) == 0) return WireFrame{-1, "not masked"};
    const std::size_t code = at(1) & 0x7FU;
    const std::size_t extended = code == 126 ? 2 : code == 127 ? 8 : 0;
    const std::size_t header = 2 + extended + kMaskBytes;
    if (input.size() < header) return std::nullopt;
    std::size_t size = extended == 0 ? code : 0;
    for (std::size_t i = 0; i < extended; ++i) size = size << 8 | at(2 + i);
    if (input.size() < header + size) return std::nullopt;
    WireFrame frame{at(0) & 0xF, input.substr(header, size)};
    for (std::size_t i = 0; i < size; ++i) {
      frame.payload[i] =
          static_cast<char>(frame.payload[i] ^ input[header - kMaskBytes + i % kMaskBytes]);
    }
    input.erase(0, header + size);
    return frame;
  }

  int fd_;
};

class RawServer {
 public:
  using Script = std::function<void(RawConnection&)>;

  // Runs `script` for each of `connections` connections, one after the other.
  explicit RawServer(Script script, int connections = 1) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(::listen(fd_, 16), 0);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, script = std::move(script), connections] {
      for (int i = 0; i < connections; ++i) {
        RawConnection connection(::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC));
        script(connection);
      }
    });
  }
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;
  ~RawServer() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  [[nodiscard]] std::string url(std::string_view target = "/") const {
    return "ws://127.0.0.1:" + std::to_string(port_) + std::string(target);
  }

 private:
  int fd_ = -1;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace wsd::test
