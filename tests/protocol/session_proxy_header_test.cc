// How a session reads a PROXY protocol header before the first request.
#include <gtest/gtest.h>

#include <string>

#include "protocol/frame_support.h"
#include "protocol/session.h"

namespace wsd::protocol {
namespace {

constexpr const char* kLine = "PROXY TCP4 192.0.2.1 198.51.100.2 4711 443\r\n";
constexpr const char* kGet = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

SessionLimits behind_proxy() {
  SessionLimits limits;
  limits.proxy_header = true;
  return limits;
}

Outcome played(const std::string& stream) {
  return play_every_way(stream, behind_proxy(), Player::Start::kFresh);
}

TEST(SessionProxyHeader, ProxyHeader_IsReadOnceBeforeRequests) {
  EXPECT_EQ(played(std::string(kLine) + kGet + kGet).events,
            (Events{"proxied 192.0.2.1:4711", "request GET /a h", "request GET /a h"}));
  EXPECT_EQ(played(std::string("PROXY UNKNOWN\r\n") + kGet).events,
            (Events{"proxied nobody", "request GET /a h"}));
  EXPECT_EQ(played(std::string(kLine) + kLine).events,
            (Events{"proxied 192.0.2.1:4711", "violation BadHttpVersion"}))
      << "a second one is a request that is none";
}

TEST(SessionProxyHeader, WithoutSetting_HeaderIsNotAccepted) {
  EXPECT_EQ(played(kGet).events, Events{"violation NoProxyHeader"});
  EXPECT_EQ(played("PROXY TCP4 x\r\n").events, Events{"violation BadProxyHeader"});
  const Outcome off = play_every_way(kLine, {}, Player::Start::kFresh);
  EXPECT_EQ(off.events, Events{"violation BadHttpVersion"});
}

TEST(SessionProxyHeader, ProxyHeader_DoesNotStartARequest) {
  Player player(behind_proxy(), Player::Start::kFresh);
  player.play("PROXY TCP4 192.0");
  EXPECT_FALSE(player.session().unfinished());
  EXPECT_EQ(player.session().proxy_source(), std::nullopt);
  player.play(".2.1 198.51.100.2 4711 443\r\n");
  EXPECT_FALSE(player.session().unfinished());
  player.play("G");
  EXPECT_TRUE(player.session().unfinished());
}

}  // namespace
}  // namespace wsd::protocol
