#include "net/engine_port.h"

#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/un.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "net/reactor_rig.h"

namespace wsd::net {
namespace {

using engine::Endpoint;

// A server of the test, which the engine's wires connect to.
class TestServer {
 public:
  // Listens on a free port of 127.0.0.1, or on that path.
  explicit TestServer(const std::string& path = {}) {
    ListenAddress address;
    EXPECT_EQ(parse_listen_address(path.empty() ? "127.0.0.1:0" : "unix:" + path, address), "");
    EXPECT_EQ(listener_.open(address, 1, {}), "");
    fd_ = listener_.take(0);
    endpoint_.path = path;
    if (path.empty()) {
      endpoint_.host = "127.0.0.1";
      endpoint_.port = test::port_of(listener_.name());
    }
  }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;
  ~TestServer() {
    for (const int each : accepted_) close_socket(each);
    close_socket(fd_);
  }

  [[nodiscard]] const Endpoint& endpoint() const { return endpoint_; }
  // Accepts the next connection, which has been made.
  [[nodiscard]] int accept() {
    const AcceptResult result = accept_connection(fd_);
    EXPECT_EQ(result.status, AcceptStatus::kOk);
    if (result.fd >= 0) accepted_.push_back(result.fd);
    return result.fd;
  }
  // Closes a connection that accept() has returned.
  void close(int fd) {
    std::erase(accepted_, fd);
    close_socket(fd);
  }

 private:
  Listener listener_;
  int fd_ = -1;
  Endpoint endpoint_;
  std::vector<int> accepted_;
};

std::size_t send_some(int fd, std::string_view text) {
  const IoResult result = send_bytes(fd, as_bytes(text));
  return result.status == IoStatus::kOk ? result.bytes : 0;
}

std::string take_all(int fd) {
  std::string all;
  std::array<std::uint8_t, 4096> buffer{};
  for (;;) {
    const IoResult result = receive(fd, buffer);
    if (result.status != IoStatus::kOk) return all;
    all += as_text(Bytes(buffer).first(result.bytes));
  }
}

// The owner of one wire.
class Owner final : public engine::WireOwner {
 public:
  void connected() override {
    ++connects;
    if (on_connected) on_connected();
  }
  void received(std::string_view bytes) override {
    input += bytes;
    if (on_received) on_received();
  }
  void ended(std::string_view why) override {
    ends.emplace_back(why);
    wire.reset();
    if (on_ended) on_ended();
  }

  std::unique_ptr<engine::Wire> wire;
  int connects = 0;
  std::string input;
  std::vector<std::string> ends;
  std::function<void()> on_connected;
  std::function<void()> on_received;
  std::function<void()> on_ended;
};

class FakeDriver final : public engine::EngineDriver {
 public:
  void begin_turn(std::uint64_t now_ms, std::uint64_t unix_ms) noexcept override {
    EXPECT_GE(now_ms, now);
    now = now_ms;
    unix_time = unix_ms;
  }
  [[nodiscard]] std::uint64_t deadline() const noexcept override { return at; }
  void on_time() override {
    EXPECT_GE(now, at) << "not before the deadline";
    ++calls;
    if (calls <= failures) throw std::bad_alloc();
    at = kNever;
  }
  void stop() noexcept override {}

  std::uint64_t now = 0;
  std::uint64_t unix_time = 0;
  std::uint64_t at = kNever;
  int calls = 0;
  int failures = 0;
};

class EnginePortTest : public ::testing::Test {
 protected:
  void connect(Owner& owner, const Endpoint& to) { owner.wire = port().connect(to, owner); }
  // Returns the server's end of the connection.
  int open(Owner& owner, TestServer& server) {
    connect(owner, server.endpoint());
    EXPECT_TRUE(rig_.until([&] { return owner.connects == 1; }));
    return server.accept();
  }
  EnginePort& port() { return rig_.reactor().engine_port(); }

  ReactorRig rig_;
};

TEST_F(EnginePortTest, Tcp_ConnectsAndCarriesBytesBothWays) {
  TestServer server;
  Owner owner;
  connect(owner, server.endpoint());
  owner.wire->send("early ");
  EXPECT_EQ(owner.connects, 0);
  ASSERT_TRUE(rig_.until([&] { return owner.connects == 1; }));
  const int fd = server.accept();
  owner.wire->send("and late");
  std::string got;
  EXPECT_TRUE(rig_.until([&] { return (got += take_all(fd)) == "early and late"; }));
  EXPECT_EQ(owner.wire->unsent(), 0U);
  EXPECT_EQ(send_some(fd, "answer"), 6U);
  EXPECT_TRUE(rig_.until([&] { return owner.input == "answer"; }));
}

TEST_F(EnginePortTest, UnixSocket_Connects) {
  const std::string path = "/tmp/wsd-engine-port-" + std::to_string(::getpid()) + ".sock";
  TestServer server(path);
  Owner owner;
  const int fd = open(owner, server);
  EXPECT_EQ(send_some(fd, "hello"), 5U);
  EXPECT_TRUE(rig_.until([&] { return owner.input == "hello"; }));
}

TEST_F(EnginePortTest, Send_LeavesAtTheEndOfTheTurn) {
  TestServer server;
  Owner owner;
  const int fd = open(owner, server);
  owner.wire->send("one");
  owner.wire->send("two");
  EXPECT_EQ(owner.wire->unsent(), 6U);
  EXPECT_EQ(take_all(fd), "");
  rig_.reactor().turn(0);
  EXPECT_EQ(owner.wire->unsent(), 0U);
  EXPECT_EQ(take_all(fd), "onetwo");
}

TEST_F(EnginePortTest, NobodyListens_EndsInALaterTurn) {
  Endpoint nobody;
  {
    TestServer server;
    nobody = server.endpoint();
  }
  Owner owner;
  connect(owner, nobody);
  EXPECT_TRUE(owner.ends.empty()) << "never during connect()";
  EXPECT_TRUE(rig_.until([&] { return !owner.ends.empty(); }));
  EXPECT_EQ(owner.ends, std::vector<std::string>{"Connection refused"});
  EXPECT_EQ(owner.connects, 0);
}

TEST_F(EnginePortTest, PathOfNoSocket_EndsInALaterTurn) {
  Owner missing;
  connect(missing, {"", 0, "/nonexistent/redis.sock"});
  Owner too_long;
  connect(too_long, {"", 0, "/" + std::string(200, 'a')});
  EXPECT_TRUE(missing.ends.empty() && too_long.ends.empty()) << "never during connect()";
  EXPECT_TRUE(rig_.until([&] { return !missing.ends.empty() && !too_long.ends.empty(); }));
  EXPECT_EQ(missing.ends.at(0), "No such file or directory");
  EXPECT_EQ(too_long.ends.at(0), "the path exceeds 107 bytes, the limit of a Unix socket");
}

SocketAddress loopback(std::uint16_t port) {
  SocketAddress address;
  auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.size = sizeof(v4);
  return address;
}

// One address fails at once, one later, and the third one answers.
TEST_F(EnginePortTest, SeveralAddresses_AreTriedInTurn) {
  std::uint16_t closed = 0;
  {
    TestServer server;
    closed = server.endpoint().port;
  }
  TestServer server;
  SocketAddress unusable;
  unusable.storage.ss_family = AF_UNIX;  // of no file
  unusable.size = sizeof(sockaddr_un);
  Owner owner;
  owner.wire =
      port().connect({unusable, loopback(closed), loopback(server.endpoint().port)}, owner);
  EXPECT_TRUE(rig_.until([&] { return owner.connects == 1; }));
  EXPECT_TRUE(owner.ends.empty());
  Owner nobody;
  nobody.wire = port().connect({unusable, loopback(closed)}, nobody);
  EXPECT_TRUE(rig_.until([&] { return !nobody.ends.empty(); }));
  EXPECT_EQ(nobody.ends, std::vector<std::string>{"Connection refused"});
}

// An owner that gives up while the first address is tried begins with the second one next time.
TEST_F(EnginePortTest, AddressThatDoesNotAnswer_IsTriedLastNextTime) {
  TestServer first;
  TestServer second;
  const std::vector<SocketAddress> addresses = {loopback(first.endpoint().port),
                                                loopback(second.endpoint().port)};
  Owner owner;
  owner.wire = port().connect(addresses, owner);
  owner.wire.reset();
  const int given_up = first.accept();
  owner.wire = port().connect(addresses, owner);
  EXPECT_TRUE(rig_.until([&] { return owner.connects == 1; }));
  EXPECT_GE(second.accept(), 0);
  first.close(given_up);
}

TEST_F(EnginePortTest, Name_IsLookedUp) {
  TestServer server;
  Owner owner;
  Owner second;
  connect(owner, {"localhost", server.endpoint().port, ""});
  connect(second, {"localhost", server.endpoint().port, ""});
  EXPECT_TRUE(rig_.until([&] { return owner.connects == 1 && second.connects == 1; }));
}

TEST_F(EnginePortTest, NameThatIsNone_Ends) {
  Owner owner;
  // A label of more than 63 bytes (RFC 1035 §2.3.4) is refused without asking a name server.
  connect(owner, {std::string(70, 'a'), 6379, ""});
  EXPECT_TRUE(rig_.until([&] { return !owner.ends.empty(); }));
  EXPECT_NE(owner.ends.at(0), "");
}

TEST_F(EnginePortTest, WireIsDestroyedDuringTheLookup_NothingFollows) {
  Owner owner;
  connect(owner, {"localhost", 1, ""});
  owner.wire.reset();
  rig_.turn();
  rig_.turn();
  EXPECT_TRUE(owner.ends.empty());
}

TEST_F(EnginePortTest, ServerCloses_InputComesBeforeTheEnd) {
  TestServer server;
  Owner owner;
  const int fd = open(owner, server);
  EXPECT_EQ(send_some(fd, "-ERR max number of clients reached\r\n"), 36U);
  server.close(fd);
  owner.wire->send("into the void");
  EXPECT_TRUE(rig_.until([&] { return !owner.ends.empty(); }));
  EXPECT_EQ(owner.input, "-ERR max number of clients reached\r\n");
  EXPECT_EQ(owner.ends.size(), 1U);
}

// Input and end may be one event, and nothing else announces the end.
TEST_F(EnginePortTest, ServerSendsAndCloses_BothAreNoticed) {
  TestServer server;
  Owner owner;
  const int fd = open(owner, server);
  EXPECT_EQ(send_some(fd, "last words"), 10U);
  server.close(fd);
  EXPECT_TRUE(rig_.until([&] { return !owner.ends.empty(); }));
  EXPECT_EQ(owner.input, "last words");
  EXPECT_EQ(owner.ends, std::vector<std::string>{"Connection closed by the server"});
}

TEST_F(EnginePortTest, SendFails_InputComesBeforeTheEnd) {
  const std::string path = "/tmp/wsd-engine-port-" + std::to_string(::getpid()) + ".sock";
  TestServer server(path);
  Owner owner;
  const int fd = open(owner, server);
  owner.wire->set_reading(false);
  EXPECT_EQ(send_some(fd, "why"), 3U);
  server.close(fd);
  owner.wire->send("EPIPE");
  rig_.reactor().turn(0);
  EXPECT_TRUE(owner.ends.empty());
  owner.wire->set_reading(true);
  EXPECT_TRUE(rig_.until([&] { return !owner.ends.empty(); }));
  EXPECT_EQ(owner.input, "why");
}

TEST_F(EnginePortTest, ReadingIsOff_BytesStayInTheSocket) {
  TestServer server;
  Owner owner;
  const int fd = open(owner, server);
  owner.wire->set_reading(false);
  EXPECT_EQ(send_some(fd, "wait"), 4U);
  for (int i = 0; i < 5; ++i) rig_.turn();
  EXPECT_EQ(owner.input, "");
  EXPECT_FALSE(port().has_work()) << "the reactor may sleep";
  owner.wire->set_reading(true);
  EXPECT_TRUE(rig_.until([&] { return owner.input == "wait"; }));
}

TEST_F(EnginePortTest, ReadingIsSwitchedOffInACallback_NoFurtherBytesCome) {
  rig_.stop();
  ReactorSettings settings = calm_settings();
  settings.read_buffer_size = 1024;
  ReactorRig rig(settings);
  TestServer server;
  Owner owner;
  owner.wire = rig.reactor().engine_port().connect(server.endpoint(), owner);
  ASSERT_TRUE(rig.until([&] { return owner.connects == 1; }));
  const int fd = server.accept();
  owner.on_received = [&] { owner.wire->set_reading(false); };
  EXPECT_EQ(send_some(fd, std::string(4000, 'x')), 4000U);
  EXPECT_TRUE(rig.until([&] { return !owner.input.empty(); }));
  for (int i = 0; i < 5; ++i) rig.turn();
  EXPECT_LE(owner.input.size(), 1024U);
  owner.on_received = nullptr;
  owner.wire->set_reading(true);
  EXPECT_TRUE(rig.until([&] { return owner.input.size() == 4000; }));
}

TEST_F(EnginePortTest, MuchInput_IsReadInPortionsOfAMebibyte) {
  TestServer server;
  Owner owner;
  const int fd = open(owner, server);
  constexpr std::size_t kAll = std::size_t{5} << 20;
  const std::string bytes(kAll, 'x');
  owner.wire->set_reading(false);
  std::size_t sent = 0;
  std::size_t before = 0;
  std::size_t largest = 0;
  EXPECT_TRUE(test::until([&] { return owner.input.size() == kAll; },
                          [&] {
                            while (sent < kAll) {
                              const std::size_t count =
                                  send_some(fd, std::string_view(bytes).substr(sent));
                              if (count == 0) break;
                              sent += count;
                            }
                            owner.wire->set_reading(true);
                            rig_.reactor().turn(0);
                            largest = std::max(largest, owner.input.size() - before);
                            before = owner.input.size();
                          }));
  EXPECT_LE(largest, EngineWire::kMostPerTurn);
}

TEST_F(EnginePortTest, ServerThatReadsLate_GetsEverythingInOrder) {
  TestServer server;
  Owner owner;
  const int fd = open(owner, server);
  std::string all;
  for (int i = 0; i < 200'000; ++i) {
    const std::string part = std::to_string(i) + ",";
    owner.wire->send(part);
    all += part;
    if (i % 1'000 == 0) rig_.reactor().turn(0);
  }
  constexpr std::size_t kMore = std::size_t{8} << 20;
  owner.wire->send(std::string(kMore, 'z'));
  all.append(kMore, 'z');
  rig_.reactor().turn(0);
  EXPECT_GT(owner.wire->unsent(), 0U) << "the sockets do not hold that much";
  std::string got;
  EXPECT_TRUE(rig_.until([&] { return (got += take_all(fd)).size() >= all.size(); }));
  EXPECT_TRUE(got == all);
  EXPECT_EQ(owner.wire->unsent(), 0U);
}

TEST_F(EnginePortTest, WiresAreDestroyedInCallbacks_OthersGoOn) {
  TestServer server;
  Owner first;
  Owner second;
  Owner third;
  const int first_fd = open(first, server);
  const int second_fd = open(second, server);
  const int third_fd = open(third, server);
  first.on_received = [&] {
    first.wire.reset();
    second.wire.reset();
    connect(first, server.endpoint());
  };
  EXPECT_EQ(send_some(first_fd, "a"), 1U);
  EXPECT_EQ(send_some(second_fd, "b"), 1U);
  EXPECT_EQ(send_some(third_fd, "c"), 1U);
  EXPECT_TRUE(rig_.until([&] { return third.input == "c" && first.connects == 2; }));
  EXPECT_EQ(first.input, "a");
  EXPECT_TRUE(first.ends.empty() && second.ends.empty() && third.ends.empty());
}

TEST_F(EnginePortTest, WireIsDestroyedWhenItIsConnected_NothingFollows) {
  TestServer server;
  Owner owner;
  owner.on_connected = [&] { owner.wire.reset(); };
  connect(owner, server.endpoint());
  EXPECT_TRUE(rig_.until([&] { return owner.connects == 1; }));
  rig_.turn();
  EXPECT_TRUE(owner.ends.empty());
}

TEST_F(EnginePortTest, MemoryRunsOutInACallback_OnlyThatWireEnds) {
  TestServer server;
  Owner poor;
  Owner rich;
  const int poor_fd = open(poor, server);
  const int rich_fd = open(rich, server);
  poor.on_received = [] { throw std::bad_alloc(); };
  EXPECT_EQ(send_some(poor_fd, "a"), 1U);
  EXPECT_EQ(send_some(rich_fd, "b"), 1U);
  EXPECT_TRUE(rig_.until([&] { return !poor.ends.empty() && rich.input == "b"; }));
  EXPECT_EQ(poor.ends, std::vector<std::string>{"Cannot allocate memory"});
  EXPECT_TRUE(rich.ends.empty());
}

TEST_F(EnginePortTest, MemoryRunsOutInEnded_ItIsCalledAgain) {
  TestServer server;
  Owner owner;
  const int fd = open(owner, server);
  std::unique_ptr<engine::Wire> kept = std::move(owner.wire);
  owner.on_ended = [&] {
    if (owner.ends.size() == 1) throw std::bad_alloc();
  };
  server.close(fd);
  EXPECT_TRUE(rig_.until([&] { return owner.ends.size() == 2; }));
  rig_.turn();
  EXPECT_EQ(owner.ends.size(), 2U);
}

TEST_F(EnginePortTest, Driver_IsCalledAtItsDeadline) {
  FakeDriver driver;
  port().set_driver(&driver);
  rig_.turn();
  EXPECT_NE(driver.now, 0U);
  EXPECT_GT(driver.unix_time, 1'600'000'000'000U);
  for (int i = 0; i < 3; ++i) rig_.turn();
  EXPECT_EQ(driver.calls, 0);
  driver.at = driver.now + 25;
  EXPECT_TRUE(rig_.until([&] { return driver.calls == 1; }));
  driver.at = 0;
  driver.calls = 0;
  driver.failures = 2;
  EXPECT_TRUE(rig_.until([&] { return driver.calls == 3; })) << "again after std::bad_alloc";
}

// The reactor sleeps without a limit, so only the timer can wake it up.
TEST_F(EnginePortTest, DriverThatChangesItsDeadline_WakesTheReactorInTime) {
  FakeDriver driver;
  port().set_driver(&driver);
  driver.at = ~std::uint64_t{0} >> 8;
  rig_.reactor().turn(0);
  driver.at = driver.now + 20;
  rig_.reactor().turn(0);
  while (driver.calls == 0) rig_.reactor().turn(-1);
  EXPECT_EQ(driver.calls, 1);
}

TEST_F(EnginePortTest, ReactorEndsBeforeTheWire_WireIsDead) {
  TestServer server;
  Owner owner;
  static_cast<void>(open(owner, server));
  Owner lookup;
  connect(lookup, {"localhost", 1, ""});
  rig_.stop();
  owner.wire->send("nobody sends this");
  owner.wire->set_reading(false);
  EXPECT_EQ(owner.wire->unsent(), 0U);
  owner.wire.reset();
  lookup.wire.reset();
  EXPECT_TRUE(owner.ends.empty());
}

}  // namespace
}  // namespace wsd::net
