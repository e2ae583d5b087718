// The command line, the environment, the configuration file, and the exit status.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "support/expect.h"
#include "support/server_process.h"
#include "support/tools.h"

namespace e2e {
namespace {

constexpr int kUsage = 2;
constexpr int kBadConfiguration = 78;

Output daemon(const std::vector<std::string>& flags,
              const std::vector<std::pair<std::string, std::string>>& env = {}) {
  Command command = server_command(flags);
  command.env = env;
  return run(command);
}

bool mentions(const std::string& text, const std::string& word) {
  return text.find(word) != std::string::npos;
}

TEST(Daemon, HelpListsTheFlags) {
  const Output output = daemon({"--help"});
  EXPECT_EQ(output.status.code, 0);
  EXPECT_EQ(output.err, "");
  for (const char* flag :
       {"--listen",          "--reactors",         "--max-message",       "--ping-interval",
        "--pong-timeout",    "--read-timeout",     "--handshake-timeout", "--write-timeout",
        "--close-timeout",   "--send-queue-bytes", "--slow-policy",       "--allowed-origin",
        "--max-connections", "--drain-window",     "--drain-timeout",     "--log-level",
        "--log-format",      "--config",           "--check-config",      "--help",
        "--version"}) {
    EXPECT_TRUE(mentions(output.out, flag)) << flag;
  }
}

TEST(Daemon, VersionIsANumber) {
  const Output output = daemon({"--version"});
  EXPECT_EQ(output.status.code, 0);
  EXPECT_NE(output.out.find_first_of("0123456789"), std::string::npos) << output.out;
}

TEST(Daemon, UnknownFlagGetsASuggestion) {
  const Output output = daemon({"--ping-intervall", "25s"});
  EXPECT_EQ(output.status.code, kUsage);
  EXPECT_TRUE(mentions(output.err, "--ping-interval")) << output.err;
}

TEST(Daemon, WrongCommandLinesAreUsageErrors) {
  for (const std::vector<std::string>& flags :
       std::vector<std::vector<std::string>>{{"--listen"},
                                             {"--reactors", "many"},
                                             {"--ping-interval", "25"},
                                             {"--ping-interval", "-1s"},
                                             {"--max-message", "1XiB"},
                                             {"--slow-policy", "hope"},
                                             {"--listen", "nowhere"},
                                             {"--listen", "127.0.0.1:99999"},
                                             {"--allowed-origin", "not an origin"},
                                             {"stray"}}) {
    const Output output = daemon(flags);
    EXPECT_EQ(output.status.code, kUsage) << flags[0] << "\n" << output.all();
    EXPECT_TRUE(mentions(output.err, flags[0])) << output.err;
  }
}

TEST(Daemon, CheckConfig_OutputIsAValidConfiguration) {
  const Output first =
      daemon({"--check-config", "--ping-interval", "10s", "--allowed-origin", "*"});
  EXPECT_EQ(first.status.code, 0) << first.all();
  EXPECT_TRUE(mentions(first.out, "10s")) << first.out;
  const TemporaryDirectory folder;
  const Output second = daemon({"--check-config", "--config", folder.write("wsd.conf", first.out)});
  EXPECT_EQ(second.status.code, 0) << second.all();
  EXPECT_EQ(second.out, first.out);
}

// A heartbeat whose Pong deadline cannot be met. Each setting is valid, but not both together.
TEST(Daemon, ContradictionNamesTheFlags) {
  for (const char* action : {"--check-config", "--log-level=info"}) {
    const Output output = daemon(
        {action, "--ping-interval", "30s", "--pong-timeout", "20s", "--read-timeout", "40s"});
    EXPECT_EQ(output.status.code, kBadConfiguration) << output.all();
    EXPECT_TRUE(mentions(output.err, "--read-timeout")) << output.err;
    EXPECT_TRUE(mentions(output.err, "--ping-interval")) << output.err;
  }
}

TEST(Daemon, BadFilesAreBadConfiguration) {
  const TemporaryDirectory folder;
  for (const char* content : {"ping-intervall = 25s\n", "ping-interval = soon\n", "ping-interval\n",
                              "ping-interval = 30s\npong-timeout = 20s\nread-timeout = 40s\n"}) {
    const std::string path = folder.write("wsd.conf", content);
    for (const char* action : {"--check-config", "--log-level=info"}) {
      const Output output = daemon({action, "--config", path});
      EXPECT_EQ(output.status.code, kBadConfiguration) << content << output.all();
      EXPECT_TRUE(mentions(output.err, "ping-interval")) << output.err;
    }
  }
  const Output output = daemon({"--check-config", "--config", folder.file("absent")});
  EXPECT_EQ(output.status.code, kBadConfiguration) << output.all();
  EXPECT_TRUE(mentions(output.err, "absent")) << output.err;
}

TEST(Daemon, BadEnvironmentNamesTheVariable) {
  const Output output = daemon({"--check-config"}, {{"WSD_PING_INTERVAL", "soon"}});
  EXPECT_EQ(output.status.code, kBadConfiguration) << output.all();
  EXPECT_TRUE(mentions(output.err, "WSD_PING_INTERVAL")) << output.err;
}

TEST(Daemon, Flag_OverridesEnvironmentWhichOverridesFile) {
  const TemporaryDirectory folder;
  const std::string path = folder.write(
      "wsd.conf", "# of three\nmax-message = 1001\nmax-fragments = 11\nmax-fields = 21\n");
  const std::vector<std::pair<std::string, std::string>> env{{"WSD_MAX_MESSAGE", "1002"},
                                                             {"WSD_MAX_FRAGMENTS", "12"}};
  const Output output = daemon({"--check-config", "--config", path, "--max-message=1003"}, env);
  EXPECT_EQ(output.status.code, 0) << output.all();
  EXPECT_TRUE(mentions(output.out, "max-message = 1003")) << output.out;
  EXPECT_TRUE(mentions(output.out, "max-fragments = 12")) << output.out;
  EXPECT_TRUE(mentions(output.out, "max-fields = 21")) << output.out;
}

TEST(Daemon, SettingsFromFileAndEnvironmentTakeEffect) {
  const TemporaryDirectory folder;
  const std::string path =
      folder.write("wsd.conf", "listen = 127.0.0.1:0\nmax-message = 100\nlog-format = json\n");
  Command command = server_command({});
  command.env = {{"WSD_CONFIG", path}, {"WSD_LOG_FORMAT", "text"}};
  ServerProcess server(command);
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  const std::string address = client.local_address();
  ASSERT_TRUE(opens(client));
  client.send(text_frame(std::string(101, 'm')));
  EXPECT_TRUE(is_ended_with(client, 1009));
  const auto line = server.wait_for_end_of(address);
  ASSERT_TRUE(line);
  EXPECT_TRUE(mentions(*line, "cause=message_too_big")) << *line;
}

TEST(Daemon, Log_IsJsonIfNotATerminal) {
  ServerProcess server({"--log-format", "auto"});
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  const std::string address = client.local_address();
  ASSERT_TRUE(opens(client));
  ASSERT_TRUE(closes_normally(client));
  const auto line = server.wait_for_end_of(address);
  ASSERT_TRUE(line);
  EXPECT_TRUE(line->starts_with("{") && line->ends_with("}")) << *line;
  EXPECT_EQ(log_value(*line, "event"), "connection_end") << *line;
  EXPECT_EQ(log_value(*line, "cause"), "peer_closed") << *line;
  EXPECT_EQ(log_value(*line, "code_received"), "1000") << *line;
}

TEST(Daemon, Hangup_ChecksTheConfigurationAndContinues) {
  const TemporaryDirectory folder;
  const std::string path = folder.write("wsd.conf", "max-message = 1000\n");
  ServerProcess server({"--config", path});
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  ASSERT_TRUE(opens(client));
  std::size_t seen = server.process().lines().size();
  server.signal(SIGHUP);
  ASSERT_TRUE(server.process().wait_for_line("reload", seen)) << server.process().output();
  static_cast<void>(folder.write("wsd.conf", "max-message = nonsense\n"));
  seen = server.process().lines().size();
  server.signal(SIGHUP);
  ASSERT_TRUE(server.process().wait_for_line("reload", seen)) << server.process().output();
  EXPECT_TRUE(echoes(client));
}

// A pipe has no content any more, or none for ever: the daemon reads it at start only.
TEST(Daemon, HangupWithAPipeAsConfiguration_LogsAnErrorAndEndsOnSigterm) {
  const TemporaryDirectory folder;
  const std::string path = folder.write("wsd.conf", "max-message = 1000\n");
  ServerProcess server({"--config", path});
  ASSERT_TRUE(server.listening());
  std::filesystem::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  server.signal(SIGHUP);
  const auto line = server.process().wait_for_line("event=reload");
  ASSERT_TRUE(line);
  EXPECT_NE(line->find("it is not a regular file"), std::string::npos) << *line;
  EXPECT_EQ(log_value(*line, "level"), "error");
  EXPECT_TRUE(server.ends_cleanly()) << server.process().output();
}

// bash passes a pipe for each <(...).
TEST(Daemon, StartsWithPipesAsFiles) {
  Command command = server_command({"--listen", "127.0.0.1:0", "--log-format", "text"});
  command.argv.insert(command.argv.begin(),
                      {"bash", "-c",
                       "exec \"$0\" \"$@\" --config <(echo max-message = 7) --admin 127.0.0.1:0 "
                       "--admin-token-file <(echo 0123456789abcdef) --publish-token-file <(echo "
                       "0123456789abcdef)"});
  ServerProcess server(command);
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  ASSERT_TRUE(opens(client));
  client.send(text_frame("8 bytes."));
  EXPECT_TRUE(is_closed_with(client, 1009));
  EXPECT_EQ(server.process().output().find("warning"), std::string::npos)
      << server.process().output();
}

// The reader of standard error may have stopped. Nothing that the daemon writes keeps it running.
TEST(Daemon, FullStandardError_EndsOnSigterm) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  ASSERT_EQ(::fcntl(pipe[0], F_SETFD, FD_CLOEXEC), 0);
  ASSERT_EQ(::fcntl(pipe[1], F_SETFL, O_NONBLOCK), 0);
  const std::string block(4096, '.');
  while (::write(pipe[1], block.data(), block.size()) > 0) continue;
  ASSERT_EQ(::fcntl(pipe[1], F_SETFL, 0), 0);
  const TemporaryDirectory folder;
  const std::string path = folder.file("socket");
  Command command = server_command({"--listen", "unix:" + path, "--drain-window", "0",
                                    "--close-timeout", "100ms", "--drain-timeout", "1s"});
  command.argv.insert(command.argv.begin(),
                      {"bash", "-c", "exec \"$0\" \"$@\" 2>&" + std::to_string(pipe[1])});
  Subprocess server(command);
  RawClient client;
  ASSERT_TRUE(eventually([&] {
    client = RawClient::unix_socket(path);
    return client.connected();
  }));
  ASSERT_TRUE(opens(client));
  EXPECT_TRUE(echoes(client));
  // It never answers the Close, so the daemon has a sentence to write.
  server.signal(SIGTERM);
  const auto status = server.wait_exit();
  ASSERT_TRUE(status) << "the daemon hangs";
  EXPECT_EQ(status->code, 3);
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST(Daemon, WorldReadableTokenFile_IsAWarning) {
  const TemporaryDirectory folder;
  const std::string path = folder.write("token", "0123456789abcdef");
  for (const std::vector<std::string>& flags :
       std::vector<std::vector<std::string>>{{"--admin", "127.0.0.1:0", "--admin-token-file", path},
                                             {"--publish-token-file", path}}) {
    for (const auto& [mode, warns] : {std::pair{0640, false}, std::pair{0644, true}}) {
      ::chmod(path.c_str(), static_cast<mode_t>(mode));
      std::vector<std::string> all = flags;
      all.emplace_back("--check-config");
      const Output output = daemon(all);
      EXPECT_EQ(output.status.code, 0) << output.all();
      EXPECT_EQ(mentions(output.err, "every user of this machine can read the tokens in"), warns)
          << output.err;
    }
  }
}

TEST(Daemon, EndsCleanlyWithNothingToDrain) {
  ServerProcess server;
  ASSERT_TRUE(server.listening());
  EXPECT_TRUE(server.ends_cleanly()) << server.process().output();
}

TEST(Daemon, OpenFileLimit_IsRaisedToTheHardLimit) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit lower = before;
  lower.rlim_cur = before.rlim_max - 1;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &lower), 0);  // the daemon inherits it
  ServerProcess server;
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_TRUE(server.listening());
  rlimit raised{};
  ASSERT_EQ(::prlimit(server.pid(), RLIMIT_NOFILE, nullptr, &raised), 0);
  EXPECT_EQ(raised.rlim_cur, before.rlim_max);
}

TEST(Daemon, ClosedPipesDoNotKillIt) {
  ServerProcess server;
  ASSERT_TRUE(server.listening());
  server.signal(SIGPIPE);
  RawClient client = server.connect();
  ASSERT_TRUE(opens(client));
  EXPECT_TRUE(echoes(client));
}

}  // namespace
}  // namespace e2e
