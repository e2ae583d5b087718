// X-Forwarded-For and Forwarded. Whatever a client writes, the entries that its proxies append must
// decide. The input is one byte of options and then the client's own lines, in either field.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "fuzz_input.h"
#include "protocol/forwarded.h"

namespace {

using namespace wsd;            // NOLINT: a program of its own
using namespace wsd::protocol;  // NOLINT

const TrustedProxies& ours() {
  static const TrustedProxies trusted = [] {
    TrustedProxies made;
    WSD_ASSERT(made.add("10.0.0.0/8").empty());
    WSD_ASSERT(made.add("2001:db8:f::/48").empty());
    return made;
  }();
  return trusted;
}

std::string client(const std::vector<std::string>& lines, std::string_view name,
                   ForwardedField field) {
  std::vector<HttpField> fields = {{"Host", "h"}};
  for (const std::string& line : lines) fields.push_back({name, line});
  const auto found = forwarded_client(fields, field, ours());
  if (!found) return {};
  // The resulting text parses to the same address.
  const auto again = IpEndpoint::parse(found->text());
  WSD_ASSERT(again && *again == *found);
  return found->text();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::FuzzInput input(data, size);
  const std::uint8_t circumstances = input.byte();
  const bool rfc = (circumstances & 1) != 0;
  const auto field = rfc ? ForwardedField::kForwarded : ForwardedField::kXForwardedFor;
  const std::string_view name = rfc ? "Forwarded" : "X-Forwarded-For";
  std::vector<std::string> lines(1);
  for (const std::uint8_t byte : input.rest()) {
    if (byte == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += static_cast<char>(byte);
    }
  }
  static_cast<void>(client(lines, name, field));

  const std::string added = rfc ? "for=\"192.0.2.1:4711\";proto=https" : "192.0.2.1:4711";
  const std::string hop = rfc ? "for=10.0.0.1;by=\"a,b\"" : "10.0.0.1";
  // On separate lines, the client cannot affect the entries of the proxies.
  std::vector<std::string> behind = lines;
  behind.push_back(added);
  WSD_ASSERT(client(behind, name, field) == "192.0.2.1:4711");
  behind.push_back(hop);
  WSD_ASSERT(client(behind, name, field) == "192.0.2.1:4711");
  // On its own last line, the client may hide them by an open quote, but do nothing else.
  std::vector<std::string> joined = lines;
  joined.back() += ", " + added;
  const std::string found = client(joined, name, field);
  WSD_ASSERT(found == "192.0.2.1:4711" || (rfc && found.empty()));
  // The client may write anything in the other field.
  WSD_ASSERT(client(lines, rfc ? "X-Forwarded-For" : "Forwarded", field).empty());
  return 0;
}
