#include "protocol/trusted_proxies.h"

#include <gtest/gtest.h>

#include <string>

namespace wsd::protocol {
namespace {

TEST(TrustedProxies, NobodyByDefault) {
  const TrustedProxies none;
  EXPECT_TRUE(none.empty());
  for (const char* peer : {"127.0.0.1:1", "[::1]:1", "unix", ""}) {
    EXPECT_FALSE(none.trusts_peer(peer)) << peer;
  }
}

TEST(TrustedProxies, PeersInOneOfTheNetworks) {
  TrustedProxies trusted;
  EXPECT_EQ(trusted.add("10.0.0.0/8"), "");
  EXPECT_EQ(trusted.add("2001:db8::/32"), "");
  EXPECT_FALSE(trusted.empty());
  for (const char* peer : {"10.0.0.1:4711", "[2001:db8::1]:4711", "[::ffff:10.2.3.4]:1"}) {
    EXPECT_TRUE(trusted.trusts_peer(peer)) << peer;
  }
  for (const char* peer : {"11.0.0.1:4711", "[2001:db9::1]:4711", "unix", "", "10.0.0.1:x"}) {
    EXPECT_FALSE(trusted.trusts_peer(peer)) << peer;
  }
}

TEST(TrustedProxies, Unix_TrustsUnixSocketsOnly) {
  TrustedProxies trusted;
  EXPECT_EQ(trusted.add("unix"), "");
  EXPECT_FALSE(trusted.empty());
  EXPECT_TRUE(trusted.trusts_peer("unix"));
  EXPECT_FALSE(trusted.trusts_peer("127.0.0.1:1"));
}

TEST(TrustedProxies, InvalidNetwork_IsRejected) {
  TrustedProxies trusted;
  EXPECT_NE(trusted.add("localhost").find("'localhost' is not a network"), std::string::npos);
  EXPECT_TRUE(trusted.empty());
}

}  // namespace
}  // namespace wsd::protocol
