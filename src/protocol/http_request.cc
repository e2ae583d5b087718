#include "protocol/http_request.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/assert.h"
#include "protocol/authority.h"
#include "protocol/head_scan.h"
#include "protocol/request_target.h"
#include "protocol/syntax.h"

namespace wsd::protocol {
namespace {

constexpr std::uint32_t kMaxMethodBytes = 64;
constexpr std::uint8_t kMaxEmptyLines = 4;
constexpr std::size_t kExpectedFields =
    16;  // as in a browser's handshake, so that one allocation is enough

constexpr std::string_view kVersionPrefix = "HTTP/";
constexpr std::size_t kMajorAt = 5;
constexpr std::size_t kDotAt = 6;
constexpr std::size_t kMinorAt = 7;

// RFC 9112 §3.2: exactly one in HTTP/1.1, never two, never an invalid one.
Violation judge_host(HttpRequest& request) noexcept {
  const HttpField* host = request.find(FieldName::kHost);
  if (host == nullptr) {
    return request.minor_version == 0 ? Violation::kNone : Violation::kMissingHost;
  }
  if (request.count(FieldName::kHost) > 1) return Violation::kDuplicateHost;
  // An empty value means a target without an authority, but every http target has one (§3.3).
  if (!parse_authority(host->value)) return Violation::kBadHost;
  request.host = host->value;
  return Violation::kNone;
}

// RFC 9110 §8.6: 1*DIGIT. Returns false for any other text, and if the value is too large.
bool parse_length(std::string_view text, std::uint64_t& length) noexcept {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  if (text.empty()) return false;
  length = 0;
  for (const char c : text) {
    if (!is_digit(c)) return false;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (length > (kMax - digit) / 10) return false;
    length = length * 10 + digit;
  }
  return true;
}

// RFC 9112 §6.3 (5): several values count as one only if all are valid and equal.
Violation judge_content_length(HttpRequest& request) noexcept {
  if (request.count(FieldName::kContentLength) == 0) return Violation::kNone;
  bool seen = false;
  for (const HttpField& field : *request.fields) {
    if (field.known != FieldName::kContentLength) continue;
    ListCursor list(field.value);
    for (std::string_view element; list.next(element);) {
      std::uint64_t length = 0;
      if (!parse_length(element, length)) return Violation::kBadContentLength;
      if (seen && length != request.content_length) return Violation::kBadContentLength;
      request.content_length = length;
      seen = true;
    }
  }
  return Violation::kNone;
}

// RFC 9112 §6.3 (4): MUST be 400 if chunked is not last, because the length is then uncertain.
// §7.1: chunked must not be applied twice. §6.1: otherwise 501, because there is a coding before
// it.
Violation judge_other_codings(std::string_view codings) noexcept {
  ListCursor list(codings);
  int chunked = 0;
  bool last = false;
  for (std::string_view coding; list.next(coding);) {
    if (coding.empty()) return Violation::kBadTransferEncoding;
    last = equals_ignore_case(coding, "chunked");
    if (last) ++chunked;
  }
  return last && chunked == 1 ? Violation::kUnknownCoding : Violation::kBadTransferEncoding;
}

Violation judge_transfer_encoding(HttpRequest& request) noexcept {
  const HttpField* coding = request.find(FieldName::kTransferEncoding);
  if (coding == nullptr) return Violation::kNone;
  // RFC 9112 §6.1, §11.2: possibly an attempt at request smuggling.
  if (request.find(FieldName::kContentLength) != nullptr)
    return Violation::kLengthAndTransferEncoding;
  // RFC 9112 §6.1: in HTTP/1.0 the framing is faulty.
  if (request.minor_version == 0) return Violation::kBadTransferEncoding;
  // Not joined as a list (RFC 9110 §5.3), because some proxies read only the first or the last one.
  if (request.count(FieldName::kTransferEncoding) > 1) return Violation::kBadTransferEncoding;
  if (equals_ignore_case(coding->value, "chunked")) {
    request.chunked = true;
    return Violation::kNone;
  }
  return judge_other_codings(coding->value);
}

// RFC 9110 §10.1.1.
Violation judge_expect(HttpRequest& request) noexcept {
  if (request.minor_version == 0 || request.count(FieldName::kExpect) == 0) return Violation::kNone;
  for (const HttpField& field : *request.fields) {
    if (field.known != FieldName::kExpect) continue;
    ListCursor list(field.value);
    for (std::string_view element; list.next(element);) {
      if (element.empty()) continue;
      if (!equals_ignore_case(element, "100-continue")) return Violation::kBadExpect;
      request.expects_continue = true;
    }
  }
  return Violation::kNone;
}

// RFC 9112 §9.3.
bool persists(const HttpRequest& request) noexcept {
  bool close = false;
  bool keep_alive = false;
  for (const HttpField& field : *request.fields) {
    if (field.known != FieldName::kConnection) continue;
    ListCursor list(field.value);
    for (std::string_view element; list.next(element);) {
      close = close || equals_ignore_case(element, "close");
      keep_alive = keep_alive || equals_ignore_case(element, "keep-alive");
    }
  }
  return !close && (request.minor_version > 0 || keep_alive);
}

}  // namespace

const HttpField* HttpRequest::find(std::string_view name) const noexcept {
  for (const HttpField& field : *fields) {
    if (equals_ignore_case(field.name, name)) return &field;
  }
  return nullptr;
}

const HttpField* HttpRequest::find(FieldName name) const noexcept {
  if (count(name) == 0) return nullptr;
  return &(*fields)[firsts[static_cast<std::size_t>(name)]];
}

std::size_t HttpRequest::count(std::string_view name) const noexcept {
  std::size_t found = 0;
  for (const HttpField& field : *fields) {
    if (equals_ignore_case(field.name, name)) ++found;
  }
  return found;
}

RequestParser::RequestParser(const HeadLimits& limits) noexcept : limits_(limits) {
  constexpr std::size_t kMaxOffset = std::numeric_limits<std::uint32_t>::max();
  limits_.max_head_bytes = std::min(limits_.max_head_bytes, kMaxOffset);
}

RequestParser::Status RequestParser::parse(Bytes head) {
  if (state_ == State::kFailed) return Status::kFailed;
  if (state_ == State::kComplete) return Status::kComplete;
  WSD_DCHECK(head.size() >= position_);

  const std::string_view text = as_text(head);
  const std::size_t end = std::min(text.size(), limits_.max_head_bytes);
  if (position_ == 0 && read_plain(text.substr(0, end))) return judge_fields();
  while (position_ < end && state_ != State::kComplete) {
    skip_plain_bytes(text.substr(0, end));
    if (position_ == end) break;
    const Violation violation =
        state_ <= State::kRequestLineEnd ? step_request_line(text) : step_fields(text[position_]);
    if (violation != Violation::kNone) return fail(violation);
    ++position_;
  }
  if (state_ == State::kComplete) {
    finish(text);
    return judge_fields();
  }
  if (position_ >= limits_.max_head_bytes) {
    return fail(state_ <= State::kRequestLineEnd ? Violation::kRequestLineTooLong
                                                 : Violation::kHeadTooLong);
  }
  return Status::kNeedMore;
}

// The head of nearly every handshake. Everything else is left to the steps, which also know the
// violations.
bool RequestParser::read_plain(std::string_view text) {
  constexpr std::string_view kMethod = "GET ";
  constexpr std::string_view kVersion = " HTTP/1.1\r\n";
  constexpr std::string_view kLineEnd = "\r\n";
  if (!text.starts_with(kMethod)) return false;
  std::size_t at = kMethod.size() + head_scan::target_bytes(text.substr(kMethod.size()));
  if (!text.substr(at).starts_with(kVersion)) return false;
  const std::size_t line_bytes = at + kVersion.size() - kLineEnd.size();
  const std::string_view target = text.substr(kMethod.size(), at - kMethod.size());
  if (line_bytes > limits_.max_request_line_bytes || !take_target(target)) return false;
  at += kVersion.size();
  fields_.reserve(std::min<std::size_t>(kExpectedFields, limits_.max_fields));
  for (; !text.substr(at).starts_with(kLineEnd);) {
    const std::string_view line = text.substr(at);
    const std::size_t colon = head_scan::name_bytes(line);
    if (colon == 0 || colon == line.size() || line[colon] != ':') break;
    const std::size_t end = colon + 1 + head_scan::value_bytes(line.substr(colon + 1));
    if (!line.substr(end).starts_with(kLineEnd)) break;
    if (end > limits_.max_field_bytes || fields_.size() == limits_.max_fields) break;
    add_field(line.substr(0, colon), line.substr(colon + 1, end - colon - 1));
    at += end + kLineEnd.size();
  }
  if (!text.substr(at).starts_with(kLineEnd)) {
    fields_ = std::vector<HttpField>();  // not clear(), which keeps the memory
    request_ = {};
    return false;
  }
  position_ = at + kLineEnd.size();
  state_ = State::kComplete;
  request_.method = text.substr(0, kMethod.size() - 1);
  request_.target = target;
  return true;
}

void RequestParser::skip_plain_bytes(std::string_view text) noexcept {
  const auto skip = [&](std::size_t most_in_line, auto scan) {
    const std::size_t end = std::min(text.size(), line_begin_ + most_in_line);
    if (position_ < end) position_ += scan(text.substr(position_, end - position_));
  };
  if (state_ == State::kFieldValue) {
    skip(limits_.max_field_bytes, head_scan::value_bytes);
  } else if (state_ == State::kFieldName) {
    skip(limits_.max_field_bytes, head_scan::name_bytes);
  } else if (state_ == State::kTarget) {
    skip(limits_.max_request_line_bytes, head_scan::target_bytes);
  }
}

void RequestParser::reset() noexcept {
  position_ = 0;
  line_begin_ = 0;
  state_ = State::kEmptyLine;
  violation_ = Violation::kNone;
  empty_lines_ = 0;
  is_head_ = false;
  spans_ = std::vector<FieldSpan>();  // not {}, which keeps the memory
  fields_ = std::vector<HttpField>();
  request_ = {};
}

bool RequestParser::started() const noexcept {
  return state_ != State::kEmptyLine && state_ != State::kEmptyLineEnd;
}

RequestParser::Status RequestParser::fail(Violation violation) noexcept {
  state_ = State::kFailed;
  violation_ = violation;
  spans_ = std::vector<FieldSpan>();
  fields_ = std::vector<HttpField>();
  request_ = {};
  return Status::kFailed;
}

Violation RequestParser::step_request_line(std::string_view text) {
  const char c = text[position_];
  if (state_ <= State::kEmptyLineEnd) return step_empty_line(c);
  if (state_ == State::kMethod) {
    const Violation violation = step_method(c);
    if (c == ' ') is_head_ = text.substr(line_begin_, position_ - line_begin_) == "HEAD";
    return violation;
  }
  if (state_ == State::kRequestLineEnd) {
    if (c != '\n') return Violation::kBareCarriageReturn;
    if (!target_of(text)) return Violation::kBadTarget;
    state_ = State::kFieldStart;
    return Violation::kNone;
  }
  // RFC 9112 §3: MUST be 414 when a target is longer than the server wants to parse.
  if (position_ - line_begin_ >= limits_.max_request_line_bytes && c != '\r') {
    return Violation::kRequestLineTooLong;
  }
  if (c == '\n') return Violation::kBareLineFeed;
  return state_ == State::kTarget ? step_target(c) : step_version(c);
}

// RFC 9112 §2.2: at least one empty line before the request line is ignored.
Violation RequestParser::step_empty_line(char c) noexcept {
  if (state_ == State::kEmptyLineEnd) {
    if (c != '\n') return Violation::kBareCarriageReturn;
    state_ = State::kEmptyLine;
    return Violation::kNone;
  }
  if (c == '\r') {
    if (empty_lines_ == kMaxEmptyLines) return Violation::kTooManyEmptyLines;
    ++empty_lines_;
    state_ = State::kEmptyLineEnd;
    return Violation::kNone;
  }
  line_begin_ = offset();
  state_ = State::kMethod;
  return step_method(c);
}

// RFC 9112 §3.1: a token, then one SP.
Violation RequestParser::step_method(char c) noexcept {
  const std::size_t size = position_ - line_begin_;
  if (c == ' ' && size > 0) {
    method_end_ = offset();
    state_ = State::kTarget;
    return Violation::kNone;
  }
  if (c == '\n') return Violation::kBareLineFeed;
  if (c == ' ' || c == '\r') return Violation::kBadRequestLine;
  // A TLS ClientHello starts with 0x16, which is not a method, and fails here.
  if (!is_tchar(c)) return Violation::kBadMethod;
  // RFC 9112 §3: SHOULD be 501 when a method is longer than any that the server implements.
  if (size >= kMaxMethodBytes) return Violation::kMethodTooLong;
  if (size >= limits_.max_request_line_bytes) return Violation::kRequestLineTooLong;
  return Violation::kNone;
}

Violation RequestParser::step_target(char c) noexcept {
  if (c == ' ') {
    if (position_ == method_end_ + 1) return Violation::kBadRequestLine;
    target_end_ = offset();
    state_ = State::kVersion;
    return Violation::kNone;
  }
  if (c == '\r') return Violation::kBadRequestLine;  // HTTP/0.9 has no version
  return is_target_byte(c) ? Violation::kNone : Violation::kBadTarget;
}

// RFC 9112 §2.3: HTTP-version is case-sensitive and has one digit on either side.
Violation RequestParser::step_version(char c) noexcept {
  const std::size_t at = position_ - target_end_ - 1;
  bool fits = false;
  if (at < kMajorAt) {
    fits = c == kVersionPrefix[at];
  } else if (at == kMajorAt) {
    major_ = c;
    fits = is_digit(c);
  } else if (at == kDotAt) {
    fits = c == '.';
  } else if (at == kMinorAt) {
    minor_ = c;
    fits = is_digit(c);
    // RFC 9110 §2.5: a higher minor version is treated as 1.1; §15.6.6: another major version is an
    // error. It is reported before the target is checked, so that the HTTP/2 preface "PRI *
    // HTTP/2.0" gets the real reason.
    if (fits && major_ != '1') return Violation::kHttpVersionNotSupported;
  } else {
    fits = c == '\r';
    state_ = State::kRequestLineEnd;
  }
  return fits ? Violation::kNone : Violation::kBadHttpVersion;
}

Violation RequestParser::step_fields(char c) {
  if (state_ == State::kFieldEnd || state_ == State::kHeadEnd) {
    // RFC 9112 §2.2: a bare CR is invalid.
    if (c != '\n') return Violation::kBareCarriageReturn;
    state_ = state_ == State::kHeadEnd ? State::kComplete : State::kFieldStart;
    return Violation::kNone;
  }
  if (state_ == State::kFieldStart) {
    if (c == '\r') {
      state_ = State::kHeadEnd;
      return Violation::kNone;
    }
    // RFC 9112 §2.2 applies before the first field; §5.2 obs-fold after one.
    if (is_blank(c)) return Violation::kLeadingWhitespace;
    if (c == '\n') return Violation::kBareLineFeed;
    if (spans_.size() >= limits_.max_fields) return Violation::kTooManyFields;
    line_begin_ = offset();
    state_ = State::kFieldName;
  }
  // RFC 9112 §2.2 would allow a bare LF to end a line, but a proxy may disagree about where the
  // line ends.
  if (c == '\n') return Violation::kBareLineFeed;
  if (position_ - line_begin_ >= limits_.max_field_bytes && c != '\r') {
    return Violation::kFieldTooLong;  // RFC 6585 §5
  }
  return state_ == State::kFieldName ? step_field_name(c) : step_field_value(c);
}

Violation RequestParser::step_field_name(char c) noexcept {
  if (c == ':' && position_ > line_begin_) {
    colon_ = offset();
    state_ = State::kFieldValue;
    return Violation::kNone;
  }
  // RFC 9112 §5.1: whitespace before the colon MUST be rejected; RFC 9110 §5.1: a name is a token.
  return is_tchar(c) ? Violation::kNone : Violation::kBadFieldName;
}

Violation RequestParser::step_field_value(char c) {
  if (c == '\r') {
    if (spans_.empty()) {
      spans_.reserve(std::min<std::size_t>(kExpectedFields, limits_.max_fields));
    }
    spans_.push_back({line_begin_, colon_, offset()});
    state_ = State::kFieldEnd;
    return Violation::kNone;
  }
  // RFC 9110 §5.5: CR, LF and NUL MUST be rejected; other control characters are invalid too.
  return is_control_byte(c) && c != '\t' ? Violation::kBadFieldValue : Violation::kNone;
}

std::optional<RequestTarget> RequestParser::target_of(std::string_view text) const noexcept {
  const std::uint32_t begin = method_end_ + 1;
  const std::string_view target = text.substr(begin, target_end_ - begin);
  // RFC 9112 §3.2.4: the asterisk-form is only for OPTIONS.
  const std::size_t method_begin = std::size_t{2} * empty_lines_;
  const std::string_view method = text.substr(method_begin, method_end_ - method_begin);
  if (target == "*" && method == "OPTIONS") return RequestTarget{{}, target, {}};
  return parse_request_target(target);
}

void RequestParser::add_field(std::string_view name, std::string_view value) {
  const FieldName known = field_name_of(name);
  const auto index = static_cast<std::size_t>(known);
  if (request_.counts[index]++ == 0) {
    request_.firsts[index] = static_cast<std::uint32_t>(fields_.size());
  }
  fields_.push_back({name, trim_blanks(value), known});
}

bool RequestParser::take_target(std::string_view text) noexcept {
  const auto target = parse_request_target(text);
  if (!target) return false;
  request_.path = target->path;
  request_.query = target->query;
  request_.host = target->authority;  // until judge_fields()
  return true;
}

// Builds the request of a head that the steps have accepted.
void RequestParser::finish(std::string_view text) {
  fields_.reserve(spans_.size());
  for (const FieldSpan& span : spans_) {
    add_field(text.substr(span.begin, span.colon - span.begin),
              text.substr(span.colon + 1, span.end - span.colon - 1));
  }
  spans_ = std::vector<FieldSpan>();
  request_.minor_version = minor_ - '0';
  const std::size_t target_begin = method_end_ + 1;
  const std::size_t method_begin = std::size_t{2} * empty_lines_;
  request_.method = text.substr(method_begin, method_end_ - method_begin);
  request_.target = text.substr(target_begin, target_end_ - target_begin);
  const auto target = target_of(text);
  WSD_ASSERT(target.has_value());
  request_.path = target->path;
  request_.query = target->query;
  request_.host = target->authority;  // until judge_fields()
}

RequestParser::Status RequestParser::judge_fields() noexcept {
  request_.fields = &fields_;
  const std::string_view authority = std::exchange(request_.host, {});
  using Judge = Violation (*)(HttpRequest&) noexcept;
  for (const Judge judge :
       {&judge_host, &judge_transfer_encoding, &judge_content_length, &judge_expect}) {
    if (const Violation violation = judge(request_); violation != Violation::kNone) {
      return fail(violation);
    }
  }
  if (!authority.empty()) request_.host = authority;  // RFC 9112 §3.2.2 MUST
  request_.keep_alive = persists(request_);
  return Status::kComplete;
}

bool is_known_method(std::string_view method) noexcept {
  if (method == "GET") return true;
  static constexpr auto kMethods = std::to_array<std::string_view>(
      {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"});
  return std::find(kMethods.begin(), kMethods.end(), method) != kMethods.end();
}

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_tchar);
}

}  // namespace wsd::protocol
