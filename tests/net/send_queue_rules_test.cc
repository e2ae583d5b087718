// Frames with a policy of their own, which a room sets for slow members.
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "hub/batch.h"
#include "net/peer.h"
#include "net/send_queue.h"
#include "net/send_queue_support.h"

namespace wsd::net {
namespace {

using test::frames_of;
using test::WireFrame;
using Verdict = SendQueue::Verdict;

constexpr hub::SlowPolicyFor kLatestOfOne{SlowPolicy::kLatestOnly, 1};
constexpr hub::SlowPolicyFor kLatestOfTwo{SlowPolicy::kLatestOnly, 2};

TEST(SendQueueRules, TheLatestOfARoomTakesThePlaceOfTheOneThatWaits) {
  const SendQueueLimits limits = limits_of(SlowPolicy::kDisconnect);
  SendQueue queue(0);
  ASSERT_EQ(queue.push(data_frame("a1"), limits, 0, kLatestOfOne), Verdict::kQueued);
  ASSERT_EQ(queue.push(data_frame("b1"), limits, 0, kLatestOfTwo), Verdict::kQueued);
  ASSERT_EQ(queue.push(data_frame("mine"), limits), Verdict::kQueued);
  ASSERT_EQ(queue.push(data_frame("a2, longer"), limits, 0, kLatestOfOne), Verdict::kQueued);
  ASSERT_EQ(queue.push(data_frame("a3"), limits, 0, kLatestOfOne), Verdict::kQueued);
  EXPECT_EQ(queue.dropped(), 2U);
  EXPECT_EQ(queue.frames(), 3U);
  EXPECT_EQ(frames_of(send_all(queue)),
            (Frames{{test::kText, "a3"}, {test::kText, "b1"}, {test::kText, "mine"}}));
  EXPECT_EQ(queue.bytes(), 0U);
}

TEST(SendQueueRules, TheLatestLeavesWhatHasBegunAlone) {
  const SendQueueLimits limits = limits_of(SlowPolicy::kDisconnect);
  SendQueue queue(0);
  ASSERT_EQ(queue.push(data_frame("one"), limits, 0, kLatestOfOne), Verdict::kQueued);
  std::string out = send_some(queue, 1);
  for (const char* text : {"two", "three"}) {
    ASSERT_EQ(queue.push(data_frame(text), limits, 0, kLatestOfOne), Verdict::kQueued);
  }
  out += send_all(queue);
  EXPECT_EQ(frames_of(out), (Frames{{test::kText, "one"}, {test::kText, "three"}}));
}

TEST(SendQueueRules, TheLatestThatDoesNotFitGoesByTheLimitsAndLeavesNoOlderOne) {
  const SendQueueLimits limits = limits_of(SlowPolicy::kDropNewest);
  SendQueue queue(0);
  ASSERT_EQ(queue.push(data_frame_of_size(700), limits), Verdict::kQueued);
  ASSERT_EQ(queue.push(data_frame("old"), limits, 0, kLatestOfOne), Verdict::kQueued);
  EXPECT_EQ(queue.push(data_frame_of_size(400), limits, 0, kLatestOfOne), Verdict::kDropped);
  EXPECT_EQ(queue.dropped(), 2U);
  ASSERT_EQ(queue.push(data_frame("new"), limits, 0, kLatestOfOne), Verdict::kQueued);
  const Frames frames = frames_of(send_all(queue));
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(frames[1], (WireFrame{test::kText, "new"}));

  const SendQueueLimits strict = limits_of(SlowPolicy::kDisconnect);
  ASSERT_EQ(queue.push(data_frame_of_size(900), strict), Verdict::kQueued);
  EXPECT_EQ(queue.push(data_frame_of_size(400), strict, 0, kLatestOfOne), Verdict::kOverBound);
}

TEST(SendQueueRules, TheLatestHoldsItsOwnBytesAlone) {
  std::vector<SharedBytes> frames;
  for (const char* text : {"one", "two", "three"}) frames.push_back(data_frame(text).block);
  const hub::Batch batch(std::move(frames));
  const SendQueueLimits limits = limits_of(SlowPolicy::kDisconnect);
  SendQueue queue(0);
  for (const Slice& frame : batch.frames()) {
    ASSERT_EQ(queue.push(frame, limits, 0, kLatestOfOne), Verdict::kQueued);
  }
  std::array<iovec, 4> pieces;
  ASSERT_EQ(queue.gather(pieces), 1U);
  const Bytes block = batch.frames().front().block.bytes();
  const auto* const at = static_cast<const std::uint8_t*>(pieces[0].iov_base);
  EXPECT_FALSE(at >= block.data() && at < block.data() + block.size());
  EXPECT_EQ(frames_of(send_all(queue)), (Frames{{test::kText, "three"}}));
}

TEST(SendQueueRules, WhatMayNotBeDroppedIsNotDroppedForWhatMay) {
  const hub::SlowPolicyFor droppable{SlowPolicy::kDropOldest, 0};
  const SendQueueLimits limits = limits_of(SlowPolicy::kDisconnect, 1000, 3);
  SendQueue queue(0);
  ASSERT_EQ(queue.push(data_frame("mine"), limits), Verdict::kQueued);
  for (const char* text : {"1", "2", "3"}) {
    ASSERT_EQ(queue.push(data_frame(text), limits, 0, droppable), Verdict::kQueued);
  }
  EXPECT_EQ(queue.dropped(), 1U);
  EXPECT_EQ(queue.push(data_frame("mine too"), limits), Verdict::kOverBound);
  EXPECT_EQ(frames_of(send_all(queue)),
            (Frames{{test::kText, "mine"}, {test::kText, "2"}, {test::kText, "3"}}));

  for (const char* text : {"1", "2", "3"}) {
    ASSERT_EQ(queue.push(data_frame(text), limits), Verdict::kQueued);
  }
  EXPECT_EQ(queue.push(data_frame("4"), limits, 0, droppable), Verdict::kDropped);
  EXPECT_EQ(queue.frames(), 3U);
}

TEST(SendQueueRules, LatestOfManyRooms_TakeThePlaceOfTheirOwn) {
  constexpr std::uint64_t kRooms = 1'000;
  const SendQueueLimits limits = limits_of(SlowPolicy::kDisconnect, 1'000'000, 20'000);
  SendQueue queue(0);
  for (int round = 0; round < 100; ++round) {
    for (std::uint64_t room = 0; room < kRooms; ++room) {
      const std::string text = std::to_string(room) + "." + std::to_string(round);
      ASSERT_EQ(queue.push(data_frame(text), limits, 0, {SlowPolicy::kLatestOnly, room}),
                Verdict::kQueued);
    }
  }
  EXPECT_EQ(queue.dropped(), kRooms * 99);
  const Frames frames = frames_of(send_all(queue));
  ASSERT_EQ(frames.size(), kRooms);
  for (std::uint64_t room = 0; room < kRooms; ++room) {
    EXPECT_EQ(frames[room].payload, std::to_string(room) + ".99");
  }
}

// Messages of two rooms and of no room. The test checks the output stream.
class Script {
 public:
  Script(unsigned seed, SlowPolicy policy) : random_(seed), limits_(limits_of(policy, 600, 12)) {}

  void run() {
    for (int step = 0; step < 400; ++step) {
      if (random_() % 4 == 0) {
        out_ += send_some(queue_, random_() % 300, 1 + random_() % 5);
      } else {
        push();
      }
      ASSERT_LE(queue_.bytes(), limits_.bytes / 2 + 410);
    }
    out_ += send_all(queue_);
    ASSERT_NO_FATAL_FAILURE(judge());
  }

 private:
  // Each message belongs to one of two rooms or to none, and each of the three has its own policy.
  void push() {
    const std::uint64_t room = random_() % 3;
    const std::string text = std::to_string(room) + "." + std::to_string(++last_) + "." +
                             std::string(random_() % 400, 'x');
    hub::SlowPolicyFor rule;
    if (room != 0) rule = {SlowPolicy::kLatestOnly, room};
    if (queue_.push(data_frame(text), limits_, 0, rule) == Verdict::kQueued) {
      latest_[room] = text;
    } else {
      latest_[room].clear();
    }
  }

  // The last frame of each room is its newest, and no frame came after a newer one.
  void judge() {
    std::array<std::string, 3> seen;
    std::array<int, 3> order{};
    for (const WireFrame& frame : frames_of(out_)) {
      const auto room = static_cast<std::size_t>(frame.payload.at(0) - '0');
      const int number = std::stoi(frame.payload.substr(2));
      ASSERT_GT(number, order.at(room));
      order.at(room) = number;
      seen.at(room) = frame.payload;
    }
    for (std::size_t room = 1; room < 3; ++room) {
      if (!latest_[room].empty()) {
        ASSERT_EQ(seen.at(room), latest_[room]);
      }
    }
    ASSERT_EQ(queue_.bytes(), 0U);
  }

  std::mt19937 random_;
  SendQueueLimits limits_;
  SendQueue queue_{0};
  std::string out_;
  std::array<std::string, 3> latest_;  // by number of the room; 0: the message that was queued last
  int last_ = 0;
};

TEST(SendQueueRules, RandomScriptsOfRoomsEndWithTheLatestOfEach) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    Script script(seed, static_cast<SlowPolicy>(seed % 3));
    script.run();
    if (HasFatalFailure()) return;
  }
}

// The frames in front and the number of rooms do not matter: each operation looks at no other frame
// than those that it changes.
TEST(SendQueueRules, OldestFrameBehindALongReplay_IsDropped) {
  const SendQueueLimits limits = limits_of(SlowPolicy::kDropOldest, 1'000'000, 4);
  SendQueue queue(0);
  constexpr int kReplay = 20'000;
  for (int i = 0; i < kReplay; ++i) queue.push_replay(data_frame("r"));
  constexpr int kPushed = 200'000;
  for (int i = 0; i < kPushed; ++i) {
    ASSERT_EQ(queue.push(data_frame(std::to_string(i)), limits), Verdict::kQueued);
  }
  EXPECT_EQ(queue.dropped(), kPushed - 4U);
  const std::size_t memory = queue.memory();
  EXPECT_LT(memory, kReplay * 200U) << "dropped frames leave nothing behind";
  const Frames frames = frames_of(send_all(queue));
  ASSERT_EQ(frames.size(), kReplay + 4U);
  EXPECT_EQ(frames[kReplay].payload, std::to_string(kPushed - 4));
}

}  // namespace
}  // namespace wsd::net
