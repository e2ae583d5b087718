// Limits on one client's use of the real daemon.

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "support/expect.h"
#include "support/server_process.h"
#include "support/tools.h"

namespace e2e {
namespace {

std::string end_line(ServerProcess& server, const std::string& address) {
  return server.wait_for_end_of(address).value_or("no line");
}

TEST(Rates, ConnectionsPerAddress_AreLimitedOverAllReactors) {
  ServerProcess server({"--reactors", "4", "--max-connections-per-address", "3"});
  ASSERT_TRUE(server.listening());
  std::vector<RawClient> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(server.connect());
    ASSERT_TRUE(opens(clients.back()));
  }
  for (int i = 0; i < 8; ++i) {
    RawClient client = server.connect();
    const std::string address = client.local_address();
    client.send(RequestText::upgrade().text());
    HttpResponse response;
    ASSERT_TRUE(is_refused(client, {429}, &response));
    EXPECT_EQ(response.body, "too many connections from this address\n");
    const std::string line = end_line(server, address);
    EXPECT_EQ(log_value(line, "cause"), "address_limit") << line;
    EXPECT_EQ(log_value(line, "status"), "429");
  }
  const std::string address = clients.back().local_address();
  EXPECT_TRUE(closes_normally(clients.back()));
  EXPECT_EQ(log_value(end_line(server, address), "cause"), "peer_closed");
  RawClient again = server.connect();
  EXPECT_TRUE(opens(again));
}

TEST(Rates, Ipv4AndIpv6AreTwoAddresses) {
  ServerProcess server({"--listen", "[::]:0", "--max-connections-per-address", "1"});
  ASSERT_TRUE(server.listening());
  RawClient v4 = server.connect();
  RawClient v6 = RawClient::tcp6(server.port());
  if (!v4.connected() || !v6.connected()) GTEST_SKIP() << "no socket for both kinds here";
  EXPECT_TRUE(opens(v4)) << "an IPv4 peer, as ::ffff:127.0.0.1";
  EXPECT_TRUE(opens(v6));
  RawClient second = server.connect();
  second.send(RequestText::upgrade().text());
  EXPECT_TRUE(is_refused(second, {429}));
}

TEST(Rates, PeersOfAUnixSocketAreExempt) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("s");
  ServerProcess server({"--listen", "unix:" + path, "--max-connections-per-address", "1",
                        "--max-handshakes-per-second", "1"});
  ASSERT_TRUE(server.listening());
  std::vector<RawClient> clients;
  for (int i = 0; i < 10; ++i) {
    clients.push_back(RawClient::unix_socket(path));
    ASSERT_TRUE(opens(clients.back())) << i;
  }
}

TEST(Rates, HandshakesPerAddress_AreLimited) {
  ServerProcess server({"--reactors", "4", "--max-handshakes-per-second", "1"});
  ASSERT_TRUE(server.listening());
  HttpResponse response;
  std::string address;
  for (int i = 0; i < 1'000 && response.status != 429; ++i) {
    RawClient client = server.connect();
    address = client.local_address();
    client.send(RequestText::upgrade().text());
    response = client.read_response().value_or(HttpResponse{});
  }
  ASSERT_EQ(response.status, 429);
  EXPECT_EQ(response.get("Retry-After"), "1");
  EXPECT_TRUE(response.has_token("Connection", "close"));
  EXPECT_EQ(response.body, "too many handshakes from this address, try again later\n");
  EXPECT_EQ(log_value(end_line(server, address), "cause"), "address_limit");
}

TEST(Rates, MessagesPerSecond_AreLimited) {
  ServerProcess server({"--max-messages-per-second", "10"});
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  const std::string address = client.local_address();
  ASSERT_TRUE(opens(client));
  std::string burst;
  for (int i = 0; i < 10; ++i) burst += text_frame(std::to_string(i));
  ASSERT_TRUE(client.send(burst));
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(receives_text(client, std::to_string(i)));
  // However long that took, at most ten more are allowed at once.
  for (int i = 0; i < 3; ++i) client.send(burst);
  std::optional<Frame> frame;
  do {
    frame = client.read_frame();
  } while (frame && frame->opcode == kText);
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->close_code(), 1008U);
  EXPECT_EQ(frame->payload.substr(2), "too many messages per second");
  client.close();
  EXPECT_EQ(log_value(end_line(server, address), "cause"), "rate_limit");
}

TEST(Rates, BytesPerSecond_AreLimited) {
  ServerProcess server({"--max-bytes-per-second", "4KiB"});
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  const std::string address = client.local_address();
  ASSERT_TRUE(opens(client));
  EXPECT_TRUE(echoes(client, std::string(4000, 'x')));
  client.send(binary_frame(std::string(100'000, 'y')));
  const auto frame = client.read_frame();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->close_code(), 1008U) << frame->describe();
  EXPECT_EQ(frame->payload.substr(2), "too many bytes per second");
  client.close();
  EXPECT_EQ(log_value(end_line(server, address), "cause"), "rate_limit");
}

TEST(Rates, TotalRooms_AreLimited) {
  for (const char* reactors : {"1", "3"}) {
    ServerProcess server({"--max-rooms", "2", "--reactors", reactors});
    ASSERT_TRUE(server.listening());
    std::vector<RawClient> members;
    for (const char* room : {"/rooms/a", "/rooms/b", "/rooms/a"}) {
      members.push_back(server.connect());
      ASSERT_TRUE(opens(members.back(), room));
      // The client has joined when its message comes back.
      ASSERT_TRUE(members.back().send(text_frame("in")));
      ASSERT_TRUE(receives_text(members.back(), "in"));
    }
    RawClient one_more = server.connect();
    const std::string address = one_more.local_address();
    ASSERT_TRUE(opens(one_more, "/rooms/c"));
    const auto frame = one_more.read_frame();
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->close_code(), 1008U) << frame->describe();
    EXPECT_EQ(frame->payload.substr(2), "too many rooms");
    one_more.close();
    EXPECT_EQ(log_value(end_line(server, address), "cause"), "room_limit");
    EXPECT_TRUE(closes_normally(members[1]));
    // The room ends when its home shard, possibly on another thread, has processed the leave.
    EXPECT_TRUE(eventually([&] {
      RawClient now = server.connect();
      if (!opens(now, "/rooms/d") || !now.send(text_frame("in"))) return false;
      const auto answer = now.read_frame();
      return answer && answer->payload == "in";
    }));
  }
}

// The limit applies to plain HTTP requests as well as to handshakes.
TEST(Rates, TokenGuessingOverHttp_IsRateLimited) {
  const TemporaryDirectory directory;
  ServerProcess server({"--auth-file", directory.write("users", "0123456789abcdef ann read=*\n"),
                        "--max-handshakes-per-second", "3"});
  ASSERT_TRUE(server.listening());
  const auto ask = [](const std::string& token) {
    return RequestText::get("/rooms/a/members").set("Authorization", "Bearer " + token).text();
  };
  RawClient client = server.connect();
  std::string many;
  for (int i = 0; i < 100; ++i) many += ask("guess-number-" + std::to_string(1000 + i));
  client.send(many);
  int refused = 0;
  std::optional<HttpResponse> last;
  while ((last = client.read_response()) && last->status != 429) ++refused;
  ASSERT_TRUE(last) << "the guesses are not limited";
  EXPECT_GE(refused, 3);
  EXPECT_EQ(last->get("Retry-After"), "1");
  EXPECT_EQ(last->body, "too many rejected requests from this address, try again later\n");
  // The limit soon allows requests again, and a client with a valid token is allowed.
  EXPECT_TRUE(eventually([&] {
    RawClient ann = server.connect();
    ann.send(ask("0123456789abcdef"));
    return ann.read_response().value_or(HttpResponse{}).status == 200;
  }));
}

}  // namespace
}  // namespace e2e
