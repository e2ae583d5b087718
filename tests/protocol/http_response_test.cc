#include "protocol/http_response.h"

#include <gtest/gtest.h>

#include <vector>

#include "protocol/request_support.h"

namespace wsd::protocol {
namespace {

std::string response(const HttpResponseHead& head, std::string_view body,
                     const HeaderList& extra = {}) {
  std::string out;
  write_response(out, head, body, extra);
  return out;
}

std::string answer(Violation violation) {
  std::string out;
  write_violation(out, violation);
  return out;
}

TEST(HttpResponse, Rfc9112_4_WholeResponse) {
  EXPECT_EQ(response({}, "hello\n"),
            "HTTP/1.1 200 OK\r\n"
            "Content-Length: 6\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "\r\n"
            "hello\n");
  EXPECT_EQ(response({.status = 503, .content_type = "application/json", .keep_alive = false}, "{}",
                     {{"Retry-After", "5"}}),
            "HTTP/1.1 503 Service Unavailable\r\n"
            "Content-Length: 2\r\n"
            "Content-Type: application/json\r\n"
            "Connection: close\r\n"
            "Retry-After: 5\r\n"
            "\r\n"
            "{}");
}

TEST(HttpResponse, Rfc9110_6_6_1_Date) {
  EXPECT_EQ(response({.date = "Sun, 06 Nov 1994 08:49:37 GMT"}, ""),
            "HTTP/1.1 200 OK\r\n"
            "Content-Length: 0\r\n"
            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "\r\n");
}

TEST(HttpResponse, Write_AppendsToTheBuffer) {
  std::string out = "before";
  write_response(out, {}, "");
  EXPECT_EQ(out, "beforeHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

TEST(HttpResponse, Rfc9112_9_3_KeptConnectionIsToldTheTime) {
  EXPECT_EQ(response({.keep_alive_s = 75}, "ok"),
            "HTTP/1.1 200 OK\r\n"
            "Content-Length: 2\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Connection: keep-alive\r\n"
            "Keep-Alive: timeout=75\r\n"
            "\r\nok");
  EXPECT_EQ(response({.keep_alive = false, .keep_alive_s = 75}, "").find("Keep-Alive"),
            std::string::npos);
}

TEST(HttpResponse, Rfc9110_9_3_2_HeadHasTheLengthButNotTheBody) {
  EXPECT_EQ(response({.content_type = "text/html", .head_request = true}, "<p>"),
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Type: text/html\r\n\r\n");
}

TEST(HttpResponse, Rfc9110_8_6_NoContentLengthWhereThereIsNoBody) {
  EXPECT_EQ(response({.status = 204}, "x"), "HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(response({.status = 304}, "x", {{"ETag", "\"1\""}}),
            "HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\n\r\n");
  EXPECT_EQ(response({.status = 100}, ""), "HTTP/1.1 100 Continue\r\n\r\n");
}

TEST(HttpResponse, Rfc9110_15_5_22_UpgradeRequired) {
  EXPECT_EQ(answer(Violation::kUpgradeRequired),
            "HTTP/1.1 426 Upgrade Required\r\n"
            "Content-Length: 52\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Upgrade: websocket\r\n"
            "Connection: Upgrade, close\r\n"
            "Sec-WebSocket-Version: 13\r\n"
            "\r\n"
            "this path speaks WebSocket, send an Upgrade request\n");
}

TEST(HttpResponse, Rfc6455_4_4_VersionsAreNamed) {
  EXPECT_EQ(answer(Violation::kUnsupportedVersion),
            "HTTP/1.1 426 Upgrade Required\r\n"
            "Content-Length: 40\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Upgrade: websocket\r\n"
            "Connection: Upgrade, close\r\n"
            "Sec-WebSocket-Version: 13\r\n"
            "\r\n"
            "WebSocket version not supported, use 13\n");
  EXPECT_EQ(answer(Violation::kDuplicateVersion),
            "HTTP/1.1 400 Bad Request\r\n"
            "Content-Length: 42\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Connection: close\r\n"
            "Sec-WebSocket-Version: 13\r\n"
            "\r\n"
            "more than one Sec-WebSocket-Version field\n");
}

TEST(HttpResponse, Rfc9110_15_5_6_MethodNotAllowedNamesTheAllowed) {
  EXPECT_EQ(answer(Violation::kMethodNotAllowed),
            "HTTP/1.1 405 Method Not Allowed\r\n"
            "Content-Length: 33\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Connection: close\r\n"
            "Allow: GET\r\n"
            "\r\n"
            "method not allowed for this path\n");
  std::string out;
  write_violation(out, Violation::kMethodNotAllowed, "GET, HEAD", true);
  EXPECT_EQ(out,
            "HTTP/1.1 405 Method Not Allowed\r\n"
            "Content-Length: 33\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Connection: close\r\n"
            "Allow: GET, HEAD\r\n"
            "\r\n");
}

// Every handshake violation: the same frame with its own status and text, and no field of 426 or
// 405.
TEST(HttpResponse, Rfc9112_9_6_EveryRefusalCloses) {
  const std::vector<Violation> all = {
#define WSD_VIOLATION_VALUE(name, answer, text) Violation::name,
      WSD_VIOLATIONS(WSD_VIOLATION_VALUE)
#undef WSD_VIOLATION_VALUE
  };
  int plain = 0;
  for (const Violation violation : all) {
    if (violation == Violation::kNone) continue;
    if (violation >= Violation::kBadStatusLine) break;  // those of a response and of frames
    const int status = http_status_of(violation);
    if (status == 426 || status == 405 || violation == Violation::kDuplicateVersion) continue;
    const std::string text = std::string(violation_text(violation)) + "\n";
    EXPECT_EQ(answer(violation), "HTTP/1.1 " + std::to_string(status) + " " +
                                     std::string(reason_phrase(status)) +
                                     "\r\nContent-Length: " + std::to_string(text.size()) +
                                     "\r\nContent-Type: text/plain; charset=utf-8\r\n"
                                     "Connection: close\r\n\r\n" +
                                     text);
    EXPECT_NE(reason_phrase(status), "Unknown") << status;
    ++plain;
  }
  EXPECT_GT(plain, 30);
}

TEST(HttpResponse, ErrorBody_EndsInOneNewline) {
  EXPECT_EQ(error_body("no such room"), "no such room\n");
  EXPECT_EQ(error_body("no such room\n"), "no such room\n");
  EXPECT_EQ(error_body(""), "");
}

TEST(HttpResponse, Rfc9110_15_ReasonPhrases) {
  EXPECT_EQ(reason_phrase(100), "Continue");
  EXPECT_EQ(reason_phrase(101), "Switching Protocols");
  EXPECT_EQ(reason_phrase(200), "OK");
  EXPECT_EQ(reason_phrase(403), "Forbidden");
  EXPECT_EQ(reason_phrase(413), "Content Too Large");
  EXPECT_EQ(reason_phrase(414), "URI Too Long");
  EXPECT_EQ(reason_phrase(417), "Expectation Failed");
  EXPECT_EQ(reason_phrase(429), "Too Many Requests");
  EXPECT_EQ(reason_phrase(431), "Request Header Fields Too Large");
  EXPECT_EQ(reason_phrase(501), "Not Implemented");
  EXPECT_EQ(reason_phrase(505), "HTTP Version Not Supported");
  EXPECT_EQ(reason_phrase(511), "Network Authentication Required");
  for (const int status : {-1, 0, 99, 199, 299, 418, 427, 512, 999}) {
    EXPECT_EQ(reason_phrase(status), "Unknown") << status;
  }
}

}  // namespace
}  // namespace wsd::protocol
