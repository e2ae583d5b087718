// Parses Sec-WebSocket-Extensions as a client offers it (RFC 6455 §9.1).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wsd::protocol {

struct ExtensionParameter {
  std::string_view name;
  bool has_value = false;
  std::string value;  // unescaped if it was a quoted-string
};

struct ExtensionOffer {
  std::string_view name;  // a view into the field value
  std::vector<ExtensionParameter> parameters;
};

// Appends the offers of one field line to `offers`, in order. Returns false if the line does not
// match the ABNF; offers before the error may have been appended. Empty list elements are skipped.
[[nodiscard]] bool read_extensions(std::string_view line, std::vector<ExtensionOffer>& offers);

}  // namespace wsd::protocol
