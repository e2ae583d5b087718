// DEFLATE (RFC 1951) as permessage-deflate uses it (RFC 7692 §7.2.2), bit by bit and with all
// output of the connection available. It is the reference for the real inflater.
//
// If the RFCs leave a choice, it accepts the same input as zlib. A distance code may be incomplete
// only if it has one code of one bit, or none. There are at most 286 literal and 30 distance codes.
// After a final block another stream begins at the next byte, with the same window.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wsd::fuzz {

class SlowInflater {
 public:
  enum class Status { kOk, kCorrupt, kTooBig };
  struct Result {
    Status status = Status::kOk;
    std::string plain;
    // A corrupt distance exceeds the window by at most an eighth, which zlib may accept.
    bool hardly_beyond = false;
  };

  SlowInflater(unsigned window_bits, bool takeover)
      : window_(std::size_t{1} << window_bits), takeover_(takeover) {}

  // Inflates one message. A corrupt message leaves the window unchanged. It may then be tried again
  // with `leniently`, which accepts distances that exceed the window slightly.
  Result message(std::string_view compressed, std::size_t limit, bool leniently = false) {
    // The unused bits of the previous message's last byte come first (two bits at most).
    data_ = std::string(1, static_cast<char>(carry_ << (8 - carry_bits_)));
    data_ += compressed;
    data_ += std::string_view("\x00\x00\xFF\xFF", 4);
    position_ = 8 - carry_bits_;
    history_size_ = history_.size();
    limit_ = limit;
    farthest_ = leniently && window_ < kWidest ? window_ + window_ / 8 : window_;
    result_ = {};
    while (result_.status == Status::kOk && data_.size() * 8 - position_ >= 3) block();
    if (result_.status == Status::kOk && ended_) result_.status = Status::kCorrupt;
    result_.plain = history_.substr(history_size_);
    settle();
    return result_;
  }

 private:
  static constexpr std::size_t kWidest = 32768;
  static constexpr int kMaxBits = 15;

  struct Code {
    std::array<int, kMaxBits + 1> count = {};
    std::vector<int> symbols;
    bool usable = true;

    Code(std::span<const int> lengths, bool may_be_single) {
      for (int bits = 1; bits <= kMaxBits; ++bits) {
        for (std::size_t i = 0; i < lengths.size(); ++i) {
          if (lengths[i] != bits) continue;
          ++count[static_cast<std::size_t>(bits)];
          symbols.push_back(static_cast<int>(i));
        }
      }
      int left = 1;
      for (int bits = 1; bits <= kMaxBits && left >= 0; ++bits) {
        left = 2 * left - count[static_cast<std::size_t>(bits)];
      }
      const bool single = symbols.size() == 1 && count[1] == 1;
      usable = left == 0 || symbols.empty() || (left > 0 && single && may_be_single);
    }
  };

  void fail() {
    if (result_.status == Status::kOk) result_.status = Status::kCorrupt;
  }
  [[nodiscard]] bool ok() const { return result_.status == Status::kOk; }

  int bits(int count) {
    int value = 0;
    for (int i = 0; i < count; ++i, ++position_) {
      if (position_ >= data_.size() * 8) {
        fail();
        return 0;
      }
      value |= (static_cast<std::uint8_t>(data_[position_ / 8]) >> position_ % 8 & 1) << i;
    }
    return value;
  }
  void align() { position_ = (position_ + 7) / 8 * 8; }

  // RFC 1951 §3.2.2.
  int symbol(const Code& code) {
    int value = 0;
    int first = 0;
    int index = 0;
    for (std::size_t length = 1; length <= kMaxBits && ok(); ++length) {
      value |= bits(1);
      const int count = code.count[length];
      if (value - first < count)
        return code.symbols[static_cast<std::size_t>(index + value - first)];
      index += count;
      first = (first + count) * 2;
      value *= 2;
    }
    fail();
    return 0;
  }

  void put(char byte) {
    if (!ok()) return;
    history_ += byte;
    if (history_.size() - history_size_ > limit_) result_.status = Status::kTooBig;
  }

  void block() {
    ended_ = false;
    const bool last = bits(1) != 0;
    const int type = bits(2);
    if (type == 0) {
      stored();
    } else if (type == 1) {
      fixed();
    } else if (type == 2) {
      dynamic();
    } else {
      fail();
    }
    if (!last) return;
    align();
    ended_ = true;
  }

  void stored() {
    align();
    const int length = bits(16);
    if (bits(16) != (length ^ 0xFFFF)) fail();
    for (int i = 0; i < length && ok(); ++i) {
      const int byte = bits(8);
      if (ok()) put(static_cast<char>(byte));
    }
  }

  void fixed() {
    std::vector<int> lengths(288, 8);
    for (std::size_t i = 144; i < 256; ++i) lengths[i] = 9;
    for (std::size_t i = 256; i < 280; ++i) lengths[i] = 7;
    codes(Code(lengths, false), Code(std::vector<int>(32, 5), false));
  }

  void dynamic() {
    static constexpr std::array<std::size_t, 19> kOrder = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                           11, 4,  12, 3, 13, 2, 14, 1, 15};
    const auto literals = static_cast<std::size_t>(bits(5)) + 257;
    const auto distances = static_cast<std::size_t>(bits(5)) + 1;
    const auto lengths_coded = static_cast<std::size_t>(bits(4)) + 4;
    if (literals > 286 || distances > 30) return fail();
    std::vector<int> code_lengths(19, 0);
    for (std::size_t i = 0; i < lengths_coded; ++i) code_lengths[kOrder[i]] = bits(3);
    const Code code(code_lengths, false);
    if (!code.usable) return fail();
    std::vector<int> lengths;
    while (ok() && lengths.size() < literals + distances) {
      const int each = symbol(code);
      if (!ok()) return;
      if (each < 16) {
        lengths.push_back(each);
        continue;
      }
      if (each == 16 && lengths.empty()) return fail();
      const int value = each == 16 ? lengths.back() : 0;
      const int times = each == 16 ? 3 + bits(2) : each == 17 ? 3 + bits(3) : 11 + bits(7);
      lengths.insert(lengths.end(), static_cast<std::size_t>(times), value);
    }
    if (!ok() || lengths.size() > literals + distances || lengths[256] == 0) return fail();
    const std::span<const int> all(lengths);
    const Code literal_code(all.first(literals), true);
    const Code distance_code(all.subspan(literals), true);
    if (!literal_code.usable || !distance_code.usable) return fail();
    codes(literal_code, distance_code);
  }

  void codes(const Code& literal_code, const Code& distance_code) {
    while (ok()) {
      const int literal = symbol(literal_code);
      if (!ok() || literal == 256) return;
      if (literal < 256) {
        put(static_cast<char>(literal));
        continue;
      }
      if (literal > 285) return fail();
      const std::size_t length = match_length(literal - 257);
      const int slot = symbol(distance_code);
      if (slot > 29) return fail();
      const std::size_t distance = match_distance(slot);
      if (ok()) copy(length, distance);
    }
  }

  // RFC 1951 §3.2.5, by the rule behind its tables.
  std::size_t match_length(int slot) {
    if (slot == 28) return 258;
    if (slot < 8) return static_cast<std::size_t>(3 + slot);
    const int extra = slot / 4 - 1;
    return static_cast<std::size_t>(3 + ((4 + slot % 4) << extra) + bits(extra));
  }
  std::size_t match_distance(int slot) {
    if (slot < 4) return static_cast<std::size_t>(1 + slot);
    const int extra = slot / 2 - 1;
    return static_cast<std::size_t>(1 + ((2 + slot % 2) << extra) + bits(extra));
  }

  void copy(std::size_t length, std::size_t distance) {
    if (distance > history_.size() || distance > farthest_) {
      result_.hardly_beyond = distance <= history_.size() && distance <= window_ + window_ / 8;
      return fail();
    }
    for (std::size_t i = 0; i < length && ok(); ++i) put(history_[history_.size() - distance]);
  }

  void settle() {
    if (result_.status != Status::kOk) {
      history_.resize(history_size_);
      return;
    }
    carry_bits_ = takeover_ ? data_.size() * 8 - position_ : 0;
    carry_ = carry_bits_ == 0 ? 0U : static_cast<std::uint8_t>(data_.back()) >> (8 - carry_bits_);
    if (!takeover_) history_.clear();
  }

  std::size_t window_;
  bool takeover_;
  std::string history_;
  unsigned carry_ = 0;
  std::size_t carry_bits_ = 0;

  std::string data_;
  std::size_t position_ = 0;  // in bits
  std::size_t history_size_ = 0;
  std::size_t limit_ = 0;
  std::size_t farthest_ = 0;
  bool ended_ = false;  // a final block was read last
  Result result_;
};

}  // namespace wsd::fuzz
