// The mail that a shard gets from other shards and from other threads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/shared_bytes.h"
#include "base/tick.h"
#include "hub/batch.h"
#include "hub/publish_key.h"
#include "wsd/close.h"
#include "wsd/connection.h"
#include "wsd/position.h"
#include "wsd/presence.h"

namespace wsd::hub {

class Member;
class Shard;

// No connection: the publisher is another thread, or learns of a refusal by its receipt.
inline constexpr ConnectionId kNoPublisher = ~ConnectionId{0};

// What other nodes have told about a room.
struct OtherNodes {
  std::size_t members = 0;
  Position last;         // the highest one that they have told
  bool complete = true;  // all of them have answered
};

// The ticket of mail that the engine was to keep or to place, and has not. kUnknownTicket: an order
// engine may have placed it. kKeyTicket: a message with its key was published before it.
inline constexpr std::uint64_t kRefusedTicket = ~std::uint64_t{0};
inline constexpr std::uint64_t kUnknownTicket = kRefusedTicket - 1;
inline constexpr std::uint64_t kKeyTicket = kUnknownTicket - 1;
// Returns whether an engine has given the ticket, or there is none.
[[nodiscard]] constexpr bool is_of_engine(std::uint64_t ticket) noexcept {
  return ticket < kKeyTicket;
}

// Receives the state of a room.
class RoomStateCallback {
 public:
  RoomStateCallback() = default;
  RoomStateCallback(const RoomStateCallback&) = delete;
  RoomStateCallback& operator=(const RoomStateCallback&) = delete;
  virtual ~RoomStateCallback() = default;
  // Called at most once, on the thread of the home shard.
  virtual void run(const RoomState& state) noexcept = 0;
};

// Receives a page of a room's members.
class MembersCallback {
 public:
  MembersCallback() = default;
  MembersCallback(const MembersCallback&) = delete;
  MembersCallback& operator=(const MembersCallback&) = delete;
  virtual ~MembersCallback() = default;
  // Called at most once, on the thread of the home shard.
  virtual void run(const RoomMembers& members) noexcept = 0;
};

// Receives how many messages were removed from a room's history.
class RemovalCallback {
 public:
  RemovalCallback() = default;
  RemovalCallback(const RemovalCallback&) = delete;
  RemovalCallback& operator=(const RemovalCallback&) = delete;
  virtual ~RemovalCallback() = default;
  // Called at most once, on the thread of the home shard. Without a value nothing was removed,
  // because the engine could not keep the removal.
  virtual void run(std::optional<std::size_t> removed) noexcept = 0;
};

// A task of a layer above, for one member.
class MemberTask {
 public:
  MemberTask() = default;
  MemberTask(const MemberTask&) = delete;
  MemberTask& operator=(const MemberTask&) = delete;
  virtual ~MemberTask() = default;
  // Called on the member's thread. `member` is nullptr if the member was removed.
  virtual void run(Member* member) noexcept = 0;
};

// A task of a layer above, for the thread of one shard.
class ShardTask {
 public:
  ShardTask() = default;
  ShardTask(const ShardTask&) = delete;
  ShardTask& operator=(const ShardTask&) = delete;
  virtual ~ShardTask() = default;
  // Called on the shard's thread. May throw std::bad_alloc if it has changed nothing. Then it is
  // called again in a later turn, before all later mail.
  virtual void run() = 0;
};

// The bounds of the mail that waits for one shard:
//
//   mail            cause                       bound
//   --------------- --------------------------- ---------------------------------------------------
//   Publish, Send   peers, any thread           publish gate
//   Publish         a Join or Leave (presence)  publish gate, which it may overfill
//   Placed          a Publish of this shard     publish gate, in its place
//                   an order engine             OrderEngine::hold_back()
//   Join, Leave     peers                       publish gate
//   RoomState       peers, any thread           publish gate
//   Members         peers, any thread           publish gate
//   Removal         threads that are no reactor publish gate
//   Membership      peers, any thread           request gate
//   Query           threads that are no reactor request gate
//   Deliver         the home shard              delivery gate
//   Joined, Left    the home shard              delivery gate; the home shard answers each join and
//                                               each awaited leave once
//   Close           peers, any thread           one for each connection (CloseRequests)
//   ShardTask       reactors that accept        AcceptBalance::kMostOnTheWay for each shard
//                   the engine of the shard     one for each turn that handed it something
//                   the application             publish gate
//   MemberTask      the application             publish gate; or one for each deferred request or
//                                               handshake, of which a connection has one at a time
//   Resume          the owner of a gate         one for each enter() of this shard that returned
//                                               false
//   Command         the application             one for each drain() and stop(), and one liveness
//                                               check at a time
//
// A request waits for a publish gate, and mail at a publish gate waits for a delivery gate. Mail at
// a delivery gate waits for nothing. So no gate stays closed for ever.

// Mail to the home shard of a room.
struct JoinMail {
  std::string room;
  ConnectionId member = 0;
  std::unique_ptr<const Since> since;       // nullptr: no replay
  std::unique_ptr<const std::string> info;  // for presence; nullptr: empty
  std::uint32_t token = 0;
  std::uint16_t shard = 0;
  Encoding encoding = kIdentity;
  // With an order engine: it has looked for messages that the joiner has seen and this shard has
  // not, or it could not open the room.
  enum class Check : std::uint8_t { kNone, kDone, kFailed };
  Check check = Check::kNone;
};
struct LeaveMail {
  std::string room;
  ConnectionId member = 0;
  std::uint32_t token = 0;  // of the join
  std::uint16_t shard = 0;
  Encoding encoding = kIdentity;
  bool awaited = false;  // the member gets the messages before its leave, and then LeftMail
};
struct PublishMail {
  std::string room;
  SharedBytes frame;
  std::unique_ptr<RoomStateCallback> receipt;  // nullptr: no receipt
  ConnectionId publisher = kNoPublisher;       // that learns of a refusal
  std::uint64_t ticket = 0;                    // of the engine; 0: it has none
  std::unique_ptr<PublishKey> key;             // nullptr: no key
  ConnectionId except = 0;                     // that does not get the message; 0: none
};
// With an order engine: a message that has its position, or, without a frame, a point from which
// the room goes on.
struct PlacedMail {
  std::string room;
  SharedBytes frame;
  std::unique_ptr<RoomStateCallback> receipt;  // nullptr: no receipt
  Position position;
  Tick at = 0;              // when it was published
  bool arrived = false;     // not a message of this shard's publish gate
  bool kept_back = false;   // without a frame: the history has no hole
  ConnectionId except = 0;  // as in PublishMail
};
struct RoomStateMail {
  std::string room;
  std::unique_ptr<RoomStateCallback> listener;
  OtherNodes others;  // with an order engine: its answer
};
struct MembersMail {
  std::string room;
  MembersQuery query;
  std::unique_ptr<MembersCallback> callback;
};
struct RemovalMail {
  std::string room;
  std::unique_ptr<RemovalCallback> done;
  Position message;          // all zeros: the whole history
  std::uint64_t ticket = 0;  // of the engine; 0: it has none

  [[nodiscard]] std::optional<Position> what() const noexcept {
    return message == Position{} ? std::nullopt : std::optional<Position>(message);
  }
};

// Mail from the home shard of a room.
struct JoinedMail {
  std::string room;
  ConnectionId member = 0;
  std::unique_ptr<const Batch> replay;  // nullptr: the member missed nothing
  std::uint32_t token = 0;
  bool refused = false;  // the member must leave again
  JoinRefusal why = JoinRefusal::kServerLimit;
};
// The answer to a LeaveMail that is awaited.
struct LeftMail {
  ConnectionId member = 0;
  std::uint32_t token = 0;
};
struct DeliverMail {
  std::string room;
  std::shared_ptr<const BatchSet> batch;
  std::uint32_t shard = 0;
  std::uint64_t first_pending_ns = 0;  // when its oldest message got its position
  bool paced = false;                  // counted at the fan-out gate
};

// Names one of a shard's gates. kFanOut is the fan-out gate, and the others are flow gates.
enum class GateKind : std::uint8_t { kRequest, kPublish, kDeliver, kFanOut };
inline constexpr std::size_t kGateKinds = 4;
inline constexpr std::size_t kFlowGates = 3;

// A gate at which this shard waited has opened.
struct ResumeMail {
  GateKind gate = GateKind::kPublish;
  std::uint32_t shard = 0;
};

// Mail to the shard of a member, from any thread.
struct SendMail {
  ConnectionId member = 0;
  SharedBytes frame;
};
struct CloseMail {
  ConnectionId member = 0;
  CloseCode code = CloseCode::kNormalClosure;
  std::string reason;
  CloseCause cause = CloseCause::kApplicationClosed;
};
struct MembershipMail {
  ConnectionId member = 0;
  std::string room;
  bool join = true;
  std::unique_ptr<const Since> since;
  std::unique_ptr<const std::string> info;  // as in JoinMail
};
struct MemberTaskMail {
  ConnectionId member = 0;
  std::unique_ptr<MemberTask> task;
};
struct ShardTaskMail {
  std::unique_ptr<ShardTask> task;
};
struct CommandMail {
  std::uint32_t commands = 0;  // the reactor defines the bits
};

// A query from another thread, which each shard answers on its own thread.
class ShardQuery {
 public:
  virtual ~ShardQuery() = default;
  // Called at most once for each shard. It may close members, but must not add or remove any.
  virtual void answer(Shard& shard) noexcept = 0;
};
struct QueryMail {
  std::shared_ptr<ShardQuery> query;
};

// One piece of mail. `next` belongs to the mailbox, or to the sender that prepares several pieces.
struct Mail {
  Mail* next = nullptr;
  std::uint64_t cost = 0;  // as counted at the gate of its kind; 0: not counted
  std::variant<JoinMail, LeaveMail, PublishMail, JoinedMail, LeftMail, DeliverMail, ResumeMail,
               SendMail, CloseMail, MembershipMail, CommandMail, QueryMail, RoomStateMail,
               MemberTaskMail, ShardTaskMail, RemovalMail, PlacedMail, MembersMail>
      body;
};

template <class Body>
[[nodiscard]] std::unique_ptr<Mail> mail_of(Body body) {
  auto mail = std::make_unique<Mail>();
  mail->body = std::move(body);
  return mail;
}

// The bytes that a task of the application is assumed to hold.
inline constexpr std::size_t kTaskBytes = 256;

// Returns the bytes that mail for a room holds. `payload` is the size of its messages.
[[nodiscard]] constexpr std::size_t bytes_held(std::size_t room_name,
                                               std::size_t payload) noexcept {
  return sizeof(Mail) + room_name + payload;
}

// Returns the bytes that a query for a page of members is assumed to hold, with its answer.
[[nodiscard]] inline std::size_t page_bytes(const MembersQuery& query) noexcept {
  constexpr std::size_t kMemberBytes = 128;
  return query.after.size() + std::min(query.limit, kMaxMembersPage) * kMemberBytes;
}

// Return the parts of a join that most joins lack, or nullptr.
[[nodiscard]] inline std::unique_ptr<const Since> since_of(const Since& since) {
  std::unique_ptr<const Since> from;
  if (since.kind != Since::Kind::kNow) from = std::make_unique<const Since>(since);
  return from;
}
[[nodiscard]] inline std::unique_ptr<const std::string> info_of(std::string_view info) {
  std::unique_ptr<const std::string> about;
  if (!info.empty()) about = std::make_unique<const std::string>(info);
  return about;
}

// Returns mail that makes a member join or leave a room.
[[nodiscard]] inline std::unique_ptr<Mail> membership_mail(ConnectionId member,
                                                           std::string_view room, bool join,
                                                           const Since& since,
                                                           std::string_view info) {
  std::unique_ptr<const Since> from = since_of(since);
  std::unique_ptr<const std::string> about = info_of(info);
  return mail_of(
      MembershipMail{member, std::string(room), join, std::move(from), std::move(about)});
}

}  // namespace wsd::hub
