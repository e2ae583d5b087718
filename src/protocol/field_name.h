// The header fields that the server itself reads, so that one look at a name replaces many
// comparisons.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace wsd::protocol {

enum class FieldName : std::uint8_t {
  kOther,
  kHost,
  kOrigin,
  kExpect,
  kUpgrade,
  kConnection,
  kContentLength,
  kTransferEncoding,
  kSecWebSocketKey,
  kSecWebSocketVersion,
  kSecWebSocketProtocol,
  kSecWebSocketExtensions,
};
inline constexpr std::size_t kFieldNames = 12;

// Returns which of these fields has the name, compared without case (RFC 9110 §5.1).
[[nodiscard]] FieldName field_name_of(std::string_view name) noexcept;

// Compares ASCII text without case (RFC 9110 §5.1).
[[nodiscard]] bool equals_ignore_case(std::string_view a, std::string_view b) noexcept;

}  // namespace wsd::protocol
