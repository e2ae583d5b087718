// Compresses and decompresses message payloads (RFC 7692 §7.2) with zlib. In a build without zlib,
// have_deflate() returns false and none of these classes may be constructed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/byte_buffer.h"
#include "base/bytes.h"
#include "protocol/deflate_offer.h"

namespace wsd::protocol {

[[nodiscard]] bool have_deflate() noexcept;

// Returns the bytes that a context with that window uses, by zlib's own formula (zconf.h). For
// accounting.
[[nodiscard]] std::size_t inflater_bytes(std::uint8_t window_bits) noexcept;
[[nodiscard]] std::size_t deflater_bytes(std::uint8_t window_bits) noexcept;

// A decompressor. It allocates its memory at the first message.
class Inflater {
 public:
  enum class Status : std::uint8_t {
    kOk,
    kCorrupt,  // not DEFLATE, or a distance beyond the window
    kTooBig,   // the result would exceed `limit`; decompression stopped there
    kNoMemory,
  };

  explicit Inflater(std::uint8_t window_bits) noexcept;
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater();

  // Decompresses one whole message into `out`, replacing the content (§7.2.2).
  [[nodiscard]] Status message(Bytes compressed, ByteBuffer& out, std::size_t limit);
  // Forgets the window, so that the next message does not depend on earlier ones.
  void forget() noexcept;

 private:
  struct State;
  [[nodiscard]] Status feed(Bytes compressed, ByteBuffer& out, std::size_t limit);

  std::unique_ptr<State> state_;
  std::uint8_t window_bits_;
};

// A compressor. It allocates its memory at the first message.
class Deflater {
 public:
  // `level` is zlib's, from 1 to 9.
  Deflater(std::uint8_t window_bits, int level) noexcept;
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;
  ~Deflater();

  // Compresses one whole message into `out`, replacing the content (§7.2.1). Returns false if out
  // of memory.
  [[nodiscard]] bool message(Bytes payload, ByteBuffer& out);
  void forget() noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::uint8_t window_bits_;
  int level_;
};

// The contexts that connections without context takeover share, one of each kind and window, and
// the output buffers. One pool per reactor, for its thread only.
class DeflatePool {
 public:
  explicit DeflatePool(int level) noexcept : level_(level) {}

  [[nodiscard]] int level() const noexcept { return level_; }
  [[nodiscard]] Inflater& inflater(std::uint8_t window_bits);
  [[nodiscard]] Deflater& deflater(std::uint8_t window_bits);

  // The plain bytes and the compressed bytes of the last message.
  ByteBuffer inflated;
  ByteBuffer deflated;
  // Plain bytes since the last end_turn(), including those of messages that exceeded the limit.
  // They measure the time spent, because a few compressed bytes may become a thousand times as many
  // plain ones.
  std::size_t inflated_in_turn = 0;
  // Call this after the messages of a turn. Frees large buffers, unless `more` messages follow at
  // once: getting 16 MiB from the system takes longer than decompressing into them.
  void end_turn(bool more) noexcept;
  // Frees the shared contexts and the buffers. Not between a message and the use of its result.
  void release() noexcept;

 private:
  static constexpr std::size_t kBitsEnd = 16;
  int level_;
  std::array<std::unique_ptr<Inflater>, kBitsEnd> inflaters_;
  std::array<std::unique_ptr<Deflater>, kBitsEnd> deflaters_;
};

}  // namespace wsd::protocol
