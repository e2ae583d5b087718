// The memory that send queues hold, and count for the budget of the process.
#include <gtest/gtest.h>

#include <string>

#include "hub/batch.h"
#include "net/send_queue.h"
#include "net/send_queue_support.h"

namespace wsd::net {
namespace {

using Verdict = SendQueue::Verdict;

// A member does not read, in a room with large and small messages. Only a small message of each
// batch fits in the queue, and it must not keep the large ones in memory.
TEST(SendQueueMemory, QueuedFrames_DoNotKeepDroppedFramesAlive) {
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

TEST(SendQueueMemory, Memory_IsCountedWhileItIsHeld) {
  SendTally tally;
  const SendQueueLimits limits = limits_of(SlowPolicy::kDropOldest, 100'000);
  {
    SendQueue queue(0, &tally);
    ASSERT_EQ(queue.push(data_frame_of_size(10'000), limits), Verdict::kQueued);
    EXPECT_GE(tally.memory, 10'000 + sizeof(SendQueue));
    EXPECT_LE(tally.memory, 10'500 + sizeof(SendQueue));
    queue.consume(9'000, 0);
    EXPECT_EQ(tally.waiting, 1'004U);
    EXPECT_GE(tally.memory, 10'000U) << "all of the frame is held until its last byte was sent";
    EXPECT_GE(queue.memory(), 10'000U);
    queue.consume(1'004, 0);
    EXPECT_LT(tally.memory, 1'000U);
    EXPECT_LT(queue.memory(), 1'000U);
  }
  EXPECT_EQ(tally.memory, 0U);
}

TEST(SendQueueMemory, SharedFrames_CountOnce) {
  SendTally tally;
  const SendQueueLimits limits = limits_of(SlowPolicy::kDisconnect, 100'000);
  const hub::Batch batch({SharedBytes::copy_of(as_bytes(std::string(3'000, 'a'))),
                          SharedBytes::copy_of(as_bytes(std::string(3'000, 'b')))});
  {
    SendQueue first(0, &tally);
    SendQueue second(0, &tally);
    for (SendQueue* const queue : {&first, &second}) {
      for (const Slice& frame : batch.frames()) {
        ASSERT_EQ(queue->push(frame, limits), Verdict::kQueued);
      }
    }
    EXPECT_EQ(tally.waiting, 12'000U);
    EXPECT_GE(tally.memory, 6'000U);
    EXPECT_LT(tally.memory, 8'000U);
    first.consume(6'000, 0);
    EXPECT_GE(tally.memory, 6'000U) << "the second queue holds them";
    second.consume(3'000, 0);
    EXPECT_GE(tally.memory, 6'000U) << "both frames are in one block";
    second.consume(3'000, 0);
    EXPECT_LT(tally.memory, 3'000U);
  }
  EXPECT_EQ(tally.memory, 0U);
}

}  // namespace
}  // namespace wsd::net
