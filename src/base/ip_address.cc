#include "base/ip_address.h"

#include <algorithm>
#include <charconv>

namespace wsd {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

// Parses all of `text` as an unsigned number of at most `digits` digits.
template <class T>
bool read_number(std::string_view text, std::size_t digits, int base, T& value) noexcept {
  if (text.empty() || text.size() > digits) return false;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value, base);
  return error == std::errc() && at == end;
}

bool parse_v4(std::string_view text, std::uint8_t* out) noexcept {
  constexpr std::size_t kMostDigits = 3;
  for (int octet = 0; octet < 4; ++octet) {
    unsigned value = 0;
    std::size_t digits = 0;
    for (; digits < std::min(text.size(), kMostDigits); ++digits) {
      const unsigned digit = static_cast<unsigned char>(text[digits]) - unsigned{'0'};
      if (digit > 9) break;
      value = value * 10 + digit;
    }
    if (digits == 0 || value > 255 || (digits > 1 && text.front() == '0')) return false;
    out[octet] = static_cast<std::uint8_t>(value);
    text.remove_prefix(digits);
    if (octet == 3) break;
    if (!text.starts_with('.')) return false;
    text.remove_prefix(1);
  }
  return text.empty();
}

// Parses groups between colons, without a "::". Returns how many bytes they make, or std::nullopt.
// If `last`, the groups end the address, so that an IPv4address may replace the last two.
std::optional<std::size_t> parse_groups(std::string_view text, bool last,
                                        std::array<std::uint8_t, 16>& out) noexcept {
  std::size_t size = 0;
  if (text.empty()) return size;
  for (;;) {
    const std::size_t colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    const bool at_end = colon == std::string_view::npos;
    std::uint16_t value = 0;
    if (at_end && last && group.find('.') != std::string_view::npos) {
      if (size + 4 > out.size() || !parse_v4(group, out.data() + size)) return std::nullopt;
      return size + 4;
    }
    if (size + 2 > out.size() || !read_number(group, 4, 16, value)) return std::nullopt;
    out[size++] = static_cast<std::uint8_t>(value >> 8);
    out[size++] = static_cast<std::uint8_t>(value & 0xFF);
    if (at_end) return size;
    text.remove_prefix(colon + 1);
  }
}

bool parse_v6(std::string_view text, std::array<std::uint8_t, 16>& out) noexcept {
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) {
    const auto size = parse_groups(text, true, out);
    return size && *size == out.size();
  }
  std::array<std::uint8_t, 16> tail{};
  const auto before = parse_groups(text.substr(0, gap), false, out);
  const auto after = parse_groups(text.substr(gap + 2), true, tail);
  // RFC 4291 §2.2: "::" stands for at least one group.
  if (!before || !after || *before + *after > out.size() - 2) return false;
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(*before), out.end(), std::uint8_t{0});
  std::copy_n(tail.begin(), *after, out.end() - static_cast<std::ptrdiff_t>(*after));
  return true;
}

void append_number(std::string& out, unsigned value, int base) {
  std::array<char, 8> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, base).ptr;
  out.append(digits.data(), end);
}

std::string v6_text(const std::array<std::uint8_t, 16>& bytes) {
  constexpr std::size_t kGroups = 8;
  std::array<unsigned, kGroups> groups{};
  for (std::size_t i = 0; i < kGroups; ++i) groups[i] = bytes[2 * i] * 256U + bytes[2 * i + 1];
  // RFC 5952 §4.2: shorten the first of the longest runs of zeros, if it has more than one group.
  std::size_t gap = kGroups;
  std::size_t gap_size = 1;
  for (std::size_t i = 0; i < kGroups; ++i) {
    std::size_t end = i;
    while (end < kGroups && groups[end] == 0) ++end;
    if (end - i > gap_size) {
      gap = i;
      gap_size = end - i;
    }
  }
  std::string text;
  for (std::size_t i = 0; i < kGroups; ++i) {
    if (i == gap) {
      text += "::";
      i += gap_size - 1;
      continue;
    }
    if (!text.empty() && text.back() != ':') text += ':';
    append_number(text, groups[i], 16);
  }
  return text;
}

}  // namespace

IpAddress IpAddress::v4(std::span<const std::uint8_t, 4> bytes) noexcept {
  IpAddress address;
  std::copy(kMapped.begin(), kMapped.end(), address.bytes_.begin());
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin() + kMapped.size());
  return address;
}

IpAddress IpAddress::v6(std::span<const std::uint8_t, 16> bytes) noexcept {
  IpAddress address;
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) noexcept {
  IpAddress address;
  if (text.find(':') != std::string_view::npos) {
    if (!parse_v6(text, address.bytes_)) return std::nullopt;
    return address;
  }
  std::array<std::uint8_t, 4> bytes{};
  if (!parse_v4(text, bytes.data())) return std::nullopt;
  return v4(bytes);
}

bool IpAddress::is_v4() const noexcept {
  return std::equal(kMapped.begin(), kMapped.end(), bytes_.begin());
}

std::string IpAddress::text() const {
  if (!is_v4()) return v6_text(bytes_);
  std::string text;
  for (std::size_t i = kMapped.size(); i < bytes_.size(); ++i) {
    if (!text.empty()) text += '.';
    append_number(text, bytes_[i], 10);
  }
  return text;
}

std::optional<IpEndpoint> IpEndpoint::parse(std::string_view text) noexcept {
  IpEndpoint endpoint;
  const bool bracketed = text.starts_with('[');
  const std::size_t end = text.find(bracketed ? ']' : ':');
  if (bracketed && end == std::string_view::npos) return std::nullopt;
  const std::string_view host = bracketed ? text.substr(1, end - 1) : text.substr(0, end);
  // IPv6 addresses must be in brackets, and only they may be.
  if (bracketed != (host.find(':') != std::string_view::npos)) return std::nullopt;
  const auto address = IpAddress::parse(host);
  if (!address) return std::nullopt;
  endpoint.address = *address;
  const std::string_view rest =
      end == std::string_view::npos ? std::string_view() : text.substr(end + (bracketed ? 1 : 0));
  if (rest.empty()) return endpoint;
  endpoint.port = parse_port(rest.substr(1));
  if (rest.front() != ':' || !endpoint.port) return std::nullopt;
  return endpoint;
}

std::string IpEndpoint::text() const {
  std::string text = address.text();
  if (!address.is_v4()) text = '[' + text + ']';
  if (port) text += ':' + std::to_string(*port);
  return text;
}

std::optional<std::uint16_t> parse_port(std::string_view text) noexcept {
  std::uint16_t port = 0;
  if (!read_number(text, 5, 10, port)) return std::nullopt;
  return port;
}

}  // namespace wsd
