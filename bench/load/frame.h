// Frames as a client sends and receives them (RFC 6455 §5.2). Shares no code with the server.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bench {

// One key for all frames, because the cost of masking does not depend on the key (§5.3).
inline constexpr std::array<char, 4> kMaskKey{'\x5a', '\x13', '\x7c', '\x29'};
inline constexpr int kRsv1 = 0x40;

inline std::string frame_header(std::size_t size, bool binary, bool masked, int rsv = 0) {
  std::string header(1, static_cast<char>(0x80 | rsv | (binary ? 2 : 1)));
  const int mask_bit = masked ? 0x80 : 0;
  int length_bytes = 0;
  if (size < 126) {
    header += static_cast<char>(mask_bit | static_cast<int>(size));
  } else {
    length_bytes = size < 65'536 ? 2 : 8;
    header += static_cast<char>(mask_bit | (length_bytes == 2 ? 126 : 127));
  }
  for (int i = length_bytes - 1; i >= 0; --i) header += static_cast<char>(size >> (8 * i));
  if (masked) header.append(kMaskKey.begin(), kMaskKey.end());
  return header;
}

inline std::string masked(std::string_view payload) {
  std::string out(payload);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<char>(out[i] ^ kMaskKey[i % 4]);
  return out;
}

// The message that every connection sends, as it is sent (masked) and as it comes back. Its first
// eight bytes identify the connection and the message, so that a misdirected or reordered message
// is detected. They are ASCII, so the message is valid text.
class Template {
 public:
  static constexpr std::size_t kStampBytes = 8;
  struct Stamp {
    std::size_t connection;
    std::uint64_t sequence;  // modulo 2^30
  };

  Template(std::size_t size, bool binary)
      : request_(frame_header(size, binary, true)), reply_(frame_header(size, binary, false)) {
    request_header_ = request_.size();
    reply_header_ = reply_.size();
    stamped_ = size >= kStampBytes;
    std::string payload;
    for (std::size_t i = 0; i < size; ++i) payload += static_cast<char>('a' + i % 26);
    reply_ += payload;
    request_ += masked(payload);
  }
  // Both results are valid until the next call.
  std::string_view request(std::size_t connection, std::uint64_t sequence) {
    put_stamp(request_.data() + request_header_, connection, sequence, true);
    return request_;
  }
  std::string_view reply(std::size_t connection, std::uint64_t sequence) {
    put_stamp(reply_.data() + reply_header_, connection, sequence, false);
    return reply_;
  }
  // Returns the stamp of a whole reply.
  [[nodiscard]] Stamp stamp(std::string_view reply) const {
    return stamp_at(reply.data() + reply_header_, false);
  }
  // Returns the stamp of a request, or of the end of one that has the whole payload.
  [[nodiscard]] Stamp masked_stamp(std::string_view request) const {
    return stamp_at(request.data() + request.size() - (request_.size() - request_header_), true);
  }
  [[nodiscard]] std::size_t reply_size() const { return reply_.size(); }

 private:
  static Stamp stamp_at(const char* at, bool masked) {
    std::uint64_t stamp = 0;
    for (std::size_t i = 0; i < kStampBytes; ++i) {
      const auto byte = static_cast<unsigned char>(masked ? at[i] ^ kMaskKey[i % 4] : at[i]);
      stamp |= std::uint64_t{(byte - unsigned{'0'}) & 63} << (6 * i);
    }
    return {static_cast<std::size_t>(stamp >> 30), stamp & ((1U << 30) - 1)};
  }
  void put_stamp(char* at, std::size_t connection, std::uint64_t sequence, bool masked) const {
    if (!stamped_) return;
    const std::uint64_t stamp = (std::uint64_t{connection} << 30) | (sequence & ((1U << 30) - 1));
    for (std::size_t i = 0; i < kStampBytes; ++i) {
      const char byte = static_cast<char>('0' + ((stamp >> (6 * i)) & 63));
      at[i] = masked ? static_cast<char>(byte ^ kMaskKey[i % 4]) : byte;
    }
  }
  std::string request_;
  std::string reply_;
  std::size_t request_header_ = 0;
  std::size_t reply_header_ = 0;
  bool stamped_ = false;
};

}  // namespace bench
