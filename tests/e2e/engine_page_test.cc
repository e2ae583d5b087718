// The page of GET / in a real browser, on two nodes of which one is killed.

#include <gtest/gtest.h>

#include "support/redis_process.h"
#include "support/server_process.h"
#include "support/tools.h"

namespace e2e {
namespace {

TEST(EnginePage, NodeKilled_ChatGoesOnWithNothingMissing) {
  E2E_REQUIRE(redis_server());
  E2E_REQUIRE(chromium_with_node());
  Command client = chromium_with_node().with({server_binary(), "engine"});
  client.env.emplace_back("REDIS_SERVER", redis_server().command.argv[0]);
  const Output output = run(client, 10 * patience());
  EXPECT_EQ(output.status.code, 0) << output.all();
  EXPECT_NE(output.out.find("ok all"), std::string::npos) << output.all();
}

}  // namespace
}  // namespace e2e
