// Parameters in the query of a request target, in the form that HTML forms and URLSearchParams
// write: application/x-www-form-urlencoded (WHATWG URL §5).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace wsd::protocol {

// Returns the encoded value of the first parameter with that name, or std::nullopt if there is
// none. The names in `query` are decoded for the comparison, and `name` is not. A parameter without
// "=" has an empty value. Copies nothing.
[[nodiscard]] std::optional<std::string_view> find_query_param(std::string_view query,
                                                               std::string_view name) noexcept;

// Decodes a name or a value (WHATWG URL §5.1): "+" is a space, and a "%" that two hexadecimal
// digits do not follow stays as it is. The result may have any bytes. If memory runs out, throws
// std::bad_alloc.
[[nodiscard]] std::string decode_query_text(std::string_view text);

}  // namespace wsd::protocol
