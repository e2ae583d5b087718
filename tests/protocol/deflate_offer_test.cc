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

TEST(DeflateOffer, Rfc7692_7_1_AnswersToOffers) {
  struct Row {
    const char* offer;
    const char* answer;
  };
  const std::string pmd = "permessage-deflate";
  for (const Row& row : std::vector<Row>{
           {"", ""},
           {"; client_max_window_bits", ""},
           {"; client_max_window_bits=15", "; client_max_window_bits=15"},
           {"; client_max_window_bits=9", "; client_max_window_bits=9"},
           // zlib's compressors that are told 8 use 9: the client is not bound to it.
           {"; client_max_window_bits=8", ""},
           {"; client_max_window_bits=\"10\"", "; client_max_window_bits=10"},
           {"; server_max_window_bits=9", "; server_max_window_bits=9"},
           {"; server_max_window_bits=15", "; server_max_window_bits=15"},
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

TEST(DeflateOffer, Rfc7692_7_1_TermsAreWhatTheAnswerSays) {
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
       {"; server_max_window_bits", "; server_max_window_bits=8", "; server_max_window_bits=7",
        "; server_max_window_bits=16", "; server_max_window_bits=08",
        "; server_max_window_bits=015", "; server_max_window_bits=1e1",
        "; client_max_window_bits=7", "; client_max_window_bits=16", "; client_max_window_bits=08",
        "; server_no_context_takeover=1", "; client_no_context_takeover=true", "; unknown",
        "; unknown=1", "; server_no_context_takeover; server_no_context_takeover",
        "; client_max_window_bits; client_max_window_bits=10", "; Server_No_Context_Takeover"}) {
    const std::string offer = std::string("permessage-deflate") + bad;
    EXPECT_EQ(answer(offer, kWithTakeover), "none") << bad;
    // §5: the next offer is tried.
    EXPECT_EQ(answer(offer + ", permessage-deflate", kWithTakeover), "permessage-deflate") << bad;
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
