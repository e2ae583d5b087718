// The daemon under attack, and the kernel's figures of its process.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "support/subprocess.h"

namespace hostile {

class Server {
 public:
  // Starts the environment variable WSD_BINARY, or ./wsd, with these flags on a port that the
  // kernel chooses. A `descriptors` above 0 is its RLIMIT_NOFILE. Throws if the server does not
  // listen.
  explicit Server(std::vector<std::string> flags, std::size_t descriptors = 0);

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::size_t resident_kib() const { return status_kib("VmRSS:"); }
  // The peak of this process since exec.
  [[nodiscard]] std::size_t peak_kib() const { return status_kib("VmHWM:"); }
  [[nodiscard]] std::size_t descriptors() const;
  // The CPU time of all threads.
  [[nodiscard]] std::chrono::nanoseconds cpu() const;
  // Returns the number of log lines that contain `text`.
  [[nodiscard]] std::size_t lines_with(const std::string& text) const;
  // Sends SIGTERM. Returns "" if the server exited with status 0, otherwise a description.
  [[nodiscard]] std::string end();

 private:
  [[nodiscard]] std::string last_words() const;
  [[nodiscard]] std::size_t status_kib(const std::string& name) const;

  std::unique_ptr<e2e::Subprocess> process_;
  std::uint16_t port_ = 0;
};

}  // namespace hostile
