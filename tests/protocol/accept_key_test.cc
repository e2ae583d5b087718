#include "protocol/accept_key.h"

#include <gtest/gtest.h>

#include <string>

namespace wsd::protocol {
namespace {

std::string accept_of(std::string_view key) {
  const AcceptKey accept = accept_key(key);
  return {accept.begin(), accept.end()};
}

TEST(AcceptKey, Rfc6455_1_3_Example) {
  EXPECT_EQ(accept_of("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(AcceptKey, Rfc6455_4_2_2_OtherKeys) {
  EXPECT_EQ(accept_of("x3JJHMbDL1EzLkh9GBhXDw=="), "HSmrc0sMlYUkAGmm5OPpG2HaGWk=");
  EXPECT_EQ(accept_of("AAAAAAAAAAAAAAAAAAAAAA=="), "ICX+Yqv66kxgM0FcWaLWlFLwTAI=");
}

TEST(AcceptKey, Rfc6455_4_2_1_5_KeyIsBase64OfSixteenBytes) {
  EXPECT_TRUE(is_valid_key("dGhlIHNhbXBsZSBub25jZQ=="));
  EXPECT_TRUE(is_valid_key("AAAAAAAAAAAAAAAAAAAAAA=="));
  EXPECT_TRUE(is_valid_key("+/+/+/+/+/+/+/+/+/+/+w=="));
  for (const char* key : {
           "",
           "=",
           "AAAAAAAAAAAAAAAAAAAA",          // 15 bytes
           "AAAAAAAAAAAAAAAAAAAAAAA=",      // 17 bytes
           "AAAAAAAAAAAAAAAAAAAAAAAA",      // 18 bytes
           "AAAAAAAAAAAAAAAAAAAAAA",        // no padding
           "AAAAAAAAAAAAAAAAAAAAAA=",       // half of the padding
           "AAAAAAAAAAAAAAAAAAAAAA===",     // too much padding
           "AAAAAAAAAAAAAAAAAAAAAA==AAAA",  // more characters after it
           "AAAAAAAAAAAAAAAAAAAA===A",      // padding elsewhere
           "-_-_-_-_-_-_-_-_-_-_-w==",      // the URL alphabet, RFC 4648 §5
           "AAAAAAAAAA AAAAAAAAAAA==",      // whitespace
           "AAAAAAAAAAAAAAAAAAAA*A==",
       }) {
    EXPECT_FALSE(is_valid_key(key)) << key;
  }
}

// §4.1 (7) has this key for the bytes 1 to 16. Its last digit is C, although canonical base64 has
// A.
TEST(AcceptKey, Rfc6455_4_1_ExampleHasUnusedBits) {
  EXPECT_TRUE(is_valid_key("AQIDBAUGBwgJCgsMDQ4PEC=="));
  EXPECT_EQ(accept_of("AQIDBAUGBwgJCgsMDQ4PEC=="), "OfS0wDaT5NoxF2gqm7Zj2YtetzM=");
}

// All 256 bytes as the last digit and as another digit.
TEST(AcceptKey, Rfc4648_3_5_UnusedBitsMayHaveAnyValue) {
  const std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool digit = alphabet.find(c) != std::string_view::npos;
    const std::string last = std::string(21, 'A') + c + "==";
    EXPECT_EQ(is_valid_key(last), digit) << byte;
    const std::string middle = std::string(10, 'A') + c + std::string(11, 'A') + "==";
    EXPECT_EQ(is_valid_key(middle), digit) << byte;
  }
}

}  // namespace
}  // namespace wsd::protocol
