// The members of rooms, as the hub sees them. The hub knows nothing about sockets.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/shared_bytes.h"
#include "hub/batch.h"
#include "hub/timer_wheel.h"
#include "wsd/close.h"
#include "wsd/connection.h"

namespace wsd::hub {

// An object with one timer on the shard's wheel. Reactor thread only.
class Scheduled : public Timer {
 public:
  // Called when the timer has fired. The timer is disarmed. `now` is in ticks.
  virtual void on_deadline(Tick now) = 0;

 protected:
  ~Scheduled() = default;
};

struct LocalRoom;

// The membership of one member in one room, on the member's shard.
struct Membership {
  static constexpr std::uint32_t kPending = ~std::uint32_t{0};

  LocalRoom* room = nullptr;
  std::uint32_t index = kPending;  // in LocalRoom::members; kPending until the home answers
  std::uint32_t token = 0;         // identifies the join, so that answers to others are ignored
};

// The rooms of one member, in the order of the joins. One membership is stored inline, because most
// members have only one.
//
// A member that leaves a room gets the messages before its leave, so its membership lasts until the
// home shard has answered. Meanwhile only find_joined() and the functions for leaving see it.
class Memberships {
 public:
  Memberships() = default;
  Memberships(const Memberships&) = delete;
  Memberships& operator=(const Memberships&) = delete;
  ~Memberships();

  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] const Membership& at(std::size_t position) const noexcept;
  // Returns the membership in `room`, or nullptr if there is none.
  [[nodiscard]] Membership* find(const LocalRoom* room) noexcept;
  // Returns the membership in `room` whose join is complete, also if the member is leaving. There
  // is at most one, because the home shard answers in order.
  [[nodiscard]] Membership* find_joined(const LocalRoom* room) noexcept;
  // Returns the membership with this token, also if the member is leaving.
  [[nodiscard]] Membership* find_token(std::uint32_t token) noexcept;
  // Throws std::bad_alloc if memory runs out; then nothing has changed.
  void add(const Membership& membership);
  // Removes the membership in `room`, if there is one. The other memberships keep their order.
  void remove(const LocalRoom* room) noexcept;

  // The member leaves `room`, in which it has a membership. Throws std::bad_alloc if memory runs
  // out; then nothing has changed.
  void begin_leave(const LocalRoom* room);
  // Returns whether the member leaves a room.
  [[nodiscard]] bool is_leaving() const noexcept;
  // Removes and returns the membership with this token that the member is leaving. Returns one
  // without a room if there is none.
  Membership end_leave(std::uint32_t token) noexcept;
  // Removes and returns any membership that the member is leaving. Requires is_leaving().
  Membership end_any_leave() noexcept;

 private:
  struct Lists {
    std::vector<Membership> current;
    // In the order of the leaves. Those before `first_leaving` have ended. Answers come in about
    // that order, so that each is found near the front.
    std::vector<Membership> leaving;
    std::size_t first_leaving = 0;
  };
  // With this index, `room` is the address of Lists: two or more memberships, or one that the
  // member is leaving.
  static constexpr std::uint32_t kListed = Membership::kPending - 1;

  [[nodiscard]] Lists* lists() const noexcept;
  Membership take_leaving(Lists& lists, std::size_t at) noexcept;
  void shrink() noexcept;

  Membership only_;
};

// A member of rooms. Reactor thread only. No method may add or remove members, and only
// join_refused() may join or leave rooms. A member that wants to leave in another method must do so
// later, at the reactor's safe point.
class Member : public Scheduled {
 public:
  // Delivers messages of a room, in the order of the room.
  virtual void deliver(const Batch& batch) = 0;
  // Delivers the messages of a room except those of `left_out`, which are in ascending order and
  // not all of the batch.
  virtual void deliver_without(const Batch& batch, std::span<const Exclusion> left_out) {
    deliver(batch.without(left_out));
  }
  // Delivers the messages that the member missed, before any live message of that room. They may
  // exceed the send queue's limit, because the member asked for them.
  virtual void replay(const Batch& batch) { deliver(batch); }
  // Delivers one encoded frame that is for this member only.
  virtual void deliver(const SharedBytes& frame) = 0;
  // Starts the closing handshake.
  virtual void close(CloseCause cause, CloseCode code, std::string_view reason) = 0;
  // Returns whether the member may join rooms now. Joins of other members have no effect.
  [[nodiscard]] virtual bool may_join() const noexcept { return true; }
  // A join would exceed a limit, so the member has not joined `room`. This method may join and
  // leave rooms. `room` is valid only during the call.
  virtual void join_refused(std::string_view /*room*/, JoinRefusal /*why*/) {}

  [[nodiscard]] ConnectionId id() const noexcept { return id_; }
  // For MemberTable::add() only.
  void set_id(ConnectionId id) noexcept { id_ = id; }
  [[nodiscard]] Memberships& memberships() noexcept { return memberships_; }
  [[nodiscard]] const Memberships& memberships() const noexcept { return memberships_; }
  // Must not change while the member has joined a room.
  [[nodiscard]] Encoding encoding() const noexcept { return encoding_; }
  void set_encoding(Encoding encoding) noexcept { encoding_ = encoding; }

 protected:
  ~Member() = default;

 private:
  ConnectionId id_ = 0;
  Memberships memberships_;
  Encoding encoding_ = kIdentity;
};

}  // namespace wsd::hub
