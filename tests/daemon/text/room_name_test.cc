#include "daemon/text/room_name.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace wsd::daemon {
namespace {

TEST(RoomName, IsTheLastSegmentDecodedOnce) {
  EXPECT_EQ(room_of_path("/rooms/lobby"), "lobby");
  EXPECT_EQ(room_of_path("/rooms/caf%C3%A9%20bar"), "caf\xc3\xa9 bar");
  EXPECT_EQ(room_of_path("/rooms/a%2fb"), "a/b");
  EXPECT_EQ(room_of_path("/rooms/%2525"), "%25");
  EXPECT_EQ(room_of_path("/rooms/a+b"), "a+b");
  EXPECT_EQ(room_of_path("lobby"), "lobby");
}

// Browsers send a "%" that is no part of an escape as it is.
TEST(RoomName, BrokenEscape_StaysInTheName) {
  for (const std::string name : {"%", "a%2", "%zz", "%2z", "100%", "order[5]"}) {
    EXPECT_EQ(room_of_path("/rooms/" + name), name);
    EXPECT_EQ(room_name_error(name), "");
  }
  EXPECT_EQ(room_of_path("/rooms/%%20"), "% ");
}

TEST(RoomName, EmptyNamesAreRefused) {
  for (const std::string_view path : {"/rooms/", ""}) {
    EXPECT_EQ(room_of_path(path), "") << path;
  }
  EXPECT_EQ(room_name_error(""), "the room name is empty");
}

TEST(RoomName, NamesOfUpTo128Bytes) {
  EXPECT_EQ(room_name_error("a"), "");
  EXPECT_EQ(room_name_error(std::string(128, 'a')), "");
  EXPECT_EQ(room_name_error(std::string(129, 'a')),
            "the room name has 129 bytes; the limit is 128");
}

TEST(RoomName, ControlBytesAreRefusedAndNothingElseOfAscii) {
  for (int byte = 0; byte < 0x80; ++byte) {
    const std::string name(1, static_cast<char>(byte));
    EXPECT_EQ(room_name_error(name).empty(), byte >= 0x20 && byte != 0x7f) << byte;
  }
}

// Every scalar value is a name, every other code point in UTF-8's form is none (RFC 3629 §3).
TEST(RoomName, EveryCodePoint) {
  const auto tail = [](unsigned bits) { return static_cast<char>(0x80U | (bits & 0x3fU)); };
  for (unsigned point = 0x80; point < 0x200000; ++point) {
    std::string name;
    if (point < 0x800) {
      name = {static_cast<char>(0xc0U | (point >> 6U)), tail(point)};
    } else if (point < 0x10000) {
      name = {static_cast<char>(0xe0U | (point >> 12U)), tail(point >> 6U), tail(point)};
    } else {
      name = {static_cast<char>(0xf0U | (point >> 18U)), tail(point >> 12U), tail(point >> 6U),
              tail(point)};
    }
    const bool scalar = point < 0x110000 && (point < 0xd800 || point > 0xdfff);
    ASSERT_EQ(room_name_error(name).empty(), scalar) << std::hex << point;
    ASSERT_NE(room_name_error(name.substr(0, name.size() - 1)), "") << std::hex << point;
  }
}

TEST(RoomName, OverlongAndStrayBytesAreRefused) {
  for (const std::string_view name :
       {"\x80", "\xbf", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xe0\x9f\xbf", "\xf0\x80\x80\xaf",
        "\xf0\x8f\xbf\xbf", "\xf5\x80\x80\x80", "\xfe", "\xff", "a\xc3", "\xc3z", "\xe2\x82z",
        "\xf0\x9f\x98z"}) {
    EXPECT_EQ(room_name_error(name), "the room name is not valid UTF-8");
  }
}

}  // namespace
}  // namespace wsd::daemon
