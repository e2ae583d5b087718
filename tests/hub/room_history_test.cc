#include "hub/room_history.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/allocation.h"
#include "hub/fake_member.h"

namespace wsd::hub {
namespace {

using Texts = std::vector<std::string>;

constexpr HistoryLimits kRoomy{1000, std::size_t{1} << 20, 1000, std::size_t{1} << 30};

// Writes encoding and position into each frame, and counts the calls.
class SayingEncoder final : public Encoder {
 public:
  SharedBytes encode(const SharedBytes& plain, Encoding encoding,
                     const Position& position) override {
    ++asked;
    if (too_much_work) return {};
    return frame_of(std::to_string(encoding) + "@" + position_text(position) + "=" +
                    std::string(as_text(plain.bytes())));
  }
  // Like deflate's: a smaller one serves a larger one, and 1 is not worth storing instead.
  [[nodiscard]] bool serves(Encoding stored, Encoding wanted) const noexcept override {
    return stored == wanted || (stored > 1 && stored < wanted);
  }
  [[nodiscard]] bool replaces(Encoding made, Encoding) const noexcept override { return made != 1; }
  int asked = 0;
  bool too_much_work = false;
};

Texts texts_of(const std::vector<SharedBytes>& frames) {
  Texts texts;
  for (const SharedBytes& each : frames) texts.emplace_back(as_text(each.bytes()));
  return texts;
}

void append(RoomHistory& history, std::string_view text, Tick now = 0) {
  history.reserve(now);
  history.append(frame_of(text), now);
}

// Returns what a message of that size counts, without the ring.
std::size_t message_bytes(std::size_t size) {
  return frame_of(std::string(size, 'x')).memory_bytes();
}
// Returns what a ring counts that has grown to that many messages.
std::size_t ring_bytes(std::size_t entries) { return allocation_bytes(entries * 24); }

Texts all(RoomHistory& history) {
  return texts_of(history.last(history.size(), kIdentity, nullptr, {1, history.size()}));
}

TEST(RoomHistory, KeepsTheLastMessages) {
  const HistoryLimits limits{3, 1000, 1000, 1000};
  std::size_t total = 0;
  RoomHistory history(limits, total);
  EXPECT_TRUE(history.empty());
  for (int i = 1; i <= 10; ++i) {
    append(history, std::to_string(i));
    EXPECT_EQ(history.size(), static_cast<std::size_t>(std::min(i, 3)));
  }
  EXPECT_EQ(all(history), (Texts{"8", "9", "10"}));
  EXPECT_EQ(texts_of(history.last(2, kIdentity, nullptr, {1, 10})), (Texts{"9", "10"}));
  EXPECT_EQ(texts_of(history.last(0, kIdentity, nullptr, {1, 10})), Texts{});
}

TEST(RoomHistory, AnyNumberOfThemInTheirOrder) {
  for (std::uint32_t limit = 1; limit <= 40; ++limit) {
    const HistoryLimits limits{limit, 1 << 20, 1000, 1 << 20};
    std::size_t total = 0;
    RoomHistory history(limits, total);
    Texts expected;
    for (int i = 0; i < 100; ++i) {
      append(history, std::to_string(i));
      expected.push_back(std::to_string(i));
      if (expected.size() > limit) expected.erase(expected.begin());
      ASSERT_EQ(all(history), expected) << "of " << limit;
    }
  }
}

TEST(RoomHistory, SharesTheFrames) {
  std::size_t total = 0;
  RoomHistory history(kRoomy, total);
  const SharedBytes frame = frame_of("one");
  history.reserve(0);
  history.append(frame, 0);
  EXPECT_EQ(history.last(1, kIdentity, nullptr, {1, 1}).front().bytes().data(),
            frame.bytes().data());
}

TEST(RoomHistory, RemovedMessages_KeepTheirEntries) {
  std::size_t total = 0;
  RoomHistory history(kRoomy, total);
  for (int i = 1; i <= 5; ++i) append(history, std::to_string(i));
  const std::size_t before = history.bytes();
  EXPECT_EQ(history.remove(1), 1U);
  EXPECT_EQ(history.remove(1), 0U) << "removed already";
  EXPECT_EQ(history.bytes(), before - message_bytes(1));
  EXPECT_EQ(history.size(), 5U);
  EXPECT_EQ(all(history), (Texts{"1", "3", "4", "5"}));
  EXPECT_EQ(history.reach(3), 3U);
  EXPECT_EQ(history.reach(4), 5U);
  EXPECT_EQ(history.reach(9), 5U);
  EXPECT_EQ(history.remove_all(), 4U);
  EXPECT_EQ(history.remove_all(), 0U);
  EXPECT_EQ(history.bytes(), ring_bytes(8));
  EXPECT_EQ(all(history), Texts{});
  append(history, "6");
  EXPECT_EQ(all(history), Texts{"6"});
  history.expire(kRoomy.age);
  EXPECT_TRUE(history.empty());
  EXPECT_EQ(total, 0U);
}

TEST(RoomHistory, RemovedMessage_LosesItsEncodedCopyToo) {
  std::size_t total = 0;
  RoomHistory history(kRoomy, total);
  SayingEncoder encoder;
  append(history, "1");
  append(history, "2");
  EXPECT_EQ(texts_of(history.last(2, 2, &encoder, {1, 2})).size(), 2U);
  EXPECT_EQ(history.remove_all(), 2U);
  EXPECT_EQ(history.bytes(), ring_bytes(4));
  EXPECT_EQ(texts_of(history.last(2, 2, &encoder, {1, 2})), Texts{});
  history.expire(kRoomy.age);
  EXPECT_EQ(total, 0U) << "each copy was counted once";
}

TEST(RoomHistory, DropsAgedMessages) {
  const HistoryLimits limits{100, 1 << 20, 10, 1 << 20};
  std::size_t total = 0;
  RoomHistory history(limits, total);
  append(history, "a", 100);
  append(history, "b", 105);
  EXPECT_EQ(history.due(105), 110U);
  history.expire(109);
  EXPECT_EQ(all(history), (Texts{"a", "b"}));
  history.expire(110);
  EXPECT_EQ(all(history), (Texts{"b"}));
  append(history, "c", 200);
  EXPECT_EQ(all(history), (Texts{"c"}));
  history.expire(210);
  EXPECT_TRUE(history.empty());
  EXPECT_EQ(total, 0U);
}

TEST(RoomHistory, DropsTheOldestBeyondItsBytes) {
  const HistoryLimits limits{3, ring_bytes(3) + 3 * message_bytes(100), 1000, 1 << 20};
  std::size_t total = 0;
  RoomHistory history(limits, total);
  const std::string hundred(100, 'x');
  for (int i = 0; i < 5; ++i) append(history, hundred);
  EXPECT_EQ(history.size(), 3U);
  EXPECT_EQ(history.bytes(), limits.bytes);
  EXPECT_EQ(total, limits.bytes);
  append(history, std::string(200, 'y'));  // displaces two messages
  EXPECT_EQ(all(history), (Texts{hundred, std::string(200, 'y')}));
  append(history, std::string(10'000, 'z'));  // the history has no gap
  EXPECT_TRUE(history.empty());
  EXPECT_EQ(history.bytes(), 0U);
  EXPECT_EQ(total, 0U);
  append(history, hundred);
  EXPECT_EQ(all(history), (Texts{hundred}));
}

TEST(RoomHistory, RingThatMayNotGrow_DropsTheOldestMessageOnly) {
  const HistoryLimits limits{1000, ring_bytes(4) + 20 * message_bytes(1), 1000, 1 << 20};
  std::size_t total = 0;
  RoomHistory history(limits, total);
  std::size_t most = 0;
  for (int i = 0; i < 100; ++i) {
    append(history, "x");
    EXPECT_LE(history.bytes(), limits.bytes);
    EXPECT_GE(history.size(), most) << "a larger ring has displaced messages";
    most = history.size();
  }
  EXPECT_GE(most, 10U);
}

TEST(RoomHistory, LimitThatHoldsNoRing_KeepsNothing) {
  const HistoryLimits limits{1000, ring_bytes(4) - 1, 1000, 1 << 20};
  std::size_t total = 0;
  RoomHistory history(limits, total);
  append(history, "x");
  EXPECT_TRUE(history.empty());
  EXPECT_EQ(total, 0U);
}

TEST(RoomHistory, RoomCountsInTheTotalWhileItHasMessages) {
  const HistoryLimits limits{10, 1 << 20, 10, 1 << 20};
  constexpr std::size_t kRoom = 500;
  std::size_t total = 0;
  RoomHistory history(limits, total, kRoom);
  EXPECT_EQ(total, 0U);
  append(history, "a", 0);
  append(history, "b", 0);
  EXPECT_EQ(total, history.bytes() + kRoom);
  history.expire(10);
  EXPECT_EQ(total, 0U);
  append(history, "c", 20);
  EXPECT_EQ(total, history.bytes() + kRoom);
  history.clear();
  EXPECT_EQ(total, 0U);
}

TEST(RoomHistory, FewMessagesAfterMany_ShrinkTheRing) {
  const HistoryLimits limits{1000, 1 << 20, 10, 1 << 20};
  std::size_t total = 0;
  RoomHistory history(limits, total);
  for (int i = 0; i < 1000; ++i) append(history, "x", 0);
  append(history, "y", 5);
  append(history, "z", 10);
  EXPECT_EQ(all(history), (Texts{"y", "z"}));
  EXPECT_LE(history.bytes(), ring_bytes(8) + 2 * message_bytes(1));
  EXPECT_EQ(total, history.bytes());
}

TEST(RoomHistory, WhereTheShardHasNoMoreTheNewcomerYields) {
  const HistoryLimits limits{8, 1 << 20, 1000, 2 * ring_bytes(8) + 9 * message_bytes(100)};
  const std::string hundred(100, 'x');
  std::size_t total = 0;
  RoomHistory first(limits, total);
  RoomHistory second(limits, total);
  for (int i = 0; i < 8; ++i) append(first, hundred);
  EXPECT_EQ(total, ring_bytes(8) + 8 * message_bytes(100));
  append(second, hundred);
  EXPECT_EQ(first.size(), 8U);
  EXPECT_EQ(second.size(), 1U);
  append(second, hundred);
  append(second, std::string(150, 'y'));
  EXPECT_EQ(all(second), (Texts{std::string(150, 'y')}));
  append(second, std::string(1000, 'z'));
  EXPECT_EQ(second.size(), 0U);
  EXPECT_EQ(first.size(), 8U);
  first.clear();
  EXPECT_EQ(total, 0U);
}

// After each step, the counts are exact, the limits hold, and each history has the last messages.
TEST(RoomHistory, RandomScript_CountsExactlyWithinAllLimits) {
  constexpr std::size_t kRoom = 300;
  constexpr std::size_t kRooms = 8;
  const HistoryLimits limits{40, 8'000, 50, 20'000};
  std::mt19937_64 random(3);
  SayingEncoder encoder;
  std::size_t total = 0;
  std::vector<std::unique_ptr<RoomHistory>> rooms;
  std::vector<Texts> published(kRooms);
  for (std::size_t i = 0; i < kRooms; ++i) {
    rooms.push_back(std::make_unique<RoomHistory>(limits, total, kRoom));
  }
  Tick now = 1000;
  for (int step = 0; step < 20'000; ++step) {
    const std::size_t i = random() % kRooms;
    RoomHistory& room = *rooms[i];
    const std::uint64_t dice = random() % 100;
    if (dice < 80) {
      const std::size_t size = random() % 20 == 0 ? random() % 9'000 : random() % 200;
      published[i].push_back(std::to_string(step) + std::string(size, '.'));
      append(room, published[i].back(), now);
    } else if (dice < 90) {
      now += random() % 10;
      room.expire(now);
    } else if (!room.empty()) {
      const std::size_t count = 1 + random() % room.size();
      static_cast<void>(room.last(count, 9, &encoder, {1, published[i].size()}));
    }
    std::size_t expected = 0;
    for (const auto& each : rooms) {
      expected += each->bytes() + (each->empty() ? 0 : kRoom);
      ASSERT_LE(each->bytes(), limits.bytes);
      ASSERT_LE(each->size(), limits.messages);
    }
    ASSERT_EQ(total, expected);
    ASSERT_LE(total, limits.total_bytes);
    const Texts& all_of_room = published[i];
    ASSERT_EQ(all(room), Texts(all_of_room.end() - static_cast<std::ptrdiff_t>(room.size()),
                               all_of_room.end()));
  }
  rooms.clear();
  EXPECT_EQ(total, 0U);
}

TEST(RoomHistory, MakesEachEncodingOnceForItsPlace) {
  SayingEncoder encoder;
  std::size_t total = 0;
  RoomHistory history(kRoomy, total);
  for (const char* each : {"a", "b", "c"}) append(history, each);
  const Texts two = {"9@5:42=b", "9@5:43=c"};
  EXPECT_EQ(texts_of(history.last(2, 9, &encoder, {5, 43})), two);
  EXPECT_EQ(encoder.asked, 2);
  EXPECT_EQ(texts_of(history.last(3, 9, &encoder, {5, 43})),
            (Texts{"9@5:41=a", "9@5:42=b", "9@5:43=c"}));
  EXPECT_EQ(encoder.asked, 3);
  EXPECT_EQ(history.bytes(), ring_bytes(4) + 3 * (message_bytes(1) + message_bytes(8)));
  EXPECT_EQ(total, history.bytes());
  EXPECT_EQ(texts_of(history.last(1, 1, &encoder, {5, 43})), (Texts{"1@5:43=c"}));
  EXPECT_EQ(texts_of(history.last(1, kIdentity, &encoder, {5, 43})), (Texts{"c"}));
  history.clear();
  EXPECT_EQ(total, 0U);
}

// However joiners alternate, each message is encoded at most once for each smaller window.
TEST(RoomHistory, AlternatingEncodings_AreNotMadeAgain) {
  SayingEncoder encoder;
  std::size_t total = 0;
  RoomHistory history(kRoomy, total);
  for (const char* each : {"a", "b"}) append(history, each);
  const auto replay = [&](Encoding encoding) {
    return texts_of(history.last(2, encoding, &encoder, {5, 2}));
  };
  EXPECT_EQ(replay(15), (Texts{"15@5:1=a", "15@5:2=b"}));
  EXPECT_EQ(replay(9), (Texts{"9@5:1=a", "9@5:2=b"}));
  EXPECT_EQ(encoder.asked, 4);
  for (int i = 0; i < 10; ++i) {
    for (const Encoding each : {Encoding{15}, Encoding{9}, Encoding{12}}) {
      EXPECT_EQ(replay(each), (Texts{"9@5:1=a", "9@5:2=b"})) << "it serves larger windows";
    }
  }
  EXPECT_EQ(encoder.asked, 4);
  EXPECT_EQ(replay(1), (Texts{"1@5:1=a", "1@5:2=b"}));
  EXPECT_EQ(encoder.asked, 6);
  EXPECT_EQ(replay(15), (Texts{"9@5:1=a", "9@5:2=b"})) << "the costly encoding is still stored";
  EXPECT_EQ(encoder.asked, 6);
  EXPECT_EQ(history.bytes(), ring_bytes(4) + 2 * (message_bytes(1) + message_bytes(7)));
}

// A replay that would be too much work for the turn is sent in the plain encoding, and made later.
TEST(RoomHistory, TooMuchWork_ReplaysPlainFramesAndStoresNone) {
  SayingEncoder encoder;
  std::size_t total = 0;
  RoomHistory history(kRoomy, total);
  append(history, "a");
  encoder.too_much_work = true;
  EXPECT_EQ(texts_of(history.last(1, 9, &encoder, {5, 1})), Texts{"a"});
  EXPECT_EQ(history.bytes(), ring_bytes(4) + message_bytes(1));
  encoder.too_much_work = false;
  EXPECT_EQ(texts_of(history.last(1, 9, &encoder, {5, 1})), Texts{"9@5:1=a"});
}

TEST(RoomHistory, AnEncodingCostsNoMessage) {
  SayingEncoder encoder;
  const HistoryLimits limits{100, ring_bytes(4) + 3 * message_bytes(1), 1000, 1 << 20};
  std::size_t total = 0;
  RoomHistory history(limits, total);
  for (const char* each : {"a", "b", "c"}) append(history, each);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(texts_of(history.last(3, 9, &encoder, {5, 3})),
              (Texts{"9@5:1=a", "9@5:2=b", "9@5:3=c"}));
    EXPECT_EQ(history.size(), 3U);
    EXPECT_EQ(history.bytes(), limits.bytes);
  }
  EXPECT_EQ(encoder.asked, 6);
}

}  // namespace
}  // namespace wsd::hub
