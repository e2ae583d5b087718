#include "engine/slot_table.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/in_quotes.h"
#include "base/ip_address.h"

namespace wsd::engine {
namespace {

constexpr std::size_t kIdLength = 40;
constexpr std::size_t kMostHostBytes = 253;

// The flags of a node, as far as they matter here.
struct Flags {
  bool myself = false;
  bool master = false;
  bool failed = false;
  bool handshake = false;
};

// Takes a word off the front of a line. The words have one space between them.
std::string_view take_word(std::string_view& text, char separator = ' ') noexcept {
  const std::string_view word = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(text.size(), word.size() + 1));
  return word;
}

bool is_id(std::string_view text) noexcept {
  return text.size() == kIdLength && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

bool is_host(std::string_view text) noexcept {
  return text.size() <= kMostHostBytes && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '-' || c == '_' || c == ':';
         });
}

template <typename Number>
bool parse_number(std::string_view text, Number& number) noexcept {
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && stopped == end;
}

Flags flags_of(std::string_view text) noexcept {
  Flags flags;
  while (!text.empty()) {
    const std::string_view flag = take_word(text, ',');
    flags.myself = flags.myself || flag == "myself";
    flags.master = flags.master || flag == "master";
    flags.failed = flags.failed || flag == "fail" || flag == "noaddr";
    flags.handshake = flags.handshake || flag == "handshake";
  }
  return flags;
}

// Parses HOST:PORT@BUS-PORT[,HOSTNAME...]. The host may be empty, and the port may be 0. An IPv6
// address has no brackets.
std::optional<Endpoint> parse_address(std::string_view text) {
  text = take_word(text, ',');
  const std::size_t at = text.find('@');
  const std::size_t colon = text.substr(0, at).rfind(':');
  if (at == text.npos || colon == text.npos) return std::nullopt;
  const std::string_view host = text.substr(0, colon);
  const std::optional<std::uint16_t> port = parse_port(text.substr(colon + 1, at - colon - 1));
  if (!is_host(host) || !port) return std::nullopt;
  return Endpoint{std::string(host), *port, {}};
}

}  // namespace

std::string SlotTable::parse(std::string_view nodes, const Endpoint& asked, SlotTable& table) {
  table = SlotTable();
  for (std::size_t lines = 0; !nodes.empty(); ++lines) {
    if (lines == kMostNodes) return "named more than 1,024 nodes";
    std::string error = table.parse_line(take_word(nodes, '\n'), asked);
    if (!error.empty()) return error;
  }
  if (table.myself_.empty()) return "named no node as itself";
  return {};
}

std::string SlotTable::parse_line(std::string_view line, const Endpoint& asked) {
  const std::string_view id = take_word(line);
  const std::string_view address = take_word(line);
  const Flags flags = flags_of(take_word(line));
  for (int unused = 0; unused < 3; ++unused) take_word(line);  // the master of a replica, and times
  const std::string_view epoch = take_word(line);
  const std::string_view state = take_word(line);
  if (!is_id(id)) return "named a node without an id: " + in_quotes(id);
  SlotMaster master{std::string(id), {}, 0, !flags.failed};
  if (!parse_number(epoch, master.config_epoch) || state.empty()) {
    return "described the node " + in_quotes(id) + " in too few words";
  }
  // An odd address of one node, such as an IPv6 address with a zone, must not hide the others.
  Endpoint at = parse_address(address).value_or(Endpoint());
  if (flags.myself) {
    if (!myself_.empty()) return "named two nodes as itself";
    myself_ = id;
    if (at.host.empty() && at.port != 0) at.host = asked.host;
  }
  if (at.host.empty() || at.port == 0) master.serves = false;
  master.at = std::move(at);
  if (flags.handshake || !flags.master) {
    return line.empty() ? std::string() : "named slots of a node that is not a master";
  }
  if (find(id) != kNobody) return "named the node " + in_quotes(id) + " twice";
  masters_.push_back(std::move(master));
  return parse_slots(line, static_cast<Index>(masters_.size() - 1));
}

// Words like "5", "7-9", and "[10->-ID]" for a slot that is being moved, which still is here.
std::string SlotTable::parse_slots(std::string_view words, Index master) {
  while (!words.empty()) {
    const std::string_view word = take_word(words);
    if (word.starts_with('[')) continue;
    std::string_view rest = word;
    const std::string_view from = take_word(rest, '-');
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    if (!parse_number(from, first) || !parse_number(from == word ? from : rest, last) ||
        first > last || last >= kSlots) {
      return "named the slots " + in_quotes(word);
    }
    for (std::uint32_t slot = first; slot <= last; ++slot) {
      if (masters_of_[slot] != kNobody) return "named two masters of slot " + std::to_string(slot);
      masters_of_[slot] = master;
    }
  }
  return {};
}

SlotTable::Index SlotTable::find(std::string_view id) const noexcept {
  const auto found = std::find_if(masters_.begin(), masters_.end(),
                                  [id](const SlotMaster& each) { return each.id == id; });
  return found == masters_.end() ? kNobody : static_cast<Index>(found - masters_.begin());
}

bool SlotTable::learn(const SlotTable& view, std::uint64_t now_ms) {
  SlotTable next = *this;
  std::vector<Index> index_of(view.masters_.size());  // in next.masters_
  for (std::size_t i = 0; i < view.masters_.size(); ++i) {
    const SlotMaster& seen = view.masters_[i];
    index_of[i] = next.find(seen.id);
    if (index_of[i] == kNobody) {
      index_of[i] = static_cast<Index>(next.masters_.size());
      next.masters_.push_back(seen);
    }
    SlotMaster& known = next.masters_[index_of[i]];
    if (seen.config_epoch >= known.config_epoch) {
      known.at = seen.at;
      known.config_epoch = seen.config_epoch;
      known.serves = seen.serves;
    }
    if (seen.id == view.myself_) {
      known.own_epoch = seen.config_epoch;
      known.own_slots.assign(kSlots, false);
      for (std::size_t slot = 0; slot < kSlots; ++slot) {
        known.own_slots[slot] = view.masters_of_[slot] == i;
      }
    }
    known.listed_ms = now_ms;
  }
  // Whether `owner` loses a slot to another master's claim with this epoch in the view. Its
  // own epoch is compared as it was before this view: it may have risen since for another reason.
  const Index itself = next.find(view.myself_);
  const auto loses = [&](Index owner, std::uint64_t epoch) {
    return owner == kNobody || owner == itself || epoch >= masters_[owner].config_epoch ||
           now_ms - next.masters_[owner].listed_ms >= kForgetMs;
  };
  // Redis 7.0 may keep such a claim for good, at a node that was away while the slot moved.
  const auto is_denied = [&](Index claimed, std::uint64_t epoch, std::size_t slot) {
    const SlotMaster& master = next.masters_[claimed];
    return !master.own_slots.empty() && !master.own_slots[slot] && master.own_epoch >= epoch;
  };
  for (std::size_t slot = 0; slot < kSlots; ++slot) {
    Index& owner = next.masters_of_[slot];
    const Index claims = view.masters_of_[slot];
    if (claims == kNobody) {
      // A node that has just joined knows few slots, so this is no claim of another master.
      if (owner != kNobody && owner == itself) owner = kNobody;
    } else if (const std::uint64_t epoch = view.masters_[claims].config_epoch;
               owner != index_of[claims] && !is_denied(index_of[claims], epoch, slot) &&
               loses(owner, epoch)) {
      owner = index_of[claims];
    }
  }
  next.remove_masters_without_slots();
  const bool same = next.same_masters(*this);
  *this = std::move(next);
  return !same;
}

bool SlotTable::same_masters(const SlotTable& other) const noexcept {
  Index mine = kNobody;
  Index theirs = kNobody;
  for (std::size_t i = 0; i < kSlots; ++i) {
    // Neighbours mostly have one master.
    if (masters_of_[i] == mine && other.masters_of_[i] == theirs) continue;
    mine = masters_of_[i];
    theirs = other.masters_of_[i];
    const auto slot = static_cast<std::uint16_t>(i);
    const SlotMaster* const one = master_of(slot);
    const SlotMaster* const two = other.master_of(slot);
    if ((one == nullptr) != (two == nullptr)) return false;
    if (one != nullptr && (one->id != two->id || one->at != two->at)) return false;
  }
  return true;
}

void SlotTable::remove_masters_without_slots() {
  std::vector<Index> index_of(masters_.size(), kNobody);  // in `kept`
  std::vector<SlotMaster> kept;
  for (Index& owner : masters_of_) {
    if (owner == kNobody) continue;
    if (index_of[owner] == kNobody) {
      index_of[owner] = static_cast<Index>(kept.size());
      kept.push_back(masters_[owner]);
    }
    owner = index_of[owner];
  }
  masters_ = std::move(kept);
}

const SlotMaster* SlotTable::master_of(std::uint16_t slot) const noexcept {
  const Index owner = masters_of_[slot];
  return owner == kNobody || !masters_[owner].serves ? nullptr : &masters_[owner];
}

bool SlotTable::complete() const noexcept {
  return std::all_of(masters_of_.begin(), masters_of_.end(),
                     [this](Index owner) { return owner != kNobody && masters_[owner].serves; });
}

std::uint16_t SlotTable::own_slot(std::uint64_t choice) const noexcept {
  const Index itself = find(myself_);
  if (itself == kNobody) return kSlots;
  const auto count = std::count(masters_of_.begin(), masters_of_.end(), itself);
  if (count == 0) return kSlots;
  std::uint64_t skip = choice % static_cast<std::uint64_t>(count);
  for (std::uint16_t slot = 0; slot < kSlots; ++slot) {
    if (masters_of_[slot] == itself && skip-- == 0) return slot;
  }
  return kSlots;
}

}  // namespace wsd::engine
