// The state of one room of RedisRooms, and the batches that this node publishes to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/batch_text.h"
#include "hub/order_engine.h"
#include "wsd/position.h"

namespace wsd::engine {

// Returns the position in an id of a stream's entry, "EPOCH-SEQ", or std::nullopt for other texts.
[[nodiscard]] std::optional<Position> place_of_id(std::string_view id) noexcept;
// Returns the id of a position.
[[nodiscard]] std::string id_of(const Position& place);

// Messages of this node that have one entry in the stream. Becomes fixed when it is sent.
struct OwnBatch {
  enum class State : std::uint8_t {
    kUnsent,     // may still grow
    kSent,       // on the current link, without a reply
    kConfirmed,  // the reply has told the position of the first message, `place`
    kRetry,      // Redis has surely not placed it, so it is to be sent again
    kOrphan,     // sent on a former link, without a reply: it may have a position
    kRefused,    // Redis has refused it; told when all earlier batches have an answer
    kKeyUsed,    // another message has its key; told likewise
    kRepeated,   // it was placed before, at `place`; told likewise
  };

  std::unique_ptr<OwnBatch> next;
  State state = State::kUnsent;
  bool unfenced = false;       // kOrphan: the server of a former link may still run it
  bool doubtful = false;       // another server than the present one may have placed it
  std::uint8_t tries = 0;      // how often it was sent
  std::uint32_t server = 0;    // RedisLane::server when it was sent last
  std::uint32_t told = 0;      // for so many of the tickets the hub has got placed()
  std::uint64_t counter = 0;   // its name, together with the node's; 0: it was never sent
  std::uint64_t since_ms = 0;  // when its first message was published
  Position place;              // kConfirmed, kRepeated
  // Space for the head, and then the messages. append_message() adds them at the end. The text
  // begins at `text_at` when the batch was sent once.
  std::string buffer;
  std::size_t text_at = 0;
  std::vector<hub::PublishTicket> tickets;
  // Of the one message of this batch. nullptr: it has none. The server places no second message
  // with the key, so the batch may be sent again at any time.
  std::unique_ptr<const hub::PublishKey> key;

  // Enough for the head of any batch text.
  static constexpr std::size_t kHeadSpace = 96;

  [[nodiscard]] std::string_view text() const noexcept {
    return std::string_view(buffer).substr(text_at);
  }
  [[nodiscard]] bool was_sent() const noexcept { return counter != 0; }
  // Its result is known, and waits for those of all earlier batches.
  [[nodiscard]] bool is_over() const noexcept {
    return state == State::kRefused || state == State::kKeyUsed || state == State::kRepeated;
  }
  // The server to which it was sent last may have placed it.
  [[nodiscard]] bool may_be_placed() const noexcept {
    return state == State::kSent || state == State::kConfirmed || state == State::kOrphan;
  }
};

// The batches of one room, oldest first.
class OwnBatches {
 public:
  OwnBatches() = default;
  OwnBatches(const OwnBatches&) = delete;
  OwnBatches& operator=(const OwnBatches&) = delete;
  ~OwnBatches() {
    while (!empty()) static_cast<void>(pop());
  }

  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  // Return nullptr if there is none.
  [[nodiscard]] OwnBatch* front() const noexcept { return first_.get(); }
  [[nodiscard]] OwnBatch* back() const noexcept { return last_; }
  // The oldest batch that was never sent.
  [[nodiscard]] OwnBatch* unsent() const noexcept { return unsent_; }
  // The oldest unsent batch was sent. Requires that there is one.
  void sent() noexcept { unsent_ = unsent_->next.get(); }
  // Returns the batch that was sent with this counter, or nullptr. Counters rise from batch to
  // batch.
  [[nodiscard]] OwnBatch* find(std::uint64_t counter) const noexcept {
    for (OwnBatch* each = first_.get(); each != nullptr; each = each->next.get()) {
      if (each->counter == counter) return each;
      if (!each->was_sent() || each->counter > counter) return nullptr;
    }
    return nullptr;
  }
  void push(std::unique_ptr<OwnBatch> batch) noexcept {
    OwnBatch* const added = batch.get();
    (last_ == nullptr ? first_ : last_->next) = std::move(batch);
    last_ = added;
    if (unsent_ == nullptr) unsent_ = added;
  }
  // Requires that there is one.
  [[nodiscard]] std::unique_ptr<OwnBatch> pop() noexcept {
    std::unique_ptr<OwnBatch> popped = std::move(first_);
    if (unsent_ == popped.get()) unsent_ = popped->next.get();
    first_ = std::move(popped->next);
    if (first_ == nullptr) last_ = nullptr;
    return popped;
  }

 private:
  std::unique_ptr<OwnBatch> first_;
  OwnBatch* last_ = nullptr;
  OwnBatch* unsent_ = nullptr;
};

struct RedisLane;
struct RedisRoom;

// A room's place in a list of rooms that is linked through themselves.
struct RoomListing {
  RedisRoom* next = nullptr;
  bool listed = false;
};

struct RedisRoom {
  enum class State : std::uint8_t {
    kOpening,  // the hub has not got opened()
    kLive,     // in step, as far as the hub knows
    kLost,     // the hub has got lost() since opened()
  };
  // The room's step on the link. Pushes are applied in kFollowing alone. In all other phases
  // they are left out, and the last reply of the phase has their messages.
  enum class Phase : std::uint8_t {
    kWaiting,    // for the link, or until `retry_at_ms`
    kToOpen,     // in a queue: SSUBSCRIBE and `open` are to be sent
    kOpenSent,   // the reply of `open` has not come
    kToFill,     // in a queue: a page of the history is to be read, newest first
    kFillSent,   // the reply with that page has not come
    kToRead,     // in a queue: a page of missing messages is to be read, oldest first
    kReadSent,   // the reply with that page has not come
    kFollowing,  // pushes are applied
  };
  // The batches of one node that this room has seen lately (E12 in the design: a batch may stand in
  // two epochs).
  struct Recent {
    NodeName node;
    std::uint64_t counter = 0;  // the highest one
    std::uint32_t told = 0;     // so many of its messages were told to the hub
    std::uint64_t epoch = 0;    // where it stood
    std::uint64_t at_ms = 0;
  };
  // The history of a room that is being opened, newest message first.
  struct Filling {
    std::vector<hub::KeptMessage> newest_first;
    std::uint64_t next = 0;  // the seq of the message that comes next
    std::size_t bytes = 0;
    Position from;       // the next page is of entries before this one
    bool began = false;  // the first page has come
  };

  RedisRoom(hub::RoomHome& of, std::uint32_t index, std::string of_key)
      : home(&of), number(index), key(std::move(of_key)) {}

  [[nodiscard]] bool follows() const noexcept { return phase == Phase::kFollowing; }
  // The highest place of the room that this node has learned of.
  void see(const Position& place) noexcept {
    if (place.epoch > seen.epoch || (place.epoch == seen.epoch && place.seq > seen.seq)) {
      seen = place;
    }
  }

  hub::RoomHome* home;
  const std::uint32_t number;
  const std::string key;
  State state = State::kOpening;
  Phase phase = Phase::kWaiting;

  // The way to the master that serves it, or to the one that did until all replies under way are
  // in. nullptr: no master does.
  RedisLane* lane = nullptr;
  std::uint16_t slot = 0;            // in a cluster
  RedisRoom* next_queued = nullptr;  // in a RoomsToAsk
  RoomListing to_publish;            // the lane's lists
  RoomListing to_check;
  RoomListing for_beat;
  bool subscribed = false;  // SSUBSCRIBE was sent on the present link
  bool wanted = true;
  bool behind = false;         // was lost with the link, and is not live since
  bool missed_pushes = false;  // pushes were left out since the reply that this phase goes on from
  bool large_entries = false;  // its entries may exceed a page by far
  bool begun = false;          // the latest `open` has begun the epoch
  bool trimmed = false;        // messages after `last` were trimmed before this node has read them
  bool epoch_changed = false;  // since the room was lost
  bool verified = false;       // the stream has this node's last message, as far as it was read
  std::uint32_t unanswered = 0;  // batches that are kSent

  std::uint64_t request = 0;  // names the request of the current phase, so that a late reply of an
                              // earlier one is left out
  std::uint64_t retry_at_ms = 0;
  std::uint64_t unwanted_at_ms = 0;
  std::uint64_t renewed_at_ms = 0;  // the time to live of the key

  Position last;                   // of the latest message that was told to the hub
  std::uint64_t tail = 0;          // the seq of the first message of the entry that has `last`
  NodeName tail_node;              // the publisher of that entry, and its counter
  std::uint64_t tail_counter = 0;  // 0: no entry is known
  Position seen;                   // the highest place known, also by replies
  Position target;                 // the last place when `open` was answered
  Position read_from;              // kToRead: the next page begins there
  std::uint64_t epoch_from = 0;    // a seq from which on all messages bear the epoch of `last`
  std::uint64_t trimmed_at = 0;    // the seq of `last` when a batch has trimmed the stream
  std::vector<Position> former;    // the last places in epochs before that of `last`
  std::vector<Recent> recent;
  std::unique_ptr<Filling> filling;

  OwnBatches batches;
  std::uint32_t checks = 0;       // calls of check() whose barrier is not sent yet
  std::uint32_t checks_sent = 0;  // calls whose barrier has not come back
  std::uint64_t barrier = 0;      // names the request that is their barrier
};

}  // namespace wsd::engine
