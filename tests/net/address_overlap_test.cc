#include "net/address_overlap.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <utility>

#include "net/address.h"
#include "net/listener.h"
#include "net/peer.h"

namespace wsd::net {
namespace {

// The address in "HOST:PORT" or "[V6]:PORT".
sockaddr_storage address_of(const std::string& text) {
  ListenAddress parsed;
  EXPECT_EQ(parse_listen_address(text, parsed), "");
  sockaddr_storage storage{};
  auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
  if (parsed.host.find(':') == std::string::npos) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(parsed.port);
    EXPECT_EQ(::inet_pton(AF_INET, parsed.host.c_str(), &v4.sin_addr), 1);
  } else {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(parsed.port);
    EXPECT_EQ(::inet_pton(AF_INET6, parsed.host.c_str(), &v6.sin6_addr), 1);
  }
  return storage;
}

// Checks both orders.
bool overlap_of(const std::string& a, const std::string& b, bool v6_only = false) {
  const sockaddr_storage first = address_of(a);
  const sockaddr_storage second = address_of(b);
  const auto* const one = reinterpret_cast<const sockaddr*>(&first);
  const auto* const two = reinterpret_cast<const sockaddr*>(&second);
  const bool result = overlap(one, v6_only, two, v6_only);
  EXPECT_EQ(overlap(two, v6_only, one, v6_only), result) << a << " " << b;
  return result;
}

TEST(AddressOverlap, EqualOrUnspecifiedAddressesOfOnePort_Overlap) {
  EXPECT_TRUE(overlap_of("127.0.0.1:9001", "127.0.0.1:9001"));
  EXPECT_TRUE(overlap_of("127.0.0.1:9001", "0.0.0.0:9001"));
  EXPECT_TRUE(overlap_of("[::1]:9001", "[::1]:9001"));
  EXPECT_TRUE(overlap_of("[::1]:9001", "[::]:9001"));
  EXPECT_FALSE(overlap_of("127.0.0.1:9001", "127.0.0.2:9001"));
  EXPECT_FALSE(overlap_of("[::1]:9001", "[::2]:9001"));
  EXPECT_FALSE(overlap_of("0.0.0.0:9001", "0.0.0.0:9002"));
  EXPECT_FALSE(overlap_of("0.0.0.0:0", "0.0.0.0:0"));
}

TEST(AddressOverlap, TheUnspecifiedIpv6Address_IncludesIpv4UnlessIpv6Only) {
  EXPECT_TRUE(overlap_of("[::]:9001", "0.0.0.0:9001"));
  EXPECT_TRUE(overlap_of("[::]:9001", "127.0.0.1:9001"));
  EXPECT_TRUE(overlap_of("[::ffff:127.0.0.1]:9001", "127.0.0.1:9001"));
  EXPECT_TRUE(overlap_of("[::ffff:127.0.0.1]:9001", "0.0.0.0:9001"));
  EXPECT_FALSE(overlap_of("[::ffff:127.0.0.1]:9001", "127.0.0.2:9001"));
  EXPECT_FALSE(overlap_of("[::1]:9001", "0.0.0.0:9001"));
  EXPECT_FALSE(overlap_of("[::]:9001", "0.0.0.0:9001", true));
}

TEST(AddressOverlap, AllOwnSocketsInTheWayAreNamed) {
  ListenAddress address;
  Listener first;
  ASSERT_EQ(parse_listen_address("127.0.0.1:0", address), "");
  ASSERT_EQ(first.open(address, 2, {}), "");
  const std::string port = std::to_string(test::port_of(first.name()));
  Listener second;
  ASSERT_EQ(parse_listen_address("127.0.0.2:" + port, address), "");
  ASSERT_EQ(second.open(address, 1, {}), "");
  const sockaddr_storage all = address_of("0.0.0.0:" + port);
  const std::string reason = in_use_reason(reinterpret_cast<const sockaddr*>(&all));
  for (const std::string& name : {first.name(), second.name()}) {
    EXPECT_NE(reason.find("'" + name + "'"), std::string::npos) << reason;
    EXPECT_EQ(reason.find("'" + name + "'"), reason.rfind("'" + name + "'")) << "once: " << reason;
  }
}

TEST(AddressOverlap, WithoutAnOwnSocket_AnotherProcessIsTheReason) {
  const sockaddr_storage free = address_of("127.0.0.1:1");
  EXPECT_EQ(in_use_reason(reinterpret_cast<const sockaddr*>(&free)),
            "another process listens there (stop it, or choose another address)");
}

}  // namespace
}  // namespace wsd::net
