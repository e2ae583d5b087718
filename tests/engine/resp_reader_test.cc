#include "engine/resp_reader.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace wsd::engine {
namespace {

using Result = RespReader::Result;
using Limits = RespReader::Limits;

// A value as text: like [a 7 {k: v}], so that a test compares whole values.
std::string written(RespValue value) {
  if (value.empty()) return "nothing";
  const RespNode& node = value.front();
  std::string out;
  switch (node.type) {
    case RespType::kSimple:
      return "+" + std::string(node.text);
    case RespType::kError:
      return "!" + std::string(node.text);
    case RespType::kNumber:
      return std::to_string(node.number);
    case RespType::kDouble:
      return "," + std::string(node.text);
    case RespType::kBulk:
      return "'" + std::string(node.text) + "'";
    case RespType::kNull:
      return "null";
    case RespType::kBool:
      return node.number == 0 ? "false" : "true";
    case RespType::kArray:
      out = "[";
      break;
    case RespType::kMap:
      out = "{";
      break;
    case RespType::kPush:
      out = ">[";
      break;
  }
  std::uint32_t nodes = 1;
  for (std::uint32_t i = 0; i < node.count; ++i) {
    const RespValue element = child(value, i);
    out += (i == 0 ? "" : " ") + written(element);
    nodes += element.front().nodes;
  }
  EXPECT_EQ(nodes, node.nodes) << out;
  return out + (node.type == RespType::kMap ? "}" : "]");
}

// Reads all values that are there. The last line tells how the stream ends.
void read_all(RespReader& reader, std::vector<std::string>& values) {
  for (;;) {
    const Result result = reader.next();
    if (result == Result::kMore) return;
    if (result == Result::kBroken) {
      values.push_back("broken: " + std::string(reader.error()));
      return;
    }
    values.push_back(written(reader.value()));
  }
}

std::vector<std::string> read(std::string_view stream, const Limits& limits = {}) {
  RespReader reader(limits);
  std::vector<std::string> values;
  reader.take(stream);
  read_all(reader, values);
  return values;
}

using Values = std::vector<std::string>;

TEST(RespReader, EachType_IsRead) {
  EXPECT_EQ(read("+OK\r\n"), Values{"+OK"});
  EXPECT_EQ(read("+\r\n"), Values{"+"});
  EXPECT_EQ(read("-ERR no\r\n"), Values{"!ERR no"});
  EXPECT_EQ(read("!5\r\nERR\r\n\r\n"), Values{"!ERR\r\n"});
  EXPECT_EQ(read(":-12\r\n"), Values{"-12"});
  EXPECT_EQ(read(":+12\r\n"), Values{"12"});
  EXPECT_EQ(read(",1.5e3\r\n"), Values{",1.5e3"});
  EXPECT_EQ(read(",inf\r\n"), Values{",inf"});
  EXPECT_EQ(read("(-340282366920938463463374607431768211456\r\n"),
            Values{"+-340282366920938463463374607431768211456"});
  EXPECT_EQ(read("$4\r\na\r\nb\r\n"), Values{"'a\r\nb'"});
  EXPECT_EQ(read("$0\r\n\r\n"), Values{"''"});
  EXPECT_EQ(read("=8\r\ntxt:text\r\n"), Values{"+text"});
  EXPECT_EQ(read("=4\r\nmkd:\r\n"), Values{"+"});
  EXPECT_EQ(read("_\r\n"), Values{"null"});
  EXPECT_EQ(read("$-1\r\n"), Values{"null"});
  EXPECT_EQ(read("*-1\r\n"), Values{"null"});
  EXPECT_EQ(read("#t\r\n#f\r\n"), (Values{"true", "false"}));
  EXPECT_EQ(read("*2\r\n:1\r\n$1\r\na\r\n"), Values{"[1 'a']"});
  EXPECT_EQ(read("~1\r\n:1\r\n"), Values{"[1]"});
  EXPECT_EQ(read("*0\r\n"), Values{"[]"});
  EXPECT_EQ(read("%1\r\n+k\r\n:7\r\n"), Values{"{+k 7}"});
  EXPECT_EQ(read("%0\r\n"), Values{"{}"});
  EXPECT_EQ(read(">2\r\n+message\r\n$1\r\na\r\n"), Values{">[+message 'a']"});
}

TEST(RespReader, LargestIntegers_AreReadAndLargerOnesBreakTheStream) {
  EXPECT_EQ(read(":9223372036854775807\r\n"), Values{"9223372036854775807"});
  EXPECT_EQ(read(":-9223372036854775808\r\n"), Values{"-9223372036854775808"});
  const Values broken{"broken: an integer exceeds 64 bits"};
  EXPECT_EQ(read(":9223372036854775808\r\n"), broken);
  EXPECT_EQ(read(":-9223372036854775809\r\n"), broken);
  EXPECT_EQ(read(":18446744073709551617\r\n"), broken);
  EXPECT_EQ(read(":" + std::string(21, '0')), broken);
}

TEST(RespReader, NestedAggregates_AreReadInPreorder) {
  EXPECT_EQ(read("*3\r\n*2\r\n:1\r\n*0\r\n%1\r\n+a\r\n*1\r\n:2\r\n:3\r\n"),
            Values{"[[1 []] {+a [2]} 3]"});
}

TEST(RespReader, Attributes_AreLeftOut) {
  EXPECT_EQ(read("|1\r\n+ttl\r\n:3600\r\n:7\r\n:8\r\n"), (Values{"7", "8"}));
  EXPECT_EQ(read("|0\r\n:7\r\n"), Values{"7"});
  EXPECT_EQ(read("*2\r\n:1\r\n|1\r\n+a\r\n*1\r\n:5\r\n$1\r\nx\r\n"), Values{"[1 'x']"});
  EXPECT_EQ(read("|1\r\n|1\r\n:1\r\n:2\r\n+k\r\n+v\r\n>1\r\n+x\r\n"), Values{">[+x]"});
}

// Redis may send all of these at once.
std::string mixed_stream() {
  return "%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n"
         ">3\r\n$8\r\nsmessage\r\n$8\r\nwsd1:{r}\r\n$13\r\n1-2 1 a b 1\n\r\r\n"
         "|1\r\n+ttl\r\n:3600\r\n*4\r\n$3\r\n1-2\r\n_\r\n#t\r\n*-1\r\n"
         "-NOSCRIPT No matching script.\r\n=7\r\ntxt:a\rb\r\n(123\r\n,0.5\r\n:-5\r\n!3\r\nabc\r\n"
         "$-1\r\n*0\r\n~1\r\n~1\r\n%0\r\n+\r\n";
}

TEST(RespReader, EveryDivisionOfTheStream_GivesTheSameValues) {
  const std::string stream = mixed_stream();
  const Values expected = read(stream);
  ASSERT_EQ(expected.size(), 13U);
  for (std::size_t first = 0; first <= stream.size(); ++first) {
    for (std::size_t second = first; second <= stream.size(); second += 5) {
      RespReader reader(Limits{});
      Values values;
      reader.take(std::string_view(stream).substr(0, first));
      read_all(reader, values);
      reader.take(std::string_view(stream).substr(first, second - first));
      read_all(reader, values);
      reader.take(std::string_view(stream).substr(second));
      read_all(reader, values);
      ASSERT_EQ(values, expected) << first << " " << second;
    }
  }
}

TEST(RespReader, SingleBytes_GiveTheSameValues) {
  std::string stream;
  for (int i = 0; i < 4; ++i)
    stream += mixed_stream() + "$9000\r\n" + std::string(9'000, 'x') + "\r\n";
  const Values expected = read(stream);
  RespReader reader(Limits{});
  Values values;
  for (const char& c : stream) {
    reader.take({&c, 1});
    read_all(reader, values);
  }
  EXPECT_EQ(values, expected);
}

struct Broken {
  const char* stream;
  const char* error;
};

const Broken kBroken[] = {
    {"?", "a value has an unknown type"},
    {"\r\n", "a value has an unknown type"},
    {"PING\r\n", "a value has an unknown type"},
    {"$-2\r\n", "a length is negative"},
    {"*-2\r\n", "a length is negative"},
    {"%-1\r\n", "a length is negative"},
    {"~-1\r\n", "a length is negative"},
    {">-1\r\n", "a length is negative"},
    {"|-1\r\n", "a length is negative"},
    {"!-1\r\n", "a length is negative"},
    {"=-1\r\n", "a length is negative"},
    {"$-\r\n", "a length is not a decimal number"},
    {"$\r\n", "a length is not a decimal number"},
    {"$+1\r\na\r\n", "a length is not a decimal number"},
    {"$ 1\r\na\r\n", "a length is not a decimal number"},
    {"*a\r\n", "a length is not a decimal number"},
    {"$?\r\n;1\r\na\r\n;0\r\n", "a value is streamed"},
    {"*?\r\n:1\r\n.\r\n", "a value is streamed"},
    {"$1 \r\na\r\n", "a line does not end with CRLF"},
    {"$1\n\na\r\n", "a line does not end with CRLF"},
    {"$1\r\rna\r\n", "a line does not end with CRLF"},
    {"$1\r\nab\r\n", "a line does not end with CRLF"},
    {"$1\r\na\n\n", "a line does not end with CRLF"},
    {"$1\r\na\rx", "a line does not end with CRLF"},
    {"+a\nb\r\n", "a line does not end with CRLF"},
    {"+a\rb\r\n", "a line does not end with CRLF"},
    {"+a\r\r\n", "a line does not end with CRLF"},
    {":1\n", "a line does not end with CRLF"},
    {":1x\r\n", "a line does not end with CRLF"},
    {":1\rx", "a line does not end with CRLF"},
    {":\r\n", "an integer has no digits"},
    {":-\r\n", "an integer has no digits"},
    {":x\r\n", "an integer has no digits"},
    {",\r\n", "a double has no digits"},
    {"(\r\n", "a big number is not decimal"},
    {"(1a\r\n", "a big number is not decimal"},
    {"(-\r\n", "a big number is not decimal"},
    {"#x\r\n", "a boolean is neither t nor f"},
    {"#tt\r\n", "a line does not end with CRLF"},
    {"_x\r\n", "a line does not end with CRLF"},
    {"=3\r\ntxt\r\n", "a verbatim string has no format"},
    {"=4\r\ntext\r\n", "a verbatim string has no format"},
    {">0\r\n", "a push is empty"},
    {"*1\r\n>1\r\n+a\r\n", "a push is inside another value"},
    {"|1\r\n+a\r\n>1\r\n+a\r\n", "a push is inside another value"},
};

TEST(RespReader, BrokenStreams_AreRefusedAtEveryDivision) {
  for (const Broken& broken : kBroken) {
    const std::string stream = ":7\r\n" + std::string(broken.stream);
    const Values expected{"7", "broken: " + std::string(broken.error)};
    EXPECT_EQ(read(stream), expected) << broken.stream;
    // Bytes after the fault, because the reader has a fast path for values that are there.
    EXPECT_EQ(read(stream + "0123456789\r\n"), expected) << broken.stream;
    for (std::size_t split = 0; split < stream.size(); ++split) {
      RespReader reader(Limits{});
      Values values;
      reader.take(std::string_view(stream).substr(0, split));
      read_all(reader, values);
      if (values != expected) {
        reader.take(std::string_view(stream).substr(split));
        read_all(reader, values);
      }
      EXPECT_EQ(values, expected) << broken.stream << " " << split;
    }
  }
}

TEST(RespReader, BrokenStream_StaysBroken) {
  RespReader reader(Limits{});
  reader.take("*2\r\n:1\r\n?");
  EXPECT_EQ(reader.next(), Result::kBroken);
  reader.take(":1\r\n");
  EXPECT_EQ(reader.next(), Result::kBroken);
  EXPECT_TRUE(reader.value().empty());
  EXPECT_EQ(reader.error(), "a value has an unknown type");
}

TEST(RespReader, UnfinishedValue_IsNotShown) {
  RespReader reader(Limits{});
  reader.take("*2\r\n:1\r\n");
  EXPECT_EQ(reader.next(), Result::kMore);
  EXPECT_TRUE(reader.value().empty());
  EXPECT_TRUE(reader.error().empty());
}

TEST(RespReader, AnnouncedLengths_AreJudgedAtTheHead) {
  const Limits limits{100, 10, 8};
  EXPECT_EQ(read("$93\r\n" + std::string(93, 'x'), limits), Values{});  // CRLF is still to come
  const Values large{"broken: a value exceeds the limit of bytes"};
  EXPECT_EQ(read("$94\r\n", limits), large);
  EXPECT_EQ(read("$2147483648\r\n", limits), large);
  EXPECT_EQ(read("$18446744073709551615\r\n", limits), large);
  EXPECT_EQ(read("$" + std::string(50, '0'), limits), large);
  const Values many{"broken: a value has too many elements"};
  EXPECT_EQ(read("*10\r\n", limits), many);
  EXPECT_EQ(read("*2147483648\r\n", limits), many);
  EXPECT_EQ(read("*4294967297\r\n", limits), many);
  EXPECT_EQ(read("*999999999999999999\r\n", limits), many);
  EXPECT_EQ(read("%999999999999999999\r\n", limits), many);
  EXPECT_EQ(read("%5\r\n", limits), many);
  EXPECT_EQ(read("*1\r\n*9\r\n", limits), many);
}

TEST(RespReader, ValueAtTheLimits_IsReadAndLargerOnesBreakTheStream) {
  const std::string value = "*2\r\n$3\r\nabc\r\n*1\r\n:1\r\n";
  const Limits exact{value.size(), 4, 2};
  EXPECT_EQ(read(value + value, exact), (Values{"['abc' [1]]", "['abc' [1]]"}));
  const Limits byte_less{value.size() - 1, 4, 2};
  const Limits node_less{value.size(), 3, 2};
  const Limits level_less{value.size(), 4, 1};
  EXPECT_EQ(read(value, byte_less), Values{"broken: a value exceeds the limit of bytes"});
  EXPECT_EQ(read(value, node_less), Values{"broken: a value has too many elements"});
  EXPECT_EQ(read(value, level_less), Values{"broken: a value has too many levels"});
  EXPECT_EQ(read("*1\r\n*0\r\n", level_less), Values{"broken: a value has too many levels"});
}

TEST(RespReader, DepthLimit_IsAtMostSixteen) {
  const Limits limits{1'000, 100, 100};
  std::string deep;
  for (std::uint32_t i = 0; i < RespReader::kMostDepth; ++i) deep += "*1\r\n";
  EXPECT_EQ(read(deep + ":1\r\n", limits), Values{"[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]"});
  EXPECT_EQ(read(deep + "*1\r\n", limits), Values{"broken: a value has too many levels"});
}

TEST(RespReader, EndlessLine_BreaksTheStreamAtTheLimit) {
  RespReader reader(Limits{1'000, 10, 8});
  for (int i = 0; i < 999; ++i) {
    reader.take(i == 0 ? "+" : "a");
    ASSERT_EQ(reader.next(), Result::kMore) << i;
  }
  reader.take("a");
  EXPECT_EQ(reader.next(), Result::kBroken);
}

TEST(RespReader, EndlessAttributes_BreakTheStreamAtTheLimit) {
  std::string stream;
  for (int i = 0; i < 200; ++i) stream += "|1\r\n_\r\n_\r\n";
  EXPECT_EQ(read(stream, Limits{1'000, 10, 8}),
            Values{"broken: a value exceeds the limit of bytes"});
}

// The first children are read before the last ones arrive. The buffer moves its bytes to the front
// while it holds the begin of a value of 700 children, and grows while it holds one of 4,000.
TEST(RespReader, LargeValuesInPieces_AreWholeAfterTheBufferHasMoved) {
  std::string stream;
  for (const int children : {700, 700, 700, 4'000, 700, 4'000}) {
    stream += "*" + std::to_string(children) + "\r\n";
    for (int i = 0; i < children; ++i) stream += "$8\r\n" + std::to_string(10'000'000 + i) + "\r\n";
  }
  const Values expected = read(stream);
  ASSERT_EQ(expected.size(), 6U);
  RespReader reader(Limits{});
  Values values;
  for (std::size_t at = 0; at < stream.size(); at += 13) {
    reader.take(std::string_view(stream).substr(at, 13));
    read_all(reader, values);
  }
  EXPECT_EQ(values, expected);
}

TEST(RespValue, Child_ReturnsTheElementWithItsDescendants) {
  RespReader reader(Limits{});
  reader.take("*3\r\n*2\r\n:1\r\n:2\r\n:3\r\n*1\r\n:4\r\n");
  ASSERT_EQ(reader.next(), Result::kValue);
  EXPECT_EQ(written(child(reader.value(), 0)), "[1 2]");
  EXPECT_EQ(written(child(reader.value(), 1)), "3");
  EXPECT_EQ(written(child(reader.value(), 2)), "[4]");
  EXPECT_EQ(written(child(child(reader.value(), 2), 0)), "4");
  EXPECT_TRUE(child(reader.value(), 3).empty());
  EXPECT_TRUE(child(child(reader.value(), 1), 0).empty());
  EXPECT_TRUE(child({}, 0).empty());
}

TEST(RespValue, Find_ReturnsTheValueOfAKey) {
  RespReader reader(Limits{});
  reader.take("%3\r\n$1\r\na\r\n*1\r\n:1\r\n*1\r\n+b\r\n:2\r\n+b\r\n:3\r\n");
  ASSERT_EQ(reader.next(), Result::kValue);
  EXPECT_EQ(written(find(reader.value(), "a")), "[1]");
  EXPECT_EQ(written(find(reader.value(), "b")), "3");
  EXPECT_TRUE(find(reader.value(), "c").empty());
  EXPECT_TRUE(find({}, "a").empty());
  // Only texts are keys.
  reader.take("%2\r\n_\r\n:1\r\n-b\r\n:2\r\n");
  ASSERT_EQ(reader.next(), Result::kValue);
  EXPECT_TRUE(find(reader.value(), "").empty());
  EXPECT_TRUE(find(reader.value(), "b").empty());
  reader.take("*3\r\n+a\r\n:1\r\n+b\r\n");
  ASSERT_EQ(reader.next(), Result::kValue);
  EXPECT_EQ(written(find(reader.value(), "a")), "1");
  EXPECT_TRUE(find(reader.value(), "b").empty());
}

}  // namespace
}  // namespace wsd::engine
