// RequestParser and ChunkedBody: the input is a request head and the bytes after it, which are the
// body if it is chunked. Whole and split input must give the same result. A slow reading of the
// RFCs must accept and reject the same heads and bodies. Accepted heads must have the properties
// that the headers promise.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "protocol/chunked_body.h"
#include "protocol/http_request.h"
#include "protocol/http_response.h"
#include "slow_chunks.h"
#include "slow_http.h"

namespace {

using namespace wsd;            // NOLINT: a program of its own
using namespace wsd::protocol;  // NOLINT
using Status = RequestParser::Status;

// So small that short inputs reach the limits.
constexpr HeadLimits kTight{
    .max_request_line_bytes = 40, .max_head_bytes = 300, .max_field_bytes = 50, .max_fields = 8};
constexpr ChunkedLimits kTightBody{
    .max_body_bytes = 20, .max_extension_bytes = 12, .max_trailer_bytes = 24};
constexpr ChunkedLimits kWideBody{.max_body_bytes = 1 << 20};

// A parser with the last bytes that it received, in a separate block.
struct Run {
  explicit Run(const HeadLimits& limits) : parser(limits) {}

  Status grow(Bytes head) {
    block = std::vector<std::uint8_t>(head.begin(), head.end());
    status = parser.parse(block);
    return status;
  }

  RequestParser parser;
  std::vector<std::uint8_t> block;
  Status status = Status::kNeedMore;
};

bool same(const HttpRequest& a, const HttpRequest& b) {
  const auto equal_fields = [](const HttpField& x, const HttpField& y) {
    return x.name == y.name && x.value == y.value;
  };
  return a.method == b.method && a.target == b.target && a.path == b.path && a.query == b.query &&
         a.host == b.host && a.minor_version == b.minor_version && a.keep_alive == b.keep_alive &&
         a.expects_continue == b.expects_continue && a.chunked == b.chunked &&
         a.content_length == b.content_length &&
         std::equal(a.fields->begin(), a.fields->end(), b.fields->begin(), b.fields->end(),
                    equal_fields);
}

void check_agreement(const Run& whole, const Run& cut) {
  WSD_ASSERT(whole.status == cut.status);
  if (whole.status == Status::kFailed) {
    WSD_ASSERT(whole.parser.violation() == cut.parser.violation());
  }
  if (whole.status != Status::kComplete) return;
  WSD_ASSERT(whole.parser.head_size() == cut.parser.head_size());
  WSD_ASSERT(same(whole.parser.request(), cut.parser.request()));
}

// Feeds sizes that grow by 1 to 16 bytes, from a generator that the input seeds.
void grow_in_cuts(Run& run, Bytes input, bool bytewise) {
  std::uint32_t state = static_cast<std::uint32_t>(input.size()) * 2654435761U + 1;
  for (const std::uint8_t byte : input) state = state * 31 + byte;
  std::size_t size = 0;
  while (size < input.size() && run.status == Status::kNeedMore) {
    state = state * 1664525U + 1013904223U;
    size = std::min(input.size(), size + (bytewise ? 1 : 1 + (state >> 28)));
    run.grow(input.first(size));
  }
}

void check_request(const Run& run, const HeadLimits& limits) {
  const HttpRequest& request = run.parser.request();
  const std::string_view head = as_text(run.block).substr(0, run.parser.head_size());
  WSD_ASSERT(run.parser.head_size() <= run.block.size());
  WSD_ASSERT(head.size() <= limits.max_head_bytes && head.ends_with("\r\n\r\n"));
  WSD_ASSERT(request.fields->size() <= limits.max_fields);
  WSD_ASSERT(is_token(request.method) && request.path.starts_with('/'));
  WSD_ASSERT(request.minor_version == 0 || !request.host.empty());
  WSD_ASSERT(request.minor_version == 0 || request.count("host") == 1);
  WSD_ASSERT(!request.chunked || request.content_length == 0);
  for (const HttpField& field : *request.fields) {
    WSD_ASSERT(is_token(field.name));
    WSD_ASSERT(field.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
    WSD_ASSERT(request.count(field.name) > 0 && request.find(field.name) != nullptr);
  }
}

// The slow reading reports only acceptance, not the reason for a rejection.
void check_twin(const Run& run, Bytes input, const HeadLimits& limits) {
  const auto twin = fuzz::read_slowly(as_text(input), limits);
  WSD_ASSERT(twin.has_value() == (run.status == Status::kComplete));
  if (!twin) return;
  const HttpRequest& request = run.parser.request();
  WSD_ASSERT(twin->size == run.parser.head_size());
  WSD_ASSERT(twin->method == request.method && twin->target == request.target);
  WSD_ASSERT(twin->minor_version == request.minor_version);
  WSD_ASSERT(std::equal(twin->fields.begin(), twin->fields.end(), request.fields->begin(),
                        request.fields->end(), [](const auto& slow, const HttpField& field) {
                          return slow.first == field.name && slow.second == field.value;
                        }));
  WSD_ASSERT(request.chunked == !twin->values("transfer-encoding").empty());
  const fuzz::Strings lengths = twin->values("content-length");
  const std::string length = lengths.empty() ? "0" : fuzz::list_elements(lengths[0])[0];
  WSD_ASSERT(request.content_length == std::stoull(length));
}

// A body that was decoded in pieces.
struct Body {
  ChunkedBody::Status status = ChunkedBody::Status::kNeedMore;
  Violation violation = Violation::kNone;
  std::size_t used = 0;
  std::string text = {};
  bool operator==(const Body&) const = default;
};

// Decodes pieces of at most `most` bytes, each in a separate block.
Body decode(Bytes input, std::size_t most, const ChunkedLimits& limits) {
  ChunkedBody chunks;
  Body body;
  while (body.status == ChunkedBody::Status::kNeedMore && body.used < input.size()) {
    const Bytes piece = input.subspan(body.used, std::min(most, input.size() - body.used));
    const std::vector<std::uint8_t> block(piece.begin(), piece.end());
    Bytes rest = block;
    Bytes data;
    while ((body.status = chunks.next(rest, data, limits)) == ChunkedBody::Status::kData) {
      WSD_ASSERT(!data.empty());
      body.text += as_text(data);
      WSD_ASSERT(body.text.size() <= limits.max_body_bytes);
    }
    WSD_ASSERT(body.status != ChunkedBody::Status::kNeedMore || rest.empty());
    body.used += block.size() - rest.size();
  }
  if (body.status == ChunkedBody::Status::kFailed) body.violation = chunks.violation();
  return body;
}

void check_body(Bytes input, const ChunkedLimits& limits) {
  const Body whole = decode(input, input.size(), limits);
  WSD_ASSERT(decode(input, 3, limits) == whole);
  WSD_ASSERT(decode(input, 1, limits) == whole);
  const auto twin = fuzz::read_chunks_slowly(as_text(input), limits);
  WSD_ASSERT(twin.has_value() == (whole.status == ChunkedBody::Status::kComplete));
  if (twin) WSD_ASSERT(twin->size == whole.used && twin->body == whole.text);
  if (whole.status == ChunkedBody::Status::kFailed) {
    std::string out;
    write_violation(out, whole.violation);
  }
}

void check_input(Bytes input, const HeadLimits& limits) {
  Run whole(limits);
  whole.grow(input);
  Run cut(limits);
  grow_in_cuts(cut, input, false);
  check_agreement(whole, cut);
  if (input.size() <= 512) {
    Run bytewise(limits);
    grow_in_cuts(bytewise, input, true);
    check_agreement(whole, bytewise);
  }
  check_twin(whole, input, limits);
  if (whole.status == Status::kNeedMore) {
    WSD_ASSERT(input.size() < limits.max_head_bytes);
  } else if (whole.status == Status::kFailed) {
    std::string out;
    write_violation(out, whole.parser.violation());
  } else {
    check_request(whole, limits);
    if (!whole.parser.request().chunked) return;
    const Bytes body = input.subspan(whole.parser.head_size());
    check_body(body, kWideBody);
    check_body(body, kTightBody);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input(data, size);
  check_input(input, HeadLimits{});
  check_input(input, kTight);
  return 0;
}
