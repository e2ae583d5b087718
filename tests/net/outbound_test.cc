#include "net/outbound.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "net/peer.h"

namespace wsd::net {
namespace {

using protocol::make_close_frame;
using protocol::make_control_frame;
using protocol::Opcode;
using test::frames_of;
using test::Peer;
using test::server_frame;
using test::WireFrame;
using Frames = std::vector<WireFrame>;
using ClosePlace = SendQueue::ClosePlace;
using Status = Outbound::Status;

// A socket pair with an Outbound on one end and a peer on the other.
class Rig {
 public:
  explicit Rig(SendQueueLimits with = {}, int send_buffer = 0) : limits(with) {
    std::array<int, 2> fds{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()), 0);
    fd_ = fds[0];
    peer = Peer::of(fds[1]);
    if (send_buffer != 0) {
      ::setsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof(send_buffer));
    }
    out = std::make_unique<Outbound>(fd_);
  }
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;
  ~Rig() { ::close(fd_); }

  [[nodiscard]] SendContext context() { return {cork, limits, 0}; }
  Status send(std::string_view payload) {
    return out->send_message(Opcode::kText, as_bytes(payload), false, context());
  }
  Status ping(std::string_view payload) {
    return out->send_control(make_control_frame(Opcode::kPing, as_bytes(payload)), context());
  }
  Status pong(std::string_view payload) {
    return out->send_pong(make_control_frame(Opcode::kPong, as_bytes(payload)), context());
  }

  // Ends the read step that cork.begin() began.
  Status uncork() {
    const Status status = out->uncork(context());
    cork.end();
    return status;
  }

  // Lets the peer read and the socket become writable, until the queue is empty.
  void drain() {
    for (int i = 0; i < 100'000 && !out->idle(); ++i) {
      peer.pump();
      out->set_writable();
      ASSERT_NE(out->flush(context()), Status::kGone);
    }
    ASSERT_TRUE(out->idle());
    peer.pump();
  }
  // Sends until the kernel takes no more: the latch is off and a frame is queued.
  void fill() {
    const std::string big(300'000, 'f');
    for (int i = 0; i < 100 && out->writable(); ++i) {
      static_cast<void>(send(big));
      static_cast<void>(out->flush(context()));
    }
    ASSERT_FALSE(out->writable());
    ASSERT_FALSE(out->idle());
  }

  // Fills the socket directly with bytes that are not frames. Returns the number of bytes.
  [[nodiscard]] std::size_t stuff() const {
    const std::string junk(4096, 'j');
    std::size_t count = 0;
    for (;;) {
      const ssize_t taken = ::send(fd_, junk.data(), junk.size(), MSG_NOSIGNAL);
      if (taken < 0) return count;
      count += static_cast<std::size_t>(taken);
    }
  }

  SendQueueLimits limits;
  Cork cork;
  Peer peer;
  std::unique_ptr<Outbound> out;

 private:
  int fd_ = -1;
};

constexpr SendQueueLimits kRoomy{std::size_t{64} << 20, 100'000, SlowPolicy::kDisconnect};

hub::Batch batch_of(const std::vector<std::string>& payloads) {
  std::vector<SharedBytes> frames;
  for (const std::string& each : payloads) {
    frames.push_back(protocol::make_frame(Opcode::kText, as_bytes(each)));
  }
  return hub::Batch(std::move(frames));
}

Frames texts(const std::vector<std::string>& payloads) {
  Frames frames;
  for (const std::string& each : payloads) frames.push_back({test::kText, each});
  return frames;
}

TEST(Outbound, WhatIsSentOutsideAReadStepLeavesWithTheFlush) {
  Rig rig;
  EXPECT_TRUE(rig.out->idle());
  EXPECT_EQ(rig.send("a"), Status::kQueued);
  EXPECT_EQ(rig.send("b"), Status::kQueued);
  rig.peer.pump();
  EXPECT_TRUE(rig.peer.input.empty());
  EXPECT_EQ(rig.out->queued_bytes(), 6U);
  EXPECT_EQ(rig.out->flush(rig.context()), Status::kSent);
  EXPECT_TRUE(rig.out->idle());
  EXPECT_EQ(rig.out->queue(), nullptr);
  rig.peer.pump();
  EXPECT_EQ(frames_of(rig.peer.input), texts({"a", "b"}));
  EXPECT_EQ(rig.out->bytes_sent(), 6U);
}

// RFC 6455 §5.5.3: among the data, the Pong would be sent after a later Pong in the control lane.
TEST(Outbound, APongThatFindsTheCorkFullWaitsInTheControlLane) {
  Rig rig(kRoomy);
  const std::size_t stuffed = rig.stuff();
  rig.cork.begin(*rig.out);
  const std::string big(10'000, 'c');
  while (rig.cork.room() >= big.size() + 4) ASSERT_EQ(rig.send(big), Status::kSent);
  const std::string rest(rig.cork.room() - 4, 'r');
  ASSERT_EQ(rig.send(rest), Status::kSent);
  ASSERT_EQ(rig.cork.room(), 0U);
  EXPECT_EQ(rig.pong("first"), Status::kQueued);
  EXPECT_EQ(rig.pong("second"), Status::kQueued);
  EXPECT_EQ(rig.uncork(), Status::kSent);
  rig.drain();
  std::vector<std::string> pongs;
  for (const WireFrame& each : frames_of(rig.peer.input.substr(stuffed))) {
    if (each.opcode == test::kPong) pongs.push_back(each.payload);
  }
  EXPECT_EQ(pongs, (std::vector<std::string>{"second"}));
}

TEST(Outbound, WhatIsSentInTheReadStepLeavesWhenItEnds) {
  Rig rig;
  rig.cork.begin(*rig.out);
  EXPECT_EQ(rig.out->send_raw(as_bytes("HTTP"), rig.context()), Status::kSent);
  EXPECT_EQ(rig.send("a"), Status::kSent);
  EXPECT_EQ(rig.pong("p"), Status::kSent);
  EXPECT_EQ(rig.send(""), Status::kSent);
  rig.peer.pump();
  EXPECT_TRUE(rig.peer.input.empty());
  EXPECT_EQ(rig.uncork(), Status::kSent);
  rig.peer.pump();
  EXPECT_EQ(rig.peer.input, "HTTP" + server_frame(test::kText, "a") +
                                server_frame(test::kPong, "p") + server_frame(test::kText, ""));
}

TEST(Outbound, ACorkThatOverflowsKeepsTheOrder) {
  for (const int send_buffer : {0, 4096}) {
    Rig rig(kRoomy, send_buffer);
    std::vector<std::string> sent;
    rig.cork.begin(*rig.out);
    for (std::size_t i = 0; i < 100; ++i) {
      sent.push_back(std::string(i * 37 % 3000, static_cast<char>('a' + i % 26)));
      ASSERT_NE(rig.send(sent.back()), Status::kGone);
    }
    static_cast<void>(rig.uncork());
    ASSERT_NO_FATAL_FAILURE(rig.drain());
    EXPECT_EQ(frames_of(rig.peer.input), texts(sent));
  }
}

TEST(Outbound, ALargeMessageInTheCorkKeepsItsPlace) {
  for (const int send_buffer : {0, 4096}) {
    for (const std::size_t size : {16'384U, 16'385U, 65'526U, 65'536U, 500'000U}) {
      Rig rig(kRoomy, send_buffer);
      const std::string large(size, 'L');
      rig.cork.begin(*rig.out);
      static_cast<void>(rig.send("before"));
      static_cast<void>(rig.send(large));
      static_cast<void>(rig.send("after"));
      static_cast<void>(rig.uncork());
      ASSERT_NO_FATAL_FAILURE(rig.drain());
      EXPECT_EQ(frames_of(rig.peer.input), texts({"before", large, "after"})) << size;
    }
  }
}

TEST(Outbound, ALargeRawAnswerInTheCorkIsSentWhole) {
  for (const std::size_t size : {65'535U, 65'536U, 65'537U, 300'000U}) {
    Rig rig(kRoomy, 4096);
    rig.cork.begin(*rig.out);
    const std::string body(size, 'b');
    static_cast<void>(rig.out->send_raw(as_bytes("head"), rig.context()));
    static_cast<void>(rig.out->send_raw(as_bytes(body), rig.context()));
    static_cast<void>(rig.send("x"));
    static_cast<void>(rig.uncork());
    ASSERT_NO_FATAL_FAILURE(rig.drain());
    EXPECT_EQ(rig.peer.input, "head" + body + server_frame(test::kText, "x"));
  }
}

TEST(Outbound, ABatchWithNothingQueuedLeavesAtOnce) {
  Rig rig;
  EXPECT_EQ(rig.out->send_batch(batch_of({"a", "b", "c"}), rig.context()), Status::kSent);
  EXPECT_TRUE(rig.out->idle());
  rig.peer.pump();
  EXPECT_EQ(frames_of(rig.peer.input), texts({"a", "b", "c"}));
}

TEST(Outbound, ABatchThatIsSentInPartIsQueuedFromWhereItWasCut) {
  Rig rig(kRoomy, 4096);
  std::vector<std::string> sent;
  for (std::size_t i = 0; i < 300; ++i) sent.push_back(std::string(1000 + i, 'b'));
  EXPECT_EQ(rig.out->send_batch(batch_of(sent), rig.context()), Status::kQueued);
  EXPECT_FALSE(rig.out->idle());
  EXPECT_NE(rig.out->bytes_sent(), 0U);
  static_cast<void>(rig.send("after"));
  sent.emplace_back("after");
  ASSERT_NO_FATAL_FAILURE(rig.drain());
  EXPECT_EQ(frames_of(rig.peer.input), texts(sent));
}

TEST(Outbound, ABatchOfMorePiecesThanOneCallTakesIsSentWhole) {
  Rig rig(kRoomy);
  std::vector<std::string> sent;
  for (int i = 0; i < 200; ++i) {  // large frames are separate pieces
    sent.push_back(std::string(i % 2 == 0 ? 5000 : 10, static_cast<char>('a' + i % 26)));
  }
  static_cast<void>(rig.out->send_batch(batch_of(sent), rig.context()));
  ASSERT_NO_FATAL_FAILURE(rig.drain());
  EXPECT_EQ(frames_of(rig.peer.input), texts(sent));
}

TEST(Outbound, ABatchInTheReadStepComesBehindWhatTheCorkHolds) {
  Rig rig;
  rig.cork.begin(*rig.out);
  static_cast<void>(rig.send("mine"));
  static_cast<void>(rig.out->send_batch(batch_of({"room"}), rig.context()));
  static_cast<void>(rig.send("more"));
  static_cast<void>(
      rig.out->send_frame(protocol::make_frame(Opcode::kText, as_bytes("frame")), rig.context()));
  static_cast<void>(rig.send("last"));
  static_cast<void>(rig.uncork());
  ASSERT_NO_FATAL_FAILURE(rig.drain());
  EXPECT_EQ(frames_of(rig.peer.input), texts({"mine", "room", "more", "frame", "last"}));
}

TEST(Outbound, APongWaitsInTheLaneWhileThereIsABacklog) {
  Rig rig(kRoomy, 4096);
  ASSERT_NO_FATAL_FAILURE(rig.fill());
  static_cast<void>(rig.send("behind"));
  EXPECT_EQ(rig.pong("old"), Status::kQueued);
  EXPECT_EQ(rig.pong("new"), Status::kQueued);
  ASSERT_NO_FATAL_FAILURE(rig.drain());
  const Frames frames = frames_of(rig.peer.input);
  EXPECT_EQ(std::count(frames.begin(), frames.end(), WireFrame{test::kPong, "old"}), 0);
  EXPECT_EQ(std::count(frames.begin(), frames.end(), WireFrame{test::kPong, "new"}), 1);
  EXPECT_EQ(frames.back(), (WireFrame{test::kText, "behind"}));
}

TEST(Outbound, APingIsNeitherDroppedNorBehindABacklog) {
  Rig rig({1000, 2, SlowPolicy::kDropNewest}, 4096);
  ASSERT_NO_FATAL_FAILURE(rig.fill());
  for (int i = 0; i < 3; ++i) static_cast<void>(rig.send("data"));
  ASSERT_EQ(rig.send("full"), Status::kDropped);
  EXPECT_EQ(rig.ping("?"), Status::kQueued);
  const std::uint64_t dropped = rig.out->dropped();
  ASSERT_NO_FATAL_FAILURE(rig.drain());
  const Frames frames = frames_of(rig.peer.input);
  const auto ping = std::find(frames.begin(), frames.end(), WireFrame{test::kPing, "?"});
  ASSERT_NE(ping, frames.end());
  EXPECT_EQ(std::find(frames.begin(), ping, WireFrame{test::kText, "data"}), ping);
  EXPECT_EQ(rig.out->dropped(), dropped);
}

TEST(Outbound, APingOutsideTheReadStepLeavesAtOnce) {
  Rig rig;
  EXPECT_EQ(rig.ping("?"), Status::kSent);
  rig.peer.pump();
  EXPECT_EQ(frames_of(rig.peer.input), (Frames{{test::kPing, "?"}}));
}

TEST(Outbound, ACloseComesBehindTheCorkAndTheQueue) {
  for (const bool corked : {false, true}) {
    Rig rig;
    if (corked) rig.cork.begin(*rig.out);
    static_cast<void>(rig.send("last words"));
    EXPECT_EQ(rig.out->send_close(make_close_frame(1000, "bye"), ClosePlace::kLast, rig.context()),
              Status::kSent);
    if (corked) static_cast<void>(rig.uncork());
    rig.peer.pump();
    EXPECT_EQ(
        frames_of(rig.peer.input),
        (Frames{{test::kText, "last words"}, {test::kClose, test::close_payload(1000, "bye")}}));
  }
}

TEST(Outbound, OrderlyClose_WaitsForTheBacklog) {
  Rig rig(kRoomy, 4096);
  ASSERT_NO_FATAL_FAILURE(rig.fill());
  const std::string behind(100'000, 'b');
  static_cast<void>(rig.send(behind));
  EXPECT_EQ(rig.out->send_close(make_close_frame(1000, ""), ClosePlace::kLast, rig.context()),
            Status::kQueued);
  ASSERT_NO_FATAL_FAILURE(rig.drain());
  const Frames frames = frames_of(rig.peer.input);
  ASSERT_GE(frames.size(), 2U);
  EXPECT_EQ(frames[frames.size() - 2], (WireFrame{test::kText, behind}));
  EXPECT_EQ(frames.back(), (WireFrame{test::kClose, test::close_payload(1000)}));
  EXPECT_EQ(rig.out->dropped(), 0U);
}

TEST(Outbound, FailingClose_DoesNotWaitForABacklog) {
  Rig rig(kRoomy, 4096);
  ASSERT_NO_FATAL_FAILURE(rig.fill());
  const std::string behind(100'000, 'b');
  static_cast<void>(rig.send(behind));
  EXPECT_EQ(rig.out->send_close(make_close_frame(1008, ""), ClosePlace::kOvertakes, rig.context()),
            Status::kQueued);
  ASSERT_NO_FATAL_FAILURE(rig.drain());
  const Frames frames = frames_of(rig.peer.input);
  EXPECT_EQ(frames.back(), (WireFrame{test::kClose, test::close_payload(1008)}));
  EXPECT_EQ(std::count(frames.begin(), frames.end(), WireFrame{test::kText, behind}), 0);
  EXPECT_EQ(rig.out->dropped(), 1U);
}

TEST(Outbound, APeerThatReadsIsNotSlowHoweverMuchOneTurnSends) {
  Rig rig({16'384, 1000, SlowPolicy::kDisconnect});
  std::vector<std::string> sent;
  for (int i = 0; i < 500; ++i) {
    sent.push_back(std::string(100, 'x') + std::to_string(i));
    const Status status = rig.send(sent.back());
    ASSERT_TRUE(status == Status::kQueued || status == Status::kSent) << i;
  }
  ASSERT_NO_FATAL_FAILURE(rig.drain());
  EXPECT_EQ(frames_of(rig.peer.input), texts(sent));
}

TEST(Outbound, ASlowPeerIsToldOfByThePolicy) {
  Rig rig({100'000, 1000, SlowPolicy::kDisconnect}, 4096);
  Status status = Status::kSent;
  for (int i = 0; i < 1000 && status != Status::kOverBound; ++i) {
    status = rig.send(std::string(10'000, 'x'));
    ASSERT_LE(rig.out->queued_bytes(), 100'000U);
  }
  EXPECT_EQ(status, Status::kOverBound);
}

TEST(Outbound, ADeadConnectionIsGone) {
  const auto dead = [](Rig& rig) { rig.peer.close(); };
  {
    Rig rig;
    dead(rig);
    EXPECT_EQ(rig.send("x"), Status::kQueued);
    EXPECT_EQ(rig.out->flush(rig.context()), Status::kGone);
  }
  {
    Rig rig;
    dead(rig);
    rig.cork.begin(*rig.out);
    EXPECT_EQ(rig.send("x"), Status::kSent);
    EXPECT_EQ(rig.uncork(), Status::kGone);
    EXPECT_TRUE(rig.cork.bytes().empty());
  }
  {
    Rig rig;
    dead(rig);
    EXPECT_EQ(rig.out->send_batch(batch_of({"x"}), rig.context()), Status::kGone);
    EXPECT_EQ(rig.ping(""), Status::kGone);
    EXPECT_EQ(rig.out->send_close(make_close_frame(1000, ""), ClosePlace::kLast, rig.context()),
              Status::kGone);
  }
}

// Random orders of sending and reading, with a small socket buffer

class Script {
 public:
  Script(unsigned seed, SlowPolicy policy) : random_(seed), rig_({20'000, 60, policy}, 4096) {}

  void run() {
    for (int step = 0; step < 300 && !over_; ++step) {
      if (random_() % 3 == 0) {
        rig_.cork.begin(*rig_.out);
        for (std::size_t i = random_() % 6; i > 0 && !over_; --i) act();
        static_cast<void>(rig_.uncork());
      } else {
        act();
      }
      if (random_() % 2 == 0) rig_.peer.pump(random_() % 9000);
      if (random_() % 2 == 0) {
        rig_.out->set_writable();
        ASSERT_NE(rig_.out->flush(rig_.context()), Status::kGone);
      }
    }
    ASSERT_NO_FATAL_FAILURE(rig_.drain());
    judge();
  }

 private:
  [[nodiscard]] std::string text() {
    const std::size_t size = random_() % 20 == 0 ? 5000 + random_() % 30'000 : random_() % 900;
    sent_.push_back(std::to_string(sent_.size()) + "." + std::string(size, 'x'));
    return sent_.back();
  }

  void act() {
    Status status = Status::kSent;
    switch (random_() % 6) {
      case 0: {
        std::vector<std::string> payloads;
        for (std::size_t i = 1 + random_() % 5; i > 0; --i) payloads.push_back(text());
        status = rig_.out->send_batch(batch_of(payloads), rig_.context());
        break;
      }
      case 1:
        status = rig_.out->send_frame(protocol::make_frame(Opcode::kText, as_bytes(text())),
                                      rig_.context());
        break;
      case 2:
        status = rig_.pong(std::to_string(++last_pong_));
        break;
      case 3:
        status = rig_.ping(std::to_string(++pings_));
        break;
      default:
        status = rig_.send(text());
        break;
    }
    ASSERT_NE(status, Status::kGone);
    over_ = status == Status::kOverBound;
  }

  // Frames arrive whole, in order and once. Missing frames are counted.
  void judge() {
    std::size_t next = 0;
    std::size_t delivered = 0;
    int pong = 0;
    int pings = 0;
    for (const WireFrame& frame : frames_of(rig_.peer.input)) {
      if (frame.opcode == test::kPong) {
        ASSERT_GT(std::stoi(frame.payload), pong);
        pong = std::stoi(frame.payload);
      } else if (frame.opcode == test::kPing) {
        ++pings;
      } else {
        ASSERT_EQ(frame.opcode, test::kText);
        const auto number = static_cast<std::size_t>(std::stoul(frame.payload));
        ASSERT_GE(number, next);
        ASSERT_EQ(frame.payload, sent_[number]);
        next = number + 1;
        ++delivered;
      }
    }
    EXPECT_EQ(pong, last_pong_);
    EXPECT_EQ(pings, pings_);
    if (!over_) {
      EXPECT_EQ(delivered + rig_.out->dropped(), sent_.size());
    }
    EXPECT_EQ(rig_.out->bytes_sent(), rig_.peer.input.size());
  }

  std::mt19937 random_;
  Rig rig_;
  std::vector<std::string> sent_;
  int last_pong_ = 0;
  int pings_ = 0;
  bool over_ = false;
};

TEST(Outbound, RandomScriptsTearNothing) {
  for (unsigned seed = 0; seed < 90; ++seed) {
    SCOPED_TRACE(seed);
    Script(seed, static_cast<SlowPolicy>(seed % 3)).run();
    if (HasFatalFailure()) return;
  }
}

// HTTP responses are never dropped: the client would take the next response for the missing one.
TEST(Outbound, NoPolicyLeavesAnAnswerOut) {
  for (const SlowPolicy policy :
       {SlowPolicy::kDisconnect, SlowPolicy::kDropNewest, SlowPolicy::kDropOldest}) {
    Rig rig({100, 10, policy}, 4'096);
    static_cast<void>(rig.stuff());
    const auto answer = [&](char c) {
      const std::string bytes(40, c);
      return rig.out->send_raw(as_bytes(bytes), rig.context());
    };
    EXPECT_EQ(answer('a'), Status::kQueued);
    EXPECT_EQ(answer('b'), Status::kQueued);
    EXPECT_EQ(answer('c'), Status::kOverBound);
  }
}

}  // namespace
}  // namespace wsd::net
