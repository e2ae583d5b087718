// Nodes whose clocks differ: the ages of messages come from the clock of Redis alone.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/admin_server.h"
#include "support/engine_nodes.h"
#include "support/redis_process.h"
#include "support/tools.h"

namespace e2e {
namespace {

std::vector<std::string> texts_of(const std::vector<Meta>& messages) {
  std::vector<std::string> texts;
  texts.reserve(messages.size());
  for (const Meta& each : messages) texts.push_back(each.payload);
  return texts;
}

class EngineClock : public ::testing::TestWithParam<const char*> {};

// History lasts for ten minutes, so a message that seems to be an hour old would be missing.
TEST_P(EngineClock, NodeWithAnotherClock_SharesHistoryAndResumes) {
  E2E_REQUIRE(redis_server());
  E2E_REQUIRE(faketime());
  const RedisProcess redis;
  const std::vector<std::string> flags = {"--engine", redis.url(), "--history-age", "10m"};
  const AdminServer right(flags);
  const AdminServer wrong(flags, faketime().with({std::string("FAKETIME=") + GetParam()}).argv);
  ASSERT_TRUE(eventually([&] { return is_ready(right) && is_ready(wrong); }));
  const Place first = right.publish("a", "first");
  right.publish("a", "second");
  EXPECT_EQ(texts_of(wrong.replay("a", "last=2", 2)),
            (std::vector<std::string>{"first", "second"}));
  wrong.publish("a", "third");
  EXPECT_EQ(texts_of(right.replay("a", "last_event_id=" + first.text(), 2)),
            (std::vector<std::string>{"second", "third"}));
  const AdminServer late(flags);
  ASSERT_TRUE(eventually([&] { return is_ready(late); }));
  EXPECT_EQ(texts_of(late.replay("a", "last_event_id=" + first.text(), 2)),
            (std::vector<std::string>{"second", "third"}));
}

INSTANTIATE_TEST_SUITE_P(Engine, EngineClock, ::testing::Values("+1h", "-1h"),
                         [](const auto& row) { return row.index == 0 ? "Ahead" : "Behind"; });

}  // namespace
}  // namespace e2e
