// What other threads have for one owner: a lock-free list that is pushed to one by one and taken
// whole.
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
// One word holds the state: nullptr is Empty, the mailbox's own address (which no node has) is
// Armed, anything else is the newest node. Since the owner's "I sleep" and a producer's "here is
// a node" change the same word, one of them comes second and sees the other: there is no window in
// which a node lies there and the owner sleeps unwoken. Taking the list whole leaves no ABA: a
// producer's compare-exchange may succeed against a head that went and came back, and is right to,
// since it only needs `next` to be what the head is now.
//
// The memory orders:
//   push  release on success: the node's contents and its `next` must be visible to who takes it.
//         It reads nothing through the old head, so it acquires nothing. Nodes further down were
//         released by their own pushes; every change of the word is a read-modify-write, so each
//         such release sequence reaches up to the head that the owner takes.
//   take  acquire: pairs with all of those releases. The look before it is relaxed, because a node
//         missed there is found by arm() before the owner sleeps, or by the next take().
//   arm   relaxed: it passes no data on. Who sees Armed learns only that a wake is owed, and the
//         wake itself (a write to an eventfd) carries its own order.
#pragma once

#include <atomic>
#include <cstddef>

#include "base/assert.h"

namespace wsd::hub {

// Node has a public member `Node* next`, which is the mailbox's from push() until take() returns
// it. Nodes are handed over, never owned: from push() on the node is the owner's, who gets it from
// take() and disposes of it.
//
// Atomic is a parameter so that a model checker can run this very code.
template <class Node, template <class> class Atomic = std::atomic>
class Mailbox {
 public:
  Mailbox() = default;
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;
  // The owner has taken everything and nobody pushes any more.
  ~Mailbox() { WSD_DCHECK(no_node(head_.load(std::memory_order_relaxed))); }

  // Any thread. True when the owner had armed: the caller must wake it. That is said once for each
  // arm(), however many push.
  [[nodiscard]] bool push(Node* node) noexcept {
    Node* head = head_.load(std::memory_order_relaxed);
    do {
      node->next = head == armed_mark() ? nullptr : head;
    } while (!head_.compare_exchange_weak(head, node, std::memory_order_release,
                                          std::memory_order_relaxed));
    return head == armed_mark();
  }

  // Owner only. All nodes so far, linked by `next`, in the order of their pushes (and so in order
  // for each producer); nullptr when there are none. Not armed afterwards.
  [[nodiscard]] Node* take() noexcept {
    // An empty turn is the common one and costs no locked instruction.
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

  // Owner only, before it sleeps. True: nothing waits, and the next push() will wake. False: there
  // are nodes; take() them instead of sleeping. Again true where it was armed already.
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

  // Producers hammer this word; what lies beside it in the owner must not share its cache line.
  static constexpr std::size_t kCacheLine = 64;
  alignas(kCacheLine) Atomic<Node*> head_{nullptr};
};

}  // namespace wsd::hub
