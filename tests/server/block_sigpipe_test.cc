#include "server/block_sigpipe.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace wsd::server {
namespace {

// The writing end of a pipe that nobody reads.
class ClosedPipe {
 public:
  ClosedPipe() {
    EXPECT_EQ(::pipe2(ends_.data(), O_CLOEXEC), 0);
    ::close(ends_[0]);
  }
  ClosedPipe(const ClosedPipe&) = delete;
  ClosedPipe& operator=(const ClosedPipe&) = delete;
  ~ClosedPipe() { ::close(ends_[1]); }
  [[nodiscard]] int fd() const { return ends_[1]; }

 private:
  std::array<int, 2> ends_{};
};

bool blocked() {
  sigset_t mask;
  EXPECT_EQ(pthread_sigmask(SIG_BLOCK, nullptr, &mask), 0);
  return sigismember(&mask, SIGPIPE) == 1;
}

bool pending() {
  sigset_t set;
  EXPECT_EQ(sigpending(&set), 0);
  return sigismember(&set, SIGPIPE) == 1;
}

TEST(BlockSigpipe, AWriteToAClosedPipe_ReturnsEpipeAndLeavesNoSignal) {
  ASSERT_FALSE(blocked());
  const ClosedPipe pipe;
  {
    const BlockSigpipe block;
    EXPECT_EQ(::write(pipe.fd(), "x", 1), -1);
    EXPECT_EQ(errno, EPIPE);
    EXPECT_TRUE(pending());
  }
  EXPECT_FALSE(pending());
  EXPECT_FALSE(blocked());
}

TEST(BlockSigpipe, TheApplicationBlocksTheSignal_ItsOwnStaysPending) {
  const ClosedPipe pipe;
  const BlockSigpipe of_the_application;
  EXPECT_EQ(::write(pipe.fd(), "x", 1), -1);
  ASSERT_TRUE(pending());
  {
    const BlockSigpipe block;
    EXPECT_EQ(::write(pipe.fd(), "x", 1), -1);
  }
  EXPECT_TRUE(pending());
  EXPECT_TRUE(blocked());
}

}  // namespace
}  // namespace wsd::server
