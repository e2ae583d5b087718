#include "protocol/client_handshake.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "protocol/accept_key.h"

namespace wsd::protocol {
namespace {

constexpr const char* kKey = "dGhlIHNhbXBsZSBub25jZQ==";  // RFC 6455 §1.3

ClientOffer offer_of(bool deflate = false) {
  return {.key = kKey, .subprotocols = {"chat", "superchat"}, .deflate = deflate};
}

// Returns the outcome of a response with these fields after a correct status line.
ClientAgreement check(const std::string& fields, const ClientOffer& offer = offer_of(),
                      std::string_view version = "HTTP/1.1") {
  // The agreement has a view into it.
  static std::unique_ptr<ResponseReader> reader;
  reader = std::make_unique<ResponseReader>(HeadLimits{});
  const std::string head = std::string(version) + " 101 Switching Protocols\r\n" + fields + "\r\n";
  Bytes input = as_bytes(head);
  EXPECT_EQ(reader->read(input), ResponseReader::Status::kComplete) << head;
  return check_response(reader->response(), offer);
}

const std::string kUpgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
const std::string kAccept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
const std::string kGood = kUpgrade + kAccept;

TEST(ClientHandshake, Rfc6455_4_1_TheRequest) {
  std::string request;
  write_client_request(request, "example.com:9001", "/a?b", offer_of(true), "http://o",
                       {{"Authorization", "Bearer x"}});
  EXPECT_EQ(request,
            "GET /a?b HTTP/1.1\r\n"
            "Host: example.com:9001\r\n"
            "Upgrade: websocket\r\n"
            "Connection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Origin: http://o\r\n"
            "Sec-WebSocket-Protocol: chat, superchat\r\n"
            "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
            "client_no_context_takeover; client_max_window_bits\r\n"
            "Authorization: Bearer x\r\n"
            "\r\n");
}

TEST(ClientHandshake, KeysAreValidAndFresh) {
  std::set<std::string> keys;
  for (int i = 0; i < 100; ++i) {
    const std::string key = fresh_key();
    EXPECT_TRUE(is_valid_key(key)) << key;
    keys.insert(key);
  }
  EXPECT_EQ(keys.size(), 100U);
}

TEST(ClientHandshake, FieldsOfTheHandshakeAreNotFree) {
  for (const char* name : {"Host", "upgrade", "CONNECTION", "Origin", "Content-Length",
                           "Transfer-Encoding", "Expect", "Sec-WebSocket-Key", "sec-websocket-x"}) {
    EXPECT_FALSE(is_free_request_field(name)) << name;
  }
  for (const char* name : {"Authorization", "Cookie", "X-Host", "User-Agent"}) {
    EXPECT_TRUE(is_free_request_field(name)) << name;
  }
}

TEST(ClientHandshake, Rfc6455_4_1_AGoodResponse) {
  const ClientAgreement agreement = check(kGood);
  EXPECT_EQ(agreement.violation, Violation::kNone);
  EXPECT_EQ(agreement.subprotocol, "");
  EXPECT_FALSE(agreement.deflate);
  EXPECT_EQ(check("upgrade: WebSocket\r\nconnection: keep-alive, UPGRADE\r\n" + kAccept).violation,
            Violation::kNone);
  EXPECT_EQ(check(kGood + "Sec-WebSocket-Protocol: superchat\r\n").subprotocol, "superchat");
}

TEST(ClientHandshake, Rfc6455_4_1_NoUpgradeFails) {
  for (const std::string& fields :
       {kAccept, "Upgrade: websocket\r\n" + kAccept, "Connection: Upgrade\r\n" + kAccept,
        "Upgrade: websockets\r\nConnection: Upgrade\r\n" + kAccept,
        "Upgrade: h2c, websocket\r\nConnection: Upgrade\r\n" + kAccept,
        "Upgrade: websocket\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + kAccept,
        "Upgrade: websocket\r\nConnection: close\r\n" + kAccept}) {
    EXPECT_EQ(check(fields).violation, Violation::kNotSwitched) << fields;
  }
  EXPECT_EQ(check(kGood, offer_of(), "HTTP/1.0").violation, Violation::kNotSwitched);
}

TEST(ClientHandshake, Rfc6455_4_1_AWrongAcceptFails) {
  for (const std::string& fields :
       {std::string(), std::string("Sec-WebSocket-Accept:\r\n"), kAccept + kAccept,
        std::string("Sec-WebSocket-Accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n"),
        std::string("Sec-WebSocket-Accept: dGhlIHNhbXBsZSBub25jZQ==\r\n")}) {
    EXPECT_EQ(check(kUpgrade + fields).violation, Violation::kBadAccept) << fields;
  }
}

TEST(ClientHandshake, Rfc6455_4_1_ExtensionsThatWereNotOfferedFail) {
  const auto with = [](std::string_view value, bool deflate) {
    return check(kGood + "Sec-WebSocket-Extensions: " + std::string(value) + "\r\n",
                 offer_of(deflate))
        .violation;
  };
  const std::string good = "permessage-deflate; server_no_context_takeover";
  EXPECT_EQ(with(good, true), Violation::kNone);
  EXPECT_EQ(with(good, false), Violation::kExtensionNotOffered);
  EXPECT_EQ(with("x-other", true), Violation::kExtensionNotOffered);
  EXPECT_EQ(with(good + ", " + good, true), Violation::kExtensionNotOffered);
  EXPECT_EQ(with("permessage-deflate;;", true), Violation::kBadExtensions);
  EXPECT_EQ(with("permessage-deflate; x", true), Violation::kBadDeflateResponse);
}

TEST(ClientHandshake, Rfc6455_4_1_SubprotocolsThatWereNotOfferedFail) {
  for (const std::string value : {"other", "CHAT", "chat, superchat", ""}) {
    EXPECT_EQ(check(kGood + "Sec-WebSocket-Protocol: " + value + "\r\n").violation,
              Violation::kSubprotocolNotOffered)
        << value;
  }
  const std::string chosen = "Sec-WebSocket-Protocol: chat\r\n";
  EXPECT_EQ(check(kGood + chosen + chosen).violation, Violation::kSubprotocolNotOffered);
  EXPECT_EQ(check(kGood + chosen, {.key = kKey, .subprotocols = {}}).violation,
            Violation::kSubprotocolNotOffered);
}

}  // namespace
}  // namespace wsd::protocol
