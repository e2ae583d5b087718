// The batches of this node: gathering, sending, and their results.
#include <cstring>
#include <new>
#include <string>
#include <utility>

#include "base/assert.h"
#include "engine/message_frame.h"
#include "engine/redis_rooms.h"
#include "engine/resp_writer.h"

namespace wsd::engine {
namespace {

using hub::PublishFailure;
using BatchState = OwnBatch::State;

// A batch that Redis takes for one of another epoch again and again is refused after so many times.
constexpr std::uint8_t kMostTries = 16;
constexpr std::uint64_t kTrimMessages = 32;  // between two looks for old entries
constexpr std::size_t kTrimBytes = 1'024;    // a larger batch always looks
constexpr std::size_t kSpareBytes = 4'096;   // a spare batch with a larger buffer is freed

}  // namespace

// Returns the batch that takes a message of so many bytes, with no other message if it is `alone`.
// It has space for the message and its ticket.
OwnBatch& RedisRooms::batch_for(RedisRoom& room, std::size_t bytes, bool alone) {
  OwnBatch* const last = room.batches.back();
  // A batch fails as a whole, so it must not have messages of very different times.
  if (last != nullptr && last->state == BatchState::kUnsent && last->key == nullptr && !alone &&
      last->tickets.size() < kMostMessagesPerBatch &&
      last->buffer.size() - OwnBatch::kHeadSpace + bytes <= kMostBytesPerBatch &&
      now_ms_ - last->since_ms <= settings_.publish_timeout_ms / 16) {
    if (last->tickets.size() == last->tickets.capacity()) {
      last->tickets.reserve(2 * last->tickets.size());
    }
    last->buffer.reserve(last->buffer.size() + bytes);
    return *last;
  }
  std::unique_ptr<OwnBatch> batch;
  if (spare_batches_.empty()) {
    batch = std::make_unique<OwnBatch>();
  } else {
    batch = std::move(spare_batches_.back());
    spare_batches_.pop_back();
  }
  batch->buffer.resize(OwnBatch::kHeadSpace);
  batch->buffer.reserve(OwnBatch::kHeadSpace + bytes);
  batch->tickets.reserve(2);
  batch->since_ms = now_ms_;
  OwnBatch& made = *batch;
  room.batches.push(std::move(batch));
  return made;
}

hub::PublishTicket RedisRooms::publish(hub::RoomHome& home, const SharedBytes& frame,
                                       const hub::PublishKey* key) {
  RedisRoom& room = room_of(home);
  auto own_key = key == nullptr ? nullptr : std::make_unique<const hub::PublishKey>(*key);
  const BatchMessage message = message_of_frame(frame);
  constexpr std::size_t kMostAround = 24;  // the type and the length of a message
  OwnBatch& batch = batch_for(room, message.payload.size() + kMostAround, key != nullptr);
  batch.key = std::move(own_key);
  append_message(batch.buffer, message);
  batch.tickets.push_back(++ticket_);
  ++figures_.in_flight;
  is_due(batch.since_ms + settings_.publish_timeout_ms);
  list_to_publish(room);
  return ticket_;
}

// While the kernel has not taken the last bytes, the batches grow. Some reply is then under way, so
// another turn will come.
bool RedisRooms::publishes_wait(const RedisLane& lane) noexcept {
  return lane.link->unsent() != 0 && lane.link->outstanding() != 0;
}

void RedisRooms::send_batches(RedisRoom& room) {
  if (room.state != State::kLive) return;
  // Batches that are sent again go first, and only if no other is under way, so that the order
  // stays.
  bool retries = false;
  for (OwnBatch* each = room.batches.front(); each != nullptr && each->was_sent();
       each = each->next.get()) {
    if (each->state != BatchState::kRetry) continue;
    if (!retries && room.unanswered != 0) return;
    retries = true;
    send_batch(room, *each);
  }
  while (OwnBatch* const batch = room.batches.unsent()) {
    send_batch(room, *batch);
  }
}

// Returns the id of the oldest entry that the stream must keep, or an empty text if a batch of so
// many bytes shall not trim. Redis removes whole nodes of the stream, which have up to 4 KiB or 100
// entries, so it would look in vain most times.
std::string RedisRooms::oldest_to_keep(const RedisRoom& room, std::size_t bytes) const {
  // The entries of one batch go together, so a margin keeps the promised number of messages.
  const std::uint64_t keep =
      std::max<std::uint64_t>(room.home->config().history.messages, settings_.backlog) +
      kMostMessagesPerBatch;
  const bool is_time = bytes > kTrimBytes || room.last.seq - room.trimmed_at >= kTrimMessages;
  // An id of the present epoch would trim all entries of earlier epochs.
  if (!is_time || room.last.seq + 1 <= keep || room.last.seq + 1 - keep < room.epoch_from) {
    return {};
  }
  return id_of({room.last.epoch, room.last.seq + 1 - keep});
}

void RedisRooms::send_batch(RedisRoom& room, OwnBatch& batch) {
  RedisLink& link = *link_of(room);
  const bool again = batch.was_sent();
  const std::size_t text_at = batch.text_at;
  if (!again) {
    const std::int64_t redis_ms =
        static_cast<std::int64_t>(now_ms_) + link.server().clock_offset_ms;
    head_.clear();
    append_head(head_, {static_cast<std::uint64_t>(redis_ms), settings_.node, counter_ + 1,
                        static_cast<std::uint32_t>(batch.tickets.size())});
    WSD_ASSERT(head_.size() <= OwnBatch::kHeadSpace);
    batch.text_at = OwnBatch::kHeadSpace - head_.size();
    std::memcpy(batch.buffer.data() + batch.text_at, head_.data(), head_.size());
  }
  const std::string oldest = oldest_to_keep(room, batch.text().size());
  const std::uint64_t counter = again ? batch.counter : counter_ + 1;
  const RequestTag tag{static_cast<std::uint8_t>(Ask::kPublish), room.number, counter};
  const std::string id = std::to_string(room.last.epoch) + "-*";
  const Decimal count(batch.tickets.size());
  const bool renews = now_ms_ - room.renewed_at_ms >= ttl_ms(room) / 10;
  try {
    if (batch.key != nullptr) {
      const std::string once = room.key + 'k' + batch.key->text;
      link.send_script(tag, Script::kPublish, {room.key, once},
                       {id, batch.text(), count, oldest, Decimal(ttl_ms(room)),
                        Decimal(batch.key->fingerprint), Decimal(hub::kPublishKeyMs)});
    } else if (renews) {
      link.send_script(tag, Script::kPublish, room.key,
                       {id, batch.text(), count, oldest, Decimal(ttl_ms(room))});
    } else if (!oldest.empty()) {
      link.send_script(tag, Script::kPublish, room.key, {id, batch.text(), count, oldest});
    } else if (batch.tickets.size() > 1) {
      link.send_script(tag, Script::kPublish, room.key, {id, batch.text(), count});
    } else {
      link.send_script(tag, Script::kPublish, room.key, {id, batch.text()});
    }
  } catch (...) {
    batch.text_at = text_at;
    throw;
  }
  if (renews || batch.key != nullptr) room.renewed_at_ms = now_ms_;
  if (!oldest.empty()) room.trimmed_at = room.last.seq;
  if (!again) {
    counter_ = counter;
    batch.counter = counter;
    room.batches.sent();
  }
  batch.state = BatchState::kSent;
  batch.server = room.lane->server;
  ++batch.tries;
  ++room.unanswered;
}

void RedisRooms::publish_replied(RedisRoom& room, std::uint64_t counter, RespValue reply) noexcept {
  --room.unanswered;
  OwnBatch* const batch = room.batches.find(counter);
  const RespNode& node = reply.front();
  if (node.type == RespType::kError) {
    if (node.text.starts_with("NOSCRIPT")) need_scripts(*room.lane);
    if (batch != nullptr) publish_failed(room, *batch, node.text);
  } else if (node.type == RespType::kArray && batch != nullptr && batch->key != nullptr) {
    key_repeated(room, *batch, child(reply, 0));
  } else if (const auto place = place_of_id(node.text); place && batch != nullptr) {
    // Its push has not come before: it comes after this reply, or it was lost.
    batch->state = BatchState::kConfirmed;
    batch->place = *place;
    room.see({place->epoch, place->seq + batch->tickets.size() - 1});
    // Batches that were to be sent again would now get positions after later messages.
    for (OwnBatch* each = room.batches.front(); each != batch; each = each->next.get()) {
      if (each->state == BatchState::kRetry) each->state = BatchState::kRefused;
    }
    fail_refused(room);
    room.lane->for_beat.push(room);
  }
  if (room.unanswered == 0) all_answered(room);
}

// While a slot migrates, Redis refuses a script that has a new key. To wait for the end of that
// would hold the whole room.
bool RedisRooms::refuse_keyed(RedisRoom& room, std::uint64_t counter,
                              std::string_view error) noexcept {
  OwnBatch* const batch = room.batches.find(counter);
  if (batch == nullptr || batch->key == nullptr ||
      (!error.starts_with("ASK ") && !error.starts_with("TRYAGAIN"))) {
    return false;
  }
  --room.unanswered;
  batch->state = BatchState::kRefused;
  say_refused(room, error);
  fail_refused(room);
  if (room.unanswered == 0) all_answered(room);
  return true;
}

// An earlier message has the key of this one, and the same fingerprint.
void RedisRooms::key_repeated(RedisRoom& room, OwnBatch& batch, RespValue id) noexcept {
  const auto place = id.empty() ? std::nullopt : place_of_id(id.front().text);
  batch.state = place ? BatchState::kRepeated : BatchState::kRefused;
  if (place) {
    batch.place = *place;
    room.see(*place);
  } else {
    batch.doubtful = true;
  }
  fail_refused(room);
}

void RedisRooms::publish_failed(RedisRoom& room, OwnBatch& batch, std::string_view error) noexcept {
  if (batch.key != nullptr && error.starts_with("KEYUSED")) {
    batch.state = BatchState::kKeyUsed;
    fail_refused(room);
    return;
  }
  const bool other_epoch = error.starts_with("EPOCH");
  if ((other_epoch || error.starts_with("NOSCRIPT")) && batch.tries < kMostTries) {
    batch.state = BatchState::kRetry;
    if (other_epoch && room.state == State::kLive) lose(room);
    return;
  }
  batch.state = BatchState::kRefused;
  say_refused(room, error);
  fail_refused(room);
}

PublishFailure RedisRooms::failure_of(const OwnBatch& batch) noexcept {
  switch (batch.state) {
    case BatchState::kUnsent:
      return PublishFailure::kRefused;
    case BatchState::kRetry:
    case BatchState::kRefused:
      return batch.doubtful || batch.told != 0 ? PublishFailure::kUnknown
                                               : PublishFailure::kRefused;
    case BatchState::kKeyUsed:
      return PublishFailure::kKeyUsed;
    case BatchState::kSent:
    case BatchState::kConfirmed:
    case BatchState::kOrphan:
    case BatchState::kRepeated:
      break;
  }
  return PublishFailure::kUnknown;
}

void RedisRooms::recycle(std::unique_ptr<OwnBatch> batch) noexcept {
  if (spare_batches_.size() == spare_batches_.capacity() ||
      batch->buffer.capacity() > kSpareBytes) {
    return;
  }
  std::string buffer = std::move(batch->buffer);
  std::vector<hub::PublishTicket> tickets = std::move(batch->tickets);
  buffer.clear();
  tickets.clear();
  *batch = OwnBatch{};
  batch->buffer = std::move(buffer);
  batch->tickets = std::move(tickets);
  spare_batches_.push_back(std::move(batch));
}

// Tells the hub that the oldest batch has failed, or that it was placed before.
void RedisRooms::fail_front(RedisRoom& room, PublishFailure why) noexcept {
  std::unique_ptr<OwnBatch> batch = room.batches.pop();
  const std::size_t failed = batch->tickets.size() - batch->told;
  figures_.in_flight -= failed;
  if (batch->state == BatchState::kRepeated) {
    figures_.placed += failed;
    sink_.repeated(*room.home, batch->tickets.front(), batch->place);
    recycle(std::move(batch));
    return;
  }
  (why == PublishFailure::kUnknown ? figures_.unknown : figures_.refused) += failed;
  for (std::size_t i = batch->told; i < batch->tickets.size(); ++i) {
    sink_.failed(*room.home, batch->tickets[i], why);
  }
  recycle(std::move(batch));
}

// This batch has got a position, so no earlier one can get one.
void RedisRooms::fail_before(RedisRoom& room, const OwnBatch& batch) noexcept {
  while (room.batches.front() != &batch) fail_front(room, failure_of(*room.batches.front()));
}

void RedisRooms::fail_all(RedisRoom& room) noexcept {
  while (!room.batches.empty()) fail_front(room, failure_of(*room.batches.front()));
}

// Tells of batches that Redis has refused or has placed before, in order.
void RedisRooms::fail_refused(RedisRoom& room) noexcept {
  while (!room.batches.empty() && room.batches.front()->is_over()) {
    fail_front(room, failure_of(*room.batches.front()));
  }
}

// The room is live again, and has read all that its stream has. Batches that were not found are
// sent again, if it is certain that the server has not placed them, or that another server has.
void RedisRooms::settle_orphans(RedisRoom& room) noexcept {
  for (OwnBatch* each = room.batches.front(); each != nullptr;) {
    OwnBatch* const next = each->next.get();
    if (each->state == BatchState::kOrphan || each->state == BatchState::kConfirmed) {
      // The present server may have placed it in an epoch that is gone.
      const bool is_gone = room.epoch_changed && each->server == room.lane->server;
      if (each->key != nullptr) {
        // The key says whether this server has placed it.
        each->state = BatchState::kRetry;
        each->doubtful = true;
      } else if (each->unfenced || room.trimmed || is_gone || each->told != 0) {
        // All earlier ones have failed, or will be sent again: then this one fails after them.
        each->state = BatchState::kRefused;
        each->doubtful = true;
      } else {
        each->state = BatchState::kRetry;
      }
    }
    each = next;
  }
  fail_refused(room);
}

// Messages that have waited for too long fail.
void RedisRooms::expire(RedisRoom& room) noexcept {
  while (!room.batches.empty() &&
         now_ms_ >= room.batches.front()->since_ms + settings_.publish_timeout_ms) {
    fail_front(room, failure_of(*room.batches.front()));
  }
  fail_refused(room);
}

// A heartbeat's reply has come: all pushes of batches whose reply came before it must be here.
void RedisRooms::find_lost_pushes(RedisRoom& room) noexcept {
  OwnBatch* lost = nullptr;
  for (OwnBatch* each = room.batches.front(); each != nullptr && each->was_sent();
       each = each->next.get()) {
    if (each->state != BatchState::kConfirmed) continue;
    if (each->place.epoch != room.last.epoch || each->place.seq > room.last.seq) {
      lose(room);
      return;
    }
    lost = each;
  }
  if (lost == nullptr) return;
  // The place was told as one of another message, so the batch has gone wrong on its way.
  fail_before(room, *lost);
  fail_front(room, PublishFailure::kUnknown);
}

}  // namespace wsd::engine
