// How a session reads request bodies.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "protocol/frame_support.h"
#include "protocol/session.h"

namespace wsd::protocol {
namespace {

std::string post(std::string_view path, std::string_view length, std::string_view body) {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::string(length) + "\r\n\r\n" +
         std::string(body);
}

std::string get(std::string_view path) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: h\r\n\r\n";
}

Outcome played(const std::string& stream) {
  return play_every_way(stream, {}, Player::Start::kFresh);
}

TEST(SessionBody, Rfc9112_6_3_ContentLengthSaysWhereTheNextRequestBegins) {
  const Outcome outcome =
      played(post("/a", "5", "hello") + get("/b") + post("/c", "3", "GET") +
             post("/d", "18", get("/e").substr(0, 18)) + "\r\n\r\n" + get("/f"));
  EXPECT_EQ(outcome.events,
            (Events{"request POST /a h", "request POST /a h with hello", "request GET /b h",
                    "request POST /c h", "request POST /c h with GET", "request POST /d h",
                    "request POST /d h with " + get("/e").substr(0, 18), "request GET /f h"}));
}

TEST(SessionBody, Rfc9112_2_2_EmptyLinesBeforeTheRequestAreNoPartOfIt) {
  EXPECT_EQ(played("\r\n\r\n" + post("/a", "2", "\r\n") + "\r\n" + get("/b")).events,
            (Events{"request POST /a h", "request POST /a h with \r\n", "request GET /b h"}));
}

std::string chunked_post(std::string_view path, std::string_view chunks) {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(chunks);
}

TEST(SessionBody, Rfc9112_7_1_ChunksSayWhereTheNextRequestBegins) {
  const Outcome outcome =
      played(chunked_post("/a", "3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nA: b\r\n\r\n") + get("/b") +
             chunked_post("/c", "0\r\n\r\n") + post("/d", "5", "0\r\n\r\n") + get("/e"));
  EXPECT_EQ(outcome.events,
            (Events{"request POST /a h", "request POST /a h with hello", "request GET /b h",
                    "request POST /c h", "request POST /c h", "request POST /d h",
                    "request POST /d h with 0\r\n\r\n", "request GET /e h"}));
}

TEST(SessionBody, Rfc9112_7_1_BrokenChunkIsAViolation) {
  EXPECT_EQ(played(chunked_post("/a", "2\r\nhello\r\n0\r\n\r\n") + get("/b")).events,
            (Events{"request POST /a h", "violation BadChunk"}));
  EXPECT_EQ(played(chunked_post("/a", "0\r\n\n") + get("/b")).events,
            (Events{"request POST /a h", "violation BareLineFeed"}));
}

TEST(SessionBody, ChunkedBody_IsLimitedAsAMessage) {
  SessionLimits limits;
  limits.message.max_message_bytes = 7;
  const std::string fits = chunked_post("/a", "4\r\nabcd\r\n3\r\nefg\r\n0\r\n\r\n");
  EXPECT_EQ(play_every_way(fits, limits, Player::Start::kFresh).events,
            (Events{"request POST /a h", "request POST /a h with abcdefg"}));
  const std::string exceeds = chunked_post("/a", "4\r\nabcd\r\n4\r\n");
  EXPECT_EQ(play_every_way(exceeds, limits, Player::Start::kFresh).events,
            (Events{"request POST /a h", "violation BodyTooLarge"}));
}

TEST(SessionBody, ShortBody_DoesNotCompleteTheRequest) {
  const Outcome outcome = played(post("/a", "60", get("/b")));
  EXPECT_EQ(outcome.events, Events{"request POST /a h"});
  EXPECT_TRUE(outcome.unfinished);
}

TEST(SessionBody, BytesAfterTheBody_StartTheNextRequest) {
  EXPECT_EQ(played(post("/a", "5", "hello}") + get("/b")).events,
            (Events{"request POST /a h", "request POST /a h with hello", "violation BadMethod"}));
}

TEST(SessionBody, AnUpgradeMayFollow) {
  EXPECT_EQ(
      played(post("/a", "4", "\x81\x80\x01\x02") + upgrade_request() + text_frame("hi")).events,
      (Events{"request POST /a h", "request POST /a h with \x81\x80\x01\x02", "request GET /echo h",
              "text hi"}));
}

TEST(SessionBody, Memory_IsProportionalToReceivedBytes) {
  Player player({}, Player::Start::kFresh);
  player.play(post("/a", "16000000", ""));
  EXPECT_TRUE(player.session().in_body());
  EXPECT_TRUE(player.session().unfinished());
  EXPECT_LE(player.session().held_bytes(), 200U);
  for (int i = 1; i <= 64; ++i) {
    player.play(std::string(1000, 'x'));
    EXPECT_LE(player.session().held_bytes(), 200U + 2000U * static_cast<unsigned>(i));
    EXPECT_GE(player.session().held_bytes(), 1000U * static_cast<unsigned>(i));
  }
}

TEST(SessionBody, Body_IsFreedAfterTheResponse) {
  Player player({}, Player::Start::kFresh);
  player.play(post("/a", "100000", std::string(100000, 'x')));
  EXPECT_FALSE(player.session().in_body());
  EXPECT_FALSE(player.session().unfinished());
  EXPECT_EQ(player.session().held_bytes(), 0U);
}

}  // namespace
}  // namespace wsd::protocol
