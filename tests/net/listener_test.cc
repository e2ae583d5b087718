#include "net/listener.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>
#include <utility>

#include "net/peer.h"
#include "net/socket.h"

namespace wsd::net {
namespace {

ListenAddress address_of(const std::string& text) {
  ListenAddress address;
  EXPECT_EQ(parse_listen_address(text, address), "");
  return address;
}

// A temporary directory for socket files.
class Directory {
 public:
  Directory() { EXPECT_NE(::mkdtemp(name_.data()), nullptr); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() {
    ::unlink(path("s").c_str());
    ::rmdir(name_.data());
  }
  [[nodiscard]] std::string path(const std::string& file) const { return name_ + "/" + file; }

 private:
  std::string name_ = "/tmp/wsd-listener-XXXXXX";
};

bool exists(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

int option(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof(value);
  ::getsockopt(fd, level, name, &value, &size);
  return value;
}

TEST(Listener, PortZeroBecomesAPort) {
  Listener listener;
  ASSERT_EQ(listener.open(address_of("127.0.0.1:0"), 1, {}), "");
  EXPECT_EQ(listener.name().find("127.0.0.1:"), 0U);
  EXPECT_NE(test::port_of(listener.name()), 0);
  EXPECT_FALSE(listener.shared());
  const test::Peer peer(test::port_of(listener.name()));
  EXPECT_EQ(peer.end(), test::Peer::End::kOpen);
  const int fd = listener.take(0);
  const AcceptResult accepted = accept_connection(fd);
  ASSERT_EQ(accepted.status, AcceptStatus::kOk);
  EXPECT_EQ(format_peer(accepted.peer), "127.0.0.1:" + std::to_string(peer.local_port()));
  EXPECT_NE(::fcntl(accepted.fd, F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(accepted.fd, F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ(accept_connection(fd).status, AcceptStatus::kAgain);
  close_socket(accepted.fd);
  close_socket(fd);
}

TEST(Listener, EachPollerHasASocketOnTheSamePort) {
  Listener listener;
  ASSERT_EQ(listener.open(address_of("127.0.0.1:0"), 3, {}), "");
  std::array<int, 3> fds{};
  for (std::uint32_t i = 0; i < 3; ++i) {
    fds[i] = listener.take(i);
    sockaddr_in at{};
    socklen_t size = sizeof(at);
    ASSERT_EQ(::getsockname(fds[i], reinterpret_cast<sockaddr*>(&at), &size), 0);
    EXPECT_EQ(ntohs(at.sin_port), test::port_of(listener.name()));
  }
  EXPECT_EQ(listener.take(0), -1);  // only the first call returns it
  for (const int fd : fds) close_socket(fd);
}

TEST(Listener, ConnectionsInheritTheOptions) {
  Listener listener;
  ASSERT_EQ(listener.open(address_of("127.0.0.1:0"), 1, {16, 20'000, 4096}), "");
  const test::Peer peer(test::port_of(listener.name()));
  const int fd = listener.take(0);
  const AcceptResult accepted = accept_connection(fd);
  ASSERT_EQ(accepted.status, AcceptStatus::kOk);
  EXPECT_NE(option(accepted.fd, IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_EQ(option(accepted.fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT), 4096);
  EXPECT_EQ(option(accepted.fd, SOL_SOCKET, SO_SNDBUF), 40'000);  // doubled: socket(7)
  close_socket(accepted.fd);
  close_socket(fd);
}

TEST(Listener, APortThatIsServedIsRefused) {
  Listener first;
  ASSERT_EQ(first.open(address_of("127.0.0.1:0"), 2, {}), "");
  Listener second;
  const std::string error = second.open(address_of(first.name()), 2, {});
  EXPECT_NE(error.find("this process itself listens on '" + first.name() + "'"), std::string::npos)
      << error;
  first.close();
  EXPECT_EQ(second.open(address_of(first.name()), 2, {}), "");
}

TEST(Listener, AnAddressOfAnotherMachineIsRefused) {
  Listener listener;
  const std::string error = listener.open(address_of("192.0.2.1:0"), 1, {});  // RFC 5737
  EXPECT_NE(error.find("does not have that address"), std::string::npos) << error;
  EXPECT_NE(error.find("192.0.2.1:0"), std::string::npos) << error;
}

TEST(Listener, AHostThatIsNoAddressIsRefused) {
  Listener listener;
  const std::string error = listener.open(address_of("no host:80"), 1, {});
  EXPECT_EQ(error.find("cannot listen on 'no host:80': "), 0U) << error;
}

TEST(Listener, AUnixSocketIsSharedAndItsFileGoesWithIt) {
  const Directory directory;
  {
    Listener listener;
    ASSERT_EQ(listener.open(address_of("unix:" + directory.path("s")), 2, {}), "");
    EXPECT_EQ(listener.name(), "unix:" + directory.path("s"));
    EXPECT_TRUE(listener.shared());
    EXPECT_TRUE(exists(directory.path("s")));
    const int first = listener.take(0);
    const int second = listener.take(1);
    EXPECT_GE(first, 0);
    EXPECT_GE(second, 0);
    EXPECT_NE(first, second);
    close_socket(first);
    close_socket(second);
    Listener moved = std::move(listener);
    EXPECT_TRUE(exists(directory.path("s")));
    EXPECT_TRUE(moved.shared());
  }
  EXPECT_FALSE(exists(directory.path("s")));
}

TEST(Listener, AStaleSocketFileIsReplacedAServedOneIsNot) {
  const Directory directory;
  const ListenAddress address = address_of("unix:" + directory.path("s"));
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  address.path.copy(at.sun_path, sizeof(at.sun_path) - 1);
  const int stale = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(stale, reinterpret_cast<const sockaddr*>(&at), sizeof(at)), 0);
  ::close(stale);
  ASSERT_TRUE(exists(address.path));
  Listener listener;
  ASSERT_EQ(listener.open(address, 1, {}), "");
  Listener second;
  const std::string error = second.open(address, 1, {});
  EXPECT_NE(error.find("this process itself listens on 'unix:"), std::string::npos) << error;
  EXPECT_TRUE(exists(address.path)) << "the file is the first one's";
}

TEST(Listener, AFileThatIsNoSocketIsLeftAlone) {
  const Directory directory;
  const int file = ::open(directory.path("s").c_str(), O_CREAT | O_WRONLY, 0600);
  ASSERT_GE(file, 0);
  ::close(file);
  Listener listener;
  const std::string error = listener.open(address_of("unix:" + directory.path("s")), 1, {});
  EXPECT_NE(error.find("not a socket"), std::string::npos) << error;
  EXPECT_TRUE(exists(directory.path("s")));
}

// Sockets from another process
class Passed {
 public:
  Passed(int family, int type, bool listening = true) : fd_(::socket(family, type, 0)) {
    sockaddr_storage any{};
    any.ss_family = static_cast<sa_family_t>(family);
    if (family == AF_INET) {
      reinterpret_cast<sockaddr_in&>(any).sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&any), sizeof(sockaddr_in)), 0);
    } else {
      // Autobind: the kernel chooses an abstract name (unix(7)).
      EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&any), sizeof(sa_family_t)), 0);
    }
    if (!listening) return;
    EXPECT_EQ(::listen(fd_, 16), 0);
  }
  Passed(const Passed&) = delete;
  Passed& operator=(const Passed&) = delete;
  ~Passed() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int fd() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

TEST(Listener, AdoptsASocketForAllPollers) {
  Passed passed(AF_INET, SOCK_STREAM);
  const int outside = ::dup(passed.fd());
  Listener listener;
  ASSERT_EQ(listener.adopt(passed.fd(), 3, {.backlog = 1, .notsent_lowat = 4096}), "");
  const int fd = passed.release();
  EXPECT_EQ(listener.name().find("127.0.0.1:"), 0U);
  EXPECT_TRUE(listener.shared());
  EXPECT_EQ(listener.sharing(), Sharing::kAdopted);
  EXPECT_NE(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT), 4096);
  const test::Peer peer(test::port_of(listener.name()));
  for (std::uint32_t i = 0; i < 3; ++i) {
    const int own = listener.take(i);
    if (i == 2) {
      const AcceptResult accepted = accept_connection(own);
      EXPECT_EQ(accepted.status, AcceptStatus::kOk);
      if (accepted.fd >= 0) ::close(accepted.fd);
    }
    ::close(own);
  }
  const test::Peer late(test::port_of(listener.name()));
  const AcceptResult accepted = accept_connection(outside);
  EXPECT_EQ(accepted.status, AcceptStatus::kOk) << "who passed it still has it";
  if (accepted.fd >= 0) ::close(accepted.fd);
  ::close(outside);
}

TEST(Listener, AdoptsAUnixSocketAndLeavesItsFile) {
  Passed abstract(AF_UNIX, SOCK_STREAM);
  Listener listener;
  ASSERT_EQ(listener.adopt(abstract.fd(), 1, {}), "");
  abstract.release();
  EXPECT_EQ(listener.name().find("unix:@"), 0U) << listener.name();
  EXPECT_EQ(listener.name().size(), std::string("unix:@").size() + 5);

  const Directory directory;
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  directory.path("s").copy(at.sun_path, sizeof(at.sun_path) - 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof(at)), 0);
  ASSERT_EQ(::listen(fd, 1), 0);
  {
    Listener of_path;
    ASSERT_EQ(of_path.adopt(fd, 2, {}), "");
    EXPECT_EQ(of_path.name(), "unix:" + directory.path("s"));
  }
  EXPECT_TRUE(exists(directory.path("s"))) << "it is not ours to remove";
}

TEST(Listener, SaysWhyASocketCannotBeAdopted) {
  const auto refusal = [](int fd) {
    Listener listener;
    std::string error = listener.adopt(fd, 2, {});
    EXPECT_EQ(listener.name(), "");
    return error;
  };
  const int file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(refusal(file),
            "cannot listen on descriptor " + std::to_string(file) + ": it is not a socket");
  ::close(file);
  EXPECT_EQ(refusal(file),
            "cannot listen on descriptor " + std::to_string(file) + ": it is not open");
  const Passed datagram(AF_INET, SOCK_DGRAM, false);
  EXPECT_NE(refusal(datagram.fd()).find("not a stream socket"), std::string::npos);
  const Passed idle(AF_INET, SOCK_STREAM, false);
  EXPECT_NE(refusal(idle.fd()).find("does not listen"), std::string::npos);
  EXPECT_EQ(::fcntl(idle.fd(), F_GETFL) & O_NONBLOCK, 0) << "it stays as it was";
}

}  // namespace
}  // namespace wsd::net
