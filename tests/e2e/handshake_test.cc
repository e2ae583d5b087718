// The opening handshake (RFC 6455 §4) and HTTP/1.1 requests (RFC 9112, RFC 9110) from hostile or
// careless peers. Each row is one connection, with its expected status and whether it becomes a
// WebSocket.

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "support/expect.h"
#include "support/server_process.h"

namespace e2e {
namespace {

struct Row {
  std::string name;
  std::string request;
  std::vector<int> statuses;  // any of them; 101 alone means that the connection works after it
  std::vector<std::pair<std::string, std::string>> tokens =
      {};  // each header has that list element
  bool head_request = false;
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

std::string name_of(const ::testing::TestParamInfo<Row>& info) { return info.param.name; }

RequestText upgrade() { return RequestText::upgrade(); }

void expect_answer(RawClient& client, const Row& row) {
  if (row.statuses == std::vector{101}) {
    ASSERT_TRUE(is_upgraded(client));
    EXPECT_TRUE(echoes(client));
    EXPECT_TRUE(closes_normally(client));
    return;
  }
  HttpResponse response;
  ASSERT_TRUE(is_refused(client, row.statuses, &response, row.head_request));
  for (const auto& [header, token] : row.tokens) {
    EXPECT_TRUE(response.has_token(header, token)) << response.describe();
  }
  EXPECT_FALSE(response.has("Sec-WebSocket-Accept")) << response.describe();
}

class HandshakeRow : public SharedServer, public ::testing::WithParamInterface<Row> {};

TEST_P(HandshakeRow, IsAnswered) {
  RawClient client = server().connect();
  ASSERT_TRUE(client.connected());
  client.send(GetParam().request);
  expect_answer(client, GetParam());
}

// The response must not depend on where TCP splits the request.
TEST_P(HandshakeRow, IsAnsweredTheSameInSmallPieces) {
  RawClient client = server().connect();
  ASSERT_TRUE(client.connected());
  const std::string& request = GetParam().request;
  client.send_in_pieces(request, request.size() > 16384 ? 1024 : 7);
  expect_answer(client, GetParam());
}

std::vector<Row> request_line_rows() {
  return {
      {"NoVersion", upgrade().line("GET /echo"), {400}},
      {"Post", upgrade().line("POST /echo HTTP/1.1"), {405}, {{"Allow", "GET"}}},
      {"Head", upgrade().line("HEAD /echo HTTP/1.1"), {405}, {{"Allow", "GET"}}, true},
      {"PostWithoutUpgrade",
       RequestText::get("").line("POST /echo HTTP/1.1"),
       {405},
       {{"Allow", "GET"}}},
      {"UnknownMethod", upgrade().line("FROB /echo HTTP/1.1"), {501}},
      {"Http10", upgrade().line("GET /echo HTTP/1.0"), {400}},
      {"Http2Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {505}},
      {"Http12", upgrade().line("GET /echo HTTP/1.2"), {101}},
      {"TwoSpaces", upgrade().line("GET  /echo HTTP/1.1"), {400, 505}},
      {"TwoSpacesBeforeVersion", upgrade().line("GET /echo  HTTP/1.1"), {400, 505}},
      {"LowerCaseVersion", upgrade().line("GET /echo http/1.1"), {400, 505}},
      {"PrefixedVersion", upgrade().line("GET /echo XHTTP/1.1"), {400, 505}},
      {"SuffixedVersion", upgrade().line("GET /echo HTTP/1.1x"), {400, 505}},
      {"AbsoluteForm", upgrade().line("GET http://localhost/echo HTTP/1.1"), {101}},
      {"Asterisk", upgrade().line("GET * HTTP/1.1"), {400, 404}},
      {"Connect",
       "CONNECT server.example:443 HTTP/1.1\r\nHost: server.example\r\n\r\n",
       {400, 405, 501}},
      {"Fragment", upgrade().line("GET /echo#frag HTTP/1.1"), {400, 404}},
      {"ControlByteInTarget", upgrade().line("GET /ec\x01ho HTTP/1.1"), {400}},
      {"TabInRequestLine", upgrade().line("GET\t/echo HTTP/1.1"), {400, 501}},
      {"DotDot", RequestText::get("/../etc/passwd"), {400, 403, 404}},
      {"EncodedDotDot", RequestText::get("/%2e%2e/etc/passwd"), {400, 403, 404}},
      {"EncodedSlash", RequestText::get("/..%2fetc%2fpasswd"), {400, 403, 404}},
      {"EncodedNul", RequestText::get("/%00"), {400, 403, 404}},
      {"Backslash", RequestText::get("/..\\etc\\passwd"), {400, 403, 404}},
      {"EmptyLineBefore", "\r\n" + upgrade().text(), {101}},
      {"FourEmptyLinesBefore", "\r\n\r\n\r\n\r\n" + upgrade().text(), {101}},
      {"FiveEmptyLinesBefore", "\r\n\r\n\r\n\r\n\r\n" + upgrade().text(), {400}},
      {"LongTarget", upgrade().line("GET /" + std::string(65536, 'a') + " HTTP/1.1"), {414}},
      {"LongMethod", upgrade().line(std::string(5000, 'A') + " /echo HTTP/1.1"), {501}},
      {"TlsClientHello",
       std::string("\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03", 11) + std::string(194, '\x5a'),
       {400}},
  };
}

INSTANTIATE_TEST_SUITE_P(RequestLine, HandshakeRow, ::testing::ValuesIn(request_line_rows()),
                         name_of);

std::string many_fields() {
  RequestText request = upgrade();
  for (int i = 0; i < 5000; ++i) request.add("X-" + std::to_string(i), "1");
  return request;
}

std::vector<Row> field_rows() {
  std::string bare_line_feeds = upgrade();
  std::erase(bare_line_feeds, '\r');
  return {
      {"NoHost", upgrade().remove("Host"), {400}},
      {"TwoHosts", upgrade().add("Host", "server.example"), {400}},
      {"HostWithSpace", upgrade().set("Host", "a b"), {400}},
      {"SpaceBeforeColon", upgrade().raw("X-A : 1"), {400}},
      {"FoldedLine", upgrade().raw("X-A: 1\r\n 2"), {400}},
      {"WhitespaceBeforeFirstField", upgrade().line("GET /echo HTTP/1.1\r\n X-A: 1"), {400}},
      {"NulInValue", upgrade().raw(std::string("X-A: a\0b", 8)), {400}},
      {"EscapeInValue", upgrade().raw("X-A: a\x1b[31mb"), {400}},
      {"DeleteInValue", upgrade().raw("X-A: a\x7f"), {400}},
      {"BareCrInValue", upgrade().raw("X-A: a\rb"), {400}},
      {"BareCrBeforeField", upgrade().raw("X-A: a\r\n\rX-B: b"), {400}},
      {"BareLineFeeds", bare_line_feeds, {400}},
      {"OneBareLineFeed", upgrade().raw("X-A: 1\nX-B: 2"), {400}},
      {"BracketsInName", upgrade().raw("X[]: 1"), {400}},
      {"HighByteInName", upgrade().raw("X\xc3\xa4: 1"), {400}},
      {"EmptyName", upgrade().raw(": v"), {400}},
      {"NoColon", upgrade().raw("X-A"), {400}},
      {"HighByteInValue", upgrade().raw("X-A: \xc3\xa4\xff"), {101}},
      {"LongField", upgrade().add("X-A", std::string(65536, 'a')), {431}},
      {"ManyFields", many_fields(), {431}},
      {"SpacesInProtocol",
       upgrade().raw("Sec-WebSocket-Protocol: a" + std::string(30000, ' ') + "b"),
       {400, 431}},
      {"ContentLength0", upgrade().add("Content-Length", "0"), {101}},
      {"Body", upgrade().add("Content-Length", "5").text() + "hello", {400}},
      {"BodyThatLooksLikeAFrame",
       upgrade().add("Content-Length", "10").text() + text_frame("echo"),
       {400}},
      {"Chunked", upgrade().add("Transfer-Encoding", "chunked").text() + "0\r\n\r\n", {400}},
      {"LengthAndChunked",
       upgrade().add("Content-Length", "0").add("Transfer-Encoding", "chunked"),
       {400}},
      {"TwoLengths", upgrade().add("Content-Length", "5").add("Content-Length", "6"), {400}},
      {"LengthList", upgrade().add("Content-Length", "5, 6"), {400}},
      {"LengthNegative", upgrade().add("Content-Length", "-1"), {400}},
      {"LengthSigned", upgrade().add("Content-Length", "+0"), {400}},
      {"LengthHex", upgrade().add("Content-Length", "0x0"), {400}},
      {"LengthUnderscore", upgrade().add("Content-Length", "1_0"), {400}},
      {"LengthEmpty", upgrade().add("Content-Length", ""), {400}},
      {"LengthTwoTo64", upgrade().add("Content-Length", "18446744073709551616"), {400, 413}},
      {"CodingUnknown", upgrade().add("Transfer-Encoding", "xchunked"), {400}},
      {"CodingEmptyElement", upgrade().add("Transfer-Encoding", ",chunked"), {400}},
      {"CodingNotLast", upgrade().add("Transfer-Encoding", "chunked, identity"), {400}},
      {"CodingBeforeChunked", upgrade().add("Transfer-Encoding", "gzip, chunked"), {501}},
      {"ExpectContinue", upgrade().add("Expect", "100-continue"), {101}},
      {"ExpectOther", upgrade().add("Expect", "a-pony"), {417}},
  };
}

INSTANTIATE_TEST_SUITE_P(Fields, HandshakeRow, ::testing::ValuesIn(field_rows()), name_of);

std::vector<Row> upgrade_rows() {
  return {
      {"PlainGet",
       RequestText::get("/echo"),
       {426},
       {{"Upgrade", "websocket"}, {"Connection", "Upgrade"}}},
      {"NoConnection", upgrade().remove("Connection"), {426}, {{"Upgrade", "websocket"}}},
      {"ConnectionWithoutUpgrade", upgrade().set("Connection", "keep-alive"), {426}},
      {"NoUpgrade", upgrade().remove("Upgrade"), {426}},
      {"H2c",
       upgrade()
           .set("Upgrade", "h2c")
           .set("Connection", "Upgrade, HTTP2-Settings")
           .add("HTTP2-Settings", "AAMAAABkAAQCAAAAAAIAAAAA"),
       {426}},
      {"H2cAndWebsocket", upgrade().set("Upgrade", "h2c, websocket"), {101}},
      {"OtherCase", upgrade().set("Upgrade", "WebSocket"), {101}},
      {"ConnectionList", upgrade().set("Connection", "keep-alive, UPGRADE"), {101}},
      {"TwoConnections",
       upgrade().set("Connection", "keep-alive").add("Connection", "Upgrade"),
       {101}},
      {"UpgradeFirst", upgrade().set("Connection", "Upgrade, keep-alive"), {101}},
      {"EmptyElements",
       upgrade().set("Connection", ", ,Upgrade,").set("Upgrade", ",websocket"),
       {101}},
      {"ConnectionPrefix", upgrade().set("Connection", "Upgrades"), {426}},
      {"NoKey", upgrade().remove("Sec-WebSocket-Key"), {400}},
      {"EmptyKey", upgrade().set("Sec-WebSocket-Key", ""), {400}},
      {"Key15Bytes", upgrade().set("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAA"), {400}},
      {"Key17Bytes", upgrade().set("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAAA="), {400}},
      {"KeyNotBase64", upgrade().set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25j!!=="), {400}},
      {"KeyWithoutPadding", upgrade().set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ"), {400}},
      {"TwoKeys", upgrade().add("Sec-WebSocket-Key", kSampleKey), {400}},
      {"NoProtocolSupported", upgrade().add("Sec-WebSocket-Protocol", "chat, superchat"), {101}},
      {"ProtocolEmpty", upgrade().add("Sec-WebSocket-Protocol", ""), {101}},
      {"ProtocolOnlyCommas", upgrade().add("Sec-WebSocket-Protocol", " , ,"), {101}},
      {"ProtocolEmptyElements", upgrade().add("Sec-WebSocket-Protocol", ",chat,,"), {101}},
      {"ProtocolNotAToken", upgrade().add("Sec-WebSocket-Protocol", "a b"), {400}},
      {"TwoOrigins",
       upgrade().add("Origin", "http://server.example").add("Origin", "http://server.example"),
       {400}},
      {"ExtensionSyntax",
       upgrade().add("Sec-WebSocket-Extensions", "permessage-deflate;;;=,"),
       {400}},
      {"ExtensionUnclosedQuote",
       upgrade().add("Sec-WebSocket-Extensions", "permessage-deflate; a=\"8"),
       {400}},
      {"ExtensionsEmpty", upgrade().add("Sec-WebSocket-Extensions", ""), {101}},
      {"ExtensionsOnlyCommas", upgrade().add("Sec-WebSocket-Extensions", ","), {101}},
      {"ExtensionsUnknown",
       upgrade().add("Sec-WebSocket-Extensions", "constructor, __proto__"),
       {101}},
  };
}

INSTANTIATE_TEST_SUITE_P(Upgrade, HandshakeRow, ::testing::ValuesIn(upgrade_rows()), name_of);

std::vector<Row> version_rows() {
  const std::vector<std::pair<std::string, std::string>> says13{{"Sec-WebSocket-Version", "13"}};
  std::vector<Row> rows{
      {"None", upgrade().remove("Sec-WebSocket-Version"), {426}, says13},
      {"TwoLines", upgrade().add("Sec-WebSocket-Version", "8"), {400}},
  };
  for (const char* version : {"0", "8", "12", "14", "013", "13, 8", "abc", ""}) {
    rows.push_back({"Number" + std::to_string(rows.size()),
                    upgrade().set("Sec-WebSocket-Version", version),
                    {426},
                    says13});
  }
  return rows;
}

INSTANTIATE_TEST_SUITE_P(Version, HandshakeRow, ::testing::ValuesIn(version_rows()), name_of);

// Offers of permessage-deflate that no server may accept (RFC 7692 §7.1). The server declines them:
// a 101 without the extension.
std::vector<Row> declined_extension_rows() {
  std::vector<Row> rows;
  for (const char* parameters :
       {"server_max_window_bits=7", "server_max_window_bits=16", "server_max_window_bits=08",
        "server_max_window_bits=10; server_max_window_bits=10", "unknown",
        "server_no_context_takeover=1", "client_no_context_takeover=1",
        "server_max_window_bits=8"}) {
    rows.push_back({"Offer" + std::to_string(rows.size() + 1),
                    upgrade().add("Sec-WebSocket-Extensions",
                                  std::string("permessage-deflate; ") + parameters),
                    {101}});
  }
  return rows;
}

INSTANTIATE_TEST_SUITE_P(DeclinedExtension, HandshakeRow,
                         ::testing::ValuesIn(declined_extension_rows()), name_of);

class OriginRow : public SharedServer, public ::testing::WithParamInterface<Row> {
 protected:
  static void SetUpTestSuite() {
    start({"--allowed-origin", "https://good.example", "--allowed-origin",
           "https://app.example:8443"});
  }
};

TEST_P(OriginRow, IsAnswered) {
  RawClient client = server().connect();
  ASSERT_TRUE(client.connected());
  client.send(GetParam().request);
  expect_answer(client, GetParam());
}

std::vector<Row> origin_rows() {
  const auto from = [](std::string_view origin) { return upgrade().add("Origin", origin).text(); };
  return {
      {"Absent", upgrade(), {101}},
      {"Same", from("http://localhost"), {101}},
      {"SameWithPort",
       upgrade().set("Host", "localhost:9001").add("Origin", "http://localhost:9001"),
       {101}},
      {"Allowed", from("https://good.example"), {101}},
      {"AllowedWithPort", from("https://app.example:8443"), {101}},
      {"AllowedInOtherCase", from("https://GOOD.example"), {101}},
      {"Unknown", from("https://other.example"), {403}},
      {"Null", from("null"), {403}},
      {"Suffixed", from("https://good.example.evil"), {403}},
      {"OtherEnd", from("https://good.evil"), {403}},
      {"Prefixed", from("https://evilgood.example"), {403}},
      {"OtherPort", from("https://good.example:444"), {403}},
      {"MissingPort", from("https://app.example"), {403}},
      {"OtherScheme", from("http://good.example"), {403}},
      {"DotAsLetter", from("https://goodxexample"), {403}},
      {"WithPath", from("https://good.example/"), {403}},
      {"SameHostOtherPort",
       upgrade().set("Host", "localhost:9001").add("Origin", "http://localhost:9002"),
       {403}},
  };
}

INSTANTIATE_TEST_SUITE_P(Origin, OriginRow, ::testing::ValuesIn(origin_rows()), name_of);

class Handshake : public SharedServer {};

TEST_F(Handshake, SurvivesOneByteWritesOfALargeHead) {
  RequestText request = upgrade();
  for (char letter = 'a'; letter <= 'o'; ++letter) {
    request.add(std::string("X-") + letter, std::string(1000, letter));
  }
  RawClient client = server().connect();
  ASSERT_TRUE(client.send_in_pieces(request.text(), 1));
  ASSERT_TRUE(is_upgraded(client));
  EXPECT_TRUE(echoes(client));
}

TEST_F(Handshake, KeepsFramesOfTheSameSegment) {
  RawClient client = server().connect();
  client.send(upgrade().text() + text_frame("one") + ping_frame("two") + text_frame("three"));
  ASSERT_TRUE(is_upgraded(client));
  std::vector<std::string> messages;
  bool pong = false;
  while (messages.size() < 2 || !pong) {
    const auto frame = client.read_frame();
    ASSERT_TRUE(frame) << end_name(client.end());
    if (frame->opcode == kPong) {
      EXPECT_EQ(frame->payload, "two");
      pong = true;
    } else {
      messages.push_back(frame->payload);
    }
  }
  EXPECT_EQ(messages, (std::vector<std::string>{"one", "three"}));
}

// RFC 9112 §9.6: requests after one that ends the connection get no response.
TEST_F(Handshake, AnswersNothingAfterARefusal) {
  for (const std::string& refused :
       {upgrade().remove("Host").text(), RequestText::get("/echo").text(),
        upgrade().set("Sec-WebSocket-Version", "8").text()}) {
    RawClient client = server().connect();
    client.send(refused + upgrade().text() + text_frame("lost"));
    EXPECT_TRUE(is_refused(client, {400, 426}));
  }
}

// The server closes its socket although the peer keeps its side open.
TEST_F(Handshake, RejectedHandshake_ServerClosesFirst) {
  const std::size_t before = server().open_descriptors();
  RawClient client = server().connect();
  client.send(upgrade().remove("Host").text());
  ASSERT_TRUE(is_refused(client, {400}));
  EXPECT_TRUE(server().descriptors_return_to(before));
}

TEST_F(Handshake, UnknownPathIsNotFound) {
  RawClient client = server().connect();
  client.send(RequestText::upgrade("/no-such-path").text());
  EXPECT_TRUE(is_refused(client, {404}));
}

// The RFC's own example has bits in its base64 that no byte uses.
TEST_F(Handshake, Rfc6455_4_1_ExampleKey) {
  RawClient client = server().connect();
  client.send(upgrade().set("Sec-WebSocket-Key", "AQIDBAUGBwgJCgsMDQ4PEC==").text());
  const auto response = client.read_response();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 101) << response->describe();
  EXPECT_EQ(response->get("Sec-WebSocket-Accept"), "OfS0wDaT5NoxF2gqm7Zj2YtetzM=");
  EXPECT_TRUE(echoes(client));
}

TEST_F(Handshake, RootIsAnEchoToo) {
  RawClient client = server().connect();
  ASSERT_TRUE(opens(client, "/"));
  EXPECT_TRUE(echoes(client));
}

}  // namespace
}  // namespace e2e
