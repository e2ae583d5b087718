// Asks Redis Sentinel where the master is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine_driver.h"
#include "engine/engine_url.h"
#include "engine/resp_reader.h"
#include "engine/wire.h"

namespace wsd::engine {

// Learns where the master is. Called in the engine's step of a turn or in on_time(), never by the
// constructor or ask_again(). It must not destroy the RedisSentinel meanwhile.
class SentinelOwner {
 public:
  // The master's address was found, or is another one than before. The server there may still be a
  // replica, or down, because Sentinel names the next master before it has promoted it.
  virtual void master_found(const Endpoint& master) = 0;
  // Each sentinel was asked and none named the master. `why` is a sentence about the last one. It
  // comes at most once per second.
  virtual void sentinels_silent(std::string_view why) noexcept = 0;

 protected:
  ~SentinelOwner() = default;
};

// Keeps a connection to one sentinel. Asks it every second, and listens for its announcement of
// another master. A sentinel that does not answer within one second, or does not know the master,
// is left for the next one of the list. Sends no password. Shard's thread only.
class RedisSentinel final : private WireOwner {
 public:
  static constexpr std::uint64_t kPeriodMs = 1'000;  // of questions, and the limit of an answer

  // Keeps a copy of the names in `url`, which has at least one sentinel. The references must
  // outlive this object. The first call of on_time() connects.
  RedisSentinel(const EngineUrl& url, Network& network, SentinelOwner& owner);
  RedisSentinel(const RedisSentinel&) = delete;
  RedisSentinel& operator=(const RedisSentinel&) = delete;
  ~RedisSentinel();

  // The time of the turn in milliseconds of a monotonic clock, before any other call in it.
  void begin_turn(std::uint64_t now_ms) noexcept { now_ = now_ms; }
  // When on_time() is due.
  [[nodiscard]] std::uint64_t deadline() const noexcept { return due_; }
  void on_time();
  // Asks at once, because the master's connection has ended. Does nothing if a question is
  // outstanding, or if all sentinels were silent less than one second ago.
  void ask_again() noexcept;
  // The master that was found last, or nothing.
  [[nodiscard]] const std::optional<Endpoint>& master() const noexcept { return master_; }

 private:
  enum class State : std::uint8_t {
    kWaiting,  // without a connection until due_
    kAsking,   // without an answer, which must come before due_
    kKnowing,  // the next question is due at due_
  };

  void connected() override {}
  void received(std::string_view bytes) override;
  void ended(std::string_view why) override;

  void connect() noexcept;
  void ask();
  // Takes a reply or a push. Returns false if this sentinel was left.
  bool take(RespValue value);
  bool take_reply(RespValue reply);
  bool take_push(RespValue push);
  void found(Endpoint master);
  // Leaves this sentinel. `why` continues a sentence that begins with its address.
  void leave(std::string_view why) noexcept;

  std::vector<Endpoint> sentinels_;
  std::string master_name_;
  Network& network_;
  SentinelOwner& owner_;
  std::unique_ptr<Wire> wire_;
  RespReader reader_;
  std::optional<Endpoint> master_;
  std::size_t current_ = 0;  // index of the sentinel that is asked
  std::size_t failed_ = 0;   // sentinels in succession that did not name the master
  State state_ = State::kWaiting;
  bool greeted_ = false;  // HELLO was answered
  std::uint64_t now_ = 0;
  std::uint64_t due_ = 0;
};

}  // namespace wsd::engine
