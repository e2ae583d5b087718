// Opening a room, and reading the messages that it has missed. Replies are barriers: a message
// whose push comes before the reply of `open` or of a page was placed before the script ran. So
// pushes are left out until the room has read its stream to the end, and none is missing or told
// twice.
#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "engine/message_frame.h"
#include "engine/redis_rooms.h"
#include "engine/resp_writer.h"

namespace wsd::engine {
namespace {

constexpr std::uint32_t kMostPages = 4;  // without a reply
// Four pages and the replies of 1,000 opens are less than 1 MiB.
constexpr std::size_t kPageBytes = std::size_t{200} << 10;
constexpr std::uint64_t kPageEntries = 512;
constexpr std::uint64_t kErrorDelayMs = 1'000;  // before a room is opened again

std::optional<std::uint64_t> number_of(RespValue value) noexcept {
  if (value.empty()) return std::nullopt;
  if (value.front().type == RespType::kNumber) {
    return static_cast<std::uint64_t>(value.front().number);
  }
  // A text of digits has the form of an id with the seq 0 behind it.
  if (!value.front().is_text() || value.front().text.size() > 20) return std::nullopt;
  std::uint64_t number = 0;
  for (const char digit : value.front().text) {
    if (digit < '0' || digit > '9') return std::nullopt;
    number = number * 10 + static_cast<std::uint64_t>(digit - '0');
  }
  return number;
}

// The entries of a page's reply.
class Page {
 public:
  explicit Page(RespValue reply) noexcept : rest_(reply.subspan(1)) {
    const std::uint32_t count = reply.front().count;
    entries_ = count / 2;
    ended_ = count % 2 == 1;
  }
  [[nodiscard]] std::uint32_t entries() const noexcept { return entries_; }
  [[nodiscard]] bool ended() const noexcept { return ended_; }
  // Returns the next entry's id and text. Call it at most entries() times.
  [[nodiscard]] std::pair<std::string_view, std::string_view> next() noexcept {
    const std::string_view id = take();
    return {id, take()};
  }

 private:
  [[nodiscard]] std::string_view take() noexcept {
    const RespNode& node = rest_.front();
    rest_ = rest_.subspan(node.nodes);
    return node.text;
  }

  RespValue rest_;
  std::uint32_t entries_ = 0;
  bool ended_ = false;
};

}  // namespace

void RedisRooms::send_open(RedisRoom& room) {
  RedisLink& link = *link_of(room);
  link.send_unanswered({"SSUBSCRIBE", room.key});
  room.subscribed = true;
  link.send_script(tag_of(room, Ask::kOpen), Script::kOpen, room.key,
                   {Decimal(room.seen.epoch), Decimal(room.seen.seq), Decimal(ttl_ms(room)),
                    Decimal(link.server().replid_bits)});
  room.renewed_at_ms = now_ms_;
}

void RedisRooms::open_replied(RedisRoom& room, RespValue reply) {
  if (reply.front().type == RespType::kError) {
    open_failed(room, reply.front().text);
    return;
  }
  const auto epoch = number_of(child(reply, 0));
  const auto seq = number_of(child(reply, 1));
  const auto begun = number_of(child(reply, 2));
  if (!epoch || !seq || !begun) {
    open_failed(room, "The reply of the script `open` is not as expected.");
    return;
  }
  const RespValue oldest = child(reply, 5);
  const auto first = oldest.empty() ? std::nullopt : place_of_id(oldest.front().text);
  room.begun = *begun == 1;
  room.missed_pushes = false;
  room.see({*epoch, *seq});
  if (room.state == State::kOpening) {
    // An entry of this epoch at the front says that no other one has an earlier epoch.
    const bool one_epoch = first && first->epoch == *epoch;
    opened_first(room, {*epoch, *seq}, one_epoch ? first->seq : *seq + 1);
  } else {
    opened_again(room, {*epoch, *seq});
  }
}

void RedisRooms::open_failed(RedisRoom& room, std::string_view error) noexcept {
  if (error.starts_with("NOSCRIPT")) {
    need_scripts(*room.lane);
    begin_again(room);
    return;
  }
  say_refused(room, error);
  if (std::exchange(room.behind, false)) --behind_;  // it waits for an operator, not for the link
  // Its publishes cannot be placed now. Those that were sent wait for the room, or for their time.
  while (OwnBatch* const front = room.batches.front()) {
    if (front->was_sent()) break;
    fail_front(room, hub::PublishFailure::kRefused);
  }
  if (room.state == State::kOpening && error.starts_with("WRONGTYPE")) {
    if (unsubscribe(room)) {
      fail_all(room);
      close(room, true);
      return;
    }
  }
  begin_later(room, kErrorDelayMs);
}

// The room was never open: its history is read, newest messages first.
void RedisRooms::opened_first(RedisRoom& room, const Position& place, std::uint64_t epoch_from) {
  room.last = place;
  room.tail = place.seq + 1;
  room.tail_counter = 0;
  room.epoch_from = epoch_from;
  room.filling = std::make_unique<RedisRoom::Filling>();
  if (room.home->config().history.messages == 0 || place.seq == 0) {
    filled(room);
    return;
  }
  room.filling->next = place.seq;
  enqueue(room, Phase::kToFill);
}

// The room goes on after it was lost.
void RedisRooms::opened_again(RedisRoom& room, const Position& place) {
  if (place.epoch < room.last.epoch ||
      (place.epoch == room.last.epoch && place.seq < room.last.seq)) {
    // `open` begins an epoch in this case. Without one, positions would name two messages.
    open_failed(room, "The server has gone back, and has not begun an epoch.");
    return;
  }
  room.target = place;
  room.verified = false;
  if (place.epoch != room.last.epoch) room.epoch_changed = true;
  ++figures_.catch_ups;
  if (place == room.last) {
    read_ended(room);
    return;
  }
  Position from{room.last.epoch, room.tail_counter != 0 ? room.tail : room.last.seq + 1};
  if (place.epoch != room.last.epoch) {
    ++figures_.epochs;
    say("engine_epoch", room,
        "The epoch " + std::to_string(place.epoch) + " has begun after " +
            std::to_string(room.last.epoch) + ".");
    // The server may have messages of epochs between those that this node has seen.
    for (const Position& each : room.former) {
      if (each.epoch < from.epoch) from = {each.epoch, each.seq + 1};
    }
  }
  read_from(room, from);
}

bool RedisRooms::page_fits(const RedisRoom& room) noexcept {
  const RedisLane& lane = *room.lane;
  if (room.large_entries) return lane.pages_out == 0;
  return lane.pages_out < kMostPages && !lane.large_page_out;
}

void RedisRooms::send_page(RedisRoom& room) {
  const bool fills = room.phase == Phase::kToFill;
  std::string from = fills ? "+" : id_of(room.read_from);
  if (fills && room.filling->began) from = '(' + id_of(room.filling->from);
  RedisLink& link = *link_of(room);
  const std::size_t most_text = room.large_entries ? link.server().most_text_bytes : kPageBytes;
  link.send_script(
      tag_of(room, fills ? Ask::kFill : Ask::kRead), Script::kPage, room.key,
      {fills ? "+" : "-", from, Decimal(kPageBytes), Decimal(kPageEntries), Decimal(most_text)});
}

void RedisRooms::page_failed(RedisRoom& room, std::string_view error) noexcept {
  if (error.starts_with("NOSCRIPT")) {
    need_scripts(*room.lane);
    enqueue(room, room.phase == Phase::kFillSent ? Phase::kToFill : Phase::kToRead);
    return;
  }
  say_refused(room, error);
  lose_for_a_while(room, kErrorDelayMs);
}

void RedisRooms::fill_replied(RedisRoom& room, RespValue reply) {
  if (reply.front().type != RespType::kArray) {
    page_failed(room, reply.front().text);
    return;
  }
  if (!room.filling->began) room.missed_pushes = false;
  Page page(reply);
  bool more = !page.ended();
  for (std::uint32_t i = 0; i < page.entries(); ++i) {
    const auto [id, text] = page.next();
    if (text.starts_with('!') && !std::exchange(room.large_entries, true)) {
      enqueue(room, Phase::kToFill);  // this entry is read again, alone
      return;
    }
    const auto first = place_of_id(id);
    if (!first || (!room.filling->began && first->epoch > room.last.epoch)) {
      begin_again(room);  // another node has begun an epoch meanwhile
      return;
    }
    if (!fill_from(room, *first, text)) {
      more = false;
      break;
    }
    room.filling->began = true;
  }
  if (more && page.entries() != 0) {
    enqueue(room, Phase::kToFill);
  } else {
    filled(room);
  }
}

// Adds the messages of an entry to the history. Returns false if no older ones are wanted.
bool RedisRooms::fill_from(RedisRoom& room, const Position& first, std::string_view text) {
  RedisRoom::Filling& filling = *room.filling;
  const hub::HistoryLimits& limits = room.home->config().history;
  BatchReader reader;
  if (!reader.begin(text)) return false;
  const BatchHead& head = reader.head();
  const std::uint64_t end = first.seq + head.count - 1;
  if (!filling.began && filling.newest_first.empty() && first.epoch == room.last.epoch &&
      end > room.last.seq) {
    room.last.seq = filling.next = end;  // it was placed after `open`
    room.see(room.last);
  }
  if (end != filling.next) return false;
  const Tick at = tick_of(room, head.ms);
  if (tick_now() - at >= limits.age) return false;
  const auto before = static_cast<std::ptrdiff_t>(filling.newest_first.size());
  for (std::uint32_t i = 0; i < head.count; ++i) {
    filling.newest_first.push_back({frame_of_message(reader.next()), at});
    filling.bytes += filling.newest_first.back().frame.memory_bytes();
  }
  std::reverse(filling.newest_first.begin() + before, filling.newest_first.end());
  if (before == 0) {
    room.tail = first.seq;
    room.tail_node = head.node;
    room.tail_counter = head.counter;
  }
  if (first.epoch == room.last.epoch) room.epoch_from = std::min(room.epoch_from, first.seq);
  filling.next = first.seq - 1;
  filling.from = first;
  // Newer batches come first here, so only the first one of a node counts.
  RedisRoom::Recent& recent = recent_of(room, head.node);
  if (recent.counter == 0) recent = {head.node, head.counter, head.count, first.epoch, now_ms_};
  return first.seq > 1 && filling.newest_first.size() < limits.messages &&
         filling.bytes < limits.bytes;
}

// The history has been read: the hub gets it.
void RedisRooms::filled(RedisRoom& room) {
  auto& kept = room.filling->newest_first;
  kept.resize(std::min<std::size_t>(kept.size(), room.home->config().history.messages));
  std::reverse(kept.begin(), kept.end());
  sink_.opened(*room.home, room.last, kept);
  room.filling.reset();
  became_live(room);
  if (room.missed_pushes) read_from(room, {room.last.epoch, room.last.seq + 1});
}

// Reads the stream from this place to its end. The state stays: a room that is live may do so, too.
void RedisRooms::read_from(RedisRoom& room, const Position& from) noexcept {
  room.read_from = from;
  room.checks += std::exchange(room.checks_sent, 0);
  room.barrier = 0;
  room.request = ++requests_;
  if (room.state == State::kLive) {
    room.target = room.last;
    room.verified = true;
  }
  enqueue(room, Phase::kToRead);
}

void RedisRooms::read_replied(RedisRoom& room, RespValue reply) {
  if (reply.front().type != RespType::kArray) {
    page_failed(room, reply.front().text);
    return;
  }
  Page page(reply);
  const std::uint64_t request = room.request;
  for (std::uint32_t i = 0; i < page.entries(); ++i) {
    const auto [id, text] = page.next();
    const auto first = place_of_id(id);
    if (!first) continue;
    if (text.starts_with('!')) {
      if (!std::exchange(room.large_entries, true)) {
        room.read_from = *first;  // this entry is read again, alone
        enqueue(room, Phase::kToRead);
        return;
      }
      leave_out(room, *first, text);
    } else {
      read_entry(room, *first, text);
    }
    if (room.request != request) return;  // the room was lost
    room.read_from = {first->epoch, first->seq + 1};
  }
  if (page.ended() || page.entries() == 0) {
    read_ended(room);
  } else {
    enqueue(room, Phase::kToRead);
  }
}

void RedisRooms::read_entry(RedisRoom& room, const Position& first, std::string_view text) {
  BatchReader reader;
  if (!reader.begin(text)) {
    say("engine_gap", room,
        "The entry " + id_of(first) + " is not a batch of messages, and was left out.");
    return;
  }
  const BatchHead& head = reader.head();
  const std::uint64_t end = first.seq + head.count - 1;
  if (first.epoch == room.last.epoch && first.seq == room.tail && head.node == room.tail_node &&
      head.counter == room.tail_counter) {
    room.verified = true;
  }
  if (end <= delivered_up_to(room, first.epoch)) return;
  const bool follows = first.epoch == room.last.epoch && first.seq <= room.last.seq + 1;
  if (!follows) {
    const bool contiguous = first.seq == room.last.seq + 1;
    // The missing entries may have been batches of this node without a reply.
    const bool is_first = room.begun && first == Position{room.target.epoch, room.target.seq + 1};
    if (first.seq > room.last.seq + 1 && !is_first) room.trimmed = true;
    miss(room, {first.epoch, first.seq - 1}, contiguous && room.verified);
  }
  room.verified = true;
  apply(room, first, reader, tick_of(room, head.ms));
}

// The room goes on after a batch that is too long for this node. `text` is "!COUNT".
void RedisRooms::leave_out(RedisRoom& room, const Position& first, std::string_view text) {
  std::uint64_t count = 1;
  std::from_chars(text.data() + 1, text.data() + text.size(), count);
  const Position last{first.epoch, first.seq + std::max<std::uint64_t>(count, 1) - 1};
  if (last.seq <= delivered_up_to(room, first.epoch)) return;
  say("engine_gap", room,
      "The batch " + id_of(first) + " is longer than " +
          std::to_string(link_of(room)->server().most_text_bytes) + " bytes, and was left out.");
  room.trimmed = true;  // it may be a batch of this node without a reply
  miss(room, last, false);
}

// The room has all messages that its stream has.
void RedisRooms::read_ended(RedisRoom& room) {
  const bool ahead = room.target.epoch > room.last.epoch ||
                     (room.target.epoch == room.last.epoch && room.target.seq > room.last.seq);
  if (ahead) {
    if (room.target.seq > room.last.seq && !room.begun) room.trimmed = true;
    miss(room, room.target, room.verified && room.target.seq == room.last.seq);
  }
  if (room.state != State::kLive) {
    sink_.opened(*room.home, room.last, {});
    became_live(room);
    return;
  }
  room.phase = Phase::kFollowing;
  list_to_check(room);
  list_to_publish(room);
}

}  // namespace wsd::engine
