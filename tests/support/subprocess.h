// A child process. Its output is captured line by line.
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
  std::vector<std::pair<std::string, std::string>> env = {};  // added to the environment
  std::vector<std::string> unset_env = {};
  std::size_t max_descriptors = 0;  // RLIMIT_NOFILE, soft and hard; 0: unchanged
};

struct ExitStatus {
  int code = -1;   // exit status; -1 if a signal ended the process
  int signal = 0;  // 0 if the process exited by itself
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
  // Kills the process if it still runs.
  ~Subprocess();
  Subprocess(const Subprocess&) = delete;
  Subprocess& operator=(const Subprocess&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  // Sends the signal to this process only, and only if it has not been reaped.
  void signal(int number);

  // Returns the first line of stdout or stderr, from line `from` on, that matches the ECMAScript
  // regex. Returns nothing if none came in time or all output ended. Lines have no line end.
  [[nodiscard]] std::optional<std::string> wait_for_line(const std::string& pattern,
                                                         std::size_t from = 0,
                                                         Duration limit = patience());
  // Returns the lines of both streams so far, in the order they were read.
  [[nodiscard]] std::vector<std::string> lines() const;
  [[nodiscard]] std::optional<ExitStatus> wait_exit(Duration limit = patience());
  // Returns all output so far, for the message of a failing test.
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

// Runs a command to its end. If it did not end in time, kills it and sets status.code to -1.
[[nodiscard]] Output run(const Command& command, Duration limit = patience());

}  // namespace e2e
