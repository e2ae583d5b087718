#include "net/send_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "hub/batch.h"
#include "net/peer.h"

namespace wsd::net {
namespace {

using protocol::ControlFrame;
using protocol::make_close_frame;
using protocol::make_control_frame;
using protocol::Opcode;
using test::frames_of;
using test::server_frame;
using test::WireFrame;
using Verdict = SendQueue::Verdict;
using Frames = std::vector<WireFrame>;

Slice data_frame(std::string_view payload) {
  return Slice(SharedBytes::copy_of(as_bytes(server_frame(test::kText, payload))));
}

Slice data_frame_of_size(std::size_t payload, char fill = 'x') {
  return data_frame(std::string(payload, fill));
}

ControlFrame pong(std::string_view payload) {
  return make_control_frame(Opcode::kPong, as_bytes(payload));
}

// Sends at most `most` bytes of what the queue offers, in at most `pieces` pieces.
std::string send_some(SendQueue& queue, std::size_t most, std::size_t pieces = 64) {
  std::vector<iovec> vectors(pieces);
  const std::size_t used = queue.gather(vectors);
  std::string out;
  for (std::size_t i = 0; i < used; ++i) {
    out.append(static_cast<const char*>(vectors[i].iov_base), vectors[i].iov_len);
  }
  out.resize(std::min(out.size(), most));
  queue.consume(out.size(), 0);
  return out;
}

std::string send_all(SendQueue& queue) {
  std::string out;
  while (!queue.empty()) out += send_some(queue, ~std::size_t{0});
  return out;
}

SendQueueLimits limits_of(SlowPolicy policy, std::size_t bytes = 1000, std::uint32_t frames = 100) {
  return {bytes, frames, policy};
}

// Admission

TEST(SendQueue, TakesOneFrameOfAnySizeUpToItsHighWaterMark) {
  const SendQueueLimits limits = limits_of(SlowPolicy::kDisconnect);
  SendQueue queue(0);
  EXPECT_TRUE(queue.empty());
  ASSERT_EQ(queue.push(data_frame_of_size(498), limits), Verdict::kQueued);  // 502 with its header
  EXPECT_GT(queue.bytes(), limits.high_water());
  EXPECT_EQ(queue.push(data_frame_of_size(495), limits), Verdict::kOverBound);  // 1001 in all
  ASSERT_EQ(queue.push(data_frame_of_size(494), limits), Verdict::kQueued);
  EXPECT_EQ(queue.bytes(), limits.bytes);
  EXPECT_EQ(queue.push(data_frame(""), limits), Verdict::kOverBound);
  EXPECT_EQ(queue.frames(), 2U);
  EXPECT_EQ(queue.dropped(), 0U);

  SendQueue half(0);
  ASSERT_EQ(half.push(data_frame_of_size(496), limits), Verdict::kQueued);  // 500: at the mark
  EXPECT_EQ(half.push(data_frame_of_size(100'000), limits), Verdict::kQueued);
}

TEST(SendQueue, HoldsNoMoreFramesThanItsBound) {
  const SendQueueLimits limits = limits_of(SlowPolicy::kDisconnect, 1000, 3);
  SendQueue queue(0);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(queue.push(data_frame("a"), limits), Verdict::kQueued);
  EXPECT_EQ(queue.push(data_frame("a"), limits), Verdict::kOverBound);
}

TEST(SendQueue, AGrantIsForBytesBeyondTheBoundUntilLessIsQueued) {
  const SendQueueLimits limits = limits_of(SlowPolicy::kDisconnect, 1000, 3);
  constexpr std::size_t kGrant = 100;
  SendQueue queue(0);
  ASSERT_EQ(queue.push(data_frame_of_size(996), limits), Verdict::kQueued);  // at the bound
  EXPECT_FALSE(queue.admits(62, limits));
  ASSERT_EQ(queue.push(data_frame_of_size(60), limits, kGrant), Verdict::kQueued);
  EXPECT_EQ(queue.push(data_frame_of_size(60), limits, kGrant), Verdict::kOverBound);
  ASSERT_EQ(queue.push(data_frame_of_size(36), limits, kGrant), Verdict::kQueued);
  EXPECT_EQ(queue.push(data_frame(""), limits, kGrant), Verdict::kOverBound) << "all is used";
  // More than half full for its three frames, though hardly a byte is left: nothing is granted
  // anew.
  queue.consume(1000, 0);
  ASSERT_EQ(queue.push(data_frame_of_size(60), limits, kGrant), Verdict::kQueued);
  EXPECT_EQ(queue.push(data_frame_of_size(60), limits, kGrant), Verdict::kOverBound);
  queue.consume(queue.bytes(), 0);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(queue.push(data_frame(""), limits), Verdict::kQueued);
  EXPECT_EQ(queue.push(data_frame_of_size(60), limits, kGrant), Verdict::kQueued);
}

TEST(SendQueue, IsHighAndLowByBytesAndByFrames) {
  const SendQueueLimits limits = limits_of(SlowPolicy::kDisconnect, 1000, 8);
  SendQueue queue(0);
  ASSERT_EQ(queue.push(data_frame_of_size(246), limits), Verdict::kQueued);
  EXPECT_TRUE(queue.low(limits)) << "250 bytes: a quarter";
  ASSERT_EQ(queue.push(data_frame_of_size(246), limits), Verdict::kQueued);
  EXPECT_FALSE(queue.low(limits));
  EXPECT_FALSE(queue.high(limits)) << "500 bytes: half";
  ASSERT_EQ(queue.push(data_frame(""), limits), Verdict::kQueued);
  EXPECT_TRUE(queue.high(limits));
  queue.consume(queue.bytes(), 0);
  for (int i = 0; i < 2; ++i) ASSERT_EQ(queue.push(data_frame(""), limits), Verdict::kQueued);
  EXPECT_TRUE(queue.low(limits)) << "two frames of eight";
  for (int i = 0; i < 2; ++i) ASSERT_EQ(queue.push(data_frame(""), limits), Verdict::kQueued);
  EXPECT_FALSE(queue.low(limits));
  EXPECT_FALSE(queue.high(limits)) << "four frames of eight";
  ASSERT_EQ(queue.push(data_frame(""), limits), Verdict::kQueued);
  EXPECT_TRUE(queue.high(limits));
}

// Policies

TEST(SendQueue, DropNewestDropsWhatDoesNotFit) {
  const SendQueueLimits limits = limits_of(SlowPolicy::kDropNewest, 1000, 2);
  SendQueue queue(0);
  ASSERT_EQ(queue.push(data_frame("1"), limits), Verdict::kQueued);
  ASSERT_EQ(queue.push(data_frame("2"), limits), Verdict::kQueued);
  EXPECT_EQ(queue.push(data_frame("3"), limits), Verdict::kDropped);
  EXPECT_EQ(queue.dropped(), 1U);
  EXPECT_EQ(frames_of(send_all(queue)), (Frames{{test::kText, "1"}, {test::kText, "2"}}));
}

TEST(SendQueue, DropOldestMakesRoom) {
  const SendQueueLimits limits = limits_of(SlowPolicy::kDropOldest, 1000, 2);
  SendQueue queue(0);
  for (const char* text : {"1", "2", "3", "4"}) {
    ASSERT_EQ(queue.push(data_frame(text), limits), Verdict::kQueued);
  }
  EXPECT_EQ(queue.dropped(), 2U);
  EXPECT_EQ(frames_of(send_all(queue)), (Frames{{test::kText, "3"}, {test::kText, "4"}}));
}

TEST(SendQueue, AStartedFrameIsNeverDropped) {
  const SendQueueLimits limits = limits_of(SlowPolicy::kDropOldest, 1000, 2);
  SendQueue queue(0);
  ASSERT_EQ(queue.push(data_frame("started"), limits), Verdict::kQueued);
  ASSERT_EQ(queue.push(data_frame("2"), limits), Verdict::kQueued);
  std::string out = send_some(queue, 1);
  ASSERT_EQ(queue.push(data_frame("3"), limits), Verdict::kQueued);
  out += send_all(queue);
  EXPECT_EQ(frames_of(out), (Frames{{test::kText, "started"}, {test::kText, "3"}}));
  EXPECT_EQ(queue.dropped(), 1U);
}

TEST(SendQueue, TheRestOfSomethingStartedIsNeverDropped) {
  const SendQueueLimits limits = limits_of(SlowPolicy::kDropOldest, 1000, 2);
  SendQueue queue(0);
  const Slice whole = data_frame("hello");
  queue.push_started(Slice(whole.block, 3, whole.size - 3));
  for (const char* text : {"1", "2", "3"}) {
    ASSERT_EQ(queue.push(data_frame(text), limits), Verdict::kQueued);
  }
  EXPECT_EQ(send_all(queue),
            server_frame(test::kText, "hello").substr(3) + server_frame(test::kText, "3"));
}

TEST(SendQueue, NothingIsDroppedForAFrameThatCannotFitAnyway) {
  const SendQueueLimits limits = limits_of(SlowPolicy::kDropOldest, 1000);
  SendQueue queue(0);
  queue.push_started(data_frame_of_size(896));  // 900 with its header, more than half the bound
  ASSERT_EQ(queue.push(data_frame("kept"), limits), Verdict::kQueued);
  EXPECT_EQ(queue.push(data_frame_of_size(200), limits), Verdict::kDropped);
  EXPECT_EQ(queue.dropped(), 1U);
  EXPECT_EQ(frames_of(send_all(queue)).back(), (WireFrame{test::kText, "kept"}));
}

TEST(SendQueue, NothingIsDroppedWhereControlFramesLeaveNoRoom) {
  const SendQueueLimits few = limits_of(SlowPolicy::kDropOldest, 1000, 2);
  SendQueue queue(0);
  ASSERT_EQ(queue.push(data_frame("kept"), few), Verdict::kQueued);
  for (int i = 0; i < 2; ++i) queue.push_control(make_control_frame(Opcode::kPing, {}));
  EXPECT_EQ(queue.push(data_frame("new"), few), Verdict::kDropped);

  const SendQueueLimits small = limits_of(SlowPolicy::kDropOldest, 4);
  EXPECT_EQ(queue.push(data_frame("new"), small), Verdict::kDropped);
  EXPECT_EQ(queue.dropped(), 2U);
  EXPECT_EQ(frames_of(send_all(queue)).back(), (WireFrame{test::kText, "kept"}));
}

// Frames with a policy of their own

constexpr hub::SlowRule kLatestOfOne{SlowPolicy::kLatestOnly, 1};
constexpr hub::SlowRule kLatestOfTwo{SlowPolicy::kLatestOnly, 2};

TEST(SendQueue, TheLatestOfARoomTakesThePlaceOfTheOneThatWaits) {
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

TEST(SendQueue, TheLatestLeavesWhatHasBegunAlone) {
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

TEST(SendQueue, TheLatestThatDoesNotFitGoesByTheLimitsAndLeavesNoOlderOne) {
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

TEST(SendQueue, TheLatestHoldsItsOwnBytesAlone) {
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

TEST(SendQueue, WhatMayNotBeDroppedIsNotDroppedForWhatMay) {
  const hub::SlowRule droppable{SlowPolicy::kDropOldest, 0};
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

// The control lane

TEST(SendQueue, TheLatestPongWins) {
  SendQueue queue(0);
  queue.set_pong(pong("old"));
  queue.set_pong(pong("new"));
  EXPECT_FALSE(queue.empty());
  EXPECT_EQ(frames_of(send_all(queue)), (Frames{{test::kPong, "new"}}));
  EXPECT_EQ(queue.dropped(), 0U);
}

TEST(SendQueue, APongThatWaitsBehindALargeFrameIsReplacedByANewerOne) {
  SendQueue queue(0);
  ASSERT_EQ(queue.push(data_frame_of_size(1000), SendQueueLimits{}), Verdict::kQueued);
  std::string out;
  for (int i = 0; i < 10; ++i) {
    out += send_some(queue, 50);
    queue.push_control(make_control_frame(Opcode::kPing, as_bytes(std::to_string(i))));
    queue.set_pong(pong(std::to_string(i)));
  }
  out += send_all(queue);
  const Frames frames = frames_of(out);
  ASSERT_EQ(frames.size(), 12U);
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(frames[1 + i].payload, std::to_string(i));
  EXPECT_EQ(frames[11], (WireFrame{test::kPong, "9"}));
}

TEST(SendQueue, APongOvertakesWhatHasNotBegun) {
  const SendQueueLimits limits = limits_of(SlowPolicy::kDisconnect);
  SendQueue queue(0);
  ASSERT_EQ(queue.push(data_frame("a"), limits), Verdict::kQueued);
  queue.set_pong(pong("p"));
  EXPECT_EQ(frames_of(send_all(queue)), (Frames{{test::kPong, "p"}, {test::kText, "a"}}));
}

TEST(SendQueue, APongStandsBehindTheRestOfSomethingStarted) {
  SendQueue queue(0);
  const Slice whole = data_frame("hello");
  queue.push_started(Slice(whole.block, 1, whole.size - 1));
  queue.set_pong(pong("p"));
  EXPECT_EQ(send_all(queue),
            server_frame(test::kText, "hello").substr(1) + server_frame(test::kPong, "p"));
}

TEST(SendQueue, AnyControlFrameLeavesAtTheNextBoundaryAndIsNeverDropped) {
  const SendQueueLimits limits = limits_of(SlowPolicy::kDropOldest, 1000, 3);
  SendQueue queue(0);
  for (const char* text : {"1", "2", "3"}) {
    ASSERT_EQ(queue.push(data_frame(text), limits), Verdict::kQueued);
  }
  std::string out = send_some(queue, 1);
  queue.push_control(make_control_frame(Opcode::kPing, as_bytes("?")));
  for (const char* text : {"4", "5"}) static_cast<void>(queue.push(data_frame(text), limits));
  out += send_all(queue);
  const Frames frames = frames_of(out);
  ASSERT_GE(frames.size(), 2U);
  EXPECT_EQ(frames[0].payload, "1");
  EXPECT_EQ(frames[1], (WireFrame{test::kPing, "?"}));
}

// Wherever in a stream a Pong comes up, it stands at the first boundary from there on.
TEST(SendQueue, APongAtEveryOffsetGoesToTheNextBoundary) {
  const SendQueueLimits limits = limits_of(SlowPolicy::kDisconnect, 100'000);
  const std::vector<std::string> texts = {"a", "", std::string(130, 'b'), "cc"};
  std::size_t total = 0;
  for (const std::string& each : texts) total += server_frame(test::kText, each).size();
  for (std::size_t offset = 0; offset <= total; ++offset) {
    SendQueue queue(0);
    for (const std::string& each : texts)
      ASSERT_EQ(queue.push(data_frame(each), limits), Verdict::kQueued);
    std::string out = send_some(queue, offset);
    queue.set_pong(pong("!"));
    out += send_all(queue);
    std::string expected;
    bool ponged = false;
    for (const std::string& each : texts) {
      if (!ponged && expected.size() >= offset) {
        expected += server_frame(test::kPong, "!");
        ponged = true;
      }
      expected += server_frame(test::kText, each);
    }
    if (!ponged) expected += server_frame(test::kPong, "!");
    ASSERT_EQ(out, expected) << offset;
  }
}

TEST(SendQueue, ACloseGoesBehindLittleData) {
  const SendQueueLimits limits = limits_of(SlowPolicy::kDisconnect, std::size_t{1} << 20);
  SendQueue queue(0);
  ASSERT_EQ(queue.push(data_frame_of_size(60'000), limits), Verdict::kQueued);
  ASSERT_EQ(queue.push(data_frame("last words"), limits), Verdict::kQueued);
  queue.set_pong(pong("p"));
  queue.push_close(make_close_frame(1000, "bye"));
  const Frames frames = frames_of(send_all(queue));
  ASSERT_EQ(frames.size(), 4U);
  EXPECT_EQ(frames[0].opcode, test::kPong);
  EXPECT_EQ(frames[2].payload, "last words");
  EXPECT_EQ(frames[3], (WireFrame{test::kClose, test::close_payload(1000, "bye")}));
  EXPECT_EQ(queue.dropped(), 0U);
}

TEST(SendQueue, ACloseTakesThePlaceOfMuchDataButTheFrameUnderWay) {
  const SendQueueLimits limits = limits_of(SlowPolicy::kDisconnect, std::size_t{1} << 20);
  SendQueue queue(0);
  ASSERT_EQ(queue.push(data_frame("under way"), limits), Verdict::kQueued);
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(queue.push(data_frame_of_size(50'000), limits), Verdict::kQueued);
  }
  std::string out = send_some(queue, 5);
  queue.set_pong(pong("p"));
  queue.push_close(make_close_frame(1008, ""));
  EXPECT_EQ(queue.dropped(), 5U);
  out += send_all(queue);
  EXPECT_EQ(frames_of(out), (Frames{{test::kText, "under way"},
                                    {test::kPong, "p"},
                                    {test::kClose, test::close_payload(1008)}}));
  EXPECT_EQ(queue.bytes(), 0U);
}

// Gathering and consuming

TEST(SendQueue, EveryConsumeSizeSendsTheSameStream) {
  const SendQueueLimits limits = limits_of(SlowPolicy::kDisconnect, 100'000);
  const hub::Batch batch({SharedBytes::copy_of(as_bytes(server_frame(test::kText, "one"))),
                          SharedBytes::copy_of(as_bytes(server_frame(test::kText, "two"))),
                          SharedBytes::copy_of(as_bytes(server_frame(test::kText, "three")))});
  const std::string big(200, 'z');
  const std::string expected = server_frame(test::kText, "first") +
                               server_frame(test::kText, "one") + server_frame(test::kText, "two") +
                               server_frame(test::kText, "three") + server_frame(test::kText, big) +
                               server_frame(test::kClose, test::close_payload(1000));
  for (std::size_t pieces = 1; pieces <= 4; ++pieces) {
    for (std::size_t most = 1; most <= expected.size(); ++most) {
      SendQueue queue(0);
      ASSERT_EQ(queue.push(data_frame("first"), limits), Verdict::kQueued);
      for (const Slice& each : batch.frames()) {
        ASSERT_EQ(queue.push(each, limits), Verdict::kQueued);
      }
      ASSERT_EQ(queue.push(data_frame(big), limits), Verdict::kQueued);
      queue.push_close(make_close_frame(1000, ""));
      std::string out;
      while (!queue.empty()) {
        ASSERT_EQ(queue.bytes(), expected.size() - out.size());
        out += send_some(queue, most, pieces);
      }
      ASSERT_EQ(out, expected) << most;
      ASSERT_EQ(queue.bytes(), 0U);
      ASSERT_EQ(queue.frames(), 0U);
    }
  }
}

TEST(SendQueue, FramesOfOneBatchLeaveAsOnePiece) {
  const SendQueueLimits limits = limits_of(SlowPolicy::kDisconnect);
  const hub::Batch batch(
      {SharedBytes::copy_of(as_bytes("abc")), SharedBytes::copy_of(as_bytes("def"))});
  SendQueue queue(0);
  for (const Slice& each : batch.frames()) ASSERT_EQ(queue.push(each, limits), Verdict::kQueued);
  std::array<iovec, 4> pieces;
  ASSERT_EQ(queue.gather(pieces), 1U);
  EXPECT_EQ(pieces[0].iov_len, 6U);
  queue.consume(6, 0);
}

// A member that does not read, in a room of large and small messages: of each batch only a small
// one finds room, and it must not keep the large ones in memory.
TEST(SendQueue, WhatIsQueuedDoesNotKeepAliveWhatWasDropped) {
  const SendQueueLimits limits = limits_of(SlowPolicy::kDropNewest);
  SendQueue queue(0);
  ASSERT_EQ(queue.push(data_frame_of_size(900), limits), Verdict::kQueued);
  const hub::Batch batch({SharedBytes::copy_of(as_bytes(std::string(500, 'L'))),
                          SharedBytes::copy_of(as_bytes("small"))});
  ASSERT_EQ(queue.push(batch.frames()[0], limits), Verdict::kDropped);
  ASSERT_EQ(queue.push(batch.frames()[1], limits), Verdict::kQueued);
  std::array<iovec, 4> pieces;
  ASSERT_EQ(queue.gather(pieces), 2U);
  EXPECT_EQ(std::string(static_cast<const char*>(pieces[1].iov_base), pieces[1].iov_len), "small");
  EXPECT_NE(pieces[1].iov_base, batch.frames()[1].bytes().data());
}

TEST(SendQueue, ProgressIsNotedWhenBytesLeave) {
  SendQueue queue(7);
  EXPECT_EQ(queue.last_progress(), 7U);
  ASSERT_EQ(queue.push(data_frame("abc"), SendQueueLimits{}), Verdict::kQueued);
  queue.consume(0, 8);
  EXPECT_EQ(queue.last_progress(), 7U);
  queue.consume(1, 9);
  EXPECT_EQ(queue.last_progress(), 9U);
}

// Random scripts, judged by the stream that comes out

class Script {
 public:
  Script(unsigned seed, SlowPolicy policy)
      : random_(seed), limits_(limits_of(policy, 600, 12)), queue_(0) {}

  void run_rooms() {
    for (int step = 0; step < 400; ++step) {
      if (random_() % 4 == 0) {
        out_ += send_some(queue_, random_() % 300, 1 + random_() % 5);
      } else {
        push_of_rooms();
      }
      ASSERT_LE(queue_.bytes(), limits_.bytes / 2 + 410);
    }
    out_ += send_all(queue_);
    ASSERT_NO_FATAL_FAILURE(judge_rooms());
  }

  void run() {
    for (int step = 0; step < 400; ++step) {
      switch (random_() % 8) {
        case 0:
          queue_.set_pong(pong(std::to_string(++last_pong_)));
          break;
        case 1:
        case 2:
          out_ += send_some(queue_, random_() % 300, 1 + random_() % 5);
          break;
        default:
          push();
          break;
      }
      // Up to a control frame or two, the bound or half of it and one frame.
      ASSERT_LE(queue_.bytes(), 2 * (limits_.bytes / 2 + 404));
    }
    if (random_() % 2 == 0) {
      queue_.push_close(make_close_frame(1000, ""));
      closed_ = true;
    }
    out_ += send_all(queue_);
    ASSERT_NO_FATAL_FAILURE(judge());
  }

 private:
  // Every message of one of two rooms, or of none: each has its own policy.
  void push_of_rooms() {
    const std::uint64_t room = random_() % 3;
    const std::string text = std::to_string(room) + "." + std::to_string(++last_) + "." +
                             std::string(random_() % 400, 'x');
    hub::SlowRule rule;
    if (room != 0) rule = {SlowPolicy::kLatestOnly, room};
    if (queue_.push(data_frame(text), limits_, 0, rule) == Verdict::kQueued) {
      latest_[room] = text;
    } else {
      latest_[room].clear();
    }
  }

  // The last frame of each room that came out is its newest, and none came after a newer one.
  void judge_rooms() {
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

  void push() {
    const std::string text = std::to_string(++last_) + "." + std::string(random_() % 400, 'x');
    switch (queue_.push(data_frame(text), limits_)) {
      case Verdict::kQueued:
        queued_.push_back(text);
        break;
      case Verdict::kDropped:
        ASSERT_NE(limits_.policy, SlowPolicy::kDisconnect);
        ++refused_;
        break;
      case Verdict::kOverBound:
        ASSERT_EQ(limits_.policy, SlowPolicy::kDisconnect);
        break;
    }
  }

  void judge() {
    std::uint64_t dropped = refused_;
    int pongs = 0;
    auto expected = queued_.begin();
    const Frames frames = frames_of(out_);
    for (const WireFrame& frame : frames) {
      if (frame.opcode == test::kPong) {
        ASSERT_GT(std::stoi(frame.payload), pongs) << "an older one after a newer";
        pongs = std::stoi(frame.payload);
      } else if (frame.opcode == test::kText) {
        const auto found = std::find(expected, queued_.end(), frame.payload);
        ASSERT_NE(found, queued_.end()) << "out of order or doubled";
        dropped += static_cast<std::uint64_t>(found - expected);
        expected = found + 1;
      } else {
        ASSERT_TRUE(closed_ && frame.opcode == test::kClose && &frame == &frames.back());
      }
    }
    dropped += static_cast<std::uint64_t>(queued_.end() - expected);
    EXPECT_EQ(pongs, last_pong_) << "the latest is never dropped";
    EXPECT_EQ(queue_.dropped(), dropped);
    if (limits_.policy != SlowPolicy::kDropOldest) {
      EXPECT_EQ(dropped, refused_);
    }
    EXPECT_EQ(queue_.bytes(), 0U);
    if (closed_) {
      EXPECT_EQ(frames.back().opcode, test::kClose);
    }
  }

  std::mt19937 random_;
  SendQueueLimits limits_;
  SendQueue queue_;
  std::string out_;
  std::vector<std::string> queued_;
  std::array<std::string, 3> latest_;  // of each room, by its number; of 0 what was queued last
  std::uint64_t refused_ = 0;
  int last_ = 0;
  int last_pong_ = 0;
  bool closed_ = false;
};

TEST(SendQueue, RandomScriptsSendWholeFramesInOrder) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    Script script(seed, static_cast<SlowPolicy>(seed % 3));
    script.run();
    if (HasFatalFailure()) return;
  }
}

TEST(SendQueue, RandomScriptsOfRoomsEndWithTheLatestOfEach) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    Script script(seed, static_cast<SlowPolicy>(seed % 3));
    script.run_rooms();
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace wsd::net
