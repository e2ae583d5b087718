// The daemon under a service manager (sd_notify(3), sd_listen_fds(3)): passed sockets and
// notifications.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "support/expect.h"
#include "support/server_process.h"
#include "support/tools.h"

namespace e2e {
namespace {

// The socket to which the daemon sends its notifications.
class NotifySocket {
 public:
  NotifySocket() : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    path().copy(at.sun_path, sizeof at.sun_path - 1);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    timeval limit{};
    limit.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(patience()).count();
    EXPECT_EQ(::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
  }
  ~NotifySocket() { ::close(fd_); }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;

  [[nodiscard]] std::string path() const { return directory_.file("notify"); }
  // Returns the next datagram that begins with `head`, and discards those before it.
  [[nodiscard]] std::string next(const std::string& head) const {
    for (;;) {
      std::array<char, 4096> buffer{};
      const ssize_t size = ::recv(fd_, buffer.data(), buffer.size(), 0);
      if (size < 0) return "nothing came";
      std::string text(buffer.data(), static_cast<std::size_t>(size));
      if (text.starts_with(head)) return text;
    }
  }

 private:
  TemporaryDirectory directory_;
  int fd_;
};

// A socket as a manager creates it. A child process inherits it.
class Passed {
 public:
  explicit Passed(int type = SOCK_STREAM, bool listening = true) : fd_(::socket(AF_INET, type, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    if (!listening) return;
    EXPECT_EQ(::listen(fd_, 64), 0);
  }
  ~Passed() { ::close(fd_); }
  Passed(const Passed&) = delete;
  Passed& operator=(const Passed&) = delete;
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] std::uint16_t port() const {
    sockaddr_in at{};
    socklen_t size = sizeof at;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size);
    return ntohs(at.sin_port);
  }

 private:
  int fd_;
};

// The daemon with `sockets` from descriptor 3 on. The environment variables name the daemon's own
// process.
Command activated(const std::vector<const Passed*>& sockets, const std::vector<std::string>& flags,
                  const std::string& names) {
  std::string script = "LISTEN_PID=$$ exec \"$0\" \"$@\"";
  // Moves the last one first, so that none is overwritten.
  int to = 3;
  std::string redirections;
  for (const Passed* each : sockets) {
    redirections += " " + std::to_string(to + 40) + "<&" + std::to_string(each->fd());
    ++to;
  }
  for (int i = 3; i < to; ++i) {
    redirections += " " + std::to_string(i) + "<&" + std::to_string(i + 40);
    redirections += " " + std::to_string(i + 40) + "<&-";
  }
  Command command = server_command(flags);
  command.argv.insert(command.argv.begin(), {"bash", "-c", script + redirections});
  command.env.emplace_back("LISTEN_FDS", std::to_string(sockets.size()));
  if (!names.empty()) command.env.emplace_back("LISTEN_FDNAMES", names);
  return command;
}

bool echoes_at(std::uint16_t port) {
  RawClient client = RawClient::tcp(port);
  return opens(client) && echoes(client) && closes_normally(client);
}

TEST(Systemd, Notify_ReportsStartReloadWatchdogAndStop) {
  const NotifySocket manager;
  Command command =
      server_command({"--listen", "127.0.0.1:0", "--log-format", "text", "--drain-delay", "1s"});
  command.env.emplace_back("NOTIFY_SOCKET", manager.path());
  command.env.emplace_back("WATCHDOG_USEC", "20000");
  ServerProcess server(command);
  ASSERT_TRUE(server.listening());
  EXPECT_EQ(manager.next("READY=1"), "READY=1\nSTATUS=listening on " + server.addresses()[0]);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(manager.next("WATCHDOG=1"), "WATCHDOG=1\nSTATUS=serving: 0 connections");
  }
  RawClient client = server.connect();
  ASSERT_TRUE(opens(client));
  server.signal(SIGHUP);
  EXPECT_NE(manager.next("RELOADING=1").find("\nMONOTONIC_USEC="), std::string::npos);
  EXPECT_EQ(manager.next("READY=1"), "READY=1");
  server.signal(SIGTERM);
  EXPECT_EQ(manager.next("STOPPING=1"),
            "STOPPING=1\nEXTEND_TIMEOUT_USEC=26000000\nSTATUS=draining: 1 connection")
      << "--drain-delay, --drain-timeout and five seconds to exit";
  // During a drain the daemon still reports that it is alive.
  EXPECT_EQ(manager.next("WATCHDOG=1\nSTATUS=draining"),
            "WATCHDOG=1\nSTATUS=draining: 1 connection");
  EXPECT_TRUE(is_closed_with(client, 1001));
}

TEST(Systemd, ServesTheSocketsThatItIsPassed) {
  const Passed one;
  const Passed two;
  ServerProcess server(activated({&one, &two}, {"--reactors", "2"}, "web:other"), 2);
  ASSERT_TRUE(server.listening());
  EXPECT_EQ(server.port(0), one.port());
  EXPECT_EQ(server.port(1), two.port());
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(echoes_at(one.port()));
    EXPECT_TRUE(echoes_at(two.port()));
  }
}

TEST(Systemd, PassedAndOwnSockets_AreBothServed) {
  const Passed passed;
  ServerProcess server(activated({&passed}, {"--listen", "127.0.0.1:0", "--listen", "systemd"}, ""),
                       2);
  ASSERT_TRUE(server.listening());
  EXPECT_EQ(server.port(1), passed.port());
  EXPECT_TRUE(echoes_at(server.port(0)));
  EXPECT_TRUE(echoes_at(passed.port()));
}

// The socket stays open between two processes. Clients that connect meanwhile wait in its backlog.
TEST(Systemd, Restart_RefusesNoClient) {
  const Passed passed;
  ServerProcess first(activated({&passed}, {}, "web"));
  ASSERT_TRUE(first.listening());
  ASSERT_TRUE(first.ends_cleanly());
  RawClient waiting = RawClient::tcp(passed.port());
  ASSERT_TRUE(waiting.connected());
  waiting.send(RequestText::upgrade().text());
  const ServerProcess second(activated({&passed}, {}, "web"));
  EXPECT_TRUE(is_upgraded(waiting));
}

TEST(Systemd, UnusablePassedSocket_ErrorNamesTheReason) {
  const Passed datagram(SOCK_DGRAM, false);
  const Output wrong_kind = run(activated({&datagram}, {}, "web"));
  EXPECT_EQ(wrong_kind.status.code, 69);
  EXPECT_NE(wrong_kind.err.find("wsd: the socket \"web\" passed by systemd: cannot listen on "
                                "descriptor 3: it is not a stream socket"),
            std::string::npos)
      << wrong_kind.err;
  const Passed idle(SOCK_STREAM, false);
  const Output not_listening = run(activated({&idle}, {}, ""));
  EXPECT_EQ(not_listening.status.code, 69);
  EXPECT_NE(not_listening.err.find("it does not listen"), std::string::npos) << not_listening.err;
  const Output nothing = run(server_command({"--listen", "systemd"}));
  EXPECT_EQ(nothing.status.code, 69);
  EXPECT_NE(nothing.err.find("systemd has passed no socket"), std::string::npos);
}

TEST(Systemd, SocketsForAnotherProcessAreNotTouched) {
  Command command = server_command({"--listen", "127.0.0.1:0"});
  command.env.emplace_back("LISTEN_FDS", "1");
  command.env.emplace_back("LISTEN_PID", "1");
  ServerProcess server(command);
  ASSERT_TRUE(server.listening());
  EXPECT_TRUE(echoes_at(server.port()));
}

TEST(Systemd, UnusedPassedSocket_IsAWarning) {
  const Passed passed;
  ServerProcess server(activated({&passed}, {"--listen", "127.0.0.1:0"}, ""));
  ASSERT_TRUE(server.listening());
  EXPECT_TRUE(server.process().wait_for_line("^wsd: warning: systemd has passed sockets"));
}

}  // namespace
}  // namespace e2e
