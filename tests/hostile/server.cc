#include "hostile/server.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace hostile {

Server::Server(std::vector<std::string> flags, std::size_t descriptors) {
  const char* const binary = std::getenv("WSD_BINARY");
  e2e::Command command;
  command.argv = {std::filesystem::absolute(binary == nullptr ? "wsd" : binary).string(),
                  "--listen", "127.0.0.1:0", "--log-format", "text"};
  command.argv.insert(command.argv.end(), flags.begin(), flags.end());
  command.max_descriptors = descriptors;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (text.starts_with("WSD_")) command.unset_env.emplace_back(text.substr(0, text.find('=')));
  }
  process_ = std::make_unique<e2e::Subprocess>(command);
  const auto line = process_->wait_for_line("^listening on ");
  if (!line) throw std::runtime_error("the server does not listen: " + process_->output());
  port_ = static_cast<std::uint16_t>(std::stoul(line->substr(line->rfind(':') + 1)));
}

// Returns the end of the server's log.
std::string Server::last_words() const {
  constexpr std::size_t kEnough = 400;
  const std::string output = process_->output();
  return "the server is gone: ..." +
         output.substr(output.size() - std::min(output.size(), kEnough));
}

std::size_t Server::status_kib(const std::string& name) const {
  std::ifstream file("/proc/" + std::to_string(process_->pid()) + "/status");
  std::string word;
  std::size_t kib = 0;
  while (file >> word) {
    if (word == name && file >> kib) return kib;
  }
  throw std::runtime_error(last_words());
}

std::size_t Server::descriptors() const {
  std::error_code error;
  std::size_t count = 0;
  const std::filesystem::path folder = "/proc/" + std::to_string(process_->pid()) + "/fd";
  for (auto at = std::filesystem::directory_iterator(folder, error);
       !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
    ++count;
  }
  return count;
}

std::chrono::nanoseconds Server::cpu() const {
  clockid_t clock{};
  timespec now{};
  if (::clock_getcpuclockid(process_->pid(), &clock) != 0 || ::clock_gettime(clock, &now) != 0) {
    throw std::runtime_error(last_words());
  }
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

std::size_t Server::lines_with(const std::string& text) const {
  const auto lines = process_->lines();
  return static_cast<std::size_t>(
      std::count_if(lines.begin(), lines.end(),
                    [&](const std::string& line) { return line.find(text) != std::string::npos; }));
}

std::string Server::end() {
  process_->signal(SIGTERM);
  const auto status = process_->wait_exit(std::chrono::seconds(30));
  if (!status) return "the server does not end after SIGTERM";
  if (status->signal != 0) return "the server died by signal " + std::to_string(status->signal);
  // 3: attackers that are still connected do not answer the Close of the drain.
  if (status->code != 0 && status->code != 3) {
    return "the server ended with status " + std::to_string(status->code);
  }
  return {};
}

}  // namespace hostile
