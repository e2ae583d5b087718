// Members and wakers that only record the calls, and a hub that a test drives by hand.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/shared_bytes.h"
#include "hub/hub.h"
#include "hub/member.h"
#include "hub/shard.h"

namespace wsd::hub {

[[nodiscard]] inline SharedBytes frame_of(std::string_view text) {
  return SharedBytes::copy_of(as_bytes(text));
}

class FakeMember final : public Member {
 public:
  FakeMember() = default;
  FakeMember(const FakeMember&) = delete;
  FakeMember& operator=(const FakeMember&) = delete;
  virtual ~FakeMember() = default;

  void deliver(const Batch& batch) override {
    ++batches;
    for (const Slice& frame : batch.frames()) received.emplace_back(as_text(frame.bytes()));
  }
  void deliver(const SharedBytes& frame) override { received.emplace_back(as_text(frame.bytes())); }
  void close(CloseCause cause, CloseCode code, std::string_view reason) override {
    ++closes;
    close_cause = cause;
    close_code = code;
    close_reason = reason;
  }
  void join_refused(std::string_view room, JoinRefusal why) override {
    refusals.emplace_back(std::string(room), why);
    if (on_refusal) std::exchange(on_refusal, nullptr)();
  }
  void on_deadline(Tick now) override { fired.push_back(now); }

  // Returns whether the member has joined `room`. A pending join does not count.
  [[nodiscard]] bool is_in(std::string_view room) {
    for (std::size_t i = 0; i < memberships().size(); ++i) {
      const Membership& each = memberships().at(i);
      if (each.room->name == room) return each.index != Membership::kPending;
    }
    return false;
  }

  std::vector<std::string> received;
  int batches = 0;
  int closes = 0;
  CloseCause close_cause = CloseCause::kEof;
  CloseCode close_code = CloseCode::kNoStatus;
  std::string close_reason;
  std::vector<Tick> fired;
  std::vector<std::pair<std::string, JoinRefusal>> refusals;
  std::function<void()> on_refusal;  // called once
};

class FakeWaker final : public Waker {
 public:
  void wake() noexcept override { ++wakes; }
  int wakes = 0;
};

// A hub with shards that the test drives by hand, in one thread.
class ManualHub {
 public:
  explicit ManualHub(std::uint32_t shards, std::uint32_t max_pending_publishes = 65'536,
                     const HistoryLimits& history = {})
      : ManualHub(shards, Shard::Options{max_pending_publishes, 1, 0, 0, history}) {}
  ManualHub(std::uint32_t shards, const Shard::Options& options)
      : wakers_(shards), hub_(pointers(wakers_), options) {}

  [[nodiscard]] Hub& hub() { return hub_; }
  [[nodiscard]] Shard& shard(std::uint32_t index) { return hub_.shard(index); }
  [[nodiscard]] FakeWaker& waker(std::uint32_t index) { return wakers_[index]; }
  [[nodiscard]] std::uint32_t size() const { return hub_.shard_count(); }

  // Returns the name of a room with that home shard. Each `salt` gives another name. The hash key
  // differs in each process, so the name must be searched for.
  [[nodiscard]] std::string room_at(std::uint32_t home, int salt = 0) const {
    for (int i = 0;; ++i) {
      std::string name = "room-" + std::to_string(salt) + "-" + std::to_string(i);
      if (hub_.home_of(name) == home) return name;
    }
  }

  // Begins a turn at `now` on all shards, and fires the timers that are due.
  void advance(Tick now) {
    for (std::uint32_t i = 0; i < size(); ++i) {
      shard(i).begin_turn(now, now * kTickMs * 1'000'000);
      shard(i).wheel().advance(now);
      while (Timer* const timer = shard(i).wheel().pop_due()) {
        static_cast<Scheduled*>(timer)->on_deadline(now);
      }
    }
  }

  // Runs turns of all shards until no work is left.
  void settle() {
    for (bool idle = false; !idle;) {
      for (std::uint32_t i = 0; i < size(); ++i) {
        shard(i).drain();
        shard(i).fan_out();
      }
      idle = true;
      for (std::uint32_t i = 0; i < size(); ++i) {
        static_cast<void>(shard(i).take_resumed());
        idle = idle && shard(i).arm() && !shard(i).has_pending();
      }
    }
  }

 private:
  [[nodiscard]] static std::vector<Waker*> pointers(std::vector<FakeWaker>& wakers) {
    std::vector<Waker*> all;
    for (FakeWaker& each : wakers) all.push_back(&each);
    return all;
  }

  std::vector<FakeWaker> wakers_;
  Hub hub_;
};

}  // namespace wsd::hub
