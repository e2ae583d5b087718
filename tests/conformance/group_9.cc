// Group 9: sizes, fragments and chops, one echo each; and 1000 echoes one after the other.
#include "conformance/bytes.h"
#include "conformance/catalogue.h"

namespace wsconform {

namespace {

constexpr std::size_t kKi = 1024;
constexpr std::size_t kMi = 1024 * kKi;

struct Large {
  int section;  // and the next one the same in binary
  std::size_t size;
  std::size_t fragment;
  std::size_t chop;
  double bound_s;
};

constexpr Large kLarge[] = {
    {1, 64 * kKi, 0, 0, 10},         {1, 256 * kKi, 0, 0, 10},       {1, 1 * kMi, 0, 0, 100},
    {1, 4 * kMi, 0, 0, 100},         {1, 8 * kMi, 0, 0, 100},        {1, 16 * kMi, 0, 0, 100},
    {3, 4 * kMi, 64, 0, 100},        {3, 4 * kMi, 256, 0, 100},      {3, 4 * kMi, 1 * kKi, 0, 100},
    {3, 4 * kMi, 4 * kKi, 0, 100},   {3, 4 * kMi, 16 * kKi, 0, 100}, {3, 4 * kMi, 64 * kKi, 0, 100},
    {3, 4 * kMi, 256 * kKi, 0, 100}, {3, 4 * kMi, 1 * kMi, 0, 100},  {3, 4 * kMi, 4 * kMi, 0, 100},
    {5, 1 * kMi, 0, 64, 100},        {5, 1 * kMi, 0, 128, 100},      {5, 1 * kMi, 0, 256, 100},
    {5, 1 * kMi, 0, 512, 100},       {5, 1 * kMi, 0, 1024, 100},     {5, 1 * kMi, 0, 2048, 100},
};

struct Echoes {
  std::size_t size;
  double bound_s;
};

constexpr Echoes kEchoes[] = {{0, 60}, {16, 60}, {64, 60}, {256, 120}, {1024, 240}, {4096, 480}};

std::string_view pattern(const Large& row, bool is_text) {
  if (row.section == 3) return is_text ? "*" : "\xfe";
  return is_text ? std::string_view("BAsd7&jh23") : std::string_view("\x00\xfe\x23\xfa\xf0", 5);
}

Script script(const Large& row, bool is_text) {
  std::string payload = repeated(pattern(row, is_text), row.size);
  const std::uint8_t opcode = is_text ? kText : kBinary;
  Script script{.steps = {}, .ok = {}, .bound_s = row.bound_s};
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
                                " bytes, each after the echo of the last",
                       .expects = "their echoes",
                       .body = Series{.data = is_text ? DataSet::stars : DataSet::fe,
                                      .binary = !is_text,
                                      .length = row.size,
                                      .bound_s = row.bound_s}});
    }
  }
  return cases;
}

}  // namespace wsconform
