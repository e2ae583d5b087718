#include "conformance/data_set.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace wsconform {

namespace {

constexpr std::size_t kJsonSize = 194'056;
constexpr std::size_t kBitmapSize = 263'222;
constexpr std::size_t kProseSize = 222'218;
constexpr std::size_t kHtmlSize = 263'647;
constexpr std::size_t kDocumentSize = 1'042'328;

constexpr std::array<std::string_view, 48> kWords = {
    "der",    "und",      "die",   "ich",   "Wasser", "Strom", "nicht",    "Ufer",
    "das",    "ein",      "Nacht", "sich",  "Himmel", "mit",   "wandern",  "Berge",
    "weiter", "zwischen", "hier",  "auf",   "Garten", "alt",   "Fenster",  "sehen",
    "leise",  "Brunnen",  "wenn",  "doch",  "Sommer", "weg",   "Schatten", "kommen",
    "gehen",  "Lichter",  "nur",   "von",   "Gesang", "wie",   "Wolken",   "tragen",
    "fern",   "Glocken",  "aus",   "immer", "Blumen", "wohl",  "Morgen",   "finden"};

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint32_t below(std::uint32_t limit) {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::uint32_t>((state_ >> 33) % limit);
  }
  std::string word() {
    // The first words are the most frequent ones, as in a language.
    const std::uint32_t reach = 1 + below(static_cast<std::uint32_t>(kWords.size()));
    return std::string(kWords[below(reach)]);
  }
  std::string words(std::uint32_t count) {
    std::string out = word();
    while (--count > 0) out += ' ' + word();
    return out;
  }
  std::string digits(std::uint32_t count) {
    std::string out;
    while (count-- > 0) out.push_back(static_cast<char>('0' + below(10)));
    return out;
  }

 private:
  std::uint64_t state_;
};

std::string json() {
  Random random(1);
  std::string out = "[";
  for (int id = 0; out.size() < kJsonSize; ++id) {
    out += "\n  {\n    \"id\": " + std::to_string(id) + ",\n    \"token\": \"" + random.digits(24) +
           "\",\n    \"active\": " + (random.below(2) == 0 ? "true" : "false") +
           ",\n    \"balance\": " + random.digits(4) + '.' + random.digits(2) +
           ",\n    \"name\": \"" + random.words(2) + "\",\n    \"about\": \"" +
           random.words(20 + random.below(40)) + "\",\n    \"latitude\": -" + random.digits(2) +
           '.' + random.digits(6) + ",\n    \"tags\": [\"" + random.word() + "\", \"" +
           random.word() + "\", \"" + random.word() + "\"]\n  },";
  }
  out.resize(kJsonSize);
  return out;
}

// A gray picture: smooth areas with noise in the low bits.
std::string bitmap() {
  Random random(2);
  std::string out = "BM";
  out.resize(54, '\0');
  for (int grey = 0; grey < 256; ++grey) {
    out.append(3, static_cast<char>(grey));
    out.push_back('\0');
  }
  int level = 128;
  for (int at = 0; out.size() < kBitmapSize; ++at) {
    if (at % 64 == 0)
      level = 40 + std::abs((at / 512) % 300 - 150) + static_cast<int>(random.below(30));
    level = std::clamp(level + static_cast<int>(random.below(9)) - 4, 0, 255);
    out.push_back(static_cast<char>(level));
  }
  return out;
}

std::string prose() {
  Random random(3);
  std::string out;
  while (out.size() < kProseSize) {
    out += random.words(4 + random.below(5));
    out += random.below(4) == 0 ? ".\r\n" : ",\r\n";
    if (random.below(9) == 0) out += "\r\n";
  }
  out.resize(kProseSize);
  return out;
}

// Some characters take two or three bytes, as in the original. A message may therefore be longer in
// bytes than in characters.
std::string html() {
  constexpr std::array<std::string_view, 4> kSigns = {"\xc2\xa0", "\xc3\xa9", "\xc2\xbb",
                                                      "\xe2\x82\xac"};
  constexpr std::uint32_t kRowsPerSign = 80;
  Random random(4);
  std::uint32_t rows = 0;
  std::string out = "<!DOCTYPE html>\n<html>\n<body>\n";
  while (out.size() < kHtmlSize) {
    out += "      <tr class=\"row_" + random.digits(1) +
           "\">\n        <td class=\"cell\"><a href=\"#" + random.digits(3) + "\">" +
           random.words(3) + "</a></td>\n        <td>" + random.digits(3) +
           " ms</td>\n      </tr>\n";
    if (rows++ % kRowsPerSign == 0) out += kSigns[rows / kRowsPerSign % kSigns.size()];
  }
  // The last row is ASCII, so this divides no character.
  out.resize(kHtmlSize);
  return out;
}

// Consists mostly of streams that are already compressed.
std::string document() {
  Random random(5);
  std::string out = "%PDF-1.4\n";
  for (int object = 1; out.size() < kDocumentSize; ++object) {
    const std::uint32_t size = 2000 + random.below(20000);
    out += std::to_string(object) + " 0 obj\n<< /Length " + std::to_string(size) +
           " /Filter /FlateDecode >>\nstream\n";
    for (std::uint32_t i = 0; i < size; ++i) out.push_back(static_cast<char>(random.below(256)));
    out += "\nendstream\nendobj\n";
  }
  out.resize(kDocumentSize);
  return out;
}

}  // namespace

const std::string& bytes_of(DataSet set) {
  static const std::string stars(131072, '*');
  static const std::string fe(131072, '\xfe');
  static const std::string kJson = json();
  static const std::string kBitmap = bitmap();
  static const std::string kProse = prose();
  static const std::string kHtml = html();
  static const std::string kDocument = document();
  switch (set) {
    case DataSet::stars:
      return stars;
    case DataSet::fe:
      return fe;
    case DataSet::json:
      return kJson;
    case DataSet::bitmap:
      return kBitmap;
    case DataSet::prose:
      return kProse;
    case DataSet::html:
      return kHtml;
    case DataSet::document:
      return kDocument;
  }
  return stars;
}

std::string DataStream::next(std::size_t length) {
  return unit_ == Unit::bytes ? next_bytes(length) : next_characters(length);
}

// Takes runs of ASCII, in which a byte is a character, as a whole: this is where most of the time
// of the cases of compression would go otherwise.
std::string DataStream::next_characters(std::size_t length) {
  const auto byte = [this](std::size_t at) { return static_cast<unsigned char>(data_[at]); };
  std::string out;
  out.reserve(length + 64);
  while (length > 0) {
    const std::size_t limit = at_ + std::min(length, data_.size() - at_);
    std::size_t end = at_;
    while (end < limit && byte(end) < 0x80) ++end;
    length -= end - at_;
    if (end == at_) {
      do ++end;
      while (end < data_.size() && (byte(end) & 0xc0) == 0x80);
      --length;
    }
    out.append(data_, at_, end - at_);
    at_ = end % data_.size();
  }
  return out;
}

std::string DataStream::next_bytes(std::size_t length) {
  std::string out;
  out.reserve(length);
  while (out.size() < length) {
    const std::size_t part = std::min(length - out.size(), data_.size() - at_);
    out.append(data_, at_, part);
    at_ = (at_ + part) % data_.size();
  }
  return out;
}

}  // namespace wsconform
