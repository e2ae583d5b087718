// The start of a server whose rooms an engine orders. Real engines are in tests/e2e.
#include "server/redis_setup.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "net/address.h"
#include "net/listener.h"
#include "net/socket.h"
#include "server/server_rig.h"

namespace wsd {
namespace {

// Accepts connections and answers whatever they send with one text.
class StubbornServer {
 public:
  explicit StubbornServer(std::string answer) : answer_(std::move(answer)) {
    net::ListenAddress address;
    EXPECT_EQ(net::parse_listen_address("127.0.0.1:0", address), "");
    EXPECT_EQ(listener_.open(address, 1, {}), "");
    fd_ = listener_.take(0);
    url_ = "redis://" + listener_.name();
    if (!answer_.empty()) thread_ = std::thread([this] { run(); });
  }
  StubbornServer(const StubbornServer&) = delete;
  StubbornServer& operator=(const StubbornServer&) = delete;
  ~StubbornServer() {
    ::shutdown(fd_, SHUT_RDWR);  // ends accept(2)
    if (thread_.joinable()) thread_.join();
    net::close_socket(fd_);
  }
  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  void run() {
    const int flags = ::fcntl(fd_, F_GETFL);
    EXPECT_EQ(::fcntl(fd_, F_SETFL, flags & ~O_NONBLOCK), 0);
    for (;;) {
      const int peer = ::accept(fd_, nullptr, nullptr);
      if (peer < 0) return;
      std::array<char, 4096> request{};
      if (::recv(peer, request.data(), request.size(), 0) > 0) {
        EXPECT_EQ(::send(peer, answer_.data(), answer_.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(answer_.size()));
      }
      // Wait for the peer to end the connection.
      while (::recv(peer, request.data(), request.size(), 0) > 0) {
      }
      net::close_socket(peer);
    }
  }

  const std::string answer_;
  net::Listener listener_;
  int fd_ = -1;
  std::string url_;
  std::thread thread_;
};

// Collects the log of a server. Read it after the server is destroyed.
class Log {
 public:
  Log() : fd_(::memfd_create("log", MFD_CLOEXEC)) { EXPECT_GE(fd_, 0); }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  ~Log() { ::close(fd_); }
  [[nodiscard]] LogOptions options() const {
    LogOptions options;
    options.level = LogLevel::kDebug;
    options.fd = fd_;
    return options;
  }
  [[nodiscard]] std::string text() const {
    std::string text;
    std::array<char, 4096> part{};
    for (;;) {
      const ssize_t got = ::pread(fd_, part.data(), part.size(), static_cast<off_t>(text.size()));
      if (got <= 0) return text;
      text.append(part.data(), static_cast<std::size_t>(got));
    }
  }

 private:
  const int fd_;
};

ServerOptions with_engine(const std::string& url) {
  ServerOptions options = test::quiet();
  options.engine.url = url;
  return options;
}

std::string url_of_nobody() { return StubbornServer("").url(); }

TEST(RedisSetup, NobodyIsThere_ServerStartsAndIsNotReady) {
  const Log log;
  {
    ServerOptions options = with_engine(url_of_nobody());
    options.log = log.options();
    test::ServerRig rig(options);
    rig.start();
    const ServerStats stats = rig.server.stats();
    ASSERT_TRUE(stats.engine);
    EXPECT_FALSE(stats.engine->up);
    EXPECT_FALSE(stats.engine->ever_up);
    EXPECT_GT(stats.engine->unready_ms, 0U);
  }
  EXPECT_NE(log.text().find("engine_down"), std::string::npos) << log.text();
  EXPECT_NE(log.text().find("Connection refused"), std::string::npos) << log.text();
}

TEST(RedisSetup, WithoutAnEngine_ThereAreNoFigures) {
  test::ServerRig rig;
  rig.start();
  EXPECT_FALSE(rig.server.stats().engine);
}

TEST(RedisSetup, EngineRefusesThePassword_StartFailsAndKeepsTheSecret) {
  StubbornServer redis("-WRONGPASS invalid username-password pair or user is disabled.\r\n");
  const Log log;
  std::string error;
  {
    ServerOptions options = with_engine(redis.url());
    options.engine.user = "wsd";
    options.engine.password = "geheim";
    options.log = log.options();
    Server server(options);
    ASSERT_EQ(server.listen("127.0.0.1:0"), "");
    error = server.start();
  }
  EXPECT_EQ(error.find("engine.url '" + redis.url() + "' refuses this server: "), 0U) << error;
  EXPECT_NE(log.text().find("engine_refused"), std::string::npos) << log.text();
  EXPECT_EQ((error + log.text()).find("geheim"), std::string::npos) << log.text();
}

TEST(RedisSetup, EngineIsSilent_ServerStartsWithoutIt) {
  StubbornServer redis("");
  test::ServerRig rig(with_engine(redis.url()));
  rig.start();
  EXPECT_FALSE(rig.server.stats().engine->up);
}

TEST(RedisSetup, MessagesOfAnEngine_AreNotRemoved) {
  test::ServerRig rig(with_engine(url_of_nobody()));
  rig.start();
  EXPECT_EQ(rig.server.remove_message("a", {1, 1}), std::nullopt);
  EXPECT_EQ(rig.server.clear_history("a"), std::nullopt);
  const RoomCloseResult closed = rig.server.close_room("a", CloseCode::kGoingAway, "");
  EXPECT_TRUE(closed.complete);
  EXPECT_EQ(closed.removed, 0U);
}

}  // namespace
}  // namespace wsd
