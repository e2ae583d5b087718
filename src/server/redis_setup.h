// The engines that connect a server's shards to Redis.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "engine/redis_engine.h"
#include "hub/hub.h"
#include "net/reactor.h"
#include "wsd/log.h"
#include "wsd/options.h"
#include "wsd/stats.h"

namespace wsd::server {

// Gives each shard an engine, which its reactor drives. One thread at a time, except figures().
class RedisSetup {
 public:
  // An event of the engine of a reactor. `room` is empty if the event is not about one room. Called
  // on the threads of reactors, and during stop().
  using Report = std::function<void(LogLevel level, std::string_view event, std::uint32_t reactor,
                                    std::string_view room, std::string_view text)>;

  // check_options() must have accepted `options`.
  RedisSetup(const ServerOptions& options, Report report);
  RedisSetup(const RedisSetup&) = delete;
  RedisSetup& operator=(const RedisSetup&) = delete;
  ~RedisSetup() { stop(); }

  // Gives the shards of `hub` their engines. Reactor i drives shard i, and must not run yet. This
  // object must outlive the shards, and the reactors' last turns.
  void attach(hub::Hub& hub, const std::vector<std::unique_ptr<net::Reactor>>& reactors);
  // The reactors run. Waits until each engine has been connected, or has failed to connect once,
  // for at most `most_ms`. If an engine says no for good, because of a wrong password for example,
  // returns why, as a sentence. Else returns an empty string: the engines connect as soon as they
  // can.
  [[nodiscard]] std::string await_first_contact(std::uint32_t most_ms);
  // The reactors run no longer. Ends the connections.
  void stop() noexcept;

  // Any thread, after attach().
  [[nodiscard]] EngineFigures figures() const;

 private:
  void report(std::uint32_t reactor, LogLevel level, std::string_view event, std::string_view room,
              std::string_view text);

  const engine::RedisEngineSettings settings_;
  const Report report_;
  std::vector<std::unique_ptr<engine::RedisEngine>> engines_;  // by shard
  // Guards the next three. A reactor locks it when its connection is made or lost.
  std::mutex first_contact_;
  std::condition_variable contacted_;
  std::uint64_t contacts_ = 0;  // the engines, as bits, that have been connected or have failed
  std::string refused_;
  bool stopped_ = false;
};

}  // namespace wsd::server
