#include "engine/question_text.h"

#include <gtest/gtest.h>

#include <optional>
#include <string_view>

namespace wsd::engine {
namespace {

TEST(QuestionText, NodeName_HasEightDigitsAndItsShard) {
  EXPECT_EQ(text_of({0xA1, 12}), "000000a1.12");
  EXPECT_TRUE(is_node_name("000000a1.12"));
  EXPECT_TRUE(is_node_name("ffffffff.4294967295"));
}

TEST(QuestionText, OtherTexts_AreNoNodeName) {
  for (const std::string_view text : {"", "000000A1.12", "0 1", "}", "ffffffff.42949672950"}) {
    EXPECT_FALSE(is_node_name(text)) << text;
  }
}

TEST(QuestionText, TakeWord_TakesOneSpace) {
  std::string_view text = "ab  c";
  EXPECT_EQ(take_word(text), "ab");
  EXPECT_EQ(take_word(text), "");
  EXPECT_EQ(take_word(text), "c");
  EXPECT_EQ(take_word(text), "");
}

TEST(QuestionText, Number_IsTheWholeText) {
  EXPECT_EQ(number_of("18446744073709551615"), ~std::uint64_t{0});
  for (const std::string_view text : {"", "-1", "1 ", "x", "1x", "18446744073709551616"}) {
    EXPECT_EQ(number_of(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace wsd::engine
