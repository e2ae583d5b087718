#include "sim/room_log.h"

#include <algorithm>

#include "base/assert.h"
#include "protocol/frame_writer.h"
#include "sim/kernel.h"

namespace wsd::sim {
namespace {

RoomLog* current_log = nullptr;

}  // namespace

RoomLog::RoomLog() {
  WSD_ASSERT(current_log == nullptr);
  current_log = this;
}

RoomLog::~RoomLog() { current_log = nullptr; }

RoomLog& RoomLog::current() noexcept {
  WSD_ASSERT(current_log != nullptr);
  return *current_log;
}

void RoomLog::append(std::string_view room, Bytes frame) {
  const std::optional<Stamp> stamp = read_stamp(as_text(protocol::frame_content(frame).payload));
  if (!stamp || room != std::string_view(&stamp->room, 1)) {
    broken("room '%.*s' was given a message that is not its own", static_cast<int>(room.size()),
           room.data());
  }
  Room& log = rooms_[stamp->room];
  if (!log.places.emplace(stamp->key(), log.places.size()).second) {
    broken("message %u of %d was published twice in room %c", stamp->number, stamp->from,
           stamp->room);
  }
  log.excepted.push_back(stamp->to == Stamp::kNotBack ? stamp->from : 0);
  std::uint32_t& last = log.last[stamp->from];
  if (stamp->number <= last) {
    broken("message %u of %d came after its %u in room %c", stamp->number, stamp->from, last,
           stamp->room);
  }
  last = stamp->number;
}

std::size_t RoomLog::size(char room) const {
  const auto found = rooms_.find(room);
  return found == rooms_.end() ? 0 : found->second.places.size();
}

std::size_t RoomLog::count_for(int peer, char room, std::size_t from, std::size_t to) const {
  const auto found = rooms_.find(room);
  if (found == rooms_.end() || from >= to) return 0;
  const auto begin = found->second.excepted.begin();
  const auto excepted = std::count(begin + static_cast<std::ptrdiff_t>(from),
                                   begin + static_cast<std::ptrdiff_t>(to), peer);
  return to - from - static_cast<std::size_t>(excepted);
}

std::optional<std::size_t> RoomLog::place(const Stamp& stamp) const {
  const auto room = rooms_.find(stamp.room);
  if (room == rooms_.end()) return std::nullopt;
  const auto found = room->second.places.find(stamp.key());
  if (found == room->second.places.end()) return std::nullopt;
  return found->second;
}

}  // namespace wsd::sim
