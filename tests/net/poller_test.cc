#include "net/poller.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>

#include "net/socket.h"

namespace wsd::net {
namespace {

using Room = std::array<Readiness, Poller::kMaxEvents>;

// Two connected sockets. The test closes the first one.
struct Pair {
  Pair() {
    std::array<int, 2> both{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both.data()), 0);
    ours = both[0];
    theirs = both[1];
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() { ::close(theirs); }
  void send() const { EXPECT_EQ(::write(theirs, "x", 1), 1); }

  int ours = -1;
  int theirs = -1;
};

// The second descriptor of the socket stands for the copy that a child process has after fork().
TEST(Poller, ADescriptorIsClosed_ItsSocketIsNotReportedThoughAnotherDescriptorKeepsItOpen) {
  for (const bool shared : {false, true}) {
    Poller poller;
    const Pair pair;
    const int held = ::fcntl(pair.ours, F_DUPFD_CLOEXEC, 0);
    constexpr std::uint64_t kToken = 42;
    ASSERT_TRUE(shared ? poller.add_shared(pair.ours, kToken) : poller.add(pair.ours, kToken));
    pair.send();
    Room room;
    ASSERT_EQ(poller.wait(0, room).size(), 1U) << "it is registered";
    poller.close(pair.ours);
    pair.send();
    EXPECT_TRUE(poller.wait(0, room).empty());
    ::close(held);
  }
}

TEST(Poller, ADescriptorThatWasNeverAdded_IsClosed) {
  Poller poller;
  const Pair pair;
  poller.close(pair.ours);
  EXPECT_EQ(::fcntl(pair.ours, F_GETFD), -1);
}

// A proxy that closes its connection to a Unix socket may have sent bytes before.
TEST(Poller, APeerThatHasClosedAUnixSocket_IsNoReset) {
  Poller poller;
  std::array<int, 2> both{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both.data()), 0);
  ASSERT_TRUE(poller.add(both[0], 1));
  ASSERT_EQ(::write(both[1], "x", 1), 1);
  ::close(both[1]);
  Room room;
  const auto events = poller.wait(0, room);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_TRUE(events.front().ended());
  EXPECT_FALSE(events.front().broken());
  poller.close(both[0]);
}

}  // namespace
}  // namespace wsd::net
