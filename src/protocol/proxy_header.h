// The header of the PROXY protocol, versions 1 and 2 (HAProxy's proxy-protocol.txt, referred to as
// "spec"), with which a proxy begins each connection to say whose it is.
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

// Reads one header from bytes that arrive in any cut; the result does not depend on it. Holds what
// it needs of the header itself, a fixed amount however long it is: TLVs are skipped, not kept.
// Their length is bounded by its two bytes, and their time by the caller's deadline.
class ProxyHeaderParser {
 public:
  enum class Status : std::uint8_t { kNeedMore, kComplete, kFailed };

  static constexpr std::size_t kMostLineBytes = 107;  // PROXY protocol §2.1, with CR LF

  // Takes the header's bytes off the front of `input`, and nothing behind its end. It fails at the
  // first byte that makes it impossible. kComplete and kFailed stay, and take nothing.
  [[nodiscard]] Status parse(Bytes& input) noexcept;

  // After kComplete: whom the connection is for. Nothing where the header does not say, so that the
  // connection's own peer counts: UNKNOWN, LOCAL (the proxy's own, a health check), and what is no
  // TCP over IP.
  [[nodiscard]] const std::optional<IpEndpoint>& source() const noexcept { return source_; }
  // After kFailed: kNoProxyHeader for what is something else altogether, or kBadProxyHeader.
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
  std::size_t wanted_ = 0;    // version 2: where the addresses end in bytes_; 0: not known yet
  std::size_t skipping_ = 0;  // version 2: what is still to come behind them
  Status status_ = Status::kNeedMore;
  Violation violation_ = Violation::kNone;
  std::optional<IpEndpoint> source_;
};

}  // namespace wsd::protocol
