// Fuzzes a hub of several shards. One thread drives them, with turns in any order. The fuzzer
// checks the promises of rooms: all members see one order, each message comes once, and a member
// gets every message from its join to its leave. Gates open again, and no wake-up is lost.
//
// Input: the number of shards, the limit of the gates, whether each room has a listener from the
// start, and then instructions of two octets. The first octet names action and actor, the second
// the place.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "fuzz_input.h"
#include "hub/fake_member.h"
#include "hub/hub.h"

namespace {

using namespace wsd;       // NOLINT: a program of its own
using namespace wsd::hub;  // NOLINT
using fuzz::FuzzInput;

constexpr std::size_t kRooms = 3;
constexpr std::size_t kListeners = 10;
constexpr std::size_t kMaxShards = 4;
constexpr Encoding kVariants = 3;

// The content of a message: its room, its publisher and a number of that publisher. The rest is
// filling.
struct Note {
  std::size_t room = 0;
  std::size_t publisher = 0;  // a shard, or kMaxShards for a thread that is not a reactor
  std::size_t number = 0;
  bool operator==(const Note&) const = default;
  auto operator<=>(const Note&) const = default;
};

std::string text_of(const Note& note, std::size_t filling) {
  return std::to_string(note.room) + ' ' + std::to_string(note.publisher) + ' ' +
         std::to_string(note.number) + ' ' + std::string(filling, '.');
}

Note note_of(std::string_view text) {
  Note note;
  for (std::size_t* number : {&note.room, &note.publisher, &note.number}) {
    const std::size_t end = text.find(' ');
    *number = std::stoul(std::string(text.substr(0, end)));
    text.remove_prefix(end + 1);
  }
  return note;
}

// Writes the encoding into the first byte.
class Marker final : public Encoder {
 public:
  SharedBytes encode(const SharedBytes& plain, Encoding encoding, const Position&) override {
    return frame_of(std::string(1, static_cast<char>('0' + encoding)) +
                    std::string(as_text(plain.bytes()).substr(1)));
  }
};

// One stay in a room: from join() to leave().
struct Stay {
  std::size_t room = 0;
  std::vector<Note> received;
  // Messages that the listener must get if it stays: its own shard published them after the join,
  // or any publisher after the join was complete.
  std::set<Note> due;
  // Messages that the listener must not get, because its own shard published them before the join.
  std::set<Note> early;
  bool over = false;
};

class Listener final : public Member {
 public:
  void deliver(const Batch& batch) override {
    std::string by_frames;
    for (const Slice& frame : batch.frames()) {
      take(as_text(frame.bytes()));
      by_frames += as_text(frame.bytes());
    }
    std::string by_pieces;
    for (const Slice& piece : batch.pieces()) by_pieces += as_text(piece.bytes());
    WSD_ASSERT(by_frames == by_pieces && by_frames.size() == batch.bytes());
  }
  void deliver(const SharedBytes& frame) override {
    WSD_ASSERT(as_text(frame.bytes()) == "alone");
    ++alone;
  }
  void close(CloseCause /*cause*/, CloseCode /*code*/, std::string_view /*reason*/) override {}
  void on_deadline(Tick /*now*/) override {}

  [[nodiscard]] Stay* stay_in(std::size_t room) {
    for (Stay& stay : stays) {
      if (stay.room == room && !stay.over) return &stay;
    }
    return nullptr;
  }

  std::vector<Stay> stays;
  std::size_t alone = 0;  // frames for this listener only
  std::size_t alone_due = 0;

 private:
  void take(std::string_view text) {
    WSD_ASSERT(text.front() == static_cast<char>('0' + encoding()));
    const Note note = note_of(text.substr(1));
    Stay* const stay = stay_in(note.room);
    WSD_ASSERT(stay != nullptr);
    stay->received.push_back(note);
  }
};

class Machine {
 public:
  explicit Machine(FuzzInput& input)
      : hub_(1 + input.byte() % kMaxShards, 1U + input.byte() % 8U),
        with_witness_(input.byte() % 2 == 0) {
    for (std::size_t room = 0; room < kRooms; ++room) {
      rooms_[room] =
          hub_.room_at(static_cast<std::uint32_t>(room) % hub_.size(), static_cast<int>(room));
    }
    for (std::uint32_t i = 0; i < hub_.size(); ++i) shard(i).set_encoder(&marker_);
    for (std::size_t i = 0; i < kListeners; ++i) {
      listeners_.push_back(std::make_unique<Listener>());
      listeners_[i]->set_encoding(static_cast<Encoding>(i % kVariants));
      shard(shard_of_listener(i)).add(*listeners_[i]);
    }
    // The first listeners stay, so they see the complete order of their rooms.
    for (std::size_t room = 0; with_witness_ && room < kRooms; ++room) join(room, room);
    settle();
  }
  ~Machine() {
    for (std::size_t i = 0; i < kListeners; ++i) {
      shard(shard_of_listener(i)).remove(*listeners_[i]);
    }
    settle();
    for (std::uint32_t i = 0; i < hub_.size(); ++i) {
      WSD_ASSERT(shard(i).home_count() == 0 && shard(i).room_count() == 0);
      WSD_ASSERT(shard(i).member_count() == 0);
    }
  }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  void execute(std::uint8_t first, std::uint8_t second) {
    const std::size_t listener = first / 16 % kListeners;
    const std::size_t room = second % kRooms;
    const std::uint32_t where = second / kRooms % hub_.size();
    switch (first % 16) {
      case 0:
      case 1:
        join(listener, room);
        break;
      case 2:
        leave(listener, room);
        break;
      case 3:
      case 4:
      case 5:
      case 6:
        publish(where, room, first / 16U % 15 == 14 ? 5000 : first / 16U);
        break;
      case 7:
        publish_from_outside(room);
        break;
      case 8:
        send_to(listener, where);
        break;
      case 9:
        // Half of a turn: the shard has handled its mail and has not yet sent batches.
        shard(where).drain();
        break;
      case 10:
        replace(listener);
        break;
      default:
        turn(where);
    }
  }

  void finish() {
    settle();
    for (const auto& listener : listeners_) {
      for (Stay& stay : listener->stays) check_stay(stay);
    }
    for (const auto& listener : gone_) {
      for (Stay& stay : listener->stays) check_stay(stay);
    }
    for (std::size_t room = 0; room < kRooms; ++room) check_order(room);
    for (std::uint32_t i = 0; i < hub_.size(); ++i) {
      WSD_ASSERT(shard(i).publish_gate().queued() == 0 && shard(i).deliver_gate().queued() == 0);
      WSD_ASSERT(!congested_[i]);
    }
    for (const auto& listener : listeners_) WSD_ASSERT(listener->alone == listener->alone_due);
  }

 private:
  // Every action on a shard happens in a turn, so the shard is awake.
  Shard& shard(std::uint32_t index) {
    asleep_[index] = false;
    return hub_.shard(index);
  }
  [[nodiscard]] std::uint32_t shard_of_listener(std::size_t listener) const {
    return static_cast<std::uint32_t>(listener) % hub_.size();
  }
  [[nodiscard]] bool is_witness(std::size_t listener) const {
    return with_witness_ && listener < kRooms;
  }
  // Returns whether the home shard has answered the join.
  [[nodiscard]] bool is_in(Listener& listener, std::size_t room) const {
    for (std::size_t i = 0; i < listener.memberships().size(); ++i) {
      const Membership& each = listener.memberships().at(i);
      if (each.room->name == rooms_[room]) return each.index != Membership::kPending;
    }
    return false;
  }

  void join(std::size_t index, std::size_t room) {
    Listener& listener = *listeners_[index];
    if (listener.stay_in(room) == nullptr) {
      Stay stay{.room = room, .received = {}, .due = {}, .early = {}, .over = false};
      const std::uint32_t own = shard_of_listener(index);
      for (std::size_t number = 0; number < published_[own][room]; ++number) {
        stay.early.insert({room, own, number});
      }
      listener.stays.push_back(std::move(stay));
    }
    shard(shard_of_listener(index)).join(listener, rooms_[room]);
    WSD_ASSERT(hub_.size() > 1 || is_in(listener, room));
  }
  void leave(std::size_t index, std::size_t room) {
    if (is_witness(index)) return;
    shard(shard_of_listener(index)).leave(*listeners_[index], rooms_[room]);
    Stay* const stay = listeners_[index]->stay_in(room);
    if (stay != nullptr) stay->over = true;
  }
  // Ends the connection. Another one gets its slot in the shard.
  void replace(std::size_t index) {
    if (is_witness(index)) return;
    Shard& own = shard(shard_of_listener(index));
    own.remove(*listeners_[index]);
    for (Stay& stay : listeners_[index]->stays) stay.over = true;
    gone_.push_back(std::move(listeners_[index]));
    listeners_[index] = std::make_unique<Listener>();
    listeners_[index]->set_encoding(static_cast<Encoding>((index + gone_.size()) % kVariants));
    own.add(*listeners_[index]);
  }

  // Notes that every listener in the room must get the message.
  void note_due(const Note& note) {
    for (std::size_t i = 0; i < kListeners; ++i) {
      Stay* const stay = listeners_[i]->stay_in(note.room);
      if (stay == nullptr) continue;
      if (note.publisher == shard_of_listener(i) || is_in(*listeners_[i], note.room)) {
        stay->due.insert(note);
      }
    }
  }
  void publish(std::uint32_t from, std::size_t room, std::size_t filling) {
    const Note note{room, from, published_[from][room]++};
    note_due(note);
    const std::string text = '0' + text_of(note, filling);
    if (shard(from).publish(rooms_[room], frame_of(text)) == PublishOutcome::kCongested) {
      congested_[from] = true;
    }
  }
  void publish_from_outside(std::size_t room) {
    const Note note{room, kMaxShards, published_[kMaxShards][room]};
    const std::string text = '0' + text_of(note, 0);
    const SendResult result = hub_.hub().publish(rooms_[room], frame_of(text));
    WSD_ASSERT(result == SendResult::kSent || result == SendResult::kCongested);
    if (result == SendResult::kCongested) return;
    ++published_[kMaxShards][room];
    note_due(note);
  }
  void send_to(std::size_t index, std::uint32_t from) {
    const ConnectionId id = listeners_[index]->id();
    if (hub::shard_of(id) == from) return;
    if (shard(from).send_away(id, frame_of("alone")) == PublishOutcome::kCongested) {
      congested_[from] = true;
    }
    ++listeners_[index]->alone_due;
  }

  // Does the work of a reactor: mail, fan-out, and sleep if no work is left.
  void turn(std::uint32_t index) {
    Shard& own = shard(index);
    own.drain();
    own.fan_out();
    if (own.take_resumed()) congested_[index] = false;
    if (own.has_pending() || !own.arm()) return;
    asleep_[index] = true;
    wakes_[index] = hub_.waker(index).wakes;
  }
  // Runs only shards that are awake or were woken, so a lost wake-up leaves work undone.
  void settle() {
    bool idle = false;
    for (int rounds = 0; !idle; ++rounds) {
      WSD_ASSERT(rounds < 1000);
      idle = true;
      for (std::uint32_t i = 0; i < hub_.size(); ++i) {
        if (asleep_[i] && hub_.waker(i).wakes == wakes_[i]) continue;
        idle = false;
        turn(i);
      }
    }
  }

  void check_stay(const Stay& stay) {
    const std::set<Note> once(stay.received.begin(), stay.received.end());
    WSD_ASSERT(once.size() == stay.received.size());
    for (const Note& note : stay.early) WSD_ASSERT(!once.contains(note));
    if (!stay.over) {
      for (const Note& note : stay.due) WSD_ASSERT(once.contains(note));
    }
    // The messages of one publisher come in its order.
    std::array<std::size_t, kMaxShards + 1> next = {};
    for (const Note& note : stay.received) {
      WSD_ASSERT(note.number >= next[note.publisher]);
      next[note.publisher] = note.number + 1;
    }
  }

  void check_order(std::size_t room) {
    std::vector<const Stay*> stays;
    for (const auto* group : {&listeners_, &gone_}) {
      for (const auto& listener : *group) {
        for (const Stay& stay : listener->stays) {
          if (stay.room == room) stays.push_back(&stay);
        }
      }
    }
    for (const Stay* one : stays) {
      for (const Stay* other : stays) check_same_order(one->received, other->received);
    }
    if (!with_witness_) return;
    std::size_t all = 0;
    for (const auto& by_room : published_) all += by_room[room];
    WSD_ASSERT(listeners_[room]->stay_in(room)->received.size() == all);
  }
  // Both are parts of one sequence of messages, so they must be equal where they overlap.
  static void check_same_order(const std::vector<Note>& one, const std::vector<Note>& other) {
    if (one.empty()) return;
    auto at = std::find(other.begin(), other.end(), one.front());
    for (std::size_t i = 0; i < one.size() && at != other.end(); ++i, ++at) {
      WSD_ASSERT(one[i] == *at);
    }
  }

  ManualHub hub_;
  bool with_witness_;
  Marker marker_;
  std::array<std::string, kRooms> rooms_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<std::unique_ptr<Listener>> gone_;
  std::array<std::array<std::size_t, kRooms>, kMaxShards + 1> published_ = {};
  std::array<bool, kMaxShards> congested_ = {};
  std::array<bool, kMaxShards> asleep_ = {};
  std::array<int, kMaxShards> wakes_ = {};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, std::min<std::size_t>(size, 400));
  Machine machine(input);
  while (!input.empty()) {
    const std::uint8_t first = input.byte();
    machine.execute(first, input.byte());
  }
  machine.finish();
  return 0;
}
