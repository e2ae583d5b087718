#include "protocol/frame_header.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "protocol/frame_support.h"

namespace wsd::protocol {
namespace {

constexpr std::uint64_t kTopBit = std::uint64_t{1} << 63;

constexpr auto kLengths = std::to_array<std::uint64_t>({0,
                                                        1,
                                                        124,
                                                        125,
                                                        126,
                                                        127,
                                                        128,
                                                        255,
                                                        256,
                                                        65534,
                                                        65535,
                                                        65536,
                                                        65537,
                                                        0x7FFFFFFF,
                                                        0x80000000,
                                                        0xFFFFFFFF,
                                                        0x100000000,
                                                        kTopBit - 1,
                                                        kTopBit,
                                                        kTopBit + 1,
                                                        ~std::uint64_t{0} - 1,
                                                        ~std::uint64_t{0}});

// Returns whether a form can express the length.
bool fits(LengthForm form, std::uint64_t length) {
  return form == LengthForm::k64Bit || length <= (form == LengthForm::k16Bit ? 0xFFFFU : 125U);
}

TEST(FrameHeader, Rfc6455_5_2_EveryFirstPairIsDecodedBitByBit) {
  for (unsigned pair = 0; pair < 65536; ++pair) {
    const auto first = static_cast<std::uint8_t>(pair >> 8);
    const auto second = static_cast<std::uint8_t>(pair);
    const FrameHeader header = decode_frame_start(first, second);
    ASSERT_EQ(header.fin, first / 128 == 1) << pair;
    ASSERT_EQ(header.rsv, first / 16 % 8) << pair;
    ASSERT_EQ(static_cast<unsigned>(header.opcode), first % 16U) << pair;
    ASSERT_EQ(header.masked, second / 128 == 1) << pair;
    ASSERT_EQ(header.length_code, second % 128) << pair;
    ASSERT_EQ(header.payload_length, second % 128U) << pair;
    ASSERT_EQ(header.size, frame_header_size(second)) << pair;
    ASSERT_EQ(header.key, MaskingKey{}) << pair;
  }
}

TEST(FrameHeader, Rfc6455_5_2_TheSecondByteAnnouncesTheHeadersSize) {
  for (unsigned code = 0; code < 128; ++code) {
    const std::size_t unmasked = code == 127 ? 10 : code == 126 ? 4 : 2;
    EXPECT_EQ(frame_header_size(static_cast<std::uint8_t>(code)), unmasked) << code;
    EXPECT_EQ(frame_header_size(static_cast<std::uint8_t>(code + 128)), unmasked + 4) << code;
  }
  EXPECT_EQ(frame_header_size(0xFF), kMaxFrameHeaderBytes);
}

TEST(FrameHeader, Rfc6455_5_2_EveryLengthInEveryEncoding) {
  for (const LengthForm form : {LengthForm::k7Bit, LengthForm::k16Bit, LengthForm::k64Bit}) {
    for (const std::uint64_t length : kLengths) {
      if (!fits(form, length)) continue;
      for (const bool masked : {false, true}) {
        const ClientFrame frame{.opcode = 2, .masked = masked, .form = form, .announced = length};
        const std::string wire = frame.header();
        const FrameHeader header = decode_frame_header(as_bytes(wire));
        EXPECT_EQ(header.payload_length, length);
        EXPECT_EQ(header.size, wire.size()) << length;
        EXPECT_EQ(header.masked, masked) << length;
        EXPECT_EQ(header.key, masked ? frame.key : MaskingKey{}) << length;
        EXPECT_TRUE(header.fin) << length;
        EXPECT_EQ(header.opcode, Opcode::kBinary) << length;
      }
    }
  }
}

TEST(FrameHeader, Rfc6455_5_2_LengthsAreInNetworkByteOrder) {
  const std::array<std::uint8_t, 4> two = {0x82, 126, 0x12, 0x34};
  EXPECT_EQ(decode_frame_header(two).payload_length, 0x1234U);
  const std::array<std::uint8_t, 10> eight = {0x82, 127, 0xF1, 0xE2, 0xD3, 0xC4, 0xB5, 0xA6, 7, 8};
  EXPECT_EQ(decode_frame_header(eight).payload_length, 0xF1E2D3C4B5A60708U);
}

TEST(FrameHeader, Rfc6455_5_3_TheMaskingKeyFollowsTheLength) {
  const MaskingKey key = {1, 2, 3, 4};
  for (const std::uint64_t length : {0U, 125U, 126U, 65535U, 65536U}) {
    const std::string wire = ClientFrame{.key = key, .announced = length}.header();
    EXPECT_EQ(decode_frame_header(as_bytes(wire)).key, key) << length;
  }
}

TEST(FrameHeader, Decode_ReadsNothingAfterTheHeader) {
  for (const std::uint64_t length : {5U, 126U, 65536U}) {
    const std::string wire = ClientFrame{.announced = length}.header();
    const FrameHeader alone = decode_frame_header(as_bytes(wire));
    const std::string longer = wire + "\xFF\xFF\xFF\xFF";
    const FrameHeader followed = decode_frame_header(as_bytes(longer));
    EXPECT_EQ(followed.payload_length, alone.payload_length);
    EXPECT_EQ(followed.key, alone.key);
    EXPECT_EQ(followed.size, wire.size());
  }
}

TEST(FrameHeader, Rfc6455_5_7_Examples) {
  struct Example {
    std::vector<std::uint8_t> wire;
    bool fin;
    Opcode opcode;
    bool masked;
    std::uint64_t length;
  };
  const std::vector<Example> examples = {
      {{0x81, 0x05}, true, Opcode::kText, false, 5},
      {{0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D}, true, Opcode::kText, true, 5},
      {{0x01, 0x03}, false, Opcode::kText, false, 3},
      {{0x80, 0x02}, true, Opcode::kContinuation, false, 2},
      {{0x89, 0x05}, true, Opcode::kPing, false, 5},
      {{0x8A, 0x85, 0x37, 0xFA, 0x21, 0x3D}, true, Opcode::kPong, true, 5},
      {{0x82, 0x7E, 0x01, 0x00}, true, Opcode::kBinary, false, 256},
      {{0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0}, true, Opcode::kBinary, false, 65536},
  };
  for (const Example& example : examples) {
    const FrameHeader header = decode_frame_header(example.wire);
    EXPECT_EQ(header.fin, example.fin);
    EXPECT_EQ(header.rsv, 0);
    EXPECT_EQ(header.opcode, example.opcode);
    EXPECT_EQ(header.masked, example.masked);
    EXPECT_EQ(header.payload_length, example.length);
    EXPECT_EQ(header.size, example.wire.size());
  }
}

TEST(FrameHeader, Rfc6455_5_5_ControlOpcodesHaveTheTopBit) {
  for (unsigned opcode = 0; opcode < 16; ++opcode) {
    EXPECT_EQ(is_control(static_cast<Opcode>(opcode)), opcode >= 8) << opcode;
  }
}

}  // namespace
}  // namespace wsd::protocol
