#include "engine/redis_engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/fake_network.h"
#include "engine/fake_redis.h"
#include "hub/order_engine.h"
#include "hub/room_config.h"
#include "hub/room_home.h"
#include "wsd/log.h"

namespace wsd::engine {
namespace {

const Endpoint kFirst{"10.0.0.1", 6379, ""};
const Endpoint kSecond{"10.0.0.2", 6379, ""};

class Sink final : public hub::OrderSink {
 public:
  void opened(hub::RoomHome& /*home*/, const Position& /*last*/,
              std::span<const hub::KeptMessage> /*kept*/) override {
    ++opens;
  }
  void placed(hub::RoomHome& /*home*/, hub::PublishTicket /*ticket*/,
              const Position& /*position*/) override {}
  void failed(hub::RoomHome& /*home*/, hub::PublishTicket /*ticket*/,
              hub::PublishFailure /*why*/) noexcept override {}
  void repeated(hub::RoomHome& /*home*/, hub::PublishTicket /*ticket*/,
                const Position& /*position*/) noexcept override {}
  void counted(hub::CountTicket /*ticket*/, const hub::OtherNodes& /*others*/) noexcept override {}
  void listed(hub::ListTicket /*ticket*/, RoomMembers&& /*others*/) noexcept override {}
  [[nodiscard]] RoomMembers members_of(const hub::RoomHome& /*home*/,
                                       const MembersQuery& /*query*/) const override {
    return {};
  }
  void arrived(hub::RoomHome& /*home*/, const Position& /*position*/, SharedBytes /*frame*/,
               Tick /*at*/) override {}
  void missed(hub::RoomHome& /*home*/, const Position& /*last*/, bool /*kept_back*/) override {}
  void lost(hub::RoomHome& /*home*/) noexcept override { ++losses; }
  void checked(hub::RoomHome& /*home*/) noexcept override {}
  void closed(hub::RoomHome& /*home*/, bool /*failed*/) noexcept override {}

  int opens = 0;
  int losses = 0;
};

class RedisEngineTest : public testing::Test {
 protected:
  struct Event {
    int level;
    std::string name;
    std::string room;
    std::string text;
  };

  RedisEngineTest() {
    network_.listen(kFirst, &server_);
    server_.set_config("client-output-buffer-limit", "pubsub 0 0 0");
    settings_.url.endpoints = {kFirst};
    settings_.link.client_name = "wsd-test";
    settings_.link.prefix = settings_.rooms.prefix;
    settings_.rooms.seed = 7;
  }

  // Makes the engine in its first turn.
  void make() {
    engine_ = std::make_unique<RedisEngine>(
        settings_, sink_, network_,
        [this](int level, std::string_view event, std::string_view room, std::string_view text) {
          events_.push_back({level, std::string{event}, std::string{room}, std::string{text}});
        });
  }
  void turn() {
    engine_->begin_turn(now_ms_, 0);
    if (now_ms_ >= engine_->deadline()) engine_->on_time();
    bool more = true;
    while (more) {
      engine_->rooms().end_turn();
      more = network_.step();
    }
    engine_->begin_turn(now_ms_, 0);
  }
  void start() {
    make();
    turn();
  }
  // Lets time pass, with all turns that the engine asks for.
  void advance(std::uint64_t ms) {
    const std::uint64_t end = now_ms_ + ms;
    while (engine_->deadline() <= end) {
      now_ms_ = std::max(now_ms_, engine_->deadline());
      turn();
    }
    now_ms_ = end;
    turn();
  }
  void open(const std::string& name) {
    names_.push_back(std::make_unique<std::string>(name));
    homes_.push_back(std::make_unique<hub::RoomHome>(*names_.back(), 0, config_));
    engine_->rooms().open(*homes_.back());
  }
  void cut() {
    network_.cut_all();
    turn();
  }
  [[nodiscard]] std::size_t count(std::string_view name) const {
    return static_cast<std::size_t>(std::count_if(
        events_.begin(), events_.end(), [&](const Event& event) { return event.name == name; }));
  }
  [[nodiscard]] const EngineCounters& counters() const { return engine_->counters(); }

  FakeNetwork network_;
  FakeRedis server_;
  RedisEngineSettings settings_;
  Sink sink_;
  std::vector<Event> events_;
  std::uint64_t now_ms_ = 5'000'000;
  const hub::RoomConfig config_;
  std::vector<std::unique_ptr<std::string>> names_;
  std::vector<std::unique_ptr<hub::RoomHome>> homes_;
  std::unique_ptr<RedisEngine> engine_;
};

TEST_F(RedisEngineTest, Starts_ConnectsAtOnce) {
  make();
  EXPECT_EQ(network_.connects(), 0U);
  turn();
  EXPECT_EQ(network_.connects(), 1U);
  EXPECT_EQ(counters().up.value(), 1U);
  EXPECT_EQ(counters().connects.value(), 1U);
  EXPECT_EQ(counters().unready_since_ms.value(), 0U);
  ASSERT_EQ(events_.size(), 1U);
  EXPECT_EQ(events_[0].name, "engine_up");
  EXPECT_EQ(events_[0].level, static_cast<int>(LogLevel::kInfo));
  EXPECT_EQ(events_[0].text, "version 7.0.15, role master, replid " +
                                 server_.replid().substr(0, 8) +
                                 ", connected in 0 ms, down for 0 ms");
}

TEST_F(RedisEngineTest, NobodyThere_TriesAgainForEver) {
  network_.listen(kFirst, nullptr);
  start();
  EXPECT_EQ(counters().up.value(), 0U);
  EXPECT_EQ(counters().unready_since_ms.value(), 5'000'000U);
  advance(600'000);
  // On average once per second.
  EXPECT_GT(network_.connects(), 450U);
  EXPECT_LT(network_.connects(), 750U);
  // The same reason is reported once per minute.
  EXPECT_GE(count("engine_down"), 9U);
  EXPECT_LE(count("engine_down"), 11U);
  EXPECT_EQ(count("engine_refused"), 0U);
  EXPECT_EQ(counters().unready_since_ms.value(), 5'000'000U);
  EXPECT_TRUE(engine_->refused_for_good().empty());
  network_.listen(kFirst, &server_);
  advance(2'000);
  EXPECT_EQ(counters().up.value(), 1U);
}

TEST_F(RedisEngineTest, Reconnects_AtRandomTimes) {
  network_.listen(kFirst, nullptr);
  std::vector<std::uint64_t> delays;
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U}) {
    settings_.rooms.seed = seed;
    start();
    ASSERT_GE(engine_->deadline(), now_ms_);
    delays.push_back(engine_->deadline() - now_ms_);
  }
  std::sort(delays.begin(), delays.end());
  EXPECT_LT(delays.front(), 1'000U);
  EXPECT_LE(delays.back(), 2'000U);
  EXPECT_GT(delays.back() - delays.front(), 500U);
}

TEST_F(RedisEngineTest, ConnectionLost_ComesBackAndReportsBoth) {
  start();
  cut();
  EXPECT_EQ(counters().up.value(), 0U);
  EXPECT_EQ(counters().unready_since_ms.value(), now_ms_);
  ASSERT_EQ(count("engine_down"), 1U);
  EXPECT_EQ(events_.back().level, static_cast<int>(LogLevel::kWarn));
  EXPECT_EQ(events_.back().text, "Lost the connection to 10.0.0.1:6379: Connection reset by peer");
  advance(2'000);
  EXPECT_EQ(counters().up.value(), 1U);
  EXPECT_EQ(counters().connects.value(), 2U);
  EXPECT_EQ(counters().unready_since_ms.value(), 0U);
  EXPECT_EQ(count("engine_up"), 2U);
}

TEST_F(RedisEngineTest, FormerConnection_IsKilledOnTheSameServer) {
  start();
  EXPECT_EQ(server_.calls("client"), 1U);
  server_.reset_calls();
  cut();
  advance(2'000);
  EXPECT_EQ(server_.calls("client"), 1U);
  EXPECT_EQ(server_.clients(), 1U);
}

TEST_F(RedisEngineTest, FirstServerAgainAfterAnother_KillsItsOldConnections) {
  FakeRedis other(FakeRedis::Options{2, "7.0.15", "", false, true});
  network_.listen(kSecond, &other);
  settings_.url.endpoints = {kFirst, kSecond};
  start();
  for (int i = 0; i < 4; ++i) {
    cut();
    advance(2'000);
  }
  EXPECT_EQ(counters().connects.value(), 5U);
  // One call to prove the right, then for one former connection, then for two of them.
  EXPECT_EQ(server_.calls("client"), 4U);
}

TEST_F(RedisEngineTest, SeveralEndpoints_AreTriedInTurn) {
  settings_.url.endpoints = {kSecond, kFirst};
  start();
  EXPECT_EQ(counters().up.value(), 0U);
  advance(2'000);
  EXPECT_EQ(counters().up.value(), 1U);
}

// --- Sentinel

// Answers as one sentinel: names a master, or none.
TEST_F(RedisEngineTest, SentinelWithoutAnswer_IsReportedAndAskedAgain) {
  settings_.url.kind = EngineUrl::Kind::kSentinel;
  settings_.url.endpoints = {kSecond};
  settings_.url.master = "rooms";
  start();
  advance(10'000);
  EXPECT_GE(network_.connects(), 5U);
  EXPECT_GE(count("engine_down"), 1U);
  EXPECT_EQ(counters().up.value(), 0U);
}

// The fake does not know the command, so the reply is written by hand.
TEST_F(RedisEngineTest, SentinelNamesAMaster_IsConnectedAndFollowed) {
  FakeRedis sentinel;
  FakeRedis other;
  const Endpoint at_sentinel{"10.0.0.9", 26'379, ""};
  network_.listen(at_sentinel, &sentinel);
  network_.listen(kSecond, &other);
  settings_.url.kind = EngineUrl::Kind::kSentinel;
  settings_.url.endpoints = {at_sentinel};
  settings_.url.master = "rooms";
  sentinel.stop();
  start();
  ASSERT_EQ(network_.lines().size(), 1U);
  const auto line = network_.lines().front();
  line->owner->received("%0\r\n");
  line->owner->received("*2\r\n$8\r\n10.0.0.1\r\n$4\r\n6379\r\n");
  turn();
  EXPECT_EQ(counters().up.value(), 1U);
  line->owner->received(
      ">3\r\n$7\r\nmessage\r\n$14\r\n+switch-master\r\n$33\r\nrooms 10.0.0.1 6379 10.0.0.2 6379"
      "\r\n");
  turn();
  EXPECT_EQ(counters().up.value(), 0U);
  EXPECT_EQ(events_.back().text, "Sentinel names another master: 10.0.0.2:6379");
}

TEST_F(RedisEngineTest, RefusedForGoodAtTheStart_SaysSoBeforeItIsDown) {
  server_.faults.denied = {"xsetid"};
  start();
  EXPECT_EQ(engine_->refused_for_good(),
            "The server does not permit XSETID: extend the user's ACL");
  ASSERT_EQ(events_.size(), 2U);
  EXPECT_EQ(events_[0].name, "engine_refused");
  EXPECT_EQ(events_[0].level, static_cast<int>(LogLevel::kError));
  EXPECT_EQ(events_[0].room, "");
  EXPECT_EQ(events_[0].text, engine_->refused_for_good());
  EXPECT_EQ(events_[1].name, "engine_down");
  server_.faults.denied = {};
  advance(2'000);
  EXPECT_EQ(counters().up.value(), 1U);
  EXPECT_TRUE(engine_->refused_for_good().empty());
}

TEST_F(RedisEngineTest, RefusedForGoodLater_IsDownAndTriesAgain) {
  start();
  server_.faults.denied = {"xadd"};
  server_.close_all();
  turn();
  advance(2'000);
  EXPECT_TRUE(engine_->refused_for_good().empty());
  EXPECT_EQ(count("engine_refused"), 1U);
  server_.faults.denied = {};
  advance(4'000);
  EXPECT_EQ(counters().up.value(), 1U);
}

TEST_F(RedisEngineTest, Settings_AreReportedOnceByTheFirstShard) {
  server_.set_config("maxmemory-policy", "allkeys-lru");
  for (const std::uint32_t shard : {0U, 1U}) {
    events_.clear();
    settings_.rooms.node.shard = shard;
    start();
    EXPECT_EQ(count("engine_setting"), 1U - shard);
    cut();
    advance(2'000);
    EXPECT_EQ(count("engine_up"), 2U);
    EXPECT_EQ(count("engine_setting"), 1U - shard);
  }
}

TEST_F(RedisEngineTest, Heartbeats_AreMeasured) {
  start();
  advance(10'000);
  DurationHistogram total;
  counters().round_trips.add_to(total);
  std::uint64_t beats = 0;
  for (const std::uint64_t each : total.counts) beats += each;
  EXPECT_GE(beats, 9U);
}

TEST_F(RedisEngineTest, RoomsOpenAndLost_AreCounted) {
  start();
  open("lobby");
  turn();
  EXPECT_EQ(sink_.opens, 1);
  EXPECT_EQ(counters().rooms_live.value(), 1U);
  EXPECT_EQ(counters().unready_since_ms.value(), 0U);
  network_.listen(kFirst, nullptr);
  cut();
  EXPECT_EQ(sink_.losses, 1);
  EXPECT_EQ(counters().rooms_live.value(), 0U);
  EXPECT_EQ(counters().rooms_lost.value(), 1U);
  const std::uint64_t since = now_ms_;
  advance(10'000);
  EXPECT_EQ(counters().unready_since_ms.value(), since);
  network_.listen(kFirst, &server_);
  while (counters().up.value() == 0) {
    now_ms_ = std::max(now_ms_, engine_->deadline());
    engine_->begin_turn(now_ms_, 0);
    engine_->on_time();
    network_.run();
  }
  // The link is up, and the room has not been read.
  engine_->begin_turn(now_ms_, 0);
  EXPECT_EQ(counters().unready_since_ms.value(), since);
  turn();
  EXPECT_EQ(sink_.opens, 2);
  EXPECT_EQ(counters().rooms_live.value(), 1U);
  EXPECT_EQ(counters().unready_since_ms.value(), 0U);
}

TEST_F(RedisEngineTest, ManyEvents_TenPerSecondPass) {
  start();
  for (int i = 0; i < 50; ++i) {
    const std::string name = "r" + std::to_string(i);
    static_cast<void>(server_.execute({"SET", "wsd1:{" + name + "}", "mine"}));
    open(name);
  }
  turn();
  EXPECT_EQ(count("engine_refused"), 10U);
  EXPECT_EQ(events_.back().room, "r9");
  EXPECT_EQ(events_.back().level, static_cast<int>(LogLevel::kWarn));
  now_ms_ += 1'000;
  engine_->rooms().open(*homes_.back());
  turn();
  EXPECT_EQ(count("engine_refused"), 11U);
  EXPECT_TRUE(events_.back().text.ends_with(" (40 suppressed)")) << events_.back().text;
}

TEST_F(RedisEngineTest, Stopped_EndsTheLinkAndDoesNoMore) {
  start();
  engine_->stop();
  turn();
  EXPECT_TRUE(network_.lines().empty());
  EXPECT_EQ(engine_->deadline(), EngineDriver::kNever);
  EXPECT_EQ(count("engine_down"), 0U);
  advance(10'000);
  EXPECT_EQ(network_.connects(), 1U);
}

TEST_F(RedisEngineTest, StoppedServer_IsLeftAfterTheTimeout) {
  start();
  server_.stop();
  advance(6'100);
  EXPECT_GE(count("engine_down"), 1U);
  server_.go_on();
  advance(8'000);
  EXPECT_EQ(counters().up.value(), 1U);
  EXPECT_EQ(server_.clients(), 1U);
}

}  // namespace
}  // namespace wsd::engine
