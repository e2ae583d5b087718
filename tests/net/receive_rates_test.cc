#include "net/receive_rates.h"

#include <gtest/gtest.h>

#include <string>

#include "net/reactor_rig.h"

namespace wsd::net {
namespace {

using test::client_frame;
using test::kClose;
using test::kPing;
using test::kPong;
using test::kText;
using test::Peer;

constexpr Tick kSecond = ticks_for_ms(1000);

const Suspensions never;

ConnectionId id_of(std::uint32_t slot) { return std::uint64_t{1} << 32 | slot; }

TEST(ReceiveRates, EachConnectionHasItsOwn) {
  ReceiveRates rates(never);
  constexpr ReceiveLimits kLimits{3, 100};
  rates.begin(id_of(7), kLimits, 0);
  rates.begin(id_of(2), kLimits, 0);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(rates.take_message(id_of(7), 0));
  EXPECT_FALSE(rates.take_message(id_of(7), 0));
  EXPECT_TRUE(rates.take_message(id_of(2), 0));
  EXPECT_TRUE(rates.take_bytes(id_of(7), 100, 0));
  EXPECT_FALSE(rates.take_bytes(id_of(7), 1, 0));
  EXPECT_TRUE(rates.take_bytes(id_of(2), 100, 0));
  EXPECT_TRUE(rates.take_message(id_of(7), kSecond));
}

TEST(ReceiveRates, WhoTakesAnotherOnesPlaceBeginsAnew) {
  ReceiveRates rates(never);
  constexpr ReceiveLimits kLimits{1, 0};
  rates.begin(id_of(0), kLimits, 0);
  EXPECT_TRUE(rates.take_message(id_of(0), 0));
  EXPECT_FALSE(rates.take_message(id_of(0), 0));
  rates.begin(id_of(0) + (std::uint64_t{1} << 32), kLimits, 0);
  EXPECT_TRUE(rates.take_message(id_of(0) + (std::uint64_t{1} << 32), 0));
}

TEST(ReceiveRates, OneLimitWithoutTheOther) {
  ReceiveRates messages(never);
  constexpr ReceiveLimits kMessages{1, 0};
  messages.begin(id_of(0), kMessages, 0);
  EXPECT_TRUE(messages.take_bytes(id_of(0), ~std::size_t{0}, 0));
  ReceiveRates bytes(never);
  constexpr ReceiveLimits kBytes{0, 1024};
  bytes.begin(id_of(0), kBytes, 0);
  for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(bytes.take_message(id_of(0), 0));
}

TEST(ReceiveRates, TimeInWhichItWasNotReadIsCredited) {
  ReceiveRates rates(never);
  constexpr ReceiveLimits kLimits{10, 1000};
  rates.begin(id_of(0), kLimits, 0);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(rates.take_message(id_of(0), 0));
  EXPECT_TRUE(rates.take_bytes(id_of(0), 1000, 0));
  rates.not_read(id_of(0), 0, 5 * kSecond);
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(rates.take_message(id_of(0), 5 * kSecond)) << i;
  EXPECT_FALSE(rates.take_message(id_of(0), 5 * kSecond));
  EXPECT_TRUE(rates.take_bytes(id_of(0), 5000, 5 * kSecond));
  EXPECT_FALSE(rates.take_bytes(id_of(0), 1, 5 * kSecond));
}

int messages_at(ReceiveRates& rates, Tick now) {
  int count = 0;
  while (rates.take_message(id_of(0), now)) ++count;
  return count;
}

// A peer that was silent for 25 seconds and then not read for a moment.
TEST(ReceiveRates, SilenceBeforeTheTimeWithoutReading_IsNotCredited) {
  ReceiveRates rates(never);
  constexpr ReceiveLimits kLimits{10, 1000};
  rates.begin(id_of(0), kLimits, 0);
  EXPECT_EQ(messages_at(rates, 0), 10);
  EXPECT_TRUE(rates.take_bytes(id_of(0), 1000, 0));
  constexpr Tick kResumed = 25 * kSecond + kSecond / 2;
  rates.not_read(id_of(0), 25 * kSecond, kResumed);
  EXPECT_EQ(messages_at(rates, kResumed), 10 + 5) << "one second's and those of half a second";
  EXPECT_FALSE(rates.take_bytes(id_of(0), 1501, kResumed));
  EXPECT_TRUE(rates.take_bytes(id_of(0), 1500, kResumed));
}

TEST(ReceiveRates, Suspension_IsCreditedOnce) {
  Suspensions suspensions;
  ReceiveRates rates(suspensions);
  constexpr ReceiveLimits kLimits{10, 1000};
  rates.begin(id_of(0), kLimits, 0);
  EXPECT_EQ(messages_at(rates, 0), 10);
  EXPECT_TRUE(rates.take_bytes(id_of(0), 1000, 0));
  suspensions.note(5 * kSecond, 0);
  EXPECT_EQ(messages_at(rates, 0), 50);
  EXPECT_TRUE(rates.take_bytes(id_of(0), 5000, 0));
  EXPECT_FALSE(rates.take_bytes(id_of(0), 1, 0));
  // The reactor is still catching up.
  suspensions.note(6 * kSecond, 0);
  EXPECT_EQ(messages_at(rates, 0), 10);
  EXPECT_EQ(messages_at(rates, 3 * kSecond), 10);
}

TEST(ReceiveRates, SuspensionBeforeTheConnection_IsNotCredited) {
  Suspensions suspensions;
  suspensions.note(5 * kSecond, 0);
  ReceiveRates rates(suspensions);
  constexpr ReceiveLimits kLimits{10, 1000};
  rates.begin(id_of(0), kLimits, 0);
  EXPECT_EQ(messages_at(rates, 0), 10);
}

TEST(ReceiveRates, SuspensionOneSecondAgo_IsNotCredited) {
  Suspensions suspensions;
  ReceiveRates rates(suspensions);
  constexpr ReceiveLimits kLimits{10, 1000};
  rates.begin(id_of(0), kLimits, 0);
  suspensions.note(5 * kSecond, 0);
  EXPECT_EQ(messages_at(rates, 2 * kSecond), 10) << "its data was read long ago";
}

TEST(ReceiveRates, SuspensionWhileItIsNotRead_IsCreditedAfterwards) {
  Suspensions suspensions;
  ReceiveRates rates(suspensions);
  constexpr ReceiveLimits kLimits{10, 1000};
  rates.begin(id_of(0), kLimits, 0);
  EXPECT_EQ(messages_at(rates, 0), 10);
  suspensions.note(5 * kSecond, kSecond);
  rates.not_read(id_of(0), 0, 10 * kSecond);
  EXPECT_EQ(messages_at(rates, 10 * kSecond), 50 + 100);
}

TEST(ReceiveRates, Credit_IsAtMostThatOfOneMinute) {
  Suspensions suspensions;
  ReceiveRates rates(suspensions);
  constexpr ReceiveLimits kLimits{10, 0};
  rates.begin(id_of(0), kLimits, 0);
  suspensions.note(3600 * kSecond, 0);
  EXPECT_EQ(messages_at(rates, 0), 10 + 600);
  rates.not_read(id_of(0), 0, 3600 * kSecond);
  EXPECT_EQ(messages_at(rates, 3600 * kSecond), 600);
}

// On a connection

ReactorSettings with(std::uint32_t messages, std::size_t bytes) {
  ReactorSettings settings = calm_settings();
  settings.receive_rates = {messages, bytes};
  return settings;
}

void expect_rate_limit(ReactorRig& rig, Peer& peer, std::string_view reason) {
  const test::WireFrame close = rig.frame(peer);
  EXPECT_EQ(close.opcode, kClose);
  EXPECT_EQ(close.payload, test::close_payload(1008, reason));
  peer.close();
  EXPECT_EQ(rig.end().record.close.cause, CloseCause::kRateLimit);
}

TEST(ReceiveRates, TooManyMessagesEndAConnection) {
  ReactorRig rig(with(5, 0));
  Peer& peer = rig.open();
  std::string frames;
  for (int i = 0; i < 6; ++i) frames += client_frame(kText, std::to_string(i));
  // In one piece, so that no time passes between the messages.
  peer.send(frames + client_frame(kPing, "not read any more"));
  expect_rate_limit(rig, peer, "too many messages per second");
  EXPECT_EQ(rig.app.messages.size(), 5U) << "what is within the limit is delivered";
  rig.expect_all_over(1);
}

TEST(ReceiveRates, ControlFramesAreNoMessages) {
  ReactorRig rig(with(1, 0));
  Peer& peer = rig.open();
  std::string frames;
  for (int i = 0; i < 50; ++i) frames += client_frame(kPing, std::to_string(i));
  peer.send(frames + client_frame(kText, "one"));
  EXPECT_TRUE(rig.until([&] { return rig.app.messages.size() == 1; }));
  EXPECT_EQ(rig.frame(peer).opcode, kPong);
  EXPECT_TRUE(rig.app.ends.empty());
}

TEST(ReceiveRates, TooManyBytesEndAConnectionInTheMiddleOfAMessage) {
  ReactorRig rig(with(0, 4096));
  Peer& peer = rig.open();
  const std::string frame = client_frame(kText, std::string(100'000, 'x'));
  peer.send(frame.substr(0, 50'000));
  expect_rate_limit(rig, peer, "too many bytes per second");
  EXPECT_TRUE(rig.app.messages.empty());
  rig.expect_all_over(1);
}

// The rest of a large frame is received directly into the message buffer.
TEST(ReceiveRates, BytesThatAreReceivedIntoTheMessageCount) {
  ReactorRig rig(with(0, 100'000));
  Peer& peer = rig.open();
  const std::string frame = client_frame(kText, std::string(1'000'000, 'x'));
  peer.send(frame.substr(0, 50'000));
  rig.pass(2);
  EXPECT_TRUE(rig.app.ends.empty());
  peer.send(frame.substr(50'000));
  expect_rate_limit(rig, peer, "too many bytes per second");
  rig.expect_all_over(1);
}

TEST(ReceiveRates, WhatIsWithinTheLimitPasses) {
  ReactorRig rig(with(1000, 1 << 20));
  Peer& peer = rig.open();
  std::string frames;
  for (int i = 0; i < 1000; ++i) frames += client_frame(kText, "x");
  peer.send(frames);
  EXPECT_TRUE(rig.until([&] { return rig.app.messages.size() == 1000; }));
  EXPECT_TRUE(rig.app.ends.empty());
}

// A request head has its own limits and does not count against the first second.
TEST(ReceiveRates, BytesBeforeItIsOpenDoNotCount) {
  ReactorRig rig(with(0, 1024));
  Peer& peer = rig.connect();
  peer.send(test::upgrade_request("/", "X-Long: " + std::string(4000, 'x') + "\r\n"));
  std::string head;
  EXPECT_TRUE(rig.until([&] { return !(head = peer.take_head()).empty(); }));
  EXPECT_EQ(head.find("HTTP/1.1 101 "), 0U);
  peer.send(client_frame(kText, std::string(1000, 'x')));
  EXPECT_TRUE(rig.until([&] { return rig.app.messages.size() == 1; }));
}

}  // namespace
}  // namespace wsd::net
