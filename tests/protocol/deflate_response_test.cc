#include "protocol/deflate_response.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wsd::protocol {
namespace {

std::optional<DeflateParameters> accepted(std::string_view parameters, bool context_takeover) {
  const std::string line = "permessage-deflate" + std::string(parameters);
  std::vector<ExtensionOffer> chosen;
  EXPECT_TRUE(read_extensions(line, chosen)) << line;
  return accept_deflate_response(chosen.at(0), context_takeover);
}

TEST(DeflateResponse, Rfc7692_7_1_1_WithoutContextTakeoverTheServerMustAgree) {
  EXPECT_FALSE(accepted("", false));
  const auto terms = accepted("; server_no_context_takeover", false);
  ASSERT_TRUE(terms);
  EXPECT_TRUE(terms->server_no_context_takeover);
  EXPECT_TRUE(terms->client_no_context_takeover);
}

// The fields of "server" are those of this end's compressor, which is the client's.
TEST(DeflateResponse, ParametersAreThoseOfThisEnd) {
  const auto terms = accepted(
      "; client_no_context_takeover; client_max_window_bits=10; server_max_window_bits=12", true);
  ASSERT_TRUE(terms);
  EXPECT_TRUE(terms->server_no_context_takeover);
  EXPECT_FALSE(terms->client_no_context_takeover);
  EXPECT_EQ(terms->server_max_window_bits, 10);
  EXPECT_EQ(terms->client_max_window_bits, 12);
  const auto plain = accepted("", true);
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->server_no_context_takeover);
  EXPECT_FALSE(plain->client_no_context_takeover);
  EXPECT_EQ(plain->server_max_window_bits, 15);
  EXPECT_EQ(plain->client_max_window_bits, 15);
}

TEST(DeflateResponse, Rfc7692_7_1_2_TheSmallestWindow) {
  const auto terms = accepted("; server_max_window_bits=8", true);
  ASSERT_TRUE(terms);
  EXPECT_EQ(terms->client_max_window_bits, 9) << "a larger window reads the same messages";
  EXPECT_FALSE(accepted("; client_max_window_bits=8", true)) << "zlib cannot write it";
  EXPECT_TRUE(accepted("; client_max_window_bits=9", true));
}

TEST(DeflateResponse, Rfc7692_7_1_BadParametersFail) {
  for (const char* parameters :
       {"; client_max_window_bits", "; server_max_window_bits", "; server_max_window_bits=7",
        "; server_max_window_bits=16", "; server_max_window_bits=09", "; client_max_window_bits=x",
        "; server_no_context_takeover=1", "; client_no_context_takeover=on", "; unknown",
        "; server_no_context_takeover; server_no_context_takeover",
        "; server_max_window_bits=9; server_max_window_bits=9"}) {
    EXPECT_FALSE(accepted(parameters, true)) << parameters;
  }
}

}  // namespace
}  // namespace wsd::protocol
