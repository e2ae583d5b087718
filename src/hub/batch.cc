#include "hub/batch.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace wsd::hub {
namespace {

// Copying a frame of this size costs about as much as one more element of a gathered write.
constexpr std::size_t kSmallFrame = 4096;

// Returns whether `next` begins in the same block where `piece` ends.
bool follows(const Slice& next, const Slice& piece) noexcept {
  return next.block.bytes().data() == piece.block.bytes().data() &&
         next.offset == piece.offset + piece.size;
}

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

Batch Batch::without(std::span<const Exclusion> left_out) const {
  Batch rest;
  rest.slow_rule_ = slow_rule_;
  rest.frames_.reserve(frames_.size() - left_out.size());
  for (std::size_t i = 0; i < frames_.size(); ++i) {
    if (!left_out.empty() && left_out.front().message == i) {
      left_out = left_out.subspan(1);
      continue;
    }
    const Slice& frame = frames_[i];
    rest.bytes_ += frame.size;
    rest.frames_.push_back(frame);
    if (!rest.pieces_.empty() && follows(frame, rest.pieces_.back())) {
      rest.pieces_.back().size += frame.size;
    } else {
      rest.pieces_.push_back(frame);
    }
  }
  return rest;
}

BatchSet::BatchSet(std::vector<SharedBytes>&& frames, std::span<const Encoding> encodings,
                   Encoder* encoder, const Position& first, const SlowPolicyFor& slow_rule,
                   std::span<const Exclusion> exclusions)
    : exclusions_(exclusions.begin(), exclusions.end()), plain_(std::vector<SharedBytes>()) {
  // Stable, because the messages of one member are in ascending order already.
  std::stable_sort(exclusions_.begin(), exclusions_.end(),
                   [](const Exclusion& a, const Exclusion& b) { return a.member < b.member; });
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

std::span<const Exclusion> BatchSet::left_out_for(ConnectionId member) const noexcept {
  const auto [first, last] =
      std::equal_range(exclusions_.begin(), exclusions_.end(), Exclusion{member, 0},
                       [](const Exclusion& a, const Exclusion& b) { return a.member < b.member; });
  return {first, last};
}

std::size_t BatchSet::bytes() const noexcept {
  std::size_t bytes = plain_.bytes() + exclusions_.size() * sizeof(Exclusion);
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
