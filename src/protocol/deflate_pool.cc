#include <algorithm>
#include <utility>

#include "protocol/deflate.h"

namespace wsd::protocol {
namespace {

// The largest buffer kept between turns.
constexpr std::size_t kKept = std::size_t{64} << 10;

void trim_buffer(ByteBuffer& buffer) noexcept {
  if (buffer.capacity() > kKept) buffer.reset();
}

}  // namespace

std::size_t inflater_bytes(std::uint8_t window_bits) noexcept {
  constexpr std::size_t kState = std::size_t{7} << 10;
  return (std::size_t{1} << window_bits) + kState;
}

std::size_t deflater_bytes(std::uint8_t window_bits) noexcept {
  constexpr std::size_t kState = std::size_t{6} << 10;
  const int memory_level = deflate_memory_level(window_bits);
  return (std::size_t{1} << (window_bits + 2)) + (std::size_t{1} << (memory_level + 9)) + kState;
}

std::unique_ptr<Inflater> DeflatePool::borrow_inflater(std::uint8_t window_bits) {
  std::unique_ptr<Inflater>& slot = inflaters_[window_bits];
  return slot != nullptr ? std::move(slot) : std::make_unique<Inflater>(window_bits);
}

void DeflatePool::give_back(std::uint8_t window_bits, std::unique_ptr<Inflater> inflater) noexcept {
  std::unique_ptr<Inflater>& slot = inflaters_[window_bits];
  if (slot == nullptr) slot = std::move(inflater);
}

Deflater& DeflatePool::deflater(std::uint8_t window_bits) {
  std::unique_ptr<Deflater>& slot = deflaters_[window_bits];
  if (slot == nullptr) slot = std::make_unique<Deflater>(window_bits, level_);
  return *slot;
}

// A lone connection has the whole share. Beside many, a small message waits only for a small part
// of the work of each.
void DeflatePool::divide_inflating(std::size_t connections) noexcept {
  inflate_step_ = std::max(kInflateShare / std::max<std::size_t>(connections, 1), kLeastStep);
}

bool DeflatePool::may_grow(std::uint64_t number) noexcept {
  oldest_asking_ = std::min(oldest_asking_, number);
  if (number > oldest_) return false;
  inflating.begin_step(inflate_step_);
  return true;
}

bool DeflatePool::take_deflating(std::size_t bytes) noexcept {
  const std::size_t work = deflate_work(bytes, level_);
  if (!deflating.affords(work)) {
    ++not_deflated_;
    return false;
  }
  deflating.spend(work);
  return true;
}

void DeflatePool::end_turn(bool more) noexcept {
  inflating.begin_turn();
  deflating.begin_turn();
  oldest_ = std::exchange(oldest_asking_, kAny);
  // A suspended message grows in a buffer of its own.
  if (more && oldest_ == kAny) return;
  trim_buffer(inflated);
  trim_buffer(deflated);
}

void DeflatePool::release() noexcept {
  for (std::unique_ptr<Inflater>& each : inflaters_) each.reset();
  for (std::unique_ptr<Deflater>& each : deflaters_) each.reset();
  inflated.reset();
  deflated.reset();
}

}  // namespace wsd::protocol
