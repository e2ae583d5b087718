// Pages of other origins and the HTTP routes of the library (Fetch, section 3.2).
#include "server/cross_origin.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "server/server_rig.h"

namespace wsd {
namespace {

using test::quiet;
using Rig = test::ServerRig;

constexpr std::string_view kPage = "https://app.example";
constexpr std::string_view kAllowed = "\r\nAccess-Control-Allow-Origin: https://app.example\r\n";

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::size_t times(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

ServerOptions listed(bool on = true) {
  ServerOptions options = quiet();
  options.http.cross_origin = on;
  options.upgrade.allowed_origins = {std::string(kPage), "null"};
  return options;
}

class CrossOrigin : public ::testing::Test {
 protected:
  void start(const ServerOptions& options = listed()) {
    rig_ = std::make_unique<Rig>(options);
    Server& server = rig_->server;
    server.http("/page", [](const Request&) { return Response{200, "text/plain", "page", {}}; });
    server.http("POST", "/page", [](const Request& request) {
      return Response{200, "text/plain", std::string(request.body()), {}};
    });
    server.http("/own", [](const Request&) {
      return Response{200, "text/plain", "own", {{"access-control-allow-origin", "*"}}};
    });
    server.http("OPTIONS", "/own", [](const Request&) {
      return Response{200, "text/plain", "own options", {}};
    });
    server.http("/throws", [](const Request&) -> Response { throw 1; });
    server.http(
        "POST", "/guarded",
        [](const Request& request) -> std::optional<Response> {
          if (request.header("Authorization").empty()) return Response{401, "text/plain", "", {}};
          return std::nullopt;
        },
        [](const Request&, const Responder& later) {
          later.respond(Response{200, "text/plain", "deferred", {}});
        });
    server.route("/ws", {});
    rig_->start();
  }
  std::string ask(std::string_view line, std::string_view fields, std::string_view body = {}) {
    std::string request(line);
    request.append(" HTTP/1.1\r\nHost: server.example\r\nConnection: close\r\n").append(fields);
    if (!body.empty()) request.append("Content-Length: " + std::to_string(body.size()) + "\r\n");
    return rig_->answer(request.append("\r\n").append(body));
  }
  std::string preflight(std::string_view path, std::string_view origin,
                        std::string_view more = {}) {
    return ask("OPTIONS " + std::string(path),
               "Origin: " + std::string(origin) +
                   "\r\nAccess-Control-Request-Method: POST\r\n"
                   "Access-Control-Request-Headers: authorization\r\n" +
                   std::string(more));
  }

 private:
  std::unique_ptr<Rig> rig_;
};

const std::string kFromPage = "Origin: " + std::string(kPage) + "\r\n";

TEST_F(CrossOrigin, AllowedOrigin_ReadsEveryResponse) {
  start();
  const std::string page = ask("GET /page", kFromPage);
  EXPECT_EQ(page.find("HTTP/1.1 200 "), 0U);
  EXPECT_TRUE(has(page, kAllowed)) << page;
  EXPECT_TRUE(has(page, "\r\nVary: Origin\r\n")) << page;
  EXPECT_FALSE(has(page, "Access-Control-Allow-Credentials")) << page;
  EXPECT_TRUE(page.ends_with("\r\n\r\npage"));
  EXPECT_TRUE(has(ask("POST /page", kFromPage, "body"), kAllowed));
  const std::string deferred = ask("POST /guarded", kFromPage + "Authorization: a\r\n", "x");
  EXPECT_TRUE(deferred.ends_with("deferred"));
  EXPECT_EQ(times(deferred, kAllowed), 1U) << deferred;
  EXPECT_TRUE(has(ask("GET /page", "Origin: null\r\n"), "Access-Control-Allow-Origin: null\r\n"));
}

TEST_F(CrossOrigin, AllowedOrigin_ReadsErrorsToo) {
  start();
  const std::pair<const char*, const char*> rows[] = {
      {"GET /none", "404"},  {"DELETE /page", "405"},  {"GET /throws", "500"},
      {"BREW /page", "501"}, {"POST /guarded", "401"}, {"GET /ws", "426"}};
  for (const auto& [line, status] : rows) {
    const std::string response = ask(line, kFromPage);
    EXPECT_EQ(response.find("HTTP/1.1 " + std::string(status)), 0U) << line << response;
    EXPECT_EQ(times(response, kAllowed), 1U) << line << response;
  }
  EXPECT_TRUE(has(ask("POST /page", kFromPage + "Content-Length: 99999999999\r\n"), kAllowed));
}

TEST_F(CrossOrigin, OtherOrigins_GetNoFields) {
  start();
  for (const std::string_view fields :
       {"Origin: https://evil.example\r\n", "Origin: https://app.example.evil\r\n",
        "Origin: http://app.example\r\n", "Origin: https://app.example\r\nOrigin: null\r\n", ""}) {
    const std::string response = ask("GET /page", fields);
    EXPECT_EQ(response.find("HTTP/1.1 200 "), 0U) << fields << response;
    EXPECT_FALSE(has(response, "Access-Control")) << fields << response;
    EXPECT_TRUE(has(response, "\r\nVary: Origin\r\n")) << fields << response;
  }
}

TEST_F(CrossOrigin, Preflight_ListsMethodsAndFields) {
  start();
  const std::string response = preflight("/page", kPage);
  EXPECT_EQ(response.find("HTTP/1.1 204 No Content\r\n"), 0U) << response;
  EXPECT_TRUE(has(response, kAllowed));
  EXPECT_TRUE(has(response, "\r\nAccess-Control-Allow-Methods: GET, HEAD, POST, OPTIONS\r\n"))
      << response;
  EXPECT_TRUE(has(response, "\r\nAccess-Control-Allow-Headers: Authorization, Content-Type\r\n"));
  EXPECT_TRUE(has(response, "\r\nAccess-Control-Max-Age: 600\r\n"));
  EXPECT_TRUE(has(response, "\r\nVary: Origin\r\n"));
  EXPECT_FALSE(has(response, "Private-Network")) << response;
  EXPECT_TRUE(response.ends_with("\r\n\r\n"));
}

TEST_F(CrossOrigin, Preflight_PassesTheGuard) {
  start();
  EXPECT_EQ(preflight("/guarded", kPage).find("HTTP/1.1 204 "), 0U);
}

TEST_F(CrossOrigin, Preflight_OfPrivateNetworkAccess_IsAllowed) {
  start();
  const std::string asks = "Access-Control-Request-Private-Network: true\r\n";
  EXPECT_TRUE(
      has(preflight("/page", kPage, asks), "\r\nAccess-Control-Allow-Private-Network: true\r\n"));
  EXPECT_FALSE(has(preflight("/page", "https://evil.example", asks), "Private-Network: true"));
}

TEST_F(CrossOrigin, Preflight_OfAnotherOrigin_IsRejected) {
  start();
  const std::string response = preflight("/page", "https://evil.example");
  EXPECT_EQ(response.find("HTTP/1.1 403 "), 0U) << response;
  EXPECT_FALSE(has(response, "Access-Control")) << response;
  EXPECT_TRUE(has(response, "origin 'https://evil.example' may not connect")) << response;
}

TEST_F(CrossOrigin, RequestThatIsNotAPreflight_IsAnOrdinaryOptions) {
  start();
  for (const std::string& fields :
       {std::string("Access-Control-Request-Method: POST\r\n"), kFromPage}) {
    const std::string response = ask("OPTIONS /page", fields);
    EXPECT_TRUE(has(response, "\r\nAllow: ")) << response;
    EXPECT_FALSE(has(response, "Access-Control-Allow-Methods")) << response;
  }
  EXPECT_EQ(preflight("/none", kPage).find("HTTP/1.1 404 "), 0U);
}

TEST_F(CrossOrigin, ApplicationsOwnFieldsAndHandler_TakePrecedence) {
  start();
  const std::string response = ask("GET /own", kFromPage);
  EXPECT_TRUE(has(response, "\r\naccess-control-allow-origin: *\r\n")) << response;
  EXPECT_FALSE(has(response, kAllowed)) << response;
  EXPECT_TRUE(preflight("/own", kPage).ends_with("own options"));
}

TEST_F(CrossOrigin, ByDefault_IsOff) {
  EXPECT_FALSE(ServerOptions{}.http.cross_origin);
  start(listed(false));
  const std::string page = ask("GET /page", kFromPage);
  EXPECT_FALSE(has(page, "Access-Control")) << page;
  EXPECT_FALSE(has(page, "Vary")) << page;
  EXPECT_FALSE(has(preflight("/page", kPage), "Access-Control"));
}

TEST_F(CrossOrigin, WithoutAllowedOrigins_AddsNothing) {
  ServerOptions options = listed();
  options.upgrade.allowed_origins.clear();
  start(options);
  const std::string page = ask("GET /page", "Origin: http://server.example\r\n");
  EXPECT_FALSE(has(page, "Access-Control")) << page;
  EXPECT_FALSE(has(page, "Vary")) << page;
}

TEST_F(CrossOrigin, FieldNamesOfTheApplication_ReplaceTheDefault) {
  ServerOptions options = listed();
  options.http.cross_origin_fields = {"X-Key"};
  start(options);
  EXPECT_TRUE(has(preflight("/page", kPage), "\r\nAccess-Control-Allow-Headers: X-Key\r\n"));
  options.http.cross_origin_fields = {};
  start(options);
  EXPECT_FALSE(has(preflight("/page", kPage), "Access-Control-Allow-Headers"));
}

}  // namespace
}  // namespace wsd
