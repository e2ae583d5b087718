// An order engine that answers when the test says so.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "hub/fake_member.h"
#include "hub/order_engine.h"

namespace wsd::hub {

class FakeOrderEngine final : public OrderEngine {
 public:
  explicit FakeOrderEngine(Shard& shard) : sink(shard.order_sink()) {
    shard.set_order_engine(this);
  }

  struct Publish {
    PublishTicket ticket = 0;
    std::string text;
    std::string key;  // empty: none
  };

  void open(RoomHome& home) override {
    if (out_of_memory) throw std::bad_alloc();
    ++opens;
    room = &home;
    unwanted_now = false;
  }
  PublishTicket publish(RoomHome& home, const SharedBytes& frame, const PublishKey* key) override {
    if (out_of_memory) throw std::bad_alloc();
    room = &home;
    taken.push_back(
        {++last_, std::string(as_text(frame.bytes())), key == nullptr ? "" : key->text});
    return last_;
  }
  CountTicket count(std::string_view name) override {
    if (out_of_memory) throw std::bad_alloc();
    counts.emplace_back(name);
    return counts.size();
  }
  ListTicket list(std::string_view name, const MembersQuery& query) override {
    if (out_of_memory) throw std::bad_alloc();
    lists.emplace_back(name, query);
    return lists.size();
  }
  void check(RoomHome& /*home*/) override {
    if (out_of_memory) throw std::bad_alloc();
    ++checks;
  }
  void unwanted(RoomHome& /*home*/) noexcept override { unwanted_now = true; }
  void hold_back(bool waits) noexcept override { held_back = waits; }
  void end_turn() noexcept override { sent_ = last_; }
  [[nodiscard]] bool has_to_send() const noexcept override { return sent_ != last_; }

  // The oldest publish without an answer gets this position, or fails.
  void place(const Position& position) {
    const Publish publish = take();
    sink.placed(*room, publish.ticket, position);
  }
  void fail(PublishFailure why) {
    const Publish publish = take();
    sink.failed(*room, publish.ticket, why);
  }
  void repeat(const Position& position) {
    const Publish publish = take();
    sink.repeated(*room, publish.ticket, position);
  }
  void arrive(const Position& position, const std::string& text) {
    sink.arrived(*room, position, frame_of(text), 0);
  }
  void begin(const Position& last, const std::vector<std::string>& texts = {}) {
    std::vector<std::pair<std::string, Tick>> kept;
    for (const std::string& text : texts) kept.emplace_back(text, 0);
    begin_at(last, kept);
  }
  // The same with the times of the messages.
  void begin_at(const Position& last, const std::vector<std::pair<std::string, Tick>>& messages) {
    std::vector<KeptMessage> kept;
    for (const auto& [text, at] : messages) kept.push_back({frame_of(text), at});
    sink.opened(*room, last, kept);
  }

  OrderSink& sink;
  RoomHome* room = nullptr;  // of the latest open() or publish()
  bool out_of_memory = false;
  bool unwanted_now = false;
  bool held_back = false;
  int opens = 0;
  int checks = 0;
  std::vector<Publish> taken;
  std::vector<std::string> counts;  // the rooms of count(); its ticket is the index plus 1
  std::vector<std::pair<std::string, MembersQuery>> lists;  // of list(), in the same way

 private:
  Publish take() {
    Publish first = taken.front();
    taken.erase(taken.begin());
    return first;
  }

  PublishTicket last_ = 0;
  PublishTicket sent_ = 0;
};

}  // namespace wsd::hub
