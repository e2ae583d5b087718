// A child process with its output captured line by line.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "support/patience.h"

namespace e2e {

struct Command {
  std::vector<std::string> argv = {};                         // argv[0] is looked up in PATH
  std::vector<std::pair<std::string, std::string>> env = {};  // set on top of the environment
  std::vector<std::string> unset_env = {};
  std::size_t max_descriptors = 0;  // RLIMIT_NOFILE, soft and hard; 0: as it is
};

struct ExitStatus {
  int code = -1;   // exit status, -1 when a signal ended the process
  int signal = 0;  // 0 when it exited by itself
};

struct Output {
  ExitStatus status;
  std::string out;
  std::string err;
  [[nodiscard]] std::string all() const { return out + err; }
};

class Subprocess {
 public:
  explicit Subprocess(const Command& command);
  // Kills what still runs.
  ~Subprocess();
  Subprocess(const Subprocess&) = delete;
  Subprocess& operator=(const Subprocess&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  // To this process alone, and only while it has not been reaped.
  void signal(int number);

  // The first line, of stdout or stderr, from line `from` on that matches the ECMAScript regex;
  // empty when none came in time or all output ended. A line is seen without its line end.
  [[nodiscard]] std::optional<std::string> wait_for_line(const std::string& pattern,
                                                         std::size_t from = 0,
                                                         Duration limit = patience());
  // Lines of both streams so far, in the order they were read.
  [[nodiscard]] std::vector<std::string> lines() const;
  [[nodiscard]] std::optional<ExitStatus> wait_exit(Duration limit = patience());
  // What was written so far, for the message of a failing test.
  [[nodiscard]] std::string output() const;
  [[nodiscard]] std::string stdout_text() const;
  [[nodiscard]] std::string stderr_text() const;

 private:
  void spawn(const Command& command, int out, int err);
  void collect(int out, int err);
  void take(std::string_view bytes, std::string& partial, std::string& whole);

  pid_t pid_ = -1;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
  std::string out_;
  std::string err_;
  bool output_ended_ = false;
  std::optional<ExitStatus> exit_;
  std::thread collector_;
};

// Runs a command to its end; status.code is -1 when it did not end in time and was killed.
[[nodiscard]] Output run(const Command& command, Duration limit = patience());

}  // namespace e2e
