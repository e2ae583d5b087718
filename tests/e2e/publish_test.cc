// Rooms for products: publishing over HTTP, history, and reconnecting without a gap.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "support/expect.h"
#include "support/publish_client.h"
#include "support/server_process.h"
#include "support/tools.h"

namespace e2e {
namespace {

const std::vector<std::string> kOpen = {"--publish", "loopback",   "--history-messages",
                                        "1000",      "--reactors", "2"};
class Publish : public SharedServer {
 protected:
  static void SetUpTestSuite() { start(kOpen); }
};

TEST_F(Publish, ReachesMembersAndReturnsPosition) {
  RawClient publisher = server().connect();
  for (const std::string room : {"/rooms/p1", "/rooms/p2", "/rooms/p3", "/rooms/p4"}) {
    RawClient member = server().connect();
    ASSERT_TRUE(opens(member, room + "?last=100"));
    const Place first = published(publisher, room, "h\xc3\xa9llo");
    EXPECT_TRUE(receives_text(member, "h\xc3\xa9llo"));
    EXPECT_NE(first.epoch, 0U);
    EXPECT_LT(first.epoch, std::uint64_t{1} << 53);
    EXPECT_EQ(first.seq, 1U);
    const Place second = published(publisher, room, "{}", "Content-Type: application/json\r\n");
    EXPECT_TRUE(receives_text(member, "{}"));
    EXPECT_EQ(second.epoch, first.epoch);
    EXPECT_EQ(second.seq, 2U);
    published(publisher, room, "\xff\x01", "Content-Type: image/png\r\n");
    EXPECT_TRUE(receives(member, kBinary, "\xff\x01"));
    published(publisher, room, "untyped", "");
    EXPECT_TRUE(receives_text(member, "untyped"));
    published(publisher, room, "");
    EXPECT_TRUE(receives_text(member, ""));
    const std::string large(300'000, 'L');
    EXPECT_EQ(published(publisher, room, large).seq, 6U);
    EXPECT_TRUE(receives_text(member, large));
  }
}

TEST_F(Publish, PipelinedPublishesKeepTheirOrder) {
  RawClient publisher = server().connect();
  std::string stream;
  for (int i = 1; i <= 200; ++i) stream += post("/rooms/pipe", std::to_string(i));
  publisher.send(stream);
  for (std::uint64_t i = 1; i <= 200; ++i) {
    const auto response = publisher.read_response();
    ASSERT_TRUE(response);
    ASSERT_EQ(number_in(response->body, "seq"), i);
  }
  RawClient member = server().connect();
  ASSERT_TRUE(opens(member, "/rooms/pipe?last=200"));
  for (int i = 1; i <= 200; ++i) ASSERT_TRUE(receives_text(member, std::to_string(i)));
}

TEST_F(Publish, Get_ReturnsTheStateOfARoom) {
  RawClient client = server().connect();
  const std::string get = RequestText::get("/rooms/caf%C3%A9%20%22x%22");
  EXPECT_EQ(answer(client, get).body,
            "{\"room\":\"caf\xc3\xa9 \\\"x\\\"\",\"members\":0,\"epoch\":0,\"seq\":0}\n");
  std::vector<RawClient> members;
  for (int i = 0; i < 5; ++i) {
    members.push_back(server().connect());
    ASSERT_TRUE(opens(members.back(), "/rooms/caf%C3%A9%20%22x%22?last=1"));
    const Place place = published(client, "/rooms/caf%C3%A9%20%22x%22", std::to_string(i));
    if (i != 0) {
      ASSERT_TRUE(receives_text(members.back(), std::to_string(i - 1)));
    }
    ASSERT_TRUE(receives_text(members.back(), std::to_string(i)));
    const std::string body = answer(client, get).body;
    EXPECT_EQ(number_in(body, "members"), static_cast<std::uint64_t>(i) + 1);
    EXPECT_EQ(number_in(body, "epoch"), place.epoch);
    EXPECT_EQ(number_in(body, "seq"), place.seq);
  }
}

TEST_F(Publish, BodyOfAnotherLength_IsNotSmuggled) {
  {
    RawClient client = server().connect();  // longer: the extra bytes are not a request
    client.send("POST /rooms/len HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n" +
                kPlainText + "\r\nok{\"more\":1}");
    const auto first = client.read_response();
    ASSERT_TRUE(first);
    EXPECT_EQ(first->status, 200);
    EXPECT_TRUE(is_refused(client, {400}));
  }
  {
    RawClient client = server().connect();  // shorter: nothing is published
    client.send("POST /rooms/len HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200\r\n" +
                kPlainText + "\r\n" + post("/rooms/len", "smuggled"));
    client.shutdown_write();
    EXPECT_EQ(client.read_end(), End::kFin);
  }
  RawClient client = server().connect();
  EXPECT_EQ(published(client, "/rooms/len", "next").seq, 2U);
  RawClient member = server().connect();
  ASSERT_TRUE(opens(member, "/rooms/len?last=10"));
  EXPECT_TRUE(receives_text(member, "ok"));
  EXPECT_TRUE(receives_text(member, "next"));
}

std::string with_key(const std::string& key) {
  return kPlainText + "Idempotency-Key: " + key + "\r\n";
}

// The rooms have their homes on both reactors, and so have the clients.
TEST_F(Publish, SameIdempotencyKey_IsPublishedOnce) {
  for (const std::string room : {"/rooms/k1", "/rooms/k2", "/rooms/k3", "/rooms/k4"}) {
    RawClient member = server().connect();
    ASSERT_TRUE(opens(member, room));
    RawClient first = server().connect();
    const Place place = published(first, room, "a", with_key("k"));
    for (int i = 0; i < 4; ++i) {
      RawClient again = server().connect();
      EXPECT_EQ(published(again, room, "a", with_key("\"k\"")).text(), place.text());
    }
    EXPECT_EQ(answer(first, post(room, "b", with_key("k"))).status, 422);
    EXPECT_EQ(
        answer(first, post(room, "a", "Content-Type: image/png\r\nIdempotency-Key: k\r\n")).status,
        422)
        << "a binary message is another one";
    EXPECT_EQ(published(first, room, "b", with_key("l")).seq, 2U);
    EXPECT_TRUE(receives_text(member, "a"));
    EXPECT_TRUE(receives_text(member, "b"));
  }
}

TEST_F(Publish, PipelinedRequestsWithOneKey_HaveOnePosition) {
  RawClient client = server().connect();
  std::string requests;
  for (int i = 0; i < 50; ++i) requests += post("/rooms/pipelined-key", "x", with_key("k"));
  client.send(requests);
  for (int i = 0; i < 50; ++i) {
    const auto response = client.read_response();
    ASSERT_TRUE(response);
    EXPECT_EQ(number_in(response->body, "seq"), 1U);
  }
}

TEST_F(Publish, InvalidIdempotencyKey_Is400) {
  RawClient client = server().connect();
  for (const std::string& fields :
       {with_key(""), with_key("a b"), with_key("\"a"), with_key("caf\xc3\xa9"),
        with_key(std::string(256, 'k')), with_key("a") + "Idempotency-Key: a\r\n"}) {
    EXPECT_EQ(answer(client, post("/rooms/bad-key", "x", fields)).status, 400) << fields;
  }
  EXPECT_EQ(published(client, "/rooms/bad-key", "x", with_key(std::string(255, 'k'))).seq, 1U);
}

TEST_F(Publish, InvalidInput_IsRejectedAndConnectionStaysOpen) {
  const std::string long_name(129, 'n');
  struct Row {
    std::string target;
    std::string body;
    std::string fields;
    int status;
  };
  const std::vector<Row> rows = {
      {"/rooms/a%00b", "x", kPlainText, 400},
      {"/rooms/a%0Ab", "x", kPlainText, 400},
      {"/rooms/%ff", "x", kPlainText, 400},
      {"/rooms/%c3%28", "x", kPlainText, 400},
      {"/rooms/" + long_name, "x", kPlainText, 400},
      {"/rooms/a", "\xff", kPlainText, 400},
      {"/rooms/a", "\xed\xa0\x80", "Content-Type: application/json\r\n", 400},
      {"/rooms/a", std::string("nul \0 is text", 13), kPlainText, 200},
      {"/rooms/..", "x", kPlainText, 400},
      {"/rooms/%2e%2e%2fetc", "x", kPlainText, 400},
      {"/rooms/" + long_name.substr(1), "x", kPlainText, 200},
  };
  for (const Row& row : rows) {
    RawClient client = server().connect();
    EXPECT_EQ(answer(client, post(row.target, row.body, row.fields)).status, row.status)
        << row.target << " " << row.body;
  }
  RawClient client = server().connect();
  EXPECT_EQ(answer(client, post("/rooms/a", "\xff")).status, 400);
  EXPECT_EQ(answer(client, post("/rooms/%ff", "x")).status, 400);
  EXPECT_EQ(published(client, "/rooms/a", "still here").seq, 2U);
}

TEST_F(Publish, UnsupportedRequest_GetsItsStatus) {
  const std::vector<std::pair<std::string, int>> rows = {
      {post("/rooms/", "x"), 404},
      {post("/rooms/a/b", "x"), 404},
      {"DELETE /rooms/a HTTP/1.1\r\nHost: localhost\r\n\r\n", 405},
      {"POST /rooms/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 16777217\r\n\r\n", 413},
      {"POST /rooms/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: "
       "2\r\n\r\nxx",
       400},
      {post("/rooms/%0a", "x"), 400},
  };
  for (const auto& [request, status] : rows) {
    RawClient client = server().connect();
    const HttpResponse response = answer(client, request);
    EXPECT_EQ(response.status, status) << request;
    if (status == 405) {
      EXPECT_EQ(response.get("Allow"), "POST, GET, HEAD, OPTIONS");
    }
  }
}

TEST_F(Publish, ProxyOrBrowserField_IsNotLoopback) {
  for (const std::string field :
       {"X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1", "X-Real-IP: 192.0.2.1",
        "Origin: http://evil.example", "Via: 1.1 cdn", "X-Forwarded-Proto: https",
        "X-Forwarded-Host: chat.example", "Sec-Fetch-Site: cross-site",
        "X-Forwarded-For:", "Origin:", "X-Forwarded-For:\r\nX-Forwarded-For: 192.0.2.1",
        "Forwarded:\r\nForwarded: for=192.0.2.1"}) {
    RawClient client = server().connect();
    EXPECT_EQ(answer(client, post("/rooms/a", "x", field + "\r\n")).status, 403) << field;
  }
}

TEST_F(Publish, ExpectContinueIsAnswered) {
  RawClient client = server().connect();
  client.send(
      "POST /rooms/expect HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
      "Expect: 100-continue\r\n\r\n");
  ASSERT_TRUE(client.receives_within(patience()));
  EXPECT_TRUE(client.pending().empty() || client.pending().starts_with("HTTP/1.1 100 "));
  client.send("ok");
  const auto response = client.read_response();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
}

TEST_F(Publish, InvalidPosition_IsRejectedAtHandshake) {
  for (const std::string query :
       {"last_event_id=abc", "last_event_id=1:", "last_event_id=-1:2", "last_event_id=",
        "last_event_id=18446744073709551616:1", "last_event_id=1:18446744073709551616",
        "last_event_id=1:2&last_event_id=1:3", "last=-1", "last=x", "last=4294967296"}) {
    RawClient client = server().connect();
    client.send(RequestText::upgrade("/rooms/a?" + query).text());
    EXPECT_TRUE(is_refused(client, {400})) << query;
  }
}

TEST_F(Publish, PositionNotInHistory_IsReportedAsGap) {
  RawClient publisher = server().connect();
  const Place place = published(publisher, "/rooms/gap", "one");
  published(publisher, "/rooms/gap", "two");
  const auto joined = [&](const std::string& id) {
    RawClient member = server().connect();
    EXPECT_TRUE(opens_meta(member, "/rooms/gap?last_event_id=" + id));
    return member;
  };
  RawClient known = joined(place.text());
  EXPECT_EQ(read_meta(known).payload, "two");
  RawClient strange = joined(Place{place.epoch + 1, 1}.text());
  const Meta notice = read_meta(strange);
  EXPECT_EQ(notice.content_type, "application/vnd.wsd.gap");
  EXPECT_EQ(notice.payload, "");
  EXPECT_EQ(notice.id, (Place{place.epoch, 0}.text()));
  EXPECT_EQ(read_meta(strange).payload, "one");
  EXPECT_EQ(read_meta(strange).payload, "two");
  // A client that resumes from the notice continues at the same position.
  RawClient again = joined(notice.id);
  EXPECT_EQ(read_meta(again).payload, "one");
}

// A client that has got no message yet learns its position at the join.
TEST_F(Publish, SilentJoin_TellsThePositionFromWhichToResume) {
  for (const std::string& query : {std::string(), std::string("?last=10")}) {
    const std::string room = "/rooms/silent" + std::to_string(query.size());
    RawClient member = server().connect();
    ASSERT_TRUE(opens_meta(member, room + query));
    const Meta told = read_meta(member);
    EXPECT_EQ(told.content_type, "application/vnd.wsd.position");
    EXPECT_EQ(told.payload, "");
    member.reset();
    RawClient publisher = server().connect();
    published(publisher, room, "missed");
    RawClient again = server().connect();
    ASSERT_TRUE(opens_meta(again, room + "?last_event_id=" + told.id));
    const Meta missed = read_meta(again);
    EXPECT_EQ(missed.payload, "missed");
    EXPECT_EQ(missed.content_type, "") << "no gap notice";
  }
}

// Members leave and rejoin from their last position while publishing continues. They receive 1..N
// without gaps or duplicates.
TEST_F(Publish, ResumingIsExactWhilePublishingGoesOn) {
  static constexpr int kMessages = 900;
  constexpr int kMembers = 6;
  std::vector<std::thread> members;
  std::vector<std::string> verdicts(kMembers);
  for (int m = 0; m < kMembers; ++m) {
    members.emplace_back([m, &verdict = verdicts[static_cast<std::size_t>(m)]] {
      std::string id;
      int connections = 0;
      for (int next = 1; next <= kMessages;) {
        RawClient member = server().connect();
        const std::string from = id.empty() ? "last=1000" : "last_event_id=" + id;
        if (!opens_meta(member, "/rooms/resume?" + from)) {
          verdict = "no handshake";
          return;
        }
        ++connections;
        const int until = std::min(kMessages, next + 3 + (m * 7 + connections * 5) % 40);
        for (; next <= until; ++next) {
          Meta meta = read_meta(member);
          if (id.empty() && meta.content_type == "application/vnd.wsd.position") {
            id = meta.id;  // the room had no message yet
            meta = read_meta(member);
          }
          if (meta.payload != std::to_string(next) || !meta.content_type.empty()) {
            verdict = "not " + std::to_string(next) + " but '" + meta.payload + "' at " + meta.id;
            return;
          }
          id = meta.id;
        }
        if (connections % 2 == 0) member.reset();
      }
      verdict = "ok";
    });
  }
  // Two publishers on separate connections take turns, so the order is known.
  std::vector<RawClient> publishers;
  for (int i = 0; i < 2; ++i) publishers.push_back(server().connect());
  for (int i = 1; i <= kMessages; ++i) {
    ASSERT_EQ(
        published(publishers[static_cast<std::size_t>(i % 2)], "/rooms/resume", std::to_string(i))
            .seq,
        static_cast<std::uint64_t>(i));
  }
  for (std::thread& each : members) each.join();
  for (const std::string& each : verdicts) EXPECT_EQ(each, "ok");
}

// The replay exceeds the send queue's limit, which does not apply to a replay.
TEST(PublishServer, ReplayBeyondQueueLimit_IsComplete) {
  ServerProcess server({"--publish", "loopback", "--history-messages", "300", "--history-bytes",
                        "32MiB", "--reactors", "2"});
  RawClient publisher = server.connect();
  for (int i = 0; i < 300; ++i) {
    published(publisher, "/rooms/big", std::to_string(i) + std::string(60'000, 'x'));
  }
  RawClient slow = server.connect(4096);
  ASSERT_TRUE(opens(slow, "/rooms/big?last=300"));
  published(publisher, "/rooms/big", "live");
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(receives_text(slow, std::to_string(i) + std::string(60'000, 'x'))) << i;
  }
  EXPECT_TRUE(receives_text(slow, "live"));
}

TEST(PublishServer, WithoutFlag_PublishingIsOff) {
  ServerProcess server;
  RawClient post_client = server.connect();
  EXPECT_EQ(answer(post_client, post("/rooms/a", "x")).status, 405);
  RawClient get_client = server.connect();
  EXPECT_EQ(answer(get_client, RequestText::get("/rooms/a")).status, 426);
}

TEST(PublishServer, EmptyRoomWithoutHistory_HasNoPositions) {
  ServerProcess server({"--publish", "loopback"});
  RawClient client = server.connect();
  const Place place = published(client, "/rooms/nobody", "x");
  EXPECT_EQ(place.epoch, 0U);
  EXPECT_EQ(place.seq, 0U);
}

TEST(PublishServer, HistoryAges) {
  ServerProcess server(
      {"--publish", "loopback", "--history-messages", "10", "--history-age", "50ms"});
  RawClient client = server.connect();
  const Place place = published(client, "/rooms/age", "x");
  EXPECT_EQ(place.seq, 1U);
  const std::string before = "/rooms/age?last_event_id=" + Place{place.epoch, 0}.text();
  EXPECT_TRUE(eventually([&] {
    RawClient member = server.connect();
    return opens_meta(member, before) &&
           read_meta(member).content_type == "application/vnd.wsd.gap";
  }));
  const Place next = published(client, "/rooms/age", "x");
  EXPECT_EQ(next.epoch, place.epoch) << "the room continues its numbering";
  EXPECT_EQ(next.seq, 2U);
}

TEST(PublishServer, PublishToken_AllowsItsHolder) {
  const TemporaryDirectory directory;
  const std::string token = "0123456789abcdef0123456789ABCDEF";
  ServerProcess server({"--publish-token-file", directory.write("token", token + "\n")});
  const auto status = [&](const std::string& fields) {
    RawClient client = server.connect();
    client.send(post("/rooms/a", "x", fields));
    const auto response = client.read_response();
    if (!response) return 0;
    // RFC 9110 §15.5.2: a 401 names the required scheme.
    EXPECT_EQ(response->status == 401, response->get("WWW-Authenticate") == "Bearer");
    EXPECT_EQ(response->body.find(token), std::string::npos);
    return response->status;
  };
  EXPECT_EQ(status("Authorization: Bearer " + token + "\r\n"), 200);
  EXPECT_EQ(status(""), 401);
  EXPECT_EQ(status("Authorization: Bearer " + token + "x\r\n"), 403);
  EXPECT_EQ(status("Authorization: Bearer \r\n"), 403);
  EXPECT_EQ(status("Authorization: Basic " + token + "\r\n"), 403);
  EXPECT_EQ(status("Authorization: Bearer \x01" + token + "\r\n"), 400);  // RFC 9110 §5.5
  EXPECT_EQ(status("Authorization: Bearer " + token + std::string(1, '\0') + "\r\n"), 400);
  RawClient client = server.connect();
  EXPECT_EQ(answer(client, RequestText::get("/rooms/a")).status, 401);
  // The rejection comes before the client has sent any of the body.
  RawClient stranger = server.connect();
  stranger.send("POST /rooms/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n");
  EXPECT_EQ(stranger.read_response().value_or(HttpResponse{}).status, 401);
  EXPECT_EQ(stranger.read_end(), End::kFin);
  EXPECT_TRUE(server.ends_cleanly());
  EXPECT_EQ(server.process().output().find(token), std::string::npos);
}

TEST(PublishServer, InvalidConfiguration_ErrorIsASentence) {
  const TemporaryDirectory directory;
  const auto fails = [](const std::vector<std::string>& flags, const std::string& part) {
    const Output output = run(server_command(flags));
    EXPECT_EQ(output.status.code, 78) << output.all();
    EXPECT_NE(output.all().find(part), std::string::npos) << output.all();
  };
  fails({"--publish", "token"}, "--publish-token-file");
  fails({"--publish-token-file", directory.file("none")}, "cannot read the token file");
  fails({"--publish-token-file", directory.write("short", "x\n")},
        ", the file of --publish-token-file, has 1 character; it must have 16 to 512");
  fails({"--history-messages", "1000001"}, "--history-messages");
  fails({"--history-messages", "1", "--history-memory", "1KiB"}, "--history-memory");
  const std::vector<std::string> shares = {"--history-messages", "1", "--history-memory", "16MiB",
                                           "--reactors",         "64"};
  fails(shares, "for each of the 64 reactors");
  std::vector<std::string> check = shares;
  check.emplace_back("--check-config");
  fails(check, "for each of the 64 reactors");
  fails({"--reactors", "64", "--room-rule", "a history-messages=1 history-bytes=5MiB"},
        "--room-rule 'a': --history-memory must be at least");
}

TEST(ForeignPublish, CurlPublishesAndAsks) {
  E2E_REQUIRE(curl());
  ServerProcess server(kOpen);
  const std::string url = "http://127.0.0.1:" + std::to_string(server.port()) + "/rooms/c";
  const Output output =
      run(curl().with({"--fail", "-H", "Content-Type: text/plain", "-H", "Expect: 100-continue",
                       "--data-binary", "hello", url, "--next", "--silent", "--fail", url}));
  EXPECT_EQ(output.status.code, 0) << output.all();
  EXPECT_NE(output.out.find("\"seq\":1}"), std::string::npos) << output.all();
  EXPECT_NE(output.out.find("\"members\":0,"), std::string::npos) << output.all();
}

// Nchan's own client, unchanged, with this server.
TEST(ForeignPublish, NchanSubscriberResumes) {
  E2E_REQUIRE(node_with_nchan());
  constexpr int kMessages = 100;
  ServerProcess server(kOpen);
  const std::string url = "ws://127.0.0.1:" + std::to_string(server.port()) + "/rooms/n?last=1000";
  Subprocess node(node_with_nchan().with({url, std::to_string(kMessages)}));
  ASSERT_TRUE(node.wait_for_line("subscribed", 0, std::chrono::seconds(60))) << node.output();
  RawClient publisher = server.connect();
  for (int i = 1; i <= kMessages; ++i) published(publisher, "/rooms/n", std::to_string(i));
  const auto status = node.wait_exit(std::chrono::seconds(60));
  ASSERT_TRUE(status) << node.output();
  EXPECT_EQ(status->code, 0) << node.output();
  EXPECT_NE(node.output().find("ok resumed "), std::string::npos) << node.output();
}

}  // namespace
}  // namespace e2e
