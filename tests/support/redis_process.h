// Runs real redis-server and redis-sentinel processes, each with a directory of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "support/redis_client.h"
#include "support/subprocess.h"
#include "support/tools.h"

namespace e2e {

// redis-server, or the program that the environment variable REDIS_SERVER names, or valkey-server.
[[nodiscard]] const Tool& redis_server();
// redis-sentinel, or the program that the environment variable REDIS_SENTINEL names.
[[nodiscard]] const Tool& redis_sentinel();

struct RedisOptions {
  bool append_only = false;            // keeps the data over a kill
  bool cluster = false;                // a node of a cluster, which has no slots yet
  std::uint16_t replica_of = 0;        // the port of a master on 127.0.0.1; 0: a master
  std::vector<std::string> more = {};  // further words of the command line
};

// One server on 127.0.0.1 and on a Unix socket. The destructor kills it and removes its data. A
// restart uses the same port. The test fails if the server does not start.
class RedisProcess {
 public:
  explicit RedisProcess(RedisOptions options = {});
  ~RedisProcess();
  RedisProcess(const RedisProcess&) = delete;
  RedisProcess& operator=(const RedisProcess&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  // Where the other nodes of a cluster speak with this one.
  [[nodiscard]] std::uint16_t bus_port() const { return bus_port_; }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::string url() const { return "redis://" + address(); }
  [[nodiscard]] std::string socket() const { return directory_.file("redis.sock"); }
  [[nodiscard]] pid_t pid() const { return process_->pid(); }
  [[nodiscard]] std::string output() const { return process_->output(); }

  // Sends SIGKILL and waits for the end.
  void kill();
  // Starts again after kill(). Without `keep_data`, removes everything that was written to disk.
  void start(bool keep_data = true);
  // Starts again after kill(), without data and as a replica.
  void start_as_replica_of(std::uint16_t master);
  // Makes a replica a master, also after a restart.
  void promote();
  // SIGSTOP and SIGCONT. Returns when the kernel has stopped the process.
  void suspend();
  void resume();

  // Runs a command on a connection of its own.
  RedisReply command(const std::vector<std::string>& words) const;
  // Runs a command that must not fail.
  void expect_ok(const std::vector<std::string>& words) const;
  // Returns a field of INFO, or "".
  [[nodiscard]] std::string info(const std::string& section, const std::string& field) const;
  // Returns the version that HELLO reports: of Redis, or of Valkey.
  [[nodiscard]] std::string version() const;
  // Waits until this replica has received everything that its master has written so far.
  void wait_for_replication() const;
  // User and system CPU time of the process so far, in seconds.
  [[nodiscard]] double cpu_seconds() const;

 private:
  [[nodiscard]] bool try_start();

  RedisOptions options_;
  TemporaryDirectory directory_;
  std::uint16_t port_ = 0;
  std::uint16_t bus_port_ = 0;
  std::unique_ptr<Subprocess> process_;
};

struct SentinelOptions {
  int quorum = 1;
  // A master that does not answer for this time is down. A busy machine must not make it seem so.
  int down_after_ms = 2'000;
  int failover_timeout_ms = 5'000;
};

// One Sentinel that watches the master "rooms". Its configuration is docs/deploy/sentinel.conf with
// the numbers of the options.
class SentinelProcess {
 public:
  explicit SentinelProcess(std::uint16_t master_port, SentinelOptions options = {});
  ~SentinelProcess();
  SentinelProcess(const SentinelProcess&) = delete;
  SentinelProcess& operator=(const SentinelProcess&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::string url() const { return "redis+sentinel://" + address() + "/rooms"; }
  RedisReply command(const std::vector<std::string>& words) const;
  // Returns the port of the master that this Sentinel names now, or 0.
  [[nodiscard]] std::uint16_t master_port() const;
  // Waits until the Sentinel knows `count` replicas, so a failover can succeed.
  [[nodiscard]] bool knows_replicas(std::size_t count) const;
  // Waits until the Sentinel knows `count` others.
  [[nodiscard]] bool knows_sentinels(std::size_t count) const;

 private:
  TemporaryDirectory directory_;
  std::uint16_t port_ = 0;
  std::unique_ptr<Subprocess> process_;
};

// Returns a port of 127.0.0.1 that is free now and outside the range of the ports that the kernel
// gives to connections, so that it stays free while a server restarts.
[[nodiscard]] std::uint16_t lasting_port();

}  // namespace e2e
