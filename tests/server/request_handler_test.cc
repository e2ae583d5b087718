// Responses to handshakes and plain HTTP requests, through the public API.
#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "net/peer.h"
#include "server/server_rig.h"
#include "wsd/server.h"

namespace wsd {
namespace {

using test::client_frame;
using test::Peer;
using test::quiet;
using namespace std::string_literals;
using Rig = test::ServerRig;
using test::upgrade_request;

void echo(Connection& connection, const Message& message) { connection.send(message); }

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// The upgrade hook

TEST(RequestHandler, UpgradeHook_SetsTheUser) {
  std::string seen;
  Rig rig;
  Upgrade verdict;
  rig.server.route(
      "/rooms/{room}",
      {.upgrade =
           [&](const Request& request) {
             seen = std::string(request.method()) + " " + std::string(request.path()) + " " +
                    std::string(request.query()) + " " + std::string(request.host()) + " " +
                    std::string(request.header("x-token")) + " " +
                    std::string(request.param("room")) + " " + std::string(request.param("none"));
             for (const std::string_view each : request.subprotocols()) {
               seen += "/" + std::string(each);
             }
             Upgrade accepted = Upgrade::accept("ann");
             accepted.subprotocol = "v2";
             accepted.headers = {{"X-Welcome", "yes"}};
             return accepted;
           },
       .message =
           [](Connection& c, const Message&) {
             c.send_text(std::string(c.user()) + "|" + std::string(c.path()) + "|" +
                         std::string(c.subprotocol()) + "|" + std::string(c.remote()));
           }});
  rig.start();
  Peer peer = rig.connect();
  peer.send(
      upgrade_request("/rooms/a%20b?k=v", "X-Token: t\r\nSec-WebSocket-Protocol: v1, v2\r\n"));
  const std::string head = Rig::read_head(peer);
  EXPECT_EQ(head.find("HTTP/1.1 101 "), 0U);
  EXPECT_TRUE(has(head, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));  // §1.3
  EXPECT_TRUE(has(head, "Sec-WebSocket-Protocol: v2\r\n"));
  EXPECT_TRUE(has(head, "X-Welcome: yes\r\n"));
  EXPECT_EQ(seen, "GET /rooms/a%20b k=v server.example.com t a b /v1/v2");
  peer.send(client_frame(test::kText, "?"));
  EXPECT_EQ(Rig::frame(peer).payload,
            "ann|/rooms/a%20b|v2|127.0.0.1:" + std::to_string(peer.local_port()));
}

TEST(RequestHandler, WithoutUpgradeHook_OptionsChooseTheSubprotocol) {
  ServerOptions options = quiet();
  options.upgrade.subprotocols = {"b", "a"};
  Rig rig(options);
  rig.server.route("/", {});
  rig.start();
  Peer peer = rig.connect();
  peer.send(upgrade_request("/", "Sec-WebSocket-Protocol: a, b\r\n"));
  EXPECT_TRUE(has(Rig::read_head(peer), "Sec-WebSocket-Protocol: b\r\n"));
  Peer none = rig.connect();
  none.send(upgrade_request("/", "Sec-WebSocket-Protocol: c\r\n"));
  EXPECT_FALSE(has(Rig::read_head(none), "Sec-WebSocket-Protocol"));
}

TEST(RequestHandler, UpgradeHook_MayReject) {
  Rig rig;
  rig.server.route("/", {.upgrade = [](const Request&) {
                     Upgrade verdict = Upgrade::reject(401, "who are you?\n");
                     verdict.headers = {{"WWW-Authenticate", "Bearer"}};
                     return verdict;
                   }});
  rig.start();
  const std::string answer = rig.answer(upgrade_request());
  EXPECT_EQ(answer.find("HTTP/1.1 401 "), 0U) << answer;
  EXPECT_TRUE(has(answer, "WWW-Authenticate: Bearer\r\n"));
  EXPECT_TRUE(has(answer, "Connection: close\r\n"));
  EXPECT_TRUE(answer.ends_with("\r\n\r\nwho are you?\n"));
}

TEST(RequestHandler, UpgradeHookFails_Sends500) {
  struct Odd {};
  const std::vector<std::function<Upgrade(const Request&)>> hooks = {
      [](const Request&) -> Upgrade { throw std::runtime_error("secret"); },
      [](const Request&) -> Upgrade { throw Odd{}; },
      [](const Request&) { return Upgrade::reject(200); },
      [](const Request&) { return Upgrade::reject(600); },
      [](const Request&) {
        Upgrade verdict = Upgrade::accept();
        verdict.subprotocol = "not offered";
        return verdict;
      },
      [](const Request&) {
        Upgrade verdict = Upgrade::accept();
        verdict.headers = {{"X-Evil", "a\r\nSet-Cookie: b"}};
        return verdict;
      },
      [](const Request&) {
        Upgrade verdict = Upgrade::reject(403);
        verdict.headers = {{"bad name", "x"}};
        return verdict;
      },
      [](const Request&) {
        Upgrade verdict = Upgrade::accept();
        verdict.headers = {{"Sec-WebSocket-Accept", "secret"}};
        return verdict;
      },
      [](const Request&) {
        Upgrade verdict = Upgrade::reject(403);
        verdict.headers = {{"Transfer-Encoding", "secret"}};
        return verdict;
      },
  };
  Rig rig;
  for (std::size_t i = 0; i < hooks.size(); ++i) {
    rig.server.route("/" + std::to_string(i), {.upgrade = hooks[i]});
  }
  rig.start();
  for (std::size_t i = 0; i < hooks.size(); ++i) {
    const std::string answer = rig.answer(upgrade_request("/" + std::to_string(i)));
    EXPECT_EQ(answer.find("HTTP/1.1 500 "), 0U) << i << ": " << answer;
    EXPECT_FALSE(has(answer, "secret") || has(answer, "Set-Cookie"));
  }
}

// Plain HTTP

class HttpRig : public Rig {
 public:
  explicit HttpRig(const ServerOptions& options = quiet()) : Rig(options) {
    server.route("/both", {.message = echo});
    server.http("/both", [](const Request& r) {
      return Response{200, "text/html", "page of " + std::string(r.method()), {{"X-A", "b"}}};
    });
    server.http("/files/{name}", [](const Request& r) {
      return Response{200, "text/plain", std::string(r.param("name")), {}};
    });
    server.http("/throws", [](const Request&) -> Response { throw std::runtime_error("secret"); });
    server.http("/odd", [](const Request&) -> Response { throw 42; });
    server.http("/evil", [](const Request&) {
      return Response{200, "text/plain", "x", {{"X", "a\r\nSet-Cookie: b"}}};
    });
    server.http("/two-lengths", [](const Request&) {
      return Response{200, "text/plain", "secret", {{"Content-Length", "1"}}};
    });
    server.http("GET", "/deferred-coding", [](const Request&, const Responder& responder) {
      responder.respond(Response{200, "text/plain", "secret", {{"Transfer-Encoding", "chunked"}}});
    });
    server.http("/continue", [](const Request&) { return Response{100, "", "secret", {}}; });
    server.http("/evil-type", [](const Request&) {
      return Response{200, "text/plain\r\nSet-Cookie: b", "x", {}};
    });
  }
};

std::string request(std::string_view method, std::string_view path, std::string_view extra = {}) {
  return std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n" +
         std::string(extra) + "\r\n";
}

TEST(RequestHandler, ServesPagesBesideWebSocket) {
  HttpRig rig;
  rig.start();
  const std::string page = rig.answer(request("GET", "/both", "Connection: close\r\n"));
  EXPECT_EQ(page.find("HTTP/1.1 200 OK\r\n"), 0U);
  EXPECT_TRUE(has(page, "Content-Type: text/html\r\n"));
  EXPECT_TRUE(has(page, "Content-Length: 11\r\n"));
  EXPECT_TRUE(has(page, "X-A: b\r\n"));
  EXPECT_TRUE(page.ends_with("\r\n\r\npage of GET"));
  Peer peer = rig.open("/both");
  peer.send(client_frame(test::kText, "hi"));
  EXPECT_EQ(Rig::frame(peer).payload, "hi");
  const std::string file = rig.answer(request("GET", "/files/a%20b", "Connection: close\r\n"));
  EXPECT_TRUE(file.ends_with("\r\n\r\na b")) << file;
}

// RFC 9110 §7.8: the server may ignore an Upgrade, and it speaks only WebSocket.
TEST(RequestHandler, Rfc9110_7_8_UpgradeToAnotherProtocol_IsIgnored) {
  HttpRig rig;
  rig.start();
  const std::string h2c =
      "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n";
  Peer peer = rig.connect();
  peer.send(request("GET", "/both", h2c) + request("GET", "/none", h2c) +
            request("GET", "/both", h2c + "Connection: close\r\n"));
  ASSERT_TRUE(Rig::until(peer, [&] { return peer.end() != Peer::End::kOpen; }));
  EXPECT_EQ(peer.input.find("HTTP/1.1 200 OK\r\n"), 0U) << peer.input;
  EXPECT_TRUE(has(peer.input, "HTTP/1.1 404 ")) << peer.input;
  EXPECT_TRUE(peer.input.ends_with("page of GET")) << peer.input;
  peer = rig.connect();
  peer.send(upgrade_request("/both", "Upgrade: h2c\r\n"));
  EXPECT_EQ(Rig::read_head(peer).find("HTTP/1.1 101 "), 0U);
}

TEST(RequestHandler, Rfc9110_7_8_UpgradeInHttp10_IsIgnored) {
  HttpRig rig;
  rig.start();
  const std::string page = rig.answer(
      "GET /both HTTP/1.0\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  EXPECT_EQ(page.find("HTTP/1.1 200 OK\r\n"), 0U) << page;
  EXPECT_TRUE(page.ends_with("page of GET")) << page;
}

// Also of the errors that the parser finds.
TEST(RequestHandler, Rfc9110_9_3_2_ErrorsToHeadHaveNoBody) {
  for (const std::string bad :
       {"HEAD /both HTTP/1.1\r\n\r\n", "HEAD /.. HTTP/1.1\r\n\r\n", "HEAD /both HTTP/2.0\r\n\r\n",
        "HEAD /both HTTP/1.1\r\nHost: a\r\nExpect: z\r\n\r\n"}) {
    HttpRig rig;
    rig.start();
    const std::string head = rig.answer(bad);
    EXPECT_TRUE(has(head, "\r\nContent-Length: ")) << head;
    EXPECT_EQ(head.find("\r\n\r\n") + 4, head.size()) << head;
  }
}

TEST(RequestHandler, HeadHasTheFieldsWithoutTheBody) {
  HttpRig rig;
  rig.start();
  const std::string head = rig.answer(request("HEAD", "/both", "Connection: close\r\n"));
  EXPECT_EQ(head.find("HTTP/1.1 200 OK\r\n"), 0U);
  EXPECT_TRUE(has(head, "Content-Length: 12\r\n"));
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
}

TEST(RequestHandler, OtherMethodsAreNotAllowed) {
  HttpRig rig;
  rig.start();
  const std::string post = rig.answer(request("POST", "/both", "Content-Length: 0\r\n"));
  EXPECT_EQ(post.find("HTTP/1.1 405 "), 0U);
  EXPECT_TRUE(has(post, "Allow: GET, HEAD, OPTIONS\r\n"));
  EXPECT_EQ(rig.answer(request("BREW", "/both")).find("HTTP/1.1 501 "), 0U);
  EXPECT_EQ(rig.answer(request("GET", "/none", "Connection: close\r\n")).find("HTTP/1.1 404 "), 0U);
  EXPECT_EQ(rig.answer(upgrade_request("/none")).find("HTTP/1.1 404 "), 0U);
}

// RFC 9112 §9.3: a client of HTTP/1.0 must be told that the connection persists.
TEST(RequestHandler, Rfc9112_9_3_KeptConnection_IsToldTheTime) {
  ServerOptions options = quiet();
  options.http.keep_alive_timeout_ms = 42'999;
  HttpRig rig(options);
  rig.start();
  for (const char* version : {"1.1", "1.0"}) {
    for (const char* path : {"/both", "/none"}) {
      Peer peer = rig.connect();
      peer.send("GET "s + path + " HTTP/" + version +
                "\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
      const std::string head = Rig::read_head(peer);
      EXPECT_TRUE(has(head, "\r\nConnection: keep-alive\r\nKeep-Alive: timeout=42\r\n")) << head;
    }
  }
  const std::string last = rig.answer("GET /both HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(has(last, "\r\nConnection: close\r\n")) << last;
  EXPECT_FALSE(has(last, "Keep-Alive")) << last;
}

// RFC 9112 §9.6: a server that is about to close the connection says so.
TEST(RequestHandler, Rfc9112_9_6_AtTheConnectionLimit_EachResponseIsTheLast) {
  ServerOptions options = quiet();
  options.limits.max_connections = 1;
  HttpRig rig(options);
  rig.start();
  for (const char* path : {"/both", "/none"}) {
    const std::string answer = rig.answer(request("GET", path));
    EXPECT_TRUE(has(answer, "\r\nConnection: close\r\n")) << answer;
    EXPECT_TRUE(rig.emptied());
  }
}

TEST(RequestHandler, DrainDelay_ServesAsBefore_ButEachResponseIsTheLast) {
  ServerOptions options = quiet();
  options.drain_delay_ms = 600'000;
  HttpRig rig(options);
  rig.server.route("/echo", {.message = &echo});
  rig.start();
  Peer kept = rig.connect();
  kept.send(request("GET", "/both"));
  EXPECT_TRUE(has(Rig::read_head(kept), "Keep-Alive: timeout=75\r\n"));
  EXPECT_FALSE(rig.server.draining());
  rig.server.drain();
  EXPECT_TRUE(rig.server.draining());
  Peer peer = rig.open("/echo");
  peer.send(client_frame(test::kText, "hello"));
  EXPECT_EQ(Rig::frame(peer).payload, "hello");
  kept.input.clear();
  kept.send(request("GET", "/both"));
  EXPECT_TRUE(has(Rig::read_head(kept), "\r\nConnection: close\r\n"));
  for (const char* path : {"/both", "/none"}) {
    const std::string answer = rig.answer(request("GET", path));
    EXPECT_TRUE(has(answer, "\r\nConnection: close\r\n")) << answer;
  }
  // A load balancer that asks by OPTIONS must see that the server leaves.
  const std::string options_answer = rig.answer(request("OPTIONS", "/both"));
  EXPECT_EQ(options_answer.find("HTTP/1.1 503 "), 0U) << options_answer;
  EXPECT_TRUE(has(options_answer, "\r\nRetry-After: 1\r\n"));
}

// RFC 9110 §9.3.7. HAProxy's "option httpchk" sends the first row.
TEST(RequestHandler, Rfc9110_9_3_7_Options_NamesTheMethods) {
  HttpRig rig;
  rig.server.http("POST", "/both", [](const Request&) { return Response{}; });
  rig.server.http("OPTIONS", "/own", [](const Request&) { return Response{204, "", "", {}}; });
  rig.server.route("/socket", {});
  rig.start();
  struct Row {
    const char* line;
    const char* status;
    const char* allow;
  };
  const Row rows[] = {
      {"OPTIONS /both HTTP/1.0", "200", "Allow: GET, HEAD, POST, OPTIONS\r\n"},
      {"OPTIONS /both HTTP/1.1", "200", "Allow: GET, HEAD, POST, OPTIONS\r\n"},
      {"OPTIONS /socket HTTP/1.1", "200", "Allow: GET, OPTIONS\r\n"},
      {"OPTIONS * HTTP/1.1", "200", "Allow: GET, HEAD, POST, OPTIONS\r\n"},
      {"OPTIONS * HTTP/1.0", "200", "Allow: GET, HEAD, POST, OPTIONS\r\n"},
      {"OPTIONS http://a/both HTTP/1.1", "200", "Allow: GET, HEAD, POST, OPTIONS\r\n"},
      {"OPTIONS /none HTTP/1.1", "404", ""},
      {"OPTIONS /own HTTP/1.1", "204", ""},
  };
  for (const Row& row : rows) {
    const std::string answer =
        rig.answer(std::string(row.line) + "\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(answer.find("HTTP/1.1 "s + row.status), 0U) << row.line << '\n' << answer;
    EXPECT_TRUE(has(answer, row.allow)) << row.line << '\n' << answer;
    EXPECT_TRUE(row.status != "200"s || has(answer, "Content-Length: 0\r\n")) << answer;
  }
}

TEST(RequestHandler, KeepsTheConnectionAlive) {
  HttpRig rig;
  rig.start();
  Peer peer = rig.connect();
  for (int i = 0; i < 3; ++i) {
    peer.send(request("GET", "/both"));
    EXPECT_EQ(Rig::read_head(peer).find("HTTP/1.1 200 OK\r\n"), 0U);
    ASSERT_TRUE(Rig::until(peer, [&] { return peer.input == "page of GET"; }));
    peer.input.clear();
  }
  peer.send(request("GET", "/none") + upgrade_request("/both") + client_frame(test::kText, "hi"));
  EXPECT_EQ(Rig::read_head(peer).find("HTTP/1.1 404 "), 0U);
  ASSERT_TRUE(Rig::until(peer, [&] { return has(peer.input, "HTTP/1.1 101 "); }));
  peer.input.erase(0, peer.input.find("HTTP/1.1 101 "));
  static_cast<void>(Rig::read_head(peer));
  EXPECT_EQ(Rig::frame(peer).payload, "hi");
}

// The Host field

// Returns the status of a request for `host`, and of a handshake, which must be the same one or
// 101.
std::string status_for(const ServerOptions& options, std::string_view host) {
  HttpRig rig(options);
  rig.start();
  const std::string fields = "Host: " + std::string(host) + "\r\nConnection: close\r\n\r\n";
  const std::string page = rig.answer("GET /both HTTP/1.1\r\n" + fields).substr(9, 3);
  Peer peer = rig.connect();
  std::string handshake = upgrade_request("/both");
  handshake.replace(handshake.find("server.example.com"), 18, host);
  peer.send(handshake);
  const std::string status = Rig::read_head(peer).substr(9, 3);
  EXPECT_EQ(status, page == "200" ? "101" : page) << host;
  return page;
}

TEST(RequestHandler, ByDefault_EveryHostIsServed) {
  EXPECT_EQ(status_for(quiet(), "evil.example"), "200");
}

TEST(RequestHandler, GuardedLoopback_ServesOnlyLoopbackHosts) {
  ServerOptions options = quiet();
  options.http.guard_loopback = true;
  for (const char* host : {"localhost:80", "a.localhost", "127.0.0.1:9001", "[::1]"}) {
    EXPECT_EQ(status_for(options, host), "200") << host;
  }
  for (const char* host : {"evil.example", "127.0.0.1.evil.example", "10.0.0.1"}) {
    EXPECT_EQ(status_for(options, host), "421") << host;
  }
}

TEST(RequestHandler, GuardedLoopback_RequestWithoutHostIsServed) {
  ServerOptions options = quiet();
  options.http.guard_loopback = true;
  HttpRig rig(options);
  rig.start();
  EXPECT_EQ(rig.answer("GET /both HTTP/1.0\r\n\r\n").find("HTTP/1.1 200 "), 0U);
  // RFC 9112 §3.2.2: the target's authority replaces the Host field.
  EXPECT_EQ(rig.answer("GET http://evil.example/both HTTP/1.1\r\nHost: localhost\r\n"
                       "Connection: close\r\n\r\n")
                .find("HTTP/1.1 421 "),
            0U);
}

TEST(RequestHandler, GuardedLoopback_RequestsThatATrustedProxyForwardsMayNameAnyHost) {
  ServerOptions options = quiet();
  options.http.guard_loopback = true;
  const auto status = [&](std::string_view fields) {
    HttpRig rig(options);
    rig.start();
    return rig
        .answer("GET /both HTTP/1.1\r\nHost: public.example\r\nConnection: close\r\n" +
                std::string(fields) + "\r\n")
        .substr(9, 3);
  };
  options.proxy.trusted = {"127.0.0.1"};
  EXPECT_EQ(status("X-Forwarded-For: 192.0.2.1\r\n"), "200");
  EXPECT_EQ(status(""), "421") << "a browser on the machine of the proxy";
  EXPECT_EQ(status("Forwarded: for=192.0.2.1\r\n"), "421") << "not the field that is configured";
  options.proxy.trusted = {"10.0.0.0/8", "unix"};
  EXPECT_EQ(status("X-Forwarded-For: 192.0.2.1\r\n"), "421");
}

TEST(RequestHandler, GuardedLoopback_PageOfAListedOriginMayNameAnyHost) {
  ServerOptions options = quiet();
  options.http.guard_loopback = true;
  options.upgrade.allowed_origins = {"https://app.example"};
  HttpRig rig(options);
  rig.start();
  const auto status = [&](const std::string& fields) {
    return rig.answer(request("GET", "/both", "Connection: close\r\n" + fields)).substr(9, 3);
  };
  EXPECT_EQ(status("Origin: https://app.example\r\n"), "200");
  // "http://a" is the same origin as the Host, which is what the attacker's page has.
  EXPECT_EQ(status("Origin: http://a\r\n"), "421");
  EXPECT_EQ(status("Origin: https://app.example\r\nOrigin: http://a\r\n"), "421");
}

TEST(RequestHandler, GuardedLoopback_ServerOnAnotherAddressServesEveryHost) {
  ServerOptions options = quiet();
  options.http.guard_loopback = true;
  HttpRig rig(options);
  ASSERT_EQ(rig.server.listen("0.0.0.0:0"), "");
  rig.start();
  EXPECT_EQ(rig.answer(request("GET", "/both", "Connection: close\r\n")).find("HTTP/1.1 200 "), 0U);
}

TEST(RequestHandler, AllowedHosts_AreServedBesidesLoopbackHosts) {
  ServerOptions options = quiet();
  options.http.allowed_hosts = {"public.example", "*.app.example"};
  options.proxy.trusted = {"127.0.0.1"};  // the list applies to its requests too
  for (const char* host : {"public.example", "PUBLIC.example:8080", "a.app.example", "localhost"}) {
    EXPECT_EQ(status_for(options, host), "200") << host;
  }
  EXPECT_EQ(status_for(options, "app.example"), "421");
  options.http.allowed_hosts = {"*"};
  options.http.guard_loopback = true;
  EXPECT_EQ(status_for(options, "evil.example"), "200");
}

TEST(RequestHandler, HandlerFails_Sends500) {
  HttpRig rig;
  rig.start();
  for (const char* path : {"/throws", "/odd", "/evil", "/evil-type", "/two-lengths",
                           "/deferred-coding", "/continue"}) {
    const std::string answer = rig.answer(request("GET", path, "Connection: close\r\n"));
    EXPECT_EQ(answer.find("HTTP/1.1 500 "), 0U) << path << ": " << answer;
    EXPECT_FALSE(has(answer, "secret") || has(answer, "Set-Cookie")) << answer;
  }
}

}  // namespace
}  // namespace wsd
