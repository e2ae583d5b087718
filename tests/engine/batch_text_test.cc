#include "engine/batch_text.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace wsd::engine {
namespace {

TEST(BatchText, Batch_IsWrittenAsDocumented) {
  std::string out = "before ";
  append_head(out, {1'795'989'613'123, {0xa1b2c3d4, 0}, 57, 2});
  append_message(out, {false, "hello"});
  append_message(out, {true, "abc"});
  EXPECT_EQ(out, "before 1795989613123 a1b2c3d4.0 57 2\nt5:hellob3:abc");
}

TEST(BatchText, WrittenBatch_IsReadAgain) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  const std::string payload("\0t1:x\n\r", 7);
  std::string text;
  append_head(text, {kMost, {0xFFFFFFFF, 0xFFFFFFFF}, kMost, 64});
  for (int i = 0; i < 64; ++i) append_message(text, {i % 2 == 0, i % 3 == 0 ? "" : payload});
  BatchReader reader;
  ASSERT_TRUE(reader.begin(text));
  EXPECT_EQ(reader.head().ms, kMost);
  EXPECT_EQ(reader.head().node, (NodeName{0xFFFFFFFF, 0xFFFFFFFF}));
  EXPECT_EQ(reader.head().counter, kMost);
  ASSERT_EQ(reader.head().count, 64U);
  for (int i = 0; i < 64; ++i) {
    const BatchMessage message = reader.next();
    EXPECT_EQ(message.binary, i % 2 == 0);
    EXPECT_EQ(message.payload, i % 3 == 0 ? "" : payload);
  }
}

TEST(BatchText, SmallNumbers_AreReadAgain) {
  std::string text;
  append_head(text, {0, {0, 0}, 0, 1});
  append_message(text, {false, ""});
  EXPECT_EQ(text, "0 00000000.0 0 1\nt0:");
  BatchReader reader;
  ASSERT_TRUE(reader.begin(text));
  EXPECT_EQ(reader.head().count, 1U);
  EXPECT_EQ(reader.next().payload, "");
}

TEST(BatchText, EveryPrefix_IsRefused) {
  const std::string text = "1795989613123 a1b2c3d4.0 57 2\nt5:hellob3:abc";
  BatchReader reader;
  ASSERT_TRUE(reader.begin(text));
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(reader.begin(std::string_view(text).substr(0, size))) << size;
    EXPECT_EQ(reader.head().count, 0U);
  }
  EXPECT_FALSE(reader.begin(text + " "));
}

TEST(BatchText, OtherTexts_AreRefused) {
  BatchReader reader;
  for (const std::string_view text : {
           "",
           "!2",
           "01 a1b2c3d4.0 57 1\nt0:",
           "-1 a1b2c3d4.0 57 1\nt0:",
           "1 A1b2c3d4.0 57 1\nt0:",
           "1 a1b2c3d.0 57 1\nt0:",
           "1 a1b2c3d44.0 57 1\nt0:",
           "1 a1b2c3d4 57 1\nt0:",
           "1 a1b2c3d4.00 57 1\nt0:",
           "1 a1b2c3d4.4294967296 57 1\nt0:",
           "1 a1b2c3d4.0  57 1\nt0:",
           "1 a1b2c3d4.0 057 1\nt0:",
           "18446744073709551616 a1b2c3d4.0 57 1\nt0:",
           "1 a1b2c3d4.0 18446744073709551616 1\nt0:",
           "1 a1b2c3d4.0 57 0\n",
           "1 a1b2c3d4.0 57 0\nt0:",
           "1 a1b2c3d4.0 57 65\nt0:",
           "1 a1b2c3d4.0 57 1\r\nt0:",
           "1 a1b2c3d4.0 57 1 t0:",
           "1 a1b2c3d4.0 57 1\nx0:",
           "1 a1b2c3d4.0 57 1\nt:",
           "1 a1b2c3d4.0 57 1\nt00:",
           "1 a1b2c3d4.0 57 1\nt1 a",
           "1 a1b2c3d4.0 57 1\nt2:a",
           "1 a1b2c3d4.0 57 1\nt1:ab",
           "1 a1b2c3d4.0 57 1\nt18446744073709551615:a",
           "1 a1b2c3d4.0 57 1\nt18446744073709551617:a",
           "1 a1b2c3d4.0 57 1\nt1:at1:b",
           "1 a1b2c3d4.0 57 2\nt1:a",
       }) {
    EXPECT_FALSE(reader.begin(text)) << text;
  }
}

}  // namespace
}  // namespace wsd::engine
