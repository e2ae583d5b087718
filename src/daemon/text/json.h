// The little of JSON (RFC 8259) that the daemon writes and reads again: rows of strings and
// numbers.
#pragma once

#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wsd::daemon {

// Appends `text` as a JSON string. What is not UTF-8 becomes U+FFFD, a byte each, so that the
// document is UTF-8 (§8.1) whatever a peer has called itself.
void append_json_string(std::string& out, std::string_view text);

// One flat object, built member by member.
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
  // `json` stands as it is.
  JsonObject& add_raw(std::string_view name, std::string_view json);
  [[nodiscard]] std::string take();

 private:
  std::string text_ = "{";
};

// A flat object's members as text: numbers, true, false and null as they stand, strings unescaped.
using JsonRow = std::map<std::string, std::string>;
// The array of flat objects that the member `name` of a document's object holds; std::nullopt when
// there is none, or something in it is malformed or nested.
[[nodiscard]] std::optional<std::vector<JsonRow>> json_rows(std::string_view document,
                                                            std::string_view name);

}  // namespace wsd::daemon
