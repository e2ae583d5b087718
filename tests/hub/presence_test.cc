// The list of members, and the messages that tell of them, without a shard.
#include "hub/presence.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <new>
#include <string>
#include <variant>
#include <vector>

#include "hub/fake_member.h"

namespace wsd::hub {
namespace {

using Texts = std::vector<std::string>;

constexpr std::uint64_t kNode = 0xAB;

class Encoder final : public PresenceEncoder {
 public:
  SharedBytes presence_frame(const PresenceEvent& event) override {
    if (out_of_memory) throw std::bad_alloc();
    if (silent) return {};
    const char* const sign = event.kind == PresenceKind::kJoined ? "+" : "-";
    return frame_of(sign + std::string(event.info));
  }
  bool out_of_memory = false;
  bool silent = false;
};

// Publishes when the test says so.
class Sink final : public PresenceSink {
 public:
  void count_presence(Mail& message) noexcept override { ++counted, message.cost = 1; }
  void publish_presence(std::unique_ptr<Mail> message) noexcept override {
    texts.emplace_back(as_text(std::get<PublishMail>(message->body).frame.bytes()));
    under_way.push_back(std::move(message));
  }
  void drop_presence(std::unique_ptr<Mail> /*message*/) noexcept override { --counted; }
  // Answers the oldest message.
  void answer(const Position& position) {
    const std::unique_ptr<Mail> first = std::move(under_way.front());
    under_way.pop_front();
    --counted;
    std::get<PublishMail>(first->body).receipt->run({0, position});
  }
  void place() { answer({1, 1}); }
  void refuse() { answer(kRefusedPosition); }

  Texts texts;
  std::deque<std::unique_ptr<Mail>> under_way;
  int counted = 0;
};

struct Scene {
  [[nodiscard]] Texts listed(const MembersQuery& query = {}) const {
    Texts infos;
    for (const RoomMember& each : presence.page("room", query).members) infos.push_back(each.info);
    return infos;
  }
  void join(ConnectionId member, std::string_view info) { presence.joined("room", member, info); }
  void leave(ConnectionId member) { presence.left("room", member); }

  Encoder encoder;
  Sink sink;
  Presence presence{kNode, sink};
  Scene() { presence.set_encoder(&encoder); }
  ~Scene() { EXPECT_EQ(sink.counted, static_cast<int>(sink.under_way.size())); }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;
};

TEST(Presence, MemberIsListedWhenItsMessageHasItsPosition) {
  Scene scene;
  scene.join(1, "ann");
  EXPECT_EQ(scene.sink.texts, Texts{"+ann"});
  EXPECT_EQ(scene.listed(), Texts{});
  scene.sink.place();
  EXPECT_EQ(scene.listed(), Texts{"ann"});
  scene.leave(1);
  EXPECT_EQ(scene.listed(), Texts{"ann"});
  scene.sink.place();
  EXPECT_EQ(scene.listed(), Texts{});
  EXPECT_EQ(scene.sink.texts, (Texts{"+ann", "-ann"}));
  EXPECT_EQ(scene.presence.size(), 0U);
}

TEST(Presence, LeaveBeforeTheReceiptOfTheJoin_WaitsForIt) {
  Scene scene;
  scene.join(1, "ann");
  scene.leave(1);
  scene.join(1, "anna");
  EXPECT_EQ(scene.sink.texts, Texts{"+ann"});
  scene.sink.place();
  EXPECT_EQ(scene.sink.texts, (Texts{"+ann", "-ann"}));
  scene.sink.place();
  EXPECT_EQ(scene.sink.texts, (Texts{"+ann", "-ann", "+anna"}));
  scene.sink.place();
  EXPECT_EQ(scene.listed(), Texts{"anna"});
}

TEST(Presence, RefusedJoin_IsListedAndItsLeaveIsNotPublished) {
  for (const bool early : {false, true}) {
    Scene scene;
    scene.join(1, "ann");
    if (early) scene.leave(1);
    scene.sink.refuse();
    if (!early) {
      EXPECT_EQ(scene.listed(), Texts{"ann"});
      scene.leave(1);
    }
    EXPECT_EQ(scene.sink.texts, Texts{"+ann"}) << early;
    EXPECT_EQ(scene.presence.size(), 0U) << early;
  }
}

TEST(Presence, SecondLeave_IsNotPublishedIfTheJoinBetweenWasNot) {
  Scene scene;
  scene.join(1, "ann");
  scene.sink.place();
  scene.leave(1);
  scene.leave(1);
  scene.sink.place();
  EXPECT_EQ(scene.sink.texts, (Texts{"+ann", "-ann"}));
  EXPECT_EQ(scene.presence.size(), 0U);
}

TEST(Presence, DiscardedJoin_HasNoLeave) {
  Scene scene;
  scene.join(1, "ann");
  scene.leave(1);
  scene.sink.answer({});
  EXPECT_EQ(scene.sink.texts, Texts{"+ann"});
  EXPECT_EQ(scene.presence.size(), 0U);
}

TEST(Presence, JoinWithUnknownOutcome_HasALeave) {
  Scene scene;
  scene.join(1, "ann");
  scene.sink.answer(kUnknownPosition);
  scene.leave(1);
  EXPECT_EQ(scene.sink.texts, (Texts{"+ann", "-ann"}));
  scene.sink.place();
}

TEST(Presence, RefusedLeave_EndsTheMember) {
  Scene scene;
  scene.join(1, "ann");
  scene.sink.place();
  scene.leave(1);
  scene.sink.refuse();
  EXPECT_EQ(scene.listed(), Texts{});
  EXPECT_EQ(scene.presence.size(), 0U);
}

TEST(Presence, EncoderReturnsNothing_ListsWithoutMessages) {
  Scene scene;
  scene.encoder.silent = true;
  scene.join(1, "ann");
  EXPECT_EQ(scene.listed(), Texts{"ann"});
  scene.encoder.silent = false;
  scene.leave(1);
  EXPECT_EQ(scene.sink.texts, Texts{});
  EXPECT_EQ(scene.presence.size(), 0U);
}

TEST(Presence, EncoderReturnsNothingForTheLeave_EndsTheMember) {
  Scene scene;
  scene.join(1, "ann");
  scene.sink.place();
  scene.encoder.silent = true;
  scene.leave(1);
  EXPECT_EQ(scene.presence.size(), 0U);
  EXPECT_EQ(scene.sink.texts, Texts{"+ann"});
}

TEST(Presence, OutOfMemory_ChangesNothing) {
  Scene scene;
  scene.encoder.out_of_memory = true;
  EXPECT_THROW(scene.join(1, "ann"), std::bad_alloc);
  EXPECT_EQ(scene.presence.size(), 0U);
  scene.encoder.out_of_memory = false;
  scene.join(1, "ann");
  scene.sink.place();
  scene.encoder.out_of_memory = true;
  EXPECT_THROW(scene.leave(1), std::bad_alloc);
  EXPECT_EQ(scene.listed(), Texts{"ann"});
}

TEST(Presence, LeaveOfAStranger_DoesNothing) {
  Scene scene;
  scene.leave(1);
  scene.join(1, "ann");
  scene.leave(2);
  EXPECT_EQ(scene.sink.texts, Texts{"+ann"});
  scene.sink.place();
}

TEST(Presence, PagesListEachMemberOnce) {
  Scene scene;
  Texts expected;
  for (ConnectionId member = 1; member <= 25; ++member) {
    scene.join(member * 7, std::to_string(member));
    scene.sink.place();
    expected.push_back(std::to_string(member));
  }
  for (const std::uint32_t limit : {1U, 5U, 7U, 24U, 25U, 26U}) {
    Texts seen;
    MembersQuery query{limit, {}};
    for (bool more = true; more;) {
      const RoomMembers page = scene.presence.page("room", query);
      EXPECT_TRUE(page.presence);
      ASSERT_FALSE(page.members.empty());
      for (const RoomMember& each : page.members) seen.push_back(each.info);
      query.after = page.members.back().id;
      more = page.more;
    }
    EXPECT_EQ(seen, expected) << limit;
  }
}

TEST(Presence, PageGoesOnAfterAMemberThatHasLeft) {
  Scene scene;
  for (ConnectionId member = 1; member <= 3; ++member) {
    scene.join(member, std::to_string(member));
    scene.sink.place();
  }
  scene.leave(2);
  scene.sink.place();
  EXPECT_EQ(scene.listed({100, member_id(kNode, 2)}), Texts{"3"});
  EXPECT_EQ(scene.listed({100, member_id(kNode, 3)}), Texts{});
}

TEST(Presence, LimitsOutsideTheRange_CountAsTheNearest) {
  Scene scene;
  for (ConnectionId member = 1; member <= kMaxMembersPage + 1; ++member) {
    scene.join(member, "x");
    scene.sink.place();
  }
  EXPECT_EQ(scene.presence.page("room", {0, {}}).members.size(), 1U);
  const RoomMembers page = scene.presence.page("room", {~std::uint32_t{0}, {}});
  EXPECT_EQ(page.members.size(), kMaxMembersPage);
  EXPECT_TRUE(page.more);
}

TEST(Presence, AfterIsAnyText) {
  Scene scene;
  scene.join(1, "ann");
  scene.sink.place();
  EXPECT_EQ(scene.listed({100, "0"}), Texts{"ann"});
  EXPECT_EQ(scene.listed({100, "zzz"}), Texts{});
  EXPECT_EQ(scene.listed({100, std::string(1'000, '0')}), Texts{"ann"});
  EXPECT_EQ(scene.listed({100, member_id(kNode + 1, 0)}), Texts{});
  EXPECT_EQ(scene.listed({100, member_id(kNode - 1, 5)}), Texts{"ann"});
}

TEST(Presence, IdsHaveTheNumbersOfTheServerAndTheConnection) {
  EXPECT_EQ(member_id(0xAB, 0x1234), "00000000000000ab0000000000001234");
  EXPECT_EQ(member_id(~std::uint64_t{0}, ~std::uint64_t{0}), std::string(32, 'f'));
}

}  // namespace
}  // namespace wsd::hub
