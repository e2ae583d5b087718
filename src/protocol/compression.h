// permessage-deflate on one connection: the agreed parameters, and the contexts that they need.
#pragma once

#include <cstddef>
#include <memory>

#include "base/bytes.h"
#include "protocol/deflate.h"

namespace wsd::protocol {

// Compresses and decompresses a connection's messages. Without context takeover, a connection
// borrows the pool's contexts for one message at a time and keeps none of its own.
class Compression {
 public:
  // `pool` must outlive this object.
  Compression(const DeflateParameters& terms, DeflatePool& pool) noexcept
      : terms_(terms), pool_(pool) {}

  [[nodiscard]] const DeflateParameters& terms() const noexcept { return terms_; }

  // Decompresses a message into the pool's `inflated`, if the result has at most `limit` bytes.
  // After kUnfinished, `compressed` is the rest of the message. The caller must put the content of
  // the pool's `inflated` aside, and back before the next call with that rest.
  //
  // Returns kBeforeStart instead of kCorrupt if the message refers to bytes before its start,
  // although no context takeover was agreed: the peer shares its window across messages (RFC 7692
  // §7.1.1.2).
  [[nodiscard]] Inflater::Status inflate(Bytes& compressed, std::size_t limit);
  // Gives up an unfinished message. With context takeover, no other message may follow.
  void abandon() noexcept;

  // Compresses a message. Returns a view into the pool, valid until its next use. The caller must
  // then send it, or call forget_sent(). Returns an empty view if the message must be sent
  // uncompressed, because it did not shrink, the turn's share is used up, or memory ran out.
  [[nodiscard]] Bytes deflate(Bytes payload);
  // Call this if a compressed message was not sent after all, so that later messages do not refer
  // to it.
  void forget_sent() noexcept;

  [[nodiscard]] DeflatePool& pool() const noexcept { return pool_; }

 private:
  DeflateParameters terms_;
  DeflatePool& pool_;
  // With context takeover, from the first message on. Without it, while a message is unfinished.
  std::unique_ptr<Inflater> inflater_;
  std::unique_ptr<Deflater> deflater_;
};

// Returns the most memory, in bytes, that a connection with these parameters may use.
[[nodiscard]] std::size_t context_bytes(const DeflateParameters& terms) noexcept;

// Returns the largest size on the wire of a compressed message of at most `limit` plain bytes.
// DEFLATE enlarges incompressible data by 5 bytes per stored block (RFC 1951 §3.2.4).
[[nodiscard]] constexpr std::uint64_t compressed_limit(std::uint64_t limit) noexcept {
  return limit + limit / 256 + 64;
}

}  // namespace wsd::protocol
