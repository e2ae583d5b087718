#include "hub/batch.h"

#include <cstring>
#include <utility>

namespace wsd::hub {
namespace {

// Copying a frame of this size costs about as much as one more element of a gathered write.
constexpr std::size_t kSmallFrame = 4096;

}  // namespace

Batch::Batch(std::vector<SharedBytes>&& frames) {
  std::size_t small = 0;
  std::size_t small_bytes = 0;
  for (const SharedBytes& frame : frames) {
    bytes_ += frame.size();
    if (frame.size() > kSmallFrame) continue;
    ++small;
    small_bytes += frame.size();
  }
  frames_.reserve(frames.size());
  SharedBytes joined;
  if (small > 1) joined = SharedBytes::make(small_bytes);
  if (!joined) {  // nothing to join, or out of memory
    for (SharedBytes& frame : frames) frames_.emplace_back(std::move(frame));
    return;
  }
  // Each large frame is a piece, and so is each run of small frames before, between and after them.
  pieces_.reserve(2 * (frames.size() - small) + 1);
  std::uint8_t* const out = joined.mutable_bytes().data();
  std::size_t used = 0;
  for (const SharedBytes& frame : frames) {
    if (frame.size() > kSmallFrame) continue;
    std::memcpy(out + used, frame.bytes().data(), frame.size());
    used += frame.size();
  }
  used = 0;
  for (SharedBytes& frame : frames) {
    if (frame.size() > kSmallFrame) {
      frames_.emplace_back(std::move(frame));
      pieces_.push_back(frames_.back());
      continue;
    }
    frames_.emplace_back(joined, used, frame.size());
    const bool adjacent = !pieces_.empty() && pieces_.back().offset + pieces_.back().size == used &&
                          used != 0 && pieces_.back().block.bytes().data() == joined.bytes().data();
    if (adjacent) {
      pieces_.back().size += frame.size();
    } else {
      pieces_.push_back(frames_.back());
    }
    used += frame.size();
  }
}

Batch Batch::of_shared(std::vector<SharedBytes>&& frames) {
  Batch batch;
  batch.frames_.reserve(frames.size());
  for (SharedBytes& frame : frames) {
    batch.bytes_ += frame.size();
    batch.frames_.emplace_back(std::move(frame));
  }
  return batch;
}

BatchSet::BatchSet(std::vector<SharedBytes>&& frames, std::span<const Encoding> encodings,
                   Encoder* encoder, const Position& first, const SlowPolicyFor& slow_rule)
    : plain_(std::vector<SharedBytes>()) {
  for (const Encoding encoding : encodings) {
    if (encoding == kIdentity || encoder == nullptr) continue;
    std::vector<SharedBytes> encoded;
    encoded.reserve(frames.size());
    Position position = first;
    for (const SharedBytes& frame : frames) {
      encoded.push_back(encoder->encode(frame, encoding, position));
      if (!encoded.back()) encoded.back() = frame;
      ++position.seq;
    }
    others_.emplace_back(encoding, Batch(std::move(encoded)));
    others_.back().second.set_slow_rule(slow_rule);
  }
  plain_ = Batch(std::move(frames));
  plain_.set_slow_rule(slow_rule);
}

std::size_t BatchSet::bytes() const noexcept {
  std::size_t bytes = plain_.bytes();
  for (const auto& [encoding, batch] : others_) bytes += batch.bytes();
  return bytes;
}

const Batch& BatchSet::of(Encoding encoding) const noexcept {
  for (const auto& [each, batch] : others_) {
    if (each == encoding) return batch;
  }
  return plain_;
}

}  // namespace wsd::hub
