// A daemon whose rooms keep their history in a directory, with its admin listener.
#pragma once

#include <string>
#include <vector>

#include "support/admin_server.h"

namespace e2e {

// Starts, kills and restarts a daemon on one directory.
class HistoryServer : public AdminServer {
 public:
  explicit HistoryServer(std::string directory, std::vector<std::string> flags = {},
                         std::vector<std::string> wrapper = {});

  [[nodiscard]] const std::string& directory() const { return directory_; }

 private:
  std::string directory_;
};

// Returns the command line of such a daemon.
[[nodiscard]] std::vector<std::string> history_flags(const std::string& directory,
                                                     const std::vector<std::string>& flags);

}  // namespace e2e
