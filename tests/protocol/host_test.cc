#include "protocol/host.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wsd::protocol {
namespace {

TEST(Host, Rfc6761_6_3_LoopbackHosts_WithAnyPort) {
  for (const char* host :
       {"localhost", "localhost:8080", "LocalHost:1", "localhost.", "localhost:", "app.localhost",
        "a.b.LOCALHOST:3000", "app.localhost.", "127.0.0.1", "127.0.0.1:9002", "127.255.0.9:1",
        "[::1]", "[::1]:9002", "[0:0:0:0:0:0:0:1]:80", "[::ffff:127.0.0.1]:9001"}) {
    EXPECT_TRUE(is_loopback_host(host)) << host;
    EXPECT_TRUE(host_allowed(host, {})) << host;
    EXPECT_TRUE(host_allowed(host, {"example.com"})) << host;
  }
}

TEST(Host, OtherHosts_AreNotLoopback) {
  for (const char* host : {"",
                           ":80",
                           "evil.example",
                           "evil.example:9002",
                           "127.0.0.1.evil.example",
                           "127.0.0.1.",
                           "localhost.evil.example:80",
                           "evil-localhost",
                           "evillocalhost",
                           ".localhost",
                           "a..localhost",
                           "localhost..",
                           "localhost,evil.example",
                           "evil.example,localhost",
                           "localhost@evil.example",
                           "[fe80::1]",
                           "[::]",
                           "[::2]",
                           "[1::1]",
                           "[::1",
                           "::1",
                           "[::127.0.0.1]",
                           "unix:9002",
                           "10.0.0.1",
                           "0.0.0.0",
                           "128.0.0.1",
                           "1.127.0.0",
                           "127.1",
                           "localhost:65536",
                           "localhost:x",
                           "localhost/",
                           "local host"}) {
    EXPECT_FALSE(is_loopback_host(host)) << host;
    EXPECT_FALSE(host_allowed(host, {})) << host;
  }
}

TEST(Host, ListedHosts_AreAllowedWithAnyPort) {
  const std::vector<std::string> allowed = {"ws.example", "*.app.example", "192.0.2.1",
                                            "[2001:db8::1]"};
  for (const char* host : {"ws.example", "WS.Example:8080", "a.app.example", "a.b.app.example:1",
                           "192.0.2.1:9001", "[2001:db8::1]", "[2001:DB8::1]:9001"}) {
    EXPECT_TRUE(host_allowed(host, allowed)) << host;
  }
  for (const char* host :
       {"", "ws.example.", "a.ws.example", "ws.example.evil", "evilws.example", "app.example",
        ".app.example", "a..app.example", "evilapp.example", "192.0.2.2", "[2001:db8::2]",
        "ws.example,evil", "ws.example/", "192.0.2.1.evil"}) {
    EXPECT_FALSE(host_allowed(host, allowed)) << host;
  }
}

TEST(Host, Asterisk_AllowsEveryHost) {
  for (const char* host : {"evil.example", "10.0.0.1:80", "", "a b"}) {
    EXPECT_TRUE(host_allowed(host, {"a.example", "*"})) << host;
    EXPECT_FALSE(host_allowed(host, {"a.example", "**"})) << host;
  }
}

TEST(Host, EntriesOfAnAllowList) {
  for (const char* text : {"*", "a", "app.example.com", "*.example.com", "*.web1", "192.0.2.1",
                           "[2001:db8::1]", "xn--bcher-kva.example", "a_b"}) {
    EXPECT_TRUE(is_host_pattern(text)) << text;
  }
  for (const char* text : {"",     "a:80", "[::1]:80", "http://a", "a/",         "a b",     "*.",
                           "*..a", "*a",   "a.*",      "*.*.a",    "*.10.0.0.1", "*.[::1]", "**",
                           "a,b",  "::1",  "[::1",     "u@a",      "a:",         "*.a:1"}) {
    EXPECT_FALSE(is_host_pattern(text)) << text;
  }
}

TEST(Host, RejectionText_NamesTheHostAndTheOptions_EscapedAndCut) {
  EXPECT_EQ(host_refusal("evil.example:9001", "hosts", "proxies"),
            "host 'evil.example:9001' is not served here, to stop DNS rebinding: use localhost or "
            "a loopback address, or name the host with hosts, or your proxy with proxies");
  const std::string text = host_refusal("a'\\\x80\x07" + std::string(5000, 'h'), "a", "b");
  EXPECT_EQ(text.find("host 'a\\x27\\x5c\\x80\\x07hhh"), 0U) << text;
  EXPECT_LT(text.size(), 350U);
}

}  // namespace
}  // namespace wsd::protocol
