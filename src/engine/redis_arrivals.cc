// Messages that have a position, from pushes and from pages: telling the hub each of them once.
#include <algorithm>
#include <charconv>
#include <string>

#include "engine/message_frame.h"
#include "engine/redis_rooms.h"

namespace wsd::engine {

std::optional<Position> place_of_id(std::string_view id) noexcept {
  Position place;
  const char* const end = id.data() + id.size();
  const auto epoch = std::from_chars(id.data(), end, place.epoch);
  if (epoch.ec != std::errc() || epoch.ptr == end || *epoch.ptr != '-') return std::nullopt;
  const auto seq = std::from_chars(epoch.ptr + 1, end, place.seq);
  if (seq.ec != std::errc() || seq.ptr != end) return std::nullopt;
  return place;
}

std::string id_of(const Position& place) {
  return std::to_string(place.epoch) + '-' + std::to_string(place.seq);
}

void RedisRooms::message_pushed(RedisRoom& room, std::string_view payload) {
  if (!room.follows()) {
    room.missed_pushes = true;
    return;
  }
  const std::size_t space = payload.find(' ');
  const auto first = place_of_id(payload.substr(0, space));
  if (!first || space == std::string_view::npos) return;  // no node publishes such a text
  if (first->epoch != room.last.epoch || first->seq != room.last.seq + 1) {
    if (first->epoch == room.last.epoch && first->seq <= room.last.seq) {
      say("engine_gap", room,
          "The server has gone back: it has given the position " + position_text(*first) +
              ", but this node has " + position_text(room.last) + ".");
      // The stream may have passed `last` before `open` runs. A higher epoch makes it begin one.
      room.see({room.last.epoch + 1, room.last.seq});
    }
    lose(room);
    return;
  }
  const std::string_view text = payload.substr(space + 1);
  if (text.starts_with('!')) {  // the batch is large, and is to be read
    room.large_entries = true;
    read_from(room, *first);
    return;
  }
  BatchReader reader;
  if (!reader.begin(text)) {
    lose(room);
    return;
  }
  apply(room, *first, reader, tick_now());
}

// Tells the hub the messages of a batch after `last`. The batch must follow `last` or have it.
void RedisRooms::apply(RedisRoom& room, const Position& first, BatchReader& reader, Tick at) {
  const BatchHead& head = reader.head();
  OwnBatch* own = head.node == settings_.node ? room.batches.find(head.counter) : nullptr;
  // A batch that does not go on where its messages were told last is not this node's: it has failed
  // on its way.
  if (own != nullptr &&
      (own->tickets.size() != head.count || first.seq + own->told != room.last.seq + 1)) {
    own = nullptr;
  }
  if (own != nullptr) fail_before(room, *own);
  RedisRoom::Recent& recent = recent_of(room, head.node);
  if (own == nullptr) {
    const std::uint32_t repeated = repeated_of(recent, first, head);
    if (repeated != 0) miss(room, {first.epoch, first.seq + repeated - 1}, false);
    if (repeated == head.count) return;
  }
  room.tail = first.seq;
  room.tail_node = head.node;
  room.tail_counter = head.counter;
  for (std::uint32_t i = 0; i < head.count; ++i) {
    const BatchMessage message = reader.next();
    const Position position{first.epoch, first.seq + i};
    if (position.seq <= room.last.seq) continue;
    if (own == nullptr) {
      sink_.arrived(*room.home, position, frame_of_message(message), at);
    } else {
      sink_.placed(*room.home, own->tickets[i], position);
      own->told = i + 1;
      ++figures_.placed;
      --figures_.in_flight;
    }
    room.last.seq = position.seq;
    recent = {head.node, head.counter, i + 1, first.epoch, now_ms_};
  }
  room.see(room.last);
  if (own != nullptr) {
    recycle(room.batches.pop());
  }
  if (!room.batches.empty()) fail_refused(room);
}

// The room goes on after `last`, without the messages between.
void RedisRooms::miss(RedisRoom& room, const Position& last, bool kept_back) {
  const Position before = room.last;
  move_to(room, last);
  try {
    sink_.missed(*room.home, last, kept_back);
  } catch (...) {
    room.last = before;
    room.tail = before.seq + 1;
    throw;
  }
  if (!kept_back) {
    ++figures_.gaps;
    say("engine_gap", room,
        "Messages may be missing after " + position_text(before) + ": the room goes on after " +
            position_text(last) + ".");
  }
}

void RedisRooms::move_to(RedisRoom& room, const Position& last) {
  constexpr std::size_t kMostFormer = 4;
  if (last.epoch != room.last.epoch) {
    if (room.former.capacity() == 0) room.former.reserve(kMostFormer + 1);
    std::erase_if(room.former, [&](const Position& each) {
      return each.epoch == room.last.epoch || each.epoch == last.epoch;
    });
    if (room.former.size() == kMostFormer) room.former.erase(room.former.begin());
    room.former.push_back(room.last);
    room.epoch_from = last.seq + 1;
  }
  room.last = last;
  room.tail = last.seq + 1;
  room.tail_counter = 0;
  room.see(last);
}

// Returns the last seq of the epoch that was told to the hub, or 0.
std::uint64_t RedisRooms::delivered_up_to(const RedisRoom& room,
                                          std::uint64_t epoch) const noexcept {
  if (epoch == room.last.epoch) return room.last.seq;
  for (const Position& each : room.former) {
    if (each.epoch == epoch) return each.seq;
  }
  return 0;
}

// Returns how many messages of the batch, from its first one on, this node has told already. A
// server that had stopped may have placed the batch in an earlier epoch, before it was sent again.
// A batch may be sent again for as long as its publishes wait.
std::uint32_t RedisRooms::repeated_of(const RedisRoom::Recent& recent, const Position& first,
                                      const BatchHead& head) const noexcept {
  if (recent.epoch == first.epoch || recent.counter < head.counter ||
      now_ms_ - recent.at_ms > repeat_ms()) {
    return 0;
  }
  return recent.counter > head.counter ? head.count : std::min(recent.told, head.count);
}

// Returns the room's record of a node's batches, and makes one if there is none.
RedisRoom::Recent& RedisRooms::recent_of(RedisRoom& room, const NodeName& node) {
  constexpr std::size_t kMostNodes = 64;
  RedisRoom::Recent* oldest = nullptr;
  for (RedisRoom::Recent& each : room.recent) {
    if (each.node == node) return each;
    if (oldest == nullptr || each.at_ms < oldest->at_ms) oldest = &each;
  }
  if (oldest == nullptr ||
      (now_ms_ - oldest->at_ms <= repeat_ms() && room.recent.size() < kMostNodes)) {
    oldest = &room.recent.emplace_back();
  }
  *oldest = {node, 0, 0, 0, now_ms_};
  return *oldest;
}

}  // namespace wsd::engine
