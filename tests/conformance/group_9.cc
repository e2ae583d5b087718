// Group 9: the echo of one large message, whole, in fragments or in small writes; and 1000 echoes
// in sequence.
#include "conformance/bytes.h"
#include "conformance/catalogue.h"

namespace wsconform {

namespace {

constexpr std::size_t kKi = 1024;
constexpr std::size_t kMi = 1024 * kKi;

struct Large {
  int section;  // of the text message; the binary message belongs to the next section
  std::size_t size;
  std::size_t fragment;
  std::size_t chop;
  double text_limit_s;
  double binary_limit_s;
};

constexpr Large kLarge[] = {
    {1, 64 * kKi, 0, 0, 10, 10},          {1, 256 * kKi, 0, 0, 10, 10},
    {1, 1 * kMi, 0, 0, 100, 10},          {1, 4 * kMi, 0, 0, 100, 10},
    {1, 8 * kMi, 0, 0, 100, 100},         {1, 16 * kMi, 0, 0, 100, 100},
    {3, 4 * kMi, 64, 0, 100, 100},        {3, 4 * kMi, 256, 0, 100, 100},
    {3, 4 * kMi, 1 * kKi, 0, 100, 100},   {3, 4 * kMi, 4 * kKi, 0, 100, 100},
    {3, 4 * kMi, 16 * kKi, 0, 100, 100},  {3, 4 * kMi, 64 * kKi, 0, 100, 100},
    {3, 4 * kMi, 256 * kKi, 0, 100, 100}, {3, 4 * kMi, 1 * kMi, 0, 100, 100},
    {3, 4 * kMi, 4 * kMi, 0, 100, 100},   {5, 1 * kMi, 0, 64, 1000, 1000},
    {5, 1 * kMi, 0, 128, 1000, 1000},     {5, 1 * kMi, 0, 256, 1000, 1000},
    {5, 1 * kMi, 0, 512, 1000, 1000},     {5, 1 * kMi, 0, 1024, 1000, 1000},
    {5, 1 * kMi, 0, 2048, 1000, 1000},
};

struct Echoes {
  std::size_t size;
  double limit_s;
};

constexpr Echoes kEchoes[] = {{0, 60}, {16, 60}, {64, 60}, {256, 120}, {1024, 240}, {4096, 480}};

std::string_view pattern(const Large& row, bool is_text) {
  // In the original, 9.4.1 alone of its section sends bytes that are not ASCII.
  if (row.section == 3) return is_text || row.fragment > 64 ? "*" : "\xfe";
  return is_text ? std::string_view("BAsd7&jh23") : std::string_view("\x00\xfe\x23\xfa\xf0", 5);
}

Script script(const Large& row, bool is_text) {
  std::string payload = repeated(pattern(row, is_text), row.size);
  const std::uint8_t opcode = is_text ? kText : kBinary;
  Script script{.steps = {}, .ok = {}, .limit_s = is_text ? row.text_limit_s : row.binary_limit_s};
  if (row.fragment > 0) {
    script.steps = fragmented(opcode, payload, row.fragment);
  } else {
    script.steps = {send(opcode, payload, {row.chop, false})};
  }
  script.ok = {is_text ? text(std::move(payload)) : binary(std::move(payload))};
  return script;
}

std::string title(const Large& row, bool is_text) {
  std::string out = std::string(is_text ? "a text" : "a binary") + " message of " +
                    std::to_string(row.size) + " bytes";
  if (row.fragment > 0) out += " in fragments of " + std::to_string(row.fragment);
  if (row.fragment > 0 && row.fragment < row.size) out += ", then an empty one";
  if (row.chop > 0) out += " in writes of " + std::to_string(row.chop);
  return out;
}

}  // namespace

Cases group_9() {
  Cases cases;
  for (const bool is_text : {true, false}) {
    int number = 0;
    int section = 0;
    for (const Large& row : kLarge) {
      number = row.section == section ? number + 1 : 1;
      section = row.section;
      cases.push_back({.id = {9, is_text ? section : section + 1, number},
                       .sends = title(row, is_text),
                       .expects = "its echo",
                       .body = [&row, is_text] { return script(row, is_text); }});
    }
    number = 0;
    for (const Echoes& row : kEchoes) {
      cases.push_back({.id = {9, is_text ? 7 : 8, ++number},
                       .sends = std::string("1000 ") + (is_text ? "text" : "binary") +
                                " messages of " + std::to_string(row.size) +
                                " bytes, each after the echo of the one before",
                       .expects = "their echoes",
                       .body = Series{.data = is_text ? DataSet::stars : DataSet::fe,
                                      .binary = !is_text,
                                      .length = row.size,
                                      .limit_s = row.limit_s}});
    }
  }
  return cases;
}

}  // namespace wsconform
