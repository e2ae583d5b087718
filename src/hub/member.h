// Who can be in a room. The hub does not know what a socket is.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/shared_bytes.h"
#include "hub/batch.h"
#include "hub/timer_wheel.h"
#include "wsd/close.h"
#include "wsd/connection.h"

namespace wsd::hub {

// Something with one timer on the shard's wheel. Reactor thread only.
class Scheduled : public Timer {
 public:
  // The timer has fired and is disarmed. Time as an argument, in ticks.
  virtual void on_deadline(Tick now) = 0;

 protected:
  ~Scheduled() = default;
};

struct LocalRoom;

// One member's place in one room on its own shard.
struct Membership {
  static constexpr std::uint32_t kPending = ~std::uint32_t{0};

  LocalRoom* room = nullptr;
  std::uint32_t index = kPending;  // in the room's list; kPending until the home has answered
  std::uint32_t token = 0;         // which join it is, so that a late answer to another is ignored
};

// The rooms of one member, in the order of joining. Most members are in one, which lies inline.
class Memberships {
 public:
  Memberships() = default;
  Memberships(const Memberships&) = delete;
  Memberships& operator=(const Memberships&) = delete;
  ~Memberships();

  [[nodiscard]] bool empty() const noexcept { return only_.room == nullptr; }
  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] const Membership& at(std::size_t position) const noexcept;
  // The membership in `room`, or nullptr.
  [[nodiscard]] Membership* find(const LocalRoom* room) noexcept;
  // Where memory runs out (std::bad_alloc) nothing has changed.
  void add(const Membership& membership);
  // Keeps the order of the others.
  void remove(const LocalRoom* room) noexcept;

 private:
  using List = std::vector<Membership>;
  // The index that says that `room` is the address of a List, of two or more.
  static constexpr std::uint32_t kListed = Membership::kPending - 1;

  [[nodiscard]] List* list() const noexcept;

  Membership only_;
};

// All methods: reactor thread only. None of them may add or remove members or rooms: a member that
// wants to go says so later, at the reactor's safe point.
class Member : public Scheduled {
 public:
  // Messages of a room, in its order.
  virtual void deliver(const Batch& batch) = 0;
  // What it has missed of a room, before anything else of that room. However much it is: the member
  // has asked for it.
  virtual void replay(const Batch& batch) { deliver(batch); }
  // One encoded frame for this member alone.
  virtual void deliver(const SharedBytes& frame) = 0;
  // Starts the close handshake.
  virtual void close(CloseCause cause, CloseCode code, std::string_view reason) = 0;
  // A join of that room is over a limit, and it is not in it. Unlike the others it may join and
  // leave rooms. `room` is valid during the call.
  virtual void join_refused(std::string_view /*room*/, JoinRefusal /*why*/) {}

  [[nodiscard]] ConnectionId id() const noexcept { return id_; }
  // Set by Shard::add() alone.
  void set_id(ConnectionId id) noexcept { id_ = id; }
  [[nodiscard]] Memberships& memberships() noexcept { return memberships_; }
  [[nodiscard]] const Memberships& memberships() const noexcept { return memberships_; }
  // Constant while the member is in any room.
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
