// Listening addresses, and the limits on connections and descriptors.

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "support/expect.h"
#include "support/server_process.h"
#include "support/tools.h"

namespace e2e {
namespace {

// A socket bound to a path. Closing it leaves the file in place, like a killed server.
class BoundUnixSocket {
 public:
  explicit BoundUnixSocket(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    bound_ = ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~BoundUnixSocket() { ::close(fd_); }
  BoundUnixSocket(const BoundUnixSocket&) = delete;
  BoundUnixSocket& operator=(const BoundUnixSocket&) = delete;
  [[nodiscard]] bool bound() const { return bound_; }

 private:
  int fd_;
  bool bound_ = false;
};

bool has_ipv6_loopback() {
  const int fd = ::socket(AF_INET6, SOCK_STREAM, 0);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  const bool bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return bound;
}

void expect_echo(RawClient client) {
  ASSERT_TRUE(opens(client));
  EXPECT_TRUE(echoes(client));
  EXPECT_TRUE(closes_normally(client));
}

// Starts a daemon that must fail to start, with an error text.
void expect_cannot_bind(const std::string& address) {
  const Output output = run(server_command({"--listen", address}));
  EXPECT_EQ(output.status.code, 69) << output.all();
  EXPECT_NE(output.err.find(address), std::string::npos) << output.err;
  EXPECT_LT(output.err.size(), 500U) << output.err;
}

TEST(Listeners, PortZero_LogsTheBoundPort) {
  ServerProcess server;
  ASSERT_EQ(server.addresses().size(), 1U);
  EXPECT_TRUE(server.addresses()[0].starts_with("127.0.0.1:")) << server.addresses()[0];
  EXPECT_NE(server.port(), 0);
  expect_echo(server.connect());
}

TEST(Listeners, IPv6) {
  if (!has_ipv6_loopback()) GTEST_SKIP() << "this machine has no ::1";
  ServerProcess server({"--listen", "[::1]:0"});
  ASSERT_EQ(server.addresses().size(), 1U);
  EXPECT_TRUE(server.addresses()[0].starts_with("[::1]:")) << server.addresses()[0];
  expect_echo(RawClient::tcp6(server.port()));
}

TEST(Listeners, Unix) {
  const TemporaryDirectory folder;
  const std::string path = folder.file("wsd.sock");
  ServerProcess server({"--listen", "unix:" + path});
  ASSERT_EQ(server.addresses(), std::vector<std::string>{"unix:" + path});
  expect_echo(RawClient::unix_socket(path));
}

TEST(Listeners, StaleSocketFileIsReplaced) {
  const TemporaryDirectory folder;
  const std::string path = folder.file("wsd.sock");
  ASSERT_TRUE(BoundUnixSocket(path).bound());
  ASSERT_TRUE(std::filesystem::exists(path));
  ServerProcess server({"--listen", "unix:" + path});
  ASSERT_TRUE(server.listening());
  expect_echo(RawClient::unix_socket(path));
}

TEST(Listeners, SocketFileInUse_IsRejected) {
  const TemporaryDirectory folder;
  const std::string path = folder.file("wsd.sock");
  ServerProcess server({"--listen", "unix:" + path});
  ASSERT_TRUE(server.listening());
  expect_cannot_bind("unix:" + path);
  expect_echo(RawClient::unix_socket(path));
}

TEST(Listeners, FileThatIsNotASocket_IsNotReplaced) {
  const TemporaryDirectory folder;
  const std::string path = folder.write("precious", "content");
  expect_cannot_bind("unix:" + path);
  EXPECT_EQ(std::filesystem::file_size(path), 7U);
}

TEST(Listeners, AfterSigkill_ServerStartsAgain) {
  const TemporaryDirectory folder;
  const std::string path = folder.file("wsd.sock");
  std::string address;
  {
    ServerProcess server({"--listen", "unix:" + path, "--listen", "127.0.0.1:0"});
    ASSERT_EQ(server.addresses().size(), 2U);
    address = "127.0.0.1:" + std::to_string(server.port(1));
    RawClient client = RawClient::tcp(server.port(1));
    ASSERT_TRUE(opens(client));
    server.signal(SIGKILL);
    ASSERT_TRUE(server.wait_exit());
    EXPECT_NE(client.read_end(), End::kTimeout);
  }
  ServerProcess server({"--listen", "unix:" + path, "--listen", address});
  ASSERT_EQ(server.addresses().size(), 2U);
  expect_echo(RawClient::unix_socket(path));
  expect_echo(RawClient::tcp(server.port(1)));
}

TEST(Listeners, PortInUseIsRefused) {
  ServerProcess server;
  ASSERT_TRUE(server.listening());
  expect_cannot_bind("127.0.0.1:" + std::to_string(server.port()));
  expect_echo(server.connect());
}

TEST(Listeners, SeveralServeTheSameRooms) {
  const TemporaryDirectory folder;
  const std::string path = folder.file("wsd.sock");
  ServerProcess server(
      {"--listen", "127.0.0.1:0", "--listen", "unix:" + path, "--listen", "127.0.0.1:0"});
  ASSERT_EQ(server.addresses().size(), 3U);
  RawClient first = RawClient::tcp(server.port(0));
  RawClient second = RawClient::unix_socket(path);
  RawClient third = RawClient::tcp(server.port(2));
  ASSERT_TRUE(opens(first, "/rooms/a"));
  ASSERT_TRUE(echoes(first, "1"));
  ASSERT_TRUE(opens(second, "/rooms/a"));
  ASSERT_TRUE(echoes(second, "2"));
  ASSERT_TRUE(opens(third, "/rooms/a"));
  ASSERT_TRUE(echoes(third, "3"));
  EXPECT_TRUE(receives_text(first, "2"));
  EXPECT_TRUE(receives_text(first, "3"));
  EXPECT_TRUE(receives_text(second, "3"));
}

// A connection over the limit gets 503, and the others are not affected.
TEST(MaxConnections, ConnectionOverLimit_Gets503) {
  ServerProcess server({"--max-connections", "2"});
  ASSERT_TRUE(server.listening());
  RawClient first = server.connect();
  ASSERT_TRUE(opens(first));
  {
    RawClient second = server.connect();
    ASSERT_TRUE(opens(second));
    RawClient third = server.connect();
    third.send(RequestText::upgrade().text());
    EXPECT_TRUE(is_refused(third, {503}));
    EXPECT_TRUE(echoes(second));
  }
  // Until the server has noticed that the second one has ended, a new connection may still exceed
  // the limit.
  EXPECT_TRUE(eventually([&] {
    RawClient next = server.connect();
    return next.connected() && opens(next) && echoes(next);
  }));
  EXPECT_TRUE(echoes(first));
}

// Without free descriptors, the server cannot accept connections. It must keep running, serve its
// existing connections, and accept again later.
TEST(Descriptors, NoDescriptorsLeft_ServerContinues) {
  Command command =
      server_command({"--listen", "127.0.0.1:0", "--log-format", "text", "--reactors", "1"});
  command.max_descriptors = 64;
  ServerProcess server(command);
  ASSERT_TRUE(server.listening());
  RawClient old = server.connect();
  ASSERT_TRUE(opens(old));
  for (int round = 0; round < 2; ++round) {
    std::vector<RawClient> crowd;
    for (int i = 0; i < 150; ++i) crowd.push_back(server.connect());
    // All but those that the daemon keeps for itself.
    ASSERT_TRUE(eventually([&] { return server.open_descriptors() >= 55; }))
        << server.open_descriptors();
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(echoes(old));
    crowd.clear();
    EXPECT_TRUE(eventually([&] {
      RawClient next = server.connect();
      return next.connected() && opens(next) && echoes(next);
    }));
  }
  EXPECT_TRUE(echoes(old));
}

}  // namespace
}  // namespace e2e
