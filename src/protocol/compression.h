// permessage-deflate on one connection: the terms agreed on, and the contexts that they ask for.
#pragma once

#include <cstddef>
#include <memory>

#include "base/bytes.h"
#include "protocol/deflate.h"

namespace wsd::protocol {

// Without context takeover a connection borrows the pool's contexts for the length of a message and
// holds nothing of its own.
class Compression {
 public:
  // `pool` outlives this.
  Compression(const DeflateParameters& terms, DeflatePool& pool) noexcept
      : terms_(terms), pool_(pool) {}

  [[nodiscard]] const DeflateParameters& terms() const noexcept { return terms_; }

  // Decompresses a message of at most `limit` bytes into the pool's `inflated`.
  [[nodiscard]] Inflater::Status inflate(Bytes compressed, std::size_t limit);

  // Compresses a message. Empty: it is to go out as it is (it did not shrink and may be left alone,
  // or memory has run out). Otherwise a view into the pool, valid until its next use; then it must
  // go out, or forget_sent() be called.
  [[nodiscard]] Bytes deflate(Bytes payload);
  // A compressed message was not sent after all: what follows must not refer to it.
  void forget_sent() noexcept;

  [[nodiscard]] DeflatePool& pool() const noexcept { return pool_; }

 private:
  DeflateParameters terms_;
  DeflatePool& pool_;
  std::unique_ptr<Inflater> inflater_;  // with context takeover, from the first message on
  std::unique_ptr<Deflater> deflater_;
};

// What a connection on these terms may come to hold, in bytes.
[[nodiscard]] std::size_t context_bytes(const DeflateParameters& terms) noexcept;

// The room that a compressed message may take on the wire when `limit` bounds its plain size:
// DEFLATE enlarges what it cannot compress, by 5 bytes for each stored block (RFC 1951 §3.2.4).
[[nodiscard]] constexpr std::uint64_t compressed_limit(std::uint64_t limit) noexcept {
  return limit + limit / 256 + 64;
}

}  // namespace wsd::protocol
