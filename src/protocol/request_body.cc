#include "protocol/request_body.h"

#include <algorithm>

#include "base/assert.h"

namespace wsd::protocol {

// RFC 9112 §6.3 (4), (6): the chunks or Content-Length delimit the body. The next request follows
// it.
void RequestBody::begin(const HttpRequest& request) {
  WSD_ASSERT(request.body_due() && !reading());
  if (request.chunked) {
    chunked_.emplace();
  } else {
    length_ = request.content_length;
  }
}

RequestBody::Status RequestBody::next(Bytes& input, std::uint64_t max_bytes) {
  WSD_DCHECK(reading());
  if (chunked_) return next_chunks(input, max_bytes);
  const std::uint64_t missing = length_ - bytes_.size();
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(input.size(), missing));
  if (!append(input.first(count), missing)) return Status::kNoMemory;
  input = input.subspan(count);
  return count < missing ? Status::kNeedMore : Status::kComplete;
}

RequestBody::Status RequestBody::next_chunks(Bytes& input, std::uint64_t max_bytes) {
  const ChunkedLimits limits{.max_body_bytes = max_bytes};
  for (;;) {
    Bytes data;
    switch (chunked_->next(input, data, limits)) {
      case ChunkedBody::Status::kNeedMore:
        return Status::kNeedMore;
      case ChunkedBody::Status::kData:
        if (!append(data, max_bytes - bytes_.size())) return Status::kNoMemory;
        break;
      case ChunkedBody::Status::kFailed:
        return Status::kFailed;
      case ChunkedBody::Status::kComplete:
        chunked_.reset();
        return Status::kComplete;
    }
  }
}

// `missing`: the most bytes that may follow, with those of `data`.
bool RequestBody::append(Bytes data, std::uint64_t missing) {
  if (data.size() > bytes_.room().size()) {
    const std::uint64_t doubled = std::max(2 * bytes_.size(), bytes_.size() + data.size());
    const std::uint64_t most = bytes_.size() + missing;
    if (!bytes_.reserve(static_cast<std::size_t>(std::min(doubled, most)))) return false;
  }
  std::copy(data.begin(), data.end(), bytes_.room().begin());
  bytes_.grow(data.size());
  return true;
}

void RequestBody::reset() noexcept {
  bytes_.reset();
  length_ = 0;
  chunked_.reset();
}

}  // namespace wsd::protocol
