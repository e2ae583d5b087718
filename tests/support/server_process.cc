#include "support/server_process.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string_view>
#include <system_error>

#include "support/expect.h"

namespace e2e {
namespace {

constexpr const char* kListening = R"(listening on ([^\s"\\,}]+))";

bool has_flag(const std::vector<std::string>& flags, std::string_view name) {
  return std::any_of(flags.begin(), flags.end(), [&](const std::string& flag) {
    return flag == name || flag.starts_with(std::string(name) + "=");
  });
}

Command with_defaults(std::vector<std::string> flags) {
  if (!has_flag(flags, "--listen")) flags.insert(flags.end(), {"--listen", "127.0.0.1:0"});
  if (!has_flag(flags, "--log-format")) flags.insert(flags.end(), {"--log-format", "text"});
  return server_command(std::move(flags));
}

// The exit status of a drain that force-closed a connection, such as a client that a test left
// open.
constexpr int kDrainCut = 3;

std::size_t count_listeners(const std::vector<std::string>& flags) {
  const auto is_listen = [](const std::string& flag) {
    return flag == "--listen" || flag.starts_with("--listen=");
  };
  return static_cast<std::size_t>(
      std::max<std::ptrdiff_t>(1, std::count_if(flags.begin(), flags.end(), is_listen)));
}

bool has_sanitizer_report(const std::string& text) {
  for (const char* sign : {"Sanitizer:", "runtime error:", "Assertion", "terminate called"}) {
    if (text.find(sign) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

std::string server_binary() {
  const char* binary = std::getenv("WSD_BINARY");
  return std::filesystem::absolute(binary == nullptr ? "wsd" : binary).string();
}

Command server_command(std::vector<std::string> flags) {
  Command command;
  command.argv = {server_binary()};
  command.argv.insert(command.argv.end(), flags.begin(), flags.end());
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (text.starts_with("WSD_")) command.unset_env.emplace_back(text.substr(0, text.find('=')));
  }
  return command;
}

std::string log_value(const std::string& line, const std::string& key) {
  std::size_t start = line.find("\"" + key + "\":");
  if (start != std::string::npos) {
    start += key.size() + 3;
  } else {
    for (start = line.find(key + "="); start != std::string::npos && start != 0 &&
                                       line[start - 1] != ' ' && line[start - 1] != '\t';) {
      start = line.find(key + "=", start + 1);
    }
    if (start == std::string::npos) return {};
    start += key.size() + 1;
  }
  if (line[start] == ' ') ++start;
  if (line[start] != '"') return line.substr(start, line.find_first_of(" ,}", start) - start);
  return line.substr(start + 1, line.find('"', start + 1) - start - 1);
}

ServerProcess::ServerProcess(const std::vector<std::string>& flags)
    : ServerProcess(with_defaults(flags), count_listeners(flags)) {}

ServerProcess::ServerProcess(const Command& command, std::size_t listeners)
    : process_(std::make_unique<Subprocess>(command)) {
  wait_for_listeners(listeners);
}

void ServerProcess::wait_for_listeners(std::size_t count) {
  const std::regex pattern(kListening);
  std::size_t seen = 0;
  while (addresses_.size() < count && process_->wait_for_line(kListening, seen)) {
    const auto lines = process_->lines();
    for (; seen < lines.size(); ++seen) {
      std::smatch match;
      if (std::regex_search(lines[seen], match, pattern)) addresses_.push_back(match[1]);
    }
  }
  if (addresses_.size() < count) {
    addresses_.clear();
    ADD_FAILURE() << "the server does not listen; it wrote:\n" << process_->output();
  }
}

ServerProcess::~ServerProcess() {
  process_->signal(SIGTERM);
  auto status = process_->wait_exit(std::chrono::seconds(3));
  if (!status) {
    // A client is still connected: the second signal ends the drain.
    process_->signal(SIGTERM);
    status = process_->wait_exit();
  }
  if (!status) {
    ADD_FAILURE() << "the server does not end after two SIGTERM";
  } else if (status->signal != 0 && status->signal != SIGTERM && status->signal != SIGKILL) {
    ADD_FAILURE() << "the server crashed by signal " << status->signal << ":\n"
                  << process_->output();
  } else if (status->signal == 0 && status->code != 0 && status->code != kDrainCut && listening()) {
    ADD_FAILURE() << "the server ended with status " << status->code << ":\n" << process_->output();
  }
  if (has_sanitizer_report(process_->stderr_text())) {
    ADD_FAILURE() << "the server reports:\n" << process_->output();
  }
}

std::uint16_t ServerProcess::port(std::size_t listener) const {
  if (listener >= addresses_.size()) return 0;
  const std::string& address = addresses_[listener];
  return static_cast<std::uint16_t>(
      std::strtoul(address.c_str() + address.rfind(':') + 1, nullptr, 10));
}

std::optional<ExitStatus> ServerProcess::wait_exit(Duration limit) {
  return process_->wait_exit(limit);
}

bool ServerProcess::ends_cleanly() {
  signal(SIGTERM);
  const auto status = wait_exit();
  return status && status->signal == 0 && status->code == 0;
}

std::optional<std::string> ServerProcess::wait_for_end_of(const std::string& local_address) {
  return process_->wait_for_line("event\"?[=:]\"?(connection|http)_end.*" + local_address +
                                 "(?![0-9])");
}

std::size_t ServerProcess::resident_kib() const {
  std::ifstream status("/proc/" + std::to_string(pid()) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::strtoul(line.c_str() + 6, nullptr, 10);
  }
  return 0;
}

std::size_t ServerProcess::open_descriptors() const {
  std::error_code error;
  std::size_t count = 0;
  std::filesystem::directory_iterator entry("/proc/" + std::to_string(pid()) + "/fd", error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) ++count;
  return count;
}

bool ServerProcess::descriptors_return_to(std::size_t count) const {
  return eventually([&] { return open_descriptors() <= count; });
}

std::unique_ptr<ServerProcess> SharedServer::server_;
std::size_t SharedServer::idle_descriptors_ = 0;

void SharedServer::start(const std::vector<std::string>& flags) {
  server_ = std::make_unique<ServerProcess>(flags);
  idle_descriptors_ = server_->open_descriptors();
}

void SharedServer::stop() { server_.reset(); }

void SharedServer::SetUp() { ASSERT_TRUE(server_ != nullptr && server_->listening()); }

void SharedServer::TearDown() {
  if (server_ == nullptr || !server_->listening()) return;
  EXPECT_FALSE(server_->wait_exit(Duration::zero())) << server_->process().output();
  EXPECT_TRUE(server_->descriptors_return_to(idle_descriptors_))
      << server_->open_descriptors() << " descriptors are open, " << idle_descriptors_
      << " were before";
}

}  // namespace e2e
