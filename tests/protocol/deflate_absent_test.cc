#include <gtest/gtest.h>

#include "protocol/deflate.h"
#include "wsd/options.h"
#include "wsd/version.h"

namespace wsd {
namespace {

// Only a build without zlib contains this test.
TEST(DeflateAbsent, IsReported) {
  EXPECT_FALSE(protocol::have_deflate());
  EXPECT_EQ(deflate_library(), "");
}

TEST(DeflateAbsent, DeflateOption_IsRejectedWithAReason) {
  ServerOptions options;
  EXPECT_EQ(check_options(options), "");
  options.deflate.mode = DeflateMode::kContextTakeover;
  EXPECT_NE(check_options(options).find("zlib"), std::string::npos);
}

}  // namespace
}  // namespace wsd
