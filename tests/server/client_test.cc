#include "wsd/client.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "server/raw_server.h"
#include "server/server_rig.h"
#include "wsd/version.h"

namespace wsd {
namespace {

using test::close_payload;
using test::RawConnection;
using test::RawServer;
using test::server_frame;
using test::ServerRig;
using test::Signal;
using test::WireFrame;

// A client that records what happens to one connection.
class ClientRig {
 public:
  explicit ClientRig(ClientOptions options = {}) : client(std::move(options)) {
    EXPECT_EQ(client.start(), "");
    handlers.close = [this](Connection&, const CloseInfo& info) {
      closed = info;
      reason = info.reason;
      ended.raise();
    };
  }
  ClientRig(const ClientRig&) = delete;
  ClientRig& operator=(const ClientRig&) = delete;
  ~ClientRig() { client.stop(); }

  void connect(const std::string& url, ConnectOptions options = {}) {
    EXPECT_EQ(client.connect(url, std::move(options), handlers,
                             [this](const ConnectError& why) {
                               error = why;
                               ended.raise();
                             }),
              "");
  }
  // Connects, and returns the error with which that must fail.
  ConnectError fails(const std::string& url, ConnectOptions options = {}) {
    connect(url, std::move(options));
    EXPECT_TRUE(ended.wait());
    return error;
  }

  Signal ended;
  Handlers handlers;
  ConnectError error{ConnectCause::kStopped, -1, "no error"};
  CloseInfo closed;
  std::string reason;
  Client client;  // last, because it stops first
};

std::string url_of(const ServerRig& rig, std::string_view target = "/") {
  return "ws://" + rig.server.addresses().at(0) + std::string(target);
}

void expect_part(const std::string& text, std::string_view part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

Handlers echo() {
  Handlers handlers;
  handlers.message = [](Connection& from, const Message& message) { from.send(message); };
  return handlers;
}

// Messages

TEST(Client, EchoesMessagesOfAllSizes) {
  for (const DeflateMode mode :
       {DeflateMode::kOff, DeflateMode::kNoContextTakeover, DeflateMode::kContextTakeover}) {
    if (mode == DeflateMode::kContextTakeover && deflate_library().empty()) continue;
    SCOPED_TRACE(static_cast<int>(mode));
    ServerOptions options = test::quiet();
    options.deflate.mode = mode;
    ServerRig rig(options);
    rig.server.route("/echo", echo());
    rig.start();
    ClientOptions client_options;
    client_options.deflate.mode = mode;
    ClientRig client(client_options);
    const std::vector<std::size_t> sizes = {0, 1, 125, 126, 200, 65'535, 65'536, 1'000'000};
    std::vector<std::size_t> received;
    client.handlers.open = [&](Connection& server) {
      EXPECT_EQ(server.path(), "/echo");
      EXPECT_EQ(server.remote(), rig.server.addresses().at(0));
      for (const std::size_t size : sizes) {
        EXPECT_EQ(server.send_binary(std::string(size, 'x')), SendResult::kSent);
      }
    };
    client.handlers.message = [&](Connection& server, const Message& message) {
      EXPECT_EQ(message.payload, std::string(message.payload.size(), 'x'));
      received.push_back(message.payload.size());
      if (received.size() == sizes.size()) server.close(CloseCode::kNormalClosure, "done");
    };
    client.connect(url_of(rig, "/echo?query"));
    ASSERT_TRUE(client.ended.wait());
    EXPECT_EQ(received, sizes);
    EXPECT_EQ(client.closed.cause, CloseCause::kApplicationClosed);
    EXPECT_TRUE(client.closed.clean);
    EXPECT_EQ(client.closed.sent, CloseCode::kNormalClosure);
    EXPECT_EQ(client.closed.received, CloseCode::kNormalClosure);
    EXPECT_EQ(client.reason, "done") << "the server echoes the reason";
  }
}

TEST(Client, SendsFromOtherThreadsInOrder) {
  Signal opened;
  std::vector<std::string> received;
  std::vector<std::string> sent;
  ServerRig rig;
  rig.server.route("/", echo());
  rig.start();
  Connection connection;
  ClientRig client;
  client.handlers.open = [&](Connection& server) {
    connection = server;
    opened.raise();
  };
  client.handlers.message = [&](Connection& server, const Message& message) {
    received.emplace_back(message.payload);
    if (message.payload == "last") server.close();
  };
  client.connect(url_of(rig));
  ASSERT_TRUE(opened.wait());
  for (int i = 0; i < 100; ++i) sent.push_back(std::to_string(i) + std::string(150, '.'));
  sent.emplace_back("last");
  for (const std::string& each : sent) EXPECT_EQ(connection.send_text(each), SendResult::kSent);
  ASSERT_TRUE(client.ended.wait());
  EXPECT_EQ(received, sent);
}

TEST(Client, RoomsReachTheServersOfTheirMembers) {
  Signal received;
  Signal joined;
  ServerRig rig;
  Handlers handlers;
  handlers.message = [&](Connection&, const Message& message) {
    EXPECT_EQ(message.payload, "to all");
    received.raise();
  };
  rig.server.route("/", handlers);
  rig.start();
  ClientOptions options;
  options.reactors = 2;
  Client client(options);
  ASSERT_EQ(client.start(), "");
  Handlers joins;
  joins.open = [&](Connection& server) {
    EXPECT_EQ(server.join("room"), SendResult::kSent);
    joined.raise();
  };
  for (int i = 0; i < 3; ++i) ASSERT_EQ(client.connect(url_of(rig), {}, joins), "");
  ASSERT_TRUE(joined.wait(3));
  EXPECT_EQ(client.connection_count(), 3U);
  // A join takes effect at the room's home, which may be the other reactor.
  std::atomic<std::uint64_t> members{0};
  ASSERT_TRUE(test::until([&] { return members == 3; },
                          [&] {
                            Signal answered;
                            const auto note = [&](const RoomState& state) {
                              members = state.members;
                              answered.raise();
                            };
                            EXPECT_EQ(client.hub().query("room", note), SendResult::kSent);
                            EXPECT_TRUE(answered.wait());
                          }));
  EXPECT_EQ(client.hub().publish("room", MessageType::kText, "to all"), SendResult::kSent);
  EXPECT_TRUE(received.wait(3));
  client.stop();
  EXPECT_EQ(client.connection_count(), 0U);
}

TEST(Client, PassesHeadersOriginAndSubprotocols) {
  ServerOptions server_options = test::quiet();
  server_options.upgrade.subprotocols = {"b"};
  server_options.upgrade.allowed_origins = {"http://page"};
  std::string subprotocol;
  ServerRig rig(server_options);
  Handlers handlers;
  handlers.upgrade = [](const Request& request) {
    return request.header("Authorization") == "Bearer x" ? Upgrade::accept("ann")
                                                         : Upgrade::reject(401, "no");
  };
  rig.server.route("/", handlers);
  rig.start();
  ConnectOptions options;
  options.subprotocols = {"a", "b"};
  options.origin = "http://page";
  {
    ClientRig client;
    const ConnectError error = client.fails(url_of(rig), options);
    EXPECT_EQ(error.cause, ConnectCause::kRejected);
    EXPECT_EQ(error.http_status, 401);
    expect_part(error.text, "401 Unauthorized");
  }
  options.headers = {{"Authorization", "Bearer x"}};
  ClientRig client;
  client.handlers.open = [&](Connection& server) {
    subprotocol = server.subprotocol();
    server.close();
  };
  client.connect(url_of(rig), options);
  ASSERT_TRUE(client.ended.wait());
  EXPECT_EQ(subprotocol, "b");
  EXPECT_EQ(client.error.http_status, -1) << client.error.text;
}

TEST(Client, UnixSocketsAndIpv6) {
  Server server(test::quiet());
  server.route("/echo", echo());
  const std::string path = ::testing::TempDir() + "client_test_" + std::to_string(::getpid());
  ASSERT_EQ(server.listen("unix:" + path), "");
  const bool ipv6 = server.listen("[::1]:0").empty();
  ASSERT_EQ(server.start(), "");
  std::vector<std::string> urls = {"unix:" + path + ":/echo?x", "ws+unix:" + path + ":/echo"};
  if (ipv6) urls.push_back("ws://" + server.addresses().at(1) + "/echo");
  for (const std::string& url : urls) {
    ClientRig client;
    client.handlers.open = [](Connection& connection) { connection.close(); };
    client.connect(url);
    ASSERT_TRUE(client.ended.wait());
    EXPECT_TRUE(client.closed.clean) << url << client.error.text;
  }
}

// Handlers

TEST(Client, AnExceptionOfAHandlerEndsItsConnectionWith1011) {
  ServerRig rig;
  rig.server.route("/", echo());
  rig.start();
  ClientRig client;
  client.handlers.open = [](Connection&) { throw std::runtime_error("no"); };
  client.connect(url_of(rig));
  ASSERT_TRUE(client.ended.wait());
  EXPECT_EQ(client.closed.cause, CloseCause::kHandlerError);
  EXPECT_EQ(client.closed.sent, CloseCode::kInternalError);
}

TEST(Client, ConnectsAgainFromTheHandlersOfAFormerConnection) {
  std::atomic<int> left{5};
  ServerRig rig;
  rig.server.route("/", echo());
  rig.start();
  ClientRig client;
  std::function<void()> again = [&] {
    if (left-- == 0) return client.ended.raise();
    Handlers handlers;
    handlers.open = [](Connection& server) { server.close(); };
    handlers.close = [&](Connection&, const CloseInfo&) { again(); };
    const std::string url = left % 2 == 0 ? url_of(rig) : url_of(rig, "/missing");
    EXPECT_EQ(client.client.connect(url, {}, handlers, [&](const ConnectError&) { again(); }), "");
  };
  again();
  EXPECT_TRUE(client.ended.wait());
}

// Errors of the handshake

TEST(Client, Rfc9110_15_4_RedirectsAreNotFollowed) {
  RawServer server([](RawConnection& connection) {
    connection.head();
    connection.send("HTTP/1.1 302 Found\r\nLocation: ws://else\x7fwhere/\r\n\r\n");
  });
  ClientRig client;
  EXPECT_EQ(client.fails(server.url()).cause, ConnectCause::kBadResponse) << "a control byte";
  RawServer good([](RawConnection& connection) {
    connection.head();
    connection.send(
        "HTTP/1.1 302 Found\r\nLocation: ws://elsewhere/'\r\nContent-Length: 0\r\n\r\n");
  });
  ClientRig other;
  const ConnectError error = other.fails(good.url("/path?token=secret"));
  EXPECT_EQ(error.cause, ConnectCause::kRejected);
  EXPECT_EQ(error.http_status, 302);
  expect_part(error.text, "redirects are not followed");
  expect_part(error.text, "'ws://elsewhere/\\x27'");
  EXPECT_EQ(error.text.find("secret"), std::string::npos) << error.text;
}

TEST(Client, BadResponsesFail) {
  struct Case {
    const char* response;
    const char* text;
  };
  const std::string large = "HTTP/1.1 101 x\r\nA: " + std::string(20'000, 'a') + "\r\n\r\n";
  for (const Case& each : {
           Case{"SSH-2.0-OpenSSH\r\n", "malformed status line"},
           Case{"HTTP/1.1 101 x\r\n\r\n", "does not switch"},
           Case{"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
                "does not match the key"},
           Case{large.c_str(), "exceeds the size limit"},
       }) {
    RawServer server([&](RawConnection& connection) {
      connection.head();
      connection.send(each.response);
      connection.drain();
    });
    ClientRig client;
    const ConnectError error = client.fails(server.url());
    EXPECT_EQ(error.cause, ConnectCause::kBadResponse) << each.response;
    expect_part(error.text, each.text);
  }
}

TEST(Client, ChoicesThatWereNotOfferedFail) {
  for (const char* field : {"Sec-WebSocket-Protocol: x\r\n", "Sec-WebSocket-Extensions: x\r\n"}) {
    RawServer server([&](RawConnection& connection) {
      connection.accept(field);
      connection.drain();
    });
    ClientRig client;
    const ConnectError error = client.fails(server.url());
    EXPECT_EQ(error.cause, ConnectCause::kBadResponse);
    expect_part(error.text, "was not offered");
    EXPECT_EQ(error.http_status, 101);
  }
}

TEST(Client, AServerThatEndsEarlyIsDisconnected) {
  RawServer half([](RawConnection& connection) {
    connection.head();
    connection.send("HTTP/1.1 101 Switch");
  });
  ClientRig client;
  EXPECT_EQ(client.fails(half.url()).cause, ConnectCause::kDisconnected);
  RawServer reset([](RawConnection& connection) {
    connection.head();
    connection.reset();
  });
  ClientRig other;
  EXPECT_EQ(other.fails(reset.url()).cause, ConnectCause::kDisconnected);
}

TEST(Client, SlowResponsesTimeOut) {
  RawServer server([](RawConnection& connection) {
    connection.head();
    connection.send("HTTP/1.1 101 Switching Proto");
    connection.drain();
  });
  ClientRig client;
  ConnectOptions options;
  options.handshake_timeout_ms = 30;
  const ConnectError error = client.fails(server.url(), options);
  EXPECT_EQ(error.cause, ConnectCause::kTimeout);
  expect_part(error.text, "no response within 30ms");
}

TEST(Client, HostsWithoutAServer) {
  ClientRig client;
  const ConnectError refused = client.fails("ws://127.0.0.1:1/");
  EXPECT_EQ(refused.cause, ConnectCause::kUnreachable);
  expect_part(refused.text, "cannot connect to ws://127.0.0.1:1/: Connection refused");
  ClientRig other;
  EXPECT_EQ(other.fails("ws://name.invalid/").cause, ConnectCause::kLookup);
  ClientRig third;
  EXPECT_EQ(third.fails("unix:/nonexistent/socket").cause, ConnectCause::kUnreachable);
}

// Frames

TEST(Client, Rfc6455_5_1_MaskedFramesOfAServerEndWith1002) {
  WireFrame answer;
  {
    RawServer server([&](RawConnection& connection) {
      connection.accept();
      connection.send(test::client_frame(test::kText, "masked"));
      answer = connection.frame();
      connection.drain();
    });
    ClientRig client;
    client.connect(server.url());
    ASSERT_TRUE(client.ended.wait());
    EXPECT_EQ(client.closed.cause, CloseCause::kProtocolError);
    EXPECT_EQ(client.closed.sent, CloseCode::kProtocolError);
  }
  EXPECT_EQ(answer.opcode, test::kClose);
  EXPECT_EQ(answer.payload, close_payload(1002, "frame from a server is masked"));
}

TEST(Client, Rfc6455_5_5_2_PingsAreAnsweredMasked) {
  WireFrame pong;
  WireFrame close;
  {
    RawServer server([&](RawConnection& connection) {
      connection.accept();
      connection.send(server_frame(test::kPing, "p") +
                      server_frame(test::kClose, close_payload(4000, "bye")));
      pong = connection.frame();
      close = connection.frame();
    });
    ClientRig client;
    client.connect(server.url());
    ASSERT_TRUE(client.ended.wait());
    EXPECT_EQ(client.closed.cause, CloseCause::kPeerClosed);
    EXPECT_TRUE(client.closed.clean);
    EXPECT_EQ(client.closed.received, static_cast<CloseCode>(4000));
    EXPECT_EQ(client.reason, "bye");
  }
  EXPECT_EQ(pong, (WireFrame{test::kPong, "p"}));
  EXPECT_EQ(close, (WireFrame{test::kClose, close_payload(4000, "bye")}));
}

// A server that never ends TCP: the client does after the close timeout.
TEST(Client, Rfc6455_7_1_1_EndsTcpAfterTheCloseTimeout) {
  RawServer server([](RawConnection& connection) {
    connection.accept();
    connection.send(server_frame(test::kClose, close_payload(1000)));
    EXPECT_EQ(connection.frame().opcode, test::kClose);
    connection.drain();  // until the client ends TCP
  });
  ClientOptions options;
  options.limits.close_timeout_ms = 1'000;  // longer than the kernel delays an acknowledgement
  ClientRig client(options);
  client.connect(server.url());
  ASSERT_TRUE(client.ended.wait());
  EXPECT_TRUE(client.closed.clean);
  EXPECT_EQ(client.closed.cause, CloseCause::kPeerClosed);
}

// An echo on another connection of the same reactor shows that the turn of the closing handshake is
// over.
TEST(Client, Rfc6455_7_1_1_WaitsForTheServerToEndTcp) {
  Signal opened;
  Signal echoed;
  std::atomic<bool> ended_first{true};
  ServerRig rig;
  rig.server.route("/", echo());
  rig.start();
  Connection other;
  ClientRig client;
  Handlers handlers;
  handlers.open = [&](Connection& server) {
    other = server;
    opened.raise();
  };
  handlers.message = [&](Connection&, const Message&) { echoed.raise(); };
  ASSERT_EQ(client.client.connect(url_of(rig), {}, handlers), "");
  ASSERT_TRUE(opened.wait());
  RawServer server([&](RawConnection& connection) {
    connection.accept();
    connection.send(server_frame(test::kClose, close_payload(1000)));
    EXPECT_EQ(connection.frame().opcode, test::kClose);
    EXPECT_EQ(other.send_text("turn"), SendResult::kSent);
    EXPECT_TRUE(echoed.wait());
    ended_first.store(connection.ended());
  });
  client.connect(server.url());
  ASSERT_TRUE(client.ended.wait());
  EXPECT_FALSE(ended_first.load());
  EXPECT_TRUE(client.closed.clean);
}

TEST(Client, AServerWithoutACloseFrame) {
  RawServer server([](RawConnection& connection) { connection.accept(); });
  ClientRig client;
  client.connect(server.url());
  ASSERT_TRUE(client.ended.wait());
  EXPECT_EQ(client.closed.cause, CloseCause::kEof);
  EXPECT_FALSE(client.closed.clean);
  EXPECT_EQ(client.closed.received, CloseCode::kAbnormalClosure);
}

TEST(Client, ASilentServerEndsWithAPongTimeout) {
  RawServer server([](RawConnection& connection) {
    connection.accept();
    EXPECT_EQ(connection.frame().opcode, test::kPing);
    connection.drain();
  });
  ClientOptions options;
  options.heartbeat = {.ping_interval_ms = 30, .pong_timeout_ms = 30, .read_timeout_ms = 0};
  ClientRig client(options);
  client.connect(server.url());
  ASSERT_TRUE(client.ended.wait());
  EXPECT_EQ(client.closed.cause, CloseCause::kPongTimeout);
}

// Arguments

TEST(Client, WrongArgumentsAreReturned) {
  Client idle;
  expect_part(idle.connect("ws://a/", {}, {}), "does not run");
  ClientRig rig;
  Client& client = rig.client;
  expect_part(client.connect("wss://a/", {}, {}), "stunnel");
  expect_part(client.connect("http://a/", {}, {}), "is not a WebSocket URL");
  expect_part(client.connect("ws://a/", {.headers = {{"Host", "x"}}}, {}), "the handshake sets");
  expect_part(client.connect("ws://a/", {.headers = {{"A", "x\r\nB: y"}}}, {}), "control byte");
  expect_part(client.connect("ws://a/", {.headers = {{"A b", "x"}}}, {}), "not a token");
  expect_part(client.connect("ws://a/", {.subprotocols = {"a b"}}, {}), "not a token");
  expect_part(client.connect("ws://a/", {.subprotocols = {"a", "a"}}, {}), "twice");
  expect_part(client.connect("ws://a/", {.origin = "\n"}, {}), "control byte");
  expect_part(client.connect("ws://a/", {.connect_timeout_ms = 0}, {}), "more than 0");
  expect_part(client.connect("ws://a/", {.handshake_timeout_ms = 0}, {}), "more than 0");
  expect_part(client.start(), "called before");
  ClientOptions options;
  options.limits.max_message_bytes = 0;
  Client bad(options);
  expect_part(bad.start(), "limits.max_message_bytes must be");
}

// The end

TEST(Client, DrainFailsHandshakesAndClosesOpenConnections) {
  Signal asked;
  Signal opened;
  ServerRig rig;
  rig.server.route("/", echo());
  rig.start();
  RawServer silent([&](RawConnection& connection) {
    connection.head();
    asked.raise();
    connection.drain();
  });
  ClientRig client;
  client.connect(silent.url());
  ASSERT_TRUE(asked.wait());
  client.handlers.open = [&](Connection&) { opened.raise(); };
  client.connect(url_of(rig));
  ASSERT_TRUE(opened.wait());
  client.client.drain();
  client.client.wait();
  EXPECT_TRUE(client.ended.wait(2));
  EXPECT_EQ(client.error.cause, ConnectCause::kStopped);
  EXPECT_EQ(client.closed.cause, CloseCause::kDrain);
  EXPECT_TRUE(client.closed.clean);
  EXPECT_EQ(client.closed.sent, CloseCode::kGoingAway);
  expect_part(client.client.connect(url_of(rig), {}, {}), "does not run");
}

TEST(Client, StopEndsEveryAttemptExactlyOnce) {
  ServerRig rig;
  rig.server.route("/", echo());
  rig.start();
  constexpr int kThreads = 3;
  constexpr int kEach = 40;
  for (int round = 0; round < 3; ++round) {
    ClientOptions options;
    options.reactors = 2;
    Client client(options);
    ASSERT_EQ(client.start(), "");
    std::atomic<int> begun{0};
    std::atomic<int> ended{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        for (int each = 0; each < kEach; ++each) {
          Handlers handlers;
          handlers.close = [&](Connection&, const CloseInfo&) { ++ended; };
          const std::string url = each % 4 == 0 ? "ws://localhost:1/" : url_of(rig);
          const auto failed = [&](const ConnectError&) { ++ended; };
          if (client.connect(url, {}, handlers, failed).empty()) ++begun;
        }
      });
    }
    if (round == 1) {
      while (begun < kThreads * kEach / 2) std::this_thread::yield();
    }
    if (round == 2) {
      client.drain();
    } else {
      client.stop();
    }
    for (std::thread& thread : threads) thread.join();
    client.wait();
    EXPECT_EQ(ended, begun) << "round " << round;
  }
}

}  // namespace
}  // namespace wsd
