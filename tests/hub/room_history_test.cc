#include "hub/room_history.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "base/sanitizers.h"
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
  history.reserve();
  history.append(frame_of(text), now);
}

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
  history.reserve();
  history.append(frame, 0);
  EXPECT_EQ(history.last(1, kIdentity, nullptr, {1, 1}).front().bytes().data(),
            frame.bytes().data());
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
  const HistoryLimits limits{100, 3 * (RoomHistory::kOverhead + 10), 1000, 1 << 20};
  std::size_t total = 0;
  RoomHistory history(limits, total);
  const std::string ten(10, 'x');
  for (int i = 0; i < 5; ++i) append(history, ten);
  EXPECT_EQ(history.size(), 3U);
  EXPECT_EQ(history.bytes(), limits.bytes);
  EXPECT_EQ(total, limits.bytes);
  append(history, std::string(84, 'y'));  // displaces two messages
  EXPECT_EQ(all(history), (Texts{ten, std::string(84, 'y')}));
  append(history, std::string(10'000, 'z'));  // the history has no gap
  EXPECT_TRUE(history.empty());
  EXPECT_EQ(total, 0U);
  append(history, ten);
  EXPECT_EQ(all(history), (Texts{ten}));
}

TEST(RoomHistory, WhereTheShardHasNoMoreTheNewcomerYields) {
  const HistoryLimits limits{100, 1000, 1000, 1000};
  std::size_t total = 0;
  RoomHistory first(limits, total);
  RoomHistory second(limits, total);
  for (int i = 0; i < 12; ++i) append(first, "0123456789");
  EXPECT_EQ(total, 12 * 74U);
  append(second, "0123456789");
  EXPECT_EQ(first.size(), 12U);
  EXPECT_EQ(second.size(), 1U);
  append(second, "0123456789");
  EXPECT_EQ(second.size(), 1U);
  append(second, std::string(200, 'x'));
  EXPECT_EQ(second.size(), 0U);
  EXPECT_EQ(first.size(), 12U);
  first.clear();
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
  EXPECT_EQ(history.bytes(), 3 * (RoomHistory::kOverhead + 1 + 8));
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
    for (const Encoding each : {15, 9, 12}) {
      EXPECT_EQ(replay(each), (Texts{"9@5:1=a", "9@5:2=b"})) << "it serves larger windows";
    }
  }
  EXPECT_EQ(encoder.asked, 4);
  EXPECT_EQ(replay(1), (Texts{"1@5:1=a", "1@5:2=b"}));
  EXPECT_EQ(encoder.asked, 6);
  EXPECT_EQ(replay(15), (Texts{"9@5:1=a", "9@5:2=b"})) << "the costly encoding is still stored";
  EXPECT_EQ(encoder.asked, 6);
  EXPECT_EQ(history.bytes(), 2 * (RoomHistory::kOverhead + 1 + 7));
}

// A replay that would be too much work for the turn is sent in the plain encoding, and made later.
TEST(RoomHistory, TooMuchWork_ReplaysPlainFramesAndStoresNone) {
  SayingEncoder encoder;
  std::size_t total = 0;
  RoomHistory history(kRoomy, total);
  append(history, "a");
  encoder.too_much_work = true;
  EXPECT_EQ(texts_of(history.last(1, 9, &encoder, {5, 1})), Texts{"a"});
  EXPECT_EQ(history.bytes(), RoomHistory::kOverhead + 1);
  encoder.too_much_work = false;
  EXPECT_EQ(texts_of(history.last(1, 9, &encoder, {5, 1})), Texts{"9@5:1=a"});
}

TEST(RoomHistory, AnEncodingCostsNoMessage) {
  SayingEncoder encoder;
  const HistoryLimits limits{100, 3 * (RoomHistory::kOverhead + 1), 1000, 1 << 20};
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

// Measures the memory that the allocator has handed out in addition to the frames, for 1,000
// messages in each of many rooms.
TEST(RoomHistory, CostsAtMost64BytesAMessageBesideItsFrame) {
  if (kSanitized) GTEST_SKIP() << "the sanitizer's allocator needs extra memory";
  constexpr std::size_t kRooms = 100;
  constexpr std::size_t kMessages = 1000;
  constexpr std::size_t kFrame = 102;
  std::size_t total = 0;
  std::vector<std::unique_ptr<RoomHistory>> rooms;
  const std::size_t before = ::mallinfo2().uordblks;
  for (std::size_t i = 0; i < kRooms; ++i) {
    rooms.push_back(std::make_unique<RoomHistory>(kRoomy, total));
    for (std::size_t j = 0; j < kMessages; ++j) append(*rooms.back(), std::string(kFrame, 'x'));
    ASSERT_EQ(rooms.back()->size(), kMessages);
  }
  const std::size_t used = ::mallinfo2().uordblks - before;
  const double beside = static_cast<double>(used) / (kRooms * kMessages) - kFrame;
  std::printf("history: %.1f bytes for a message beside its frame\n", beside);
  EXPECT_GT(used, kRooms * kMessages * kFrame) << "the measurement is too low";
  EXPECT_LE(beside, 64.0);
  EXPECT_LE(used, total);  // the count is never less than the memory in use
}

}  // namespace
}  // namespace wsd::hub
