#include "protocol/utf8.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>

#include "protocol/utf8_kernels.h"
#include "protocol/utf8_states.h"

namespace wsd::protocol {
namespace {

// Unmasked bytes are checked while they are still in the first-level cache (at least 32 KiB), so
// that each byte is read from memory once. Smaller blocks would gain nothing and cost more calls.
constexpr std::size_t kSweep = 4096;

// For shorter texts, the automaton finishes before a kernel has loaded its tables.
constexpr std::size_t kWorthAKernel = 16;

// Most texts up to this size are ASCII, and need neither a call nor a table.
constexpr std::size_t kMostForAsciiFirst = 256;

// Covers the end with a chunk that overlaps the previous one. Needs at least sizeof(Chunk) bytes.
[[nodiscard]] bool is_ascii(Bytes bytes) noexcept {
  using mask_detail::Chunk;
  Chunk all;
  std::memcpy(&all, bytes.data() + bytes.size() - sizeof all, sizeof all);
  for (std::size_t at = 0; at + sizeof all < bytes.size(); at += sizeof all) {
    Chunk chunk;
    std::memcpy(&chunk, bytes.data() + at, sizeof chunk);
    all |= chunk;
  }
  return mask_detail::high_bits(all) == 0;
}

// Returns how many bytes at the end belong to an open sequence, judging by its lead byte only.
[[nodiscard]] std::size_t open_tail(Bytes bytes) noexcept {
  const std::size_t most = std::min<std::size_t>(3, bytes.size());
  for (std::size_t back = 1; back <= most; ++back) {
    const std::uint8_t byte = bytes[bytes.size() - back];
    if (byte < 0x80) {
      return 0;
    }
    if (byte >= 0xC0) {
      const std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2;
      return length > back ? back : 0;
    }
  }
  return 0;
}

[[nodiscard]] std::uint8_t walk(std::uint8_t state, Bytes bytes) noexcept {
  for (const std::uint8_t byte : bytes) {
    state = kUtf8Next[state][byte];
  }
  return state;
}

[[nodiscard]] bool valid_by_kernel(Bytes bytes) noexcept {
  // Chosen at the first use instead of in a global's constructor, so that it is right even if
  // another global uses it first.
  static const auto valid = [] {
    const auto all = utf8_kernels();
    return std::find_if(all.begin(), all.end(), [](const Utf8Kernel& k) { return k.supported; })
        ->valid;
  }();
  return valid(bytes.data(), bytes.size());
}

}  // namespace

bool Utf8Validator::feed(Bytes bytes) noexcept {
  std::size_t at = 0;
  while (state_ != kUtf8Between && state_ != kUtf8Wrong && at < bytes.size()) {
    state_ = kUtf8Next[state_][bytes[at]];
    ++at;
  }
  if (state_ != kUtf8Between) {
    return state_ != kUtf8Wrong;
  }
  bytes = bytes.subspan(at);
  if (bytes.size() < kWorthAKernel) {
    state_ = walk(state_, bytes);
    return state_ != kUtf8Wrong;
  }
  if (bytes.size() <= kMostForAsciiFirst && is_ascii(bytes)) {
    return true;
  }
  // The kernel checks up to the open sequence at the end. Only the automaton detects that an open
  // sequence is invalid already, such as E0 80.
  const std::size_t whole = bytes.size() - open_tail(bytes);
  state_ = valid_by_kernel(bytes.first(whole)) ? walk(state_, bytes.subspan(whole))
                                               : static_cast<std::uint8_t>(kUtf8Wrong);
  return state_ != kUtf8Wrong;
}

bool Utf8Validator::feed_masked_long(MutableBytes bytes, MaskingKey key,
                                     std::uint64_t offset) noexcept {
  std::uint32_t word = mask_detail::advance(std::bit_cast<std::uint32_t>(key), offset);
  while (!bytes.empty()) {
    const MutableBytes block = bytes.first(std::min(bytes.size(), kSweep));
    const bool ascii = mask_detail::apply_long(block.data(), block.size(), word);
    // ASCII between code points is valid. Unmasking has looked at these bytes already.
    if (!(ascii && state_ == kUtf8Between) && !feed(block)) return false;
    bytes = bytes.subspan(block.size());
    word = mask_detail::advance(word, block.size());
  }
  return state_ != kUtf8Wrong;
}

bool is_utf8(Bytes bytes) noexcept {
  Utf8Validator validator;
  return validator.feed(bytes) && validator.complete();
}

}  // namespace wsd::protocol
