// Connections to a real Redis and to the one in memory, for the tests that compare their answers.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/fake_redis.h"

namespace e2e {

using Words = std::vector<std::string>;

inline std::string command_text(const Words& words) {
  std::string text = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string& each : words) {
    text += "$" + std::to_string(each.size()) + "\r\n" + each + "\r\n";
  }
  return text;
}

// One connection to a real server, read as bytes.
class RealClient {
 public:
  explicit RealClient(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  ~RealClient() { ::close(fd_); }
  RealClient(const RealClient&) = delete;
  RealClient& operator=(const RealClient&) = delete;

  void send(const Words& words) {
    const std::string text = command_text(words);
    EXPECT_EQ(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  // Returns everything that comes before the answer to a command that is sent now.
  std::string take() {
    const std::string mark = "mark-" + std::to_string(++marks_);
    const std::string end = "$" + std::to_string(mark.size()) + "\r\n" + mark + "\r\n";
    send({"ECHO", mark});
    std::string input;
    while (!input.ends_with(end)) {
      pollfd waiting{fd_, POLLIN, 0};
      std::array<char, 65'536> bytes;
      ssize_t size = 0;
      if (::poll(&waiting, 1, 10'000) == 1) size = ::recv(fd_, bytes.data(), bytes.size(), 0);
      if (size <= 0) return input + "(and no more)";
      input.append(bytes.data(), static_cast<std::size_t>(size));
    }
    input.resize(input.size() - end.size());
    return input;
  }

 private:
  int fd_;
  int marks_ = 0;
};

// One connection to the fake.
class FakeClient {
 public:
  explicit FakeClient(wsd::engine::FakeRedis& server) : server_(server), socket_(server.accept()) {}

  void send(const Words& words) {
    socket_->to_server += command_text(words);
    while (server_.serve(socket_)) {
    }
  }
  std::string take() { return std::exchange(socket_->to_client, {}); }

 private:
  wsd::engine::FakeRedis& server_;
  std::shared_ptr<wsd::engine::FakeSocket> socket_;
};

}  // namespace e2e
