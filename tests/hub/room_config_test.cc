#include "hub/room_config.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "hub/fake_member.h"
#include "hub/hub.h"
#include "hub/shard.h"

namespace wsd::hub {
namespace {

constexpr HistoryLimits kKept{1000, std::size_t{1} << 20, 1000, std::size_t{1} << 30};

TEST(RoomConfigTable, FirstMatchingRule_Applies) {
  const RoomConfigTable rules(
      {{"quotes-*", {SlowPolicy::kLatestOnly, {}}}, {"*", {SlowPolicy::kDropNewest, kKept}}},
      {SlowPolicy::kDropOldest, {}});
  EXPECT_EQ(rules.of("quotes-eur").slow_policy, SlowPolicy::kLatestOnly);
  EXPECT_EQ(rules.of("quotes-eur").history.messages, 0U);
  EXPECT_EQ(rules.of("quotes").slow_policy, SlowPolicy::kDropNewest);
  EXPECT_EQ(rules.of("quotes").history.messages, kKept.messages);
}

TEST(RoomConfigTable, NoMatchingRule_UsesTheDefaults) {
  const RoomConfigTable rules({{"a", {SlowPolicy::kLatestOnly, {}}}}, {{}, kKept});
  EXPECT_FALSE(rules.of("b").slow_policy.has_value());
  EXPECT_EQ(rules.of("b").history.messages, kKept.messages);
}

// Records the slow policy of each batch.
class RuledMember final : public Member {
 public:
  void deliver(const Batch& batch) override { rules.push_back(batch.slow_rule()); }
  void deliver(const SharedBytes&) override {}
  void close(CloseCause, CloseCode, std::string_view) override {}
  void join_refused(std::string_view, JoinRefusal) override {}
  void on_deadline(Tick) override {}

  std::vector<SlowPolicyFor> rules;
};

TEST(RoomConfigTable, Batch_CarriesTheSlowPolicyAndTheRoom) {
  Shard::Options options;
  options.rooms = {{"room-1-*", {SlowPolicy::kLatestOnly, {}}}};
  ManualHub hub(2, options);
  const std::string plain = hub.room_at(0);
  const std::string names[] = {hub.room_at(0, 1), hub.room_at(1, 1)};
  RuledMember member;
  hub.shard(0).add(member);
  for (const std::string& room : {plain, names[0], names[1]}) {
    hub.shard(0).join(member, room);
    hub.settle();
    for (int i = 0; i < 2; ++i) {
      hub.shard(0).publish(room, frame_of("x"));
      hub.settle();
    }
  }
  ASSERT_EQ(member.rules.size(), 6U);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_FALSE(member.rules[i].policy.has_value());
  for (std::size_t i = 2; i < 6; ++i) EXPECT_EQ(member.rules[i].policy, SlowPolicy::kLatestOnly);
  EXPECT_EQ(member.rules[2].room, member.rules[3].room);
  EXPECT_EQ(member.rules[4].room, member.rules[5].room);
  EXPECT_NE(member.rules[2].room, member.rules[4].room) << "homes on two shards";
  hub.shard(0).remove(member);
  hub.settle();
}

TEST(RoomConfigTable, ARoomOfItsOwnKeepsHistoryWhereOthersKeepNone) {
  Shard::Options options;
  options.rooms = {{"room-1-*", {{}, kKept}}};
  ManualHub hub(1, options);
  const std::string plain = hub.room_at(0);
  const std::string kept = hub.room_at(0, 1);
  for (const std::string& room : {plain, kept}) hub.shard(0).publish(room, frame_of("x"));
  hub.settle();
  EXPECT_EQ(hub.shard(0).home_count(), 1U) << "the room without members that has history";
  Since all;
  all.kind = Since::Kind::kLast;
  all.count = 10;
  for (const std::string& room : {plain, kept}) {
    FakeMember member;
    hub.shard(0).add(member);
    hub.shard(0).join(member, room, all);
    EXPECT_EQ(member.received.size(), room == kept ? 1U : 0U);
    hub.shard(0).remove(member);
    hub.settle();
  }
}

TEST(RoomConfigTable, ARoomOfItsOwnKeepsNoneWhereOthersDo) {
  Shard::Options options;
  options.history = kKept;
  options.rooms = {{"room-1-*", {}}};
  ManualHub hub(1, options);
  const std::string kept = hub.room_at(0);
  const std::string plain = hub.room_at(0, 1);
  for (const std::string& room : {plain, kept}) hub.shard(0).publish(room, frame_of("x"));
  hub.settle();
  EXPECT_EQ(hub.shard(0).home_count(), 1U);
}

}  // namespace
}  // namespace wsd::hub
