// The cost of an uncontended mailbox and its gate, the minimum for every message between shards.
#include <benchmark/benchmark.h>

#include <vector>

#include "hub/flow_gate.h"
#include "hub/mailbox.h"

namespace {

using namespace wsd::hub;

struct Node {
  Node* next = nullptr;
};

// A number of pushes, then one take, as in a turn.
void mailbox_push_take(benchmark::State& state) {
  Mailbox<Node> mailbox;
  std::vector<Node> nodes(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    for (Node& node : nodes) {
      benchmark::DoNotOptimize(mailbox.push(&node));
    }
    for (Node* node = mailbox.take(); node != nullptr; node = node->next) {
      benchmark::DoNotOptimize(node);
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(mailbox_push_take)->Arg(1)->Arg(16)->Arg(1024);

void mailbox_take_empty(benchmark::State& state) {
  Mailbox<Node> mailbox;
  for (auto _ : state) {
    benchmark::DoNotOptimize(mailbox.take());
  }
}
BENCHMARK(mailbox_take_empty);

void mailbox_arm_push_take(benchmark::State& state) {
  Mailbox<Node> mailbox;
  Node node;
  for (auto _ : state) {
    benchmark::DoNotOptimize(mailbox.arm());
    benchmark::DoNotOptimize(mailbox.push(&node));
    benchmark::DoNotOptimize(mailbox.take());
  }
}
BENCHMARK(mailbox_arm_push_take);

void flow_gate_enter_leave(benchmark::State& state) {
  FlowGate gate(1024);
  for (auto _ : state) {
    benchmark::DoNotOptimize(gate.enter(1, 0));
    benchmark::DoNotOptimize(gate.leave(1));
  }
}
BENCHMARK(flow_gate_enter_leave);

}  // namespace
