#include "daemon/config/option_flags.h"

#include <gtest/gtest.h>
#include <wsd/options.h>

#include <regex>
#include <set>
#include <string>

#include "daemon/config/flag_table.h"

namespace wsd::daemon {
namespace {

TEST(OptionFlags, FieldWithAFlag_IsNamedByIt) {
  EXPECT_EQ(flag_of_option("heartbeat.ping_interval_ms"), "--ping-interval");
  EXPECT_EQ(flag_of_option("reactors"), "--reactors");
  EXPECT_EQ(flag_of_option("deflate.excluded_user_agents"), "--no-deflate-for");
  EXPECT_EQ(flag_of_option("upgrade.subprotocols"), "--subprotocol");
}

// The fields in the texts of layers that do not know the options.
TEST(OptionFlags, FieldsInDeepTexts_HaveFlags) {
  for (const char* field : {"engine.password", "engine.user", "history.log.any_file_system",
                            "limits.max_connections", "rates.max_rooms", "socket_mode"}) {
    const std::string flag = flag_of_option(field);
    ASSERT_TRUE(flag.starts_with("--")) << field;
    EXPECT_NE(find_flag(flag.substr(2)), nullptr) << field;
  }
}

TEST(OptionFlags, FieldWithoutAFlag_IsNamedByItself) {
  EXPECT_EQ(flag_of_option("http.cross_origin_fields"), "http.cross_origin_fields");
  EXPECT_EQ(flag_of_option(""), "");
  EXPECT_EQ(flag_of_option("zzz"), "zzz");
}

// Each option that a sentence names, for every extreme value that a flag accepts.
TEST(OptionFlags, SentencesNameOnlyFlagsThatExist) {
  std::set<std::string> named;
  const std::regex flag_pattern("--[a-z-]+");
  for (const Flag& flag : flag_table()) {
    if (flag.kind != FlagKind::kSetting) continue;
    for (const char* value : {"0", "1", "off", "on", "1ms", "1KiB", "70000", "2000000", "1000000s",
                              "8GiB", "4000000KiB", "redis://h", "log"}) {
      DaemonOptions options;
      options.server.option_name = [&named](std::string_view field) {
        named.emplace(field);
        return flag_of_option(field);
      };
      if (!flag.set(options, value).empty()) continue;
      const std::string error = check_options(options.server);
      for (std::sregex_iterator at(error.begin(), error.end(), flag_pattern), end; at != end;
           ++at) {
        EXPECT_NE(find_flag(at->str().substr(2)), nullptr) << error;
      }
    }
  }
  EXPECT_GE(named.size(), 30U);
  for (const std::string& field : named) {
    EXPECT_TRUE(flag_of_option(field).starts_with("--")) << field << " has no flag";
  }
}

}  // namespace
}  // namespace wsd::daemon
