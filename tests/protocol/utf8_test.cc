#include "protocol/utf8.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "protocol/utf8_kernels.h"
#include "protocol/utf8_states.h"

namespace wsd::protocol {
namespace {

using Buffer = std::vector<std::uint8_t>;

constexpr std::size_t kNone = ~std::size_t{0};

// The reference. It uses arithmetic on code points and shares nothing with the code under test. A
// sequence is invalid as soon as no allowed code point can result from it.
class Reference {
 public:
  // Returns false from the first byte on that cannot continue any valid text.
  bool feed(std::uint8_t byte) {
    if (to_come_ == 0) {
      return begin(byte);
    }
    if ((byte & 0xC0U) != 0x80) {
      return false;
    }
    value_ = value_ << 6 | (byte & 0x3FU);
    --to_come_;
    return possible();
  }
  [[nodiscard]] bool between() const { return to_come_ == 0; }

 private:
  bool begin(std::uint8_t byte) {
    if (byte < 0x80) {
      return true;
    }
    for (unsigned length = 2; length <= 4; ++length) {
      // The lead byte of a sequence of `length`: that many ones, a zero, then the payload.
      const std::uint32_t payload = 0x7FU >> length;
      if ((byte & ~payload) == (0xFFU & ~(payload << 1 | 1))) {
        value_ = byte & payload;
        to_come_ = length - 1;
        least_ = length == 2 ? 0x80U : length == 3 ? 0x800U : 0x10000U;
        return possible();
      }
    }
    return false;
  }
  // Returns whether a code point from value_ 00.. to value_ 11.. is not overlong, not a surrogate
  // and not too large.
  [[nodiscard]] bool possible() const {
    const std::uint32_t low = value_ << (6 * to_come_);
    const std::uint32_t high = ((value_ + 1) << (6 * to_come_)) - 1;
    const bool all_surrogates = low >= 0xD800 && high <= 0xDFFF;
    return high >= least_ && low <= 0x10FFFF && !all_surrogates;
  }

  std::uint32_t value_ = 0;
  std::uint32_t least_ = 0;
  unsigned to_come_ = 0;
};

struct Verdict {
  std::size_t first_wrong = kNone;
  bool valid = false;
};

Verdict reference(Bytes bytes) {
  Reference reference;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (!reference.feed(bytes[i])) {
      return {i, false};
    }
  }
  return {kNone, reference.between()};
}

void append_code_point(Buffer& out, std::uint32_t c, unsigned length) {
  static constexpr std::uint8_t kLead[] = {0, 0, 0xC0, 0xE0, 0xF0, 0xF8};
  if (length == 1) {
    out.push_back(static_cast<std::uint8_t>(c));
    return;
  }
  out.push_back(static_cast<std::uint8_t>(kLead[length] | c >> (6 * (length - 1))));
  for (unsigned i = length - 1; i-- > 0;) {
    out.push_back(static_cast<std::uint8_t>(0x80 | (c >> (6 * i) & 0x3F)));
  }
}

unsigned shortest(std::uint32_t c) { return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4; }

// Feeds one byte at a time. Returns the number of accepted bytes.
std::size_t accepted_by_bytes(Bytes bytes) {
  Utf8Validator validator;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (!validator.feed(bytes.subspan(i, 1))) {
      return i;
    }
  }
  return kNone;
}

// Returns whether all validators agree on the text.
bool all_agree(Bytes bytes) {
  const Verdict expected = reference(bytes);
  bool good = is_utf8(bytes) == expected.valid;
  for (const Utf8Kernel& kernel : utf8_kernels()) {
    good =
        good && (!kernel.supported || kernel.valid(bytes.data(), bytes.size()) == expected.valid);
  }
  Utf8Validator validator;
  good = good && validator.feed(bytes) == (expected.first_wrong == kNone);
  return good && validator.complete() == expected.valid &&
         accepted_by_bytes(bytes) == expected.first_wrong;
}

std::string hex(Bytes bytes) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
    text += ' ';
  }
  return text;
}

TEST(Utf8, AllOneAndTwoByteSequences) {
  for (unsigned a = 0; a < 256; ++a) {
    const Buffer one = {static_cast<std::uint8_t>(a)};
    ASSERT_TRUE(all_agree(one)) << hex(one);
    for (unsigned b = 0; b < 256; ++b) {
      const Buffer two = {static_cast<std::uint8_t>(a), static_cast<std::uint8_t>(b)};
      ASSERT_TRUE(all_agree(two)) << hex(two);
    }
  }
}

TEST(Utf8, AllThreeByteSequencesFromLeadE0Up) {
  for (unsigned n = 0xE00000; n <= 0xFFFFFF; ++n) {
    const std::uint8_t three[] = {static_cast<std::uint8_t>(n >> 16),
                                  static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n)};
    const Verdict expected = reference(three);
    Utf8Validator validator;
    ASSERT_EQ(validator.feed(three), expected.first_wrong == kNone) << hex(three);
    ASSERT_EQ(validator.complete(), expected.valid) << hex(three);
  }
}

// Inside a text that is long enough for the kernels, across every boundary of their vectors.
TEST(Utf8, EveryCodePointAndItsWrongNeighboursInEveryKernel) {
  Buffer text(80, 'x');
  for (std::uint32_t c = 0; c <= 0x1FFFFF; ++c) {  // all that four bytes can encode, including F7
    // All code points whose last bits are at an edge, and a sample of the rest.
    const std::uint32_t low = c & 0x3F;
    if (low != 0 && low != 0x3F && c % 31 != 0) {
      continue;
    }
    for (unsigned length = shortest(c); length <= 4; ++length) {
      Buffer sequence;
      append_code_point(sequence, c, length);
      const bool expected = reference(sequence).valid;
      const std::size_t at = 10 + c % 60;
      std::copy(sequence.begin(), sequence.end(), text.begin() + static_cast<std::ptrdiff_t>(at));
      for (const Utf8Kernel& kernel : utf8_kernels()) {
        if (kernel.supported) {
          ASSERT_EQ(kernel.valid(text.data(), text.size()), expected)
              << kernel.name << ' ' << hex(sequence);
        }
      }
      std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(at), length, std::uint8_t{'x'});
    }
  }
}

Buffer all_code_points() {
  Buffer text;
  for (std::uint32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c < 0xD800 || c > 0xDFFF) {
      append_code_point(text, c, shortest(c));
    }
  }
  return text;
}

TEST(Utf8, TheTextOfAllCodePointsIsValidInAnyCut) {
  const Buffer text = all_code_points();
  for (const Utf8Kernel& kernel : utf8_kernels()) {
    EXPECT_TRUE(!kernel.supported || kernel.valid(text.data(), text.size())) << kernel.name;
  }
  std::mt19937 random(11);
  Utf8Validator validator;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = std::min<std::size_t>(random() % 500, text.size() - at);
    ASSERT_TRUE(validator.feed(Bytes(text).subspan(at, size)));
    at += size;
  }
  EXPECT_TRUE(validator.complete());
}

struct Bad {
  const char* name;
  Buffer bytes;
  std::size_t first_wrong;
};

const std::vector<Bad>& bad_table() {
  static const std::vector<Bad> table = {
      {"overlong NUL", {0xC0, 0x80}, 0},
      {"overlong two", {0xC1, 0xBF}, 0},
      {"overlong three", {0xE0, 0x80, 0x80}, 1},
      {"overlong three, last", {0xE0, 0x9F, 0xBF}, 1},
      {"surrogate, first", {0xED, 0xA0, 0x80}, 1},
      {"surrogate, last", {0xED, 0xBF, 0xBF}, 1},
      {"overlong four", {0xF0, 0x80, 0x80, 0x80}, 1},
      {"overlong four, last", {0xF0, 0x8F, 0xBF, 0xBF}, 1},
      {"above U+10FFFF", {0xF4, 0x90, 0x80, 0x80}, 1},
      {"lead F5", {0xF5, 0x80, 0x80, 0x80}, 0},
      {"lead F7", {0xF7, 0xBF, 0xBF, 0xBF}, 0},
      {"five bytes", {0xF8, 0x88, 0x80, 0x80, 0x80}, 0},
      {"six bytes", {0xFC, 0x84, 0x80, 0x80, 0x80, 0x80}, 0},
      {"FE", {0xFE}, 0},
      {"FF", {0xFF}, 0},
      {"lone continuation 80", {0x80}, 0},
      {"lone continuation BF", {0xBF}, 0},
      {"continuation after two", {0xC3, 0xA9, 0xA9}, 2},
      {"continuation after four", {0xF0, 0x9F, 0x98, 0x80, 0x80}, 4},
      {"two cut by ASCII", {0xC3, 'a'}, 1},
      {"three cut by ASCII", {0xE2, 0x82, 'a'}, 2},
      {"four cut by a lead", {0xF0, 0x9F, 0x98, 0xC3}, 3},
      {"E0 80, open", {0xE0, 0x80}, 1},
      {"ED A0, open", {0xED, 0xA0}, 1},
      {"F0 8F, open", {0xF0, 0x8F}, 1},
      {"F4 90, open", {0xF4, 0x90}, 1},
  };
  return table;
}

TEST(Utf8, Rfc6455Section8_1BadSequencesFailAtTheFirstByteThatProvesIt) {
  for (const Bad& bad : bad_table()) {
    SCOPED_TRACE(bad.name);
    EXPECT_EQ(reference(bad.bytes).first_wrong, bad.first_wrong);
    for (std::size_t before = 0; before <= 140; ++before) {
      // Only the bytes that prove the error, at the end of a feed.
      Buffer text(before, 'a');
      text.insert(text.end(), bad.bytes.begin(),
                  bad.bytes.begin() + static_cast<std::ptrdiff_t>(bad.first_wrong) + 1);
      EXPECT_FALSE(Utf8Validator().feed(text)) << before;
      text.pop_back();
      EXPECT_TRUE(Utf8Validator().feed(text)) << before;
    }
  }
}

// A lead byte that is never allowed, with any second byte. The kernels recognize the pair.
TEST(Utf8, Rfc3629NoLeadByteFromF5UpInAnyKernel) {
  Buffer text;
  for (unsigned lead = 0xF5; lead <= 0xFF; ++lead) {
    for (unsigned second = 0x80; second <= 0xBF; ++second) {
      const std::size_t at = second;
      text.assign(200, 'x');
      text[at] = static_cast<std::uint8_t>(lead);
      text[at + 1] = static_cast<std::uint8_t>(second);
      text[at + 2] = 0x80;
      text[at + 3] = 0x80;
      ASSERT_TRUE(all_agree(text)) << hex(text);
    }
  }
}

TEST(Utf8, TruncatedText_IsIncompleteNotInvalid) {
  for (const Buffer& bytes :
       {Buffer{0xC3}, {0xE2}, {0xE2, 0x82}, {0xF0}, {0xF0, 0x9F}, {0xF0, 0x9F, 0x98}}) {
    Utf8Validator validator;
    EXPECT_TRUE(validator.feed(bytes)) << hex(bytes);
    EXPECT_FALSE(validator.complete()) << hex(bytes);
    EXPECT_FALSE(is_utf8(bytes)) << hex(bytes);
  }
}

TEST(Utf8, Invalid_StaysInvalidUntilReset) {
  Utf8Validator validator;
  EXPECT_FALSE(validator.feed(as_bytes("\xFF")));
  EXPECT_FALSE(validator.feed(as_bytes("fine")));
  EXPECT_FALSE(validator.feed(Bytes()));
  EXPECT_FALSE(validator.complete());
  validator.reset();
  EXPECT_TRUE(validator.complete());
  EXPECT_TRUE(validator.feed(as_bytes("fine")));
}

TEST(Utf8, EmptyText_IsValid) {
  Utf8Validator validator;
  EXPECT_TRUE(validator.feed(Bytes()));
  EXPECT_TRUE(validator.complete());
  EXPECT_TRUE(is_utf8(Bytes()));
}

// Returns runs of one script with occasional changes, and sometimes an invalid byte.
Buffer some_text(std::mt19937& random, std::size_t least_size, bool spoil) {
  Buffer text;
  unsigned length = 1;
  while (text.size() < least_size) {
    if (random() % 8 == 0) {
      length = 1 + static_cast<unsigned>(random() % 4);
    }
    static constexpr std::uint32_t kFrom[] = {0, 0x20, 0x80, 0x800, 0x10000};
    static constexpr std::uint32_t kCount[] = {0, 0x5F, 0x780, 0xC000, 0x100000};
    append_code_point(text, kFrom[length] + static_cast<std::uint32_t>(random() % kCount[length]),
                      length);
  }
  if (spoil && !text.empty()) {
    static constexpr std::uint8_t kNasty[] = {0x80, 0xBF, 0xC0, 0xC1, 0xE0, 0xED, 0x9F,
                                              0xA0, 0xF0, 0xF4, 0x8F, 0x90, 0xF5, 0xFF};
    const std::size_t at = random() % text.size();
    switch (random() % 4) {
      case 0:
        text[at] = static_cast<std::uint8_t>(random());
        break;
      case 1:
        text[at] = kNasty[random() % std::size(kNasty)];
        break;
      case 2:
        text.erase(text.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      default:
        text.resize(at);
    }
  }
  return text;
}

TEST(Utf8, EveryPrefixOfRandomTexts_MatchesTheReference) {
  std::mt19937 random(2024);
  for (int round = 0; round < 1500; ++round) {
    const Buffer text = some_text(random, random() % 230, round % 3 != 0);
    const std::size_t first_wrong = reference(text).first_wrong;
    ASSERT_EQ(accepted_by_bytes(text), first_wrong) << hex(text);
    for (std::size_t size = 0; size <= text.size(); ++size) {
      Utf8Validator validator;
      ASSERT_EQ(validator.feed(Bytes(text).first(size)), first_wrong >= size)
          << size << ": " << hex(text);
    }
  }
}

TEST(Utf8, EveryCutOfRandomTextsGivesTheSameAnswer) {
  std::mt19937 random(77);
  for (int round = 0; round < 1500; ++round) {
    const Buffer text = some_text(random, random() % 230, round % 3 != 0);
    const Verdict expected = reference(text);
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
      Utf8Validator validator;
      const bool first = validator.feed(Bytes(text).first(cut));
      const bool second = validator.feed(Bytes(text).subspan(cut));
      ASSERT_EQ(first, expected.first_wrong >= cut) << cut << ": " << hex(text);
      ASSERT_EQ(second, expected.first_wrong == kNone) << cut << ": " << hex(text);
      ASSERT_EQ(validator.complete(), expected.valid) << cut << ": " << hex(text);
    }
  }
}

TEST(Utf8, EveryKernelAtEveryAlignment_MatchesTheReference) {
  std::mt19937 random(4);
  for (int round = 0; round < 600; ++round) {
    const Buffer text = some_text(random, random() % 300, round % 2 != 0);
    for (std::size_t align = 0; align < 32; ++align) {
      // Up to the last byte of the allocation, so that a sanitizer detects a read past it.
      Buffer shifted(align, 0xFF);
      shifted.insert(shifted.end(), text.begin(), text.end());
      shifted.shrink_to_fit();
      ASSERT_TRUE(all_agree(Bytes(shifted).subspan(align))) << align << ": " << hex(text);
    }
  }
}

TEST(Utf8, Automaton_MatchesTheReference) {
  std::mt19937 random(9);
  for (int round = 0; round < 20000; ++round) {
    const Buffer text = some_text(random, random() % 24, true);
    std::uint8_t state = kUtf8Between;
    std::size_t wrong_at = kNone;
    for (std::size_t i = 0; i < text.size(); ++i) {
      state = kUtf8Next[state][text[i]];
      if (state == kUtf8Wrong && wrong_at == kNone) {
        wrong_at = i;
      }
    }
    ASSERT_EQ(wrong_at, reference(text).first_wrong) << hex(text);
    ASSERT_EQ(state == kUtf8Between, reference(text).valid) << hex(text);
  }
}

TEST(Utf8, FeedMasked_UnmasksAndChecksInAnyCut) {
  constexpr MaskingKey kKey = {0xA1, 0x02, 0xF3, 0x54};
  std::mt19937 random(31);
  for (int round = 0; round < 400; ++round) {
    const Buffer text =
        some_text(random, random() % (round % 4 == 0 ? 20000 : 300), round % 3 == 0);
    const Verdict expected = reference(text);
    Buffer masked = text;
    apply_mask(masked, kKey, 0);
    Utf8Validator validator;
    bool good = true;
    for (std::size_t at = 0; at < masked.size();) {
      const std::size_t size =
          std::min<std::size_t>(1 + random() % (round % 2 == 0 ? 20000 : 100), masked.size() - at);
      good = validator.feed_masked(MutableBytes(masked).subspan(at, size), kKey, at);
      ASSERT_EQ(good, expected.first_wrong >= at + size);
      at += size;
    }
    ASSERT_EQ(good && validator.complete(), expected.valid);
    if (good) {
      ASSERT_EQ(masked, text);
    }
  }
}

}  // namespace
}  // namespace wsd::protocol
