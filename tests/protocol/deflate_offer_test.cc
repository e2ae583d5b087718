#include "protocol/deflate_offer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wsd::protocol {
namespace {

constexpr DeflatePolicy kWithoutTakeover{false, false};
constexpr DeflatePolicy kWithTakeover{true, true};

std::string answer(const std::string& line, const DeflatePolicy& policy) {
  std::vector<ExtensionOffer> offers;
  EXPECT_TRUE(read_extensions(line, offers)) << line;
  const auto agreement = negotiate_deflate(offers, policy);
  return agreement ? agreement->response : "none";
}

void expect_declined(const std::string& parameters) {
  const std::string offer = "permessage-deflate" + parameters;
  EXPECT_EQ(answer(offer, kWithTakeover), "none") << parameters;
  // §5: the server tries the next offer.
  EXPECT_EQ(answer(offer + ", permessage-deflate", kWithTakeover), "permessage-deflate")
      << parameters;
}

TEST(DeflateOffer, Rfc7692_7_1_AnswersToOffers) {
  struct Row {
    const char* offer;
    const char* answer;
  };
  const std::string pmd = "permessage-deflate";
  for (const Row& row : std::vector<Row>{
           {"", ""},
           {"; server_no_context_takeover", "; server_no_context_takeover"},
           {"; client_no_context_takeover", "; client_no_context_takeover"},
           {"; client_no_context_takeover; server_no_context_takeover",
            "; server_no_context_takeover; client_no_context_takeover"},
           {"; server_max_window_bits=12; client_max_window_bits; client_no_context_takeover",
            "; client_no_context_takeover; server_max_window_bits=12"}}) {
    EXPECT_EQ(answer(pmd + row.offer, kWithTakeover), pmd + row.answer) << row.offer;
  }
  EXPECT_EQ(answer(pmd, kWithoutTakeover),
            pmd + "; server_no_context_takeover; client_no_context_takeover");
}

TEST(DeflateOffer, Rfc7692_7_1_2_1_TheServersWindowIsAsOffered) {
  for (int bits = 9; bits <= 15; ++bits) {
    const std::string offer = "permessage-deflate; server_max_window_bits=" + std::to_string(bits);
    EXPECT_EQ(answer(offer, kWithTakeover), offer);
  }
  for (const char* bad : {"", "=8", "=7", "=16", "=08", "=015", "=1e1"}) {
    expect_declined(std::string("; server_max_window_bits") + bad);
  }
}

TEST(DeflateOffer, Rfc7692_7_1_2_2_TheClientsWindowIsAnsweredWhereItHasAValue) {
  const std::string parameter = "permessage-deflate; client_max_window_bits";
  for (int bits = 9; bits <= 15; ++bits) {
    const std::string offer = parameter + "=" + std::to_string(bits);
    EXPECT_EQ(answer(offer, kWithTakeover), offer);
  }
  EXPECT_EQ(answer(parameter + "=\"10\"", kWithTakeover), parameter + "=10");
  EXPECT_EQ(answer(parameter, kWithTakeover), "permessage-deflate");
  // zlib's compressors use 9 if they are given 8, so the client cannot keep to 8.
  EXPECT_EQ(answer(parameter + "=8", kWithTakeover), "permessage-deflate");
  for (const char* bad : {"=7", "=16", "=08"}) {
    expect_declined(std::string("; client_max_window_bits") + bad);
  }
}

TEST(DeflateOffer, Rfc7692_7_1_ParametersMatchTheResponse) {
  std::vector<ExtensionOffer> offers;
  ASSERT_TRUE(read_extensions(
      "permessage-deflate; server_no_context_takeover; client_max_window_bits=11", offers));
  const auto agreement = negotiate_deflate(offers, kWithTakeover);
  ASSERT_TRUE(agreement);
  EXPECT_TRUE(agreement->terms.server_no_context_takeover);
  EXPECT_FALSE(agreement->terms.client_no_context_takeover);
  EXPECT_EQ(agreement->terms.server_max_window_bits, 15);
  EXPECT_EQ(agreement->terms.client_max_window_bits, 11);
}

TEST(DeflateOffer, Rfc7692_7_1_BadOffersAreDeclined) {
  for (const char* bad :
       {"; server_no_context_takeover=1", "; client_no_context_takeover=true", "; unknown",
        "; unknown=1", "; server_no_context_takeover; server_no_context_takeover",
        "; client_max_window_bits; client_max_window_bits=10", "; Server_No_Context_Takeover"}) {
    expect_declined(bad);
  }
}

TEST(DeflateOffer, Rfc6455_9_1_OtherExtensionsArePassedOver) {
  EXPECT_EQ(answer("constructor, __proto__", kWithTakeover), "none");
  EXPECT_EQ(answer("x-webkit-deflate-frame, permessage-deflate", kWithTakeover),
            "permessage-deflate");
  EXPECT_FALSE(negotiate_deflate({}, kWithTakeover).has_value());
}

}  // namespace

}  // namespace wsd::protocol
