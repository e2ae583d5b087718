// The body of every error response that the library writes is one line that ends with a newline.
#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "server/server_rig.h"
#include "wsd/server.h"

namespace wsd {
namespace {

using test::quiet;
using test::upgrade_request;
using Rig = test::ServerRig;

std::string request(std::string_view method, std::string_view path, std::string_view extra = {}) {
  return std::string(method) + " " + std::string(path) +
         " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + std::string(extra) + "\r\n";
}

// Expects that status and a body of one line. Its length must equal Content-Length.
void expect_one_line(const std::string& answer, int status) {
  SCOPED_TRACE(answer);
  EXPECT_EQ(answer.find("HTTP/1.1 " + std::to_string(status) + " "), 0U);
  const std::size_t head_end = answer.find("\r\n\r\n");
  ASSERT_NE(head_end, std::string::npos);
  const std::string body = answer.substr(head_end + 4);
  EXPECT_GT(body.size(), 1U);
  EXPECT_EQ(body.find('\n'), body.size() - 1);
  EXPECT_NE(answer.find("Content-Length: " + std::to_string(body.size()) + "\r\n"),
            std::string::npos);
}

TEST(ErrorBodies, RequestsThatTheServerRejects) {
  ServerOptions options = quiet();
  options.limits.max_message_bytes = 1024;
  options.upgrade.allowed_origins = {"https://a.example"};
  Rig rig(options);
  rig.server.route("/ws", {});
  rig.server.http("/page", [](const Request&) { return Response{}; });
  rig.server.http("POST", "/form", [](const Request&) { return Response{}; });
  rig.start();
  expect_one_line(rig.answer("nonsense\r\n\r\n"), 400);
  expect_one_line(rig.answer("GET / HTTP/1.1\r\n\r\n"), 400);
  expect_one_line(rig.answer(request("BREW", "/")), 501);
  expect_one_line(rig.answer(request("GET", "/absent")), 404);
  expect_one_line(rig.answer(upgrade_request("/absent")), 404);
  expect_one_line(rig.answer(request("DELETE", "/page")), 405);
  expect_one_line(rig.answer(request("GET", "/ws")), 426);
  expect_one_line(rig.answer(upgrade_request("/ws", "Origin: https://b.example\r\n")), 403);
  expect_one_line(rig.answer(request("POST", "/form", "Content-Length: 1025\r\n")), 413);
  expect_one_line(rig.answer(request("POST", "/form", "Transfer-Encoding: gzip, chunked\r\n")),
                  501);
}

TEST(ErrorBodies, HooksAndHandlers) {
  Rig rig;
  rig.server.route("/rejects",
                   {.upgrade = [](const Request&) { return Upgrade::reject(403, "no"); }});
  rig.server.route("/line",
                   {.upgrade = [](const Request&) { return Upgrade::reject(403, "no\n"); }});
  rig.server.route("/throws",
                   {.upgrade = [](const Request&) -> Upgrade { throw std::runtime_error("x"); }});
  rig.server.route("/status",
                   {.upgrade = [](const Request&) { return Upgrade::reject(200, "ok"); }});
  rig.server.http("/throws-too", [](const Request&) -> Response { throw std::runtime_error("x"); });
  rig.server.http("/bad-field", [](const Request&) {
    return Response{200, "text/plain", "fine", {{"A B", "c"}}};
  });
  rig.server.http("GET", "/forgets", [](const Request&, const Responder&) {});
  rig.server.http(
      "GET", "/judge-throws",
      [](const Request&) -> std::optional<Response> { throw std::runtime_error("x"); },
      [](const Request&, const Responder&) {});
  rig.start();
  expect_one_line(rig.answer(upgrade_request("/rejects")), 403);
  expect_one_line(rig.answer(upgrade_request("/line")), 403);
  for (const char* path : {"/throws", "/status"}) {
    expect_one_line(rig.answer(upgrade_request(path)), 500);
  }
  for (const char* path : {"/throws-too", "/bad-field", "/forgets", "/judge-throws"}) {
    expect_one_line(rig.answer(request("GET", path)), 500);
  }
}

// The server sends the application's own error response unchanged.
TEST(ErrorBodies, AnApplicationsResponse_IsNotChanged) {
  Rig rig;
  rig.server.http("/own", [](const Request&) { return Response{404, "text/plain", "mine", {}}; });
  rig.start();
  const std::string answer = rig.answer(request("GET", "/own"));
  EXPECT_TRUE(answer.ends_with("\r\n\r\nmine")) << answer;
}

TEST(ErrorBodies, LimitsOfAnAddress) {
  ServerOptions options = quiet(1);
  options.rates.max_connections_per_address = 1;
  options.rates.max_handshakes_per_second = 2;
  Rig rig(options);
  rig.server.route("/", {});
  rig.start();
  const test::Peer first = rig.open();
  expect_one_line(rig.answer(upgrade_request()), 429);  // the second connection
  std::string answer;
  while (answer.find("too many handshakes") == std::string::npos) {
    answer = rig.answer(upgrade_request());
    expect_one_line(answer, 429);
  }
}

TEST(ErrorBodies, ConnectionLimit) {
  ServerOptions options = quiet(1);
  options.limits.max_connections = 1;
  Rig rig(options);
  rig.server.route("/", {});
  rig.start();
  const test::Peer first = rig.open();
  expect_one_line(rig.answer(upgrade_request()), 503);
}

TEST(ErrorBodies, Timeouts) {
  ServerOptions options = quiet(1);
  options.upgrade.handshake_timeout_ms = 50;
  options.http.response_timeout_ms = 50;
  std::optional<Responder> kept;
  Rig rig(options);
  rig.server.http("GET", "/slow",
                  [&](const Request&, const Responder& responder) { kept = responder; });
  rig.start();
  expect_one_line(rig.answer(request("GET", "/slow")), 503);
  expect_one_line(rig.answer("GET / HTTP/1.1\r\n"), 408);
  rig.server.stop();
  kept.reset();
}

}  // namespace
}  // namespace wsd
