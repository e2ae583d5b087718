// The members of a room on other nodes: they are asked, and not stored.
//
//   question, to the room's channel KEY        ?NODE ID
//   answer, to the asker's channel KEY?NODE    ID MEMBERS EPOCH-SEQ
//
// SPUBLISH of the question returns the number of its receivers, and so the number of answers.
// A node that has died has lost its subscription, and is not counted. Nodes without this file take
// a question for a message that is not theirs, and do not answer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/name_hash.h"
#include "engine/batch_text.h"
#include "engine/redis_link.h"
#include "engine/resp_reader.h"
#include "hub/order_engine.h"

namespace wsd::engine {

// The way of a question to the server.
class CountsOwner {
 public:
  // Returns the link to the server that has the key, or nullptr.
  [[nodiscard]] virtual RedisLink* link_for(std::string_view key) noexcept = 0;
  // Returns whether this node gets its own question, because it has subscribed to the channel.
  [[nodiscard]] virtual bool is_subscribed(std::string_view key) noexcept = 0;

 protected:
  ~CountsOwner() = default;
};

// Shard's thread only.
class RoomCounts {
 public:
  static constexpr std::uint64_t kAnswerMs = 200;  // then a question has failed
  // So long is an answer used again, and so long the channel for answers is kept.
  static constexpr std::uint64_t kFreshMs = 1'000;
  static constexpr std::uint64_t kKeptMs = 5'000;
  // After a link is up, other nodes may need so long to come back, and are not receivers before.
  static constexpr std::uint64_t kSettlesMs = 5'000;
  static constexpr std::size_t kMostRooms = 1'000;

  // Requests have tags with these two kinds. The references must outlive this object.
  RoomCounts(const NodeName& node, std::uint8_t question, std::uint8_t answer, CountsOwner& owner,
             hub::OrderSink& sink);
  RoomCounts(const RoomCounts&) = delete;
  RoomCounts& operator=(const RoomCounts&) = delete;
  ~RoomCounts() = default;

  void begin_turn(std::uint64_t now_ms) noexcept { now_ms_ = now_ms; }
  [[nodiscard]] std::uint64_t deadline() const noexcept { return next_due_ms_; }
  void on_time() noexcept;
  // Sends the questions of this turn, and answers those that need no other node.
  void end_turn() noexcept;
  [[nodiscard]] bool has_to_send() const noexcept { return !to_send_.empty() || !ready_.empty(); }

  // As OrderEngine::count().
  hub::CountTicket ask(std::string key);
  // Subscribes to the room's channel of answers, and keeps it for at least kKeptMs after the last
  // call. Returns the link to the room's server, or nullptr if there is none or there are too many
  // rooms. Throws std::bad_alloc if memory runs out.
  [[nodiscard]] RedisLink* listen(std::string_view key);
  // Returns whether the links are up for so long that other nodes are back.
  [[nodiscard]] bool settled() const noexcept { return now_ms_ >= settled_ms_; }
  // A link is up: the nodes on it may not have come back yet.
  void link_up() noexcept { settled_ms_ = now_ms_ + kSettlesMs; }
  // The link has ended.
  void link_down(const RedisLink& link) noexcept;
  // The reply to a question.
  void replied(std::uint64_t id, RespValue reply) noexcept;
  // A push on a channel of answers. Leaves out other texts.
  void answered(std::string_view payload) noexcept;
  // The server has taken a channel away.
  void unsubscribed(std::string_view channel) noexcept;

  // Returns whether a push on a room's channel is a question.
  [[nodiscard]] static bool is_question(std::string_view payload) noexcept {
    return payload.starts_with('?');
  }
  // Answers a question of another node. Leaves out other texts.
  void answer(RedisLink& link, std::string_view key, std::string_view question, std::size_t members,
              const Position& last) noexcept;

 private:
  struct Room {
    std::string_view key;
    RedisLink* link = nullptr;  // subscribed there to the channel of answers
    std::vector<hub::CountTicket> waiting;
    std::uint64_t id = 0;  // of the question under way; 0: none
    std::uint64_t asked_ms = 0;
    std::uint64_t used_ms = 0;      // when it was last asked for
    std::uint64_t answered_ms = 0;  // 0: never
    bool gets_own = false;          // this node gets the question, too
    bool sent = false;              // the reply with the number of `receivers` has come
    std::uint64_t receivers = 0;    // other nodes that got the question
    std::uint64_t answers = 0;
    hub::OtherNodes others;
  };

  struct Ready {
    hub::CountTicket ticket = 0;
    hub::OtherNodes others;
  };

  [[nodiscard]] Room* room_of(std::string&& key);
  [[nodiscard]] Room* asked(std::uint64_t id) noexcept;
  void begin(Room& room);
  void subscribe(Room& room, RedisLink& link);
  void send(Room& room);
  void finish_if_complete(Room& room) noexcept;
  void finish(Room& room, bool complete) noexcept;
  void forget_unused(std::uint64_t ms) noexcept;
  [[nodiscard]] bool unsubscribe(Room& room) noexcept;
  void is_due(std::uint64_t at_ms) noexcept;
  [[nodiscard]] std::string channel_of(std::string_view key) const;

  const std::string name_;  // of the node, as in a batch's head
  const std::uint8_t question_;
  const std::uint8_t answer_;
  CountsOwner& owner_;
  hub::OrderSink& sink_;
  std::uint64_t now_ms_ = 0;
  std::uint64_t next_due_ms_ = ~std::uint64_t{0};
  std::uint64_t settled_ms_ = 0;
  std::uint64_t ids_ = 0;
  hub::CountTicket ticket_ = 0;
  std::vector<Ready> ready_;
  std::vector<std::uint64_t> to_send_;  // ids
  std::unordered_map<std::string, Room, NameHash, std::equal_to<>> rooms_;
  std::unordered_map<std::uint64_t, Room*> by_id_;
};

}  // namespace wsd::engine
