#include "support/redis_process.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <random>
#include <sstream>
#include <utility>

namespace e2e {
namespace {

Tool find_first(const char* variable, std::initializer_list<const char*> names,
                const std::string& missing) {
  Tool tool;
  std::vector<std::string> candidates;
  if (const char* const given = std::getenv(variable)) candidates.emplace_back(given);
  candidates.insert(candidates.end(), names.begin(), names.end());
  for (const std::string& name : candidates) {
    tool.command.argv = {name};
    if (run(tool.with({"--version"})).status.code == 0) return tool;
  }
  tool.missing = missing;
  return tool;
}

bool is_free(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool free = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  ::close(fd);
  return free;
}

// The fields of /proc/PID/stat after the name, which may contain spaces.
std::vector<std::string> stat_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  std::istringstream rest(text.substr(text.rfind(')') + 1));
  std::vector<std::string> fields;
  for (std::string field; rest >> field;) fields.push_back(field);
  return fields;
}

constexpr const char* kReady = "Ready to accept connections|Sentinel ID is|already in use|rror";
constexpr int kAttempts = 20;

// Returns whether the process reports that it is ready.
bool is_ready(Subprocess& process) {
  const auto line = process.wait_for_line(kReady);
  return line && (line->find("Ready") != std::string::npos ||
                  line->find("Sentinel ID") != std::string::npos);
}

}  // namespace

const Tool& redis_server() {
  static const Tool tool = find_first("REDIS_SERVER", {"redis-server", "valkey-server"},
                                      "redis-server is missing: install redis-server");
  return tool;
}

const Tool& redis_sentinel() {
  static const Tool tool = find_first("REDIS_SENTINEL", {"redis-sentinel", "valkey-sentinel"},
                                      "redis-sentinel is missing: install redis-sentinel");
  return tool;
}

std::uint16_t lasting_port() {
  // Ephemeral ports begin at 32768.
  static std::mt19937 random(std::random_device{}());
  std::uniform_int_distribution<int> ports(12'000, 32'000);
  for (;;) {
    const auto port = static_cast<std::uint16_t>(ports(random));
    if (is_free(port)) return port;
  }
}

RedisProcess::RedisProcess(RedisOptions options) : options_(std::move(options)) {
  for (int i = 0; i < kAttempts; ++i) {
    port_ = lasting_port();
    bus_port_ = lasting_port();
    if (try_start()) return;
  }
  ADD_FAILURE() << "redis-server does not start; it wrote:\n" << output();
}

RedisProcess::~RedisProcess() = default;

bool RedisProcess::try_start() {
  std::vector<std::string> words = {"--bind",
                                    "127.0.0.1",
                                    "--port",
                                    std::to_string(port_),
                                    "--unixsocket",
                                    socket(),
                                    "--dir",
                                    directory_.file(""),
                                    "--save",
                                    "",
                                    "--appendonly",
                                    options_.append_only ? "yes" : "no",
                                    "--repl-diskless-sync-delay",
                                    "0",
                                    "--enable-debug-command",
                                    "local",
                                    "--daemonize",
                                    "no"};
  if (options_.replica_of != 0) {
    words.insert(words.end(), {"--replicaof", "127.0.0.1", std::to_string(options_.replica_of)});
  }
  if (options_.cluster) {
    words.insert(words.end(),
                 {"--cluster-enabled", "yes", "--cluster-port", std::to_string(bus_port_)});
  }
  words.insert(words.end(), options_.more.begin(), options_.more.end());
  process_ = std::make_unique<Subprocess>(redis_server().with(words));
  return is_ready(*process_);
}

void RedisProcess::kill() {
  process_->signal(SIGKILL);
  EXPECT_TRUE(process_->wait_exit()) << "redis-server does not end";
}

void RedisProcess::start(bool keep_data) {
  if (!keep_data) {
    for (const auto& entry : std::filesystem::directory_iterator(directory_.file(""))) {
      std::filesystem::remove_all(entry.path());
    }
  }
  EXPECT_TRUE(eventually([&] { return try_start(); })) << output();
}

void RedisProcess::start_as_replica_of(std::uint16_t master) {
  options_.replica_of = master;
  start(false);
}

void RedisProcess::promote() {
  options_.replica_of = 0;
  expect_ok({"REPLICAOF", "NO", "ONE"});
}

void RedisProcess::suspend() {
  process_->signal(SIGSTOP);
  EXPECT_TRUE(eventually([&] {
    const auto fields = stat_of(pid());
    return !fields.empty() && fields[0] == "T";
  }));
}

void RedisProcess::resume() { process_->signal(SIGCONT); }

RedisReply RedisProcess::command(const std::vector<std::string>& words) const {
  return RedisClient(port_).command(words);
}

void RedisProcess::expect_ok(const std::vector<std::string>& words) const {
  const RedisReply reply = command(words);
  EXPECT_FALSE(reply.is_error()) << words[0] << ": " << reply.describe();
}

std::string RedisProcess::info(const std::string& section, const std::string& field) const {
  const std::string text = "\r\n" + command({"INFO", section}).text;
  const std::size_t at = text.find("\r\n" + field + ":");
  if (at == std::string::npos) return {};
  const std::size_t start = at + field.size() + 3;
  return text.substr(start, text.find("\r\n", start) - start);
}

std::string RedisProcess::version() const {
  const std::string valkey = info("server", "valkey_version");
  return valkey.empty() ? info("server", "redis_version") : valkey;
}

void RedisProcess::wait_for_replication() const {
  EXPECT_TRUE(eventually([&] {
    const std::string master =
        RedisClient(options_.replica_of).command({"INFO", "replication"}).text;
    const std::size_t at = master.find("master_repl_offset:");
    if (at == std::string::npos || info("replication", "master_link_status") != "up") return false;
    const std::string offset = master.substr(at + 19, master.find("\r\n", at) - at - 19);
    return info("replication", "slave_repl_offset") == offset;
  })) << "the replica does not catch up: "
      << output();
}

double RedisProcess::cpu_seconds() const {
  constexpr std::size_t kUserTime = 11;  // field 14 of proc(5), after pid and name
  const auto fields = stat_of(pid());
  if (fields.size() <= kUserTime + 1) return 0;
  return (std::stod(fields[kUserTime]) + std::stod(fields[kUserTime + 1])) /
         static_cast<double>(::sysconf(_SC_CLK_TCK));
}

SentinelProcess::SentinelProcess(std::uint16_t master_port, SentinelOptions options) {
  std::string text = deployed("sentinel.conf");
  const auto set = [&text](const std::string& setting, const std::string& value) {
    const std::size_t at = text.find("\n" + setting + " ");
    ASSERT_NE(at, std::string::npos) << setting;
    const std::size_t begin = at + 1 + setting.size() + 1;
    text.replace(begin, text.find('\n', begin) - begin, value);
  };
  set("sentinel monitor rooms",
      "127.0.0.1 " + std::to_string(master_port) + " " + std::to_string(options.quorum));
  set("sentinel down-after-milliseconds rooms", std::to_string(options.down_after_ms));
  set("sentinel failover-timeout rooms", std::to_string(options.failover_timeout_ms));
  text += "bind 127.0.0.1\nlogfile \"\"\ndir " + directory_.file("") + "\n";
  for (int i = 0; i < kAttempts; ++i) {
    port_ = lasting_port();
    set("port", std::to_string(port_));
    const std::string config = directory_.write("sentinel.conf", text);
    process_ = std::make_unique<Subprocess>(redis_sentinel().with({config}));
    if (is_ready(*process_)) return;
  }
  ADD_FAILURE() << "redis-sentinel does not start; it wrote:\n" << process_->output();
}

SentinelProcess::~SentinelProcess() = default;

RedisReply SentinelProcess::command(const std::vector<std::string>& words) const {
  return RedisClient(port_).command(words);
}

std::uint16_t SentinelProcess::master_port() const {
  const RedisReply reply = command({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", "rooms"});
  return reply.items.size() == 2 ? static_cast<std::uint16_t>(reply.items[1].number()) : 0;
}

bool SentinelProcess::knows_replicas(std::size_t count) const {
  return eventually([&] {
    return command({"SENTINEL", "REPLICAS", "rooms"}).items.size() >= count;
  });
}

bool SentinelProcess::knows_sentinels(std::size_t count) const {
  return eventually([&] {
    return command({"SENTINEL", "SENTINELS", "rooms"}).items.size() >= count;
  });
}

}  // namespace e2e
