#include "hub/hub.h"

#include <string>
#include <utility>

#include "base/assert.h"
#include "base/name_hash.h"

namespace wsd::hub {

Hub::Hub(const std::vector<Waker*>& wakers, const Shard::Options& options)
    : first_epoch_(options.first_epoch) {
  WSD_ASSERT(!wakers.empty() && wakers.size() <= kMaxShards);
  for (Waker* waker : wakers) {
    shards_.push_back(std::make_unique<Shard>(*this, shard_count(), options, *waker));
  }
}

std::uint32_t Hub::home_of(std::string_view room) const noexcept {
  if (shards_.size() == 1) return 0;
  return static_cast<std::uint32_t>(keyed_hash(room, process_hash_key()) % shards_.size());
}

template <class Body>
SendResult Hub::post_to(std::uint32_t index, GateKind gate, std::size_t bytes, Body body) const {
  if (index >= shard_count()) return SendResult::kClosed;
  return shard(index).try_post(gate, mail_of(std::move(body)), bytes) ? SendResult::kSent
                                                                      : SendResult::kCongested;
}

SendResult Hub::publish(std::string_view room, SharedBytes frame,
                        std::unique_ptr<RoomStateCallback> receipt, std::unique_ptr<PublishKey> key,
                        ConnectionId except) const {
  const std::size_t bytes = bytes_held(room.size(), frame.size());
  return post_to(home_of(room), GateKind::kPublish, bytes,
                 PublishMail{std::string(room), std::move(frame), std::move(receipt), kNoPublisher,
                             0, std::move(key), except});
}

SendResult Hub::query(std::string_view room, std::unique_ptr<RoomStateCallback> listener) const {
  return post_to(home_of(room), GateKind::kPublish, bytes_held(room.size(), 0),
                 RoomStateMail{std::string(room), std::move(listener), {}});
}

SendResult Hub::members(std::string_view room, MembersQuery query,
                        std::unique_ptr<MembersCallback> callback) const {
  const std::size_t bytes = bytes_held(room.size(), page_bytes(query));
  return post_to(home_of(room), GateKind::kPublish, bytes,
                 MembersMail{std::string(room), std::move(query), std::move(callback)});
}

SendResult Hub::remove(std::string_view room, const std::optional<Position>& message,
                       std::unique_ptr<RemovalCallback> done) const {
  return post_to(home_of(room), GateKind::kPublish, bytes_held(room.size(), 0),
                 RemovalMail{std::string(room), std::move(done), message.value_or(Position{})});
}

SendResult Hub::send(ConnectionId member, SharedBytes frame) const {
  const std::size_t bytes = bytes_held(0, frame.size());
  return post_to(shard_of(member), GateKind::kPublish, bytes, SendMail{member, std::move(frame)});
}

void Hub::close(ConnectionId member, CloseCode code, std::string_view reason) const {
  const std::uint32_t index = shard_of(member);
  if (index < shard_count()) shard(index).post_close(CloseMail{member, code, std::string(reason)});
}

SendResult Hub::join(ConnectionId member, std::string_view room, const Since& since,
                     std::string_view info) const {
  return change(member, room, true, since, info);
}

SendResult Hub::leave(ConnectionId member, std::string_view room) const {
  return change(member, room, false, {}, {});
}

SendResult Hub::change(ConnectionId member, std::string_view room, bool join, const Since& since,
                       std::string_view info) const {
  const std::uint32_t index = shard_of(member);
  if (index >= shard_count()) return SendResult::kClosed;
  return shard(index).try_post(GateKind::kRequest, membership_mail(member, room, join, since, info),
                               bytes_held(room.size(), info.size()))
             ? SendResult::kSent
             : SendResult::kCongested;
}

SendResult Hub::post(ConnectionId member, std::unique_ptr<MemberTask> task) const {
  return post_to(shard_of(member), GateKind::kPublish, bytes_held(0, kTaskBytes),
                 MemberTaskMail{member, std::move(task)});
}

SendResult Hub::post(std::uint32_t index, std::unique_ptr<ShardTask> task) const {
  return post_to(index, GateKind::kPublish, bytes_held(0, kTaskBytes),
                 ShardTaskMail{std::move(task)});
}

SendResult Hub::query(std::uint32_t index, std::shared_ptr<ShardQuery> query) const {
  return post_to(index, GateKind::kRequest, bytes_held(0, 0), QueryMail{std::move(query)});
}

void Hub::command(std::uint32_t commands) const {
  for (const auto& each : shards_) each->post(mail_of(CommandMail{commands}));
}

}  // namespace wsd::hub
