// Requests with bodies on plain HTTP routes, through the public API.
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "net/peer.h"
#include "server/server_rig.h"
#include "wsd/server.h"

namespace wsd {
namespace {

using test::client_frame;
using test::Peer;
using test::quiet;
using test::upgrade_request;
using Rig = test::ServerRig;

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::string request(std::string_view method, std::string_view path, std::string_view extra = {},
                    std::string_view body = {}) {
  return std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n" +
         std::string(extra) + "\r\n" + std::string(body);
}

std::string with_length(std::size_t length) {
  return "Content-Length: " + std::to_string(length) + "\r\n";
}

std::string post(std::string_view path, std::string_view body) {
  return request("POST", path, with_length(body.size()), body);
}

const std::string kClose = "Connection: close\r\n";

class BodyRig : public Rig {
 public:
  explicit BodyRig(const ServerOptions& options = quiet()) : Rig(options) {
    const auto tells = [](const Request& r) {
      Response response;
      response.body = std::string(r.method()) + "[" + std::string(r.body()) + "]";
      return response;
    };
    server.http("/a", tells);
    server.http("POST", "/a", tells);
    server.http("PUT", "/put/{name}", tells);
    server.route("/both", {.message = [](Connection& c, const Message& m) { c.send(m); }});
    server.http("POST", "/both", tells);
  }
};

// Returns the body of the next response on a connection that stays open.
std::string next_body(Peer& peer) {
  const std::string head = Rig::read_head(peer);
  EXPECT_EQ(head.find("HTTP/1.1 200 OK\r\n"), 0U) << head;
  const std::size_t at = head.find("Content-Length: ");
  if (at == std::string::npos) return "no length";
  const auto length = std::stoul(head.substr(at + 16));
  EXPECT_TRUE(Rig::until(peer, [&] { return peer.input.size() >= length; }));
  const std::string body = peer.input.substr(0, length);
  peer.input.erase(0, length);
  return body;
}

TEST(HttpBody, ReachesTheHandlerWhole) {
  BodyRig rig;
  rig.start();
  Peer peer = rig.connect();
  for (const std::size_t size : {1U, 5U, 70'000U, 300'000U}) {
    const std::string body(size, 'b');
    peer.send(post("/a", body));
    EXPECT_EQ(next_body(peer), "POST[" + body + "]");
  }
  peer.send(request("PUT", "/put/x", with_length(2), "hi"));
  EXPECT_EQ(next_body(peer), "PUT[hi]");
}

// RFC 9112 §6.3 (7): without Content-Length and Transfer-Encoding the length is zero.
TEST(HttpBody, Rfc9112_6_3_NoLengthIsNoBody) {
  BodyRig rig;
  rig.start();
  Peer peer = rig.connect();
  peer.send(request("POST", "/a") + request("POST", "/a", "Content-Length: 0\r\n"));
  EXPECT_EQ(next_body(peer), "POST[]");
  EXPECT_EQ(next_body(peer), "POST[]");
}

TEST(HttpBody, Rfc9112_9_3_2_PipelinedBehindOneAnother) {
  BodyRig rig;
  rig.start();
  const std::string trap = request("GET", "/a");
  const std::string stream = post("/a", "1") + request("GET", "/a") + post("/a", trap) +
                             post("/both", "2") + request("PUT", "/put/x", with_length(1), "3");
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, stream.size()}) {
    Peer peer = rig.connect();
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      peer.send(stream.substr(at, piece));
      peer.pump();
    }
    EXPECT_EQ(next_body(peer), "POST[1]");
    EXPECT_EQ(next_body(peer), "GET[]");
    EXPECT_EQ(next_body(peer), "POST[" + trap + "]");
    EXPECT_EQ(next_body(peer), "POST[2]");
    EXPECT_EQ(next_body(peer), "PUT[3]");
  }
}

TEST(HttpBody, AnUpgradeMayFollowOnTheSameConnection) {
  BodyRig rig;
  rig.start();
  Peer peer = rig.connect();
  peer.send(post("/a", "x") + upgrade_request("/both") + client_frame(test::kText, "hi"));
  EXPECT_EQ(next_body(peer), "POST[x]");
  EXPECT_EQ(Rig::read_head(peer).find("HTTP/1.1 101 "), 0U);
  EXPECT_EQ(Rig::frame(peer).payload, "hi");
}

// The bytes after the announced length are parsed as the next request, and are not a valid one.
TEST(HttpBody, LongerThanAnnouncedIsABadRequestAfterTheAnswer) {
  BodyRig rig;
  rig.start();
  const std::string answer = rig.answer(request("POST", "/a", with_length(2), "hi {}"));
  EXPECT_TRUE(has(answer, "POST[hi]")) << answer;
  EXPECT_TRUE(has(answer, "HTTP/1.1 400 ")) << answer;
}

TEST(HttpBody, ShorterThanAnnouncedReachesNoHandler) {
  BodyRig rig;
  rig.start();
  Peer peer = rig.connect();
  peer.send(request("POST", "/a", with_length(50), request("GET", "/a")));
  peer.shutdown_write();
  ASSERT_TRUE(Rig::until(peer, [&] { return peer.end() != Peer::End::kOpen; }));
  EXPECT_EQ(peer.input, "");
}

TEST(HttpBody, MessageTimeout_Sends408) {
  ServerOptions options = quiet();
  options.limits.message_timeout_ms = 50;
  BodyRig rig(options);
  rig.start();
  const std::string answer = rig.answer(request("POST", "/a", with_length(3), "hi"));
  EXPECT_EQ(answer.find("HTTP/1.1 408 "), 0U) << answer;
  EXPECT_TRUE(has(answer, "the request body was not complete in time")) << answer;
}

// The handshake timeout starts again after a body, and is not the timeout of the body.
TEST(HttpBody, NextHead_HasItsOwnTimeout) {
  ServerOptions options = quiet();
  options.upgrade.handshake_timeout_ms = 50;
  BodyRig rig(options);
  rig.start();
  const std::string answer = rig.answer(post("/a", "x") + "GET /a HT");
  EXPECT_EQ(answer.find("HTTP/1.1 200 "), 0U) << answer;
  EXPECT_TRUE(has(answer, "HTTP/1.1 408 ")) << answer;
}

TEST(HttpBody, TooLargeIs413BeforeItIsRead) {
  ServerOptions options = quiet();
  options.limits.max_message_bytes = 1000;
  BodyRig rig(options);
  rig.start();
  EXPECT_EQ(rig.answer(request("POST", "/a", with_length(1001))).find("HTTP/1.1 413 "), 0U);
  EXPECT_EQ(rig.answer(request("POST", "/a", "Content-Length: 18446744073709551615\r\n"))
                .find("HTTP/1.1 413 "),
            0U);
  EXPECT_EQ(rig.answer(request("POST", "/a", "Content-Length: 18446744073709551616\r\n"))
                .find("HTTP/1.1 400 "),
            0U);
  EXPECT_TRUE(
      has(rig.answer(request("POST", "/a", with_length(1000) + kClose, std::string(1000, 'x'))),
          "HTTP/1.1 200 "));
}

TEST(HttpBody, BodyIsNotRead_WhenGuardRejects) {
  Rig rig(quiet());
  std::atomic<int> asked = 0;
  rig.server.http(
      "POST", "/guarded",
      [&](const Request& r) -> std::optional<Response> {
        ++asked;
        EXPECT_EQ(r.body(), "");
        if (r.header("X").empty()) return Response{401, "text/plain", "no token", {}};
        if (r.header("X") == "throw") throw std::runtime_error("guard");
        return std::nullopt;
      },
      [](const Request& r, const Responder& responder) {
        responder.respond(Response{200, "text/plain", "[" + std::string(r.body()) + "]", {}});
      });
  rig.start();
  // The response does not wait for the body. It ends the connection, because the server would parse
  // the unread body as the next request.
  const std::string refused =
      rig.answer(request("POST", "/guarded", with_length(70'000) + "Expect: 100-continue\r\n"));
  EXPECT_EQ(refused.find("HTTP/1.1 401 "), 0U) << refused;
  EXPECT_TRUE(has(refused, kClose)) << refused;
  EXPECT_FALSE(has(refused, "100 Continue")) << refused;
  EXPECT_EQ(rig.answer(request("POST", "/guarded", "X: throw\r\n" + with_length(9)))
                .find("HTTP/1.1 500 "),
            0U);
  EXPECT_EQ(asked, 2);
  // The guard runs once for each request that it allows, with and without a body.
  Peer peer = rig.connect();
  peer.send(request("POST", "/guarded", "X: a\r\n" + with_length(4), "body") +
            request("POST", "/guarded", "X: a\r\n") + request("POST", "/guarded"));
  EXPECT_EQ(next_body(peer), "[body]");
  EXPECT_EQ(next_body(peer), "[]");
  const std::string last = Rig::read_head(peer);
  EXPECT_EQ(last.find("HTTP/1.1 401 "), 0U) << last;
  EXPECT_FALSE(has(last, kClose)) << "no body is left unread";
  EXPECT_EQ(asked, 5);
}

TEST(HttpBody, CountsInTheInputBudget) {
  ServerOptions options = quiet(1);
  options.limits.max_message_bytes = 4'000'000;
  options.limits.max_input_bytes = 4'000'000;
  BodyRig rig(options);
  rig.start();
  const std::string body(3'000'000, 'x');
  Peer first = rig.connect();
  first.send(request("POST", "/a", with_length(3'500'000), body));
  Peer second = rig.connect();
  second.send(request("POST", "/a", "Transfer-Encoding: chunked\r\n", "2dc6c1\r\n" + body));
  // Either of them may exceed the budget first.
  ASSERT_TRUE(test::until([&] { return !first.input.empty() || !second.input.empty(); },
                          [&] {
                            first.pump();
                            second.pump();
                          }));
  Peer& refused = first.input.empty() ? second : first;
  EXPECT_EQ(Rig::read_head(refused).find("HTTP/1.1 503 "), 0U);
}

const std::string kChunked = "Transfer-Encoding: chunked\r\n";

std::string in_chunks(std::string_view body, std::size_t size) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string chunks;
  for (std::size_t at = 0; at < body.size(); at += size) {
    const std::string_view piece = body.substr(at, size);
    chunks += kHex[piece.size() >> 4];
    chunks += kHex[piece.size() & 15];
    chunks.append("\r\n").append(piece).append("\r\n");
  }
  return chunks + "0\r\n\r\n";
}

TEST(HttpBody, Rfc9112_7_1_ChunkedBodyReachesTheHandlerWhole) {
  BodyRig rig;
  rig.start();
  Peer peer = rig.connect();
  for (const std::size_t size : {0U, 1U, 5U, 70'000U}) {
    const std::string body(size, 'b');
    peer.send(request("POST", "/a", kChunked, in_chunks(body, 255)));
    EXPECT_EQ(next_body(peer), "POST[" + body + "]");
  }
  peer.send(request("PUT", "/put/x", kChunked, "2;a=b\r\nhi\r\n0\r\nContent-Length: 9\r\n\r\n"));
  EXPECT_EQ(next_body(peer), "PUT[hi]");
}

TEST(HttpBody, Rfc9112_9_3_2_ChunkedBodiesArePipelined) {
  BodyRig rig;
  rig.start();
  const std::string trap = request("GET", "/a");
  const std::string stream = post("/a", "1") +
                             request("POST", "/a", kChunked, in_chunks(trap, 10)) +
                             request("POST", "/a", kChunked, in_chunks("", 1)) + trap +
                             request("POST", "/both", kChunked, in_chunks("22", 1)) +
                             upgrade_request("/both") + client_frame(test::kText, "hi");
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, stream.size()}) {
    Peer peer = rig.connect();
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      peer.send(stream.substr(at, piece));
      peer.pump();
    }
    EXPECT_EQ(next_body(peer), "POST[1]");
    EXPECT_EQ(next_body(peer), "POST[" + trap + "]");
    EXPECT_EQ(next_body(peer), "POST[]");
    EXPECT_EQ(next_body(peer), "GET[]");
    EXPECT_EQ(next_body(peer), "POST[22]");
    EXPECT_EQ(Rig::read_head(peer).find("HTTP/1.1 101 "), 0U);
    EXPECT_EQ(Rig::frame(peer).payload, "hi");
  }
}

// RFC 9112 §11.2: what follows a body that is in doubt is not a request.
TEST(HttpBody, Rfc9112_6_1_DoubtfulBodyEndsTheConnection) {
  BodyRig rig;
  rig.start();
  const std::string next = request("GET", "/a");
  const struct {
    std::string request;
    int status;
  } rows[] = {
      {request("POST", "/a", kChunked + with_length(5), in_chunks("hello", 9) + next), 400},
      {request("POST", "/a", with_length(0) + kChunked, in_chunks("", 9) + next), 400},
      {request("POST", "/a", kChunked + kChunked, in_chunks("", 9) + next), 400},
      {request("POST", "/a", "Transfer-Encoding: gzip\r\n", next), 400},
      {request("POST", "/a", "Transfer-Encoding: gzip, chunked\r\n", next), 501},
      {request("POST", "/a", kChunked, "5\nhello\n0\n\n" + next), 400},
      {request("POST", "/a", kChunked, "5\r\nhello!\r\n0\r\n\r\n" + next), 400},
      {request("POST", "/a", kChunked, "g\r\n" + next), 400},
      {request("POST", "/a", kChunked, "10000000000000000\r\n\r\n" + next), 400},
      {request("POST", "/a", kChunked, "0\r\nA : b\r\n\r\n" + next), 400},
      {request("POST", "/a", kChunked, "0;" + std::string(16'385, 'a')), 413},
      {request("POST", "/a", kChunked, "0\r\nA: " + std::string(8'190, 'a')), 431},
  };
  for (const auto& row : rows) {
    const std::string answer = rig.answer(row.request);
    EXPECT_EQ(answer.find("HTTP/1.1 " + std::to_string(row.status) + " "), 0U)
        << answer << "\n"
        << row.request.substr(0, 200);
    EXPECT_TRUE(has(answer, kClose)) << answer;
    EXPECT_FALSE(has(answer, "[")) << answer;
  }
}

TEST(HttpBody, ChunkedTooLarge_Is413AtTheSizeThatExceedsTheLimit) {
  ServerOptions options = quiet();
  options.limits.max_message_bytes = 1000;
  BodyRig rig(options);
  rig.start();
  const std::string most = "3e8\r\n" + std::string(1000, 'x') + "\r\n";
  EXPECT_TRUE(has(rig.answer(request("POST", "/a", kChunked + kClose, most + "0\r\n\r\n")),
                  "HTTP/1.1 200 "));
  EXPECT_EQ(rig.answer(request("POST", "/a", kChunked, most + "1\r\n")).find("HTTP/1.1 413 "), 0U);
  EXPECT_EQ(rig.answer(request("POST", "/a", kChunked, "3e9\r\n")).find("HTTP/1.1 413 "), 0U);
}

TEST(HttpBody, ChunkedIncomplete_Is408AndReachesNoHandler) {
  ServerOptions options = quiet();
  options.limits.message_timeout_ms = 50;
  BodyRig rig(options);
  rig.start();
  for (const char* chunks : {"", "5", "5\r\nhel", "5\r\nhello\r\n", "5\r\nhello\r\n0\r\n"}) {
    const std::string answer = rig.answer(request("POST", "/a", kChunked, chunks));
    EXPECT_EQ(answer.find("HTTP/1.1 408 "), 0U) << answer;
  }
}

TEST(HttpBody, Rfc9110_15_5_6_UnsupportedMethod_ResponseNamesAllowedMethods) {
  BodyRig rig;
  rig.start();
  const std::string put = rig.answer(request("PUT", "/a", with_length(5), "hello"));
  EXPECT_EQ(put.find("HTTP/1.1 405 "), 0U) << put;
  EXPECT_TRUE(has(put, "Allow: GET, HEAD, POST, OPTIONS\r\n")) << put;
  const std::string get = rig.answer(request("GET", "/put/x"));
  EXPECT_EQ(get.find("HTTP/1.1 405 "), 0U) << get;
  EXPECT_TRUE(has(get, "Allow: PUT, OPTIONS\r\n")) << get;
}

TEST(HttpBody, Rfc9110_10_1_1_Expect_Sends100Continue) {
  BodyRig rig;
  rig.start();
  Peer peer = rig.connect();
  peer.send(request("POST", "/a", with_length(2) + "Expect: 100-continue\r\n"));
  EXPECT_EQ(Rig::read_head(peer), "HTTP/1.1 100 Continue\r\n\r\n");
  peer.send("hi");
  EXPECT_EQ(next_body(peer), "POST[hi]");
  peer.send(request("POST", "/a", kChunked + "Expect: 100-continue\r\n"));
  EXPECT_EQ(Rig::read_head(peer), "HTTP/1.1 100 Continue\r\n\r\n");
  peer.send(in_chunks("hello", 2));
  EXPECT_EQ(next_body(peer), "POST[hello]");
  // 100 is not sent if the server will not read the body.
  const std::string large = "Content-Length: 99999999999\r\nExpect: 100-continue\r\n";
  EXPECT_EQ(rig.answer(request("POST", "/a", large)).find("HTTP/1.1 413 "), 0U);
  const std::string none = "Content-Length: 2\r\nExpect: 100-continue\r\n";
  EXPECT_EQ(rig.answer(request("DELETE", "/a", none)).find("HTTP/1.1 405 "), 0U);
}

// RFC 6455 gives the body of a handshake no meaning, so the server rejects the request.
TEST(HttpBody, UpgradeWithBody_IsRejected) {
  BodyRig rig;
  rig.start();
  std::string upgrade = upgrade_request("/both", with_length(2)) + "hi";
  EXPECT_EQ(rig.answer(upgrade).find("HTTP/1.1 400 "), 0U);
  upgrade = upgrade_request("/both", kChunked) + in_chunks("hi", 2);
  EXPECT_EQ(rig.answer(upgrade).find("HTTP/1.1 400 "), 0U);
}

// RFC 9110 §9.3.1: the content of a GET has no meaning. The connection ends after the response.
TEST(HttpBody, Get_BodyIsNotRead) {
  BodyRig rig;
  rig.start();
  const std::string answer =
      rig.answer(request("GET", "/a", with_length(20), request("GET", "/a")));
  EXPECT_EQ(answer.find("HTTP/1.1 200 "), 0U);
  EXPECT_TRUE(answer.ends_with("GET[]")) << answer;
  const std::string chunks = in_chunks(request("GET", "/a"), 64);
  EXPECT_TRUE(rig.answer(request("GET", "/a", kChunked, chunks)).ends_with("GET[]"));
}

}  // namespace
}  // namespace wsd
