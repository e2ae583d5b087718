#include "net/peer_info.h"

#include <array>
#include <cstring>

#include "base/copy_short.h"

namespace wsd::net {
namespace {

// A size has seven bits per byte, low bits first. The top bit says that another byte follows. Most
// sizes take one byte.
constexpr unsigned kSizeBits = 7;
constexpr std::size_t kMore = std::size_t{1} << kSizeBits;

std::size_t size_bytes(std::size_t size) noexcept {
  std::size_t count = 1;
  for (; size >= kMore; size >>= kSizeBits) ++count;
  return count;
}

std::uint8_t* write_size(std::uint8_t* at, std::size_t size) noexcept {
  for (; size >= kMore; size >>= kSizeBits) {
    *at++ = static_cast<std::uint8_t>(size % kMore + kMore);
  }
  *at++ = static_cast<std::uint8_t>(size);
  return at;
}

// Returns whether each of the six sizes at the front of a block takes one byte.
bool has_short_sizes(const std::uint8_t* block) noexcept {
  constexpr std::uint32_t kMoreInFour = 0x80808080;
  constexpr std::uint16_t kMoreInTwo = 0x8080;
  std::uint32_t four;
  std::uint16_t two;
  std::memcpy(&four, block, sizeof four);
  std::memcpy(&two, block + sizeof four, sizeof two);
  return (four & kMoreInFour) == 0 && (two & kMoreInTwo) == 0;
}

std::size_t read_size(const std::uint8_t*& at) noexcept {
  std::size_t size = 0;
  for (unsigned shift = 0;; shift += kSizeBits) {
    const std::size_t byte = *at++;
    size |= byte % kMore << shift;
    if (byte < kMore) return size;
  }
}

}  // namespace

PeerInfo::PeerInfo(std::string_view remote, std::string_view path, std::string_view user,
                   std::string_view subprotocol, std::string_view via)
    : PeerInfo(remote, path, user, subprotocol, via, {}) {}

PeerInfo::PeerInfo(std::string_view remote, std::string_view path, std::string_view user,
                   std::string_view subprotocol, std::string_view via,
                   std::string_view close_reason) {
  const std::array<std::string_view, kParts> parts = {remote,      path, user,
                                                      subprotocol, via,  close_reason};
  std::size_t total = kParts;  // nearly always each size takes one byte
  std::size_t sizes = 0;
  for (const std::string_view each : parts) {
    total += each.size();
    sizes |= each.size();
  }
  if (sizes >= kMore) {
    for (const std::string_view each : parts) total += size_bytes(each.size()) - 1;
  }
  block_ = std::make_unique_for_overwrite<std::uint8_t[]>(total);
  std::uint8_t* at = block_.get();
  for (const std::string_view each : parts) at = write_size(at, each.size());
  for (const std::string_view each : parts) {
    if (each.empty()) continue;  // most of them
    copy_short(at, reinterpret_cast<const std::uint8_t*>(each.data()), each.size());
    at += each.size();
  }
}

void PeerInfo::set_close_reason(std::string_view reason) {
  *this = PeerInfo(remote(), path(), user(), subprotocol(), via(), reason);
}

std::string_view PeerInfo::part(std::size_t index) const noexcept {
  if (block_ == nullptr) return {};
  const std::uint8_t* at = block_.get();
  static_assert(kParts == sizeof(std::uint32_t) + sizeof(std::uint16_t));
  if (has_short_sizes(at)) {  // nearly always
    std::size_t begin = kParts;
    for (std::size_t i = 0; i < index; ++i) begin += at[i];
    return {reinterpret_cast<const char*>(at) + begin, at[index]};
  }
  std::size_t before = 0;
  std::size_t size = 0;
  for (std::size_t i = 0; i < kParts; ++i) {
    const std::size_t each = read_size(at);
    if (i < index) before += each;
    if (i == index) size = each;
  }
  return {reinterpret_cast<const char*>(at) + before, size};
}

}  // namespace wsd::net
