// Who may ask the real daemon: origins, hosts and subprotocols of web pages.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <utility>
#include <vector>

#include "support/expect.h"
#include "support/server_process.h"
#include "support/tools.h"

namespace e2e {
namespace {

const std::string kAnn = "ann-S3CRET-0123456789";
const std::string kUsers = kAnn + " ann read=* write=*\n";

TEST(Origins, Wildcard_AllowsSubdomainsOnly) {
  ServerProcess server(
      {"--allowed-origin", "https://*.app.example", "--allowed-origin", "http://dev.example:3000"});
  ASSERT_TRUE(server.listening());
  const auto status = [&](const std::string& origin) {
    RawClient client = server.connect();
    client.send(RequestText::upgrade("/echo").add("Origin", origin).text());
    return client.read_response().value_or(HttpResponse{}).status;
  };
  for (const char* origin : {"https://a.app.example", "https://a.b.APP.example",
                             "https://a.app.example:443", "http://dev.example:3000"}) {
    EXPECT_EQ(status(origin), 101) << origin;
  }
  for (const char* origin :
       {"https://app.example", "https://evilapp.example", "null", "https://a.app.example.evil",
        "http://a.app.example", "https://a.app.example:8443", "https://.app.example"}) {
    EXPECT_EQ(status(origin), 403) << origin;
  }
}

TEST(Origins, RejectedOrigin_ResponseAndLogNameOriginAndHost) {
  ServerProcess server(
      {"--allowed-origin", "https://*.app.example", "--allowed-host", "ws.example"});
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  client.send(RequestText::upgrade("/echo")
                  .set("Host", "ws.example:8080")
                  .add("Origin", "https://evil.example/\xff")
                  .text());
  HttpResponse response;
  ASSERT_TRUE(is_refused(client, {403}, &response));
  EXPECT_EQ(response.body,
            "origin 'https://evil.example/\\xff' may not connect to host 'ws.example:8080'; "
            "allowed origins: the same host, 'https://*.app.example'\n");
  const auto line = server.process().wait_for_line("event=origin_refused");
  ASSERT_TRUE(line);
  EXPECT_EQ(log_value(*line, "level"), "info");
  EXPECT_EQ(log_value(*line, "host"), "ws.example:8080");
  EXPECT_NE(line->find("https://evil.example/\\xff"), std::string::npos) << *line;
  EXPECT_NE(line->find("the same host, 'https://*.app.example'"), std::string::npos) << *line;
}

TEST(Origins, NullAndFile_CanBeAllowedByName) {
  ServerProcess server({"--allowed-origin", "file://", "--allowed-origin", "null"});
  ASSERT_TRUE(server.listening());
  for (const auto& [origin, status] : {std::pair("null", 101), std::pair("file://", 101),
                                       std::pair("file:///", 403), std::pair("https://a", 403)}) {
    RawClient client = server.connect();
    client.send(RequestText::upgrade("/echo").add("Origin", origin).text());
    EXPECT_EQ(client.read_response().value_or(HttpResponse{}).status, status) << origin;
  }
}

TEST(Origins, AllowedPage_MayPublishAndReadResponses) {
  const TemporaryDirectory folder;
  const std::string token = folder.write("token", kAnn + "\n");
  ::chmod(token.c_str(), 0600);
  ServerProcess server({"--allowed-origin", "https://app.example", "--publish-token-file", token});
  ASSERT_TRUE(server.listening());
  const auto ask = [&](RequestText request, std::string_view origin, std::string_view body = {}) {
    RawClient client = server.connect();
    client.send(request.add("Origin", origin).text() + std::string(body));
    return client.read_response().value_or(HttpResponse{});
  };
  const std::string page = "https://app.example";
  RequestText preflight = RequestText::get("/rooms/a").line("OPTIONS /rooms/a HTTP/1.1");
  preflight.add("Access-Control-Request-Method", "POST");
  HttpResponse response = ask(preflight, page);
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(response.get("Access-Control-Allow-Origin"), page);
  EXPECT_NE(response.get("Access-Control-Allow-Methods").find("POST"), std::string::npos);
  EXPECT_EQ(response.get("Access-Control-Allow-Headers"), "Authorization, Content-Type");
  RequestText post = RequestText::get("/rooms/a").line("POST /rooms/a HTTP/1.1");
  post.add("Content-Length", "1").add("Authorization", "Bearer " + kAnn);
  for (const auto& [request, body] :
       {std::pair(post, "x"), std::pair(RequestText::get("/rooms/a/members"), ""),
        std::pair(RequestText::get("/healthz"), "")}) {
    response = ask(request, page, body);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.get("Access-Control-Allow-Origin"), page);
    EXPECT_EQ(ask(request, "https://evil.example", body).get("Access-Control-Allow-Origin"), "");
  }
  RequestText without = RequestText::get("/rooms/a").line("POST /rooms/a HTTP/1.1");
  response = ask(without.add("Content-Length", "0"), page);
  EXPECT_EQ(response.status, 401);
  EXPECT_EQ(response.get("Access-Control-Allow-Origin"), page) << "the page can read the reason";
}

// A page of evil.example whose name resolves to 127.0.0.1 (DNS rebinding).
TEST(Hosts, ReboundName_IsNotServedWithoutTokens) {
  ServerProcess server({"--publish", "loopback", "--history-messages", "10"});
  ASSERT_TRUE(server.listening());
  const auto status = [&](RequestText request, std::string_view host) {
    RawClient client = server.connect();
    client.send(request.set("Host", host).text());
    return client.read_response().value_or(HttpResponse{}).status;
  };
  RequestText page = RequestText::upgrade("/rooms/a?last=1");
  page.add("Origin", "http://evil.example:9001");
  EXPECT_EQ(status(page, "evil.example:9001"), 421);
  for (const char* path : {"/", "/rooms/a", "/rooms/a/members", "/healthz"}) {
    EXPECT_EQ(status(RequestText::get(path), "evil.example:9001"), 421) << path;
    EXPECT_EQ(status(RequestText::get(path), "app.localhost:9001"), 200) << path;
  }
  RawClient client = server.connect();
  client.send(RequestText::get("/healthz").set("Host", "evil.example").text());
  EXPECT_EQ(client.read_response().value_or(HttpResponse{}).body,
            "host 'evil.example' is not served here, to stop DNS rebinding: use localhost or a "
            "loopback address, or name the host with --allowed-host, or your proxy with "
            "--trusted-proxy\n");
  const auto line = server.process().wait_for_line("event=host_refused");
  ASSERT_TRUE(line);
  EXPECT_EQ(log_value(*line, "host"), "evil.example:9001");
}

TEST(Hosts, WhatMakesAnotherNameAllowed) {
  const TemporaryDirectory folder;
  const std::string users = folder.write("users", kUsers);
  ::chmod(users.c_str(), 0600);
  struct Row {
    std::vector<std::string> flags;
    int status;
    int forwarded_status;  // with the field of a proxy; others may come from a browser beside it
  };
  const Row rows[] = {
      {{"--allowed-host", "ws.example"}, 200, 200},
      {{"--allowed-host", "*.example"}, 200, 200},
      {{"--allowed-host", "*"}, 200, 200},
      {{"--allowed-host", "other.example"}, 421, 421},
      {{"--trusted-proxy", "127.0.0.1"}, 421, 200},
      {{"--trusted-proxy", "10.0.0.0/8"}, 421, 421},
      {{"--auth-file", users}, 200, 200},
      {{"--auth-file", users, "--publish", "loopback"}, 421, 421},
  };
  for (const Row& row : rows) {
    ServerProcess server(row.flags);
    ASSERT_TRUE(server.listening());
    RequestText request = RequestText::get("/healthz").set("Host", "ws.example:80");
    RawClient client = server.connect();
    client.send(request.text());
    EXPECT_EQ(client.read_response().value_or(HttpResponse{}).status, row.status) << row.flags[1];
    client = server.connect();
    client.send(request.add("X-Forwarded-For", "192.0.2.1").text());
    EXPECT_EQ(client.read_response().value_or(HttpResponse{}).status, row.forwarded_status)
        << row.flags[1];
  }
}

TEST(Subprotocols, Bearer_IsSelectedWithoutAuthFile) {
  ServerProcess server;
  ASSERT_TRUE(server.listening());
  for (const char* target : {"/echo", "/rooms/a"}) {
    RawClient client = server.connect();
    client.send(
        RequestText::upgrade(target).add("Sec-WebSocket-Protocol", "bearer, " + kAnn).text());
    const HttpResponse response = client.read_response().value_or(HttpResponse{});
    EXPECT_EQ(response.status, 101);
    EXPECT_EQ(response.get("Sec-WebSocket-Protocol"), "bearer") << target;
  }
  EXPECT_EQ(server.process().output().find("subprotocol_unmatched"), std::string::npos);
}

TEST(Subprotocols, UnmatchedOffers_AreLoggedWithoutTheirText) {
  ServerProcess server({"--subprotocol", "v2.chat", "--subprotocol", "v1.chat"});
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  client.send(
      RequestText::upgrade("/echo").add("Sec-WebSocket-Protocol", "v3.chat, " + kAnn).text());
  const HttpResponse response = client.read_response().value_or(HttpResponse{});
  EXPECT_EQ(response.status, 101) << "RFC 6455 §4.2.2: the server may agree on none";
  EXPECT_EQ(response.get("Sec-WebSocket-Protocol"), "");
  const auto line = server.process().wait_for_line("event=subprotocol_unmatched");
  ASSERT_TRUE(line);
  EXPECT_EQ(log_value(*line, "path"), "/echo");
  EXPECT_EQ(log_value(*line, "offered"), "2");
  EXPECT_EQ(log_value(*line, "supported"), "v2.chat, v1.chat");
  EXPECT_EQ(server.process().output().find("S3CRET"), std::string::npos);
}

TEST(Origins, InvalidAllowedOrigin_ErrorNamesTheRule) {
  const std::pair<const char*, const char*> rows[] = {
      {"app.example", "is not an origin; write SCHEME://HOST[:PORT]"},
      {"https://app.example/path", "has a path, which an origin must not have"},
      {"https://app.*.example",
       "has a wildcard in a place where none is allowed; write https://*.example.com"},
      {"https://app.example:*", "has a wildcard as its port; list each origin with its port"},
      {"https://*.10.0.0.1", "has no domain after its wildcard"},
  };
  for (const auto& [origin, sentence] : rows) {
    const Output output = run(server_command({"--allowed-origin", origin}));
    EXPECT_EQ(output.status.code, 2) << origin;
    EXPECT_NE(output.err.find(sentence), std::string::npos) << output.err;
  }
}

}  // namespace
}  // namespace e2e
