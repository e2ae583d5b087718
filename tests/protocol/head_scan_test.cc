#include "protocol/head_scan.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace wsd::protocol::head_scan {
namespace {

using Scan = std::size_t (*)(std::string_view) noexcept;

// Compares a scan with its portable twin for every byte, at every place of two blocks and a rest.
template <bool is_plain(char) noexcept>
void expect_twin(Scan scan) {
  constexpr std::size_t kMostBytes = 40;
  for (std::size_t size = 0; size <= kMostBytes; ++size) {
    for (std::size_t place = 0; place < size; ++place) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(size, 'a');
        text[place] = static_cast<char>(byte);
        ASSERT_EQ(scan(text), plain_bytes<is_plain>(text))
            << "byte " << byte << " at " << place << " of " << size;
      }
    }
    ASSERT_EQ(scan(std::string(size, 'a')), size);
  }
}

TEST(HeadScan, Names_EndAtTheSameByteAsByteByByte) { expect_twin<is_name_byte>(name_bytes); }

TEST(HeadScan, Values_EndAtTheSameByteAsByteByByte) { expect_twin<is_value_byte>(value_bytes); }

TEST(HeadScan, Targets_EndAtTheSameByteAsByteByByte) { expect_twin<is_target_byte>(target_bytes); }

TEST(HeadScan, NameBytes_AreTokenBytes) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    EXPECT_TRUE(!is_name_byte(c) || is_tchar(c)) << byte;
  }
}

TEST(HeadScan, SeveralBytesOutsideTheClass_TheFirstOneCounts) {
  EXPECT_EQ(name_bytes("Host: a:b\r\nUpgrade: websocket\r\n"), 4U);
  EXPECT_EQ(value_bytes("websocket\r\nConnection: Upgrade\r\n"), 9U);
  EXPECT_EQ(target_bytes("/echo?a=1 HTTP/1.1\r\nHost: a\r\n"), 9U);
}

}  // namespace
}  // namespace wsd::protocol::head_scan
