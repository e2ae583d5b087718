// The rooms of one shard, ordered by Redis: opening, catching up, publishing, and telling the shard
// each message once and in order.
//
// A room has one of four states on a node: closed, opening, live, lost. docs/ARCHITECTURE.md, "The
// engine for several nodes", has a table of them.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/name_hash.h"
#include "engine/batch_text.h"
#include "engine/redis_lane.h"
#include "engine/redis_link.h"
#include "engine/redis_room.h"
#include "engine/room_counts.h"
#include "engine/room_lists.h"
#include "engine/slot_table.h"
#include "hub/order_engine.h"

namespace wsd::engine {

// The lane of each slot of a cluster.
using SlotLanes = std::array<RedisLane*, SlotTable::kSlots>;

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

class RoomsReport {
 public:
  // An event for the operator: a log event's name, like "engine_gap".
  virtual void engine_event(std::string_view event, std::string_view room,
                            std::string_view text) = 0;
  // A master has said that it does not serve a room's slot now. Called during link_replied() and
  // link_pushed(), and must not call the rooms.
  virtual void redirected() noexcept = 0;

 protected:
  ~RoomsReport() = default;
};

class RedisRooms final : public hub::OrderEngine, private CountsOwner {
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

  // The way of all rooms to the only master, unless use_slots() was called.
  [[nodiscard]] RedisLane& lane() const noexcept { return *lanes_.front(); }
  // From now on the rooms are on the masters of a cluster, and there is no lane yet. Call it before
  // any other call.
  void use_slots();
  // In a cluster. The lanes live until remove_lane().
  RedisLane& add_lane();
  // Requires that the lane has no link and no room, and that assign() has given it no slot.
  void remove_lane(const RedisLane& lane) noexcept;
  [[nodiscard]] bool is_used(const RedisLane& lane) const noexcept;
  // Says which lane each slot of the cluster has; nullptr: none. The rooms of a slot that has got
  // another one are lost. They move when all replies under way on their former lane are in.
  void assign(std::unique_ptr<SlotLanes> lanes) noexcept;
  // Returns the way to the master that serves a key, or nullptr if none does.
  [[nodiscard]] RedisLane* lane_of(std::string_view key) const noexcept;
  // The events of a lane's link, as LinkOwner has them. Between link_down() and the next link_up()
  // the lane has no link.
  void link_up(RedisLane& lane, RedisLink& link, const LinkUp& up);
  void link_down(RedisLane& lane) noexcept;
  void link_replied(RedisLane& lane, const RequestTag& tag, RespValue reply);
  void link_pushed(RedisLane& lane, RespValue push);
  void link_beat(RedisLane& lane);
  void link_scripts_loaded(RedisLane& lane);

  // Returns whether all rooms are caught up with the engine.
  [[nodiscard]] bool caught_up() const noexcept;
  [[nodiscard]] RoomsFigures figures() const noexcept;

  // hub::OrderEngine
  void open(hub::RoomHome& home) override;
  hub::PublishTicket publish(hub::RoomHome& home, const SharedBytes& frame,
                             const hub::PublishKey* key) override;
  void check(hub::RoomHome& home) override;
  hub::CountTicket count(std::string_view room) override;
  hub::ListTicket list(std::string_view room, const MembersQuery& query) override;
  void unwanted(hub::RoomHome& home) noexcept override;
  void hold_back(bool waits) noexcept override;
  void end_turn() noexcept override;
  [[nodiscard]] bool has_to_send() const noexcept override;

 private:
  using State = RedisRoom::State;
  using Phase = RedisRoom::Phase;
  // The kinds of requests, for RequestTag::kind.
  enum class Ask : std::uint8_t {
    kPublish,
    kOpen,
    kFill,
    kRead,
    kBarrier,
    kRenew,
    kCount,   // RoomCounts: a question
    kList,    // RoomLists: a question
    kAnswer,  // an answer to one of these; its reply says nothing
  };

  // CountsOwner
  [[nodiscard]] RedisLink* link_for(std::string_view key) noexcept override;
  [[nodiscard]] bool is_subscribed(std::string_view key) noexcept override;

  // redis_rooms.cc: rooms, queues and time.
  [[nodiscard]] RedisRoom* room_of(std::uint32_t number) const noexcept;
  [[nodiscard]] RedisRoom* room_of(std::string_view key) const noexcept;
  [[nodiscard]] RedisRoom& room_of(const hub::RoomHome& home) const noexcept;
  // Returns nullptr while there is no link that is up.
  [[nodiscard]] static RedisLink* link_of(const RedisRoom& room) noexcept {
    return room.lane == nullptr ? nullptr : room.lane->link;
  }
  static void enqueue(RedisRoom& room, Phase phase) noexcept;
  static void leave_queue(RedisRoom& room) noexcept;
  void forget_requests(RedisRoom& room) noexcept;
  void begin_again(RedisRoom& room) noexcept;
  void begin_later(RedisRoom& room, std::uint64_t delay_ms) noexcept;
  void lose(RedisRoom& room) noexcept;
  void tell_lost(RedisRoom& room) noexcept;
  void lose_for_a_while(RedisRoom& room, std::uint64_t delay_ms) noexcept;
  void became_live(RedisRoom& room) noexcept;
  [[nodiscard]] RedisLane* lane_for(const RedisRoom& room) const noexcept {
    return slots_ ? (*slots_)[room.slot] : lanes_.front().get();
  }
  static void list_to_publish(RedisRoom& room) noexcept;
  static void list_to_check(RedisRoom& room) noexcept;
  void tend(RedisRoom& room);
  void renew(RedisRoom& room);
  static bool unsubscribe(RedisRoom& room) noexcept;
  void close(RedisRoom& room, bool failed) noexcept;
  void is_due(std::uint64_t at_ms) noexcept;
  void end_turn(RedisLane& lane);
  [[nodiscard]] static bool has_to_send(const RedisLane& lane) noexcept;
  void send_barrier(RedisRoom& room);
  void barrier_replied(RedisRoom& room, RespValue reply) noexcept;
  void unsubscribed(RedisLane& lane, std::string_view key) noexcept;
  [[nodiscard]] RequestTag tag_of(RedisRoom& room, Ask ask) noexcept;
  [[nodiscard]] static std::uint64_t ttl_ms(const RedisRoom& room) noexcept;
  [[nodiscard]] Tick tick_now() const noexcept { return now_ms_ / kTickMs; }
  [[nodiscard]] Tick tick_of(const RedisRoom& room, std::uint64_t redis_ms) const noexcept;
  void say(std::string_view event, const RedisRoom& room, std::string_view text) noexcept;
  void say_refused(const RedisRoom& room, std::string_view error) noexcept;

  // redis_lanes.cc: the links, and moves from one master to another.
  static void forget_link(RedisRoom& room) noexcept;
  static void need_scripts(RedisLane& lane) noexcept;
  static void leave_lists(RedisRoom& room) noexcept;
  [[nodiscard]] bool change_lane(RedisRoom& room) noexcept;
  void redirected(RedisRoom& room, std::string_view error) noexcept;
  void take_back(RedisRoom& room, std::uint64_t counter) noexcept;
  void all_answered(RedisRoom& room) noexcept;

  // redis_publish.cc: the batches of this node.
  [[nodiscard]] OwnBatch& batch_for(RedisRoom& room, std::size_t bytes, bool alone);
  [[nodiscard]] static bool publishes_wait(const RedisLane& lane) noexcept;
  void send_batches(RedisRoom& room);
  [[nodiscard]] std::string oldest_to_keep(const RedisRoom& room, std::size_t bytes) const;
  void send_batch(RedisRoom& room, OwnBatch& batch);
  void publish_replied(RedisRoom& room, std::uint64_t counter, RespValue reply) noexcept;
  [[nodiscard]] bool refuse_keyed(RedisRoom& room, std::uint64_t counter,
                                  std::string_view error) noexcept;
  void key_repeated(RedisRoom& room, OwnBatch& batch, RespValue id) noexcept;
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
  [[nodiscard]] static bool page_fits(const RedisRoom& room) noexcept;
  void send_page(RedisRoom& room);
  void page_failed(RedisRoom& room, std::string_view error) noexcept;
  void fill_replied(RedisRoom& room, RespValue reply);
  [[nodiscard]] bool fill_from(RedisRoom& room, const Position& first, std::string_view text);
  void filled(RedisRoom& room);
  void read_from(RedisRoom& room, const Position& from) noexcept;
  void read_replied(RedisRoom& room, RespValue reply);
  void read_entry(RedisRoom& room, const Position& first, std::string_view text);
  void leave_out(RedisRoom& room, const Position& first, std::string_view text);
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
  std::uint64_t now_ms_ = 0;
  std::uint64_t next_due_ms_ = ~std::uint64_t{0};
  std::uint64_t last_sweep_ms_ = 0;
  RoomsFigures figures_;
  std::uint64_t behind_ = 0;       // rooms that were lost with a link, and are not live since
  std::uint64_t requests_ = 0;     // the last name of a request
  std::uint64_t counter_ = 0;      // of the last batch
  std::uint32_t servers_ = 0;      // numbers for RedisLane::server
  hub::PublishTicket ticket_ = 0;  // the last one
  std::uint64_t held_back_ = 0;    // rooms with slow members
  RoomCounts counts_;
  RoomLists lists_;
  std::string head_;  // of a batch that is being sent

  std::vector<std::unique_ptr<RedisLane>> lanes_;
  std::unique_ptr<SlotLanes> slots_;               // nullptr: all rooms have the same lane
  std::vector<std::unique_ptr<RedisRoom>> rooms_;  // by number; number 0 is never used
  // Has space for all rooms, so that adding to it needs no memory.
  std::vector<std::uint32_t> free_numbers_;
  std::unordered_map<std::string_view, RedisRoom*, NameHash> by_key_;
  std::vector<std::unique_ptr<OwnBatch>> spare_batches_;
};

}  // namespace wsd::engine
