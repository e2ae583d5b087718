#include "protocol/proxy_header.h"

#include <algorithm>
#include <span>
#include <string_view>

namespace wsd::protocol {
namespace {

constexpr std::string_view kLineStart = "PROXY ";
constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);

// PROXY protocol §2.2: the layout of version 2.
constexpr std::size_t kCommandAt = 12;
constexpr std::size_t kFamilyAt = 13;
constexpr std::size_t kLengthAt = 14;
constexpr std::size_t kBlockStart = 16;

constexpr unsigned kVersion2 = 2;
constexpr unsigned kLocal = 0;
constexpr unsigned kProxied = 1;
constexpr unsigned kUnspecified = 0;  // family, transport
constexpr unsigned kInet = 1;
constexpr unsigned kInet6 = 2;
constexpr unsigned kUnix = 3;
constexpr unsigned kStream = 1;
constexpr unsigned kDatagram = 2;

// Returns the bytes that the addresses and ports of a family occupy.
constexpr std::size_t address_bytes(unsigned family) noexcept {
  switch (family) {
    case kInet:
      return 12;
    case kInet6:
      return 36;
    case kUnix:
      return 216;
    default:
      return 0;
  }
}

// Removes the next word and one space after it from `text`. Returns an empty view if there is none.
std::string_view take_word(std::string_view& text) noexcept {
  const std::size_t space = text.find(' ');
  const std::string_view word = text.substr(0, space);
  text = space == std::string_view::npos ? std::string_view() : text.substr(space + 1);
  return word;
}

// As written: ::ffff:192.0.2.1 is a TCP6 address.
std::optional<IpAddress> line_address(std::string_view text, bool v6) noexcept {
  if ((text.find(':') != std::string_view::npos) != v6) return std::nullopt;
  return IpAddress::parse(text);
}

// PROXY protocol §2.1: no leading zeros.
std::optional<std::uint16_t> line_port(std::string_view text) noexcept {
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return parse_port(text);
}

}  // namespace

ProxyHeaderParser::Status ProxyHeaderParser::parse(Bytes& input) noexcept {
  while (!input.empty() && status_ == Status::kNeedMore) {
    if (skipping_ != 0) {
      const std::size_t count = std::min(skipping_, input.size());
      input = input.subspan(count);
      skipping_ -= count;
      if (skipping_ == 0) status_ = Status::kComplete;
      continue;
    }
    const std::uint8_t byte = input.front();
    input = input.subspan(1);
    take(byte);
  }
  return status_;
}

void ProxyHeaderParser::take(std::uint8_t byte) noexcept {
  bytes_[size_++] = byte;
  // The first byte distinguishes the versions.
  if (bytes_[0] == static_cast<std::uint8_t>(kLineStart[0])) {
    take_of_line();
  } else {
    take_of_block();
  }
}

void ProxyHeaderParser::take_of_line() noexcept {
  const std::uint8_t byte = bytes_[size_ - 1];
  if (size_ <= kLineStart.size()) {
    if (byte != static_cast<std::uint8_t>(kLineStart[size_ - 1])) fail(Violation::kNoProxyHeader);
    return;
  }
  const bool after_cr = bytes_[size_ - 2] == '\r';
  const bool torn = after_cr != (byte == '\n');  // CR and LF must come together, at the end
  const bool too_long = !after_cr && size_ == bytes_.size();
  if (torn || too_long) {
    fail(Violation::kBadProxyHeader);
  } else if (after_cr) {
    read_line();
  }
}

void ProxyHeaderParser::read_line() noexcept {
  std::string_view text(reinterpret_cast<const char*>(bytes_.data()), size_ - 2);
  text.remove_prefix(kLineStart.size());
  status_ = Status::kComplete;
  const std::string_view protocol = take_word(text);
  // The rest must be ignored (PROXY protocol §2.1).
  if (protocol == "UNKNOWN") return;
  const bool v6 = protocol == "TCP6";
  const auto source = line_address(take_word(text), v6);
  const auto destination = line_address(take_word(text), v6);
  const auto source_port = line_port(take_word(text));
  // Up to the end of the line, so that a further word makes the port invalid.
  const auto destination_port = line_port(text);
  const bool known = v6 || protocol == "TCP4";
  if (!known || !source || !destination || !source_port || !destination_port) {
    fail(Violation::kBadProxyHeader);
    return;
  }
  source_ = IpEndpoint{*source, *source_port};
}

void ProxyHeaderParser::take_of_block() noexcept {
  if (size_ <= kSignature.size()) {
    if (bytes_[size_ - 1] != static_cast<std::uint8_t>(kSignature[size_ - 1])) {
      fail(Violation::kNoProxyHeader);
    }
    return;
  }
  const unsigned command = bytes_[kCommandAt] & 0xFU;
  if (size_ == kCommandAt + 1) {
    const bool known = command == kLocal || command == kProxied;
    if (bytes_[kCommandAt] >> 4 != kVersion2 || !known) fail(Violation::kBadProxyHeader);
  } else if (size_ == kFamilyAt + 1) {
    // For LOCAL, the family has no meaning (PROXY protocol §2.2).
    const unsigned family = bytes_[kFamilyAt] >> 4;
    const unsigned transport = bytes_[kFamilyAt] & 0xFU;
    if (command == kProxied && (family > kUnix || transport > kDatagram)) {
      fail(Violation::kBadProxyHeader);
    }
  } else if (size_ == kBlockStart) {
    begin_addresses();
  } else if (size_ == wanted_) {
    read_addresses();
  }
}

void ProxyHeaderParser::begin_addresses() noexcept {
  const std::size_t length = bytes_[kLengthAt] * std::size_t{256} + bytes_[kLengthAt + 1];
  const bool proxied = (bytes_[kCommandAt] & 0xFU) == kProxied;
  const unsigned family = bytes_[kFamilyAt] >> 4;
  const unsigned transport = bytes_[kFamilyAt] & 0xFU;
  // With an unspecified transport, the addresses have no meaning either.
  const bool named = proxied && family != kUnspecified && transport != kUnspecified;
  const std::size_t needed = named ? address_bytes(family) : 0;
  if (length < needed) {
    fail(Violation::kBadProxyHeader);
    return;
  }
  const bool read = named && transport == kStream && family != kUnix;
  wanted_ = kBlockStart + (read ? needed : 0);
  skipping_ = read ? 0 : length;
  if (!read && length == 0) status_ = Status::kComplete;
}

void ProxyHeaderParser::read_addresses() noexcept {
  const std::span<const std::uint8_t> all(bytes_);
  const bool v4 = bytes_[kFamilyAt] >> 4 == kInet;
  const std::size_t length = bytes_[kLengthAt] * std::size_t{256} + bytes_[kLengthAt + 1];
  // Source, destination, source port, destination port.
  const std::size_t port_at = kBlockStart + (v4 ? 8 : 32);
  IpEndpoint source;
  if (v4) {
    source.address = IpAddress::v4(all.subspan<kBlockStart, 4>());
  } else {
    source.address = IpAddress::v6(all.subspan<kBlockStart, 16>());
  }
  source.port = static_cast<std::uint16_t>(bytes_[port_at] << 8 | bytes_[port_at + 1]);
  source_ = source;
  skipping_ = length - (wanted_ - kBlockStart);
  if (skipping_ == 0) status_ = Status::kComplete;
}

}  // namespace wsd::protocol
