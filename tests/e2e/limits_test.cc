// Limits and deadlines of an open connection: how much a peer may send, how often, and how long it
// may take or stay silent.

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "support/expect.h"
#include "support/server_process.h"

namespace e2e {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMiB = std::size_t{1} << 20;

// Far below the memory of one rejected message, and far above the allocator's own fluctuation.
std::size_t memory_slack_kib() { return sanitized() ? 64 * 1024 : 8 * 1024; }

std::string repeated(const std::string& bytes, std::size_t times) {
  std::string out;
  out.reserve(bytes.size() * times);
  for (std::size_t i = 0; i < times; ++i) out += bytes;
  return out;
}

class Limits : public SharedServer {
 protected:
  // Completes one echo first, so that memory which the server allocates once is not counted.
  static std::size_t settled_memory() {
    RawClient client = server().connect();
    EXPECT_TRUE(opens(client));
    EXPECT_TRUE(echoes(client, std::string(100000, 'w')));
    EXPECT_TRUE(closes_normally(client));
    return server().resident_kib();
  }
  static void expect_memory_near(std::size_t before) {
    EXPECT_LT(server().resident_kib(), before + memory_slack_kib());
  }
};

TEST_F(Limits, LargestMessageComesBackWhole) {
  std::string payload(16 * kMiB, '\0');
  for (std::size_t i = 0; i < payload.size(); ++i) {
    payload[i] = static_cast<char>(i * 31 + (i >> 12));
  }
  RawClient client = server().connect();
  ASSERT_TRUE(opens(client));
  ASSERT_TRUE(client.send(binary_frame(payload)));
  const auto echo = client.read_frame();
  ASSERT_TRUE(echo) << end_name(client.end());
  EXPECT_EQ(echo->opcode, kBinary);
  EXPECT_TRUE(echo->payload == payload) << echo->payload.size();
  EXPECT_TRUE(closes_normally(client));
}

TEST_F(Limits, LargestMessageInFragmentsComesBackWhole) {
  const std::string part(4 * kMiB, 'p');
  RawClient client = server().connect();
  ASSERT_TRUE(opens(client));
  client.send(text_frame(part, false));
  client.send(continuation_frame(part, false));
  client.send(continuation_frame(part, false));
  ASSERT_TRUE(client.send(continuation_frame(part, true)));
  const auto echo = client.read_frame();
  ASSERT_TRUE(echo) << end_name(client.end());
  EXPECT_EQ(echo->payload.size(), 16 * kMiB);
  EXPECT_TRUE(closes_normally(client));
}

// RFC 6455 §10.4: the header alone decides, before any payload is read or memory allocated.
TEST_F(Limits, HeaderOfATooLargeMessageEndsIn1009) {
  const std::size_t before = settled_memory();
  for (const std::uint64_t length :
       {std::uint64_t{16 * kMiB + 1}, std::uint64_t{1} << 30, ~std::uint64_t{0} >> 1}) {
    for (int i = 0; i < 10; ++i) {
      RawClient client = server().connect();
      ASSERT_TRUE(opens(client));
      client.send(frame({.opcode = kBinary, .claimed_length = length}));
      ASSERT_TRUE(is_ended_with(client, 1009)) << length;
      expect_memory_near(before);
    }
  }
}

TEST_F(Limits, FragmentThatCrossesTheLimitEndsIn1009AtItsHeader) {
  RawClient client = server().connect();
  ASSERT_TRUE(opens(client));
  client.send(binary_frame(std::string(kMiB, 'a'), false));
  client.send(frame({.opcode = kContinuation, .claimed_length = 15 * kMiB + 1}));
  EXPECT_TRUE(is_ended_with(client, 1009));
}

TEST_F(Limits, EndlessEmptyFragmentsEndIn1008) {
  const std::size_t before = settled_memory();
  RawClient client = server().connect();
  ASSERT_TRUE(opens(client));
  client.send(text_frame("a", false) + repeated(continuation_frame("", false), 200000));
  EXPECT_TRUE(is_ended_with(client, 1008));
  expect_memory_near(before);
}

TEST_F(Limits, SixtyFourThousandFragmentsAreOneMessage) {
  constexpr std::size_t kCount = 65536;
  RawClient client = server().connect();
  ASSERT_TRUE(opens(client));
  client.send(text_frame("f", false) + repeated(continuation_frame("f", false), kCount - 2) +
              continuation_frame("f", true));
  EXPECT_TRUE(receives_text(client, std::string(kCount, 'f')));
  EXPECT_TRUE(closes_normally(client));
}

TEST_F(Limits, AMegabyteInOneByteFragmentsEndsIn1008) {
  const std::size_t before = settled_memory();
  RawClient client = server().connect();
  ASSERT_TRUE(opens(client));
  client.send(text_frame("f", false) + repeated(continuation_frame("f", false), kMiB));
  EXPECT_TRUE(is_ended_with(client, 1008));
  expect_memory_near(before);
}

// Pongs may be coalesced, so any number except the last may be missing.
TEST_F(Limits, PingFloodWithinTheBudgetIsAnswered) {
  constexpr int kCount = 20000;
  std::string flood;
  for (int i = 0; i < kCount; ++i) flood += ping_frame(std::to_string(i));
  RawClient client = server().connect();
  ASSERT_TRUE(opens(client));
  ASSERT_TRUE(client.send(flood));
  int latest = -1;
  while (latest != kCount - 1) {
    const auto frame = client.read_frame();
    ASSERT_TRUE(frame) << end_name(client.end()) << " after pong " << latest;
    ASSERT_EQ(frame->opcode, kPong) << frame->describe();
    const int number = std::stoi(frame->payload);
    ASSERT_GT(number, latest);
    latest = number;
  }
  EXPECT_TRUE(echoes(client));
  EXPECT_TRUE(closes_normally(client));
}

TEST(MaxFragments, FragmentsOverLimit_EndIn1008) {
  ServerProcess server({"--max-fragments", "1000"});
  ASSERT_TRUE(server.listening());
  const std::string start = text_frame("f", false) + repeated(continuation_frame("f", false), 998);
  RawClient client = server.connect();
  ASSERT_TRUE(opens(client));
  client.send(start + continuation_frame("f", true));
  EXPECT_TRUE(receives_text(client, std::string(1000, 'f')));
  client.send(start + continuation_frame("f", false) + continuation_frame("f", true));
  EXPECT_TRUE(is_ended_with(client, 1008));
}

TEST(MaxMessage, LimitsTheMessage) {
  ServerProcess server({"--max-message", "1000"});
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  ASSERT_TRUE(opens(client));
  EXPECT_TRUE(echoes(client, std::string(1000, 'm')));
  client.send(text_frame(std::string(1001, 'm')));
  EXPECT_TRUE(is_ended_with(client, 1009));
}

TEST(ControlRate, PingFloodOverTheBudgetEndsIn1008) {
  ServerProcess server({"--max-control-frames-per-second", "100"});
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  const std::string address = client.local_address();
  ASSERT_TRUE(opens(client));
  client.send(repeated(ping_frame("p"), 50000));
  EXPECT_TRUE(is_ended_at_last_with(client, 1008));
  const auto line = server.wait_for_end_of(address);
  ASSERT_TRUE(line);
  EXPECT_EQ(log_value(*line, "cause"), "policy_violation") << *line;
}

TEST(ControlRate, DataIsNotCounted) {
  ServerProcess server({"--max-control-frames-per-second", "10"});
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  ASSERT_TRUE(opens(client));
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(echoes(client, std::to_string(i)));
}

TEST(ControlRate, ZeroIsUnlimited) {
  ServerProcess server({"--max-control-frames-per-second", "0"});
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  ASSERT_TRUE(opens(client));
  ASSERT_TRUE(client.send(repeated(ping_frame(), 200000) + ping_frame("last")));
  for (;;) {
    const auto frame = client.read_frame();
    ASSERT_TRUE(frame) << end_name(client.end());
    ASSERT_EQ(frame->opcode, kPong) << frame->describe();
    if (frame->payload == "last") break;
  }
  EXPECT_TRUE(echoes(client));
}

TEST(MessageTimeout, DrippedMessageEndsIn1008) {
  ServerProcess server({"--message-timeout", "300ms"});
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  ASSERT_TRUE(opens(client));
  const std::string message = text_frame(std::string(kMiB, 'd'));
  const auto limit = Clock::now() + patience();
  for (std::size_t sent = 0;
       !client.receives_within(milliseconds(20)) && Clock::now() < limit && sent < message.size();
       ++sent) {
    client.send(message.substr(sent, 1));
  }
  EXPECT_TRUE(is_ended_with(client, 1008));
}

TEST(MessageTimeout, DrippedFragmentsEndIn1008) {
  ServerProcess server({"--message-timeout", "300ms"});
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  const std::string address = client.local_address();
  ASSERT_TRUE(opens(client));
  client.send(text_frame("start", false));
  const auto limit = Clock::now() + patience();
  while (!client.receives_within(milliseconds(20)) && Clock::now() < limit) {
    client.send(continuation_frame("d", false));
  }
  EXPECT_TRUE(is_ended_with(client, 1008));
  const auto line = server.wait_for_end_of(address);
  ASSERT_TRUE(line);
  EXPECT_EQ(log_value(*line, "cause"), "message_timeout") << *line;
}

TEST(Heartbeat, SilentPeerEndsIn1011) {
  ServerProcess server({"--ping-interval", "200ms", "--pong-timeout", "200ms", "--read-timeout",
                        "0", "--close-timeout", "300ms"});
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  const std::string address = client.local_address();
  ASSERT_TRUE(opens(client, "/rooms/a"));
  const auto ping = client.read_frame();
  ASSERT_TRUE(ping);
  EXPECT_EQ(ping->opcode, kPing) << ping->describe();
  for (;;) {
    const auto frame = client.read_frame();
    ASSERT_TRUE(frame) << end_name(client.end());
    if (frame->opcode == kPing) continue;
    EXPECT_EQ(frame->opcode, kClose) << frame->describe();
    EXPECT_EQ(frame->close_code(), 1011U);
    break;
  }
  const End end = client.read_end();
  EXPECT_TRUE(end == End::kFin || end == End::kReset) << end_name(end);
  const auto line = server.wait_for_end_of(address);
  ASSERT_TRUE(line);
  EXPECT_EQ(log_value(*line, "cause"), "pong_timeout") << *line;
}

TEST(Heartbeat, PeerThatAnswersStays) {
  ServerProcess server({"--ping-interval", "50ms", "--pong-timeout", "60s", "--read-timeout", "0"});
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  ASSERT_TRUE(opens(client));
  for (int i = 0; i < 5; ++i) {
    const auto ping = client.read_frame();
    ASSERT_TRUE(ping);
    ASSERT_EQ(ping->opcode, kPing) << ping->describe();
    client.send(pong_frame(ping->payload));
  }
  client.send(text_frame("alive"));
  for (;;) {
    const auto frame = client.read_frame();
    ASSERT_TRUE(frame);
    if (frame->opcode == kPing) continue;
    EXPECT_EQ(frame->payload, "alive") << frame->describe();
    break;
  }
}

TEST(ReadTimeout, SilentPeerEndsIn1008) {
  ServerProcess server({"--ping-interval", "0", "--read-timeout", "200ms"});
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  const std::string address = client.local_address();
  ASSERT_TRUE(opens(client));
  EXPECT_TRUE(is_closed_with(client, 1008));
  const auto line = server.wait_for_end_of(address);
  ASSERT_TRUE(line);
  EXPECT_EQ(log_value(*line, "cause"), "read_timeout") << *line;
}

// RFC 6455 §7.1.1: a peer that never answers our Close occupies the server only until the close
// timeout.
TEST(CloseTimeout, UnansweredClose_EndsConnection) {
  ServerProcess server(
      {"--ping-interval", "0", "--read-timeout", "200ms", "--close-timeout", "300ms"});
  ASSERT_TRUE(server.listening());
  const std::size_t before = server.open_descriptors();
  RawClient client = server.connect();
  ASSERT_TRUE(opens(client));
  const auto close = client.read_frame();
  ASSERT_TRUE(close);
  EXPECT_EQ(close->opcode, kClose) << close->describe();
  const End end = client.read_end();
  EXPECT_TRUE(end == End::kFin || end == End::kReset) << end_name(end);
  EXPECT_TRUE(server.descriptors_return_to(before));
}

}  // namespace
}  // namespace e2e
