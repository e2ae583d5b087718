// What HTTP clients of publishers send: bodies in chunks, offers of h2c, all kinds of content
// types, and room names as browsers write them.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/expect.h"
#include "support/server_process.h"
#include "support/tools.h"

namespace e2e {
namespace {

const std::vector<std::string> kOpen = {"--publish", "loopback", "--history-messages", "1000"};
const std::string kPlainText = "Content-Type: text/plain\r\n";

std::string post(const std::string& target, const std::string& body, const std::string& fields) {
  return "POST " + target +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         fields + "\r\n" + body;
}

std::string post_chunks(const std::string& target, const std::string& chunks,
                        const std::string& fields = kPlainText) {
  return "POST " + target + " HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n" +
         fields + "\r\n" + chunks;
}

HttpResponse answer(RawClient& client, const std::string& request) {
  client.send(request);
  return client.read_response().value_or(HttpResponse{});
}

class Publishers : public SharedServer {
 protected:
  static void SetUpTestSuite() { start(kOpen); }

  // Expects that the room has exactly these text messages.
  static void expect_texts(const std::string& room, const std::vector<std::string>& texts) {
    RawClient member = server().connect();
    ASSERT_TRUE(opens(member, room + "?last=1000"));
    for (const std::string& text : texts) EXPECT_TRUE(receives_text(member, text));
    RawClient client = server().connect();
    EXPECT_NE(answer(client, RequestText::get(room))
                  .body.find("\"seq\":" + std::to_string(texts.size()) + "}"),
              std::string::npos);
  }
};

TEST_F(Publishers, Rfc9112_7_1_ChunkedBodies_ArePublishedInOrder) {
  const std::string stream =
      post("/rooms/chunks", "one", kPlainText) +
      post_chunks("/rooms/chunks", "1\r\nt\r\n2;a=\"b\"\r\nwo\r\n0\r\nA: b\r\n\r\n") +
      post_chunks("/rooms/chunks", "0\r\n\r\n") + post("/rooms/chunks", "0\r\n\r\n", kPlainText) +
      post_chunks("/rooms/chunks", "004\r\nfive\r\n000\r\n\r\n");
  std::vector<std::string> texts;
  for (const std::size_t size : {std::size_t{1}, std::size_t{7}, stream.size()}) {
    RawClient client = server().connect();
    ASSERT_TRUE(client.send_in_pieces(stream, size));
    for (const char* text : {"one", "two", "", "0\r\n\r\n", "five"}) {
      EXPECT_EQ(client.read_response().value_or(HttpResponse{}).status, 200);
      texts.emplace_back(text);
    }
  }
  expect_texts("/rooms/chunks", texts);
}

TEST_F(Publishers, Rfc9112_7_1_BrokenChunks_PublishNothing) {
  const std::string smuggled = post("/rooms/broken", "smuggled", kPlainText);
  const std::vector<std::pair<std::string, int>> rows = {
      {post_chunks("/rooms/broken", "5\nhello\n0\n\n"), 400},
      {post_chunks("/rooms/broken", "4\r\nhello\r\n0\r\n\r\n"), 400},
      {post_chunks("/rooms/broken", "-1\r\n"), 400},
      {post_chunks("/rooms/broken", "fffffffffffffffff\r\n"), 400},
      {post_chunks("/rooms/broken", "1000001\r\n"), 413},
      {post_chunks("/rooms/broken", "0\r\n\r\n", "Content-Length: 5\r\n"), 400},
      {post_chunks("/rooms/broken", "0\r\n\r\n", "Transfer-Encoding: identity\r\n"), 400},
      {"POST /rooms/broken HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"POST /rooms/broken HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
       501},
  };
  for (const auto& [request, status] : rows) {
    RawClient client = server().connect();
    client.send(request + smuggled);
    EXPECT_TRUE(is_refused(client, {status})) << request;
  }
  expect_texts("/rooms/broken", {});
}

TEST_F(Publishers, Rfc9110_10_1_1_ExpectContinue_ChunksFollowIt) {
  RawClient client = server().connect();
  client.send(post_chunks("/rooms/continue", "", kPlainText + "Expect: 100-continue\r\n"));
  ASSERT_TRUE(client.receives_within(patience()));  // the 100, which read_response() skips
  EXPECT_EQ(answer(client, "2\r\nok\r\n0\r\n\r\n").status, 200);
  expect_texts("/rooms/continue", {"ok"});
}

// The bytes of java.net.http.HttpClient of JDK 17 for a body of known and of unknown length.
TEST_F(Publishers, Rfc9110_7_8_OfferOfH2c_IsIgnored) {
  const std::string offer =
      "Host: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
      "HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA\r\n"
      "User-Agent: Java-http-client/17.0.21.1\r\n";
  RawClient client = server().connect();
  const std::string start = "POST /rooms/java HTTP/1.1\r\n" + offer;
  EXPECT_EQ(answer(client, start + "Content-Length: 2\r\n\r\nhi").status, 200);
  EXPECT_EQ(answer(client, start + "Transfer-encoding: chunked\r\n\r\n2\r\nho\r\n0\r\n\r\n").status,
            200);
  // These paths serve WebSocket too.
  for (const char* path : {"/rooms/java", "/", "/healthz", "/rooms/java/members"}) {
    const std::string get = "GET " + std::string(path) + " HTTP/1.1\r\n" + offer + "\r\n";
    EXPECT_EQ(answer(client, get).status, 200) << path;
  }
  const HttpResponse absent = answer(client, "GET /none HTTP/1.1\r\n" + offer + "\r\n");
  EXPECT_EQ(absent.status, 404);
  EXPECT_FALSE(absent.has_token("Connection", "close"));
  client.send(RequestText::upgrade().set("Upgrade", "h2c, websocket").text());
  EXPECT_TRUE(is_upgraded(client));
  expect_texts("/rooms/java", {"hi", "ho"});
}

TEST_F(Publishers, Utf8_IsText_UnlessTheTypeIsBinary) {
  RawClient client = server().connect();
  RawClient member = server().connect();
  ASSERT_TRUE(opens(member, "/rooms/types?last=1000"));
  for (const std::string type :
       {"", "Content-Type: application/x-www-form-urlencoded\r\n",
        "Content-Type: application/cloudevents+json\r\n", "Content-Type: application/xml\r\n"}) {
    EXPECT_EQ(answer(client, post("/rooms/types", "caf\xc3\xa9", type)).status, 200) << type;
    EXPECT_TRUE(receives_text(member, "caf\xc3\xa9")) << type;
  }
  for (const std::string type :
       {"Content-Type: application/octet-stream\r\n", "Content-Type: image/png\r\n",
        "Content-Type: application/x-protobuf\r\n"}) {
    EXPECT_EQ(answer(client, post("/rooms/types", "text", type)).status, 200) << type;
    EXPECT_TRUE(receives(member, kBinary, "text")) << type;
  }
  EXPECT_EQ(answer(client, post("/rooms/types", "\xff", "")).status, 200);
  EXPECT_TRUE(receives(member, kBinary, "\xff"));
  EXPECT_EQ(answer(client, post("/rooms/types", "\xff", kPlainText)).status, 400);
}

TEST_F(Publishers, Rfc9110_15_5_16_ContentCoding_Is415) {
  for (const std::string coding :
       {"Content-Encoding: gzip\r\n", "Content-Encoding: identity, br\r\n",
        "Content-Encoding: identity\r\nContent-Encoding: x\r\n"}) {
    RawClient client = server().connect();
    // The response does not wait for the body.
    client.send("POST /rooms/coding HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n" + coding +
                "\r\n");
    HttpResponse response;
    EXPECT_TRUE(is_refused(client, {415}, &response)) << coding;
    EXPECT_EQ(response.get("Accept-Encoding"), "identity");  // RFC 9110 §12.5.3
  }
  RawClient client = server().connect();
  for (const std::string none : {"Content-Encoding: Identity\r\n", "Content-Encoding:\r\n"}) {
    EXPECT_EQ(answer(client, post("/rooms/coding", "x", none)).status, 200) << none;
  }
  expect_texts("/rooms/coding", {"x", "x"});
}

// Browsers send some bytes of a path as they are (WHATWG URL §1.3). The room is the same as with
// these bytes encoded.
TEST_F(Publishers, RoomNames_AsClientsWriteThem) {
  const struct {
    const char* written;
    const char* encoded;
    const char* in_json;
  } rows[] = {
      {"order[5]", "order%5B5%5D", "order[5]"},
      {"100%", "100%25", "100%"},
      {"x%zz", "x%25zz", "x%zz"},
      {"a|b^c", "a%7Cb%5Ec", "a|b^c"},
      {"{a}`", "%7Ba%7D%60", "{a}`"},
      {"o'neil;a:b@c,d=e!$&()*+~", "o%27neil%3Ba%3Ab%40c%2Cd%3De%21%24%26%28%29%2A%2B%7E",
       "o'neil;a:b@c,d=e!$&()*+~"},
      {"a%2Fb", "%61%2f%62", "a/b"},
      {"a%5Cb", "%61%5c%62", "a\\\\b"},
      {"a%2Fmembers", "a%2fmembers", "a/members"},
  };
  for (const auto& row : rows) {
    const std::string written = std::string("/rooms/") + row.written;
    const std::string encoded = std::string("/rooms/") + row.encoded;
    RawClient member = server().connect();
    ASSERT_TRUE(opens(member, written + "?last=9")) << written;
    RawClient client = server().connect();
    EXPECT_EQ(answer(client, post(encoded, "hi", kPlainText)).status, 200) << encoded;
    EXPECT_TRUE(receives_text(member, "hi")) << written;
    EXPECT_EQ(answer(client, post(written, "ho", kPlainText)).status, 200) << written;
    EXPECT_TRUE(receives_text(member, "ho")) << written;
    EXPECT_EQ(answer(client, RequestText::get(encoded))
                  .body.find(std::string("{\"room\":\"") + row.in_json + '"'),
              0U);
    const HttpResponse members = answer(client, RequestText::get(written + "/members"));
    EXPECT_EQ(members.body.find("{\"members\":1,"), 0U) << members.describe();
  }
}

// An encoded slash is a byte of the room's name, never a separator of the path.
TEST_F(Publishers, EncodedSlash_SeparatesNothing) {
  for (const char* path : {"/rooms%2Fa", "/rooms/a/b"}) {
    RawClient client = server().connect();
    EXPECT_EQ(answer(client, post(path, "x", kPlainText)).status, 404) << path;
  }
  for (const char* path : {"/rooms/a%2F..%2Fb", "/rooms/..%2Fb", "/rooms/a%5C.", "/rooms/a\\b"}) {
    RawClient refused = server().connect();
    refused.send(post(path, "", kPlainText));
    EXPECT_TRUE(is_refused(refused, {400})) << path;
  }
}

class ForeignPublishers : public Publishers {
 protected:
  static void SetUpTestSuite() { start(kOpen); }
  static std::string url(const std::string& room) {
    return "http://127.0.0.1:" + std::to_string(server().port()) + room;
  }
};

TEST_F(ForeignPublishers, Curl) {
  E2E_REQUIRE(curl());
  const auto publish = [](const std::vector<std::string>& arguments) {
    std::vector<std::string> all = {"--fail-with-body", "--globoff"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const Output output = run(curl().with(all));
    EXPECT_EQ(output.status.code, 0) << output.all();
    EXPECT_NE(output.out.find("\"seq\":"), std::string::npos) << output.all();
  };
  const std::string room = url("/rooms/curl");
  publish({"--data", "form", room});
  publish({"--http2", "--data", "h2c", room});
  publish({"--http2", room});
  publish({"--header", "Transfer-Encoding: chunked", "--data", "chunks", room});
  publish({"--header", "Transfer-Encoding: chunked", "--header", "Expect: 100-continue", "--data",
           "continued", room});
  // From its standard input curl reads a body of unknown length.
  Command upload =
      curl().with({"--fail-with-body", "--request", "POST", "--upload-file", "-", room});
  upload.argv.insert(upload.argv.begin(), {"sh", "-c", "printf upload | exec \"$@\"", "sh"});
  const Output output = run(upload);
  EXPECT_NE(output.out.find("\"seq\":5}"), std::string::npos) << output.all();
  expect_texts("/rooms/curl", {"form", "h2c", "chunks", "continued", "upload"});
  publish({"--data", "hi", url("/rooms/order[5]%")});
}

TEST_F(ForeignPublishers, Node) {
  E2E_REQUIRE(node_with_ws());
  const Output output =
      run(node_with_ws().with({client_script("publish_stream.cjs"), url("/rooms/node")}));
  EXPECT_EQ(output.out, "200\n200\n") << output.all();
  expect_texts("/rooms/node", {"{\"by\":\"request\"}", "{\"by\":\"fetch\"}"});
}

TEST_F(ForeignPublishers, Python) {
  E2E_REQUIRE(python_with_websockets());
  const Output output = run(python_with_websockets().with(
      {client_script("publish_stream.py"), "127.0.0.1:" + std::to_string(server().port()),
       "/rooms/python"}));
  EXPECT_EQ(output.out, "200\n200\n200\n") << output.all();
  expect_texts("/rooms/python", {"by generator", "", std::string(300'000, 'x')});
}

}  // namespace
}  // namespace e2e
