// wsd connect: a client for terminals and scripts, against wsd and against a server of this test.

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
#include <wsd/server.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/accept_key.h"
#include "support/publish_client.h"
#include "support/server_process.h"
#include "support/tools.h"

namespace e2e {
namespace {

const std::string kToken = "ann-S3CRET-0123456789";

// Runs `wsd connect ARGUMENTS` with `input` as its standard input. The input is a file, so its end
// comes at once.
Output connect(const std::string& input, std::vector<std::string> arguments) {
  const TemporaryDirectory folder;
  Command command = server_command({});
  std::vector<std::string> argv = {"sh", "-c",
                                   "exec \"$0\" connect \"$@\" <" + folder.write("input", input),
                                   command.argv.front()};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  command.argv = std::move(argv);
  return run(command);
}

// A server that does what no client should depend on.
class OddServer {
 public:
  OddServer() {
    wsd::Handlers closes;
    closes.open = [](wsd::Connection& client) {
      const std::string path(client.path());
      client.close(static_cast<wsd::CloseCode>(std::stoi(path.substr(path.rfind('/') + 1))), "why");
    };
    server_.route("/close/{code}", closes);
    wsd::Handlers shows;
    shows.upgrade = [](const wsd::Request& request) {
      auto upgrade = wsd::Upgrade::accept();
      upgrade.user = std::string(request.header("x-one")) + ' ';
      upgrade.user += request.header("origin");
      return upgrade;
    };
    shows.open = [](wsd::Connection& client) { client.send_text(client.user()); };
    server_.route("/shows", shows);
    wsd::Handlers bytes;
    bytes.open = [](wsd::Connection& client) { client.send_binary(std::string("\0\xff", 2)); };
    server_.route("/bytes", bytes);
    EXPECT_EQ(server_.listen("127.0.0.1:0"), "");
    EXPECT_EQ(server_.start(), "");
  }
  [[nodiscard]] std::string url(const std::string& path) const {
    return "ws://" + server_.addresses().front() + path;
  }

 private:
  static wsd::ServerOptions options() {
    wsd::ServerOptions options;
    options.reactors = 1;
    options.upgrade.allowed_origins = {"*"};
    options.log.level = wsd::LogLevel::kOff;
    return options;
  }
  wsd::Server server_{options()};
};

// A listening socket whose other end is this test.
class RawListener {
 public:
  RawListener() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    // Accepted connections have the same limit.
    const timeval limit{.tv_sec = 60, .tv_usec = 0};
    EXPECT_EQ(::setsockopt(listener_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 1), 0);
    EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  RawListener(const RawListener&) = delete;
  RawListener& operator=(const RawListener&) = delete;
  ~RawListener() { ::close(listener_); }

  [[nodiscard]] std::string url() const { return "ws://127.0.0.1:" + std::to_string(port_) + "/"; }

  // Completes the opening handshake of one client and returns whether it sends a Ping first.
  [[nodiscard]] bool gets_ping() const {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    std::string input;
    read_until(fd, input, "\r\n\r\n");
    const std::string_view name = "Sec-WebSocket-Key: ";
    const std::size_t at = input.find(name);
    if (at == std::string::npos) return false;
    const wsd::protocol::AcceptKey accept =
        wsd::protocol::accept_key(input.substr(at + name.size(), wsd::protocol::kKeyBytes));
    const std::string response =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: " +
        std::string(accept.data(), accept.size()) + "\r\n\r\n";
    EXPECT_EQ(::send(fd, response.data(), response.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(response.size()));
    input.clear();
    const bool found = read_until(fd, input, "\x89");
    ::close(fd);
    return found && input.front() == '\x89';
  }

 private:
  // Reads until `wanted` has come. Returns false at the end of the stream.
  static bool read_until(int fd, std::string& input, std::string_view wanted) {
    while (input.find(wanted) == std::string::npos) {
      std::array<char, 1024> buffer;
      const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
      if (got <= 0) return false;
      input.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return true;
  }

  int listener_;
  std::uint16_t port_ = 0;
};

std::string echo_of(const ServerProcess& server) {
  return "ws://127.0.0.1:" + std::to_string(server.port()) + "/echo";
}

TEST(Connect, LinesGoOutAndComeBack) {
  ServerProcess server;
  const Output echoed =
      connect("one\n\nthree \xc3\xa9\nfour", {echo_of(server), "--messages", "4"});
  EXPECT_EQ(echoed.status.code, 0) << echoed.err;
  EXPECT_EQ(echoed.out, "one\n\nthree \xc3\xa9\nfour\n");
  EXPECT_EQ(echoed.err, "wsd connect: connected to " + echo_of(server) + "\nwsd connect: closed\n");
}

TEST(Connect, EndOfInput_ClosesWith1000) {
  ServerProcess server({"--log-level", "debug"});
  const Output result = connect("", {echo_of(server)});
  EXPECT_EQ(result.status.code, 0) << result.err;
  EXPECT_EQ(result.out, "");
  const auto line = server.process().wait_for_line("code_received=1000|received=1000|code=1000");
  EXPECT_TRUE(line) << server.process().output();
}

TEST(Connect, Wait_KeepsTheConnectionOpenAfterTheInput) {
  ServerProcess server;
  // Without --wait and --messages, the end of the input would close before the echo.
  const Output echoed =
      connect("hello\n", {echo_of(server), "--text", "--wait", "1h", "--messages", "1"});
  EXPECT_EQ(echoed.status.code, 0) << echoed.err;
  EXPECT_EQ(echoed.out, "hello\n");
  const Output silent = connect("", {echo_of(server), "--wait", "20ms"});
  EXPECT_EQ(silent.status.code, 0) << silent.err;
}

TEST(Connect, UnixSocket_IsAnAddressToo) {
  const TemporaryDirectory folder;
  const std::string path = folder.file("socket");
  ServerProcess server({"--listen", "unix:" + path});
  const Output echoed = connect("hello\n", {"unix:" + path + ":/echo", "--messages", "1"});
  EXPECT_EQ(echoed.status.code, 0) << echoed.err;
  EXPECT_EQ(echoed.out, "hello\n");
}

TEST(Connect, CloseCodeAndReason_ReachTheServer) {
  ServerProcess server({"--log-level", "debug"});
  const Output result = connect("", {echo_of(server), "--close", "4001", "--reason", "good night"});
  EXPECT_EQ(result.status.code, 0) << result.err;
  EXPECT_TRUE(server.process().wait_for_line("4001")) << server.process().output();
}

TEST(Connect, BinaryInputAndOutput_AreUnchanged) {
  ServerProcess server;
  const std::string bytes("\0\xff\n\x01", 4);
  const Output echoed = connect(bytes, {echo_of(server), "--binary", "--messages", "1"});
  EXPECT_EQ(echoed.status.code, 0) << echoed.err;
  EXPECT_EQ(echoed.out, bytes);
}

TEST(Connect, ManyMessages_ArriveInOrder) {
  ServerProcess server;
  std::string input;
  constexpr int kMessages = 3'000;
  for (int i = 0; i < kMessages; ++i) input += std::to_string(i) + std::string(2'000, 'x') + '\n';
  const Output echoed = connect(input, {echo_of(server), "--messages", std::to_string(kMessages)});
  EXPECT_EQ(echoed.status.code, 0) << echoed.err;
  EXPECT_TRUE(echoed.out == input) << echoed.out.size() << " of " << input.size() << " bytes";
}

TEST(Connect, Slash_SendsPings) {
  ServerProcess server;
  const Output result =
      connect("/ping hello\n//x\n", {echo_of(server), "--slash", "--messages", "1"});
  EXPECT_EQ(result.status.code, 0) << result.err;
  EXPECT_EQ(result.out, "/x\n");
  EXPECT_NE(result.err.find("pong \"hello\"\n"), std::string::npos) << result.err;
}

TEST(Connect, LargeLine_IsLimitedByMaxMessage) {
  ServerProcess server;
  const std::string line = std::string(2'000'000, 'L') + '\n';
  const Output echoed = connect(line, {echo_of(server), "--messages", "1"});
  EXPECT_EQ(echoed.status.code, 0) << echoed.err;
  EXPECT_TRUE(echoed.out == line);
  const Output refused = connect(line, {echo_of(server), "--max-message", "1MiB"});
  EXPECT_EQ(refused.status.code, 1);
  EXPECT_NE(refused.err.find("line 1 of the input exceeds --max-message 1MiB"), std::string::npos)
      << refused.err;
}

TEST(Connect, HeaderAndOrigin_ReachTheServer) {
  const OddServer server;
  const Output shown = connect("", {server.url("/shows"), "--messages", "1", "--header",
                                    "X-One: first", "--origin", "http://a.example"});
  EXPECT_EQ(shown.status.code, 0) << shown.err;
  EXPECT_EQ(shown.out, "first http://a.example\n");
}

TEST(Connect, Token_OpensAProtectedServer) {
  const TemporaryDirectory folder;
  const std::string users = folder.write("users", kToken + " ann\n");
  const std::string token = folder.write("token", kToken + "\n");
  ::chmod(users.c_str(), 0600);
  ::chmod(token.c_str(), 0600);
  ServerProcess server({"--auth-file", users});
  for (const std::vector<std::string>& with :
       {std::vector<std::string>{"--token", kToken}, {"--token-file", token}}) {
    std::vector<std::string> arguments = {echo_of(server), "--messages", "1"};
    arguments.insert(arguments.end(), with.begin(), with.end());
    const Output echoed = connect("hello\n", arguments);
    EXPECT_EQ(echoed.status.code, 0) << echoed.err;
    EXPECT_EQ(echoed.out, "hello\n");
  }
  const Output rejected = connect("hello\n", {echo_of(server)});
  EXPECT_EQ(rejected.status.code, 69);
  EXPECT_NE(rejected.err.find("401"), std::string::npos) << rejected.err;
  const Output json = connect("", {echo_of(server), "--json"});
  EXPECT_EQ(json.out.find("{\"event\":\"error\",\"cause\":\"rejected\",\"status\":401,"), 0U)
      << json.out;
  const Output no_file = connect("", {echo_of(server), "--token-file", folder.file("none")});
  EXPECT_EQ(no_file.status.code, 78) << no_file.err;
}

TEST(Connect, Subprotocol_IsShown) {
  ServerProcess server({"--subprotocol", "b"});
  const Output result =
      connect("", {echo_of(server), "--subprotocol", "a", "--subprotocol", "b", "--json"});
  EXPECT_EQ(result.status.code, 0) << result.err;
  EXPECT_EQ(result.out, "{\"event\":\"open\",\"url\":\"" + echo_of(server) +
                            "\",\"subprotocol\":\"b\"}\n"
                            "{\"event\":\"close\",\"code\":1000,\"reason\":\"\",\"cause\":"
                            "\"application_closed\",\"clean\":true}\n");
}

TEST(Connect, LastEventId_ResumesARoom) {
  ServerProcess server({"--publish", "loopback", "--history-messages", "10"});
  RawClient publisher = server.connect();
  const Place first = published(publisher, "/rooms/a", "one");
  published(publisher, "/rooms/a", "two");
  const std::string url = "ws://127.0.0.1:" + std::to_string(server.port()) + "/rooms/a";
  const Output resumed = connect("", {url, "--last-event-id", first.text(), "--messages", "1",
                                      "--json", "--subprotocol", "ws+meta.nchan"});
  EXPECT_EQ(resumed.status.code, 0) << resumed.err;
  EXPECT_NE(resumed.out.find("{\"event\":\"message\",\"id\":\"" + std::to_string(first.epoch) +
                             ":2\",\"text\":\"two\"}\n"),
            std::string::npos)
      << resumed.out;
}

TEST(Connect, BinaryMessages_AreBase64InText) {
  const OddServer server;
  EXPECT_EQ(connect("", {server.url("/bytes"), "--messages", "1"}).out, "AP8=\n");
  EXPECT_EQ(connect("", {server.url("/bytes"), "--messages", "1", "--binary"}).out,
            std::string("\0\xff", 2));
  EXPECT_NE(connect("", {server.url("/bytes"), "--messages", "1", "--json"})
                .out.find("{\"event\":\"message\",\"base64\":\"AP8=\"}\n"),
            std::string::npos);
}

TEST(Connect, ExitStatus_FollowsTheCodeOfTheServer) {
  const OddServer server;
  struct Row {
    int code, status;
  };
  for (const Row& row : std::vector<Row>{{1000, 0},
                                         {1001, 0},
                                         {1002, 102},
                                         {1008, 108},
                                         {1011, 111},
                                         {1013, 113},
                                         {3000, 120},
                                         {4999, 121}}) {
    const std::string url = server.url("/close/" + std::to_string(row.code));
    const Output result = connect("", {url, "--no-input"});
    EXPECT_EQ(result.status.code, row.status) << row.code << ": " << result.err;
    EXPECT_NE(result.err.find("with " + std::to_string(row.code) + ": \"why\""), std::string::npos)
        << result.err;
  }
}

TEST(Connect, Interrupt_ClosesPolitely) {
  for (const int number : {SIGINT, SIGTERM}) {
    ServerProcess server;
    Subprocess client(server_command({"connect", echo_of(server), "--no-input"}));
    ASSERT_TRUE(client.wait_for_line("connected to")) << client.output();
    client.signal(number);
    const auto status = client.wait_exit();
    ASSERT_TRUE(status);
    EXPECT_EQ(status->code, 0) << client.output();
    EXPECT_TRUE(client.wait_for_line("wsd connect: closed")) << client.output();
  }
}

TEST(Connect, NoServer_HasStatus69) {
  const std::string url = "ws://127.0.0.1:" + std::to_string(free_port()) + "/";
  const Output result = connect("", {url});
  EXPECT_EQ(result.status.code, 69) << result.err;
  EXPECT_NE(result.err.find(url), std::string::npos) << result.err;
}

TEST(Connect, ServerThatDoesNotAnswer_IsGivenUp) {
  const RawListener listener;
  const Output result = connect("", {listener.url(), "--timeout", "50ms", "--json"});
  EXPECT_EQ(result.status.code, 69) << result.err;
  EXPECT_EQ(result.out.find("{\"event\":\"error\",\"cause\":\"timeout\",\"status\":0,"), 0U)
      << result.out;
}

TEST(Connect, PingInterval_SendsPingsInSilence) {
  const RawListener listener;
  Subprocess client(
      server_command({"connect", listener.url(), "--no-input", "--ping-interval", "10ms"}));
  EXPECT_TRUE(listener.gets_ping()) << client.output();
}

TEST(Connect, WrongCommandLine_HasStatus2) {
  EXPECT_EQ(connect("", {"--nothing"}).status.code, 2);
  const Output secure = connect("", {"wss://127.0.0.1/"});
  EXPECT_EQ(secure.status.code, 2) << secure.err;
  EXPECT_NE(secure.err.find("wss://"), std::string::npos) << secure.err;
  EXPECT_EQ(connect("", {"--max-message", "2GiB"}).status.code, 2);
  EXPECT_EQ(connect("", {"--help"}).status.code, 0);
}

}  // namespace
}  // namespace e2e
