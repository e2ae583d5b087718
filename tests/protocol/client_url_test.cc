#include "protocol/client_url.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace wsd::protocol {
namespace {

ClientUrl parsed(std::string_view text) {
  ClientUrl url;
  EXPECT_EQ(parse_client_url(text, url), "") << text;
  return url;
}

std::string error_of(std::string_view text) {
  ClientUrl url;
  return parse_client_url(text, url);
}

TEST(ClientUrl, Rfc6455_3_HostPortAndTarget) {
  const ClientUrl url = parsed("ws://example.com:9001/a/b?x=1&y");
  EXPECT_EQ(url.host, "example.com");
  EXPECT_EQ(url.port, 9001);
  EXPECT_EQ(url.authority, "example.com:9001");
  EXPECT_EQ(url.target, "/a/b?x=1&y");
  EXPECT_EQ(url.path(), "/a/b");
  EXPECT_EQ(url.socket, "");
}

TEST(ClientUrl, Rfc6455_3_DefaultsArePort80AndSlash) {
  EXPECT_EQ(parsed("ws://example.com").port, 80);
  EXPECT_EQ(parsed("ws://example.com").target, "/");
  EXPECT_EQ(parsed("ws://example.com?q").target, "/?q");
  EXPECT_EQ(parsed("WS://example.com/").host, "example.com") << "schemes have no case";
}

TEST(ClientUrl, Ipv6AddressesHaveBrackets) {
  const ClientUrl url = parsed("ws://[::1]:80/x");
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.authority, "[::1]:80");
}

TEST(ClientUrl, UnixSockets) {
  for (const std::string scheme : {"unix:", "ws+unix:"}) {
    const ClientUrl url = parsed(scheme + "/run/wsd.sock:/echo?x");
    EXPECT_EQ(url.socket, "/run/wsd.sock");
    EXPECT_EQ(url.authority, "localhost");
    EXPECT_EQ(url.target, "/echo?x");
    EXPECT_EQ(parsed(scheme + "/run/wsd.sock").target, "/");
    EXPECT_EQ(parsed(scheme + "/run/wsd.sock?x").target, "/?x");
  }
  EXPECT_NE(error_of("unix:relative").find("absolute path"), std::string::npos);
  EXPECT_NE(error_of("unix:/a:b").find("does not begin with /"), std::string::npos);
  EXPECT_EQ(error_of("unix:/" + std::string(106, 'a')), "");
  EXPECT_NE(error_of("unix:/" + std::string(107, 'a')).find("107 bytes"), std::string::npos);
}

TEST(ClientUrl, TlsIsRefusedWithTheWayThroughAProxy) {
  const std::string error = error_of("wss://example.com/");
  EXPECT_NE(error.find("stunnel"), std::string::npos) << error;
  EXPECT_NE(error.find("ws://"), std::string::npos) << error;
}

TEST(ClientUrl, OtherFormsAreRefused) {
  for (const char* text : {"", "ws:", "ws://", "http://a/", "example.com", "ws:///path",
                           "ws://a:0/", "ws://a:65536/", "ws://a:b/", "ws://[::1/", "ws://a b/"}) {
    EXPECT_NE(error_of(text), "") << text;
  }
  EXPECT_NE(error_of("ws://a/#top").find("fragment"), std::string::npos);
  EXPECT_NE(error_of("ws://a/b c").find("percent-encode"), std::string::npos);
  EXPECT_NE(error_of("ws://a/\r\nX: y").find("percent-encode"), std::string::npos);
}

TEST(ClientUrl, ErrorsRepeatNoSecret) {
  EXPECT_EQ(error_of("ws://user:secret@host/").find("secret"), std::string::npos);
  EXPECT_NE(error_of("ws://user:secret@host/").find("Authorization"), std::string::npos);
  EXPECT_EQ(error_of("ws://a/x y?token=secret").find("secret"), std::string::npos);
}

}  // namespace
}  // namespace wsd::protocol
