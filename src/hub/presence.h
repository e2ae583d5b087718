// The members of rooms with presence, and the messages that tell of their joins and leaves.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/name_hash.h"
#include "base/shared_bytes.h"
#include "hub/mail_queue.h"
#include "wsd/connection.h"
#include "wsd/presence.h"

namespace wsd::hub {

// Makes the frames of presence messages.
class PresenceEncoder {
 public:
  // Returns a whole frame, or an empty one for no message. Throws std::bad_alloc if
  // memory runs out.
  [[nodiscard]] virtual SharedBytes presence_frame(const PresenceEvent& event) = 0;

 protected:
  ~PresenceEncoder() = default;
};

// The home shard, as its Presence sees it.
class PresenceSink {
 public:
  // Counts a message at the publish gate. Each message is counted, and then published or dropped.
  virtual void count_presence(Mail& message) noexcept = 0;
  // Publishes the message, and calls its receipt later.
  virtual void publish_presence(std::unique_ptr<Mail> message) noexcept = 0;
  virtual void drop_presence(std::unique_ptr<Mail> message) noexcept = 0;

 protected:
  ~PresenceSink() = default;
};

// Returns the id of a member, as RoomMember::id. `node` is the number of its server.
[[nodiscard]] std::string member_id(std::uint64_t node, ConnectionId member);

// Lists the members of rooms whose home is this shard, and publishes a message for each join and
// leave.
//
// The list changes when a message gets its position, and not when it is made. So a page of the list
// is the sum of the messages up to the room's last position. Only the info of a member that joins
// again may be a later one. One message of a member is under way at a time: the next one waits
// until the receipt of the one before has come. So a member's messages keep their order with every
// engine, and the message of a leave is not published if that of its join was refused.
//
// Home shard's thread only.
class Presence {
 public:
  // `node` is the number of this server. The sink must outlive this object.
  Presence(std::uint64_t node, PresenceSink& sink) noexcept : before_{node}, sink_(sink) {}
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;

  // Sets the encoder, before the first join. It must outlive the last call.
  void set_encoder(PresenceEncoder* encoder) noexcept { encoder_ = encoder; }

  // The member has joined the room. Throws std::bad_alloc if memory runs out; then nothing has
  // changed.
  void joined(std::string_view room, ConnectionId member, std::string_view info);
  // The member leaves the room. Does nothing if joined() was not called for it. Throws as joined().
  void left(std::string_view room, ConnectionId member);

  // Returns a page of the listed members. Leaves RoomMembers::last to the caller. Throws
  // std::bad_alloc if memory runs out.
  [[nodiscard]] RoomMembers page(std::string_view room, const MembersQuery& query) const;

  // Returns the number of rooms with members or with messages under way.
  [[nodiscard]] std::size_t size() const noexcept { return rooms_.size(); }

 private:
  class Receipt;

  struct Entry {
    std::string info;
    bool listed = false;
    bool announced = false;  // the message of its join was published
    bool under_way = false;  // a message has no receipt yet
    MailQueue waiting;       // messages that come after it
  };
  // Orders members as their ids, and finds the place of any text among the ids.
  struct Before {
    using is_transparent = void;
    std::uint64_t node;
    bool operator()(ConnectionId a, ConnectionId b) const noexcept { return a < b; }
    bool operator()(ConnectionId a, std::string_view b) const { return member_id(node, a) < b; }
    bool operator()(std::string_view a, ConnectionId b) const { return a < member_id(node, b); }
  };
  using Members = std::map<ConnectionId, Entry, Before>;
  using Rooms = std::unordered_map<std::string, Members, NameHash, std::equal_to<>>;
  using Room = Rooms::value_type;

  [[nodiscard]] std::unique_ptr<Mail> message(Room& room, ConnectionId member, PresenceKind kind,
                                              std::string_view info);
  void add(Room& room, Members::iterator member, std::unique_ptr<Mail> message) noexcept;
  void answered(Room& room, ConnectionId member, PresenceKind kind, bool published) noexcept;
  void go_on(Room& room, Members::iterator member) noexcept;
  void drop_if_unused(Room& room, Members::iterator member) noexcept;

  const Before before_;
  PresenceSink& sink_;
  PresenceEncoder* encoder_ = nullptr;
  Rooms rooms_;
};

}  // namespace wsd::hub
