// Reads RESP3, the protocol of Redis and Valkey (https://redis.io/docs/reference/protocol-spec).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wsd::engine {

enum class RespType : std::uint8_t {
  kSimple,  // +text, also verbatim strings (=) without their format, and big numbers ((), as text
  kError,   // -text and !
  kNumber,  // :number
  kDouble,  // ,text: not converted
  kBulk,    // $bytes
  kNull,    // _ and the RESP2 forms $-1 and *-1
  kBool,    // #: `number` is 0 or 1
  kArray,   // * and ~
  kMap,     // %: `count` is the number of keys and values together
  kPush,    // >
};

// One node of a value. A value is a span of nodes in preorder: an aggregate is followed by its
// children, each with all of its own descendants.
struct RespNode {
  RespType type = RespType::kNull;
  std::uint32_t count = 0;  // of children
  std::uint32_t nodes = 1;  // of this node and all its descendants
  std::int64_t number = 0;
  std::string_view text;

  [[nodiscard]] bool is_text() const noexcept {
    return type == RespType::kSimple || type == RespType::kBulk;
  }
};

using RespValue = std::span<const RespNode>;

// Returns the child with this index of the aggregate at the front of `value`, or an empty span.
// Takes constant time if no child is an aggregate.
[[nodiscard]] RespValue child(RespValue value, std::size_t index) noexcept;
// Returns the value for a key of the map at the front of `value`, or of an array of keys and
// values, as RESP2 has it. Returns an empty span if there is no such key.
[[nodiscard]] RespValue find(RespValue value, std::string_view key) noexcept;

// Assembles values from a stream. Never allocates by the counts and lengths that the stream
// announces, only by the bytes that have arrived. Attributes (|) are read and left out. Streamed
// strings and aggregates ($?, *?) are refused, because Redis does not send them. The division of
// the stream into calls of take() does not change the values, nor the error.
class RespReader {
 public:
  static constexpr std::uint32_t kMostDepth = 16;

  struct Limits {
    std::size_t bytes = std::size_t{1} << 20;  // of one value, with everything around it
    std::uint32_t nodes = 16'384;              // of one value
    std::uint32_t depth = 8;                   // of aggregates in each other; at most kMostDepth
  };
  enum class Result : std::uint8_t {
    kValue,   // value() is the next value
    kMore,    // the rest of it has not arrived
    kBroken,  // the stream breaks the protocol or a limit; error() says how. Stays so.
  };

  explicit RespReader(const Limits& limits) noexcept;

  // Adds bytes of the stream. Invalidates the latest value. Does nothing after kBroken. Throws
  // std::bad_alloc if memory runs out; then the stream has not changed.
  void take(std::string_view bytes);
  // Reads on. Invalidates the value before. Throws std::bad_alloc if memory runs out; then it may
  // be called again.
  [[nodiscard]] Result next();
  // The value, after next() has returned kValue and until the next call of take() or next().
  // Otherwise empty.
  [[nodiscard]] RespValue value() const noexcept { return complete_ ? nodes_ : RespValue(); }
  // A sentence part, like "a length is negative". Empty unless the stream is broken.
  [[nodiscard]] std::string_view error() const noexcept { return error_; }

 private:
  // An aggregate with children that have not been read.
  struct Frame {
    std::uint32_t node = 0;  // index
    std::uint32_t left = 0;
    bool attribute = false;
  };
  enum class Line : std::uint8_t { kRead, kShort, kBroken };

  bool whole_bulks();
  Result element();
  Result text_line(char type);
  Result number_line();
  Result blob(char type);
  Result aggregate(char type);
  Result short_line(char type);
  // Reads the digits and the CRLF at `at`, and moves it after them. `nullable`: -1 is allowed.
  Line read_length(const char*& at, bool nullable, std::int64_t& length);
  // Reads a CRLF.
  Line read_end(const char*& at);
  Result unread(Line line) const noexcept;
  Result add(const RespNode& node, const char* end);
  void close_element() noexcept;
  Result fail(std::string_view error) noexcept;
  [[nodiscard]] const char* end() const noexcept { return buffer_.data() + end_; }
  void rebase(const char* from, const char* to) noexcept;
  void make_room(std::size_t size);

  Limits limits_;
  std::string buffer_;
  std::size_t start_ = 0;    // of the value that is being read
  std::size_t at_ = 0;       // of the element that is read next
  std::size_t end_ = 0;      // of the bytes that this value may use
  std::size_t scanned_ = 0;  // bytes after at_ without a CR, if this element is a line
  std::vector<RespNode> nodes_;
  std::array<Frame, kMostDepth> frames_;
  std::uint32_t depth_ = 0;
  bool complete_ = false;
  std::string_view error_;
};

}  // namespace wsd::engine
