#include "protocol/handshake.h"

#include <gtest/gtest.h>

#include "protocol/request_support.h"

namespace wsd::protocol {
namespace {

using namespace std::string_literals;  // NOLINT: shorter tables

constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";

// The fields of a valid handshake. Each can be replaced.
struct Offer {
  std::string line = "GET /echo HTTP/1.1";
  std::string upgrade = "Upgrade: websocket\r\n";
  std::string connection = "Connection: Upgrade\r\n";
  std::string version = "Sec-WebSocket-Version: 13\r\n";
  std::string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  std::string more = {};

  [[nodiscard]] std::string head() const {
    return line + "\r\nHost: h\r\n" + upgrade + connection + version + key + more + "\r\n";
  }
};

// A handshake with the data to which its views refer.
class Judged {
 public:
  explicit Judged(const Offer& offer) : head_(offer.head()), parser_(HeadLimits{}) {
    const auto status = parser_.parse(as_bytes(head_));
    EXPECT_EQ(status, RequestParser::Status::kComplete) << head_;
    if (status == RequestParser::Status::kComplete) handshake_ = check_handshake(parser_.request());
  }
  Judged(const Judged&) = delete;
  Judged& operator=(const Judged&) = delete;

  [[nodiscard]] const Handshake& operator*() const { return handshake_; }
  [[nodiscard]] const Handshake* operator->() const { return &handshake_; }

 private:
  std::string head_;
  RequestParser parser_;
  Handshake handshake_;
};

void expect_judged(const Offer& offer, Violation violation, int status) {
  const Judged judged(offer);
  EXPECT_EQ(judged->violation, violation) << offer.head();
  if (judged->violation != Violation::kNone) {
    EXPECT_EQ(http_status_of(judged->violation), status) << offer.head();
  }
}

void expect_accepted(const Offer& offer) {
  EXPECT_EQ(Judged(offer)->violation, Violation::kNone) << offer.head();
}

TEST(Handshake, Rfc6455_1_2_Example) {
  const Judged judged(
      Offer{.more = "Origin: http://example.com\r\nSec-WebSocket-Protocol: chat, superchat\r\n"});
  EXPECT_EQ(judged->violation, Violation::kNone);
  EXPECT_EQ(judged->key, kKey);
  EXPECT_TRUE(judged->has_origin);
  EXPECT_EQ(judged->origin, "http://example.com");
  EXPECT_EQ(judged->subprotocols, (std::vector<std::string_view>{"chat", "superchat"}));
}

TEST(Handshake, Rfc6455_4_2_1_1_MethodIsGet) {
  for (const char* method : {"POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"}) {
    expect_judged({.line = method + " / HTTP/1.1"s}, Violation::kMethodNotAllowed, 405);
  }
  for (const char* method : {"FROB", "get", "GETX"}) {
    expect_judged({.line = method + " / HTTP/1.1"s}, Violation::kUnknownMethod, 501);
  }
}

TEST(Handshake, Rfc6455_4_2_1_1_VersionIsAtLeast11) {
  expect_judged({.line = "GET / HTTP/1.0"}, Violation::kHandshakeNeedsHttp11, 400);
  expect_accepted({.line = "GET / HTTP/1.2"});
  expect_accepted({.line = "GET http://h/echo HTTP/1.1"});
}

TEST(Handshake, Rfc9110_7_8_NoBodyBeforeTheUpgrade) {
  expect_accepted({.more = "Content-Length: 0\r\n"});
  expect_judged({.more = "Content-Length: 5\r\n"}, Violation::kBodyNotAllowed, 400);
  expect_judged({.more = "Transfer-Encoding: chunked\r\n"}, Violation::kBodyNotAllowed, 400);
}

TEST(Handshake, Rfc6455_4_2_1_3_Upgrade) {
  for (const char* lines :
       {"Upgrade: WebSocket\r\n", "upgrade: h2c, websocket\r\n", "Upgrade: , ,WEBSOCKET,\r\n",
        "Upgrade: h2c\r\nUpgrade: websocket\r\n", "Upgrade:websocket\t ,\tx\r\n"}) {
    expect_accepted({.upgrade = lines});
  }
  for (const char* lines :
       {"", "Upgrade:\r\n", "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
        "Upgrade: websockets\r\n", "Upgrade: web socket\r\n", "Upgrade: websocket/13\r\n",
        "Upgrade: \"websocket\"\r\n", "Upgrade: x;websocket\r\n", "X-Upgrade: websocket\r\n"}) {
    expect_judged({.upgrade = lines}, Violation::kUpgradeRequired, 426);
  }
}

TEST(Handshake, Rfc9110_7_8_OtherProtocolsAreIgnored) {
  const auto offers = [](const std::string& field) {
    const std::string head = head_with(field);
    RequestParser parser(HeadLimits{});
    EXPECT_EQ(parser.parse(as_bytes(head)), RequestParser::Status::kComplete);
    return offers_websocket(parser.request());
  };
  EXPECT_FALSE(offers(""));
  EXPECT_FALSE(offers("Upgrade:\r\n"));
  EXPECT_FALSE(offers("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"));
  EXPECT_FALSE(offers("Upgrade: TLS/1.0\r\nUpgrade: websockets\r\n"));
  EXPECT_TRUE(offers("Upgrade: h2c, WebSocket\r\n"));
  EXPECT_TRUE(offers("Upgrade: h2c\r\nUpgrade: websocket\r\n"));
}

TEST(Handshake, Rfc6455_4_2_1_4_Connection) {
  for (const char* lines :
       {"Connection: keep-alive, UPGRADE\r\n", "Connection: keep-alive\r\nConnection: Upgrade\r\n",
        "Connection: ,,upgrade,,\r\n", "connection:Upgrade\r\n"}) {
    expect_accepted({.connection = lines});
  }
  for (const char* lines : {"", "Connection:\r\n", "Connection: keep-alive\r\n",
                            "Connection: upgraded\r\n", "Connection: keep-alive upgrade\r\n"}) {
    expect_judged({.connection = lines}, Violation::kUpgradeRequired, 426);
  }
}

TEST(Handshake, Rfc6455_4_4_Version) {
  expect_judged({.version = ""}, Violation::kUnsupportedVersion, 426);
  for (const char* value :
       {"0", "8", "12", "14", "013", "13, 8", "13,", "13 13", "abc", "", "+13", "13.0", "1"}) {
    expect_judged({.version = "Sec-WebSocket-Version: "s + value + "\r\n"},
                  Violation::kUnsupportedVersion, 426);
  }
  expect_accepted({.version = "sec-websocket-version:\t13 \r\n"});
}

TEST(Handshake, Rfc6455_11_3_5_TwoVersionLines) {
  expect_judged({.version = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 8\r\n"},
                Violation::kDuplicateVersion, 400);
  expect_judged({.version = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13\r\n"},
                Violation::kDuplicateVersion, 400);
}

TEST(Handshake, Rfc6455_4_2_1_5_Key) {
  expect_judged({.key = ""}, Violation::kMissingKey, 400);
  expect_judged({.key = "Sec-WebSocket-Key: \r\n"}, Violation::kMissingKey, 400);
  for (const char* key :
       {"AAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAA=", "not base64 at all!!!!!!",
        "dGhlIHNhbXBsZSBub25jZQ==,", "dGhlIHNhbXBsZSBub25jZQ= ="}) {
    expect_judged({.key = "Sec-WebSocket-Key: "s + key + "\r\n"}, Violation::kBadKey, 400);
  }
  expect_accepted({.key = "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEC==\r\n"});  // of §4.1 (7)
}

TEST(Handshake, Rfc6455_11_3_1_TwoKeys) {
  const std::string line = Offer{}.key;
  expect_judged({.key = line + line}, Violation::kDuplicateKey, 400);
}

TEST(Handshake, Rfc6454_7_3_TwoOriginLines) {
  expect_judged({.more = "Origin: http://h\r\norigin: http://h\r\n"}, Violation::kDuplicateOrigin,
                400);
}

TEST(Handshake, Rfc6455_4_2_1_7_OriginIsOptional) {
  const Judged absent(Offer{});
  EXPECT_FALSE(absent->has_origin);
  const Judged empty(Offer{.more = "Origin:\r\n"});
  EXPECT_TRUE(empty->has_origin);
  EXPECT_EQ(empty->origin, "");
  const Judged null(Offer{.more = "Origin: null\r\n"});
  EXPECT_EQ(null->violation, Violation::kNone);
  EXPECT_EQ(null->origin, "null");
}

using Names = std::vector<std::string>;

Names offered(const std::string& lines) {
  const Judged judged(Offer{.more = lines});
  EXPECT_EQ(judged->violation, Violation::kNone) << lines;
  return Names(judged->subprotocols.begin(), judged->subprotocols.end());
}

TEST(Handshake, Rfc6455_4_2_1_8_Subprotocols) {
  EXPECT_EQ(offered(""), Names{});
  EXPECT_EQ(offered("Sec-WebSocket-Protocol: a\r\n"), Names{"a"});
  EXPECT_EQ(offered("Sec-WebSocket-Protocol: b, a\r\n"), (Names{"b", "a"}));
}

TEST(Handshake, Rfc6455_4_3_SubprotocolsNotOfTheAbnf) {
  for (const char* value : {"a b", "a/b", "a;b", "\"a\"", "a,b c", "\xc3\xa9", "a=b"}) {
    expect_judged({.more = "Sec-WebSocket-Protocol: "s + value + "\r\n"},
                  Violation::kBadSubprotocol, 400);
  }
}

// RFC 9110 §5.3: several lines are one list, in their order.
TEST(Handshake, Rfc6455_11_3_4_SubprotocolsMayBeInSeveralLines) {
  EXPECT_EQ(offered("Sec-WebSocket-Protocol: a,\r\nsec-websocket-protocol: B, b\r\n"),
            (Names{"a", "B", "b"}));
  EXPECT_EQ(offered("Sec-WebSocket-Protocol:\r\nSec-WebSocket-Protocol: a\r\n"), Names{"a"});
}

TEST(Handshake, Rfc9110_5_6_1_2_EmptyElementsAreNoSubprotocols) {
  EXPECT_EQ(offered("Sec-WebSocket-Protocol: ,b ,, a\t,\r\n"), (Names{"b", "a"}));
  for (const char* value : {"", ",", " , ,"}) {
    EXPECT_EQ(offered("Sec-WebSocket-Protocol: "s + value + "\r\n"), Names{}) << value;
  }
}

TEST(Handshake, Rfc6455_4_1_10_SubprotocolsAreUnique) {
  expect_judged({.more = "Sec-WebSocket-Protocol: a, b, a\r\n"}, Violation::kBadSubprotocol, 400);
  expect_judged({.more = "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: a\r\n"},
                Violation::kBadSubprotocol, 400);
}

TEST(Handshake, Rfc6455_4_2_2_ServerPrefersASubprotocol) {
  const Judged judged(Offer{.more = "Sec-WebSocket-Protocol: chat, v2.chat, V1\r\n"});
  EXPECT_EQ(choose_subprotocol({"v2.chat", "chat"}, *judged), "v2.chat");
  EXPECT_EQ(choose_subprotocol({"x", "chat"}, *judged), "chat");
  EXPECT_EQ(choose_subprotocol({"v1", "Chat"}, *judged), "");
  EXPECT_EQ(choose_subprotocol({}, *judged), "");
  EXPECT_EQ(choose_subprotocol({"chat"}, *Judged(Offer{})), "");
}

TEST(Handshake, Rfc6455_9_1_ExtensionsOfTheAbnf) {
  for (const char* value :
       {"permessage-deflate", "permessage-deflate; client_max_window_bits",
        "permessage-deflate;client_max_window_bits=15;server_no_context_takeover",
        "permessage-deflate; server_max_window_bits=\"10\"", "a; b=\"\\1\\0c\"",
        "constructor, __proto__", "a ; b = c ; d", ",a,, b,", "a;b=c,a;b=d",
        "permessage-deflate; server_max_window_bits=08",
        "permessage-deflate; server_no_context_takeover=x, permessage-deflate; x; x",
        "permessage-deflate; server_max_window_bits=8"}) {
    expect_accepted({.more = "Sec-WebSocket-Extensions: "s + value + "\r\n"});
  }
  expect_accepted({.more = "Sec-WebSocket-Extensions: a\r\nSec-WebSocket-Extensions: ,\r\n"});
  for (const char* value : {"", ",", " , ,"}) {  // no offer at all
    const Judged judged(Offer{.more = "Sec-WebSocket-Extensions: "s + value + "\r\n"});
    EXPECT_EQ(judged->violation, Violation::kNone) << value;
    EXPECT_TRUE(judged->extensions.empty()) << value;
  }
}

TEST(Handshake, Rfc6455_9_1_ExtensionsNotOfTheAbnf) {
  for (const char* value : {"permessage-deflate;;;=,",
                            "a;",
                            "a; ",
                            "a;,b",
                            "a;b=",
                            "a;b=,c",
                            "a;=c",
                            ";a",
                            "=a",
                            "a=b",
                            "a b",
                            "a;b c",
                            "a;b=c d",
                            "a;b=\"",
                            "a;b=\"c",
                            "a;b=\"c\\",
                            "a;b=\"c\\\"",
                            "a;b=\"\"",
                            "a;b=\"c d\"",
                            "a;b=\"c,d\"",
                            "a;b=\"c\"d",
                            "a;b=\"\\\"\"",
                            "a;\"b\"",
                            "\"a\"",
                            "a/b",
                            "a;b=c=d",
                            "\xc3\xa9",
                            "a;b=\"\xc3\xa9\"",
                            "a;b=\"\\\xc3\xa9\""}) {
    expect_judged({.more = "Sec-WebSocket-Extensions: "s + value + "\r\n"},
                  Violation::kBadExtensions, 400);
  }
  expect_judged({.more = "Sec-WebSocket-Extensions: a\r\nSec-WebSocket-Extensions: a;\r\n"},
                Violation::kBadExtensions, 400);
  // A quoted string does not continue in the next line.
  expect_judged({.more = "Sec-WebSocket-Extensions: a;b=\"c\r\nSec-WebSocket-Extensions: d\"\r\n"},
                Violation::kBadExtensions, 400);
}

// The order of handshake.h: each offer has one fault less than the one before.
TEST(Handshake, Rfc6455_4_2_FaultsAreNamedInOrder) {
  Offer offer{.line = "FROB / HTTP/1.0",
              .upgrade = "",
              .connection = "",
              .version = "Sec-WebSocket-Version: 8\r\n",
              .key = ""};
  const std::string body = "Content-Length: 1\r\n";
  const std::string origin = "Origin: a\r\nOrigin: b\r\n";
  const std::string protocol = "Sec-WebSocket-Protocol: a b\r\n";
  const std::string extensions = "Sec-WebSocket-Extensions: ;\r\n";
  offer.more = body + origin + protocol + extensions;
  expect_judged(offer, Violation::kUnknownMethod, 501);
  offer.line = "POST / HTTP/1.0";
  expect_judged(offer, Violation::kMethodNotAllowed, 405);
  offer.line = "GET / HTTP/1.0";
  expect_judged(offer, Violation::kHandshakeNeedsHttp11, 400);
  offer.line = "GET / HTTP/1.1";
  expect_judged(offer, Violation::kBodyNotAllowed, 400);
  offer.more = origin + protocol + extensions;
  expect_judged(offer, Violation::kUpgradeRequired, 426);
  offer.upgrade = Offer{}.upgrade;
  expect_judged(offer, Violation::kUpgradeRequired, 426);
  offer.connection = Offer{}.connection;
  expect_judged(offer, Violation::kUnsupportedVersion, 426);
  offer.version = Offer{}.version;
  expect_judged(offer, Violation::kMissingKey, 400);
  offer.key = Offer{}.key;
  expect_judged(offer, Violation::kDuplicateOrigin, 400);
  offer.more = protocol + extensions;
  expect_judged(offer, Violation::kBadSubprotocol, 400);
  offer.more = extensions;
  expect_judged(offer, Violation::kBadExtensions, 400);
  offer.more = "";
  expect_accepted(offer);
}

TEST(Handshake, Rfc6455_4_2_2_5_SwitchingProtocols) {
  std::string out = "before";
  write_switching_protocols(out, kKey, "", {});
  EXPECT_EQ(out,
            "beforeHTTP/1.1 101 Switching Protocols\r\n"
            "Upgrade: websocket\r\n"
            "Connection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
            "\r\n");
  out.clear();
  write_switching_protocols(out, kKey, "chat", {{"Set-Cookie", "a=b; Path=/"}, {"X-Empty", ""}});
  EXPECT_EQ(out,
            "HTTP/1.1 101 Switching Protocols\r\n"
            "Upgrade: websocket\r\n"
            "Connection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
            "Sec-WebSocket-Protocol: chat\r\n"
            "Set-Cookie: a=b; Path=/\r\n"
            "X-Empty: \r\n"
            "\r\n");
}

TEST(Handshake, IsValidHeader_RejectsControlBytes) {
  EXPECT_TRUE(is_valid_header("X-A", ""));
  EXPECT_TRUE(is_valid_header("X-A", "a: \"b\" \xc3\xa9"));
  for (const char* name : {"", "X A", "X:", "X\r\nY", "\xc3\xa9"}) {
    EXPECT_FALSE(is_valid_header(name, "v")) << name;
  }
  for (int byte = 0; byte < 256; ++byte) {
    const bool control = byte < 0x20 || byte == 0x7f;
    EXPECT_EQ(is_valid_header("X", std::string("a") + static_cast<char>(byte)), !control) << byte;
  }
}

TEST(HandshakeDeathTest, ResponseSplittingStopsTheProcess) {
  std::string out;
  EXPECT_DEATH(append_fields(out, {{"X", "a\r\nSet-Cookie: b"}}), "is_valid_header");
  EXPECT_DEATH(write_switching_protocols(out, kKey, "a\r\nb", {}), "is_token");
}

TEST(Handshake, Rfc9110_5_6_1_ListTokens) {
  EXPECT_TRUE(list_has_token("a", "A"));
  EXPECT_TRUE(list_has_token(", b\t, a ,", "a"));
  EXPECT_FALSE(list_has_token("", "a"));
  EXPECT_FALSE(list_has_token("ab, a b, aa", "a"));
  EXPECT_FALSE(list_has_token("a,,b", ""));
}

}  // namespace
}  // namespace wsd::protocol
