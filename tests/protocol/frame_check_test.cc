#include "protocol/frame_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "protocol/frame_support.h"

namespace wsd::protocol {
namespace {

constexpr std::uint64_t kTopBit = std::uint64_t{1} << 63;
constexpr std::uint64_t kMax = ~std::uint64_t{0};
constexpr std::uint64_t kNoLimit = kMax;

Violation start_of(unsigned first, unsigned second, bool in_message = false) {
  return check_frame_start(
      decode_frame_start(static_cast<std::uint8_t>(first), static_cast<std::uint8_t>(second)),
      in_message);
}

// Returns every rule that these two bytes break, in terms of the wire.
std::vector<Violation> broken_rules(unsigned first, unsigned second, bool in_message) {
  const unsigned opcode = first & 0x0F;
  const bool fin = first >= 0x80;
  const unsigned length = second & 0x7F;
  std::vector<Violation> broken;
  const auto rule = [&](bool breaks, Violation violation) {
    if (breaks) broken.push_back(violation);
  };
  rule((first & 0x70) != 0, Violation::kReservedBit);
  rule((opcode > 2 && opcode < 8) || opcode > 10, Violation::kReservedOpcode);
  rule(second < 0x80, Violation::kNotMasked);
  rule(opcode >= 8 && !fin, Violation::kControlFragmented);
  rule(opcode >= 8 && length >= 126, Violation::kControlTooLong);
  rule(opcode == 0 && !in_message, Violation::kUnexpectedContinuation);
  rule((opcode == 1 || opcode == 2) && in_message, Violation::kExpectedContinuation);
  return broken;
}

TEST(FrameCheck, Rfc6455_5_EveryFirstPairInsideAndOutsideAMessage) {
  std::array<int, 2> accepted = {};
  for (const bool in_message : {false, true}) {
    for (unsigned pair = 0; pair < 65536; ++pair) {
      const unsigned first = pair >> 8;
      const unsigned second = pair & 0xFF;
      const Violation found = start_of(first, second, in_message);
      const std::vector<Violation> broken = broken_rules(first, second, in_message);
      if (found == Violation::kNone) {
        ASSERT_TRUE(broken.empty()) << first << ' ' << second << ' ' << in_message;
        ++accepted[in_message ? 1 : 0];
      } else {
        ASSERT_NE(std::find(broken.begin(), broken.end(), found), broken.end())
            << first << ' ' << second << ' ' << in_message << ' ' << violation_name(found);
        ASSERT_EQ(close_code_of(found), CloseCode::kProtocolError);
      }
    }
  }
  // 3 control opcodes with 0 to 125 bytes; text and binary, or the continuation, with 128 length
  // codes, with and without FIN.
  EXPECT_EQ(accepted[0], 3 * 126 + 2 * 2 * 128);
  EXPECT_EQ(accepted[1], 3 * 126 + 2 * 128);
}

TEST(FrameCheck, Rfc6455_5_1_ClientFramesMustBeMasked) {
  for (const unsigned opcode : {1U, 2U, 8U, 9U, 10U}) {
    EXPECT_EQ(start_of(0x80 | opcode, 0x05), Violation::kNotMasked) << opcode;
    EXPECT_EQ(start_of(0x80 | opcode, 0x00), Violation::kNotMasked) << opcode;
    EXPECT_EQ(start_of(0x80 | opcode, 0x85), Violation::kNone) << opcode;
  }
  EXPECT_EQ(start_of(0x80, 0x05, true), Violation::kNotMasked);
}

TEST(FrameCheck, Rfc6455_5_2_ReservedBitsMustBeZero) {
  for (unsigned rsv = 1; rsv < 8; ++rsv) {
    for (const unsigned opcode : {1U, 2U, 8U, 9U, 10U}) {
      EXPECT_EQ(start_of(0x80 | rsv << 4 | opcode, 0x80), Violation::kReservedBit);
    }
    EXPECT_EQ(start_of(0x80 | rsv << 4, 0x80, true), Violation::kReservedBit);
  }
}

TEST(FrameCheck, Rfc6455_5_2_ReservedOpcodes) {
  for (const unsigned opcode : {3U, 4U, 5U, 6U, 7U, 11U, 12U, 13U, 14U, 15U}) {
    for (const bool in_message : {false, true}) {
      EXPECT_EQ(start_of(0x80 | opcode, 0x80, in_message), Violation::kReservedOpcode) << opcode;
    }
  }
}

TEST(FrameCheck, Rfc6455_5_4_ContinuationNeedsAMessage) {
  EXPECT_EQ(start_of(0x00, 0x80), Violation::kUnexpectedContinuation);
  EXPECT_EQ(start_of(0x80, 0x80), Violation::kUnexpectedContinuation);
  EXPECT_EQ(start_of(0x00, 0x80, true), Violation::kNone);
  EXPECT_EQ(start_of(0x80, 0x80, true), Violation::kNone);
}

TEST(FrameCheck, Rfc6455_5_4_MessagesAreNotInterleaved) {
  for (const unsigned first : {0x01U, 0x02U, 0x81U, 0x82U}) {
    EXPECT_EQ(start_of(first, 0x80, true), Violation::kExpectedContinuation) << first;
    EXPECT_EQ(start_of(first, 0x80), Violation::kNone) << first;
  }
}

TEST(FrameCheck, Rfc6455_5_4_ControlFramesMayComeInsideAMessage) {
  for (const unsigned first : {0x88U, 0x89U, 0x8AU}) {
    EXPECT_EQ(start_of(first, 0x80, true), Violation::kNone) << first;
  }
}

TEST(FrameCheck, Rfc6455_5_5_ControlFramesAreNotFragmented) {
  for (const unsigned first : {0x08U, 0x09U, 0x0AU}) {
    EXPECT_EQ(start_of(first, 0x80), Violation::kControlFragmented) << first;
  }
}

TEST(FrameCheck, Rfc6455_5_5_ControlPayloadIsAtMost125Bytes) {
  for (const unsigned first : {0x88U, 0x89U, 0x8AU}) {
    EXPECT_EQ(start_of(first, 0x80 | 125), Violation::kNone) << first;
    EXPECT_EQ(start_of(first, 0x80 | 126), Violation::kControlTooLong) << first;
    EXPECT_EQ(start_of(first, 0x80 | 127), Violation::kControlTooLong) << first;
  }
}

constexpr auto kLengths = std::to_array<std::uint64_t>(
    {0,          1,           124,         125,         126,         127,
     65534,      65535,       65536,       65537,       0x7FFFFFFF,  0x80000000,
     0x80000001, 0xFFFFFFFF,  0x100000000, 0x100000001, kTopBit - 2, kTopBit - 1,
     kTopBit,    kTopBit + 1, kMax - 4,    kMax - 1,    kMax});

// Returns the expected verdict on a length, derived from the wire.
Violation expected_length_verdict(LengthForm form, std::uint64_t length, std::uint64_t before,
                                  std::uint64_t limit) {
  if (length >= kTopBit) return Violation::kLengthTopBit;
  const LengthForm minimal = length < 126     ? LengthForm::k7Bit
                             : length < 65536 ? LengthForm::k16Bit
                                              : LengthForm::k64Bit;
  if (form != minimal) return Violation::kLengthNotMinimal;
  const std::uint64_t sum = before + length;
  const bool wrapped = sum < before;
  return wrapped || sum > limit ? Violation::kMessageTooBig : Violation::kNone;
}

TEST(FrameCheck, Rfc6455_5_2_And_10_4_EveryLengthInEveryEncodingAgainstEveryLimit) {
  for (const LengthForm form : {LengthForm::k7Bit, LengthForm::k16Bit, LengthForm::k64Bit}) {
    for (const std::uint64_t length : kLengths) {
      if (form == LengthForm::k7Bit && length > 125) continue;
      if (form == LengthForm::k16Bit && length > 65535) continue;
      const std::string wire = ClientFrame{.opcode = 2, .form = form, .announced = length}.header();
      const FrameHeader header = decode_frame_header(as_bytes(wire));
      for (const std::uint64_t before : kLengths) {
        for (const std::uint64_t limit : kLengths) {
          ASSERT_EQ(check_frame_length(header, before, limit),
                    expected_length_verdict(form, length, before, limit))
              << length << " after " << before << " with limit " << limit;
        }
      }
    }
  }
}

Violation length_verdict(const ClientFrame& frame, std::uint64_t before, std::uint64_t limit) {
  const std::string wire = frame.header();
  return check_frame_length(decode_frame_header(as_bytes(wire)), before, limit);
}

TEST(FrameCheck, Rfc6455_5_2_LengthsUseTheMinimalNumberOfBytes) {
  const auto verdict = [](LengthForm form, std::uint64_t length) {
    return length_verdict({.form = form, .announced = length}, 0, kNoLimit);
  };
  for (std::uint64_t length = 0; length < 126; ++length) {
    EXPECT_EQ(verdict(LengthForm::k7Bit, length), Violation::kNone) << length;
    EXPECT_EQ(verdict(LengthForm::k16Bit, length), Violation::kLengthNotMinimal) << length;
  }
  for (std::uint64_t length = 0; length < 65536; ++length) {
    ASSERT_EQ(verdict(LengthForm::k64Bit, length), Violation::kLengthNotMinimal) << length;
  }
  EXPECT_EQ(verdict(LengthForm::k16Bit, 126), Violation::kNone);
  EXPECT_EQ(verdict(LengthForm::k64Bit, 65536), Violation::kNone);
}

TEST(FrameCheck, Rfc6455_5_2_TheMostSignificantBitMustBeZero) {
  for (const std::uint64_t length : {kTopBit, kTopBit + 1, kMax - 4, kMax}) {
    EXPECT_EQ(length_verdict({.announced = length}, 0, kNoLimit), Violation::kLengthTopBit);
  }
  EXPECT_EQ(length_verdict({.announced = kTopBit - 1}, 0, kNoLimit), Violation::kNone);
}

TEST(FrameCheck, Rfc6455_10_4_TheHeaderThatCrossesTheLimitIsRefused) {
  EXPECT_EQ(length_verdict({.announced = 100}, 0, 100), Violation::kNone);
  EXPECT_EQ(length_verdict({.announced = 101}, 0, 100), Violation::kMessageTooBig);
  EXPECT_EQ(length_verdict({.opcode = 0, .announced = 1}, 99, 100), Violation::kNone);
  EXPECT_EQ(length_verdict({.opcode = 0, .announced = 0}, 100, 100), Violation::kNone);
  EXPECT_EQ(length_verdict({.opcode = 0, .announced = 1}, 100, 100), Violation::kMessageTooBig);
  EXPECT_EQ(length_verdict({.announced = kTopBit - 1}, 0, 1 << 24), Violation::kMessageTooBig);
}

TEST(FrameCheck, Rfc6455_10_4_ControlFramesDoNotCountAgainstTheMessage) {
  for (const int opcode : {8, 9, 10}) {
    EXPECT_EQ(length_verdict({.opcode = opcode, .announced = 125}, 100, 100), Violation::kNone);
    EXPECT_EQ(length_verdict({.opcode = opcode, .announced = 125}, 0, 0), Violation::kNone);
  }
}

}  // namespace
}  // namespace wsd::protocol
