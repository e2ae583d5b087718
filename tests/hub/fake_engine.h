// An engine that keeps what the test lets it keep.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hub/fake_member.h"
#include "hub/room_engine.h"

namespace wsd::hub {

class FakeEngine final : public RoomEngine {
 public:
  explicit FakeEngine(Shard& shard, bool refusing = false)
      : refusing_(refusing), sink_(shard.sink()) {
    shard.set_engine(this);
  }

  Ticket publish(RoomHome& home, const Position& position, std::uint64_t oldest, std::uint64_t from,
                 const SharedBytes& frame) override {
    if (out_of_memory) throw std::bad_alloc();
    if (home.engine_number == 0) home.engine_number = ++rooms_;
    taken.push_back(position_text(position) + " " + std::string(as_text(frame.bytes())));
    positions.push_back(position);
    oldests.push_back(oldest);
    froms.push_back(from);
    return ++last_;
  }
  Ticket remove(RoomHome& /*home*/, std::uint64_t seq, bool all_before) override {
    taken.push_back((all_before ? "remove up to " : "remove ") + std::to_string(seq));
    return ++last_;
  }
  void close(RoomHome& home) noexcept override {
    if (home.engine_number != 0) closed.emplace_back(home.name());
  }
  void end_turn() noexcept override { sent_ = last_; }
  [[nodiscard]] bool has_to_send() const noexcept override { return sent_ != last_; }
  [[nodiscard]] bool refuses() const noexcept override { return refusing_; }

  void keep(Ticket up_to) { sink_.kept(up_to); }
  void keep_all() { sink_.kept(last_); }
  void lose(EngineTerm term) { sink_.lost(term); }

  bool out_of_memory = false;
  std::vector<std::string> taken;
  std::vector<Position> positions;
  std::vector<std::uint64_t> oldests;
  std::vector<std::uint64_t> froms;
  std::vector<std::string> closed;

 private:
  const bool refusing_;
  RoomSink& sink_;
  std::uint32_t rooms_ = 0;
  Ticket last_ = 0;
  Ticket sent_ = 0;
};

}  // namespace wsd::hub
