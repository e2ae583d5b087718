// A received message whose decompression takes more than one step, and the input after it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/byte_buffer.h"
#include "base/bytes.h"
#include "protocol/compression.h"
#include "protocol/frame_header.h"
#include "protocol/utf8.h"

namespace wsd::protocol {

// Decompresses the rest of a message, one share of work at a time. Between two steps, it holds the
// plain bytes so far, the input after the message and, without context takeover, a decompressor of
// the pool. It is made for the first such message, and kept until its input is used up.
class Inflation {
 public:
  // `compression` must outlive this object.
  explicit Inflation(Compression& compression) noexcept : compression_(compression) {}
  Inflation(const Inflation&) = delete;
  Inflation& operator=(const Inflation&) = delete;
  ~Inflation() { abandon(); }

  // Begins a message after Compression::inflate() has returned kUnfinished for it. `rest` is the
  // rest of the message, and must stay valid.
  void begin(Opcode opcode, Bytes rest) noexcept;
  // Keeps a copy of `input`, which is the input after the message. If `rest` points to the bytes
  // directly before it, keeps a copy of them too. If `input` is the end of input() already, drops
  // the bytes before it instead.
  void keep(Bytes input, bool rest_precedes);

  // Returns whether a message is not decompressed yet.
  [[nodiscard]] bool unfinished() const noexcept { return unfinished_; }
  // Does the work of one step. Returns kUnfinished if a rest remains. Otherwise the message is in
  // the pool's `inflated`.
  [[nodiscard]] Inflater::Status step(std::size_t limit);
  // Gives the message up.
  void abandon() noexcept;

  [[nodiscard]] Opcode opcode() const noexcept { return opcode_; }
  // Returns whether the complete message is valid text, or binary.
  [[nodiscard]] bool text_valid() const noexcept { return text_valid_ && utf8_.complete(); }
  // The input that was kept. The caller parses it when no message is unfinished, and then says how
  // much is left.
  [[nodiscard]] MutableBytes input() noexcept { return MutableBytes(kept_).subspan(used_); }
  void set_left(std::size_t bytes) noexcept { used_ = kept_.size() - bytes; }
  // The bytes of memory that this object holds.
  [[nodiscard]] std::size_t held_bytes() const noexcept;

 private:
  Compression& compression_;
  Opcode opcode_ = Opcode::kContinuation;
  bool unfinished_ = false;
  bool text_valid_ = true;
  std::uint64_t number_ = 0;  // see DeflatePool::may_grow()
  Utf8Validator utf8_;
  Bytes rest_;
  ByteBuffer plain_;
  std::size_t checked_ = 0;  // bytes of the plain text that were checked
  std::vector<std::uint8_t> kept_;
  std::size_t used_ = 0;  // bytes of `kept_` that were parsed
};

}  // namespace wsd::protocol
