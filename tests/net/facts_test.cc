#include "net/facts.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace wsd::net {
namespace {

TEST(Facts, KeepTheirOwnCopies) {
  std::string user = "ann";
  Facts facts("127.0.0.1:1", "/rooms/a", user, "chat");
  user = "eve";
  EXPECT_EQ(facts.remote(), "127.0.0.1:1");
  EXPECT_EQ(facts.path(), "/rooms/a");
  EXPECT_EQ(facts.user(), "ann");
  EXPECT_EQ(facts.subprotocol(), "chat");
}

TEST(Facts, MayBeEmptyInAnyPart) {
  const Facts none;
  EXPECT_EQ(none.remote(), "");
  EXPECT_EQ(none.subprotocol(), "");
  const Facts some("", "/", "", "");
  EXPECT_EQ(some.remote(), "");
  EXPECT_EQ(some.path(), "/");
  EXPECT_EQ(some.user(), "");
  EXPECT_EQ(some.subprotocol(), "");
}

TEST(Facts, HoldAnyBytesAndAnyLength) {
  const std::string path(100'000, 'p');
  const std::string user("a\0b", 3);
  Facts facts("r", path, user, "");
  const Facts moved = std::move(facts);
  EXPECT_EQ(moved.path(), path);
  EXPECT_EQ(moved.user(), user);
}

TEST(Facts, MayBeMadeOfTheirOwnViews) {
  Facts facts("remote", "/", "", "");
  facts = Facts(facts.remote(), "/path", "user", "sub");
  EXPECT_EQ(facts.remote(), "remote");
  EXPECT_EQ(facts.path(), "/path");
}

TEST(Facts, KeepThroughWhomTheyCame) {
  Facts facts("192.0.2.1", "/", "ann", "chat", "10.0.0.1:4711");
  EXPECT_EQ(facts.via(), "10.0.0.1:4711");
  facts.set_close_reason("bye");
  EXPECT_EQ(facts.remote(), "192.0.2.1");
  EXPECT_EQ(facts.via(), "10.0.0.1:4711");
  EXPECT_EQ(facts.close_reason(), "bye");
  EXPECT_EQ(Facts("r", "/", "", "").via(), "");
  EXPECT_EQ(Facts().via(), "");
}

}  // namespace
}  // namespace wsd::net
