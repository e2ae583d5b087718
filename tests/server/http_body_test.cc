// Requests with bodies on plain HTTP routes, as a client sees it.
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

// The body of the next answer on a connection that stays open.
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

// What follows the announced length is the next request, and this is none.
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

TEST(HttpBody, ThatDoesNotComeInTimeIsAnswered408) {
  ServerOptions options = quiet();
  options.limits.message_timeout_ms = 50;
  BodyRig rig(options);
  rig.start();
  const std::string answer = rig.answer(request("POST", "/a", with_length(3), "hi"));
  EXPECT_EQ(answer.find("HTTP/1.1 408 "), 0U) << answer;
  EXPECT_TRUE(has(answer, "the request body was not complete in time")) << answer;
}

// The time for a head begins anew after a body, and is the head's.
TEST(HttpBody, ThenTheNextHeadHasItsOwnTime) {
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

TEST(HttpBody, IsNeitherAskedForNorReadOfWhomTheJudgeRefuses) {
  Rig rig(quiet());
  std::atomic<int> asked = 0;
  rig.server.http(
      "POST", "/judged",
      [&](const Request& r) -> std::optional<Response> {
        ++asked;
        EXPECT_EQ(r.body(), "");
        if (r.header("X").empty()) return Response{401, "text/plain", "who are you?", {}};
        if (r.header("X") == "throw") throw std::runtime_error("judge");
        return std::nullopt;
      },
      [](const Request& r, const Responder& responder) {
        responder.respond(Response{200, "text/plain", "[" + std::string(r.body()) + "]", {}});
      });
  rig.start();
  // No byte of the body has to come for the answer, which ends the connection: what follows it
  // would be taken for a request.
  const std::string refused =
      rig.answer(request("POST", "/judged", with_length(70'000) + "Expect: 100-continue\r\n"));
  EXPECT_EQ(refused.find("HTTP/1.1 401 "), 0U) << refused;
  EXPECT_TRUE(has(refused, kClose)) << refused;
  EXPECT_FALSE(has(refused, "100 Continue")) << refused;
  EXPECT_EQ(
      rig.answer(request("POST", "/judged", "X: throw\r\n" + with_length(9))).find("HTTP/1.1 500 "),
      0U);
  EXPECT_EQ(asked, 2);
  // Whom it lets through, with and without a body: asked once each.
  Peer peer = rig.connect();
  peer.send(request("POST", "/judged", "X: a\r\n" + with_length(4), "body") +
            request("POST", "/judged", "X: a\r\n") + request("POST", "/judged"));
  EXPECT_EQ(next_body(peer), "[body]");
  EXPECT_EQ(next_body(peer), "[]");
  const std::string last = Rig::read_head(peer);
  EXPECT_EQ(last.find("HTTP/1.1 401 "), 0U) << last;
  EXPECT_FALSE(has(last, kClose)) << "there was no body to be left unread";
  EXPECT_EQ(asked, 5);
}

TEST(HttpBody, CountsInTheInputBudget) {
  ServerOptions options = quiet(1);
  options.limits.max_message_bytes = 4'000'000;
  options.limits.max_input_bytes = 4'000'000;
  BodyRig rig(options);
  rig.start();
  Peer first = rig.connect();
  first.send(request("POST", "/a", with_length(3'500'000), std::string(3'000'000, 'x')));
  Peer second = rig.connect();
  second.send(request("POST", "/a", with_length(3'500'000), std::string(3'000'000, 'x')));
  // Whichever of them is over the budget first.
  ASSERT_TRUE(test::until([&] { return !first.input.empty() || !second.input.empty(); },
                          [&] {
                            first.pump();
                            second.pump();
                          }));
  Peer& refused = first.input.empty() ? second : first;
  EXPECT_EQ(Rig::read_head(refused).find("HTTP/1.1 503 "), 0U);
}

TEST(HttpBody, Rfc9112_7_TransferCodingsAreNotRead) {
  BodyRig rig;
  rig.start();
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  const std::string body = "5\r\nhello\r\n0\r\n\r\n" + request("GET", "/a");
  const std::string answer = rig.answer(request("POST", "/a", chunked, body));
  EXPECT_EQ(answer.find("HTTP/1.1 501 "), 0U) << answer;
  EXPECT_FALSE(has(answer, "GET["));
  EXPECT_EQ(rig.answer(request("POST", "/a", chunked + with_length(5), body)).find("HTTP/1.1 400 "),
            0U);
}

TEST(HttpBody, Rfc9110_15_5_6_OtherMethodsAreToldWhichAreThere) {
  BodyRig rig;
  rig.start();
  const std::string put = rig.answer(request("PUT", "/a", with_length(5), "hello"));
  EXPECT_EQ(put.find("HTTP/1.1 405 "), 0U) << put;
  EXPECT_TRUE(has(put, "Allow: GET, HEAD, POST\r\n")) << put;
  const std::string get = rig.answer(request("GET", "/put/x"));
  EXPECT_EQ(get.find("HTTP/1.1 405 "), 0U) << get;
  EXPECT_TRUE(has(get, "Allow: PUT\r\n")) << get;
}

TEST(HttpBody, Rfc9110_10_1_1_WhoWaitsForItIsToldToContinue) {
  BodyRig rig;
  rig.start();
  Peer peer = rig.connect();
  peer.send(request("POST", "/a", with_length(2) + "Expect: 100-continue\r\n"));
  EXPECT_EQ(Rig::read_head(peer), "HTTP/1.1 100 Continue\r\n\r\n");
  peer.send("hi");
  EXPECT_EQ(next_body(peer), "POST[hi]");
  // Not where no body will be read.
  const std::string large = "Content-Length: 99999999999\r\nExpect: 100-continue\r\n";
  EXPECT_EQ(rig.answer(request("POST", "/a", large)).find("HTTP/1.1 413 "), 0U);
  const std::string none = "Content-Length: 2\r\nExpect: 100-continue\r\n";
  EXPECT_EQ(rig.answer(request("DELETE", "/a", none)).find("HTTP/1.1 405 "), 0U);
}

// RFC 6455 has no use for one; a peer that means it for something else gets no chance.
TEST(HttpBody, AnUpgradeHasNone) {
  BodyRig rig;
  rig.start();
  std::string upgrade = upgrade_request("/both", with_length(2)) + "hi";
  EXPECT_EQ(rig.answer(upgrade).find("HTTP/1.1 400 "), 0U);
}

// RFC 9110 §9.3.1: its content has no meaning, and the end of the connection is what follows.
TEST(HttpBody, OfAGetIsNotRead) {
  BodyRig rig;
  rig.start();
  const std::string answer =
      rig.answer(request("GET", "/a", with_length(20), request("GET", "/a")));
  EXPECT_EQ(answer.find("HTTP/1.1 200 "), 0U);
  EXPECT_TRUE(answer.ends_with("GET[]")) << answer;
}

}  // namespace
}  // namespace wsd
