// The rooms of one shard without the shard, with everything to which they refer.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "hub/hub.h"
#include "hub/owned_rooms.h"

namespace wsd::hub::test {

using Texts = std::vector<std::string>;
using FanOutResult = OwnedRooms::FanOutResult;

inline constexpr std::uint32_t kShard = 3;
inline constexpr Encoding kMarked = 1;
inline constexpr HistoryLimits kHistory{100, std::size_t{1} << 20, 1000, std::size_t{1} << 20};

inline SharedBytes frame(std::string_view text) { return SharedBytes::copy_of(as_bytes(text)); }

inline Texts texts(const Batch& batch) {
  Texts all;
  for (const Slice& each : batch.frames()) all.emplace_back(as_text(each.bytes()));
  return all;
}

// Writes the seq before each message. Runs out of memory on request.
class MarkingEncoder final : public Encoder {
 public:
  SharedBytes encode(const SharedBytes& plain, Encoding, const Position& position) override {
    if (out_of_memory) throw std::bad_alloc();
    return frame(std::to_string(position.seq) + "=" + std::string(as_text(plain.bytes())));
  }
  SharedBytes gap_notice(Encoding encoding, const Position& position) override {
    if (out_of_memory) throw std::bad_alloc();
    return encoding == kMarked ? frame("gap " + std::to_string(position.seq)) : SharedBytes();
  }
  SharedBytes position_notice(Encoding encoding, const Position& position) override {
    return encoding == kMarked ? frame("at " + position_text(position)) : SharedBytes();
  }

  bool out_of_memory = false;
};

// The rooms of one shard, with everything to which they refer.
struct Rig {
  explicit Rig(const OwnedRooms::Options& options = {})
      : rooms(kShard, options, wheel, room_count, own_count) {
    rooms.set_encoder(&encoder);
  }

  bool join(std::string_view room, std::uint32_t shard = kShard, Encoding encoding = kIdentity) {
    return !rooms.join(room, shard, encoding, Since{}).refused;
  }
  // Joins and leaves again. Returns the replay.
  Texts replay(std::string_view room, const Since& since, Encoding encoding = kIdentity) {
    const OwnedRooms::JoinAnswer answer = rooms.join(room, kShard, encoding, since);
    rooms.leave(room, kShard, encoding);
    return answer.replay == nullptr ? Texts{} : texts(*answer.replay);
  }
  void publish(std::string_view room, int first, int last) {
    for (int i = first; i <= last; ++i) {
      ASSERT_NE(rooms.publish(room, frame(std::to_string(i)), false), nullptr);
    }
  }
  OwnedRooms::PendingBatch take(std::string_view room) {
    return rooms.take_batch(*rooms.find(room));
  }
  // Sends every room. Returns their names in the order of the calls.
  Texts fan_out() {
    Texts names;
    rooms.fan_out([&](RoomHome& room) {
      names.emplace_back(room.name());
      static_cast<void>(rooms.take_batch(room));
      return FanOutResult::kSent;
    });
    return names;
  }
  // Moves the clock and fires the timers that are due.
  void advance(Tick now) {
    rooms.begin_turn(now, now);
    wheel.advance(now);
    while (Timer* const timer = wheel.pop_due()) static_cast<Scheduled*>(timer)->on_deadline(now);
  }
  // Expects that both counts and the table agree.
  void expect_rooms(std::size_t count) const {
    EXPECT_EQ(rooms.size(), count);
    EXPECT_EQ(room_count.value(), count);
    EXPECT_EQ(own_count.value(), count);
  }

  TimerWheel wheel;
  RoomCount room_count;
  Counter own_count;
  MarkingEncoder encoder;
  OwnedRooms rooms;
};

}  // namespace wsd::hub::test
