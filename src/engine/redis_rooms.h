// The rooms of one shard, ordered by Redis: opening, catching up, publishing, and telling the shard
// each message once and in order.
//
// A room has one of four states on a node: closed, opening, live, lost. docs/ARCHITECTURE.md, "The
// engine for several nodes", has a table of them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/name_hash.h"
#include "engine/batch_text.h"
#include "engine/redis_link.h"
#include "engine/redis_room.h"
#include "hub/order_engine.h"

namespace wsd::engine {

struct RoomsSettings {
  std::string prefix = "wsd1:";
  NodeName node;
  std::uint32_t backlog = 128;                // messages that Redis keeps at least
  std::uint64_t publish_timeout_ms = 30'000;  // then a publish without a position has failed
  std::uint64_t engine_timeout_ms = 5'000;
  std::uint64_t linger_ms = 10'000;  // a room that is not wanted closes after this time
  std::uint64_t seed = 0;
};

// Counts for metrics. Shard's thread only; the owner copies them.
struct RoomsFigures {
  std::uint64_t opening = 0;  // rooms in this state
  std::uint64_t live = 0;
  std::uint64_t lost = 0;
  std::uint64_t in_flight = 0;  // publishes without an answer
  std::uint64_t placed = 0;     // publishes, since the start
  std::uint64_t refused = 0;
  std::uint64_t unknown = 0;
  std::uint64_t pushes = 0;
  std::uint64_t catch_ups = 0;
  std::uint64_t gaps = 0;
  std::uint64_t epochs = 0;
};

// Receives events for the operator. `event` is a log event's name, like "engine_gap".
class RoomsReport {
 public:
  virtual void engine_event(std::string_view event, std::string_view room,
                            std::string_view text) = 0;

 protected:
  ~RoomsReport() = default;
};

class RedisRooms final : public hub::OrderEngine {
 public:
  // The references must outlive this object.
  RedisRooms(const RoomsSettings& settings, hub::OrderSink& sink, RoomsReport& report);
  RedisRooms(const RedisRooms&) = delete;
  RedisRooms& operator=(const RedisRooms&) = delete;
  ~RedisRooms();

  // The time of the turn, before any other call in it.
  void begin_turn(std::uint64_t now_ms) noexcept;
  [[nodiscard]] std::uint64_t deadline() const noexcept;
  void on_time();

  // The link's events, as LinkOwner has them. Between link_down() and the next link_up() there is
  // no link.
  void link_up(RedisLink& link, const LinkUp& up);
  void link_down() noexcept;
  void link_replied(const RequestTag& tag, RespValue reply);
  void link_pushed(RespValue push);
  void link_beat();
  void link_scripts_loaded();

  // Returns whether all rooms are caught up with the engine.
  [[nodiscard]] bool caught_up() const noexcept;
  [[nodiscard]] RoomsFigures figures() const noexcept;

  // hub::OrderEngine
  void open(hub::RoomHome& home) override;
  hub::PublishTicket publish(hub::RoomHome& home, const SharedBytes& frame) override;
  void check(hub::RoomHome& home) override;
  void unwanted(hub::RoomHome& home) noexcept override;
  void hold_back(bool waits) noexcept override;
  void end_turn() noexcept override;
  [[nodiscard]] bool has_to_send() const noexcept override;

 private:
  using State = RedisRoom::State;
  using Phase = RedisRoom::Phase;
  // The kinds of requests, for RequestTag::kind.
  enum class Ask : std::uint8_t { kPublish, kOpen, kFill, kRead, kBarrier, kRenew };

  // redis_rooms.cc: rooms, queues and time.
  [[nodiscard]] RedisRoom* room_of(std::uint32_t number) const noexcept;
  [[nodiscard]] RedisRoom* room_of(std::string_view key) const noexcept;
  [[nodiscard]] RedisRoom& room_of(const hub::RoomHome& home) const noexcept;
  void enqueue(RedisRoom& room, Phase phase) noexcept;
  void leave_queue(RedisRoom& room) noexcept;
  void forget_requests(RedisRoom& room) noexcept;
  void begin_again(RedisRoom& room) noexcept;
  void begin_later(RedisRoom& room, std::uint64_t delay_ms) noexcept;
  void lose(RedisRoom& room) noexcept;
  void tell_lost(RedisRoom& room) noexcept;
  void lose_for_a_while(RedisRoom& room, std::uint64_t delay_ms) noexcept;
  void became_live(RedisRoom& room) noexcept;
  void list_to_publish(RedisRoom& room) noexcept;
  void list_to_check(RedisRoom& room) noexcept;
  void forget_link(RedisRoom& room) noexcept;
  void tend(RedisRoom& room);
  void renew(RedisRoom& room);
  bool unsubscribe(RedisRoom& room) noexcept;
  void close(RedisRoom& room, bool failed) noexcept;
  void is_due(std::uint64_t at_ms) noexcept;
  void need_scripts() noexcept;
  void send_barrier(RedisRoom& room);
  void barrier_replied(RedisRoom& room, RespValue reply) noexcept;
  void unsubscribed(std::string_view key) noexcept;
  [[nodiscard]] RequestTag tag_of(RedisRoom& room, Ask ask) noexcept;
  [[nodiscard]] static std::uint64_t ttl_ms(const RedisRoom& room) noexcept;
  [[nodiscard]] Tick tick_now() const noexcept { return now_ms_ / kTickMs; }
  [[nodiscard]] Tick tick_of(std::uint64_t redis_ms) const noexcept;
  void say(std::string_view event, const RedisRoom& room, std::string_view text) noexcept;
  void say_refused(const RedisRoom& room, std::string_view error) noexcept;

  // redis_publish.cc: the batches of this node.
  [[nodiscard]] OwnBatch& batch_for(RedisRoom& room, std::size_t bytes);
  [[nodiscard]] bool publishes_wait() const noexcept;
  void send_batches(RedisRoom& room);
  void send_batch(RedisRoom& room, OwnBatch& batch);
  void publish_replied(RedisRoom& room, std::uint64_t counter, RespValue reply) noexcept;
  void publish_failed(RedisRoom& room, OwnBatch& batch, std::string_view error) noexcept;
  void fail_front(RedisRoom& room, hub::PublishFailure why) noexcept;
  void fail_before(RedisRoom& room, const OwnBatch& batch) noexcept;
  void fail_all(RedisRoom& room) noexcept;
  void fail_refused(RedisRoom& room) noexcept;
  void settle_orphans(RedisRoom& room) noexcept;
  void expire(RedisRoom& room) noexcept;
  void find_lost_pushes(RedisRoom& room) noexcept;
  [[nodiscard]] static hub::PublishFailure failure_of(const OwnBatch& batch) noexcept;
  void recycle(std::unique_ptr<OwnBatch> batch) noexcept;

  // redis_catch_up.cc: opening a room, and reading the messages that it has missed.
  void send_open(RedisRoom& room);
  void open_replied(RedisRoom& room, RespValue reply);
  void open_failed(RedisRoom& room, std::string_view error) noexcept;
  void opened_first(RedisRoom& room, const Position& place, std::uint64_t epoch_from);
  void opened_again(RedisRoom& room, const Position& place);
  [[nodiscard]] bool page_fits(const RedisRoom& room) const noexcept;
  void send_page(RedisRoom& room);
  void page_failed(RedisRoom& room, std::string_view error) noexcept;
  void fill_replied(RedisRoom& room, RespValue reply);
  [[nodiscard]] bool fill_from(RedisRoom& room, const Position& first, std::string_view text);
  void filled(RedisRoom& room);
  void read_from(RedisRoom& room, const Position& from) noexcept;
  void read_replied(RedisRoom& room, RespValue reply);
  void read_entry(RedisRoom& room, const Position& first, std::string_view text);
  void read_ended(RedisRoom& room);

  // redis_arrivals.cc: messages that have a position.
  void message_pushed(RedisRoom& room, std::string_view payload);
  void apply(RedisRoom& room, const Position& first, BatchReader& reader, Tick at);
  void miss(RedisRoom& room, const Position& last, bool kept_back);
  void move_to(RedisRoom& room, const Position& last);
  [[nodiscard]] std::uint64_t delivered_up_to(const RedisRoom& room,
                                              std::uint64_t epoch) const noexcept;
  [[nodiscard]] std::uint32_t repeated_of(const RedisRoom::Recent& recent, const Position& first,
                                          const BatchHead& head) const noexcept;
  [[nodiscard]] RedisRoom::Recent& recent_of(RedisRoom& room, const NodeName& node);
  [[nodiscard]] std::uint64_t repeat_ms() const noexcept {
    return settings_.publish_timeout_ms + 2 * settings_.engine_timeout_ms;
  }

  const RoomsSettings settings_;
  hub::OrderSink& sink_;
  RoomsReport& report_;
  RedisLink* link_ = nullptr;
  std::uint64_t now_ms_ = 0;
  std::uint64_t next_due_ms_ = ~std::uint64_t{0};
  std::uint64_t last_sweep_ms_ = 0;
  RoomsFigures figures_;
  std::uint64_t behind_ = 0;       // rooms that were lost with a link, and are not live since
  std::uint64_t requests_ = 0;     // the last name of a request
  std::uint64_t counter_ = 0;      // of the last batch
  hub::PublishTicket ticket_ = 0;  // the last one
  std::uint64_t held_back_ = 0;    // rooms with slow members
  bool needs_scripts_ = false;     // no script may be sent until they are loaded
  bool large_page_out_ = false;
  // The last link ended while pages were read, which may have been too large together: now they are
  // read one at a time.
  bool careful_ = false;
  std::uint32_t opens_out_ = 0;
  std::uint32_t pages_out_ = 0;
  RoomsToAsk to_open_;
  RoomsToAsk to_page_;
  std::string head_;  // of a batch that is being sent

  std::vector<std::unique_ptr<RedisRoom>> rooms_;  // by number; number 0 is never used
  // These have space for all rooms, so that adding to them needs no memory.
  std::vector<std::uint32_t> free_numbers_;
  std::vector<std::uint32_t> to_publish_;
  std::vector<std::uint32_t> to_check_;
  std::vector<std::uint32_t> for_beat_;
  std::unordered_map<std::string_view, RedisRoom*, NameHash> by_key_;
  // Keys whose SUNSUBSCRIBE has not been answered, and how often.
  std::unordered_map<std::string, std::uint32_t, NameHash, std::equal_to<>> leaving_;
  std::vector<std::unique_ptr<OwnBatch>> spare_batches_;
};

}  // namespace wsd::engine
