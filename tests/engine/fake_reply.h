// A reply of the fake Redis, before it is written as RESP.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wsd::engine {

struct FakeReply {
  enum class Type : std::uint8_t {
    kNone,
    kStatus,
    kError,
    kNumber,
    kBulk,
    kVerbatim,  // a text of several lines, which RESP2 has as a bulk string
    kNull,
    kArray,
    kMap
  };

  Type type = Type::kNone;
  std::int64_t number = 0;
  std::string text;
  std::vector<FakeReply> items;  // of a map: keys and values in turn

  [[nodiscard]] static FakeReply status(std::string_view text) {
    return {Type::kStatus, 0, std::string(text), {}};
  }
  [[nodiscard]] static FakeReply ok() { return status("OK"); }
  // `text` begins with the code, like "ERR no such key".
  [[nodiscard]] static FakeReply error(std::string_view text) {
    return {Type::kError, 0, std::string(text), {}};
  }
  [[nodiscard]] static FakeReply of(std::int64_t number) { return {Type::kNumber, number, {}, {}}; }
  [[nodiscard]] static FakeReply bulk(std::string_view text) {
    return {Type::kBulk, 0, std::string(text), {}};
  }
  [[nodiscard]] static FakeReply verbatim(std::string_view text) {
    return {Type::kVerbatim, 0, std::string(text), {}};
  }
  [[nodiscard]] static FakeReply null() { return {Type::kNull, 0, {}, {}}; }
  [[nodiscard]] static FakeReply array(std::vector<FakeReply> items = {}) {
    return {Type::kArray, 0, {}, std::move(items)};
  }
  [[nodiscard]] static FakeReply map(std::vector<FakeReply> items = {}) {
    return {Type::kMap, 0, {}, std::move(items)};
  }

  [[nodiscard]] bool is_error() const noexcept { return type == Type::kError; }

  // Appends the reply as RESP2 or RESP3.
  void append_to(std::string& out, int protocol) const;
};

}  // namespace wsd::engine
