#include "engine/redis_rooms.h"

#include <algorithm>
#include <new>
#include <utility>

#include "base/assert.h"
#include "engine/resp_writer.h"
#include "engine/room_key.h"

namespace wsd::engine {
namespace {

constexpr std::uint64_t kNever = ~std::uint64_t{0};
constexpr std::uint64_t kLeastTtlMs = 600'000;  // of a key
constexpr std::uint64_t kSweepMs = 50;          // at least between two looks at all rooms
constexpr std::uint64_t kMemoryDelayMs = 100;   // before a room is opened again
constexpr std::uint32_t kMostOpens = 1'000;     // without a reply (ENGINE: "the window")
constexpr std::size_t kSpareBatches = 64;

}  // namespace

RedisRooms::RedisRooms(const RoomsSettings& settings, hub::OrderSink& sink, RoomsReport& report)
    : settings_(settings), sink_(sink), report_(report), rooms_(1) {
  head_.reserve(OwnBatch::kHeadSpace);
  spare_batches_.reserve(kSpareBatches);
}

RedisRooms::~RedisRooms() = default;

void RedisRooms::begin_turn(std::uint64_t now_ms) noexcept { now_ms_ = now_ms; }

RedisRoom* RedisRooms::room_of(std::uint32_t number) const noexcept {
  return number < rooms_.size() ? rooms_[number].get() : nullptr;
}

RedisRoom* RedisRooms::room_of(std::string_view key) const noexcept {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : found->second;
}

RedisRoom& RedisRooms::room_of(const hub::RoomHome& home) const noexcept {
  WSD_ASSERT(home.engine_number != 0 && rooms_[home.engine_number] != nullptr);
  return *rooms_[home.engine_number];
}

void RedisRooms::open(hub::RoomHome& home) {
  if (home.engine_number != 0) {
    room_of(home).wanted = true;
    return;
  }
  const bool reuses = !free_numbers_.empty();
  const auto number = reuses ? free_numbers_.back() : static_cast<std::uint32_t>(rooms_.size());
  if (!reuses) {
    const std::size_t space = std::max<std::size_t>(16, 2 * rooms_.size());
    for (auto* const list : {&free_numbers_, &to_publish_, &to_check_, &for_beat_}) {
      if (list->capacity() <= rooms_.size()) list->reserve(space);
    }
    if (rooms_.capacity() == rooms_.size()) rooms_.reserve(space);
  }
  auto room = std::make_unique<RedisRoom>(home, number, room_key(settings_.prefix, home.name()));
  by_key_.try_emplace(room->key, room.get());
  if (reuses) {
    free_numbers_.pop_back();
    rooms_[number] = std::move(room);
  } else {
    rooms_.push_back(std::move(room));
  }
  home.engine_number = number;
  ++figures_.opening;
  begin_again(*rooms_[number]);
}

void RedisRooms::unwanted(hub::RoomHome& home) noexcept {
  RedisRoom& room = room_of(home);
  if (!room.wanted) return;
  room.wanted = false;
  room.unwanted_at_ms = now_ms_;
  is_due(now_ms_ + settings_.linger_ms);
}

void RedisRooms::hold_back(bool waits) noexcept {
  WSD_ASSERT(waits || held_back_ != 0);
  held_back_ += waits ? std::uint64_t{1} : ~std::uint64_t{0};
  if (link_ != nullptr && held_back_ <= 1) link_->set_reading(held_back_ == 0);
}

// Puts a room into the queue of its phase.
void RedisRooms::enqueue(RedisRoom& room, Phase phase) noexcept {
  leave_queue(room);
  room.phase = phase;
  const bool urgent = room.wanted && (room.state == State::kOpening || room.home->has_members());
  (phase == Phase::kToOpen ? to_open_ : to_page_).push(room, urgent);
}

void RedisRooms::leave_queue(RedisRoom& room) noexcept {
  if (room.phase == Phase::kToOpen) to_open_.remove(room);
  if (room.phase == Phase::kToFill || room.phase == Phase::kToRead) to_page_.remove(room);
  room.phase = Phase::kWaiting;
}

// Replies that are under way do not count any more.
void RedisRooms::forget_requests(RedisRoom& room) noexcept {
  room.filling.reset();
  room.checks += std::exchange(room.checks_sent, 0);
  room.barrier = 0;
  room.request = ++requests_;
  room.retry_at_ms = 0;
}

// Opens the room from the start.
void RedisRooms::begin_again(RedisRoom& room) noexcept {
  forget_requests(room);
  if (link_ == nullptr) {
    leave_queue(room);
  } else if (room.phase != Phase::kToOpen) {
    enqueue(room, Phase::kToOpen);
  }
}

void RedisRooms::begin_later(RedisRoom& room, std::uint64_t delay_ms) noexcept {
  forget_requests(room);
  leave_queue(room);
  room.retry_at_ms = now_ms_ + delay_ms;
  is_due(room.retry_at_ms);
}

// The hub learns that the room is out of step with its stream.
void RedisRooms::tell_lost(RedisRoom& room) noexcept {
  if (room.state != State::kLive) return;
  room.state = State::kLost;
  room.trimmed = room.epoch_changed = false;
  --figures_.live;
  ++figures_.lost;
  sink_.lost(*room.home);
}

void RedisRooms::lose(RedisRoom& room) noexcept {
  tell_lost(room);
  begin_again(room);
}

void RedisRooms::lose_for_a_while(RedisRoom& room, std::uint64_t delay_ms) noexcept {
  tell_lost(room);
  begin_later(room, delay_ms);
}

// The hub has got opened().
void RedisRooms::became_live(RedisRoom& room) noexcept {
  --(room.state == State::kOpening ? figures_.opening : figures_.lost);
  ++figures_.live;
  room.state = State::kLive;
  room.phase = Phase::kFollowing;
  if (std::exchange(room.behind, false)) --behind_;
  is_due(room.renewed_at_ms + ttl_ms(room) / 3);
  settle_orphans(room);
  list_to_publish(room);
  list_to_check(room);
}

void RedisRooms::list_to_publish(RedisRoom& room) noexcept {
  if (room.to_publish || room.batches.empty()) return;
  room.to_publish = true;
  to_publish_.push_back(room.number);
}

void RedisRooms::list_to_check(RedisRoom& room) noexcept {
  if (room.to_check || room.checks == 0 || !room.follows()) return;
  room.to_check = true;
  to_check_.push_back(room.number);
}

void RedisRooms::check(hub::RoomHome& home) {
  RedisRoom& room = room_of(home);
  ++room.checks;
  list_to_check(room);
}

// A page that is as small as may be: all pushes of messages that had a position when it ran come
// before its reply.
void RedisRooms::send_barrier(RedisRoom& room) {
  if (room.checks_sent != 0 || room.checks == 0 || !room.follows()) return;
  const std::string from = id_of({room.last.epoch, room.last.seq + 1});
  const std::uint64_t name = requests_ + 1;
  link_->send_script({static_cast<std::uint8_t>(Ask::kBarrier), room.number, name}, Script::kPage,
                     room.key, {"-", from, "1", "1"});
  requests_ = name;
  room.barrier = name;
  room.checks_sent = std::exchange(room.checks, 0);
}

void RedisRooms::barrier_replied(RedisRoom& room, RespValue reply) noexcept {
  room.barrier = 0;
  const RespNode& array = reply.front();
  if (array.type != RespType::kArray) {
    // After NOSCRIPT the barrier is sent again. Any other error says that the key has changed.
    if (array.text.starts_with("NOSCRIPT")) {
      need_scripts();
      room.checks += std::exchange(room.checks_sent, 0);
      list_to_check(room);
    } else {
      lose(room);
    }
    return;
  }
  // An entry after `last` means that its push was lost, or that it came with this very turn and was
  // applied before this reply.
  const RespValue first = child(reply, 0);
  if (!first.empty() && array.count > 1) {
    const auto place = place_of_id(first.front().text);
    if (!place || place->epoch != room.last.epoch || place->seq > room.last.seq) {
      lose(room);
      return;
    }
  }
  for (std::uint32_t n = std::exchange(room.checks_sent, 0); n != 0; --n) {
    sink_.checked(*room.home);
  }
  list_to_check(room);
}

RequestTag RedisRooms::tag_of(RedisRoom& room, Ask ask) noexcept {
  return {static_cast<std::uint8_t>(ask), room.number, room.request};
}

std::uint64_t RedisRooms::ttl_ms(const RedisRoom& room) noexcept {
  return std::max<std::uint64_t>(kLeastTtlMs, room.home->config().history.age * kTickMs);
}

Tick RedisRooms::tick_of(std::uint64_t redis_ms) const noexcept {
  const auto at_ms = static_cast<std::int64_t>(redis_ms) -
                     (link_ == nullptr ? 0 : link_->server().clock_offset_ms);
  const auto now = static_cast<std::int64_t>(now_ms_);
  return static_cast<Tick>(std::clamp<std::int64_t>(at_ms, 0, now)) / kTickMs;
}

void RedisRooms::say(std::string_view event, const RedisRoom& room,
                     std::string_view text) noexcept {
  try {
    report_.engine_event(event, room.home->name(), text);
  } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): one event less in the log
  }
}

void RedisRooms::say_refused(const RedisRoom& room, std::string_view error) noexcept {
  try {
    report_.engine_event("engine_refused", room.home->name(),
                         std::string(error) + " (key " + room.key + ")");
  } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): one event less in the log
  }
}

void RedisRooms::link_up(RedisLink& link, const LinkUp& up) {
  link_ = &link;
  needs_scripts_ = false;
  if (held_back_ != 0) link.set_reading(false);
  const bool unfenced = !up.fenced && up.same_server;
  for (std::size_t i = 1; i < rooms_.size(); ++i) {
    if (rooms_[i] == nullptr) continue;
    RedisRoom& room = *rooms_[i];
    for (OwnBatch* each = room.batches.front(); each != nullptr; each = each->next.get()) {
      if (each->state == OwnBatch::State::kOrphan) each->unfenced |= unfenced;
      if (each->was_sent() && !up.same_server) each->elsewhere = each->doubtful = true;
    }
    begin_again(room);
  }
}

// All that was under way on the link is over.
void RedisRooms::forget_link(RedisRoom& room) noexcept {
  for (OwnBatch* each = room.batches.front(); each != nullptr; each = each->next.get()) {
    if (each->state == OwnBatch::State::kSent) each->state = OwnBatch::State::kOrphan;
  }
  room.phase = Phase::kWaiting;  // the queues are empty
  room.next_queued = nullptr;
  room.subscribed = false;
  room.unanswered = 0;
  room.beat_listed = false;
  room.to_check = false;
}

void RedisRooms::link_down() noexcept {
  link_ = nullptr;
  needs_scripts_ = false;
  careful_ = careful_ || pages_out_ != 0;
  large_page_out_ = false;
  opens_out_ = pages_out_ = 0;
  to_open_.clear();
  to_page_.clear();
  to_check_.clear();
  for_beat_.clear();
  leaving_.clear();
  for (std::size_t i = 1; i < rooms_.size(); ++i) {
    if (rooms_[i] != nullptr) forget_link(*rooms_[i]);
  }
  for (std::size_t i = 1; i < rooms_.size(); ++i) {
    if (rooms_[i] == nullptr) continue;
    RedisRoom& room = *rooms_[i];
    lose(room);
    if (room.state == State::kLost && !std::exchange(room.behind, true)) ++behind_;
  }
}

void RedisRooms::need_scripts() noexcept {
  needs_scripts_ = true;
  try {
    link_->reload_scripts();
  } catch (const std::bad_alloc&) {
    link_->end("Memory ran out while the scripts were loaded again.");
  }
}

void RedisRooms::link_scripts_loaded() {
  needs_scripts_ = false;
  for (std::size_t i = 1; i < rooms_.size(); ++i) {
    if (rooms_[i] != nullptr) list_to_publish(*rooms_[i]);
  }
}

void RedisRooms::link_beat() {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < for_beat_.size(); ++i) {
    RedisRoom* const room = room_of(for_beat_[i]);
    if (room == nullptr || !room->beat_listed) continue;
    if (room->state == State::kLive && !room->follows()) {
      for_beat_[kept++] = for_beat_[i];  // a page that is being read will have the messages
      continue;
    }
    room->beat_listed = false;
    if (room->state == State::kLive) find_lost_pushes(*room);
  }
  for_beat_.resize(std::min(kept, for_beat_.size()));
}

void RedisRooms::link_replied(const RequestTag& tag, RespValue reply) {
  const auto ask = static_cast<Ask>(tag.kind);
  if (ask == Ask::kOpen) --opens_out_;
  if (ask == Ask::kFill || ask == Ask::kRead) {
    --pages_out_;
    large_page_out_ = false;
    if (pages_out_ == 0 && to_page_.empty() && to_open_.empty() && opens_out_ == 0) {
      careful_ = false;
    }
  }
  RedisRoom* const room = room_of(tag.room);
  if (room == nullptr || reply.empty()) return;
  const bool current = tag.cookie == room->request;
  try {
    switch (ask) {
      case Ask::kPublish:
        publish_replied(*room, tag.cookie, reply);
        break;
      case Ask::kOpen:
        if (current) open_replied(*room, reply);
        break;
      case Ask::kFill:
        if (current) fill_replied(*room, reply);
        break;
      case Ask::kRead:
        if (current) read_replied(*room, reply);
        break;
      case Ask::kBarrier:
        if (tag.cookie == room->barrier) barrier_replied(*room, reply);
        break;
      case Ask::kRenew:
        // The key is gone.
        if (current && reply.front().type == RespType::kNumber && reply.front().number == 0) {
          lose(*room);
        }
        break;
    }
  } catch (const std::bad_alloc&) {
    lose_for_a_while(*room, kMemoryDelayMs);
  }
}

void RedisRooms::link_pushed(RespValue push) {
  const RespValue kind = child(push, 0);
  const RespValue channel = child(push, 1);
  if (kind.empty() || channel.empty()) return;
  if (kind.front().text == "smessage") {
    const RespValue payload = child(push, 2);
    RedisRoom* const room = room_of(channel.front().text);
    if (room == nullptr || payload.empty()) return;
    ++figures_.pushes;
    try {
      message_pushed(*room, payload.front().text);
    } catch (const std::bad_alloc&) {
      lose_for_a_while(*room, kMemoryDelayMs);
    }
  } else if (kind.front().text == "sunsubscribe") {
    unsubscribed(channel.front().text);
  }
}

// Without a SUNSUBSCRIBE of this node, the server no longer serves the channel.
void RedisRooms::unsubscribed(std::string_view key) noexcept {
  const auto found = leaving_.find(key);
  if (found != leaving_.end()) {
    if (--found->second == 0) leaving_.erase(found);
    return;
  }
  if (RedisRoom* const room = room_of(key)) {
    room->subscribed = false;
    lose(*room);
  }
}

void RedisRooms::end_turn() noexcept {
  if (link_ == nullptr || needs_scripts_) return;
  try {
    if (!publishes_wait()) {
      while (!to_publish_.empty()) {
        RedisRoom* const room = room_of(to_publish_.back());
        if (room != nullptr && room->to_publish) {
          send_batches(*room);
          room->to_publish = false;
        }
        to_publish_.pop_back();
      }
    }
    while (!to_check_.empty()) {
      RedisRoom* const room = room_of(to_check_.back());
      if (room != nullptr && room->to_check) {
        send_barrier(*room);
        room->to_check = false;
      }
      to_check_.pop_back();
    }
    while (!to_open_.empty() && opens_out_ < kMostOpens) {
      RedisRoom& room = to_open_.front();
      send_open(room);
      to_open_.pop();
      room.phase = Phase::kOpenSent;
      ++opens_out_;
    }
    while (!to_page_.empty() && page_fits(to_page_.front())) {
      RedisRoom& room = to_page_.front();
      send_page(room);
      to_page_.pop();
      room.phase = room.phase == Phase::kToFill ? Phase::kFillSent : Phase::kReadSent;
      ++pages_out_;
      large_page_out_ = room.large_entries;
    }
  } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): the next turn goes on
  }
}

bool RedisRooms::has_to_send() const noexcept {
  if (link_ == nullptr || needs_scripts_) return false;
  return (!to_publish_.empty() && !publishes_wait()) || !to_check_.empty() ||
         (!to_open_.empty() && opens_out_ < kMostOpens) ||
         (!to_page_.empty() && page_fits(to_page_.front()));
}

void RedisRooms::is_due(std::uint64_t at_ms) noexcept {
  next_due_ms_ = std::min(next_due_ms_, std::max(at_ms, last_sweep_ms_ + kSweepMs));
}

std::uint64_t RedisRooms::deadline() const noexcept { return next_due_ms_; }

void RedisRooms::on_time() {
  if (now_ms_ < next_due_ms_) return;
  next_due_ms_ = kNever;
  last_sweep_ms_ = now_ms_;
  for (std::size_t i = 1; i < rooms_.size(); ++i) {
    if (rooms_[i] != nullptr) tend(*rooms_[i]);
  }
}

// Handles the timers of the room, and sets the time of the next one.
void RedisRooms::tend(RedisRoom& room) {
  expire(room);
  if (!room.wanted && room.batches.empty() && room.unanswered == 0) {
    const std::uint64_t at = room.unwanted_at_ms + settings_.linger_ms;
    if (now_ms_ >= at && unsubscribe(room)) {
      close(room, false);
      return;
    }
    is_due(at);
  } else if (!room.wanted) {
    is_due(now_ms_ + settings_.linger_ms);
  }
  if (room.retry_at_ms != 0) {
    if (now_ms_ >= room.retry_at_ms) {
      begin_again(room);
    } else {
      is_due(room.retry_at_ms);
    }
  }
  if (!room.batches.empty()) is_due(room.batches.front()->since_ms + settings_.publish_timeout_ms);
  if (room.state == State::kLive && room.wanted) {
    const std::uint64_t at = room.renewed_at_ms + ttl_ms(room) / 3;
    if (now_ms_ >= at) {
      renew(room);
    } else {
      is_due(at);
    }
  }
}

// A silent room keeps its epoch while it has members.
void RedisRooms::renew(RedisRoom& room) {
  try {
    link_->send(tag_of(room, Ask::kRenew), {"PEXPIRE", room.key, Decimal(ttl_ms(room))});
    room.renewed_at_ms = now_ms_;
    is_due(now_ms_ + ttl_ms(room) / 3);
  } catch (const std::bad_alloc&) {
    is_due(now_ms_ + kMemoryDelayMs);
  }
}

// Returns false if out of memory; nothing has changed then.
bool RedisRooms::unsubscribe(RedisRoom& room) noexcept {
  if (link_ == nullptr || !room.subscribed) return true;
  try {
    std::uint32_t& count = leaving_.try_emplace(room.key).first->second;
    ++count;
    try {
      link_->send_unanswered({"SUNSUBSCRIBE", room.key});
    } catch (...) {
      if (--count == 0) leaving_.erase(room.key);
      throw;
    }
  } catch (const std::bad_alloc&) {
    return false;
  }
  room.subscribed = false;
  return true;
}

void RedisRooms::close(RedisRoom& room, bool failed) noexcept {
  leave_queue(room);
  --(room.state == State::kOpening ? figures_.opening
     : room.state == State::kLive  ? figures_.live
                                   : figures_.lost);
  if (room.behind) --behind_;
  hub::RoomHome& home = *room.home;
  if (room.to_publish) std::erase(to_publish_, room.number);
  if (room.to_check) std::erase(to_check_, room.number);
  if (room.beat_listed) std::erase(for_beat_, room.number);
  by_key_.erase(room.key);
  free_numbers_.push_back(room.number);
  rooms_[room.number].reset();
  home.engine_number = 0;
  sink_.closed(home, failed);
}

bool RedisRooms::caught_up() const noexcept { return link_ != nullptr && behind_ == 0; }

RoomsFigures RedisRooms::figures() const noexcept { return figures_; }

}  // namespace wsd::engine
