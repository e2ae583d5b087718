// What may be seen of the rooms: knows all messages and places, and ends the run if a node breaks a
// promise of docs/ARCHITECTURE.md, "The engine".
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "engine/fake_redis.h"
#include "sim/broken.h"
#include "sim/trace.h"
#include "wsd/position.h"

namespace wsd::sim {

class EngineOracle;

// What one member sees of its room, in order.
class RoomView {
 public:
  // `after`: where the member resumes, or all zeros.
  RoomView(EngineOracle& oracle, std::size_t room, std::string name, const Position& after)
      : oracle_(oracle), room_(room), name_(std::move(name)), last_(after) {}

  // A frame of SimEncoder's encoding.
  void saw(std::string_view frame);

  [[nodiscard]] const Position& last() const noexcept { return last_; }
  [[nodiscard]] bool knows_last() const noexcept { return last_.epoch != 0; }
  [[nodiscard]] std::size_t messages() const noexcept { return seen_.size(); }

 private:
  void saw_gap(const Position& at);
  void saw_message(const Position& at, std::uint64_t number);

  EngineOracle& oracle_;
  std::size_t room_;
  std::string name_;
  Position last_;
  // The highest seq that it was told of each epoch since it joined. A node that comes back to a
  // server may tell messages of an earlier epoch that it has not seen.
  std::map<std::uint64_t, std::uint64_t> told_;
  std::map<std::uint64_t, std::uint64_t> seen_;  // number of a message, and when
};

class EngineOracle {
 public:
  struct Settings {
    bool gaps_are_excused = false;  // something may happen that makes a gap
    std::uint64_t engine_timeout_ms = 0;
    // No server loses anything: a gap misses nothing, and a message stands once over all servers.
    bool nothing_is_lost = false;
  };

  explicit EngineOracle(Trace& trace) : trace_(trace) {}

  void set(const Settings& settings) noexcept { settings_ = settings; }
  // Another server has taken over, or a room has moved to one.
  void server_changed() noexcept { ++changes_; }
  void set_now(std::uint64_t now_ms) noexcept { now_ms_ = now_ms; }
  [[nodiscard]] std::uint64_t now() const noexcept { return now_ms_; }
  [[nodiscard]] const Settings& settings() const noexcept { return settings_; }
  [[nodiscard]] Trace& trace() noexcept { return trace_; }

  // A message is to be published. `publisher` is one thread of one process. Returns its number.
  std::uint64_t publishes(std::size_t room, std::uint64_t publisher);
  // The text of a message, with padding up to `bytes`.
  [[nodiscard]] static std::string text_of(std::uint64_t number, std::size_t bytes);
  // The receipt of a message has come.
  void answered(std::uint64_t number, const Position& at);
  // A message with a key is to be published, maybe several times by several nodes.
  std::uint64_t publishes_once(std::size_t room);
  // A receipt of such a message has come.
  void answered_once(std::uint64_t number, const Position& at);
  [[nodiscard]] bool is_keyed(std::uint64_t number) const noexcept {
    return messages_[number].keyed;
  }
  // Takes in what a server has placed since the last call. `server` is its number.
  void take_placed(std::size_t server, const engine::FakeRedis& redis,
                   const std::vector<std::string>& keys);

  // A server has deleted the key of a room.
  void deleted(std::size_t room, std::string_view replid);

  // A member has got a message.
  void delivered(std::size_t room, const Position& at, std::uint64_t number);
  // Returns whether several places name this message.
  [[nodiscard]] bool is_doubled(std::uint64_t number) const noexcept;
  [[nodiscard]] bool has_answer(std::uint64_t number) const noexcept {
    return messages_[number].answered;
  }
  [[nodiscard]] bool has_place(std::uint64_t number) const noexcept {
    return !messages_[number].places.empty();
  }
  // The message, which nothing has disturbed, must have a receipt with a place.
  void check_is_placed(std::uint64_t number) const;
  // Nothing will happen any more.
  void check_at_end() const;

  // Totals.
  [[nodiscard]] std::uint64_t message_count() const noexcept { return messages_.size(); }
  std::uint64_t gaps = 0;
  std::uint64_t deliveries = 0;
  std::uint64_t refused = 0;
  std::uint64_t unknown = 0;
  std::uint64_t doubled = 0;
  std::uint64_t repeated = 0;  // receipts that have told a position again

 private:
  struct Place {
    Position at;
    std::size_t server = 0;
    std::string replid;
    bool deleted = false;
  };
  struct Message {
    std::size_t room = 0;
    std::uint64_t publisher = 0;
    std::uint64_t changes = 0;  // of servers, before it was published
    bool answered = false;
    bool keyed = false;
    Position answer;
    std::vector<Place> places;
  };

  static void check_once(const engine::FakeRedis& redis, const std::string& key,
                         std::uint64_t number);
  void place_keyed(Message& message, std::size_t room, const Place& place, std::uint64_t number);
  void place(std::size_t room, const Place& place, std::uint64_t number);
  // A position gets its one message, now or earlier.
  void name(std::size_t room, const Position& at, std::uint64_t number);

  Trace& trace_;
  Settings settings_;
  std::uint64_t now_ms_ = 0;
  std::uint64_t changes_ = 0;
  std::vector<Message> messages_;
  std::map<std::tuple<std::size_t, std::uint64_t, std::uint64_t>, std::uint64_t> names_;
  // The last message of a publisher in a room, by the server and its life.
  std::map<std::tuple<std::size_t, std::string, std::size_t, std::uint64_t>, std::uint64_t> last_;
  std::map<std::size_t, std::size_t> taken_;  // of each server's list
};

// Returns the number in a message's text. Ends the run if it is another text.
[[nodiscard]] std::uint64_t number_of_text(std::string_view text);

}  // namespace wsd::sim
