// Plain HTTP on the daemon: keep-alive, pipelining, methods and deadlines, and how the log shows
// bytes from a peer.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/expect.h"
#include "support/server_process.h"

namespace e2e {
namespace {

using std::chrono::milliseconds;

class Http : public SharedServer {};

std::string healthz() { return RequestText::get("/healthz"); }

AssertionResult answers(RawClient& client, int status, HttpResponse* response,
                        bool head_request = false) {
  const auto answer = client.read_response(head_request);
  if (!answer) return ::testing::AssertionFailure() << "no response: " << end_name(client.end());
  *response = *answer;
  if (answer->status == status) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << status << " expected, but: " << answer->describe();
}

AssertionResult answers(RawClient& client, int status) {
  HttpResponse ignored;
  return answers(client, status, &ignored);
}

// Expects that the stream continues or ends as the response announced (RFC 9112 §9.3).
void expect_fate_as_announced(RawClient& client, const HttpResponse& response) {
  if (response.has_token("Connection", "close")) {
    EXPECT_EQ(client.read_end(), End::kFin);
    return;
  }
  client.send(healthz());
  EXPECT_TRUE(answers(client, 200));
}

TEST_F(Http, HealthIsKeptAlive) {
  RawClient client = server().connect();
  for (int i = 0; i < 5; ++i) {
    client.send(healthz());
    HttpResponse response;
    ASSERT_TRUE(answers(client, 200, &response));
    EXPECT_FALSE(response.body.empty());
    EXPECT_FALSE(response.has_token("Connection", "close"));
    EXPECT_TRUE(response.has("Date"));  // RFC 9110 §6.6.1
  }
}

TEST_F(Http, PipelinedRequestsAreAnsweredInOrder) {
  RawClient client = server().connect();
  const std::string page = RequestText::get("/");
  client.send(healthz() + page + healthz() + page);
  std::vector<std::string> types;
  for (int i = 0; i < 4; ++i) {
    HttpResponse response;
    ASSERT_TRUE(answers(client, 200, &response));
    types.push_back(response.get("Content-Type"));
  }
  EXPECT_EQ(types[0], types[2]);
  EXPECT_EQ(types[1], types[3]);
  EXPECT_NE(types[0], types[1]);
  EXPECT_TRUE(types[1].starts_with("text/html")) << types[1];
}

TEST_F(Http, PipelinedRequestsSurviveAnyCut) {
  const std::string requests = healthz() + healthz() + healthz();
  for (std::size_t size = 1; size < 80; size += 6) {
    RawClient client = server().connect();
    ASSERT_TRUE(client.send_in_pieces(requests, size));
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(answers(client, 200)) << "pieces of " << size;
  }
}

TEST_F(Http, UpgradeAfterPlainRequests) {
  RawClient client = server().connect();
  client.send(healthz() + RequestText::upgrade().text() + text_frame("and a frame"));
  EXPECT_TRUE(answers(client, 200));
  ASSERT_TRUE(is_upgraded(client));
  EXPECT_TRUE(receives_text(client, "and a frame"));
}

TEST_F(Http, HeadHasTheLengthAndNoBody) {
  RawClient client = server().connect();
  client.send(healthz());
  HttpResponse got;
  ASSERT_TRUE(answers(client, 200, &got));
  client.send(RequestText::get("").line("HEAD /healthz HTTP/1.1").text() + healthz());
  HttpResponse head;
  ASSERT_TRUE(answers(client, 200, &head, true));
  EXPECT_EQ(head.get("Content-Length"), std::to_string(got.body.size()));
  EXPECT_TRUE(answers(client, 200));
}

TEST_F(Http, UnknownPathIs404) {
  RawClient client = server().connect();
  client.send(RequestText::get("/no-such-path").text());
  HttpResponse response;
  ASSERT_TRUE(answers(client, 404, &response));
  expect_fate_as_announced(client, response);
}

TEST_F(Http, Rfc9110_10_2_1_OtherMethodIs405WithAllow) {
  for (const char* method : {"DELETE", "PUT", "POST", "PATCH"}) {
    RawClient client = server().connect();
    client.send(RequestText::get("").line(std::string(method) + " /healthz HTTP/1.1").text());
    HttpResponse response;
    ASSERT_TRUE(answers(client, 405, &response)) << method;
    EXPECT_TRUE(response.has_token("Allow", "GET")) << response.describe();
    EXPECT_TRUE(response.has_token("Allow", "HEAD")) << response.describe();
    EXPECT_TRUE(response.has_token("Allow", "OPTIONS")) << response.describe();
    expect_fate_as_announced(client, response);
  }
}

TEST_F(Http, Http10IsClosed) {
  RawClient client = server().connect();
  client.send("GET /healthz HTTP/1.0\r\n\r\n");
  HttpResponse response;
  ASSERT_TRUE(answers(client, 200, &response));
  EXPECT_EQ(response.version, "HTTP/1.1");  // RFC 9110 §2.5: the server's own
  EXPECT_EQ(client.read_end(), End::kFin);
}

// RFC 9110 §9.3.7: also about the server as a whole, and from HAProxy's "option httpchk", whose
// request has no Host.
TEST_F(Http, Rfc9110_9_3_7_OptionsNamesTheMethods) {
  for (const char* line : {"OPTIONS / HTTP/1.0", "OPTIONS * HTTP/1.0", "OPTIONS * HTTP/1.1",
                           "OPTIONS /healthz HTTP/1.1", "OPTIONS /echo HTTP/1.1"}) {
    RawClient client = server().connect();
    client.send(RequestText::get("").line(line).text());
    HttpResponse response;
    ASSERT_TRUE(answers(client, 200, &response)) << line;
    EXPECT_TRUE(response.has_token("Allow", "GET")) << line << response.describe();
    EXPECT_TRUE(response.has_token("Allow", "OPTIONS")) << line << response.describe();
    EXPECT_EQ(response.body, "");
    expect_fate_as_announced(client, response);
  }
}

// RFC 9112 §9.3, §C.2.2: a client of HTTP/1.0 keeps the connection only if the server says so.
TEST_F(Http, Rfc9112_9_3_Http10_KeepAliveIsConfirmed) {
  RawClient client = server().connect();
  for (int i = 0; i < 2; ++i) {
    client.send("GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    HttpResponse response;
    ASSERT_TRUE(answers(client, 200, &response));
    EXPECT_TRUE(response.has_token("Connection", "keep-alive")) << response.describe();
    EXPECT_EQ(response.get("Keep-Alive"), "timeout=75");
  }
}

TEST_F(Http, ConnectionCloseIsClosed) {
  RawClient client = server().connect();
  client.send(RequestText::get("/healthz").add("Connection", "close").text() + healthz());
  HttpResponse response;
  ASSERT_TRUE(answers(client, 200, &response));
  EXPECT_TRUE(response.has_token("Connection", "close")) << response.describe();
  EXPECT_EQ(client.read_end(), End::kFin);
}

TEST_F(Http, HalfClosedClient_GetsItsResponse) {
  RawClient client = server().connect();
  client.send(healthz());
  client.shutdown_write();
  EXPECT_TRUE(answers(client, 200));
  EXPECT_EQ(client.read_end(), End::kFin);
}

TEST_F(Http, UpgradeOnHttpPath_GetsPlainResponse) {
  RawClient client = server().connect();
  client.send(RequestText::upgrade("/healthz").text());
  const auto response = client.read_response();
  ASSERT_TRUE(response);
  EXPECT_NE(response->status, 101);
}

TEST_F(Http, EofInsideHead_GetsNoResponse) {
  RawClient client = server().connect();
  const std::string address = client.local_address();
  client.send("GET /echo HTTP/1.1\r\nHost: loca");
  client.shutdown_write();
  EXPECT_EQ(client.read_end(), End::kFin);
  const auto line = server().wait_for_end_of(address);
  ASSERT_TRUE(line);
  EXPECT_EQ(log_value(*line, "cause"), "eof") << *line;
}

TEST(HttpDeadline, DrippedHeadEndsIn408AtTheTotalDeadline) {
  ServerProcess server({"--handshake-timeout", "300ms"});
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  client.send("GET /echo HTTP/1.1\r\nHost: localhost\r\nX-Drip: ");
  // Bytes keep arriving, but the deadline applies to the whole head.
  const auto limit = Clock::now() + patience();
  while (!client.receives_within(milliseconds(20)) && Clock::now() < limit) client.send("x");
  EXPECT_TRUE(is_refused(client, {408}));
}

TEST(HttpDeadline, IdleConnection_OutlivesTheHandshakeTimeout) {
  ServerProcess server({"--handshake-timeout", "50ms", "--reactors", "1"});
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  client.send(healthz());
  ASSERT_TRUE(answers(client, 200));
  RawClient silent = server.connect();  // it ends when the handshake timeout has passed for both
  EXPECT_EQ(silent.read_end(), End::kFin);
  client.send(healthz());
  EXPECT_TRUE(answers(client, 200));
}

TEST(HttpDeadline, IdleConnection_EndsAfterTheTimeThatItWasTold) {
  ServerProcess server({"--keep-alive-timeout", "1s"});
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  client.send(healthz());
  HttpResponse response;
  ASSERT_TRUE(answers(client, 200, &response));
  EXPECT_EQ(response.get("Keep-Alive"), "timeout=1");
  EXPECT_EQ(client.read_end(), End::kFin);
}

// Balancers that check a port by a connect must not fill the log.
TEST(HttpLog, ProbesThatSendNothing_AreCountedAndNotLogged) {
  ServerProcess server({"--admin", "127.0.0.1:0"});
  ASSERT_TRUE(server.listening());
  for (int i = 0; i < 20; ++i) {
    RawClient probe = server.connect();
    if (i % 2 == 0) probe.reset();
  }
  for (int i = 0; i < 20; ++i) {
    RawClient probe = server.connect();
    probe.send(healthz());
    ASSERT_TRUE(answers(probe, 200));
    if (i % 2 == 0) probe.reset();
  }
  const std::string line = server.process().wait_for_line("^admin on ").value_or(":0");
  const auto admin = static_cast<std::uint16_t>(std::stoi(line.substr(line.rfind(':') + 1)));
  const auto counts = [&](const std::string& text) {
    RawClient client = RawClient::tcp(admin);
    client.send(RequestText::get("/metrics").set("Host", "localhost").text());
    return client.read_response().value_or(HttpResponse{}).body.find(text) != std::string::npos;
  };
  EXPECT_TRUE(eventually([&] {
    return counts("wsd_connections_ended_total{cause=\"probe\"} 20\n") &&
           counts("wsd_connections_ended_total{cause=\"http_done\"} 20\n");
  }));
  EXPECT_TRUE(server.ends_cleanly());
  for (const std::string& each : server.process().lines()) {
    EXPECT_EQ(each.find("connection_end"), std::string::npos) << each;
  }
}

TEST(HttpDeadline, SilentConnectionIsClosed) {
  ServerProcess server({"--handshake-timeout", "300ms"});
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  const std::string address = client.local_address();
  EXPECT_EQ(client.read_until_end(), End::kFin);
  const auto line = server.wait_for_end_of(address);
  ASSERT_TRUE(line);
  EXPECT_EQ(log_value(*line, "cause"), "handshake_timeout") << *line;
}

// CWE-117: bytes from a peer cannot start a log line or control the operator's terminal.
class LogOfHostileBytes : public ::testing::TestWithParam<std::string> {};

TEST_P(LogOfHostileBytes, IsOnePrintableLinePerConnection) {
  ServerProcess server({"--log-format", GetParam(), "--log-level", "debug"});
  ASSERT_TRUE(server.listening());
  const std::string agent = "\"} \\ evil=1 \xc2\x9b[31m \xff\xfe " + std::string(4096, 'A');
  std::vector<std::string> addresses;
  for (const std::string& request : {
           RequestText::upgrade().add("User-Agent", agent).text(),
           RequestText::upgrade("/no/%0d%0aevent=fake%1b[2J").add("User-Agent", agent).text(),
           RequestText::upgrade("/a\x1b[2J").text(),
           RequestText::upgrade().raw(std::string("X: \0\x1b]0;x\x07", 10)).text(),
           RequestText::upgrade().add("Origin", "http://evil.example\\\"\xe2\x80\xae").text(),
       }) {
    RawClient client = server.connect();
    addresses.push_back(client.local_address());
    client.send(request);
    ASSERT_TRUE(client.read_response());
    client.shutdown_write();
    EXPECT_EQ(client.read_until_end(), End::kFin);
  }
  // The peer also chooses the text of a close reason.
  RawClient client = server.connect();
  addresses.push_back(client.local_address());
  ASSERT_TRUE(opens(client));
  client.send(close_frame(1000, "bye\r\nevent=fake \x1b[31m\""));
  EXPECT_TRUE(is_ended_with(client, 1000));
  for (const std::string& address : addresses) {
    EXPECT_TRUE(server.wait_for_end_of(address)) << address << "\n" << server.process().output();
  }
  EXPECT_TRUE(server.ends_cleanly());
  for (const std::string& line : server.process().lines()) {
    EXPECT_TRUE(std::all_of(line.begin(), line.end(), [](char c) { return c >= 0x20 && c < 0x7f; }))
        << printable(line);
    EXPECT_LT(line.size(), 2048U) << printable(line);
    EXPECT_FALSE(line.starts_with("event=fake")) << line;
  }
  for (const std::string& address : addresses) {
    const auto lines = server.process().lines();
    EXPECT_EQ(std::count_if(lines.begin(), lines.end(),
                            [&](const std::string& line) {
                              return line.find("_end") != std::string::npos &&
                                     line.find(address) != std::string::npos;
                            }),
              1);
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, LogOfHostileBytes, ::testing::Values("text", "json"),
                         [](const ::testing::TestParamInfo<std::string>& format) {
                           return format.param;
                         });

}  // namespace
}  // namespace e2e
