// Request heads for tests, parsed with any splits into values that can be compared and printed.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "protocol/http_request.h"
#include "protocol/violation.h"

namespace wsd::protocol {

inline void PrintTo(Violation violation, std::ostream* out) { *out << violation_name(violation); }

// Everything that a parser reports about a head, copied from its views.
struct Parsed {
  RequestParser::Status status = RequestParser::Status::kNeedMore;
  Violation violation = Violation::kNone;
  std::size_t bytes_given = 0;  // until the status changed from kNeedMore
  std::size_t head_size = 0;
  std::string method, target, path, query, host;
  int minor_version = -1;
  bool keep_alive = false;
  bool expects_continue = false;
  bool chunked = false;
  std::uint64_t content_length = 0;
  std::vector<std::pair<std::string, std::string>> fields;

  // Compares everything except when the result was known.
  [[nodiscard]] bool same_as(Parsed other) const {
    other.bytes_given = bytes_given;
    return *this == other;
  }
  bool operator==(const Parsed&) const = default;
};

inline void PrintTo(const Parsed& parsed, std::ostream* out) {
  *out << "status " << static_cast<int>(parsed.status) << ", " << violation_name(parsed.violation)
       << ", head of " << parsed.head_size << ", " << parsed.method << " path " << parsed.path
       << " query " << parsed.query << " host " << parsed.host << ", " << parsed.fields.size()
       << " fields";
}

inline Parsed copy_of(const RequestParser& parser, RequestParser::Status status) {
  Parsed parsed;
  parsed.status = status;
  if (status == RequestParser::Status::kFailed) parsed.violation = parser.violation();
  if (status != RequestParser::Status::kComplete) return parsed;
  const HttpRequest& request = parser.request();
  parsed.head_size = parser.head_size();
  parsed.method = request.method;
  parsed.target = request.target;
  parsed.path = request.path;
  parsed.query = request.query;
  parsed.host = request.host;
  parsed.minor_version = request.minor_version;
  parsed.keep_alive = request.keep_alive;
  parsed.expects_continue = request.expects_continue;
  parsed.chunked = request.chunked;
  parsed.content_length = request.content_length;
  for (const HttpField& field : *request.fields) {
    parsed.fields.emplace_back(field.name, field.value);
  }
  return parsed;
}

// Parses `head` as it grows to each of `sizes`. Each time it is in a separate block at another
// address, so that a sanitizer detects a stale pointer or a read past the end.
inline Parsed parse_in_cuts(std::string_view head, const std::vector<std::size_t>& sizes,
                            const HeadLimits& limits = {}) {
  RequestParser parser(limits);
  for (const std::size_t size : sizes) {
    const Bytes part = as_bytes(head.substr(0, size));
    const std::vector<std::uint8_t> block(part.begin(), part.end());
    const RequestParser::Status status = parser.parse(block);
    if (status != RequestParser::Status::kNeedMore) {
      Parsed parsed = copy_of(parser, status);
      parsed.bytes_given = size;
      return parsed;
    }
  }
  return {};
}

inline Parsed parse_bytewise(std::string_view head, const HeadLimits& limits = {}) {
  std::vector<std::size_t> sizes;
  for (std::size_t size = 1; size <= head.size(); ++size) sizes.push_back(size);
  return parse_in_cuts(head, sizes, limits);
}

// Parses `head` whole, at every split into two and byte by byte. The results must be equal.
inline Parsed parse_every_way(std::string_view head, const HeadLimits& limits = {}) {
  Parsed whole = parse_in_cuts(head, {head.size()}, limits);
  for (std::size_t split = 0; split <= head.size(); ++split) {
    const Parsed in_two = parse_in_cuts(head, {split, head.size()}, limits);
    EXPECT_TRUE(in_two.same_as(whole)) << "split at " << split << " of: " << head << "\n"
                                       << ::testing::PrintToString(in_two);
  }
  const Parsed bytewise = parse_bytewise(head, limits);
  EXPECT_TRUE(bytewise.same_as(whole)) << "byte by byte: " << head << "\n"
                                       << ::testing::PrintToString(bytewise);
  return whole;
}

// Returns a head with these field lines after a Host field. Each includes its CRLF.
inline std::string head_with(std::string_view fields) {
  return std::string("GET /echo HTTP/1.1\r\nHost: h\r\n").append(fields).append("\r\n");
}

inline std::string head_of_line(std::string_view request_line) {
  return std::string(request_line).append("\r\nHost: h\r\n\r\n");
}

// Expects that `head` is rejected with this violation and status, however it is split.
inline void expect_refused(std::string_view head, Violation violation, int status,
                           const HeadLimits& limits = {}) {
  SCOPED_TRACE(::testing::PrintToString(std::string(head.substr(0, 200))));
  const Parsed parsed = parse_every_way(head, limits);
  EXPECT_EQ(parsed.violation, violation);
  if (parsed.violation != Violation::kNone) {
    EXPECT_EQ(http_status_of(parsed.violation), status);
  }
}

inline Parsed expect_taken(std::string_view head, const HeadLimits& limits = {}) {
  SCOPED_TRACE(::testing::PrintToString(std::string(head.substr(0, 200))));
  Parsed parsed = parse_every_way(head, limits);
  EXPECT_EQ(parsed.violation, Violation::kNone);
  EXPECT_EQ(parsed.status, RequestParser::Status::kComplete);
  return parsed;
}

}  // namespace wsd::protocol
