// Replays in the send queue: complete, and not counted against the limits.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "net/send_queue.h"

namespace wsd::net {
namespace {

using protocol::make_close_frame;
using protocol::make_control_frame;
using protocol::Opcode;
using ClosePlace = SendQueue::ClosePlace;
using Verdict = SendQueue::Verdict;

Slice slice_of(std::string_view text) { return Slice(SharedBytes::copy_of(as_bytes(text))); }

// Empties the queue, in pieces of at most `most` bytes.
std::string drained(SendQueue& queue, std::size_t most = 1000) {
  std::string out;
  while (!queue.empty()) {
    std::array<iovec, 1> piece{};
    EXPECT_EQ(queue.gather(piece), 1U);
    const std::size_t size = std::min(most, piece[0].iov_len);
    out.append(static_cast<const char*>(piece[0].iov_base), size);
    queue.consume(size, 0);
  }
  return out;
}

SendQueueLimits limits(SlowPolicy policy) { return {100, 10, policy}; }

void push_replay(SendQueue& queue, int count) {
  for (int i = 0; i < count; ++i) queue.push_replay(slice_of(std::string(50, 'r')));
}

TEST(SendQueueReplay, TheBoundIsForWhatComesAfterIt) {
  for (const SlowPolicy policy :
       {SlowPolicy::kDisconnect, SlowPolicy::kDropNewest, SlowPolicy::kDropOldest}) {
    const SendQueueLimits bound = limits(policy);
    SendQueue queue(0);
    push_replay(queue, 20);
    EXPECT_EQ(queue.bytes(), 1000U);
    EXPECT_FALSE(queue.high(bound));
    EXPECT_TRUE(queue.low(bound));
    EXPECT_TRUE(queue.push(slice_of(std::string(60, 'a')), bound) == Verdict::kQueued);
    EXPECT_TRUE(queue.high(bound));
    EXPECT_TRUE(queue.push(slice_of(std::string(40, 'b')), bound) == Verdict::kQueued);
    const Verdict over = queue.push(slice_of("c"), bound);
    const std::string replay(1000, 'r');
    const std::string a(60, 'a');
    const std::string b(40, 'b');
    switch (policy) {
      case SlowPolicy::kDisconnect:
        EXPECT_TRUE(over == Verdict::kOverBound);
        break;
      case SlowPolicy::kDropNewest:
        EXPECT_TRUE(over == Verdict::kDropped);
        EXPECT_EQ(drained(queue, 7), replay + a + b);
        break;
      case SlowPolicy::kLatestOnly:  // applies only to rooms
        break;
      case SlowPolicy::kDropOldest:  // the oldest frame that is not a replay
        EXPECT_TRUE(over == Verdict::kQueued);
        EXPECT_EQ(drained(queue, 7), replay + b + "c");
        break;
    }
  }
}

TEST(SendQueueReplay, WhatHasLeftOfItIsCountedOutExactly) {
  const SendQueueLimits bound = limits(SlowPolicy::kDropNewest);
  SendQueue queue(0);
  queue.push_started(slice_of(std::string(150, 's')), true);
  push_replay(queue, 2);
  EXPECT_TRUE(queue.push(slice_of(std::string(60, 'a')), bound) == Verdict::kQueued);
  std::size_t left = 250 + 60;
  for (; left > 60; left -= 5) {
    std::array<iovec, 4> pieces{};
    static_cast<void>(queue.gather(pieces));
    queue.consume(5, 0);
    EXPECT_EQ(queue.bytes(), left - 5);
    EXPECT_TRUE(queue.push(slice_of(std::string(41, 'x')), bound) == Verdict::kDropped);
  }
  EXPECT_TRUE(queue.push(slice_of(std::string(40, 'b')), bound) == Verdict::kQueued);
  EXPECT_EQ(drained(queue), std::string(60, 'a') + std::string(40, 'b'));
}

TEST(SendQueueReplay, ControlFramesOvertakeIt) {
  SendQueue queue(0);
  push_replay(queue, 3);
  std::array<iovec, 4> pieces{};
  static_cast<void>(queue.gather(pieces));
  queue.consume(10, 0);
  queue.push_control(make_control_frame(Opcode::kPing, as_bytes("p")));
  queue.set_pong(make_control_frame(Opcode::kPong, as_bytes("q")));
  EXPECT_EQ(drained(queue), std::string(40, 'r') + "\x89\x01p\x8A\x01q" + std::string(100, 'r'));
}

TEST(SendQueueReplay, ACloseTakesThePlaceOfALongOne) {
  SendQueue queue(0);
  queue.push_replay(slice_of(std::string(100'000, 'r')));
  queue.push_replay(slice_of(std::string(100'000, 'q')));
  queue.push_close(make_close_frame(1000, ""), ClosePlace::kOvertakes);
  EXPECT_EQ(queue.bytes(), 4U);
  EXPECT_EQ(drained(queue), std::string("\x88\x02\x03\xE8"));
}

// A member that leaves a room and joins it again gets the replay before newer messages.
TEST(SendQueueReplay, TheLatestOfItsRoomDoesNotGetBeforeIt) {
  const SendQueueLimits bound = limits(SlowPolicy::kDisconnect);
  constexpr hub::SlowPolicyFor kLatest{SlowPolicy::kLatestOnly, 1};
  SendQueue queue(0);
  ASSERT_TRUE(queue.push(slice_of("7 "), bound, 0, kLatest) == Verdict::kQueued);
  for (const char* text : {"5 ", "6 ", "7 "}) queue.push_replay(slice_of(text));
  ASSERT_TRUE(queue.push(slice_of("8 "), bound, 0, kLatest) == Verdict::kQueued);
  ASSERT_TRUE(queue.push(slice_of("9 "), bound, 0, kLatest) == Verdict::kQueued);
  EXPECT_EQ(drained(queue), "7 5 6 7 9 ");
  EXPECT_EQ(queue.dropped(), 1U);
}

}  // namespace
}  // namespace wsd::net
