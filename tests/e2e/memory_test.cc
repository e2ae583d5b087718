// Resident memory of the server: what a limit allows is what is used.
#include <gtest/gtest.h>

#include <cstddef>
#include <string>

#include "support/expect.h"
#include "support/patience.h"
#include "support/raw_client.h"
#include "support/server_process.h"
#include "support/wire.h"

namespace e2e {
namespace {

std::string post(const std::string& room, const std::string& body) {
  return "POST /rooms/" + room +
         " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
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
