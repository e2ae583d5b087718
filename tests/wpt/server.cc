// The WebSocket server for the web-platform-tests, on the library. Each route behaves as the
// handler of the same name in wpt's folder websockets/handlers, apart from those that break the
// protocol on purpose or block a thread (tests/wpt/expectations.cjs has their names).
#include <wsd/server.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using wsd::Connection;
using wsd::Handlers;
using wsd::Message;
using wsd::MessageType;
using wsd::Request;
using wsd::Upgrade;

constexpr std::string_view kGoodbye = "Goodbye";

bool is_goodbye(const Message& message) {
  return message.type == MessageType::kText && message.payload == kGoodbye;
}

// Sends one message, and closes with 1000 as pywebsocket does when a handler returns.
Upgrade say(std::string text) {
  Upgrade verdict = Upgrade::accept();
  verdict.opened = [text = std::move(text)](Connection& client) {
    client.send_text(text);
    client.close();
  };
  return verdict;
}

Upgrade close_at_once(const Request& /*request*/) {
  Upgrade verdict = Upgrade::accept();
  verdict.opened = [](Connection& client) { client.close(); };
  return verdict;
}

Upgrade say_field(const Request& request, std::string_view name, std::string_view otherwise) {
  const std::string_view value = request.header(name);
  return say(std::string(value.empty() ? otherwise : value));
}

// Selects the first offer and sends its name.
Upgrade say_first_offer(const Request& request) {
  const auto& offered = request.subprotocols();
  if (offered.empty()) return Upgrade::reject(400, "offer a subprotocol");
  Upgrade verdict = say(std::string(offered.front()));
  verdict.subprotocol = offered.front();
  return verdict;
}

Upgrade require_foo_bar(const Request& request) {
  if (request.header("Authorization") == "Basic Zm9vOmJhcg==") return close_at_once(request);
  Upgrade verdict = Upgrade::reject(401);
  verdict.headers = {{"WWW-Authenticate", "Basic realm=\"camelot\""}};
  return verdict;
}

Upgrade set_cookie(const Request& request, std::string_view attributes) {
  Upgrade verdict = Upgrade::accept();
  verdict.headers = {{"Set-Cookie", "ws_test_" + std::string(request.query()) + "=test; " +
                                        std::string(attributes)}};
  return verdict;
}

Upgrade set_samesite_cookies(const Request& request) {
  constexpr std::string_view kValue = "value=";
  const std::string query(request.query());
  const std::size_t at = query.find(kValue);
  const std::string value = at == std::string::npos ? "1" : query.substr(at + kValue.size());
  const std::string end = query.find("clear") == std::string::npos ? "" : "; Max-Age=0";
  Upgrade verdict = Upgrade::accept();
  for (const auto& [name, attributes] :
       {std::pair("unspecified", ""), std::pair("lax", "; SameSite=Lax"),
        std::pair("strict", "; SameSite=Strict"), std::pair("none", "; SameSite=None; Secure")}) {
    verdict.headers.emplace_back("Set-Cookie", "samesite-" + std::string(name) + "=" + value +
                                                   "; Path=/" + attributes + end);
  }
  return verdict;
}

void echo(Connection& client, const Message& message) {
  client.send(message);
  if (is_goodbye(message)) client.close();
}

void exit_on_goodbye(Connection& client, const Message& message) {
  if (is_goodbye(message)) client.close();
}

void expect_empty(Connection& client, const Message& message) {
  client.send_text(message.payload.empty() ? "pass" : "fail");
  client.close();
}

void add_routes(wsd::Server& server) {
  const auto upgrade = [&](std::string_view path, std::function<Upgrade(const Request&)> hook) {
    server.route(path, {.upgrade = std::move(hook)});
  };
  server.route("/echo", {.message = &echo});
  server.route("/echo_exit", {.message = &exit_on_goodbye});
  server.route("/echo_close_data", {.message = &exit_on_goodbye});
  server.route("/empty-message", {.message = &expect_empty});
  upgrade("/origin", [](const Request& r) { return say_field(r, "Origin", ""); });
  upgrade("/referrer",
          [](const Request& r) { return say_field(r, "Referer", "MISSING AS PER FETCH"); });
  upgrade("/echo-cookie", [](const Request& r) { return say_field(r, "Cookie", "(none)"); });
  upgrade("/echo-query", [](const Request& r) { return say(std::string(r.query())); });
  upgrade("/echo-query_v13", [](const Request& r) { return say(std::string(r.query())); });
  upgrade("/protocol", &say_first_offer);
  upgrade("/protocol_array", &say_first_offer);
  upgrade("/handshake_no_protocol", &close_at_once);
  upgrade("/basic_auth", &require_foo_bar);
  upgrade("/set-cookie", [](const Request& r) { return set_cookie(r, "Path=/"); });
  upgrade("/set-cookie-secure", [](const Request& r) { return set_cookie(r, "Secure; Path=/"); });
  upgrade("/set-cookie_http", [](const Request& r) { return set_cookie(r, "Path=/; HttpOnly"); });
  upgrade("/set-cookies-samesite", &set_samesite_cookies);
  // The Close frame leaves together with the response to the handshake.
  upgrade("/simple_handshake", [](const Request&) {
    Upgrade verdict = Upgrade::accept();
    verdict.headers = {{"Set-Cookie", "ws_test=test"}};
    verdict.opened = [](Connection& client) { client.close(wsd::CloseCode::kGoingAway, "PASS"); };
    return verdict;
  });
}

}  // namespace

int main() {
  wsd::ServerOptions options;
  options.reactors = 1;
  options.log.level = wsd::LogLevel::kWarn;
  options.upgrade.allowed_origins = {"*"};  // the pages come from other ports and hosts
  options.upgrade.subprotocols = {"echo"};
  wsd::Server server(options);
  add_routes(server);
  if (const std::string error = server.listen("127.0.0.1:0"); !error.empty()) {
    std::fprintf(stderr, "%s\n", error.c_str());
    return 1;
  }
  if (const std::string error = server.start(); !error.empty()) {
    std::fprintf(stderr, "%s\n", error.c_str());
    return 1;
  }
  std::printf("%s\n", server.addresses().front().c_str());
  std::fflush(stdout);
  // The runner ends the server by closing this pipe.
  while (std::getchar() != EOF) {
  }
  server.stop();
  return 0;
}
