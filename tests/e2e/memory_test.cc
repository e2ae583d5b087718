// Resident memory of the server: what a limit allows is what is used, and memory returns to the
// system after the work that had needed it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "support/expect.h"
#include "support/patience.h"
#include "support/raw_client.h"
#include "support/server_process.h"
#include "support/wire.h"

namespace e2e {
namespace {

std::string post(const std::string& room, const std::string& body) {
  return "POST /rooms/" + room +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

// Posts the requests, and reads as many responses.
testing::AssertionResult posts(RawClient& client, const std::string& requests, int count) {
  client.send(requests);
  for (int i = 0; i < count; ++i) {
    const auto response = client.read_response();
    if (!response) return testing::AssertionFailure() << "no response";
    if (response->status != 200) return testing::AssertionFailure() << response->describe();
  }
  return testing::AssertionSuccess();
}

// The memory of a server around some work. Begin with a little of the same work, so that the code
// for it is in memory.
class Residence {
 public:
  explicit Residence(const std::vector<std::string>& flags) : server_(flags) {}

  ServerProcess& server() { return server_; }
  void begin() { base_ = peak_ = server_.resident_kib(); }
  std::size_t sample() {
    const std::size_t now = server_.resident_kib();
    peak_ = std::max(peak_, now);
    return now;
  }
  // Returns whether five times the memory of the beginning was in use.
  bool has_grown() {
    sample();
    return peak_ >= 5 * base_;
  }
  testing::AssertionResult returns_within_a_fifth() {
    std::size_t last = 0;
    if (eventually([&] { return (last = sample()) <= base_ + base_ / 5; })) {
      return testing::AssertionSuccess();
    }
    return testing::AssertionFailure()
           << "from " << base_ << " to " << peak_ << ", and back to " << last << " KiB only";
  }

 private:
  ServerProcess server_;
  std::size_t base_ = 0;
  std::size_t peak_ = 0;
};

// Opens connections that keep compression contexts of both kinds. A stored block (RFC 1951 §3.2.4)
// needs no compressor here.
std::vector<RawClient> compressing_clients(const ServerProcess& server, int count) {
  std::string plain(8192, '\0');
  for (std::size_t i = 0; i < plain.size(); ++i) plain[i] = static_cast<char>(i * i >> 5);
  FrameSpec spec{.opcode = kBinary, .rsv = 4};
  spec.payload = std::string("\x00\x00\x20\xff\xdf", 5) + plain + std::string(1, '\0');
  std::vector<RawClient> clients;
  for (int i = 0; i < count; ++i) {
    RawClient& client = clients.emplace_back(server.connect());
    client.send(
        RequestText::upgrade().set("Sec-WebSocket-Extensions", "permessage-deflate").text());
    const auto response = client.read_response();
    if (!response || !response->has("Sec-WebSocket-Extensions")) return {};
    client.send(frame(spec));
    EXPECT_TRUE(client.read_frame());
  }
  return clients;
}

TEST(MemoryReturns, AfterClientsWithCompressionWindows) {
  Residence memory({"--reactors", "2", "--deflate", "on"});
  if (compressing_clients(memory.server(), 4).empty()) GTEST_SKIP() << "built without zlib";
  memory.begin();
  for (int wave = 0; wave < 3; ++wave) {
    const std::vector<RawClient> clients = compressing_clients(memory.server(), 400);
    ASSERT_EQ(clients.size(), 400U);
    EXPECT_TRUE(memory.has_grown());
  }
  EXPECT_TRUE(memory.returns_within_a_fifth());
}

TEST(MemoryReturns, AfterClientsThatDoNotRead) {
  Residence memory({"--reactors", "2", "--socket-send-buffer", "64KiB", "--ping-interval", "off",
                    "--pong-timeout", "off", "--read-timeout", "off"});
  RawClient first = memory.server().connect();
  ASSERT_TRUE(opens(first));
  ASSERT_TRUE(echoes(first, std::string(1000, 'a')));
  memory.begin();
  std::string burst;
  for (int i = 0; i < 100; ++i) burst += binary_frame(std::string(1000, 'a'));
  std::vector<RawClient> clients;
  for (int i = 0; i < 150; ++i) {
    ASSERT_TRUE(opens(clients.emplace_back(memory.server().connect(4096))));
  }
  EXPECT_TRUE(eventually([&] {
    for (RawClient& each : clients) each.send_some(burst);
    return memory.has_grown();
  }));
  clients.clear();
  EXPECT_TRUE(memory.returns_within_a_fifth());
  EXPECT_TRUE(echoes(first, "still there"));
}

TEST(MemoryReturns, AfterHistoryThatHasExpired) {
  Residence memory({"--reactors", "2", "--publish", "loopback", "--history-messages", "10000",
                    "--history-age", "5s"});
  RawClient client = memory.server().connect();
  ASSERT_TRUE(posts(client, post("first", "x"), 1));
  memory.begin();
  for (int room = 0; room < 400; ++room) {
    std::string requests;
    for (int i = 0; i < 100; ++i)
      requests += post("r" + std::to_string(room), std::string(1000, 'm'));
    ASSERT_TRUE(posts(client, requests, 100));
    memory.sample();
  }
  EXPECT_TRUE(memory.has_grown());
  EXPECT_TRUE(memory.returns_within_a_fifth());
}

// The smallest messages, each in a room of its own, have the largest part that is not payload.
TEST(HistoryMemory, IsTheResidentMemoryOfManySmallRooms) {
  constexpr std::size_t kLimitKib = 16 * 1024;
  constexpr int kBatch = 100;
  ServerProcess server({"--reactors", "1", "--publish", "loopback", "--history-messages", "1",
                        "--history-memory", "16MiB", "--history-age", "1h"});
  RawClient client = server.connect();
  ASSERT_TRUE(posts(client, post("first", "x"), 1));
  const std::size_t base = server.resident_kib();
  const std::string tail(100, '-');
  for (int i = 0; i < 60'000; i += kBatch) {
    std::string requests;
    for (int j = 0; j < kBatch; ++j) requests += post(std::to_string(i + j) + tail, "x");
    ASSERT_TRUE(posts(client, requests, kBatch));
  }
  std::size_t used = 0;
  EXPECT_TRUE(eventually([&] {
    used = server.resident_kib() - base;
    return used <= kLimitKib + kLimitKib / 10;
  })) << used;
  EXPECT_GE(used, kLimitKib - kLimitKib / 10);
}

}  // namespace
}  // namespace e2e
