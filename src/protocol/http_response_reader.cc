#include "protocol/http_response_reader.h"

#include <algorithm>

#include "protocol/field_name.h"
#include "protocol/syntax.h"

namespace wsd::protocol {
namespace {

// RFC 9112 §4: HTTP-version SP status-code SP [ reason-phrase ]. "d" stands for a digit.
constexpr std::string_view kStatusLineStart = "HTTP/1.d ddd ";
constexpr std::size_t kMinorAt = 7;
constexpr std::size_t kStatusAt = 9;
constexpr std::size_t kStatusDigits = 3;
constexpr int kSwitchingProtocols = 101;

// Returns whether `line` begins as a status line does, as far as it goes.
bool begins_status_line(std::string_view line) noexcept {
  const std::size_t size = std::min(line.size(), kStatusLineStart.size());
  for (std::size_t i = 0; i < size; ++i) {
    const bool fits =
        kStatusLineStart[i] == 'd' ? is_digit(line[i]) : line[i] == kStatusLineStart[i];
    if (!fits) return false;
  }
  return true;
}

// RFC 9110 §5.5: no control byte except HTAB.
bool is_text(std::string_view value) noexcept {
  return std::none_of(value.begin(), value.end(),
                      [](char c) { return c != '\t' && is_control_byte(c); });
}

}  // namespace

const HttpField* HttpResponse::find(std::string_view name) const noexcept {
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const HttpField& field) {
    return equals_ignore_case(field.name, name);
  });
  return found == fields.end() ? nullptr : &*found;
}

std::size_t HttpResponse::count(std::string_view name) const noexcept {
  return static_cast<std::size_t>(
      std::count_if(fields.begin(), fields.end(),
                    [&](const HttpField& field) { return equals_ignore_case(field.name, name); }));
}

ResponseReader::Status ResponseReader::read(Bytes& input) {
  while (!input.empty()) {
    const std::string_view text = as_text(input);
    const std::size_t newline = text.find('\n');
    const std::size_t line_size = newline == std::string_view::npos ? text.size() : newline + 1;
    const std::size_t count = std::min(line_size, limits_.max_head_bytes - bytes_.size());
    bytes_.append(text.substr(0, count));
    input = input.subspan(count);
    const bool whole = newline != std::string_view::npos && count == line_size;
    violation_ = whole ? end_line() : check_begun_line();
    if (violation_ == Violation::kNone && count < line_size) {
      violation_ = Violation::kResponseHeadTooLong;
    }
    if (violation_ != Violation::kNone) return Status::kFailed;
    if (complete_) return Status::kComplete;
  }
  return Status::kNeedMore;
}

// Checks what is certain before the line is complete, so that the result does not depend on the
// pieces in which it arrives.
Violation ResponseReader::check_begun_line() const noexcept {
  std::string_view line = std::string_view(bytes_).substr(line_begin_);
  if (line.ends_with('\n')) line.remove_suffix(1);
  constexpr std::size_t kCr = 1;
  if (in_status_line()) {
    if (!begins_status_line(line)) return Violation::kBadStatusLine;
    return line.size() > limits_.max_request_line_bytes + kCr ? Violation::kResponseHeadTooLong
                                                              : Violation::kNone;
  }
  return line.size() > limits_.max_field_bytes + kCr ? Violation::kFieldTooLong : Violation::kNone;
}

Violation ResponseReader::end_line() {
  if (const Violation begun = check_begun_line(); begun != Violation::kNone) return begun;
  std::string_view line = std::string_view(bytes_).substr(line_begin_);
  line.remove_suffix(1);
  if (!line.ends_with('\r')) return Violation::kBareLineFeed;
  line.remove_suffix(1);
  if (line.find('\r') != std::string_view::npos) return Violation::kBareCarriageReturn;
  Violation violation = Violation::kNone;
  if (in_status_line()) {
    violation = end_status_line(line);
  } else if (line.empty()) {
    end_head();
  } else {
    violation = end_field(line);
  }
  line_begin_ = bytes_.size();
  return violation;
}

Violation ResponseReader::end_status_line(std::string_view line) noexcept {
  if (line.size() < kStatusLineStart.size()) return Violation::kBadStatusLine;
  for (std::size_t i = 0; i < kStatusDigits; ++i) {
    status_ = status_ * 10 + (line[kStatusAt + i] - '0');
  }
  // RFC 9110 §15: the classes are 1 to 5.
  if (status_ < 100 || status_ > 599) return Violation::kBadStatusLine;
  if (!is_text(line)) return Violation::kBadStatusLine;
  minor_version_ = line[kMinorAt] - '0';
  reason_begin_ = line_begin_ + kStatusLineStart.size();
  reason_end_ = line_begin_ + line.size();
  return Violation::kNone;
}

Violation ResponseReader::end_field(std::string_view line) {
  if (is_blank(line.front())) return Violation::kLeadingWhitespace;  // RFC 9112 §5.2: obs-fold
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return Violation::kBadFieldName;
  }
  if (!is_text(line.substr(colon + 1))) return Violation::kBadFieldValue;
  if (spans_.size() == limits_.max_fields) return Violation::kTooManyFields;
  spans_.push_back({line_begin_, line_begin_ + colon, line_begin_ + line.size()});
  return Violation::kNone;
}

void ResponseReader::end_head() {
  const bool interim = status_ < 200 && status_ != kSwitchingProtocols;
  if (interim) {
    status_ = 0;
    spans_.clear();
    return;
  }
  const std::string_view text = bytes_;
  response_.status = status_;
  response_.minor_version = minor_version_;
  response_.reason = text.substr(reason_begin_, reason_end_ - reason_begin_);
  for (const FieldSpan& span : spans_) {
    const std::string_view name = text.substr(span.begin, span.colon - span.begin);
    const std::string_view value = text.substr(span.colon + 1, span.end - span.colon - 1);
    response_.fields.push_back({name, trim_blanks(value), field_name_of(name)});
  }
  complete_ = true;
}

}  // namespace wsd::protocol
