// Mail that a shard has taken and cannot handle yet, because a gate is closed.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/name_hash.h"
#include "hub/mail.h"

namespace wsd::hub {

// A list of mail in the order of arrival. Owns the mail. Needs no memory of its own.
class MailQueue {
 public:
  MailQueue() = default;
  MailQueue(const MailQueue&) = delete;
  MailQueue& operator=(const MailQueue&) = delete;
  ~MailQueue() {
    while (first_ != nullptr) pop();
  }

  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  // Requires that the queue is not empty.
  [[nodiscard]] Mail& front() noexcept { return *first_; }
  void push(std::unique_ptr<Mail> mail) noexcept {
    mail->next = nullptr;
    *last_ = mail.release();
    last_ = &(*last_)->next;
  }
  void pop() noexcept {
    const std::unique_ptr<Mail> owned(std::exchange(first_, first_->next));
    if (first_ == nullptr) last_ = &first_;
  }

 private:
  Mail* first_ = nullptr;
  Mail** last_ = &first_;
};

// The mail that waits at the home shard, one queue for each room. Shard's thread only.
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
  // Returns the queue of the room, and creates it if there is none. The reference is valid until
  // run(). Throws std::bad_alloc if memory runs out; then nothing has changed.
  [[nodiscard]] MailQueue& queue_of(std::string_view room) {
    auto found = rooms_.find(room);
    if (found == rooms_.end()) {
      found = rooms_.try_emplace(std::string(room)).first;
      Room& added = found->second;
      added.name = found->first;
      added.before = newest_;
      (newest_ == nullptr ? oldest_ : newest_->after) = &added;
      newest_ = &added;
    }
    return found->second.queue;
  }
  // Calls `handle` with the mail of each room, in its order, until `handle` returns false. Then the
  // rest of that room waits on. `handle` must not throw. It may add mail, which comes after the
  // mail of its room that waits already.
  template <class Handle>
  void run(Handle handle) noexcept {
    for (Room* room = oldest_; room != nullptr;) {
      while (!room->queue.empty() && handle(room->queue.front())) room->queue.pop();
      Room* const next = room->after;
      if (room->queue.empty()) erase(*room);
      room = next;
    }
  }

 private:
  struct Room {
    std::string_view name;  // the key of the table
    MailQueue queue;
    Room* before = nullptr;
    Room* after = nullptr;
  };

  void erase(const Room& room) noexcept {
    (room.before == nullptr ? oldest_ : room.before->after) = room.after;
    (room.after == nullptr ? newest_ : room.after->before) = room.before;
    rooms_.erase(rooms_.find(room.name));
  }

  std::unordered_map<std::string, Room, NameHash, std::equal_to<>> rooms_;
  Room* oldest_ = nullptr;  // a list, because run() may add rooms
  Room* newest_ = nullptr;
};

}  // namespace wsd::hub
