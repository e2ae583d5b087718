#include "model/litmus.h"

#include <array>
#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/checked.h"

namespace wsd::model {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;
constexpr auto kAcqRel = std::memory_order_acq_rel;
constexpr auto kSeqCst = std::memory_order_seq_cst;

struct Variables {
  CheckedAtomic<std::uint64_t> x{0};
  CheckedAtomic<std::uint64_t> y{0};
  CheckedAtomic<std::uint64_t> f{0};
  Plain<std::uint64_t> plain;
  std::array<Ghost<std::uint64_t>, 4> r;  // the values read; an outcome is all four
};

using Body = void (*)(Variables&);
using Outcomes = std::set<std::string>;

class Litmus final : public Scenario {
 public:
  Litmus(const std::vector<Body>* bodies, Outcomes* seen) : bodies_(*bodies), seen_(*seen) {}
  [[nodiscard]] unsigned threads() const override { return static_cast<unsigned>(bodies_.size()); }
  void body(unsigned thread) override { bodies_[thread](variables_); }
  void end() override {
    std::string outcome;
    for (const auto& each : variables_.r) outcome += std::to_string(std::uint64_t{each});
    seen_.insert(outcome);
  }

 private:
  const std::vector<Body>& bodies_;
  Outcomes& seen_;
  Variables variables_;
};

struct Case {
  const char* name;
  std::vector<Body> bodies;
  Outcomes expected;  // r[0] to r[3] as digits; "race" for a data race
};

template <std::memory_order Store, std::memory_order Load>
std::vector<Body> store_buffering() {
  return {[](Variables& v) {
            v.x.store(1, Store);
            v.r[0] = v.y.load(Load);
          },
          [](Variables& v) {
            v.y.store(1, Store);
            v.r[1] = v.x.load(Load);
          }};
}

template <std::memory_order Store, std::memory_order Load>
std::vector<Body> message_passing() {
  return {[](Variables& v) {
            v.x.store(1, kRelaxed);
            v.f.store(1, Store);
          },
          [](Variables& v) {
            v.r[0] = v.f.load(Load);
            v.r[1] = v.x.load(kRelaxed);
          }};
}

// A thread adds to the flag between its writer and its reader.
template <std::memory_order Between>
std::vector<Body> release_sequence() {
  return {[](Variables& v) {
            v.plain = 1;
            v.f.store(1, kRelease);
          },
          [](Variables& v) {
            std::uint64_t one = 1;
            v.f.compare_exchange_strong(one, 2, Between, kRelaxed);
          },
          [](Variables& v) {
            v.r[0] = v.f.load(kAcquire);
            if (v.r[0] == 2) v.plain = 2;
          }};
}

template <std::memory_order Store, std::memory_order Load>
std::vector<Body> two_readers_of_two_writers() {
  return {[](Variables& v) { v.x.store(1, Store); }, [](Variables& v) { v.y.store(1, Store); },
          [](Variables& v) {
            v.r[0] = v.x.load(Load);
            v.r[1] = v.y.load(Load);
          },
          [](Variables& v) {
            v.r[2] = v.y.load(Load);
            v.r[3] = v.x.load(Load);
          }};
}

Outcomes all_of_four(const Outcomes& without) {
  Outcomes all;
  for (int i = 0; i < 16; ++i) {
    std::string outcome;
    for (int bit = 0; bit < 4; ++bit) outcome += (i >> bit & 1) != 0 ? '1' : '0';
    if (without.count(outcome) == 0) all.insert(outcome);
  }
  return all;
}

std::vector<Case> cases() {
  return {
      {"store buffering, seq_cst", store_buffering<kSeqCst, kSeqCst>(), {"0100", "1000", "1100"}},
      {"store buffering, release and acquire",
       store_buffering<kRelease, kAcquire>(),
       {"0000", "0100", "1000", "1100"}},
      {"store buffering, seq_cst stores and acquire loads",
       store_buffering<kSeqCst, kAcquire>(),
       {"0000", "0100", "1000", "1100"}},
      {"store buffering, release stores and seq_cst loads",
       store_buffering<kRelease, kSeqCst>(),
       {"0000", "0100", "1000", "1100"}},
      {"message passing, release and acquire",
       message_passing<kRelease, kAcquire>(),
       {"0000", "0100", "1100"}},
      {"message passing, release and relaxed",
       message_passing<kRelease, kRelaxed>(),
       {"0000", "0100", "1000", "1100"}},
      {"message passing, relaxed and acquire",
       message_passing<kRelaxed, kAcquire>(),
       {"0000", "0100", "1000", "1100"}},
      {"message passing, seq_cst", message_passing<kSeqCst, kSeqCst>(), {"0000", "0100", "1100"}},
      {"coherence of two reads",
       {[](Variables& v) { v.x.store(1, kRelaxed); },
        [](Variables& v) {
          v.r[0] = v.x.load(kRelaxed);
          v.r[1] = v.x.load(kRelaxed);
        }},
       {"0000", "0100", "1100"}},
      {"a release sequence goes on through a relaxed read-modify-write",
       release_sequence<kRelaxed>(),
       {"0000", "1000", "2000"}},
      {"a plain variable without a flag",
       {[](Variables& v) {
          v.plain = 1;
          v.f.store(1, kRelaxed);
        },
        [](Variables& v) {
          if (v.f.load(kAcquire) == 1) v.plain = 2;
        }},
       {"race"}},
      {"read-modify-writes see each other",
       {[](Variables& v) { v.r[0] = v.x.fetch_add(1, kRelaxed); },
        [](Variables& v) { v.r[1] = v.x.fetch_add(1, kRelaxed); },
        [](Variables& v) { v.r[2] = v.x.fetch_add(1, kRelaxed); }},
       {"0120", "0210", "1020", "1200", "2010", "2100"}},
      {"a weak compare-exchange may fail for nothing",
       {[](Variables& v) {
         std::uint64_t zero = 0;
         v.r[0] = v.x.compare_exchange_weak(zero, 1, kRelaxed, kRelaxed) ? 1U : 0U;
       }},
       {"0000", "1000"}},
      {"a strong one may not",
       {[](Variables& v) {
         std::uint64_t zero = 0;
         v.r[0] = v.x.compare_exchange_strong(zero, 1, kRelaxed, kRelaxed) ? 1U : 0U;
       }},
       {"1000"}},
      {"two readers of two writers, seq_cst", two_readers_of_two_writers<kSeqCst, kSeqCst>(),
       all_of_four({"1010"})},
      {"two readers of two writers, release and acquire",
       two_readers_of_two_writers<kRelease, kAcquire>(), all_of_four({})},
      // The order of seq_cst operations is not the order of time. If a thread knows of x only
      // through relaxed operations on f, the order does not place x first.
      {"seq_cst beside relaxed",
       {[](Variables& v) {
          v.x.store(1, kSeqCst);
          v.f.store(1, kRelaxed);
        },
        [](Variables& v) {
          v.r[0] = v.f.load(kRelaxed);
          v.r[1] = v.x.load(kSeqCst);
        }},
       {"0000", "0100", "1000", "1100"}},
      // Store buffering with read-modify-writes, as in the gate.
      {"store buffering of updates, seq_cst",
       {[](Variables& v) {
          v.x.fetch_add(1, kSeqCst);
          v.r[0] = v.y.load(kSeqCst);
        },
        [](Variables& v) {
          v.y.fetch_add(1, kSeqCst);
          v.r[1] = v.x.load(kSeqCst);
        }},
       {"0100", "1000", "1100"}},
      {"store buffering of updates, acq_rel",
       {[](Variables& v) {
          v.x.fetch_add(1, kAcqRel);
          v.r[0] = v.y.load(kAcquire);
        },
        [](Variables& v) {
          v.y.fetch_add(1, kAcqRel);
          v.r[1] = v.x.load(kAcquire);
        }},
       {"0000", "0100", "1000", "1100"}},
  };
}

}  // namespace

bool run_litmus_tests() {
  int good = 0;
  const std::vector<Case> all = cases();
  for (const Case& each : all) {
    Outcomes seen;
    Explorer explorer(making<Litmus>(&each.bodies, &seen));
    explorer.allow_spurious_failures(1);
    const Outcome outcome = explorer.explore();
    if (!outcome.failure.empty()) seen = {"race"};
    if (seen == each.expected) {
      ++good;
      continue;
    }
    std::printf("FAILED: litmus: %s: saw", each.name);
    for (const std::string& one : seen) std::printf(" %s", one.c_str());
    std::printf("\n");
  }
  std::printf("litmus: %d of %zu programs have exactly the outcomes of C++20\n", good, all.size());
  return good == static_cast<int>(all.size());
}

}  // namespace wsd::model
