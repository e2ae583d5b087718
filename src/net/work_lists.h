// The connections of a reactor that have work to do.
#pragma once

#include <algorithm>
#include <cstddef>
#include <new>
#include <vector>

#include "base/assert.h"

namespace wsd::net {

class Connection;

// Reactor thread only. Every list has capacity for all connections before a connection exists, so
// that list() never allocates. A connection is on a list at most once: the connection itself keeps
// the flag.
class WorkLists {
 public:
  using List = std::vector<Connection*>;

  List ready;   // have input, or may have
  List dirty;   // have output to flush
  List ended;   // have changed their phase, and are due for finalize() at the safe point
  List paused;  // publishers that are not read until the shards have caught up

  // Reserves space for that many connections in every list. Must be called before a connection is
  // added, with the number that includes it. Throws std::bad_alloc.
  void make_room(std::size_t connections) {
    for (List* each : {&ready, &dirty, &ended, &paused, &working_}) {
      if (each->capacity() < connections) each->reserve(2 * connections);
    }
  }

  // Frees the space that so many connections do not need. If memory runs out, the lists stay as
  // they are. Not during work_off().
  void shrink(std::size_t connections) noexcept {
    constexpr std::size_t kLeast = 64;
    const std::size_t needed = 2 * std::max(connections, kLeast);
    for (List* each : {&ready, &dirty, &ended, &paused, &working_}) {
      if (each->capacity() <= 2 * needed) continue;
      try {
        List smaller;
        smaller.reserve(needed);
        smaller.assign(each->begin(), each->end());
        each->swap(smaller);
      } catch (const std::bad_alloc&) {
        return;
      }
    }
  }

  // Appends the connection. The unreachable branch keeps the code for growing out of the callers.
  static void list(List& list, Connection& connection) noexcept {
    WSD_DCHECK(list.size() < list.capacity());
    if (list.size() == list.capacity()) __builtin_unreachable();
    list.push_back(&connection);
  }
  static void remove(List& list, const Connection* connection) noexcept {
    list.erase(std::remove(list.begin(), list.end(), connection), list.end());
  }

  // Makes the reading of the next turn begin with the connection that is listed as ready next, if
  // no other call in this turn was earlier. A connection calls it that gets nothing of this turn's
  // share of work, so that those that did get something come after it.
  void read_first_in_next_turn() noexcept { first_ready_ = std::min(first_ready_, ready.size()); }
  // Must be called after the reading of a turn.
  void order_ready() noexcept {
    if (first_ready_ == kNone) return;
    std::rotate(ready.begin(), ready.begin() + static_cast<std::ptrdiff_t>(first_ready_),
                ready.end());
    first_ready_ = kNone;
  }

  // Calls step(connection) for every connection of the list, and empties the list. A connection
  // that is listed meanwhile waits for the next call.
  template <class Step>
  void work_off(List& list, Step step) {
    working_.swap(list);
    for (Connection* connection : working_) step(*connection);
    working_.clear();
  }

 private:
  static constexpr std::size_t kNone = ~std::size_t{0};

  std::size_t first_ready_ = kNone;
  List working_;
};

}  // namespace wsd::net
