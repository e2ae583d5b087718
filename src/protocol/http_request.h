// HTTP/1.1 request heads (RFC 9112), parsed strictly and resumably.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "protocol/violation.h"

namespace wsd::protocol {

struct HeadLimits {
  std::size_t max_request_line_bytes = std::size_t{8} << 10;
  std::size_t max_head_bytes = std::size_t{16} << 10;
  std::size_t max_field_bytes = std::size_t{8} << 10;
  std::uint32_t max_fields = 100;
};

struct HttpField {
  std::string_view name;   // as received; compare with equals_ignore_case()
  std::string_view value;  // without the optional whitespace around it (RFC 9112 §5)
};

// A complete, well-formed request head. All views point into the bytes given to the parser and into
// the parser, and are valid as long as both stand unchanged.
struct HttpRequest {
  std::string_view method;
  std::string_view target;  // as received
  std::string_view path;    // origin-form path, not percent-decoded; absolute-form is reduced to it
  std::string_view query;   // without the '?'; empty when absent
  std::string_view host;    // Host field (RFC 9112 §3.2), empty only for HTTP/1.0 without one;
                            // for absolute-form the target's authority replaces it (§3.2.2)
  int minor_version = 1;    // HTTP/1.minor_version
  bool keep_alive = true;   // RFC 9112 §9.3
  bool expects_continue = false;
  bool chunked = false;  // Transfer-Encoding: chunked, the only coding known
  std::uint64_t content_length = 0;
  std::string_view body;  // content_length bytes once it was read; empty before
  const std::vector<HttpField>* fields = nullptr;

  // Whether there is a body (RFC 9112 §6) that was not read.
  [[nodiscard]] bool body_due() const noexcept { return chunked || body.size() != content_length; }

  // The first field of that name (case-insensitive), or nullptr.
  [[nodiscard]] const HttpField* find(std::string_view name) const noexcept;
  // How many fields have that name.
  [[nodiscard]] std::size_t count(std::string_view name) const noexcept;
};

// Reads one request head from bytes that arrive in any cut. It goes on where it stopped, so the
// work is O(bytes) in all, and the result does not depend on the cut.
//
// Strict where leniency has let requests be smuggled: lines end in CRLF (§2.2 would allow bare LF;
// refused), no bare CR, no obs-fold (§5.2), no whitespace before the colon (§5.1) or before the
// first field (§2.2), exactly one valid Host in HTTP/1.1 (§3.2), Content-Length never together with
// Transfer-Encoding (§6.1), up to 4 empty lines before the request line skipped (§2.2). Field names
// are tokens (RFC 9110 §5.1), no value has a control byte but HTAB (§5.5), and Content-Length is a
// list of equal decimal numbers (§8.6). Any token is taken as a method: see is_known_method().
class RequestParser {
 public:
  enum class Status : std::uint8_t { kNeedMore, kComplete, kFailed };

  // Limits count the bytes of a line without its CRLF, and all bytes of the head.
  explicit RequestParser(const HeadLimits& limits) noexcept;
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // `head` is all bytes of this request so far: those of the calls before (they may have moved in
  // memory) and the new ones. After kComplete, request() holds views into this call's `head`.
  // kComplete and kFailed stay until reset().
  [[nodiscard]] Status parse(Bytes head);

  // Bytes of the head including the empty line that ends it. Only after kComplete.
  [[nodiscard]] std::size_t head_size() const noexcept { return position_; }
  // Only after kComplete.
  [[nodiscard]] const HttpRequest& request() const noexcept { return request_; }
  // Only after kFailed.
  [[nodiscard]] Violation violation() const noexcept { return violation_; }
  // Ready for the next request on the connection. Frees what the last one held.
  void reset() noexcept;
  // Whether a byte other than an empty line's CRLF has been seen since reset().
  [[nodiscard]] bool started() const noexcept;

 private:
  // In the order of the bytes; what comes up to kRequestLineEnd belongs to the request line.
  enum class State : std::uint8_t {
    kEmptyLine,
    kEmptyLineEnd,
    kMethod,
    kTarget,
    kVersion,
    kRequestLineEnd,
    kFieldStart,
    kFieldName,
    kFieldValue,
    kFieldEnd,
    kHeadEnd,
    kComplete,
    kFailed,
  };

  // Offsets, since the bytes may move until the head is complete.
  struct FieldSpan {
    std::uint32_t begin;
    std::uint32_t colon;
    std::uint32_t end;
  };

  // Each takes the byte at position_ and says what is wrong with it.
  [[nodiscard]] Violation step_empty_line(char c) noexcept;
  [[nodiscard]] Violation step_request_line(std::string_view text);
  [[nodiscard]] Violation step_method(char c) noexcept;
  [[nodiscard]] Violation step_target(char c) noexcept;
  [[nodiscard]] Violation step_version(char c) noexcept;
  [[nodiscard]] Violation step_fields(char c);
  [[nodiscard]] Violation step_field_name(char c) noexcept;
  [[nodiscard]] Violation step_field_value(char c);

  [[nodiscard]] Violation finish(std::string_view text);
  [[nodiscard]] Status fail(Violation violation) noexcept;
  [[nodiscard]] std::uint32_t offset() const noexcept {
    return static_cast<std::uint32_t>(position_);
  }

  HeadLimits limits_;
  std::size_t position_ = 0;
  std::uint32_t line_begin_ = 0;
  std::uint32_t method_end_ = 0;
  std::uint32_t target_end_ = 0;
  std::uint32_t colon_ = 0;
  State state_ = State::kEmptyLine;
  Violation violation_ = Violation::kNone;
  std::uint8_t empty_lines_ = 0;
  char major_ = '0';
  char minor_ = '0';
  std::vector<FieldSpan> spans_;
  std::vector<HttpField> fields_;
  HttpRequest request_;
};

// Whether `method` is one of RFC 9110 §9.3 or PATCH (RFC 5789); case-sensitive (§9.1).
[[nodiscard]] bool is_known_method(std::string_view method) noexcept;

// ASCII case-insensitive equality (RFC 9110 §5.1).
[[nodiscard]] bool equals_ignore_case(std::string_view a, std::string_view b) noexcept;

// RFC 9110 §5.6.2.
[[nodiscard]] bool is_token(std::string_view text) noexcept;

}  // namespace wsd::protocol
