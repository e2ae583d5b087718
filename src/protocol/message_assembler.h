// Collects the payloads of a message that is not complete in the read buffer.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "protocol/frame_header.h"
#include "protocol/utf8.h"
#include "protocol/violation.h"

namespace wsd::protocol {

struct MessageLimits {
  std::uint64_t max_message_bytes = std::uint64_t{16} << 20;
  std::uint32_t max_fragments = 131'072;
  std::uint32_t max_empty_fragments = 1'024;
};

// The received part of one message. Its memory grows with the bytes received, never with a length
// that was only announced (RFC 6455 §10.4).
class MessageAssembler {
 public:
  MessageAssembler() = default;
  MessageAssembler(const MessageAssembler&) = delete;
  MessageAssembler& operator=(const MessageAssembler&) = delete;
  ~MessageAssembler() { reset(); }

  // Returns whether a message has begun since the last reset().
  [[nodiscard]] bool active() const noexcept { return active_; }
  [[nodiscard]] Opcode opcode() const noexcept { return opcode_; }
  [[nodiscard]] bool compressed() const noexcept { return compressed_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] MutableBytes payload() noexcept { return {data_, size_}; }

  // `compressed` means that the payload is DEFLATE, so text is not checked.
  void begin(Opcode opcode, bool compressed = false) noexcept;
  // Counts one more frame of this message against the limits.
  [[nodiscard]] Violation count_fragment(bool empty, const MessageLimits& limits) noexcept;

  // Unmasks and appends payload, and checks text. `offset` is the number of bytes of this frame's
  // payload before these. `expected` is the number of payload bytes of this frame still to come,
  // including these. Returns false if out of memory; nothing was appended then.
  [[nodiscard]] bool append(MutableBytes masked, MaskingKey key, std::uint64_t offset,
                            std::uint64_t expected) noexcept;

  // Returns memory after the payload to receive into directly, at most `expected` bytes. Empty if
  // out of memory. Call commit() with the number of bytes received.
  [[nodiscard]] MutableBytes room(std::uint64_t expected) noexcept;
  void commit(std::size_t received, MaskingKey key, std::uint64_t offset) noexcept;

  // Returns whether the text so far can still become valid (§8.1). Always true for binary.
  [[nodiscard]] bool text_valid() const noexcept { return text_valid_; }
  // Returns whether the message may end here. Always true for binary.
  [[nodiscard]] bool text_complete() const noexcept { return text_valid_ && utf8_.complete(); }

  // Frees all memory.
  void reset() noexcept;

 private:
  [[nodiscard]] bool reserve(std::uint64_t more, std::uint64_t expected) noexcept;

  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::uint32_t fragments_ = 0;
  std::uint32_t empty_fragments_ = 0;
  Utf8Validator utf8_;
  Opcode opcode_ = Opcode::kContinuation;
  bool active_ = false;
  bool compressed_ = false;
  bool text_valid_ = true;
};

}  // namespace wsd::protocol
