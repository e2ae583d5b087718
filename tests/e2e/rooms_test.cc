// Rooms: delivery, order, and members that stop reading.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "support/expect.h"
#include "support/server_process.h"

namespace e2e {
namespace {

using ::testing::AssertionFailure;
using ::testing::AssertionSuccess;

// A member has joined when its own message has come back, not at the 101, because the room's home
// shard may be on another thread.
AssertionResult joins(RawClient& member, std::string_view path, std::string_view greeting) {
  if (auto result = opens(member, path); !result) return result;
  member.send(text_frame(greeting));
  return receives_text(member, greeting);
}

class Rooms : public SharedServer {
 protected:
  static void SetUpTestSuite() { start({"--reactors", "2"}); }
};

TEST_F(Rooms, MessageGoesToEveryMemberAndTheSender) {
  RawClient ann = server().connect();
  RawClient bob = server().connect();
  ASSERT_TRUE(joins(ann, "/rooms/a", "ann is here"));
  ASSERT_TRUE(joins(bob, "/rooms/a", "bob is here"));
  EXPECT_TRUE(receives_text(ann, "bob is here"));
  ann.send(text_frame("h\xc3\xa9llo"));
  EXPECT_TRUE(receives_text(ann, "h\xc3\xa9llo"));
  EXPECT_TRUE(receives_text(bob, "h\xc3\xa9llo"));
  bob.send(binary_frame("\xff\x01"));
  EXPECT_TRUE(receives(ann, kBinary, "\xff\x01"));
  EXPECT_TRUE(receives(bob, kBinary, "\xff\x01"));
}

TEST_F(Rooms, OtherRooms_ReceiveNothing) {
  RawClient inside = server().connect();
  ASSERT_TRUE(joins(inside, "/rooms/inside", "in"));
  std::vector<RawClient> others;
  for (int i = 0; i < 8; ++i) {
    others.push_back(server().connect());
    ASSERT_TRUE(joins(others.back(), "/rooms/other" + std::to_string(i), "out"));
  }
  for (int i = 0; i < 100; ++i) {
    inside.send(text_frame("secret"));
    ASSERT_TRUE(receives_text(inside, "secret"));
  }
  for (RawClient& other : others) {
    // The next message is the member's own, so no other came before it.
    EXPECT_TRUE(echoes(other, "mine"));
  }
}

TEST_F(Rooms, LargeMessageIsWholeForEveryMember) {
  const std::string large(300000, 'L');
  RawClient ann = server().connect();
  RawClient bob = server().connect();
  ASSERT_TRUE(joins(ann, "/rooms/large", "ann"));
  ASSERT_TRUE(joins(bob, "/rooms/large", "bob"));
  ASSERT_TRUE(receives_text(ann, "bob"));
  ann.send(text_frame(large.substr(1), false));
  ann.send(continuation_frame("L", true));
  EXPECT_TRUE(receives_text(ann, large));
  EXPECT_TRUE(receives_text(bob, large));
}

TEST_F(Rooms, FormerMember_ReceivesNothing) {
  RawClient stays = server().connect();
  ASSERT_TRUE(joins(stays, "/rooms/leave", "stays"));
  for (int round = 0; round < 20; ++round) {
    RawClient leaves = server().connect();
    const std::string address = leaves.local_address();
    ASSERT_TRUE(joins(leaves, "/rooms/leave", "hello"));
    ASSERT_TRUE(receives_text(stays, "hello"));
    if (round % 2 == 0) {
      ASSERT_TRUE(closes_normally(leaves));
      leaves.close();
    } else {
      leaves.reset();
    }
    ASSERT_TRUE(server().wait_for_end_of(address));
    EXPECT_TRUE(echoes(stays, "alone again"));
  }
}

TEST_F(Rooms, NameIsPercentDecoded) {
  RawClient plain = server().connect();
  RawClient encoded = server().connect();
  ASSERT_TRUE(joins(plain, "/rooms/caf%C3%A9%20a", "plain"));
  ASSERT_TRUE(joins(encoded, "/rooms/%63af%c3%a9%20%61", "encoded"));
  EXPECT_TRUE(receives_text(plain, "encoded"));
}

TEST_F(Rooms, BadNamesAreRefused) {
  for (const std::string& name : {std::string("%00"), std::string("a%0ab"), std::string("%ff"),
                                  std::string("%ed%a0%80"), std::string(4096, 'x')}) {
    RawClient client = server().connect();
    client.send(RequestText::upgrade("/rooms/" + name).text());
    EXPECT_TRUE(is_refused(client, {400})) << printable(name);
  }
  for (const char* path : {"/rooms", "/rooms/", "/rooms/a/b"}) {
    RawClient client = server().connect();
    client.send(RequestText::upgrade(path).text());
    EXPECT_TRUE(is_refused(client, {400, 404})) << path;
  }
}

// Sixteen connections use both reactors, however the kernel distributes them.
TEST_F(Rooms, AllMembersSeeOneOrder) {
  constexpr int kMembers = 16;
  constexpr int kMessages = 250;
  std::vector<RawClient> members;
  for (int i = 0; i < kMembers; ++i) {
    members.push_back(server().connect());
    const std::string greeting = "join " + std::to_string(i);
    ASSERT_TRUE(joins(members.back(), "/rooms/order", greeting));
    for (int k = 0; k < i; ++k) {
      ASSERT_TRUE(receives_text(members[static_cast<std::size_t>(k)], greeting));
    }
  }
  for (int number = 0; number < kMessages; ++number) {
    for (int i = 0; i < kMembers; ++i) {
      members[static_cast<std::size_t>(i)].send(
          text_frame(std::to_string(i) + " " + std::to_string(number)));
    }
  }
  std::vector<std::string> order;
  for (RawClient& member : members) {
    std::vector<std::string> seen;
    for (int i = 0; i < kMembers * kMessages; ++i) {
      const auto frame = member.read_frame();
      ASSERT_TRUE(frame) << end_name(member.end()) << " after " << i;
      seen.push_back(frame->payload);
    }
    if (order.empty()) order = seen;
    ASSERT_TRUE(seen == order);
  }
  std::vector<int> next(kMembers, 0);
  for (const std::string& message : order) {
    const std::size_t space = message.find(' ');
    const auto publisher = static_cast<std::size_t>(std::stoi(message.substr(0, space)));
    ASSERT_EQ(std::stoi(message.substr(space + 1)), next[publisher]++) << message;
  }
}

// A member with a small window that does not read. Its room carries far more data than all buffers
// on the path can store.
class StalledMember {
 public:
  static constexpr int kStorm = 2500;
  static constexpr int kBurst = 10;

  // `rule`: settings of the room.
  explicit StalledMember(const char* policy, const char* send_queue_bytes = "65536",
                         const char* rule = "no-room history-messages=0")
      : server_({"--reactors", "2", "--socket-send-buffer", "16384", "--send-queue-bytes",
                 send_queue_bytes, "--close-timeout", "300ms", "--slow-policy", policy,
                 "--room-rule", rule}) {}

  AssertionResult join() {
    if (!server_.listening()) return AssertionFailure() << "no server";
    stalled_ = server_.connect(4096);
    publisher_ = server_.connect();
    reader_ = server_.connect();
    if (auto result = joins(stalled_, "/rooms/storm", "stalled"); !result) return result;
    if (auto result = joins(reader_, "/rooms/storm", "reader"); !result) return result;
    if (auto result = receives_text(stalled_, "reader"); !result) return result;
    if (auto result = joins(publisher_, "/rooms/storm", "publisher"); !result) return result;
    if (auto result = receives_text(stalled_, "publisher"); !result) return result;
    return receives_text(reader_, "publisher");
  }

  // Sends bursts that fit every queue. The other members read each burst before the next, so only
  // the stalled member's queue can fill up.
  AssertionResult storm() {
    for (int i = 0; i < kStorm; i += kBurst) {
      std::string burst;
      for (int k = 0; k < kBurst; ++k) burst += text_frame(numbered(i + k));
      publisher_.send(burst);
      for (RawClient* member : {&publisher_, &reader_}) {
        for (int k = 0; k < kBurst; ++k) {
          if (auto result = receives_text(*member, numbered(i + k)); !result) return result;
        }
      }
    }
    return AssertionSuccess();
  }

  // Lets the stalled member read again while numbers above the storm's are published, until it has
  // received one of those. Each publish leaves at least one frame for it to read. Returns the
  // numbers that it received.
  std::vector<int> read_on() {
    std::vector<int> numbers;
    const auto take = [&](const Frame& frame) {
      EXPECT_EQ(frame.opcode, kText) << frame.describe();
      EXPECT_EQ(frame.payload.size(), kPayload) << frame.describe();
      numbers.push_back(std::atoi(frame.payload.c_str()));
    };
    for (int next = kStorm; numbers.empty() || numbers.back() < kStorm; ++next) {
      publisher_.send(text_frame(numbered(next)));
      for (RawClient* member : {&publisher_, &reader_}) {
        EXPECT_TRUE(receives_text(*member, numbered(next)));
      }
      const auto frame = stalled_.read_frame();
      if (!frame) {
        ADD_FAILURE() << "the stalled member has no frame: " << end_name(stalled_.end());
        break;
      }
      take(*frame);
      while (const auto more = stalled_.poll_frame()) take(*more);
    }
    return numbers;
  }

  ServerProcess& server() { return server_; }
  RawClient& stalled() { return stalled_; }

 private:
  static constexpr std::size_t kPayload = 1024;
  static std::string numbered(int number) {
    std::string text = std::to_string(number) + " ";
    text.resize(kPayload, '.');
    return text;
  }

  ServerProcess server_;
  RawClient stalled_;
  RawClient publisher_;
  RawClient reader_;
};

void expect_strictly_increasing(const std::vector<int>& numbers) {
  for (std::size_t i = 1; i < numbers.size(); ++i) ASSERT_LT(numbers[i - 1], numbers[i]);
}

bool has(const std::vector<int>& numbers, int number) {
  return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

TEST(SlowConsumer, IsDisconnectedAndOthersLoseNothing) {
  StalledMember room("disconnect");
  ASSERT_TRUE(room.join());
  const std::string address = room.stalled().local_address();
  ASSERT_TRUE(room.storm());
  const auto line = room.server().wait_for_end_of(address);
  ASSERT_TRUE(line);
  EXPECT_EQ(log_value(*line, "cause"), "slow_consumer") << *line;
  EXPECT_EQ(log_value(*line, "code_sent"), "1008") << *line;
  // The bytes that the kernel had accepted by then are whole frames in order. The last one may be
  // incomplete.
  int next = 0;
  while (const auto frame = room.stalled().read_frame()) {
    if (frame->opcode == kClose) {
      EXPECT_EQ(frame->close_code(), 1008U);
      break;
    }
    EXPECT_EQ(std::atoi(frame->payload.c_str()), next++) << frame->describe();
  }
  EXPECT_GT(next, 0);
  EXPECT_LT(next, StalledMember::kStorm);
}

TEST(SlowConsumer, DropNewestKeepsTheOldest) {
  StalledMember room("drop-newest");
  ASSERT_TRUE(room.join());
  ASSERT_TRUE(room.storm());
  const std::vector<int> numbers = room.read_on();
  expect_strictly_increasing(numbers);
  EXPECT_TRUE(has(numbers, 0));
  EXPECT_FALSE(has(numbers, StalledMember::kStorm - 1));
  // Nothing is missing before the first drop: kernel buffers and the queue of 64 KiB had space.
  EXPECT_TRUE(has(numbers, 40));
}

TEST(SlowConsumer, DropOldestKeepsTheNewest) {
  StalledMember room("drop-oldest");
  ASSERT_TRUE(room.join());
  ASSERT_TRUE(room.storm());
  const std::vector<int> numbers = room.read_on();
  expect_strictly_increasing(numbers);
  // The first message had left before anything was queued. The last ones were all still queued.
  EXPECT_TRUE(has(numbers, 0));
  for (int back = 1; back <= 32; ++back) {
    EXPECT_TRUE(has(numbers, StalledMember::kStorm - back)) << back;
  }
  EXPECT_LT(numbers.size(), static_cast<std::size_t>(StalledMember::kStorm));
}

TEST(SlowConsumer, LatestOnly_KeepsOnlyTheNewest) {
  StalledMember room("disconnect", "65536", "st*m slow-policy=latest-only");
  ASSERT_TRUE(room.join());
  ASSERT_TRUE(room.storm());
  const std::vector<int> numbers = room.read_on();
  expect_strictly_increasing(numbers);
  EXPECT_TRUE(has(numbers, 0));
  // The member received the messages that the kernel had stored, at most one more in transit, and
  // then the newest: the last of the storm, or one that read_on() has published.
  for (int number = StalledMember::kStorm / 2; number < StalledMember::kStorm - 1; ++number) {
    EXPECT_FALSE(has(numbers, number)) << number;
  }
}

// Control frames have their own lane. The server answers a Ping of the stalled member at the next
// frame boundary, before the queued megabytes. The queue is far larger than the storm, because a
// server may pause reading from a member whose queue is nearly full.
TEST(SlowConsumer, PongOvertakesTheQueue) {
  StalledMember room("disconnect", "16MiB");
  ASSERT_TRUE(room.join());
  ASSERT_TRUE(room.storm());
  room.stalled().send(ping_frame("overtake"));
  int data_before = 0;
  for (;; ++data_before) {
    const auto frame = room.stalled().read_frame();
    ASSERT_TRUE(frame) << end_name(room.stalled().end());
    if (frame->opcode == kPong) break;
  }
  EXPECT_GT(data_before, 0);
  EXPECT_LT(data_before, StalledMember::kStorm / 2);
  for (int next = data_before; next < StalledMember::kStorm; ++next) {
    const auto frame = room.stalled().read_frame();
    ASSERT_TRUE(frame) << end_name(room.stalled().end());
    ASSERT_EQ(std::atoi(frame->payload.c_str()), next) << frame->describe();
  }
}

// On an echo the only peer is its own publisher, so the stalled reader is too.
TEST(SlowConsumer, EchoToPeerThatDoesNotRead_IsLimited) {
  ServerProcess server({"--socket-send-buffer", "16384", "--send-queue-bytes", "65536",
                        "--write-timeout", "1s", "--close-timeout", "300ms"});
  ASSERT_TRUE(server.listening());
  RawClient stalled = server.connect(4096);
  const std::string address = stalled.local_address();
  ASSERT_TRUE(opens(stalled));
  const std::string message = text_frame(std::string(1024, 'e'));
  // The client reads nothing. Sending ends when the server stops reading or ends the connection.
  std::size_t offset = 0;
  const bool ended = eventually([&] {
    for (int i = 0; i < 1000; ++i) {
      const std::size_t sent = stalled.send_some(std::string_view(message).substr(offset));
      offset = (offset + sent) % message.size();
      if (sent == 0) break;
    }
    for (const std::string& line : server.process().lines()) {
      if (line.find("connection_end") != std::string::npos) return true;
    }
    return false;
  });
  EXPECT_TRUE(ended);
  const auto line = server.wait_for_end_of(address);
  ASSERT_TRUE(line);
  const std::string cause = log_value(*line, "cause");
  EXPECT_TRUE(cause == "slow_consumer" || cause == "write_timeout") << *line;
  RawClient honest = server.connect();
  ASSERT_TRUE(opens(honest));
  EXPECT_TRUE(echoes(honest));
}

}  // namespace
}  // namespace e2e
