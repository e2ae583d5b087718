#include "engine/redis_rooms.h"

#include <algorithm>
#include <new>
#include <utility>

#include "base/assert.h"
#include "engine/redis_handshake.h"
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

// The server serves no room now, or not this one.
[[nodiscard]] bool was_not_run(std::string_view error, bool cluster) noexcept {
  return (cluster && is_about_slot(error)) || ends_link(error, cluster);
}

}  // namespace

RedisRooms::RedisRooms(const RoomsSettings& settings, hub::OrderSink& sink, RoomsReport& report)
    : settings_(settings),
      sink_(sink),
      report_(report),
      counts_(settings_.node, static_cast<std::uint8_t>(Ask::kCount),
              static_cast<std::uint8_t>(Ask::kAnswer), *this, sink),
      lists_(settings_.node, static_cast<std::uint8_t>(Ask::kList),
             static_cast<std::uint8_t>(Ask::kAnswer), counts_, *this, sink),
      rooms_(1) {
  lanes_.push_back(std::make_unique<RedisLane>());
  head_.reserve(OwnBatch::kHeadSpace);
  spare_batches_.reserve(kSpareBatches);
}

RedisRooms::~RedisRooms() = default;

void RedisRooms::begin_turn(std::uint64_t now_ms) noexcept {
  now_ms_ = now_ms;
  counts_.begin_turn(now_ms);
  lists_.begin_turn(now_ms);
}

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
    if (free_numbers_.capacity() <= rooms_.size()) free_numbers_.reserve(space);
    if (rooms_.capacity() == rooms_.size()) rooms_.reserve(space);
  }
  auto room = std::make_unique<RedisRoom>(home, number, room_key(settings_.prefix, home.name()));
  if (slots_) room->slot = slot_of_key(room->key);
  room->lane = lane_for(*room);
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
  if (held_back_ > 1) return;
  for (const auto& lane : lanes_) {
    if (lane->link != nullptr) lane->link->set_reading(held_back_ == 0);
  }
}

// Puts a room into the queue of its phase.
void RedisRooms::enqueue(RedisRoom& room, Phase phase) noexcept {
  leave_queue(room);
  room.phase = phase;
  const bool urgent = room.wanted && (room.state == State::kOpening || room.home->has_members());
  (phase == Phase::kToOpen ? room.lane->to_open : room.lane->to_page).push(room, urgent);
}

void RedisRooms::leave_queue(RedisRoom& room) noexcept {
  if (room.phase == Phase::kToOpen) room.lane->to_open.remove(room);
  if (room.phase == Phase::kToFill || room.phase == Phase::kToRead) room.lane->to_page.remove(room);
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
  if (lane_for(room) != room.lane && !change_lane(room)) return;
  if (link_of(room) == nullptr) {
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
  if (!room.batches.empty() && room.lane != nullptr) room.lane->to_publish.push(room);
}

void RedisRooms::list_to_check(RedisRoom& room) noexcept {
  if (room.checks != 0 && room.follows()) room.lane->to_check.push(room);
}

void RedisRooms::check(hub::RoomHome& home) {
  RedisRoom& room = room_of(home);
  ++room.checks;
  list_to_check(room);
}

hub::CountTicket RedisRooms::count(std::string_view room) {
  return counts_.ask(room_key(settings_.prefix, room));
}

hub::ListTicket RedisRooms::list(std::string_view room, const MembersQuery& query) {
  return lists_.ask(room_key(settings_.prefix, room), query);
}

RedisLink* RedisRooms::link_for(std::string_view key) noexcept {
  const RedisLane* const lane = lane_of(key);
  return lane == nullptr ? nullptr : lane->link;
}

bool RedisRooms::is_subscribed(std::string_view key) noexcept {
  const RedisRoom* const room = room_of(key);
  return room != nullptr && room->subscribed && room->lane == lane_of(key);
}

// A page that is as small as may be: all pushes of messages that had a position when it ran come
// before its reply.
void RedisRooms::send_barrier(RedisRoom& room) {
  if (room.checks_sent != 0 || room.checks == 0 || !room.follows()) return;
  const std::string from = id_of({room.last.epoch, room.last.seq + 1});
  const std::uint64_t name = requests_ + 1;
  link_of(room)->send_script({static_cast<std::uint8_t>(Ask::kBarrier), room.number, name},
                             Script::kPage, room.key, {"-", from, "1", "1", "0"});
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
      need_scripts(*room.lane);
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

Tick RedisRooms::tick_of(const RedisRoom& room, std::uint64_t redis_ms) const noexcept {
  const RedisLink* const link = link_of(room);
  const auto at_ms =
      static_cast<std::int64_t>(redis_ms) - (link == nullptr ? 0 : link->server().clock_offset_ms);
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

void RedisRooms::link_replied(RedisLane& lane, const RequestTag& tag, RespValue reply) {
  const auto ask = static_cast<Ask>(tag.kind);
  if (ask == Ask::kCount) counts_.replied(tag.cookie, reply);
  if (ask == Ask::kList) lists_.replied(tag.cookie, reply);
  if (ask == Ask::kOpen) --lane.opens_out;
  if (ask == Ask::kFill || ask == Ask::kRead) {
    --lane.pages_out;
    lane.large_page_out = false;
  }
  RedisRoom* const room = room_of(tag.room);
  if (room == nullptr || reply.empty()) return;
  const bool current = tag.cookie == room->request;
  if (reply.front().type == RespType::kError &&
      was_not_run(reply.front().text, slots_ != nullptr)) {
    if (ask == Ask::kPublish && refuse_keyed(*room, tag.cookie, reply.front().text)) return;
    if (ask == Ask::kPublish) take_back(*room, tag.cookie);
    if (slots_ && (ask == Ask::kPublish || current || tag.cookie == room->barrier)) {
      redirected(*room, reply.front().text);
    }
    return;
  }
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
      case Ask::kCount:
      case Ask::kList:
      case Ask::kAnswer:
        break;
    }
  } catch (const std::bad_alloc&) {
    lose_for_a_while(*room, kMemoryDelayMs);
  }
}

void RedisRooms::link_pushed(RedisLane& lane, RespValue push) {
  const RespValue kind = child(push, 0);
  const RespValue channel = child(push, 1);
  if (kind.empty() || channel.empty()) return;
  if (kind.front().text == "smessage") {
    const RespValue payload = child(push, 2);
    if (payload.empty()) return;
    RedisRoom* const room = room_of(channel.front().text);
    if (room == nullptr) {
      if (RoomLists::is_answer(payload.front().text)) {
        lists_.answered(payload.front().text);
      } else {
        counts_.answered(payload.front().text);
      }
      return;
    }
    if (RoomCounts::is_question(payload.front().text)) {
      counts_.answer(*lane.link, room->key, payload.front().text, room->home->member_count(),
                     room->home->last());
      lists_.answer(*lane.link, room->key, payload.front().text, *room->home);
      return;
    }
    // A former lane goes on with its pushes until it gets the SUNSUBSCRIBE.
    if (room->lane != &lane) return;
    ++figures_.pushes;
    try {
      message_pushed(*room, payload.front().text);
    } catch (const std::bad_alloc&) {
      lose_for_a_while(*room, kMemoryDelayMs);
    }
  } else if (kind.front().text == "sunsubscribe") {
    unsubscribed(lane, channel.front().text);
  }
}

// Without a SUNSUBSCRIBE of this node, the server no longer serves the channel.
void RedisRooms::unsubscribed(RedisLane& lane, std::string_view key) noexcept {
  const auto found = lane.leaving.find(key);
  if (found != lane.leaving.end()) {
    if (--found->second == 0) lane.leaving.erase(found);
    return;
  }
  RedisRoom* const room = room_of(key);
  if (room == nullptr) counts_.unsubscribed(key);
  if (room == nullptr || room->lane != &lane) return;
  room->subscribed = false;
  if (slots_) {
    redirected(*room, {});
  } else {
    lose(*room);
  }
}

void RedisRooms::end_turn() noexcept {
  counts_.end_turn();
  lists_.end_turn();
  for (const auto& lane : lanes_) {
    if (lane->link == nullptr || lane->needs_scripts) continue;
    try {
      end_turn(*lane);
    } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): the next turn goes on
    }
  }
}

// Sends what waits for the lane, as far as its windows allow.
void RedisRooms::end_turn(RedisLane& lane) {
  if (!publishes_wait(lane)) {
    while (!lane.to_publish.empty()) {
      send_batches(lane.to_publish.front());
      lane.to_publish.pop();
    }
  }
  while (!lane.to_check.empty()) {
    send_barrier(lane.to_check.front());
    lane.to_check.pop();
  }
  while (!lane.to_open.empty() && lane.opens_out < kMostOpens) {
    RedisRoom& room = lane.to_open.front();
    send_open(room);
    lane.to_open.pop();
    room.phase = Phase::kOpenSent;
    ++lane.opens_out;
  }
  while (!lane.to_page.empty() && page_fits(lane.to_page.front())) {
    RedisRoom& room = lane.to_page.front();
    send_page(room);
    lane.to_page.pop();
    room.phase = room.phase == Phase::kToFill ? Phase::kFillSent : Phase::kReadSent;
    ++lane.pages_out;
    lane.large_page_out = room.large_entries;
  }
}

bool RedisRooms::has_to_send() const noexcept {
  if (counts_.has_to_send() || lists_.has_to_send()) return true;
  return std::ranges::any_of(lanes_, [](const auto& lane) { return has_to_send(*lane); });
}

bool RedisRooms::has_to_send(const RedisLane& lane) noexcept {
  if (lane.link == nullptr || lane.needs_scripts) return false;
  return (!lane.to_publish.empty() && !publishes_wait(lane)) || !lane.to_check.empty() ||
         (!lane.to_open.empty() && lane.opens_out < kMostOpens) ||
         (!lane.to_page.empty() && page_fits(lane.to_page.front()));
}

void RedisRooms::is_due(std::uint64_t at_ms) noexcept {
  next_due_ms_ = std::min(next_due_ms_, std::max(at_ms, last_sweep_ms_ + kSweepMs));
}

std::uint64_t RedisRooms::deadline() const noexcept {
  return std::min({next_due_ms_, counts_.deadline(), lists_.deadline()});
}

void RedisRooms::on_time() {
  counts_.on_time();
  lists_.on_time();
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
  // The hub would take a room that was closed under its messages for one with a gap.
  const bool in_use = !room.batches.empty() || room.unanswered != 0 || room.home->has_pending();
  if (!room.wanted && !in_use) {
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
    link_of(room)->send(tag_of(room, Ask::kRenew), {"PEXPIRE", room.key, Decimal(ttl_ms(room))});
    room.renewed_at_ms = now_ms_;
    is_due(now_ms_ + ttl_ms(room) / 3);
  } catch (const std::bad_alloc&) {
    is_due(now_ms_ + kMemoryDelayMs);
  }
}

// Returns false if out of memory; nothing has changed then.
bool RedisRooms::unsubscribe(RedisRoom& room) noexcept {
  if (link_of(room) == nullptr || !room.subscribed) return true;
  try {
    auto& leaving = room.lane->leaving;
    std::uint32_t& count = leaving.try_emplace(room.key).first->second;
    ++count;
    try {
      link_of(room)->send_unanswered({"SUNSUBSCRIBE", room.key});
    } catch (...) {
      if (--count == 0) leaving.erase(room.key);
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
  leave_lists(room);
  by_key_.erase(room.key);
  free_numbers_.push_back(room.number);
  rooms_[room.number].reset();
  home.engine_number = 0;
  sink_.closed(home, failed);
}

bool RedisRooms::caught_up() const noexcept {
  return behind_ == 0 && (slots_ || lane().link != nullptr);
}

RoomsFigures RedisRooms::figures() const noexcept { return figures_; }

}  // namespace wsd::engine
