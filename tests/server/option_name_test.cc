#include "server/option_name.h"

#include <gtest/gtest.h>

#include <string>

namespace wsd::server {
namespace {

TEST(OptionName, FieldsInAText_AreReplaced) {
  ServerOptions options;
  EXPECT_EQ(with_option_names(options, "set {option:engine.user} or {option:reactors}"),
            "set engine.user or reactors");
  options.option_name = [](std::string_view field) { return "--" + std::string(field); };
  EXPECT_EQ(with_option_names(options, "{option:engine.user}, {option:reactors} too"),
            "--engine.user, --reactors too");
}

TEST(OptionName, OtherTexts_StayAsTheyAre) {
  for (const char* text : {"", "{}", "a {b} c", "{option:", "{option:x", "option:x}"}) {
    EXPECT_EQ(with_option_names({}, text), text);
  }
}

}  // namespace
}  // namespace wsd::server
