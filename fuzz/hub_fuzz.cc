// Fuzzes a hub of several shards. One thread drives them, with turns in any order. The fuzzer
// checks the promises of rooms: all members see one order, each message comes once, and a member
// gets every message from its join to its leave and no other. Gates open again, and no wake-up is
// lost.
//
// Input: the number of shards, the limit of the gates, whether each room has a listener from the
// start, and then instructions of two octets. The first octet names action and actor, the second
// the place.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
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

// The messages that one listener got from one room.
struct Record {
  bool inside = false;  // between join() and leave()
  std::vector<Note> received;
  // Messages that the listener must get: its own shard published them while it was inside, or any
  // publisher while it stayed after its join was complete.
  std::set<Note> due;
  // Messages that the listener must not get: its own shard published them while it was outside.
  std::set<Note> outside;
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

  std::array<Record, kRooms> records;
  std::size_t alone = 0;  // frames for this listener only
  std::size_t alone_due = 0;

 private:
  void take(std::string_view text) {
    WSD_ASSERT(text.front() == static_cast<char>('0' + encoding()));
    const Note note = note_of(text.substr(1));
    records[note.room].received.push_back(note);
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
      for (const Record& record : listener->records) check_record(record, true);
    }
    for (const auto& listener : gone_) {
      for (const Record& record : listener->records) check_record(record, false);
    }
    for (std::size_t room = 0; room < kRooms; ++room) check_order(room);
    for (std::uint32_t i = 0; i < hub_.size(); ++i) {
      WSD_ASSERT(shard(i).publish_gate().queued() == 0 && shard(i).deliver_gate().queued() == 0);
      WSD_ASSERT(shard(i).request_gate().queued() == 0);
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
    listener.records[room].inside = true;
    const std::uint32_t own = shard_of_listener(index);
    heed(own, shard(own).join(listener, rooms_[room]));
    WSD_ASSERT(hub_.size() > 1 || is_in(listener, room));
  }
  void heed(std::uint32_t from, PublishOutcome outcome) {
    if (outcome == PublishOutcome::kCongested) congested_[from] = true;
  }
  void leave(std::size_t index, std::size_t room) {
    if (is_witness(index)) return;
    const std::uint32_t own = shard_of_listener(index);
    heed(own, shard(own).leave(*listeners_[index], rooms_[room]));
    Record& record = listeners_[index]->records[room];
    record.inside = false;
    // The leave may overtake the messages of other publishers.
    const std::set<Note> received(record.received.begin(), record.received.end());
    std::erase_if(record.due, [&](const Note& note) {
      return note.publisher != own && !received.contains(note);
    });
  }
  // Ends the connection. Another one gets its slot in the shard.
  void replace(std::size_t index) {
    if (is_witness(index)) return;
    Shard& own = shard(shard_of_listener(index));
    own.remove(*listeners_[index]);
    gone_.push_back(std::move(listeners_[index]));
    listeners_[index] = std::make_unique<Listener>();
    listeners_[index]->set_encoding(static_cast<Encoding>((index + gone_.size()) % kVariants));
    own.add(*listeners_[index]);
  }

  // Notes for every listener whether it must get the message.
  void note_due(const Note& note) {
    for (std::size_t i = 0; i < kListeners; ++i) {
      Record& record = listeners_[i]->records[note.room];
      const bool own = note.publisher == shard_of_listener(i);
      if (own && !record.inside) record.outside.insert(note);
      if (record.inside && (own || is_in(*listeners_[i], note.room))) record.due.insert(note);
    }
  }
  void publish(std::uint32_t from, std::size_t room, std::size_t filling) {
    const Note note{room, from, published_[from][room]++};
    note_due(note);
    const std::string text = '0' + text_of(note, filling);
    heed(from, shard(from).publish(rooms_[room], frame_of(text)));
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
    heed(from, shard(from).send_away(id, frame_of("alone")));
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

  // `stayed`: the listener has not ended.
  static void check_record(const Record& record, bool stayed) {
    const std::set<Note> once(record.received.begin(), record.received.end());
    WSD_ASSERT(once.size() == record.received.size());
    for (const Note& note : record.outside) WSD_ASSERT(!once.contains(note));
    if (stayed) {
      for (const Note& note : record.due) WSD_ASSERT(once.contains(note));
    }
    // The messages of one publisher come in its order.
    std::array<std::size_t, kMaxShards + 1> next = {};
    for (const Note& note : record.received) {
      WSD_ASSERT(note.number >= next[note.publisher]);
      next[note.publisher] = note.number + 1;
    }
  }

  void check_order(std::size_t room) {
    std::vector<const Record*> records;
    for (const auto* group : {&listeners_, &gone_}) {
      for (const auto& listener : *group) records.push_back(&listener->records[room]);
    }
    for (const Record* one : records) {
      for (const Record* other : records) check_same_order(one->received, other->received);
    }
    if (!with_witness_) return;
    std::size_t all = 0;
    for (const auto& by_room : published_) all += by_room[room];
    WSD_ASSERT(listeners_[room]->records[room].received.size() == all);
  }
  // Both are parts of one sequence of messages, so the messages that both have come in the same
  // order.
  static void check_same_order(const std::vector<Note>& one, const std::vector<Note>& other) {
    std::map<Note, std::size_t> places;
    for (const Note& note : other) places.emplace(note, places.size());
    std::size_t next = 0;
    for (const Note& note : one) {
      const auto found = places.find(note);
      if (found == places.end()) continue;
      WSD_ASSERT(found->second >= next);
      next = found->second + 1;
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
