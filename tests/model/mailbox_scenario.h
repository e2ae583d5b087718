// Producers push. The owner runs a loop like a reactor: take, work, arm, sleep, wake.
//
//   producer  push ──┐               ┌── take ◄── wake ◄─┐
//                    ├──► mailbox ──►│                   │
//   producer  push ──┘               └── work ─► arm ─► sleep
//         └── wakes the owner if it was armed ───────────┘
#pragma once

#include <array>
#include <cstdint>

#include "model/checked.h"

namespace wsd::model {

constexpr unsigned kMaxProducers = 3;
constexpr unsigned kMaxPushes = 3;

struct MailboxSettings {
  unsigned producers = 2;
  unsigned pushes = 2;       // of each
  unsigned other_wakes = 0;  // how often another event ends the owner's sleep
  unsigned spurious = 1;     // weak compare-exchanges that fail spuriously
  bool arms_twice = false;   // before each sleep
};

struct Node {
  Plain<Node*> next;
  Plain<unsigned> body;
  unsigned producer = 0;
};

template <template <class, template <class> class> class Box>
class MailboxScenario final : public Scenario {
 public:
  explicit MailboxScenario(const MailboxSettings& settings) : settings_(settings) {
    for (unsigned p = 0; p < kMaxProducers; ++p) {
      for (Node& node : nodes_[p]) node.producer = p;
    }
    other_wakes_ = settings_.other_wakes;
  }

  // The last thread is the owner.
  [[nodiscard]] unsigned threads() const override { return settings_.producers + 1; }
  void body(unsigned thread) override {
    if (thread < settings_.producers) {
      produce(thread);
    } else {
      own();
    }
  }
  void end() override {
    for (unsigned p = 0; p < settings_.producers; ++p) {
      Explorer::current().check(taken_[p] == settings_.pushes, "a node was not taken");
    }
    Explorer::current().check(box_.take() == nullptr, "a node is left");
  }

 private:
  void produce(unsigned producer) {
    Explorer& explorer = Explorer::current();
    for (unsigned i = 0; i < settings_.pushes; ++i) {
      Node& node = nodes_[producer][i];
      node.body = i;
      const bool wake = box_.push(&node);
      explorer.check(wake == armed_, wake ? "push says wake, but the owner is not armed"
                                          : "push into an armed mailbox does not say wake");
      armed_ = false;
      if (wake) {
        explorer.at(2 * i + 1);
        wakes_.wake();
      }
      explorer.at(2 * i + 2);
    }
  }

  void own() {
    Explorer& explorer = Explorer::current();
    std::array<unsigned, kMaxProducers> next = {};
    for (unsigned left = settings_.producers * settings_.pushes;;) {
      Node* node = box_.take();
      armed_ = false;
      while (node != nullptr) {
        const unsigned body = node->body;
        explorer.check(body == next[node->producer], "out of order, or taken twice");
        explorer.check(left != 0, "more nodes than were pushed");
        taken_[node->producer] = ++next[node->producer];
        --left;
        node = node->next;
      }
      if (left == 0) return;
      explorer.at(place(0, next));
      if (box_.arm()) {
        armed_ = true;
        explorer.at(place(1, next));
        if (!settings_.arms_twice || box_.arm()) sleep();
      }
      explorer.at(place(2, next));
    }
  }

  void sleep() {
    if (other_wakes_ != 0 && Explorer::current().choose(2, false) == 1) {
      other_wakes_ = other_wakes_ - 1;
      static_cast<void>(Explorer::current().choose(1, true));  // some time later
    } else {
      wakes_.sleep();
    }
  }

  [[nodiscard]] static std::uint64_t place(std::uint64_t where,
                                           const std::array<unsigned, kMaxProducers>& next) {
    for (const unsigned each : next) where = where << 8 | each;
    return where;
  }

  const MailboxSettings settings_;
  Box<Node, CheckedAtomic> box_;
  WakeCounter wakes_;
  std::array<std::array<Node, kMaxPushes>, kMaxProducers> nodes_;
  std::array<Ghost<unsigned>, kMaxProducers> taken_;
  Ghost<bool> armed_;  // armed, as far as the results of arm, push and take show
  Ghost<unsigned> other_wakes_;
};

}  // namespace wsd::model
