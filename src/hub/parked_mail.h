// Joins of one room that wait for its order engine, apart from the line of the room.
//
// A join is parked while the room is not in step with the engine, and while the engine looks for
// messages that the joiner has seen and this node has not. The other mail of the room does not wait
// for it. But later joins and leaves of the same member wait behind it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <utility>

#include "hub/mail_queue.h"
#include "wsd/connection.h"

namespace wsd::hub {

// Shard's thread only. Calls that throw std::bad_alloc have changed nothing.
class ParkedMail {
 public:
  // Also counts questions of members that have left, because their answers will come.
  [[nodiscard]] bool empty() const noexcept { return members_.empty() && asked_.empty(); }
  [[nodiscard]] bool has(ConnectionId member) const noexcept {
    return members_.find(member) != members_.end();
  }
  // Allocates the memory that add() needs for this member. `asks` as in add().
  void reserve(ConnectionId member, bool asks) {
    const bool is_new = members_.try_emplace(member).second;
    if (!asks) return;
    try {
      asked_.push_back({member, questions_ + 1});
    } catch (...) {
      if (is_new) members_.erase(member);
      throw;
    }
  }
  // Requires reserve(). With `asks`, the member waits for one more answer of the engine, and else
  // until release_live().
  void add(ConnectionId member, std::unique_ptr<Mail> mail, bool asks) noexcept {
    Waiting& waiting = members_.find(member)->second;
    if (asks) waiting.question = ++questions_;
    waiting.mail.push(std::move(mail));
  }
  // The engine has answered the oldest question.
  void answered() noexcept { ++answers_; }
  // The room is in step.
  void is_live() noexcept { live_ = true; }
  [[nodiscard]] bool has_to_release() const noexcept { return answers_ != 0 || live_; }

  // Calls `take` with the mail of each member that waits no more, in its order.
  template <class Take>
  void release(Take take) noexcept {
    for (; answers_ != 0; --answers_) {
      const Question question = asked_.front();
      asked_.pop_front();
      const auto found = members_.find(question.member);
      // A member that has left may have joined again since, with another question.
      if (found == members_.end() || found->second.question != question.number) continue;
      empty_into(found->second, take);
      members_.erase(found);
    }
    if (!std::exchange(live_, false)) return;
    for (auto each = members_.begin(); each != members_.end();) {
      if (each->second.question != 0) {
        ++each;
        continue;
      }
      empty_into(each->second, take);
      each = members_.erase(each);
    }
  }
  // Calls `take` with all mail, and forgets the questions.
  template <class Take>
  void release_all(Take take) noexcept {
    for (auto& [member, waiting] : members_) empty_into(waiting, take);
    members_.clear();
    asked_.clear();
    answers_ = 0;
    live_ = false;
  }
  // Calls `take` with the mail of this member.
  template <class Take>
  void remove(ConnectionId member, Take take) noexcept {
    const auto found = members_.find(member);
    empty_into(found->second, take);
    members_.erase(found);
  }

 private:
  struct Waiting {
    MailQueue mail;
    std::uint64_t question = 0;  // 0: waits until the room is in step
  };
  struct Question {
    ConnectionId member = 0;
    std::uint64_t number = 0;
  };

  template <class Take>
  static void empty_into(Waiting& waiting, Take take) noexcept {
    while (!waiting.mail.empty()) take(waiting.mail.take());
  }

  std::map<ConnectionId, Waiting> members_;
  std::deque<Question> asked_;  // without an answer
  std::uint64_t questions_ = 0;
  std::uint64_t answers_ = 0;  // that release() has not handled
  bool live_ = false;
};

}  // namespace wsd::hub
