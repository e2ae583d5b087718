#include "server/http_response.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "protocol/http_request.h"

namespace wsd::server {
namespace {

// The traits of "GET /" of HTTP/1.1.
RequestTraits traits() {
  protocol::HttpRequest request;
  request.method = "GET";
  request.minor_version = 1;
  request.keep_alive = true;
  return RequestTraits(request);
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos;
       at = text.find(part, at + part.size())) {
    ++found;
  }
  return found;
}

constexpr const char* kOwnFields[] = {
    "Content-Length",
    "content-length",
    "Transfer-Encoding",
    "Connection",
    "Upgrade",
    "Date",
    "Keep-Alive",
    "Content-Type",
    "CONTENT-TYPE",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Protocol",
    "sec-websocket-extensions",
    "Sec-WebSocket-Accept",
};

TEST(BuildResponse, Rfc9112_6_3_AFieldOfTheServer_IsRefused) {
  for (const char* name : kOwnFields) {
    ResponseError error;
    const net::RequestResult result = build_response(
        traits(), Response{200, "text/plain", "body", {{"X-A", "b"}, {name, "1"}}}, false, error);
    EXPECT_EQ(result.status, 500) << name;
    EXPECT_FALSE(error.of_status);
    EXPECT_EQ(error.text, std::string("the application's header field ") + name +
                              " is one that the server writes itself, so the client got 500: "
                              "remove it");
    EXPECT_EQ(count(result.bytes, "Content-Length: "), 1U) << result.bytes;
    EXPECT_EQ(count(result.bytes, "Transfer-Encoding"), 0U) << result.bytes;
    EXPECT_EQ(headers_error({{name, "1"}}), error.text);
  }
}

TEST(BuildResponse, KeptConnection_IsToldTheTime) {
  ResponseError error;
  net::RequestResult result = build_response(traits(), Response{}, 75, error);
  EXPECT_TRUE(result.keep_alive);
  EXPECT_EQ(count(result.bytes, "Connection: keep-alive\r\nKeep-Alive: timeout=75\r\n"), 1U);
  result = build_response(traits(), Response{}, 0, error);
  EXPECT_FALSE(result.keep_alive);
  EXPECT_EQ(count(result.bytes, "Connection: close\r\n"), 1U);
  EXPECT_EQ(count(result.bytes, "Keep-Alive"), 0U);
  RequestTraits last = traits();
  last.keep_alive = false;
  result = build_response(last, Response{}, 75, error);
  EXPECT_FALSE(result.keep_alive);
  EXPECT_EQ(count(result.bytes, "Connection: close\r\n"), 1U);
}

TEST(BuildResponse, OtherFields_AreSent) {
  for (const char* name : {"Content-Encoding", "Content-Length2", "X-Date", "Sec-WebSocket",
                           "Retry-After", "Set-Cookie"}) {
    ResponseError error;
    const net::RequestResult result =
        build_response(traits(), Response{200, "text/plain", "body", {{name, "1"}}}, false, error);
    EXPECT_EQ(result.status, 200) << name;
    EXPECT_EQ(error.text, "");
    EXPECT_EQ(count(result.bytes, std::string(name) + ": 1\r\n"), 1U) << result.bytes;
  }
}

TEST(BuildResponse, AnInvalidField_IsRefused) {
  for (const auto& [name, value] : Headers{{"bad name", "x"}, {"", "x"}, {"X", "a\r\nY: b"}}) {
    ResponseError error;
    static_cast<void>(
        build_response(traits(), Response{200, "text/plain", "", {{name, value}}}, false, error));
    EXPECT_EQ(error.text, "the application's header field " + name +
                              " has an invalid name or value, so the client got 500: correct it");
  }
  ResponseError error;
  static_cast<void>(
      build_response(traits(), Response{200, "text/plain\r\nX: y", "", {}}, false, error));
  EXPECT_NE(error.text.find("field Content-Type has an invalid"), std::string::npos);
}

TEST(BuildResponse, Rfc9110_15_2_AStatusThatIsNotFinal_IsRefused) {
  for (const int status : {-1, 0, 100, 101, 199, 600, 1000}) {
    ResponseError error;
    const net::RequestResult result =
        build_response(traits(), Response{status, "text/plain", "", {}}, false, error);
    EXPECT_EQ(result.status, 500) << status;
    EXPECT_TRUE(error.of_status);
    EXPECT_EQ(error.text, "the handler returned status " + std::to_string(status) +
                              ", so the client got 500: return 200 to 599");
  }
  for (const int status : {200, 299, 404, 599}) {
    ResponseError error;
    EXPECT_EQ(build_response(traits(), Response{status, "", "", {}}, false, error).status, status);
    EXPECT_EQ(error.text, "");
  }
}

}  // namespace
}  // namespace wsd::server
