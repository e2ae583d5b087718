#include "net/socket.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>

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

}  // namespace
}  // namespace wsd::net
