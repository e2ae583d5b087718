// Checks of the daemon's settings together with wsd::check_options().
#include <gtest/gtest.h>
#include <wsd/options.h>

#include <string>
#include <utility>
#include <vector>

#include "daemon/config/load_config.h"

namespace wsd::daemon {
namespace {

Loaded load(std::vector<std::string> arguments) {
  const auto read = [](const std::string& path) { return read_config_file(path); };
  return load_config({std::move(arguments), {}, read, &check_options});
}

TEST(Contradictions, DefaultsHaveNone) { EXPECT_EQ(load({}).error, ""); }

TEST(Contradictions, ReadTimeoutBelowPingPlusPong_NamesTheFlags) {
  const Loaded loaded = load({"--ping-interval=10s", "--pong-timeout=10s", "--read-timeout=15s"});
  EXPECT_EQ(loaded.exit_code, kExitBadConfiguration);
  for (const std::string flag : {"--ping-interval", "--pong-timeout", "--read-timeout"}) {
    EXPECT_NE(loaded.error.find(flag), std::string::npos) << loaded.error;
  }
}

TEST(Contradictions, ReadTimeoutOfPingPlusPong_IsAccepted) {
  EXPECT_EQ(load({"--ping-interval=10s", "--pong-timeout=10s", "--read-timeout=20s"}).error, "");
  EXPECT_EQ(load({"--ping-interval=10s", "--pong-timeout=10s", "--read-timeout=off"}).error, "");
}

TEST(Contradictions, LoopbackPublishingWithProxyProtocol_IsRejected) {
  const std::vector<std::string> proxied = {"--proxy-protocol=on", "--trusted-proxy=unix"};
  EXPECT_EQ(load(proxied).error, "");
  std::vector<std::string> both = proxied;
  both.emplace_back("--publish=loopback");
  const Loaded loaded = load(both);
  EXPECT_EQ(loaded.exit_code, kExitBadConfiguration);
  EXPECT_EQ(loaded.error.find("--publish loopback cannot be combined with --proxy-protocol on"), 0U)
      << loaded.error;
  EXPECT_EQ(load({"--publish=loopback", "--trusted-proxy=127.0.0.1"}).error, "");
}

TEST(Contradictions, ProxyProtocolWithoutTrustedProxy_IsRejected) {
  const Loaded loaded = load({"--proxy-protocol=on"});
  EXPECT_EQ(loaded.exit_code, kExitBadConfiguration);
  EXPECT_EQ(loaded.error.find("--proxy-protocol needs --trusted-proxy"), 0U) << loaded.error;
}

TEST(Contradictions, InvalidTrustedProxy_IsAUsageError) {
  EXPECT_EQ(load({"--trusted-proxy=proxy.example.com"}).exit_code, kExitUsage);
  EXPECT_EQ(load({"--trusted-proxy="}).exit_code, kExitUsage);
  const Loaded loaded = load({"--trusted-proxy=10.1.2.3/8"});
  EXPECT_EQ(loaded.exit_code, kExitUsage);
  EXPECT_NE(loaded.error.find("write 10.0.0.0/8"), std::string::npos) << loaded.error;
}

TEST(Contradictions, HistoryDirectoryWithoutHistory_IsRejected) {
  const Loaded loaded = load({"--history-dir=log"});
  EXPECT_EQ(loaded.exit_code, kExitBadConfiguration);
  EXPECT_EQ(loaded.error.find("--history-dir 'log' would stay empty"), 0U) << loaded.error;
  EXPECT_EQ(load({"--history-dir=log", "--history-messages=1"}).error, "");
  EXPECT_EQ(load({"--history-dir=log", "--room-rule=audit history-messages=1"}).error, "");
}

TEST(Contradictions, HistorySyncWithoutDirectory_IsRejected) {
  for (const std::string when : {"each", "off"}) {
    std::vector<std::string> arguments = {"--history-messages=1", "--history-sync=" + when};
    const Loaded loaded = load(arguments);
    EXPECT_EQ(loaded.exit_code, kExitBadConfiguration);
    EXPECT_EQ(loaded.error.find("--history-sync " + when + " has no effect"), 0U) << loaded.error;
    arguments.emplace_back("--history-dir=log");
    EXPECT_EQ(load(arguments).error, "");
  }
}

TEST(Contradictions, EngineAndHistoryDirectory_AreRejected) {
  const Loaded loaded =
      load({"--engine=redis://localhost", "--history-dir=log", "--history-messages=1"});
  EXPECT_EQ(loaded.exit_code, kExitBadConfiguration);
  EXPECT_EQ(loaded.error.find("--engine and --history-dir exclude each other"), 0U) << loaded.error;
}

TEST(Contradictions, EngineUserWithoutPassword_IsRejected) {
  const std::vector<std::string> user = {"--engine=redis://localhost", "--engine-user=wsd"};
  const Loaded loaded = load(user);
  EXPECT_EQ(loaded.exit_code, kExitBadConfiguration);
  EXPECT_EQ(loaded.error.find("--engine-user \"wsd\" needs a password"), 0U) << loaded.error;
  std::vector<std::string> both = user;
  both.emplace_back("--engine-password-file=file");
  EXPECT_EQ(load(both).error, "");
}

TEST(Contradictions, PasswordInTheUrl_IsRejectedAndNotRepeated) {
  const Loaded loaded = load({"--engine=redis://wsd:geheim@localhost"});
  EXPECT_EQ(loaded.exit_code, kExitUsage);
  EXPECT_NE(loaded.error.find("--engine-password-file"), std::string::npos) << loaded.error;
  EXPECT_EQ(loaded.error.find("geheim"), std::string::npos) << loaded.error;
}

TEST(Contradictions, LargeMessagesWithAnEngine_Warn) {
  const Loaded large = load({"--engine=redis://localhost", "--max-message=16MiB"});
  EXPECT_EQ(large.error, "");
  ASSERT_EQ(large.warnings.size(), 1U);
  EXPECT_EQ(large.warnings[0].find("--max-message 16MiB is more than 1MiB"), 0U)
      << large.warnings[0];
  EXPECT_TRUE(load({"--engine=redis://localhost", "--max-message=1MiB"}).warnings.empty());
  EXPECT_TRUE(load({"--max-message=2MiB"}).warnings.empty());
}

TEST(Contradictions, EngineWithoutMaxMessage_LimitsMessagesTo1MiB) {
  const Loaded engine = load({"--engine=redis://localhost"});
  EXPECT_EQ(engine.error, "");
  EXPECT_TRUE(engine.warnings.empty());
  EXPECT_EQ(engine.options.server.limits.max_message_bytes, std::size_t{1} << 20U);
  EXPECT_EQ(load({}).options.server.limits.max_message_bytes, std::size_t{16} << 20U);
  EXPECT_EQ(load({"--engine=redis://localhost", "--max-message=2MiB"})
                .options.server.limits.max_message_bytes,
            std::size_t{2} << 20U);
}

// A setting that the library refuses by itself should be refused under the name an operator knows.
TEST(Contradictions, SentencesNameOnlyFlagsOfTheTable) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"--max-message=0"},
                                             {"--send-queue-bytes=0"},
                                             {"--max-head=0"},
                                             {"--read-buffer=0"},
                                             {"--max-pending-publishes=0"},
                                             {"--max-fields=0"},
                                             {"--max-input-bytes=0"},
                                             {"--max-output-bytes=0"},
                                             {"--history-dir=a"},
                                             {"--history-sync=each"},
                                             {"--engine=redis://a", "--engine-timeout=1ms"},
                                             {"--engine=redis://a", "--engine-backlog=0"},
                                             {"--engine=redis://a", "--history-dir=a"}}) {
    const std::string error = load(arguments).error;
    for (std::size_t at = error.find("--"); at != std::string::npos;
         at = error.find("--", at + 2)) {
      const std::size_t end = error.find_first_not_of("abcdefghijklmnopqrstuvwxyz-", at + 2);
      EXPECT_NE(find_flag(error.substr(at + 2, end - at - 2)), nullptr) << error;
    }
  }
}

}  // namespace
}  // namespace wsd::daemon
