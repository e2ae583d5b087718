// The header of the PROXY protocol, versions 1 and 2 (HAProxy's proxy-protocol.txt, called "spec"
// here). A proxy sends it at the start of each connection to report the client.
//
//   version 1   PROXY TCP4 192.0.2.1 198.51.100.1 4711 443 CR LF        a line of 107 bytes at most
//               PROXY UNKNOWN ... CR LF
//   version 2   signature (12)  version|command (1)  family|transport (1)  length (2)
//               addresses and TLVs, `length` bytes of them
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/ip_address.h"
#include "protocol/violation.h"

namespace wsd::protocol {

// Reads one header from bytes that arrive in pieces of any size; the result does not depend on the
// pieces. It stores only a fixed amount of the header and skips TLVs. Two bytes limit their length,
// and the caller's deadline limits their time.
class ProxyHeaderParser {
 public:
  enum class Status : std::uint8_t { kNeedMore, kComplete, kFailed };

  static constexpr std::size_t kMostLineBytes = 107;  // PROXY protocol §2.1, with CR LF

  // Removes the header's bytes from the front of `input`, and nothing after them. Fails at the
  // first byte that makes a valid header impossible. kComplete and kFailed are final, and remove
  // nothing.
  [[nodiscard]] Status parse(Bytes& input) noexcept;

  // After kComplete: the client that the header reports. std::nullopt means that the connection's
  // own peer counts: UNKNOWN, LOCAL (the proxy's own connection, for example a health check), and
  // anything but TCP over IP.
  [[nodiscard]] const std::optional<IpEndpoint>& source() const noexcept { return source_; }
  // After kFailed: kNoProxyHeader if the bytes are something else, otherwise kBadProxyHeader.
  [[nodiscard]] Violation violation() const noexcept { return violation_; }

 private:
  void take(std::uint8_t byte) noexcept;
  void take_of_line() noexcept;
  void take_of_block() noexcept;
  void read_line() noexcept;
  void begin_addresses() noexcept;
  void read_addresses() noexcept;
  void fail(Violation violation) noexcept {
    status_ = Status::kFailed;
    violation_ = violation;
  }

  std::array<std::uint8_t, kMostLineBytes> bytes_{};
  std::size_t size_ = 0;      // of bytes_
  std::size_t wanted_ = 0;    // version 2: the end of the addresses in bytes_; 0: not known yet
  std::size_t skipping_ = 0;  // version 2: bytes still to come after them
  Status status_ = Status::kNeedMore;
  Violation violation_ = Violation::kNone;
  std::optional<IpEndpoint> source_;
};

}  // namespace wsd::protocol
