// What shards, and threads that are no reactor, tell a shard.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "base/shared_bytes.h"
#include "hub/batch.h"
#include "wsd/close.h"
#include "wsd/connection.h"
#include "wsd/position.h"

namespace wsd::hub {

class Member;
class Shard;

// Who waits for word of a room. Asked once at most, on the thread of the room's home.
class RoomStateCallback {
 public:
  RoomStateCallback() = default;
  RoomStateCallback(const RoomStateCallback&) = delete;
  RoomStateCallback& operator=(const RoomStateCallback&) = delete;
  virtual ~RoomStateCallback() = default;
  virtual void run(const RoomState& state) noexcept = 0;
};

// Something of a layer above to be done for one member, on its thread; nullptr: it is gone.
class MemberTask {
 public:
  MemberTask() = default;
  MemberTask(const MemberTask&) = delete;
  MemberTask& operator=(const MemberTask&) = delete;
  virtual ~MemberTask() = default;
  virtual void run(Member* member) noexcept = 0;
};

// To a room's home.
struct JoinMail {
  std::string room;
  ConnectionId member = 0;
  std::unique_ptr<const Since> since;  // null: from now on
  std::uint32_t token = 0;
  std::uint16_t shard = 0;
  Encoding encoding = kIdentity;
};
struct LeaveMail {
  std::string room;
  std::uint32_t shard = 0;
  Encoding encoding = kIdentity;
};
struct PublishMail {
  std::string room;
  SharedBytes frame;
  std::unique_ptr<RoomStateCallback> receipt;  // null: nobody waits for it
};
struct RoomStateMail {
  std::string room;
  std::unique_ptr<RoomStateCallback> listener;
};

// From a room's home.
struct JoinedMail {
  std::string room;
  ConnectionId member = 0;
  std::unique_ptr<const Batch> replay;  // null: it has missed nothing
  std::uint32_t token = 0;
  bool refused = false;  // it is to leave again
};
struct DeliverMail {
  std::string room;
  std::shared_ptr<const BatchSet> batch;
  std::uint32_t shard = 0;
  std::uint64_t first_pending_ns = 0;  // when its oldest message got its place
};

// A gate that this shard waited at has opened.
struct ResumeMail {
  enum class Gate : std::uint8_t { kPublish, kDeliver };
  Gate gate = Gate::kPublish;
  std::uint32_t shard = 0;
};

// To the shard of a member, from any thread.
struct SendMail {
  ConnectionId member = 0;
  SharedBytes frame;
};
struct CloseMail {
  ConnectionId member = 0;
  CloseCode code = CloseCode::kNormalClosure;
  std::string reason;
};
struct MembershipMail {
  ConnectionId member = 0;
  std::string room;
  bool join = true;
  std::unique_ptr<const Since> since;
};
struct MemberTaskMail {
  ConnectionId member = 0;
  std::unique_ptr<MemberTask> task;
};
struct CommandMail {
  std::uint32_t commands = 0;  // bits whose meaning is the reactor's
};

// Asked of a shard from outside, and answered on its thread.
class ShardQuery {
 public:
  virtual ~ShardQuery() = default;
  // Once for each shard that was asked. It may close members, but neither add nor remove any.
  virtual void answer(Shard& shard) noexcept = 0;
};
struct QueryMail {
  std::shared_ptr<ShardQuery> query;
};

// One piece of mail; `next` is the mailbox's, or that of who prepares several.
struct Mail {
  Mail* next = nullptr;
  std::variant<JoinMail, LeaveMail, PublishMail, JoinedMail, DeliverMail, ResumeMail, SendMail,
               CloseMail, MembershipMail, CommandMail, QueryMail, RoomStateMail, MemberTaskMail>
      body;
};

template <class Body>
[[nodiscard]] std::unique_ptr<Mail> mail_of(Body body) {
  auto mail = std::make_unique<Mail>();
  mail->body = std::move(body);
  return mail;
}

}  // namespace wsd::hub
