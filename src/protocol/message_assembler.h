// A message that does not lie whole in the read buffer: collects its frames' payloads.
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

// Holds what has arrived of one message. Memory grows with the bytes received, never with a length
// that was only announced (RFC 6455 §10.4).
class MessageAssembler {
 public:
  MessageAssembler() = default;
  MessageAssembler(const MessageAssembler&) = delete;
  MessageAssembler& operator=(const MessageAssembler&) = delete;
  ~MessageAssembler() { reset(); }

  // Whether a message has begun and not been reset.
  [[nodiscard]] bool active() const noexcept { return active_; }
  [[nodiscard]] Opcode opcode() const noexcept { return opcode_; }
  [[nodiscard]] bool compressed() const noexcept { return compressed_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] MutableBytes payload() noexcept { return {data_, size_}; }

  // `compressed`: what arrives is DEFLATE, and text is not looked at.
  void begin(Opcode opcode, bool compressed = false) noexcept;
  // Counts one more frame of this message against the limits.
  [[nodiscard]] Violation count_fragment(bool empty, const MessageLimits& limits) noexcept;

  // Appends masked payload: unmasks, copies, and checks text. `offset`: bytes of this frame's
  // payload before these. `expected`: payload bytes of this frame still to come, these included.
  // False: memory has run out, nothing was appended.
  [[nodiscard]] bool append(MutableBytes masked, MaskingKey key, std::uint64_t offset,
                            std::uint64_t expected) noexcept;

  // Room behind the payload to receive into directly, at most `expected` bytes; empty when memory
  // has run out. commit() takes over what was received there.
  [[nodiscard]] MutableBytes room(std::uint64_t expected) noexcept;
  void commit(std::size_t received, MaskingKey key, std::uint64_t offset) noexcept;

  // Whether the text so far can still become valid (§8.1). True for binary.
  [[nodiscard]] bool text_valid() const noexcept { return text_valid_; }
  // Whether the message may end here. True for binary.
  [[nodiscard]] bool text_complete() const noexcept { return text_valid_ && utf8_.complete(); }

  // Gives all memory back.
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
