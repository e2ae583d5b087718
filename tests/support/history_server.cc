#include "support/history_server.h"

#include <utility>

namespace e2e {
namespace {

std::vector<std::string> with_directory(const std::string& directory,
                                        const std::vector<std::string>& flags) {
  std::vector<std::string> all = {"--history-dir", directory};
  all.insert(all.end(), flags.begin(), flags.end());
  return all;
}

}  // namespace

HistoryServer::HistoryServer(std::string directory, std::vector<std::string> flags,
                             std::vector<std::string> wrapper)
    : AdminServer(with_directory(directory, flags), std::move(wrapper)),
      directory_(std::move(directory)) {}

std::vector<std::string> history_flags(const std::string& directory,
                                       const std::vector<std::string>& flags) {
  return admin_server_flags(with_directory(directory, flags));
}

}  // namespace e2e
