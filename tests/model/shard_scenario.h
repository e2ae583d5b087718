// Mailbox and gate as shards use them. Two reactors publish to a room whose home shard is on a
// third. They enter its gate and post. If the gate is full, they wait for a ResumeMail in their own
// mailbox.
//
//   publisher 0 ─ enter, post ─┐            ┌─ leave ─► ResumeMail ─► mailbox 0
//                              ├─► mailbox ─┤
//   publisher 1 ─ enter, post ─┘   of home  └─ leave ─► ResumeMail ─► mailbox 1
//
// It repeats Shard::post(), Shard::open_gate() and the sleep of Reactor::turn() in the terms of the
// model.
#pragma once

#include <array>
#include <cstdint>

#include "model/checked.h"

namespace wsd::model {

constexpr unsigned kPublishers = 2;
constexpr unsigned kMaxPublishes = 2;

struct ShardSettings {
  std::uint32_t bound = 1;
  std::array<unsigned, kPublishers> publishes = {2, 1};
  unsigned spurious = 0;
};

template <template <class, template <class> class> class Box,
          template <template <class> class> class Gate>
class ShardScenario final : public Scenario {
 public:
  explicit ShardScenario(const ShardSettings& settings)
      : settings_(settings), gate_(settings.bound) {
    for (unsigned p = 0; p < kPublishers; ++p) {
      for (Mail& mail : publishes_[p]) mail.publisher = p;
    }
  }

  [[nodiscard]] unsigned threads() const override { return kPublishers + 1; }
  void body(unsigned thread) override {
    if (thread < kPublishers) {
      publish(thread);
    } else {
      serve();
    }
  }
  void end() override {
    Explorer& explorer = Explorer::current();
    explorer.check(gate_.queued() == 0, "the count does not return to zero");
    for (unsigned p = 0; p < kPublishers; ++p) {
      explorer.check(served_[p] == settings_.publishes[p], "a message was not taken");
    }
    // Takes a resume that came unrequested: mailboxes must be empty when they are destroyed.
    for (Shard& shard : shards_) static_cast<void>(shard.box.take());
  }

 private:
  struct Mail {
    Plain<Mail*> next;
    Plain<unsigned> body;
    unsigned publisher = 0;
  };
  struct Shard {
    Box<Mail, CheckedAtomic> box;
    WakeCounter wakes;
  };

  static void post(Shard& shard, Mail& mail) {
    if (shard.box.push(&mail)) shard.wakes.wake();
  }

  void publish(unsigned self) {
    Explorer& explorer = Explorer::current();
    for (unsigned i = 0; i < settings_.publishes[self]; ++i) {
      const bool go_on = gate_.enter(1, self);
      explorer.at(2 * i + (go_on ? 1 : 2));
      publishes_[self][i].body = i;
      post(shards_[kPublishers], publishes_[self][i]);
      explorer.at(2 * i + (go_on ? 101 : 102));
      if (!go_on) wait_for_resume(shards_[self], 2 * i + 102);
      explorer.at(2 * i + 101);
    }
  }

  static void wait_for_resume(Shard& shard, std::uint64_t place) {
    while (shard.box.take() == nullptr) {
      Explorer::current().at(place << 8 | 1);
      if (shard.box.arm()) shard.wakes.sleep();
      Explorer::current().at(place);
    }
  }

  void serve() {
    Explorer& explorer = Explorer::current();
    Shard& home = shards_[kPublishers];
    std::array<unsigned, kPublishers> served = {};
    unsigned resumes = 0;
    unsigned left = settings_.publishes[0] + settings_.publishes[1];
    const auto place = [&](std::uint64_t where) {
      return where << 24 | served[0] << 16 | served[1] << 8 | resumes;
    };
    for (;;) {
      for (Mail* mail = home.box.take(); mail != nullptr;) {
        const unsigned body = mail->body;
        explorer.check(body == served[mail->publisher], "out of order, or taken twice");
        served_[mail->publisher] = ++served[mail->publisher];
        --left;
        Mail* const next = mail->next;
        for (std::uint64_t waiters = gate_.leave(1); waiters != 0; waiters &= waiters - 1) {
          post(shards_[(waiters & 1) != 0 ? 0 : 1], resumes_[resumes]);
          ++resumes;
        }
        mail = next;
      }
      if (left == 0) return;
      explorer.at(place(1));
      if (home.box.arm()) {
        explorer.at(place(2));
        home.wakes.sleep();
      }
      explorer.at(place(3));
    }
  }

  const ShardSettings settings_;
  std::array<Shard, kPublishers + 1> shards_;
  Gate<CheckedAtomic> gate_;
  std::array<std::array<Mail, kMaxPublishes>, kPublishers> publishes_;
  std::array<Mail, kPublishers * kPublishers * kMaxPublishes> resumes_;
  std::array<Ghost<unsigned>, kPublishers> served_;
};

}  // namespace wsd::model
