// A lock-free list of nodes from many threads for one owner. A producer pushes one node at a time.
// The owner takes the whole list.
//
//                   push: true (wake the owner)
//          +-------------------------------------------+
//          |                                           v
//      +-------+   arm: true    +-------+  push   +-----------+
//      | Armed | <------------- | Empty | ------> | Non-empty | --+ push: false
//      +-------+                +-------+  false  +-----------+ <-+
//          |  ^|                  ^  ^                 |   arm: false (do not sleep)
//          |  ++ arm: true        |  |                 |
//          +----------------------+  +-----------------+
//              take: nullptr           take: the nodes, oldest first
//
// One word holds the state. nullptr is Empty. The mailbox's own address, which no node has, is
// Armed. Any other value is the newest node. The owner's "I sleep" and a producer's "here is a
// node" change the same word, so the second of them sees the first. A node therefore never waits
// while the owner sleeps without a wake-up.
//
// Taking the whole list avoids the ABA problem. A producer's compare-exchange may succeed on a head
// that was taken and pushed again. This is correct, because `next` only has to be the current head.
//
// The memory orders:
//   push  release on success, because the taker must see the node's contents and its `next`. Push
//         reads nothing through the old head, so it acquires nothing. Earlier nodes were released
//         by their own pushes. Every change of the word is a read-modify-write, so each such
//         release sequence reaches the head that the owner takes.
//   take  acquire, which pairs with all of those releases. The read before it is relaxed. If it
//         misses a node, arm() finds the node before the owner sleeps, or the next take() does.
//   arm   relaxed, because it passes no data. A producer that sees Armed learns only that it must
//         wake the owner. The wake-up itself (a write to an eventfd) has its own order.
#pragma once

#include <atomic>
#include <cstddef>

#include "base/assert.h"

namespace wsd::hub {

// Passes nodes from any thread to the owner. Node has a public member `Node* next`, which belongs
// to the mailbox from push() until take() returns the node. The mailbox does not own nodes: push()
// passes the node to the owner, which gets it from take() and frees it.
//
// Atomic is a parameter, so that the model checker can run exactly this code.
template <class Node, template <class> class Atomic = std::atomic>
class Mailbox {
 public:
  Mailbox() = default;
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;
  // The owner must have taken every node, and no thread may push any more.
  ~Mailbox() { WSD_DCHECK(no_node(head_.load(std::memory_order_relaxed))); }

  // Any thread. Returns true if the owner was armed. Then the caller must wake the owner. For each
  // arm(), only one push() returns true.
  [[nodiscard]] bool push(Node* node) noexcept {
    Node* head = head_.load(std::memory_order_relaxed);
    do {
      node->next = head == armed_mark() ? nullptr : head;
    } while (!head_.compare_exchange_weak(head, node, std::memory_order_release,
                                          std::memory_order_relaxed));
    return head == armed_mark();
  }

  // Owner only. Returns all nodes, linked by `next`, in the order in which they were pushed.
  // Returns nullptr if there are none. The mailbox is not armed afterwards.
  [[nodiscard]] Node* take() noexcept {
    // The mailbox is empty in most turns. This read then saves a locked instruction.
    if (head_.load(std::memory_order_relaxed) == nullptr) {
      return nullptr;
    }
    Node* newest = head_.exchange(nullptr, std::memory_order_acquire);
    if (newest == armed_mark()) {
      return nullptr;
    }
    Node* oldest = nullptr;
    while (newest != nullptr) {
      Node* older = newest->next;
      newest->next = oldest;
      oldest = newest;
      newest = older;
    }
    return oldest;
  }

  // Owner only, before it sleeps. Returns true if the mailbox is empty. Then the next push()
  // returns true. Returns false if nodes wait. Then the owner must take them and not sleep. Returns
  // true also if it was armed before.
  [[nodiscard]] bool arm() noexcept {
    Node* head = nullptr;
    return head_.compare_exchange_strong(head, armed_mark(), std::memory_order_relaxed,
                                         std::memory_order_relaxed) ||
           head == armed_mark();
  }

 private:
  // Never dereferenced.
  [[nodiscard]] Node* armed_mark() const noexcept {
    return reinterpret_cast<Node*>(const_cast<Mailbox*>(this));
  }
  [[nodiscard]] bool no_node(const Node* head) const noexcept {
    return head == nullptr || head == armed_mark();
  }

  // Producers write this word often, so it has a cache line of its own.
  static constexpr std::size_t kCacheLine = 64;
  alignas(kCacheLine) Atomic<Node*> head_{nullptr};
};

}  // namespace wsd::hub
