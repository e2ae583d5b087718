// Compressing and decompressing message payloads (RFC 7692 §7.2), over zlib. Built without zlib,
// have_deflate() says so and nothing here can be made.
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

// What one context of that window holds when it is in use, in bytes, by zlib's own formula
// (zconf.h). For accounting.
[[nodiscard]] std::size_t inflater_bytes(std::uint8_t window_bits) noexcept;
[[nodiscard]] std::size_t deflater_bytes(std::uint8_t window_bits) noexcept;

// One decompressor. Memory is taken at the first message.
class Inflater {
 public:
  enum class Status : std::uint8_t {
    kOk,
    kCorrupt,  // not DEFLATE, or a distance beyond the window
    kTooBig,   // the result would exceed `limit`; inflating stopped there
    kNoMemory,
  };

  explicit Inflater(std::uint8_t window_bits) noexcept;
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater();

  // Decompresses one whole message into `out`, which is overwritten (§7.2.2).
  [[nodiscard]] Status message(Bytes compressed, ByteBuffer& out, std::size_t limit);
  // Forgets the window: the next message stands by itself.
  void forget() noexcept;

 private:
  struct State;
  [[nodiscard]] Status feed(Bytes compressed, ByteBuffer& out, std::size_t limit);

  std::unique_ptr<State> state_;
  std::uint8_t window_bits_;
};

// One compressor. Memory is taken at the first message.
class Deflater {
 public:
  // `level`: zlib's, 1 to 9.
  Deflater(std::uint8_t window_bits, int level) noexcept;
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;
  ~Deflater();

  // Compresses one whole message into `out`, which is overwritten (§7.2.1). False when memory has
  // run out.
  [[nodiscard]] bool message(Bytes payload, ByteBuffer& out);
  void forget() noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::uint8_t window_bits_;
  int level_;
};

// The contexts that connections without context takeover share, one of each kind and window, and
// the buffers that results are written to. One for a reactor; its thread only.
class DeflatePool {
 public:
  explicit DeflatePool(int level) noexcept : level_(level) {}

  [[nodiscard]] int level() const noexcept { return level_; }
  [[nodiscard]] Inflater& inflater(std::uint8_t window_bits);
  [[nodiscard]] Deflater& deflater(std::uint8_t window_bits);

  // The last message's plain bytes, and the last compressed ones.
  ByteBuffer inflated;
  ByteBuffer deflated;
  // Plain bytes since the last end_turn(), those of messages that proved too big included: few
  // compressed ones may cost as much time as a thousand times as many.
  std::size_t inflated_in_turn = 0;
  // To be called when the messages of a turn have been dealt with. Gives large buffers back, unless
  // there is `more` to do at once: taking 16 MiB from the system costs more than inflating to them.
  void end_turn(bool more) noexcept;

 private:
  static constexpr std::size_t kBitsEnd = 16;
  int level_;
  std::array<std::unique_ptr<Inflater>, kBitsEnd> inflaters_;
  std::array<std::unique_ptr<Deflater>, kBitsEnd> deflaters_;
};

}  // namespace wsd::protocol
