// The stream type of the fake Redis: entries in the order of their ids.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wsd::engine {

struct FakeStreamId {
  std::uint64_t ms = 0;
  std::uint64_t seq = 0;

  auto operator<=>(const FakeStreamId&) const = default;
  [[nodiscard]] std::string text() const { return std::to_string(ms) + "-" + std::to_string(seq); }
  // Reads "MS-SEQ", or "MS" with this seq. Returns std::nullopt if the text has another form.
  [[nodiscard]] static std::optional<FakeStreamId> parse(std::string_view text,
                                                         std::uint64_t missing_seq);
};

struct FakeStreamEntry {
  FakeStreamId id;
  std::vector<std::string> fields;  // names and values in turn
};

class FakeStream {
 public:
  // Adds an entry. Requires that `id` is greater than last_id().
  void add(const FakeStreamId& id, std::vector<std::string> fields);
  // Removes entries, oldest first, and at most `limit`. Returns how many.
  std::size_t trim_below(const FakeStreamId& least, std::size_t limit);
  std::size_t trim_to(std::size_t length, std::size_t limit);
  // Returns whether there was such an entry.
  bool remove(const FakeStreamId& id);

  [[nodiscard]] const std::vector<FakeStreamEntry>& entries() const noexcept { return entries_; }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

  FakeStreamId last_id;
  FakeStreamId max_deleted_id;
  std::uint64_t added = 0;

 private:
  std::vector<FakeStreamEntry> entries_;
};

}  // namespace wsd::engine
