// Deferred opening handshakes, through the public API.
#include "server/deferred_upgrade.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "net/peer.h"
#include "server/server_rig.h"
#include "wsd/server.h"

namespace wsd {
namespace {

using test::client_frame;
using test::kText;
using test::Peer;
using test::quiet;
using test::Signal;
using test::upgrade_request;
using Rig = test::ServerRig;

struct OwnData final : ConnectionData {
  explicit OwnData(std::atomic<int>& count) : live(count) { live.fetch_add(1); }
  ~OwnData() override { live.fetch_sub(1); }
  std::atomic<int>& live;
};

// Keeps the responders of /later until the test calls them, and echoes.
class DeferredUpgradeRig : public Rig {
 public:
  explicit DeferredUpgradeRig(const ServerOptions& options = quiet()) : Rig(options) {
    Handlers later = echo();
    later.deferred_upgrade = [this](const Request& request, const UpgradeResponder& responder) {
      const std::lock_guard lock(mutex_);
      offered = std::string(request.header("Sec-WebSocket-Protocol"));
      kept_.push_back(responder);
      asked.raise();
    };
    server.route("/later", std::move(later));
    Handlers now = echo();
    now.deferred_upgrade = [](const Request& request, const UpgradeResponder& responder) {
      responder.respond(Upgrade::accept("now " + std::string(request.query())));
      responder.respond(Upgrade::reject(403, "never"));
    };
    server.route("/now", std::move(now));
    Handlers dropped = echo();
    dropped.deferred_upgrade = [](const Request&, const UpgradeResponder&) {};
    server.route("/dropped", std::move(dropped));
    Handlers throws = echo();
    throws.deferred_upgrade = [](const Request&, const UpgradeResponder&) {
      throw std::runtime_error("secret");
    };
    server.route("/throws", std::move(throws));
  }
  ~DeferredUpgradeRig() { server.stop(); }

  // Sends a request to /later with `after` in the same piece, and waits until it is deferred.
  [[nodiscard]] Peer ask(std::string_view extra = {}, std::string_view after = {}) {
    Peer peer = connect();
    peer.send(upgrade_request("/later", extra) + std::string(after));
    EXPECT_TRUE(asked.wait(++count_));
    return peer;
  }
  // Gives the verdict on the newest request, from this thread.
  void decide(Upgrade verdict) { newest().respond(std::move(verdict)); }
  [[nodiscard]] UpgradeResponder newest() {
    const std::lock_guard lock(mutex_);
    return kept_.back();
  }
  void forget() {
    const std::lock_guard lock(mutex_);
    kept_.clear();
  }
  [[nodiscard]] static bool gone(const UpgradeResponder& responder) {
    return test::until([&] { return responder.gone(); }, [] { std::this_thread::yield(); });
  }

  Signal asked;
  Signal opened;
  std::string offered;
  std::string user;  // of the latest connection that was opened

 private:
  Handlers echo() {
    Handlers handlers;
    handlers.open = [this](Connection& connection) {
      user = connection.user();
      opened.raise();
    };
    handlers.message = [](Connection& c, const Message& m) { c.send(m); };
    return handlers;
  }

  std::mutex mutex_;
  std::vector<UpgradeResponder> kept_;
  int count_ = 0;
};

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

TEST(DeferredUpgrade, AcceptFromAnotherThread_OpensTheConnection) {
  std::atomic<int> live{0};
  DeferredUpgradeRig rig;
  rig.start();
  Peer peer = rig.ask("Sec-WebSocket-Protocol: a, b\r\n");
  EXPECT_EQ(rig.offered, "a, b");
  EXPECT_FALSE(rig.newest().gone());
  Upgrade verdict = Upgrade::accept("ann");
  verdict.subprotocol = "b";
  verdict.headers = {{"X-Own", "1"}};
  verdict.data = std::make_unique<OwnData>(live);
  bool data_was_there = false;
  verdict.opened = [&](Connection& c) { data_was_there = c.data<OwnData>() != nullptr; };
  rig.decide(std::move(verdict));
  const std::string head = Rig::read_head(peer);
  EXPECT_TRUE(has(head, "HTTP/1.1 101 ")) << head;
  EXPECT_TRUE(has(head, "Sec-WebSocket-Protocol: b\r\n")) << head;
  EXPECT_TRUE(has(head, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n")) << head;
  EXPECT_TRUE(has(head, "X-Own: 1\r\n")) << head;
  ASSERT_TRUE(rig.opened.wait());
  EXPECT_EQ(rig.user, "ann");
  EXPECT_TRUE(data_was_there);
  EXPECT_TRUE(rig.newest().gone());
  peer.send(client_frame(kText, "hello"));
  EXPECT_EQ(Rig::frame(peer), (test::WireFrame{kText, "hello"}));
  peer.reset();
  EXPECT_TRUE(rig.emptied());
  EXPECT_EQ(live.load(), 0);
}

TEST(DeferredUpgrade, VerdictWithinTheHandler_IsTheFirstOne) {
  DeferredUpgradeRig rig;
  rig.start();
  Peer peer = rig.open("/now?q");
  ASSERT_TRUE(rig.opened.wait());
  EXPECT_EQ(rig.user, "now q");
}

TEST(DeferredUpgrade, PipelinedFrames_WaitForTheVerdict) {
  DeferredUpgradeRig rig;
  rig.start();
  Peer peer = rig.ask("", client_frame(kText, "one") + client_frame(kText, "two").substr(0, 4));
  peer.send(client_frame(kText, "two").substr(4) + client_frame(kText, "three"));
  rig.decide(Upgrade::accept());
  EXPECT_TRUE(has(Rig::read_head(peer), "HTTP/1.1 101 "));
  for (const char* text : {"one", "two", "three"}) {
    EXPECT_EQ(Rig::frame(peer), (test::WireFrame{kText, text}));
  }
}

TEST(DeferredUpgrade, Head_OutlivesTheReadBuffer) {
  DeferredUpgradeRig rig(quiet(1));
  rig.start();
  Peer peer = rig.ask();
  Peer other = rig.open("/now");
  other.send(client_frame(kText, std::string(2'000, 'x')));
  EXPECT_EQ(Rig::frame(other).payload.size(), 2'000U);
  rig.decide(Upgrade::accept());
  EXPECT_TRUE(has(Rig::read_head(peer), "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
}

TEST(DeferredUpgrade, HeadInPieces_IsKept) {
  DeferredUpgradeRig rig;
  rig.start();
  Peer peer = rig.connect();
  for (const char byte : upgrade_request("/later")) peer.send(std::string(1, byte));
  ASSERT_TRUE(rig.asked.wait());
  rig.decide(Upgrade::accept());
  EXPECT_TRUE(has(Rig::read_head(peer), "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
}

TEST(DeferredUpgrade, Reject_GivesStatusAndEnds) {
  DeferredUpgradeRig rig;
  rig.start();
  Peer peer = rig.ask("", client_frame(kText, "lost"));
  rig.decide(Upgrade::reject(403, "not you"));
  ASSERT_TRUE(Rig::until(peer, [&] { return peer.end() != Peer::End::kOpen; }));
  EXPECT_TRUE(has(peer.input, "HTTP/1.1 403 ")) << peer.input;
  EXPECT_TRUE(has(peer.input, "not you\n")) << peer.input;
  EXPECT_TRUE(rig.emptied());
}

TEST(DeferredUpgrade, NoVerdict_Gives500) {
  DeferredUpgradeRig rig;
  rig.start();
  EXPECT_TRUE(has(rig.answer(upgrade_request("/dropped")), "HTTP/1.1 500 "));
  const std::string answer = rig.answer(upgrade_request("/throws"));
  EXPECT_TRUE(has(answer, "HTTP/1.1 500 ")) << answer;
  EXPECT_FALSE(has(answer, "secret")) << answer;
  Peer peer = rig.ask();
  rig.forget();
  EXPECT_TRUE(has(Rig::read_head(peer), "HTTP/1.1 500 "));
}

TEST(DeferredUpgrade, BadVerdict_Gives500) {
  std::vector<Upgrade> verdicts;
  DeferredUpgradeRig rig;
  rig.start();
  Upgrade bad_status;
  bad_status.status = 200;
  Upgrade bad_subprotocol = Upgrade::accept();
  bad_subprotocol.subprotocol = "not offered";
  Upgrade bad_header = Upgrade::accept();
  bad_header.headers = {{"Upgrade", "h2c"}};
  verdicts.push_back(std::move(bad_status));
  verdicts.push_back(std::move(bad_subprotocol));
  verdicts.push_back(std::move(bad_header));
  for (Upgrade& each : verdicts) {
    Peer peer = rig.ask();
    rig.decide(std::move(each));
    EXPECT_TRUE(has(Rig::read_head(peer), "HTTP/1.1 500 "));
  }
}

TEST(DeferredUpgrade, HandshakeTimeout_Gives503AndCountsAsFailure) {
  ServerOptions options = quiet();
  options.upgrade.handshake_timeout_ms = 50;
  DeferredUpgradeRig rig(options);
  rig.start();
  Peer peer = rig.ask();
  EXPECT_TRUE(has(Rig::read_head(peer), "HTTP/1.1 503 "));
  EXPECT_TRUE(rig.gone(rig.newest()));
  rig.decide(Upgrade::accept());
  EXPECT_TRUE(rig.emptied());
  const ServerStats stats = rig.server.stats();
  EXPECT_EQ(stats.ended_total[static_cast<std::size_t>(CloseCause::kHandshakeTimeout)], 1U);
}

TEST(DeferredUpgrade, ClientIsGone_TheResponderKnows) {
  std::atomic<int> live{0};
  DeferredUpgradeRig rig;
  rig.start();
  Peer fin = rig.ask();
  fin.close();
  EXPECT_TRUE(rig.gone(rig.newest()));
  Peer reset = rig.ask();
  EXPECT_FALSE(rig.newest().gone());
  reset.reset();
  EXPECT_TRUE(rig.gone(rig.newest()));
  EXPECT_TRUE(rig.emptied());
  Upgrade verdict = Upgrade::accept();
  verdict.data = std::make_unique<OwnData>(live);
  rig.decide(std::move(verdict));
  rig.server.stop();
  rig.forget();
  EXPECT_EQ(live.load(), 0);
}

TEST(DeferredUpgrade, RequestAndFinTogether_AreNoHandshake) {
  DeferredUpgradeRig rig;
  rig.start();
  Peer peer = rig.connect();
  peer.send(upgrade_request("/later"));
  peer.shutdown_write();
  ASSERT_TRUE(rig.asked.wait());
  EXPECT_TRUE(rig.gone(rig.newest()));
  EXPECT_TRUE(rig.emptied());
}

TEST(DeferredUpgrade, Drain_RejectsPendingHandshakes) {
  DeferredUpgradeRig rig;
  rig.start();
  Peer peer = rig.ask();
  rig.server.drain();
  EXPECT_TRUE(has(Rig::read_head(peer), "HTTP/1.1 503 "));
  rig.server.wait();
  EXPECT_TRUE(rig.newest().gone());
  rig.decide(Upgrade::accept());
}

TEST(DeferredUpgrade, VerdictAndDrainInOneTurn_RejectTheHandshake) {
  DeferredUpgradeRig rig(quiet(1));
  rig.start();
  Peer peer = rig.ask();
  // The reactor finds both in its mailbox after the turn of this task.
  EXPECT_EQ(rig.server.post(0,
                            [&] {
                              rig.decide(Upgrade::accept());
                              rig.server.drain();
                            }),
            SendResult::kSent);
  EXPECT_TRUE(has(Rig::read_head(peer), "HTTP/1.1 503 "));
  peer.close();
  rig.server.wait();
  EXPECT_EQ(rig.server.forced_closes(), 0U);
}

TEST(DeferredUpgrade, Stop_EndsPendingHandshakes) {
  DeferredUpgradeRig rig;
  rig.start();
  Peer peer = rig.ask();
  rig.server.stop();
  EXPECT_TRUE(rig.newest().gone());
  rig.decide(Upgrade::accept());
  rig.forget();
}

TEST(DeferredUpgrade, VerdictAfterTheServerIsDestroyed_HasNoEffect) {
  std::optional<UpgradeResponder> kept;
  {
    DeferredUpgradeRig rig;
    rig.start();
    Peer peer = rig.ask();
    kept = rig.newest();
  }
  EXPECT_TRUE(kept->gone());
  kept->respond(Upgrade::accept());
}

TEST(DeferredUpgrade, AddressLimit_CountsAcceptedHandshakesOnce) {
  ServerOptions options = quiet();
  options.rates.max_connections_per_address = 1;
  DeferredUpgradeRig rig(options);
  rig.start();
  for (int round = 0; round < 2; ++round) {
    Peer first = rig.ask();
    rig.decide(Upgrade::accept());
    EXPECT_TRUE(has(Rig::read_head(first), "HTTP/1.1 101 "));
    Peer second = rig.ask();
    rig.decide(Upgrade::accept());
    EXPECT_TRUE(has(Rig::read_head(second), "HTTP/1.1 429 "));
    first.reset();
    second.close();
    EXPECT_TRUE(rig.emptied());
  }
}

TEST(DeferredUpgrade, BothHooks_AreRefused) {
  Server server;
  Handlers handlers;
  handlers.upgrade = [](const Request&) { return Upgrade::accept(); };
  handlers.deferred_upgrade = [](const Request&, const UpgradeResponder&) {};
  EXPECT_THROW(server.route("/", handlers), std::invalid_argument);
}

TEST(DeferredUpgrade, Compression_IsNegotiatedWithTheVerdict) {
  DeferredUpgradeRig rig;
  rig.start();
  Peer peer = rig.ask("Sec-WebSocket-Extensions: permessage-deflate\r\n");
  rig.decide(Upgrade::accept());
  EXPECT_TRUE(has(Rig::read_head(peer), "HTTP/1.1 101 "));
  peer.send(client_frame(kText, "plain"));
  EXPECT_EQ(Rig::frame(peer).payload, "plain");
}

}  // namespace
}  // namespace wsd
