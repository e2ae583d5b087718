// Explores all schedules of a few threads on the memory of memory.h by depth-first search.
//
// The explorer runs a scenario again and again from its beginning. Each run takes another path of
// decisions: which thread takes the next step, and which value that the memory model allows a step
// reads. A step is one atomic operation and the code up to the next one.
//
// The search does not continue from a state that it has visited, because it knows the states that
// follow. Two states are equal if the memory, the ghosts and, for each thread, all values that it
// has read are equal (by a 64-bit hash). The values that a thread has read determine its place in
// the code and its local variables.
//
// In a loop around compare_exchange_weak only the last attempt counts. The code under exploration
// keeps nothing of the earlier ones, because `expected` is overwritten.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/fiber.h"
#include "model/memory.h"

namespace wsd::model {

class Scenario {
 public:
  virtual ~Scenario() = default;
  [[nodiscard]] virtual unsigned threads() const = 0;
  virtual void body(unsigned thread) = 0;
  // Called after all bodies have returned.
  virtual void end() {}
};
// Creates a scenario in the given storage. The storage is always at the same address, because
// addresses are values too: states can only be equal at equal addresses.
using MakeScenario = std::function<Scenario*(void* storage)>;
inline constexpr std::size_t kScenarioBytes = 32 * 1024;
inline constexpr std::size_t kScenarioAlignment = 64;

template <class Subject, class... Arguments>
[[nodiscard]] MakeScenario making(Arguments... arguments) {
  static_assert(sizeof(Subject) <= kScenarioBytes && alignof(Subject) <= kScenarioAlignment);
  return [=](void* storage) -> Scenario* { return new (storage) Subject(arguments...); };
}

// A place in the code with a memory order, and another order to use there.
struct Weakening {
  // "function operation", with " (failure)" for the failure order of a compare-exchange
  std::string site;
  std::memory_order order = std::memory_order_seq_cst;
};

struct Outcome {
  std::string failure;             // empty: every invariant holds in every schedule
  std::vector<std::string> trail;  // the steps that led to the failure
  std::uint64_t states = 0;
  std::uint64_t runs = 0;  // executed schedules, up to a known state
  double schedules = 0;    // schedules that they represent
};

class Explorer {
 public:
  explicit Explorer(MakeScenario make) : make_(std::move(make)) {}
  Explorer(const Explorer&) = delete;
  Explorer& operator=(const Explorer&) = delete;

  void weaken(Weakening weakening) { weakening_ = std::move(weakening); }
  // Limits the compare-exchanges that may fail spuriously, per schedule.
  void allow_spurious_failures(unsigned count) { spurious_allowed_ = count; }
  // Explores every schedule individually. This is far slower, and checks explore().
  void merge_no_states() { merges_ = false; }
  [[nodiscard]] Outcome explore();
  // The places visited so far, with their order in the source.
  [[nodiscard]] std::vector<Weakening> sites() const;

  // For code under exploration.
  [[nodiscard]] static Explorer& current() noexcept;

  struct Site {
    const char* function;
    const char* operation;
  };
  Value load(unsigned location, std::memory_order order, Site site);
  void store(unsigned location, Value value, std::memory_order order, Site site);
  Value update(unsigned location, const std::function<Value(Value)>& next, std::memory_order order,
               Site site);
  bool compare_exchange(unsigned location, Value& expected, Value desired,
                        std::memory_order success, std::memory_order failure, bool weak, Site site);
  // Suspends until the newest value is not zero, and sets it to zero.
  Value await(unsigned location, std::memory_order order);
  // Fails the run if the pointer does not refer to a plain variable of the scenario.
  void require_address(const void* address);
  // Records that a plain variable is written, or read as `value`.
  void touch(unsigned variable);
  void touch_and_read(unsigned variable, Value value);

  // Returns one of 0 .. count - 1, and tries each. `step`: other threads may run first.
  unsigned choose(unsigned count, bool step);
  // Declares that `place` determines everything that the thread holds at this point. Its earlier
  // reads no longer count.
  void at(std::uint64_t place);
  void check(bool good, const char* what);
  void fail(const std::string& what);

  [[nodiscard]] Memory& memory() noexcept { return memory_; }
  // Adds a word to the state.
  void watch(const Value* word) { watched_.push_back(word); }

 private:
  struct Thread {
    Fiber fiber;
    Explorer* explorer = nullptr;
    unsigned index = 0;
    std::uint64_t history = 0;
    int awaits = -1;  // a location
    // The last load or failed compare-exchange, if nothing has been read since.
    int attempt = -1;  // its location
    Value attempt_value = 0;
    std::uint64_t before_attempt = 0;  // history
  };
  struct Decision {
    unsigned chosen = 0;
    unsigned count = 0;
    double schedules = 0;     // of those tried so far
    std::uint64_t state = 0;  // 0: within a step
  };

  struct KnownSite {
    Site site;
    const char* suffix = nullptr;
    std::memory_order given = std::memory_order_seq_cst;
    std::memory_order used = std::memory_order_seq_cst;

    [[nodiscard]] std::string name() const;
  };

  void run();
  void start();
  void finish();
  void end_scenario();
  [[nodiscard]] bool enter_state();
  [[nodiscard]] bool advance(double schedules);
  unsigned decide(unsigned count, std::uint64_t state);
  void step();  // a scheduling point
  void log(const Site& site, Value value);
  [[nodiscard]] std::memory_order order_at(const Site& site, const char* suffix,
                                           std::memory_order order);
  [[nodiscard]] bool ready(const Thread& thread) const;
  [[nodiscard]] std::uint64_t hash() const;
  void read(Value value) noexcept;
  void read_as_attempt(unsigned location, Value value) noexcept;
  void fail_attempt(unsigned location, Value expected, Value found) noexcept;

  MakeScenario make_;
  Scenario* scenario_ = nullptr;
  Memory memory_;
  std::vector<std::unique_ptr<Thread>> threads_;
  Thread* running_ = nullptr;  // nullptr: outside all bodies
  std::vector<const Value*> watched_;
  std::vector<unsigned> candidates_;

  std::vector<Decision> path_;
  std::size_t depth_ = 0;  // decisions taken in this run
  std::uint64_t state_ = 0;
  double leaf_ = 0;  // schedules that the end of this run represents
  unsigned steps_ = 0;
  unsigned touches_ = 0;
  unsigned spurious_allowed_ = 0;
  Value spurious_left_ = 0;
  std::unordered_map<std::uint64_t, double> visited_;  // state: schedules that follow it

  Weakening weakening_;
  std::vector<KnownSite> sites_;  // by the addresses of their names, possibly with duplicates
  Outcome outcome_;
  Fiber epilogue_;         // the end of a scenario may fail too
  bool complete_ = false;  // all bodies of this run have returned
  bool tracing_ = false;
  bool merges_ = true;
};

}  // namespace wsd::model
