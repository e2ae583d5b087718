#include "model/explorer.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <sstream>
#include <utility>

#include "model/mix.h"

namespace wsd::model {
namespace {

constexpr unsigned kMaxSteps = 2000;
constexpr unsigned kMaxTouches = 2000;
constexpr const char* kPlainSuffix = "";
constexpr const char* kFailureSuffix = " (failure)";
constexpr Value kFailedAttempt = 0x6661696C;
constexpr double kUnknown = -1;  // a state whose schedules are being counted

Explorer* current_explorer = nullptr;

// Only one exploration runs at a time.
alignas(kScenarioAlignment) std::array<std::byte, kScenarioBytes> storage_of_scenario;

}  // namespace

Explorer& Explorer::current() noexcept { return *current_explorer; }

Outcome Explorer::explore() {
  Explorer* const before = std::exchange(current_explorer, this);
  outcome_ = {};
  visited_.clear();
  path_.clear();
  do {
    run();
    ++outcome_.runs;
  } while (outcome_.failure.empty() && advance(leaf_));
  if (!outcome_.failure.empty()) {
    tracing_ = true;  // the same schedule again
    run();
    tracing_ = false;
  }
  end_scenario();
  outcome_.states = visited_.size();
  current_explorer = before;
  return std::move(outcome_);
}

// Runs one schedule from the beginning until it ends, fails, or reaches a known state.
void Explorer::run() {
  start();
  for (;;) {
    std::vector<unsigned>& ready_threads = candidates_;
    ready_threads.clear();
    bool all_done = true;
    for (const auto& thread : threads_) {
      if (thread->fiber.done()) continue;
      all_done = false;
      if (ready(*thread)) ready_threads.push_back(thread->index);
    }
    if (all_done) {
      leaf_ = 1;
      finish();
      return;
    }
    if (ready_threads.empty()) {
      outcome_.failure = "all remaining threads sleep, and no thread wakes them";
      return;
    }
    if (merges_ && depth_ == path_.size() && !enter_state()) return;
    if (++steps_ > kMaxSteps) {
      outcome_.failure = "it does not come to an end";
      return;
    }
    const std::size_t next =
        ready_threads[decide(static_cast<unsigned>(ready_threads.size()), state_)];
    running_ = threads_[next].get();
    running_->fiber.resume();
    if (running_->fiber.done()) memory_.finish(running_->index);
    running_ = nullptr;
    if (!outcome_.failure.empty()) return;
  }
}

void Explorer::start() {
  depth_ = 0;
  steps_ = 0;
  touches_ = 0;
  spurious_left_ = spurious_allowed_;
  watched_.clear();
  watch(&spurious_left_);
  outcome_.trail.clear();
  complete_ = false;
  end_scenario();
  // The scenario adds its variables to a memory that already has its threads.
  static constexpr unsigned kAll = kMaxThreads;
  memory_.reset(kAll);
  scenario_ = make_(storage_of_scenario.data());
  const unsigned count = scenario_->threads();
  while (threads_.size() < count) threads_.push_back(std::make_unique<Thread>());
  for (unsigned i = count; i < kAll; ++i) memory_.finish(i);
  for (unsigned i = 0; i < count; ++i) {
    Thread& thread = *threads_[i];
    thread.explorer = this;
    thread.index = i;
    thread.history = 0;
    thread.awaits = -1;
    thread.attempt = -1;
    thread.fiber.restart(
        [](void* argument) {
          auto& self = *static_cast<Thread*>(argument);
          self.explorer->scenario_->body(self.index);
        },
        &thread);
    // Runs to its first operation.
    running_ = &thread;
    thread.fiber.resume();
    running_ = nullptr;
  }
}

// All bodies have returned.
void Explorer::finish() {
  complete_ = true;
  epilogue_.restart(
      [](void* argument) {
        auto& self = *static_cast<Explorer*>(argument);
        self.scenario_->end();
        self.end_scenario();
      },
      this);
  epilogue_.resume();
}

void Explorer::end_scenario() {
  if (scenario_ != nullptr) std::exchange(scenario_, nullptr)->~Scenario();
}

// Returns false if nothing new can follow.
bool Explorer::enter_state() {
  state_ = hash();
  const auto [known, is_new] = visited_.try_emplace(state_, kUnknown);
  if (is_new) return true;
  if (known->second == kUnknown) {
    outcome_.failure = "it comes back to a state it was in, and can do so for ever";
  } else {
    leaf_ = known->second;
  }
  return false;
}

// Advances to the next path that has not been taken. `schedules`: the number that the last path
// represents.
bool Explorer::advance(double schedules) {
  while (!path_.empty()) {
    Decision& last = path_.back();
    last.schedules += schedules;
    if (++last.chosen < last.count) return true;
    schedules = last.schedules;
    if (last.state != 0) visited_[last.state] = schedules;
    path_.pop_back();
  }
  outcome_.schedules = schedules;
  return false;
}

unsigned Explorer::decide(unsigned count, std::uint64_t state) {
  if (count == 1 && state == 0) return 0;
  if (depth_ == path_.size()) path_.push_back({0, count, 0, state});
  return path_[depth_++].chosen;
}

bool Explorer::ready(const Thread& thread) const {
  return thread.awaits < 0 || memory_.newest(static_cast<unsigned>(thread.awaits)) != 0;
}

std::uint64_t Explorer::hash() const {
  std::uint64_t hash = memory_.hash();
  for (const auto& thread : threads_) {
    hash = mix(hash, thread->fiber.done() ? ~std::uint64_t{0} : thread->history);
  }
  for (const Value* word : watched_) hash = mix(hash, *word);
  return hash | 1;  // never 0
}

void Explorer::read(Value value) noexcept {
  if (running_ == nullptr) return;
  running_->history = mix(running_->history, value);
  running_->attempt = -1;
}

void Explorer::read_as_attempt(unsigned location, Value value) noexcept {
  const std::uint64_t before = running_->history;
  read(value);
  running_->before_attempt = before;
  running_->attempt = static_cast<int>(location);
  running_->attempt_value = value;
}

void Explorer::fail_attempt(unsigned location, Value expected, Value found) noexcept {
  if (running_->attempt == static_cast<int>(location) && running_->attempt_value == expected) {
    running_->history = running_->before_attempt;
  }
  const std::uint64_t before = running_->history;
  read(kFailedAttempt);
  read_as_attempt(location, found);
  running_->before_attempt = before;
}

void Explorer::step() {
  if (running_ == nullptr) return;
  running_->fiber.suspend();
  running_->awaits = -1;
}

std::memory_order Explorer::order_at(const Site& site, const char* suffix,
                                     std::memory_order order) {
  for (const KnownSite& each : sites_) {
    if (each.site.function == site.function && each.site.operation == site.operation &&
        each.suffix == suffix && each.given == order) {
      return each.used;
    }
  }
  KnownSite added{site, suffix, order, order};
  if (added.name() == weakening_.site) added.used = weakening_.order;
  sites_.push_back(added);
  return added.used;
}

std::string Explorer::KnownSite::name() const {
  return std::string(site.function) + " " + site.operation + suffix;
}

std::vector<Weakening> Explorer::sites() const {
  std::vector<Weakening> all;
  for (const KnownSite& each : sites_) {
    const std::string name = each.name();
    if (std::none_of(all.begin(), all.end(), [&](const auto& one) { return one.site == name; })) {
      all.push_back({name, each.given});
    }
  }
  return all;
}

Value Explorer::load(unsigned location, std::memory_order order, Site site) {
  if (running_ == nullptr) return complete_ ? memory_.newest(location) : 0;
  order = order_at(site, kPlainSuffix, order);
  step();
  memory_.readable(running_->index, location, order, candidates_);
  const unsigned index = candidates_[decide(static_cast<unsigned>(candidates_.size()), 0)];
  const Value value = memory_.load(running_->index, location, index, order);
  read_as_attempt(location, value);
  log(site, value);
  return value;
}

void Explorer::store(unsigned location, Value value, std::memory_order order, Site site) {
  order = order_at(site, kPlainSuffix, order);
  step();
  memory_.store(running_->index, location, value, order, false);
  read(0);
  log(site, value);
}

Value Explorer::update(unsigned location, const std::function<Value(Value)>& next,
                       std::memory_order order, Site site) {
  if (running_ == nullptr) {
    const Value value = memory_.newest(location);
    memory_.store(0, location, next(value), order, true);
    return value;
  }
  order = order_at(site, kPlainSuffix, order);
  step();
  const Value value = memory_.newest(location);
  memory_.store(running_->index, location, next(value), order, true);
  read(value);
  log(site, value);
  return value;
}

bool Explorer::compare_exchange(unsigned location, Value& expected, Value desired,
                                std::memory_order success, std::memory_order failure, bool weak,
                                Site site) {
  success = order_at(site, kPlainSuffix, success);
  failure = order_at(site, kFailureSuffix, failure);
  step();
  const Value newest = memory_.newest(location);
  // A failed exchange is a load. It may also read an older value, unless that is the expected one.
  memory_.readable(running_->index, location, failure, candidates_);
  std::erase_if(candidates_, [&](unsigned i) { return memory_.value(location, i) == expected; });
  const bool may_succeed = newest == expected;
  const bool spurious = may_succeed && weak && spurious_left_ != 0;
  const auto ways =
      static_cast<unsigned>(candidates_.size()) + (may_succeed ? 1U : 0U) + (spurious ? 1U : 0U);
  unsigned way = decide(ways, 0);
  if (way < candidates_.size()) {
    const Value found = memory_.load(running_->index, location, candidates_[way], failure);
    log({site.function, "failed compare_exchange"}, found);
    if (weak) {
      fail_attempt(location, expected, found);
    } else {
      read(kFailedAttempt);
      read(found);
    }
    expected = found;
    return false;
  }
  way -= static_cast<unsigned>(candidates_.size());
  if (way == 1) {
    --spurious_left_;
    log({site.function, "spuriously failed compare_exchange"}, expected);
    fail_attempt(location, expected, expected);
    return false;
  }
  memory_.store(running_->index, location, desired, success, true);
  read(1);
  log(site, expected);
  return true;
}

Value Explorer::await(unsigned location, std::memory_order order) {
  running_->awaits = static_cast<int>(location);
  step();
  const Value value = memory_.newest(location);
  memory_.store(running_->index, location, 0, order, true);
  read(value);
  log({"woken", "await"}, value);
  return value;
}

void Explorer::require_address(const void* address) {
  const auto first = reinterpret_cast<std::uintptr_t>(storage_of_scenario.data());
  const std::uintptr_t offset = reinterpret_cast<std::uintptr_t>(address) - first;
  if (offset >= kScenarioBytes) fail("a pointer to nowhere is followed");
}

void Explorer::touch(unsigned variable) {
  if (variable >= memory_.plains()) fail("a pointer that does not refer to a node is followed");
  if (++touches_ > kMaxTouches) fail("a list without an end");
  if (running_ != nullptr && !memory_.touch(running_->index, variable)) {
    fail("a data race: an access by another thread does not happen before this one");
  }
}

void Explorer::touch_and_read(unsigned variable, Value value) {
  touch(variable);
  read(value);
}

unsigned Explorer::choose(unsigned count, bool as_step) {
  if (as_step) step();
  const unsigned chosen = decide(count, 0);
  read(chosen);
  return chosen;
}

void Explorer::at(std::uint64_t place) {
  running_->history = mix(0, place);
  running_->attempt = -1;
}

void Explorer::check(bool good, const char* what) {
  if (!good) fail(what);
}

void Explorer::fail(const std::string& what) {
  outcome_.failure = what;
  (running_ == nullptr ? epilogue_ : running_->fiber).suspend();  // never resumed
}

void Explorer::log(const Site& site, Value value) {
  if (!tracing_) return;
  std::ostringstream line;
  line << "thread " << running_->index << ": " << site.function << ' ' << site.operation << ", 0x"
       << std::hex << value;
  outcome_.trail.push_back(line.str());
}

}  // namespace wsd::model
