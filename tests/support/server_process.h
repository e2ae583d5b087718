// Runs the daemon under test as a process.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/raw_client.h"
#include "support/subprocess.h"

namespace e2e {

// Returns the environment variable WSD_BINARY, or ./wsd.
[[nodiscard]] std::string server_binary();
// Returns the command line of the daemon, with an environment that contains no settings for it.
[[nodiscard]] Command server_command(std::vector<std::string> flags);

// Returns the value of `key` in a log line of either format, unquoted. Returns "" if the key is
// absent.
[[nodiscard]] std::string log_value(const std::string& line, const std::string& key);

// A running server. The destructor stops it. The test fails if the server crashed, did not end, or
// if a sanitizer reported an error.
class ServerProcess {
 public:
  // Adds --listen 127.0.0.1:0 and --log-format text unless `flags` has them. Waits until the server
  // listens; the test fails if it does not.
  explicit ServerProcess(const std::vector<std::string>& flags = {});
  // Runs `command` unchanged, for another binary or another environment. Waits for `listeners` log
  // lines that name an address.
  explicit ServerProcess(const Command& command, std::size_t listeners = 1);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  [[nodiscard]] bool listening() const { return !addresses_.empty(); }
  // The addresses that the server logged, with the actual ports.
  [[nodiscard]] const std::vector<std::string>& addresses() const { return addresses_; }
  [[nodiscard]] std::uint16_t port(std::size_t listener = 0) const;
  [[nodiscard]] pid_t pid() const { return process_->pid(); }
  [[nodiscard]] Subprocess& process() { return *process_; }
  [[nodiscard]] RawClient connect(int receive_buffer = 0) const {
    return RawClient::tcp(port(), receive_buffer);
  }

  void signal(int number) { process_->signal(number); }
  [[nodiscard]] std::optional<ExitStatus> wait_exit(Duration limit = patience());
  // Sends SIGTERM and expects exit status 0.
  [[nodiscard]] bool ends_cleanly();

  // Waits for the log line that reports the end of the connection with this local_address().
  [[nodiscard]] std::optional<std::string> wait_for_end_of(const std::string& local_address);

  [[nodiscard]] std::size_t resident_kib() const;  // VmRSS
  [[nodiscard]] std::size_t open_descriptors() const;
  // Waits until at most `count` descriptors are open, so the server has freed the other
  // connections. Returns false if patience() ran out.
  [[nodiscard]] bool descriptors_return_to(std::size_t count) const;

 private:
  void wait_for_listeners(std::size_t count);

  std::unique_ptr<Subprocess> process_;
  std::vector<std::string> addresses_;
};

// One server for a whole suite of independent rows. Checks after each test that the server runs and
// has freed every connection.
class SharedServer : public ::testing::Test {
 protected:
  static void start(const std::vector<std::string>& flags = {});
  static void stop();
  static ServerProcess& server() { return *server_; }
  static void SetUpTestSuite() { start(); }
  static void TearDownTestSuite() { stop(); }

  void SetUp() override;
  void TearDown() override;

 private:
  static std::unique_ptr<ServerProcess> server_;
  static std::size_t idle_descriptors_;
};

}  // namespace e2e
