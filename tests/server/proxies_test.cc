// Client addresses behind proxies, through the public API: which proxies and fields are trusted.
#include <gtest/gtest.h>

#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/peer.h"
#include "server/server_rig.h"
#include "wsd/server.h"

namespace wsd {
namespace {

using test::client_frame;
using test::kClose;
using test::Peer;
using test::quiet;
using test::upgrade_request;
using Rig = test::ServerRig;

ServerOptions trusting(std::vector<std::string> networks) {
  ServerOptions options = quiet();
  options.proxy.trusted = std::move(networks);
  return options;
}

ServerOptions with_headers() {
  ServerOptions options = trusting({"127.0.0.0/8"});
  options.proxy.proxy_protocol = true;
  return options;
}

// "/whoami" responds with request.remote(), or with "peer" if no proxy has named a client.
void serve(Rig& rig) {
  rig.server.http("/whoami", [](const Request& request) {
    std::string remote(request.remote());
    if (remote.starts_with("127.0.0.1:")) remote = "peer";
    return Response{200, "text/plain", remote + "\n", {}};
  });
  rig.server.route("/", {});
  rig.start();
}

std::string body_of(const std::string& answer) {
  return answer.substr(std::min(answer.size(), answer.find("\r\n\r\n") + 4));
}

std::string whoami(const Rig& rig, const std::string& fields, const std::string& before = {}) {
  return body_of(rig.answer(before + "GET /whoami HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" +
                            fields + "\r\n"));
}

constexpr const char* kXff = "X-Forwarded-For: 192.0.2.1\r\n";
constexpr const char* kForwarded = "Forwarded: for=198.51.100.2\r\n";

TEST(Proxies, ByDefault_NoProxyIsTrusted) {
  Rig rig;
  serve(rig);
  EXPECT_EQ(whoami(rig, ""), "peer\n");
  EXPECT_EQ(whoami(rig, std::string(kXff) + kForwarded), "peer\n");
}

TEST(Proxies, UntrustedPeer_FieldsAreIgnored) {
  Rig rig(trusting({"10.0.0.0/8", "127.0.0.2", "::/0", "unix"}));
  serve(rig);
  for (const std::string fields :
       {"X-Forwarded-For: 192.0.2.1\r\n", "X-Forwarded-For: 192.0.2.1, 10.0.0.1\r\n",
        "Forwarded: for=192.0.2.1\r\n", "X-Real-IP: 192.0.2.1\r\n",
        "Forwarded: for=192.0.2.1\r\nX-Forwarded-For: 192.0.2.1\r\n"}) {
    EXPECT_EQ(whoami(rig, fields), "peer\n") << fields;
  }
}

TEST(Proxies, ATrustedPeerNamesItsClient) {
  Rig rig(trusting({"127.0.0.0/8", "10.0.0.0/8"}));
  serve(rig);
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"", "peer\n"},
      {kXff, "192.0.2.1\n"},
      {"X-Forwarded-For: 6.6.6.6, 192.0.2.1, 10.0.0.1\r\n", "192.0.2.1\n"},
      {"X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1\n"},
      {"X-Forwarded-For: 2001:db8::7\r\n", "[2001:db8::7]\n"},
      {"X-Forwarded-For: 6.6.6.6, garbage\r\n", "peer\n"},
      {"X-Forwarded-For: 6.6.6.6, garbage, 10.0.0.1\r\n", "10.0.0.1\n"},
      {kForwarded, "peer\n"},  // not the configured field
      {std::string(kXff) + kForwarded, "192.0.2.1\n"},
      {"X-Real-IP: 6.6.6.6\r\n", "peer\n"},
  };
  for (const auto& [fields, client] : rows) EXPECT_EQ(whoami(rig, fields), client) << fields;
}

TEST(Proxies, Rfc7239_ForwardedWhereItIsConfigured) {
  ServerOptions options = trusting({"127.0.0.1"});
  options.proxy.field = ForwardedField::kForwarded;
  Rig rig(options);
  serve(rig);
  EXPECT_EQ(whoami(rig, std::string(kXff) + kForwarded), "198.51.100.2\n");
  EXPECT_EQ(whoami(rig, "Forwarded: for=\"[2001:db8::7]:4711\";proto=https\r\n"),
            "[2001:db8::7]:4711\n");
  EXPECT_EQ(whoami(rig, "Forwarded: for=6.6.6.6, for=_hidden\r\n"), "peer\n");
  EXPECT_EQ(whoami(rig, kXff), "peer\n");
}

TEST(Proxies, EachRequestOfAConnectionHasItsOwnClient) {
  std::vector<std::string> clients;
  Rig rig(trusting({"127.0.0.1"}));
  serve(rig);
  Peer peer = rig.connect();
  const std::string get = "GET /whoami HTTP/1.1\r\nHost: h\r\n";
  peer.send(get + kXff + "\r\n" + get + "X-Forwarded-For: 192.0.2.2\r\n\r\n" + get + "\r\n" + get +
            "X-Forwarded-For: 192.0.2.3\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(Rig::until(peer, [&] { return peer.end() != Peer::End::kOpen; }));
  for (std::string head = peer.take_head(); !head.empty(); head = peer.take_head()) {
    const std::size_t end = peer.input.find('\n');
    clients.push_back(peer.input.substr(0, end));
    peer.input.erase(0, end + 1);
  }
  EXPECT_EQ(clients, (std::vector<std::string>{"192.0.2.1", "192.0.2.2", "peer", "192.0.2.3"}));
}

TEST(Proxies, ConnectionLimit_CountsConnectionsOfTheClient) {
  ServerOptions options = trusting({"127.0.0.1"});
  options.rates.max_connections_per_address = 1;
  Rig rig(options);
  serve(rig);
  for (int round = 0; round < 5; ++round) {
    {
      Peer one = rig.open("/", kXff);
      const Peer two = rig.open("/", "X-Forwarded-For: 192.0.2.2\r\n");
      const Peer three = rig.open("/", "X-Forwarded-For: 2001:db8::7\r\n");
      const Peer proxy = rig.open();
      // The same clients with another port, in another notation, and with another address in a /64.
      for (const std::string again :
           {"X-Forwarded-For: 192.0.2.1:4711\r\n", "X-Forwarded-For: 6.6.6.6, ::ffff:192.0.2.1\r\n",
            "X-Forwarded-For: [2001:db8::8]:80\r\n", ""}) {
        const std::string answer = rig.answer(upgrade_request("/", again));
        EXPECT_EQ(answer.find("HTTP/1.1 429 "), 0U) << again << answer;
      }
      one.send(client_frame(kClose, test::close_payload(1000)));
      EXPECT_EQ(Rig::frame(one).opcode, kClose);
      one.close();
      EXPECT_TRUE(test::until([&] { return rig.server.connection_count() == 3; },
                              [] { std::this_thread::yield(); }));
      Peer again = rig.open("/", kXff);
      again.reset();
    }
    EXPECT_TRUE(rig.emptied());
  }
}

TEST(Proxies, HandshakesAreCountedForTheClient) {
  ServerOptions options = trusting({"127.0.0.1"});
  options.rates.max_handshakes_per_second = 1;
  std::string answer;
  Rig rig(options);
  serve(rig);
  // Allowed at any speed, because each is the first handshake of its address.
  for (int i = 1; i < 100; ++i) {
    const Peer peer = rig.open("/", "X-Forwarded-For: 192.0.2." + std::to_string(i) + "\r\n");
  }
  for (int i = 0; i < 1'000 && answer.find("HTTP/1.1 429 ") != 0; ++i) {
    answer = rig.answer(upgrade_request("/", std::string(kXff) + "Origin: https://evil\r\n"));
  }
  EXPECT_EQ(answer.find("HTTP/1.1 429 "), 0U) << answer;
}

TEST(Proxies, HandlersAndListings_ReportTheClient) {
  test::Signal seen;
  std::string at_open;
  std::string at_close;
  Rig rig(trusting({"127.0.0.1"}));
  rig.server.route("/", {.open = [&](Connection& c) { at_open = c.remote(); },
                         .close =
                             [&](Connection& c, const CloseInfo&) {
                               at_close = c.remote();
                               seen.raise();
                             }});
  rig.start();
  Peer peer = rig.open("/", kXff);
  const auto rows = rig.server.connections({}).rows;
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].remote, "192.0.2.1");
  peer.send(client_frame(kClose, test::close_payload(1000)));
  ASSERT_TRUE(seen.wait());
  EXPECT_EQ(at_open, "192.0.2.1");
  EXPECT_EQ(at_close, "192.0.2.1");
}

std::uint64_t ended_by_header(const Rig& rig) {
  return rig.server.stats().ended_total[static_cast<std::size_t>(CloseCause::kProxyHeader)];
}

const std::string kV2 = std::string("\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0C", 16) +
                        std::string("\xC0\x00\x02\x01\xC6\x33\x64\x02\x12\x67\x01\xBB", 12);

TEST(Proxies, AProxyHeaderNamesTheClient) {
  Rig rig(with_headers());
  serve(rig);
  EXPECT_EQ(whoami(rig, "", "PROXY TCP4 192.0.2.1 198.51.100.2 4711 443\r\n"), "192.0.2.1:4711\n");
  EXPECT_EQ(whoami(rig, "", "PROXY TCP6 2001:db8::7 ::1 4711 443\r\n"), "[2001:db8::7]:4711\n");
  EXPECT_EQ(whoami(rig, "", kV2), "192.0.2.1:4711\n");
  EXPECT_EQ(whoami(rig, "", "PROXY UNKNOWN\r\n"), "peer\n");
  EXPECT_EQ(whoami(rig, "", std::string("\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00", 16)), "peer\n");
  EXPECT_EQ(ended_by_header(rig), 0U);
}

TEST(Proxies, ProxyHeader_FieldsAreIgnored) {
  Rig rig(with_headers());
  serve(rig);
  EXPECT_EQ(whoami(rig, "X-Forwarded-For: 6.6.6.6\r\n", kV2), "192.0.2.1:4711\n");
  EXPECT_EQ(whoami(rig, "X-Forwarded-For: 6.6.6.6\r\n", "PROXY UNKNOWN\r\n"), "peer\n");
  EXPECT_EQ(
      whoami(rig, "X-Forwarded-For: 6.6.6.6\r\n", "PROXY TCP4 127.0.0.9 127.0.0.1 4711 443\r\n"),
      "127.0.0.9:4711\n")
      << "also if the named client is in a trusted network";
}

TEST(Proxies, WithoutAProxyHeaderAConnectionEndsWithoutAnAnswer) {
  Rig rig(with_headers());
  serve(rig);
  std::uint64_t ended = 0;
  for (const std::string& bytes :
       {upgrade_request(), std::string("PROXY TCP4 1.2.3.4 x\r\n"), std::string("\r\n\r\nGET /")}) {
    EXPECT_EQ(rig.answer(bytes), "");
    EXPECT_TRUE(rig.emptied());
    EXPECT_EQ(ended_by_header(rig), ++ended);
  }
}

TEST(Proxies, UntrustedPeer_ProxyHeaderEndsConnection) {
  ServerOptions options = with_headers();
  options.proxy.trusted = {"10.0.0.0/8", "unix"};
  Rig rig(options);
  serve(rig);
  EXPECT_EQ(rig.answer("PROXY TCP4 192.0.2.1 198.51.100.2 4711 443\r\n" + upgrade_request()), "");
  EXPECT_TRUE(rig.emptied());
  EXPECT_EQ(ended_by_header(rig), 1U);
}

TEST(Proxies, ProxyHeader_CountsInTheHandshakeTimeout) {
  ServerOptions options = with_headers();
  options.upgrade.handshake_timeout_ms = 50;
  Rig rig(options);
  serve(rig);
  for (const std::string begun : {"", "PROXY TCP4 192", "PROXY UNKNOWN\r\n"}) {
    EXPECT_EQ(rig.answer(begun), "") << begun;
  }
  EXPECT_EQ(rig.answer("PROXY UNKNOWN\r\nGET /").find("HTTP/1.1 408 "), 0U);
  EXPECT_TRUE(rig.emptied());
  EXPECT_EQ(rig.server.stats().ended_total[static_cast<std::size_t>(CloseCause::kHandshakeTimeout)],
            4U);
}

TEST(Proxies, ConnectionsBehindAProxyHeaderAreCountedForTheClient) {
  ServerOptions options = with_headers();
  options.rates.max_connections_per_address = 1;
  Rig rig(options);
  serve(rig);
  const auto open = [&](const std::string& line) {
    Peer peer = rig.connect();
    peer.send(line + upgrade_request());
    const std::string head = Rig::read_head(peer);
    return std::pair(head.substr(9, 3), std::move(peer));
  };
  for (int round = 0; round < 3; ++round) {
    auto one = open("PROXY TCP4 192.0.2.1 198.51.100.2 1 443\r\n");
    auto two = open("PROXY TCP4 192.0.2.2 198.51.100.2 1 443\r\n");
    auto again = open("PROXY TCP4 192.0.2.1 198.51.100.2 2 443\r\n");
    EXPECT_EQ(one.first, "101");
    EXPECT_EQ(two.first, "101");
    EXPECT_EQ(again.first, "429");
    one.second.reset();
    two.second.reset();
    again.second.close();
    EXPECT_TRUE(rig.emptied());
  }
}

}  // namespace
}  // namespace wsd
