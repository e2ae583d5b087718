#include "net/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <string>
#include <utility>
#include <vector>

namespace wsd::net {
namespace {

ListenAddress parsed(std::string_view text) {
  ListenAddress address;
  EXPECT_EQ(parse_listen_address(text, address), "") << text;
  return address;
}

std::string refusal(std::string_view text) {
  ListenAddress address;
  return parse_listen_address(text, address);
}

TEST(ListenAddress, HostAndPort) {
  const ListenAddress v4 = parsed("127.0.0.1:9001");
  EXPECT_FALSE(v4.unix_socket);
  EXPECT_EQ(v4.host, "127.0.0.1");
  EXPECT_EQ(v4.port, 9001);
  EXPECT_EQ(parsed("localhost:0").host, "localhost");
  EXPECT_EQ(parsed("localhost:0").port, 0);
  EXPECT_EQ(parsed(":65535").host, "");
  EXPECT_EQ(parsed(":65535").port, 65535);
}

TEST(ListenAddress, V6InBrackets) {
  const ListenAddress v6 = parsed("[::1]:80");
  EXPECT_EQ(v6.host, "::1");
  EXPECT_EQ(v6.port, 80);
}

TEST(ListenAddress, UnixPath) {
  const ListenAddress path = parsed("unix:/run/wsd.sock");
  EXPECT_TRUE(path.unix_socket);
  EXPECT_EQ(path.path, "/run/wsd.sock");
  EXPECT_EQ(parsed("unix:" + std::string(107, 'p')).path.size(), 107U);
}

TEST(ListenAddress, ASentenceSaysWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "the port is missing"},
      {"localhost", "the port is missing"},
      {"localhost:", "not a number from 0 to 65535"},
      {"localhost:65536", "not a number from 0 to 65535"},
      {"localhost:-1", "not a number from 0 to 65535"},
      {"localhost:80x", "not a number from 0 to 65535"},
      {"localhost: 80", "not a number from 0 to 65535"},
      {"::1:80", "needs brackets"},
      {"[::1]", "']:' is missing"},
      {"[::1:80", "']:' is missing"},
      {"[::1]80", "']:' is missing"},
      {"[::1]:", "not a number from 0 to 65535"},
      {"unix:", "the path is missing"},
      {"unix:" + std::string(108, 'p'), "exceeds 107 bytes, the limit of a Unix socket"},
  };
  for (const auto& [text, why] : cases) {
    const std::string sentence = refusal(text);
    EXPECT_NE(sentence.find(why), std::string::npos) << text << ": " << sentence;
    EXPECT_EQ(sentence.find("cannot listen on '" + text + "'"), 0U) << sentence;
    EXPECT_NE(sentence.find("unix:PATH"), std::string::npos) << sentence;
  }
}

TEST(PeerAddress, IsWrittenAsHostAndPort) {
  PeerAddress peer;
  auto& v4 = reinterpret_cast<sockaddr_in&>(peer.storage);
  v4.sin_family = AF_INET;
  v4.sin_port = htons(4711);
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(format_peer(peer), "127.0.0.1:4711");

  peer = {};
  auto& v6 = reinterpret_cast<sockaddr_in6&>(peer.storage);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(80);
  v6.sin6_addr = in6addr_loopback;
  EXPECT_EQ(format_peer(peer), "[::1]:80");

  peer = {};
  peer.storage.ss_family = AF_UNIX;
  EXPECT_EQ(format_peer(peer), "unix");
}

}  // namespace
}  // namespace wsd::net
