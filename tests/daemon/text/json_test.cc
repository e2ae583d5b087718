#include "daemon/text/json.h"

#include <gtest/gtest.h>

#include <string>

namespace wsd::daemon {
namespace {

std::string written(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

TEST(Json, PlainTextAndUtf8_AreUnchanged) {
  EXPECT_EQ(written(""), "\"\"");
  EXPECT_EQ(written("a/b c"), "\"a/b c\"");
  EXPECT_EQ(written("h\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x99\x82"),
            "\"h\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x99\x82\"");
}

TEST(Json, QuotesBackslashesAndControlBytesAreEscaped) {
  EXPECT_EQ(written("\"\\"), R"("\"\\")");
  EXPECT_EQ(written(std::string("\0\n\x1b\x7f", 4)), R"("\u0000\u000a\u001b\u007f")");
}

// RFC 3629 §4: bytes that begin no sequence, cut ones, overlong ones, surrogates, beyond U+10FFFF.
TEST(Json, InvalidUtf8_IsReplacedBytewise) {
  EXPECT_EQ(written("a\xFFz"), R"("a\ufffdz")");
  EXPECT_EQ(written("\x80"), R"("\ufffd")");
  EXPECT_EQ(written("\xE2\x82"), R"("\ufffd\ufffd")");
  EXPECT_EQ(written("\xC0\xAF"), R"("\ufffd\ufffd")");
  EXPECT_EQ(written("\xE0\x9F\x80"), R"("\ufffd\ufffd\ufffd")");
  EXPECT_EQ(written("\xED\xA0\x80"), R"("\ufffd\ufffd\ufffd")");
  EXPECT_EQ(written("\xF4\x90\x80\x80"), R"("\ufffd\ufffd\ufffd\ufffd")");
}

TEST(Json, AnObjectIsBuiltMemberByMember) {
  EXPECT_EQ(JsonObject().take(), "{}");
  EXPECT_EQ(JsonObject()
                .add("a\"", "x\ny")
                .add("n", std::uint64_t{18446744073709551615U})
                .add_bool("b", true)
                .add_raw("list", "[]")
                .take(),
            R"({"a\"":"x\u000ay","n":18446744073709551615,"b":true,"list":[]})");
}

TEST(Json, Rows_RoundTripWithAnyBytes) {
  std::string every;
  for (int byte = 0; byte < 0x80; ++byte) every += static_cast<char>(byte);
  every += "h\xC3\xA9\xFF";
  const std::string document =
      JsonObject()
          .add("total", 2U)
          .add_raw("rows", "[" + JsonObject().add("name", every).add("n", 7U).take() + "\n," +
                               JsonObject().add_raw("rtt", "null").take() + "]")
          .take();
  const auto rows = json_rows(document, "rows");
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 2U);
  every.replace(every.size() - 1, 1, "\xEF\xBF\xBD");
  EXPECT_EQ(rows->at(0).at("name"), every);
  EXPECT_EQ(rows->at(0).at("n"), "7");
  EXPECT_EQ(rows->at(1).at("rtt"), "null");
  EXPECT_TRUE(json_rows(R"({"rows":[]})", "rows")->empty());
}

TEST(Json, MalformedDocument_HasNoRows) {
  for (const char* text :
       {"", "{}", R"({"rows":[)", R"({"rows":[{]})", R"({"rows":[{"a"}]})", R"({"rows":[{"a":}]})",
        R"({"rows":[{"a":"b]})", R"({"rows":[{"a":"\q"}]})", R"({"rows":[{"a":"\u00zz"}]})",
        R"({"rows":[{"a":{"b":1}}]})", R"({"rows":[{"a":1}{"b":1}]})", R"({"rows":[{"a":"\)"}) {
    EXPECT_FALSE(json_rows(text, "rows")) << text;
  }
}

}  // namespace
}  // namespace wsd::daemon
