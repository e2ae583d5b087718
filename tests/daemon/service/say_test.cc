#include "daemon/service/say.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <string>

namespace wsd::daemon {
namespace {

// Standard error is a pipe while this object exists.
class StderrPipe {
 public:
  StderrPipe() : saved_(::dup(STDERR_FILENO)) {
    EXPECT_EQ(::pipe2(fds_.data(), O_CLOEXEC), 0);
    ::dup2(fds_[1], STDERR_FILENO);
  }
  StderrPipe(const StderrPipe&) = delete;
  StderrPipe& operator=(const StderrPipe&) = delete;
  ~StderrPipe() {
    ::dup2(saved_, STDERR_FILENO);
    ::close(saved_);
    for (const int fd : fds_) ::close(fd);
  }
  void fill() {
    ::fcntl(fds_[1], F_SETFL, O_NONBLOCK);
    const std::string block(4096, '.');
    while (::write(fds_[1], block.data(), block.size()) > 0) ++blocks_;
    ::fcntl(fds_[1], F_SETFL, 0);
  }
  // Reads the bytes of fill(), so that a blocked writer goes on.
  void empty() const {
    std::string block(4096, '\0');
    for (std::size_t i = 0; i < blocks_; ++i) {
      EXPECT_EQ(::read(fds_[0], block.data(), block.size()), 4096);
    }
  }
  [[nodiscard]] std::string read_some() const {
    std::array<char, 4096> buffer;
    const ssize_t count = ::read(fds_[0], buffer.data(), buffer.size());
    return {buffer.data(), static_cast<std::size_t>(count < 0 ? 0 : count)};
  }

 private:
  int saved_;
  std::array<int, 2> fds_{};
  std::size_t blocks_ = 0;
};

TEST(Say, WritesTheLine) {
  const StderrPipe pipe;
  say("listening on nothing");
  EXPECT_EQ(pipe.read_some(), "listening on nothing\n");
}

// With a write on the caller's thread, this test would not end.
TEST(Say, FullPipe_IsGivenUp) {
  StderrPipe pipe;
  pipe.fill();
  say("given up");
  say("dropped at once, since the first line still blocks");
  pipe.empty();
  EXPECT_EQ(pipe.read_some(), "given up\n") << "by the thread that was left alone";
}

}  // namespace
}  // namespace wsd::daemon
