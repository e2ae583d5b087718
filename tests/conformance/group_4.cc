// Group 4: reserved opcodes.
#include "conformance/catalogue.h"

namespace wsconform {

namespace {

const std::string kHello = "Hello, world!";

struct Reserved {
  int section;
  int number;
  std::uint8_t opcode;
  const char* payload;
  bool after_message;
  Chop chop;
};

constexpr const char* kReserved = "reserved opcode payload";

constexpr Reserved kTable[] = {
    {1, 1, 3, "", false, kTogether},
    {1, 2, 4, kReserved, false, kTogether},
    {1, 3, 5, "", true, kTogether},
    {1, 4, 6, "Hello, world!", true, kTogether},
    {1, 5, 7, "Hello, world!", true, kOctetWise},
    {2, 1, 11, "", false, kTogether},
    {2, 2, 12, kReserved, false, kTogether},
    {2, 3, 13, "", true, kTogether},
    {2, 4, 14, "Hello, world!", true, kTogether},
    {2, 5, 15, "Hello, world!", true, kOctetWise},
};

Script script(const Reserved& row) {
  Script script{.steps = {}, .ok = {}, .close = peer_fails(1002)};
  if (row.after_message) {
    script.steps.push_back(send(kText, kHello, row.chop));
    script.ok = {text(kHello)};
    script.non_strict = Events{};
  }
  script.steps.push_back(send(row.opcode, row.payload, row.chop));
  if (row.after_message) script.steps.push_back(send(kPing, "", row.chop));
  return script;
}

}  // namespace

Cases group_4() {
  Cases cases;
  for (const Reserved& row : kTable) {
    const std::string frame = "a frame with opcode " + std::to_string(row.opcode);
    std::string sends = row.after_message ? "a text, " + frame + ", a Ping" : frame;
    if (row.chop.octets == 1) sends += ", octet by octet";
    cases.push_back(
        {.id = {4, row.section, row.number},
         .sends = std::move(sends),
         .expects = std::string(row.after_message ? "the echo of the text, then " : "") +
                    "the peer fails the connection with 1002",
         .body = [&row] { return script(row); }});
  }
  return cases;
}

}  // namespace wsconform
