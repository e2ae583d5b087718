#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/byte_buffer.h"
#include "net/reactor_rig.h"
#include "protocol/deflate.h"

namespace wsd::net {
namespace {

using test::client_frame;
using test::Peer;

// RFC 7692 §8: a few compressed bytes may cost much work. A connection without compression waits
// for one such message, not for all.
TEST(ConnectionDeflate, CostlyMessagesDoNotKeepTheOthersFromTheirTurn) {
  constexpr std::size_t kLarge = std::size_t{2} << 20;
  constexpr std::size_t kCostly = 5;
  ReactorRig rig;
  const std::vector<std::uint8_t> zeros(kLarge);
  ByteBuffer compressed;
  ASSERT_TRUE(protocol::Deflater(15, 9).message(zeros, compressed));
  const std::string costly = client_frame(0x40 | test::kBinary, as_text(compressed.bytes()), true);
  rig.app.deflate = protocol::DeflateParameters{};
  std::vector<Peer*> peers;
  for (std::size_t i = 0; i < kCostly; ++i) peers.push_back(&rig.open());
  rig.app.deflate.reset();
  Peer& plain = rig.open();
  for (Peer* peer : peers) peer->send(costly);
  plain.send(client_frame(test::kText, "plain"));
  rig.turn();
  EXPECT_EQ(std::count(rig.app.messages.begin(), rig.app.messages.end(), "plain"), 1);
  EXPECT_EQ(rig.app.messages.size(), 2U);
  EXPECT_TRUE(rig.until([&] { return rig.app.messages.size() == kCostly + 1; }));
}

}  // namespace
}  // namespace wsd::net
