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
#include "net/send_queue_support.h"

namespace wsd::net {
namespace {

using protocol::ControlFrame;
using protocol::make_close_frame;
using protocol::make_control_frame;
using protocol::Opcode;
using test::frames_of;
using test::server_frame;
using test::WireFrame;
using ClosePlace = SendQueue::ClosePlace;
using Verdict = SendQueue::Verdict;

ControlFrame pong(std::string_view payload) {
  return make_control_frame(Opcode::kPong, as_bytes(payload));
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
  ASSERT_EQ(queue.push(data_frame_of_size(996), limits), Verdict::kQueued);  // at the limit
  EXPECT_FALSE(queue.admits(62, limits));
  ASSERT_EQ(queue.push(data_frame_of_size(60), limits, kGrant), Verdict::kQueued);
  EXPECT_EQ(queue.push(data_frame_of_size(60), limits, kGrant), Verdict::kOverBound);
  ASSERT_EQ(queue.push(data_frame_of_size(36), limits, kGrant), Verdict::kQueued);
  EXPECT_EQ(queue.push(data_frame(""), limits, kGrant), Verdict::kOverBound) << "all is used";
  // Its three frames make the queue more than half full, although few bytes are left. The grant is
  // not renewed.
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
  queue.push_started(data_frame_of_size(896));  // 900 with its header, more than half the limit
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

// A Pong that comes at any point of a stream is sent at the next frame boundary.
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

TEST(SendQueue, OrderlyClose_ComesAfterEverything) {
  const SendQueueLimits limits = limits_of(SlowPolicy::kDisconnect, std::size_t{1} << 20);
  SendQueue queue(0);
  for (int i = 0; i < 9; ++i) {
    ASSERT_EQ(queue.push(data_frame_of_size(50'000), limits), Verdict::kQueued);
  }
  queue.push_replay(data_frame_of_size(100'000));
  queue.push_close(make_close_frame(1000, "bye"), ClosePlace::kLast);
  const Frames frames = frames_of(send_all(queue));
  ASSERT_EQ(frames.size(), 11U);
  EXPECT_EQ(frames.back(), (WireFrame{test::kClose, test::close_payload(1000, "bye")}));
  EXPECT_EQ(queue.dropped(), 0U);
}

TEST(SendQueue, FailingClose_ComesAfterLittleData) {
  const SendQueueLimits limits = limits_of(SlowPolicy::kDisconnect, std::size_t{1} << 20);
  SendQueue queue(0);
  ASSERT_EQ(queue.push(data_frame_of_size(60'000), limits), Verdict::kQueued);
  ASSERT_EQ(queue.push(data_frame("last words"), limits), Verdict::kQueued);
  queue.set_pong(pong("p"));
  queue.push_close(make_close_frame(1000, "bye"), ClosePlace::kOvertakes);
  const Frames frames = frames_of(send_all(queue));
  ASSERT_EQ(frames.size(), 4U);
  EXPECT_EQ(frames[0].opcode, test::kPong);
  EXPECT_EQ(frames[2].payload, "last words");
  EXPECT_EQ(frames[3], (WireFrame{test::kClose, test::close_payload(1000, "bye")}));
  EXPECT_EQ(queue.dropped(), 0U);
}

TEST(SendQueue, FailingClose_ReplacesMuchDataExceptTheStartedFrame) {
  const SendQueueLimits limits = limits_of(SlowPolicy::kDisconnect, std::size_t{1} << 20);
  SendQueue queue(0);
  ASSERT_EQ(queue.push(data_frame("under way"), limits), Verdict::kQueued);
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(queue.push(data_frame_of_size(50'000), limits), Verdict::kQueued);
  }
  std::string out = send_some(queue, 5);
  queue.set_pong(pong("p"));
  queue.push_close(make_close_frame(1008, ""), ClosePlace::kOvertakes);
  EXPECT_EQ(queue.dropped(), 5U);
  out += send_all(queue);
  EXPECT_EQ(frames_of(out), (Frames{{test::kText, "under way"},
                                    {test::kPong, "p"},
                                    {test::kClose, test::close_payload(1008)}}));
  EXPECT_EQ(queue.bytes(), 0U);
}

// HTTP responses

// An opening handshake that follows other requests: the peer would take a frame for a response.
TEST(SendQueue, HttpResponses_AreNeverOvertakenNorDropped) {
  const SendQueueLimits limits = limits_of(SlowPolicy::kDropOldest, std::size_t{1} << 20);
  const std::string ok = "HTTP/1.1 200 OK\r\n\r\n";
  const std::string upgraded = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
  for (const std::size_t sent : {std::size_t{0}, std::size_t{1}, std::size_t{5}}) {
    for (const ClosePlace place : {ClosePlace::kLast, ClosePlace::kOvertakes}) {
      SendQueue queue(0);
      for (const std::string& each : {ok, upgraded}) {
        ASSERT_EQ(queue.push_answer(Slice(SharedBytes::copy_of(as_bytes(each))), limits),
                  Verdict::kQueued);
      }
      ASSERT_EQ(queue.push(data_frame_of_size(70'000), limits), Verdict::kQueued);
      std::string out = send_some(queue, sent);
      EXPECT_EQ(queue.bytes_before_control(), ok.size() + upgraded.size() - sent);
      queue.push_control(make_control_frame(Opcode::kPing, as_bytes("?")));
      queue.set_pong(pong("!"));
      queue.push_close(make_close_frame(1000, ""), place);
      out += send_all(queue);
      ASSERT_TRUE(out.starts_with(ok + upgraded)) << sent;
      const Frames frames = frames_of(out.substr(ok.size() + upgraded.size()));
      const bool last = place == ClosePlace::kLast;
      ASSERT_EQ(frames.size(), last ? 4U : 3U);
      EXPECT_EQ(frames[0].opcode, test::kPing);
      EXPECT_EQ(frames[1].opcode, test::kPong);
      EXPECT_EQ(frames.back().opcode, test::kClose);
      EXPECT_EQ(queue.dropped(), last ? 0U : 1U);
    }
  }
}

TEST(SendQueue, HttpResponse_BeyondTheLimit_IsNotQueued) {
  const SendQueueLimits limits = limits_of(SlowPolicy::kDropNewest);
  SendQueue queue(0);
  const Slice response(SharedBytes::copy_of(as_bytes(std::string(900, 'r'))));
  ASSERT_EQ(queue.push_answer(response, limits), Verdict::kQueued);
  EXPECT_EQ(queue.push_answer(response, limits), Verdict::kOverBound);
  EXPECT_EQ(queue.push_answer(response, limits, 900), Verdict::kQueued);
  EXPECT_EQ(queue.messages(), 0U);
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
      queue.push_close(make_close_frame(1000, ""), ClosePlace::kOvertakes);
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

TEST(SendQueue, ProgressIsNotedWhenBytesLeave) {
  SendQueue queue(7);
  EXPECT_EQ(queue.last_progress(), 7U);
  ASSERT_EQ(queue.push(data_frame("abc"), SendQueueLimits{}), Verdict::kQueued);
  queue.consume(0, 8);
  EXPECT_EQ(queue.last_progress(), 7U);
  queue.consume(1, 9);
  EXPECT_EQ(queue.last_progress(), 9U);
}

// The kernel takes more only when a large part of its buffer is free, so what the peer has
// acknowledged is progress too.
TEST(SendQueue, AcknowledgedBytes_AreProgress) {
  constexpr Tick kTimeout = 10;
  SendQueue queue(100);
  ASSERT_EQ(queue.push(data_frame("abc"), SendQueueLimits{}), Verdict::kQueued);
  EXPECT_FALSE(queue.looked());
  EXPECT_TRUE(queue.look(50, 105, kTimeout)) << "the first look only compares with nothing";
  EXPECT_TRUE(queue.looked());
  EXPECT_EQ(queue.last_progress(), 100U);
  EXPECT_TRUE(queue.look(51, 110, kTimeout));
  EXPECT_EQ(queue.last_progress(), 110U);
  EXPECT_FALSE(queue.look(51, 120, kTimeout));
  queue.consume(1, 121);
  EXPECT_FALSE(queue.looked());
  // The count may pass 2^32. A first look that comes late leaves half of the time.
  EXPECT_TRUE(queue.look(~std::uint32_t{0}, 140, kTimeout));
  EXPECT_EQ(queue.last_progress(), 135U);
  EXPECT_TRUE(queue.look(0, 145, kTimeout));
}

// Random scripts; the test checks the output stream

class Script {
 public:
  Script(unsigned seed, SlowPolicy policy)
      : random_(seed), limits_(limits_of(policy, 600, 12)), queue_(0, &tally_) {}

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
      // At most the limit, or half of it and one frame, besides one or two control frames.
      ASSERT_LE(queue_.bytes(), 2 * (limits_.bytes / 2 + 404));
    }
    if (random_() % 2 == 0) {
      queue_.push_close(make_close_frame(1000, ""),
                        random_() % 2 == 0 ? ClosePlace::kLast : ClosePlace::kOvertakes);
      closed_ = true;
    }
    out_ += send_all(queue_);
    ASSERT_NO_FATAL_FAILURE(judge());
  }

 private:
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
    EXPECT_EQ(tally_.waiting, 0U);
    const std::size_t empty = queue_.memory();
    EXPECT_EQ(tally_.memory, empty) << "no frame is counted any more";
    if (closed_) {
      EXPECT_EQ(frames.back().opcode, test::kClose);
    }
  }

  std::mt19937 random_;
  SendQueueLimits limits_;
  SendTally tally_;
  SendQueue queue_;
  std::string out_;
  std::vector<std::string> queued_;
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

}  // namespace
}  // namespace wsd::net
