#include "net/facts.h"

#include <cstring>

namespace wsd::net {

Facts::Facts(std::string_view remote, std::string_view path, std::string_view user,
             std::string_view subprotocol) {
  const std::array<std::string_view, kParts> parts = {remote, path, user, subprotocol};
  Sizes sizes{};
  std::size_t total = sizeof(sizes);
  for (std::size_t i = 0; i < kParts; ++i) {
    sizes[i] = static_cast<std::uint32_t>(parts[i].size());
    total += parts[i].size();
  }
  block_ = std::make_unique_for_overwrite<char[]>(total);
  std::memcpy(block_.get(), &sizes, sizeof(sizes));
  char* at = block_.get() + sizeof(sizes);
  for (const std::string_view each : parts) at += each.copy(at, each.size());
}

std::string_view Facts::part(std::size_t index) const noexcept {
  if (block_ == nullptr) return {};
  Sizes sizes;
  std::memcpy(&sizes, block_.get(), sizeof(sizes));
  std::size_t offset = sizeof(sizes);
  for (std::size_t i = 0; i < index; ++i) offset += sizes[i];
  return {block_.get() + offset, sizes[index]};
}

}  // namespace wsd::net
