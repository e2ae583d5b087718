// The events and faults of a run of KernelSimulation.
#include <algorithm>

#include "sim/engine_kernel/kernel_simulation.h"

namespace wsd::sim {
namespace {

constexpr std::uint64_t kRecoveryMs = 300;

}  // namespace

void KernelSimulation::event() {
  if (random_.chance(fault_percent_)) {
    fault();
  } else if (wires_ && random_.chance(25)) {
    const auto& node = nodes_[random_.below(nodes_.size())];
    node->poke_wire(static_cast<std::uint32_t>(random_.below(plan_.reactors)));
  } else if (random_.chance(30)) {
    client_event();
  } else {
    publish_event();
  }
}

void KernelSimulation::client_event() {
  RoomClient& client = clients_[random_.below(clients_.size())];
  if (client.is_connected()) {
    if (random_.chance(40)) client.leave();
  } else {
    client.connect(nodes_[random_.below(nodes_.size())]->port(),
                   random_.chance(50) ? random_.between(200, 5'000) : 200'000);
  }
}

void KernelSimulation::publish_event() {
  const auto size = [this] {
    return random_.chance(3) ? 70'000 : static_cast<std::size_t>(random_.below(200));
  };
  if (random_.chance(30)) {
    KernelNode& node = *nodes_[random_.below(nodes_.size())];
    const std::size_t room = random_.below(rooms_.size());
    const std::uint64_t number = oracle_.publishes(room, node.publisher());
    trace_.note("%8lu  %s publishes m%lu", kernel_.now_ms(), node.name().c_str(), number);
    static_cast<void>(node.publish(rooms_[room], number, size()));
    return;
  }
  RoomClient& client = clients_[random_.below(clients_.size())];
  if (!client.is_open()) return;
  for (std::uint64_t i = random_.chance(10) ? random_.between(2, 40) : 1; i != 0; --i) {
    client.publish(size());
  }
}

void KernelSimulation::fault() {
  ++tally_.faults;
  if (wild_ && random_.chance(25)) return wild_fault();
  if (random_.chance(35)) return machine_fault();
  if (random_.chance(50)) return redis_fault();
  calm_fault();
}

void KernelSimulation::calm_fault() {
  const std::size_t node = random_.below(nodes_.size());
  switch (random_.below(6)) {
    case 0:
    case 1:
      return far_->reset_one(true, random_.chance(50));
    case 2:
    case 3:
      return far_->reset_one(false, random_.chance(50));
    case 4: {
      trace_.note("%8lu  %s stalls", kernel_.now_ms(), nodes_[node]->name().c_str());
      const std::uint64_t ms = random_.below(random_.chance(20) ? 8'000 : 400);
      nodes_[node]->stalled_until_ms = kernel_.now_ms() + ms;
      note_silence(nodes_[node]->stalled_until_ms + kRecoveryMs);
      return;
    }
    default:
      stop_node(node);
      start_node(node);
  }
}

// The kernel of the nodes is short of something.
void KernelSimulation::machine_fault() {
  if (kernel_.has_child() || random_.chance(30)) {
    if (kernel_.has_child()) {
      kernel_.child_ends();
    } else {
      kernel_.fork();
    }
    return;
  }
  if (machine_until_ms_ != 0) return;
  machine_until_ms_ = kernel_.now_ms() + random_.between(10, 500);
  if (random_.chance(50)) {
    trace_.note("%8lu  the kernel is short of memory", kernel_.now_ms());
    kernel_.faults.no_buffers = true;
  } else {
    trace_.note("%8lu  no descriptor is free", kernel_.now_ms());
    kernel_.faults.descriptor_limit = static_cast<int>(kernel_.open_descriptors());
  }
}

// The Redis cannot be reached for a while, or does not answer.
void KernelSimulation::redis_fault() {
  if (redis_until_ms_ != 0) return;
  redis_until_ms_ = kernel_.now_ms() + random_.below(random_.chance(20) ? 40'000 : 3'000);
  switch (random_.below(5)) {
    case 0:
      trace_.note("%8lu  the server stops", kernel_.now_ms());
      return redis_->stop();
    case 1:
      trace_.note("%8lu  nobody listens", kernel_.now_ms());
      far_->refuses = true;
      return redis_->close_all();
    case 2:
      trace_.note("%8lu  the server cannot be reached", kernel_.now_ms());
      far_->unreachable = true;
      return far_->reset_one(true, random_.chance(50));
    case 3:
      trace_.note("%8lu  the server has no memory", kernel_.now_ms());
      redis_->faults.out_of_memory = true;
      return;
    default:
      trace_.note("%8lu  the server closes its subscribers", kernel_.now_ms());
      return redis_->close_subscribers();
  }
}

// The server restarts, with all its data, without the latest, or with nothing.
void KernelSimulation::wild_fault() {
  const std::uint64_t what = random_.below(4);
  trace_.note("%8lu  the server restarts, kind %lu", kernel_.now_ms(), what);
  if (what == 0) return redis_->restart(snapshot_);
  if (what == 1) return redis_->restart({});
  redis_->restart();
}

void KernelSimulation::end_due_faults() {
  if (redis_until_ms_ != 0 && kernel_.now_ms() >= redis_until_ms_) {
    redis_until_ms_ = 0;
    note_silence(kernel_.now_ms());
    trace_.note("%8lu  the server is there again", kernel_.now_ms());
    redis_->go_on();
    redis_->faults.out_of_memory = false;
    far_->refuses = far_->unreachable = false;
  }
  if (machine_until_ms_ != 0 && kernel_.now_ms() >= machine_until_ms_) {
    machine_until_ms_ = 0;
    recovered_ms_ = kernel_.now_ms() + kRecoveryMs;
    note_silence(recovered_ms_);
    kernel_.faults = usual_;
  }
}

void KernelSimulation::end_faults() {
  redis_until_ms_ = machine_until_ms_ = kernel_.now_ms();
  end_due_faults();
  usual_ = kernel_.faults = Faults{};
  allocation_percent_ = 0;
  if (kernel_.has_child()) kernel_.child_ends();
  for (const auto& each : nodes_) each->stalled_until_ms = 0;
}

}  // namespace wsd::sim
