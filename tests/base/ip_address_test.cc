#include "base/ip_address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace wsd {
namespace {

std::string through(const std::string& text) {
  const auto address = IpAddress::parse(text);
  return address ? address->text() : "none";
}

// RFC 5952 §4, and §2 for the accepted forms.
TEST(IpAddress, Rfc5952_4_TextIsTheShortestAndOneOnly) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"192.0.2.1", "192.0.2.1"},
      {"0.0.0.0", "0.0.0.0"},
      {"255.255.255.255", "255.255.255.255"},
      {"::", "::"},
      {"::1", "::1"},
      {"1::", "1::"},
      {"2001:DB8::1", "2001:db8::1"},
      {"2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
      {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
      {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
      {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
      {"1:2:3:4:5:6:192.0.2.33", "1:2:3:4:5:6:c000:221"},
      {"::ffff:192.0.2.1", "192.0.2.1"},
      {"::FFFF:c000:0201", "192.0.2.1"},
  };
  for (const auto& [text, expected] : rows) EXPECT_EQ(through(text), expected) << text;
}

TEST(IpAddress, Rfc3986_3_2_2_NothingElseIsTaken) {
  for (const char* text : {"",
                           "1",
                           "1.2.3",
                           "1.2.3.4.5",
                           "1.2.3.",
                           ".1.2.3",
                           "1..2.3",
                           "256.1.1.1",
                           "1.1.1.1000",
                           "01.2.3.4",
                           "1.2.3.00",
                           "1.2.3.4 ",
                           " 1.2.3.4",
                           "+1.2.3.4",
                           "-1.2.3.4",
                           "0x1.2.3.4",
                           "1.2.3.a",
                           ":",
                           ":::",
                           "::1::",
                           "1:2:3",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9",
                           "1:2:3:4:5:6:7:8::",
                           "::1:2:3:4:5:6:7:8",
                           "12345::",
                           "g::",
                           ":1::",
                           "1::2:",
                           "::1.2.3",
                           "1.2.3.4::",
                           "::1.2.3.4:5",
                           "::1%eth0",
                           "[::1]",
                           "1:2:3:4:5:6:7:1.2.3.4",
                           "1.2.3.4:80",
                           "localhost",
                           "unknown"}) {
    EXPECT_EQ(through(text), "none") << text;
  }
}

// Compares with the C library, except for input that it accepts beyond RFC 3986 and for its form of
// ::/96.
TEST(IpAddress, AgreesWithTheCLibrary) {
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) {
    std::array<std::uint8_t, 16> bytes{};
    for (std::uint8_t& byte : bytes) {
      byte = static_cast<std::uint8_t>(random() % 3 == 0 ? random() : random() % 2);
    }
    bytes[0] = 0x20;
    std::array<char, INET6_ADDRSTRLEN> text{};
    ASSERT_NE(::inet_ntop(AF_INET6, bytes.data(), text.data(), text.size()), nullptr);
    EXPECT_EQ(IpAddress::v6(bytes).text(), text.data());
    EXPECT_EQ(IpAddress::parse(text.data()), IpAddress::v6(bytes)) << text.data();
  }
  constexpr std::string_view kBytes = "0123456789abcdefF::::...1";
  for (int i = 0; i < 200'000; ++i) {
    std::string text(random() % 16, ' ');
    for (char& c : text) c = kBytes[random() % kBytes.size()];
    std::array<std::uint8_t, 16> bytes{};
    const bool v6 = text.find(':') != std::string::npos;
    const bool theirs = ::inet_pton(v6 ? AF_INET6 : AF_INET, text.c_str(), bytes.data()) == 1;
    const auto ours = IpAddress::parse(text);
    ASSERT_EQ(ours.has_value(), theirs) << text;
    if (ours && v6) {
      EXPECT_EQ(ours->bytes(), bytes) << text;
    }
  }
}

TEST(IpAddress, MappedAddress_IsIpv4) {
  EXPECT_TRUE(IpAddress::parse("::ffff:0:0")->is_v4());
  EXPECT_TRUE(IpAddress::v4(std::array<std::uint8_t, 4>{1, 2, 3, 4}).is_v4());
  EXPECT_FALSE(IpAddress::parse("::fffe:1.2.3.4")->is_v4());
  EXPECT_FALSE(IpAddress().is_v4());
}

TEST(IpEndpoint, WithAndWithoutAPort) {
  const auto text = [](const char* given) {
    const auto endpoint = IpEndpoint::parse(given);
    return endpoint ? endpoint->text() : std::string("none");
  };
  for (const char* same : {"192.0.2.1", "192.0.2.1:0", "192.0.2.1:65535", "[2001:db8::1]",
                           "[2001:db8::1]:4711", "[::]:1"}) {
    EXPECT_EQ(text(same), same);
  }
  EXPECT_EQ(text("[::ffff:192.0.2.1]:80"), "192.0.2.1:80");
  for (const char* bad : {"", ":", ":80", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:000080",
                          "192.0.2.1:8o", "192.0.2.1:80:80", "::1", "[::1", "[::1]80",
                          "[::1]:", "[]:80", "[192.0.2.1]", "[192.0.2.1]:80", "unix", "::1]:80"}) {
    EXPECT_EQ(text(bad), "none") << bad;
  }
}

}  // namespace
}  // namespace wsd
