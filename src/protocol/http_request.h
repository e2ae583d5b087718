// Parses HTTP/1.1 request heads (RFC 9112), strictly and resumably.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "protocol/field_name.h"
#include "protocol/request_target.h"
#include "protocol/violation.h"

namespace wsd::protocol {

struct HeadLimits {
  std::size_t max_request_line_bytes = std::size_t{8} << 10;
  std::size_t max_head_bytes = std::size_t{16} << 10;
  std::size_t max_field_bytes = std::size_t{8} << 10;
  std::uint32_t max_fields = 100;
};

struct HttpField {
  std::string_view name;                // as received; compare with equals_ignore_case()
  std::string_view value;               // without the optional whitespace around it (RFC 9112 §5)
  FieldName known = FieldName::kOther;  // field_name_of(name)
};

// A complete, well-formed request head. All views point into the parser and into the bytes given to
// it. They are valid until either changes.
struct HttpRequest {
  std::string_view method;
  std::string_view target;  // as received
  std::string_view path;    // of the target, not percent-decoded, also for the absolute-form; "*"
                            // for the asterisk-form (RFC 9112 §3.2.4), which only OPTIONS may have
  std::string_view query;   // without the '?'; empty if absent
  std::string_view host;  // Host field (RFC 9112 §3.2) or the authority of an absolute-form target,
                          // which replaces it (§3.2.2); empty only for HTTP/1.0 without Host
  int minor_version = 1;   // HTTP/1.minor_version
  bool keep_alive = true;  // RFC 9112 §9.3
  bool expects_continue = false;
  bool chunked = false;              // Transfer-Encoding: chunked; no other coding is supported
  bool body_read = false;            // `body` is complete
  std::uint64_t content_length = 0;  // 0 for a chunked body
  std::string_view body;             // decoded; empty before it was read
  const std::vector<HttpField>* fields = nullptr;
  // Of each known name: the number of its fields, and the place of the first one in `fields`.
  std::array<std::uint32_t, kFieldNames> counts = {};
  std::array<std::uint32_t, kFieldNames> firsts = {};

  // Returns whether the request has a body (RFC 9112 §6) that was not read yet.
  [[nodiscard]] bool body_due() const noexcept {
    return !body_read && (chunked || content_length != 0);
  }

  // Return the first field with that name (case-insensitive), or nullptr.
  [[nodiscard]] const HttpField* find(std::string_view name) const noexcept;
  [[nodiscard]] const HttpField* find(FieldName name) const noexcept;
  // Return the number of fields with that name.
  [[nodiscard]] std::size_t count(std::string_view name) const noexcept;
  [[nodiscard]] std::size_t count(FieldName name) const noexcept {
    return counts[static_cast<std::size_t>(name)];
  }
};

// Parses one request head from bytes that arrive in pieces of any size. It continues where it
// stopped, so the total work is O(bytes), and the result does not depend on the pieces.
//
// It is strict wherever leniency has made request smuggling possible:
// - Lines end in CRLF (§2.2 would allow a bare LF), without any bare CR.
// - There is no obs-fold (§5.2).
// - There is no whitespace before the colon (§5.1) or the first field (§2.2).
// - HTTP/1.1 needs exactly one valid Host (§3.2).
// - Content-Length and Transfer-Encoding never appear together (§6.1).
// - At most 4 empty lines before the request line are skipped (§2.2).
// - Field names are tokens (RFC 9110 §5.1), and values have no control byte except HTAB (§5.5).
// - Content-Length is a list of equal decimal numbers (§8.6).
// Any token is accepted as a method: see is_known_method().
class RequestParser {
 public:
  enum class Status : std::uint8_t { kNeedMore, kComplete, kFailed };

  // Limits count the bytes of a line without its CRLF, and all bytes of the head.
  explicit RequestParser(const HeadLimits& limits) noexcept;
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // `head` is all bytes of this request so far: those of earlier calls, which may have moved in
  // memory, and the new ones. After kComplete, request() has views into this call's `head`.
  // kComplete and kFailed stay until reset().
  [[nodiscard]] Status parse(Bytes head);

  // Bytes of the head, including the empty line that ends it. Only after kComplete.
  [[nodiscard]] std::size_t head_size() const noexcept { return position_; }
  // Only after kComplete.
  [[nodiscard]] const HttpRequest& request() const noexcept { return request_; }
  // Only after kFailed.
  [[nodiscard]] Violation violation() const noexcept { return violation_; }
  // Returns whether the method of the request, which may be incomplete or bad, is HEAD.
  [[nodiscard]] bool is_head() const noexcept { return is_head_; }
  // Prepares for the next request on the connection, and frees the memory of the last one.
  void reset() noexcept;
  // Returns whether a byte other than an empty line's CRLF has arrived since reset().
  [[nodiscard]] bool started() const noexcept;

 private:
  // In the order of the bytes. States up to kRequestLineEnd belong to the request line.
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

  // Offsets, because the bytes may move until the head is complete.
  struct FieldSpan {
    std::uint32_t begin;
    std::uint32_t colon;
    std::uint32_t end;
  };

  // Reads a head that is complete, and that has the form of nearly every handshake. Returns false
  // and changes nothing if it is not, or if it may break a rule.
  [[nodiscard]] bool read_plain(std::string_view text);
  void add_field(std::string_view name, std::string_view value);
  [[nodiscard]] bool take_target(std::string_view text) noexcept;
  // Skips bytes of which each would leave the state as it is. Handles none of the others.
  void skip_plain_bytes(std::string_view text) noexcept;
  // Each of these handles the byte at position_ and returns its violation, if any.
  [[nodiscard]] Violation step_empty_line(char c) noexcept;
  [[nodiscard]] Violation step_request_line(std::string_view text);
  [[nodiscard]] Violation step_method(char c) noexcept;
  [[nodiscard]] Violation step_target(char c) noexcept;
  [[nodiscard]] Violation step_version(char c) noexcept;
  [[nodiscard]] Violation step_fields(char c);
  [[nodiscard]] Violation step_field_name(char c) noexcept;
  [[nodiscard]] Violation step_field_value(char c);

  [[nodiscard]] std::optional<RequestTarget> target_of(std::string_view text) const noexcept;
  void finish(std::string_view text);
  // Checks the rules about whole fields. Call it once, when the request is built.
  [[nodiscard]] Status judge_fields() noexcept;
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
  bool is_head_ = false;
  char major_ = '0';
  char minor_ = '0';
  std::vector<FieldSpan> spans_;
  std::vector<HttpField> fields_;
  HttpRequest request_;
};

// Returns whether `method` is one of RFC 9110 §9.3 or PATCH (RFC 5789). Case-sensitive (§9.1).
[[nodiscard]] bool is_known_method(std::string_view method) noexcept;

// RFC 9110 §5.6.2.
[[nodiscard]] bool is_token(std::string_view text) noexcept;

}  // namespace wsd::protocol
