#include "sim/history/life.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "net/clock.h"
#include "sim/history/clock.h"
#include "wsd/history_log.h"

namespace wsd::sim {
namespace {

constexpr hub::Encoding kWithPositions = 1;
constexpr int kMostRounds = 400;

SharedBytes bytes_of(std::string_view text) { return SharedBytes::copy_of(as_bytes(text)); }

// A WebSocket frame of a server, as publishers hand it over.
SharedBytes frame_of(std::string_view text) {
  std::string frame = "\x81";
  if (text.size() < 126) {
    frame += static_cast<char>(text.size());
  } else {
    frame += '\x7e';
    frame += static_cast<char>(text.size() >> 8);
    frame += static_cast<char>(text.size() & 0xFF);
  }
  frame += text;
  return bytes_of(frame);
}

std::string_view text_of(std::string_view frame) {
  return frame.substr(
      std::min<std::size_t>(frame.size(), frame.size() > 1 && frame[1] == '\x7e' ? 4 : 2));
}

// Writes positions and notices into frames.
class Marker final : public hub::Encoder {
 public:
  SharedBytes encode(const SharedBytes& plain, hub::Encoding, const Position& position) override {
    return bytes_of(notice_text(Notice::Kind::kMessage, position, text_of(as_text(plain.bytes()))));
  }
  SharedBytes gap_notice(hub::Encoding encoding, const Position& position) override {
    if (encoding != kWithPositions) return {};
    return bytes_of(notice_text(Notice::Kind::kGap, position));
  }
  SharedBytes position_notice(hub::Encoding encoding, const Position& position) override {
    if (encoding != kWithPositions) return {};
    return bytes_of(notice_text(Notice::Kind::kPosition, position));
  }
};

// The two fibers are made once, because their stacks are mapped memory.
Fiber& writer_fiber() {
  static Fiber fiber;
  return fiber;
}
Fiber& sync_fiber() {
  static Fiber fiber;
  return fiber;
}

Marker& marker() {
  static Marker marker;
  return marker;
}

}  // namespace

std::string room_name(int room) { return "room-" + std::to_string(room); }

// A member of one room.
class Life::Watcher final : public hub::Member {
 public:
  Watcher(Observer& observer, std::uint32_t shard, int room, bool with_positions)
      : shard_(shard), observer_(observer) {
    sight.room = room;
    set_encoding(with_positions ? kWithPositions : hub::kIdentity);
  }
  virtual ~Watcher() = default;

  void deliver(const hub::Batch& batch) override { take(batch, false); }
  void replay(const hub::Batch& batch) override { take(batch, true); }
  void deliver(const SharedBytes&) override { broken("a member gets a frame for itself"); }
  void close(CloseCause, CloseCode, std::string_view) override { closed = true; }
  void on_deadline(Tick) override {}

  [[nodiscard]] std::uint32_t shard() const noexcept { return shard_; }

  Sight sight;
  bool closed = false;
  std::vector<std::pair<MessageId, Position>>* collected = nullptr;

 private:
  void take(const hub::Batch& batch, bool replayed) {
    for (const Slice& each : batch.frames()) {
      const std::string_view text = as_text(each.bytes());
      if (encoding() == hub::kIdentity) {
        observer_.on_plain(sight, text_of(text), replayed);
        continue;
      }
      observer_.on_frame(sight, text, replayed);
      if (collected == nullptr || observer_.blind()) continue;
      const Notice notice = parse_notice(text);
      if (notice.kind != Notice::Kind::kMessage) continue;
      collected->emplace_back(observer_.id_of(notice.text), notice.position);
    }
  }

  const std::uint32_t shard_;
  Observer& observer_;
};

class Life::Receipt final : public hub::RoomStateCallback {
 public:
  Receipt(Life& life, MessageId id) : life_(life), id_(id) {}
  void run(const RoomState& state) noexcept override {
    --life_.open_answers_;
    life_.trace_.note("  message %u is at %s", id_, position_text(state.last).c_str());
    life_.observer_.on_receipt(id_, state.last);
  }

 private:
  Life& life_;
  const MessageId id_;
};

class Life::Removal final : public hub::RemovalCallback {
 public:
  Removal(Life& life, int room, const std::optional<Position>& message)
      : life_(life), room_(room), message_(message) {}
  void run(std::optional<std::size_t> removed) noexcept override {
    --life_.open_answers_;
    life_.trace_.note("  removed in room %d: %d", room_, removed ? static_cast<int>(*removed) : -1);
    life_.observer_.on_removal_answered(room_, message_, removed);
  }

 private:
  Life& life_;
  const int room_;
  const std::optional<Position> message_;
};

Life::Life(const LifePlan& plan, Disk& disk, Observer& observer, Random& random, Trace& trace)
    : plan_(plan),
      disk_(disk),
      observer_(observer),
      random_(random),
      trace_(trace),
      wakers_(plan.shards) {
  disk_.pause = [this] {
    if (running_ != nullptr && random_.chance(30)) running_->pause();
  };
  disk_.yield = [this] {
    if (running_ != nullptr) {
      running_->pause();
    } else {
      resume_fibers();
    }
  };
}

// The process is dead, or has stopped. Its objects end as usual, and change nothing.
Life::~Life() {
  observer_.set_blind(true);
  disk_.die();
  finish_fibers();
  for (const auto& each : watchers_) hub_->shard(each->shard()).remove(*each);
  watchers_.clear();
  if (setup_ != nullptr) setup_->stop();
  hub_ = nullptr;
  setup_ = nullptr;
  disk_.pause = nullptr;
  disk_.yield = nullptr;
}

void Life::report(LogLevel, std::string_view event, std::string_view text) {
  trace_.note("  log: %.*s: %.*s", static_cast<int>(event.size()), event.data(),
              static_cast<int>(text.size()), text.data());
  if (disk_.dead()) return;
  if (event == "log_failed") observer_.on_log_failed();
  if (event == "log_resumed") observer_.on_log_resumed();
  if (event == "log_damaged") damaged_ = true;
}

std::string Life::start() {
  HistoryLogOptions options;
  options.directory = kLogDirectory;
  options.sync = plan_.mode;
  options.sync_interval_ms = plan_.interval_ms;
  setup_ = std::make_unique<server::EngineSetup>(
      options,
      [this](LogLevel level, std::string_view event, std::string_view text) {
        report(level, event, text);
      },
      plan_.segment_bytes);
  std::string error = setup_->open();
  if (!error.empty()) return error;
  hub::Shard::Options shard_options;
  shard_options.first_epoch = setup_->first_epoch(random_.below(std::uint64_t{1} << 48));
  shard_options.history = {plan_.limit, std::size_t{1} << 20, plan_.age, std::size_t{1} << 26};
  std::vector<hub::Waker*> wakers;
  for (Waker& each : wakers_) wakers.push_back(&each);
  hub_ = std::make_unique<hub::Hub>(wakers, shard_options);
  for (std::uint32_t i = 0; i < plan_.shards; ++i) {
    hub_->shard(i).set_encoder(&marker());
    hub_->shard(i).begin_turn(net::tick_of(net::monotonic_ms()), net::monotonic_ns());
  }
  return setup_->attach(*hub_);
}

void Life::check_restored(bool goes_on) {
  for (int room = 0; room < plan_.rooms && !disk_.dead(); ++room) {
    const std::uint32_t home = hub_->home_of(room_name(room));
    std::vector<std::pair<MessageId, Position>> replayed;
    Watcher reader(observer_, home, room, true);
    reader.collected = &replayed;
    hub::Shard& shard = hub_->shard(home);
    shard.add(reader);
    observer_.on_join(reader.sight);
    shard.join(reader, room_name(room), Since::last(1'000'000));
    shard.remove(reader);
    const Position last = reader.sight.at.value_or(Position{});
    trace_.note("  room %d is restored at %s with %zu messages", room, position_text(last).c_str(),
                replayed.size());
    observer_.on_restored(room, replayed, last, plan_.limit);
    if (goes_on && !replayed.empty()) observer_.check_epoch(room, last);
  }
}

// Turns

void Life::turn(std::uint32_t index) {
  hub::Shard& shard = hub_->shard(index);
  const Tick now = net::tick_of(net::monotonic_ms());
  shard.begin_turn(now, net::monotonic_ns());
  shard.drain();
  shard.wheel().advance(now);
  while (hub::Timer* const timer = shard.wheel().pop_due()) {
    static_cast<hub::Scheduled*>(timer)->on_deadline(now);
  }
  shard.fan_out();
  static_cast<void>(shard.take_resumed());
}

// Runs a thread of the log, to its next pause or to the end of its turn.
void Life::run(Fiber& fiber, bool writes, bool to_end) {
  if (fiber.ended()) {
    fiber.start([this, writes] {
      static_cast<void>(writes ? setup_->store().write_turn(0) : setup_->store().sync_turn(0));
    });
  }
  resume(fiber);
  while (to_end && !fiber.ended()) resume_fibers();
}

void Life::resume(Fiber& fiber) {
  running_ = &fiber;
  fiber.resume();
  running_ = nullptr;
}

// Each may wait for a lock that the other one holds.
void Life::resume_fibers() {
  for (Fiber* const each : {&writer_fiber(), &sync_fiber()}) {
    if (!each->ended()) resume(*each);
  }
}

void Life::finish_fibers() {
  while (!writer_fiber().ended() || !sync_fiber().ended()) resume_fibers();
}

void Life::drop_closed() {
  std::erase_if(watchers_, [this](const std::unique_ptr<Watcher>& each) {
    if (!each->closed) return false;
    hub_->shard(each->shard()).remove(*each);
    return true;
  });
}

void Life::step() {
  const std::uint64_t choice = random_.below(100);
  if (choice < 30) {
    turn(static_cast<std::uint32_t>(random_.below(plan_.shards)));
  } else if (choice < 50) {
    run(writer_fiber(), true, false);
  } else if (choice < 60) {
    run(sync_fiber(), false, false);
  } else if (choice < 80) {
    publish();
  } else if (choice < 86) {
    join();
  } else if (choice < 89) {
    leave();
  } else if (choice < 91) {
    remove_messages();
  } else if (choice == 91 && random_.chance(30)) {
    read_log();
  } else {
    Clock::pass_ms(random_.chance(10) ? random_.between(200, 1500) : random_.between(1, 30));
  }
  drop_closed();
}

void Life::publish() {
  const int room = static_cast<int>(random_.below(static_cast<std::uint64_t>(plan_.rooms)));
  const std::uint64_t count = random_.chance(20) ? random_.between(2, 8) : 1;
  for (std::uint64_t i = 0; i < count; ++i) publish_to(room);
}

void Life::publish_to(int room) {
  const std::size_t most = random_.chance(10) ? plan_.filler * 20 : plan_.filler;
  const MessageId id = observer_.publish(room, static_cast<std::size_t>(random_.below(most + 1)));
  trace_.note("  message %u is published to room %d", id, room);
  SharedBytes frame = frame_of(observer_.text(id));
  auto receipt = std::make_unique<Receipt>(*this, id);
  ++open_answers_;
  if (watchers_.empty() || random_.chance(40)) {
    if (hub_->publish(room_name(room), std::move(frame), std::move(receipt)) != SendResult::kSent) {
      --open_answers_;
    }
    return;
  }
  Watcher& by = *watchers_[static_cast<std::size_t>(random_.below(watchers_.size()))];
  static_cast<void>(hub_->shard(by.shard())
                        .publish(room_name(room), std::move(frame), std::move(receipt), by.id()));
}

void Life::join() {
  const int room = static_cast<int>(random_.below(static_cast<std::uint64_t>(plan_.rooms)));
  const auto home = static_cast<std::uint32_t>(random_.below(plan_.shards));
  watchers_.push_back(std::make_unique<Watcher>(observer_, home, room, random_.chance(85)));
  Watcher& watcher = *watchers_.back();
  hub_->shard(home).add(watcher);
  Since since;
  switch (random_.below(3)) {
    case 0:
      since = Since::last(static_cast<std::uint32_t>(random_.below(20)));
      break;
    case 1:
      if (const auto position = observer_.some_position(room, random_.next())) {
        since = Since::after(*position);
        watcher.sight.at = position;
      }
      break;
    default:
      break;
  }
  observer_.on_join(watcher.sight);
  hub_->shard(home).join(watcher, room_name(room), since);
}

void Life::leave() {
  if (watchers_.empty()) return;
  const auto at = static_cast<std::size_t>(random_.below(watchers_.size()));
  Watcher& watcher = *watchers_[at];
  hub_->shard(watcher.shard()).remove(watcher);
  watchers_.erase(watchers_.begin() + static_cast<std::ptrdiff_t>(at));
}

void Life::remove_messages() {
  const int room = static_cast<int>(random_.below(static_cast<std::uint64_t>(plan_.rooms)));
  std::optional<Position> message;
  if (random_.chance(80)) {
    message = observer_.some_position(room, random_.next());
    if (!message) return;
  }
  trace_.note("  removal in room %d: %s", room, message ? position_text(*message).c_str() : "all");
  observer_.on_removal_asked(room, message);
  ++open_answers_;
  const SendResult result =
      hub_->remove(room_name(room), message, std::make_unique<Removal>(*this, room, message));
  if (result != SendResult::kSent) --open_answers_;
}

// What `wsd log` does beside the server.
void Life::read_log() {
  const HistoryLogReport report = read_history_log(kLogDirectory);
  if (disk_.dead()) return;
  if (!report.error.empty()) broken("the log cannot be read: %s", report.error.c_str());
  if (!report.in_use) broken("the log is in use, and a reader does not see it");
  for (const LoggedRoom& each : report.rooms) {
    const int room = std::stoi(each.name.substr(each.name.find('-') + 1));
    static_cast<void>(visit_history_log(
        kLogDirectory, each.name, std::nullopt, [&](const LoggedMessage& message) {
          if (!disk_.dead()) observer_.on_logged(room, message.position, message.payload);
        }));
  }
}

// Rest

void Life::settle() {
  for (int round = 0; round < kMostRounds && !disk_.dead(); ++round) {
    for (std::uint32_t i = 0; i < plan_.shards; ++i) turn(i);
    run(writer_fiber(), true, true);
    run(sync_fiber(), false, true);
    drop_closed();
    bool idle = open_answers_ == 0;
    for (std::uint32_t i = 0; i < plan_.shards; ++i) {
      idle = idle && !hub_->shard(i).has_pending() && hub_->shard(i).arm();
    }
    if (idle) return;
    Clock::pass_ms(1);
  }
  if (!disk_.dead()) broken("%zu publishes and removals are not answered", open_answers_);
}

void Life::check_recovery() {
  constexpr int kMostTries = 8;
  for (int i = 0; i < kMostTries && !disk_.dead(); ++i) {
    settle();
    if (!setup_->figures().failed) break;
    Clock::pass_ms(600);
  }
  if (disk_.dead()) return;
  if (setup_->figures().failed) broken("the disk is well, and the log does not work again");
  // The shards learn it from the answer to the next batch.
  for (int i = 0; i < 3 && !disk_.dead(); ++i) {
    publish();
    settle();
  }
  if (disk_.dead()) return;
  for (int room = 0; room < plan_.rooms; ++room) {
    for (std::uint32_t i = 0; i < 2; ++i) publish_to(room);
    settle();
  }
  if (disk_.dead()) return;
  observer_.on_settled();
  check_members();
}

// Everybody has seen everything.
void Life::check_members() {
  class Query final : public hub::RoomStateCallback {
   public:
    explicit Query(Position& into) : into_(into) {}
    void run(const RoomState& state) noexcept override { into_ = state.last; }

   private:
    Position& into_;
  };
  for (const auto& each : watchers_) {
    const std::string name = room_name(each->sight.room);
    Position last;
    hub_->shard(hub_->home_of(name)).query(name, std::make_unique<Query>(last));
    if (each->encoding() == hub::kIdentity || !each->sight.at) continue;
    if (*each->sight.at != last) {
      broken("a member of room %d is at %s, and the room is at %s", each->sight.room,
             position_text(*each->sight.at).c_str(), position_text(last).c_str());
    }
  }
}

void Life::stop() {
  finish_fibers();
  setup_->stop();
}

}  // namespace wsd::sim
