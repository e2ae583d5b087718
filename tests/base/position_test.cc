#include "wsd/position.h"

#include <gtest/gtest.h>

#include <string>

namespace wsd {
namespace {

TEST(Position, IsWrittenAsTwoNumbersAndReadBack) {
  for (const Position position : {Position{0, 0}, Position{281474976710655, 1},
                                  Position{~std::uint64_t{0}, ~std::uint64_t{0}}}) {
    EXPECT_EQ(parse_position(position_text(position)), position);
  }
  EXPECT_EQ(position_text({12, 3}), "12:3");
  EXPECT_EQ(parse_position("007:08"), (Position{7, 8}));
}

TEST(Position, InvalidText_IsNotAPosition) {
  for (const char* text : {"", "abc", ":", "1:", ":1", "1", "-1:2", "1:-2", "+1:2", " 1:2", "1:2 ",
                           "1: 2", "1:2:3", "0x1:2", "1.0:2", "18446744073709551616:1",
                           "1:18446744073709551616", "1:99999999999999999999999", "1;2"}) {
    EXPECT_FALSE(parse_position(text)) << text;
  }
  EXPECT_FALSE(parse_position(std::string("1:2\0", 4)));
}

}  // namespace
}  // namespace wsd
