#include "daemon/config/room_rule.h"

#include <gtest/gtest.h>

#include <string>

namespace wsd::daemon {
namespace {

TEST(RoomRule, RoundTrips) {
  const Parsed<RoomRule> parsed = parse_room_rule(
      " quotes-*\tslow-policy=latest-only  history-messages=0 history-bytes=64KiB history-age=1m "
      "delivery-window=5ms presence=on");
  ASSERT_TRUE(parsed.ok()) << parsed.error;
  EXPECT_EQ(parsed.value.presence, true);
  EXPECT_EQ(parsed.value.pattern, "quotes-*");
  EXPECT_EQ(parsed.value.slow_policy, SlowPolicy::kLatestOnly);
  EXPECT_EQ(parsed.value.history_messages, 0U);
  EXPECT_EQ(parsed.value.history_bytes, 65'536U);
  EXPECT_EQ(parsed.value.history_age_ms, 60'000U);
  EXPECT_EQ(parsed.value.delivery_window_ms, 5U);
  const std::string text = format_room_rule(parsed.value);
  EXPECT_EQ(text,
            "quotes-* slow-policy=latest-only history-messages=0 history-bytes=64KiB "
            "history-age=1m delivery-window=5ms presence=on");
  EXPECT_EQ(format_room_rule(parse_room_rule(text).value), text);
}

TEST(RoomRule, MissingSetting_HasNoValue) {
  const Parsed<RoomRule> parsed = parse_room_rule("* history-messages=10");
  ASSERT_TRUE(parsed.ok()) << parsed.error;
  EXPECT_FALSE(parsed.value.slow_policy.has_value());
  EXPECT_FALSE(parsed.value.history_bytes.has_value());
  EXPECT_FALSE(parsed.value.history_age_ms.has_value());
  EXPECT_EQ(format_room_rule(parsed.value), "* history-messages=10");
}

TEST(RoomRule, InvalidRule_NamesTheError) {
  const struct {
    const char* text;
    const char* says;
  } rows[] = {
      {"", "is not a room rule; write PATTERN SETTING=VALUE"},
      {"   ", "is not a room rule"},
      {"quotes-*", "is not a room rule"},
      {"quotes-* slow-policy", "has no \"=\""},
      {"quotes-* slow=latest-only", "\"slow\" is not a room setting; use one of slow-policy"},
      {"quotes-* slow-policy=newest",
       "slow-policy: \"newest\" is not one of disconnect, drop-newest, drop-oldest, latest-only"},
      {"quotes-* slow-policy=", "slow-policy: \"\" is not one of"},
      {"a history-messages=1 history-messages=2", "history-messages: the setting is given twice"},
      {"a history-messages=-1", "history-messages: "},
      {"a history-messages=4294967296", "history-messages: "},
      {"a history-bytes=1.5KiB", "history-bytes: "},
      {"a history-age=0", "history-age: "},
      {"a delivery-window=5", "delivery-window: "},
      {"a presence=yes", "presence: \"yes\" is not on or off"},
      {"a\x01 history-messages=1", "matches no room: "},
      {"\xff history-messages=1", "matches no room: "},
  };
  for (const auto& row : rows) {
    const Parsed<RoomRule> parsed = parse_room_rule(row.text);
    EXPECT_NE(parsed.error.find(row.says), std::string::npos) << row.text << ": " << parsed.error;
  }
}

}  // namespace
}  // namespace wsd::daemon
