// Replacements of std::atomic, of plain variables and of an eventfd for code under exploration.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <type_traits>

#include "model/explorer.h"

namespace wsd::model {

template <class T>
[[nodiscard]] Value to_value(T value) noexcept {
  if constexpr (std::is_pointer_v<T>) {
    return reinterpret_cast<std::uintptr_t>(value);
  } else {
    return static_cast<Value>(value);
  }
}
template <class T>
[[nodiscard]] T from_value(Value value) noexcept {
  if constexpr (std::is_pointer_v<T>) {
    return reinterpret_cast<T>(static_cast<std::uintptr_t>(value));
  } else {
    return static_cast<T>(value);
  }
}

// An atomic variable. The last argument of each operation is the name of the enclosing function.
template <class T>
class CheckedAtomic {
 public:
  CheckedAtomic(T initial, bool only_updated = false)  // NOLINT: as std::atomic's
      : location_(Explorer::current().memory().add_location(to_value(initial), only_updated)) {}
  CheckedAtomic(const CheckedAtomic&) = delete;
  CheckedAtomic& operator=(const CheckedAtomic&) = delete;

  T load(std::memory_order order, const char* in = __builtin_FUNCTION()) const {
    return from_value<T>(Explorer::current().load(location_, order, {in, "load"}));
  }
  void store(T value, std::memory_order order, const char* in = __builtin_FUNCTION()) {
    Explorer::current().store(location_, to_value(value), order, {in, "store"});
  }
  T exchange(T value, std::memory_order order, const char* in = __builtin_FUNCTION()) {
    const Value to = to_value(value);
    return update([to](Value) { return to; }, order, {in, "exchange"});
  }
  T fetch_add(T n, std::memory_order order, const char* in = __builtin_FUNCTION()) {
    return update([n](Value v) { return to_value(static_cast<T>(from_value<T>(v) + n)); }, order,
                  {in, "fetch_add"});
  }
  T fetch_sub(T n, std::memory_order order, const char* in = __builtin_FUNCTION()) {
    return update([n](Value v) { return to_value(static_cast<T>(from_value<T>(v) - n)); }, order,
                  {in, "fetch_sub"});
  }
  T fetch_or(T n, std::memory_order order, const char* in = __builtin_FUNCTION()) {
    return update([n](Value v) { return to_value(static_cast<T>(from_value<T>(v) | n)); }, order,
                  {in, "fetch_or"});
  }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order success,
                             std::memory_order failure, const char* in = __builtin_FUNCTION()) {
    return compare_exchange(expected, desired, success, failure, true,
                            {in, "compare_exchange_weak"});
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order success,
                               std::memory_order failure, const char* in = __builtin_FUNCTION()) {
    return compare_exchange(expected, desired, success, failure, false,
                            {in, "compare_exchange_strong"});
  }

  // Waits until the value is not zero, sets it to zero and returns the old value.
  T await(std::memory_order order) {
    return from_value<T>(Explorer::current().await(location_, order));
  }

 private:
  template <class Next>
  T update(const Next& next, std::memory_order order, Explorer::Site site) {
    return from_value<T>(Explorer::current().update(location_, next, order, site));
  }
  bool compare_exchange(T& expected, T desired, std::memory_order success,
                        std::memory_order failure, bool weak, Explorer::Site site) {
    Value found = to_value(expected);
    const bool done = Explorer::current().compare_exchange(location_, found, to_value(desired),
                                                           success, failure, weak, site);
    expected = from_value<T>(found);
    return done;
  }

  const unsigned location_;
};

// A variable that only the checks use. Its value is part of the state, but it is not memory of the
// code under test.
template <class T>
class Ghost {
 public:
  Ghost() { Explorer::current().watch(&word_); }
  Ghost(const Ghost&) = delete;
  Ghost& operator=(const Ghost&) = delete;
  Ghost& operator=(T value) {
    word_ = to_value(value);
    return *this;
  }
  operator T() const { return from_value<T>(word_); }  // NOLINT: as the T it stands for

 private:
  Value word_ = 0;
};

// A plain variable that threads pass to each other. Each access, also a read, must happen after the
// last access of every other thread.
template <class T>
class Plain {
 public:
  Plain() : variable_(Explorer::current().memory().add_plain()) {}
  Plain(const Plain&) = delete;
  Plain& operator=(const Plain&) = delete;
  Plain& operator=(T value) {
    Explorer::current().require_address(this);
    Explorer::current().touch(variable_);
    value_ = value;
    return *this;
  }
  operator T() const {  // NOLINT: as the T it stands for
    Explorer::current().require_address(this);
    Explorer::current().touch_and_read(variable_, to_value<T>(value_));
    return value_;
  }

 private:
  const unsigned variable_;
  Ghost<T> value_;
};

// The wake-up counter of a sleeping thread, an eventfd. Here a wake-up implies no memory order,
// which is less than an eventfd promises.
class WakeCounter {
 public:
  void wake() { count_.fetch_add(1, std::memory_order_relaxed); }
  void sleep() { count_.await(std::memory_order_relaxed); }

 private:
  CheckedAtomic<std::uint64_t> count_{0, true};
};

}  // namespace wsd::model
