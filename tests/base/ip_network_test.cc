#include "base/ip_network.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wsd {
namespace {

bool in(const std::string& address, const std::string& network) {
  std::string error;
  const auto parsed = IpNetwork::parse(network, error);
  EXPECT_TRUE(parsed) << error;
  return parsed && parsed->contains(IpAddress::parse(address).value_or(IpAddress()));
}

TEST(IpNetwork, Contains_ChecksThePrefix) {
  struct Row {
    const char* network;
    std::vector<const char*> inside;
    std::vector<const char*> outside;
  };
  const std::vector<Row> rows = {
      {"10.0.0.0/8",
       {"10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"},
       {"9.255.255.255", "11.0.0.0", "a00::"}},
      {"192.0.2.1", {"192.0.2.1"}, {"192.0.2.0", "192.0.2.2"}},
      {"192.0.2.0/31", {"192.0.2.0", "192.0.2.1"}, {"192.0.2.2"}},
      {"172.16.0.0/12", {"172.16.0.1", "172.31.255.255"}, {"172.15.255.255", "172.32.0.0"}},
      {"0.0.0.0/0", {"0.0.0.0", "255.255.255.255"}, {"::", "2001:db8::1"}},
      {"2001:db8::/32", {"2001:db8::", "2001:db8:ffff::1"}, {"2001:db9::", "2001:db7:ffff::"}},
      {"2001:db8::/33", {"2001:db8:7fff::"}, {"2001:db8:8000::"}},
      {"::1", {"::1"}, {"::", "::2", "0.0.0.1"}},
      {"::/0", {"::", "ffff::"}, {"192.0.2.1", "0.0.0.0"}},
      {"::ffff:10.0.0.0/8", {"10.1.1.1"}, {"11.1.1.1"}},
  };
  for (const Row& row : rows) {
    for (const char* each : row.inside) EXPECT_TRUE(in(each, row.network)) << each;
    for (const char* each : row.outside) EXPECT_FALSE(in(each, row.network)) << each;
  }
}

TEST(IpNetwork, Rfc4632_3_1_EveryLengthOfIpv4) {
  for (unsigned bits = 0; bits <= 32; ++bits) {
    // 255.255.255.255 with all but the first `bits` bits cleared, and the address before it.
    const std::uint32_t base = bits == 0 ? 0 : ~std::uint32_t{0} << (32 - bits);
    const auto text = [](std::uint32_t value) {
      return std::to_string(value >> 24) + "." + std::to_string(value >> 16 & 255) + "." +
             std::to_string(value >> 8 & 255) + "." + std::to_string(value & 255);
    };
    const std::string network = text(base) + "/" + std::to_string(bits);
    EXPECT_TRUE(in("255.255.255.255", network));
    EXPECT_TRUE(in(text(base), network));
    if (bits != 0) {
      EXPECT_FALSE(in(text(base - 1), network));
    }
  }
}

TEST(IpNetwork, InvalidNetwork_ErrorIsAClause) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"", "is not a network"},
      {"10.0.0.0/", "no valid prefix length: write a number from 0 to 32"},
      {"10.0.0.0/33", "no valid prefix length: write a number from 0 to 32"},
      {"10.0.0.0/-1", "no valid prefix length: write a number from 0 to 32"},
      {"10.0.0.0/8 ", "no valid prefix length: write a number from 0 to 32"},
      {"10.0.0.0/255.0.0.0", "no valid prefix length: write a number from 0 to 32"},
      {"2001:db8::/129", "no valid prefix length: write a number from 0 to 128"},
      {"10/8", "is not a network"},
      {"proxy.example.com", "is not a network"},
      {"10.1.2.3/8",
       "has bits set beyond its prefix length: write 10.0.0.0/8, or the address alone"},
      {"2001:db8::1/64", "has bits set beyond its prefix length: write 2001:db8::/64"},
      {"0.0.0.1/0", "write 0.0.0.0/0"},
  };
  for (const auto& [text, expected] : rows) {
    std::string error;
    EXPECT_FALSE(IpNetwork::parse(text, error)) << text;
    EXPECT_NE(error.find(expected), std::string::npos) << text << ": " << error;
    EXPECT_EQ(error.find("'" + text + "'"), 0U) << error;
  }
}

}  // namespace
}  // namespace wsd
