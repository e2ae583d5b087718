#include "net/deflate_encoder.h"

#include <gtest/gtest.h>

#include <string>

#include "net/message_encoder.h"
#include "protocol/frame_writer.h"

namespace wsd::net {
namespace {

constexpr std::size_t kThreshold = 64;

SharedBytes frame(std::size_t size) {
  return protocol::make_frame(protocol::Opcode::kText, as_bytes(std::string(size, 'x')));
}

bool is_compressed(const SharedBytes& frame) { return (frame.bytes()[0] & 0x40U) != 0; }

TEST(DeflateEncoder, Message_IsCompressedIfThatMakesItSmaller) {
  protocol::DeflatePool pool(1);
  DeflateEncoder encoder(pool, kThreshold);
  EXPECT_TRUE(is_compressed(encoder.encode(frame(1000), 15)));
  EXPECT_FALSE(is_compressed(encoder.encode(frame(kThreshold - 1), 15)));
  EXPECT_EQ(pool.not_deflated(), 0U);
}

// RFC 7692 §6: an endpoint may send any message uncompressed.
TEST(DeflateEncoder, UsedUpShare_GivesNoFrameUntilTheNextTurn) {
  protocol::DeflatePool pool(1);
  DeflateEncoder encoder(pool, kThreshold);
  EXPECT_FALSE(encoder.encode(frame(protocol::kDeflateShare), 15));
  EXPECT_EQ(pool.not_deflated(), 1U);
  std::size_t compressed = 0;
  while (encoder.encode(frame(1000), 15)) ++compressed;
  EXPECT_EQ(compressed, protocol::kDeflateShare / protocol::deflate_work(1000, 1));
  EXPECT_TRUE(encoder.encode(frame(kThreshold - 1), 15)) << "it needs no share";
  pool.end_turn(true);
  EXPECT_TRUE(encoder.encode(frame(1000), 9));
}

// A history keeps one encoding of a message, which serves as many members as possible.
TEST(DeflateEncoder, SmallerWindow_ServesLargerOnes) {
  protocol::DeflatePool pool(1);
  const MessageEncoder encoder(pool, kThreshold);
  for (hub::Encoding stored = 9; stored <= 15; ++stored) {
    for (hub::Encoding wanted = 9; wanted <= 15; ++wanted) {
      EXPECT_EQ(encoder.serves(stored, wanted), stored <= wanted);
    }
    EXPECT_FALSE(encoder.serves(stored, kNchanEncoding));
    EXPECT_FALSE(encoder.serves(kNchanEncoding, stored));
    EXPECT_TRUE(encoder.replaces(stored, kNchanEncoding));
    EXPECT_FALSE(encoder.replaces(kNchanEncoding, stored)) << "it is cheap to make";
  }
  EXPECT_TRUE(encoder.serves(kNchanEncoding, kNchanEncoding));
  EXPECT_TRUE(encoder.replaces(9, 15));
}

}  // namespace
}  // namespace wsd::net
