// Programs no one here wrote that the tests talk through, and what a machine lacks.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "support/subprocess.h"

namespace e2e {

// A way to start a tool, or why there is none.
struct Tool {
  Command command;      // arguments are appended to its argv
  std::string missing;  // a sentence; empty when the tool is there
  bool ours = false;    // built from this tree

  [[nodiscard]] Command with(const std::vector<std::string>& arguments) const;
};

[[nodiscard]] const Tool& node_with_ws();
// node_with_ws() and the path of npm's module `nchan`.
[[nodiscard]] const Tool& node_with_nchan();
// tests/page/page_client.cjs with a Chromium: WSD and the case are to be appended.
[[nodiscard]] const Tool& chromium_with_node();
[[nodiscard]] const Tool& python_with_websockets();
[[nodiscard]] const Tool& curl();
[[nodiscard]] const Tool& nginx();
[[nodiscard]] const Tool& haproxy();
[[nodiscard]] const Tool& openssl();
[[nodiscard]] const Tool& promtool();
[[nodiscard]] const Tool& prometheus();
// A program of docs/examples, in the folder that environment WSD_EXAMPLES names.
[[nodiscard]] Tool example(const std::string& name);
// The text of docs/deploy/NAME; empty, and the test fails, where it is not there.
[[nodiscard]] std::string deployed(const std::string& name);
// Likewise one of docs/tutorial, which lies beside it.
[[nodiscard]] Tool tutorial(const std::string& name);
// A port of 127.0.0.1 that is free now, for a tool that cannot bind 0 and say which it got.
[[nodiscard]] std::uint16_t free_port();
// tests/clients/NAME, wherever the tests were started.
[[nodiscard]] std::string client_script(const std::string& name);

// A directory that is gone with the test.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
  // Writes a file into it and returns its path.
  [[nodiscard]] std::string write(const std::string& name, const std::string& content) const;

 private:
  std::string path_;
};

// Under CI=true everything has to be there; on a developer's machine a test is skipped.
[[nodiscard]] bool tools_are_required();
// Returns whether the running test may start `tool`. `make e2e` runs without programs of other
// projects: only tests whose suite is named Foreign... may start them, and `make foreign` runs
// those.
[[nodiscard]] bool may_start(const Tool& tool);

}  // namespace e2e

#define E2E_REQUIRE(tool)                                                              \
  do {                                                                                 \
    ASSERT_TRUE(::e2e::may_start(tool)) << "the suite's name must begin with Foreign"; \
    if (!(tool).missing.empty()) {                                                     \
      if (::e2e::tools_are_required()) FAIL() << (tool).missing;                       \
      GTEST_SKIP() << (tool).missing;                                                  \
    }                                                                                  \
  } while (false)
