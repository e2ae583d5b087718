// Listening addresses, and the limits on connections and descriptors.

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <numeric>
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

// Sockets that all reactors share

// A server with four reactors on one Unix socket, and its admin listener.
class SharedSocket {
 public:
  SharedSocket()
      : path_(folder_.file("wsd.sock")),
        server_({"--listen", "unix:" + path_, "--reactors", "4", "--admin", "127.0.0.1:0"}) {
    const auto line = server_.process().wait_for_line("^admin on ");
    EXPECT_TRUE(line) << server_.process().output();
    if (line) admin_ = static_cast<std::uint16_t>(std::stoi(line->substr(line->rfind(':') + 1)));
  }
  [[nodiscard]] RawClient connect() const { return RawClient::unix_socket(path_); }
  // Returns the figures of a metric with the label "reactor", by their number.
  [[nodiscard]] std::vector<int> by_reactor(const std::string& metric) const {
    RawClient client = RawClient::tcp(admin_);
    client.send(RequestText::get("/metrics").set("Host", "localhost").text());
    const std::string text = client.read_response().value_or(HttpResponse{}).body;
    std::vector<int> figures;
    for (int i = 0; i < 4; ++i) {
      const std::string series = "\n" + metric + "{reactor=\"" + std::to_string(i) + "\"} ";
      const std::size_t at = text.find(series);
      if (at != std::string::npos) figures.push_back(std::stoi(text.substr(at + series.size())));
    }
    return figures;
  }

 private:
  TemporaryDirectory folder_;
  std::string path_;
  ServerProcess server_;
  std::uint16_t admin_ = 0;
};

// Twice the even share of 40 connections.
constexpr int kMostOfForty = 20;

TEST(Listeners, UnixSocket_OpenConnectionsAreEven) {
  const SharedSocket shared;
  std::vector<RawClient> clients;
  for (int i = 0; i < 40; ++i) {
    clients.push_back(shared.connect());
    ASSERT_TRUE(opens(clients.back()));
  }
  const std::vector<int> current = shared.by_reactor("wsd_reactor_connections");
  ASSERT_EQ(current.size(), 4U);
  EXPECT_EQ(std::accumulate(current.begin(), current.end(), 0), 40);
  for (const int each : current) EXPECT_LE(each, kMostOfForty);
  for (RawClient& each : clients) EXPECT_TRUE(echoes(each));
}

TEST(Listeners, UnixSocket_ShortConnectionsAreEven) {
  const SharedSocket shared;
  for (int i = 0; i < 40; ++i) {
    RawClient client = shared.connect();
    ASSERT_TRUE(opens(client));
    ASSERT_TRUE(closes_normally(client));
  }
  const std::vector<int> accepted = shared.by_reactor("wsd_reactor_connections_accepted_total");
  ASSERT_EQ(accepted.size(), 4U);
  EXPECT_EQ(std::accumulate(accepted.begin(), accepted.end(), 0), 40);
  for (const int each : accepted) EXPECT_LE(each, kMostOfForty);
}

// The files of Unix sockets

// The server drains until its last client is gone. Its successor serves the same path meanwhile.
TEST(Listeners, SocketFileOfASuccessor_SurvivesTheEndOfADrain) {
  const TemporaryDirectory folder;
  const std::string path = folder.file("wsd.sock");
  ServerProcess first({"--listen", "unix:" + path, "--close-timeout", "1m", "--drain-window", "0",
                       "--drain-timeout", "1m"});
  RawClient client = RawClient::unix_socket(path);
  ASSERT_TRUE(opens(client));
  first.signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return !RawClient::unix_socket(path).connected(); }));
  ServerProcess successor({"--listen", "unix:" + path});
  ASSERT_TRUE(successor.listening());
  client.close();
  ASSERT_TRUE(first.wait_exit());
  expect_echo(RawClient::unix_socket(path));
}

TEST(Listeners, SocketFile_IsRemovedAtTheEnd) {
  const TemporaryDirectory folder;
  const std::string path = folder.file("wsd.sock");
  ServerProcess server({"--listen", "unix:" + path});
  ASSERT_TRUE(server.ends_cleanly());
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_TRUE(std::filesystem::is_empty(std::filesystem::path(path).parent_path()));
}

TEST(Listeners, SocketMode_IsTheModeOfTheFile) {
  const TemporaryDirectory folder;
  const std::string path = folder.file("wsd.sock");
  ServerProcess server({"--listen", "unix:" + path, "--socket-mode", "0666"});
  ASSERT_TRUE(server.listening());
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms{0666});
  expect_echo(RawClient::unix_socket(path));
}

TEST(Listeners, SocketModeWithoutWritePermission_IsRejected) {
  const Output output = run(server_command({"--socket-mode", "0444", "--check-config"}));
  EXPECT_NE(output.status.code, 0);
  EXPECT_NE(output.err.find("include a write permission, not 0444"), std::string::npos)
      << output.err;
}

// Addresses of one server that overlap

// Keeps a port free for a server: a socket that is bound with SO_REUSEADDR and does not listen
// stops no other such socket (socket(7)).
class ReservedPort {
 public:
  ReservedPort() : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const int on = 1;
    EXPECT_EQ(::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    socklen_t size = sizeof at;
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size), 0);
    port_ = ntohs(at.sin_port);
  }
  ~ReservedPort() { ::close(fd_); }
  ReservedPort(const ReservedPort&) = delete;
  ReservedPort& operator=(const ReservedPort&) = delete;
  [[nodiscard]] std::string at(const std::string& host) const {
    return host + ":" + std::to_string(port_);
  }

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

// Starts a daemon that must fail to start, because `second` overlaps with its own `first`.
void expect_overlap(const std::vector<std::string>& flags, const std::string& first,
                    const std::string& second) {
  const Output output = run(server_command(flags));
  EXPECT_EQ(output.status.code, 69) << output.all();
  EXPECT_NE(output.err.find("cannot listen on '" + second + "'"), std::string::npos) << output.err;
  EXPECT_NE(output.err.find("this process itself listens on '" + first + "'"), std::string::npos)
      << output.err;
}

TEST(Listeners, OverlappingAddressesOfOneServer_AreNamed) {
  const ReservedPort port;
  const std::string v4 = port.at("127.0.0.1");
  const std::string all_v4 = port.at("0.0.0.0");
  expect_overlap({"--listen", v4, "--listen", v4}, v4, v4);
  expect_overlap({"--listen", all_v4, "--listen", v4}, all_v4, v4);
  expect_overlap({"--listen", v4, "--listen", all_v4}, v4, all_v4);
  expect_overlap({"--listen", v4, "--listen", port.at("localhost")}, v4, port.at("localhost"));
  expect_overlap({"--listen", v4, "--admin", v4}, v4, v4);
}

TEST(Listeners, UnspecifiedAddressesOfBothFamilies_Overlap) {
  if (!has_ipv6_loopback()) GTEST_SKIP() << "this machine has no ::1";
  const ReservedPort port;
  const std::string v4 = port.at("0.0.0.0");
  const std::string v6 = port.at("[::]");
  expect_overlap({"--listen", v4, "--listen", v6}, v4, v6);
  expect_overlap({"--listen", v6, "--listen", v4}, v6, v4);
}

TEST(Listeners, OneUnixSocketTwice_IsNamed) {
  const TemporaryDirectory folder;
  const std::string path = "unix:" + folder.file("wsd.sock");
  expect_overlap({"--listen", path, "--listen", path}, path, path);
  expect_overlap({"--listen", path, "--admin", path}, path, path);
}

// The number of threads

// Runs on one CPU while an object exists. Child processes inherit this.
class OneCpu {
 public:
  OneCpu() {
    EXPECT_EQ(::sched_getaffinity(0, sizeof before_, &before_), 0);
    cpu_set_t one;
    CPU_ZERO(&one);
    std::size_t first = 0;
    while (!CPU_ISSET(first, &before_)) ++first;
    CPU_SET(first, &one);
    EXPECT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  }
  ~OneCpu() { EXPECT_EQ(::sched_setaffinity(0, sizeof before_, &before_), 0); }
  OneCpu(const OneCpu&) = delete;
  OneCpu& operator=(const OneCpu&) = delete;

 private:
  cpu_set_t before_;
};

TEST(Reactors, DefaultIsTheNumberOfAllowedCpus) {
  const OneCpu during;
  ServerProcess server;
  ASSERT_TRUE(server.listening());
  const auto line = server.process().wait_for_line("event=start ");
  ASSERT_TRUE(line) << server.process().output();
  EXPECT_EQ(log_value(*line, "reactors"), "1") << *line;
  EXPECT_EQ(log_value(*line, "text"), "this process may run on 1 CPU") << *line;
}

TEST(Reactors, FlagSetsTheNumber) {
  ServerProcess server({"--reactors", "3"});
  ASSERT_TRUE(server.listening());
  const auto line = server.process().wait_for_line("event=start ");
  ASSERT_TRUE(line) << server.process().output();
  EXPECT_EQ(log_value(*line, "reactors"), "3") << *line;
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
