// Collects the body of one request (RFC 9112 §6.3): delimited by Content-Length, or chunked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/byte_buffer.h"
#include "base/bytes.h"
#include "protocol/chunked_body.h"
#include "protocol/http_request.h"
#include "protocol/violation.h"

namespace wsd::protocol {

class RequestBody {
 public:
  enum class Status : std::uint8_t { kNeedMore, kComplete, kFailed, kNoMemory };

  // Begins the body of a request whose body is due.
  void begin(const HttpRequest& request);
  // Returns whether a body has begun and is incomplete.
  [[nodiscard]] bool reading() const noexcept { return chunked_ || bytes_.size() < length_; }
  // Removes bytes of the body from the front of `input`. At kNeedMore, `input` is empty. At
  // kComplete, it begins after the body. `max_bytes` limits a chunked body; the caller has checked
  // an announced length. Only while reading().
  [[nodiscard]] Status next(Bytes& input, std::uint64_t max_bytes);
  // Only after kFailed.
  [[nodiscard]] Violation violation() const noexcept { return chunked_->violation(); }

  // The decoded body. Only after kComplete. Valid until reset().
  [[nodiscard]] Bytes bytes() noexcept { return bytes_.bytes(); }
  // Memory in bytes: at most twice the decoded bytes, whatever length was announced.
  [[nodiscard]] std::size_t capacity() const noexcept { return bytes_.capacity(); }
  // Frees the memory.
  void reset() noexcept;

 private:
  [[nodiscard]] Status next_chunks(Bytes& input, std::uint64_t max_bytes);
  [[nodiscard]] bool append(Bytes data, std::uint64_t missing);

  ByteBuffer bytes_;
  std::uint64_t length_ = 0;            // as announced by Content-Length
  std::optional<ChunkedBody> chunked_;  // while a chunked body is read
};

}  // namespace wsd::protocol
