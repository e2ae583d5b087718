#include "engine/engine_url.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wsd::engine {
namespace {

using Kind = EngineUrl::Kind;

Endpoint tcp(const char* host, std::uint16_t port) { return {host, port, {}}; }

void expect_url(std::string_view text, Kind kind, const std::vector<Endpoint>& endpoints,
                std::string_view master = {}) {
  EngineUrl url;
  url.master = "left over";
  EXPECT_EQ(parse_engine_url(text, url), "") << text;
  EXPECT_EQ(url.kind, kind) << text;
  EXPECT_EQ(url.endpoints, endpoints) << text;
  EXPECT_EQ(url.master, master) << text;
}

void expect_error(std::string_view text, std::string_view part) {
  EngineUrl url;
  const std::string error = parse_engine_url(text, url);
  EXPECT_NE(error.find(part), std::string::npos) << text << ": " << error;
}

TEST(EngineUrl, OneRedis_IsParsed) {
  expect_url("redis://localhost", Kind::kRedis, {tcp("localhost", 6379)});
  expect_url("redis://r-1.example_.com:1", Kind::kRedis, {tcp("r-1.example_.com", 1)});
  expect_url("redis://127.0.0.1:65535/", Kind::kRedis, {tcp("127.0.0.1", 65'535)});
  expect_url("redis://[::1]/0", Kind::kRedis, {tcp("::1", 6379)});
  expect_url("redis://[2001:db8::1]:7000", Kind::kRedis, {tcp("2001:db8::1", 7000)});
  expect_url("redis+unix:/run/redis/r@1?.sock", Kind::kRedis, {{{}, 0, "/run/redis/r@1?.sock"}});
}

TEST(EngineUrl, Sentinels_AreParsed) {
  expect_url("redis+sentinel://s1,s2:7,[::1]/my-master.1", Kind::kSentinel,
             {tcp("s1", 26'379), tcp("s2", 7), tcp("::1", 26'379)}, "my-master.1");
}

TEST(EngineUrl, OtherTexts_AreRefusedWithTheRemedy) {
  for (const char* text :
       {"", "redis", "http://h", "localhost:6379", "redis:/h", "REDIS://h", "redis+unix"}) {
    expect_error(text, "is not the URL of an engine: write redis://HOST[:PORT]");
  }
  for (const char* text :
       {"redis://", "redis://:6379", "redis://h:", "redis://h:0", "redis://h:65536", "redis://h:1x",
        "redis://h h", "redis://[::1", "redis://[::1]x", "redis://[127.0.0.1]", "redis://::1",
        "redis://[]", "redis://[::1%eth0]", "redis+sentinel:///m", "redis+sentinel://a,/m",
        "redis+sentinel://,a/m", "redis+sentinel://a,,b/m"}) {
    expect_error(text, "does not name a host in '");
  }
  expect_error("redis://" + std::string(254, 'h'), "does not name a host");
  expect_error("redis+sentinel://a,b,a:26379/m", "names a:26379 twice: write each host once");
  expect_error("redis://a,b", "names several hosts: write one, redis+sentinel://");
  expect_error("redis://h?db=1", "has a query or a fragment: leave it out");
  expect_error("redis://h#x", "has a query or a fragment: leave it out");
  for (const char* text : {"redis+sentinel://s1", "redis+sentinel://s1/", "redis+sentinel://s1/a/0",
                           "redis+sentinel://s1/a b"}) {
    expect_error(text, "does not end with the name of a master: write redis+sentinel://");
  }
}

TEST(EngineUrl, UnixPath_IsAbsoluteAndFitsASocketAddress) {
  expect_error("redis+unix:", "does not have an absolute path: write redis+unix:/PATH");
  expect_error("redis+unix:run/redis.sock", "does not have an absolute path");
  expect_error(std::string_view("redis+unix:/a\0b", 15), "does not have an absolute path");
  const std::string longest = "/" + std::string(106, 'p');
  expect_url("redis+unix:" + longest, Kind::kRedis, {{{}, 0, longest}});
  expect_error("redis+unix:" + longest + "p", "has a path of more than 107 bytes");
}

TEST(EngineUrl, Database_IsRefused) {
  for (const char* text : {"redis://h/1", "redis://h:6379/15", "redis://h/00", "redis://h/0/"}) {
    expect_error(text,
                 "channels of Redis belong to no database: leave it out and set "
                 "{option:engine.prefix}");
  }
}

TEST(EngineUrl, NodesOfACluster_AreParsed) {
  expect_url("redis+cluster://a", Kind::kCluster, {tcp("a", 6379)});
  expect_url("redis+cluster://a:7,[::1],c", Kind::kCluster,
             {tcp("a", 7), tcp("::1", 6379), tcp("c", 6379)});
  expect_error("redis+cluster://", "does not name a host in ''");
  expect_error("redis+cluster://a,a:6379", "names a:6379 twice");
  expect_error("redis+cluster://a/0", "has a path: write redis+cluster://HOST[:PORT],...");
}

TEST(EngineUrl, Tls_IsRefused) {
  expect_error("rediss://h", "asks for TLS, which wsd does not speak with Redis: run stunnel");
}

TEST(EngineUrl, Password_IsRefusedAndNotRepeated) {
  for (const char* text :
       {"redis://secret@h", "redis://:secret@h", "redis://u:secret@h:1/2", "rediss://u:secret@h",
        "redis+sentinel://u:secret@h/m", "redis+cluster://u:secret@h", "secret@h"}) {
    EngineUrl url;
    const std::string error = parse_engine_url(text, url);
    EXPECT_NE(error.find("set {option:engine.user} and {option:engine.password} instead"),
              std::string::npos)
        << error;
    EXPECT_EQ(error.find("secret"), std::string::npos) << error;
  }
}

TEST(EngineUrl, EndpointText_IsAnAddress) {
  EXPECT_EQ(tcp("h", 6379).text(), "h:6379");
  EXPECT_EQ(tcp("::1", 1).text(), "[::1]:1");
  EXPECT_EQ((Endpoint{{}, 0, "/run/r"}).text(), "unix:/run/r");
}

TEST(EngineUrl, Prefix_IsCheckedForBytesAndLength) {
  for (const std::string& prefix :
       {std::string(), std::string("wsd1:"), std::string("a/b.c-\xC3\xA4"), std::string(64, 'x')}) {
    EXPECT_EQ(check_engine_prefix(prefix), "") << prefix;
  }
  EXPECT_NE(check_engine_prefix(std::string(65, 'x')).find("exceeds 64 bytes"), std::string::npos);
  for (const std::string& prefix :
       {std::string("{a"), std::string("a}"), std::string("%"), std::string("a b"),
        std::string("a\tb"), std::string("a\x7F"), std::string("a\0", 2)}) {
    EXPECT_NE(check_engine_prefix(prefix).find("leave these out"), std::string::npos) << prefix;
  }
}

}  // namespace
}  // namespace wsd::engine
