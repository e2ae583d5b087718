// A daemon with rooms and an admin listener, which tests start, kill and restart.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "support/publish_client.h"
#include "support/server_process.h"

namespace e2e {

// Each start listens on new ports.
class AdminServer {
 public:
  // Starts with a history of 1,000 messages for each room, two reactors, POST allowed and `flags`.
  // `wrapper` replaces the program before the daemon's own command line, such as {"unshare", "-m"}.
  explicit AdminServer(const std::vector<std::string>& flags,
                       std::vector<std::string> wrapper = {});

  void start();
  // Ends the process as a power switch does, without any chance to finish its work.
  void kill();
  // Drains and ends.
  void stop();

  [[nodiscard]] ServerProcess& process() const { return *server_; }
  [[nodiscard]] RawClient connect() const { return server_->connect(); }
  [[nodiscard]] std::uint16_t port() const { return server_->port(); }

  // Publishes with POST and returns the position. The test fails if the status is not 200.
  Place publish(const std::string& room, const std::string& text) const;
  // Publishes with POST and returns the response.
  [[nodiscard]] HttpResponse try_publish(const std::string& room, const std::string& text) const;
  // Joins with `query`, such as "last=10", and reads `count` messages.
  [[nodiscard]] std::vector<Meta> replay(const std::string& room, const std::string& query,
                                         std::size_t count) const;

  // Asks the admin listener.
  [[nodiscard]] HttpResponse ask(const std::string& method, const std::string& target) const;
  // Returns one sample of /metrics, or "" if there is none of that name.
  [[nodiscard]] std::string metric(const std::string& series) const;

 private:
  std::vector<std::string> flags_;
  std::vector<std::string> wrapper_;
  std::uint16_t admin_port_ = 0;
  std::unique_ptr<ServerProcess> server_;
};

// Returns the command line of such a daemon.
[[nodiscard]] std::vector<std::string> admin_server_flags(const std::vector<std::string>& flags);

// Returns "id payload" of each message, or "id content-type" of a notice. For comparisons.
[[nodiscard]] std::vector<std::string> lines_of(const std::vector<Meta>& messages);

}  // namespace e2e
