// Which master of a Redis Cluster serves each slot.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/wire.h"

namespace wsd::engine {

struct SlotMaster {
  std::string id;  // 40 hexadecimal digits
  Endpoint at;
  std::uint64_t config_epoch = 0;
  bool serves = true;           // false: the cluster calls it failed, or its address is unknown
  std::uint64_t listed_ms = 0;  // when a node has named it last
  // When it was asked itself last: its config epoch, and by slot whether it claimed it. Empty:
  // never.
  std::uint64_t own_epoch = 0;
  std::vector<bool> own_slots = {};
};

// The view of one node, or the knowledge from the views of several nodes.
class SlotTable {
 public:
  static constexpr std::uint16_t kSlots = 16'384;
  static constexpr std::size_t kMostNodes = 1'024;
  // A master that no node has named for this time is no longer part of the cluster.
  static constexpr std::uint64_t kForgetMs = 30'000;

  // Before the first view, no slot has a master.
  SlotTable() noexcept { masters_of_.fill(kNobody); }

  // Parses the reply of a node to CLUSTER NODES. `asked` is the address at which it was asked, and
  // stands for an address that the node leaves empty. Returns an empty string, or a sentence part
  // such as "named no node as itself"; then `table` is unspecified. Throws std::bad_alloc if memory
  // runs out.
  [[nodiscard]] static std::string parse(std::string_view nodes, const Endpoint& asked,
                                         SlotTable& table);

  // Takes over the better knowledge of a node's view. If two masters claim a slot, the one with the
  // higher config epoch has it. A master's own word about its slots counts more than the words of
  // other nodes about them, up to the config epoch that it had. Returns whether
  // the master of a slot, or its address, has changed. Throws std::bad_alloc if memory runs out;
  // then nothing has changed.
  bool learn(const SlotTable& view, std::uint64_t now_ms);

  // All masters with slots, also those that do not serve. A view also has masters without slots.
  [[nodiscard]] const std::vector<SlotMaster>& masters() const noexcept { return masters_; }
  // Returns the master that serves the slot, which is less than kSlots, or nullptr. The result
  // is valid until the table changes.
  [[nodiscard]] const SlotMaster* master_of(std::uint16_t slot) const noexcept;
  // Returns whether each slot has a master that serves it.
  [[nodiscard]] bool complete() const noexcept;
  // A view: returns a slot of the node that was asked, or kSlots if it has none. Different values
  // of `choice` give different slots.
  [[nodiscard]] std::uint16_t own_slot(std::uint64_t choice) const noexcept;

 private:
  using Index = std::uint16_t;  // in masters_
  static constexpr Index kNobody = 0xFFFF;

  [[nodiscard]] std::string parse_line(std::string_view line, const Endpoint& asked);
  [[nodiscard]] std::string parse_slots(std::string_view words, Index master);
  [[nodiscard]] Index find(std::string_view id) const noexcept;
  [[nodiscard]] bool same_masters(const SlotTable& other) const noexcept;
  void remove_masters_without_slots();

  std::vector<SlotMaster> masters_;
  std::array<Index, kSlots> masters_of_;
  std::string myself_;  // a view: the id of the node that was asked
};

}  // namespace wsd::engine
