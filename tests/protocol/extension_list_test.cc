#include "protocol/extension_list.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wsd::protocol {
namespace {

// Returns one canonical form, to compare whole results.
std::string text_of(const std::vector<ExtensionOffer>& offers) {
  std::string text;
  for (const ExtensionOffer& offer : offers) {
    text.append(text.empty() ? "" : ", ").append(offer.name);
    for (const ExtensionParameter& parameter : offer.parameters) {
      text.append("; ").append(parameter.name);
      if (parameter.has_value) text.append("=").append(parameter.value);
    }
  }
  return text;
}

TEST(ExtensionList, Rfc6455_9_1_OffersAndParameters) {
  struct Row {
    const char* line;
    const char* read;
  };
  for (const Row& row : std::vector<Row>{
           {"a", "a"},
           {"a, b", "a, b"},
           {" a ;x = 1;y , b", "a; x=1; y, b"},
           {"a;x=\"1\"", "a; x=1"},
           {"a;x=\"\\1\\2\"", "a; x=12"},
           {",a,,b,", "a, b"},
           {"", ""},
           {"permessage-deflate; client_max_window_bits; server_max_window_bits=10",
            "permessage-deflate; client_max_window_bits; server_max_window_bits=10"}}) {
    std::vector<ExtensionOffer> offers;
    EXPECT_TRUE(read_extensions(row.line, offers)) << row.line;
    EXPECT_EQ(text_of(offers), row.read) << row.line;
  }
}

TEST(ExtensionList, Rfc6455_9_1_ListsOutsideTheAbnf) {
  for (const char* line : {"a;", "a;=1", "a;x=", "a;x=\"", "a;x=\"\"", "a;x=\"a b\"", "a b", "a;;x",
                           "=", ";", "a;x=\"1\"2", "a/b", "a;x=\"\\"}) {
    std::vector<ExtensionOffer> offers;
    EXPECT_FALSE(read_extensions(line, offers)) << line;
  }
}

TEST(ExtensionList, SeveralFieldLines_FormOneList) {
  std::vector<ExtensionOffer> offers;
  EXPECT_TRUE(read_extensions("a;x", offers));
  EXPECT_TRUE(read_extensions("b", offers));
  EXPECT_EQ(text_of(offers), "a; x, b");
}

}  // namespace
}  // namespace wsd::protocol
