// Sec-WebSocket-Extensions as a client offers it (RFC 6455 §9.1).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wsd::protocol {

struct ExtensionParameter {
  std::string_view name;
  bool has_value = false;
  std::string value;  // unescaped where it was a quoted-string
};

struct ExtensionOffer {
  std::string_view name;  // a view into the field value
  std::vector<ExtensionParameter> parameters;
};

// Appends the offers of one field line to `offers`, in their order. False when the line is not the
// ABNF; the offers before the fault may have been appended. Empty list elements are skipped.
[[nodiscard]] bool read_extensions(std::string_view line, std::vector<ExtensionOffer>& offers);

}  // namespace wsd::protocol
