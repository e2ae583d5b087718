#include "engine/message_frame.h"

#include <cstring>
#include <new>

#include "base/bytes.h"

namespace wsd::engine {
namespace {

constexpr std::uint8_t kFin = 0x80;
constexpr std::uint8_t kText = 1;
constexpr std::uint8_t kBinary = 2;
// In the second byte: a length up to 125, or the size of the length that follows.
constexpr std::uint8_t kTwoBytes = 126;
constexpr std::uint8_t kEightBytes = 127;

std::size_t header_size(std::uint8_t second) noexcept {
  if (second < kTwoBytes) return 2;
  return second == kTwoBytes ? 4 : 10;
}

}  // namespace

BatchMessage message_of_frame(const SharedBytes& frame) noexcept {
  const Bytes bytes = frame.bytes();
  if (bytes.size() < 2) return {};
  const std::size_t header = header_size(bytes[1]);
  if (bytes.size() < header) return {};
  return {(bytes[0] & 0x0f) == kBinary, as_text(bytes.subspan(header))};
}

SharedBytes frame_of_message(const BatchMessage& message) {
  const std::size_t size = message.payload.size();
  std::uint8_t second = kEightBytes;
  if (size < kTwoBytes) {
    second = static_cast<std::uint8_t>(size);
  } else if (size <= 0xffff) {
    second = kTwoBytes;
  }
  const std::size_t header = header_size(second);
  SharedBytes frame = SharedBytes::make(header + size);
  if (!frame) throw std::bad_alloc();
  std::uint8_t* const out = frame.mutable_bytes().data();
  out[0] = static_cast<std::uint8_t>(kFin | (message.binary ? kBinary : kText));
  out[1] = second;
  for (std::size_t i = 2; i < header; ++i) {
    out[i] = static_cast<std::uint8_t>(std::uint64_t{size} >> (8 * (header - 1 - i)));
  }
  if (size != 0) std::memcpy(out + header, message.payload.data(), size);
  return frame;
}

}  // namespace wsd::engine
