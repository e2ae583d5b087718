// The text of a batch: several messages of one node in one entry of a room's stream.
//
//   MS NODE COUNTER COUNT\n  and COUNT times  t|b LENGTH : BYTES
//   1795989613123 a1b2c3d4.0 57 2\nt5:hellob3:abc
//
// MS is the time of Redis in milliseconds. NODE and COUNTER name the batch. t is a text message, b
// a binary one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wsd::engine {

// Names one shard of one process.
struct NodeName {
  std::uint32_t process = 0;  // random
  std::uint32_t shard = 0;
  bool operator==(const NodeName&) const = default;
};

inline constexpr std::uint32_t kMostMessagesPerBatch = 64;
inline constexpr std::size_t kMostBytesPerBatch = std::size_t{64}
                                                  << 10;  // unless one alone is larger

struct BatchHead {
  std::uint64_t ms = 0;
  NodeName node;
  std::uint64_t counter = 0;
  std::uint32_t count = 0;  // at least 1, at most kMostMessagesPerBatch
};

struct BatchMessage {
  bool binary = false;
  std::string_view payload;
};

// Append to `out`. Throw std::bad_alloc if memory runs out; then `out` is as before.
void append_head(std::string& out, const BatchHead& head);
void append_message(std::string& out, const BatchMessage& message);

// Reads a batch. All of it is checked by begin(), so next() cannot fail.
class BatchReader {
 public:
  // Returns false if the text is not exactly of the form above. `text` must outlive the reader.
  [[nodiscard]] bool begin(std::string_view text) noexcept;
  [[nodiscard]] const BatchHead& head() const noexcept { return head_; }
  // Call it at most head().count times.
  [[nodiscard]] BatchMessage next() noexcept;

 private:
  BatchHead head_;
  std::string_view rest_;
};

}  // namespace wsd::engine
