// Programs of other projects that the tests use, and how to report that one is missing.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "support/subprocess.h"

namespace e2e {

// How to start a tool, or why it cannot be started.
struct Tool {
  Command command;      // arguments are appended to its argv
  std::string missing;  // a sentence; empty if the tool is available
  bool ours = false;    // built from this tree

  [[nodiscard]] Command with(const std::vector<std::string>& arguments) const;
};

[[nodiscard]] const Tool& node_with_ws();
// node_with_ws() with the path of npm's module `nchan`.
[[nodiscard]] const Tool& node_with_nchan();
// tests/page/page_client.cjs with a Chromium. The caller appends WSD and the case.
[[nodiscard]] const Tool& chromium_with_node();
// tests/page/firefox_client.cjs with a Firefox. The caller appends WSD.
[[nodiscard]] const Tool& firefox_with_node();
[[nodiscard]] const Tool& python_with_websockets();
[[nodiscard]] const Tool& curl();
[[nodiscard]] const Tool& nginx();
[[nodiscard]] const Tool& haproxy();
[[nodiscard]] const Tool& caddy();
[[nodiscard]] const Tool& openssl();
[[nodiscard]] const Tool& stunnel();
// Runs a program, in its own process, with another clock: the caller appends FAKETIME=DIFFERENCE
// and the program.
[[nodiscard]] const Tool& faketime();
[[nodiscard]] const Tool& promtool();
[[nodiscard]] const Tool& prometheus();
// A program of docs/examples, in the folder that the environment variable WSD_EXAMPLES names.
[[nodiscard]] Tool example(const std::string& name);
// Returns the text of docs/deploy/NAME. If it is missing, the test fails and "" is returned.
[[nodiscard]] std::string deployed(const std::string& name);
// A program of docs/tutorial, which is built into the folder beside that of the examples.
[[nodiscard]] Tool tutorial(const std::string& name);
// Returns a port of 127.0.0.1 that is free now, for a tool that cannot bind port 0 and report its
// port.
[[nodiscard]] std::uint16_t free_port();
// Returns the path of tests/clients/NAME, from any working directory.
[[nodiscard]] std::string client_script(const std::string& name);

// A directory that is removed with the object.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
  // Writes a file into the directory and returns its path.
  [[nodiscard]] std::string write(const std::string& name, const std::string& content) const;

 private:
  std::string path_;
};

// Returns true under CI=true, where every tool must be installed. On a developer's machine a test
// without its tool is skipped.
[[nodiscard]] bool tools_are_required();
// Returns whether the running test may start `tool`. `make e2e` runs without programs of other
// projects. Only tests in suites named Foreign... or Engine... may start them. `make foreign` runs
// the former, and `make engine` the latter, which need redis-server.
[[nodiscard]] bool may_start(const Tool& tool);

}  // namespace e2e

#define E2E_REQUIRE(tool)                                                                        \
  do {                                                                                           \
    ASSERT_TRUE(::e2e::may_start(tool)) << "the suite's name must begin with Foreign or Engine"; \
    if (!(tool).missing.empty()) {                                                               \
      if (::e2e::tools_are_required()) FAIL() << (tool).missing;                                 \
      GTEST_SKIP() << (tool).missing;                                                            \
    }                                                                                            \
  } while (false)
