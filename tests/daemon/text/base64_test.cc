#include "daemon/text/base64.h"

#include <gtest/gtest.h>

#include <string>

namespace wsd::daemon {
namespace {

// The test vectors of RFC 4648 §10.
TEST(Base64, Rfc4648_10_TestVectors) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foob"), "Zm9vYg==");
  EXPECT_EQ(base64("fooba"), "Zm9vYmE=");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
}

TEST(Base64, AllBytes) {
  EXPECT_EQ(base64(std::string("\xff\xfe\xfb\xef\xbe\0", 6)), "//77774A");
  EXPECT_EQ(base64("\xfb\xff\xbf"), "+/+/");
}

}  // namespace
}  // namespace wsd::daemon
