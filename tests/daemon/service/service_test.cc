#include "daemon/service/service.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "net/peer.h"
#include "server/server_rig.h"

namespace wsd::daemon {
namespace {

using Strings = std::vector<std::string>;

// Nothing is done with the descriptors before something listens.
Environment passed(const std::string& count) {
  return {{"LISTEN_FDS", count}, {"LISTEN_PID", std::to_string(::getpid())}};
}

TEST(Service, WithoutListenFlag_UsesPassedSockets) {
  const Service none{Environment{}};
  const Service broken(passed("some"));
  Loaded loaded;
  none.choose_listeners(loaded);
  EXPECT_EQ(loaded.options.listen, Strings{"127.0.0.1:9001"});
  loaded.listen_given = true;
  broken.choose_listeners(loaded);
  EXPECT_EQ(loaded.options.listen, Strings{"127.0.0.1:9001"});
  loaded.listen_given = false;
  broken.choose_listeners(loaded);
  EXPECT_EQ(loaded.options.listen, Strings{"systemd"});
}

TEST(Service, ListenFailure_NamesTheReason) {
  Server server;
  Service none{Environment{}};
  EXPECT_EQ(none.listen(server, "systemd"),
            "cannot listen on 'systemd': systemd has passed no socket (start wsd through a "
            "socket unit such as wsd.socket, or give --listen an address)");
  Service broken(passed("some"));
  EXPECT_EQ(broken.listen(server, "systemd").find("LISTEN_FDS"), 0U);
  EXPECT_EQ(none.listen(server, "127.0.0.1:0"), "");
  EXPECT_EQ(server.addresses().size(), 1U);
}

TEST(Service, UnreachableManager_Warns) {
  const Service service(Environment{{"NOTIFY_SOCKET", "nowhere"}});
  ASSERT_EQ(service.warnings({}).size(), 1U);
  EXPECT_EQ(service.warnings({})[0].find("NOTIFY_SOCKET \"nowhere\""), 0U);
  EXPECT_TRUE(Service{Environment{}}.warnings({}).empty());
}

// A reactor that hangs in a handler stops the keep-alives. When it continues, they do too.
TEST(Service, HangingReactor_StopsKeepAlives) {
  const int manager = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  const std::string name = "wsd-service-test-" + std::to_string(::getpid());
  name.copy(&at.sun_path[1], sizeof(at.sun_path) - 1);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  ASSERT_EQ(::bind(manager, reinterpret_cast<const sockaddr*>(&at), size), 0);
  // Returns whether a keep-alive arrives within the time.
  const auto lives = [&](std::chrono::milliseconds limit) {
    pollfd readable{manager, POLLIN, 0};
    if (::poll(&readable, 1, static_cast<int>(limit.count())) != 1) return false;
    std::array<char, 512> buffer{};
    const ssize_t count = ::recv(manager, buffer.data(), buffer.size(), 0);
    return count > 0;
  };
  constexpr std::chrono::milliseconds kLong{30'000};

  test::Signal inside;
  test::Signal go_on;
  test::ServerRig rig(test::quiet(2));
  rig.server.route("/", {.message = [&](Connection&, const Message&) {
                     inside.raise();
                     EXPECT_TRUE(go_on.wait());
                   }});
  rig.start();
  const Service service(Environment{{"NOTIFY_SOCKET", "@" + name}, {"WATCHDOG_USEC", "2000"}});
  const auto watchdog = service.ready(rig.server);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(lives(kLong));
  test::Peer peer = rig.open();
  peer.send(test::client_frame(test::kText, "hang"));
  ASSERT_TRUE(inside.wait());
  // First come datagrams in transit, and one for an earlier report; then none. A hundred periods
  // would be enough for many more.
  while (::recv(manager, nullptr, 0, MSG_DONTWAIT) >= 0) {
  }
  int more = 0;
  while (more < 3 && lives(std::chrono::milliseconds(100))) ++more;
  EXPECT_LT(more, 3);
  go_on.raise();
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(lives(kLong));
  ::close(manager);
}

TEST(Service, DrainWithForcedCloses_ExitsWith3) {
  EXPECT_EQ(judge_drain(0).exit_code, 0);
  EXPECT_EQ(judge_drain(0).sentence, "");
  EXPECT_EQ(judge_drain(1).exit_code, 3);
  EXPECT_EQ(judge_drain(1).sentence.find("drained, but 1 connection had to be force-closed"), 0U);
  EXPECT_EQ(judge_drain(12).sentence.find("drained, but 12 connections had to be force-closed"),
            0U);
}

}  // namespace
}  // namespace wsd::daemon
