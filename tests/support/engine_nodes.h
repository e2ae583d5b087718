// Several daemons on one engine.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "support/admin_server.h"
#include "support/engine_load.h"

namespace e2e {

// Nodes of one service. Each test states the flags that it depends on.
class EngineNodes {
 public:
  // Starts `count` nodes with --engine `url` and `flags`.
  EngineNodes(std::size_t count, const std::string& url,
              const std::vector<std::string>& flags = {});
  // Starts one node on each URL.
  explicit EngineNodes(const std::vector<std::string>& urls,
                       const std::vector<std::string>& flags = {});

  [[nodiscard]] AdminServer& operator[](std::size_t index) { return *nodes_[index]; }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] std::vector<const AdminServer*> all() const;
  // Waits until /readyz of each node answers 200.
  [[nodiscard]] bool ready() const;

  // Kills a node and starts it again, while the load goes on.
  void kill_and_restart(std::size_t index, EngineLoad& load);
  // Drains a node and starts it again.
  void stop_and_restart(std::size_t index, EngineLoad& load);

 private:
  void add(const std::string& url, const std::vector<std::string>& flags);

  std::vector<std::unique_ptr<AdminServer>> nodes_;
};

// Runs the daemon, which must end its start with exit status 78 because the engine refuses it for
// good. Returns its output.
[[nodiscard]] std::string refused_start(const std::string& url,
                                        const std::vector<std::string>& flags = {});

// Returns whether /readyz answers with 200, at once.
[[nodiscard]] bool is_ready(const AdminServer& node);

}  // namespace e2e
