// A link to one master of a Redis Cluster.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/fake_cluster.h"
#include "engine/link_rig.h"
#include "engine/room_key.h"

namespace wsd::engine {
namespace {

using Texts = std::vector<std::string>;

// A link to the second one of three masters.
struct ClusterLink : LinkRig {
  ClusterLink() {
    settings.cluster = true;
    network.listen(kServer, &node());
  }
  [[nodiscard]] FakeRedis& node() const { return cluster.server(1); }
  // Returns the key of a room whose slot this master serves, or another one.
  [[nodiscard]] std::string key(std::size_t master = 1, int skip = 0) const {
    for (int i = 0;; ++i) {
      const std::string key = room_key("wsd1:", "r" + std::to_string(i));
      if (cluster.owner(slot_of_key(key)) == master && skip-- == 0) return key;
    }
  }
  void open(const std::string& key, std::uint64_t cookie) const {
    link->send_unanswered({"SSUBSCRIBE", key});
    link->send_script({0, 0, cookie}, Script::kOpen, key,
                      {"0", "0", "600000", std::to_string(server_found.replid_bits)});
  }

  FakeCluster cluster;
};

TEST(RedisLinkCluster, Handshake_ProvesTheRightsInASlotOfThisMaster) {
  for (int i = 0; i < 20; ++i) {
    ClusterLink rig;
    rig.now_ms += static_cast<std::uint64_t>(i) * 997;
    rig.connect();
    ASSERT_EQ(rig.ups, 1) << (rig.downs.empty() ? "" : rig.downs[0].why);
    EXPECT_EQ(rig.node().calls("evalsha probe"), 1U);
    EXPECT_EQ(rig.node().calls("cluster"), 2U);
    EXPECT_EQ(rig.link->outstanding(), 0U);
    EXPECT_TRUE(rig.pushes.empty());
  }
}

TEST(RedisLinkCluster, OneSlotLeft_IsFound) {
  ClusterLink rig;
  for (std::uint16_t slot = 0; slot < 16'383; ++slot) {
    if (rig.cluster.owner(slot) == 1 && slot != 7'777) rig.cluster.take_away(slot);
  }
  rig.connect();
  EXPECT_EQ(rig.ups, 1);
  ClusterLink none;
  for (std::uint16_t slot = 0; slot < 16'384; ++slot) {
    if (none.cluster.owner(slot) == 1) none.cluster.take_away(slot);
  }
  none.connect();
  ASSERT_EQ(none.downs.size(), 1U);
  EXPECT_EQ(none.downs[0].why, "The server has no slots of the cluster");
  EXPECT_FALSE(none.downs[0].for_good);
}

TEST(RedisLinkCluster, MissingRight_EndsForGood) {
  for (const char* const right : {"cluster", "xsetid"}) {
    ClusterLink rig;
    rig.node().faults.denied = {right};
    rig.connect();
    ASSERT_EQ(rig.downs.size(), 1U) << right;
    EXPECT_TRUE(rig.downs[0].for_good) << right;
  }
}

TEST(RedisLinkCluster, MasterWithoutAMajority_EndsNotForGood) {
  ClusterLink rig;
  rig.cluster.set_state(1, false);
  rig.connect();
  ASSERT_EQ(rig.downs.size(), 1U);
  EXPECT_FALSE(rig.downs[0].for_good);
  EXPECT_EQ(rig.downs[0].why,
            "The server's cluster_state is 'fail': it does not reach the majority of the masters, "
            "or slots have no master");
}

TEST(RedisLinkCluster, MasterThatLosesTheMajority_EndsAtTheNextHeartbeat) {
  ClusterLink rig;
  rig.connect();
  rig.advance(1'000);
  EXPECT_EQ(rig.beats.size(), 1U);
  rig.cluster.set_state(1, false);
  rig.advance(999);
  EXPECT_TRUE(rig.downs.empty());
  rig.advance(1);
  ASSERT_EQ(rig.downs.size(), 1U);
  EXPECT_EQ(rig.beats.size(), 1U);
  EXPECT_NE(rig.downs[0].why.find("cluster_state is 'fail'"), std::string::npos);
}

TEST(RedisLinkCluster, HeartbeatAlone_AsksNothingElse) {
  LinkRig rig;
  rig.connect();
  rig.advance(1'000);
  EXPECT_EQ(rig.beats.size(), 1U);
  EXPECT_EQ(rig.server->calls("cluster"), 0U);
}

TEST(RedisLinkCluster, SlotOfAnotherMaster_EndsTheSubscriptionAndNotTheLink) {
  ClusterLink rig;
  rig.connect();
  const std::string mine = rig.key();
  const std::string other = rig.key(2);
  rig.open(other, 1);
  rig.open(mine, 2);
  rig.link->send_unanswered({"SUNSUBSCRIBE", other});
  rig.link->send({0, 0, 3}, {"GET", mine});
  rig.network.run();
  ASSERT_EQ(rig.replies.size(), 3U);
  EXPECT_TRUE(rig.replies[0].starts_with("1 MOVED ")) << rig.replies[0];
  EXPECT_TRUE(rig.replies[1].starts_with("2 ")) << rig.replies[1];
  EXPECT_EQ(rig.replies[1].find("MOVED"), std::string::npos) << rig.replies[1];
  EXPECT_EQ(rig.pushes, (Texts{"sunsubscribe " + other + " ", "ssubscribe " + mine + " 1 ",
                               "sunsubscribe " + other + " "}));
  EXPECT_TRUE(rig.downs.empty());
  EXPECT_EQ(rig.link->outstanding(), 0U);
}

TEST(RedisLinkCluster, ClusterDown_IsTheReplyToOneRequest) {
  ClusterLink rig;
  rig.connect();
  const std::string key = rig.key();
  rig.cluster.take_away(slot_of_key(key));
  rig.open(key, 1);
  rig.network.run();
  ASSERT_EQ(rig.replies.size(), 1U);
  EXPECT_TRUE(rig.replies[0].starts_with("1 CLUSTERDOWN")) << rig.replies[0];
  EXPECT_EQ(rig.pushes, (Texts{"sunsubscribe " + key + " "}));
  EXPECT_TRUE(rig.downs.empty());
}

TEST(RedisLinkCluster, RightWithdrawnLater_EndsTheLink) {
  ClusterLink rig;
  rig.connect();
  rig.node().faults.denied = {"ssubscribe"};
  rig.open(rig.key(), 1);
  rig.network.run();
  EXPECT_EQ(rig.downs.size(), 1U);
}

// The slot of one room goes while commands for the channels of others are under way. The push for
// that room must be taken for none of theirs.
TEST(RedisLinkCluster, SubscriptionEndsBetweenOthers_RepliesKeepTheirRequests) {
  ClusterLink rig;
  rig.connect();
  const std::string moved = rig.key();
  const std::string stays = rig.key(1, 1);
  const std::string other = rig.key(2);
  rig.open(moved, 1);
  rig.network.run();
  rig.pushes.clear();
  rig.open(stays, 2);
  rig.open(other, 3);
  rig.cluster.begin_move(slot_of_key(moved), 0);
  rig.cluster.end_move(slot_of_key(moved));
  rig.network.run();
  EXPECT_EQ(rig.pushes, (Texts{"sunsubscribe " + moved + " 0 ", "ssubscribe " + stays + " 1 ",
                               "sunsubscribe " + other + " "}));
  ASSERT_EQ(rig.replies.size(), 3U);
  EXPECT_TRUE(rig.replies[2].starts_with("3 MOVED")) << rig.replies[2];
  EXPECT_TRUE(rig.downs.empty());
}

// The room subscribes again while the server takes its channel away.
TEST(RedisLinkCluster, SubscriptionEndsBeforeItIsRenewed_RepliesKeepTheirRequests) {
  ClusterLink rig;
  rig.connect();
  const std::string moved = rig.key();
  rig.open(moved, 1);
  rig.network.run();
  rig.pushes.clear();
  rig.open(moved, 2);
  rig.link->send({0, 0, 3}, {"GET", rig.key(1, 1)});
  rig.cluster.begin_move(slot_of_key(moved), 0);
  rig.cluster.end_move(slot_of_key(moved));
  rig.network.run();
  EXPECT_EQ(rig.pushes, (Texts{"sunsubscribe " + moved + " 0 ", "sunsubscribe " + moved + " "}));
  ASSERT_EQ(rig.replies.size(), 3U);
  EXPECT_TRUE(rig.replies[1].starts_with("2 MOVED")) << rig.replies[1];
  EXPECT_EQ(rig.replies[2].find("MOVED"), std::string::npos) << rig.replies[2];
}

// The channel that the server takes away is not the one whose end is asked for.
TEST(RedisLinkCluster, SubscriptionEndsBeforeAnotherOne_BothAreReported) {
  ClusterLink rig;
  rig.connect();
  const std::string moved = rig.key();
  const std::string other = rig.key(2);
  rig.open(moved, 1);
  rig.network.run();
  rig.pushes.clear();
  rig.link->send_unanswered({"SUNSUBSCRIBE", other});
  rig.cluster.begin_move(slot_of_key(moved), 0);
  rig.cluster.end_move(slot_of_key(moved));
  rig.network.run();
  EXPECT_EQ(rig.pushes, (Texts{"sunsubscribe " + moved + " 0 ", "sunsubscribe " + other + " "}));
  EXPECT_EQ(rig.link->outstanding(), 0U);
}

// Valkey does so if the connection has no other subscription.
TEST(RedisLinkCluster, ServerRefusesToEndASubscription_IsItsEnd) {
  ClusterLink rig;
  rig.connect();
  rig.node().faults.error_for_all = "NOSUB 'sunsubscribe' command executed not in subscribed mode";
  rig.link->send_unanswered({"SUNSUBSCRIBE", "wsd1:{a}"});
  rig.network.run();
  rig.node().faults.error_for_all = "";
  EXPECT_EQ(rig.pushes, Texts{"sunsubscribe wsd1:{a} "});
  EXPECT_TRUE(rig.downs.empty());
}

// The server ends the subscription, and only then reads the SUNSUBSCRIBE, which it refuses.
TEST(RedisLinkCluster, SubscriptionEndsBeforeItsEndIsAskedFor_RepliesKeepTheirRequests) {
  ClusterLink rig;
  rig.connect();
  const std::string moved = rig.key();
  rig.open(moved, 1);
  rig.network.run();
  rig.pushes.clear();
  rig.link->send_unanswered({"SUNSUBSCRIBE", moved});
  rig.link->send({0, 0, 2}, {"GET", rig.key(1, 1)});
  rig.cluster.begin_move(slot_of_key(moved), 0);
  rig.cluster.end_move(slot_of_key(moved));
  rig.network.run();
  EXPECT_EQ(rig.pushes, Texts{"sunsubscribe " + moved + " 0 "});
  ASSERT_EQ(rig.replies.size(), 2U);
  EXPECT_EQ(rig.replies[1].find("MOVED"), std::string::npos) << rig.replies[1];
  EXPECT_EQ(rig.link->outstanding(), 0U);
  rig.advance(1'000);
  EXPECT_EQ(rig.beats.size(), 1U);
  EXPECT_TRUE(rig.downs.empty());
}

}  // namespace
}  // namespace wsd::engine
