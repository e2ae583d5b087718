#include "protocol/authority.h"

#include <gtest/gtest.h>

#include <string>

namespace wsd::protocol {
namespace {

// RFC 9110 §7.2: the value of Host.
TEST(Authority, Rfc3986_3_2_2_Hosts) {
  for (const char* host : {"h", "example.com", "EXAMPLE.com.", "a_b-c~d", "127.0.0.1", "999.1.1.1",
                           "a%2Fb", "a!$&'()*+;=", "[::]", "[::1]", "[1::]", "[1:2:3:4:5:6:7:8]",
                           "[1::8]", "[::1.2.3.4]", "[::ffff:1.2.3.255]", "[1:2:3:4:5:6:1.2.3.4]",
                           "[2001:DB8::a]", "[1:2:3:4:5:6:7::]", "[::2:3:4:5:6:7:8]"}) {
    const auto alone = parse_authority(host);
    ASSERT_TRUE(alone) << host;
    EXPECT_EQ(alone->host, host);
    EXPECT_EQ(alone->port, "");
    const std::string text = std::string(host) + ":8080";
    const auto with_port = parse_authority(text);
    ASSERT_TRUE(with_port) << text;
    EXPECT_EQ(with_port->host, host);
    EXPECT_EQ(with_port->port, "8080");
  }
}

TEST(Authority, Rfc3986_3_2_2_NotHosts) {
  for (const char* text : {"",
                           ":",
                           ":80",  // RFC 9110 §4.2.1: no host
                           "a b",
                           "a,b",  // RFC 9110 §5.3: two Host lines that were joined
                           "a/b",
                           "a?b",
                           "a#b",
                           "u@h",
                           "a\\b",
                           "a\"b",
                           "a%",
                           "a%4",
                           "a%4g",
                           "a%00",
                           "a\x80",
                           "a\x01",
                           "[",
                           "[]",
                           "[]:80",
                           "[:]",
                           "[:::]",
                           "[1]",
                           "[1:2:3:4:5:6:7]",
                           "[1:2:3:4:5:6:7:8:9]",
                           "[1::2::3]",
                           "[12345::]",
                           "[g::]",
                           "[::1",
                           "::1",
                           "[::1]a",
                           "[::1]]",
                           "[1:2:3:4:5:6:7:8::]",
                           "[1:2:3:4::5:6:7:8]",
                           "[::1.2.3]",
                           "[::1.2.3.256]",
                           "[::1.2.3.04]",
                           "[::1.2.3.4.5]",
                           "[1.2.3.4::]",
                           "[1:2:3:4:5:6:7:1.2.3.4]",
                           "[::1%25eth0]",
                           "[v1.a]",
                           "[:1]",
                           "[1:]",
                           "a[::1]"}) {
    EXPECT_FALSE(parse_authority(text)) << text;
  }
}

TEST(Authority, Rfc3986_3_2_3_Ports) {
  ASSERT_TRUE(parse_authority("h:"));
  EXPECT_EQ(parse_authority("h:")->port_or(80), 80);
  EXPECT_EQ(parse_authority("h")->port_or(443), 443);
  EXPECT_EQ(parse_authority("h:0")->port_or(80), 0);
  EXPECT_EQ(parse_authority("h:00080")->port_or(1), 80);
  EXPECT_EQ(parse_authority("[::1]:65535")->port_or(1), 65535);
  for (const char* text : {"h:65536", "h:000080", "h:-1", "h:+1", "h: 1", "h:1 ", "h:x", "h:1:2"}) {
    EXPECT_FALSE(parse_authority(text)) << text;
  }
}

}  // namespace
}  // namespace wsd::protocol
