// PROXY protocol headers. Whole and split input must give the same result. A slow reading of the
// specification, which sees all bytes at once and reads addresses with the C library, must accept,
// reject and report the same.
//
// Input: one byte that seeds the splits, then the first bytes of a connection.
#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "fuzz_input.h"
#include "protocol/proxy_header.h"

namespace {

using namespace wsd;            // NOLINT: a program of its own
using namespace wsd::protocol;  // NOLINT
using Status = ProxyHeaderParser::Status;

struct Verdict {
  Status status = Status::kNeedMore;
  Violation violation = Violation::kNone;
  std::size_t taken = 0;
  std::string source;  // "": no client
};

Verdict parse(Bytes bytes, std::uint32_t seed) {
  ProxyHeaderParser parser;
  Verdict verdict;
  while (!bytes.empty() || verdict.taken == 0) {
    seed = seed * 1664525U + 1013904223U;
    const std::size_t size =
        seed == 1013904223U ? bytes.size() : std::min<std::size_t>(bytes.size(), 1 + (seed >> 27));
    const std::vector<std::uint8_t> block(bytes.begin(),
                                          bytes.begin() + static_cast<std::ptrdiff_t>(size));
    Bytes input = block;
    verdict.status = parser.parse(input);
    verdict.taken += size - input.size();
    bytes = bytes.subspan(size);
    if (!input.empty() || bytes.empty()) break;
  }
  if (verdict.status == Status::kFailed) verdict.violation = parser.violation();
  if (verdict.status == Status::kComplete && parser.source()) {
    verdict.source = parser.source()->text();
  }
  return verdict;
}

// A canonical form of an address of any family: 16 bytes as hexadecimal digits.
std::optional<std::string> address(const std::string& text, int family) {
  std::array<std::uint8_t, 16> bytes{};
  if (::inet_pton(family, text.c_str(), bytes.data()) != 1) return std::nullopt;
  std::array<char, INET6_ADDRSTRLEN> canonical{};
  ::inet_ntop(family, bytes.data(), canonical.data(), canonical.size());
  return std::string(canonical.data());
}

std::optional<unsigned> port(const std::string& text) {
  if (text.empty() || text.size() > 5) return std::nullopt;
  unsigned value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  if (value > 65'535 || std::to_string(value) != text) return std::nullopt;
  return value;
}

// Reads a complete line. Returns "" for an unknown client, the client's address, or nothing if the
// line is invalid.
std::optional<std::string> read_line(const std::string& line) {
  std::vector<std::string> words(1);
  for (const char c : line) {
    if (c == ' ') {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  if (words.size() >= 2 && words[1] == "UNKNOWN") return "";
  if (words.size() != 6 || (words[1] != "TCP4" && words[1] != "TCP6")) return std::nullopt;
  for (std::size_t i = 2; i < 4; ++i) {
    if (words[i].find('\0') != std::string::npos) return std::nullopt;
  }
  const int family = words[1] == "TCP4" ? AF_INET : AF_INET6;
  const auto source = address(words[2], family);
  const auto from = port(words[4]);
  if (!source || !address(words[3], family) || !from || !port(words[5])) return std::nullopt;
  return *source + " " + std::to_string(*from);
}

Verdict failed(Violation violation) { return {Status::kFailed, violation, 0, {}}; }

Verdict read_text(const std::string& text) {
  const std::string start = "PROXY ";
  const std::size_t seen = std::min(text.size(), start.size());
  if (text.substr(0, seen) != start.substr(0, seen)) return failed(Violation::kNoProxyHeader);
  const std::string head = text.substr(0, ProxyHeaderParser::kMostLineBytes);
  const std::size_t end = head.find("\r\n");
  const std::string line = head.substr(0, end);
  // A CR at the very end may still be followed by its LF.
  const std::size_t odd = line.find_first_of("\r\n");
  const bool pending = end == std::string::npos && odd == line.size() - 1 && line.back() == '\r' &&
                       head.size() < ProxyHeaderParser::kMostLineBytes;
  if (odd != std::string::npos && !pending) return failed(Violation::kBadProxyHeader);
  if (end == std::string::npos) {
    return head.size() == ProxyHeaderParser::kMostLineBytes ? failed(Violation::kBadProxyHeader)
                                                            : Verdict{};
  }
  const auto source = read_line(line);
  if (!source) return failed(Violation::kBadProxyHeader);
  return {Status::kComplete, Violation::kNone, end + 2, *source};
}

std::string joined(Bytes bytes, int family, std::size_t port_at) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(family, bytes.data(), text.data(), text.size());
  return std::string(text.data()) + " " +
         std::to_string(bytes[port_at] * 256U + bytes[port_at + 1]);
}

Verdict read_block(Bytes bytes) {
  const std::string signature("\r\n\r\n\0\r\nQUIT\n", 12);
  const std::size_t seen = std::min(bytes.size(), signature.size());
  if (as_text(bytes.first(seen)) != signature.substr(0, seen)) {
    return failed(Violation::kNoProxyHeader);
  }
  if (bytes.size() < 13) return {};
  const bool local = bytes[12] == 0x20;
  if (!local && bytes[12] != 0x21) return failed(Violation::kBadProxyHeader);
  if (bytes.size() < 14) return {};
  const unsigned family = bytes[13] / 16U;
  const unsigned transport = bytes[13] % 16U;
  if (!local && (family > 3 || transport > 2)) return failed(Violation::kBadProxyHeader);
  if (bytes.size() < 16) return {};
  const std::size_t length = bytes[14] * 256U + bytes[15];
  constexpr std::array<std::size_t, 4> kSizes = {0, 12, 36, 216};
  const bool meant = !local && family != 0 && transport != 0;
  if (meant && length < kSizes[family]) return failed(Violation::kBadProxyHeader);
  if (bytes.size() < 16 + length) return {};
  Verdict verdict{Status::kComplete, Violation::kNone, 16 + length, {}};
  if (meant && transport == 1 && family == 1) {
    verdict.source = joined(bytes.subspan(16), AF_INET, 8);
  } else if (meant && transport == 1 && family == 2) {
    verdict.source = joined(bytes.subspan(16), AF_INET6, 32);
  }
  return verdict;
}

// Converts "192.0.2.1:80" and "[::1]:80" to the form of the reference.
std::string in_twins_words(const std::string& source) {
  if (source.empty()) return {};
  const std::size_t colon = source.rfind(':');
  std::string host = source.substr(0, colon);
  const bool v6 = host.front() == '[';
  if (v6) host = host.substr(1, host.size() - 2);
  return address(host, v6 ? AF_INET6 : AF_INET).value_or("?") + " " + source.substr(colon + 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::FuzzInput input(data, size);
  const std::uint32_t seed = input.byte();
  const Bytes bytes = input.rest();
  const Verdict whole = parse(bytes, 0);
  const Verdict cut = parse(bytes, seed + 1);
  WSD_ASSERT(whole.status == cut.status && whole.violation == cut.violation);
  WSD_ASSERT(whole.taken == cut.taken && whole.source == cut.source);

  const bool text = !bytes.empty() && bytes[0] == 'P';
  const Verdict slow = bytes.empty() ? Verdict{}
                       : text        ? read_text(std::string(as_text(bytes)))
                                     : read_block(bytes);
  WSD_ASSERT(whole.status == slow.status && whole.violation == slow.violation);
  switch (whole.status) {
    case Status::kNeedMore:
      WSD_ASSERT(whole.taken == bytes.size() && whole.source.empty());
      break;
    case Status::kFailed:
      WSD_ASSERT(whole.taken != 0 && whole.source.empty());
      break;
    case Status::kComplete: {
      WSD_ASSERT(whole.taken == slow.taken);
      std::string expected = slow.source;
      // An IPv4-mapped IPv6 address is that IPv4 address.
      if (expected.starts_with("::ffff:") && expected.find('.') != std::string::npos) {
        expected = expected.substr(7);
      }
      WSD_ASSERT(in_twins_words(whole.source) == expected);
      break;
    }
  }
  return 0;
}
