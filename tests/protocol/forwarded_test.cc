#include "protocol/forwarded.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace wsd::protocol {
namespace {

constexpr auto kFor = ForwardedField::kXForwardedFor;
constexpr auto kRfc = ForwardedField::kForwarded;

// The trusted proxies are 10/8 and 2001:db8:f::/48.
TrustedProxies ours() {
  TrustedProxies trusted;
  EXPECT_EQ(trusted.add("10.0.0.0/8"), "");
  EXPECT_EQ(trusted.add("2001:db8:f::/48"), "");
  return trusted;
}

std::string client(const std::vector<HttpField>& fields, ForwardedField field) {
  const auto found = forwarded_client(fields, field, ours());
  return found ? found->text() : "peer";
}

struct Row {
  std::vector<const char*> lines;  // of the field, in order
  const char* client;              // "peer": no better address is known
};

void expect_clients(const std::vector<Row>& rows, std::string_view name, ForwardedField field) {
  for (const Row& row : rows) {
    std::vector<HttpField> fields = {{"Host", "h"}};
    for (const char* line : row.lines) fields.push_back({name, line});
    fields.push_back({"Origin", "o"});
    EXPECT_EQ(client(fields, field), row.client) << ::testing::PrintToString(row.lines);
  }
}

TEST(Forwarded, XForwardedForIsReadFromTheRight) {
  expect_clients(
      {
          {{}, "peer"},
          {{"192.0.2.1"}, "192.0.2.1"},
          {{"192.0.2.1, 198.51.100.2"}, "198.51.100.2"},  // the left one may be forged
          {{"192.0.2.1, 10.0.0.2"}, "192.0.2.1"},
          {{"6.6.6.6, 192.0.2.1, 10.0.0.2, 10.0.0.1"}, "192.0.2.1"},
          {{"6.6.6.6", "192.0.2.1", "10.0.0.2,10.0.0.1"}, "192.0.2.1"},  // RFC 9110 §5.3: one list
          {{"192.0.2.1", "198.51.100.2"}, "198.51.100.2"},
          {{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},  // all are trusted proxies: the farthest
          {{"2001:db8::7"}, "[2001:db8::7]"},
          {{"2001:DB8::7, 2001:db8:f::1"}, "[2001:db8::7]"},
          {{"[2001:db8::7]:4711"}, "[2001:db8::7]:4711"},
          {{"[2001:db8::7]"}, "[2001:db8::7]"},
          {{"192.0.2.1:4711"}, "192.0.2.1:4711"},
          {{"\t192.0.2.1 ,\t10.0.0.1 "}, "192.0.2.1"},
          {{"::ffff:192.0.2.1"}, "192.0.2.1"},
          {{"6.6.6.6, ::ffff:10.1.1.1"}, "6.6.6.6"},
      },
      "X-Forwarded-For", kFor);
}

TEST(Forwarded, XForwardedForThatCannotBeReadEndsAtTheLastGoodHop) {
  expect_clients(
      {
          {{""}, "peer"},
          {{","}, "peer"},
          {{"unknown"}, "peer"},
          {{"6.6.6.6, unknown"}, "peer"},
          {{"6.6.6.6, _hidden, 10.0.0.2"}, "10.0.0.2"},
          {{"6.6.6.6, , 10.0.0.2"}, "10.0.0.2"},
          {{"6.6.6.6,"}, "peer"},
          {{"6.6.6.6", ""}, "peer"},
          {{"6.6.6.6, example.com"}, "peer"},
          {{"6.6.6.6, 192.0.2.300"}, "peer"},
          {{"6.6.6.6, 192.0.2.01"}, "peer"},
          {{"6.6.6.6, 192.0.2.1:99999"}, "peer"},
          {{"6.6.6.6, 192.0.2.1:"}, "peer"},
          {{"6.6.6.6, 192.0.2.1 192.0.2.2"}, "peer"},
          {{"6.6.6.6, \"192.0.2.1\""}, "peer"},
          {{"6.6.6.6, for=192.0.2.1"}, "peer"},
          {{"6.6.6.6, [2001:db8::7"}, "peer"},
          {{"6.6.6.6, [192.0.2.1]"}, "peer"},
          {{"6.6.6.6, fe80::1%eth0"}, "peer"},
          {{"6.6.6.6; 192.0.2.1"}, "peer"},
          {{"6.6.6.6, \xff"}, "peer"},
      },
      "x-forwarded-for", kFor);
}

TEST(Forwarded, Rfc7239_4_ForwardedIsReadFromTheRight) {
  expect_clients(
      {
          {{}, "peer"},
          {{"for=192.0.2.1"}, "192.0.2.1"},
          {{"For=192.0.2.1;proto=https;by=203.0.113.43"}, "192.0.2.1"},
          {{"proto=https;FOR=\"192.0.2.1:4711\""}, "192.0.2.1:4711"},
          {{"for=192.0.2.43, for=198.51.100.17"}, "198.51.100.17"},
          {{"for=192.0.2.43", "for=198.51.100.17;by=10.0.0.1"}, "198.51.100.17"},
          {{"for=6.6.6.6, for=192.0.2.43,for=10.0.0.9;by=\"a,b;c\\\"d\""}, "192.0.2.43"},
          {{"for=\"[2001:db8:cafe::17]:4711\""}, "[2001:db8:cafe::17]:4711"},
          {{"for=\"[2001:db8:cafe::17]\""}, "[2001:db8:cafe::17]"},
          {{"for=\"[2001:db8:cafe::17]:_hidden\""}, "[2001:db8:cafe::17]"},
          {{"for=\"192.0.2.1:_a.b-c\""}, "192.0.2.1"},
          {{"for=\"1\\92.0.2.1\""}, "192.0.2.1"},  // RFC 9110 §5.6.4: a quoted pair
          {{"for=192.0.2.1 ; proto=https , for=10.0.0.1"}, "192.0.2.1"},
          {{"for=6.6.6.6;note=\"", "for=192.0.2.1"}, "192.0.2.1"},
      },
      "Forwarded", kRfc);
}

TEST(Forwarded, Rfc7239_6_HiddenOrBrokenHopEndsAtTheLastGoodHop) {
  expect_clients(
      {
          {{""}, "peer"},
          {{"for=unknown"}, "peer"},
          {{"for=6.6.6.6, for=unknown"}, "peer"},
          {{"for=6.6.6.6, for=_hidden, for=10.0.0.1"}, "10.0.0.1"},
          {{"for=6.6.6.6, for=\"_SEVKISEK\""}, "peer"},
          {{"for=6.6.6.6, by=192.0.2.1"}, "peer"},
          {{"for=6.6.6.6, for=192.0.2.1;for=192.0.2.2"}, "peer"},
          {{"for=6.6.6.6, for=192.0.2.1:80"}, "peer"},  // §6: a colon needs quotes
          {{"for=6.6.6.6, for=[2001:db8::1]"}, "peer"},
          {{"for=6.6.6.6, for=\"2001:db8::1\""}, "peer"},
          {{"for=6.6.6.6, for=\"192.0.2.1"}, "peer"},
          {{"for=6.6.6.6, for=\"192.0.2.1\\\""}, "peer"},
          {{"for=6.6.6.6, for=\"192.0.2.1\"x"}, "peer"},
          {{"for=6.6.6.6, for=\"192.0.2.1:_\""}, "peer"},
          {{"for=6.6.6.6, for=\"192.0.2.1:_a b\""}, "peer"},
          {{"for=6.6.6.6, for=\"192.0.2.1:65536\""}, "peer"},
          {{"for=6.6.6.6, for=\"\""}, "peer"},
          {{"for=6.6.6.6, for="}, "peer"},
          {{"for=6.6.6.6, for"}, "peer"},
          {{"for=6.6.6.6, =192.0.2.1"}, "peer"},
          {{"for=6.6.6.6, for =192.0.2.1"}, "peer"},
          {{"for=6.6.6.6, for= 192.0.2.1"}, "peer"},
          {{"for=6.6.6.6, for=192.0.2.1;"}, "peer"},
          {{"for=6.6.6.6, for=192.0.2.1;;proto=http"}, "peer"},
          {{"for=6.6.6.6, 192.0.2.1"}, "peer"},
          {{"for=6.6.6.6,"}, "peer"},
          // An open quote of the client hides the proxy's addition to the same line, but does not
          // turn it into something else.
          {{"for=6.6.6.6;note=\", for=192.0.2.1"}, "peer"},
          {{"for=6.6.6.6;note=\", for=\"[2001:db8::7]\""}, "peer"},
          {{"for=6.6.6.6;note=\", for=\"192.0.2.1:80\";by=\"10.0.0.1\""}, "peer"},
      },
      "Forwarded", kRfc);
}

TEST(Forwarded, OtherForwardingFields_AreIgnored) {
  const std::vector<HttpField> both = {{"X-Forwarded-For", "192.0.2.1"},
                                       {"Forwarded", "for=198.51.100.2"},
                                       {"X-Real-IP", "6.6.6.6"},
                                       {"X-Forwarded", "for=6.6.6.6"}};
  EXPECT_EQ(client(both, kFor), "192.0.2.1");
  EXPECT_EQ(client(both, kRfc), "198.51.100.2");
  const std::vector<HttpField> other = {{"Forwarded", "for=6.6.6.6"}};
  EXPECT_EQ(client(other, kFor), "peer");
}

TEST(Forwarded, HopsOverLimit_AreIgnored) {
  std::string list = "192.0.2.1";
  for (std::size_t i = 1; i < kMostHops; ++i) list += ", 10.0.0." + std::to_string(i);
  std::vector<HttpField> fields = {{"X-Forwarded-For", list}};
  EXPECT_EQ(client(fields, kFor), "192.0.2.1");
  list += ", 10.0.0.200";
  fields = {{"X-Forwarded-For", list}};
  EXPECT_EQ(client(fields, kFor), "10.0.0.1") << "the last hop that was looked at";
}

// The client's entries stand left of those that its proxy adds, so the client can only hide them.
TEST(Forwarded, ForgedFirstEntries_DoNotChangeTheClient) {
  const std::vector<std::string> forged = {"6.6.6.6", "for=6.6.6.6", "10.0.0.1",   "for=\"",
                                           "\"",      "\\\"",        "for=6;x=\"", "unknown",
                                           ",,,",     "10.0.0.1,",   "for=\"\\",   "\t"};
  for (const std::string& each : forged) {
    std::vector<HttpField> fields = {{"X-Forwarded-For", each}, {"X-Forwarded-For", "192.0.2.1"}};
    EXPECT_EQ(client(fields, kFor), "192.0.2.1") << each;
    const std::string joined = each + ", 192.0.2.1";
    fields = {{"X-Forwarded-For", joined}};
    EXPECT_EQ(client(fields, kFor), "192.0.2.1") << each;
    fields = {{"Forwarded", each}, {"Forwarded", "for=192.0.2.1"}};
    EXPECT_EQ(client(fields, kRfc), "192.0.2.1") << each;
    const std::string line = each + ", for=192.0.2.1";
    fields = {{"Forwarded", line}};
    const std::string found = client(fields, kRfc);
    EXPECT_TRUE(found == "192.0.2.1" || found == "peer") << each << ": " << found;
  }
}

}  // namespace
}  // namespace wsd::protocol
