#include "net/nchan_frame.h"

#include <gtest/gtest.h>

#include <string>

#include "protocol/frame_writer.h"
#include "wsd/http.h"

namespace wsd::net {
namespace {

using protocol::Opcode;

std::string payload_of(const SharedBytes& frame) {
  return std::string(as_text(protocol::frame_content(frame.bytes()).payload));
}

TEST(MetaFrame, APayloadBehindItsPlace) {
  for (const std::size_t size :
       {0U, 1U, 90U, 110U, 125U, 126U, 65'500U, 65'535U, 65'536U, 100'000U}) {
    for (const Opcode opcode : {Opcode::kText, Opcode::kBinary}) {
      const std::string payload(size, 'x');
      const SharedBytes frame =
          nchan_frame(protocol::make_frame(opcode, as_bytes(payload)), {281474976710655, 17});
      EXPECT_TRUE(protocol::frame_content(frame.bytes()).opcode == opcode);
      EXPECT_EQ(payload_of(frame), "id: 281474976710655:17\n\n" + payload);
      // The same bytes as a frame that make_frame() builds.
      EXPECT_EQ(as_text(frame.bytes()),
                as_text(protocol::make_frame(opcode, as_bytes(payload_of(frame))).bytes()));
    }
  }
}

TEST(MetaFrame, AGapIsAnEmptyMessageOfItsOwnType) {
  const SharedBytes frame = gap_frame({7, 3});
  EXPECT_TRUE(protocol::frame_content(frame.bytes()).opcode == Opcode::kText);
  EXPECT_EQ(payload_of(frame), "id: 7:3\ncontent-type: " + std::string(kGapContentType) + "\n\n");
}

TEST(MetaFrame, APositionIsAnEmptyMessageOfItsOwnType) {
  const SharedBytes frame = position_frame({7, 0});
  EXPECT_TRUE(protocol::frame_content(frame.bytes()).opcode == Opcode::kText);
  EXPECT_EQ(payload_of(frame),
            "id: 7:0\ncontent-type: " + std::string(kPositionContentType) + "\n\n");
}

}  // namespace
}  // namespace wsd::net
