// Rooms over several nodes while Redis, the network or a node fails. The table of failures in
// docs/ENGINE.md has a row for each.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/byte_proxy.h"
#include "support/engine_load.h"
#include "support/engine_nodes.h"
#include "support/expect.h"
#include "support/redis_process.h"

namespace e2e {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Timeouts that a test can wait for.
const std::vector<std::string> kShort = {"--engine-timeout", "1s", "--response-timeout", "2s"};

// A time of the test's own, in which a fault lasts. Nothing is expected to happen in it.
void for_a_time_of(Duration time) { std::this_thread::sleep_for(time); }

TEST(EngineFailure, DownAtStart_JoinsWaitUntilItIsThere) {
  E2E_REQUIRE(redis_server());
  RedisProcess redis;
  redis.kill();
  EngineNodes nodes(1, redis.url(), kShort);
  EXPECT_TRUE(eventually([&] { return nodes[0].ask("GET", "/readyz").status == 503; }));
  EXPECT_EQ(nodes[0].ask("GET", "/livez").status, 200);
  const HttpResponse refused = nodes[0].try_publish("a", "refused");
  EXPECT_EQ(refused.status, 503) << refused.describe();
  RawClient member = nodes[0].connect();
  ASSERT_TRUE(opens(member, "/rooms/a"));
  redis.start();
  ASSERT_TRUE(nodes.ready());
  nodes[0].publish("a", "after");
  EXPECT_TRUE(receives_text(member, "after"));
  EXPECT_TRUE(nodes[0].process().process().wait_for_line("engine_up"));
}

TEST(EngineFailure, KilledWithAppendOnlyFile_NothingIsLost) {
  E2E_REQUIRE(redis_server());
  RedisProcess redis({.append_only = true});
  EngineNodes nodes(2, redis.url());
  ASSERT_TRUE(nodes.ready());
  EngineLoad load(nodes.all(), {});
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(load.delivers(300));
    redis.kill();
    redis.start();
  }
  EXPECT_TRUE(load.delivers(300));
  // A restart is a new epoch. Each publish without an answer is looked up before it is sent again.
  load.finish({.gaps = true});
}

TEST(EngineFailure, KilledWithoutData_RoomsBeginNewEpochs) {
  E2E_REQUIRE(redis_server());
  RedisProcess redis;
  EngineNodes nodes(2, redis.url());
  ASSERT_TRUE(nodes.ready());
  EngineLoad load(nodes.all(), {});
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(load.delivers(300));
    redis.kill();
    redis.start(false);
  }
  EXPECT_TRUE(load.delivers(300));
  // What was in flight may stand in both epochs: the old one is gone, so nobody can look it up.
  load.finish({.gaps = true, .losses = true, .doubles = true});
}

TEST(EngineFailure, SuspendedForLessThanTheTimeout_NothingIsLostOrDoubled) {
  E2E_REQUIRE(redis_server());
  RedisProcess redis;
  EngineNodes nodes(2, redis.url());
  ASSERT_TRUE(nodes.ready());
  EngineLoad load(nodes.all(), {});
  EXPECT_TRUE(load.delivers(300));
  redis.suspend();
  for_a_time_of(seconds(2));
  redis.resume();
  EXPECT_TRUE(load.delivers(300));
  load.finish({});
}

TEST(EngineFailure, SuspendedForLongerThanTheTimeout_NothingIsLostOrDoubled) {
  E2E_REQUIRE(redis_server());
  RedisProcess redis;
  EngineNodes nodes(2, redis.url(), {"--engine-timeout", "1s"});
  ASSERT_TRUE(nodes.ready());
  EngineLoad load(nodes.all(), {.posts = 3});
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(load.delivers(300));
    std::vector<std::size_t> lines;
    for (const AdminServer* node : nodes.all()) {
      lines.push_back(node->process().process().lines().size());
    }
    redis.suspend();
    // Both nodes have ended their connections, whose bytes Redis has not read yet.
    for (std::size_t node = 0; node < 2; ++node) {
      EXPECT_TRUE(nodes[node].process().process().wait_for_line("engine_down", lines[node]));
    }
    for_a_time_of(seconds(2));
    redis.resume();
    EXPECT_TRUE(load.delivers(300));
  }
  load.finish({});
}

// The bytes of the old connection reach Redis when the new one has sent its messages again.
TEST(EngineFailure, OldConnectionsBytesArriveLate_NothingIsDoubled) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  ByteProxy proxy(redis.port());
  EngineNodes nodes({proxy.url(), redis.url()}, {"--engine-timeout", "1s"});
  ASSERT_TRUE(nodes.ready());
  EngineLoad load(nodes.all(), {.websockets = 4, .posts = 4, .pause = milliseconds(50)});
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(load.delivers(300));
    const std::size_t accepted = proxy.accepted();
    proxy.hold();
    // Both reactors connect again, and their rooms are live.
    EXPECT_TRUE(eventually([&] { return proxy.accepted() >= accepted + 2; }));
    ASSERT_TRUE(nodes.ready());
    EXPECT_TRUE(load.delivers(300));
    proxy.release();
  }
  EXPECT_TRUE(load.delivers(300));
  load.finish({});
}

TEST(EngineFailure, ConnectionCutAgainAndAgain_NothingIsLostOrDoubled) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  ByteProxy proxy(redis.port());
  EngineNodes nodes({proxy.url(), redis.url()});
  ASSERT_TRUE(nodes.ready());
  EngineLoad load(nodes.all(), {.members = 3, .websockets = 2, .posts = 2});
  for (std::size_t i = 0; i < 15; ++i) {
    EXPECT_TRUE(load.delivers(50));
    if (i % 3 == 0) {
      proxy.cut();
    } else {
      proxy.cut_after(i * 97);  // in the middle of a reply or a push
    }
  }
  EXPECT_TRUE(load.delivers(500));
  load.finish({});
}

TEST(EngineFailure, SlowAndInPieces_NothingIsLost) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  ByteProxy proxy(redis.port());
  EngineNodes nodes({proxy.url(), redis.url()});
  ASSERT_TRUE(nodes.ready());
  EngineLoad load(nodes.all(), {});
  proxy.limit(7);
  EXPECT_TRUE(load.delivers(300));
  proxy.limit(0);
  proxy.delay(milliseconds(40));
  EXPECT_TRUE(load.delivers(300));
  load.finish({});
}

TEST(EngineFailure, Garbage_EndsTheConnectionWithAReason) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  ByteProxy proxy(redis.port());
  EngineNodes nodes({proxy.url(), redis.url()});
  ASSERT_TRUE(nodes.ready());
  const Place first = nodes[1].publish("a", "first");
  RawClient member = nodes[0].connect();
  ASSERT_TRUE(opens(member, "/rooms/a?last_event_id=" + first.text()));
  nodes[1].publish("a", "before");
  EXPECT_TRUE(receives_text(member, "before"));
  for (const std::string& garbage :
       {std::string("\x01\x02garbage\r\n"), std::string("*2147483647\r\n"),
        std::string("$99999999999999999999\r\n"), std::string(">1\r\n$5\r\nabcdeXX"),
        std::string(65'536, '\xff')}) {
    const std::size_t accepted = proxy.accepted();
    const std::size_t lines = nodes[0].process().process().lines().size();
    proxy.inject(garbage);
    const auto line = nodes[0].process().process().wait_for_line("engine_down", lines);
    ASSERT_TRUE(line) << printable(garbage);
    nodes[1].publish("a", "meanwhile");
    EXPECT_TRUE(receives_text(member, "meanwhile"));
    EXPECT_TRUE(eventually([&] { return proxy.accepted() > accepted; }));
  }
}

TEST(EngineFailure, UnknownPush_ChangesNothing) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  ByteProxy proxy(redis.port());
  EngineNodes nodes({proxy.url()});
  ASSERT_TRUE(nodes.ready());
  RawClient member = nodes[0].connect();
  ASSERT_TRUE(opens(member, "/rooms/a"));
  nodes[0].publish("a", "before");
  EXPECT_TRUE(receives_text(member, "before"));
  proxy.inject(">2\r\n$10\r\ninvalidate\r\n*1\r\n$3\r\nkey\r\n");
  nodes[0].publish("a", "after");
  EXPECT_TRUE(receives_text(member, "after"));
}

TEST(EngineFailure, NodeCutOff_SaysSoAndCatchesUp) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  ByteProxy proxy(redis.port());
  EngineNodes nodes({proxy.url(), redis.url()}, kShort);
  ASSERT_TRUE(nodes.ready());
  const Place first = nodes[1].publish("a", "first");
  RawClient member = nodes[0].connect();
  ASSERT_TRUE(opens_meta(member, "/rooms/a?last_event_id=" + first.text()));
  RawClient publisher = nodes[0].connect();
  ASSERT_TRUE(opens(publisher, "/rooms/a"));
  proxy.refuse(true);
  proxy.cut();
  publisher.send(text_frame("cannot be placed"));
  // Until the node has noticed, the place of a publish is unknown: 504.
  EXPECT_TRUE(eventually([&] { return nodes[0].try_publish("a", "refused").status == 503; }));
  EXPECT_TRUE(is_ended_at_last_with(publisher, 1013));
  EXPECT_TRUE(eventually([&] {
    const HttpResponse ready = nodes[0].ask("GET", "/readyz");
    return ready.status == 503 && ready.body.find("engine down") != std::string::npos;
  }));
  EXPECT_EQ(nodes[0].ask("GET", "/livez").status, 200);
  EXPECT_EQ(nodes[0].metric("wsd_engine_up"), "0");
  for (int i = 0; i < 50; ++i) nodes[1].publish("a", std::to_string(i));
  proxy.refuse(false);
  ASSERT_TRUE(nodes.ready());
  EXPECT_EQ(nodes[0].metric("wsd_engine_up"), "1");
  for (std::uint64_t i = 0; i < 50; ++i) {
    const Meta message = read_meta(member);
    EXPECT_EQ(message.payload, std::to_string(i));
    EXPECT_EQ(message.id, (Place{first.epoch, first.seq + 1 + i}.text()));
  }
}

TEST(EngineFailure, NodeCutOffBeyondTheBacklog_TellsItsMembersOfTheGap) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  ByteProxy proxy(redis.port());
  std::vector<std::string> flags = {"--history-messages", "10", "--engine-backlog", "10"};
  flags.insert(flags.end(), kShort.begin(), kShort.end());
  EngineNodes nodes({proxy.url(), redis.url()}, flags);
  ASSERT_TRUE(nodes.ready());
  const Place first = nodes[1].publish("a", "first");
  RawClient member = nodes[0].connect();
  ASSERT_TRUE(opens_meta(member, "/rooms/a?last_event_id=" + first.text()));
  proxy.refuse(true);
  proxy.cut();
  // Redis trims whole nodes of about a hundred entries.
  for (int i = 0; i < 500; ++i) nodes[1].publish("a", std::to_string(i));
  proxy.refuse(false);
  const Meta gap = read_meta(member);
  EXPECT_EQ(gap.content_type, kGap) << gap.id << " " << gap.payload;
  const Meta next = read_meta(member);
  const int begin = std::stoi(next.payload);
  EXPECT_GT(begin, 0);
  for (int i = begin + 1; i < 500; ++i) EXPECT_EQ(read_meta(member).payload, std::to_string(i));
}

TEST(EngineFailure, OutputBufferExceeded_CatchesUpFromTheStream) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis({.more = {"--client-output-buffer-limit", "pubsub 2mb 0 0"}});
  ByteProxy proxy(redis.port());
  EngineNodes nodes({proxy.url(), redis.url()}, {"--history-bytes", "16MiB"});
  ASSERT_TRUE(nodes.ready());
  const Place first = nodes[1].publish("a", "first");
  RawClient member = nodes[0].connect();
  ASSERT_TRUE(opens_meta(member, "/rooms/a?last_event_id=" + first.text()));
  nodes[1].publish("a", "before");
  EXPECT_EQ(read_meta(member).payload, "before");
  const std::size_t accepted = proxy.accepted();
  proxy.stall(true);
  // More than the buffers of the kernel and of Redis together, and less than the history keeps.
  constexpr int kCount = 600;
  for (int i = 0; i < kCount; ++i) {
    nodes[1].publish("a", std::to_string(i) + " " + std::string(20'000, 'x'));
  }
  proxy.stall(false);
  for (int i = 0; i < kCount; ++i) {
    const Meta message = read_meta(member);
    ASSERT_TRUE(message.payload.starts_with(std::to_string(i) + " "))
        << i << ": " << printable(message.id) << "\n"
        << nodes[0].process().process().output();
  }
  EXPECT_GT(proxy.accepted(), accepted) << "Redis has not cut the connection";
}

// Together the rooms have twice as many bytes as Redis keeps for a client, 32 MiB by default.
TEST(EngineFailure, LargeRoomsAfterAReconnect_ExceedNoOutputBuffer) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  ByteProxy proxy(redis.port());
  EngineNodes nodes({proxy.url(), redis.url()},
                    {"--history-bytes", "1MiB", "--reactors", "1", "--engine-timeout", "1s"});
  ASSERT_TRUE(nodes.ready());
  constexpr int kLargeRooms = 260;
  std::vector<RawClient> members(kLargeRooms);
  for (int i = 0; i < kLargeRooms; ++i) {
    RawClient& member = members[static_cast<std::size_t>(i)];
    const Place first = nodes[1].publish("r" + std::to_string(i), "first");
    member = nodes[0].connect();
    ASSERT_TRUE(opens(member, "/rooms/r" + std::to_string(i) + "?last_event_id=" + first.text()));
  }
  ASSERT_TRUE(eventually([&] {
    return nodes[0].metric("wsd_engine_rooms{state=\"live\"}") == std::to_string(kLargeRooms);
  }));
  proxy.refuse(true);
  proxy.cut();
  RawClient publisher = nodes[1].connect();
  for (int i = 0; i < kLargeRooms; ++i) {
    for (int message = 0; message < 10; ++message) {
      published(publisher, "/rooms/r" + std::to_string(i), std::string(25'000, 'x'));
    }
  }
  const std::string before = nodes[0].metric("wsd_engine_connects_total");
  proxy.refuse(false);
  for (RawClient& member : members) {
    for (int message = 0; message < 10; ++message) {
      EXPECT_TRUE(receives_text(member, std::string(25'000, 'x')));
    }
  }
  EXPECT_EQ(nodes[0].metric("wsd_engine_connects_total"), std::to_string(std::stoi(before) + 1))
      << "Redis has cut the connection";
}

// Redis would cut the connection of a node that reads the message, again after each reconnect.
TEST(EngineFailure, MessageAboveTheOutputBuffer_IsLeftOutAndTold) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis({.more = {"--client-output-buffer-limit", "pubsub 4mb 0 0"}});
  EngineNodes nodes(2, redis.url(), {"--max-message", "8MiB", "--engine-timeout", "30s"});
  ASSERT_TRUE(nodes.ready());
  const Place first = nodes[1].publish("a", "first");
  RawClient member = nodes[0].connect();
  ASSERT_TRUE(opens_meta(member, "/rooms/a?last_event_id=" + first.text()));
  const std::string connects = nodes[0].metric("wsd_engine_connects_total");
  // Whether the publisher learns its position is left open: its node cannot read it either.
  static_cast<void>(nodes[1].try_publish("a", std::string(6U << 20U, 'x')));
  nodes[1].publish("a", "after");
  EXPECT_EQ(read_meta(member).content_type, kGap);
  EXPECT_EQ(read_meta(member).payload, "after");
  EXPECT_EQ(nodes[0].metric("wsd_engine_connects_total"), connects)
      << "Redis has cut the connection";
  EXPECT_TRUE(nodes[0].process().process().wait_for_line("was left out"));
}

TEST(EngineFailure, NodesKilledInALoop_OnlyTheirConnectionsEnd) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  EngineNodes nodes(3, redis.url());
  ASSERT_TRUE(nodes.ready());
  EngineLoad load(nodes.all(), {.members = 3, .websockets = 2, .posts = 2});
  for (std::size_t i = 0; i < 12; ++i) {
    EXPECT_TRUE(load.delivers(200));
    nodes.kill_and_restart(i % 3, load);
  }
  EXPECT_TRUE(load.delivers(200));
  load.finish({.ends = true});
}

TEST(EngineFailure, RollingRestartUnderLoad_LosesNothing) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  EngineNodes nodes(3, redis.url());
  ASSERT_TRUE(nodes.ready());
  EngineLoad load(nodes.all(), {.members = 3, .websockets = 2, .posts = 2});
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(load.delivers(300));
    nodes.stop_and_restart(i, load);
  }
  EXPECT_TRUE(load.delivers(300));
  load.finish({.ends = true});
}

}  // namespace
}  // namespace e2e
