// Group 1: the echo of one frame, text or binary, with lengths around the limits of each encoding.
#include "conformance/bytes.h"
#include "conformance/catalogue.h"

namespace wsconform {

namespace {

struct Echo {
  std::size_t size;
  std::size_t chop;
  double limit_s;
};

constexpr Echo kEchoes[] = {{0, 0, 2},   {125, 0, 2},    {126, 0, 2},    {127, 0, 2},
                            {128, 0, 2}, {65535, 0, 10}, {65536, 0, 10}, {65536, 997, 10}};

Script script(std::uint8_t opcode, const Echo& echo) {
  const std::string payload = repeated(opcode == kText ? "*" : "\xfe", echo.size);
  return {.steps = {send(opcode, payload, {echo.chop, false})},
          .ok = {opcode == kText ? text(payload) : binary(payload)},
          .limit_s = echo.limit_s};
}

}  // namespace

Cases group_1() {
  Cases cases;
  for (const std::uint8_t opcode : {kText, kBinary}) {
    int number = 0;
    for (const Echo& echo : kEchoes) {
      std::string sends = std::string(opcode == kText ? "a text" : "a binary") + " message of " +
                          std::to_string(echo.size) + " bytes";
      if (echo.chop > 0) sends += " in writes of " + std::to_string(echo.chop);
      cases.push_back({.id = {1, opcode, ++number},
                       .sends = std::move(sends),
                       .expects = "its echo",
                       .body = [opcode, &echo] { return script(opcode, echo); }});
    }
  }
  return cases;
}

}  // namespace wsconform
