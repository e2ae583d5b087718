#include "net/socket.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

#include "net/poller.h"

namespace wsd::net {
namespace {

TEST(Socket, AWakeIsAnEdgeAlsoWhenTheCountIsFull) {
  const int fd = make_wake_fd();
  ASSERT_GE(fd, 0);
  Poller poller;
  ASSERT_TRUE(poller.add(fd, 1));
  ASSERT_EQ(::eventfd_write(fd, ~std::uint64_t{0} - 1), 0);
  std::array<Readiness, Poller::kMaxEvents> ready;
  EXPECT_EQ(poller.wait(0, ready).size(), 1U);
  EXPECT_EQ(poller.wait(0, ready).size(), 0U);
  signal_wake_fd(fd);
  const std::span<const Readiness> woken = poller.wait(0, ready);
  ASSERT_EQ(woken.size(), 1U);
  EXPECT_TRUE(woken.front().readable());
  close_socket(fd);
}

// TCP counts bytes and Unix sockets count memory, but both are 0 once the peer has read everything.
TEST(Socket, UnacknowledgedBytes_AreZeroWhenThePeerHasReadEverything) {
  std::array<int, 2> pair = {};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()), 0);
  EXPECT_EQ(unacknowledged_bytes(pair[0]), 0U);
  const std::string bytes(1000, 'x');
  ASSERT_EQ(send_bytes(pair[0], as_bytes(bytes)).bytes, bytes.size());
  const std::size_t all = unacknowledged_bytes(pair[0]);
  EXPECT_GE(all, bytes.size());
  std::array<std::uint8_t, 1000> into = {};
  ASSERT_EQ(receive(pair[1], into).bytes, bytes.size());
  EXPECT_EQ(unacknowledged_bytes(pair[0]), 0U);
  for (const int fd : pair) close_socket(fd);
  EXPECT_EQ(unacknowledged_bytes(-1), 0U) << "the kernel does not tell";
}

}  // namespace
}  // namespace wsd::net
