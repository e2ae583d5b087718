// The daemon under test, as a process of its own.
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

// Environment WSD_BINARY, or ./wsd.
[[nodiscard]] std::string server_binary();
// The daemon's command line with nothing added, and an environment without settings for it.
[[nodiscard]] Command server_command(std::vector<std::string> flags);

// The value of `key` in a log line of either format, unquoted; empty when it is not there.
[[nodiscard]] std::string log_value(const std::string& line, const std::string& key);

// A running server. The destructor asks it to end, and the test fails when it crashed, when a
// sanitizer reported anything, or when it did not end.
class ServerProcess {
 public:
  // Adds --listen 127.0.0.1:0 and --log-format text unless `flags` has them, and waits until the
  // server listens; the test fails when it does not.
  explicit ServerProcess(const std::vector<std::string>& flags = {});
  // As it stands, for another binary or another environment: waits for `listeners` lines that name
  // an address.
  explicit ServerProcess(const Command& command, std::size_t listeners = 1);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  [[nodiscard]] bool listening() const { return !addresses_.empty(); }
  // As the server named them, ports filled in.
  [[nodiscard]] const std::vector<std::string>& addresses() const { return addresses_; }
  [[nodiscard]] std::uint16_t port(std::size_t listener = 0) const;
  [[nodiscard]] pid_t pid() const { return process_->pid(); }
  [[nodiscard]] Subprocess& process() { return *process_; }
  [[nodiscard]] RawClient connect(int receive_buffer = 0) const {
    return RawClient::tcp(port(), receive_buffer);
  }

  void signal(int number) { process_->signal(number); }
  [[nodiscard]] std::optional<ExitStatus> wait_exit(Duration limit = patience());
  // SIGTERM, then exit status 0.
  [[nodiscard]] bool ends_cleanly();

  // The line that tells the end of the connection whose client has this local_address().
  [[nodiscard]] std::optional<std::string> wait_for_end_of(const std::string& local_address);

  [[nodiscard]] std::size_t resident_kib() const;  // VmRSS
  [[nodiscard]] std::size_t open_descriptors() const;
  // Whether no more than `count` descriptors are open before patience runs out: connections are
  // gone from the server's side, whatever the clients do.
  [[nodiscard]] bool descriptors_return_to(std::size_t count) const;

 private:
  void wait_for_listeners(std::size_t count);

  std::unique_ptr<Subprocess> process_;
  std::vector<std::string> addresses_;
};

// One server for a whole suite of independent rows. Each test checks afterwards that the server
// lives and has let go of every connection.
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
