// Compares frame headers with a slow reference: a decoder that reads bit by bit, and a checker
// written from the rules of RFC 6455 §5 one by one.
//
// Input: one byte of options (inside a message, permessage-deflate negotiated), 8 bytes of the
// message so far, 8 bytes of the message limit, a header.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "protocol/frame_check.h"
#include "protocol/frame_header.h"

namespace {

using namespace wsd;            // NOLINT: a program of its own
using namespace wsd::protocol;  // NOLINT

// The wire as the RFC's figure shows it: a row of bits.
class Bits {
 public:
  explicit Bits(Bytes bytes) {
    for (const std::uint8_t byte : bytes) {
      for (int bit = 7; bit >= 0; --bit) bits_.push_back((byte >> bit & 1) != 0);
    }
  }
  std::uint64_t take(std::size_t count) {
    std::uint64_t value = 0;
    for (; count > 0; --count) value = value * 2 + (bits_[position_++] ? 1 : 0);
    return value;
  }
  [[nodiscard]] std::size_t taken() const { return position_ / 8; }
  [[nodiscard]] std::size_t left() const { return bits_.size() - position_; }

 private:
  std::vector<bool> bits_;
  std::size_t position_ = 0;
};

struct Twin {
  bool fin, mask;
  std::uint64_t rsv, opcode, code;
  bool whole = false;  // the other members are set
  std::uint64_t length = 0, key = 0;
  std::size_t size = 0;
};

Twin decode_slowly(Bytes bytes) {
  Bits bits(bytes);
  Twin twin = {};
  twin.fin = bits.take(1) != 0;
  twin.rsv = bits.take(3);
  twin.opcode = bits.take(4);
  twin.mask = bits.take(1) != 0;
  twin.code = bits.take(7);
  const std::size_t length_bits = twin.code == 126 ? 16 : twin.code == 127 ? 64 : 0;
  const std::size_t key_bits = twin.mask ? 32 : 0;
  if (bits.left() < length_bits + key_bits) return twin;
  twin.whole = true;
  twin.length = length_bits == 0 ? twin.code : bits.take(length_bits);
  twin.key = bits.take(key_bits);
  twin.size = bits.taken();
  return twin;
}

std::vector<Violation> broken_start_rules(const Twin& twin, bool in_message, bool compression) {
  std::vector<Violation> broken;
  const auto rule = [&broken](bool breaks, Violation violation) {
    if (breaks) broken.push_back(violation);
  };
  const bool control = twin.opcode >= 8;
  const bool data_start = twin.opcode == 1 || twin.opcode == 2;
  rule(!twin.mask, Violation::kNotMasked);
  // RFC 7692 §6: RSV1, the highest of the three, on a frame that begins a message.
  const std::uint64_t rsv1 = 4;
  rule(twin.rsv != 0 && !(compression && data_start && twin.rsv == rsv1), Violation::kReservedBit);
  rule(!data_start && twin.opcode != 0 && (twin.opcode < 8 || twin.opcode > 10),
       Violation::kReservedOpcode);
  rule(control && !twin.fin, Violation::kControlFragmented);
  rule(control && twin.code > 125, Violation::kControlTooLong);
  rule(twin.opcode == 0 && !in_message, Violation::kUnexpectedContinuation);
  rule(data_start && in_message, Violation::kExpectedContinuation);
  return broken;
}

std::vector<Violation> broken_length_rules(const Twin& twin, std::uint64_t before,
                                           std::uint64_t limit) {
  std::vector<Violation> broken;
  const std::uint64_t least_code = twin.length <= 125     ? twin.length
                                   : twin.length <= 65535 ? 126
                                                          : 127;
  if (twin.length >= std::uint64_t{1} << 63) broken.push_back(Violation::kLengthTopBit);
  if (twin.code != least_code) broken.push_back(Violation::kLengthNotMinimal);
  // If the sum wraps, it exceeds any limit.
  const std::uint64_t sum = before + twin.length;
  if (twin.opcode < 8 && (sum < before || sum > limit)) broken.push_back(Violation::kMessageTooBig);
  return broken;
}

void check_verdict(Violation verdict, const std::vector<Violation>& broken) {
  WSD_ASSERT((verdict == Violation::kNone) == broken.empty());
  if (broken.empty()) return;
  WSD_ASSERT(std::find(broken.begin(), broken.end(), verdict) != broken.end());
  // If the header breaks the protocol and exceeds the limit, the protocol error is reported.
  const CloseCode said = close_code_of(verdict);
  WSD_ASSERT(said == CloseCode::kProtocolError || said == CloseCode::kMessageTooBig);
  WSD_ASSERT(said == CloseCode::kProtocolError || broken.size() == 1);
}

void check_fields(const FrameHeader& header, const Twin& twin) {
  WSD_ASSERT(header.fin == twin.fin && header.rsv == twin.rsv && header.masked == twin.mask);
  WSD_ASSERT(static_cast<std::uint64_t>(header.opcode) == twin.opcode);
  WSD_ASSERT(header.length_code == twin.code);
  WSD_ASSERT(is_control(header.opcode) == (twin.opcode >= 8));
}

std::uint64_t take_number(Bytes& input) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | input[static_cast<std::size_t>(i)];
  input = input.subspan(8);
  return value;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 + 8 + 8 + 2) return 0;
  Bytes input(data, size);
  const bool in_message = (input[0] & 1) != 0;
  const bool compression = (input[0] & 2) != 0;
  input = input.subspan(1);
  const std::uint64_t before = in_message ? take_number(input) : (take_number(input), 0);
  const std::uint64_t limit = take_number(input);

  const Twin twin = decode_slowly(input);
  const FrameHeader start = decode_frame_start(input[0], input[1]);
  check_fields(start, twin);
  const Violation verdict = check_frame_start(start, in_message, compression);
  check_verdict(verdict, broken_start_rules(twin, in_message, compression));
  WSD_ASSERT((input.size() >= frame_header_size(input[1])) == twin.whole);
  if (!twin.whole) return 0;

  // Copied to a separate block, so that a read past its end is detected.
  const std::vector<std::uint8_t> block(input.begin(),
                                        input.begin() + static_cast<std::ptrdiff_t>(twin.size));
  const FrameHeader header = decode_frame_header(block);
  check_fields(header, twin);
  WSD_ASSERT(header.size == twin.size && header.payload_length == twin.length);
  std::uint64_t key = 0;
  for (const std::uint8_t octet : header.key) key = key << 8 | octet;
  WSD_ASSERT(key == twin.key);
  if (verdict == Violation::kNone) {
    check_verdict(check_frame_length(header, before, limit),
                  broken_length_rules(twin, before, limit));
  }
  return 0;
}
