#include "daemon/service/systemd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>
#include <thread>

namespace wsd::daemon {
namespace {

using std::chrono::microseconds;

constexpr pid_t kSelf = 4711;

// The service manager's end: a datagram socket at a path, or of an abstract name.
class Manager {
 public:
  explicit Manager(bool abstract) : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::string path;
    if (abstract) {
      path = std::string(1, '\0') + "wsd-test-" + std::to_string(::getpid());
    } else {
      EXPECT_NE(::mkdtemp(directory_.data()), nullptr);
      path = directory_ + "/notify";
    }
    path.copy(at.sun_path, sizeof(at.sun_path));
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&at), size), 0);
    address_ = path;
    if (abstract) address_.front() = '@';
    const timeval patience{30, 0};
    EXPECT_EQ(::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
  }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;
  ~Manager() {
    ::close(fd_);
    if (address_.front() == '@') return;
    ::unlink(address_.c_str());
    ::rmdir(directory_.c_str());
  }
  [[nodiscard]] const std::string& address() const { return address_; }
  // Waits for the next datagram and returns it.
  [[nodiscard]] std::string next() const {
    std::array<char, 4096> buffer{};
    const ssize_t size = ::recv(fd_, buffer.data(), buffer.size(), 0);
    return size < 0 ? "nothing" : std::string(buffer.data(), static_cast<std::size_t>(size));
  }
  [[nodiscard]] bool silent() const {
    char byte = 0;
    return ::recv(fd_, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0;
  }

 private:
  int fd_;
  std::string directory_ = "/tmp/wsd-notify-XXXXXX";
  std::string address_;
};

TEST(Systemd, TellsTheManagerAtAPathAndAtAnAbstractName) {
  for (const bool abstract : {false, true}) {
    const Manager manager(abstract);
    const Notifier notifier(manager.address());
    EXPECT_EQ(notifier.error(), "");
    EXPECT_TRUE(notifier.tell("READY=1\nSTATUS=listening"));
    EXPECT_EQ(manager.next(), "READY=1\nSTATUS=listening");
  }
}

TEST(Systemd, WithoutManager_SendsNothing) {
  const Notifier none("");
  EXPECT_EQ(none.error(), "");
  EXPECT_FALSE(none.tell("READY=1"));
  const Notifier gone("/nonexistent/notify");
  EXPECT_EQ(gone.error(), "");
  EXPECT_FALSE(gone.tell("READY=1"));
}

TEST(Systemd, InvalidNotifyAddress_IsNamed) {
  const Notifier relative("run/notify");
  EXPECT_EQ(relative.error(),
            "NOTIFY_SOCKET \"run/notify\" is neither a path that begins with / nor an abstract "
            "name that begins with @: wsd sends the service manager no notifications");
  EXPECT_FALSE(relative.tell("READY=1"));
  const Notifier lengthy("/" + std::string(107, 'x'));
  EXPECT_NE(lengthy.error().find("exceeds the length limit of a socket path"), std::string::npos);
}

TEST(Systemd, Reloading_HasItsTime) {
  timespec before{};
  ::clock_gettime(CLOCK_MONOTONIC, &before);
  const std::string lines = reloading_lines();
  const std::string_view head = "RELOADING=1\nMONOTONIC_USEC=";
  ASSERT_EQ(lines.find(head), 0U);
  const auto at = std::stoll(lines.substr(head.size()));
  const auto from = static_cast<long long>(before.tv_sec) * 1'000'000 + before.tv_nsec / 1000;
  EXPECT_GE(at, from);
}

TEST(Systemd, Stopping_HasItsTimeout) {
  EXPECT_EQ(stopping_lines(20'000, "draining"),
            "STOPPING=1\nEXTEND_TIMEOUT_USEC=20000000\nSTATUS=draining");
}

TEST(Systemd, TakesItsVariablesOutOfTheEnvironment) {
  for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS",
                           "LISTEN_PID", "LISTEN_FDNAMES"}) {
    ::setenv(name, "x", 1);
  }
  const Environment taken = take_service_variables();
  EXPECT_EQ(taken.size(), 6U);
  EXPECT_EQ(taken.at("LISTEN_FDNAMES"), "x");
  for (const auto& [name, value] : taken) EXPECT_EQ(std::getenv(name.c_str()), nullptr) << name;
  EXPECT_TRUE(take_service_variables().empty());
}

TEST(Systemd, PassedSocketsHaveNamesAndBelongToOneProcess) {
  const std::string self = std::to_string(kSelf);
  const PassedSockets two = passed_sockets(
      {{"LISTEN_FDS", "2"}, {"LISTEN_PID", self}, {"LISTEN_FDNAMES", "web:admin"}}, kSelf);
  EXPECT_EQ(two.error, "");
  ASSERT_EQ(two.sockets.size(), 2U);
  EXPECT_EQ(two.sockets[0].fd, 3);
  EXPECT_EQ(two.sockets[0].name, "web");
  EXPECT_EQ(two.sockets[1].fd, 4);
  EXPECT_EQ(two.sockets[1].name, "admin");
  const PassedSockets unnamed = passed_sockets({{"LISTEN_FDS", "1"}, {"LISTEN_PID", self}}, kSelf);
  ASSERT_EQ(unnamed.sockets.size(), 1U);
  EXPECT_EQ(unnamed.sockets[0].name, "unknown");
  for (const Environment& others :
       {Environment{}, Environment{{"LISTEN_FDS", "1"}},
        Environment{{"LISTEN_FDS", "1"}, {"LISTEN_PID", "1"}}, Environment{{"LISTEN_PID", self}},
        Environment{{"LISTEN_FDS", "0"}, {"LISTEN_PID", self}}}) {
    const PassedSockets none = passed_sockets(others, kSelf);
    EXPECT_TRUE(none.sockets.empty());
    EXPECT_EQ(none.error, "");
  }
}

TEST(Systemd, InvalidVariables_AreNamed) {
  const std::string self = std::to_string(kSelf);
  EXPECT_EQ(passed_sockets({{"LISTEN_FDS", "many"}, {"LISTEN_PID", self}}, kSelf)
                .error.find("LISTEN_FDS, the number of sockets that systemd passes: \"many\""),
            0U);
  EXPECT_NE(passed_sockets({{"LISTEN_FDS", "100000"}, {"LISTEN_PID", self}}, kSelf).error, "");
  EXPECT_EQ(
      passed_sockets({{"LISTEN_FDS", "1"}, {"LISTEN_PID", self}, {"LISTEN_FDNAMES", "a:b"}}, kSelf)
          .error,
      "LISTEN_FDNAMES has 2 names for 1 sockets; it must have one name per socket");
}

TEST(Systemd, WatchdogPeriod_IsHalfOfWatchdogUsec) {
  const std::string self = std::to_string(kSelf);
  EXPECT_EQ(watchdog_period({{"WATCHDOG_USEC", "30000000"}}, kSelf), microseconds(15'000'000));
  EXPECT_EQ(watchdog_period({{"WATCHDOG_USEC", "10"}, {"WATCHDOG_PID", self}}, kSelf),
            microseconds(5));
  EXPECT_EQ(watchdog_period({{"WATCHDOG_USEC", "10"}, {"WATCHDOG_PID", "1"}}, kSelf),
            microseconds(0));
  EXPECT_EQ(watchdog_period({}, kSelf), microseconds(0));
  EXPECT_EQ(watchdog_period({{"WATCHDOG_USEC", "soon"}}, kSelf), microseconds(0));
}

TEST(Systemd, Watchdog_SendsKeepAlivesWhileAlive) {
  const Manager manager(true);
  const Notifier notifier(manager.address());
  std::atomic<bool> alive{true};
  std::atomic<int> asked{0};
  {
    const Watchdog watchdog(
        notifier, microseconds(1000),
        [&] {
          ++asked;
          return alive.load();
        },
        [] { return std::string("well"); });
    for (int i = 0; i < 3; ++i) EXPECT_EQ(manager.next(), "WATCHDOG=1\nSTATUS=well");
    alive = false;
    // The second call after this point comes after the last keep-alive.
    for (const int before = asked; asked < before + 2;) std::this_thread::yield();
    while (!manager.silent()) static_cast<void>(manager.next());
    for (const int before = asked; asked < before + 3;) std::this_thread::yield();
    EXPECT_TRUE(manager.silent()) << "something has stopped turning";
    alive = true;
    EXPECT_EQ(manager.next(), "WATCHDOG=1\nSTATUS=well");
  }
  const int at_end = asked;
  const Watchdog none(
      notifier, microseconds(0),
      [&] {
        ++asked;
        return true;
      },
      [] { return std::string(); });
  EXPECT_EQ(asked, at_end);
}

}  // namespace
}  // namespace wsd::daemon
