#include "daemon/rooms/idempotency_key.h"

#include <gtest/gtest.h>

#include <string>

namespace wsd::daemon {
namespace {

std::string text_of(std::string_view field) {
  const IdempotencyKey key = parse_idempotency_key(field);
  EXPECT_EQ(key.error, "") << field;
  return key.text;
}

TEST(IdempotencyKey, QuotedOrNot_IsTheSameKey) {
  EXPECT_EQ(text_of("8e03978e-40d5"), "8e03978e-40d5");
  EXPECT_EQ(text_of("\"8e03978e-40d5\""), "8e03978e-40d5");
  EXPECT_EQ(text_of(" a "), "a");
  EXPECT_EQ(text_of("!~"), "!~");
  EXPECT_EQ(text_of("a\"b"), "a\"b");
  EXPECT_EQ(text_of(R"("a\"b\\c")"), "a\"b\\c");
}

TEST(IdempotencyKey, LimitIs255Characters) {
  const std::string longest(255, 'k');
  EXPECT_EQ(text_of(longest), longest);
  EXPECT_EQ(text_of('"' + longest + '"'), longest);
  EXPECT_NE(parse_idempotency_key(longest + 'k').error, "");
  EXPECT_NE(parse_idempotency_key('"' + longest + "k\"").error, "");
}

TEST(IdempotencyKey, OtherTexts_AreErrors) {
  for (const std::string_view field :
       {"", " ", "\"\"", "a b", "\"a b\"", "\"", "\"a", "\"a\"b", "\"a\\\"", "\"a\\n\"", "\x7f",
        "caf\xC3\xA9", "a\tb", "\"a\";p=1"}) {
    const IdempotencyKey key = parse_idempotency_key(field);
    EXPECT_NE(key.error, "") << field;
    EXPECT_EQ(key.text, "") << field;
  }
}

}  // namespace
}  // namespace wsd::daemon
