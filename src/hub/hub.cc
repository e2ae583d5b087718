#include "hub/hub.h"

#include <string>
#include <utility>

#include "base/assert.h"
#include "base/name_hash.h"

namespace wsd::hub {
namespace {

template <class Body>
void post(Shard& shard, Body body) {
  shard.post(mail_of(std::move(body)));
}

}  // namespace

Hub::Hub(const std::vector<Waker*>& wakers, const Shard::Options& options) {
  WSD_ASSERT(!wakers.empty() && wakers.size() <= kMaxShards);
  for (Waker* waker : wakers) {
    shards_.push_back(std::make_unique<Shard>(*this, shard_count(), options, *waker));
  }
}

std::uint32_t Hub::home_of(std::string_view room) const noexcept {
  if (shards_.size() == 1) return 0;
  return static_cast<std::uint32_t>(keyed_hash(room, process_hash_key()) % shards_.size());
}

SendResult Hub::publish(std::string_view room, SharedBytes frame,
                        std::unique_ptr<RoomStateCallback> receipt) const {
  Shard& home = shard(home_of(room));
  auto mail = mail_of(PublishMail{std::string(room), std::move(frame), std::move(receipt)});
  if (!home.publish_gate().try_enter(1)) return SendResult::kCongested;
  home.post(std::move(mail));
  return SendResult::kSent;
}

void Hub::query(std::string_view room, std::unique_ptr<RoomStateCallback> listener) const {
  post(shard(home_of(room)), RoomStateMail{std::string(room), std::move(listener)});
}

SendResult Hub::send(ConnectionId member, SharedBytes frame) const {
  const std::uint32_t index = shard_of(member);
  if (index >= shard_count()) return SendResult::kClosed;
  auto mail = mail_of(SendMail{member, std::move(frame)});
  if (!shard(index).publish_gate().try_enter(1)) return SendResult::kCongested;
  shard(index).post(std::move(mail));
  return SendResult::kSent;
}

void Hub::close(ConnectionId member, CloseCode code, std::string_view reason) const {
  const std::uint32_t index = shard_of(member);
  if (index < shard_count()) post(shard(index), CloseMail{member, code, std::string(reason)});
}

void Hub::join(ConnectionId member, std::string_view room, const Since& since) const {
  const std::uint32_t index = shard_of(member);
  if (index >= shard_count()) return;
  std::unique_ptr<const Since> from;
  if (since.kind != Since::Kind::kNow) from = std::make_unique<const Since>(since);
  post(shard(index), MembershipMail{member, std::string(room), true, std::move(from)});
}

void Hub::leave(ConnectionId member, std::string_view room) const {
  const std::uint32_t index = shard_of(member);
  if (index < shard_count())
    post(shard(index), MembershipMail{member, std::string(room), false, nullptr});
}

void Hub::query(std::uint32_t index, std::shared_ptr<ShardQuery> query) const {
  post(shard(index), QueryMail{std::move(query)});
}

void Hub::command(std::uint32_t commands) const {
  for (const auto& each : shards_) post(*each, CommandMail{commands});
}

}  // namespace wsd::hub
