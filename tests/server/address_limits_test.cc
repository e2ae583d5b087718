#include "server/address_limits.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace wsd::server {
namespace {

constexpr Tick kSecond = ticks_for_ms(1000);

std::string v4(std::uint32_t address) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) {
    text += std::to_string(address >> shift & 0xFF) + (shift == 0 ? "" : ".");
  }
  return text + ":4711";
}

TEST(AddressKey, AddressesOfBothKinds) {
  EXPECT_EQ(address_key("192.0.2.1:4711"), (AddressKey{0xC0000201, false}));
  EXPECT_EQ(address_key("192.0.2.1"), address_key("192.0.2.1:80"));
  EXPECT_NE(address_key("192.0.2.1:1"), address_key("192.0.2.2:1"));
  EXPECT_EQ(address_key("[2001:db8:1:2:3:4:5:6]:4711"), (AddressKey{0x20010db800010002, true}));
  EXPECT_EQ(address_key("[::1]"), (AddressKey{0, true}));
  EXPECT_NE(address_key("[::1]:1"), address_key("0.0.0.0:1"));
}

TEST(AddressKey, AnIpv6AddressCountsByItsFirst64Bits) {
  EXPECT_EQ(address_key("[2001:db8:1:2::1]:1"), address_key("[2001:db8:1:2:ffff::9]:2"));
  EXPECT_NE(address_key("[2001:db8:1:2::1]:1"), address_key("[2001:db8:1:3::1]:1"));
  EXPECT_EQ(address_key("[fe80::1%eth0]:1"), address_key("[fe80::2]:1"));
}

// Otherwise all IPv4 clients of a socket bound to [::] would share one limit.
TEST(AddressKey, AnIpv4AddressInIpv6IsIpv4) {
  EXPECT_EQ(address_key("[::ffff:192.0.2.1]:4711"), address_key("192.0.2.1:1"));
  EXPECT_NE(address_key("[::ffff:192.0.2.1]:4711"), address_key("[::ffff:192.0.2.2]:4711"));
  EXPECT_EQ(address_key("[64:ff9b::192.0.2.1]:1"), (AddressKey{0x0064ff9b00000000, true}));
}

TEST(AddressKey, OtherTexts_HaveNoKey) {
  for (const char* text : {"", "unix", "localhost:80", "1.2.3:4", "1.2.3.4.5:6", "256.1.1.1:1", "[",
                           "[]", "[:", "]", "[::1", "[::g]:1", "[1.2.3.4]:1", "::1", ":80"}) {
    EXPECT_FALSE(address_key(text)) << text;
  }
  EXPECT_FALSE(address_key("[" + std::string(5000, '1') + "]:1"));
  EXPECT_FALSE(address_key(std::string("1.2.3.4\0", 8) + ":1"));
}

TEST(AddressLimits, ConnectionsOfOneAddress) {
  AddressLimits limits(2, 0);
  EXPECT_TRUE(limits.enter("192.0.2.1:1"));
  EXPECT_TRUE(limits.enter("192.0.2.1:2"));
  EXPECT_FALSE(limits.enter("192.0.2.1:3"));
  EXPECT_TRUE(limits.enter("192.0.2.2:3"));
  limits.leave("192.0.2.1:2");
  EXPECT_TRUE(limits.enter("192.0.2.1:3"));
  EXPECT_FALSE(limits.enter("192.0.2.1:4"));
  for (const char* each : {"192.0.2.1:1", "192.0.2.1:3", "192.0.2.2:3"}) limits.leave(each);
  EXPECT_EQ(limits.size(), 0U) << "no entry remains";
}

TEST(AddressLimits, PeersOfAUnixSocketHaveNoLimit) {
  AddressLimits limits(1, 1);
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(limits.enter("unix"));
    EXPECT_EQ(limits.handshake("unix", 0), 0U);
  }
  for (int i = 0; i < 100; ++i) limits.leave("unix");
  EXPECT_EQ(limits.size(), 0U);
}

TEST(AddressLimits, HandshakesOfOneAddress) {
  AddressLimits limits(0, 4);
  constexpr Tick kNow = 1'000'000;
  for (int i = 0; i < 4; ++i) EXPECT_EQ(limits.handshake("192.0.2.1:1", kNow), 0U) << i;
  EXPECT_EQ(limits.handshake("192.0.2.1:2", kNow), 250U) << "milliseconds";
  EXPECT_EQ(limits.handshake("192.0.2.1:2", kNow + 24), 10U);
  EXPECT_EQ(limits.handshake("192.0.2.1:2", kNow + 25), 0U);
  EXPECT_NE(limits.handshake("192.0.2.1:2", kNow + 25), 0U);
  EXPECT_EQ(limits.handshake("192.0.2.9:2", kNow), 0U) << "others are not affected";
}

// Two reactors read their clocks at different times.
TEST(AddressLimits, ClockOneTickBehind_DoesNotRefillTheBucket) {
  AddressLimits limits(0, 1);
  EXPECT_EQ(limits.handshake("192.0.2.1:1", 1'000), 0U);
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_NE(limits.handshake("192.0.2.1:1", i % 2 == 0 ? 999 : 1'000), 0U) << i;
  }
}

TEST(AddressLimits, ManyAddresses_TakeBoundedMemory) {
  AddressLimits limits(1, 1);
  constexpr std::uint32_t kCount = 300'000;
  std::vector<std::string> connected;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    const std::string remote = v4(0x0A000000 + i);
    // All within one second, so that no entry has expired.
    static_cast<void>(limits.handshake(remote, 1'000));
    if (i % 1'000 != 0) continue;
    EXPECT_TRUE(limits.enter(remote));
    connected.push_back(remote);
  }
  EXPECT_LE(limits.size(), AddressLimits::kStripes * AddressLimits::kMostIdle + connected.size());
  EXPECT_GT(limits.size(), AddressLimits::kMostIdle) << "a stripe does not stand for all";
  for (const std::string& each : connected) {
    EXPECT_FALSE(limits.enter(each)) << "never removed while connected";
    limits.leave(each);
  }
}

TEST(AddressLimits, IdleAddresses_AreRemovedAfterOneSecond) {
  AddressLimits limits(0, 1);
  constexpr std::uint32_t kCount = AddressLimits::kStripes * AddressLimits::kMostIdle * 2;
  Tick now = 0;
  std::size_t most = 0;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    // One thousand addresses per second.
    now += i % 10 == 0 ? 1 : 0;
    EXPECT_EQ(limits.handshake(v4(0x0A000000 + i), now), 0U);
    most = std::max(most, limits.size());
    if (i % 4'096 == 0) {
      EXPECT_NE(limits.handshake(v4(0x0A000000 + i), now), 0U) << "a recent one is known";
    }
  }
  EXPECT_LE(most, AddressLimits::kStripes * AddressLimits::kMostIdle);
}

TEST(AddressLimits, ThreadsTogetherGetNoMoreThanTheLimit) {
  constexpr int kThreads = 4;
  constexpr std::uint32_t kMost = 100;
  AddressLimits limits(kMost, 1'000);
  std::atomic<std::uint32_t> entered{0};
  std::atomic<std::uint32_t> shaken{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (std::uint32_t j = 0; j < 1'000; ++j) {
        if (limits.enter("[2001:db8::1]:1")) entered.fetch_add(1);
        if (limits.handshake("[2001:db8::2]:1", kSecond) == 0) shaken.fetch_add(1);
      }
    });
  }
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(entered.load(), kMost);
  EXPECT_EQ(shaken.load(), 1'000U);
}

TEST(AddressLimits, NoLimitSet_ReturnsNull) {
  EXPECT_EQ(address_limits_of({}), nullptr);
  ClientLimits one;
  one.max_handshakes_per_second = 1;
  EXPECT_NE(address_limits_of(one), nullptr);
}

TEST(AddressLimits, Rejections_CountApartFromHandshakes) {
  AddressLimits limits(0, 2);
  EXPECT_EQ(limits.may_try("192.0.2.1:1", 0), 0U);
  limits.refused("192.0.2.1:1", 0);
  EXPECT_EQ(limits.may_try("192.0.2.1:2", 0), 0U);
  limits.refused("192.0.2.1:2", 0);
  EXPECT_EQ(limits.may_try("192.0.2.1:3", 0), 500U);
  EXPECT_EQ(limits.may_try("192.0.2.2:1", 0), 0U) << "another address";
  EXPECT_EQ(limits.handshake("192.0.2.1:3", 0), 0U) << "another count";
  EXPECT_EQ(limits.may_try("192.0.2.1:3", kSecond / 2), 0U);
  limits.refused("192.0.2.1:3", kSecond / 2);
  EXPECT_EQ(limits.may_try("192.0.2.1:3", kSecond / 2), 500U);
}

// Clients of one address have connected while the process was suspended.
TEST(AddressLimits, Suspension_IsCreditedOnce) {
  AddressLimits limits(0, 2);
  constexpr Tick kStart = 1000 * kSecond;
  constexpr Tick kSuspended = 5 * kSecond;
  const auto handshakes_at = [&](Tick now, Tick suspended) {
    int count = 0;
    while (limits.handshake("192.0.2.1:1", now, suspended) == 0) ++count;
    return count;
  };
  EXPECT_EQ(handshakes_at(kStart, 0), 2);
  constexpr Tick kResumed = kStart + kSuspended;
  EXPECT_EQ(handshakes_at(kResumed, kSuspended), 2 + 10);
  EXPECT_EQ(handshakes_at(kResumed + 1, kSuspended + 1), 0) << "another reactor";
  EXPECT_EQ(handshakes_at(kResumed + kSecond, kSuspended), 2);
  EXPECT_EQ(handshakes_at(kResumed + 10 * kSecond, kSuspended), 2 + 10) << "another suspension";
}

TEST(AddressLimits, Suspension_IsCreditedToRejectedRequests) {
  AddressLimits limits(0, 2);
  constexpr Tick kStart = 1000 * kSecond;
  for (int i = 0; i < 2; ++i) limits.refused("192.0.2.1:1", kStart);
  EXPECT_NE(limits.may_try("192.0.2.1:1", kStart), 0U);
  constexpr Tick kResumed = kStart + 5 * kSecond;
  EXPECT_EQ(limits.may_try("192.0.2.1:1", kResumed, 5 * kSecond), 0U);
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(limits.may_try("192.0.2.1:1", kResumed, 5 * kSecond), 0U) << i;
    limits.refused("192.0.2.1:1", kResumed);
  }
  EXPECT_NE(limits.may_try("192.0.2.1:1", kResumed, 5 * kSecond), 0U);
}

}  // namespace
}  // namespace wsd::server
