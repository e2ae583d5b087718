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
  constexpr unsigned kMemLevel = 8;
  return (std::size_t{1} << (window_bits + 2)) + (std::size_t{1} << (kMemLevel + 9)) + kState;
}

Inflater& DeflatePool::inflater(std::uint8_t window_bits) {
  std::unique_ptr<Inflater>& slot = inflaters_[window_bits];
  if (slot == nullptr) slot = std::make_unique<Inflater>(window_bits);
  return *slot;
}

Deflater& DeflatePool::deflater(std::uint8_t window_bits) {
  std::unique_ptr<Deflater>& slot = deflaters_[window_bits];
  if (slot == nullptr) slot = std::make_unique<Deflater>(window_bits, level_);
  return *slot;
}

void DeflatePool::end_turn(bool more) noexcept {
  inflated_in_turn = 0;
  if (more) return;
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
