#include "support/engine_nodes.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/server_process.h"
#include "support/subprocess.h"

namespace e2e {

EngineNodes::EngineNodes(std::size_t count, const std::string& url,
                         const std::vector<std::string>& flags) {
  for (std::size_t i = 0; i < count; ++i) add(url, flags);
}

EngineNodes::EngineNodes(const std::vector<std::string>& urls,
                         const std::vector<std::string>& flags) {
  for (const std::string& url : urls) add(url, flags);
}

void EngineNodes::add(const std::string& url, const std::vector<std::string>& flags) {
  std::vector<std::string> all = {"--engine", url};
  all.insert(all.end(), flags.begin(), flags.end());
  nodes_.push_back(std::make_unique<AdminServer>(all));
}

std::vector<const AdminServer*> EngineNodes::all() const {
  std::vector<const AdminServer*> all;
  all.reserve(nodes_.size());
  for (const auto& node : nodes_) all.push_back(node.get());
  return all;
}

std::string refused_start(const std::string& url, const std::vector<std::string>& flags) {
  std::vector<std::string> all = {"--listen", "127.0.0.1:0", "--engine", url};
  all.insert(all.end(), flags.begin(), flags.end());
  std::string output;
  EXPECT_TRUE(eventually([&] {
    Subprocess daemon(server_command(all));
    // An engine that does not answer within one second does not stop the start. Then try again.
    const auto line = daemon.wait_for_line("listening on|refuses this server");
    if (line && line->find("listening on") != std::string::npos) return false;
    const auto exit = daemon.wait_exit();
    output = daemon.output();
    return exit && exit->code == 78;
  })) << output;
  return output;
}

bool is_ready(const AdminServer& node) { return node.ask("GET", "/readyz").status == 200; }

bool EngineNodes::ready() const {
  return eventually([&] {
    return std::all_of(nodes_.begin(), nodes_.end(),
                       [](const auto& node) { return is_ready(*node); });
  });
}

void EngineNodes::kill_and_restart(std::size_t index, EngineLoad& load) {
  load.use_port(index, 0);
  nodes_[index]->kill();
  nodes_[index]->start();
  load.use_port(index, nodes_[index]->port());
}

void EngineNodes::stop_and_restart(std::size_t index, EngineLoad& load) {
  load.use_port(index, 0);
  nodes_[index]->stop();
  nodes_[index]->start();
  load.use_port(index, nodes_[index]->port());
}

}  // namespace e2e
