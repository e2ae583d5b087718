// Words of the questions that nodes ask each other, and of their answers (RoomCounts, RoomLists).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/batch_text.h"

namespace wsd::engine {

// Returns the name of a node as in a batch's head, like "a1b2c3d4.0".
[[nodiscard]] std::string text_of(const NodeName& node);
// Returns whether the text may be the name of a node.
[[nodiscard]] bool is_node_name(std::string_view text) noexcept;
// Takes the text up to the next space, and the space.
std::string_view take_word(std::string_view& text) noexcept;
// Returns the number that is the whole text.
[[nodiscard]] std::optional<std::uint64_t> number_of(std::string_view text) noexcept;

}  // namespace wsd::engine
