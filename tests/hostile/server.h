// The daemon under attack, and what the kernel knows of its process.
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
  // Environment WSD_BINARY, or ./wsd, with these flags on a port of the kernel's choice. A
  // `descriptors` above 0 is its RLIMIT_NOFILE. Throws when it does not listen.
  explicit Server(std::vector<std::string> flags, std::size_t descriptors = 0);

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::size_t resident_kib() const { return status_kib("VmRSS:"); }
  // The most it ever was. A process has a past of its own from exec on.
  [[nodiscard]] std::size_t peak_kib() const { return status_kib("VmHWM:"); }
  [[nodiscard]] std::size_t descriptors() const;
  // CPU time of all threads.
  [[nodiscard]] std::chrono::nanoseconds cpu() const;
  // Log lines that contain `text`.
  [[nodiscard]] std::size_t lines_with(const std::string& text) const;
  // SIGTERM; empty when it ended with status 0, otherwise what it did.
  [[nodiscard]] std::string end();

 private:
  [[nodiscard]] std::string last_words() const;
  [[nodiscard]] std::size_t status_kib(const std::string& name) const;

  std::unique_ptr<e2e::Subprocess> process_;
  std::uint16_t port_ = 0;
};

}  // namespace hostile
