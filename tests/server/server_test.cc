// The public API: handlers, sends, rooms, start, drain and stop.
#include "wsd/server.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "net/peer.h"
#include "server/server_rig.h"
#include "wsd/check.h"

namespace wsd {
namespace {

using test::client_frame;
using test::close_payload;
using test::Peer;
using test::quiet;
using test::Signal;
using Rig = test::ServerRig;
using test::upgrade_request;
using test::WireFrame;

void echo(Connection& connection, const Message& message) { connection.send(message); }

// Handlers

TEST(Server, HandlerThrows_ClosesOnlyItsConnectionWith1011) {
  struct Odd {};
  std::atomic<int> ends{0};
  Rig rig(quiet(1));
  rig.server.route("/", {.open =
                             [](Connection& c) {
                               if (c.path() != "/") throw std::runtime_error("open");
                             },
                         .message =
                             [](Connection& c, const Message& m) {
                               if (m.payload == "throw") throw std::runtime_error("secret");
                               if (m.payload == "odd") throw Odd{};
                               c.send(m);
                             },
                         .close =
                             [&](Connection&, const CloseInfo& info) {
                               if (info.cause == CloseCause::kHandlerError) ++ends;
                               throw std::runtime_error("close");
                             }});
  rig.start();
  Peer other = rig.open();
  for (const char* text : {"throw", "odd"}) {
    Peer peer = rig.open();
    peer.send(client_frame(test::kText, text));
    const WireFrame frame = Rig::frame(peer);
    EXPECT_EQ(frame.opcode, test::kClose);
    EXPECT_EQ(frame.payload, close_payload(1011, "internal error"));
  }
  other.send(client_frame(test::kText, "still here"));
  EXPECT_EQ(Rig::frame(other).payload, "still here");
  EXPECT_EQ(ends.load(), 2);
}

class Counter final : public ConnectionData {
 public:
  explicit Counter(std::atomic<int>& alive) : alive_(alive) { ++alive_; }
  ~Counter() override { --alive_; }
  int count = 0;

 private:
  std::atomic<int>& alive_;
};
class Other final : public ConnectionData {};

TEST(Server, ConnectionsCarryTypedData) {
  std::atomic<int> alive{0};
  std::atomic<int> last{0};
  Rig rig;
  rig.server.route("/", {.open =
                             [&](Connection& c) {
                               EXPECT_EQ(c.data<Counter>(), nullptr);
                               c.set_data(std::make_unique<Counter>(alive));
                             },
                         .message =
                             [](Connection& c, const Message&) {
                               EXPECT_EQ(c.data<Other>(), nullptr);
                               c.send_text(std::to_string(++c.data<Counter>()->count));
                             },
                         .close =
                             [&](Connection& c, const CloseInfo&) {
                               ASSERT_NE(c.data<Counter>(), nullptr);
                               last = c.data<Counter>()->count;
                             }});
  rig.start();
  {
    Peer peer = rig.open();
    for (const char* count : {"1", "2", "3"}) {
      peer.send(client_frame(test::kText, "x"));
      EXPECT_EQ(Rig::frame(peer).payload, count);
    }
    EXPECT_EQ(alive.load(), 1);
  }
  EXPECT_TRUE(rig.emptied());
  EXPECT_EQ(alive.load(), 0);
  EXPECT_EQ(last.load(), 3);
}

TEST(Server, SendResults_ReportTheOutcome) {
  ServerOptions options = quiet();
  options.limits.max_message_bytes = 1000;
  Signal done;
  Rig rig(options);
  rig.server.route("/", {.message = [&](Connection& c, const Message&) {
                     EXPECT_EQ(c.send_text(std::string(1000, 'x')), SendResult::kSent);
                     EXPECT_EQ(c.send_text(std::string(1001, 'x')), SendResult::kTooBig);
                     EXPECT_EQ(
                         rig.server.hub().publish("r", MessageType::kText, std::string(1001, 'x')),
                         SendResult::kTooBig);
                     c.close(CloseCode::kNoStatus, std::string(200, 'r'));
                     EXPECT_EQ(c.send_text("late"), SendResult::kClosed);
                     done.raise();
                   }});
  rig.start();
  Peer peer = rig.open();
  peer.send(client_frame(test::kText, "x"));
  EXPECT_EQ(Rig::frame(peer).payload, std::string(1000, 'x'));
  // close() replaces a code that must not be sent by 1000, and cuts the reason to fit a frame.
  EXPECT_EQ(Rig::frame(peer),
            (WireFrame{test::kClose, close_payload(1000, std::string(123, 'r'))}));
  EXPECT_TRUE(done.wait());
  const Connection nobody;
  EXPECT_EQ(nobody.send_text("x"), SendResult::kClosed);
  nobody.close();
  nobody.join("r");
  nobody.leave("r");
  EXPECT_EQ(nobody.user(), "");
  EXPECT_TRUE(nobody.rooms().empty());
  EXPECT_EQ(nobody.data<Counter>(), nullptr);
}

// Other threads

TEST(Server, AnyThreadMaySendJoinPublishLeaveAndClose) {
  Signal opened;
  Signal left;
  Rig rig;
  Connection handle;
  rig.server.route("/", {.open =
                             [&](Connection& c) {
                               handle = c;
                               opened.raise();
                             },
                         .message =
                             [&](Connection& c, const Message& m) {
                               std::string all(c.room());
                               for (const std::string_view each : c.rooms()) {
                                 all += "," + std::string(each);
                               }
                               c.send_text(std::string(m.payload) + all);
                             },
                         .close =
                             [&](Connection& c, const CloseInfo&) {
                               EXPECT_TRUE(c.rooms().empty());
                               left.raise();
                             }});
  rig.start();
  Peer peer = rig.open();
  ASSERT_TRUE(opened.wait());
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(handle.send_text(std::to_string(i)), SendResult::kSent);
  }
  for (int i = 0; i < 100; ++i) ASSERT_EQ(Rig::frame(peer).payload, std::to_string(i));
  handle.join("first");
  handle.join("second");
  handle.join("first");
  handle.send_text("joined");
  ASSERT_EQ(Rig::frame(peer).payload, "joined");
  peer.send(client_frame(test::kText, "rooms:"));
  EXPECT_EQ(Rig::frame(peer).payload, "rooms:first,first,second");
  const Hub hub = rig.server.hub();
  // The join may still be in transit to the home shard of the room.
  ASSERT_TRUE(Rig::until(peer, [&] {
    EXPECT_EQ(hub.publish("second", MessageType::kText, "news"), SendResult::kSent);
    const std::optional<WireFrame> frame = test::take_frame(peer.input);
    return frame.has_value() && frame->payload == "news";
  }));
  hub.leave(handle, "second");
  hub.leave(handle, "first");
  handle.send_text("left");
  ASSERT_TRUE(Rig::until(peer, [&] {
    const std::optional<WireFrame> frame = test::take_frame(peer.input);
    return frame.has_value() && frame->payload == "left";
  }));
  static_cast<void>(hub.publish("second", MessageType::kText, "unheard"));
  static_cast<void>(hub.publish("first", MessageType::kText, "unheard"));
  handle.close(static_cast<CloseCode>(4001), "bye");
  // Publishes from before the leave have no order with direct sends, so they may come now.
  WireFrame last = Rig::frame(peer);
  while (last == WireFrame{test::kText, "news"}) last = Rig::frame(peer);
  EXPECT_EQ(last, (WireFrame{test::kClose, close_payload(4001, "bye")}));
  peer.close();
  ASSERT_TRUE(left.wait());
  EXPECT_TRUE(rig.emptied());
  handle.close();
  handle.join("first");
}

TEST(Server, PublishThenLeave_SendsTheMessageToTheLeaver) {
  for (const std::uint32_t reactors : {1U, 3U}) {
    Rig rig(quiet(reactors));
    rig.server.route("/{room}", {.open = [](Connection& c) { c.join(c.path()); },
                                 .message =
                                     [&](Connection& c, const Message& m) {
                                       const std::string_view room = c.room();
                                       EXPECT_EQ(rig.server.hub().publish(room, m),
                                                 SendResult::kSent);
                                       EXPECT_EQ(c.leave(room), SendResult::kSent);
                                       EXPECT_EQ(c.room(), "");
                                       EXPECT_EQ(room, c.path())
                                           << "the view is valid until the handler returns";
                                     }});
    rig.start();
    // Enough rooms that some have their home on another reactor than their member.
    for (int i = 0; i < 12; ++i) {
      Peer peer = rig.open("/a-room-whose-name-is-longer-than-a-short-string-" + std::to_string(i));
      peer.send(client_frame(test::kText, "last"));
      EXPECT_EQ(Rig::frame(peer).payload, "last");
    }
  }
}

TEST(Server, JoinOfAClosingConnection_LeavesNoMemberBehind) {
  Signal opened;
  Signal answered;
  Rig rig(quiet(2));
  Connection handle;
  rig.server.route("/", {.open = [&](Connection& c) {
                     handle = c;
                     opened.raise();
                   }});
  rig.start();
  Peer peer = rig.open();
  ASSERT_TRUE(opened.wait());
  handle.close();
  EXPECT_EQ(Rig::frame(peer).opcode, test::kClose);  // it waits for the peer's Close now
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(handle.join("room " + std::to_string(i)), SendResult::kSent);
  }
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(rig.server.hub().query("room " + std::to_string(i),
                                     [&](const RoomState& state) {
                                       EXPECT_EQ(state.members, 0U);
                                       answered.raise();
                                     }),
              SendResult::kSent);
  }
  ASSERT_TRUE(answered.wait(8));
  const Listing<ConnectionInfo> all = rig.server.connections({});
  ASSERT_EQ(all.rows.size(), 1U);
  EXPECT_EQ(all.rows[0].rooms, 0U);
  EXPECT_EQ(rig.server.rooms(10).total, 0U);
}

TEST(Server, RoomsCarryMessagesBetweenReactors) {
  std::vector<Peer> peers;
  Rig rig(quiet(3));
  rig.server.route(
      "/rooms/{room}",
      {.upgrade = [](const Request& r) { return Upgrade::accept(std::string(r.param("room"))); },
       .open =
           [](Connection& c) {
             c.join(c.user());
             c.send_text("hello");
           },
       .message =
           [&](Connection& c, const Message& m) {
             EXPECT_EQ(rig.server.hub().publish(c.room(), m), SendResult::kSent);
           }});
  rig.start();
  for (int i = 0; i < 12; ++i) {
    peers.push_back(rig.open("/rooms/lobby"));
    ASSERT_EQ(Rig::frame(peers.back()).payload, "hello");
  }
  // A member gets its own messages, so a peer that has got one has joined.
  for (Peer& each : peers) {
    ASSERT_TRUE(Rig::until(each, [&] {
      if (each.all_sent()) each.send(client_frame(test::kText, "ready?"));
      return test::take_frame(each.input).has_value();
    }));
  }
  constexpr int kMessages = 50;
  for (std::size_t p = 0; p < peers.size(); ++p) {
    for (int i = 0; i < kMessages; ++i) {
      peers[p].send(client_frame(test::kText, std::to_string(p) + "." + std::to_string(i)));
    }
  }
  std::vector<std::vector<std::string>> heard(peers.size());
  for (std::size_t p = 0; p < peers.size(); ++p) {
    while (heard[p].size() < peers.size() * kMessages) {
      const WireFrame frame = Rig::frame(peers[p]);
      ASSERT_EQ(frame.opcode, test::kText);
      if (frame.payload != "ready?") heard[p].push_back(frame.payload);
    }
    EXPECT_EQ(heard[p], heard[0]) << "all members see one order";
  }
}

// A publisher that exceeds the limit is paused. Without timers, only the hub can resume it.
TEST(Server, PublisherOverTheMailboxLimit_IsReadAgain) {
  ServerOptions options = quiet();
  options.limits.max_pending_publishes = 2;
  options.upgrade.read_buffer_size = 1024;  // paused after each receive, with more to read
  options.heartbeat = {0, 0, 0};
  std::string bytes;
  Rig rig(options);
  rig.server.route(
      "/{room}",
      {.upgrade = [](const Request& r) { return Upgrade::accept(std::string(r.param("room"))); },
       .open = [](Connection& c) { c.join(c.user()); },
       .message =
           [&](Connection& c, const Message& m) {
             EXPECT_EQ(rig.server.hub().publish(c.user(), m), SendResult::kSent);
           }});
  rig.start();
  constexpr int kMessages = 1000;
  for (int i = 0; i < kMessages; ++i) bytes += client_frame(test::kText, std::to_string(i));
  // Enough rooms that both the publisher's reactor and the other one are home to some.
  for (const char* room : {"/a", "/b", "/c", "/d", "/e", "/f", "/g", "/h"}) {
    Peer peer = rig.open(room);
    peer.send(bytes);
    for (int i = 0; i < kMessages; ++i) ASSERT_EQ(Rig::frame(peer).payload, std::to_string(i));
  }
}

// Start, drain and stop

TEST(ServerLife, FailedStart_ReturnsTheReason) {
  Server no_listener(quiet());
  EXPECT_EQ(no_listener.start(),
            "the server has no address to listen on: call listen() before start()");
  ServerOptions bad = quiet();
  bad.limits.write_timeout_ms = 0;
  Server bad_options(bad);
  ASSERT_EQ(bad_options.listen("127.0.0.1:0"), "");
  EXPECT_EQ(bad_options.start(), check_options(bad));
  Server twice(quiet());
  ASSERT_EQ(twice.listen("127.0.0.1:0"), "");
  ASSERT_EQ(twice.start(), "");
  EXPECT_EQ(twice.start(), "start() was called before: call it only once");
  EXPECT_NE(twice.listen("127.0.0.1"), "");
}

TEST(ServerLife, InvalidRoutes_Throw) {
  Server server(quiet());
  server.route("/a", {});
  EXPECT_THROW(server.route("/a", {}), std::invalid_argument);
  EXPECT_THROW(server.route("a", {}), std::invalid_argument);
  server.http("/a", [](const Request&) { return Response{}; });
  EXPECT_THROW(server.http("/a", [](const Request&) { return Response{}; }), std::invalid_argument);
  EXPECT_THROW(server.http("GET", "/b", HttpHandler()), std::invalid_argument);
  const auto error_of = [&](const char* pattern) {
    try {
      server.route(pattern, {});
    } catch (const std::invalid_argument& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(error_of("/*"), "cannot add a route: " + check_route_pattern("/*"));
  EXPECT_EQ(error_of("/rooms/{"), "cannot add a route: " + check_route_pattern("/rooms/{"));
}

TEST(ServerLife, MayBeDestroyedWithoutAStart) {
  { const Server never; }
  Server bound(quiet());
  ASSERT_EQ(bound.listen("127.0.0.1:0"), "");
  EXPECT_EQ(bound.addresses().size(), 1U);
  EXPECT_EQ(bound.hub().publish("r", MessageType::kText, "x"), SendResult::kClosed);
  EXPECT_EQ(bound.connection_count(), 0U);
}

TEST(ServerLife, CallsAfterTheEnd_ReturnClosed) {
  for (const bool drain : {true, false}) {
    Rig rig;
    Connection known;
    Signal opened;
    rig.server.route("/", {.open = [&](Connection& connection) {
                       known = connection;
                       opened.raise();
                     }});
    rig.start();
    Peer peer = rig.open();
    ASSERT_TRUE(opened.wait());
    const Hub hub = rig.server.hub();
    EXPECT_EQ(hub.publish("r", MessageType::kText, "x"), SendResult::kSent);
    if (drain) {
      peer.close();
      rig.server.drain();
      rig.server.wait();
    } else {
      rig.server.stop();
    }
    const auto never = [](const auto&) { ADD_FAILURE() << "a callback after the end"; };
    EXPECT_EQ(hub.publish("r", MessageType::kText, "x"), SendResult::kClosed);
    EXPECT_EQ(hub.publish("r", MessageType::kText, "x", never), SendResult::kClosed);
    EXPECT_EQ(hub.publish_once("r", MessageType::kText, "x", "key", never), SendResult::kClosed);
    EXPECT_EQ(hub.query("r", never), SendResult::kClosed);
    EXPECT_EQ(known.send_text("x"), SendResult::kClosed);
    EXPECT_EQ(known.join("r"), SendResult::kClosed);
    EXPECT_EQ(known.leave("r"), SendResult::kClosed);
    known.close();
  }
}

TEST(ServerLife, Drain_ClosesEveryConnectionWith1001) {
  std::atomic<int> drained{0};
  std::vector<Peer> peers;
  Rig rig;
  rig.server.route("/", {.close = [&](Connection&, const CloseInfo& info) {
                     if (info.cause == CloseCause::kDrain) ++drained;
                   }});
  rig.start();
  for (int i = 0; i < 10; ++i) peers.push_back(rig.open());
  rig.server.drain();
  for (Peer& each : peers) {
    EXPECT_EQ(Rig::frame(each).payload.substr(0, 2), close_payload(1001));
    each.send(client_frame(test::kClose, close_payload(1001)));
    EXPECT_TRUE(Rig::until(each, [&] { return each.end() == Peer::End::kFin; }));
    each.close();
  }
  rig.server.wait();
  EXPECT_EQ(rig.server.connection_count(), 0U);
  EXPECT_EQ(drained.load(), 10);
  EXPECT_EQ(rig.server.forced_closes(), 0U);
}

TEST(ServerLife, DrainTimeout_CountsForcedCloses) {
  ServerOptions options = quiet();
  options.drain_timeout_ms = 50;
  std::vector<Peer> peers;
  Rig rig(options);
  rig.server.route("/", {});
  rig.start();
  for (int i = 0; i < 3; ++i) peers.push_back(rig.open());
  rig.server.drain();
  rig.server.wait();
  EXPECT_EQ(rig.server.forced_closes(), 3U);
}

TEST(ServerLife, CheckLiveness_IsFalseWhileAReactorHangs) {
  Signal inside;
  Signal go_on;
  Rig rig(quiet(1));
  rig.server.route("/", {.message = [&](Connection&, const Message&) {
                     inside.raise();
                     EXPECT_TRUE(go_on.wait());
                   }});
  EXPECT_FALSE(rig.server.check_liveness()) << "not started";
  rig.start();
  const auto turn = [&] { return rig.server.check_liveness(); };
  const auto turns = [&] { return test::until(turn, [] { std::this_thread::yield(); }); };
  EXPECT_TRUE(turn()) << "the first call";
  EXPECT_TRUE(turns());
  Peer peer = rig.open();
  peer.send(client_frame(test::kText, "hang"));
  ASSERT_TRUE(inside.wait());
  // The reactor may have answered the previous command before it hung. It cannot answer this one.
  static_cast<void>(turn());
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(turn());
  go_on.raise();
  EXPECT_TRUE(turns());
  EXPECT_TRUE(turns());
}

TEST(ServerLife, CheckLiveness_AsksAllReactors) {
  Rig rig(quiet(3));
  rig.start();
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(test::until([&] { return rig.server.check_liveness(); },
                            [] { std::this_thread::yield(); }));
  }
}

TEST(ServerLife, AdoptedSocket_IsServed) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof(at)), 0);
  std::vector<Peer> peers;
  Server server(quiet());
  server.route("/", {});
  EXPECT_NE(server.adopt(fd).find("does not listen"), std::string::npos);
  ASSERT_EQ(::listen(fd, 16), 0);
  const int successor = ::dup(fd);
  ASSERT_EQ(server.adopt(fd), "");
  ASSERT_EQ(server.start(), "");
  const std::uint16_t port = test::port_of(server.addresses().at(0));
  for (int i = 0; i < 4; ++i) {
    peers.emplace_back(port);
    peers.back().send(test::upgrade_request("/"));
    EXPECT_EQ(Rig::read_head(peers.back()).find("HTTP/1.1 101 "), 0U);
    peers.back().close();
  }
  server.drain();
  server.wait();
  // A client that connects now waits for the next server of the socket.
  Peer late(port);
  late.send(test::upgrade_request("/"));
  Server next(quiet());
  next.route("/", {});
  ASSERT_EQ(next.adopt(successor), "");
  ASSERT_EQ(next.start(), "");
  EXPECT_EQ(Rig::read_head(late).find("HTTP/1.1 101 "), 0U);
}

TEST(ServerLife, StopEndsEverythingAtOnce) {
  std::atomic<int> ended{0};
  std::vector<Peer> peers;
  Rig rig;
  rig.server.route("/", {.close = [&](Connection&, const CloseInfo& info) {
                     EXPECT_EQ(info.cause, CloseCause::kServerStopped);
                     ++ended;
                   }});
  rig.start();
  for (int i = 0; i < 10; ++i) peers.push_back(rig.open());
  rig.server.stop();
  EXPECT_EQ(ended.load(), 10);
  EXPECT_EQ(rig.server.connection_count(), 0U);
  rig.server.stop();
  rig.server.wait();
}

TEST(ServerLife, StopBeforeStart_DoesNotWaitForTheDrainDelay) {
  ServerOptions options = quiet(2);
  options.drain_delay_ms = 3'600'000;
  Rig rig(options);
  rig.server.stop();
  rig.start();
  rig.server.wait();
}

TEST(ServerLife, MayBeDestroyedWhileConnectionsLive) {
  std::atomic<int> ended{0};
  std::atomic<int> alive{0};
  std::vector<Peer> peers;
  {
    Rig rig;
    rig.server.route("/", {.open =
                               [&](Connection& c) {
                                 c.set_data(std::make_unique<Counter>(alive));
                                 c.join("a");
                                 c.join("b");
                                 c.join("c");
                               },
                           .close = [&](Connection&, const CloseInfo&) { ++ended; }});
    rig.start();
    for (int i = 0; i < 10; ++i) peers.push_back(rig.open());
    Peer fresh = rig.connect();
    fresh.send("GET / HT");
    peers.push_back(std::move(fresh));
    rig.server.log(LogLevel::kError, "nobody", "hears");
  }
  EXPECT_EQ(ended.load(), 10);
  EXPECT_EQ(alive.load(), 0);
}

TEST(ServerLife, TwoServersLiveInOneProcess) {
  Signal opened;
  Rig first;
  Rig second;
  Connection other;
  second.server.route("/", {.open = [&](Connection& c) {
                        other = c;
                        c.join("room");
                        opened.raise();
                      }});
  // A handler of one server calls the other server, for which it is just another thread.
  first.server.route("/", {.message = [&](Connection& c, const Message& m) {
                       EXPECT_EQ(other.send(m), SendResult::kSent);
                       EXPECT_EQ(other.user(), "");
                       c.send_text("passed on");
                     }});
  first.start();
  second.start();
  Peer theirs = second.open();
  ASSERT_TRUE(opened.wait());
  Peer ours = first.open();
  ours.send(client_frame(test::kText, "hello"));
  EXPECT_EQ(Rig::frame(ours).payload, "passed on");
  EXPECT_EQ(Rig::frame(theirs).payload, "hello");
}

TEST(ServerLife, ServesAUnixSocketAndRemovesIt) {
  const std::string path = "/tmp/wsd-server-test-" + std::to_string(::getpid());
  {
    Server server(quiet());
    server.route("/", {.message = echo});
    ASSERT_EQ(server.listen("unix:" + path), "");
    ASSERT_EQ(server.start(), "");
    EXPECT_EQ(server.addresses(), std::vector<std::string>{"unix:" + path});
    Peer peer = Peer::unix_socket(path);
    peer.send(upgrade_request() + client_frame(test::kText, "hi"));
    EXPECT_EQ(Rig::read_head(peer).find("HTTP/1.1 101 "), 0U);
    EXPECT_EQ(Rig::frame(peer).payload, "hi");
  }
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
}

// The first connections of two servers have the same id.
TEST(Hub, PublishExceptAConnectionOfAnotherServer_ReachesAllMembers) {
  struct Joined : Rig {
    Joined() : Rig(quiet(1)) {
      Handlers handlers;
      handlers.open = [this](Connection& connection) {
        first = connection;
        connection.join("r");
        opened.raise();
      };
      server.route("/", std::move(handlers));
      start();
    }
    Connection first;
    Signal opened;
  };
  Joined here;
  Joined there;
  Peer member = here.open();
  const Peer other = there.open();
  ASSERT_TRUE(here.opened.wait());
  ASSERT_TRUE(there.opened.wait());
  ASSERT_EQ(here.first.id(), there.first.id());
  const Hub hub = here.server.hub();
  EXPECT_EQ(hub.publish("r", MessageType::kText, "not to the own member", here.first),
            SendResult::kSent);
  EXPECT_EQ(hub.publish("r", MessageType::kText, "to all", there.first), SendResult::kSent);
  EXPECT_EQ(Rig::frame(member), (WireFrame{test::kText, "to all"}));
}

}  // namespace
}  // namespace wsd
