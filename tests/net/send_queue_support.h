// Helpers for the tests of the send queue.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "net/peer.h"
#include "net/send_queue.h"

namespace wsd::net {

using Frames = std::vector<test::WireFrame>;

inline Slice data_frame(std::string_view payload) {
  return Slice(SharedBytes::copy_of(as_bytes(test::server_frame(test::kText, payload))));
}

inline Slice data_frame_of_size(std::size_t payload, char fill = 'x') {
  return data_frame(std::string(payload, fill));
}

// Sends at most `most` bytes of the queue, in at most `pieces` pieces.
inline std::string send_some(SendQueue& queue, std::size_t most, std::size_t pieces = 64) {
  std::vector<iovec> vectors(pieces);
  const std::size_t used = queue.gather(vectors);
  std::string out;
  for (std::size_t i = 0; i < used; ++i) {
    out.append(static_cast<const char*>(vectors[i].iov_base), vectors[i].iov_len);
  }
  out.resize(std::min(out.size(), most));
  queue.consume(out.size(), 0);
  return out;
}

inline std::string send_all(SendQueue& queue) {
  std::string out;
  while (!queue.empty()) out += send_some(queue, ~std::size_t{0});
  return out;
}

inline SendQueueLimits limits_of(SlowPolicy policy, std::size_t bytes = 1000,
                                 std::uint32_t frames = 100) {
  return {bytes, frames, policy};
}

}  // namespace wsd::net
