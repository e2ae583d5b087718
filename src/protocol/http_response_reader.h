// Reads HTTP/1.1 response heads (RFC 9112 §4), strictly and resumably.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "protocol/http_request.h"
#include "protocol/violation.h"

namespace wsd::protocol {

// A complete, well-formed response head. The views are valid as long as the reader.
struct HttpResponse {
  int status = 0;           // 100 to 599
  int minor_version = 1;    // HTTP/1.minor_version
  std::string_view reason;  // may be empty
  std::vector<HttpField> fields;

  // Returns the first field with that name (case-insensitive), or nullptr.
  [[nodiscard]] const HttpField* find(std::string_view name) const noexcept;
  // Returns the number of fields with that name.
  [[nodiscard]] std::size_t count(std::string_view name) const noexcept;
};

// Reads one response head from bytes that arrive in pieces of any size. The total work is O(bytes),
// and the result does not depend on the pieces. Interim responses (RFC 9110 §15.2) before it are
// skipped, except for 101, which is final here. They count against the limit of the head.
//
// It is as strict as RequestParser: lines end in CRLF, there is no obs-fold, field names are
// tokens, and values have no control byte except HTAB. Bytes that cannot begin a status line fail
// at once, so that a server of another protocol does not have to end the connection first.
class ResponseReader {
 public:
  enum class Status : std::uint8_t { kNeedMore, kComplete, kFailed };

  // max_request_line_bytes limits the status line. Limits count the bytes of a line without its
  // CRLF, and all bytes of the head.
  explicit ResponseReader(const HeadLimits& limits) noexcept : limits_(limits) {}
  ResponseReader(const ResponseReader&) = delete;
  ResponseReader& operator=(const ResponseReader&) = delete;

  // Removes the bytes of the head from the front of `input`. After kComplete, the rest is what
  // follows the head: frames after a 101, or a body. Not after kComplete or kFailed.
  [[nodiscard]] Status read(Bytes& input);

  // Only after kComplete.
  [[nodiscard]] const HttpResponse& response() const noexcept { return response_; }
  // Only after kFailed.
  [[nodiscard]] Violation violation() const noexcept { return violation_; }
  [[nodiscard]] bool started() const noexcept { return !bytes_.empty(); }
  [[nodiscard]] std::size_t held_bytes() const noexcept {
    return started() ? bytes_.capacity() : 0;
  }

 private:
  // Offsets, because the bytes may move until the head is complete.
  struct FieldSpan {
    std::size_t begin;
    std::size_t colon;
    std::size_t end;
  };

  [[nodiscard]] bool in_status_line() const noexcept { return status_ == 0; }
  [[nodiscard]] Violation check_begun_line() const noexcept;
  [[nodiscard]] Violation end_line();
  [[nodiscard]] Violation end_status_line(std::string_view line) noexcept;
  [[nodiscard]] Violation end_field(std::string_view line);
  void end_head();

  HeadLimits limits_;
  std::string bytes_;
  std::size_t line_begin_ = 0;
  std::size_t reason_begin_ = 0;
  std::size_t reason_end_ = 0;
  int status_ = 0;  // 0: the status line is not complete
  int minor_version_ = 1;
  bool complete_ = false;
  Violation violation_ = Violation::kNone;
  std::vector<FieldSpan> spans_;
  HttpResponse response_;
};

}  // namespace wsd::protocol
