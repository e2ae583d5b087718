// Mail that a shard has taken and cannot handle yet, because a gate is closed, or because an engine
// has not kept or placed a message.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/name_hash.h"
#include "hub/mail_queue.h"
#include "hub/parked_mail.h"

namespace wsd::hub {

class RoomHome;

// The mail of one room that waits at the home shard. All later mail of the room waits behind it. An
// engine's part is documented in hub/room_engine.h.
struct RoomLine {
  // A message with this ticket, or the first one after it, begins a new epoch.
  struct EpochChange {
    std::uint64_t ticket = 0;
    std::uint64_t epoch = 0;
  };

  std::string_view name;  // the key of the table
  MailQueue queue;        // in the order in which it takes effect
  // With an order engine (hub/order_engine.h): the publishes without a position, and all mail that
  // came after the first of them. It follows the mail of `queue`.
  MailQueue unplaced;
  std::unique_ptr<ParkedMail> parked;  // nullptr: nothing is parked
  RoomHome* home = nullptr;            // held while messages of the line are with the engine
  std::uint64_t publishes = 0;         // messages in the queue that will get a position
  std::vector<EpochChange> changes;    // in the order of their tickets

  [[nodiscard]] bool empty() const noexcept {
    return queue.empty() && unplaced.empty() && (parked == nullptr || parked->empty());
  }
};

// The mail that waits at the home shard, one line for each room. Shard's thread only.
class WaitingMail {
 public:
  WaitingMail() = default;
  WaitingMail(const WaitingMail&) = delete;
  WaitingMail& operator=(const WaitingMail&) = delete;
  ~WaitingMail() = default;

  [[nodiscard]] bool empty() const noexcept { return rooms_.empty(); }
  // Returns whether mail for this room waits. All later mail must then wait behind it.
  [[nodiscard]] bool has(std::string_view room) const noexcept {
    return !rooms_.empty() && rooms_.find(room) != rooms_.end();
  }
  // Returns nullptr if the room has no line.
  [[nodiscard]] RoomLine* find(std::string_view room) noexcept {
    if (rooms_.empty()) return nullptr;
    const auto found = rooms_.find(room);
    return found == rooms_.end() ? nullptr : &found->second;
  }
  // Returns the line of the room, and creates it if there is none. The reference is valid until
  // run(). Throws std::bad_alloc if memory runs out; then nothing has changed.
  [[nodiscard]] RoomLine& line_of(std::string_view room) {
    auto found = rooms_.find(room);
    if (found == rooms_.end()) {
      found = rooms_.try_emplace(std::string(room)).first;
      Node& added = found->second;
      added.name = found->first;
      added.before = newest_;
      (newest_ == nullptr ? oldest_ : newest_->after) = &added;
      newest_ = &added;
    }
    return found->second;
  }
  [[nodiscard]] MailQueue& queue_of(std::string_view room) { return line_of(room).queue; }
  // Removes the line of the room if no mail waits in it.
  void drop_if_empty(std::string_view room) noexcept {
    const auto found = rooms_.find(room);
    if (found != rooms_.end() && found->second.empty()) erase(found->second);
  }
  // Calls `handle` with the line of each room and the mail in it, in its order, until `handle`
  // returns false. Then the rest of that room waits on. `handle` must not throw. It may add mail,
  // which comes after the mail of its room that waits already. Calls `ended` with each line that is
  // empty, before it ends.
  template <class Handle, class Ended>
  void run(Handle handle, Ended ended) noexcept {
    for (Node* room = oldest_; room != nullptr;) {
      while (!room->queue.empty() && handle(*room, room->queue.front())) room->queue.pop();
      Node* const next = room->after;
      if (room->empty()) {
        ended(*room);
        erase(*room);
      }
      room = next;
    }
  }
  // Calls `visit` with each line.
  template <class Visit>
  void for_each(Visit visit) noexcept {
    for (Node* room = oldest_; room != nullptr; room = room->after) visit(*room);
  }

 private:
  struct Node : RoomLine {
    Node* before = nullptr;
    Node* after = nullptr;
  };

  void erase(const Node& room) noexcept {
    (room.before == nullptr ? oldest_ : room.before->after) = room.after;
    (room.after == nullptr ? newest_ : room.after->before) = room.before;
    rooms_.erase(rooms_.find(room.name));
  }

  std::unordered_map<std::string, Node, NameHash, std::equal_to<>> rooms_;
  Node* oldest_ = nullptr;  // a list, because run() may add rooms
  Node* newest_ = nullptr;
};

}  // namespace wsd::hub
