// Tasks, timers, pauses, notices and Pings of an application, through the public API.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "net/peer.h"
#include "server/server_rig.h"
#include "wsd/client.h"
#include "wsd/server.h"

namespace wsd {
namespace {

using test::client_frame;
using test::kBinary;
using test::kClose;
using test::kPing;
using test::kPong;
using test::kText;
using test::Peer;
using test::quiet;
using test::Signal;
using test::WireFrame;
using Rig = test::ServerRig;

// A server whose handlers run what the test has set. The test changes them before start().
class CallsRig : public Rig {
 public:
  explicit CallsRig(const ServerOptions& options = quiet()) : Rig(options) {
    handlers.open = [this](Connection& connection) {
      const std::lock_guard lock(mutex_);
      connection_ = connection;
      opened.raise();
    };
    handlers.close = [this](Connection&, const CloseInfo&) { closed.raise(); };
  }
  ~CallsRig() { server.stop(); }
  void begin() {
    server.route("/", handlers);
    start();
  }
  // Returns a client, and its connection in `connection()`.
  [[nodiscard]] Peer client() {
    Peer peer = open();
    EXPECT_TRUE(opened.wait(++count_));
    return peer;
  }
  [[nodiscard]] Connection connection() {
    const std::lock_guard lock(mutex_);
    return connection_;
  }
  // Runs `task` on the connection's reactor, and waits for it.
  void run(const std::function<void(Connection&)>& task) {
    Signal done;
    ASSERT_EQ(connection().post([&](Connection& c) {
      task(c);
      done.raise();
    }),
              SendResult::kSent);
    ASSERT_TRUE(done.wait());
  }

  Handlers handlers;
  Signal opened;
  Signal closed;

 private:
  std::mutex mutex_;
  Connection connection_;
  int count_ = 0;
};

// Counts its live objects, to see when a handler is freed.
class Token {
 public:
  explicit Token(std::atomic<int>& live) : live_(&live) { live_->fetch_add(1); }
  Token(const Token& other) : live_(other.live_) { live_->fetch_add(1); }
  Token& operator=(const Token&) = delete;
  ~Token() { live_->fetch_sub(1); }

 private:
  std::atomic<int>* live_;
};

// Tasks

TEST(Tasks, RunOnTheReactorInTheOrderOfTheThreadsCalls) {
  CallsRig rig;
  rig.begin();
  Peer peer = rig.client();
  const Connection target = rig.connection();
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(target.send_text("sent " + std::to_string(i)), SendResult::kSent);
    EXPECT_EQ(target.post([i](Connection& c) {
      EXPECT_EQ(c.path(), "/");  // a property, which only the reactor can read
      c.send_text("task " + std::to_string(i));
    }),
              SendResult::kSent);
  }
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(Rig::frame(peer).payload, "sent " + std::to_string(i));
    EXPECT_EQ(Rig::frame(peer).payload, "task " + std::to_string(i));
  }
}

TEST(Tasks, OfAHandler_RunAfterIt) {
  CallsRig rig;
  rig.handlers.message = [](Connection& c, const Message&) {
    EXPECT_EQ(c.post([](Connection& later) { later.send_text("task"); }), SendResult::kSent);
    c.send_text("handler");
  };
  rig.begin();
  Peer peer = rig.client();
  peer.send(client_frame(kText, "go"));
  EXPECT_EQ(Rig::frame(peer).payload, "handler");
  EXPECT_EQ(Rig::frame(peer).payload, "task");
}

TEST(Tasks, AnException_EndsTheConnectionWith1011) {
  CallsRig rig;
  rig.begin();
  Peer peer = rig.client();
  EXPECT_EQ(rig.connection().post([](Connection&) { throw std::runtime_error("of a task"); }),
            SendResult::kSent);
  EXPECT_EQ(Rig::frame(peer), (WireFrame{kClose, test::close_payload(1011, "internal error")}));
}

TEST(Tasks, OfAnEndedConnection_AreDestroyedWithoutRunning) {
  std::atomic<int> live{0};
  std::atomic<bool> ran{false};
  CallsRig rig;
  rig.begin();
  Peer peer = rig.client();
  peer.reset();
  ASSERT_TRUE(rig.closed.wait());
  static_cast<void>(
      rig.connection().post([&ran, token = Token(live)](Connection&) { ran.store(true); }));
  EXPECT_TRUE(test::until([&] { return live.load() == 0; }, [] { std::this_thread::yield(); }));
  EXPECT_FALSE(ran.load());
}

TEST(Tasks, BeyondTheLimit_AreCongested) {
  ServerOptions options = quiet(1);
  options.limits.max_pending_publishes = 3;
  Signal blocked;
  std::atomic<bool> go_on{false};
  CallsRig rig(options);
  rig.begin();
  Peer peer = rig.client();
  ASSERT_EQ(rig.server.post(0,
                            [&] {
                              blocked.raise();
                              while (!go_on.load()) std::this_thread::yield();
                            }),
            SendResult::kSent);
  ASSERT_TRUE(blocked.wait());
  int sent = 0;
  while (rig.connection().post([](Connection&) {}) == SendResult::kSent) ++sent;
  EXPECT_GE(sent, 1);
  EXPECT_LE(sent, 3);
  EXPECT_EQ(rig.server.post(0, [] {}), SendResult::kCongested);
  EXPECT_FALSE(rig.server.start_timer(0, 1, [] {}).active());
  go_on.store(true);
  EXPECT_TRUE(test::until([&] { return rig.server.post(0, [] {}) == SendResult::kSent; },
                          [] { std::this_thread::yield(); }));
}

TEST(Tasks, OfReactors_RunThereAndLogExceptions) {
  Signal done;
  CallsRig rig(quiet(2));
  EXPECT_EQ(rig.server.post(0, [] {}), SendResult::kClosed) << "before start()";
  rig.begin();
  EXPECT_EQ(rig.server.reactor_count(), 2U);
  std::thread::id threads[2];
  for (std::uint32_t i = 0; i < 2; ++i) {
    EXPECT_EQ(rig.server.post(i, [] { throw std::runtime_error("of a task"); }), SendResult::kSent);
    EXPECT_EQ(rig.server.post(i,
                              [&, i] {
                                threads[i] = std::this_thread::get_id();
                                done.raise();
                              }),
              SendResult::kSent);
  }
  ASSERT_TRUE(done.wait(2));
  EXPECT_NE(threads[0], threads[1]);
  EXPECT_EQ(rig.server.post(2, [] {}), SendResult::kClosed);
}

TEST(Tasks, OnWrongArguments_Throw) {
  CallsRig rig;
  rig.begin();
  Peer peer = rig.client();
  const Connection target = rig.connection();
  EXPECT_THROW(static_cast<void>(target.post({})), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(target.start_timer(1, {})), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(rig.server.post(0, {})), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(rig.server.start_timer(0, 1, {})), std::invalid_argument);
}

TEST(Tasks, OfNoConnection_HaveNoEffect) {
  const Connection none;
  EXPECT_EQ(none.post([](Connection&) {}), SendResult::kClosed);
  EXPECT_FALSE(none.start_timer(1, [](Connection&) {}).active());
  EXPECT_EQ(none.ping("x"), SendResult::kClosed);
  EXPECT_EQ(none.round_trip_us(), 0U);
  EXPECT_FALSE(none.notify_drained(0));
  none.pause();
  none.resume();
}

// Timers

TEST(Timers, OfAConnection_FireAndRepeat) {
  Timer once;
  Timer repeating;
  std::vector<std::string> got;
  CallsRig rig;
  rig.begin();
  Peer peer = rig.client();
  rig.run([&](Connection& c) {
    once = c.start_timer(20, [](Connection& self) { self.send_text("once"); });
    repeating = c.start_repeating_timer(10, [&repeating, n = 0](Connection& self) mutable {
      self.send_text("tick " + std::to_string(++n));
      if (n == 3) repeating.cancel();  // its own handler runs
    });
  });
  for (int i = 0; i < 4; ++i) got.push_back(Rig::frame(peer).payload);
  std::sort(got.begin(), got.end());
  EXPECT_EQ(got, (std::vector<std::string>{"once", "tick 1", "tick 2", "tick 3"}));
  rig.run([](Connection&) {});  // both handlers have returned
  EXPECT_FALSE(once.active());
  EXPECT_FALSE(repeating.active());
}

TEST(Timers, Cancelled_AreFreedAtOnceOnTheirReactor) {
  std::atomic<int> live{0};
  CallsRig rig;
  rig.begin();
  Peer peer = rig.client();
  rig.run([&](Connection& c) {
    const Timer timer = c.start_timer(60'000, [token = Token(live)](Connection&) {});
    EXPECT_TRUE(timer.active());
    EXPECT_EQ(live.load(), 1);
    timer.cancel();
    EXPECT_FALSE(timer.active());
    EXPECT_EQ(live.load(), 0);
    timer.cancel();
  });
}

TEST(Timers, EndWithTheConnectionBeforeItsCloseHandler) {
  std::atomic<int> live{0};
  std::atomic<int> live_at_close{-1};
  Timer timer;
  CallsRig rig;
  rig.handlers.close = [&](Connection& c, const CloseInfo&) {
    live_at_close.store(live.load());
    EXPECT_FALSE(c.start_timer(0, [](Connection&) {}).active());
    EXPECT_EQ(c.post([](Connection&) {}), SendResult::kClosed);
    rig.closed.raise();
  };
  rig.begin();
  Peer peer = rig.client();
  rig.run([&](Connection& c) {
    timer = c.start_repeating_timer(60'000, [token = Token(live)](Connection&) {});
  });
  EXPECT_TRUE(timer.active());
  peer.reset();
  ASSERT_TRUE(rig.closed.wait());
  EXPECT_EQ(live_at_close.load(), 0);
  EXPECT_FALSE(timer.active());
  timer.cancel();
}

TEST(Timers, AnException_EndsTheConnectionWith1011) {
  CallsRig rig;
  rig.begin();
  Peer peer = rig.client();
  rig.run([](Connection& c) {
    static_cast<void>(
        c.start_repeating_timer(1, [](Connection&) { throw std::runtime_error("of a timer"); }));
  });
  EXPECT_EQ(Rig::frame(peer), (WireFrame{kClose, test::close_payload(1011, "internal error")}));
}

TEST(Timers, OfTheServer_FireOnTheirReactorAndEndWithIt) {
  std::atomic<int> live{0};
  Timer kept;
  Timer far;
  Signal fired;
  Signal done;
  std::atomic<int> count{0};
  {
    CallsRig rig(quiet(2));
    EXPECT_FALSE(rig.server.start_timer(0, 1, [] {}).active()) << "before start()";
    rig.begin();
    EXPECT_FALSE(rig.server.start_timer(2, 1, [] {}).active()) << "no such reactor";
    const Timer once = rig.server.start_timer(1, 1, [&] { fired.raise(); });
    EXPECT_TRUE(fired.wait());
    kept = rig.server.start_repeating_timer(1, 1, [&, token = Token(live)] {
      fired.raise();
      if (count.fetch_add(1) == 0) throw std::runtime_error("of a timer");
    });
    EXPECT_TRUE(fired.wait(4)) << "it goes on after the exception";
    far = rig.server.start_timer(0, 60'000, [token = Token(live)] {});
    rig.server.post(0, [&] { done.raise(); });
    ASSERT_TRUE(done.wait());
    EXPECT_TRUE(far.active());
  }
  EXPECT_FALSE(kept.active());
  EXPECT_FALSE(far.active());
  EXPECT_EQ(live.load(), 0);
  far.cancel();
}

TEST(Timers, CancelledOnAnotherThread_NeverFire) {
  std::atomic<bool> fired{false};
  std::atomic<int> live{0};
  CallsRig rig;
  rig.begin();
  const Timer timer =
      rig.server.start_timer(0, 30, [&fired, token = Token(live)] { fired.store(true); });
  timer.cancel();
  EXPECT_FALSE(timer.active());
  EXPECT_TRUE(test::until([&] { return live.load() == 0; }, [] { std::this_thread::yield(); }));
  EXPECT_FALSE(fired.load());
}

// Pause and resume

TEST(Pause, StopsReadingUntilResume) {
  CallsRig rig;
  rig.handlers.message = [](Connection& c, const Message& m) {
    if (m.payload == "pause") c.pause();
    c.send(m);
  };
  rig.begin();
  Peer peer = rig.client();
  peer.send(client_frame(kText, "pause"));
  EXPECT_EQ(Rig::frame(peer).payload, "pause");
  peer.send(client_frame(kText, "after") + client_frame(kPing, "p"));
  // A task of a later turn: the reactor has seen that the socket is readable.
  for (int i = 0; i < 5; ++i) rig.run([](Connection& c) { c.send_text("still paused"); });
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Rig::frame(peer).payload, "still paused");
  rig.run([](Connection& c) { c.resume(); });
  EXPECT_EQ(Rig::frame(peer), (WireFrame{kText, "after"}));
  EXPECT_EQ(Rig::frame(peer), (WireFrame{kPong, "p"}));
}

TEST(Pause, ServerClose_ReadsThePeersClose) {
  std::atomic<bool> clean{false};
  CallsRig rig;
  rig.handlers.close = [&](Connection&, const CloseInfo& info) {
    clean.store(info.clean);
    rig.closed.raise();
  };
  rig.begin();
  Peer peer = rig.client();
  rig.run([](Connection& c) {
    c.pause();
    c.close(CloseCode::kNormalClosure, "done");
  });
  EXPECT_EQ(Rig::frame(peer), (WireFrame{kClose, test::close_payload(1000, "done")}));
  peer.send(client_frame(kClose, test::close_payload(1000)));
  EXPECT_TRUE(Rig::until(peer, [&] { return peer.end() != Peer::End::kOpen; }));
  peer.close();
  EXPECT_TRUE(rig.closed.wait());
  EXPECT_TRUE(clean.load());
}

TEST(Pause, Reset_IsNoticed) {
  CallsRig rig;
  rig.begin();
  Peer peer = rig.client();
  rig.run([](Connection& c) { c.pause(); });
  peer.reset();
  EXPECT_TRUE(rig.closed.wait());
}

TEST(Pause, HeartbeatAndReadTimeoutAreSuspended) {
  ServerOptions options = quiet();
  options.heartbeat = {20, 20, 50};
  Signal later;
  CallsRig rig(options);
  rig.begin();
  Peer peer = rig.client();
  rig.run([&](Connection& c) {
    c.pause();
    static_cast<void>(c.start_timer(300, [&](Connection& self) {
      self.send_text("alive");
      self.resume();
      later.raise();
    }));
  });
  ASSERT_TRUE(later.wait());
  WireFrame frame = Rig::frame(peer);
  while (frame.opcode == kPing) frame = Rig::frame(peer);
  EXPECT_EQ(frame, (WireFrame{kText, "alive"}));
}

// Drained

TEST(Drained, IsCalledOnceForEachRequest) {
  std::atomic<int> calls{0};
  CallsRig rig;
  rig.handlers.drained = [&](Connection& c) {
    EXPECT_LE(c.queued_bytes(), 100U);
    if (calls.fetch_add(1) == 0) {
      EXPECT_TRUE(c.notify_drained(100));
    }
    c.send_text("drained");
  };
  rig.begin();
  Peer peer = rig.client();
  rig.run([](Connection& c) { EXPECT_TRUE(c.notify_drained(100)); });
  EXPECT_EQ(Rig::frame(peer).payload, "drained");
  EXPECT_EQ(Rig::frame(peer).payload, "drained");
  rig.run([](Connection&) {});
  EXPECT_EQ(calls.load(), 2);
}

TEST(Drained, StreamsWithABoundedQueue) {
  constexpr std::size_t kChunk = 16'384;
  constexpr std::size_t kMark = std::size_t{64} << 10;
  constexpr int kChunks = 600;  // more than the buffers of the kernel hold
  ServerOptions options = quiet();
  options.upgrade.socket_send_buffer = 65'536;
  std::atomic<int> sent{0};
  std::atomic<std::size_t> most{0};
  std::atomic<int> calls{0};
  CallsRig rig(options);
  rig.handlers.drained = [&](Connection& c) {
    calls.fetch_add(1);
    while (sent.load() < kChunks && c.queued_bytes() < kMark) {
      EXPECT_EQ(c.send_binary(std::string(kChunk, 'x')), SendResult::kSent);
      sent.fetch_add(1);
      most.store(std::max(most.load(), c.queued_bytes()));
    }
    if (sent.load() < kChunks) {
      EXPECT_TRUE(c.notify_drained(kMark / 2));
    }
  };
  rig.begin();
  Peer peer = rig.client();
  rig.run([](Connection& c) { EXPECT_TRUE(c.notify_drained(0)); });
  for (int i = 0; i < kChunks; ++i) {
    ASSERT_EQ(Rig::frame(peer).payload.size(), kChunk) << i;
  }
  EXPECT_LE(most.load(), kMark + kChunk + 16);
  EXPECT_GT(calls.load(), kChunks / 10);
}

TEST(Drained, WithoutAHandler_IsRefused) {
  CallsRig rig;
  rig.begin();
  Peer peer = rig.client();
  rig.run([](Connection& c) { EXPECT_FALSE(c.notify_drained(0)); });
}

TEST(Drained, AnException_EndsTheConnectionWith1011) {
  CallsRig rig;
  rig.handlers.drained = [](Connection&) { throw std::runtime_error("of drained"); };
  rig.begin();
  Peer peer = rig.client();
  rig.run([](Connection& c) { EXPECT_TRUE(c.notify_drained(0)); });
  EXPECT_EQ(Rig::frame(peer), (WireFrame{kClose, test::close_payload(1011, "internal error")}));
}

// Pings

TEST(Pings, PongIsReported) {
  Signal ponged;
  std::string payload;
  CallsRig rig;
  rig.handlers.pong = [&](Connection&, std::string_view got) {
    payload = got;
    ponged.raise();
  };
  rig.begin();
  Peer peer = rig.client();
  rig.run([](Connection& c) {
    EXPECT_EQ(c.ping("hello"), SendResult::kSent);
    EXPECT_EQ(c.ping(std::string(126, 'x')), SendResult::kTooBig);
  });
  EXPECT_EQ(Rig::frame(peer), (WireFrame{kPing, "hello"}));
  peer.send(client_frame(kPong, "hello"));
  ASSERT_TRUE(ponged.wait());
  EXPECT_EQ(payload, "hello");
}

// The other role of RFC 6455, which masks its frames, on the same reactors.
TEST(Pings, OfAClient_AreReportedToIt) {
  Signal ponged;
  Signal drained;
  Signal fired;
  CallsRig rig;
  rig.handlers.message = [](Connection& c, const Message& m) { c.send(m); };
  rig.begin();
  Client client;
  ASSERT_EQ(client.start(), "");
  Handlers handlers;
  handlers.open = [&](Connection& c) {
    EXPECT_EQ(c.ping("of a client"), SendResult::kSent);
    EXPECT_TRUE(c.notify_drained(0));
    static_cast<void>(c.start_timer(1, [&](Connection&) { fired.raise(); }));
  };
  handlers.pong = [&](Connection&, std::string_view payload) {
    EXPECT_EQ(payload, "of a client");
    ponged.raise();
  };
  handlers.drained = [&](Connection&) { drained.raise(); };
  ASSERT_EQ(client.connect("ws://" + rig.server.addresses().at(0) + "/", {}, handlers), "");
  EXPECT_TRUE(ponged.wait());
  EXPECT_TRUE(drained.wait());
  EXPECT_TRUE(fired.wait());
  client.stop();
}

TEST(Pings, OfAFullQueue_AreDropped) {
  ServerOptions options = quiet();
  options.limits.send_queue_bytes = 4'096;
  options.limits.slow_policy = SlowPolicy::kDropNewest;
  CallsRig rig(options);
  rig.begin();
  Peer peer = rig.client();
  rig.run([](Connection& c) {
    while (c.queued_bytes() <= 2'048) c.send_binary(std::string(1'000, 'x'));
    EXPECT_EQ(c.ping("x"), SendResult::kDropped);
  });
}

TEST(Pings, HeartbeatGivesTheRoundTrip) {
  ServerOptions options = quiet();
  options.heartbeat = {20, 10'000, 0};
  std::atomic<int> pongs{0};
  std::atomic<std::uint64_t> us{0};
  CallsRig rig(options);
  rig.handlers.pong = [&](Connection&, std::string_view) { pongs.fetch_add(1); };
  rig.begin();
  Peer peer = rig.client();
  rig.run([](Connection& c) { EXPECT_EQ(c.round_trip_us(), 0U); });
  const WireFrame ping = Rig::frame(peer);
  ASSERT_EQ(ping.opcode, kPing);
  peer.send(client_frame(kPong, ping.payload));
  EXPECT_TRUE(test::until([&] { return us.load() != 0; },
                          [&] { rig.run([&](Connection& c) { us.store(c.round_trip_us()); }); }));
  EXPECT_EQ(pongs.load(), 0) << "the heartbeat's own Pong is not the application's";
}

}  // namespace
}  // namespace wsd
