// Clients of rooms on several nodes, and a log of what each of them has sent and received.
//
// tests/torture/check_log judges the log in a process of its own. It knows nothing but the log.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "support/admin_server.h"
#include "support/tools.h"

namespace e2e {

// What the checker may forgive.
struct Forgiven {
  bool gaps = false;     // members may be told of gaps
  bool losses = false;   // a message with a receipt may be lost, if members are told of a gap
  bool doubles = false;  // a message may have two positions, one in each of two epochs
  bool returns =
      false;          // after a gap, messages of an earlier epoch may follow those of a later one
  bool ends = false;  // connections may end without a Close, and POST without a response
};

struct LoadSettings {
  int rooms = 2;
  int members = 2;                     // of each room, which only listen
  int websockets = 1;                  // of each room, members that also publish
  int posts = 1;                       // of each room, publishers over HTTP
  std::chrono::milliseconds pause{5};  // between two publishes of one client
};

class EngineLoad {
 public:
  // Publishes the first message of each room, whose position is the begin of all members, and
  // starts the clients. They use the nodes in turn.
  EngineLoad(const std::vector<const AdminServer*>& nodes, LoadSettings settings);
  EngineLoad(const EngineLoad&) = delete;
  EngineLoad& operator=(const EngineLoad&) = delete;
  ~EngineLoad();

  // A node that has been restarted listens on another port. Port 0: clients avoid the node.
  void use_port(std::size_t node, std::uint16_t port);
  [[nodiscard]] std::uint64_t deliveries() const { return deliveries_; }
  [[nodiscard]] std::uint64_t receipts() const { return receipts_; }
  [[nodiscard]] std::uint64_t refusals() const { return refusals_; }
  // Waits for `count` further deliveries, or receipts.
  [[nodiscard]] bool delivers(std::uint64_t count) const;
  [[nodiscard]] bool places(std::uint64_t count) const;

  // Ends the publishers, publishes the last message of each room until it has a receipt, and waits
  // until all members have it. Then lets the checker judge the log. Returns the checker's summary.
  std::string finish(const Forgiven& forgiven);

  // Returns the directory of the log. It is removed with this object.
  [[nodiscard]] const std::string& log_path() const { return log_path_; }

 private:
  struct Client;

  void log(const Client& client, const std::string& rest);
  [[nodiscard]] RawClient connect(Client& client) const;
  void be_member(Client& client);
  void be_publisher(Client& client);
  [[nodiscard]] bool read_one(Client& client, RawClient& connection);
  [[nodiscard]] bool publish_some(Client& client, RawClient& connection);
  void pause() const;

  LoadSettings settings_;
  TemporaryDirectory folder_;
  std::string log_path_;
  std::ofstream log_;
  std::mutex log_mutex_;
  Clock::time_point begin_ = Clock::now();
  std::vector<std::atomic<std::uint16_t>> ports_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::atomic<std::uint64_t> deliveries_{0};
  std::atomic<std::uint64_t> receipts_{0};
  std::atomic<std::uint64_t> refusals_{0};
  std::atomic<int> incomplete_{0};  // members without the last message
  std::atomic<bool> over_{false};   // of the publishers
  std::atomic<bool> ended_{false};  // of all
};

}  // namespace e2e
