// Rooms with presence over several shards, with and without an engine.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "hub/fake_engine.h"
#include "hub/fake_member.h"
#include "hub/fake_order_engine.h"

namespace wsd::hub {
namespace {

using Texts = std::vector<std::string>;

constexpr HistoryLimits kRoomy{1000, std::size_t{1} << 20, 1000, std::size_t{1} << 30};

class Signs final : public PresenceEncoder {
 public:
  SharedBytes presence_frame(const PresenceEvent& event) override {
    if (out_of_memory) throw std::bad_alloc();
    return frame_of((event.kind == PresenceKind::kJoined ? "+" : "-") + std::string(event.info));
  }
  bool out_of_memory = false;
};

class Page final : public MembersCallback {
 public:
  explicit Page(RoomMembers& page) : page_(page) {}
  void run(const RoomMembers& members) noexcept override { page_ = members; }

 private:
  RoomMembers& page_;
};

Shard::Options with_presence(const HistoryLimits& history = {}) {
  Shard::Options options;
  options.history = history;
  options.presence = true;
  options.node = 5;
  return options;
}

// A room with its home on shard 0.
struct Scene {
  explicit Scene(std::uint32_t shards = 2, const Shard::Options& options = with_presence())
      : hub(shards, options), name(hub.room_at(0)) {
    for (std::uint32_t i = 0; i < shards; ++i) hub.shard(i).set_presence_encoder(&encoder);
  }
  ~Scene() { close(); }
  void close() {
    if (std::exchange(closed, true)) return;
    encoder.out_of_memory = false;
    for (Joined& each : members) {
      if (each.member != nullptr) hub.shard(each.shard).remove(*each.member);
    }
    if (finish) finish();
    hub.settle();
    for (std::uint32_t i = 0; i < hub.size(); ++i) {
      EXPECT_EQ(hub.shard(i).publish_gate().queued(), 0U) << i;
      EXPECT_EQ(hub.shard(i).deliver_gate().queued(), 0U) << i;
    }
    EXPECT_TRUE(page().members.empty());
  }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  FakeMember& add(std::uint32_t shard) {
    members.push_back({std::make_unique<FakeMember>(), shard});
    hub.shard(shard).add(*members.back().member);
    return *members.back().member;
  }
  FakeMember& join(std::uint32_t shard, std::string_view info, const Since& since = {}) {
    FakeMember& member = add(shard);
    hub.shard(shard).join(member, name, since, info);
    hub.settle();
    return member;
  }
  void leave(FakeMember& member) {
    hub.shard(shard_of(member.id())).leave(member, name);
    hub.settle();
  }
  void end(FakeMember& member) {
    hub.shard(shard_of(member.id())).remove(member);
    for (Joined& each : members) {
      if (each.member.get() == &member) each.member = nullptr;
    }
    hub.settle();
  }
  RoomMembers page(const MembersQuery& query = {}) {
    RoomMembers page;
    hub.shard(0).members(name, query, std::make_unique<Page>(page));
    hub.settle();
    return page;
  }
  Texts listed() {
    Texts infos;
    for (const RoomMember& each : page().members) infos.push_back(each.info);
    std::sort(infos.begin(), infos.end());
    return infos;
  }

  struct Joined {
    std::unique_ptr<FakeMember> member;
    std::uint32_t shard = 0;
  };
  Signs encoder;
  ManualHub hub;
  std::string name;
  std::deque<Joined> members;
  std::function<void()> finish;  // before the last turns
  bool closed = false;
};

// Declared after an engine, because the scene needs the engine until its end.
class CloseAtEnd {
 public:
  CloseAtEnd(Scene& scene, std::function<void()> finish) : scene_(scene) {
    scene.finish = std::move(finish);
  }
  ~CloseAtEnd() { scene_.close(); }
  CloseAtEnd(const CloseAtEnd&) = delete;
  CloseAtEnd& operator=(const CloseAtEnd&) = delete;

 private:
  Scene& scene_;
};

TEST(ShardPresence, MembersSeeJoinsAndLeavesInOrder) {
  for (const std::uint32_t shards : {1U, 2U}) {
    for (std::uint32_t other = 0; other < shards; ++other) {
      Scene scene(shards);
      FakeMember& ann = scene.join(0, "ann");
      FakeMember& bob = scene.join(other, "bob");
      scene.hub.shard(0).publish(scene.name, frame_of("hello"));
      scene.leave(bob);
      EXPECT_EQ(ann.received, (Texts{"+ann", "+bob", "hello", "-bob"}));
      EXPECT_EQ(bob.received, (Texts{"+bob", "hello"}));
      EXPECT_EQ(scene.listed(), Texts{"ann"});
    }
  }
}

TEST(ShardPresence, EndOfAConnection_IsALeave) {
  for (const std::uint32_t shard : {0U, 1U}) {
    Scene scene;
    FakeMember& ann = scene.join(0, "ann");
    FakeMember& bob = scene.join(shard, "bob");
    scene.end(bob);
    EXPECT_EQ(ann.received, (Texts{"+ann", "+bob", "-bob"}));
  }
}

TEST(ShardPresence, RoomWithoutPresence_HasNoMessagesAndNoList) {
  Shard::Options options = with_presence();
  options.rooms = {{"room-*", {}}};
  Scene scene(2, options);
  FakeMember& ann = scene.join(1, "ann");
  EXPECT_TRUE(ann.received.empty());
  EXPECT_FALSE(scene.page().presence);
}

TEST(ShardPresence, RuleOfTheRoom_DecidesAgainstTheServer) {
  Shard::Options options;
  RoomConfig with;
  with.presence = true;
  options.rooms = {{"room-*", with}};
  Scene scene(2, options);
  FakeMember& ann = scene.join(1, "ann");
  EXPECT_EQ(ann.received, Texts{"+ann"});
  EXPECT_TRUE(scene.page().presence);
}

TEST(ShardPresence, SecondJoin_IsIgnored) {
  Scene scene;
  FakeMember& ann = scene.join(1, "ann");
  scene.hub.shard(1).join(ann, scene.name, {}, "another");
  scene.hub.settle();
  EXPECT_EQ(ann.received, Texts{"+ann"});
  EXPECT_EQ(scene.listed(), Texts{"ann"});
}

TEST(ShardPresence, ReplayComesBeforeTheOwnJoin_AndHasThoseOfOthers) {
  for (const std::uint32_t shard : {0U, 1U}) {
    Scene scene(2, with_presence(kRoomy));
    FakeMember& ann = scene.join(0, "ann");
    scene.leave(ann);
    FakeMember& bob = scene.join(shard, "bob", Since::last(10));
    EXPECT_EQ(bob.received, (Texts{"+ann", "-ann", "+bob"}));
  }
}

TEST(ShardPresence, OtherThreadsJoinWithAnInfo) {
  for (const std::uint32_t shard : {0U, 1U}) {
    Scene scene;
    FakeMember& ann = scene.add(shard);
    EXPECT_EQ(scene.hub.hub().join(ann.id(), scene.name, {}, "ann"), SendResult::kSent);
    FakeMember& bob = scene.add(shard);
    scene.hub.shard(1 - shard).join_away(bob.id(), scene.name, {}, "bob");
    scene.hub.settle();
    EXPECT_EQ(scene.listed(), (Texts{"ann", "bob"}));
  }
}

TEST(ShardPresence, OtherThreadsAndShardsGetThePage) {
  Scene scene;
  FakeMember& ann = scene.join(1, "ann");
  RoomMembers own;
  RoomMembers other;
  scene.hub.shard(1).members(scene.name, {}, std::make_unique<Page>(own));
  EXPECT_EQ(scene.hub.hub().members(scene.name, {}, std::make_unique<Page>(other)),
            SendResult::kSent);
  scene.hub.settle();
  for (const RoomMembers& page : {own, other}) {
    ASSERT_EQ(page.members.size(), 1U);
    EXPECT_EQ(page.members[0].id, member_id(5, ann.id()));
    EXPECT_EQ(page.last.seq, 1U);
    EXPECT_TRUE(page.complete);
  }
}

TEST(ShardPresence, RefusedJoin_HasNoMessages) {
  Shard::Options options = with_presence();
  options.max_rooms = 1;
  Scene scene(2, options);
  FakeMember& first = scene.add(1);
  scene.hub.shard(1).join(first, scene.hub.room_at(0, 1), {}, "first");
  scene.hub.settle();
  FakeMember& ann = scene.join(1, "ann");
  EXPECT_EQ(ann.refusals.size(), 1U);
  EXPECT_TRUE(ann.received.empty());
  EXPECT_TRUE(scene.listed().empty());
}

TEST(ShardPresence, OutOfMemoryAtAJoin_ChangesNothing) {
  for (const std::uint32_t shard : {0U, 1U}) {
    Scene scene;
    FakeMember& bob = scene.join(0, "bob");
    FakeMember& ann = scene.add(shard);
    scene.encoder.out_of_memory = true;
    if (shard == 0) {
      EXPECT_THROW(scene.hub.shard(0).join(ann, scene.name, {}, "ann"), std::bad_alloc);
    } else {
      scene.hub.shard(1).join(ann, scene.name, {}, "ann");
      scene.hub.shard(0).drain();
      EXPECT_TRUE(scene.hub.shard(0).retry_needed());
    }
    EXPECT_EQ(scene.hub.shard(0).members_here(scene.name, {}).members.size(), 1U);
    scene.encoder.out_of_memory = false;
    if (shard == 0) scene.hub.shard(0).join(ann, scene.name, {}, "ann");
    scene.hub.settle();
    EXPECT_EQ(bob.received, (Texts{"+bob", "+ann"}));
  }
}

TEST(ShardPresence, OutOfMemoryAtALeave_IsTriedAgain) {
  Scene scene;
  FakeMember& bob = scene.join(0, "bob");
  FakeMember& ann = scene.join(0, "ann");
  FakeMember& eve = scene.join(1, "eve");
  scene.encoder.out_of_memory = true;
  EXPECT_THROW(scene.hub.shard(0).leave_all(ann), std::bad_alloc);
  scene.hub.shard(1).leave_all(eve);
  scene.hub.shard(0).drain();
  EXPECT_TRUE(scene.hub.shard(0).retry_needed());
  scene.encoder.out_of_memory = false;
  scene.hub.shard(0).leave_all(ann);
  scene.hub.settle();
  EXPECT_EQ(bob.received.size(), 5U);
  EXPECT_EQ(scene.listed(), Texts{"bob"});
}

TEST(ShardPresence, MessagesCloseTheGate_AndAllAreDelivered) {
  Shard::Options options = with_presence();
  options.max_pending_publishes = 2;
  Scene scene(2, options);
  FakeMember& first = scene.join(1, "first");
  PublishOutcome last = PublishOutcome::kAccepted;
  for (int i = 0; i < 5; ++i) {
    last = scene.hub.shard(0).join(scene.add(0), scene.name, {}, std::to_string(i));
  }
  EXPECT_EQ(last, PublishOutcome::kCongested);
  EXPECT_EQ(scene.hub.hub().publish(scene.name, frame_of("x")), SendResult::kCongested);
  scene.hub.settle();
  EXPECT_EQ(first.received.size(), 6U);
}

TEST(ShardPresence, LogKeepsTheMessagesBeforeTheyTakeEffect) {
  Scene scene(2, with_presence(kRoomy));
  FakeEngine engine(scene.hub.shard(0), true);
  FakeEngine other(scene.hub.shard(1), true);
  const CloseAtEnd closing(scene, [&] {
    for (int i = 0; i < 3; ++i) {
      engine.keep_all();
      scene.hub.settle();
    }
  });
  FakeMember& ann = scene.join(1, "ann");
  EXPECT_TRUE(ann.received.empty());
  engine.keep_all();
  scene.hub.settle();
  EXPECT_EQ(ann.received, Texts{"+ann"});
  EXPECT_EQ(scene.listed(), Texts{"ann"});
}

TEST(ShardPresence, LogRefusesTheJoin_SoTheLeaveIsNotPublished) {
  Scene scene(2, with_presence(kRoomy));
  FakeEngine engine(scene.hub.shard(0), true);
  FakeEngine other(scene.hub.shard(1), true);
  const CloseAtEnd closing(scene, [&] {
    for (int i = 0; i < 3; ++i) {
      engine.keep_all();
      scene.hub.settle();
    }
  });
  FakeMember& bob = scene.join(0, "bob");
  engine.keep_all();
  FakeMember& ann = scene.join(1, "ann");
  scene.end(ann);
  engine.lose(1);
  engine.lose(2);
  scene.hub.settle();
  engine.keep_all();
  scene.hub.settle();
  EXPECT_EQ(bob.received, Texts{"+bob"});
  EXPECT_EQ(scene.listed(), Texts{"bob"});
}

TEST(ShardPresence, OrderEngine_PlacesTheMessagesInTurn) {
  Scene scene(2, with_presence(kRoomy));
  FakeOrderEngine engine(scene.hub.shard(0));
  FakeOrderEngine other(scene.hub.shard(1));
  std::uint64_t seq = 0;
  const auto place = [&] {
    engine.place({7, ++seq});
    scene.hub.settle();
  };
  const CloseAtEnd closing(scene, [&] {
    scene.hub.settle();
    while (!engine.taken.empty()) place();
  });
  FakeMember& ann = scene.join(1, "ann");
  engine.begin({7, 0});
  scene.hub.settle();
  ASSERT_EQ(engine.taken.size(), 1U);
  place();
  EXPECT_EQ(ann.received, Texts{"+ann"});
  FakeMember& bob = scene.join(0, "bob");
  scene.end(bob);
  ASSERT_EQ(engine.taken.size(), 1U) << "the leave waits for the position of the join";
  place();
  ASSERT_EQ(engine.taken.size(), 1U);
  place();
  EXPECT_EQ(ann.received, (Texts{"+ann", "+bob", "-bob"}));
}

// Applies the messages to the members that they tell of.
class View {
 public:
  void apply(const std::string& text) {
    if (text[0] == '+') {
      EXPECT_TRUE(members.insert(text.substr(1)).second) << text;
    } else if (text[0] == '-') {
      EXPECT_EQ(members.erase(text.substr(1)), 1U) << text;
    }
  }
  std::set<std::string> members;
};

// Members join, leave and end at random. The witness is there from the start, so its view is the
// list at the end.
TEST(ShardPresence, RandomJoinsAndLeaves_ViewsAgreeWithTheList) {
  for (std::uint32_t seed = 1; seed <= 200; ++seed) {
    std::mt19937 random(seed);
    const auto dice = [&random](std::uint32_t sides) {
      return static_cast<std::uint32_t>(random() % sides);
    };
    Shard::Options options = with_presence(dice(2) == 0 ? HistoryLimits{} : kRoomy);
    options.max_pending_publishes = dice(2) == 0 ? 2 : 65'536;
    Scene scene(1 + dice(3), options);
    FakeMember& witness = scene.join(0, "witness");
    std::vector<FakeMember*> alive;
    int names = 0;
    for (int step = 0; step < 60; ++step) {
      const std::uint32_t what = dice(8);
      if (what < 3 || alive.empty()) {
        const std::uint32_t shard = dice(scene.hub.size());
        FakeMember& member = scene.add(shard);
        scene.hub.shard(shard).join(member, scene.name, {}, std::to_string(++names));
        alive.push_back(&member);
      } else if (what < 5) {
        FakeMember& member = *alive[dice(static_cast<std::uint32_t>(alive.size()))];
        scene.hub.shard(shard_of(member.id())).leave(member, scene.name);
      } else if (what == 5) {
        const auto index = dice(static_cast<std::uint32_t>(alive.size()));
        scene.hub.shard(shard_of(alive[index]->id())).leave_all(*alive[index]);
      } else if (what == 6) {
        FakeMember& member = *alive[dice(static_cast<std::uint32_t>(alive.size()))];
        scene.hub.shard(shard_of(member.id()))
            .join(member, scene.name, {}, std::to_string(++names));
      } else {
        const std::uint32_t shard = dice(scene.hub.size());
        scene.hub.shard(shard).drain();
        scene.hub.shard(shard).fan_out();
      }
    }
    scene.hub.settle();
    View view;
    for (const std::string& text : witness.received) view.apply(text);
    const Texts listed = scene.listed();
    EXPECT_EQ(view.members, std::set<std::string>(listed.begin(), listed.end())) << seed;
    const auto joined = std::count_if(
        alive.begin(), alive.end(), [&](FakeMember* member) { return member->is_in(scene.name); });
    EXPECT_EQ(listed.size(), static_cast<std::size_t>(joined) + 1) << seed;
  }
}

}  // namespace
}  // namespace wsd::hub
