#include "net/socket_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace wsd::net {
namespace {

// A directory with the path of one socket file.
class Folder {
 public:
  Folder() { EXPECT_NE(::mkdtemp(name_.data()), nullptr); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(name_); }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::string path() const { return name_ + "/s"; }
  [[nodiscard]] mode_t mode() const {
    struct stat status {};
    EXPECT_EQ(::lstat(path().c_str(), &status), 0);
    return status.st_mode & 07777;
  }
  [[nodiscard]] bool has_file() const { return ::access(path().c_str(), F_OK) == 0; }

 private:
  std::string name_ = "/tmp/wsd-socket-file-XXXXXX";
};

// A Unix socket with its file.
struct Served {
  Served() : fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)) {}
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;
  ~Served() { close_socket(); }
  std::string open(const Folder& folder, const SocketFileOptions& options = {}) {
    return file.bind_and_listen(fd, folder.path(), 16, options);
  }
  // As a reactor does when it drains.
  void close_socket() {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }

  int fd;
  SocketFile file;
};

// Returns 0, or the errno of a connect.
int connect_error(const Folder& folder) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  folder.path().copy(at.sun_path, sizeof(at.sun_path) - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int error =
      ::connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof(at)) == 0 ? 0 : errno;
  ::close(fd);
  return error;
}

// A file whose process was killed.
void leave_stale(const Folder& folder) {
  Served killed;
  ASSERT_EQ(killed.open(folder), "");
  killed.close_socket();
  const std::string aside = folder.path() + "-aside";
  ASSERT_EQ(::rename(folder.path().c_str(), aside.c_str()), 0);
  killed.file.remove();
  ASSERT_EQ(::rename(aside.c_str(), folder.path().c_str()), 0);
  ASSERT_EQ(connect_error(folder), ECONNREFUSED);
}

TEST(SocketFile, IsServedFromItsAppearanceAndGoesWithItsOwner) {
  const Folder folder;
  {
    Served served;
    ASSERT_EQ(served.open(folder), "");
    EXPECT_EQ(connect_error(folder), 0);
  }
  EXPECT_FALSE(folder.has_file());
}

TEST(SocketFile, StaleFile_IsReplaced) {
  const Folder folder;
  leave_stale(folder);
  Served served;
  EXPECT_EQ(served.open(folder), "");
  EXPECT_EQ(connect_error(folder), 0);
}

// A process that drains does not accept any more, but still has its file.
TEST(SocketFile, TheFileOfASuccessor_IsNotRemoved) {
  const Folder folder;
  Served first;
  ASSERT_EQ(first.open(folder), "");
  first.close_socket();
  Served successor;
  ASSERT_EQ(successor.open(folder), "");
  first.file.remove();
  EXPECT_EQ(connect_error(folder), 0);
  successor.file.remove();
  EXPECT_FALSE(folder.has_file());
}

// File systems give a free inode number to the next file. Then only an open descriptor of the old
// file tells the two apart.
TEST(SocketFile, TheFileOfASuccessor_HasAnotherInode) {
  const Folder folder;
  Served first;
  ASSERT_EQ(first.open(folder), "");
  first.close_socket();
  struct stat before {};
  ASSERT_EQ(::lstat(folder.path().c_str(), &before), 0);
  for (int i = 0; i < 8; ++i) {
    Served successor;
    ASSERT_EQ(successor.open(folder), "");
    struct stat after {};
    ASSERT_EQ(::lstat(folder.path().c_str(), &after), 0);
    EXPECT_NE(after.st_ino, before.st_ino);
  }
}

TEST(SocketFile, LockHeldByAnotherProcess_StopsTheStart) {
  const Folder folder;
  leave_stale(folder);
  const int lock = ::open(folder.name().c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(::flock(lock, LOCK_EX), 0);
  Served served;
  const std::string error = served.open(folder, {.lock_wait_ms = 0});
  EXPECT_NE(error.find("holds the lock of the directory '" + folder.name() + "'"),
            std::string::npos)
      << error;
  EXPECT_EQ(connect_error(folder), ECONNREFUSED) << "the stale file is untouched";
  ::close(lock);
  EXPECT_EQ(served.open(folder, {.lock_wait_ms = 0}), "");
}

TEST(SocketFile, LockHeldByAnotherProcess_RemovalDoesNotWait) {
  const Folder folder;
  Served served;
  ASSERT_EQ(served.open(folder), "");
  const int lock = ::open(folder.name().c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(::flock(lock, LOCK_EX), 0);
  served.file.remove();
  EXPECT_TRUE(folder.has_file());
  ::close(lock);
}

TEST(SocketFile, SimultaneousStartsOnAStaleFile_OneServes) {
  constexpr int kStarters = 4;
  for (int round = 0; round < 50; ++round) {
    const Folder folder;
    leave_stale(folder);
    std::array<Served, kStarters> served;
    std::atomic<int> ready{0};
    std::atomic<int> winners{0};
    std::vector<std::thread> threads;
    for (Served& each : served) {
      threads.emplace_back([&] {
        ready.fetch_add(1);
        while (ready.load() < kStarters) std::this_thread::yield();
        if (each.open(folder).empty()) winners.fetch_add(1);
      });
    }
    for (std::thread& each : threads) each.join();
    EXPECT_EQ(winners.load(), 1);
    EXPECT_EQ(connect_error(folder), 0);
  }
}

// The umask of the process while an object exists.
class Umask {
 public:
  explicit Umask(mode_t mask) : before_(::umask(mask)) {}
  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;
  ~Umask() { ::umask(before_); }

 private:
  mode_t before_;
};

TEST(SocketFile, ModeIsExact_WhateverTheUmask) {
  for (const mode_t mask : {mode_t{0}, mode_t{022}, mode_t{077}}) {
    for (const int mode : {0600, 0660, 0666, 0777}) {
      const Umask during(mask);
      const Folder folder;
      Served served;
      ASSERT_EQ(served.open(folder, {.mode = mode}), "");
      EXPECT_EQ(folder.mode(), static_cast<mode_t>(mode)) << mask;
    }
  }
}

TEST(SocketFile, WithoutAMode_TheUmaskDecides) {
  const Umask during(027);
  const Folder folder;
  Served served;
  ASSERT_EQ(served.open(folder), "");
  EXPECT_EQ(folder.mode(), 0750U);
}

// With umask 0 nothing is added after bind(2), so a mode that is exact was exact from the start.
// The socket itself shows that it got its mode before.
TEST(SocketFile, NoMomentHasAWiderMode) {
  const Umask during(0);
  const Folder folder;
  Served served;
  ASSERT_EQ(served.open(folder, {.mode = 0600}), "");
  struct stat socket {};
  ASSERT_EQ(::fstat(served.fd, &socket), 0);
  EXPECT_EQ(socket.st_mode & 0777, 0600U);
}

TEST(SocketFile, FileThatIsNotASocket_IsLeftAlone) {
  const Folder folder;
  ::close(::open(folder.path().c_str(), O_CREAT | O_WRONLY, 0600));
  Served served;
  EXPECT_NE(served.open(folder).find("not a socket"), std::string::npos);
  served.file.remove();
  EXPECT_TRUE(folder.has_file());
}

TEST(SocketFile, MissingDirectory_IsNamed) {
  SocketFile file;
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  const std::string error = file.bind_and_listen(fd, "/nonexistent/s", 16, {});
  EXPECT_NE(error.find("'/nonexistent': No such file"), std::string::npos) << error;
  ::close(fd);
}

TEST(SocketFile, MovedFrom_OwnsNothing) {
  const Folder folder;
  Served served;
  ASSERT_EQ(served.open(folder), "");
  SocketFile moved = std::move(served.file);
  served.file.remove();
  EXPECT_TRUE(folder.has_file());
  moved.remove();
  EXPECT_FALSE(folder.has_file());
}

}  // namespace
}  // namespace wsd::net
