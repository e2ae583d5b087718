// Replies to CLUSTER NODES. Each slot of a table has a master with an address, and a view that is
// learned twice changes nothing the second time.
//
// Input: the views of several nodes, with an empty line between two of them.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "engine/slot_table.h"

namespace {

using namespace wsd::engine;  // NOLINT: a program of its own

void check_table(const SlotTable& table) {
  bool complete = true;
  for (std::uint16_t slot = 0; slot < SlotTable::kSlots; ++slot) {
    const SlotMaster* const master = table.master_of(slot);
    complete = complete && master != nullptr;
    if (master == nullptr) continue;
    WSD_ASSERT(!master->at.host.empty() && master->at.port != 0 && master->at.path.empty());
    WSD_ASSERT(master->id.size() == 40);
  }
  WSD_ASSERT(table.complete() == complete);
  WSD_ASSERT(table.masters().size() <= SlotTable::kMostNodes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  SlotTable table;
  std::uint64_t now_ms = 0;
  while (!text.empty()) {
    const std::size_t end = text.find("\n\n");
    const std::string_view nodes = text.substr(0, end == text.npos ? end : end + 1);
    text.remove_prefix(end == text.npos ? text.size() : end + 2);
    SlotTable view;
    const std::string error = SlotTable::parse(nodes, {"asked", 1, {}}, view);
    for (const char c : error) WSD_ASSERT(c >= ' ' && c <= '~');
    if (!error.empty()) continue;
    check_table(view);
    WSD_ASSERT(view.own_slot(now_ms) <= SlotTable::kSlots);
    table.learn(view, now_ms);
    check_table(table);
    WSD_ASSERT(!table.learn(view, now_ms));
    now_ms += SlotTable::kForgetMs / 2;
  }
  return 0;
}
