#include "wsd/service.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace wsd::daemon {
namespace {

using Words = std::vector<std::string>;

// Nothing is done with the descriptors before something listens.
Environment passed(const std::string& count) {
  return {{"LISTEN_FDS", count}, {"LISTEN_PID", std::to_string(::getpid())}};
}

TEST(Service, ListensOnWhatWasPassedWhereNothingNamesAnAddress) {
  const Service none{Environment{}};
  const Service broken(passed("some"));
  Loaded loaded;
  none.choose_listeners(loaded);
  EXPECT_EQ(loaded.options.listen, Words{"127.0.0.1:9001"});
  loaded.listen_given = true;
  broken.choose_listeners(loaded);
  EXPECT_EQ(loaded.options.listen, Words{"127.0.0.1:9001"});
  loaded.listen_given = false;
  broken.choose_listeners(loaded);
  EXPECT_EQ(loaded.options.listen, Words{"systemd"});
}

TEST(Service, SaysWhyNothingCanBeListenedOn) {
  Server server;
  Service none{Environment{}};
  EXPECT_EQ(none.listen(server, "systemd"),
            "cannot listen on 'systemd': no socket was passed to this process (start it through a "
            "socket unit such as wsd.socket, or give --listen an address)");
  Service broken(passed("some"));
  EXPECT_EQ(broken.listen(server, "systemd").find("LISTEN_FDS"), 0U);
  EXPECT_EQ(none.listen(server, "127.0.0.1:0"), "");
  EXPECT_EQ(server.addresses().size(), 1U);
}

TEST(Service, WarnsOfAManagerThatCannotBeTold) {
  const Service service(Environment{{"NOTIFY_SOCKET", "nowhere"}});
  ASSERT_EQ(service.warnings({}).size(), 1U);
  EXPECT_EQ(service.warnings({})[0].find("NOTIFY_SOCKET \"nowhere\""), 0U);
  EXPECT_TRUE(Service{Environment{}}.warnings({}).empty());
}

TEST(Service, ADrainThatCutIsNoCleanEnd) {
  EXPECT_EQ(judge_drain(0).exit_code, 0);
  EXPECT_EQ(judge_drain(0).sentence, "");
  EXPECT_EQ(judge_drain(1).exit_code, 3);
  EXPECT_EQ(judge_drain(1).sentence.find("drained, but 1 connection had to be cut"), 0U);
  EXPECT_EQ(judge_drain(12).sentence.find("drained, but 12 connections had to be cut"), 0U);
}

}  // namespace
}  // namespace wsd::daemon
