#include "engine/fake_stream.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace wsd::engine {
namespace {

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<FakeStreamId> FakeStreamId::parse(std::string_view text, std::uint64_t missing_seq) {
  const std::size_t dash = text.find('-');
  const std::optional<std::uint64_t> ms = number(text.substr(0, dash));
  if (!ms) return std::nullopt;
  if (dash == std::string_view::npos) return FakeStreamId{*ms, missing_seq};
  const std::optional<std::uint64_t> seq = number(text.substr(dash + 1));
  if (!seq) return std::nullopt;
  return FakeStreamId{*ms, *seq};
}

void FakeStream::add(const FakeStreamId& id, std::vector<std::string> fields) {
  entries_.push_back({id, std::move(fields)});
  last_id = id;
  ++added;
}

std::size_t FakeStream::trim_below(const FakeStreamId& least, std::size_t limit) {
  std::size_t count = 0;
  while (count < entries_.size() && count < limit && entries_[count].id < least) ++count;
  entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(count));
  return count;
}

std::size_t FakeStream::trim_to(std::size_t length, std::size_t limit) {
  if (entries_.size() <= length) return 0;
  const std::size_t count = std::min(limit, entries_.size() - length);
  entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(count));
  return count;
}

bool FakeStream::remove(const FakeStreamId& id) {
  const auto found = std::ranges::find(entries_, id, &FakeStreamEntry::id);
  if (found == entries_.end()) return false;
  entries_.erase(found);
  max_deleted_id = std::max(max_deleted_id, id);
  return true;
}

}  // namespace wsd::engine
