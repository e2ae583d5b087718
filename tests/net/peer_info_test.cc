#include "net/peer_info.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace wsd::net {
namespace {

TEST(PeerInfo, KeepTheirOwnCopies) {
  std::string user = "ann";
  PeerInfo peer_info("127.0.0.1:1", "/rooms/a", user, "chat");
  user = "eve";
  EXPECT_EQ(peer_info.remote(), "127.0.0.1:1");
  EXPECT_EQ(peer_info.path(), "/rooms/a");
  EXPECT_EQ(peer_info.user(), "ann");
  EXPECT_EQ(peer_info.subprotocol(), "chat");
}

TEST(PeerInfo, MayBeEmptyInAnyPart) {
  const PeerInfo none;
  EXPECT_EQ(none.remote(), "");
  EXPECT_EQ(none.subprotocol(), "");
  const PeerInfo some("", "/", "", "");
  EXPECT_EQ(some.remote(), "");
  EXPECT_EQ(some.path(), "/");
  EXPECT_EQ(some.user(), "");
  EXPECT_EQ(some.subprotocol(), "");
}

TEST(PeerInfo, HoldAnyBytesAndAnyLength) {
  const std::string path(100'000, 'p');
  const std::string user("a\0b", 3);
  PeerInfo peer_info("r", path, user, "");
  const PeerInfo moved = std::move(peer_info);
  EXPECT_EQ(moved.path(), path);
  EXPECT_EQ(moved.user(), user);
}

// The size of a long part takes two bytes, and those of the others still take one.
TEST(PeerInfo, OnePartOfSixIsLong_AllAreKept) {
  for (std::size_t longer = 0; longer < 6; ++longer) {
    const auto part = [&](std::size_t index, char letter) {
      return std::string(index == longer ? 128 : index, letter);
    };
    PeerInfo peer_info(part(0, 'a'), part(1, 'b'), part(2, 'c'), part(3, 'd'), part(4, 'e'));
    peer_info.set_close_reason(part(5, 'f'));
    EXPECT_EQ(peer_info.remote(), part(0, 'a')) << longer;
    EXPECT_EQ(peer_info.path(), part(1, 'b')) << longer;
    EXPECT_EQ(peer_info.user(), part(2, 'c')) << longer;
    EXPECT_EQ(peer_info.subprotocol(), part(3, 'd')) << longer;
    EXPECT_EQ(peer_info.via(), part(4, 'e')) << longer;
    EXPECT_EQ(peer_info.close_reason(), part(5, 'f')) << longer;
  }
}

TEST(PeerInfo, MayBeMadeOfTheirOwnViews) {
  PeerInfo peer_info("remote", "/", "", "");
  peer_info = PeerInfo(peer_info.remote(), "/path", "user", "sub");
  EXPECT_EQ(peer_info.remote(), "remote");
  EXPECT_EQ(peer_info.path(), "/path");
}

TEST(PeerInfo, KeepThroughWhomTheyCame) {
  PeerInfo peer_info("192.0.2.1", "/", "ann", "chat", "10.0.0.1:4711");
  EXPECT_EQ(peer_info.via(), "10.0.0.1:4711");
  peer_info.set_close_reason("bye");
  EXPECT_EQ(peer_info.remote(), "192.0.2.1");
  EXPECT_EQ(peer_info.via(), "10.0.0.1:4711");
  EXPECT_EQ(peer_info.close_reason(), "bye");
  EXPECT_EQ(PeerInfo("r", "/", "", "").via(), "");
  EXPECT_EQ(PeerInfo().via(), "");
}

}  // namespace
}  // namespace wsd::net
