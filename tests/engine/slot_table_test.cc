#include "engine/slot_table.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace wsd::engine {
namespace {

const Endpoint kAsked{"10.0.0.1", 7001, {}};

// Returns an id of 40 hexadecimal digits.
std::string id(char digit) { return std::string(40, digit); }

std::string line(char digit, std::string_view address, std::string_view flags,
                 std::string_view slots, std::string_view epoch = "1") {
  const std::string end = slots.empty() ? "" : " " + std::string(slots);
  return id(digit) + " " + std::string(address) + " " + std::string(flags) + " - 0 1700000000000 " +
         std::string(epoch) + " connected" + end + "\n";
}

std::string myself(char digit, std::string_view slots, std::string_view epoch = "1") {
  return line(digit, std::string("10.0.0.") + digit + ":7001@17001", "myself,master", slots, epoch);
}

std::string other(char digit, std::string_view slots, std::string_view epoch = "1") {
  return line(digit, std::string("10.0.0.") + digit + ":7001@17001", "master", slots, epoch);
}

SlotTable view(const std::string& nodes) {
  SlotTable table;
  EXPECT_EQ(SlotTable::parse(nodes, kAsked, table), "") << nodes;
  return table;
}

// The address of the master that serves a slot, or "".
std::string at(const SlotTable& table, std::uint16_t slot) {
  const SlotMaster* const master = table.master_of(slot);
  return master == nullptr ? "" : master->at.text();
}

std::string error_of(const std::string& nodes) {
  SlotTable table;
  return SlotTable::parse(nodes, kAsked, table);
}

TEST(SlotTable, ReplyOfARealNode_IsRead) {
  const SlotTable table = view(
      "07c37dfeb235213a872192d90877d0cd55635b91 127.0.0.1:30004@31004,hostname4 slave "
      "e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca 0 1426238317239 4 connected\n"
      "67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1 127.0.0.1:30002@31002,hostname2 master - 0 "
      "1426238316232 2 connected 5461-10922\n"
      "e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca 127.0.0.1:30001@31001,hostname1 myself,master - 0 "
      "0 1 connected 0-5459 5460\n"
      "292f8b365bb7edb5e285caf0b7e6ddc7265d2f4f 127.0.0.1:30003@31003,hostname3 master - 0 "
      "1426238318243 3 connected 10923-16383 "
      "[93-<-292f8b365bb7edb5e285caf0b7e6ddc7265d2f4f]\n");
  ASSERT_EQ(table.masters().size(), 3U);
  EXPECT_EQ(table.masters()[0].id, "67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1");
  EXPECT_EQ(table.masters()[0].config_epoch, 2U);
  EXPECT_EQ(at(table, 0), "127.0.0.1:30001");
  EXPECT_EQ(at(table, 5460), "127.0.0.1:30001");
  EXPECT_EQ(at(table, 5461), "127.0.0.1:30002");
  EXPECT_EQ(at(table, 16'383), "127.0.0.1:30003");
  EXPECT_TRUE(table.complete());
  EXPECT_EQ(table.own_slot(0), 0);
  EXPECT_EQ(table.own_slot(5460), 5460);
  EXPECT_EQ(table.own_slot(5461), 0);
}

TEST(SlotTable, Addresses_AreRead) {
  EXPECT_EQ(at(view(line('1', ":7001@17001", "myself,master", "0")), 0), "10.0.0.1:7001");
  EXPECT_EQ(at(view(line('1', "::1:7001@17001", "myself,master", "0")), 0), "[::1]:7001");
  EXPECT_EQ(at(view(line('1', "fe80::2:1:7001@17001,a.b", "myself,master", "0")), 0),
            "[fe80::2:1]:7001");
  EXPECT_EQ(at(view(line('1', "10.0.0.1:7001@17001,,shard-id=x", "myself,master", "0")), 0),
            "10.0.0.1:7001");
}

TEST(SlotTable, MastersThatCannotServe_AreKnownAndDoNotServe) {
  const std::string itself = myself('1', "0");
  for (const std::string& each :
       {line('2', "10.0.0.2:7001@17001", "master,fail", "1"),
        line('2', ":0@0", "master,noaddr", "1"), line('2', ":7001@17001", "master", "1"),
        line('2', "10.0.0.2:0@0", "master", "1"), line('2', "10.0.0.2:7001", "master", "1"),
        line('2', "10.0.0.2:70000@17001", "master", "1"),
        line('2', "10.0.0.2:@17001", "master", "1"), line('2', "@17001", "master", "1"),
        line('2', "fe80::1%eth0:7001@17001", "master", "1"),
        line('2', "10.0.0\x01:7001@17001", "master", "1"),
        line('2', std::string(254, 'a') + ":7001@17001", "master", "1")}) {
    const SlotTable table = view(itself + each);
    EXPECT_EQ(at(table, 1), "") << each;
    EXPECT_EQ(table.masters().size(), 2U);
  }
  // One node alone believes that it has failed.
  EXPECT_EQ(at(view(itself + line('2', "10.0.0.2:7001@17001", "master,fail?", "1")), 1),
            "10.0.0.2:7001");
}

TEST(SlotTable, NodesThatAreNotMasters_HaveNoSlots) {
  const SlotTable table = view(line('1', "10.0.0.1:7001@17001", "myself,slave", "") +
                               line('2', "10.0.0.2:7001@17001", "handshake", "") + other('3', ""));
  ASSERT_EQ(table.masters().size(), 1U);
  EXPECT_EQ(table.masters()[0].id, id('3'));
  EXPECT_EQ(table.own_slot(0), SlotTable::kSlots);
  EXPECT_FALSE(table.complete());
}

TEST(SlotTable, OddReplies_AreErrors) {
  const std::string itself = myself('1', "0");
  const struct {
    std::string nodes;
    const char* error;
  } cases[] = {
      {"", "named no node as itself"},
      {other('1', "0"), "named no node as itself"},
      {itself + "\n", "named a node without an id: ''"},
      {"x" + itself, "named a node without an id: "},
      {id('1') + " 10.0.0.1:7001@17001 myself,master - 0 0 1\n", "in too few words"},
      {id('1') + " 10.0.0.1:7001@17001 myself,master - 0 0 x connected\n", "in too few words"},
      {itself + myself('2', "1"), "named two nodes as itself"},
      {itself + other('1', "1"), "named the node '1111"},
      {itself + other('2', "0"), "named two masters of slot 0"},
      {itself + other('2', "1-2 2-3"), "named two masters of slot 2"},
      {itself + other('2', "16384"), "named the slots '16384'"},
      {itself + other('2', "2-1"), "named the slots '2-1'"},
      {itself + other('2', "1-"), "named the slots '1-'"},
      {itself + other('2', "-1"), "named the slots '-1'"},
      {itself + other('2', "1-2-3"), "named the slots '1-2-3'"},
      {itself + other('2', "1 "), ""},
      {itself + other('2', "1  2"), "named the slots ''"},
      {itself + other('2', "4294967297"), "named the slots '4294967297'"},
      {itself + line('2', "10.0.0.2:7001@17001", "slave", "1"),
       "named slots of a node that is not a master"},
  };
  for (const auto& [nodes, error] : cases) {
    EXPECT_NE(error_of(nodes).find(error), std::string::npos) << nodes << error_of(nodes);
  }
}

TEST(SlotTable, MoreThan1024Nodes_IsAnError) {
  std::string nodes = myself('1', "0");
  const auto replica = [](int number) {
    const std::string digits = std::to_string(10'000 + number);
    return id('a').substr(5) + digits + " 10.0.0.2:7001@17001 slave - 0 0 1 connected\n";
  };
  for (int i = 1; i < 1'024; ++i) nodes += replica(i);
  EXPECT_EQ(error_of(nodes), "");
  EXPECT_EQ(error_of(nodes + replica(1'024)), "named more than 1,024 nodes");
}

TEST(SlotTable, FirstView_IsTaken) {
  SlotTable table;
  EXPECT_FALSE(table.complete());
  EXPECT_EQ(at(table, 0), "");
  EXPECT_TRUE(table.learn(view(myself('1', "0-99") + other('2', "100-16383")), 0));
  EXPECT_TRUE(table.complete());
  EXPECT_EQ(at(table, 100), "10.0.0.2:7001");
  EXPECT_FALSE(table.learn(view(other('1', "0-99") + myself('2', "100-16383")), 0));
}

TEST(SlotTable, SlotThatMoved_BelongsToTheHigherConfigEpoch) {
  SlotTable table;
  table.learn(view(myself('1', "0-1", "5") + other('2', "2", "3")), 0);
  // The new master has raised its epoch.
  EXPECT_TRUE(table.learn(view(other('1', "0", "5") + myself('2', "1-2", "6")), 0));
  EXPECT_EQ(at(table, 1), "10.0.0.2:7001");
  // A third node has not heard of it.
  const std::string third = myself('3', "");
  EXPECT_FALSE(table.learn(view(third + other('1', "0-1", "5") + other('2', "2", "3")), 0));
  EXPECT_EQ(at(table, 1), "10.0.0.2:7001");
}

TEST(SlotTable, FormerMasterWithAHigherEpochSince_LosesTheSlot) {
  SlotTable table;
  table.learn(view(myself('1', "0-1", "5") + other('2', "2", "3")), 0);
  // Slot 1 went to the second master with epoch 6, and then slot 3 to the first one with epoch 7.
  EXPECT_TRUE(table.learn(view(other('1', "0 3", "7") + myself('2', "1-2", "6")), 0));
  EXPECT_EQ(at(table, 1), "10.0.0.2:7001");
  EXPECT_EQ(at(table, 3), "10.0.0.1:7001");
}

TEST(SlotTable, MasterThatNoLongerClaimsASlot_LosesIt) {
  SlotTable table;
  table.learn(view(myself('3', "") + other('1', "0-2", "9") + other('2', "3", "6")), 0);
  // Said by the owner itself, so no epoch counts.
  EXPECT_TRUE(table.learn(view(myself('1', "0", "9") + other('2', "1 3", "6")), 0));
  EXPECT_EQ(at(table, 1), "10.0.0.2:7001");
  EXPECT_EQ(at(table, 2), "");
}

// Redis 7.0: a node was away while the slot 1 moved from 1 to 2, and heard of 1's later epoch
// first.
TEST(SlotTable, ClaimThatTheMasterItselfHasDenied_IsNotTaken) {
  SlotTable table;
  table.learn(view(myself('1', "0-1", "5") + other('2', "2", "4")), 0);
  EXPECT_TRUE(table.learn(view(other('1', "0", "7") + myself('2', "1-2", "6")), 0));
  const std::string stale = other('1', "0-1", "7") + other('2', "2", "6") + myself('3', "");
  EXPECT_TRUE(table.learn(view(stale), 0)) << "the node that was asked may know of a later move";
  EXPECT_TRUE(table.learn(view(myself('1', "0", "7") + other('2', "1-2", "6")), 0));
  EXPECT_FALSE(table.learn(view(stale), 0));
  EXPECT_EQ(at(table, 1), "10.0.0.2:7001");
  // What the master has got since, others may tell.
  EXPECT_TRUE(
      table.learn(view(other('1', "0-1", "8") + other('2', "2", "6") + myself('3', "")), 0));
  EXPECT_EQ(at(table, 1), "10.0.0.1:7001");
}

TEST(SlotTable, NodeThatHasJustJoined_TakesNoSlots) {
  SlotTable table;
  table.learn(view(myself('1', "0") + other('2', "1")), 0);
  EXPECT_FALSE(table.learn(view(myself('3', "") + other('1', "") + other('2', "")), 0));
  EXPECT_EQ(at(table, 0), "10.0.0.1:7001");
}

TEST(SlotTable, DeafMaster_CannotTakeItsSlotsBack) {
  SlotTable table;
  table.learn(view(myself('1', "0", "1") + other('2', "1", "2")), 0);
  const std::string failed = line('1', "10.0.0.1:7001@17001", "master,fail", "", "1");
  EXPECT_TRUE(table.learn(view(failed + myself('2', "1", "2") + other('3', "0", "4")), 0));
  EXPECT_EQ(at(table, 0), "10.0.0.3:7001");
  EXPECT_FALSE(table.learn(view(myself('1', "0", "1") + other('2', "1", "2")), 0));
  EXPECT_EQ(at(table, 0), "10.0.0.3:7001");
}

TEST(SlotTable, FailedMaster_ServesAgainWhenTheClusterSaysSo) {
  SlotTable table;
  table.learn(view(myself('1', "0") + other('2', "1")), 0);
  EXPECT_TRUE(table.learn(
      view(myself('1', "0") + line('2', "10.0.0.2:7001@17001", "master,fail", "1")), 0));
  EXPECT_EQ(at(table, 1), "");
  EXPECT_TRUE(table.learn(view(myself('1', "0") + other('2', "1")), 0));
  EXPECT_EQ(at(table, 1), "10.0.0.2:7001");
}

TEST(SlotTable, AddressOfAMaster_ChangesUnlessTheViewIsOlder) {
  SlotTable table;
  table.learn(view(myself('1', "0", "3")), 0);
  EXPECT_FALSE(table.learn(view(line('1', "10.0.0.8:7001@17001", "myself,master", "0", "2")), 0));
  EXPECT_EQ(at(table, 0), "10.0.0.1:7001");
  EXPECT_TRUE(table.learn(view(line('1', "10.0.0.9:7001@17001", "myself,master", "0", "3")), 0));
  EXPECT_EQ(at(table, 0), "10.0.0.9:7001");
}

// A cluster that was made anew has other ids, and its epochs begin at 0.
TEST(SlotTable, MastersThatNobodyNames_LoseTheirSlotsAfterAWhile) {
  SlotTable table;
  table.learn(view(myself('1', "0", "9")), 1'000);
  const SlotTable again = view(line('2', "10.0.0.1:7001@17001", "myself,master", "0", "1"));
  EXPECT_FALSE(table.learn(again, 1'000 + SlotTable::kForgetMs - 1));
  EXPECT_EQ(table.masters()[0].id, id('1'));
  EXPECT_TRUE(table.learn(again, 1'000 + SlotTable::kForgetMs));
  ASSERT_EQ(table.masters().size(), 1U);
  EXPECT_EQ(table.masters()[0].id, id('2'));
}

}  // namespace
}  // namespace wsd::engine
