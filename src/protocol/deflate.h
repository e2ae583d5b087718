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
#include "protocol/work_share.h"

namespace wsd::protocol {

[[nodiscard]] bool have_deflate() noexcept;

// Returns the bytes that a context with that window uses, by zlib's own formula (zconf.h). For
// accounting.
[[nodiscard]] std::size_t inflater_bytes(std::uint8_t window_bits) noexcept;
[[nodiscard]] std::size_t deflater_bytes(std::uint8_t window_bits) noexcept;

// Returns zlib's memLevel for a compressor with that window. Its hash table gets eight entries per
// byte of the window. zlib walks the whole table each time the window slides, so that a small
// window with a large table costs many times the work (bench/micro/deflate_bench.cc).
[[nodiscard]] constexpr int deflate_memory_level(std::uint8_t window_bits) noexcept {
  constexpr int kMost = 8;  // zlib's default
  return std::min(kMost, window_bits - 5);
}

// The share of a turn in decompressing, and the prices of the parts, in units of WorkShare. Input
// counts as well, because it may be much work without output: 16 MiB of empty blocks take a second.
inline constexpr std::size_t kInflateShare = std::size_t{2} << 20;
inline constexpr std::size_t kInflateInputWork = 4;  // per byte of compressed data
inline constexpr std::size_t kInflateOutputWork = 2;
inline constexpr std::size_t kInflateBlockWork = 4096;  // to build the tables of a block's codes
inline constexpr std::size_t kInflateCallWork = 128;    // per call of zlib

// The share of a turn in compressing.
inline constexpr std::size_t kDeflateShare = std::size_t{6} << 20;

// Returns the work of compressing a message at one of zlib's levels. It is meant for data that is
// hard to compress; JSON takes about half of it.
[[nodiscard]] constexpr std::size_t deflate_work(std::size_t bytes, int level) noexcept {
  constexpr std::array<std::size_t, 9> kPerByte = {12, 16, 20, 32, 40, 96, 192, 192, 192};
  constexpr std::size_t kPerMessage = 4096;  // clearing the hash table
  return kPerMessage + bytes * kPerByte[static_cast<std::size_t>(level) - 1];
}

// A decompressor. It allocates its memory at the first message.
class Inflater {
 public:
  enum class Status : std::uint8_t {
    kOk,
    kUnfinished,   // the share of work is used up: call again in a later step
    kCorrupt,      // not DEFLATE, or a distance beyond the window
    kBeforeStart,  // from Compression: see there
    kTooBig,       // the result would exceed `limit`; decompression stopped there
    kNoMemory,
  };

  explicit Inflater(std::uint8_t window_bits) noexcept;
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater();

  // Decompresses one whole message into `out`, replacing the content (§7.2.2). Counts the work in
  // `share`, and returns kUnfinished when the step's part of it is used up. Then `compressed` is
  // the rest of the message. The next call must pass that rest, the same `out` and the same limit.
  [[nodiscard]] Status message(Bytes& compressed, ByteBuffer& out, std::size_t limit,
                               WorkShare& share);
  // Forgets the window and an unfinished message, so that the next message does not depend on
  // earlier ones.
  void forget() noexcept;
  // After kCorrupt and before forget(): returns whether a distance was too large.
  [[nodiscard]] bool reached_too_far() const noexcept;

 private:
  struct State;
  [[nodiscard]] Status feed(Bytes& compressed, ByteBuffer& out, std::size_t limit,
                            WorkShare& share);

  std::unique_ptr<State> state_;
  std::uint8_t window_bits_;
};

// A compressor. It allocates its memory at the first message.
class Deflater {
 public:
  // `level` is zlib's, from 1 to 9. 8 and 9 search no longer than 7 for a match.
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
  // Lends the decompressor for that window. A message that takes several turns keeps it meanwhile,
  // so there may be more than one.
  [[nodiscard]] std::unique_ptr<Inflater> borrow_inflater(std::uint8_t window_bits);
  // Takes back a decompressor without an unfinished message or a window.
  void give_back(std::uint8_t window_bits, std::unique_ptr<Inflater> inflater) noexcept;
  [[nodiscard]] Deflater& deflater(std::uint8_t window_bits);

  // The plain bytes and the compressed bytes of the last message.
  ByteBuffer inflated;
  ByteBuffer deflated;

  // The work since the last end_turn().
  WorkShare inflating{kInflateShare};
  WorkShare deflating{kDeflateShare};

  // Sets how many connections may want to decompress in this turn. The share is divided among them.
  void divide_inflating(std::size_t connections) noexcept;
  // Begins the step of one of these connections. The step is small while a large message is
  // unfinished, because a message that begins now may have to wait for it, and is held meanwhile.
  void begin_inflating() noexcept {
    inflating.begin_step(oldest_ == kAny ? inflate_step_ : kLeastStep);
  }

  // A message that takes several turns gets a number. Numbers grow.
  [[nodiscard]] std::uint64_t number_message() noexcept { return ++last_number_; }
  // Returns whether such a message, whose plain bytes exceed kLargeMessage, may go on in this turn.
  // Only the oldest of those that asked in the last turn may. So a reactor holds one large message
  // that is not complete, however many peers have sent one.
  [[nodiscard]] bool may_grow(std::uint64_t number) noexcept;
  static constexpr std::size_t kLargeMessage = std::size_t{64} << 10;

  // Takes the work of compressing a message out of the turn's share. Returns false and counts the
  // message if the share does not have it. RFC 7692 §6: an endpoint may send any message
  // uncompressed.
  [[nodiscard]] bool take_deflating(std::size_t bytes) noexcept;
  // Returns how often take_deflating() has returned false.
  [[nodiscard]] std::uint64_t not_deflated() const noexcept { return not_deflated_; }

  // Call this after the messages of a turn. Frees large buffers, unless `more` messages follow at
  // once: getting 16 MiB from the system takes longer than decompressing into them.
  void end_turn(bool more) noexcept;
  // Frees the shared contexts and the buffers. Not between a message and the use of its result.
  void release() noexcept;

 private:
  static constexpr std::size_t kBitsEnd = 16;
  int level_;
  std::size_t inflate_step_ = kInflateShare;
  std::uint64_t not_deflated_ = 0;
  static constexpr std::size_t kLeastStep = kInflateShare / 8;
  static constexpr std::uint64_t kAny = ~std::uint64_t{0};
  std::uint64_t last_number_ = 0;
  std::uint64_t oldest_ = kAny;         // among those that asked in the last turn
  std::uint64_t oldest_asking_ = kAny;  // in this turn
  std::array<std::unique_ptr<Inflater>, kBitsEnd> inflaters_;
  std::array<std::unique_ptr<Deflater>, kBitsEnd> deflaters_;
};

}  // namespace wsd::protocol
