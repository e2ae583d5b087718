#include "conformance/frame.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace wsconform {

namespace {

void append_big_endian(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>((value >> shift) & 0xff));
  }
}

std::uint64_t big_endian(const char* from, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | static_cast<unsigned char>(from[i]);
  return value;
}

struct Head {
  std::size_t header = 0;  // without the masking key
  std::uint64_t payload = 0;
  bool shortest = true;  // the length is in the shortest of its three encodings
};

// Returns nothing if the header is not complete.
std::optional<Head> read_head(const char* from, std::size_t size) {
  if (size < 2) return std::nullopt;
  const std::uint64_t length = static_cast<unsigned char>(from[1]) & 0x7f;
  if (length < 126) return Head{2, length};
  const std::size_t extended = length == 126 ? 2 : 8;
  if (size < 2 + extended) return std::nullopt;
  const std::uint64_t payload = big_endian(from + 2, extended);
  return Head{2 + extended, payload, payload > (extended == 2 ? 125U : 65535U)};
}

}  // namespace

std::string frame_header(std::uint8_t opcode, bool fin, std::uint8_t rsv, std::uint64_t size,
                         std::optional<std::uint32_t> mask) {
  const unsigned mask_bit = mask ? 0x80 : 0;
  std::string out;
  out.push_back(static_cast<char>((fin ? 0x80 : 0) | (rsv & 7) << 4 | (opcode & 15)));
  if (size < 126) {
    out.push_back(static_cast<char>(mask_bit | size));
  } else if (size < 65536) {
    out.push_back(static_cast<char>(mask_bit | 126));
    append_big_endian(out, size, 2);
  } else {
    out.push_back(static_cast<char>(mask_bit | 127));
    append_big_endian(out, size, 8);
  }
  if (mask) append_big_endian(out, *mask, 4);
  return out;
}

void append_masked(std::string& out, std::string_view payload, std::uint32_t mask) {
  const std::size_t start = out.size();
  out.append(payload);
  char key[8];
  for (unsigned i = 0; i < 8; ++i) key[i] = static_cast<char>((mask >> (24 - 8 * (i % 4))) & 0xff);
  const auto wide = std::bit_cast<std::uint64_t>(key);
  char* at = out.data() + start;
  std::size_t left = payload.size();
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    word ^= wide;
    std::memcpy(at, &word, 8);
  }
  for (std::size_t i = 0; i < left; ++i) at[i] = static_cast<char>(at[i] ^ key[i]);
}

char* FrameReader::prepare(std::size_t size) {
  if (begin_ == end_) begin_ = end_ = 0;
  if (buffer_.size() - end_ < size) {
    if (begin_ > 0) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (buffer_.size() - end_ < size) {
      buffer_.resize(std::max(end_ + size, 2 * buffer_.size()));
    }
  }
  return buffer_.data() + end_;
}

void FrameReader::commit(std::size_t size) { end_ += size; }

void FrameReader::feed(std::string_view bytes) {
  if (bytes.empty()) return;
  std::memcpy(prepare(bytes.size()), bytes.data(), bytes.size());
  commit(bytes.size());
}

std::string FrameReader::judge_mask(std::uint32_t mask) {
  same_masks_ = mask == mask_ ? same_masks_ + 1 : 0;
  mask_ = mask;
  // A random key repeats twice in succession once in 2^64 times.
  return same_masks_ < 2 ? "" : "the peer used the same masking key for three frames in succession";
}

std::optional<Frame> FrameReader::next() {
  if (!error_.empty()) return std::nullopt;
  const char* from = buffer_.data() + begin_;
  const std::size_t size = end_ - begin_;
  const auto head = read_head(from, size);
  if (!head) return std::nullopt;
  const auto first = static_cast<unsigned char>(from[0]);
  const bool masked = (static_cast<unsigned char>(from[1]) & 0x80) != 0;
  if (masked != (role_ == Role::server)) {
    error_ = masked ? "the peer masked a frame" : "the peer did not mask a frame";
    return std::nullopt;
  }
  if (!head->shortest) {
    error_ =
        "the peer did not use the shortest encoding of the length " + std::to_string(head->payload);
    return std::nullopt;
  }
  if (head->payload > std::uint64_t{1} << 32) {
    error_ = "the peer announced a frame of " + std::to_string(head->payload) + " bytes";
    return std::nullopt;
  }
  const std::size_t header = head->header + (masked ? 4 : 0);
  if (size < header || size - header < head->payload) return std::nullopt;
  Frame frame{.opcode = static_cast<std::uint8_t>(first & 15),
              .fin = (first & 0x80) != 0,
              .rsv = static_cast<std::uint8_t>(first >> 4 & 7)};
  const std::string_view payload(from + header, head->payload);
  if (masked) {
    const auto mask = static_cast<std::uint32_t>(big_endian(from + head->header, 4));
    append_masked(frame.payload, payload, mask);
    error_ = judge_mask(mask);
  } else {
    frame.payload = payload;
  }
  begin_ += header + payload.size();
  return frame;
}

}  // namespace wsconform
