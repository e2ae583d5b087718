#include "daemon/connect/client_inbox.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <string>
#include <thread>
#include <variant>
#include <vector>

namespace wsd::daemon {
namespace {

bool readable(const ClientInbox& inbox, int wait_ms = 0) {
  pollfd entry{inbox.descriptor(), POLLIN, 0};
  return ::poll(&entry, 1, wait_ms) == 1;
}

MessageEvent message(std::size_t size) { return {MessageType::kText, std::string(size, 'x')}; }

TEST(ClientInbox, IsReadableWhileEventsWait) {
  ClientInbox inbox;
  EXPECT_FALSE(readable(inbox));
  inbox.push(message(1));
  inbox.push(ConnectionEnd{});
  EXPECT_TRUE(readable(inbox));
  const std::vector<ClientEvent> events = inbox.take();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_TRUE(std::holds_alternative<MessageEvent>(events[0]));
  EXPECT_TRUE(std::holds_alternative<ConnectionEnd>(events[1]));
  EXPECT_FALSE(readable(inbox));
  inbox.wake();
  EXPECT_TRUE(readable(inbox));
  EXPECT_TRUE(inbox.take().empty());
}

// Waits until the inbox is readable, for at most 10 s.
constexpr int kPatienceMs = 10'000;

TEST(ClientInbox, FullInbox_MakesTheReactorWait) {
  ClientInbox inbox;
  std::atomic<int> pushed = 0;
  std::thread reactor([&] {
    for (int i = 0; i < 4; ++i) {
      inbox.push(message(std::size_t{512} << 10));
      ++pushed;
    }
    inbox.push(ConnectionEnd{});
  });
  std::size_t messages = 0;
  bool ended = false;
  while (!ended && readable(inbox, kPatienceMs)) {
    const std::vector<ClientEvent> events = inbox.take();
    std::size_t at_once = 0;
    for (const ClientEvent& event : events) {
      at_once += std::holds_alternative<MessageEvent>(event) ? 1 : 0;
      ended = ended || std::holds_alternative<ConnectionEnd>(event);
    }
    EXPECT_LE(at_once, 2U) << "two messages reach the limit of 1 MiB";
    messages += at_once;
  }
  reactor.join();
  EXPECT_EQ(messages, 4U);
  EXPECT_EQ(pushed, 4);
}

TEST(ClientInbox, Close_EndsTheWaiting) {
  ClientInbox inbox;
  inbox.push(message(std::size_t{1} << 20));
  std::thread reactor([&] { inbox.push(message(1)); });
  inbox.close();
  reactor.join();
  EXPECT_EQ(inbox.take().size(), 2U);
}

}  // namespace
}  // namespace wsd::daemon
