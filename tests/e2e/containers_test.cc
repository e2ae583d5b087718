// The numbers of docs/CONTAINERS.md: a drain with the documented flags fits the grace period that
// is documented beside them.

#include <gtest/gtest.h>

#include <csignal>
#include <regex>
#include <string>
#include <vector>

#include "support/expect.h"
#include "support/server_process.h"
#include "support/tools.h"

namespace e2e {
namespace {

using std::chrono::milliseconds;

// The time for wsd to exit after its drain, as the document says.
constexpr milliseconds kToExit{5'000};

// One way to run the daemon, as documented.
struct Deployment {
  std::string name;
  milliseconds grace{0};
  std::vector<std::string> flags;  // those of the drain
};

milliseconds duration(const std::string& text) {
  std::smatch part;
  if (text == "0") return milliseconds(0);
  EXPECT_TRUE(std::regex_match(text, part, std::regex("([0-9]+)(ms|s|m)"))) << text;
  const int unit = part[2] == "ms" ? 1 : part[2] == "s" ? 1'000 : 60'000;
  return milliseconds(std::stoi(part[1]) * unit);
}

std::vector<std::string> drain_flags(const std::string& text) {
  static const std::regex flag(
      "--(drain-delay|drain-window|drain-timeout|close-timeout)=[0-9]+m?s");
  return {std::sregex_token_iterator(text.begin(), text.end(), flag), {}};
}

std::string matched(const std::string& text, const std::string& pattern) {
  std::smatch found;
  if (std::regex_search(text, found, std::regex(pattern))) return found[1];
  ADD_FAILURE() << "not documented any more: " << pattern;
  return "0";
}

// The rows of the table in the document, and the files that it shows.
std::vector<Deployment> documented() {
  const std::string docker = deployed("Dockerfile");
  const std::string compose = deployed("compose.yaml");
  const std::string kubernetes = deployed("kubernetes.yaml");
  std::vector<Deployment> all = {
      // The grace period of docker stop without --stop-timeout.
      {"Dockerfile", milliseconds(10'000), drain_flags(matched(docker, "(CMD .*)"))},
      {"compose.yaml", duration(matched(compose, "stop_grace_period: ([0-9]+s)")),
       drain_flags(compose)},
      {"kubernetes.yaml",
       duration(matched(kubernetes, "terminationGracePeriodSeconds: ([0-9]+)") + "s"),
       drain_flags(kubernetes)},
  };
  std::string page = deployed("../CONTAINERS.md");
  const std::regex row(R"(\n\| ([^|]+) \| `[^|]+` \| ([0-9]+) s[^|]* \| `(--[^|`]+)` \|)");
  std::size_t rows = 0;
  for (std::sregex_iterator at(page.begin(), page.end(), row), end; at != end; ++at, ++rows) {
    all.push_back({(*at)[1], duration((*at)[2].str() + "s"), drain_flags((*at)[3])});
    EXPECT_EQ(all.back().flags.size(), drain_flags(at->str()).size());
  }
  EXPECT_EQ(rows, 3U) << "the table of grace periods has changed";
  return all;
}

// The values in effect, also those of flags that are not given.
struct Drain {
  milliseconds delay, window, timeout, close;
};

Drain effective(const std::vector<std::string>& flags) {
  std::vector<std::string> arguments = flags;
  arguments.emplace_back("--check-config");
  const Output output = run(server_command(arguments));
  EXPECT_EQ(output.status.code, 0) << output.all();
  const auto value = [&](const std::string& key) {
    return duration(matched(output.out, "\n" + key + " = ([0-9a-z]+)\n"));
  };
  return {value("drain-delay"), value("drain-window"), value("drain-timeout"),
          value("close-timeout")};
}

TEST(Containers, DocumentedDrain_FitsTheGracePeriod) {
  for (const Deployment& each : documented()) {
    const Drain drain = effective(each.flags);
    EXPECT_LE((drain.delay + drain.timeout + kToExit).count(), each.grace.count()) << each.name;
    // The last clients that get a Close can still answer it.
    EXPECT_LE((drain.window + drain.close).count(), drain.timeout.count()) << each.name;
  }
}

// The same drains in a twentieth of the time. The grace period begins with the signal.
TEST(Containers, DocumentedDrain_EndsWithAndWithoutAnswers) {
  constexpr int kTimes = 20;
  for (const Deployment& each : documented()) {
    const Drain drain = effective(each.flags);
    const auto flag = [](const char* name, milliseconds value) {
      return name + std::to_string(value.count() / kTimes) + "ms";
    };
    for (const bool answers : {true, false}) {
      ServerProcess server(
          {flag("--drain-delay=", drain.delay), flag("--drain-window=", drain.window),
           flag("--drain-timeout=", drain.timeout), flag("--close-timeout=", drain.close)});
      ASSERT_TRUE(server.listening());
      RawClient client = server.connect();
      ASSERT_TRUE(opens(client));
      server.signal(SIGTERM);
      if (answers) {
        EXPECT_TRUE(is_closed_with(client, 1001)) << each.name;
      }
      const auto status = server.wait_exit();
      ASSERT_TRUE(status) << each.name;
      EXPECT_EQ(status->code, answers ? 0 : 3) << each.name << server.process().output();
    }
  }
}

}  // namespace
}  // namespace e2e
