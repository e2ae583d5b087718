// Deferred responses to HTTP requests, through the public API.
#include <gtest/gtest.h>

#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "net/peer.h"
#include "server/server_rig.h"
#include "wsd/server.h"

namespace wsd {
namespace {

using test::client_frame;
using test::Peer;
using test::quiet;
using test::Signal;
using test::upgrade_request;
using Rig = test::ServerRig;

std::string get(std::string_view path, std::string_view extra = {}) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n" + std::string(extra) + "\r\n";
}

Response says(std::string body) {
  Response response;
  response.body = std::move(body);
  return response;
}

// Keeps the responders of /later until the test calls them.
class DeferredRig : public Rig {
 public:
  explicit DeferredRig(const ServerOptions& options = quiet()) : Rig(options) {
    server.http("GET", "/later", [this](const Request&, const Responder& responder) {
      const std::lock_guard lock(mutex_);
      kept_.push_back(responder);
      asked.raise();
    });
    server.http("GET", "/now", [](const Request& r, const Responder& responder) {
      responder.respond(says("now " + std::string(r.query())));
      responder.respond(says("never"));
    });
    server.http("GET", "/thread", [this](const Request&, const Responder& responder) {
      threads_.emplace_back([responder] { responder.respond(says("thread")); });
    });
    server.http("GET", "/dropped", [](const Request&, const Responder&) {});
    server.http("GET", "/throws",
                [](const Request&, const Responder&) { throw std::runtime_error("secret"); });
    server.http("POST", "/body", [](const Request& r, const Responder& responder) {
      responder.respond(says(std::string(r.body())));
    });
    server.http("/plain", [](const Request&) { return says("plain"); });
    server.route("/echo", {.message = [](Connection& c, const Message& m) { c.send(m); }});
  }
  ~DeferredRig() {
    for (std::thread& each : threads_) each.join();
  }
  [[nodiscard]] Responder take() {
    const std::lock_guard lock(mutex_);
    const Responder responder = kept_.back();
    kept_.pop_back();
    return responder;
  }

  Signal asked;

 private:
  std::mutex mutex_;
  std::vector<Responder> kept_;
  std::vector<std::thread> threads_;
};

std::string next_body(Peer& peer, std::string_view status = "200 OK") {
  const std::string head = Rig::read_head(peer);
  EXPECT_EQ(head.find("HTTP/1.1 " + std::string(status) + "\r\n"), 0U) << head;
  const std::size_t at = head.find("Content-Length: ");
  if (at == std::string::npos) return "no length";
  const auto length = std::stoul(head.substr(at + 16));
  EXPECT_TRUE(Rig::until(peer, [&] { return peer.input.size() >= length; }));
  const std::string body = peer.input.substr(0, length);
  peer.input.erase(0, length);
  return body;
}

TEST(DeferredExchange, AnswersWithinTheHandlerAndFromAnotherThread) {
  DeferredRig rig;
  rig.start();
  Peer peer = rig.connect();
  for (int i = 0; i < 3; ++i) {
    peer.send(get("/now?x"));
    EXPECT_EQ(next_body(peer), "now x");
    peer.send(get("/thread"));
    EXPECT_EQ(next_body(peer), "thread");
  }
}

TEST(DeferredExchange, PipelinedRequests_WaitForTheResponse) {
  DeferredRig rig;
  rig.start();
  Peer peer = rig.connect();
  peer.send(get("/later") + get("/plain") + get("/later") + get("/now?2") + get("/plain") +
            "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody" +
            upgrade_request("/echo") + client_frame(test::kText, "hi"));
  ASSERT_TRUE(rig.asked.wait(1));
  peer.pump();
  EXPECT_EQ(peer.input, "");
  rig.take().respond(says("first"));
  EXPECT_EQ(next_body(peer), "first");
  EXPECT_EQ(next_body(peer), "plain");
  ASSERT_TRUE(rig.asked.wait(2));
  rig.take().respond(says("second"));
  EXPECT_EQ(next_body(peer), "second");
  EXPECT_EQ(next_body(peer), "now 2");
  EXPECT_EQ(next_body(peer), "plain");
  EXPECT_EQ(next_body(peer), "body");
  EXPECT_EQ(Rig::read_head(peer).find("HTTP/1.1 101 "), 0U);
  EXPECT_EQ(Rig::frame(peer).payload, "hi");
}

TEST(DeferredExchange, ManyInOnePieceAreAnsweredInOrder) {
  std::string stream;
  DeferredRig rig;
  rig.start();
  Peer peer = rig.connect();
  for (int i = 0; i < 2000; ++i) stream += get("/now?" + std::to_string(i));
  peer.send(stream);
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(next_body(peer), "now " + std::to_string(i));
}

TEST(DeferredExchange, LaterRequest_WaitsForTheResponse) {
  DeferredRig rig;
  rig.start();
  Peer peer = rig.connect();
  peer.send(get("/later"));
  ASSERT_TRUE(rig.asked.wait(1));
  peer.send(get("/plain"));
  peer.pump();
  EXPECT_EQ(peer.input, "");
  rig.take().respond(says("first"));
  EXPECT_EQ(next_body(peer), "first");
  EXPECT_EQ(next_body(peer), "plain");
}

TEST(DeferredExchange, NoResponse_Sends500) {
  DeferredRig rig;
  rig.start();
  Peer peer = rig.connect();
  peer.send(get("/dropped"));
  EXPECT_EQ(next_body(peer, "500 Internal Server Error"), "internal error\n");
  peer.send(get("/throws"));
  EXPECT_EQ(next_body(peer, "500 Internal Server Error"), "internal error\n");
  peer.send(get("/plain"));
  EXPECT_EQ(next_body(peer), "plain");
}

TEST(DeferredExchange, ResponseTimeout_Sends503AndDiscardsLateResponse) {
  ServerOptions options = quiet();
  options.http.response_timeout_ms = 50;
  DeferredRig rig(options);
  rig.start();
  const std::string answer = rig.answer(get("/later") + get("/plain"));
  EXPECT_EQ(answer.find("HTTP/1.1 503 "), 0U) << answer;
  EXPECT_EQ(answer.find("HTTP/1.1 200 "), std::string::npos);
  EXPECT_TRUE(rig.emptied());
  rig.take().respond(says("late"));
  Peer peer = rig.connect();
  peer.send(get("/plain"));
  EXPECT_EQ(next_body(peer), "plain");
}

TEST(DeferredExchange, ClientDisconnected_ResponseIsDiscarded) {
  DeferredRig rig;
  rig.start();
  {
    Peer peer = rig.connect();
    peer.send(get("/later"));
    ASSERT_TRUE(rig.asked.wait(1));
  }
  rig.take().respond(says("late"));
  EXPECT_TRUE(rig.emptied());
}

TEST(DeferredExchange, ConnectionClose_EndsAfterTheResponse) {
  DeferredRig rig;
  rig.start();
  const std::string answer = rig.answer(get("/now?x", "Connection: close\r\n") + get("/plain"));
  EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("now x")) << answer;
}

TEST(DeferredExchange, ADrainWaitsForTheAnswer) {
  DeferredRig rig;
  rig.start();
  Peer peer = rig.connect();
  peer.send(get("/later"));
  ASSERT_TRUE(rig.asked.wait(1));
  rig.server.drain();
  rig.take().respond(says("last"));
  EXPECT_EQ(next_body(peer), "last");
  EXPECT_TRUE(Rig::until(peer, [&] { return peer.end() != Peer::End::kOpen; }));
  rig.server.wait();
}

TEST(DeferredExchange, ServerDestroyed_ResponderHasNoEffect) {
  std::optional<DeferredRig> rig(std::in_place);
  rig->start();
  Peer peer = rig->connect();
  peer.send(get("/later"));
  ASSERT_TRUE(rig->asked.wait(1));
  const Responder kept = rig->take();
  rig.reset();  // `kept` is destroyed later and has no response
}

// Publishes and queries, from handlers and from other threads

TEST(ServerHub, ReceiptsAndStates_ComeFromEveryHomeShard) {
  ServerOptions options = quiet(2);
  options.history.messages = 100;
  Signal told;
  std::mutex mutex;
  std::vector<Position> places;
  Rig rig(options);
  rig.start();
  constexpr int kRooms = 20;
  for (int i = 0; i < kRooms; ++i) {
    const std::string room = "room" + std::to_string(i);
    for (int j = 0; j < 2; ++j) {
      EXPECT_EQ(rig.server.hub().publish(room, MessageType::kText, "x",
                                         [&](const Position& position) {
                                           const std::lock_guard lock(mutex);
                                           places.push_back(position);
                                           told.raise();
                                         }),
                SendResult::kSent);
    }
  }
  ASSERT_TRUE(told.wait(2 * kRooms));
  std::uint64_t sum = 0;
  for (const Position& each : places) sum += each.seq;
  EXPECT_EQ(sum, 3U * kRooms);
  for (int i = 0; i < kRooms; ++i) {
    RoomState state;
    EXPECT_EQ(rig.server.hub().query("room" + std::to_string(i),
                                     [&](const RoomState& answer) {
                                       state = answer;
                                       told.raise();
                                     }),
              SendResult::kSent);
    ASSERT_TRUE(told.wait(2 * kRooms + i + 1));
    EXPECT_EQ(state.members, 0U);
    EXPECT_EQ(state.last.seq, 2U);
  }
}

TEST(ServerHub, ReceiptThrows_ServerContinues) {
  Signal told;
  Rig rig;
  rig.start();
  EXPECT_EQ(rig.server.hub().publish("r", MessageType::kText, "x",
                                     [&](const Position&) {
                                       told.raise();
                                       throw std::runtime_error("oops");
                                     }),
            SendResult::kSent);
  EXPECT_TRUE(told.wait());
}

TEST(ServerUpgrade, OpenedCallback_RunsBeforeOpenHandler) {
  Rig rig;
  rig.server.route("/", {.upgrade =
                             [](const Request& request) {
                               Upgrade verdict = Upgrade::accept();
                               verdict.opened = [query = std::string(request.query())](
                                                    Connection& c) { c.send_text(query); };
                               return verdict;
                             },
                         .open = [](Connection& c) { c.send_text("open"); }});
  rig.start();
  Peer peer = rig.open("/?hello");
  EXPECT_EQ(Rig::frame(peer).payload, "hello");
  EXPECT_EQ(Rig::frame(peer).payload, "open");
}

TEST(ServerUpgrade, OpenedCallbackCloses_OpenHandlerIsNotCalled) {
  for (const bool throws : {false, true}) {
    Rig rig;
    rig.server.route("/", {.upgrade =
                               [throws](const Request&) {
                                 Upgrade verdict = Upgrade::accept();
                                 verdict.opened = [throws](Connection& c) {
                                   if (throws) throw std::runtime_error("oops");
                                   c.close(CloseCode::kPolicyViolation, "no");
                                 };
                                 return verdict;
                               },
                           .open = [](Connection&) { ADD_FAILURE() << "it is closed"; }});
    rig.start();
    Peer peer = rig.open("/");
    const test::WireFrame close = Rig::frame(peer);
    EXPECT_EQ(close.opcode, test::kClose);
    EXPECT_EQ(close.payload.substr(0, 2), throws ? "\x03\xF3" : "\x03\xF0");
  }
}

TEST(ServerUpgrade, NchanMembers_GetPositionsOfMessages) {
  ServerOptions options = quiet(2);
  options.history.messages = 100;
  options.upgrade.subprotocols = {std::string(kNchanSubprotocol)};
  Rig rig(options);
  rig.server.route(
      "/", {.open = [](Connection& c) { c.join("r", Since::last(10)); },
            .message = [&](Connection&, const Message& m) { rig.server.hub().publish("r", m); }});
  rig.start();
  Peer plain = rig.open("/");
  plain.send(client_frame(test::kText, "one"));
  EXPECT_EQ(Rig::frame(plain).payload, "one");
  Peer meta = rig.open("/",
                       "Sec-WebSocket-Protocol: ws+meta.nchan\r\nSec-WebSocket-Extensions: "
                       "permessage-deflate\r\n");
  const std::string first = Rig::frame(meta).payload;
  EXPECT_EQ(first.find("id: "), 0U) << first;
  EXPECT_TRUE(first.ends_with(":1\n\none")) << first;
  plain.send(client_frame(test::kBinary, "two"));
  const test::WireFrame second = Rig::frame(meta);
  EXPECT_EQ(second.opcode, test::kBinary);
  EXPECT_TRUE(second.payload.ends_with(":2\n\ntwo")) << second.payload;
  EXPECT_EQ(Rig::frame(plain).payload, "two");
}

}  // namespace
}  // namespace wsd
