// Messages with keys, without an order engine; see publish_keys.h. An order engine knows the keys
// itself.
#include <utility>

#include "hub/hub.h"
#include "hub/shard.h"

namespace wsd::hub {

PublishKeys& Shard::keys() {
  if (keys_ == nullptr) keys_ = std::make_unique<PublishKeys>();
  return *keys_;
}

PublishOutcome Shard::publish_once(std::string_view room, SharedBytes frame,
                                   std::unique_ptr<PublishKey> key,
                                   std::unique_ptr<RoomStateCallback> receipt) {
  const std::uint32_t home = hub_.home_of(room);
  if (home != index_ || waiting_.has(room) || (has_engine_ && waits_for_engine(room))) {
    return publish_by_mail(home, room, std::move(frame), std::move(receipt), kNoPublisher,
                           std::move(key));
  }
  const std::uint64_t cost = costs_.of(1, bytes_held(room.size(), frame.size()));
  const bool open = enter_publish_gate(*this, cost);
  try {
    publish_keyed(room, std::move(frame), cost, *key, false, receipt.get());
  } catch (...) {
    leave_gate(GateKind::kPublish, cost);
    throw;
  }
  return open ? PublishOutcome::kAccepted : PublishOutcome::kCongested;
}

// As publish_owned(). `reserved`: hand_to_engine() has added the key.
void Shard::publish_keyed(std::string_view room, SharedBytes frame, std::uint64_t cost,
                          const PublishKey& key, bool reserved, RoomStateCallback* receipt) {
  const Tick now = owned_rooms_.now();
  if (!reserved) {
    if (const PublishKeys::Entry* const first = keys().find(room, key.text, now)) {
      const Position answer =
          first->fingerprint == key.fingerprint ? first->position : kKeyUsedPosition;
      leave_gate(GateKind::kPublish, cost);
      if (receipt != nullptr) receipt->run({owned_rooms_.state(room).members, answer});
      return;
    }
    keys_->add(room, key);
  }
  const RoomHome* home = nullptr;
  try {
    home = owned_rooms_.publish(room, std::move(frame), cost);
  } catch (...) {
    if (!reserved) keys_->remove(room, key.text);
    throw;
  }
  const RoomState state =
      home == nullptr ? RoomState{} : RoomState{home->member_count(), home->last()};
  keys_->place(room, key.text, state.last, now);
  stats_.publishes.add(1);
  if (home == nullptr) leave_gate(GateKind::kPublish, cost);
  if (receipt != nullptr) receipt->run(state);
}

// Returns whether the room has, or will have, another message with the key. Its answer is found
// when the mail's turn comes, because all earlier mail of the room has then taken effect.
bool Shard::is_repeat(PublishMail& mail) noexcept {
  if (mail.key == nullptr || keys_ == nullptr) return false;
  if (keys_->find(mail.room, mail.key->text, owned_rooms_.now()) == nullptr) return false;
  mail.ticket = kKeyTicket;
  return true;
}

// A message that is repeated while the first one is with the engine is refused with it.
void Shard::find_answer(PublishMail& mail) noexcept {
  const PublishKeys::Entry* const first =
      keys_->find(mail.room, mail.key->text, owned_rooms_.now());
  if (first == nullptr || !first->placed) {
    mail.ticket = kRefusedTicket;
    return;
  }
  mail.key->answer =
      first->fingerprint == mail.key->fingerprint ? first->position : kKeyUsedPosition;
}

}  // namespace wsd::hub
