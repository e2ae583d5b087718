// Pages of a room's members on other nodes: they are asked, and not stored.
//
//   question, to the room's channel KEY        ?NODE ID LIMIT AFTER
//   answer, to the asker's channel KEY?NODE    mID MORE EPOCH-SEQ MEMBER*
//   each MEMBER                                ID LENGTH:INFO
//
// AFTER is any text of at most 64 bytes, and MORE is 0 or 1. RoomCounts has the channel of answers,
// and describes how its questions are counted. A node that does not know this question takes it for
// a malformed one of RoomCounts, and a node on which the room has no presence does not answer
// either. The result is then incomplete.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/batch_text.h"
#include "engine/redis_link.h"
#include "engine/resp_reader.h"
#include "engine/room_counts.h"
#include "hub/order_engine.h"

namespace wsd::engine {

// Shard's thread only.
class RoomLists {
 public:
  static constexpr std::uint64_t kAnswerMs = 200;    // then a question has failed
  static constexpr std::size_t kMostQuestions = 16;  // under way; others fail at once
  static constexpr std::size_t kMostWaiting = 64;    // for one question; others fail at once
  // A node answers with fewer members than the limit rather than with more bytes.
  static constexpr std::size_t kMostAnswerBytes = std::size_t{64} << 10;

  // Requests have tags with these two kinds. The references must outlive this object.
  RoomLists(const NodeName& node, std::uint8_t question, std::uint8_t answer, RoomCounts& counts,
            CountsOwner& owner, hub::OrderSink& sink);
  RoomLists(const RoomLists&) = delete;
  RoomLists& operator=(const RoomLists&) = delete;
  ~RoomLists() = default;

  void begin_turn(std::uint64_t now_ms) noexcept { now_ms_ = now_ms; }
  [[nodiscard]] std::uint64_t deadline() const noexcept { return next_due_ms_; }
  void on_time() noexcept;
  // Sends the questions of this turn, and answers those that have failed at once.
  void end_turn() noexcept;
  [[nodiscard]] bool has_to_send() const noexcept { return !to_send_.empty() || !failed_.empty(); }

  // As OrderEngine::list(). Equal questions that are under way at the same time are one.
  hub::ListTicket ask(std::string key, const MembersQuery& query);
  // The link has ended.
  void link_down(const RedisLink& link) noexcept;
  // The reply to a question.
  void replied(std::uint64_t id, RespValue reply) noexcept;

  // Returns whether a push on a channel of answers is one of these.
  [[nodiscard]] static bool is_answer(std::string_view payload) noexcept {
    return payload.starts_with('m');
  }
  // Ignores other texts.
  void answered(std::string_view payload) noexcept;

  // Answers a question of another node. Ignores other texts, among them those of RoomCounts.
  void answer(RedisLink& link, std::string_view key, std::string_view question,
              const hub::RoomHome& home) noexcept;

 private:
  struct Question {
    std::string key;
    MembersQuery query;
    std::vector<hub::ListTicket> waiting;
    RedisLink* link = nullptr;  // nullptr: not sent
    std::uint64_t asked_ms = 0;
    bool gets_own = false;        // this node gets the question, too
    bool replied = false;         // `receivers` is valid
    std::uint64_t receivers = 0;  // other nodes that got the question
    std::uint64_t answers = 0;
    RoomMembers others;
  };
  using Questions = std::unordered_map<std::uint64_t, Question>;

  void send(std::uint64_t id, Question& question);
  void finish_if_complete(Questions::iterator at) noexcept;
  Questions::iterator finish(Questions::iterator at, bool complete) noexcept;

  const std::string name_;  // of the node, as in a batch's head
  const std::uint8_t question_;
  const std::uint8_t answer_;
  RoomCounts& counts_;
  CountsOwner& owner_;
  hub::OrderSink& sink_;
  std::uint64_t now_ms_ = 0;
  std::uint64_t next_due_ms_ = ~std::uint64_t{0};
  std::uint64_t ids_ = 0;
  hub::ListTicket ticket_ = 0;
  std::vector<hub::ListTicket> failed_;
  std::vector<std::uint64_t> to_send_;  // ids
  Questions questions_;                 // by id
};

}  // namespace wsd::engine
