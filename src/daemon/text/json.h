// The subset of JSON (RFC 8259) that the daemon writes and parses: rows of strings and numbers.
#pragma once

#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wsd::daemon {

// Appends `text` as a JSON string. Replaces each byte outside valid UTF-8 by U+FFFD, so that the
// document is UTF-8 (§8.1) for any name that a peer chooses.
void append_json_string(std::string& out, std::string_view text);

// Builds a flat object member by member.
class JsonObject {
 public:
  JsonObject& add(std::string_view name, std::string_view value);
  template <std::unsigned_integral T>
  JsonObject& add(std::string_view name, T value) {
    return add_raw(name, std::to_string(value));
  }
  JsonObject& add_bool(std::string_view name, bool value) {
    return add_raw(name, value ? "true" : "false");
  }
  // Adds `json` unchanged as the value.
  JsonObject& add_raw(std::string_view name, std::string_view json);
  [[nodiscard]] std::string take();

 private:
  std::string text_ = "{";
};

// The members of a flat object as text: strings unescaped; numbers, true, false and null unchanged.
using JsonRow = std::map<std::string, std::string>;
// Returns the array of flat objects in the member `name` of the document. Returns std::nullopt if
// it is missing, malformed or nested.
[[nodiscard]] std::optional<std::vector<JsonRow>> json_rows(std::string_view document,
                                                            std::string_view name);

}  // namespace wsd::daemon
