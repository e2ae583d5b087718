// start(): what a server refuses after it, and what it changes of the process. Messages that arrive
// together.
#include "server/server_core.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <functional>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include "net/peer.h"
#include "server/server_rig.h"

namespace wsd {
namespace {

using test::quiet;
using Rig = test::ServerRig;
using test::client_frame;
using test::Peer;
using test::upgrade_request;

TEST(ServerStart, AfterStart_RoutesAndListenersAreRefused) {
  Rig rig;
  rig.start();
  Server& server = rig.server;
  const HttpHandler page = [](const Request&) { return Response{}; };
  const DeferredHandler deferred = [](const Request&, const Responder&) {};
  EXPECT_THROW(server.route("/late", {}), std::logic_error);
  EXPECT_THROW(server.http("/late", page), std::logic_error);
  EXPECT_THROW(server.http("POST", "/late", page), std::logic_error);
  EXPECT_THROW(server.http("POST", "/late", deferred), std::logic_error);
  EXPECT_THROW(server.http("POST", "/late", {}, deferred), std::logic_error);
  EXPECT_EQ(server.listen("127.0.0.1:0"), "the server has started: call listen() before start()");
  EXPECT_EQ(server.adopt(0), "the server has started: call adopt() before start()");
  EXPECT_EQ(server.addresses().size(), 1U);
  EXPECT_EQ(rig.answer(upgrade_request("/late")).find("HTTP/1.1 404 "), 0U);
}

TEST(ServerStart, DrainOrStopBeforeStart_EndsTheServerAsSoonAsItHasStarted) {
  for (const bool drain : {false, true}) {
    Server server(quiet());
    ASSERT_EQ(server.listen("127.0.0.1:0"), "");
    if (drain) {
      server.drain();
    } else {
      server.stop();
    }
    EXPECT_EQ(server.run(), 0);
  }
}

// Runs `use` with a soft limit on open files that is one below the hard limit. Returns how far
// below it `use` leaves the soft limit.
rlim_t soft_limit_below_hard(const std::function<void()>& use) {
  rlimit before{};
  EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit lower = before;
  lower.rlim_cur = before.rlim_max - 1;
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &lower), 0);
  use();
  rlimit after{};
  EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &after), 0);
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  return before.rlim_max - after.rlim_cur;
}

TEST(ServerStart, AHandlerStopsOrWaits_GetsAnExceptionInsteadOfADeadlock) {
  Rig rig;
  test::Signal refused;
  rig.server.route("/", {.open = [&](Connection&) {
                     EXPECT_THROW(rig.server.stop(), std::system_error);
                     EXPECT_THROW(rig.server.wait(), std::system_error);
                     EXPECT_THROW(rig.server.run(), std::system_error);
                     refused.raise();
                   }});
  rig.start();
  test::Peer peer = rig.open();
  EXPECT_TRUE(refused.wait());
  EXPECT_EQ(rig.server.connection_count(), 1U);
}

TEST(ServerStart, OpenFileLimit_IsRaisedOnlyIfAskedFor) {
  for (const bool raise : {false, true}) {
    ServerOptions options = quiet();
    options.process.raise_open_file_limit = raise;
    const rlim_t left = soft_limit_below_hard([&] {
      Rig rig(options);
      rig.start();
    });
    EXPECT_EQ(left, raise ? 0U : 1U);
  }
}

TEST(ServerStart, LogIsAClosedPipe_NoSignalEndsTheProcess) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  ::close(pipe[0]);
  {
    ServerOptions options = quiet();
    options.log = {LogLevel::kInfo, LogFormat::kText, pipe[1]};
    Rig rig(options);
    rig.start();
    rig.server.log(LogLevel::kError, "event", "lost");
  }
  ::close(pipe[1]);
}

TEST(ServerMessages, OneOfThoseThatArriveTogetherEndsTheConnection_LaterOnesAreNotDelivered) {
  for (const std::string_view end : {"throw", "close"}) {
    std::atomic<int> calls{0};
    Rig rig(quiet(1));
    rig.server.route("/", {.message = [&](Connection& c, const Message& m) {
                       ++calls;
                       if (m.payload == "throw") throw std::runtime_error("secret");
                       if (m.payload == "close") c.close(CloseCode::kPolicyViolation, "no");
                       c.send(m);
                     }});
    rig.start();
    Peer peer = rig.open();
    peer.send(client_frame(test::kText, "first") + client_frame(test::kBinary, "second") +
              client_frame(test::kText, end) + client_frame(test::kText, "later"));
    EXPECT_EQ(Rig::frame(peer).payload, "first");
    const test::WireFrame second = Rig::frame(peer);
    EXPECT_EQ(second.opcode, test::kBinary);
    EXPECT_EQ(second.payload, "second");
    const test::WireFrame close = Rig::frame(peer);
    EXPECT_EQ(close.opcode, test::kClose);
    EXPECT_EQ(close.payload.substr(0, 2), end == "throw" ? "\x03\xF3" : "\x03\xF0");
    EXPECT_EQ(calls.load(), 3) << end;
  }
}

TEST(ServerMessages, RouteWithoutMessageHandler_IgnoresMessages) {
  Rig rig(quiet(1));
  rig.server.route("/", {});
  rig.start();
  Peer peer = rig.open();
  peer.send(client_frame(test::kText, "a") + client_frame(test::kText, "b") +
            client_frame(test::kPing, "still here"));
  const test::WireFrame pong = Rig::frame(peer);
  EXPECT_EQ(pong.opcode, test::kPong);
  EXPECT_EQ(pong.payload, "still here");
}

}  // namespace
}  // namespace wsd
