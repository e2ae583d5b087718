// Groups 12 and 13: permessage-deflate, with five kinds of data and seven lists of offers.
#include "conformance/catalogue.h"

namespace wsconform {

namespace {

struct Size {
  std::size_t length;
  double limit_s;
  std::size_t fragment;
};

constexpr Size kSizes[] = {
    {16, 60, 0},         {64, 60, 0},          {256, 120, 0},      {1024, 240, 0},
    {4096, 480, 0},      {8192, 480, 0},       {16384, 480, 0},    {32768, 480, 0},
    {65536, 480, 0},     {131072, 480, 0},     {8192, 480, 256},   {16384, 480, 256},
    {32768, 480, 256},   {65536, 480, 256},    {131072, 480, 256}, {131072, 480, 1024},
    {131072, 480, 4096}, {131072, 480, 32768},
};

struct Data {
  DataSet set;
  bool binary;
  const char* name;
};

constexpr Data kData[] = {{DataSet::json, false, "JSON"},
                          {DataSet::bitmap, true, "a bitmap"},
                          {DataSet::prose, true, "prose"},
                          {DataSet::html, false, "HTML with multi-byte characters"},
                          {DataSet::document, true, "a document of compressed streams"}};

struct Terms {
  std::vector<Offer> offers;
  const char* name;
};

const std::vector<Terms>& terms() {
  static const std::vector<Terms> kTerms = {
      {{{}}, "asking the peer for nothing"},
      {{{true, 0}}, "asking for no context takeover"},
      {{{false, 9}}, "asking for 9 window bits"},
      {{{false, 15}}, "asking for 15 window bits"},
      {{{true, 9}}, "asking for no context takeover and 9 window bits"},
      {{{true, 15}}, "asking for no context takeover and 15 window bits"},
      {{{true, 9}, {true, 0}, {}},
       "asking for no context takeover and 9 window bits, or the former alone, or nothing"}};
  return kTerms;
}

void add(Cases& cases, int group, int section, const Data& data, const Terms& asked) {
  int number = 0;
  for (const Size& size : kSizes) {
    std::string sends = std::string("1000 compressed messages of ") + std::to_string(size.length) +
                        (data.binary ? " bytes of " : " characters of ") + data.name;
    if (size.fragment > 0) sends += " in fragments of " + std::to_string(size.fragment);
    cases.push_back({.id = {group, section, ++number},
                     .sends = sends + ", " + asked.name,
                     .expects = "their echoes",
                     .body = Series{.data = data.set,
                                    .binary = data.binary,
                                    .length = size.length,
                                    .fragment = size.fragment,
                                    .limit_s = size.limit_s,
                                    .offers = asked.offers}});
  }
}

}  // namespace

Cases group_12() {
  Cases cases;
  int section = 0;
  for (const Data& data : kData) add(cases, 12, ++section, data, terms().front());
  return cases;
}

Cases group_13() {
  Cases cases;
  int section = 0;
  for (const Terms& asked : terms()) add(cases, 13, ++section, kData[0], asked);
  return cases;
}

}  // namespace wsconform
