#include "engine/redis_master.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "engine/fake_network.h"
#include "engine/fake_redis.h"
#include "engine/rooms_rig.h"

namespace wsd::engine {
namespace {

class RedisMasterTest : public ::testing::Test, private MasterOwner {
 protected:
  RedisMasterTest() {
    network.listen(kMaster, &server);
    network.listen(kOtherServer, &other);
    link.prefix = rooms_settings.prefix;
    link.client_name = "wsd-1";
    server.set_config("client-output-buffer-limit", "pubsub 0 0 0");
    other.set_config("client-output-buffer-limit", "pubsub 0 0 0");
  }

  void at(std::uint64_t time_ms) {
    now_ms = time_ms;
    rooms.begin_turn(now_ms);
    master.begin_turn(now_ms);
    if (now_ms >= master.deadline()) master.on_time();
    network.run();
  }
  [[nodiscard]] std::size_t count(std::string_view text) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        events, [&](const std::string& each) { return each.find(text) != std::string::npos; }));
  }

  FakeNetwork network;
  FakeRedis server;
  FakeRedis other{FakeRedis::Options{2, "7.0.15", "", false, true}};
  RoomsSettings rooms_settings;
  LinkSettings link;
  Node hub{1, network};  // the rooms' sink and report
  RedisRooms rooms{rooms_settings, hub, hub};
  std::vector<std::string> events;
  const EngineReport report = [this](int, std::string_view event, std::string_view,
                                     std::string_view text) {
    events.push_back(std::string(event) + " " + std::string(text));
  };
  MasterSettings settings{.link = link, .names_address = true, .seed = 3};
  RedisMaster master{settings, rooms, rooms.lane(), network, *this, report};
  std::uint64_t now_ms = 1'000'000;
  int ups = 0;
  int downs = 0;

 private:
  void master_up(RedisMaster& /*master*/) noexcept override { ++ups; }
  void master_down(RedisMaster& /*master*/, const LinkDown& /*down*/) noexcept override { ++downs; }
  void master_beat(std::uint64_t /*round_trip_us*/) noexcept override {}
};

TEST_F(RedisMasterTest, MasterWithoutAnAddress_WaitsForOne) {
  at(now_ms);
  EXPECT_EQ(master.deadline(), EngineDriver::kNever);
  EXPECT_EQ(network.connects(), 0U);
  master.lead_to(kMaster, {});
  at(now_ms + 1);
  EXPECT_TRUE(master.up());
  EXPECT_EQ(rooms.lane().link->endpoint(), kMaster);
  EXPECT_EQ(ups, 1);
}

TEST_F(RedisMasterTest, AnotherAddress_EndsTheLinkAndIsTried) {
  master.lead_to(kMaster, {});
  at(now_ms);
  master.lead_to(kMaster, "The same: ");
  EXPECT_TRUE(master.up());
  master.lead_to(kOtherServer, "Somebody names another master: ");
  EXPECT_FALSE(master.up());
  EXPECT_EQ(rooms.lane().link, nullptr);
  EXPECT_EQ(downs, 1);
  EXPECT_EQ(events.back(),
            "engine_down 10.0.0.2:6379: Somebody names another master: 10.0.0.2:6379");
  at(now_ms + 2'000);
  EXPECT_TRUE(master.up());
  EXPECT_EQ(rooms.lane().link->endpoint(), kOtherServer);
}

TEST_F(RedisMasterTest, SameReason_IsReportedOncePerMinute) {
  network.listen(kMaster, nullptr);
  master.lead_to(kMaster, {});
  at(now_ms);
  const std::uint64_t end = now_ms + 59'000;
  while (now_ms < end) at(now_ms + 500);
  EXPECT_GE(downs, 20);
  EXPECT_EQ(count("engine_down"), 1U);
  while (now_ms < end + 10'000) at(now_ms + 500);
  EXPECT_EQ(count("engine_down"), 2U);
  EXPECT_EQ(count("engine_down 10.0.0.1:6379: Cannot connect"), 2U);
}

TEST_F(RedisMasterTest, Stop_EndsTheLinkForGoodAndWithoutAReport) {
  master.lead_to(kMaster, {});
  at(now_ms);
  master.stop();
  EXPECT_EQ(downs, 1);
  EXPECT_EQ(count("engine_down"), 0U);
  EXPECT_EQ(master.deadline(), EngineDriver::kNever);
  at(now_ms + 10'000);
  EXPECT_FALSE(master.up());
  EXPECT_EQ(network.connects(), 1U);
}

}  // namespace
}  // namespace wsd::engine
