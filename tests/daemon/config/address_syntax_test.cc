#include "daemon/config/address_syntax.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace wsd::daemon {
namespace {

TEST(AddressText, ListenAddresses) {
  for (const std::string_view good :
       {"127.0.0.1:9001", "127.0.0.1:0", "localhost:80", ":9001", "[::1]:9001", "[::]:65535",
        "[fe80::1%eth0]:9001", "[::ffff:127.0.0.1]:1", "my_host.example:1", "unix:/run/wsd.sock",
        "unix:wsd.sock", "unix:/run/#:[strange],", "systemd"}) {
    EXPECT_EQ(listen_address_error(good), "") << good;
  }
  EXPECT_EQ(listen_address_error("unix:" + std::string(107, 'x')), "");
  EXPECT_NE(listen_address_error("unix:" + std::string(108, 'x')), "");
  for (const std::string_view bad : {"",
                                     "9001",
                                     "localhost",
                                     "127.0.0.1:",
                                     "127.0.0.1:65536",
                                     "127.0.0.1:-1",
                                     "127.0.0.1:http",
                                     "::1:9001",
                                     "[::1]",
                                     "[::1:9001",
                                     "::1]:9001",
                                     "[]:9001",
                                     "[127.0.0.1]:9001",
                                     "[::1]x:9001",
                                     "[fe80::1%]:9001",
                                     "[%eth0]:9001",
                                     "fe80::1%eth0:9001",
                                     "a b:1",
                                     "host/:1",
                                     "unix:",
                                     "unix:/a b",
                                     "tcp://host:1",
                                     "a\nb:1",
                                     "\xc3\xa4:1"}) {
    EXPECT_NE(listen_address_error(bad), "") << bad;
  }
}

TEST(AddressText, ListenErrorsSayHowToMend) {
  EXPECT_EQ(listen_address_error("9001"),
            "\"9001\" has no port; write HOST:PORT, [V6]:PORT, :PORT or unix:PATH");
  EXPECT_EQ(listen_address_error("::1:9001"),
            "\"::1:9001\" has a host that is neither a name nor an address; write an IPv6 address "
            "in brackets, as in [::1]:9001");
}

TEST(AddressText, Origins) {
  for (const std::string_view good :
       {"*", "https://app.example.com", "http://localhost:3000", "https://[::1]",
        "https://[::1]:8443", "chrome-extension://abcdef", "HTTPS://APP.example.com",
        "https://*.example.com", "https://*.example.com:8443", "http://*.web1"}) {
    EXPECT_EQ(origin_error(good), "") << good;
  }
  for (const std::string_view bad : {"",
                                     "null",
                                     "app.example.com",
                                     "//app.example.com",
                                     "://a",
                                     "https://",
                                     "https://:443",
                                     "https://a:",
                                     "https://a:x",
                                     "https://a:65536",
                                     "https://a/",
                                     "https://a/b",
                                     "https://*",
                                     "https://*:443",
                                     "https://*.",
                                     "https://*..example.com",
                                     "https://*example.com",
                                     "https://app*.example.com",
                                     "https://*.*.example.com",
                                     "https://app.*.com",
                                     "https://*.10.0.0.1",
                                     "https://*.[::1]",
                                     "https://*.example.com:*",
                                     "*.example.com",
                                     "**",
                                     "https://a b",
                                     "https://user@a",
                                     "https://a?b",
                                     "https://[::1",
                                     "https://[fe80::1%25eth0]",
                                     "1http://a",
                                     "ht tp://a",
                                     "https://a,https://b",
                                     "https://a#b",
                                     "https://a\n"}) {
    EXPECT_NE(origin_error(bad), "") << bad;
  }
  EXPECT_EQ(origin_error("https://a.example/"),
            "\"https://a.example/\" has a path, which an origin must not have; write "
            "\"https://a.example\"");
  EXPECT_EQ(origin_error("https://app.*.com"),
            "\"https://app.*.com\" has a wildcard in a place where none is allowed; write "
            "https://*.example.com for all subdomains of example.com, or * alone for all origins");
  EXPECT_EQ(origin_error("https://a.example:*"),
            "\"https://a.example:*\" has a wildcard as its port; list each origin with its port");
  EXPECT_EQ(origin_error("https://a.example?x"),
            "\"https://a.example?x\" has more parts than an origin may have; keep only the "
            "scheme, the host and the port");
}

TEST(AddressText, Subprotocols) {
  for (const std::string_view good : {"chat", "v1.chat", "#chat", "a!$%&'*+-.^_`|~9"}) {
    EXPECT_EQ(subprotocol_error(good), "") << good;
  }
  for (const std::string_view bad :
       {"", "a b", "a,b", "a/b", "a;b", "a\"b", "a=b", "\xc3\xa4", "a\t"}) {
    EXPECT_NE(subprotocol_error(bad), "") << bad;
  }
}

}  // namespace
}  // namespace wsd::daemon
