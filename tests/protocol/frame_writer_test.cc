#include "protocol/frame_writer.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wsd::protocol {
namespace {

using namespace std::string_literals;  // NOLINT: payloads with NUL

constexpr std::size_t kMaxReason = 123;  // §5.5: 125 minus the code

// A server's frame, parsed by the text of §5.2.
struct ReadFrame {
  unsigned first = 0;
  bool masked = false;
  std::uint64_t length = 0;
  std::size_t header_size = 0;
  bool minimal = true;
  std::string payload;
};

ReadFrame read_frame(Bytes wire) {
  ReadFrame frame;
  frame.first = wire[0];
  frame.masked = wire[1] >= 128;
  const unsigned code = wire[1] % 128;
  const std::size_t extended = code == 127 ? 8 : code == 126 ? 2 : 0;
  frame.length = extended == 0 ? code : 0;
  for (std::size_t i = 0; i < extended; ++i) frame.length = frame.length * 256 + wire[2 + i];
  frame.minimal = extended == 0 || frame.length >= (extended == 2 ? 126U : 65536U);
  frame.header_size = 2 + extended;
  frame.payload = as_text(wire.subspan(frame.header_size));
  return frame;
}

std::string pattern(std::size_t size) {
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>(i * 131 + (i >> 8));
  return out;
}

TEST(FrameWriter, Rfc6455_5_2_HeadersAtEveryBoundary) {
  constexpr std::uint64_t kTopBit = std::uint64_t{1} << 63;
  for (const std::uint64_t length :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{125}, std::uint64_t{126},
        std::uint64_t{127}, std::uint64_t{65535}, std::uint64_t{65536}, std::uint64_t{0x7FFFFFFF},
        std::uint64_t{0x80000000}, std::uint64_t{0xFFFFFFFF}, std::uint64_t{0x100000000},
        kTopBit - 1}) {
    std::array<std::uint8_t, kMaxServerHeaderBytes + 1> out;
    out.fill(0xEE);
    const std::size_t size = write_frame_header(out.data(), Opcode::kBinary, length);
    EXPECT_EQ(size, server_header_size(length)) << length;
    const ReadFrame frame = read_frame(out);
    EXPECT_EQ(frame.first, 0x82U) << length;
    EXPECT_FALSE(frame.masked) << length;  // §5.1: a server MUST NOT mask
    EXPECT_TRUE(frame.minimal) << length;
    EXPECT_EQ(frame.length, length);
    EXPECT_EQ(frame.header_size, size) << length;
    for (std::size_t i = size; i < out.size(); ++i) EXPECT_EQ(out[i], 0xEE) << length;
  }
}

TEST(FrameWriter, Rfc6455_5_7_Examples) {
  const SharedBytes hello = make_frame(Opcode::kText, as_bytes("Hello"));
  EXPECT_EQ(as_text(hello.bytes()), "\x81\x05Hello");
  const std::string bytes_256 = pattern(256);
  EXPECT_EQ(as_text(make_frame(Opcode::kBinary, as_bytes(bytes_256)).bytes()),
            "\x82\x7E\x01\x00"s + bytes_256);
  const std::string bytes_64k = pattern(65536);
  EXPECT_EQ(as_text(make_frame(Opcode::kBinary, as_bytes(bytes_64k)).bytes()),
            "\x82\x7F\x00\x00\x00\x00\x00\x01\x00\x00"s + bytes_64k);
  EXPECT_EQ(as_text(make_control_frame(Opcode::kPing, as_bytes("Hello")).bytes()), "\x89\x05Hello");
}

TEST(FrameWriter, WholeFramesAtEveryBoundary) {
  for (const std::size_t size : {0U, 1U, 125U, 126U, 127U, 128U, 65534U, 65535U, 65536U, 65537U}) {
    for (const Opcode opcode : {Opcode::kText, Opcode::kBinary}) {
      const std::string payload = pattern(size);
      const SharedBytes wire = make_frame(opcode, as_bytes(payload));
      ASSERT_TRUE(wire);
      ASSERT_EQ(wire.size(), server_header_size(size) + size);
      const ReadFrame frame = read_frame(wire.bytes());
      EXPECT_EQ(frame.first, 0x80U | static_cast<unsigned>(opcode));
      EXPECT_EQ(frame.length, size);
      EXPECT_EQ(frame.payload, payload);
    }
  }
}

TEST(FrameWriter, Rfc6455_5_5_ControlFramesOfEverySize) {
  for (const Opcode opcode : {Opcode::kClose, Opcode::kPing, Opcode::kPong}) {
    for (std::size_t size = 0; size <= kMaxControlPayload; ++size) {
      const std::string payload = pattern(size);
      const ControlFrame control = make_control_frame(opcode, as_bytes(payload));
      ASSERT_EQ(control.bytes().size(), 2 + size);
      const ReadFrame frame = read_frame(control.bytes());
      EXPECT_EQ(frame.first, 0x80U | static_cast<unsigned>(opcode));
      EXPECT_EQ(frame.header_size, 2U);
      EXPECT_EQ(frame.payload, payload);
    }
  }
}

TEST(FrameWriterDeathTest, AControlPayloadOver125BytesStopsTheProcess) {
  const std::string payload(kMaxControlPayload + 1, 'x');
  EXPECT_DEATH(static_cast<void>(make_control_frame(Opcode::kPing, as_bytes(payload))),
               "assertion failed");
}

TEST(FrameWriter, Rfc6455_5_5_1_CloseCarriesEveryCodeInNetworkByteOrder) {
  for (unsigned code = 1; code < 65536; ++code) {
    const ControlFrame close = make_close_frame(static_cast<std::uint16_t>(code), "why");
    const ReadFrame frame = read_frame(close.bytes());
    ASSERT_EQ(frame.first, 0x88U);
    ASSERT_EQ(frame.length, 5U);
    ASSERT_EQ(frame.payload,
              std::string({static_cast<char>(code / 256), static_cast<char>(code % 256)}) + "why");
  }
}

TEST(FrameWriter, Rfc6455_5_5_1_CloseWithoutACodeHasNoBody) {
  EXPECT_EQ(as_text(make_close_frame(0, "").bytes()), "\x88\x00"s);
  // §5.5.1: the first two bytes of a body are the code, so there is no reason without a code.
  EXPECT_EQ(as_text(make_close_frame(0, "reason").bytes()), "\x88\x00"s);
}

TEST(FrameWriter, Rfc6455_5_5_EveryCutOfACloseReasonIsAtACodePoint) {
  const std::vector<std::string> code_points = {"a", "\xC3\xA9", "\xE2\x82\xAC",
                                                "\xF0\x9F\x98\x80"};
  for (const std::string& code_point : code_points) {
    for (std::size_t shift = 0; shift < 4; ++shift) {
      std::string reason(shift, '.');
      while (reason.size() < 140) {
        const ReadFrame frame = read_frame(make_close_frame(1000, reason).bytes());
        const std::string sent = frame.payload.substr(2);
        const std::size_t room = (kMaxReason - shift) / code_point.size();
        const std::size_t whole = shift + room * code_point.size();
        EXPECT_EQ(sent, reason.substr(0, std::min(reason.size(), whole)));
        EXPECT_LE(frame.length, kMaxControlPayload);
        reason += code_point;
      }
    }
  }
}

TEST(FrameWriter, InvalidUtf8Reason_FitsTheFrame) {
  for (const char byte : {'\x80', '\xFF', '\xC3', '\0'}) {
    const ControlFrame close = make_close_frame(1000, std::string(500, byte));
    EXPECT_LE(close.bytes().size(), 2 + kMaxControlPayload);
    EXPECT_EQ(read_frame(close.bytes()).length + 2, close.bytes().size());
  }
}

TEST(FrameContent, ReturnsThePayload) {
  for (const std::size_t size : {0U, 125U, 126U, 65'535U, 65'536U}) {
    const std::string payload(size, 'p');
    const SharedBytes frame = make_frame(Opcode::kBinary, as_bytes(payload));
    const FrameContent content = frame_content(frame.bytes());
    EXPECT_EQ(content.opcode, Opcode::kBinary);
    EXPECT_EQ(as_text(content.payload), payload);
  }
}

}  // namespace
}  // namespace wsd::protocol
