// Asks the nodes of a Redis Cluster which master serves each slot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine_driver.h"
#include "engine/engine_url.h"
#include "engine/redis_link.h"
#include "engine/resp_reader.h"
#include "engine/slot_table.h"
#include "engine/wire.h"

namespace wsd::engine {

class RedisHandshake;

// Learns which master serves each slot. Called in the engine's step of a turn or in on_time(),
// never by the constructor or ask_again(). It must not destroy the RedisCluster meanwhile.
class ClusterOwner {
 public:
  // The table is new, or another one than before. It is valid until the next call.
  virtual void slots_found(const SlotTable& table) = 0;
  // Each known node was asked in succession, and none has answered. `down.why` is a sentence about
  // one of them, and `down.for_good` says that each of them refuses for good. It comes at most once
  // per second.
  virtual void cluster_silent(const LinkDown& down) noexcept = 0;

 protected:
  ~ClusterOwner() = default;
};

// Asks one node after another, each over a connection of its own: the nodes of the URL, and the
// masters that others have named. A node that does not answer within one second, or does not reach
// the majority of the masters, is left for the next one. Shard's thread only.
class RedisCluster final : private WireOwner {
 public:
  static constexpr std::uint64_t kPeriodMs = 5'000;   // of questions
  static constexpr std::uint64_t kLeastMs = 100;      // between two questions
  static constexpr std::uint64_t kAnswerMs = 1'000;   // the limit of an answer
  static constexpr std::uint64_t kSilenceMs = 1'000;  // the pause after all nodes were silent

  // Keeps a copy of the endpoints of `url`, which has one at least. The references must outlive
  // this object. The first call of on_time() connects. `settings.cluster` must be true.
  RedisCluster(const EngineUrl& url, const LinkSettings& settings, Network& network,
               ClusterOwner& owner);
  RedisCluster(const RedisCluster&) = delete;
  RedisCluster& operator=(const RedisCluster&) = delete;
  ~RedisCluster();

  // The time of the turn in milliseconds of a monotonic clock, before any other call in it.
  void begin_turn(std::uint64_t now_ms) noexcept { now_ = now_ms; }
  // When on_time() is due.
  [[nodiscard]] std::uint64_t deadline() const noexcept { return due_; }
  void on_time();
  // Asks the next node soon, because a server has answered MOVED, a slot was taken from it, or a
  // connection to a master has ended. Also asks again if a question is outstanding, because the
  // answer may be older than the call. Does nothing if all nodes were silent just now.
  void ask_again() noexcept;
  // Returns the slots as the nodes have described them so far. Empty before the first answer.
  [[nodiscard]] const SlotTable& slots() const noexcept { return table_; }

 private:
  enum class State : std::uint8_t {
    kWaiting,  // without a connection until due_
    kHello,    // without an answer to each of these, which must come before due_
    kInfo,
    kNodes,
  };

  void connected() override {}
  void received(std::string_view bytes) override;
  void ended(std::string_view why) override;

  void connect() noexcept;
  void send_questions();
  [[nodiscard]] std::vector<Endpoint> nodes() const;
  // Takes a reply. Returns false if the question is over.
  bool take(RespValue reply);
  void took_nodes(std::string_view text);
  // Leaves this node. `why` continues a sentence that begins with its address.
  void leave(std::string_view why) noexcept;
  void leave(const LinkDown& refusal) noexcept;
  void next_node(std::string sentence, bool for_good) noexcept;
  void begin_round() noexcept;

  const std::vector<Endpoint> seeds_;
  const LinkSettings& settings_;
  Network& network_;
  ClusterOwner& owner_;
  std::unique_ptr<Wire> wire_;
  std::unique_ptr<RedisHandshake> handshake_;
  RespReader reader_;
  SlotTable table_;
  Endpoint asked_;           // the node that was asked last
  std::size_t known_ = 1;    // nodes, when it was asked
  std::size_t failed_ = 0;   // nodes in succession that have not answered
  std::size_t refused_ = 0;  // nodes among these that refuse for good
  std::string refusal_;      // the sentence of one of these
  std::string failure_;      // the sentence of the latest other node
  State state_ = State::kWaiting;
  bool again_ = false;   // ask_again() was called while a question was outstanding
  bool silent_ = false;  // all nodes were silent, and due_ begins another round
  bool untold_ = false;  // the owner does not have the present table
  std::uint64_t now_ = 0;
  std::uint64_t asked_ms_ = 0;
  std::uint64_t due_ = 0;
};

}  // namespace wsd::engine
